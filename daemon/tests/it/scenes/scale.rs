//! How long things take: every time of a scene is given for the default thresholds, and scaled with them.

use std::sync::LazyLock;
use std::time::Duration;

use lockwatch::config::Thresholds;

/// A time at the default thresholds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// So many seconds.
    Seconds(u64),
    /// Until a holder with a child that lives is stuck where nothing moves.
    NoProgressWithChild,
}

pub(super) const PROMPT: Span = Span::Seconds(30);
pub(super) const ORPHANED: Span = Span::Seconds(30);
pub(super) const NO_PROGRESS: Span = Span::Seconds(120);
pub(super) const NO_PROGRESS_WITH_CHILD: Span = Span::NoProgressWithChild;

/// What times are multiplied with, by `LOCKWATCH_SCENES_SCALE`: a tenth where nothing is said.
static SCALE: LazyLock<f64> = LazyLock::new(|| {
    let said = std::env::var("LOCKWATCH_SCENES_SCALE");
    said.map_or(0.1, |said| said.parse().expect("LOCKWATCH_SCENES_SCALE is a number"))
});

/// Whether the thresholds are the defaults.
pub(super) fn is_whole() -> bool {
    (*SCALE - 1.0).abs() < f64::EPSILON
}

impl Span {
    /// In this run.
    pub(super) fn scaled(self) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds).mul_f64(*SCALE),
            Self::NoProgressWithChild => thresholds().no_progress_with_child,
        }
    }
}

/// The thresholds of this run. Where they are less than the defaults, the long one is cut further, so that the scenes do
/// not take longer than all other tests together.
pub(super) fn thresholds() -> Thresholds {
    /// At a tenth, instead of 90 s.
    const CUT: Duration = Duration::from_secs(20);
    /// At a tenth, instead of 1 s. Linux tells processor time in hundredths of a second: in one second a single one of
    /// them would be 1 % of a core, and a process that only wakes now and then would seem to work.
    const LEAST: Duration = Duration::from_secs(2);

    let default = Thresholds::default();
    let scaled = |duration: Duration| duration.mul_f64(*SCALE).max(Duration::from_secs(1));
    let long = scaled(default.no_progress_with_child);
    Thresholds {
        moving: scaled(default.moving).max(LEAST),
        prompt: scaled(default.prompt),
        orphaned: scaled(default.orphaned),
        no_progress: scaled(default.no_progress),
        no_progress_with_child: if is_whole() { long } else { long.min(CUT) },
        download: scaled(default.download),
    }
}

/// The configuration with them.
pub(super) fn configuration() -> String {
    let thresholds = thresholds();
    let rows = [
        ("moving", thresholds.moving),
        ("prompt", thresholds.prompt),
        ("orphaned", thresholds.orphaned),
        ("no_progress", thresholds.no_progress),
        ("no_progress_with_child", thresholds.no_progress_with_child),
        ("download", thresholds.download),
    ];
    let rows = rows.map(|(key, value)| format!("{key} = {}\n", value.as_secs_f64()));
    format!("[thresholds]\n{}", rows.concat())
}
