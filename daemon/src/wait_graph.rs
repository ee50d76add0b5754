//! Who waits for whom: from the locks of one look to chains, their ends, and circles. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::observation::{Lock, Look};
use crate::os::{Claim, Mode};
use crate::process::ProcessId;

/// A process as holder of a lock: the lock's place in [`Look::locks`] with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hold {
    /// The holding process.
    pub process: ProcessId,
    /// The place of the lock in [`Look::locks`].
    pub lock: usize,
}

/// Who waits for whom at one moment.
#[derive(Clone, Debug, Default)]
pub struct WaitGraph {
    /// For each waiting process the holds in its way.
    blocked: BTreeMap<ProcessId, BTreeSet<Hold>>,
    /// The processes in circles.
    circular: BTreeSet<ProcessId>,
}

/// The holds in the way of a waiter of a lock: an exclusive holder keeps everybody out, also itself where it asks a second
/// time through another descriptor; a shared one keeps out those who want the lock alone. A waiter whose mode the kernel does not tell is taken to want it alone, as nearly all of Cargo's do.
pub fn blockers(lock: &Lock, waiter: &Claim) -> impl Iterator<Item = ProcessId> {
    let asked = waiter.mode.unwrap_or(Mode::Exclusive);
    let in_the_way = move |holder: &&Claim| holder.mode.unwrap_or(Mode::Exclusive).conflicts_with(asked);
    lock.holders.iter().filter(in_the_way).map(|holder| holder.process)
}

impl WaitGraph {
    /// From the locks of a look.
    pub fn of(look: &Look) -> Self {
        let mut blocked: BTreeMap<ProcessId, BTreeSet<Hold>> = BTreeMap::new();
        for (place, lock) in look.locks.iter().enumerate() {
            for waiter in &lock.waiters {
                let holds = blockers(lock, waiter).map(|process| Hold { process, lock: place });
                blocked.entry(waiter.process).or_default().extend(holds);
            }
        }
        let circular = circles(look, &blocked);
        Self { blocked, circular }
    }

    /// The holds in the way of a process, empty where it does not wait.
    pub fn blocked_by(&self, process: ProcessId) -> impl Iterator<Item = Hold> {
        self.blocked.get(&process).into_iter().flatten().copied()
    }

    /// Whether a process waits for a lock.
    pub fn waits(&self, process: ProcessId) -> bool {
        self.blocked.contains_key(&process)
    }

    /// Whether a process is in a circle of waiting: an ancestor that holds what its living descendant waits for waits
    /// for that descendant in turn, so a cargo inside the build script of the cargo that blocks it is in one.
    pub fn is_circular(&self, process: ProcessId) -> bool {
        self.circular.contains(&process)
    }

    /// The processes in circles.
    pub fn circular(&self) -> &BTreeSet<ProcessId> {
        &self.circular
    }

    /// The ends of the chains that begin with one hold: the hold itself where its process does not wait, or waits behind
    /// one that cannot be seen; in a circle all holds of its members.
    pub fn roots(&self, first: Hold) -> BTreeSet<Hold> {
        let (mut roots, mut seen, mut next) = (BTreeSet::new(), BTreeSet::new(), vec![first]);
        while let Some(hold) = next.pop() {
            if !seen.insert(hold) {
                continue;
            }
            if self.is_circular(hold.process) || self.blocked_by(hold.process).next().is_none() {
                roots.insert(hold);
            }
            next.extend(self.blocked_by(hold.process));
        }
        roots
    }
}

/// The processes that can reach themselves along "waits for", with the ancestor rule.
fn circles(look: &Look, blocked: &BTreeMap<ProcessId, BTreeSet<Hold>>) -> BTreeSet<ProcessId> {
    let mut edges: BTreeMap<ProcessId, BTreeSet<ProcessId>> = BTreeMap::new();
    let holders: BTreeSet<ProcessId> = look
        .locks
        .iter()
        .flat_map(|lock| &lock.holders)
        .map(|claim| claim.process)
        .collect();
    for (waiter, holds) in blocked {
        edges
            .entry(*waiter)
            .or_default()
            .extend(holds.iter().map(|hold| hold.process));
        let ancestors = look
            .processes
            .get(waiter)
            .map(|one| one.ancestors.as_slice())
            .unwrap_or_default();
        for ancestor in ancestors.iter().filter(|ancestor| holders.contains(ancestor)) {
            edges.entry(*ancestor).or_default().insert(*waiter);
        }
    }
    // Whoever waits for nobody is in no circle, nor is who only waits for such.
    loop {
        let waiting: BTreeSet<ProcessId> = edges.keys().copied().collect();
        for targets in edges.values_mut() {
            targets.retain(|target| waiting.contains(target));
        }
        let before = edges.len();
        edges.retain(|_, targets| !targets.is_empty());
        if edges.len() == before {
            break;
        }
    }
    edges
        .keys()
        .copied()
        .filter(|process| reaches_itself(*process, &edges))
        .collect()
}

fn reaches_itself(start: ProcessId, edges: &BTreeMap<ProcessId, BTreeSet<ProcessId>>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
    while let Some(process) = next.pop() {
        for target in edges.get(&process).into_iter().flatten() {
            if *target == start {
                return true;
            }
            if seen.insert(*target) {
                next.push(*target);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests;
