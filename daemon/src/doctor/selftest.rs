//! The detection, tried with real processes on a private file.
//!
//! Children take a lock, wait for it, share it, stop themselves and are killed, and after each step a look must say who
//! holds and who waits. The look goes the way of `lockwatch status`: the same kernel, the same [`Observer`], the same
//! [`State`]. The file is called `credentials.toml` in a folder that only this observer takes for a Cargo home, so that no
//! daemon, no tray and no history takes the test for something of the user's.

mod children;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::children::Child;
pub use self::children::play;
use crate::clock::{Moment, milliseconds};
use crate::observation::Observer;
use crate::os::{Mode, Precision, System};
use crate::places::CargoHomes;
use crate::process::Pid;
use crate::state::{Lock, State};
use crate::text;
use crate::verdict::Reason;

/// What came of the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Whether every part was as it must be.
    pub passed: bool,
    /// The parts in their order, up to the first that failed.
    pub parts: Vec<Part>,
    /// How long after a child had the lock a look named it, in milliseconds.
    pub taken_to_named_ms: Option<u64>,
    /// How long after a holder was killed a look named its successor, in milliseconds.
    pub killed_to_named_ms: Option<u64>,
    /// How long one look took, in microseconds: the median of those that were made.
    pub look_us: Option<u64>,
    /// Whether the kernel could say it all.
    pub precision: Option<Precision>,
    /// What could not be seen.
    pub notes: Vec<String>,
}

/// One part of the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, which stays: `holder`, `waiter`.
    pub id: String,
    /// What must be so.
    pub what: String,
    /// What was so instead; none where it was as it must be.
    pub failed: Option<String>,
}

/// Why the test could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NotTested {
    /// The private folder.
    #[error("no private folder can be made in {}: {source}", text::escape_path(.path))]
    Folder {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The children.
    #[error("the children of the test cannot be started: {0}")]
    Child(#[source] io::Error),
}

/// A look takes milliseconds, and the first that shows what was done is the answer; a machine that is busy with builds may be
/// slow to let a child run at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks.
const AGAIN: Duration = Duration::from_millis(2);

/// What a look must say of the one lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Expected {
    holders: Vec<(Pid, Option<Mode>)>,
    /// Who waits, and behind whom.
    waiters: Vec<(Pid, Vec<Pid>)>,
    suspended: Vec<Pid>,
}

/// Runs the test with children of the program `own`, which must call [`play`] when it is started with `arguments`.
pub fn run(own: &Path, arguments: &[&str]) -> Result<SelfTest, NotTested> {
    let folder = PrivateFolder::make()?;
    let file = folder.0.join("credentials.toml");
    let start = |mode| Child::start(own, arguments, mode, &file).map_err(NotTested::Child);
    let homes = CargoHomes::new(Some(folder.0.clone().into()), None);
    let mut test = Test {
        observer: Observer::new(System::tested(), homes),
        file: text::escape_path(&file),
        report: SelfTest {
            passed: false,
            parts: Vec::new(),
            taken_to_named_ms: None,
            killed_to_named_ms: None,
            look_us: None,
            precision: None,
            notes: Vec::new(),
        },
        looks: Vec::new(),
    };
    test.report.passed = test.parts(&start)?;
    Ok(test.finish())
}

struct Test {
    observer: Observer<System>,
    file: String,
    report: SelfTest,
    /// How long each look took.
    looks: Vec<Duration>,
}

impl Test {
    /// Goes through the parts until one fails; whether none did.
    fn parts(&mut self, start: &dyn Fn(Mode) -> Result<Child, NotTested>) -> Result<bool, NotTested> {
        let mut first = start(Mode::Exclusive)?;
        first.until_locked().map_err(NotTested::Child)?;
        let taken = Instant::now();
        let held = |child: &Child, mode| (child.pid(), Some(mode));
        let mut expected = Expected {
            holders: vec![held(&first, Mode::Exclusive)],
            ..Expected::default()
        };
        let named = self.part("holder", "who holds the lock is named", &expected);
        self.report.taken_to_named_ms = named.then(|| milliseconds(taken.elapsed()));
        if !named {
            return Ok(false);
        }

        let mut second = start(Mode::Exclusive)?;
        expected.waiters = vec![(second.pid(), vec![first.pid()])];
        if !self.part("waiter", "who waits is named, and for whom", &expected) {
            return Ok(false);
        }

        first.stop_itself().map_err(NotTested::Child)?;
        expected.suspended = vec![first.pid()];
        if !self.part("stopped", "a holder that is stopped is called suspended", &expected) {
            return Ok(false);
        }

        let killed = Instant::now();
        first.kill();
        expected = Expected {
            holders: vec![held(&second, Mode::Exclusive)],
            ..Expected::default()
        };
        let named = self.part(
            "killed",
            "a holder that was killed holds nothing, and its successor is named",
            &expected,
        );
        self.report.killed_to_named_ms = named.then(|| milliseconds(killed.elapsed()));
        if !named {
            return Ok(false);
        }

        second.let_go().map_err(NotTested::Child)?;
        if !self.part(
            "released",
            "a lock that was released is held by nobody, though its file is open",
            &Expected::default(),
        ) {
            return Ok(false);
        }

        let (mut third, mut fourth) = (start(Mode::Shared)?, start(Mode::Shared)?);
        for child in [&mut third, &mut fourth] {
            child.until_locked().map_err(NotTested::Child)?;
        }
        expected.holders = vec![held(&third, Mode::Shared), held(&fourth, Mode::Shared)];
        expected.waiters.clear();
        if !self.part("shared", "all who share the lock are named", &expected) {
            return Ok(false);
        }

        let fifth = start(Mode::Exclusive)?;
        expected.waiters = vec![(fifth.pid(), vec![third.pid(), fourth.pid()])];
        Ok(self.part(
            "behind-shared",
            "who waits for the lock alone waits for all who share it",
            &expected,
        ))
    }

    /// Looks until it is as expected. One that never comes fails the part.
    fn part(&mut self, id: &'static str, what: &'static str, expected: &Expected) -> bool {
        let expected = expected.clone().in_order();
        let begin = Instant::now();
        let failed = loop {
            let seen = self.look();
            match seen {
                Ok(seen) if seen == expected => break None,
                Ok(_) if begin.elapsed() < PATIENCE => std::thread::sleep(AGAIN),
                Ok(seen) => break Some(format!("expected {}; seen {}", expected.told(), seen.told())),
                Err(error) => break Some(error),
            }
        };
        let passed = failed.is_none();
        self.report.parts.push(Part {
            id: id.to_owned(),
            what: what.to_owned(),
            failed,
        });
        passed
    }

    /// What one look says of the lock.
    fn look(&mut self) -> Result<Expected, String> {
        let begin = Instant::now();
        let seen = self.observer.look(Moment::now()).map_err(|error| error.to_string())?;
        self.looks.push(begin.elapsed());
        let state = State::direct(&seen, &std::collections::BTreeSet::new());
        self.report.precision = Some(state.precision);
        self.report.notes.clone_from(&state.notes);
        let lock = state.locks.iter().find(|lock| lock.path == self.file);
        Ok(lock.map(Expected::seen).unwrap_or_default())
    }

    fn finish(mut self) -> SelfTest {
        self.looks.sort_unstable();
        let median = self.looks.get(self.looks.len() / 2);
        self.report.look_us = median.and_then(|time| u64::try_from(time.as_micros()).ok());
        self.report
    }
}

impl Expected {
    fn seen(lock: &Lock) -> Self {
        let is_suspended = |reason| reason == Reason::Suspended;
        let holders = lock.holders.iter();
        Self {
            holders: holders
                .clone()
                .map(|holder| (holder.process.pid, holder.mode))
                .collect(),
            waiters: lock
                .waiters
                .iter()
                .map(|waiter| {
                    let behind = waiter.blocked_by.iter().map(|token| token.process.pid);
                    (waiter.process.pid, behind.collect())
                })
                .collect(),
            suspended: holders
                .filter(|holder| is_suspended(holder.verdict.reason))
                .map(|holder| holder.process.pid)
                .collect(),
        }
        .in_order()
    }

    fn in_order(mut self) -> Self {
        self.holders.sort_unstable();
        for (_, behind) in &mut self.waiters {
            behind.sort_unstable();
        }
        self.waiters.sort_unstable();
        self.suspended.sort_unstable();
        self
    }

    /// In words.
    fn told(&self) -> String {
        let holders = self.holders.iter().map(|(pid, mode)| match mode {
            Some(Mode::Exclusive) => format!("process {pid} holds it alone"),
            Some(Mode::Shared) => format!("process {pid} shares it"),
            None => format!("process {pid} holds it"),
        });
        let waiters = self.waiters.iter().map(|(pid, behind)| {
            let behind: Vec<String> = behind.iter().map(Pid::to_string).collect();
            format!("process {pid} waits for {}", behind.join(" and "))
        });
        let suspended = self.suspended.iter().map(|pid| format!("process {pid} is suspended"));
        let all: Vec<String> = holders.chain(waiters).chain(suspended).collect();
        if all.is_empty() {
            return "nobody who holds it or waits for it".to_owned();
        }
        all.join(", ")
    }
}

/// A folder that goes with the test.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn make() -> Result<Self, NotTested> {
        let path = std::env::temp_dir();
        // What is there already may be anybody's: a folder is new, or it is not used.
        let path = path.join(format!(
            "lockwatch-selftest-{}-{}",
            std::process::id(),
            Moment::now().since_boot.as_nanos()
        ));
        match DirBuilder::new().mode(0o700).create(&path) {
            // By its name without symbolic links, as the kernel names it.
            Ok(()) => Ok(Self(path.canonicalize().unwrap_or(path))),
            Err(source) => Err(NotTested::Folder { path, source }),
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        drop(std::fs::remove_file(self.0.join("credentials.toml")));
        drop(std::fs::remove_dir(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_told_in_words() {
        let expected = Expected {
            holders: vec![(8, Some(Mode::Shared)), (7, Some(Mode::Exclusive))],
            waiters: vec![(9, vec![8, 7])],
            suspended: vec![7],
        };
        assert_eq!(
            expected.in_order().told(),
            "process 7 holds it alone, process 8 shares it, process 9 waits for 7 and 8, process 7 is suspended"
        );
        assert_eq!(Expected::default().told(), "nobody who holds it or waits for it");
    }

    #[test]
    fn children_that_cannot_be_started_are_no_failure_of_the_detection() {
        let error = run(Path::new("/nonexistent"), &[]).expect_err("cannot start");
        assert!(matches!(error, NotTested::Child(_)), "{error}");
    }
}
