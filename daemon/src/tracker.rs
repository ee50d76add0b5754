//! Looks become holds and waits with begin and end. Pure: time comes with the looks.
//!
//! A hold or a wait is one process's part in one lock for as long as it lasts. Processes are followed by identity, so a
//! reused number begins a new one, and files by theirs, so a lock file that was deleted and made again is another lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cargo::lock_kind::LockKind;
use crate::clock::Moment;
use crate::observation::{Lock, Look, Participant};
use crate::os::{Claim, FileId, Mode};
use crate::process::ProcessId;
use crate::wait_graph;

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

impl Change {
    /// The lock file.
    pub fn file(&self) -> FileId {
        match self {
            Self::Took(hold) | Self::Freed(hold, _) => hold.lock.file,
            Self::Asked(wait) | Self::Went(wait, _) => wait.lock.file,
        }
    }
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

/// What is held and waited for, over time.
#[derive(Debug, Default)]
pub struct Tracker {
    names: BTreeMap<FileId, Arc<LockName>>,
    holds: BTreeMap<Part, Hold>,
    waits: BTreeMap<Part, Wait>,
    /// What a daemon that ran before left open, until the first look tells what became of it.
    left_open: Vec<LeftOpen>,
    /// Those that lockwatch is stopping, and how.
    stopping: BTreeMap<ProcessId, HoldEnd>,
    /// The last look at all locks; a glance tells nothing of those that it did not look at.
    last_complete: Option<Moment>,
}

/// A begin is taken to be seen where it lies between two looks at that lock so far apart at most: while anything is held
/// there is one look a second, and a little more on a loaded machine.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

impl Tracker {
    /// Goes on from what a daemon that ran before left open.
    pub fn resuming(left_open: Vec<LeftOpen>) -> Self {
        Self {
            left_open,
            ..Self::default()
        }
    }

    /// The holds of the last look.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// The waits of the last look.
    pub fn waits(&self) -> impl Iterator<Item = &Wait> {
        self.waits.values()
    }

    /// What a lock in use is called.
    pub fn name_of(&self, file: FileId) -> Option<Arc<LockName>> {
        self.names.get(&file).cloned()
    }

    /// Since when a process holds a lock, where the begin was seen.
    pub fn held_since(&self, part: Part) -> Option<Duration> {
        self.holds.get(&part)?.begin.if_seen()
    }

    /// Since when a process waits for a lock, where the begin was seen.
    pub fn waited_since(&self, part: Part) -> Option<Duration> {
        self.waits.get(&part)?.begin.if_seen()
    }

    /// lockwatch begins to stop a process: if its holds end now, that is why. None: it is not at it any more.
    pub fn set_stopping(&mut self, process: ProcessId, how: Option<HoldEnd>) {
        match how {
            Some(how) => self.stopping.insert(process, how),
            None => self.stopping.remove(&process),
        };
    }

    /// What a daemon that ran before left open and the first look did not show: it ended unseen. Empty before the first
    /// look, and when asked again.
    pub fn take_lost(&mut self) -> Vec<LeftOpen> {
        if self.last_complete.is_none() {
            return Vec::new();
        }
        let mut lost = std::mem::take(&mut self.left_open);
        lost.retain(|left| {
            let begin = if left.waits {
                self.waits.get(&left.part).map(|wait| wait.begin)
            } else {
                self.holds.get(&left.part).map(|hold| hold.begin)
            };
            begin != Some(left.begin)
        });
        lost
    }

    /// Takes a look, and tells what differs from the one before, in an order in which it can have happened: what ended,
    /// then what began. `was_heard` are the lock files whose opening was heard of a moment ago.
    pub fn apply(&mut self, look: &Look, was_heard: &dyn Fn(FileId) -> bool) -> Vec<Change> {
        let holding = self.holding(look);
        let waiting = parts(look, |lock| &lock.waiters);
        let mut changes = Vec::new();
        self.end_waits(look, &holding, &waiting, &mut changes);
        self.end_holds(look, &holding, &mut changes);
        let beginning = Beginning {
            look,
            last_complete: self.last_complete,
            was_heard,
        };
        for (part, (lock, mode)) in &holding {
            self.go_on_holding(*part, lock, *mode, &beginning, &mut changes);
        }
        for (part, (lock, mode)) in &waiting {
            self.go_on_waiting(*part, lock, *mode, &beginning, &mut changes);
        }
        let in_use: BTreeSet<FileId> = look.locks.iter().map(|lock| lock.file).collect();
        self.names.retain(|file, _| in_use.contains(file));
        if look.is_complete {
            self.last_complete = Some(look.at);
        }
        changes
    }

    /// Who holds by the look. Where more seem to hold a lock than can, those who held it before count, and a newcomer when
    /// the next look shows him alone.
    fn holding<'a>(&self, look: &'a Look) -> Parts<'a> {
        let mut holding = parts(look, |lock| &lock.holders);
        for lock in &look.locks {
            if lock.has_too_many_holders() {
                holding.retain(|part, _| part.file != lock.file || self.holds.contains_key(part));
            }
        }
        holding
    }

    fn end_waits(&mut self, look: &Look, holding: &Parts<'_>, waiting: &Parts<'_>, changes: &mut Vec<Change>) {
        let ended = self.waits.extract_if(.., |part, _| !waiting.contains_key(part));
        changes.extend(ended.map(|(part, wait)| {
            let how = if holding.contains_key(&part) {
                WaitEnd::Acquired
            } else if look.ended.contains(&part.process) {
                WaitEnd::Exited
            } else {
                WaitEnd::Left
            };
            Change::Went(wait, how)
        }));
    }

    fn end_holds(&mut self, look: &Look, holding: &Parts<'_>, changes: &mut Vec<Change>) {
        let ended = self.holds.extract_if(.., |part, _| !holding.contains_key(part));
        changes.extend(ended.map(|(part, hold)| {
            let how = match self.stopping.get(&part.process) {
                Some(how) => *how,
                None if look.ended.contains(&part.process) => HoldEnd::Exited,
                None => HoldEnd::Released,
            };
            Change::Freed(hold, how)
        }));
        let holds = &self.holds;
        self.stopping
            .retain(|process, _| holds.keys().any(|part| part.process == *process));
    }

    fn go_on_holding(
        &mut self,
        part: Part,
        lock: &Lock,
        mode: Option<Mode>,
        beginning: &Beginning<'_>,
        changes: &mut Vec<Change>,
    ) {
        let Some(who) = beginning.look.processes.get(&part.process) else {
            return;
        };
        if let Some(hold) = self.holds.get_mut(&part) {
            hold.who.clone_from(who);
            hold.mode = mode;
            return;
        }
        let left = self.left_open(part, false);
        let hold = Hold {
            lock: self.name(lock),
            who: Arc::clone(who),
            mode,
            begin: left.unwrap_or_else(|| beginning.begin(lock, who)),
            blocked_somebody: false,
        };
        if left.is_none() {
            changes.push(Change::Took(hold.clone()));
        }
        self.holds.insert(part, hold);
    }

    fn go_on_waiting(
        &mut self,
        part: Part,
        lock: &Lock,
        mode: Option<Mode>,
        beginning: &Beginning<'_>,
        changes: &mut Vec<Change>,
    ) {
        let Some(who) = beginning.look.processes.get(&part.process) else {
            return;
        };
        let claim = Claim {
            process: part.process,
            mode,
        };
        let mut blockers = Vec::new();
        for process in wait_graph::blockers(lock, &claim) {
            if let Some(hold) = self.holds.get_mut(&Part { process, ..part }) {
                hold.blocked_somebody = true;
                blockers.push((process, hold.begin));
            }
        }
        let now = beginning.look.at.since_boot;
        if let Some(wait) = self.waits.get_mut(&part) {
            wait.who.clone_from(who);
            wait.mode = mode;
            wait.go_on(now, &blockers);
            return;
        }
        let left = self.left_open(part, true);
        let begin = left.unwrap_or_else(|| beginning.begin(lock, who));
        let wait = Wait {
            lock: self.name(lock),
            who: Arc::clone(who),
            mode,
            begin,
            spans: vec![Span {
                from: begin.at,
                behind: blockers.first().copied(),
            }],
        };
        if left.is_none() {
            changes.push(Change::Asked(wait.clone()));
        }
        self.waits.insert(part, wait);
    }

    fn left_open(&self, part: Part, waits: bool) -> Option<Begin> {
        let left = self
            .left_open
            .iter()
            .find(|left| left.part == part && left.waits == waits)?;
        self.last_complete.is_none().then_some(left.begin)
    }

    fn name(&mut self, lock: &Lock) -> Arc<LockName> {
        let name = self.names.entry(lock.file).or_insert_with(|| {
            Arc::new(LockName {
                file: lock.file,
                path: lock.path.clone(),
                kind: lock.table.kind,
            })
        });
        // A file that was renamed goes by its new name from then on.
        if name.path != lock.path {
            *name = Arc::new(LockName {
                path: lock.path.clone(),
                ..LockName::clone(name)
            });
        }
        Arc::clone(name)
    }
}

impl Begin {
    fn if_seen(self) -> Option<Duration> {
        self.seen.then_some(self.at)
    }
}

impl Wait {
    /// A new span begins where the hold that it was behind is not in its way any more.
    fn go_on(&mut self, now: Duration, blockers: &[(ProcessId, Begin)]) {
        let behind = self.spans.last().and_then(|span| span.behind);
        let same = match behind {
            Some(hold) => blockers.contains(&hold),
            None => blockers.is_empty(),
        };
        if !same {
            self.spans.push(Span {
                from: now,
                behind: blockers.first().copied(),
            });
        }
    }
}

/// Everyone's part in a lock at one moment.
type Parts<'a> = BTreeMap<Part, (&'a Lock, Option<Mode>)>;

fn parts<'a>(look: &'a Look, claims: impl Fn(&'a Lock) -> &'a Vec<Claim>) -> Parts<'a> {
    let all = look.locks.iter().flat_map(|lock| {
        claims(lock).iter().map(move |claim| {
            let part = Part {
                file: lock.file,
                process: claim.process,
            };
            (part, (lock, claim.mode))
        })
    });
    all.collect()
}

/// What tells whether a begin was seen.
struct Beginning<'a> {
    look: &'a Look,
    last_complete: Option<Moment>,
    was_heard: &'a dyn Fn(FileId) -> bool,
}

impl Beginning<'_> {
    /// It began after the last look that did not show it, after its file was opened, and after its process began.
    fn begin(&self, lock: &Lock, who: &Participant) -> Begin {
        let at = self.look.at.since_boot;
        let looked = self.last_complete.map(|last| at.saturating_sub(last.since_boot));
        let lives = who.process.started_at.and_then(|start| {
            let lives = self.look.at.wall.duration_since(start);
            lives.try_into().ok() // not where the clock was set back since
        });
        let within = |span: Option<Duration>| span.is_some_and(|span| span <= SEEN_WITHIN);
        let seen = within(looked) || within(lives) || (looked.is_some() && (self.was_heard)(lock.file));
        Begin { at, seen }
    }
}

#[cfg(test)]
mod tests;
