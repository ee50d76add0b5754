//! What a person means: a token, a process number, a lock's path, or whoever is in the way. Pure.
//!
//! A number or a path becomes the token of what the state shows under it, and the token is what is stopped: if the process
//! ends meanwhile and another gets its number, the stop says so and signals nobody.

use std::collections::BTreeMap;
use std::fmt;

use crate::process::{Pid, ProcessId};
use crate::state::{Holder, Lock, State};
use crate::token::Token;

/// Why nobody is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing was named, and nobody holds a lock.
    #[error("no Cargo lock is held, so there is nobody to stop")]
    NothingHeld,
    /// Nothing was named, and nobody is in the way.
    #[error("nobody waits for a lock, so nobody is in the way; name whom to stop{}", listed(.0))]
    NobodyInTheWay(Vec<Candidate>),
    /// Nothing was named, and several are in the way.
    #[error("{} processes are in the way; name one{}", .0.len(), listed(.0))]
    SeveralInTheWay(Vec<Candidate>),
    /// The process waits, and holds nothing.
    #[error("process {pid} holds no lock, it waits for one; a signal would only make it fail{}", listed(.candidates))]
    Waits {
        /// The number.
        pid: Pid,
        /// Who is in its way.
        candidates: Vec<Candidate>,
    },
    /// No process of that number holds a lock.
    #[error("process {pid} holds no lock now{}", listed(.candidates))]
    HoldsNothing {
        /// The number.
        pid: Pid,
        /// Who does.
        candidates: Vec<Candidate>,
    },
    /// The lock is free, or the path is none of a lock.
    #[error("nobody holds a lock called {word}{}", listed(.candidates))]
    NoSuchLock {
        /// What was given, escaped.
        word: String,
        /// Who holds one.
        candidates: Vec<Candidate>,
    },
    /// Several hold the lock.
    #[error("{} processes hold {path}; name one{}", .candidates.len(), listed(.candidates))]
    SeveralHolders {
        /// The lock.
        path: String,
        /// They.
        candidates: Vec<Candidate>,
    },
}

/// A process that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number, by which it can be named.
    pub pid: Pid,
    /// What it does.
    pub command: String,
    /// One of its locks.
    pub lock: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, command, lock } = self;
        write!(f, "`lockwatch stop {pid}` for {command} ({lock})")
    }
}

/// So many are listed in an error.
const LISTED: usize = 5;

fn listed(candidates: &[Candidate]) -> String {
    let shown: Vec<String> = candidates.iter().take(LISTED).map(ToString::to_string).collect();
    let more = candidates.len().saturating_sub(LISTED);
    match (shown.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", shown.join(", ")),
        (false, more) => format!(": {} and {more} more, see `lockwatch status`", shown.join(", ")),
    }
}

/// Finds out who is meant. A token needs no state: whether it still means somebody is checked by the stop itself.
pub fn resolve(state: &State, word: Option<&str>) -> Result<Token, TargetError> {
    let Some(word) = word else {
        return in_the_way(state);
    };
    if let Ok(token) = word.parse() {
        return Ok(token);
    }
    match word.parse() {
        Ok(pid) => by_pid(state, pid),
        Err(_) => by_path(state, word),
    }
}

/// Each holding process once, with the lock of its that matters most: one that somebody waits for, or else one that it has
/// for itself.
fn holders(state: &State, fits: impl Fn(&Lock, &Holder) -> bool) -> BTreeMap<ProcessId, (&Lock, &Holder)> {
    let rank = |lock: &Lock, holder: &Holder| (!lock.waiters.is_empty(), holder.mode);
    let mut found: BTreeMap<ProcessId, (&Lock, &Holder)> = BTreeMap::new();
    for lock in &state.locks {
        for holder in lock.holders.iter().filter(|holder| fits(lock, holder)) {
            let best = found.entry(holder.token.process).or_insert((lock, holder));
            if rank(lock, holder) > rank(best.0, best.1) {
                *best = (lock, holder);
            }
        }
    }
    found
}

fn candidates(found: &BTreeMap<ProcessId, (&Lock, &Holder)>) -> Vec<Candidate> {
    let of = |(lock, holder): &(&Lock, &Holder)| Candidate {
        pid: holder.process.pid,
        command: holder.process.command.clone(),
        lock: lock.label.clone(),
    };
    found.values().map(of).collect()
}

/// The one of whom others wait in the end.
fn in_the_way(state: &State) -> Result<Token, TargetError> {
    let waiters = state.locks.iter().flat_map(|lock| &lock.waiters);
    let roots: Vec<Token> = waiters.flat_map(|waiter| waiter.root.iter().copied()).collect();
    let found = holders(state, |_, holder| roots.contains(&holder.token));
    let mut tokens = found.values().map(|(_, holder)| holder.token);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token),
        (None, _) => Err(match candidates(&holders(state, |_, _| true)) {
            none if none.is_empty() => TargetError::NothingHeld,
            candidates => TargetError::NobodyInTheWay(candidates),
        }),
        (Some(_), Some(_)) => Err(TargetError::SeveralInTheWay(candidates(&found))),
    }
}

fn by_pid(state: &State, pid: Pid) -> Result<Token, TargetError> {
    let found = holders(state, |_, holder| holder.process.pid == pid);
    if let Some((_, holder)) = found.values().next() {
        return Ok(holder.token);
    }
    let waiters = state.locks.iter().flat_map(|lock| &lock.waiters);
    let roots: Vec<Token> = waiters
        .filter(|waiter| waiter.process.pid == pid)
        .flat_map(|waiter| waiter.root.iter().copied())
        .collect();
    if roots.is_empty() {
        let candidates = candidates(&holders(state, |_, _| true));
        return Err(TargetError::HoldsNothing { pid, candidates });
    }
    let candidates = candidates(&holders(state, |_, holder| roots.contains(&holder.token)));
    Err(TargetError::Waits { pid, candidates })
}

fn by_path(state: &State, word: &str) -> Result<Token, TargetError> {
    let found = holders(state, |lock, _| lock.path == word);
    let mut tokens = found.values().map(|(_, holder)| holder.token);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token),
        (None, _) => Err(TargetError::NoSuchLock {
            word: crate::text::escape(word.as_ref()),
            candidates: candidates(&holders(state, |_, _| true)),
        }),
        (Some(_), Some(_)) => Err(TargetError::SeveralHolders {
            path: word.to_owned(),
            candidates: candidates(&found),
        }),
    }
}

#[cfg(test)]
mod tests;
