//! What the engine makes of a look: holds and waits, a verdict, a state. It waits for nothing and wakes nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Published;
use super::samples::Samples;
use crate::cargo::lock_kind::LockKind;
use crate::clock::Moment;
use crate::config::Thresholds;
use crate::observation::{Look, Observer};
use crate::os::{FileId, Kernel, LookError, Precision};
use crate::process::{Pid, ProcessId};
use crate::state::{Past, Source, State};
use crate::tracker::{Change, HoldEnd, LeftOpen, Tracker};
use crate::verdict::{Class, Course, Reason};
use crate::wait_graph::WaitGraph;

/// A circle of waiting counts when it is still there after this time: a build script that asks cargo something may wait for
/// a moment.
const CONFIRM_AFTER: Duration = Duration::from_secs(1);

/// What only puts the same verdict into other words ("used 9.8 s" instead of "used 9.7 s") is told so often at most.
const BETWEEN_REWORDINGS: Duration = Duration::from_secs(10);

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
    /// Who waits for whom in it.
    graph: WaitGraph,
    samples: Samples,
    verdicts: Verdicts,
    published: Option<Arc<Published>>,
    /// When a state was told that says something new, or puts it into new words.
    told: Duration,
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

/// What the looks and samples have shown so far.
struct Seen<'a> {
    tracker: &'a Tracker,
    samples: &'a Samples,
}

impl Past for Seen<'_> {
    fn tracker(&self) -> &Tracker {
        self.tracker
    }

    fn course(&self, holder: ProcessId) -> Option<Course<'_>> {
        self.samples.course(holder)
    }
}

/// Since when each holder has the verdict that it has.
#[derive(Debug, Default)]
struct Verdicts(BTreeMap<ProcessId, (Class, Reason, Timestamp)>);

impl Verdicts {
    /// Says in the state since when each verdict stands. One that is not known yet has no begin.
    fn date(&mut self, state: &mut State, now: Timestamp) {
        let mut last = std::mem::take(&mut self.0);
        for holder in state.locks.iter_mut().flat_map(|lock| &mut lock.holders) {
            let verdict = &mut holder.verdict;
            if verdict.class == Class::Unknown {
                continue;
            }
            let id = holder.token.process;
            let new = (verdict.class, verdict.reason, now);
            let old = last
                .remove(&id)
                .filter(|(class, reason, _)| (*class, *reason) == (new.0, new.1));
            let (_, _, since) = self.0.entry(id).or_insert(old.unwrap_or(new));
            verdict.since = Some(*since);
        }
    }
}

impl<K: Kernel> Core<K> {
    pub(super) fn new(observer: Observer<K>, tracker: Tracker, source: Source, thresholds: Thresholds) -> Self {
        Self {
            observer,
            tracker,
            circular: BTreeMap::new(),
            generation: 0,
            source,
            look: None,
            graph: WaitGraph::default(),
            samples: Samples::new(thresholds),
            verdicts: Verdicts::default(),
            published: None,
            told: Duration::ZERO,
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

    /// See [`Tracker::set_stopping`].
    pub(super) fn set_stopping(&mut self, process: ProcessId, how: Option<HoldEnd>) {
        self.tracker.set_stopping(process, how);
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
        self.graph = WaitGraph::of(&look);
        self.circular.retain(|id, _| self.graph.is_circular(*id));
        for id in self.graph.circular() {
            self.circular.entry(*id).or_insert(look.at.since_boot);
        }
        self.samples.looked(&look, look.at.since_boot);
        self.look = Some(look);
        changes
    }

    /// When the next samples of the holders are due, since boot; none while nobody holds.
    pub(super) fn samples_due(&self) -> Option<Duration> {
        self.samples.due()
    }

    /// Whether samples are due now.
    pub(super) fn are_samples_due(&self, now: Duration) -> bool {
        self.samples.due().is_some_and(|due| due <= now)
    }

    /// Takes a sample of each holder's tree of processes.
    pub(super) fn sample(&mut self, now: Duration) {
        if let Some(look) = &self.look {
            self.samples.take(&mut self.observer, look, now);
        }
    }

    /// Makes the state of the last look and the samples; none where it says what the one before said and nobody asked for a
    /// newer one.
    pub(super) fn publish(&mut self, now: Moment, is_asked_for: bool) -> Option<Outcome> {
        let look = self.look.as_ref()?;
        let confirmed: BTreeSet<ProcessId> = self
            .circular
            .iter()
            .filter(|(_, since)| look.at.since(**since) >= CONFIRM_AFTER)
            .map(|(id, _)| *id)
            .collect();
        let past = Seen {
            tracker: &self.tracker,
            samples: &self.samples,
        };
        let mut state = State::tracked(look, &self.graph, &confirmed, &past);
        self.verdicts.date(&mut state, look.at.wall);
        state.notes.extend(self.trouble.values().cloned());
        state.source = self.source;
        if self.trouble.contains_key(&Trouble::Look) {
            state.precision = Precision::Inferred; // it is older than it should be
        }
        let is_new = self.published.as_ref().is_none_or(|old| {
            let may_reword = now.since(self.told) >= BETWEEN_REWORDINGS;
            !old.state.says_the_same_as(&state) || may_reword && !old.state.has_the_words_of(&state)
        });
        if is_new {
            self.told = now.since_boot;
        }
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
