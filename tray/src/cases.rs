//! What the user is told of unasked: that somebody has waited for long behind a holder that is stuck, once a case. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lockwatch::by_process::{Entry, entries};
use lockwatch::process::ProcessId;
use lockwatch::state::{State, Waiter};
use lockwatch::verdict::Reason;

use crate::menu;

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// A case: a holder, and why it is stuck.
type Case = (ProcessId, Reason);

/// The cases that were told already.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    told: BTreeSet<Case>,
}

impl Cases {
    /// What is to be told of a state that is `elapsed` old, and after how long to ask again where nothing changes. `after` is
    /// how long somebody must have waited.
    pub(crate) fn of(
        &mut self,
        state: &State,
        elapsed: Duration,
        after: Duration,
        home: Option<&str>,
    ) -> (Vec<Notice>, Option<Duration>) {
        let entries = entries(state);
        let stuck: BTreeMap<ProcessId, &Entry<'_>> = entries
            .iter()
            .filter(|entry| entry.is_stuck())
            .filter_map(|entry| Some((entry.token()?.process, entry)))
            .collect();
        self.told
            .retain(|(process, reason)| stuck.get(process).is_some_and(|entry| entry.verdict.reason == *reason));

        let mut longest: BTreeMap<ProcessId, Duration> = BTreeMap::new();
        for waiter in state.locks.iter().flat_map(|lock| &lock.waiters) {
            // In a circle all are at its head: the first of them stands for it, so that it is one case.
            let heads = waiter.root.iter().map(|token| token.process);
            let Some(head) = heads.filter(|process| stuck.contains_key(process)).min() else {
                continue;
            };
            if let Some(waited) = waited(waiter, stuck[&head], state) {
                let longest = longest.entry(head).or_default();
                *longest = (*longest).max(waited);
            }
        }
        let mut notices = Vec::new();
        let mut next: Option<Duration> = None;
        for (process, waited) in longest {
            let entry = stuck[&process];
            let case = (process, entry.verdict.reason);
            if self.told.contains(&case) {
                continue;
            }
            match after.checked_sub(waited.saturating_add(elapsed)) {
                Some(left) if !left.is_zero() => next = Some(next.map_or(left, |next| next.min(left))),
                _ => {
                    self.told.insert(case);
                    notices.push(menu::stuck_notice(entry, home));
                }
            }
        }
        (notices, next)
    }
}

/// For how long somebody had waited when the state was made. Where the begin was not seen, at least since the holder is stuck.
fn waited(waiter: &Waiter, holder: &Entry<'_>, state: &State) -> Option<Duration> {
    let since_stuck = || {
        let since = holder.verdict.since?;
        u64::try_from(state.as_of.as_millisecond() - since.as_millisecond()).ok()
    };
    waiter.waited_ms.or_else(since_stuck).map(Duration::from_millis)
}

#[cfg(test)]
mod tests;
