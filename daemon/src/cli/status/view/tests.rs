use std::collections::BTreeSet;

use super::*;
use crate::os::Note;
use crate::os::made::Made;
use crate::process::{Pid, RunState};

const CACHE: &str = "/home/me/.cargo/.package-cache";
const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";
const ARTIFACT: &str = "/home/me/src/parity/target/debug/.cargo-artifact-lock";
const MUTATE: &str = "/home/me/.cargo/.package-cache-mutate";

fn base() -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 90_000)
        .process(4600, 1, "rust-analyzer", 7_000)
        .process(4700, 1, "-zsh", 9_000)
        .process(4711, 4600, "cargo check --workspace --message-format=json", 133)
        .process(4800, 4700, "cargo build --release", 4)
}

fn text(made: Made, all: bool, width: Option<usize>) -> String {
    let view = View {
        home: Some("/home/me"),
        width,
        all,
    };
    let coloured = view.render(&State::direct(&made.look(), &BTreeSet::new()));
    anstream::adapter::strip_str(&coloured).to_string()
}

#[test]
fn nothing_is_held() {
    insta::assert_snapshot!(text(base(), false, None));
}

#[test]
fn one_holder_and_nobody_waits() {
    insta::assert_snapshot!(text(base().lock(BUILD, &[(4711, '+')], &[]), false, None));
}

#[test]
fn several_holders_and_nobody_waits() {
    let made = base()
        .lock(BUILD, &[(4711, '+')], &[])
        .lock(MUTATE, &[(4711, '-'), (4800, '-')], &[]);
    insta::assert_snapshot!(text(made, false, None));
}

fn contended() -> Made {
    base()
        .lock(BUILD, &[(4711, '+')], &[(4800, '+')])
        .lock(ARTIFACT, &[(4711, '+')], &[])
        .lock(MUTATE, &[(4711, '-')], &[])
}

#[test]
fn somebody_waits() {
    insta::assert_snapshot!(text(contended(), false, None));
}

#[test]
fn a_narrow_terminal() {
    insta::assert_snapshot!(text(contended(), false, Some(40)));
}

#[test]
fn a_suspended_holder_of_a_deleted_lock() {
    let made = contended().with(4711, |process| process.state = RunState::Stopped);
    insta::assert_snapshot!(text(made.last_file(|file| file.deleted = true), false, None));
}

#[test]
fn a_chain_of_three() {
    let made = base()
        .process(4900, 4700, "cargo test", 2)
        .lock(CACHE, &[(4711, '+')], &[(4800, '+')])
        .lock(BUILD, &[(4800, '+')], &[(4900, '+')]);
    insta::assert_snapshot!(text(made, false, None));
}

fn crowd(pids: std::ops::Range<Pid>) -> Made {
    let made = pids
        .clone()
        .fold(base(), |made, pid| made.process(pid, 4700, "cargo build", 3));
    let waiters: Vec<(Pid, char)> = pids.map(|pid| (pid, '+')).collect();
    made.lock(CACHE, &[(4711, '+')], &waiters)
}

#[test]
fn forty_waiters() {
    insta::assert_snapshot!(text(crowd(5000..5040), false, None));
}

#[test]
fn all_shows_all_waiters() {
    let text = text(crowd(5000..5040), true, None);
    assert_eq!(text.matches("cargo build  for the package cache").count(), 40);
    assert!(!text.contains("more;"));
}

#[test]
fn twelve_holders() {
    let made = (5000..5012).fold(base(), |made, pid| {
        let path = format!("/home/me/src/crate{pid}/target/debug/.cargo-build-lock");
        made.process(pid, 4700, "cargo build", i64::from(pid - 4990))
            .lock(&path, &[(pid, '+')], &[])
    });
    insta::assert_snapshot!("twelve_holders", text(made.clone(), false, None));
    insta::assert_snapshot!("twelve_holders_all", text(made, true, None));
}

#[test]
fn a_holder_of_another_user() {
    let made = base().lock(CACHE, &[], &[(4800, '+')]);
    insta::assert_snapshot!(text(
        made.note(Note::OtherUser {
            path: CACHE.into(),
            pid: Some(812)
        }),
        false,
        None
    ));
}

#[test]
fn uninvolved_holders_do_not_hide_who_waits_for_another_users_lock() {
    let made = base()
        .process(4900, 4700, "cargo test", 2)
        .lock(BUILD, &[(4711, '+')], &[])
        .lock(MUTATE, &[(4900, '-')], &[])
        .lock(CACHE, &[], &[(4800, '+')]);
    let text = text(made, false, None);
    assert!(
        text.starts_with("1 process waits for a Cargo lock that nobody is seen to hold\n"),
        "{text}"
    );
}

#[test]
fn what_is_not_involved() {
    let look = base().lock(BUILD, &[(4711, '+')], &[]).look();
    let other = base().lock(CACHE, &[(4800, '+')], &[]).look();
    let bystanders: Vec<_> = other.processes.values().map(|one| one.as_ref().clone()).collect();
    let state = State::direct(&look, &BTreeSet::new()).with_bystanders(&bystanders);
    let view = View {
        home: Some("/home/me"),
        width: None,
        all: true,
    };
    insta::assert_snapshot!(anstream::adapter::strip_str(&view.render(&state)).to_string());
}

#[test]
fn colours_are_balanced() {
    let view = View {
        home: None,
        width: None,
        all: true,
    };
    let coloured = view.render(&State::direct(&contended().look(), &BTreeSet::new()));
    for line in coloured.lines() {
        let last = line.rfind("\x1b[").map_or("", |place| &line[place..]);
        assert!(
            last.is_empty() || last.starts_with("\x1b[0m"),
            "a style runs on: {line:?}"
        );
    }
}

#[test]
fn an_orphan_and_its_like() {
    let alone = |process: &mut crate::process::Process| (process.session, process.has_terminal) = (77, false);
    let made = Made::default()
        .process(1, 0, "/sbin/init", 90_000)
        .process(4711, 1, "cargo metadata --format-version 1", 133)
        .process(4800, 1, "cargo build", 4)
        .with(4711, alone)
        .with(4800, alone)
        .variable(4711, "CARGO_LOG", "cargo::core::compiler::fingerprint=info")
        .lock(CACHE, &[(4711, '+')], &[(4800, '+')]);
    insta::assert_snapshot!(text(made, false, None));
}
