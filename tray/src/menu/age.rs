//! How long something lasts, in the words of a menu: whole minutes, so that a text changes once a minute and not more.

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTE: u64 = 60;

/// The time of a menu. It remembers when the first of its texts says something else.
pub(super) struct Ages<'a> {
    /// The time of the state that is shown.
    as_of: Timestamp,
    /// How long ago that was.
    elapsed: Duration,
    zone: &'a TimeZone,
    next: Cell<Option<Duration>>,
}

impl<'a> Ages<'a> {
    pub(super) fn new(as_of: Timestamp, elapsed: Duration, zone: &'a TimeZone) -> Self {
        Self {
            as_of,
            elapsed,
            zone,
            next: Cell::new(None),
        }
    }

    /// After how long a text changes by itself; none where none does.
    pub(super) fn next(&self) -> Option<Duration> {
        self.next.get()
    }

    /// `3 min`, of what had lasted so many milliseconds when the state was made.
    pub(super) fn lasting(&self, milliseconds: u64) -> String {
        words(self.seconds(milliseconds))
    }

    /// The same in as few characters as can be: `3m`.
    pub(super) fn short(&self, milliseconds: u64) -> String {
        match self.seconds(milliseconds) / MINUTE {
            0 => "<1m".to_owned(),
            minutes @ 1..60 => format!("{minutes}m"),
            minutes => format!("{}h", minutes / 60),
        }
    }

    /// `14:07 (3 min)`, with the day where it is not today.
    pub(super) fn since(&self, then: Timestamp) -> String {
        let lasted = self.as_of.as_millisecond() - then.as_millisecond();
        let at = then.to_zoned_datetime(self.zone.clone());
        let today = self.as_of.to_zoned_datetime(self.zone.clone()).date();
        let format = if at.date() == today { "%H:%M" } else { "%b %-d, %H:%M" };
        format!(
            "{} ({})",
            at.strftime(format),
            self.lasting(lasted.max(0).unsigned_abs())
        )
    }

    fn seconds(&self, milliseconds: u64) -> u64 {
        let age = Duration::from_millis(milliseconds).saturating_add(self.elapsed);
        let into_the_minute = Duration::new(age.as_secs() % MINUTE, age.subsec_nanos());
        let left = Duration::from_secs(MINUTE).saturating_sub(into_the_minute);
        self.next.set(Some(self.next.get().map_or(left, |next| next.min(left))));
        age.as_secs()
    }
}

/// `less than a minute`, `3 min`, `2 h 05 min`, `3 d 4 h`.
pub(super) fn words(seconds: u64) -> String {
    let minutes = seconds / MINUTE;
    match (minutes / 60 / 24, minutes / 60, minutes) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, _) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h {:02} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_whole_minutes() {
        for (seconds, text) in [
            (0, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h 00 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(words(seconds), text);
        }
    }

    #[test]
    fn the_next_change_is_that_of_the_first_text() {
        let zone = TimeZone::UTC;
        let ages = Ages::new(Timestamp::UNIX_EPOCH, Duration::from_millis(500), &zone);
        assert_eq!(ages.next(), None);
        assert_eq!(ages.short(59_000), "<1m");
        assert_eq!(ages.next(), Some(Duration::from_millis(500)));
        assert_eq!(ages.lasting(60_000), "1 min");
        assert_eq!(ages.next(), Some(Duration::from_millis(500)));
        assert_eq!(
            (ages.short(59_500), ages.short(7_200_000)),
            ("1m".to_owned(), "2h".to_owned())
        );
    }

    #[test]
    fn a_time_of_another_day_has_its_date() {
        let zone = TimeZone::UTC;
        let now: Timestamp = "2026-11-25T14:10:00Z".parse().expect("is a time");
        let ages = Ages::new(now, Duration::ZERO, &zone);
        for (then, text) in [
            ("2026-11-25T14:07:00Z", "14:07 (3 min)"),
            ("2026-11-24T23:10:00Z", "Nov 24, 23:10 (15 h 00 min)"),
            ("2026-11-25T14:11:00Z", "14:11 (less than a minute)"),
        ] {
            assert_eq!(ages.since(then.parse().expect("is a time")), text);
        }
    }
}
