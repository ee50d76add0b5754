//! `lockwatch explain`, as a shell sees it.

use std::io::Write as _;
use std::process::{Output, Stdio};

use libtest_mimic::Trial;

use crate::support::{folder, holder, lockwatch, until_seen, waiter};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("explain::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("a_pasted_log_names_who_holds_it", a_pasted_log_names_who_holds_it),
        test("words_as_arguments", words_as_arguments),
        test("without_anything_it_is_the_moment", without_anything_it_is_the_moment),
        test("what_is_not_known_is_said", what_is_not_known_is_said),
    ]
}

fn explain(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = lockwatch();
    command.arg("explain").args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    child.stdin.take().expect("piped").write_all(input).expect("writes");
    child.wait_with_output().expect("ends")
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("is text")
}

fn a_pasted_log_names_who_holds_it() {
    let home = folder();
    let path = home.path().join("target/debug/.cargo-build-lock");
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes it");
    let front = holder("exclusive", &path);
    let _behind = waiter("exclusive", &path);
    until_seen(&path, 1, 1);
    let log = format!(
        "   Compiling a v0.1.0\r\n\u{1b}[36m    Blocking\u{1b}[0m waiting for file lock on build directory ({})\r\n\
         \u{1b}[36m    Blocking\u{1b}[0m waiting for file lock on Cargo.lock file\r\n",
        path.display()
    );
    let text = text(&explain(&[], log.as_bytes()));
    assert!(text.contains(&format!("pid {}", front.pid())), "{text}");
    assert!(text.contains("a protection, not an error"), "{text}");
    assert!(
        text.contains("Blocking waiting for file lock on Cargo.lock file\n"),
        "{text}"
    );
    assert!(text.contains("delete the file"), "{text}");
}

fn words_as_arguments() {
    for arguments in [
        &["package cache"][..],
        &["package", "cache"],
        &["Blocking waiting for file lock on package cache"],
    ] {
        let text = text(&explain(arguments, b""));
        assert!(text.contains("/.package-cache\n"), "{text}");
    }
}

fn without_anything_it_is_the_moment() {
    let text = text(&explain(&[], b""));
    for name in ["wait", "slow", "stuck", "network", "compile error"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{text}");
    }
}

fn what_is_not_known_is_said() {
    for (input, said) in [
        ("nothing of the kind\n", "no line about a lock"),
        ("Blocking waiting for file lock on vet store\n", "`vet store`"),
    ] {
        let output = explain(&["-"], input.as_bytes());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error = String::from_utf8(output.stderr).expect("is text");
        assert!(error.contains(said) && error.contains("`build directory`"), "{error}");
    }
    // The shell's own bytes are no reason to fail.
    let output = explain(&[], b"\xff\xfe Blocking waiting for file lock on build directory");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
