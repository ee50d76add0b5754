//! Whether two states say the same. Nothing is copied for it: a thousand waiters are most of a megabyte, and they are
//! compared after each look.

use super::{Holder, Lock, State, Waiter};
use crate::verdict::Verdict;

impl State {
    /// Whether nothing has changed: not the time, nor how long something lasts, nor the words of the evidence alone.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        // Taken apart by name, so that no field which is added can be forgotten here.
        let Self {
            schema_version,
            as_of: _,
            generation: _,
            source,
            precision,
            notes,
            summary,
            locks,
            processes,
        } = self;
        (schema_version, source, precision, summary)
            == (&other.schema_version, &other.source, &other.precision, &other.summary)
            && *notes == other.notes
            && all(locks, &other.locks, same_lock)
            && *processes == other.processes
    }

    /// Whether the evidence is in the same words.
    pub fn has_the_words_of(&self, other: &Self) -> bool {
        let words = |state: &'_ Self| -> Vec<_> {
            let holders = state.locks.iter().flat_map(|lock| &lock.holders);
            holders.map(|holder| holder.verdict.evidence.clone()).collect()
        };
        words(self) == words(other)
    }
}

/// Whether two lists are pairwise the same.
fn all<T>(ones: &[T], others: &[T], same: fn(&T, &T) -> bool) -> bool {
    ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same(one, other))
}

fn same_lock(one: &Lock, other: &Lock) -> bool {
    let Lock {
        path,
        kind,
        label,
        deleted,
        other_mount_namespace,
        holders,
        waiters,
    } = one;
    (path, kind, label) == (&other.path, &other.kind, &other.label)
        && (deleted, other_mount_namespace) == (&other.deleted, &other.other_mount_namespace)
        && all(holders, &other.holders, same_holder)
        && all(waiters, &other.waiters, same_waiter)
}

fn same_holder(one: &Holder, other: &Holder) -> bool {
    let Holder {
        token,
        process,
        mode,
        since: _,
        held_ms: _,
        verdict,
    } = one;
    (token, process, mode) == (&other.token, &other.process, &other.mode) && same_verdict(verdict, &other.verdict)
}

fn same_verdict(one: &Verdict, other: &Verdict) -> bool {
    let Verdict {
        class,
        reason,
        since,
        evidence: _,
        advice,
    } = one;
    (class, reason, since, advice) == (&other.class, &other.reason, &other.since, &other.advice)
}

fn same_waiter(one: &Waiter, other: &Waiter) -> bool {
    let Waiter {
        process,
        mode,
        since: _,
        waited_ms: _,
        blocked_by,
        root,
    } = one;
    (process, mode, blocked_by, root) == (&other.process, &other.mode, &other.blocked_by, &other.root)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::os::{Mode, Precision};
    use crate::state::{Source, tests::contended};
    use crate::verdict::{Class, Reason};

    #[test]
    fn times_and_words_are_no_change_and_all_else_is() {
        type Edit = fn(&mut State);
        let same: [Edit; 7] = [
            |_| (),
            |state| state.as_of = Timestamp::MAX,
            |state| state.generation = Some(7),
            |state| state.locks[0].holders[0].since = Some(Timestamp::MAX),
            |state| state.locks[0].holders[0].held_ms = Some(1),
            |state| state.locks[0].holders[0].verdict.evidence.push("9.7 s".to_owned()),
            |state| (state.locks[0].waiters[0].since, state.locks[0].waiters[0].waited_ms) = (None, Some(1)),
        ];
        let other: [Edit; 20] = [
            |state| state.source = Source::Daemon,
            |state| state.precision = Precision::Exact,
            |state| state.notes.clear(),
            |state| state.summary.stuck += 1,
            |state| state.processes = Some(Vec::new()),
            |state| state.locks.clear(),
            |state| state.locks[0].path.push('x'),
            |state| state.locks[0].label.push('x'),
            |state| state.locks[0].deleted = true,
            |state| state.locks[0].other_mount_namespace = true,
            |state| state.locks[0].holders.clear(),
            |state| state.locks[0].holders[0].token.process.start += 1,
            |state| state.locks[0].holders[0].process.argv.clear(),
            |state| state.locks[0].holders[0].mode = Some(Mode::Shared),
            |state| state.locks[0].holders[0].verdict.class = Class::Stuck,
            |state| state.locks[0].holders[0].verdict.reason = Reason::Orphaned,
            |state| state.locks[0].holders[0].verdict.since = Some(Timestamp::MAX),
            |state| state.locks[0].holders[0].verdict.advice.push('x'),
            |state| state.locks[0].waiters[0].blocked_by.clear(),
            |state| state.locks[0].waiters[0].root.clear(),
        ];
        for (edits, expected) in [(&same[..], true), (&other[..], false)] {
            for (number, edit) in edits.iter().enumerate() {
                let mut edited = contended();
                edit(&mut edited);
                assert_eq!(contended().says_the_same_as(&edited), expected, "edit {number}");
            }
        }
    }
}
