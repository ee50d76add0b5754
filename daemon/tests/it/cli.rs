//! The binary, as a shell sees it.

use std::io::Read;
use std::process::Stdio;

use libtest_mimic::Trial;
use lockwatch::state::State;

use crate::support::{folder, holder, lock, lockwatch, until_seen, waiter};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("cli::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("no_command_is_status", no_command_is_status),
        test(
            "the_answer_comes_first_and_then_an_entry_for_each_process",
            the_answer_comes_first_and_then_an_entry_for_each_process,
        ),
        test("check_tells_by_its_exit_code", check_tells_by_its_exit_code),
        test("all_shows_what_blocks_nobody", all_shows_what_blocks_nobody),
        test("colour_only_where_it_is_wanted", colour_only_where_it_is_wanted),
        test("a_closed_pipe_is_no_error", a_closed_pipe_is_no_error),
        test("a_wrong_command_line", a_wrong_command_line),
        test("help_has_examples", help_has_examples),
        test("a_cargo_home_that_cannot_be_read", a_cargo_home_that_cannot_be_read),
        test("completions_and_man_page", completions_and_man_page),
    ]
}

fn text(arguments: &[&str]) -> String {
    let output = lockwatch().args(arguments).output().expect("runs");
    String::from_utf8(output.stdout).expect("is text")
}

fn no_command_is_status() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let front = holder("exclusive", &path);
    let _behind = waiter("exclusive", &path);
    until_seen(&path, 1, 1);
    for arguments in [&[][..], &["status"]] {
        let text = text(arguments);
        assert!(text.contains(&format!("pid {}", front.pid())), "{text}");
    }
}

fn the_answer_comes_first_and_then_an_entry_for_each_process() {
    let home = folder();
    let path = home.path().join("parity/target/debug/.cargo-build-lock");
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes the folder");
    let front = holder("exclusive", &path);
    let crowd: Vec<_> = (0..12).map(|_| waiter("exclusive", &path)).collect();
    until_seen(&path, 1, crowd.len());
    // The first line is about the worst on this machine, which another test may have made. Its wording is held by the
    // snapshots of the view.
    let text = text(&["status"]);
    let first = text.lines().next().expect("has one");
    assert!(first.contains(" holds the ") && first.contains(" waiting"), "{text}");
    assert!(text.contains(&format!("  pid {}\n", front.pid())), "{text}");
    assert!(
        text.contains(&format!(
            "  holds       build directory, exclusive  {}\n",
            path.display()
        )),
        "{text}"
    );
    assert!(
        text.contains("and 2 more; `lockwatch status --all` shows them"),
        "{text}"
    );
}

fn check_tells_by_its_exit_code() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let _front = holder("exclusive", &path);
    let _behind = waiter("exclusive", &path);
    until_seen(&path, 1, 1);
    assert_eq!(
        lockwatch()
            .args(["status", "--check"])
            .output()
            .expect("runs")
            .status
            .code(),
        Some(1)
    );
    assert_eq!(lockwatch().arg("status").output().expect("runs").status.code(), Some(0));
}

fn all_shows_what_blocks_nobody() {
    let home = folder();
    let path = home.path().join(".package-cache-mutate");
    let front = holder("shared", &path);
    let pid = format!("pid {}", front.pid());
    assert!(text(&["status", "--all"]).contains(&pid));
    let output = lockwatch().args(["status", "--all", "--json"]).output().expect("runs");
    let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
    // The cargo that runs these tests holds nothing, and is there.
    let processes = state.processes.expect("were asked for");
    if std::env::var_os("CARGO").is_some() {
        assert!(
            processes.iter().any(|process| process.command.starts_with("cargo")),
            "{processes:?}"
        );
    }
    let output = lockwatch().args(["status", "--json"]).output().expect("runs");
    let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
    assert_eq!(state.processes, None);
    assert!(lock(&state, &path).is_some(), "JSON has every lock always");
}

fn colour_only_where_it_is_wanted() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let _front = holder("exclusive", &path);
    let run = |name: &str| lockwatch().arg("status").env(name, "1").output().expect("runs").stdout;
    let coloured = |text: &[u8]| text.contains(&0x1b);
    assert!(
        !coloured(&lockwatch().arg("status").output().expect("runs").stdout),
        "a pipe is no terminal"
    );
    assert!(coloured(&run("CLICOLOR_FORCE")));
    assert!(!coloured(&run("NO_COLOR")));
}

fn a_closed_pipe_is_no_error() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let _front = holder("exclusive", &path);
    let _behind = waiter("exclusive", &path);
    until_seen(&path, 1, 1);
    let mut child = lockwatch()
        .args(["status", "--json", "--check"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let mut talk = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut talk)
        .expect("reads");
    assert_eq!((child.wait().expect("waits").code(), talk.as_str()), (Some(1), ""));
}

fn a_wrong_command_line() {
    for arguments in [&["frobnicate"][..], &["status", "--jsn"], &["status", "extra"]] {
        let output = lockwatch().args(arguments).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let talk = String::from_utf8(output.stderr).expect("is text");
        assert!(talk.contains("--help"), "{talk}");
    }
}

fn help_has_examples() {
    for arguments in [
        &["--help"][..],
        &["status", "--help"],
        &["stop", "--help"],
        &["run", "--help"],
        &["daemon", "--help"],
        &["watch", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let output = lockwatch().args(arguments).output().expect("runs");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("is text");
        assert!(text.contains("Example"), "{text}");
    }
}

fn a_cargo_home_that_cannot_be_read() {
    let home = folder();
    let missing = home.path().join("missing");
    let output = lockwatch()
        .args(["status", "--json"])
        .env("CARGO_HOME", &missing)
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(0));
    let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
    assert!(
        state
            .notes
            .iter()
            .any(|note| note.starts_with(&format!("{} cannot be read", missing.display()))),
        "{:?}",
        state.notes
    );
}

fn completions_and_man_page() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&["completions", shell]).contains("lockwatch"), "{shell}");
    }
    assert!(text(&["man"]).starts_with(".ie"), "{}", text(&["man"]));
}
