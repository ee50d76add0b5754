//! Other users, containers, and a system without `/proc`. Each needs a capability, and is shown as ignored without it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Completion, Trial};
use lockwatch::os::Precision;
use lockwatch::state::State;

use crate::support::{Running, folder, lock, lockwatch, until};

type Outcome = Result<Completion, libtest_mimic::Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::ignorable_test("namespaces::a_holder_of_another_user", a_holder_of_another_user),
        Trial::ignorable_test("namespaces::a_pid_namespace", a_pid_namespace),
        Trial::ignorable_test("namespaces::a_mount_namespace", a_mount_namespace),
        Trial::ignorable_test("namespaces::no_proc", no_proc),
    ]
}

const NOT_ROOT: &str = "takes root, to start processes as other users";
const NO_NAMESPACES: &str = "takes user namespaces and the `unshare` command";

/// Users that no system gives to anybody.
const ONE: u32 = 64_001;
const OTHER: u32 = 64_002;

fn unshare(flags: &[&str], script: &str, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-ec", script, "sh"]).arg(program);
    command
}

fn can(flags: &[&str]) -> bool {
    Command::new("unshare")
        .args(flags)
        .arg("true")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn document(output: &Output) -> State {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A copy of a program where any user can start it.
fn public_copy(program: &Path, folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let copy = folder.join(program.file_name().expect("has one"));
    std::fs::copy(program, &copy).expect("copies");
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).expect("opens it");
    copy
}

fn a_holder_of_another_user() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    if !rustix::process::geteuid().is_root() {
        return Ok(Completion::ignored_with(NOT_ROOT));
    }
    let home = folder();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777))?;
    let path = home.path().join(".package-cache");
    std::fs::write(&path, "")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
    let helper = public_copy(&std::env::current_exe()?, home.path());
    let binary = public_copy(Path::new(env!("CARGO_BIN_EXE_lockwatch")), home.path());
    let start = |uid: u32| {
        let mut command = Command::new(&helper);
        command
            .args(["helper", "lock", "exclusive"])
            .arg(&path)
            .uid(uid)
            .gid(uid)
            .current_dir("/");
        Running::start(&mut command)
    };
    let mut front = start(OTHER);
    assert_eq!(front.line(), "locked");
    let behind = start(ONE);
    let state = until("the waiter to show", || {
        let output = Command::new(&binary)
            .args(["status", "--json"])
            .uid(ONE)
            .gid(ONE)
            .current_dir("/")
            .output()
            .expect("runs");
        let state = document(&output);
        lock(&state, &path)
            .is_some_and(|lock| !lock.waiters.is_empty())
            .then_some(state)
    });
    let seen = lock(&state, &path).expect("is there");
    assert_eq!(seen.waiters[0].process.pid, behind.pid());
    assert!(seen.holders.is_empty(), "what cannot be confirmed is not guessed");
    assert_eq!(state.precision, Precision::Inferred);
    let note = format!(
        "{} is held by process {}, which only root can look into",
        path.display(),
        front.pid()
    );
    assert!(state.notes.contains(&note), "{:?}", state.notes);
    let text = Command::new(&binary)
        .arg("status")
        .uid(ONE)
        .gid(ONE)
        .current_dir("/")
        .output()?
        .stdout;
    assert!(
        String::from_utf8_lossy(&text).contains("holder      not seen"),
        "{}",
        String::from_utf8_lossy(&text)
    );
    // And root sees both.
    let seen_by_root = document(&lockwatch().args(["status", "--json"]).output()?);
    assert_eq!(
        lock(&seen_by_root, &path).map(|lock| lock.holders[0].process.pid),
        Some(front.pid())
    );
    Ok(Completion::Completed)
}

fn a_pid_namespace() -> Outcome {
    let flags = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    if !can(&flags) {
        return Ok(Completion::ignored_with(NO_NAMESPACES));
    }
    let output = unshare(
        &flags,
        "exec \"$1\" status --json",
        Path::new(env!("CARGO_BIN_EXE_lockwatch")),
    )
    .output()?;
    let state = document(&output);
    assert_eq!(state.precision, Precision::Inferred);
    assert!(
        state.notes.iter().any(|note| note.starts_with("this is a container")),
        "{:?}",
        state.notes
    );
    Ok(Completion::Completed)
}

fn a_mount_namespace() -> Outcome {
    let flags = ["--user", "--map-root-user", "--mount"];
    if !can(&flags) {
        return Ok(Completion::ignored_with(NO_NAMESPACES));
    }
    let home = folder();
    let script = format!(
        "mount -t tmpfs none '{0}'; exec \"$1\" helper lock exclusive '{0}/.package-cache'",
        home.path().display()
    );
    let mut front = Running::start(&mut unshare(&flags, &script, &std::env::current_exe()?));
    assert_eq!(front.line(), "locked");
    let path = home.path().join(".package-cache");
    assert!(!path.exists(), "it lies in the other namespace");
    let state = document(&lockwatch().args(["status", "--json"]).output()?);
    let seen = lock(&state, &path).expect("is there");
    assert_eq!(seen.holders[0].process.pid, front.pid());
    assert!(seen.other_mount_namespace);
    assert!(
        state
            .notes
            .iter()
            .any(|note| note.contains("is a path inside the container of process")),
        "{:?}",
        state.notes
    );
    Ok(Completion::Completed)
}

fn no_proc() -> Outcome {
    let flags = ["--user", "--map-root-user", "--mount"];
    if !can(&flags) {
        return Ok(Completion::ignored_with(NO_NAMESPACES));
    }
    let script = "mount -t tmpfs none /proc; exec \"$1\" status";
    let output = unshare(&flags, script, Path::new(env!("CARGO_BIN_EXE_lockwatch"))).output()?;
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    assert!(output.stdout.is_empty());
    let talk = String::from_utf8(output.stderr).expect("is text");
    assert_eq!(
        talk.trim_end(),
        "lockwatch: cannot read /proc/locks: No such file or directory (os error 2); \
         lockwatch needs /proc; in a container or chroot, mount it (`mount -t proc proc /proc`)"
    );
    Ok(Completion::Completed)
}
