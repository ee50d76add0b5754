//! What was measured, and what is said of it.

use std::fmt;
use std::time::Duration;

/// How long each of many runs took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn add(&mut self, took: Duration) {
        let place = self.0.partition_point(|other| *other <= took);
        self.0.insert(place, took);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that so many percent of all are not above.
    fn percentile(&self, percent: usize) -> Duration {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    pub(crate) fn p99(&self) -> Duration {
        self.percentile(99)
    }

    pub(crate) fn max(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// A duration in milliseconds, with the three digits that mean something.
pub(crate) struct Milliseconds(pub(crate) Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_secs_f64() * 1e3;
        let digits = if milliseconds < 10.0 {
            2
        } else {
            usize::from(milliseconds < 100.0)
        };
        write!(f, "{milliseconds:.digits$} ms")
    }
}

/// How many times the one is of the other.
pub(crate) fn ratio(one: Duration, of: Duration) -> f64 {
    one.as_secs_f64() / of.as_secs_f64().max(1e-9)
}
