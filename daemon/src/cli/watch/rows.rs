//! The state as the rows of a list: each process that holds a lock, the waiters behind it, and what else there is. Pure.

use jiff::Timestamp;

use crate::by_process::{Entry, entries};
use crate::process::Pid;
use crate::state::{Lock, Process, State, Waiter};

/// A process for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) pid: Pid,
    started_at: Option<Timestamp>,
}

impl Who {
    pub(super) fn of(process: &Process) -> Self {
        Self {
            pid: process.pid,
            started_at: process.started_at,
        }
    }
}

/// Whom waiters stand behind: a process, or a lock whose holder is not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Holder(Who),
    Unseen(String),
}

/// What a row stays recognised by from state to state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowId {
    Head(Head),
    Waiter(Head, String, Who),
    More(Head),
    Rest,
    Note(String),
}

impl RowId {
    /// Whether this row is of the group that an unfolded row belongs to.
    pub(super) fn is_under(&self, unfolded: &Self) -> bool {
        match (self, unfolded) {
            (Self::Head(head) | Self::Waiter(head, ..), Self::More(of)) => head == of,
            _ => false,
        }
    }
}

/// One row.
#[derive(Debug)]
pub(super) enum Row<'a> {
    /// A process that holds locks.
    Holder(Entry<'a>),
    /// A lock that somebody waits for, and whose holder is not seen.
    Unseen(&'a Lock),
    /// Somebody who waits.
    Waiter {
        head: Head,
        lock: &'a Lock,
        waiter: &'a Waiter,
        /// Whether no other row of its group follows.
        last: bool,
    },
    /// So many more wait.
    More { head: Head, number: usize },
    /// So many more processes hold locks that block nobody.
    Rest(usize),
    /// What could not be seen.
    Note(&'a str),
}

/// So many waiters are listed behind each holder, as long as nobody asks for all.
pub(super) const WAITERS_SHOWN: usize = 7;

impl Row<'_> {
    pub(super) fn id(&self) -> RowId {
        match self {
            Self::Holder(entry) => RowId::Head(Head::Holder(Who::of(entry.process))),
            Self::Unseen(lock) => RowId::Head(Head::Unseen(lock.path.clone())),
            Self::Waiter { head, lock, waiter, .. } => {
                RowId::Waiter(head.clone(), lock.path.clone(), Who::of(&waiter.process))
            }
            Self::More { head, .. } => RowId::More(head.clone()),
            Self::Rest(_) => RowId::Rest,
            Self::Note(note) => RowId::Note((*note).to_owned()),
        }
    }
}

/// All rows. What blocks nobody is listed where it was asked for, and where there is nothing worse.
pub(super) fn rows<'a>(state: &'a State, all: bool, unfolded: &[RowId]) -> Vec<Row<'a>> {
    let entries = entries(state);
    let unseen = || state.locks.iter().filter(|lock| lock.holders.is_empty());
    let all = all || !(entries.iter().any(Entry::matters) || unseen().next().is_some());
    let mut rows = Vec::new();
    let mut rest = 0;
    for entry in entries {
        if !all && !entry.matters() {
            rest += 1;
            continue;
        }
        let head = Head::Holder(Who::of(entry.process));
        let behind = entry.behind.clone();
        rows.push(Row::Holder(entry));
        group(&mut rows, &head, &behind, unfolded);
    }
    for lock in unseen() {
        rows.push(Row::Unseen(lock));
        let behind: Vec<_> = lock.waiters.iter().map(|waiter| (lock, waiter)).collect();
        group(&mut rows, &Head::Unseen(lock.path.clone()), &behind, unfolded);
    }
    rows.extend((rest > 0).then_some(Row::Rest(rest)));
    rows.extend(state.notes.iter().map(|note| Row::Note(note)));
    rows
}

fn group<'a>(rows: &mut Vec<Row<'a>>, head: &Head, behind: &[(&'a Lock, &'a Waiter)], unfolded: &[RowId]) {
    // One more takes no more room than the line that would tell of it.
    let folds = behind.len() > WAITERS_SHOWN + 1 && !unfolded.contains(&RowId::More(head.clone()));
    let shown = if folds { WAITERS_SHOWN } else { behind.len() };
    for (place, (lock, waiter)) in behind.iter().enumerate().take(shown) {
        rows.push(Row::Waiter {
            head: head.clone(),
            lock,
            waiter,
            last: !folds && place + 1 == shown,
        });
    }
    rows.extend(folds.then(|| Row::More {
        head: head.clone(),
        number: behind.len() - shown,
    }));
}
