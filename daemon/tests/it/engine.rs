//! The engine, over time: what a subscriber in the same process sees of real locks.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial;
use lockwatch::config::Thresholds;
use lockwatch::engine::{self, Handle, Options, Published};
use lockwatch::places::CargoHomes;
use lockwatch::state::{Lock, Source, State};
use tokio::runtime::Runtime;

use crate::support::{self, folder, holder_pids};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "engine::a_hold_is_seen_from_its_begin_to_its_end",
            a_hold_from_begin_to_end,
        ),
        Trial::test("engine::a_lock_goes_from_hand_to_hand", || {
            from_hand_to_hand();
            Ok(())
        }),
        Trial::test("engine::a_home_that_was_made_again_is_watched", a_home_made_again),
        Trial::test("engine::a_home_that_nobody_named_is_found", a_home_that_nobody_named),
        Trial::test("engine::who_asks_is_answered_while_locks_come_and_go", || {
            who_asks_is_answered();
            Ok(())
        }),
        Trial::test("engine::every_hold_of_a_storm_is_told_once_and_in_order", || {
            a_storm();
            Ok(())
        }),
    ]
}

/// An engine in a thread of its own, which ends with its last handle.
struct Engine {
    runtime: Runtime,
    handle: Handle,
}

impl Engine {
    fn start(home: &Path) -> Self {
        let homes = CargoHomes::new(Some(home.into()), None);
        let source = Source::Daemon;
        let (sender, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let handle = engine::start(Options {
                    homes,
                    source,
                    recorder: None,
                    thresholds: Thresholds::default(),
                })
                .expect("starts");
                let ended = handle.requests.downgrade();
                sender.send(handle).expect("is waited for");
                while ended.upgrade().is_some() {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            });
        });
        Self {
            runtime: runtime(),
            handle: started.recv().expect("starts"),
        }
    }

    /// The states from the newest on, one after the other, until one fits.
    fn until<T>(&mut self, what: &str, fits: impl Fn(&State) -> Option<T>) -> T {
        let states = &mut self.handle.states;
        self.runtime.block_on(async {
            loop {
                let newest: Arc<Published> = Arc::clone(&states.borrow_and_update());
                if let Some(found) = fits(&newest.state) {
                    return found;
                }
                let next = tokio::time::timeout(support::PATIENCE, states.changed()).await;
                next.unwrap_or_else(|_| panic!("waited in vain: {what}"))
                    .expect("the engine lives");
            }
        })
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn lock_of(state: &State, path: &Path) -> Option<Lock> {
    support::lock(state, path).cloned()
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let place = folder();
    let home = place.path().join("cargo");
    std::fs::create_dir(&home).expect("makes it");
    (place, home)
}

fn a_hold_from_begin_to_end() -> Result<(), libtest_mimic::Failed> {
    let (_place, home) = home();
    let lock = home.join(".package-cache");
    let mut engine = Engine::start(&home);
    let before = jiff::Timestamp::now();
    let mut taker = support::holder("exclusive", &lock);
    let seen = engine.until("the hold", |state| {
        lock_of(state, &lock).filter(|lock| !lock.holders.is_empty())
    });
    let holder = &seen.holders[0];
    assert_eq!(holder.process.pid, taker.pid());
    let since = holder.since.ok_or("its begin was seen")?;
    let millisecond = jiff::SignedDuration::from_millis(1);
    assert!(
        since >= before - millisecond && since <= jiff::Timestamp::now(),
        "{since}"
    );
    taker.kill();
    engine.until("the end", |state| lock_of(state, &lock).is_none().then_some(()));
    Ok(())
}

fn from_hand_to_hand() {
    let (_place, home) = home();
    let lock = home.join(".package-cache");
    let mut engine = Engine::start(&home);
    let mut first = support::holder("exclusive", &lock);
    let mut second = support::waiter("exclusive", &lock);
    let waiter = second.pid();
    let seen = engine.until("the wait", |state| {
        lock_of(state, &lock).filter(|lock| !lock.waiters.is_empty())
    });
    assert_eq!(
        (holder_pids(&seen), seen.waiters[0].process.pid),
        (vec![first.pid()], waiter)
    );
    assert!(seen.waiters[0].since.is_some());
    first.kill();
    assert_eq!(second.line(), "locked");
    let seen = engine.until("the hand-over", |state| {
        lock_of(state, &lock).filter(|lock| holder_pids(lock) == [waiter])
    });
    assert!(seen.waiters.is_empty() && seen.holders[0].since.is_some());
}

/// As who removes his `.cargo` to begin anew, and as `cargo clean` does it with a build folder. The new folder may have the
/// number of the old one.
fn a_home_made_again() -> Result<(), libtest_mimic::Failed> {
    let (_place, home) = home();
    let mut engine = Engine::start(&home);
    let lock = home.join(".package-cache");
    for round in 0..5 {
        std::fs::remove_dir_all(&home)?;
        std::fs::create_dir(&home)?;
        let taker = support::holder("exclusive", &lock);
        let seen = engine.until("the hold", |state| lock_of(state, &lock));
        assert_eq!(holder_pids(&seen), [taker.pid()], "round {round}");
        drop(taker);
        engine.until("the end", |state| lock_of(state, &lock).is_none().then_some(()));
    }
    Ok(())
}

fn a_home_that_nobody_named() -> Result<(), libtest_mimic::Failed> {
    let (place, home) = home();
    let mut engine = Engine::start(&home);
    let other = place.path().join("other");
    std::fs::create_dir(&other).expect("makes it");
    let lock = other.join(".package-cache");
    // While something is held there is a look a second, which shows every lock.
    let _held = support::holder("shared", &home.join(".package-cache-mutate"));
    let taker = support::holder("exclusive", &lock);
    engine.until("the hold", |state| lock_of(state, &lock));
    drop(taker);
    engine.until("the end", |state| lock_of(state, &lock).is_none().then_some(()));
    // By now its folder is watched.
    let mut again = support::holder("exclusive", &lock);
    let seen = engine.until("the second hold", |state| lock_of(state, &lock));
    assert!(seen.holders[0].since.is_some());
    again.kill();
    // What is noted may be about other tests' processes.
    let notes = engine.handle.states.borrow().state.notes.clone();
    let ours = place.path().to_str().ok_or("a plain path")?;
    if let Some(note) = notes.iter().find(|note| note.contains(ours)) {
        return Err(note.into());
    }
    Ok(())
}

/// Between the question and the look that answers it there are glances, which tell of what is new.
fn who_asks_is_answered() {
    let (_place, home) = home();
    let lock = home.join(".package-cache");
    let engine = Engine::start(&home);
    let mut handle = engine.handle.clone();
    let asking = std::thread::spawn(move || {
        runtime().block_on(async {
            for _ in 0..100 {
                // Something has just happened, and more will.
                handle.states.changed().await.expect("the engine lives");
                if handle.look().await.is_none() {
                    return false;
                }
            }
            true
        })
    });
    while !asking.is_finished() {
        drop(support::holder("exclusive", &lock));
    }
    assert!(asking.join().expect("asks"), "each question has an answer");
}

/// Holds one after the other on each of four locks, while in the folders of two of them others take and release locks as
/// fast as they can. Each hold lasts until it was told, so that it is told however busy the machine is.
fn a_storm() {
    const ROUNDS: usize = 25;
    let (place, home) = home();
    let builds = ["one", "two"].map(|name| place.path().join(name).join("target/debug"));
    for build in &builds {
        std::fs::create_dir_all(build).expect("makes it");
    }
    let locks = [
        home.join(".package-cache"),
        home.join(".package-cache-mutate"),
        builds[0].join(".cargo-lock"),
        builds[1].join(".cargo-lock"),
    ];
    let mut engine = Engine::start(&home);
    for lock in &locks {
        let known = support::holder("exclusive", lock);
        engine.until("the folder is known", |state| lock_of(state, lock));
        drop(known);
    }
    let mut churning = [&home, &builds[0]].map(|folder| support::helper(["churn".as_ref(), folder.as_os_str()]));
    for churn in &mut churning {
        assert_eq!(churn.line(), "started");
    }
    let begins = Begins::new(&locks);
    for _ in 0..ROUNDS {
        let holders: Vec<support::Running> = locks.iter().map(|lock| support::holder("exclusive", lock)).collect();
        let mut told = Vec::new();
        while told.len() < holders.len() {
            told.extend(engine.until("a hold", |state| {
                Some(begins.since_the_last(state)).filter(|new| !new.is_empty())
            }));
        }
        told.sort_unstable();
        let held: Vec<(usize, u32)> = holders.iter().map(support::Running::pid).enumerate().collect();
        assert_eq!(told, held, "each hold of this round once, and none of an earlier one");
    }
    drop(churning);
    for lock in &locks {
        engine.until("the end", |state| lock_of(state, lock).is_none().then_some(()));
    }
}

/// Tells whose hold of which lock begins, from one state to the next.
struct Begins {
    locks: Vec<PathBuf>,
    before: RefCell<Vec<Vec<u32>>>,
}

impl Begins {
    fn new(locks: &[PathBuf]) -> Self {
        Self {
            locks: locks.to_vec(),
            before: RefCell::new(vec![Vec::new(); locks.len()]),
        }
    }

    fn since_the_last(&self, state: &State) -> Vec<(usize, u32)> {
        let mut before = self.before.borrow_mut();
        let mut new = Vec::new();
        for (number, path) in self.locks.iter().enumerate() {
            let now = support::lock(state, path).map(holder_pids).unwrap_or_default();
            new.extend(
                now.iter()
                    .filter(|pid| !before[number].contains(pid))
                    .map(|pid| (number, *pid)),
            );
            before[number] = now;
        }
        new
    }
}
