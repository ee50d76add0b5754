//! One look at all locks: asks the kernel about the files, reads file tables, asks again, and concludes.
//!
//! No call of macOS says who holds a lock by `flock`. Two that exist say it together: `F_GETLK` tells whether a file is
//! locked, and a process's file table marks each open file that has ever been locked. Where the first says the same
//! before and after the second was read, and no release was noted in between, the marks of that moment are the holders.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::attribution::{Candidate, Doubt, Evidence, Judgement, judge, possible_waiters};
use super::guarded::Guard;
use super::tables::{Held, Tables};
use crate::os::{FileId, Interest, LockTable, LookError, Note};
use crate::process::{Pid, ProcessId};

mod result;
mod scan;
#[cfg(test)]
mod tests;

use scan::{Scanner, Scope, Seen, Sighting};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For one reading of the file tables.
    pub(super) scan: Duration,
    /// How often a lock is looked at again that changed or did not fit.
    pub(super) tries: u32,
    /// Between two of them; each further pause is longer by as much, up to 5 ms.
    pub(super) pause: Duration,
    /// How long a process must have had a held file open, without ever having locked it, to count as waiting. Less, and
    /// it may be between its `open` and its `flock`.
    pub(super) waits: Duration,
    /// How often the tables of all processes are read; between, only those that are near (see [`Scope`]).
    pub(super) all_every: Duration,
}

impl Limits {
    /// Those in use.
    pub(super) const USUAL: Self = Self {
        scan: Duration::from_secs(1),
        tries: 5,
        pause: Duration::from_millis(2),
        waits: Duration::from_millis(50),
        all_every: Duration::from_secs(2),
    };
}

/// The descriptor of a process that may wait, and the file.
type Sight = (ProcessId, i32, FileId);

/// Looks, and remembers from one look to the next what makes it surer or cheaper.
#[derive(Debug)]
pub(super) struct Looker<T: Tables> {
    tables: Arc<T>,
    home: Option<PathBuf>,
    limits: Limits,
    scanner: Scanner,
    last_all: Option<Duration>,
    /// The lock files in use at the last look. A deleted one has no other place where its name is kept.
    names: BTreeMap<FileId, PathBuf>,
    /// Since when a process has been seen with a held file open that it never locked.
    first_seen: BTreeMap<Sight, Duration>,
}

/// One file in the course of a look.
struct Entry<F> {
    path: PathBuf,
    asking: Asking<F>,
    before: Option<Held>,
    after: Option<Held>,
    armed: bool,
    /// Whether it was not known when the file tables were read that showed it, so that they were not searched for it.
    fresh: bool,
    sightings: Vec<Sighting>,
    judgement: Option<Judgement>,
}

/// Whether the kernel can be asked about a file.
enum Asking<F> {
    /// Through this.
    Through(F),
    /// No: macOS guards its folder.
    Guarded,
    /// No: the system gave this reason.
    Impossible(String),
}

/// What one look has besides its files.
struct Course<'a> {
    interest: &'a Interest<'a>,
    guard: Guard,
    notes: BTreeSet<Note>,
    denied: bool,
    gave_up: bool,
}

impl<F> Entry<F> {
    fn new(path: PathBuf, asking: Asking<F>) -> Self {
        Self {
            path,
            asking,
            before: None,
            after: None,
            armed: false,
            fresh: false,
            sightings: Vec::new(),
            judgement: None,
        }
    }

    fn is_settled(&self) -> bool {
        self.judgement
            .as_ref()
            .is_some_and(|found| !found.doubt.is_some_and(Doubt::may_pass))
    }

    fn candidates(&self) -> Vec<Candidate> {
        self.sightings
            .iter()
            .map(|one| Candidate {
                process: one.process,
                fd: one.fd,
                was_locked: one.vnode.was_locked(),
                is_shared: one.vnode.is_shared(),
            })
            .collect()
    }

    fn possible_waiters(&self) -> Vec<Candidate> {
        match &self.judgement {
            Some(found) if !found.free => {
                let candidates = self.candidates();
                possible_waiters(&candidates, &found.holders).copied().collect()
            }
            _ => Vec::new(),
        }
    }
}

type Entries<F> = BTreeMap<FileId, Entry<F>>;

impl<T: Tables> Looker<T> {
    /// For a user with this home.
    pub(super) fn new(tables: T, home: Option<PathBuf>, limits: Limits) -> Self {
        Self {
            tables: Arc::new(tables),
            home,
            limits,
            scanner: Scanner::default(),
            last_all: None,
            names: BTreeMap::new(),
            first_seen: BTreeMap::new(),
        }
    }

    /// All locks of interest. Where a process only may be waiting, it takes as long as [`Limits::waits`] to tell, unless
    /// an earlier look has seen it.
    ///
    /// Fails where the processes cannot be listed.
    pub(super) fn locks(&mut self, interest: &Interest<'_>) -> Result<LockTable, LookError> {
        let mut course = Course {
            interest,
            guard: Guard::new(self.home.as_deref(), self.tables.mounts()),
            notes: BTreeSet::new(),
            denied: false,
            gave_up: false,
        };
        let mut entries = Entries::new();
        let remembered: Vec<PathBuf> = self.names.values().cloned().collect();
        for path in interest.known.iter().chain(&remembered) {
            self.open_known(path, &mut entries, &mut course);
        }
        self.take(&mut entries, &mut course)?;
        if let Some(wait) = self.time_to_tell_waiters(&entries) {
            self.tables.pause(wait);
            for entry in entries.values_mut() {
                if !entry.possible_waiters().is_empty() {
                    entry.judgement = None;
                }
            }
            self.take(&mut entries, &mut course)?;
        }
        Ok(self.table(entries, course))
    }

    /// Reads file tables until each file is settled, or often enough.
    fn take(&mut self, entries: &mut Entries<T::File>, course: &mut Course<'_>) -> Result<(), LookError> {
        let mut must_see_all = false;
        for attempt in 0..self.limits.tries {
            if attempt > 0 {
                let pause = self.limits.pause * attempt;
                self.tables.pause(pause.min(Duration::from_millis(5)));
            }
            for entry in entries.values_mut().filter(|entry| !entry.is_settled()) {
                self.ask_before(entry);
            }
            let scope = self.scope(must_see_all, course);
            let seen = self.scan(scope, entries, course).map_err(LookError::Processes)?;
            let discovered = self.sort_in(seen.sightings, entries, course);
            let is_last = attempt + 1 == self.limits.tries;
            for entry in entries.values_mut().filter(|entry| !entry.is_settled()) {
                let is_fresh = std::mem::take(&mut entry.fresh);
                if is_last || !is_fresh {
                    self.conclude(entry, &seen.parents);
                }
            }
            self.remember_sights(entries);
            if entries.values().all(Entry::is_settled) {
                break;
            }
            must_see_all = discovered || entries.values().any(is_nobody_found);
        }
        Ok(())
    }

    fn scope(&self, must_see_all: bool, course: &Course<'_>) -> Scope {
        let is_due = self
            .last_all
            .is_none_or(|last| self.tables.now().saturating_sub(last) >= self.limits.all_every);
        // What did not end within its limit once will not a second time.
        if (must_see_all || is_due) && !course.gave_up {
            Scope::All
        } else {
            Scope::Near
        }
    }

    fn scan(&mut self, scope: Scope, entries: &Entries<T::File>, course: &mut Course<'_>) -> io::Result<Seen> {
        let wanted = entries.keys().chain(self.names.keys()).copied().collect();
        let seen = self.scanner.scan(&self.tables, scope, wanted, self.limits.scan)?;
        if scope == Scope::All {
            self.last_all = Some(self.tables.now());
        }
        course.denied |= seen.denied;
        if seen.gave_up {
            course.gave_up = true;
            let limit_ms = u64::try_from(self.limits.scan.as_millis()).unwrap_or(u64::MAX);
            course.notes.insert(Note::ScanTimedOut { limit_ms });
        }
        Ok(seen)
    }

    /// Opens a lock file that may exist.
    fn open_known(&self, path: &Path, entries: &mut Entries<T::File>, course: &mut Course<'_>) {
        match self.open(path, &course.guard) {
            // One look at a time can know a thousand files, and few are locked: only these stay open. One that is taken
            // from now on is found like any that is not known.
            Some(Ok((file, _))) if self.tables.held(&file).is_ok_and(|held| held == Held::Free) => {}
            Some(Ok((file, id))) => {
                entries
                    .entry(id)
                    .or_insert_with(|| Entry::new(path.to_owned(), Asking::Through(file)));
            }
            Some(Err(error)) if !is_absence(&error) => {
                course.notes.insert(Note::Unreadable {
                    path: path.to_owned(),
                    error: error.to_string(),
                });
            }
            // A file that is not there is not locked, and one that is guarded is found by its path if it is in use.
            _ => {}
        }
    }

    /// Opens a file unless it is guarded.
    fn open(&self, path: &Path, guard: &Guard) -> Option<io::Result<(T::File, FileId)>> {
        let resolved = guard.resolve(path, |path| self.tables.read_link(path))?;
        Some(self.tables.open(&resolved))
    }

    /// Gives each file its descriptors, and begins an entry for each lock file not known before. Says whether there was
    /// one of these.
    fn sort_in(&self, sightings: Vec<Sighting>, entries: &mut Entries<T::File>, course: &Course<'_>) -> bool {
        for entry in entries.values_mut().filter(|entry| !entry.is_settled()) {
            entry.sightings.clear();
        }
        let settled: BTreeSet<FileId> = entries
            .iter()
            .filter(|(_, entry)| entry.is_settled())
            .map(|(id, _)| *id)
            .collect();
        let mut discovered = false;
        for sighting in sightings {
            let id = sighting.vnode.file;
            if settled.contains(&id) {
                continue;
            }
            let entry = match entries.entry(id) {
                Slot::Occupied(slot) => slot.into_mut(),
                Slot::Vacant(slot) => {
                    let Some(entry) = self.discover(&sighting, course) else {
                        continue;
                    };
                    discovered = true;
                    slot.insert(entry)
                }
            };
            entry.sightings.push(sighting);
        }
        discovered
    }

    /// An entry for a file that a process has open, if it is a lock file.
    fn discover(&self, sighting: &Sighting, course: &Course<'_>) -> Option<Entry<T::File>> {
        let id = sighting.vnode.file;
        let path = match (&sighting.path, self.names.get(&id)) {
            (Some(path), _) if (course.interest.is_lock)(path) => path.clone(),
            (_, Some(name)) => name.clone(),
            _ => return None,
        };
        let asking = if sighting.vnode.links == 0 {
            Asking::Impossible("it was deleted while in use, so the system cannot be asked about its lock".to_owned())
        } else {
            match self.open(&path, &course.guard) {
                None => Asking::Guarded,
                Some(Ok((file, opened))) if opened == id => Asking::Through(file),
                Some(Ok(_)) => Asking::Impossible("another file has its name now".to_owned()),
                Some(Err(error)) => Asking::Impossible(error.to_string()),
            }
        };
        Some(Entry {
            fresh: true,
            ..Entry::new(path, asking)
        })
    }

    /// Asks before the file tables are read.
    fn ask_before(&self, entry: &mut Entry<T::File>) {
        let Asking::Through(file) = &mut entry.asking else {
            return;
        };
        entry.before = self.tables.held(file).ok();
        if matches!(entry.before, None | Some(Held::Free)) {
            return;
        }
        if !entry.armed {
            entry.armed = self.tables.arm(file).is_ok();
        }
        if entry.armed {
            // Releases until now are of no concern, but the lock may be another one's by now.
            drop(self.tables.released(file));
            entry.before = self.tables.held(file).ok();
        }
    }

    /// Asks after the file tables were read, and concludes.
    fn conclude(&self, entry: &mut Entry<T::File>, parents: &BTreeMap<Pid, Pid>) {
        let candidates = entry.candidates();
        entry.after = None;
        let mut released = false;
        let mut posix_owner = None;
        if let Asking::Through(file) = &entry.asking {
            entry.after = self.tables.held(file).ok();
            released = entry.armed && self.tables.released(file).unwrap_or(false);
            if let Some(Held::Posix(_, pid)) = entry.after {
                let start = self.tables.unique_id(pid).ok();
                posix_owner = start.map(|start| ProcessId { pid, start });
            }
        }
        entry.judgement = Some(judge(&Evidence {
            before: entry.before,
            after: entry.after,
            released,
            candidates: &candidates,
            posix_owner,
            parents,
        }));
    }

    /// Keeps since when each possible waiter has been seen, and forgets those that are gone.
    fn remember_sights(&mut self, entries: &Entries<T::File>) {
        let now = self.tables.now();
        let sights = entries.iter().flat_map(|(id, entry)| {
            entry
                .possible_waiters()
                .into_iter()
                .map(|one| (one.process, one.fd, *id))
        });
        let earlier = std::mem::take(&mut self.first_seen);
        self.first_seen = sights
            .map(|sight| (sight, earlier.get(&sight).copied().unwrap_or(now)))
            .collect();
        let touched = entries
            .values()
            .flat_map(|entry| entry.sightings.iter().map(|one| one.process.pid));
        self.scanner.remember_touched(touched.collect());
    }

    /// How long to wait until those that may be waiting have been seen for long enough, if any has not yet.
    fn time_to_tell_waiters(&self, entries: &Entries<T::File>) -> Option<Duration> {
        let now = self.tables.now();
        entries
            .iter()
            .flat_map(|(id, entry)| {
                entry
                    .possible_waiters()
                    .into_iter()
                    .map(|one| (one.process, one.fd, *id))
            })
            .filter_map(|sight| self.first_seen.get(&sight))
            .map(|first| self.limits.waits.saturating_sub(now.saturating_sub(*first)))
            .max()
            .filter(|wait| !wait.is_zero())
    }
}

fn is_nobody_found<F>(entry: &Entry<F>) -> bool {
    entry
        .judgement
        .as_ref()
        .is_some_and(|found| found.doubt == Some(Doubt::Nobody))
}

/// Whether there is no such file.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
