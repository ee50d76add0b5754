//! A glance: the last look with what a few processes' own descriptors say by now.
//!
//! A look at all locks takes the kernel some milliseconds when it was not asked for a while (a reader of `/proc/locks` waits
//! for a grace period of RCU: `percpu_down_write` in Linux' `fs/locks.c`). What a process's descriptors say costs
//! nothing of that kind. So when a lock file is opened or closed, those are looked at who may have done it: the lock's
//! own holders and waiters, whoever had to do with a lock of late, and who has just begun. A look at all locks follows
//! a little later and has the last word.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::{Lock, Look, Observer};
use crate::cargo::lock_kind;
use crate::clock::Moment;
use crate::os::{Claim, Descriptors, FileId, Kernel, OpenLock};
use crate::process::{Detail, Pid, ProcessId};

/// So many processes that have to do with the files in question are looked at in one glance; where it would take more, a
/// look at all locks is cheaper.
const MOST: usize = 128;

/// Who may have opened or closed a lock file.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// Who had to do with a lock of late, each with the number of the look that showed it last.
    seen: BTreeMap<Pid, u64>,
    /// Who has just begun, and when that was heard: from its begin to its first lock cargo takes some time, and what starts
    /// it (rustup) even more.
    newcomers: BTreeMap<Pid, Duration>,
    /// Who has one of the files open and neither holds nor waits, and since when.
    openers: BTreeMap<Pid, Duration>,
    looks: u64,
}

/// So many of each kind are kept, the newest.
const KEPT: usize = 64;
/// So long somebody counts as new.
const NEW_FOR: Duration = Duration::from_secs(1);
/// Who has not taken the lock so long after opening its file is about something else.
const ABOUT_TO_FOR: Duration = Duration::from_secs(5);

impl Suspects {
    /// Keeps everyone who has to do with a lock now. Who holds or waits is not about to any more.
    pub(super) fn add(&mut self, look: &Look) {
        self.looks += 1;
        let now = look.processes.keys().take(KEPT).map(|id| (id.pid, self.looks));
        self.seen.extend(now);
        keep_the_newest(&mut self.seen);
        for id in look.processes.keys() {
            self.openers.remove(&id.pid);
        }
        self.forget_the_old(look.at.since_boot);
    }

    fn forget_the_old(&mut self, now: Duration) {
        self.newcomers.retain(|_, since| now.saturating_sub(*since) < NEW_FOR);
        self.openers
            .retain(|_, since| now.saturating_sub(*since) < ABOUT_TO_FOR);
    }

    fn forget(&mut self, pid: Pid) {
        self.seen.remove(&pid);
        self.newcomers.remove(&pid);
        self.openers.remove(&pid);
    }
}

fn keep_the_newest<T: Ord + Copy>(kept: &mut BTreeMap<Pid, T>) {
    while kept.len() > KEPT {
        let Some((&oldest, _)) = kept.iter().min_by_key(|(_, when)| **when) else {
            return;
        };
        kept.remove(&oldest);
    }
}

impl<K: Kernel> Observer<K> {
    /// Whether somebody was seen of late who has a lock file open and neither holds its lock nor waits for it: he may take it
    /// any moment, and no event tells when.
    pub fn somebody_is_about_to(&self) -> bool {
        !self.suspects.openers.is_empty()
    }

    /// Whether a process has begun since this was asked last, or since the last glance, that may have to do with a lock.
    pub fn somebody_is_new(&mut self) -> bool {
        !self.kernel.newcomers().is_empty()
    }

    /// The last look, with what those who may have opened or closed the `files` say by now. None where only a look at all
    /// locks can tell: there was none yet, too many are concerned, or the descriptors contradict each other.
    pub fn glance(&mut self, at: Moment, files: &BTreeSet<FileId>) -> Option<Look> {
        let mut look = self.last.clone()?;
        self.suspects.forget_the_old(at.since_boot);
        let new = self.kernel.newcomers();
        let heard = new.iter().map(|pid| (*pid, at.since_boot));
        self.suspects.newcomers.extend(heard);
        keep_the_newest(&mut self.suspects.newcomers);
        let mut pids = BTreeSet::new();
        for lock in look.locks.iter().filter(|lock| files.contains(&lock.file)) {
            pids.extend(lock.holders.iter().chain(&lock.waiters).map(|claim| claim.process.pid));
        }
        if pids.len() > MOST {
            return None;
        }
        pids.extend(self.suspects.seen.keys());
        pids.extend(self.suspects.openers.keys());
        pids.extend(self.suspects.newcomers.keys());
        let homes = &self.homes;
        let is_home = |folder: &Path| homes.contains(folder);
        let is_lock = |path: &Path| lock_kind::recognise(path, &is_home).is_some();
        let holders: BTreeSet<Pid> = self.last.iter().flat_map(Look::holders).collect();
        for pid in pids {
            match self.kernel.descriptors(pid, &is_lock) {
                // Between fork and exec a child has its parent's descriptors, and with them its locks.
                Descriptors::Read { process, .. }
                    if !look.processes.contains_key(&process) && has_parent_among(&mut self.kernel, pid, &holders) => {}
                Descriptors::Read { process, files: open } => {
                    let waits = look.set_parts(process, &open, &is_home);
                    let free = |one: &OpenLock| one.held.is_none() && files.contains(&one.file);
                    if !waits && open.iter().any(free) {
                        self.suspects.openers.entry(pid).or_insert(at.since_boot);
                    } else {
                        self.suspects.openers.remove(&pid);
                    }
                }
                Descriptors::Gone => {
                    look.remove(pid);
                    self.suspects.forget(pid);
                }
                Descriptors::Failed | Descriptors::Untold => {}
            }
        }
        keep_the_newest(&mut self.suspects.openers);
        if look.locks.iter().any(Lock::has_too_many_holders) {
            return None;
        }
        look.at = at;
        look.is_complete = false;
        look.locks.sort_by(|a, b| (&a.path, a.file).cmp(&(&b.path, b.file)));
        // What is known about those who were there before is a second old at most; a look at all locks reads it again.
        let now: BTreeSet<ProcessId> = look.claims().iter().map(|claim| claim.process).collect();
        look.processes.retain(|id, _| now.contains(id));
        let last = self.last.take();
        Some(self.complete(look, last, BTreeMap::new()))
    }
}

fn has_parent_among<K: Kernel>(kernel: &mut K, pid: Pid, holders: &BTreeSet<Pid>) -> bool {
    let process = kernel.process(pid, Detail::Brief);
    process.is_ok_and(|process| holders.contains(&process.parent))
}

impl Look {
    fn holders(&self) -> impl Iterator<Item = Pid> {
        let claims = self.locks.iter().flat_map(|lock| &lock.holders);
        claims.map(|claim| claim.process.pid)
    }

    /// Sets what a process holds to what its descriptors say. It goes on waiting for what it waited for, where it still has
    /// that file open and does not hold it by now. Tells whether it waits for something.
    fn set_parts(&mut self, process: ProcessId, open: &[OpenLock], is_home: &dyn Fn(&Path) -> bool) -> bool {
        let mut waits = false;
        for lock in &mut self.locks {
            let mine: Vec<&OpenLock> = open.iter().filter(|open| open.file == lock.file).collect();
            lock.holders.retain(|claim| claim.process.pid != process.pid);
            // With a second descriptor it can wait for a lock that it holds.
            let may_wait = mine.iter().any(|open| open.held.is_none());
            lock.waiters
                .retain(|claim| claim.process.pid != process.pid || (claim.process == process && may_wait));
            waits |= lock.waiters.iter().any(|claim| claim.process == process);
        }
        for one in open {
            let Some(mode) = one.held else { continue };
            let claim = Claim {
                process,
                mode: Some(mode),
            };
            match self.locks.iter_mut().find(|lock| lock.file == one.file) {
                Some(lock) if lock.holders.iter().any(|holder| holder.process == process) => {}
                Some(lock) => {
                    lock.holders.push(claim);
                    lock.holders.sort_unstable();
                }
                None => {
                    if let Some(table) = lock_kind::recognise(&one.path, is_home) {
                        self.locks.push(Lock {
                            file: one.file,
                            path: one.path.clone(),
                            table,
                            deleted: one.deleted,
                            // Seen by an event in a folder of this namespace; the next look at all locks makes sure.
                            other_mount_namespace: false,
                            holders: vec![claim],
                            waiters: Vec::new(),
                        });
                    }
                }
            }
        }
        waits
    }

    /// Takes a process out.
    fn remove(&mut self, pid: Pid) {
        for lock in &mut self.locks {
            lock.holders.retain(|claim| claim.process.pid != pid);
            lock.waiters.retain(|claim| claim.process.pid != pid);
        }
    }
}

#[cfg(test)]
mod tests;
