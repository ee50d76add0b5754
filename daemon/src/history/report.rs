//! What the history says about a time: one JSON document. Fields are added, never renamed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cargo::lock_kind::LockKind;
use crate::os::Mode;
use crate::process::Pid;
use crate::state::StartedBy;
use crate::stop::{Outcome, RefusalKind};
use crate::tracker::{HoldEnd, WaitEnd};
use crate::verdict::{Class, Reason};

/// The version of the document's form. It goes up only if a field's meaning would have to change.
pub const SCHEMA_VERSION: u32 = 1;

/// Holds and waits that ended in a time, or last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The begin of the time.
    pub since: Timestamp,
    /// When the report was made.
    pub until: Timestamp,
    /// When the file was begun; none where there is none.
    pub recorded_since: Option<Timestamp>,
    /// The counts, of everything in the time, also of what the lists leave out.
    pub summary: Summary,
    /// The holds of 50 ms or more, and those that blocked somebody, the newest first.
    pub holds: Vec<PastHold>,
    /// The waits, the newest first.
    pub waits: Vec<PastWait>,
    /// How many shorter holds there were, the newest minute first.
    pub short_holds: Vec<ShortHolds>,
    /// The stops, the newest first.
    #[serde(default)]
    pub stops: Vec<PastStop>,
}

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// For how long somebody waited: the time in which at least one process waited, each moment once.
    pub waited_ms: u64,
    /// Behind whom, the longest first, counted likewise for each; two can be in the way at the same moment.
    pub behind: Vec<Behind>,
    /// How many holds there are, shorter ones left out.
    pub holds: u64,
    /// How many waits there are.
    pub waits: u64,
    /// How many shorter holds there were.
    pub short_holds: u64,
}

/// Somebody who was in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// The editor, agent or service that started the holder, by its name; otherwise the command.
    pub who: String,
    /// The project of a build's lock, otherwise the holder's working directory.
    pub place: String,
    /// For how long somebody waited behind it.
    pub waited_ms: u64,
}

/// What holds and waits have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The lock file's path, escaped where it is not plain text.
    pub lock: String,
    /// What kind of lock it is.
    pub kind: LockKind,
    /// The process.
    pub pid: Pid,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// What it did, short.
    pub command: String,
    /// Its working directory.
    pub cwd: Option<String>,
    /// The rustup toolchain that its program belongs to.
    pub toolchain: Option<String>,
    /// Who started it; its number is not kept.
    pub origin: StartedBy,
    /// How it held the lock, or wanted it.
    pub mode: Option<Mode>,
    /// When it began, or was seen first.
    pub begin: Timestamp,
    /// Whether `begin` is the begin.
    pub begin_seen: bool,
    /// When it ended; none for what lasts.
    pub end: Option<Timestamp>,
    /// When it was there last, as far as is written.
    pub last_seen: Timestamp,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastHold {
    /// Names it among the holds of this file.
    pub id: i64,
    /// What it has in common with a wait.
    #[serde(flatten)]
    pub past: Past,
    /// For how long, the machine's sleep included; up to `last_seen` for what lasts.
    pub held_ms: u64,
    /// How it ended.
    pub how: Option<HoldEnd>,
    /// Whether somebody waited because of it.
    pub blocked_somebody: bool,
    /// The gravest class that its process was judged to be of meanwhile; none where it was too short for a verdict.
    #[serde(default)]
    pub class: Option<Class>,
    /// Why.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// A stop of a holder that a daemon carried out or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastStop {
    /// When it was over.
    pub at: Timestamp,
    /// The lock file's path, where it is known.
    pub lock: Option<String>,
    /// What kind of lock it is, where that is known.
    pub kind: Option<LockKind>,
    /// The process that was to be stopped.
    pub pid: Pid,
    /// What it ran.
    pub command: Option<String>,
    /// How the stop ended.
    pub outcome: Option<Outcome>,
    /// Why it was refused.
    pub refusal: Option<RefusalKind>,
    /// Whether anybody got `SIGKILL`.
    pub forced: bool,
    /// How many processes were signalled.
    pub signalled: u64,
    /// How long it took.
    pub took_ms: u64,
    /// What whoever asked was told.
    pub sentence: String,
}

/// A wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastWait {
    /// What it has in common with a hold.
    #[serde(flatten)]
    pub past: Past,
    /// For how long, the machine's sleep included; up to `last_seen` for what lasts.
    pub waited_ms: u64,
    /// How it ended.
    pub how: Option<WaitEnd>,
    /// Behind whom, one after the other.
    pub spans: Vec<PastSpan>,
}

/// A part of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastSpan {
    /// The hold in the way, by its `id`; none where the holder was not seen, or its row is gone.
    pub hold: Option<i64>,
    /// When it began.
    pub from: Timestamp,
    /// For how long.
    pub waited_ms: u64,
}

/// Holds of one lock in one minute that were too short for a row each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortHolds {
    /// The begin of the minute in which they ended.
    pub minute: Timestamp,
    /// The lock file's path.
    pub lock: String,
    /// What kind of lock it is.
    pub kind: LockKind,
    /// How many.
    pub count: u64,
}
