//! What the user can set: `config.toml`. Every key is optional.

use std::path::PathBuf;
use std::time::Duration;

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Cargo homes to watch, besides those of the environment.
    pub cargo_homes: Vec<PathBuf>,
    /// What the history keeps.
    pub history: Retention,
    /// When a holder counts as what.
    pub thresholds: Thresholds,
    /// How processes are stopped.
    pub stop: Stop,
    /// What the user is told of unasked.
    pub notifications: Notifications,
}

/// What the history keeps; the first limit that is reached counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long.
    pub days: u32,
    /// How much, in megabytes of the file.
    pub megabytes: u32,
}

/// The times of the verdicts. They run on the time that the machine is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Something that moved so long ago still counts as moving.
    pub moving: Duration,
    /// Nothing moved for so long, and a descendant waits for a person.
    pub prompt: Duration,
    /// Nothing moved for so long, and whoever started it is gone.
    pub orphaned: Duration,
    /// Nothing moved for so long, and no child lives.
    pub no_progress: Duration,
    /// Nothing moved for so long, and a child lives.
    pub no_progress_with_child: Duration,
    /// Nothing moved for so long in a download that cannot be measured.
    pub download: Duration,
}

/// How processes are stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// How long a process is given to end after `SIGTERM`.
    pub grace: Duration,
    /// Programs that may be stopped besides cargo and `cargo-*`, by their names.
    pub programs: Vec<String>,
}

/// What the user is told of unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// Whether at all.
    pub enabled: bool,
    /// After how long a wait behind a stuck holder.
    pub after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cargo_homes: Vec::new(),
            history: Retention {
                days: 30,
                megabytes: 64,
            },
            thresholds: Thresholds {
                moving: Duration::from_secs(10),
                prompt: Duration::from_secs(30),
                orphaned: Duration::from_secs(30),
                no_progress: Duration::from_mins(2),
                no_progress_with_child: Duration::from_mins(15),
                download: Duration::from_mins(10),
            },
            stop: Stop {
                grace: Duration::from_secs(5),
                programs: Vec::new(),
            },
            notifications: Notifications {
                enabled: true,
                after: Duration::from_mins(1),
            },
        }
    }
}
