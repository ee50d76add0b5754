//! How far back somebody wants to look. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::{Span, Timestamp, ToSpan as _, ZonedDateTime};

/// How far back to look.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    /// From midnight on.
    Today,
    /// From the midnight before on.
    Yesterday,
    /// For so long.
    Last(Span),
}

/// A text that says no such thing.
#[derive(Debug, thiserror::Error)]
#[error("write a span of time such as 2h, 30m, 7d or `2h 30m`, or today, or yesterday")]
pub(super) struct NoSpan;

impl FromStr for Since {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        match text.trim() {
            "today" => Ok(Self::Today),
            "yesterday" => Ok(Self::Yesterday),
            span => {
                let span: Span = span.parse().map_err(|_| NoSpan)?;
                span.is_positive().then_some(Self::Last(span)).ok_or(NoSpan)
            }
        }
    }
}

impl Since {
    /// Where that begins. Days are those of the calendar, with 23 or 25 hours where the clock is put forward or back.
    pub(super) fn begin(&self, now: &ZonedDateTime) -> Timestamp {
        let midnight = |day: &ZonedDateTime| day.start_of_day().ok();
        let begin = match self {
            Self::Today => midnight(now),
            Self::Yesterday => now.checked_sub(1.day()).ok().as_ref().and_then(midnight),
            Self::Last(span) => now.checked_sub(*span).ok(),
        };
        begin.map_or(Timestamp::MIN, |begin| begin.timestamp())
    }
}

impl fmt::Display for Since {
    /// As a sentence has it: `today`, `since yesterday`, `in the last 2h 30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Today => f.write_str("today"),
            Self::Yesterday => f.write_str("since yesterday"),
            Self::Last(span) => write!(f, "in the last {span:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        // The day before, Berlin put its clocks back: it had 25 hours.
        let now: ZonedDateTime = "2026-10-26T12:30:00[Europe/Berlin]".parse().expect("a time");
        for (text, begin, said) in [
            ("today", "2026-10-25T23:00:00Z", "today"),
            ("yesterday", "2026-10-24T22:00:00Z", "since yesterday"),
            ("2h", "2026-10-26T09:30:00Z", "in the last 2h"),
            (" 30m ", "2026-10-26T11:00:00Z", "in the last 30m"),
            ("90 minutes", "2026-10-26T10:00:00Z", "in the last 90m"),
            ("2h30m", "2026-10-26T09:00:00Z", "in the last 2h 30m"),
            ("2 days", "2026-10-24T10:30:00Z", "in the last 2d"),
            ("1w", "2026-10-19T10:30:00Z", "in the last 1w"),
            ("PT1H", "2026-10-26T10:30:00Z", "in the last 1h"),
        ] {
            let since: Since = text.parse().expect("is a span");
            let begin: Timestamp = begin.parse().expect("a time");
            assert_eq!((since.begin(&now), since.to_string().as_str()), (begin, said), "{text}");
        }
        let ever: Since = "19998y".parse().expect("is a span");
        assert_eq!(ever.begin(&now), Timestamp::MIN);
    }

    #[test]
    fn what_is_no_span() {
        for text in [
            "",
            "2",
            "soon",
            "-2h",
            "0s",
            "2h ago",
            "2 parsecs",
            "2026-10-26",
            "1e9h",
            "99999999y",
        ] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
