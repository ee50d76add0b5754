//! Values as the file may have them, each with what is allowed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// A time of a verdict, or of a notification.
pub(super) fn threshold<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, 24 * HOUR, "1s to 24h")
}

/// How long a process is given to end.
pub(super) fn grace<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, HOUR, "1s to 1h")
}

/// For how long the history is kept: up to ten years.
pub(super) fn days<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    from.deserialize_i64(Number {
        most: 3_650,
        unit: "days",
    })
}

/// How much the history keeps.
pub(super) fn megabytes<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    from.deserialize_i64(Number {
        most: 4_096,
        unit: "megabytes",
    })
}

/// A whole number, from 1 on.
struct Number {
    most: u32,
    unit: &'static str,
}

impl Visitor<'_> for Number {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number, 1 to {} {}", self.most, self.unit)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        let fits = u32::try_from(number)
            .ok()
            .filter(|number| (1..=self.most).contains(number));
        fits.ok_or_else(|| E::custom(format_args!("allowed are 1 to {} {}", self.most, self.unit)))
    }
}

fn duration<'de, D: Deserializer<'de>>(from: D, most: Duration, range: &str) -> Result<Duration, D::Error> {
    let duration = from.deserialize_any(Seconds)?;
    let fits = duration.filter(|duration| (SECOND..=most).contains(duration));
    fits.ok_or_else(|| {
        D::Error::custom(format_args!(
            "allowed are {range}, in seconds (5) or with a unit (\"15m\")"
        ))
    })
}

/// Seconds, or a text with a unit; none where it is no duration of zero or more.
struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Option<Duration>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration, in seconds (5) or with a unit (\"15m\")")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(seconds).ok().map(Duration::from_secs))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Self::Value, E> {
        Ok(Duration::try_from_secs_f64(seconds).ok())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let duration = text.parse::<SignedDuration>().ok();
        Ok(duration.and_then(|duration| Duration::try_from(duration).ok()))
    }
}

/// Whole paths; `~` is expanded later.
pub(super) fn folders<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    let folders = Vec::<PathBuf>::deserialize(from)?;
    let whole = |folder: &PathBuf| folder.is_absolute() || folder.starts_with("~");
    if folders.iter().all(whole) {
        return Ok(folders);
    }
    Err(D::Error::custom(
        "allowed are folders with their whole path, or with one that begins with `~/`",
    ))
}

/// Names as a process has them, without a folder.
pub(super) fn programs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let programs = Vec::<String>::deserialize(from)?;
    if programs.iter().all(|name| !name.is_empty() && !name.contains('/')) {
        return Ok(programs);
    }
    Err(D::Error::custom(
        "allowed are names of programs without their folder, such as \"just\"",
    ))
}
