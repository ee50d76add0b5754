//! The samples of those who hold: when the next ones are due, and what they have shown so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::OriginKind;
use crate::config::Thresholds;
use crate::observation::{Look, Observer};
use crate::os::Kernel;
use crate::process::ProcessId;
use crate::verdict::{Course, Window};
use crate::work;
use crate::work::registry::Registry;

/// The time between two samples is this part of the time for which something still counts as moving: so one sample more or
/// less does not decide.
const PERIODS_IN_MOVING: u32 = 5;

/// So many holders are sampled and no more.
const MOST: usize = 128;

/// The windows of all who hold.
#[derive(Debug)]
pub(super) struct Samples {
    thresholds: Thresholds,
    windows: BTreeMap<ProcessId, Window>,
    registry: Registry,
    starters: BTreeMap<ProcessId, Starter>,
    /// When the next samples are due, since boot; none while nobody holds.
    next: Option<Duration>,
}

impl Samples {
    pub(super) fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            windows: BTreeMap::new(),
            registry: Registry::default(),
            starters: BTreeMap::new(),
            next: None,
        }
    }

    /// How long it is from one sample to the next.
    fn period(&self) -> Duration {
        self.thresholds.moving / PERIODS_IN_MOVING
    }

    /// When the next samples are due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.next
    }

    /// What a holder did over time; none where it was not sampled yet.
    pub(super) fn course(&self, holder: ProcessId) -> Option<Course<'_>> {
        let starter = self.starters.get(&holder);
        Some(Course {
            window: self.windows.get(&holder)?,
            lost_starter: starter
                .filter(|starter| starter.is_gone)
                .map(|starter| starter.name.as_str()),
        })
    }

    /// Somebody holds, or nobody does. Most locks are free again before the first sample is due, and cost none.
    pub(super) fn looked(&mut self, look: &Look, now: Duration) {
        if look.locks.iter().all(|lock| lock.holders.is_empty()) {
            self.next = None;
            self.windows.clear();
            self.starters.clear();
            self.registry.keep(|_| false);
        } else if self.next.is_none() {
            self.next = Some(now + self.period());
        }
    }

    /// Takes a sample of each holder's tree.
    pub(super) fn take<K: Kernel>(&mut self, observer: &mut Observer<K>, look: &Look, now: Duration) {
        let period = self.period();
        self.next = Some(now + period);
        let holders = holders(look, &self.windows);
        self.windows.retain(|id, _| holders.contains(id));
        self.starters.retain(|id, _| holders.contains(id));
        let mut homes = BTreeSet::new();
        for id in holders {
            self.see_starter(id, look);
            let places = Places::of(id, look);
            let registry_files = places.home.map_or(0, |home| self.registry.appeared(home));
            homes.extend(places.home);
            let output = places.profiles.iter().filter_map(|lock| work::output_of(lock)).max();
            let at = crate::os::awake();
            if let Some(sample) = observer.sample(id, at, registry_files, output) {
                let window = self.windows.entry(id);
                window
                    .or_insert_with(|| Window::new(self.thresholds, period))
                    .push(sample);
            }
        }
        self.registry.keep(|home| homes.contains(home));
    }

    /// Where an editor or agent ends, its children get another parent, and the holder then seems to come from elsewhere.
    fn see_starter(&mut self, id: ProcessId, look: &Look) {
        let Some(one) = look.processes.get(&id) else { return };
        let is_there = matches!(one.origin.kind, OriginKind::Editor | OriginKind::Agent);
        // An ancestor that could not be read for a moment has not gone for that.
        let is_elsewhere = matches!(one.origin.kind, OriginKind::Orphan | OriginKind::Service);
        match (self.starters.get_mut(&id), &one.origin.name) {
            (Some(starter), _) => starter.is_gone = is_elsewhere,
            (None, Some(name)) if is_there => {
                let name = name.clone();
                self.starters.insert(id, Starter { name, is_gone: false });
            }
            (None, _) => {}
        }
    }
}

/// The editor or agent that a holder came from when it was seen first.
#[derive(Debug)]
struct Starter {
    name: String,
    is_gone: bool,
}

/// Everyone who holds a lock, once, up to [`MOST`]: those whom somebody waits for, then those who were sampled before, so that
/// what was seen of them goes on.
fn holders(look: &Look, sampled: &BTreeMap<ProcessId, Window>) -> BTreeSet<ProcessId> {
    let mut ranked: Vec<(bool, bool, ProcessId)> = Vec::new();
    for lock in &look.locks {
        let is_wanted = !lock.waiters.is_empty();
        let ids = lock.holders.iter().map(|claim| claim.process);
        ranked.extend(ids.map(|id| (!is_wanted, !sampled.contains_key(&id), id)));
    }
    ranked.sort_unstable();
    let mut found = BTreeSet::new();
    for (_, _, id) in ranked {
        if found.len() < MOST {
            found.insert(id);
        }
    }
    found
}

/// Where a holder leaves its traces.
struct Places<'a> {
    /// The Cargo home whose package cache it holds.
    home: Option<&'a Path>,
    /// Its build locks.
    profiles: Vec<&'a PathBuf>,
}

impl<'a> Places<'a> {
    fn of(id: ProcessId, look: &'a Look) -> Self {
        let mut places = Self {
            home: None,
            profiles: Vec::new(),
        };
        for lock in look.locks.iter().filter(|lock| !lock.other_mount_namespace) {
            if !lock.holders.iter().any(|claim| claim.process == id) {
                continue;
            }
            match lock.table.kind {
                LockKind::PackageCache => places.home = lock.path.parent(),
                LockKind::BuildDir | LockKind::ArtifactDir => places.profiles.push(&lock.path),
                _ => {}
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::made::Made;
    use crate::process::Pid;

    const FIRST: Pid = 1000;

    /// As many holders as that, each of a lock of its own; one is waited for.
    fn look(count: Pid, wanted: Pid) -> Look {
        let made = Made::default()
            .process(1, 0, "/sbin/init", 9000)
            .process(10, 1, "cargo check", 5);
        let pids = FIRST..FIRST + count;
        let made = pids.fold(made, |made, pid| {
            let waiters: &[(Pid, char)] = if pid == wanted { &[(10, '+')] } else { &[] };
            let lock = format!("/home/me/p{pid}/target/debug/.cargo-lock");
            made.process(pid, 1, "cargo build", 60)
                .lock(&lock, &[(pid, '+')], waiters)
        });
        made.look()
    }

    #[test]
    fn of_many_holders_the_important_ones_are_sampled() {
        let last = FIRST + 299;
        let look = look(300, last);
        let id = |pid| *look.processes.keys().find(|id| id.pid == pid).expect("is there");
        let before = FIRST + 250;
        let window = Window::new(Thresholds::default(), Duration::from_secs(2));
        let sampled = BTreeMap::from([(id(before), window)]);
        let found = holders(&look, &sampled);
        assert_eq!(found.len(), MOST);
        assert!(found.contains(&id(last)), "somebody waits for it");
        assert!(found.contains(&id(before)), "it was sampled before");
    }
}
