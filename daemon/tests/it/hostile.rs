//! Names that are made to confuse: in paths, in arguments, in the process's own name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use libtest_mimic::Trial;
use lockwatch::state::State;

use crate::support::{Running, folder, helper_command, lockwatch, until};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("hostile::paths_and_arguments", || {
            paths_and_arguments();
            Ok(())
        }),
        Trial::test("hostile::secrets_in_arguments", || {
            secrets_in_arguments();
            Ok(())
        }),
    ]
}

fn documents_with(pid: u32) -> (String, State) {
    until("the holder to be seen", || {
        let output = lockwatch().args(["status", "--json"]).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("is UTF-8 whatever the names are");
        let state: State = serde_json::from_str(&text).expect("is the document");
        let seen = state
            .locks
            .iter()
            .any(|lock| lock.holders.iter().any(|holder| holder.process.pid == pid));
        seen.then_some((text, state))
    })
}

fn paths_and_arguments() {
    let home = folder();
    let names: [&[u8]; 5] = [
        b"new\nline",
        b"tab\tand\x1b[31mred",
        b"invalid \xff\xfe",
        "\u{202e}right to left".as_bytes(),
        b"(deleted) (deleted)",
    ];
    for name in names {
        let folder = home.path().join(OsString::from_vec(name.to_vec()));
        std::fs::create_dir(&folder).expect("makes the folder");
        let path = folder.join(".package-cache");
        let mut command = helper_command([OsStr::new("lock"), "exclusive".as_ref(), path.as_ref()]);
        let mut front = Running::start(command.current_dir(&folder));
        assert_eq!(front.line(), "locked");
        let (json, state) = documents_with(front.pid());
        let plain = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}');
        assert!(plain(&json), "{json:?}");
        let text = lockwatch().args(["status", "--all"]).output().expect("runs").stdout;
        let text = String::from_utf8(text).expect("is UTF-8");
        assert!(plain(&text), "{text:?}");
        let lock = state
            .locks
            .iter()
            .find(|lock| lock.holders.iter().any(|one| one.process.pid == front.pid()))
            .expect("held");
        let line = lock.path.clone();
        assert!(!line.contains('\n') && line.ends_with("/.package-cache"), "{line:?}");
        assert!(!lock.deleted, "a name is not what tells whether a file was deleted");
    }
}

fn secrets_in_arguments() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let mut command = helper_command([OsStr::new("lock"), "exclusive".as_ref(), path.as_ref()]);
    // The helper reads its arguments in pairs; these are lock files to it, and secrets by their look.
    command.args(["shared", "--token=hunter2", "exclusive", "CARGO_REGISTRY_TOKEN=hunter3"]);
    let mut front = Running::start(command.current_dir(home.path()));
    for _ in 0..3 {
        assert_eq!(front.line(), "locked");
    }
    let (json, state) = documents_with(front.pid());
    assert!(!json.contains("hunter"), "{json}");
    let mut holders = state.locks.iter().flat_map(|lock| &lock.holders);
    let holder = holders.find(|holder| holder.process.pid == front.pid()).expect("holds");
    assert_eq!(
        holder.process.argv.iter().filter(|word| word.contains("***")).count(),
        2,
        "{:?}",
        holder.process.argv
    );
    let text = lockwatch().args(["status", "--all"]).output().expect("runs").stdout;
    assert!(
        !String::from_utf8_lossy(&text).contains("hunter"),
        "{}",
        String::from_utf8_lossy(&text)
    );
}
