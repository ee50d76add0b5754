use super::*;
use crate::os::made::{Made, moment};
use crate::places::CargoHomes;

const CACHE: &str = "/home/me/.cargo/.package-cache";

fn file(number: u64) -> FileId {
    FileId { dev: 1, ino: number }
}

/// 10 may hold what 20 and 30 want.
fn made() -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(10, 1, "cargo build", 100)
        .process(20, 1, "cargo check", 50)
        .process(30, 1, "cargo test", 30)
}

/// An observer that has looked at the first and then sees the second.
fn turned(first: &Made, second: Made) -> Observer<Made> {
    let mut observer = Observer::new(first.clone(), CargoHomes::new(None, Some("/home/me".into())));
    observer.look(moment(0)).expect("looks");
    observer.kernel = second;
    observer
}

fn glance(observer: &mut Observer<Made>) -> Look {
    observer
        .glance(moment(5), &BTreeSet::from([file(100)]))
        .expect("can tell")
}

fn pids(claims: &[Claim]) -> Vec<Pid> {
    claims.iter().map(|claim| claim.process.pid).collect()
}

#[test]
fn a_waiter_that_got_the_lock_is_its_holder() {
    let before = made().lock(CACHE, &[(10, '+')], &[(20, '+'), (30, '+')]);
    let after = made().lock(CACHE, &[(20, '+')], &[(30, '+')]);
    let look = glance(&mut turned(&before, after));
    assert_eq!(pids(&look.locks[0].holders), [20]);
    assert_eq!(pids(&look.locks[0].waiters), [30]);
    assert_eq!(look.at, moment(5));
    assert!(look.ended.is_empty(), "10 lives");
}

#[test]
fn who_ended_is_out_and_told() {
    let before = made().lock(CACHE, &[(10, '+')], &[(20, '+')]);
    let after = made().without(10).lock(CACHE, &[(20, '+')], &[]);
    let look = glance(&mut turned(&before, after));
    assert_eq!(pids(&look.locks[0].holders), [20]);
    assert_eq!(look.ended.iter().map(|id| id.pid).collect::<Vec<_>>(), [10]);
}

#[test]
fn a_newcomer_is_found_by_its_descriptors() {
    let before = made().lock("/home/me/other/.package-cache", &[(10, '+')], &[]);
    let after = before
        .clone()
        .process(40, 1, "cargo add serde", 0)
        .newcomer(40)
        .lock(CACHE, &[(40, '+')], &[]);
    let look = glance(&mut turned(&before, after));
    assert_eq!(look.locks.len(), 2);
    assert_eq!(look.locks[0].path, Path::new(CACHE), "in the order of the paths");
    assert_eq!(pids(&look.locks[0].holders), [40]);
    assert_eq!(pids(&look.locks[1].holders), [10]);
    assert!(
        look.processes
            .values()
            .any(|one| one.invocation.command == "cargo add serde")
    );
}

#[test]
fn who_has_it_open_is_about_to_take_it() {
    let before = made().lock(CACHE, &[(10, '+')], &[]);
    let opened = made().newcomer(20).lock(CACHE, &[(10, '+')], &[]).opened_by(20);
    let mut observer = turned(&before, opened);
    assert!(!observer.somebody_is_about_to());
    glance(&mut observer);
    assert!(observer.somebody_is_about_to());
    observer.kernel = made().lock(CACHE, &[(20, '+')], &[]);
    let look = glance(&mut observer);
    assert_eq!(pids(&look.locks[0].holders), [20]);
    assert!(!observer.somebody_is_about_to());
}

#[test]
fn what_only_a_look_at_all_locks_can_tell() {
    let mut fresh = Observer::new(made(), CargoHomes::default());
    assert!(
        fresh.glance(moment(0), &BTreeSet::new()).is_none(),
        "there was no look yet"
    );
    let before = made().lock(CACHE, &[(10, '+')], &[]);
    let contradiction = made().newcomer(20).lock(CACHE, &[(10, '+'), (20, '+')], &[]);
    let mut observer = turned(&before, contradiction);
    assert!(observer.glance(moment(5), &BTreeSet::from([file(100)])).is_none());
    let queue: Vec<(Pid, char)> = (1000..1200).map(|pid| (pid, '+')).collect();
    let many = queue
        .iter()
        .fold(made(), |made, (pid, _)| made.process(*pid, 1, "cargo build", 5))
        .lock(CACHE, &[(10, '+')], &queue);
    let mut observer = turned(&many, many.clone());
    assert!(
        observer.glance(moment(5), &BTreeSet::from([file(100)])).is_none(),
        "too many"
    );
    assert!(
        observer.glance(moment(5), &BTreeSet::from([file(7)])).is_some(),
        "another lock"
    );
}

#[test]
fn a_hold_that_the_table_passes_over_goes_on() {
    let made = made()
        .lock("/home/me/z/.package-cache", &[(30, '+')], &[])
        .lock(CACHE, &[(10, '+')], &[(20, '+')]);
    let mut observer = turned(&made, made.clone().overlooked());
    let look = observer.look(moment(5)).expect("looks");
    assert_eq!(look.locks[0].path, Path::new(CACHE));
    assert_eq!(pids(&look.locks[0].holders), [10]);
    observer.kernel = made.without_locks();
    assert!(observer.look(moment(6)).expect("looks").locks.is_empty(), "released");
}
