//! What is not written yet: for a moment, or for as long as the file cannot be written. Bounded. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use super::row::{HoldRow, Key, StopRow, WaitRow};
use crate::cargo::lock_kind::LockKind;

/// So many rows are kept. A row shares its texts with the tracker's values, so this is some megabytes at most.
pub(super) const LIMIT: usize = 10_000;

/// Holds too short for a row: the minute in milliseconds since 1970, and the lock.
pub(super) type Minute = (i64, String, LockKind);

/// Rows by their keys: a newer row of one hold takes the place of the older, so what lasts takes no more room each minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) holds: BTreeMap<Key, HoldRow>,
    pub(super) waits: BTreeMap<Key, WaitRow>,
    pub(super) short: BTreeMap<Minute, u64>,
    /// What an earlier daemon left open and which is not there any more; whether it is a wait.
    pub(super) unseen: BTreeSet<(bool, Key)>,
    /// Stops, in the order in which they ended.
    pub(super) stops: VecDeque<StopRow>,
    /// Places with the turn in which each was seen last, and the time.
    pub(super) places: BTreeMap<PathBuf, (i64, i64)>,
    /// How many rows found no room.
    pub(super) lost: u64,
}

impl Pending {
    pub(super) fn hold(&mut self, row: HoldRow) {
        keep_newest(&mut self.holds, row.shared.key, row, |row| row.how.is_some());
        self.bound();
    }

    pub(super) fn wait(&mut self, row: WaitRow) {
        keep_newest(&mut self.waits, row.shared.key, row, |row| row.how.is_some());
        self.bound();
    }

    pub(super) fn short(&mut self, minute: Minute) {
        *self.short.entry(minute).or_default() += 1;
        while self.short.len() > LIMIT {
            self.lost += self.short.pop_first().map_or(0, |(_, count)| count);
        }
    }

    pub(super) fn stop(&mut self, row: StopRow) {
        self.stops.push_back(row);
        while self.stops.len() > LIMIT {
            self.stops.pop_front();
            self.lost += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self {
            holds,
            waits,
            short,
            unseen,
            stops,
            places,
            lost: _,
        } = self;
        holds.is_empty()
            && waits.is_empty()
            && short.is_empty()
            && unseen.is_empty()
            && stops.is_empty()
            && places.is_empty()
    }

    /// Takes a part to be written in one go: at most so many rows, holds before the waits that name them.
    pub(super) fn take(&mut self, rows: usize) -> Self {
        let holds = first(&mut self.holds, rows);
        let waits = first(&mut self.waits, rows - holds.len());
        Self {
            short: first(&mut self.short, rows),
            unseen: std::mem::take(&mut self.unseen),
            stops: std::mem::take(&mut self.stops),
            places: std::mem::take(&mut self.places),
            holds,
            waits,
            lost: 0,
        }
    }

    /// Takes back what could not be written.
    pub(super) fn put_back(&mut self, mut part: Self) {
        self.holds.append(&mut part.holds);
        self.waits.append(&mut part.waits);
        self.short.append(&mut part.short);
        self.unseen.append(&mut part.unseen);
        part.stops.append(&mut self.stops);
        self.stops = part.stops;
        self.places.append(&mut part.places);
    }

    /// Lets go of the oldest above the limit.
    fn bound(&mut self) {
        while self.holds.len() + self.waits.len() > LIMIT {
            let waits_first = match (self.holds.first_key_value(), self.waits.first_key_value()) {
                (Some((hold, _)), Some((wait, _))) => wait < hold,
                (hold, _) => hold.is_none(),
            };
            if waits_first {
                self.waits.pop_first();
            } else {
                self.holds.pop_first();
            }
            self.lost += 1;
        }
    }
}

/// What ended does not open again.
fn keep_newest<R>(rows: &mut BTreeMap<Key, R>, key: Key, row: R, ended: impl Fn(&R) -> bool) {
    if !rows.get(&key).is_some_and(&ended) {
        rows.insert(key, row);
    }
}

fn first<K: Ord, V>(rows: &mut BTreeMap<K, V>, count: usize) -> BTreeMap<K, V> {
    let mut taken = BTreeMap::new();
    while taken.len() < count {
        let Some((key, value)) = rows.pop_first() else {
            break;
        };
        taken.insert(key, value);
    }
    taken
}
