//! The published model: one JSON document that every output of lockwatch shows. Fields are added, never renamed.
//!
//! `daemon/schema/state-1.schema.json` describes it for other programs, and a test holds real output against it.

mod same;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::{Origin, OriginKind};
use crate::clock::milliseconds;
use crate::observation::{self, Look, Participant};
use crate::os::{Claim, Mode, Precision};
use crate::process::{Pid, ProcessId};
use crate::text;
use crate::token::Token;
use crate::tracker::{Part, Tracker};
use crate::verdict::{self, Class, Course, Reason, Verdict};
use crate::wait_graph::{self, Hold, WaitGraph};

/// The version of the document's form. It goes up only if a field's meaning would have to change.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that is known at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the look was made.
    pub as_of: Timestamp,
    /// How many changes there were since the daemon's start; none in a direct look.
    pub generation: Option<u64>,
    /// Who looked.
    pub source: Source,
    /// Whether the kernel could say it all.
    pub precision: Precision,
    /// What could not be seen, a sentence each.
    pub notes: Vec<String>,
    /// The counts.
    pub summary: Summary,
    /// The lock files in use, in the order of their paths.
    pub locks: Vec<Lock>,
    /// The cargo and rustc processes that neither hold nor wait; only where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<Process>>,
}

/// Who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The daemon, which looks all the time.
    Daemon,
    /// The process that shows it, once.
    Direct,
}

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Locks that somebody holds.
    pub held: usize,
    /// Locks that somebody waits for.
    pub contended: usize,
    /// Processes that hold a lock and are stuck.
    pub stuck: usize,
}

/// One lock file in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its path, escaped where it is not plain text.
    pub path: String,
    /// What kind of lock it is.
    pub kind: LockKind,
    /// Cargo's own word for it in the version that uses it.
    pub label: String,
    /// Whether the file was deleted while in use.
    pub deleted: bool,
    /// Whether the path is one inside a container.
    #[serde(default)]
    pub other_mount_namespace: bool,
    /// Who holds it.
    pub holders: Vec<Holder>,
    /// Who waits for it, in the kernel's order.
    pub waiters: Vec<Waiter>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Its parent's number.
    pub ppid: Pid,
    /// What it does, short.
    pub command: String,
    /// Its arguments, secrets masked.
    pub argv: Vec<String>,
    /// Whether `argv` was cut at 4 KiB.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub argv_truncated: bool,
    /// Its program file.
    pub exe: Option<String>,
    /// The rustup toolchain that its program belongs to.
    pub toolchain: Option<String>,
    /// Its working directory.
    pub cwd: Option<String>,
    /// Who started it.
    pub origin: StartedBy,
}

/// Who started a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedBy {
    /// What kind of program.
    pub kind: OriginKind,
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub pid: Option<Pid>,
}

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// This process and this lock, to be named in a stop.
    pub token: Token,
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// How it holds the lock.
    pub mode: Option<Mode>,
    /// Since when, where the begin was seen: the kernel does not record it.
    pub since: Option<Timestamp>,
    /// For how many milliseconds, the machine's sleep included.
    pub held_ms: Option<u64>,
    /// Whether it still works.
    pub verdict: Verdict,
}

/// A process that waits for a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// How it wants the lock.
    pub mode: Option<Mode>,
    /// Since when, where the begin was seen.
    pub since: Option<Timestamp>,
    /// For how many milliseconds, the machine's sleep included.
    pub waited_ms: Option<u64>,
    /// The holders in its way.
    pub blocked_by: Vec<Token>,
    /// The ends of the chain that it waits in; in a circle all its members.
    pub root: Vec<Token>,
}

/// What is known of the time before a look.
pub trait Past {
    /// Since when what is held and waited for.
    fn tracker(&self) -> &Tracker;

    /// What a holder did over time, where it was watched.
    fn course(&self, holder: ProcessId) -> Option<Course<'_>>;
}

impl State {
    /// From one look, made without a daemon. `confirmed`: see [`verdict::Case::confirmed`].
    pub fn direct(look: &Look, confirmed: &BTreeSet<ProcessId>) -> Self {
        Self::of(look, &WaitGraph::of(look), confirmed, None, Source::Direct)
    }

    /// From the newest of many looks, with who waits for whom in it and what is known of the time before.
    pub fn tracked(look: &Look, graph: &WaitGraph, confirmed: &BTreeSet<ProcessId>, past: &dyn Past) -> Self {
        Self::of(look, graph, confirmed, Some(past), Source::Daemon)
    }

    fn of(
        look: &Look,
        graph: &WaitGraph,
        confirmed: &BTreeSet<ProcessId>,
        past: Option<&dyn Past>,
        source: Source,
    ) -> Self {
        let builder = Builder {
            look,
            graph,
            confirmed,
            past,
        };
        let locks: Vec<Lock> = (0..look.locks.len()).map(|place| builder.lock(place)).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            as_of: look.at.wall,
            generation: None,
            source,
            precision: look.precision,
            notes: look
                .notes
                .iter()
                .map(ToString::to_string)
                .map(|note| text::escape(note.as_ref()))
                .collect(),
            summary: Summary::of(&locks),
            locks,
            processes: None,
        }
    }

    /// How each hold's process is judged.
    pub fn verdicts(&self) -> impl Iterator<Item = (Part, Class, Reason)> {
        self.locks.iter().flat_map(|lock| &lock.holders).map(|holder| {
            let part = Part {
                file: holder.token.file,
                process: holder.token.process,
            };
            (part, holder.verdict.class, holder.verdict.reason)
        })
    }

    /// The processes that hold a lock or wait for one.
    pub fn involved(&self) -> BTreeSet<Pid> {
        let of = |lock: &Lock| -> Vec<Pid> {
            let holders = lock.holders.iter().map(|holder| holder.process.pid);
            holders
                .chain(lock.waiters.iter().map(|waiter| waiter.process.pid))
                .collect()
        };
        self.locks.iter().flat_map(of).collect()
    }

    /// With the processes that have to do with no lock.
    #[must_use]
    pub fn with_bystanders(mut self, bystanders: &[Participant]) -> Self {
        self.processes = Some(bystanders.iter().map(Process::of).collect());
        self
    }
}

impl Summary {
    fn of(locks: &[Lock]) -> Self {
        let stuck: BTreeSet<Pid> = locks
            .iter()
            .flat_map(|lock| &lock.holders)
            .filter(|holder| holder.verdict.class == Class::Stuck)
            .map(|holder| holder.process.pid)
            .collect();
        Self {
            held: locks.iter().filter(|lock| !lock.holders.is_empty()).count(),
            contended: locks.iter().filter(|lock| !lock.waiters.is_empty()).count(),
            stuck: stuck.len(),
        }
    }
}

impl Lock {
    /// The folder that it protects: for a build's lock the project, otherwise where the file lies.
    pub fn place(&self) -> &str {
        build_project(self.kind, &self.path).unwrap_or_else(|| folder(&self.path))
    }
}

/// The project whose build a lock belongs to; none for a lock that is no project's own.
pub(crate) fn build_project(kind: LockKind, lock_file: &str) -> Option<&str> {
    match kind {
        LockKind::BuildDir | LockKind::ArtifactDir | LockKind::BuildUnit | LockKind::PackageScratch => {
            Some(project(lock_file))
        }
        _ => None,
    }
}

/// Where a file lies.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The project that a lock file under a target directory belongs to: the folder that has `target` in it, or else the
/// build directory itself.
fn project(lock_file: &str) -> &str {
    let folder = |path: &Path| path.parent().and_then(Path::to_str).map(str::len);
    let up = |path: &str| folder(path.as_ref()).and_then(|length| lock_file.get(..length));
    // FILE in PROFILE in [TRIPLE in] TARGET in PROJECT; without a profile where Cargo locks the whole directory.
    let mut here = lock_file;
    while let Some(parent) = up(here).filter(|parent| !parent.is_empty()) {
        if Path::new(parent).file_name().is_some_and(|name| name == "target") {
            return up(parent).filter(|project| project.len() > 1).unwrap_or(parent);
        }
        here = parent;
    }
    let profile = up(lock_file).unwrap_or(lock_file);
    up(profile).filter(|parent| parent.len() > 1).unwrap_or(profile)
}

impl Process {
    fn of(one: &Participant) -> Self {
        let Participant {
            process,
            invocation,
            toolchain,
            origin,
            ancestors: _,
        } = one;
        Self {
            pid: process.id.pid,
            started_at: process.started_at,
            ppid: process.parent,
            command: invocation.command.clone(),
            argv: invocation.argv.clone(),
            argv_truncated: invocation.argv_truncated,
            exe: process.exe.as_deref().map(text::escape_path),
            toolchain: toolchain.as_deref().map(|name| text::escape(name.as_ref())),
            cwd: process.cwd.as_deref().map(text::escape_path),
            origin: StartedBy::from(origin),
        }
    }
}

impl From<&Origin> for StartedBy {
    fn from(origin: &Origin) -> Self {
        Self {
            kind: origin.kind,
            name: origin.name.clone(),
            pid: origin.pid,
        }
    }
}

struct Builder<'a> {
    look: &'a Look,
    graph: &'a WaitGraph,
    confirmed: &'a BTreeSet<ProcessId>,
    past: Option<&'a dyn Past>,
}

impl Builder<'_> {
    fn lock(&self, place: usize) -> Lock {
        let lock = &self.look.locks[place];
        Lock {
            path: text::escape_path(&lock.path),
            kind: lock.table.kind,
            label: lock.label(self.look),
            deleted: lock.deleted,
            other_mount_namespace: lock.other_mount_namespace,
            holders: lock
                .holders
                .iter()
                .filter_map(|claim| self.holder(place, *claim))
                .collect(),
            waiters: lock
                .waiters
                .iter()
                .filter_map(|claim| self.waiter(place, lock, claim))
                .collect(),
        }
    }

    fn holder(&self, lock: usize, claim: Claim) -> Option<Holder> {
        let one = self.look.processes.get(&claim.process)?;
        let begin = self
            .past
            .and_then(|past| past.tracker().held_since(self.part(lock, claim)));
        let (since, held_ms) = self.times(begin);
        Some(Holder {
            token: self.token(Hold {
                process: claim.process,
                lock,
            }),
            process: Process::of(one),
            mode: claim.mode,
            since,
            held_ms,
            verdict: self.verdict(one),
        })
    }

    fn verdict(&self, one: &Participant) -> Verdict {
        let case = verdict::Case {
            look: self.look,
            graph: self.graph,
            confirmed: self.confirmed,
        };
        let course = self.past.and_then(|past| past.course(one.process.id));
        verdict::judge(one, case, course)
    }

    fn waiter(&self, place: usize, lock: &observation::Lock, claim: &Claim) -> Option<Waiter> {
        let one = self.look.processes.get(&claim.process)?;
        let blockers: Vec<Hold> = wait_graph::blockers(lock, claim)
            .map(|process| Hold { process, lock: place })
            .collect();
        let roots: BTreeSet<Hold> = blockers.iter().flat_map(|hold| self.graph.roots(*hold)).collect();
        let begin = self
            .past
            .and_then(|past| past.tracker().waited_since(self.part(place, *claim)));
        let (since, waited_ms) = self.times(begin);
        Some(Waiter {
            process: Process::of(one),
            mode: claim.mode,
            since,
            waited_ms,
            blocked_by: blockers.into_iter().map(|hold| self.token(hold)).collect(),
            root: roots.into_iter().map(|hold| self.token(hold)).collect(),
        })
    }

    fn part(&self, lock: usize, claim: Claim) -> Part {
        Part {
            file: self.look.locks[lock].file,
            process: claim.process,
        }
    }

    /// When something began and for how many milliseconds it lasts.
    fn times(&self, begin: Option<Duration>) -> (Option<Timestamp>, Option<u64>) {
        let at = self.look.at;
        let since = begin.map(|begin| at.wall_at(begin));
        (since, begin.map(|begin| milliseconds(at.since(begin))))
    }

    fn token(&self, hold: Hold) -> Token {
        let file = self.look.locks[hold.lock].file;
        Token {
            boot_id: self.look.boot_id,
            process: hold.process,
            file,
        }
    }
}

#[cfg(test)]
mod tests;
