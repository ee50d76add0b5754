//! The document lists locks; people think of processes. One entry gathers what one process holds and who is behind it.

use std::collections::{BTreeMap, BTreeSet};

use crate::os::Mode;
use crate::process::Pid;
use crate::state::{Lock, Process, State, Waiter};
use crate::token::Token;
use crate::verdict::{Class, Verdict};

/// One process with its locks.
pub(super) struct Entry<'a> {
    pub(super) process: &'a Process,
    pub(super) verdict: &'a Verdict,
    pub(super) holds: Vec<(&'a Lock, Option<Mode>)>,
    /// Who waits for one of its locks because of it.
    pub(super) behind: Vec<(&'a Lock, &'a Waiter)>,
    /// How many processes are in the queue that it is at the head of.
    pub(super) queue: usize,
    tokens: BTreeSet<Token>,
}

impl<'a> Entry<'a> {
    /// Whether somebody should know of it: it is in somebody's way, or it is stuck.
    pub(super) fn matters(&self) -> bool {
        !self.behind.is_empty() || self.is_stuck()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.verdict.class == Class::Stuck
    }

    /// The locks that others wait for because of it.
    pub(super) fn contended(&self) -> impl Iterator<Item = &'a Lock> {
        let behind = &self.behind;
        let waited_for = move |lock: &&Lock| behind.iter().any(|(other, _)| std::ptr::eq(*other, *lock));
        self.holds.iter().map(|(lock, _)| *lock).filter(waited_for)
    }
}

/// The entries, those with the longest queues first.
pub(super) fn entries(state: &State) -> Vec<Entry<'_>> {
    let mut by_pid: BTreeMap<Pid, Entry<'_>> = BTreeMap::new();
    for lock in &state.locks {
        for holder in &lock.holders {
            let entry = by_pid.entry(holder.process.pid).or_insert_with(|| Entry {
                process: &holder.process,
                verdict: &holder.verdict,
                holds: Vec::new(),
                behind: Vec::new(),
                queue: 0,
                tokens: BTreeSet::new(),
            });
            entry.holds.push((lock, holder.mode));
            entry.tokens.insert(holder.token);
            let waiting = lock
                .waiters
                .iter()
                .filter(|waiter| waiter.blocked_by.contains(&holder.token));
            entry.behind.extend(waiting.map(|waiter| (lock, waiter)));
        }
    }
    let mut entries: Vec<Entry<'_>> = by_pid.into_values().collect();
    for entry in &mut entries {
        let queue: BTreeSet<Pid> = state
            .locks
            .iter()
            .flat_map(|lock| &lock.waiters)
            .filter(|waiter| waiter.root.iter().any(|token| entry.tokens.contains(token)))
            .map(|waiter| waiter.process.pid)
            .filter(|pid| *pid != entry.process.pid)
            .collect();
        entry.queue = queue.len();
    }
    entries.sort_by_key(|entry| {
        (
            !entry.is_stuck(),
            std::cmp::Reverse((entry.queue, entry.behind.len())),
            entry.process.pid,
        )
    });
    entries
}

/// How many processes wait for some lock.
pub(super) fn waiting_processes(state: &State) -> usize {
    let pids: BTreeSet<Pid> = state
        .locks
        .iter()
        .flat_map(|lock| &lock.waiters)
        .map(|waiter| waiter.process.pid)
        .collect();
    pids.len()
}
