//! A made kernel: a test says which processes and locks there are, and everything above it cannot tell the difference.

pub(crate) mod acts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Claim, Descriptors, Effort, FileId, Interest, Kernel, LockTable, LockedFile, LookError, Mode, Note, OpenLock,
    Precision, ProcessError, Signal, SignalError,
};
use crate::clock::Moment;
use crate::observation::{Look, Observer};
use crate::places::CargoHomes;
use crate::process::{Detail, Pid, Process, ProcessId, RunState};
use crate::work::{Received, Work};

/// The moment of each look at it.
pub(crate) const NOW: &str = "2026-11-22T23:10:05.123Z";

/// So many milliseconds after [`NOW`].
pub(crate) fn moment(after: u64) -> Moment {
    let now: Timestamp = NOW.parse().expect("a time");
    let later = jiff::SignedDuration::from_millis(i64::try_from(after).expect("small"));
    Moment {
        wall: now + later,
        since_boot: Duration::from_millis(1_000_000_000 + after),
    }
}

/// Processes and locks as a test made them.
#[derive(Clone, Default)]
pub(crate) struct Made {
    processes: BTreeMap<Pid, Process>,
    environments: BTreeMap<Pid, BTreeMap<String, String>>,
    files: Vec<LockedFile>,
    notes: Vec<Note>,
    newcomers: Vec<Pid>,
    /// Who has a file open without holding it or waiting for it.
    opened: BTreeSet<(Pid, FileId)>,
    /// Files that the table passes over, once.
    overlooked: BTreeSet<FileId>,
    /// What processes have done so far; nothing where none is said.
    work: BTreeMap<Pid, Work>,
    reads_terminal: BTreeSet<Pid>,
    /// Those whose sockets are in a place of which nothing is told.
    elsewhere: BTreeSet<Pid>,
    /// The sockets of processes, and what came in by them where that can be told.
    sockets: BTreeMap<u64, (Pid, Option<u64>)>,
    acts: acts::Acts,
    /// Whether descriptors do not tell who holds, as on macOS.
    is_untold: bool,
}

impl Made {
    /// Says what a process has done so far, in milliseconds of processor time and bytes of the disk.
    pub(crate) fn work(mut self, pid: Pid, cpu: u64, disk: u64) -> Self {
        let cpu = Duration::from_millis(cpu);
        self.work.insert(pid, Work { cpu, disk });
        self
    }

    /// Lets a process read from the terminal.
    pub(crate) fn reads_terminal(mut self, pid: Pid) -> Self {
        self.reads_terminal.insert(pid);
        self
    }

    /// Puts the sockets of a process into a container.
    pub(crate) fn elsewhere(mut self, pid: Pid) -> Self {
        self.elsewhere.insert(pid);
        self
    }

    /// Gives a process a socket, by which so much came in where that can be told.
    pub(crate) fn socket(mut self, pid: Pid, number: u64, received: Option<u64>) -> Self {
        self.sockets.insert(number, (pid, received));
        self
    }

    /// Says that a process has begun since the last look.
    pub(crate) fn newcomer(mut self, pid: Pid) -> Self {
        self.newcomers.push(pid);
        self
    }

    /// Lets a process have the lock file that was added last open.
    pub(crate) fn opened_by(mut self, pid: Pid) -> Self {
        let file = self.files.last().expect("was made").file;
        self.opened.insert((pid, file));
        self
    }

    /// Lets the next look at all locks pass over the lock file that was added last.
    pub(crate) fn overlooked(mut self) -> Self {
        let file = self.files.last().expect("was made").file;
        self.overlooked.insert(file);
        self
    }

    /// Lets the descriptors of a process not tell what it holds.
    pub(crate) fn untold(mut self) -> Self {
        self.is_untold = true;
        self
    }

    /// Takes every lock file away.
    pub(crate) fn without_locks(mut self) -> Self {
        self.files.clear();
        self
    }

    /// Ends a process.
    pub(crate) fn without(mut self, pid: Pid) -> Self {
        self.processes.remove(&pid);
        self
    }

    /// Adds a process that started so many seconds before [`NOW`].
    pub(crate) fn process(mut self, pid: Pid, parent: Pid, argv: &str, seconds_ago: i64) -> Self {
        let now: Timestamp = NOW.parse().expect("a time");
        let words: Vec<_> = argv.split(' ').map(Into::into).collect();
        let name: String = argv
            .split(' ')
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .into();
        let process = Process {
            id: ProcessId {
                pid,
                start: u64::try_from(1_000_000 - seconds_ago).expect("small"),
            },
            parent,
            group: pid,
            session: parent.max(1),
            uid: Some(501),
            state: RunState::Alive,
            has_terminal: true,
            started_at: Some(now - jiff::SignedDuration::from_secs(seconds_ago)),
            name: name.clone(),
            exe: name.starts_with("cargo").then(|| {
                PathBuf::from(format!(
                    "/home/me/.rustup/toolchains/1.97.0-aarch64-apple-darwin/bin/{name}"
                ))
            }),
            argv: words,
            cwd: Some("/home/me/src/parity".into()),
        };
        self.processes.insert(pid, process);
        self
    }

    /// Changes a process.
    pub(crate) fn with(mut self, pid: Pid, change: impl FnOnce(&mut Process)) -> Self {
        change(self.processes.get_mut(&pid).expect("was made"));
        self
    }

    /// Sets a variable of a process's environment.
    pub(crate) fn variable(mut self, pid: Pid, name: &str, value: &str) -> Self {
        self.environments
            .entry(pid)
            .or_default()
            .insert(name.into(), value.into());
        self
    }

    /// Adds a lock file: each holder with `+` for exclusive and `-` for shared, and each waiter likewise.
    pub(crate) fn lock(mut self, path: &str, holders: &[(Pid, char)], waiters: &[(Pid, char)]) -> Self {
        let claims = |list: &[(Pid, char)]| list.iter().map(|(pid, mode)| self.claim(*pid, *mode)).collect();
        let file = LockedFile {
            file: FileId {
                dev: 1,
                ino: 100 + self.files.len() as u64,
            },
            path: path.into(),
            deleted: false,
            other_mount_namespace: false,
            holders: claims(holders),
            waiters: claims(waiters),
        };
        self.files.push(file);
        self
    }

    fn claim(&self, pid: Pid, mode: char) -> Claim {
        let process = self
            .processes
            .get(&pid)
            .map_or(ProcessId { pid, start: 0 }, |process| process.id);
        let mode = match mode {
            '+' => Some(Mode::Exclusive),
            '-' => Some(Mode::Shared),
            _ => None,
        };
        Claim { process, mode }
    }

    /// Changes the lock file that was added last.
    pub(crate) fn last_file(mut self, change: impl FnOnce(&mut LockedFile)) -> Self {
        change(self.files.last_mut().expect("was made"));
        self
    }

    /// Adds a note.
    pub(crate) fn note(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }

    /// Looks at it.
    pub(crate) fn look(self) -> Look {
        let homes = CargoHomes::new(None, Some("/home/me".into()));
        Observer::new(self, homes).look(moment(0)).expect("looks")
    }
}

impl Kernel for Made {
    fn boot_id(&self) -> u64 {
        0xb007
    }

    fn own_uid(&self) -> u32 {
        501
    }

    fn locks(&mut self, interest: &Interest<'_>) -> Result<LockTable, LookError> {
        self.pass();
        let wanted = |file: &&LockedFile| (interest.is_lock)(Path::new(&file.path));
        let overlooked = std::mem::take(&mut self.overlooked);
        let files = self.files.iter().filter(|file| !overlooked.contains(&file.file));
        let files = files.filter(wanted).cloned().collect();
        let precision = if self.notes.is_empty() {
            Precision::Exact
        } else {
            Precision::Inferred
        };
        Ok(LockTable {
            files,
            precision,
            notes: self.notes.clone(),
            asked: BTreeMap::new(),
        })
    }

    fn descriptors(&mut self, pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> Descriptors {
        self.pass();
        if self.is_untold {
            return Descriptors::Untold;
        }
        let Some(process) = self.processes.get(&pid) else {
            return Descriptors::Gone;
        };
        let files = self.files.iter().filter(|file| is_lock(&file.path));
        let files = files.filter_map(|file| {
            let claim = |claims: &[Claim]| claims.iter().find(|claim| claim.process == process.id).copied();
            let held = claim(&file.holders);
            let opened = self.opened.contains(&(pid, file.file));
            (held.is_some() || opened || claim(&file.waiters).is_some()).then(|| OpenLock {
                file: file.file,
                path: file.path.clone(),
                deleted: file.deleted,
                held: held.and_then(|claim| claim.mode),
            })
        });
        Descriptors::Read {
            process: process.id,
            files: files.collect(),
        }
    }

    fn newcomers(&mut self) -> Vec<Pid> {
        std::mem::take(&mut self.newcomers)
    }

    fn process(&mut self, pid: Pid, detail: Detail) -> Result<Process, ProcessError> {
        self.pass();
        let mut process = self.processes.get(&pid).cloned().ok_or(ProcessError::Gone)?;
        if detail == Detail::Lineage {
            process.cwd = None;
        }
        Ok(process)
    }

    fn effort(&mut self, pid: Pid) -> Result<Effort, ProcessError> {
        let process = self.process(pid, Detail::Brief)?;
        let own = self.sockets.iter().filter(|(_, (owner, _))| *owner == pid);
        Ok(Effort {
            work: self.work.get(&pid).copied().unwrap_or_default(),
            reads_terminal: self.reads_terminal.contains(&pid),
            sockets: own.map(|(number, _)| *number).collect(),
            is_elsewhere: self.elsewhere.contains(&pid),
            process,
        })
    }

    fn received(&mut self, sockets: &BTreeSet<u64>) -> Received {
        let own = self.sockets.iter().filter(|(number, _)| sockets.contains(number));
        let told: Option<BTreeMap<u64, u64>> = own.map(|(number, (_, bytes))| Some((*number, (*bytes)?))).collect();
        told.map_or(Received::Connections(sockets.len()), Received::Bytes)
    }

    fn environment(&mut self, pid: Pid, names: &[&str]) -> BTreeMap<String, String> {
        let mut all = self.environments.get(&pid).cloned().unwrap_or_default();
        all.retain(|name, _| names.contains(&name.as_str()));
        all
    }

    fn children(&mut self, pid: Pid) -> Vec<Pid> {
        self.pass();
        self.children_of(pid)
    }

    fn signal(&mut self, process: ProcessId, signal: Signal) -> Result<(), SignalError> {
        self.pass();
        self.take_signal(process, signal)
    }
}
