//! What the engine makes of a look: holds and waits, a verdict, a state. It waits for nothing and wakes nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Published;
use crate::cargo::lock_kind::LockKind;
use crate::clock::Moment;
use crate::observation::{Look, Observer};
use crate::os::{FileId, Kernel, LookError, Precision};
use crate::process::{Pid, ProcessId};
use crate::state::{Source, State};
use crate::tracker::{Change, LeftOpen, Tracker};
use crate::wait_graph::WaitGraph;

/// A circle of waiting counts when it is still there after this time: a build script that asks cargo something may wait for
/// a moment.
const CONFIRM_AFTER: Duration = Duration::from_secs(1);

/// Looks, and remembers.
#[derive(Debug)]
pub(super) struct Core<K> {
    observer: Observer<K>,
    tracker: Tracker,
    /// Since when each process in a circle of waiting has been in one.
    circular: BTreeMap<ProcessId, Duration>,
    generation: u64,
    source: Source,
    look: Option<Look>,
    published: Option<Arc<Published>>,
    /// What is wrong besides what a look notes.
    trouble: BTreeMap<Trouble, String>,
}

/// What can be wrong besides what a look notes; of each kind the newest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The last look failed.
    Look,
    /// A folder cannot be watched.
    Watch,
    /// The history cannot be written.
    History,
}

/// The state that came of a look.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Whether the state differs from the one before.
    pub(super) is_new: bool,
    /// The state.
    pub(super) published: Arc<Published>,
}

impl<K: Kernel> Core<K> {
    pub(super) fn new(observer: Observer<K>, tracker: Tracker, source: Source) -> Self {
        Self {
            observer,
            tracker,
            circular: BTreeMap::new(),
            generation: 0,
            source,
            look: None,
            published: None,
            trouble: BTreeMap::new(),
        }
    }

    /// Looks at all locks.
    pub(super) fn look(&mut self, at: Moment) -> Result<Look, LookError> {
        self.observer.look(at)
    }

    /// Looks at a few processes; none where that cannot tell.
    pub(super) fn glance(&mut self, at: Moment, files: &BTreeSet<FileId>) -> Option<Look> {
        self.observer.glance(at, files)
    }

    /// Says what is wrong, or that it is no more.
    pub(super) fn set_trouble(&mut self, kind: Trouble, sentence: Option<String>) {
        match sentence {
            Some(sentence) => self.trouble.insert(kind, sentence),
            None => self.trouble.remove(&kind),
        };
    }

    /// What is held and waited for.
    pub(super) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// What a daemon before left open and the first look did not show; told once.
    pub(super) fn take_lost(&mut self) -> Vec<LeftOpen> {
        self.tracker.take_lost()
    }

    /// Tells apart what began and ended, without making a state of it yet.
    pub(super) fn track(&mut self, look: Look, was_heard: &dyn Fn(FileId) -> bool) -> Vec<Change> {
        let changes = self.tracker.apply(&look, was_heard);
        let graph = WaitGraph::of(&look);
        self.circular.retain(|id, _| graph.is_circular(*id));
        for id in graph.circular() {
            self.circular.entry(*id).or_insert(look.at.since_boot);
        }
        self.look = Some(look);
        changes
    }

    /// Makes the state of the last look; none where it is the one before and nobody asked for a newer one.
    pub(super) fn publish(&mut self, is_asked_for: bool) -> Option<Outcome> {
        let look = self.look.as_ref()?;
        let confirmed: BTreeSet<ProcessId> = self
            .circular
            .iter()
            .filter(|(_, since)| look.at.since(**since) >= CONFIRM_AFTER)
            .map(|(id, _)| *id)
            .collect();
        let mut state = State::tracked(look, &confirmed, &self.tracker);
        state.notes.extend(self.trouble.values().cloned());
        state.source = self.source;
        if self.trouble.contains_key(&Trouble::Look) {
            state.precision = Precision::Inferred; // it is older than it should be
        }
        let same = |old: &Arc<Published>| old.state.says_the_same_as(&state);
        let is_new = !self.published.as_ref().is_some_and(same);
        if !is_new && !is_asked_for {
            return None;
        }
        self.generation += u64::from(is_new);
        state.generation = (self.source == Source::Daemon).then_some(self.generation);
        let published = Arc::new(Published::new(state).ok()?);
        self.published = Some(Arc::clone(&published));
        Some(Outcome { is_new, published })
    }

    /// Whether something is held or waited for, or may be soon.
    pub(super) fn is_busy(&self) -> bool {
        self.look.as_ref().is_some_and(|look| !look.locks.is_empty()) || self.observer.somebody_is_about_to()
    }

    /// Whether somebody waits.
    pub(super) fn somebody_waits(&self) -> bool {
        let mut locks = self.look.iter().flat_map(|look| &look.locks);
        locks.any(|lock| !lock.waiters.is_empty())
    }

    /// Whether a process that may take a lock has begun since this was asked last.
    pub(super) fn somebody_is_new(&mut self) -> bool {
        self.observer.somebody_is_new()
    }

    /// The processes to follow to their end, the holders first.
    pub(super) fn participants(&self) -> Vec<Pid> {
        let locks = || self.look.iter().flat_map(|look| &look.locks);
        let holders = locks().flat_map(|lock| &lock.holders);
        let waiters = locks().flat_map(|lock| &lock.waiters);
        let mut seen = BTreeSet::new();
        let all = holders.chain(waiters).map(|claim| claim.process.pid);
        all.filter(|pid| seen.insert(*pid)).collect()
    }

    /// The lock files in use, for those who watch them.
    pub(super) fn lock_files(&self) -> BTreeSet<PathBuf> {
        let locks = self.look.iter().flat_map(|look| &look.locks);
        let here = locks.filter(|lock| !lock.other_mount_namespace && !lock.deleted);
        here.map(|lock| lock.path.clone()).collect()
    }

    /// Those among them whose folders are worth watching: a build has thousands of units, and their locks come with its own.
    pub(super) fn places(&self) -> BTreeSet<PathBuf> {
        let locks = self.look.iter().flat_map(|look| &look.locks);
        let here = locks.filter(|lock| !lock.other_mount_namespace && !lock.deleted);
        let worth = here.filter(|lock| {
            matches!(
                lock.table.kind,
                LockKind::PackageCache | LockKind::PackageCacheMutate | LockKind::BuildDir | LockKind::ArtifactDir
            )
        });
        worth.map(|lock| lock.path.clone()).collect()
    }

    /// The locks that a process holds or waits for.
    pub(super) fn files_of(&self, pid: Pid) -> Vec<FileId> {
        let locks = self.look.iter().flat_map(|look| &look.locks);
        let its = locks.filter(|lock| {
            let mut claims = lock.holders.iter().chain(&lock.waiters);
            claims.any(|claim| claim.process.pid == pid)
        });
        its.map(|lock| lock.file).collect()
    }
}

#[cfg(test)]
mod tests;
