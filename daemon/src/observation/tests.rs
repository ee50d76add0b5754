use super::*;
use crate::os::made::{Made, moment};

const CACHE: &str = "/home/me/.cargo/.package-cache";

#[test]
fn what_is_known_about_a_holder() {
    let look = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(4600, 1, "rust-analyzer", 600)
        .process(4711, 4600, "cargo check --workspace", 133)
        .lock(CACHE, &[(4711, '+')], &[])
        .look();
    let holder = look.processes.values().next().expect("one");
    assert_eq!(holder.invocation.command, "cargo check --workspace");
    assert_eq!(holder.toolchain.as_deref(), Some("1.97.0-aarch64-apple-darwin"));
    assert_eq!(holder.origin.name.as_deref(), Some("rust-analyzer"));
    assert_eq!(
        holder.ancestors.iter().map(|ancestor| ancestor.pid).collect::<Vec<_>>(),
        [4600, 1]
    );
    assert_eq!(look.locks[0].label(&look), "package cache");
}

#[test]
fn who_ended_during_the_look_is_forgotten() {
    // 99 has no process behind it any more, and 98's number is another process's by now.
    let made = Made::default().process(97, 1, "cargo build", 5);
    let reused = made.lock(CACHE, &[(97, '+')], &[(99, '+')]);
    let look = reused.with(97, |process| process.id.start += 1).look();
    assert!(look.locks.is_empty(), "{:?}", look.locks);
    assert!(look.processes.is_empty());
}

#[test]
fn a_parent_that_is_younger_than_its_child_is_no_parent() {
    let look = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(50, 1, "zed", 3) // given the number of a parent that ended
        .process(60, 50, "cargo build", 100)
        .lock(CACHE, &[(60, '+')], &[])
        .look();
    assert_eq!(look.processes.values().next().expect("one").ancestors, []);
}

#[test]
fn a_loop_of_parents_ends() {
    let look = Made::default()
        .process(50, 60, "a", 100)
        .process(60, 50, "cargo build", 100)
        .lock(CACHE, &[(60, '+')], &[])
        .look();
    assert_eq!(
        look.processes.values().next().expect("one").ancestors.len(),
        MAX_ANCESTORS
    );
}

#[test]
fn what_changes_between_two_looks_is_seen() {
    let made = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(4600, 1, "rust-analyzer", 600)
        .process(4650, 4600, "cargo-clippy clippy", 140)
        .process(4711, 4650, "cargo check --workspace", 133)
        .lock(CACHE, &[(4711, '+')], &[]);
    let mut observer = Observer::new(made.clone(), CargoHomes::default());
    let mut look = |made: &Made| {
        observer.kernel = made.clone();
        let look = observer.look(moment(0)).expect("looks");
        look.processes.values().next().expect("one").clone()
    };
    let first = look(&made);
    assert!(
        Arc::ptr_eq(&first, &look(&made)),
        "nothing changed, so nothing is read again"
    );
    let stopped = made.clone().with(4711, |process| process.state = RunState::Stopped);
    assert_eq!(look(&stopped).process.state, RunState::Stopped);
    // Its own parent stays; whoever started that is gone.
    let left = stopped.with(4650, |process| process.parent = 1);
    assert_eq!(first.origin.name.as_deref(), Some("rust-analyzer"));
    assert_ne!(look(&left).origin, first.origin);
    // The same number, and another process.
    let other = left
        .process(4711, 4650, "cargo test", 7)
        .lock(CACHE, &[(4711, '+')], &[]);
    assert_eq!(look(&other).invocation.command, "cargo test");
}

#[test]
fn credentials_count_in_a_cargo_home_only() {
    let paths = [
        "/home/me/.cargo/credentials.toml",
        "/home/me/aws/credentials.toml",
        "/srv/.cargo/credentials",
    ];
    let made = paths
        .iter()
        .fold(Made::default().process(7, 1, "cargo login", 1), |made, path| {
            made.lock(path, &[(7, '+')], &[])
        });
    let seen: Vec<PathBuf> = made.look().locks.into_iter().map(|lock| lock.path).collect();
    assert_eq!(seen, [PathBuf::from(paths[0]), PathBuf::from(paths[2])]);
}
