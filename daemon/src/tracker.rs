//! Looks become holds and waits with begin and end. Pure: time comes with the looks.
//!
//! A hold or a wait is one process's part in one lock for as long as it lasts. Processes are followed by identity, so a
//! reused number begins a new one, and files by theirs, so a lock file that was deleted and made again is another lock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cargo::lock_kind::LockKind;
use crate::observation::Participant;
use crate::os::{FileId, Mode};
use crate::process::ProcessId;

/// One process's part in one lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    /// The lock file.
    pub file: FileId,
    /// The process.
    pub process: ProcessId,
}

/// When something began, on the clock that counts from boot ([`Moment::since_boot`](crate::clock::Moment)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Begin {
    /// The moment that it was first seen.
    pub at: Duration,
    /// Whether that is the begin, and not only a moment by which it had begun: it was already there when the daemon
    /// started, or lies in a folder that is looked at now and then.
    pub seen: bool,
}

/// What a lock is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockName {
    /// Which file it is.
    pub file: FileId,
    /// Its path.
    pub path: PathBuf,
    /// What kind of lock it is.
    pub kind: LockKind,
}

/// A process holds a lock, or held it.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The lock.
    pub lock: Arc<LockName>,
    /// The process.
    pub who: Arc<Participant>,
    /// How.
    pub mode: Option<Mode>,
    /// Since when.
    pub begin: Begin,
    /// Whether somebody waited because of it.
    pub blocked_somebody: bool,
}

/// A process waits for a lock, or waited for it.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The lock.
    pub lock: Arc<LockName>,
    /// The process.
    pub who: Arc<Participant>,
    /// How it wants it.
    pub mode: Option<Mode>,
    /// Since when.
    pub begin: Begin,
    /// Behind whom, one after the other, without a gap: the first span begins with the wait, each ends where the next one
    /// begins, and the last one with the wait. Of several shared holders at a time it is one, for as long as that holds.
    pub spans: Vec<Span>,
}

/// A part of a wait behind one hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began, since boot.
    pub from: Duration,
    /// The hold, by its process and its begin; none where the holder could not be seen.
    pub behind: Option<(ProcessId, Begin)>,
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldEnd {
    /// The process let go of it and lived on.
    Released,
    /// The process ended.
    Exited,
    /// lockwatch stopped the process gracefully.
    Stopped,
    /// lockwatch stopped the process by force.
    Forced,
    /// It ended while no daemon ran.
    #[serde(other)]
    Unseen,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitEnd {
    /// The process got the lock.
    Acquired,
    /// The process lives and neither waits nor holds: it got the lock and let go of it between two looks, or gave up.
    Left,
    /// The process ended.
    Exited,
    /// It ended while no daemon ran.
    #[serde(other)]
    Unseen,
}

/// What differs from the look before.
#[derive(Clone, Debug)]
pub enum Change {
    /// A hold began.
    Took(Hold),
    /// A hold ended.
    Freed(Hold, HoldEnd),
    /// A wait began.
    Asked(Wait),
    /// A wait ended.
    Went(Wait, WaitEnd),
}

/// What a daemon that ran before left open: a hold or a wait that was there when it last wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOpen {
    /// Whose, and which lock.
    pub part: Part,
    /// Whether it is a wait.
    pub waits: bool,
    /// When it began, since the boot that still lasts.
    pub begin: Begin,
}
