//! When to look next, and how. Pure: the time comes in, since boot.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::os::{FileId, Pace};

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

/// Looks for the same reasons are so far apart at least.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// A look that is being prepared is made after this time even if nobody says that it is ready.
const PREPARATION: Duration = Duration::from_millis(50);
/// The pace where nothing tells of events.
const BLIND: Duration = Duration::from_secs(2);

/// What is due when.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    /// The next look without an event, and how much later it may be.
    regular: (Duration, Duration),
    glances: BTreeSet<(Duration, FileId)>,
    looks: BTreeSet<Duration>,
    /// The files that were opened or closed since the last look at all locks.
    files: BTreeSet<FileId>,
    last_look: Duration,
    storm: bool,
    blind: bool,
}

impl Schedule {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            regular: (Duration::ZERO, Duration::ZERO),
            glances: BTreeSet::new(),
            looks: BTreeSet::new(),
            files: BTreeSet::new(),
            last_look: Duration::ZERO,
            storm: false,
            blind: false,
        }
    }

    /// A lock file was opened.
    pub(super) fn opened(&mut self, file: FileId, now: Duration) {
        if !self.pace.events_tell_of_opening {
            return self.doubt(now); // the file was made, or another one took its name
        }
        self.files.insert(file);
        let is_followed = self.glances.iter().any(|(_, other)| *other == file);
        let more = if is_followed { 1 } else { GLANCES_AFTER_OPEN.len() };
        self.glances
            .extend(GLANCES_AFTER_OPEN.iter().take(more).map(|after| (now + *after, file)));
        let [soon, late] = LOOKS_AFTER_OPEN;
        self.look_within(soon, now);
        // The later look is for the last one that opened it.
        self.looks.retain(|time| *time <= now + soon);
        self.looks.insert(now + late);
    }

    /// A lock file was closed, or someone who has to do with it has ended.
    pub(super) fn closed(&mut self, file: FileId, now: Duration) {
        if !self.pace.events_tell_of_opening {
            return self.doubt(now);
        }
        self.files.insert(file);
        self.glances.insert((now, file));
        self.look_within(LOOK_AFTER_CLOSE, now);
    }

    fn look_within(&mut self, time: Duration, now: Duration) {
        if self.looks.range(..=now + time).next().is_none() {
            self.looks.insert(now + time);
        }
    }

    /// Something changed, or events were lost, and only a look can tell what it means.
    pub(super) fn doubt(&mut self, now: Duration) {
        let soonest = now.max(self.last_look + BETWEEN_LOOKS);
        self.look_within(soonest.saturating_sub(now), now);
    }

    /// Somebody asks for a look that is made from now on.
    pub(super) fn asked(&mut self, now: Duration) {
        self.looks.insert(now);
    }

    /// A storm began or ended.
    pub(super) fn set_storm(&mut self, storm: bool) {
        self.storm = storm;
    }

    /// Whether nothing tells of events.
    pub(super) fn set_blind(&mut self, blind: bool) {
        self.blind = blind;
    }

    /// What was opened or closed a moment ago.
    pub(super) fn files(&self) -> &BTreeSet<FileId> {
        &self.files
    }

    /// Whether something is due because of an event.
    pub(super) fn has_events(&self) -> bool {
        !(self.glances.is_empty() && self.looks.is_empty())
    }

    /// Whether a look at all locks is due.
    pub(super) fn is_look_due(&self, now: Duration) -> bool {
        self.regular.0 <= now || self.looks.first().is_some_and(|time| *time <= now)
    }

    /// Whether a glance is due.
    pub(super) fn is_glance_due(&self, now: Duration) -> bool {
        self.glances.first().is_some_and(|(time, _)| *time <= now)
    }

    /// A glance was made. Of the files where it showed what had happened, no further ones are of use.
    pub(super) fn glanced(&mut self, now: Duration, settled: &BTreeSet<FileId>) {
        self.glances
            .retain(|(time, file)| *time > now && !settled.contains(file));
    }

    /// A look at all locks was made; `busy` where something is held or may be soon.
    pub(super) fn looked(&mut self, now: Duration, busy: bool) {
        self.last_look = now;
        let soonest = now + BETWEEN_LOOKS;
        let is_early = self.looks.range(..soonest).next_back().is_some_and(|time| *time > now);
        self.looks.retain(|time| *time >= soonest);
        if is_early {
            self.looks.insert(soonest);
        }
        self.glances.retain(|(time, _)| *time > now);
        if !self.has_events() {
            self.files.clear();
        }
        let (pause, leeway) = match (self.storm, busy, self.blind) {
            (true, _, _) => (IN_A_STORM, Duration::ZERO),
            (false, true, _) => (self.pace.active, Duration::ZERO),
            (false, false, true) => (self.pace.idle.min(BLIND), self.pace.leeway),
            (false, false, false) => (self.pace.idle, self.pace.leeway),
        };
        self.regular = (now + pause, leeway);
    }

    /// How long to wait, and how much longer it may take; looks are left out for a while where one is being prepared.
    pub(super) fn wait(&self, now: Duration, preparing: bool) -> (Duration, Duration) {
        let looks = self.looks.first().filter(|_| !preparing).copied();
        let event = self
            .glances
            .first()
            .map(|(time, _)| *time)
            .into_iter()
            .chain(looks)
            .min();
        let (regular, leeway) = if preparing {
            (now + PREPARATION, Duration::ZERO)
        } else {
            self.regular
        };
        match event {
            Some(time) if time < regular => (time.saturating_sub(now), Duration::ZERO),
            _ => (regular.saturating_sub(now), leeway),
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
        looks_need_preparation: true,
    };
    const FILE: FileId = FileId { dev: 1, ino: 2 };

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A schedule whose last look was at 0 and showed nothing.
    fn idle() -> Schedule {
        let mut schedule = Schedule::new(PACE);
        assert!(schedule.is_look_due(ms(0)), "the first one is due at once");
        schedule.looked(ms(0), false);
        schedule
    }

    /// What is done and when, if nothing new is ever seen, up to some time.
    fn course(schedule: &mut Schedule, mut now: Duration, end: Duration, busy: bool) -> Vec<(u128, &'static str)> {
        let mut done = Vec::new();
        while now <= end {
            if schedule.is_look_due(now) {
                done.push((now.as_micros(), "look"));
                schedule.looked(now, busy);
            } else if schedule.is_glance_due(now) {
                done.push((now.as_micros(), "glance"));
                schedule.glanced(now, &BTreeSet::new());
            } else {
                now += schedule.wait(now, false).0.max(Duration::from_nanos(1));
            }
        }
        done
    }

    #[test]
    fn it_looks_seldom_while_nothing_is_held() {
        let mut schedule = idle();
        assert_eq!(schedule.wait(ms(5), false), (ms(19_995), PACE.leeway));
        assert_eq!(course(&mut schedule, ms(0), ms(60_000), false).len(), 3);
        assert_eq!(
            course(&mut schedule, ms(60_000), ms(90_000), true).len(),
            11,
            "busy: once a second"
        );
    }

    #[test]
    fn after_an_open_it_looks_more_and_more_seldom() {
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        assert_eq!(schedule.wait(ms(1000), false), (ms(0), ms(0)));
        assert_eq!(
            course(&mut schedule, ms(1000), ms(10_000), false),
            [
                (1_000_000, "glance"),
                (1_000_100, "glance"),
                (1_001_000, "glance"),
                (1_005_000, "glance"),
                (1_020_000, "look"),
                (1_100_000, "look"),
            ]
        );
        assert!(schedule.files().is_empty());
    }

    #[test]
    fn what_was_found_ends_the_glances_and_not_the_looks() {
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        schedule.glanced(ms(1000), &BTreeSet::from([FILE]));
        assert_eq!(
            course(&mut schedule, ms(1000), ms(2000), false),
            [(1_020_000, "look"), (1_100_000, "look")]
        );
    }

    #[test]
    fn while_a_look_is_prepared_there_are_glances_only() {
        let mut schedule = idle();
        schedule.doubt(ms(1000));
        assert_eq!(schedule.wait(ms(1001), false), (ms(0), ms(0)));
        assert_eq!(schedule.wait(ms(1001), true), (PREPARATION, ms(0)), "not for ever");
        schedule.opened(FILE, ms(1001));
        schedule.glanced(ms(1001), &BTreeSet::new());
        assert_eq!(schedule.wait(ms(1001), true), (Duration::from_micros(100), ms(0)));
        assert_eq!(schedule.wait(ms(30_000), true).0, ms(0), "a glance that is late");
    }

    #[test]
    fn a_close_is_glanced_at_at_once() {
        let mut schedule = idle();
        schedule.closed(FILE, ms(1000));
        assert_eq!(schedule.files(), &BTreeSet::from([FILE]));
        assert_eq!(
            course(&mut schedule, ms(1000), ms(2000), false),
            [(1_000_000, "glance"), (1_020_000, "look")]
        );
    }

    #[test]
    fn a_look_that_comes_late_covers_what_was_due_before() {
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        schedule.doubt(ms(1000));
        assert_eq!(course(&mut schedule, ms(5000), ms(6000), false), [(5_000_000, "look")]);
    }

    #[test]
    fn what_happens_a_hundred_times_a_second_is_looked_at_fifty_times() {
        let mut schedule = idle();
        let mut done = Vec::new();
        for time in (1000..2000).step_by(10) {
            schedule.opened(FILE, ms(time));
            schedule.doubt(ms(time));
            done.extend(course(&mut schedule, ms(time), ms(time + 9), true));
        }
        let count = |kind| done.iter().filter(|(_, done)| *done == kind).count();
        assert!(count("look") <= 51, "{} looks", count("look"));
        assert!(count("glance") <= 400, "{} glances", count("glance"));
    }

    #[test]
    fn of_two_files_one_may_be_settled() {
        let other = FileId { dev: 1, ino: 3 };
        let mut schedule = idle();
        schedule.opened(FILE, ms(1000));
        schedule.opened(other, ms(1000));
        schedule.glanced(ms(1000), &BTreeSet::from([FILE]));
        assert!(schedule.is_glance_due(ms(1001)), "for the other one");
    }

    #[test]
    fn without_events_it_looks_more_often() {
        let mut schedule = idle();
        schedule.set_blind(true);
        schedule.looked(ms(1000), false);
        assert_eq!(schedule.wait(ms(1000), false), (BLIND, PACE.leeway));
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
