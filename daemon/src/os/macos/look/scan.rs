//! Reading the file tables of many processes, on a thread that may be given up.
//!
//! Asking about an open file makes the kernel ask its file system (`vn_stat` in `fill_vnodeinfo`, XNU,
//! `bsd/kern/proc_info.c`), and one whose server does not answer blocks the thread that asks, for good. So the thread
//! that looks is never the one that asks: each process's part is sent as soon as it is read, and what has come by the
//! limit counts. A thread that hangs is left behind, and the process it hangs on is left out until it comes back.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::tables::{Listed, Tables, Vnode, Whose, is_cargo_like};
use crate::os::FileId;
use crate::process::{Pid, ProcessId};

/// How many threads may hang before no further one is begun.
const MOST_STUCK: usize = 4;

/// Which processes to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of our user's.
    All,
    /// Those that are Cargo's by name, those that had to do with a lock file when last read, and new ones.
    Near,
}

/// One open file of a process that may have to do with a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) process: ProcessId,
    pub(super) fd: i32,
    pub(super) vnode: Vnode,
    /// Its path, where it was asked for and the kernel still has one.
    pub(super) path: Option<PathBuf>,
}

/// What a scan saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sightings: Vec<Sighting>,
    /// The parent of each process of ours.
    pub(super) parents: BTreeMap<Pid, Pid>,
    /// Whether a process of ours did not let us look.
    pub(super) denied: bool,
    /// Whether it was given up, or a process was left out because an earlier one hangs on it.
    pub(super) gave_up: bool,
}

/// A thread that did not come back in time.
#[derive(Debug)]
struct Stuck {
    on: Pid,
    thread: JoinHandle<()>,
}

/// Reads file tables, and remembers what helps to read fewer.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    stuck: Vec<Stuck>,
    /// The processes that have been read at least once.
    read: HashSet<Listed>,
    /// Those that had to do with a lock file.
    touched: BTreeSet<Pid>,
}

/// What the thread is to do.
struct Task<T> {
    tables: Arc<T>,
    processes: Vec<Listed>,
    /// Files whose every descriptor counts, not only those that were locked.
    wanted: BTreeSet<FileId>,
    cancelled: Arc<AtomicBool>,
    out: Sender<Message>,
}

enum Message {
    /// A process is going to be read.
    Begin(Pid),
    /// It was read.
    Read { sightings: Vec<Sighting>, denied: bool },
}

impl Scanner {
    /// Reads the file tables of our user's processes: descriptors that were locked, and all of the files that are
    /// `wanted`. Takes no longer than the limit.
    ///
    /// Fails where the processes cannot be listed.
    pub(super) fn scan<T: Tables>(
        &mut self,
        tables: &Arc<T>,
        scope: Scope,
        wanted: BTreeSet<FileId>,
        limit: Duration,
    ) -> io::Result<Seen> {
        self.stuck.retain(|each| !each.thread.is_finished());
        let listed = tables.processes(Whose::Own)?;
        let mut seen = Seen {
            parents: listed.iter().map(|each| (each.pid, each.parent)).collect(),
            gave_up: !self.stuck.is_empty(),
            ..Seen::default()
        };
        let existing: HashSet<Listed> = listed.iter().cloned().collect();
        self.read.retain(|each| existing.contains(each));
        let processes = self.choose(listed, scope, tables.own_pid());
        if self.stuck.len() >= MOST_STUCK {
            return Ok(seen);
        }
        self.run(tables, processes, wanted, limit, &mut seen);
        Ok(seen)
    }

    /// Remembers which processes have to do with a lock file.
    pub(super) fn remember_touched(&mut self, touched: BTreeSet<Pid>) {
        self.touched = touched;
    }

    /// The processes to read, Cargo's first.
    fn choose(&self, mut listed: Vec<Listed>, scope: Scope, own: Pid) -> Vec<Listed> {
        let is_near =
            |one: &Listed| is_cargo_like(&one.name) || self.touched.contains(&one.pid) || !self.read.contains(one);
        listed.retain(|one| {
            one.pid != own
                && !self.stuck.iter().any(|stuck| stuck.on == one.pid)
                && (scope == Scope::All || is_near(one))
        });
        listed.sort_by_key(|one| !is_cargo_like(&one.name));
        listed
    }

    fn run<T: Tables>(
        &mut self,
        tables: &Arc<T>,
        processes: Vec<Listed>,
        wanted: BTreeSet<FileId>,
        limit: Duration,
        seen: &mut Seen,
    ) {
        let (out, messages) = mpsc::channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let order = processes.clone();
        let task = Task {
            tables: Arc::clone(tables),
            processes,
            wanted,
            cancelled: Arc::clone(&cancelled),
            out,
        };
        let spawned = std::thread::Builder::new()
            .name("file tables".to_owned())
            .spawn(move || task.run());
        let Ok(thread) = spawned else {
            seen.gave_up = true;
            return;
        };
        let (reached, in_time) = collect(&messages, limit, seen);
        let done = order.into_iter().take(reached.count);
        self.read.extend(done);
        if !in_time {
            cancelled.store(true, Ordering::Relaxed);
            seen.gave_up = true;
            if let Some(on) = reached.last {
                self.stuck.push(Stuck { on, thread });
            }
        }
    }
}

/// How far a thread came.
#[derive(Default)]
struct Reached {
    /// How many processes it has read.
    count: usize,
    /// The one that it began last.
    last: Option<Pid>,
}

/// Takes in what the thread sends until it ends or the limit is over; says how far it came, and whether it ended.
fn collect(messages: &Receiver<Message>, limit: Duration, seen: &mut Seen) -> (Reached, bool) {
    let end = Instant::now() + limit;
    let mut reached = Reached::default();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match messages.recv_timeout(left) {
            Ok(Message::Begin(pid)) => reached.last = Some(pid),
            Ok(Message::Read { sightings, denied }) => {
                reached.count += 1;
                seen.sightings.extend(sightings);
                seen.denied |= denied;
            }
            Err(RecvTimeoutError::Disconnected) => return (reached, true),
            Err(RecvTimeoutError::Timeout) => return (reached, false),
        }
    }
}

impl<T: Tables> Task<T> {
    fn run(self) {
        for process in &self.processes {
            if self.cancelled.load(Ordering::Relaxed) || self.out.send(Message::Begin(process.pid)).is_err() {
                return;
            }
            let mut sightings = Vec::new();
            let denied = match self.read(process, &mut sightings) {
                Ok(()) => false,
                // Another error says that the process has ended, which is nothing to tell.
                Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
            };
            let message = Message::Read { sightings, denied };
            if self.out.send(message).is_err() {
                return;
            }
        }
    }

    fn read(&self, process: &Listed, into: &mut Vec<Sighting>) -> io::Result<()> {
        let pid = process.pid;
        let id = ProcessId {
            pid,
            start: self.tables.unique_id(pid)?,
        };
        let mut hidden = None;
        for fd in self.tables.descriptors(pid)? {
            if self.cancelled.load(Ordering::Relaxed) {
                break;
            }
            match self.read_descriptor(id, fd, process.name.starts_with("cargo")) {
                Ok(sighting) => into.extend(sighting),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => hidden = Some(error),
                // Closed meanwhile.
                Err(_) => {}
            }
        }
        // A process of the same number that began meanwhile would be given the open files of this one.
        if !into.is_empty() && self.tables.unique_id(pid)? != id.start {
            into.clear();
        }
        hidden.map_or(Ok(()), Err)
    }

    fn read_descriptor(&self, process: ProcessId, fd: i32, is_cargo: bool) -> io::Result<Option<Sighting>> {
        let vnode = self.tables.vnode(process.pid, fd)?;
        if !vnode.is_regular() || vnode.is_for_events() {
            return Ok(None);
        }
        let is_wanted = self.wanted.contains(&vnode.file);
        // Whoever waits for a lock that another user holds has no locked descriptor beside it to be found by.
        let may_wait = is_cargo && vnode.is_writable();
        if !vnode.was_locked() && !is_wanted && !may_wait {
            return Ok(None);
        }
        let named = self.tables.vnode_path(process.pid, fd);
        let (vnode, path) = match named {
            // Between the two questions the descriptor may have been closed and used for another file.
            Ok((later, path)) if later.file == vnode.file => (later, Some(path)),
            Ok(_) => return Ok(None),
            // The path alone may be kept from us; the flags are known.
            Err(_) => (vnode, None),
        };
        Ok(Some(Sighting {
            process,
            fd,
            vnode,
            path: path.filter(|path| !path.as_os_str().is_empty()),
        }))
    }
}
