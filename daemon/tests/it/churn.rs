//! Steady locks beside locks that come and go all the time.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use libtest_mimic::Trial;
use lockwatch::os::Mode;

use crate::support::{Running, folder, helper, helper_command, observer};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("churn::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test(
            "three_hundred_steady_locks_in_each_of_a_thousand_looks",
            three_hundred_steady_locks,
        ),
        test("processes_that_end_during_a_look", processes_that_end_during_a_look),
    ]
}

const STEADY: usize = 300;
const LOOKS: usize = 1000;

fn three_hundred_steady_locks() {
    let home = folder();
    let mut steady = helper([OsStr::new("many"), STEADY.to_string().as_ref(), home.path().as_ref()]);
    assert_eq!(steady.line(), "locked");
    let busy: Vec<Running> = (0..2)
        .map(|number| {
            let own = home.path().join(format!("churn{number}"));
            std::fs::create_dir(&own).expect("makes the folder");
            let mut running = helper([OsStr::new("churn"), own.as_ref()]).ending_itself();
            assert_eq!(running.line(), "started");
            running
        })
        .collect();
    let expected: BTreeSet<_> = (0..STEADY)
        .map(|number| home.path().join(number.to_string()).join(".package-cache"))
        .collect();
    let mut observer = observer();
    let mut coming_and_going = 0;
    for look in 0..LOOKS {
        let locks = observer.look(lockwatch::clock::Moment::now()).expect("looks").locks;
        let of_steady: Vec<_> = locks
            .iter()
            .filter(|lock| lock.path.ends_with(".package-cache") && lock.path.starts_with(home.path()))
            .collect();
        let paths: BTreeSet<_> = of_steady.iter().map(|lock| lock.path.clone()).collect();
        assert_eq!(paths.len(), of_steady.len(), "look {look}: a lock is shown twice");
        assert_eq!(paths, expected, "look {look}: a lock is missing");
        for lock in of_steady {
            let holders: Vec<u32> = lock.holders.iter().map(|claim| claim.process.pid).collect();
            assert_eq!(holders, [steady.pid()], "look {look}: {}", lock.path.display());
        }
        coming_and_going += locks.iter().filter(|lock| lock.table.kind.name() == "other").count();
    }
    assert!(
        coming_and_going > LOOKS,
        "the churn did not churn: {coming_and_going} of its locks were seen"
    );
    drop(busy);
}

fn processes_that_end_during_a_look() {
    let home = folder();
    let path = home.path().join(".package-cache");
    let mut observer = observer();
    for _ in 0..100 {
        let mut children: Vec<_> = (0..8)
            .map(|number| {
                let mode = if number % 4 == 0 { "exclusive" } else { "shared" };
                let mut command = helper_command([OsStr::new("lock"), mode.as_ref(), path.as_ref()]);
                // With nothing to read it ends as soon as it has the lock.
                command
                    .stdin(std::process::Stdio::null())
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .expect("starts")
            })
            .collect();
        while children
            .iter_mut()
            .any(|child| child.try_wait().expect("waits").is_none())
        {
            let look = observer.look(lockwatch::clock::Moment::now()).expect("looks");
            for lock in look.locks.iter().filter(|lock| lock.path == path) {
                let claims = lock.holders.iter().chain(&lock.waiters);
                let known = |pid: u32| children.iter().any(|child| child.id() == pid);
                let strangers: Vec<u32> = claims
                    .map(|claim| claim.process.pid)
                    .filter(|pid| !known(*pid))
                    .collect();
                assert!(strangers.is_empty(), "{strangers:?} have nothing to do with it");
                let exclusive = lock.holders.iter().any(|claim| claim.mode == Some(Mode::Exclusive));
                assert!(!exclusive || lock.holders.len() == 1, "{:?}", lock.holders);
            }
        }
    }
}
