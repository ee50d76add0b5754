//! What is in the way of a command. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::needs::Needs;
use super::queue::Entry;
use super::ticket::Standing;
use crate::cargo::lock_kind::{self, LockKind};
use crate::observation::{Lock, Look};
use crate::os::{Claim, Mode, Note};
use crate::process::ProcessId;

/// A process that has a lock, or waits for one, that the command needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The process.
    pub process: ProcessId,
    /// The lock.
    pub lock: PathBuf,
    /// Whether it has it; otherwise it waits for it.
    pub holds: bool,
}

/// A ticket in front of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// The ticket.
    pub entry: Entry,
    /// Where it stands: queued, about to take, or with its locks.
    pub standing: Standing,
}

/// All that is in the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacles {
    /// Who has the locks, the holders first.
    pub blockers: Vec<Blocker>,
    /// Locks that are held by processes which cannot be seen.
    pub unseen: Vec<PathBuf>,
    /// The tickets in front.
    pub front: Vec<Front>,
    /// Whether a blocker is an ancestor of this very process, which would wait for its own descendant.
    pub own_ancestor: Option<ProcessId>,
}

impl Obstacles {
    /// Whether nothing is in the way.
    pub fn is_empty(&self) -> bool {
        self.blockers.is_empty() && self.unseen.is_empty() && self.front.is_empty()
    }

    /// How many runs wait in front of this one.
    pub fn queued(&self) -> usize {
        let queued = |front: &&Front| front.standing == Standing::Queued;
        self.front.iter().filter(queued).count()
    }
}

/// The locks in the way of what a command needs.
///
/// Any hold of a build folder's lock counts, shared or not: since 1.96 a build holds one of its locks shared and another for
/// itself alone, and which of them matters depends on the versions of both cargos.
pub(super) fn obstacles(look: &Look, needs: &Needs) -> Obstacles {
    let mut found: BTreeMap<ProcessId, Blocker> = BTreeMap::new();
    let mut add = |lock: &Lock, claim: &Claim, holds: bool| {
        let blocker = || Blocker {
            process: claim.process,
            lock: lock.path.clone(),
            holds,
        };
        let known = found.entry(claim.process).or_insert_with(blocker);
        if holds && (!known.holds || claim.mode == Some(Mode::Exclusive)) {
            *known = blocker();
        }
    };
    for lock in look.locks.iter().filter(|lock| !lock.other_mount_namespace) {
        for (claim, holds) in
            (lock.holders.iter().map(|claim| (claim, true))).chain(lock.waiters.iter().map(|claim| (claim, false)))
        {
            if is_needed(lock.table.kind, &lock.path, claim.mode, needs) {
                add(lock, claim, holds);
            }
        }
    }
    let unseen = look.notes.iter().filter_map(|note| match note {
        Note::OtherUser { path, .. } | Note::NobodyFound { path } | Note::Ambiguous { path, .. } => Some(path),
        _ => None,
    });
    let is_cargos = |path: &&PathBuf| {
        let table = lock_kind::recognise(path, &|_| false);
        table.is_some_and(|table| is_needed(table.kind, path, None, needs))
    };
    let mut blockers: Vec<Blocker> = found.into_values().collect();
    blockers.sort_by_key(|blocker| (!blocker.holds, blocker.process));
    Obstacles {
        blockers,
        unseen: unseen.filter(is_cargos).cloned().collect(),
        ..Obstacles::default()
    }
}

/// Whether a lock that is held so is in the way.
fn is_needed(kind: LockKind, path: &Path, mode: Option<Mode>, needs: &Needs) -> bool {
    let Some(folder) = path.parent() else { return false };
    let is_home = needs.cargo_home.as_deref() == Some(folder);
    match kind {
        LockKind::PackageCache => is_home,
        // Builds share it; only who cleans the cache is in their way.
        LockKind::PackageCacheMutate => is_home && needs.compiles && mode == Some(Mode::Exclusive),
        LockKind::BuildDir | LockKind::ArtifactDir => needs.folders.iter().any(|one| one.has(folder)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
