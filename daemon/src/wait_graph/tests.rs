use super::*;
use crate::os::made::Made;
use crate::process::Pid;

const A: &str = "/p/target/debug/.cargo-build-lock";
const B: &str = "/q/target/debug/.cargo-build-lock";
const C: &str = "/home/me/.cargo/.package-cache";

/// Eight cargos; the higher the number, the younger.
fn made() -> Made {
    (1..=8).fold(Made::default(), |made, pid| {
        made.process(pid, 0, "cargo build", i64::from(100 - pid))
    })
}

fn roots(look: &Look, waiter: Pid) -> Vec<(Pid, usize)> {
    let graph = WaitGraph::of(look);
    let waiter = *look
        .processes
        .keys()
        .find(|process| process.pid == waiter)
        .expect("is there");
    let mut roots: Vec<_> = graph
        .blocked_by(waiter)
        .flat_map(|hold| graph.roots(hold))
        .map(|hold| (hold.process.pid, hold.lock))
        .collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

fn circular(look: &Look) -> Vec<Pid> {
    let graph = WaitGraph::of(look);
    look.processes
        .keys()
        .filter(|process| graph.is_circular(**process))
        .map(|process| process.pid)
        .collect()
}

#[test]
fn which_holders_are_in_the_way() {
    for (holders, waiter, expected) in [
        (&[(1, '+')][..], '+', vec![1]),
        (&[(1, '-'), (2, '-')], '+', vec![1, 2]),
        (&[(1, '-'), (2, '-')], '-', vec![]),
        (&[(1, '+')], '-', vec![1]),
        (&[(1, '-')], '?', vec![1]),
        (&[(1, '?')], '-', vec![1]),
        (&[(3, '-'), (1, '-')], '+', vec![3, 1]),
    ] {
        let look = made().lock(A, holders, &[(3, waiter)]).look();
        let only = &look.locks[0];
        let pids: Vec<Pid> = blockers(only, &only.waiters[0]).map(|process| process.pid).collect();
        assert_eq!(pids, expected, "{holders:?} {waiter}");
    }
}

#[test]
fn who_asks_again_for_what_it_holds_is_a_circle_of_one() {
    let look = made().lock(A, &[(1, '+')], &[(1, '+'), (2, '+')]).look();
    assert_eq!(circular(&look), [1]);
    assert_eq!(roots(&look, 2), [(1, 0)]);
}

#[test]
fn the_head_of_a_chain_behind_a_holder_that_cannot_be_seen() {
    let look = made()
        .lock(C, &[], &[(1, '+')])
        .lock(A, &[(1, '+')], &[(2, '+')])
        .look();
    assert_eq!(roots(&look, 2), [(1, 1)]);
}

#[test]
fn the_head_of_a_chain() {
    let look = made()
        .lock(A, &[(1, '+')], &[(2, '+')])
        .lock(B, &[(2, '+')], &[(3, '+'), (4, '+')])
        .look();
    assert_eq!(roots(&look, 2), [(1, 0)]);
    assert_eq!(roots(&look, 3), [(1, 0)]);
    assert!(circular(&look).is_empty());
}

#[test]
fn a_chain_with_two_heads() {
    let look = made()
        .lock(A, &[(1, '-'), (2, '-')], &[(3, '+')])
        .lock(B, &[(3, '+')], &[(4, '+')])
        .look();
    assert_eq!(roots(&look, 4), [(1, 0), (2, 0)]);
}

#[test]
fn in_a_circle_everyone_is_the_head() {
    let look = made()
        .lock(A, &[(1, '+')], &[(2, '+')])
        .lock(B, &[(2, '+')], &[(1, '+')])
        .lock(C, &[(1, '+')], &[(5, '+')])
        .look();
    assert_eq!(circular(&look), [1, 2]);
    let heads: BTreeSet<Pid> = roots(&look, 5).into_iter().map(|(pid, _)| pid).collect();
    assert_eq!(heads, BTreeSet::from([1, 2]));
}

#[test]
fn who_waits_behind_a_circle_is_not_in_it() {
    let look = made()
        .lock(A, &[(1, '+')], &[(2, '+'), (3, '+')])
        .lock(B, &[(2, '+')], &[(1, '+')])
        .look();
    assert_eq!(circular(&look), [1, 2]);
}

#[test]
fn a_descendant_that_waits_for_its_ancestor_is_a_circle() {
    // cargo (1) → build script (2) → cargo (3).
    let look = made()
        .with(2, |process| process.parent = 1)
        .with(3, |process| process.parent = 2)
        .lock(A, &[(1, '+')], &[(3, '+')])
        .look();
    assert_eq!(circular(&look), [1, 3]);
}

#[test]
fn a_descendant_that_waits_for_somebody_else_is_none() {
    let look = made()
        .with(3, |process| process.parent = 1)
        .lock(A, &[(1, '+')], &[])
        .lock(B, &[(2, '+')], &[(3, '+')])
        .look();
    assert!(circular(&look).is_empty());
    assert_eq!(roots(&look, 3), [(2, 1)]);
}

#[test]
fn a_circle_through_a_descendant_and_a_stranger() {
    // 1 waits for its child 3, which waits for 2, which waits for 1.
    let look = made()
        .with(3, |process| process.parent = 1)
        .lock(A, &[(1, '+')], &[(2, '+')])
        .lock(B, &[(2, '+')], &[(3, '+')])
        .look();
    assert_eq!(circular(&look), [1, 2, 3]);
}

#[test]
fn a_thousand_waiters_in_a_row_end() {
    let pids = 1..=1000;
    let made = pids
        .clone()
        .fold(Made::default(), |made, pid| made.process(pid, 0, "cargo build", 5));
    let chain = pids.clone().fold(made, |made, pid| {
        made.lock(
            &format!("/p{pid:04}/target/debug/.cargo-build-lock"),
            &[(pid, '+')],
            &[(pid + 1, '+')],
        )
    });
    let look = chain.look();
    assert!(circular(&look).is_empty());
    let last = look
        .processes
        .keys()
        .find(|process| process.pid == 1000)
        .copied()
        .expect("is there");
    let graph = WaitGraph::of(&look);
    let hold = graph.blocked_by(last).next().expect("waits");
    assert_eq!(
        graph
            .roots(hold)
            .into_iter()
            .map(|hold| hold.process.pid)
            .collect::<Vec<_>>(),
        [1]
    );
}
