//! The state lists locks; people think of processes. One entry gathers what one process holds and who is behind it. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::os::Mode;
use crate::process::Pid;
use crate::state::{Lock, Process, State, Waiter};
use crate::token::Token;
use crate::verdict::{Class, Verdict};

/// One process with its locks.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The process.
    pub process: &'a Process,
    /// Whether it still works.
    pub verdict: &'a Verdict,
    /// What it holds, and how.
    pub holds: Vec<(&'a Lock, Option<Mode>)>,
    /// Who waits for one of its locks because of it.
    pub behind: Vec<(&'a Lock, &'a Waiter)>,
    /// How many processes are in the queue that it is at the head of.
    pub queue: usize,
    /// The one of its locks to name.
    pub main_lock: &'a Lock,
    tokens: BTreeSet<Token>,
}

impl<'a> Entry<'a> {
    /// Whether somebody should know of it: it is in somebody's way, or it is stuck.
    pub fn matters(&self) -> bool {
        !self.behind.is_empty() || self.is_stuck()
    }

    /// The process and the lock to name, for a stop; none where that lock's holder is not listed.
    pub fn token(&self) -> Option<Token> {
        let mut holders = self.main_lock.holders.iter();
        holders
            .find(|holder| holder.process.pid == self.process.pid)
            .map(|holder| holder.token)
    }

    /// How many of its locks, besides the one to name, somebody waits for because of it.
    pub fn other_contended_locks(&self) -> usize {
        let contended: BTreeSet<&str> = self.behind.iter().map(|(lock, _)| lock.path.as_str()).collect();
        contended.len().saturating_sub(1)
    }

    /// The lock that most wait for because of it, and of several such one that it has for itself alone.
    fn most_wanted(&self) -> Option<&'a Lock> {
        let wanted = |lock: &Lock| self.behind.iter().filter(|(other, _)| other.path == lock.path).count();
        let most = self
            .holds
            .iter()
            .max_by_key(|(lock, mode)| (wanted(lock), *mode == Some(Mode::Exclusive), Reverse(lock.kind)));
        most.map(|(lock, _)| *lock)
    }

    /// Whether it will not go on by itself.
    pub fn is_stuck(&self) -> bool {
        self.verdict.class == Class::Stuck
    }
}

/// The entries: the stuck ones first, then by the length of their queues.
pub fn entries(state: &State) -> Vec<Entry<'_>> {
    let mut by_pid: BTreeMap<Pid, Entry<'_>> = BTreeMap::new();
    for lock in &state.locks {
        for holder in &lock.holders {
            let entry = by_pid.entry(holder.process.pid).or_insert_with(|| Entry {
                process: &holder.process,
                verdict: &holder.verdict,
                holds: Vec::new(),
                behind: Vec::new(),
                queue: 0,
                main_lock: lock,
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
        let waiters = state.locks.iter().flat_map(|lock| &lock.waiters);
        let queue: BTreeSet<Pid> = waiters
            .filter(|waiter| waiter.root.iter().any(|token| entry.tokens.contains(token)))
            .map(|waiter| waiter.process.pid)
            .filter(|pid| *pid != entry.process.pid)
            .collect();
        entry.queue = queue.len();
        entry.main_lock = entry.most_wanted().unwrap_or(entry.main_lock);
    }
    // Those that matter come first: who is not stuck and has nobody behind it has no queue either.
    entries.sort_by_key(|entry| {
        (
            !entry.is_stuck(),
            Reverse((entry.queue, entry.behind.len())),
            entry.process.pid,
        )
    });
    entries
}

/// How many processes wait for some lock.
pub fn waiting_processes(state: &State) -> usize {
    let waiters = state.locks.iter().flat_map(|lock| &lock.waiters);
    waiters
        .map(|waiter| waiter.process.pid)
        .collect::<BTreeSet<Pid>>()
        .len()
}
