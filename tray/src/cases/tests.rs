use lockwatch::cargo::lock_kind::LockKind;
use lockwatch::verdict::Class;

use super::*;
use crate::menu::tests::build;

const AFTER: Duration = Duration::from_mins(1);

/// Somebody has waited for so many seconds behind a holder.
fn waiting(seconds: u64, verdict: (Class, Reason)) -> State {
    let held = build()
        .lock(LockKind::BuildDir, "/home/me/src/parity/target/debug/.cargo-lock")
        .held_as(1, "cargo test", verdict)
        .because("stopped by SIGSTOP", "continue it with `fg`");
    held.waited(2, "cargo build")
        .lasting(Duration::from_secs(seconds))
        .state()
}

const SUSPENDED: (Class, Reason) = (Class::Stuck, Reason::Suspended);

#[test]
fn a_case_is_told_once() {
    let mut cases = Cases::default();
    let of = |cases: &mut Cases, state: &State, elapsed| {
        cases.of(state, Duration::from_secs(elapsed), AFTER, Some("/home/me"))
    };
    assert_eq!(
        of(&mut cases, &waiting(20, SUSPENDED), 0),
        (vec![], Some(Duration::from_secs(40)))
    );
    assert_eq!(
        of(&mut cases, &waiting(20, SUSPENDED), 39),
        (vec![], Some(Duration::from_secs(1)))
    );
    let (notices, next) = of(&mut cases, &waiting(20, SUSPENDED), 40);
    assert_eq!(
        notices,
        [Notice {
            title: "Cargo is stuck: suspended".to_owned(),
            body: "cargo test (pid 1) is suspended and holds the build directory of ~/src/parity; 1 process waits\n\
                   stopped by SIGSTOP\ncontinue it with `fg`"
                .to_owned(),
        }]
    );
    assert_eq!(next, None);
    assert_eq!(
        of(&mut cases, &waiting(90, SUSPENDED), 0),
        (vec![], None),
        "it is known"
    );
    // Another reason is another case, and so is the same one after it was over.
    assert_eq!(
        of(&mut cases, &waiting(95, (Class::Stuck, Reason::NoProgress)), 0)
            .0
            .len(),
        1
    );
    assert_eq!(
        of(&mut cases, &waiting(96, (Class::Working, Reason::Compiling)), 0),
        (vec![], None)
    );
    assert_eq!(of(&mut cases, &waiting(97, SUSPENDED), 0).0.len(), 1);
}

#[test]
fn who_works_is_no_case() {
    for verdict in [
        (Class::Working, Reason::Compiling),
        (Class::Quiet, Reason::NoProgress),
        (Class::Unknown, Reason::NotObserved),
    ] {
        let told = Cases::default().of(&waiting(9_000, verdict), Duration::ZERO, AFTER, None);
        assert_eq!(told, (vec![], None));
    }
}

/// All members of a circle are at its head; it is one case.
#[test]
fn a_deadlock_is_one_case() {
    let deadlock = (Class::Stuck, Reason::Deadlock);
    let locks = build()
        .lock(LockKind::BuildDir, "/a/target/debug/.cargo-lock")
        .held_as(1, "cargo test", deadlock)
        .waited(2, "cargo build")
        .lasting(AFTER);
    let locks = locks
        .lock(LockKind::BuildDir, "/b/target/debug/.cargo-lock")
        .held_as(2, "cargo build", deadlock)
        .waited(1, "cargo test")
        .lasting(AFTER);
    let mut state = locks.state();
    let all: Vec<_> = state
        .locks
        .iter()
        .flat_map(|lock| &lock.holders)
        .map(|holder| holder.token)
        .collect();
    for waiter in state.locks.iter_mut().flat_map(|lock| &mut lock.waiters) {
        waiter.root.clone_from(&all);
    }
    let (notices, _) = Cases::default().of(&state, Duration::ZERO, AFTER, None);
    assert_eq!(notices.len(), 1, "{notices:?}");
}

/// Where the begin of the wait was not seen, it has lasted at least as long as the holder is stuck.
#[test]
fn a_wait_of_unknown_length() {
    let mut state = waiting(0, SUSPENDED);
    let as_of = state.as_of;
    for lock in &mut state.locks {
        lock.waiters[0].waited_ms = None;
    }
    let of = |state: &State| Cases::default().of(state, Duration::ZERO, AFTER, None);
    assert_eq!(of(&state), (vec![], None));
    for lock in &mut state.locks {
        lock.holders[0].verdict.since = Some(as_of - jiff::SignedDuration::from_secs(61));
    }
    assert_eq!(of(&state).0.len(), 1);
}
