//! For how long a person waited: several processes that wait at the same time cost him that time once. Pure.

use std::collections::HashMap;
use std::time::Duration;

/// A time on the clock that counts from a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    /// Which boot: times of different boots have nothing to do with each other.
    pub(super) boot_id: u64,
    pub(super) from: Duration,
    pub(super) to: Duration,
}

impl Interval {
    /// The part of it after a time of the wall clock, given when it began by that.
    pub(super) fn after(mut self, since_ms: i64, from_ms: i64) -> Self {
        let cut = u64::try_from(since_ms.saturating_sub(from_ms)).unwrap_or(0);
        self.from = self.from.saturating_add(Duration::from_millis(cut)).min(self.to);
        self
    }
}

/// Intervals, in whole and for each of the groups that they belong to.
#[derive(Debug, Default)]
pub(super) struct Waiting<G> {
    all: Vec<Interval>,
    groups: HashMap<G, Vec<Interval>>,
}

impl<G: std::hash::Hash + Eq + Ord> Waiting<G> {
    pub(super) fn new() -> Self {
        Self {
            all: Vec::new(),
            groups: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, interval: Interval, group: Option<G>) {
        self.all.push(interval);
        if let Some(group) = group {
            self.groups.entry(group).or_default().push(interval);
        }
    }

    /// The time in which something waited.
    pub(super) fn total(&mut self) -> Duration {
        covered(&mut self.all)
    }

    /// The same for each group, the longest first.
    pub(super) fn by_group(self) -> Vec<(G, Duration)> {
        let groups = self.groups.into_iter();
        let mut groups: Vec<_> = groups
            .map(|(group, mut intervals)| (group, covered(&mut intervals)))
            .collect();
        groups.sort_by(|(a, a_time), (b, b_time)| b_time.cmp(a_time).then_with(|| a.cmp(b)));
        groups
    }
}

/// How much time the intervals cover, each moment counted once.
fn covered(intervals: &mut [Interval]) -> Duration {
    intervals.sort_unstable();
    let mut total = Duration::ZERO;
    let mut end = (0, Duration::ZERO);
    for interval in intervals {
        if interval.boot_id != end.0 {
            end = (interval.boot_id, Duration::ZERO);
        }
        let from = interval.from.max(end.1);
        total = total.saturating_add(interval.to.saturating_sub(from));
        end.1 = end.1.max(interval.to);
    }
    total
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn interval(boot_id: u64, from: u64, to: u64) -> Interval {
        let seconds = Duration::from_secs;
        Interval {
            boot_id,
            from: seconds(from),
            to: seconds(to),
        }
    }

    #[test]
    fn what_is_before_the_time_does_not_count() {
        let whole = interval(1, 100, 160);
        for (since_ms, from_ms, left) in [
            (0, 5_000, 60),
            (5_000, 5_000, 60),
            (15_000, 5_000, 50),
            (65_000, 5_000, 0),
            (i64::MAX, i64::MIN, 0),
            (i64::MIN, i64::MAX, 60),
        ] {
            let part = whole.after(since_ms, from_ms);
            assert_eq!(
                part.to.saturating_sub(part.from).as_secs(),
                left,
                "{since_ms} {from_ms}"
            );
        }
    }

    #[test]
    fn each_moment_counts_once_and_boots_do_not_mix() {
        let mut waiting = Waiting::new();
        for (interval, group) in [
            (interval(1, 0, 10), "editor"),
            (interval(1, 5, 20), "editor"),
            (interval(1, 8, 12), "agent"),
            (interval(2, 0, 10), "agent"),
        ] {
            waiting.add(interval, Some(group));
        }
        waiting.add(interval(1, 30, 31), None);
        assert_eq!(waiting.total(), Duration::from_secs(31));
        let seconds: Vec<_> = waiting
            .by_group()
            .into_iter()
            .map(|(group, time)| (group, time.as_secs()))
            .collect();
        assert_eq!(seconds, [("editor", 20), ("agent", 14)]);
    }

    proptest! {
        #[test]
        fn it_is_what_counting_the_seconds_gives(
            all in prop::collection::vec((0..3_u64, 0..40_u64, 0..20_u64), 0..30),
        ) {
            let mut waiting = Waiting::new();
            let mut seconds = BTreeSet::new();
            for (boot, from, length) in all {
                waiting.add(interval(boot, from, from + length), Some(()));
                seconds.extend((from..from + length).map(|second| (boot, second)));
            }
            let expected = Duration::from_secs(seconds.len() as u64);
            prop_assert_eq!(waiting.total(), expected);
            prop_assert!(waiting.by_group().into_iter().all(|((), time)| time == expected));
        }
    }
}
