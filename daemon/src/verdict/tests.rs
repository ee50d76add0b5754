mod course;

use super::*;
use crate::os::made::Made;
use crate::process::Pid;

const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";
const CACHE: &str = "/home/me/.cargo/.package-cache";

fn terminal(pid: Pid, argv: &str) -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(90, 1, "-zsh", 800)
        .process(pid, 90, argv, 60)
}

fn judge(look: &Look, pid: Pid, confirmed: &[Pid]) -> Verdict {
    let one = look
        .processes
        .values()
        .find(|one| one.process.id.pid == pid)
        .expect("is there");
    let confirmed = look
        .processes
        .keys()
        .copied()
        .filter(|process| confirmed.contains(&process.pid))
        .collect();
    let case = Case {
        look,
        graph: &WaitGraph::of(look),
        confirmed: &confirmed,
    };
    super::judge(one, case, None)
}

fn word(verdict: &Verdict) -> (Class, Reason) {
    (verdict.class, verdict.reason)
}

#[test]
fn one_look_is_not_enough_to_tell_working() {
    let look = terminal(100, "cargo build").lock(BUILD, &[(100, '+')], &[]).look();
    let verdict = judge(&look, 100, &[]);
    assert_eq!(word(&verdict), (Class::Unknown, Reason::NotObserved));
    assert_eq!((verdict.since, verdict.evidence), (None, vec![]));
    assert_eq!(verdict.advice, "wait; nothing is known against it");
}

#[test]
fn suspended_is_certain_at_once() {
    let made = terminal(100, "cargo build").with(100, |process| process.state = RunState::Stopped);
    let verdict = judge(&made.lock(BUILD, &[(100, '+')], &[]).look(), 100, &[]);
    assert_eq!(word(&verdict), (Class::Stuck, Reason::Suspended));
    assert_eq!(verdict.evidence, ["process 100 is stopped and keeps its locks"]);
    assert_eq!(
        verdict.advice,
        "type `fg` in the terminal that it was started in, or let it go on with `kill -CONT 100`"
    );
}

#[test]
fn suspended_without_a_terminal_has_other_advice() {
    let made = Made::default()
        .process(1, 0, "/sbin/init", 900)
        .process(100, 1, "cargo build", 60);
    let made = made.with(100, |process| {
        (process.state, process.has_terminal) = (RunState::Stopped, false);
    });
    let verdict = judge(&made.lock(BUILD, &[(100, '+')], &[]).look(), 100, &[]);
    assert_eq!(verdict.advice, "let it go on with `kill -CONT 100`");
}

#[test]
fn stopped_by_a_debugger_is_not_stuck() {
    let made = terminal(100, "cargo build").with(100, |process| process.state = RunState::Traced);
    assert_eq!(
        word(&judge(&made.lock(BUILD, &[(100, '+')], &[]).look(), 100, &[])),
        (Class::Quiet, Reason::Traced)
    );
}

#[test]
fn who_waits_itself_names_the_head_of_the_queue() {
    let made = terminal(100, "cargo build")
        .process(101, 90, "cargo check", 30)
        .process(102, 90, "cargo test", 20);
    let look = made
        .lock(BUILD, &[(101, '+')], &[(102, '+')])
        .lock(CACHE, &[(100, '+')], &[(101, '+')])
        .look();
    let verdict = judge(&look, 101, &[]);
    assert_eq!(word(&verdict), (Class::Waiting, Reason::BehindLock));
    assert_eq!(
        verdict.evidence,
        ["process 101 waits for the package cache that cargo build (pid 100) holds"]
    );
    assert_eq!(
        verdict.advice,
        "look at cargo build (pid 100), which is at the head of the queue"
    );
}

#[test]
fn who_waits_behind_a_holder_that_cannot_be_seen() {
    let look = terminal(100, "cargo build")
        .lock(BUILD, &[(100, '+')], &[])
        .lock(CACHE, &[], &[(100, '+')])
        .look();
    let verdict = judge(&look, 100, &[]);
    assert_eq!(word(&verdict), (Class::Waiting, Reason::BehindLock));
    assert_eq!(
        verdict.evidence,
        ["process 100 waits for a lock whose holder cannot be seen"]
    );
    assert_eq!(
        verdict.advice,
        "its lock is held by a process that cannot be seen from here; the notes say more"
    );
}

#[test]
fn a_deadlock_takes_two_looks() {
    let made = terminal(100, "cargo build")
        .process(101, 100, "build-script-build", 30)
        .process(102, 101, "cargo run", 20);
    let look = made.lock(BUILD, &[(100, '+')], &[(102, '+')]).look();
    assert_eq!(word(&judge(&look, 100, &[])), (Class::Unknown, Reason::NotObserved));
    let verdict = judge(&look, 100, &[100, 102]);
    assert_eq!(word(&verdict), (Class::Stuck, Reason::Deadlock));
    assert_eq!(
        verdict.evidence,
        ["a process that process 100 started waits for a lock that it holds itself"]
    );
}

#[test]
fn a_stopped_one_in_a_circle_is_suspended_first() {
    let made = terminal(100, "cargo build").process(102, 100, "cargo run", 20);
    let made = made.with(100, |process| process.state = RunState::Stopped);
    let look = made.lock(BUILD, &[(100, '+')], &[(102, '+')]).look();
    assert_eq!(word(&judge(&look, 100, &[100, 102])), (Class::Stuck, Reason::Suspended));
}

#[test]
fn advice_about_an_editor_depends_on_the_lock() {
    let made = || {
        let editor = Made::default()
            .process(1, 0, "/sbin/init", 9000)
            .process(90, 1, "rust-analyzer", 800);
        editor.process(100, 90, "cargo check --workspace", 60)
    };
    let build = judge(&made().lock(BUILD, &[(100, '+')], &[]).look(), 100, &[]);
    assert!(
        build.advice.contains("rust-analyzer.cargo.targetDir"),
        "{}",
        build.advice
    );
    let cache = judge(&made().lock(CACHE, &[(100, '+')], &[]).look(), 100, &[]);
    assert!(
        !cache.advice.contains("targetDir"),
        "a target directory of its own does not help: {}",
        cache.advice
    );
}

#[test]
fn an_orphan_is_said_to_be_one() {
    let made =
        Made::default()
            .process(1, 0, "/sbin/init", 9000)
            .process(100, 1, "cargo metadata --format-version 1", 60);
    let made = made.with(100, |process| {
        (process.session, process.has_terminal) = (77, false);
    });
    let made = made.variable(100, "CARGO_LOG", "cargo::core::compiler::fingerprint=info");
    let verdict = judge(&made.lock(CACHE, &[(100, '+')], &[]).look(), 100, &[]);
    assert_eq!(
        word(&verdict),
        (Class::Unknown, Reason::NotObserved),
        "that alone is no verdict"
    );
    assert!(
        verdict.advice.starts_with("rust-analyzer, which started it, is gone"),
        "{}",
        verdict.advice
    );
}

#[test]
fn a_build_that_was_left_running_on_purpose_is_not_spoken_against() {
    let made = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(100, 1, "cargo build", 60);
    let made = made.with(100, |process| {
        (process.session, process.has_terminal) = (77, false);
    });
    let verdict = judge(&made.lock(BUILD, &[(100, '+')], &[]).look(), 100, &[]);
    assert_eq!(verdict.advice, "wait; nothing is known against it");
}
