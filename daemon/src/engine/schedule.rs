//! When to look next, and how. Pure: the time comes in, since boot.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::os::{FileId, Pace};

/// How to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// At the descriptors of a few processes.
    Glance,
    /// At all locks.
    Look,
}

/// After a lock file was opened its lock is taken any moment. Cargo takes it at once; whoever prepares something first is
/// seen by a later one.
const GLANCES_AFTER_OPEN: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(5),
];
/// Only a look at all locks shows who waits.
const LOOKS_AFTER_OPEN: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(100)];
/// Who got the lock that was released is seen by a glance; a look makes sure.
const LOOK_AFTER_CLOSE: Duration = Duration::from_millis(20);
/// While a folder's events are too many to be heard, its locks are looked at so often.
const IN_A_STORM: Duration = Duration::from_millis(20);

/// What is due when.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    /// The next look without an event.
    regular: Duration,
    glances: BTreeSet<Duration>,
    looks: BTreeSet<Duration>,
    /// The files that were opened or closed since the last look at all locks.
    files: BTreeSet<FileId>,
    storm: bool,
}

impl Schedule {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            regular: Duration::ZERO,
            glances: BTreeSet::new(),
            looks: BTreeSet::new(),
            files: BTreeSet::new(),
            storm: false,
        }
    }

    /// A lock file was opened.
    pub(super) fn opened(&mut self, file: FileId, now: Duration) {
        if !self.pace.events_tell_of_opening {
            return self.doubt(now); // the file was made, or another one took its name
        }
        self.files.insert(file);
        self.glances.extend(GLANCES_AFTER_OPEN.map(|after| now + after));
        self.looks.extend(LOOKS_AFTER_OPEN.map(|after| now + after));
    }

    /// A lock file was closed, or someone who has to do with it has ended.
    pub(super) fn closed(&mut self, file: FileId, now: Duration) {
        self.files.insert(file);
        self.glances.insert(now);
        self.looks.insert(now + LOOK_AFTER_CLOSE);
    }

    /// Something changed, or events were lost, and only a look can tell what it means.
    pub(super) fn doubt(&mut self, now: Duration) {
        self.looks.insert(now);
    }

    /// A storm began or ended.
    pub(super) fn set_storm(&mut self, storm: bool) {
        self.storm = storm;
    }

    /// What was meant for the files that were opened or closed.
    pub(super) fn files(&self) -> &BTreeSet<FileId> {
        &self.files
    }

    /// What is due; a look covers a glance.
    pub(super) fn due(&self, now: Duration) -> Option<Kind> {
        let is_due = |times: &BTreeSet<Duration>| times.first().is_some_and(|time| *time <= now);
        if self.regular <= now || is_due(&self.looks) {
            Some(Kind::Look)
        } else if is_due(&self.glances) {
            Some(Kind::Glance)
        } else {
            None
        }
    }

    /// A glance was made. Where it showed what had happened, the ones that were to follow are of no use.
    pub(super) fn glanced(&mut self, now: Duration, something_new: bool) {
        if something_new {
            self.glances.clear();
        } else {
            self.glances = self.glances.split_off(&(now + Duration::from_nanos(1)));
        }
    }

    /// A look at all locks was made; `busy` where something is held or may be soon.
    pub(super) fn looked(&mut self, now: Duration, busy: bool) {
        let later = now + Duration::from_nanos(1);
        self.looks = self.looks.split_off(&later);
        self.glances = self.glances.split_off(&later);
        if self.looks.is_empty() {
            self.files.clear();
        }
        self.regular = now
            + match (self.storm, busy) {
                (true, _) => IN_A_STORM,
                (false, true) => self.pace.active,
                (false, false) => self.pace.idle,
            };
    }

    /// How long to wait, and how much longer it may take.
    pub(super) fn wait(&self, now: Duration) -> (Duration, Duration) {
        let events = self.glances.first().into_iter().chain(self.looks.first()).min();
        match events {
            Some(time) if *time < self.regular => (time.saturating_sub(now), Duration::ZERO),
            _ => (self.regular.saturating_sub(now), self.pace.leeway),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        idle: Duration::from_secs(20),
        active: Duration::from_secs(1),
        leeway: Duration::from_millis(500),
        events_tell_of_opening: true,
    };
    const FILE: FileId = FileId { dev: 1, ino: 2 };

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A schedule whose last look was at 0 and showed nothing.
    fn idle() -> Schedule {
        let mut schedule = Schedule::new(PACE);
        assert_eq!(schedule.due(ms(0)), Some(Kind::Look), "the first one is due at once");
        schedule.looked(ms(0), false);
        schedule
    }

    /// What is done and when, if nothing new is ever seen, up to some time.
    fn course(schedule: &mut Schedule, mut now: Duration, end: Duration, busy: bool) -> Vec<(u128, Kind)> {
        let mut done = Vec::new();
        while now <= end {
            match schedule.due(now) {
                Some(Kind::Look) => {
                    done.push((now.as_micros(), Kind::Look));
                    schedule.looked(now, busy);
                }
                Some(Kind::Glance) => {
                    done.push((now.as_micros(), Kind::Glance));
                    schedule.glanced(now, false);
                }
                None => now += schedule.wait(now).0.max(Duration::from_nanos(1)),
            }
        }
        done
    }

    #[test]
    fn an_idle_daemon_looks_three_times_a_minute() {
        let mut schedule = idle();
        assert_eq!(schedule.wait(ms(5)), (ms(19_995), PACE.leeway));
        assert_eq!(course(&mut schedule, ms(0), ms(60_000), false).len(), 3);
        assert_eq!(
            course(&mut schedule, ms(60_000), ms(90_000), true).len(),
            12,
            "busy: once a second"
        );
    }

    #[test]
    fn after_an_open_it_looks_more_and_more_seldom() {
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        assert_eq!(schedule.wait(ms(1000)), (ms(0), ms(0)));
        assert_eq!(
            course(&mut schedule, ms(1000), ms(10_000), false),
            [
                (1_000_000, Kind::Glance),
                (1_000_100, Kind::Glance),
                (1_001_000, Kind::Glance),
                (1_005_000, Kind::Glance),
                (1_020_000, Kind::Look),
                (1_100_000, Kind::Look),
            ]
        );
        assert!(schedule.files().is_empty());
    }

    #[test]
    fn what_was_found_ends_the_glances_and_not_the_looks() {
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        schedule.glanced(ms(1000), true);
        assert_eq!(
            course(&mut schedule, ms(1000), ms(2000), false),
            [(1_020_000, Kind::Look), (1_100_000, Kind::Look)]
        );
    }

    #[test]
    fn a_close_is_glanced_at_at_once() {
        let mut schedule = idle();
        schedule.closed(FILE, ms(1000));
        assert_eq!(schedule.files(), &BTreeSet::from([FILE]));
        assert_eq!(
            course(&mut schedule, ms(1000), ms(2000), false),
            [(1_000_000, Kind::Glance), (1_020_000, Kind::Look)]
        );
    }

    #[test]
    fn a_look_that_comes_late_covers_what_was_due_before() {
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        schedule.doubt(ms(1000));
        assert_eq!(
            course(&mut schedule, ms(5000), ms(6000), false),
            [(5_000_000, Kind::Look)]
        );
    }

    #[test]
    fn in_a_storm_it_looks_often_and_then_no_more() {
        let mut schedule = idle();
        schedule.set_storm(true);
        schedule.doubt(ms(1000));
        assert_eq!(course(&mut schedule, ms(1000), ms(1100), false).len(), 6);
        schedule.set_storm(false);
        assert_eq!(course(&mut schedule, ms(1100), ms(2000), false).len(), 1);
    }
}
