//! From the lines of the table to lock files with holders and waiters, each confirmed by the process's own descriptors.

mod draft;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;

use self::draft::{Draft, MountNamespaces};
use super::lock_line::{Flock, Key};
use super::lock_table::{self, ReadAt, Reading};
use super::proc_dir::{self, OpenFile, ProcDir};
use super::stat::Stat;
use crate::os::{self, FileId, LockTable, Note, OpenLock, Precision};
use crate::process::{Pid, ProcessId};

/// How often a look is made again because a lock changed hands in the middle of it.
const TRIES: usize = 5;

/// What is kept from look to look, so that it need not be found out again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Held locks that are known to be none of Cargo's. Proving it takes a look at every descriptor of the holder, or of
    /// all processes where the one that took the lock has ended.
    foreign: HashSet<Flock>,
    /// For which file a process waits: it sleeps in flock(2) on that file for as long as the table shows it waiting.
    waiters: Waiters,
    /// What the last look has open of those who have lock files of Cargo's open.
    pub(super) opened: HashMap<Pid, Opened>,
    /// What `stat` said in the last look of those who went on waiting.
    pub(super) stats: Vec<Stat>,
    /// What the table was read into last.
    buffer: lock_table::Buffer,
}

/// A process's folder, and what its `stat` said. Whoever has to do with a lock is asked about further, and finding both
/// again would be a third of what that costs.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) folder: ProcDir,
    pub(super) stat: Stat,
}

/// So many folders are kept open and no more: a thousand waiters are as many descriptors as a process mostly may have.
const OPENED: usize = 16;

type Waiters = HashMap<(Pid, Key), (ProcessId, FileId)>;

/// How often a lock must be missing from the descriptors of the process that the table names before all are looked at.
const ROUNDS: usize = 4;

/// Looks at all locks once.
pub(super) fn look(
    table: &impl ReadAt,
    is_lock: &dyn Fn(&Path) -> bool,
    memory: &mut Memory,
    sees_all_pids: bool,
) -> io::Result<LockTable> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let mut look = Look::new(is_lock);
        let reading = lock_table::read(table, &mut memory.buffer)?;
        look.add(&reading, memory);
        if attempts < TRIES && look.changed_meanwhile() {
            continue;
        }
        look.settle(table, memory)?;
        if !sees_all_pids {
            look.find_hidden()?;
        }
        look.drop_stale_holders();
        memory.waiters = std::mem::take(&mut look.placed);
        memory.opened = std::mem::take(&mut look.opened);
        memory.stats = std::mem::take(&mut look.stats);
        return Ok(look.into_table(sees_all_pids));
    }
}

/// A process's open lock files, or why there are none to see.
enum Descriptors {
    Read { process: ProcessId, files: Vec<OpenFile> },
    Gone,
    Denied,
}

/// What one process's descriptors tell, for whoever asks about that one only.
pub(super) fn descriptors(pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> os::Descriptors {
    match Descriptors::of(pid, is_lock) {
        Descriptors::Read { process, files } => os::Descriptors::Read {
            process,
            files: files.into_iter().map(OpenLock::from).collect(),
        },
        Descriptors::Gone => os::Descriptors::Gone,
        Descriptors::Denied => os::Descriptors::Failed,
    }
}

impl From<OpenFile> for OpenLock {
    fn from(open: OpenFile) -> Self {
        let OpenFile {
            path,
            file,
            deleted,
            held,
        } = open;
        Self {
            file,
            path,
            deleted,
            held: held.map(|(mode, _)| mode),
        }
    }
}

/// What became of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    /// It stands at its lock, or is no matter of ours.
    Done,
    /// It holds the lock by now.
    HandedOn,
    /// No holder of the file has been seen.
    NoHolder,
}

struct Look<'a> {
    is_lock: &'a dyn Fn(&Path) -> bool,
    processes: HashMap<Pid, Descriptors>,
    opened: HashMap<Pid, Opened>,
    files: BTreeMap<FileId, Draft>,
    /// Which files go by a key; more than one where the key's device number is not unique.
    by_key: HashMap<Key, BTreeSet<FileId>>,
    /// Held by the word of the holder's own descriptors.
    confirmed: HashSet<(Pid, Key)>,
    /// Held by the table's word, and not found in the descriptors of the process that it names.
    unconfirmed: Vec<Flock>,
    /// Held by a process whose descriptors we may not see.
    denied: Vec<Flock>,
    /// The keys of locks that are known to be none of Cargo's.
    foreign_keys: HashSet<Key>,
    /// Waiting, each at its file.
    placed: Waiters,
    /// What `stat` says of those who waited in the look before too.
    stats: Vec<Stat>,
    /// Waiting, with no holder seen.
    unplaced: Vec<Flock>,
    /// Whether a process that waited by the table's word holds the lock by its own descriptors.
    handed_on: bool,
    notes: BTreeSet<Note>,
}

impl<'a> Look<'a> {
    fn new(is_lock: &'a dyn Fn(&Path) -> bool) -> Self {
        Self {
            is_lock,
            processes: HashMap::new(),
            opened: HashMap::new(),
            files: BTreeMap::new(),
            by_key: HashMap::new(),
            confirmed: HashSet::new(),
            unconfirmed: Vec::new(),
            denied: Vec::new(),
            foreign_keys: HashSet::new(),
            placed: Waiters::new(),
            stats: Vec::new(),
            unplaced: Vec::new(),
            handed_on: false,
            notes: BTreeSet::new(),
        }
    }

    fn add(&mut self, reading: &Reading, memory: &mut Memory) {
        if let Some(line) = &reading.unknown {
            self.notes.insert(Note::UnknownLine { line: line.clone() });
        }
        let (waiting, held): (Vec<Flock>, Vec<Flock>) = reading.flocks.iter().partition(|flock| flock.waits);
        let foreign = &mut memory.foreign;
        if !foreign.is_empty() {
            let now: HashSet<&Flock> = held.iter().collect();
            foreign.retain(|flock| now.contains(flock));
        }
        self.foreign_keys.extend(foreign.iter().map(|flock| flock.key));
        for flock in held {
            if !foreign.contains(&flock) {
                self.add_holder(flock);
            }
        }
        for flock in waiting {
            if self.add_known_waiter(flock, &memory.waiters) {
                continue;
            }
            match self.add_waiter(flock) {
                Placed::Done => {}
                Placed::HandedOn => self.handed_on = true,
                Placed::NoHolder => self.unplaced.push(flock),
            }
        }
    }

    fn scan(&mut self, pid: Pid) {
        if !self.processes.contains_key(&pid) {
            self.read(pid);
        }
    }

    fn read(&mut self, pid: Pid) {
        self.opened.remove(&pid);
        let (found, opened) = Descriptors::read(pid, self.is_lock);
        let room = self.opened.len() < OPENED && found.files().is_some_and(|files| !files.is_empty());
        self.opened.extend(opened.filter(|_| room).map(|opened| (pid, opened)));
        self.processes.insert(pid, found);
    }

    fn add_holder(&mut self, flock: Flock) {
        if !self.processes.contains_key(&flock.pid) {
            self.rescan(flock.pid);
        }
        match self.processes.get(&flock.pid) {
            Some(Descriptors::Denied) => self.denied.push(flock),
            _ if self.confirmed.contains(&(flock.pid, flock.key)) => {}
            _ => self.unconfirmed.push(flock),
        }
    }

    /// Takes over what a process holds by its own descriptors: all of it, or only the locks `wanted`.
    fn take_holds(&mut self, pid: Pid, wanted: Option<&HashSet<Key>>) {
        let Some(Descriptors::Read { process, files }) = self.processes.get(&pid) else {
            return;
        };
        for file in files {
            let Some((mode, key)) = file.held else { continue };
            if wanted.is_some_and(|wanted| !wanted.contains(&key)) {
                continue;
            }
            let draft = self.files.entry(file.file).or_insert_with(|| Draft::of(file, pid));
            draft.holders.insert(*process, mode);
            draft.inherited |= wanted.is_some();
            self.by_key.entry(key).or_default().insert(file.file);
            self.confirmed.insert((pid, key));
        }
    }

    /// Puts a waiter to the file that it waited for in the last look, where it is still that process and that file.
    fn add_known_waiter(&mut self, flock: Flock, waiters: &Waiters) -> bool {
        let Some((process, file)) = waiters.get(&(flock.pid, flock.key)) else {
            return false;
        };
        if self.confirmed.contains(&(flock.pid, flock.key)) {
            return false; // it may have got the lock since the table was read first
        }
        let same_file = self.by_key.get(&flock.key).is_some_and(|known| known.contains(file));
        let stat = proc_dir::stat_of(flock.pid).ok();
        let Some(stat) = stat.filter(|stat| same_file && stat.start == process.start) else {
            return false;
        };
        self.stats.push(stat);
        self.place(*process, *file, flock)
    }

    fn place(&mut self, process: ProcessId, file: FileId, flock: Flock) -> bool {
        let Some(draft) = self.files.get_mut(&file) else {
            return false;
        };
        draft.add_waiter(process, flock.mode);
        self.placed.insert((flock.pid, flock.key), (process, file));
        true
    }

    /// Puts a waiter to the file that it waits for.
    fn add_waiter(&mut self, flock: Flock) -> Placed {
        self.scan(flock.pid);
        let (process, files) = match self.processes.get(&flock.pid) {
            Some(Descriptors::Read { process, files }) => (process, files),
            Some(Descriptors::Denied) => {
                self.note_unseen_waiter(flock);
                return Placed::Done;
            }
            _ => return Placed::Done, // it has ended
        };
        if files.is_empty() {
            return Placed::Done; // it waits for a lock that is none of Cargo's
        }
        let held = files
            .iter()
            .find(|file| file.held.is_some_and(|(_, key)| key == flock.key));
        // With a second descriptor of that file it can wait for itself.
        if held.is_some_and(|held| !files.iter().any(|file| file.held.is_none() && file.file == held.file)) {
            self.take_holds(flock.pid, None);
            return Placed::HandedOn;
        }
        let Some(known) = self.by_key.get(&flock.key) else {
            let foreign = self.foreign_keys.contains(&flock.key);
            return if foreign { Placed::Done } else { Placed::NoHolder };
        };
        let mut wanted = files
            .iter()
            .filter(|file| file.held.is_none() && known.contains(&file.file));
        let (process, file) = (*process, wanted.next().map(|file| file.file));
        match file {
            Some(file) if self.place(process, file, flock) => Placed::Done,
            _ => Placed::NoHolder,
        }
    }

    /// Somebody who may not be looked into waits for a lock that one of ours holds.
    fn note_unseen_waiter(&mut self, flock: Flock) {
        let files = self.by_key.get(&flock.key).into_iter().flatten();
        let paths = files
            .filter_map(|file| self.files.get(file))
            .map(|draft| draft.path.clone());
        let notes = paths.map(|path| Note::UnseenWaiter { path, pid: flock.pid });
        self.notes.extend(notes.collect::<Vec<_>>());
    }

    /// Whether a lock went from hand to hand while we looked: a waiter holds it by now, an exclusive one seems to have
    /// several holders, or somebody waits and nobody that we could see holds it.
    fn changed_meanwhile(&self) -> bool {
        let unseen: HashSet<Key> = self
            .denied
            .iter()
            .chain(&self.unconfirmed)
            .map(|flock| flock.key)
            .collect();
        self.handed_on
            || self.files.values().any(Draft::has_too_many_holders)
            || self.unplaced.iter().any(|flock| !unseen.contains(&flock.key))
    }

    /// Settles what the descriptors of the named processes did not: holders by inheritance, and waiters behind holders
    /// that we may not look into.
    fn settle(&mut self, table: &impl ReadAt, memory: &mut Memory) -> io::Result<()> {
        self.find_heirs(table, memory)?;
        for waiter in std::mem::take(&mut self.unplaced) {
            if self.add_waiter(waiter) == Placed::NoHolder {
                self.place_without_holder(waiter);
            }
        }
        Ok(())
    }

    /// The table names a process that does not hold the lock: it ended, its number may be another's, or it closed its
    /// own descriptor, and a process that inherited one still holds it. Only all processes' descriptors can tell.
    fn find_heirs(&mut self, table: &impl ReadAt, memory: &mut Memory) -> io::Result<()> {
        if self.unconfirmed.is_empty() {
            return Ok(());
        }
        let mut missing = std::mem::take(&mut self.unconfirmed);
        // Most are locks released since, lock files of other programs, and locks taken and released all the time, which
        // are there in one look and not in the next. Looking at all processes is worth it for what stays missing.
        for _ in 0..ROUNDS {
            missing = self.still_missing(table, missing, memory)?;
            if missing.is_empty() {
                return Ok(());
            }
        }
        let keys: HashSet<Key> = missing.iter().map(|flock| flock.key).collect();
        for pid in all_pids()? {
            self.scan(pid);
            self.take_holds(pid, Some(&keys));
        }
        let found = &self.by_key;
        let is_dead = |flock: &Flock| matches!(self.processes.get(&flock.pid), None | Some(Descriptors::Gone));
        memory.foreign.extend(
            missing
                .into_iter()
                .filter(|flock| is_dead(flock) && !found.contains_key(&flock.key)),
        );
        Ok(())
    }

    /// In a PID namespace the table leaves out the locks of processes that have ended, with all who wait for them. Whoever
    /// inherited one still holds it by its own descriptors.
    fn find_hidden(&mut self) -> io::Result<()> {
        for pid in all_pids()? {
            self.scan(pid);
        }
        let files = self.processes.values().filter_map(Descriptors::files).flatten();
        let held = files.filter_map(|file| file.held).map(|(_, key)| key);
        let hidden: HashSet<Key> = held.filter(|key| !self.by_key.contains_key(key)).collect();
        let pids: Vec<Pid> = self.processes.keys().copied().collect();
        for pid in pids {
            self.take_holds(pid, Some(&hidden));
        }
        Ok(())
    }

    /// Those that the table still names, and that no descriptor of the named process holds.
    fn still_missing(
        &mut self,
        table: &impl ReadAt,
        missing: Vec<Flock>,
        memory: &mut Memory,
    ) -> io::Result<Vec<Flock>> {
        let now: HashSet<Flock> = lock_table::read(table, &mut memory.buffer)?
            .flocks
            .into_iter()
            .collect();
        let mut still = Vec::new();
        for flock in missing.into_iter().filter(|flock| now.contains(flock)) {
            match ProcDir::open(flock.pid).and_then(|folder| folder.holder_of(flock.key)) {
                Ok(Some(path)) if (self.is_lock)(&path) => self.rescan(flock.pid),
                Ok(Some(_)) => {
                    self.foreign_keys.insert(flock.key);
                    memory.foreign.insert(flock);
                }
                _ => still.push(flock),
            }
        }
        Ok(still)
    }

    /// Looks at a process, also again where it took a lock after we had looked.
    fn rescan(&mut self, pid: Pid) {
        self.read(pid);
        self.take_holds(pid, None);
    }

    /// Some lock went from hand to hand in each try. Each holder of one that seems to have too many is asked once more;
    /// who released it drops out, and who got it stays.
    fn drop_stale_holders(&mut self) {
        let is_lock = self.is_lock;
        for (file, draft) in &mut self.files {
            for _ in 0..TRIES {
                if !draft.has_too_many_holders() {
                    break;
                }
                draft
                    .holders
                    .retain(|process, _| match Descriptors::of(process.pid, is_lock) {
                        Descriptors::Read { process: now, files } => {
                            now == *process && files.iter().any(|open| open.file == *file && open.held.is_some())
                        }
                        _ => false,
                    });
            }
        }
    }

    /// A waiter whose lock nobody that we can see holds. Its own open files tell which lock it is.
    fn place_without_holder(&mut self, waiter: Flock) {
        let Some(Descriptors::Read { process, files }) = self.processes.get(&waiter.pid) else {
            return;
        };
        let free: Vec<&OpenFile> = files.iter().filter(|file| file.held.is_none()).collect();
        let by_number = || free.iter().filter(|file| file.file.ino == waiter.key.ino);
        let file = match (by_number().count(), free.as_slice()) {
            (1, _) => by_number().next().copied(),
            (_, [only]) => Some(*only),
            _ => None,
        };
        let Some(file) = file else {
            if free.len() > 1 {
                self.notes.insert(Note::WaiterUnplaced { pid: waiter.pid });
            }
            return;
        };
        let path = file.path.clone();
        let draft = self
            .files
            .entry(file.file)
            .or_insert_with(|| Draft::of(file, waiter.pid));
        draft.add_waiter(*process, waiter.mode);
        let holder = self.denied.iter().find(|flock| flock.key == waiter.key);
        self.notes.insert(match holder {
            Some(flock) => Note::OtherUser {
                path,
                pid: Some(flock.pid),
            },
            None => Note::NobodyFound { path },
        });
    }

    fn into_table(mut self, sees_all_pids: bool) -> LockTable {
        let mut files = Vec::with_capacity(self.files.len());
        let mut notes = self.notes;
        let mut namespaces = MountNamespaces::default();
        for (file, draft) in std::mem::take(&mut self.files) {
            if draft.holders.is_empty() && draft.waiters.is_empty() {
                continue;
            }
            let other_mount_namespace = !draft.deleted && namespaces.is_elsewhere(draft.named_by, &draft.path, file);
            if other_mount_namespace {
                notes.insert(Note::OtherMountNamespace {
                    path: draft.path.clone(),
                    pid: draft.named_by,
                });
            }
            files.push(draft.into_file(file, other_mount_namespace));
        }
        files.sort_by(|a, b| (&a.path, a.file).cmp(&(&b.path, b.file)));
        let blind = notes
            .iter()
            .any(|note| !matches!(note, Note::OtherMountNamespace { .. }));
        if !sees_all_pids {
            notes.insert(Note::PidNamespace);
        }
        let precision = if blind || !sees_all_pids {
            Precision::Inferred
        } else {
            Precision::Exact
        };
        LockTable {
            files,
            precision,
            notes: notes.into_iter().collect(),
            asked: BTreeMap::new(),
        }
    }
}

impl Descriptors {
    fn files(&self) -> Option<&[OpenFile]> {
        match self {
            Self::Read { files, .. } => Some(files),
            _ => None,
        }
    }

    fn of(pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> Self {
        Self::read(pid, is_lock).0
    }

    fn read(pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> (Self, Option<Opened>) {
        let read = || {
            let folder = ProcDir::open(pid)?;
            let stat = folder.stat()?;
            let process = ProcessId { pid, start: stat.start };
            let files = folder.open_locks(is_lock)?;
            Ok((Self::Read { process, files }, Some(Opened { folder, stat })))
        };
        // Reading of a process that ends meanwhile gives ESRCH (3). Anything else (no descriptors left, say) tells nothing.
        read().unwrap_or_else(|error: io::Error| match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) | (_, Some(3)) => (Self::Gone, None),
            _ => (Self::Denied, None),
        })
    }
}

fn all_pids() -> io::Result<Vec<Pid>> {
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        if let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            pids.push(pid);
        }
    }
    Ok(pids)
}
