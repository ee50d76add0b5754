//! Moments: by the wall clock, for people, and since boot, for durations.
//!
//! The wall clock can be set, so no duration is ever the difference of two of its times. The other clock counts from the
//! boot on and goes on while the machine sleeps.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the wall clock, to the millisecond.
    pub wall: Timestamp,
    /// Since boot, the machine's sleep included; comparable within one run of the machine, also between processes.
    pub since_boot: Duration,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let now = Timestamp::now();
        Self {
            wall: now.round(Unit::Millisecond).unwrap_or(now),
            since_boot: crate::os::since_boot(),
        }
    }

    /// When something was that is known by the other clock, by the wall clock as it is set now.
    pub fn wall_at(&self, since_boot: Duration) -> Timestamp {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let ago = signed(self.since_boot).saturating_sub(signed(since_boot));
        let then = self.wall.checked_sub(ago);
        let then = then.unwrap_or(self.wall);
        then.round(Unit::Millisecond).unwrap_or(then)
    }

    /// How long ago something was, 0 for what is to come.
    pub fn since(&self, since_boot: Duration) -> Duration {
        self.since_boot.saturating_sub(since_boot)
    }
}

/// A duration in whole milliseconds, as the documents have it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: &str, since_boot: u64) -> Moment {
        Moment {
            wall: wall.parse().expect("a time"),
            since_boot: Duration::from_millis(since_boot),
        }
    }

    #[test]
    fn a_begin_keeps_its_distance_also_after_the_clock_was_set() {
        let begin = Duration::from_secs(100);
        let before = moment("2026-11-22T23:10:05Z", 160_000);
        let after = moment("1999-01-01T00:00:10Z", 170_000);
        assert_eq!(before.wall_at(begin).to_string(), "2026-11-22T23:09:05Z");
        assert_eq!(after.wall_at(begin).to_string(), "1998-12-31T23:59:00Z");
        assert_eq!(before.since(begin), Duration::from_mins(1));
        assert_eq!(before.since(Duration::from_secs(161)), Duration::ZERO);
        assert_eq!(
            before.wall_at(Duration::from_secs(161)).to_string(),
            "2026-11-22T23:10:06Z"
        );
    }

    #[test]
    fn times_are_of_whole_milliseconds() {
        let now = Moment::now();
        assert_eq!(now.wall.subsec_nanosecond() % 1_000_000, 0);
        assert_eq!(now.wall_at(Duration::from_nanos(1)).subsec_nanosecond() % 1_000_000, 0);
    }
}
