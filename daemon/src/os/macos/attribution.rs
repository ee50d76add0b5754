//! Who holds a file's lock, concluded from file tables and from what the kernel says before and after they were read.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::Held;
use crate::os::{Claim, Mode};
use crate::process::{Pid, ProcessId};

#[cfg(test)]
mod tests;

/// A process that has the file open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) process: ProcessId,
    /// The descriptor.
    pub(super) fd: i32,
    /// Whether the open file holds a lock or has held one; without, it never did.
    pub(super) was_locked: bool,
    /// Whether another descriptor is the same open file.
    pub(super) is_shared: bool,
}

/// All that is known of one file.
pub(super) struct Evidence<'a> {
    /// What the kernel said before the file tables were read; `None` where it could not be asked.
    pub(super) before: Option<Held>,
    /// What it said afterwards.
    pub(super) after: Option<Held>,
    /// Whether a lock on the file was released between the two.
    pub(super) released: bool,
    /// Who has it open.
    pub(super) candidates: &'a [Candidate],
    /// Which process a POSIX lock belongs to.
    pub(super) posix_owner: Option<ProcessId>,
    /// The parent of each process of ours.
    pub(super) parents: &'a BTreeMap<Pid, Pid>,
}

/// What follows from the [`Evidence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Whether nobody holds a lock.
    pub(super) free: bool,
    /// Who holds it, each process once.
    pub(super) holders: Vec<Claim>,
    /// Why that may be wrong.
    pub(super) doubt: Option<Doubt>,
}

/// Why a [`Judgement`] may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The lock changed while the file tables were read.
    Changed,
    /// It is held, and no process was found that does.
    Nobody,
    /// More processes than can be look like its one holder, or one that shares its open file with an unseen other.
    Ambiguous,
    /// The kernel could not be asked; the file tables alone say it.
    Unasked,
}

impl Doubt {
    /// Whether another look may clear it.
    pub(super) fn may_pass(self) -> bool {
        self != Self::Unasked
    }
}

/// Concludes who holds the lock.
///
/// A shared lock is attributed to each process whose open file has ever been locked. One that gave its share up to wait
/// for the exclusive lock on the same descriptor cannot be told from them (XNU, `lf_setlock`, drops the own lock before
/// it sleeps); Cargo does that with `-Zfine-grain-locking` alone.
pub(super) fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(held) = evidence.after else {
        return Judgement {
            free: false,
            holders: claims(flagged(evidence.candidates), None),
            doubt: Some(Doubt::Unasked),
        };
    };
    let Some(mode) = held.mode() else {
        // What the kernel says last is true, whatever was before.
        return Judgement {
            free: true,
            holders: Vec::new(),
            doubt: None,
        };
    };
    let (holders, doubt) = match held {
        Held::Posix(..) => posix(evidence, mode),
        _ if mode == Mode::Shared => shared(evidence.candidates),
        _ => exclusive(evidence.candidates, evidence.parents),
    };
    let changed = evidence.before != evidence.after || evidence.released;
    Judgement {
        free: false,
        holders: claims(holders, Some(mode)),
        doubt: if changed { Some(Doubt::Changed) } else { doubt },
    }
}

/// Who has the file open, never held a lock through that, and does not hold the lock in another way: they wait, or only
/// have it open.
///
/// A process that holds the lock and has the file open a second time is left out: whether it waits for itself cannot be
/// told.
pub(super) fn possible_waiters<'a>(
    candidates: &'a [Candidate],
    holders: &'a [Claim],
) -> impl Iterator<Item = &'a Candidate> {
    candidates
        .iter()
        .filter(|one| !one.was_locked && !holders.iter().any(|holder| holder.process == one.process))
}

type Holders = BTreeSet<ProcessId>;

fn claims(processes: Holders, mode: Option<Mode>) -> Vec<Claim> {
    processes.into_iter().map(|process| Claim { process, mode }).collect()
}

fn flagged(candidates: &[Candidate]) -> Holders {
    candidates
        .iter()
        .filter(|one| one.was_locked)
        .map(|one| one.process)
        .collect()
}

fn posix(evidence: &Evidence<'_>, mode: Mode) -> (Holders, Option<Doubt>) {
    // The kernel names one lock of those in the way; shares by `flock` may stand beside a share by `fcntl`.
    let mut holders = match mode {
        Mode::Shared => flagged(evidence.candidates),
        Mode::Exclusive => Holders::new(),
    };
    holders.extend(evidence.posix_owner);
    let doubt = evidence.posix_owner.is_none().then_some(Doubt::Nobody);
    (holders, doubt)
}

fn shared(candidates: &[Candidate]) -> (Holders, Option<Doubt>) {
    let holders = flagged(candidates);
    let doubt = holders.is_empty().then_some(Doubt::Nobody);
    (holders, doubt)
}

fn exclusive(candidates: &[Candidate], parents: &BTreeMap<Pid, Pid>) -> (Holders, Option<Doubt>) {
    let holders = flagged(candidates);
    if holders.is_empty() {
        return (holders, Some(Doubt::Nobody));
    }
    if holders.len() == 1 {
        let doubt = shares_with_the_unseen(candidates).then_some(Doubt::Ambiguous);
        return (holders, doubt);
    }
    match inherited_from(candidates, &holders, parents) {
        Some(ancestor) => (Holders::from([ancestor]), None),
        None => (holders, Some(Doubt::Ambiguous)),
    }
}

/// Whether the one process that looks like the holder shares its open file with a descriptor that was not seen. Two
/// descriptors of its own (`dup`) are seen.
fn shares_with_the_unseen(candidates: &[Candidate]) -> bool {
    let locked = || candidates.iter().filter(|one| one.was_locked);
    locked().count() == 1 && locked().all(|one| one.is_shared)
}

/// The process that the others have the open file from: all descriptors are shared ones, and it is an ancestor of every
/// other. The Rust standard library closes files on exec, so that lasts from a fork to the exec.
fn inherited_from(candidates: &[Candidate], holders: &Holders, parents: &BTreeMap<Pid, Pid>) -> Option<ProcessId> {
    if candidates.iter().any(|one| one.was_locked && !one.is_shared) {
        return None;
    }
    holders.iter().copied().find(|ancestor| {
        holders
            .iter()
            .filter(|other| *other != ancestor)
            .all(|other| is_ancestor(ancestor.pid, other.pid, parents))
    })
}

fn is_ancestor(ancestor: Pid, of: Pid, parents: &BTreeMap<Pid, Pid>) -> bool {
    // A table that was read while processes came and went may have a cycle.
    const MOST: usize = 1024;
    std::iter::successors(parents.get(&of), |pid| parents.get(pid))
        .take(MOST)
        .any(|pid| *pid == ancestor)
}
