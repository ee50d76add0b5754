//! Helpers with real locks against the whole look.

use std::ffi::OsStr;
use std::path::Path;

use libtest_mimic::{Completion, Trial};
use lockwatch::os::Mode;
use lockwatch::state::State;
use lockwatch::verdict::{Class, Reason};

use crate::support::{
    folder, helper, holder, holder_pids, lock, lockwatch, sorted, state, until, until_seen, waiter, waiter_pids,
};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("kernel::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("one_holder_and_one_waiter", one_holder_and_one_waiter),
        test("a_free_lock_is_not_shown", a_free_lock_is_not_shown),
        test(
            "two_shared_holders_and_who_wants_it_alone",
            two_shared_holders_and_who_wants_it_alone,
        ),
        test(
            "a_shared_waiter_waits_for_exclusive_holders_only",
            a_shared_waiter_waits_for_exclusive_holders_only,
        ),
        test("a_chain_of_three", a_chain_of_three),
        test("two_that_wait_for_each_other", two_that_wait_for_each_other),
        Trial::ignorable_test("kernel::an_inherited_descriptor", || {
            if std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]") {
                an_inherited_descriptor();
                return Ok(Completion::Completed);
            }
            Ok(Completion::ignored_with(
                "in a container the kernel hides who waits for a lock whose taker has ended",
            ))
        }),
        test(
            "a_deleted_lock_file_and_its_successor",
            a_deleted_lock_file_and_its_successor,
        ),
        test(
            "who_only_opened_the_file_is_not_shown",
            who_only_opened_the_file_is_not_shown,
        ),
        test(
            "one_that_asks_for_more_on_the_same_descriptor",
            one_that_asks_for_more_on_the_same_descriptor,
        ),
        test("a_lock_of_an_unknown_cargo", a_lock_of_an_unknown_cargo),
        test("one_hard_link_is_one_lock", one_hard_link_is_one_lock),
        test("a_killed_holder_hands_on", a_killed_holder_hands_on),
        test("a_thousand_waiters", a_thousand_waiters),
        test("a_token_is_the_same_in_any_look", a_token_is_the_same_in_any_look),
        test("one_that_waits_for_itself", one_that_waits_for_itself),
        test(
            "a_name_that_went_while_a_hard_link_stays",
            a_name_that_went_while_a_hard_link_stays,
        ),
        test(
            "who_waits_for_another_programs_lock_waits_for_none_of_cargos",
            who_waits_for_another_programs_lock,
        ),
    ]
}

fn one_holder_and_one_waiter() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let first = holder("exclusive", &path);
    let second = waiter("exclusive", &path);
    let (state, seen) = until_seen(&path, 1, 1);
    assert_eq!(holder_pids(&seen), [first.pid()]);
    assert_eq!(waiter_pids(&seen), [second.pid()]);
    assert_eq!(
        (seen.kind.name(), seen.label.as_str()),
        ("package-cache", "package cache")
    );
    let (holder, waiter) = (&seen.holders[0], &seen.waiters[0]);
    assert_eq!(
        (holder.mode, waiter.mode),
        (Some(Mode::Exclusive), Some(Mode::Exclusive))
    );
    assert_eq!(waiter.blocked_by, [holder.token]);
    assert_eq!(waiter.root, [holder.token]);
    assert_eq!((holder.since, holder.held_ms), (None, None), "the kernel does not tell");
    assert_eq!(
        (holder.verdict.class, holder.verdict.reason),
        (Class::Unknown, Reason::NotObserved)
    );
    assert_eq!(
        holder.process.cwd,
        std::env::current_dir().ok().map(|cwd| cwd.display().to_string())
    );
    assert_eq!(holder.process.ppid, std::process::id());
    let age = state.as_of.duration_since(holder.process.started_at.expect("known"));
    assert!(age.as_secs() >= -1 && age.as_secs() < 600, "started {age:?} ago");
}

fn a_free_lock_is_not_shown() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let mut only = holder("exclusive", &path);
    until_seen(&path, 1, 0);
    only.kill();
    assert_eq!(lock(&state(), &path), None);
}

fn two_shared_holders_and_who_wants_it_alone() {
    let home = folder();
    let path = home.path().join(".package-cache-mutate");
    let (one, two) = (holder("shared", &path), holder("shared", &path));
    let alone = waiter("exclusive", &path);
    let (_, seen) = until_seen(&path, 2, 1);
    assert_eq!(holder_pids(&seen), sorted([one.pid(), two.pid()]));
    assert_eq!(waiter_pids(&seen), [alone.pid()]);
    assert_eq!(seen.kind.name(), "package-cache-mutate");
    assert!(seen.holders.iter().all(|holder| holder.mode == Some(Mode::Shared)));
    assert_eq!(
        seen.waiters[0].blocked_by.len(),
        2,
        "both are in its way, though the kernel lists it under one"
    );
}

fn a_shared_waiter_waits_for_exclusive_holders_only() {
    let home = folder();
    let path = home.path().join(".package-cache-mutate");
    let alone = holder("exclusive", &path);
    let shared = waiter("shared", &path);
    let (_, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![alone.pid()], vec![shared.pid()])
    );
    assert_eq!(seen.waiters[0].mode, Some(Mode::Shared));
}

fn a_chain_of_three() {
    let home = folder();
    let (front, back) = (
        home.path().join(".cargo-build-lock"),
        home.path().join(".cargo-artifact-lock"),
    );
    let first = holder("exclusive", &front);
    let mut second = helper([
        OsStr::new("lock"),
        "exclusive".as_ref(),
        back.as_ref(),
        "exclusive".as_ref(),
        front.as_ref(),
    ]);
    assert_eq!(second.line(), "locked");
    let third = waiter("exclusive", &back);
    until_seen(&front, 1, 1);
    let (state, seen) = until_seen(&back, 1, 1);
    let front = lock(&state, &front).expect("held");
    assert_eq!(
        (holder_pids(front), waiter_pids(front)),
        (vec![first.pid()], vec![second.pid()])
    );
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![second.pid()], vec![third.pid()])
    );
    assert_eq!(seen.waiters[0].blocked_by, [seen.holders[0].token]);
    assert_eq!(
        seen.waiters[0].root,
        [front.holders[0].token],
        "the head of the queue is the first"
    );
    let verdict = &seen.holders[0].verdict;
    assert_eq!((verdict.class, verdict.reason), (Class::Waiting, Reason::BehindLock));
}

fn two_that_wait_for_each_other() {
    let home = folder();
    let (a, b) = (
        home.path().join(".cargo-build-lock"),
        home.path().join(".cargo-artifact-lock"),
    );
    let steps = |first: &Path, second: &Path| {
        let mut running = helper([
            OsStr::new("steps"),
            "exclusive".as_ref(),
            first.as_ref(),
            "exclusive".as_ref(),
            second.as_ref(),
        ]);
        assert_eq!(running.line(), "locked");
        running
    };
    let (mut one, mut two) = (steps(&a, &b), steps(&b, &a));
    one.tell("go on");
    two.tell("go on");
    until_seen(&a, 1, 1);
    let (_, seen) = until_seen(&b, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![two.pid()], vec![one.pid()])
    );
    assert_eq!(
        seen.waiters[0].root.len(),
        2,
        "in a circle the head of the queue is everyone"
    );
    assert_ne!(seen.holders[0].verdict.class, Class::Stuck, "one look is no proof");
    // The command looks again after a second, and then it is one.
    let output = lockwatch()
        .args(["status", "--json", "--check"])
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
    for path in [&a, &b] {
        let verdict = &lock(&state, path).expect("held").holders[0].verdict;
        assert_eq!((verdict.class, verdict.reason), (Class::Stuck, Reason::Deadlock));
    }
}

fn an_inherited_descriptor() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let mut parent = helper([OsStr::new("bequeath"), path.as_ref()]); // its child ends with the pipe that both read
    let heir: u32 = parent.line().parse().expect("a number");
    until("the parent to end", || parent.child().try_wait().expect("waits"));
    let behind = waiter("exclusive", &path);
    let (state, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        holder_pids(&seen),
        [heir],
        "the one that took the lock is dead; its child holds it"
    );
    assert_eq!(waiter_pids(&seen), [behind.pid()]);
    let ours = home.path().to_str().expect("plain");
    assert!(!state.notes.iter().any(|note| note.contains(ours)), "{:?}", state.notes);
}

fn a_deleted_lock_file_and_its_successor() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let old = holder("exclusive", &path);
    std::fs::remove_file(&path).expect("deletes the test's own file");
    let new = holder("exclusive", &path);
    let state = state();
    let mut seen: Vec<_> = state
        .locks
        .iter()
        .filter(|lock| lock.path == path.display().to_string())
        .map(|lock| (lock.deleted, holder_pids(lock)))
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [(false, vec![new.pid()]), (true, vec![old.pid()])],
        "two files, both locked, both run"
    );
}

fn who_only_opened_the_file_is_not_shown() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let first = holder("exclusive", &path);
    let mut opener = helper([OsStr::new("open"), path.as_ref()]);
    assert_eq!(opener.line(), "opened");
    let (_, seen) = until_seen(&path, 1, 0);
    assert_eq!(holder_pids(&seen), [first.pid()]);
}

fn one_that_asks_for_more_on_the_same_descriptor() {
    let home = folder();
    let path = home.path().join("build/serde/0123456789abcdef/.lock");
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes the folder");
    let other = holder("shared", &path);
    let mut upgrading = helper([OsStr::new("upgrade"), path.as_ref()]);
    assert_eq!(upgrading.line(), "shared");
    // Linux gives its own shared lock up before it waits.
    let (_, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![other.pid()], vec![upgrading.pid()])
    );
    assert_eq!(
        (seen.kind.name(), seen.label.as_str()),
        ("build-unit", "serde (0123456789abcdef)")
    );
}

fn a_lock_of_an_unknown_cargo() {
    let home = folder();
    let path = home.path().join(".cargo-quantum-lock");
    let first = holder("exclusive", &path);
    let (_, seen) = until_seen(&path, 1, 0);
    assert_eq!((holder_pids(&seen), seen.kind.name()), (vec![first.pid()], "other"));
}

fn one_hard_link_is_one_lock() {
    let home = folder();
    let (path, link) = (home.path().join(".package-cache"), home.path().join(".cargo-lock"));
    let first = holder("exclusive", &path);
    std::fs::hard_link(&path, &link).expect("links");
    let second = waiter("exclusive", &link);
    let (_, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![first.pid()], vec![second.pid()])
    );
}

fn a_killed_holder_hands_on() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let mut first = holder("exclusive", &path);
    let second = waiter("exclusive", &path);
    until_seen(&path, 1, 1);
    first.kill();
    let (_, seen) = until_seen(&path, 1, 0);
    assert_eq!(holder_pids(&seen), [second.pid()]);
}

fn a_thousand_waiters() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let first = holder("exclusive", &path);
    let mut crowd = helper([OsStr::new("waiters"), "1000".as_ref(), path.as_ref()]).ending_itself();
    assert_eq!(crowd.line(), "started");
    let (state, seen) = until_seen(&path, 1, 1000);
    assert_eq!(holder_pids(&seen), [first.pid()]);
    assert!(seen.waiters.iter().all(|waiter| waiter.process.ppid == crowd.pid()));
    assert!(
        seen.waiters
            .iter()
            .all(|waiter| waiter.blocked_by == [seen.holders[0].token])
    );
    let ours = home.path().to_str().expect("plain");
    assert!(!state.notes.iter().any(|note| note.contains(ours)), "{:?}", state.notes);
}

fn one_that_waits_for_itself() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let mut twice = helper([
        OsStr::new("lock"),
        "exclusive".as_ref(),
        path.as_ref(),
        "exclusive".as_ref(),
        path.as_ref(),
    ]);
    assert_eq!(twice.line(), "locked");
    let (_, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![twice.pid()], vec![twice.pid()])
    );
    let output = lockwatch().args(["status", "--json"]).output().expect("runs");
    let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
    let verdict = &lock(&state, &path).expect("held").holders[0].verdict;
    assert_eq!((verdict.class, verdict.reason), (Class::Stuck, Reason::Deadlock));
}

fn a_name_that_went_while_a_hard_link_stays() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let first = holder("exclusive", &path);
    std::fs::hard_link(&path, home.path().join("kept")).expect("links");
    std::fs::remove_file(&path).expect("removes the test's own name");
    let (_, seen) = until_seen(&path, 1, 0);
    assert_eq!((holder_pids(&seen), seen.deleted), (vec![first.pid()], true));
}

fn who_waits_for_another_programs_lock() {
    let home = folder();
    let (path, other) = (home.path().join(".package-cache"), home.path().join("another.lock"));
    let _theirs = holder("exclusive", &other);
    let _ours = holder("exclusive", &path);
    // It has a lock file of Cargo's open, without a lock, and waits for the other one.
    let mut both = helper([OsStr::new("open-and-lock"), path.as_ref(), other.as_ref()]);
    assert_eq!(both.line(), "opened");
    until("it to wait", || {
        let table = std::fs::read_to_string("/proc/locks").expect("reads");
        let pid = format!(" {} ", both.pid());
        table
            .lines()
            .any(|line| line.contains("->") && line.contains(&pid))
            .then_some(())
    });
    let (state, _) = until_seen(&path, 1, 0);
    let ours = home.path().to_str().expect("plain");
    assert!(!state.notes.iter().any(|note| note.contains(ours)), "{:?}", state.notes);
}

fn a_token_is_the_same_in_any_look() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let _first = holder("exclusive", &path);
    let token = || lock(&state(), &path).expect("held").holders[0].token;
    let (one, two) = (token(), token());
    assert_eq!(one, two);
    assert_eq!(one.to_string().parse(), Ok(two));
}
