//! The samples of one holder over time: what moved, how much, and since when nothing does. Pure; all times are of a clock that
//! stands still while the machine sleeps.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::config::Thresholds;
use crate::process::{ProcessId, RunState};
use crate::work::{Kind, Member, Received, Sample};

/// After so many missed samples nothing is known of the time between: the machine slept, or stood still.
const GAP: u32 = 3;

/// A tree that uses less than this part of a core may only be looking at the clock.
const IDLE_PART: u32 = 100;

/// Linux counts processor time in ticks of 10 ms, mostly: one alone may stand for a thousandth of that.
const TICKS: Duration = Duration::from_millis(20);

/// What the samples of a holder's tree have shown.
#[derive(Debug)]
pub struct Window {
    thresholds: Thresholds,
    gap: Duration,
    /// The first sample since the last gap.
    begin: Duration,
    last: Option<Sample>,
    /// What happened between two samples, for as long as that still counts as moving.
    steps: VecDeque<Step>,
    /// When something moved last.
    moved: Option<Duration>,
}

/// What happened between two samples.
#[derive(Debug)]
struct Step {
    at: Duration,
    effort: Effort,
}

/// What a tree did in some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// How long that took.
    pub(super) took: Duration,
    /// Processor time by process, with the name and the kind; that of children which have ended is their parent's.
    pub(super) cpu: BTreeMap<ProcessId, (Kind, String, Duration)>,
    /// Bytes read from the disk and written to it.
    pub(super) disk: u64,
    /// Bytes received by TCP.
    pub(super) received: u64,
    /// New files in the registry.
    pub(super) files: u64,
    /// Whether the folders of the profile changed.
    pub(super) output: bool,
}

impl Window {
    /// For samples that are one `period` apart.
    pub fn new(thresholds: Thresholds, period: Duration) -> Self {
        Self {
            thresholds,
            gap: period * GAP,
            begin: Duration::ZERO,
            last: None,
            steps: VecDeque::new(),
            moved: None,
        }
    }

    /// Adds a sample. One that is older than the last is passed over.
    pub fn push(&mut self, sample: Sample) {
        match &self.last {
            Some(last) if sample.at <= last.at => return,
            Some(last) if sample.at.saturating_sub(last.at) <= self.gap => {
                let effort = Effort::between(last, &sample);
                let (leaves_traces, computes) = (effort.leaves_traces(), !effort.total_cpu().is_zero());
                self.steps.push_back(Step { at: sample.at, effort });
                let oldest = sample.at.saturating_sub(self.thresholds.moving);
                while self.steps.front().is_some_and(|step| step.at <= oldest) {
                    self.steps.pop_front();
                }
                if leaves_traces || computes && self.is_busy() {
                    self.moved = Some(sample.at);
                }
            }
            _ => {
                self.begin = sample.at;
                self.steps.clear();
                self.moved = None;
            }
        }
        self.last = Some(sample);
    }

    pub(super) fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// For how long nothing has moved, as far as was seen.
    pub(super) fn idle(&self) -> Duration {
        let since = self.moved.unwrap_or(self.begin);
        self.last
            .as_ref()
            .map_or(Duration::ZERO, |last| last.at.saturating_sub(since))
    }

    /// Whether the processor time of late is more than that of a process that wakes now and then and finds nothing to do.
    fn is_busy(&self) -> bool {
        let used: Duration = self.steps.iter().map(|step| step.effort.total_cpu()).sum();
        used >= (self.thresholds.moving / IDLE_PART).max(TICKS)
    }

    /// What the tree did of late; none where that is nothing.
    pub(super) fn recent(&self) -> Option<Effort> {
        let (moved, last) = (self.moved?, self.last.as_ref()?);
        (last.at.saturating_sub(moved) < self.thresholds.moving).then(|| {
            let mut all = Effort::default();
            for step in &self.steps {
                all.add(&step.effort);
            }
            all
        })
    }

    /// The tree but for the holder itself: those that have not ended.
    pub(super) fn descendants(&self, holder: ProcessId) -> impl Iterator<Item = (&ProcessId, &Member)> {
        let members = self.last.iter().flat_map(|last| &last.members);
        members.filter(move |(id, member)| **id != holder && member.state != RunState::Zombie)
    }

    /// The newest sample.
    pub(super) fn last(&self) -> Option<&Sample> {
        self.last.as_ref()
    }
}

impl Effort {
    fn between(old: &Sample, new: &Sample) -> Self {
        Self {
            took: new.at.saturating_sub(old.at),
            cpu: cpu_between(&old.members, &new.members),
            disk: disk_between(&old.members, &new.members),
            received: received_between(&old.received, &new.received),
            files: new.registry_files.saturating_sub(old.registry_files),
            output: new.output > old.output,
        }
    }

    /// Whether anything but processor time shows it.
    fn leaves_traces(&self) -> bool {
        self.disk > 0 || self.received > 0 || self.files > 0 || self.output
    }

    /// The processor time of the whole tree.
    pub(super) fn total_cpu(&self) -> Duration {
        self.cpu.values().map(|(_, _, time)| *time).sum()
    }

    /// The processor time of one kind of process.
    pub(super) fn cpu_of(&self, wanted: Kind) -> Duration {
        let of = self.cpu.values().filter(|(kind, _, _)| *kind == wanted);
        of.map(|(_, _, time)| *time).sum()
    }

    fn add(&mut self, other: &Self) {
        self.took += other.took;
        for (id, (kind, name, time)) in &other.cpu {
            let (_, _, sum) = self
                .cpu
                .entry(*id)
                .or_insert_with(|| (*kind, name.clone(), Duration::ZERO));
            *sum += *time;
        }
        self.disk += other.disk;
        self.received += other.received;
        self.files += other.files;
        self.output |= other.output;
    }
}

type Members = BTreeMap<ProcessId, Member>;

/// A process that has ended hands what it used on to whoever waits for it: that was counted before, and is taken off there.
fn cpu_between(old: &Members, new: &Members) -> BTreeMap<ProcessId, (Kind, String, Duration)> {
    let mut handed_on: BTreeMap<ProcessId, Duration> = BTreeMap::new();
    for (id, gone) in old.iter().filter(|(id, _)| !new.contains_key(id)) {
        if let Some(heir) = heir(*id, old, new) {
            *handed_on.entry(heir).or_default() += gone.work.cpu;
        }
    }
    let mut used = BTreeMap::new();
    for (id, member) in new {
        let before = old.get(id).map_or(Duration::ZERO, |before| before.work.cpu);
        let counted = before + handed_on.get(id).copied().unwrap_or_default();
        let time = member.work.cpu.saturating_sub(counted);
        if !time.is_zero() {
            used.insert(*id, (member.kind, member.name.clone(), time));
        }
    }
    used
}

/// The next ancestor of a process of the old sample that is in the new one too.
fn heir(id: ProcessId, old: &Members, new: &Members) -> Option<ProcessId> {
    let mut parent = old.get(&id)?.parent;
    // A tree has no circle, but numbers that were used again could make one.
    for _ in 0..old.len() {
        let (id, member) = old.iter().find(|(id, _)| id.pid == parent)?;
        if new.contains_key(id) {
            return Some(*id);
        }
        parent = member.parent;
    }
    None
}

fn disk_between(old: &Members, new: &Members) -> u64 {
    let grown = new.iter().map(|(id, member)| {
        let before = old.get(id).map_or(0, |before| before.work.disk);
        member.work.disk.saturating_sub(before)
    });
    grown.sum()
}

fn received_between(old: &Received, new: &Received) -> u64 {
    let (Received::Bytes(old), Received::Bytes(new)) = (old, new) else {
        return 0;
    };
    let grown = new
        .iter()
        .map(|(connection, bytes)| bytes.saturating_sub(old.get(connection).copied().unwrap_or(0)));
    grown.sum()
}

#[cfg(test)]
pub(super) mod tests;
