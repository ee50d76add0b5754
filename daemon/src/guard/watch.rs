//! Looks after the tickets of others: what their processes do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::queue::Entry;
use super::ticket::{Facts, Standing, standing};
use crate::cargo::command::{self, Program};
use crate::cargo::lock_kind::LockKind;
use crate::observation::Look;
use crate::os::Kernel;
use crate::process::{Detail, Pid, Process, ProcessId, RunState};

/// What this process remembers of the others.
#[derive(Debug)]
pub(super) struct Watch<K> {
    kernel: K,
    seen: BTreeMap<(u64, ProcessId), Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// When this process had an eye on it first.
    first: Duration,
    /// When it was seen at a lock last.
    at_a_lock: Duration,
}

/// No chain of ancestors is longer than this.
const MAX_ANCESTORS: usize = 64;

impl<K: Kernel> Watch<K> {
    pub(super) fn new(kernel: K) -> Self {
        Self {
            kernel,
            seen: BTreeMap::new(),
        }
    }

    /// This very process; none where the kernel would not tell.
    pub(super) fn own(&mut self) -> Option<ProcessId> {
        self.brief(std::process::id()).map(|process| process.id)
    }

    /// This process and those that started it, the nearest first.
    pub(super) fn ancestors(&mut self) -> BTreeSet<ProcessId> {
        let mut chain = BTreeSet::new();
        let mut pid = std::process::id();
        while let Some(process) = self.brief(pid).filter(|_| pid != 0 && chain.len() < MAX_ANCESTORS) {
            chain.insert(process.id);
            pid = process.parent;
        }
        chain
    }

    /// What a process runs.
    pub(super) fn command_of(&mut self, id: ProcessId) -> Option<String> {
        let process = self.kernel.process(id.pid, Detail::Full).ok()?;
        let text = || command::read(&process.argv, process.exe.as_deref(), &process.name).command;
        (process.id == id).then(text)
    }

    /// Whether one that waits in the queue is alive, and not stopped.
    pub(super) fn waits(&mut self, entry: &Entry) -> bool {
        let id = entry.ticket.process;
        let process = self.brief(id.pid);
        process.is_some_and(|process| process.id == id && process.state == RunState::Alive)
    }

    /// Where a ticket stands by a look that was made after it was read.
    pub(super) fn standing(&mut self, entry: &Entry, look: &Look) -> Standing {
        let facts = self.facts(entry, look);
        standing(entry.ticket.phase, &facts)
    }

    fn facts(&mut self, entry: &Entry, look: &Look) -> Facts {
        let id = entry.ticket.process;
        let Some(process) = self.brief(id.pid).filter(|process| process.id == id) else {
            return Facts::default();
        };
        // A machine that sleeps takes no locks, and that is no sign of idleness.
        let now = crate::os::awake();
        let started = entry.ticket.phase.started().map_or(now, Duration::from_nanos);
        let seen = self.seen.entry((entry.ticket.arrival, id)).or_insert(Seen {
            first: now,
            at_a_lock: started,
        });
        let is_at_a_lock = is_at(look, id, |_| true, true);
        if is_at_a_lock {
            seen.at_a_lock = now;
        }
        let seen = *seen;
        let holds_its_folders = is_at(look, id, |lock| is_of(lock, entry), false);
        let may_run_its_product = entry.ticket.phase.started().is_some() && !is_at_a_lock;
        Facts {
            lives: process.state != RunState::Zombie,
            is_stopped: process.state == RunState::Stopped,
            holds_its_folders,
            is_at_a_lock,
            runs_its_product: may_run_its_product && self.runs_its_product(id.pid, entry),
            idle: now.saturating_sub(seen.at_a_lock),
            watched: now.saturating_sub(seen.first),
        }
    }

    fn brief(&mut self, pid: Pid) -> Option<Process> {
        self.kernel.process(pid, Detail::Brief).ok()
    }

    /// Whether the process, or a child of it, runs a program out of the ticket's folders that is no build script. What a build
    /// script starts is a grandchild.
    fn runs_its_product(&mut self, pid: Pid, entry: &Entry) -> bool {
        let children = self.kernel.children(pid);
        std::iter::once(pid).chain(children).any(|pid| {
            let Ok(process) = self.kernel.process(pid, Detail::Full) else {
                return false;
            };
            let Some(exe) = process.exe.as_deref() else {
                return false;
            };
            entry.folders.iter().any(|folder| exe.starts_with(folder.path()))
                && command::read(&process.argv, Some(exe), &process.name).program == Program::Other
        })
    }
}

/// Whether a lock guards a folder of the ticket.
fn is_of(lock: &crate::observation::Lock, entry: &Entry) -> bool {
    let folder = lock.path.parent();
    matches!(lock.table.kind, LockKind::BuildDir | LockKind::ArtifactDir)
        && folder.is_some_and(|folder| entry.folders.iter().any(|one| one.has(folder)))
}

/// Whether a process, or one that it has started, holds such a lock, or also waits for one.
fn is_at(look: &Look, root: ProcessId, fits: impl Fn(&crate::observation::Lock) -> bool, also_waits: bool) -> bool {
    let is_of_the_tree =
        |id: ProcessId| id == root || look.processes.get(&id).is_some_and(|one| one.ancestors.contains(&root));
    look.locks.iter().filter(|lock| fits(lock)).any(|lock| {
        let holders = lock.holders.iter();
        let waiters = lock.waiters.iter().filter(|_| also_waits);
        holders.chain(waiters).any(|claim| is_of_the_tree(claim.process))
    })
}
