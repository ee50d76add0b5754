//! What wakes the engine on macOS, in one kqueue: processes that end, locks that are released, and a time that has come.
//!
//! Nothing tells that a lock was taken. That is found by looks: one every two seconds, and more while cargo is about.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::guarded::Guard;
use super::layout;
use super::sys::{self, Darwin, Event};
use super::tables::Tables as _;
use crate::os::{FileId, Ring};
use crate::process::Pid;

/// See [`crate::os::Ring`] for what it tells.
#[derive(Debug)]
pub struct Bell {
    queue: OwnedFd,
    followed: BTreeSet<Pid>,
    /// The descriptors through which releases are told; each is for events alone and touches no lock.
    files: BTreeMap<PathBuf, (FileId, OwnedFd)>,
    /// Files in use that cannot be opened, or must not be.
    refused: BTreeSet<PathBuf>,
}

/// There is one timer.
const TIMER: u64 = 1;
/// So many files are kept open at most, of those in use.
const MOST_FILES: usize = 128;

impl Bell {
    /// A bell that nothing rings yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            queue: sys::kqueue()?,
            followed: BTreeSet::new(),
            files: BTreeMap::new(),
            refused: BTreeSet::new(),
        })
    }

    /// Rings after some time, in place of what was set before; up to `leeway` later, so that the system can wake for several
    /// reasons at once.
    pub fn set_alarm(&mut self, after: Duration, leeway: Duration) -> io::Result<()> {
        let microseconds = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let event = Event {
            ident: TIMER,
            filter: layout::EVFILT_TIMER,
            flags: layout::EV_ADD | layout::EV_ONESHOT,
            filter_flags: layout::NOTE_USECONDS | layout::NOTE_LEEWAY,
            data: microseconds(after),
            leeway: microseconds(leeway).unsigned_abs(),
        };
        sys::change(self.queue.as_fd(), event)
    }

    /// Rings when one of these processes ends, or a lock of one of these files is released, and for no others. A process that
    /// has ended already rings as well.
    pub fn follow(&mut self, processes: &[Pid], files: &BTreeSet<PathBuf>) -> Vec<Ring> {
        let queue = self.queue.as_fd();
        let exit = |pid: Pid, flags| Event {
            ident: pid.into(),
            filter: layout::EVFILT_PROC,
            flags,
            filter_flags: layout::NOTE_EXIT,
            ..Event::default()
        };
        let wanted: BTreeSet<Pid> = processes.iter().copied().collect();
        for pid in self.followed.difference(&wanted) {
            // It fails where the process has ended, and the event with it.
            let _ = sys::change(queue, exit(*pid, layout::EV_DELETE));
        }
        let new = wanted.difference(&self.followed);
        let ended = new.filter(|pid| sys::change(queue, exit(**pid, layout::EV_ADD | layout::EV_ONESHOT)).is_err());
        let mut rings: Vec<Ring> = ended.map(|pid| Ring::Exited(*pid)).collect();
        self.followed = wanted;
        // Closing takes the events out. A file that took the name of another one is another file.
        self.files
            .retain(|path, (id, _)| files.contains(path) && crate::os::file_id(path) == Some(*id));
        self.refused.retain(|path| files.contains(path));
        let system = Darwin::new();
        let mut guard = None;
        for path in files {
            if self.files.contains_key(path) || self.refused.contains(path) || self.files.len() >= MOST_FILES {
                continue;
            }
            let guard = guard.get_or_insert_with(|| Guard::new(std::env::home_dir().as_deref(), system.mounts()));
            if let Some(opened) = open(&system, guard, path, queue) {
                self.files.insert(path.clone(), opened);
                // It may have been released between the look that showed it and now.
                rings.push(Ring::Released);
            } else {
                self.refused.insert(path.clone());
            }
        }
        rings
    }

    /// What has rung, each thing once.
    pub fn rings(&mut self) -> BTreeSet<Ring> {
        let mut rings = BTreeSet::new();
        while let Ok(Some(event)) = sys::next_event(self.queue.as_fd()) {
            rings.insert(match event.filter {
                layout::EVFILT_PROC => {
                    let pid = Pid::try_from(event.ident).unwrap_or_default();
                    self.followed.remove(&pid);
                    Ring::Exited(pid)
                }
                layout::EVFILT_TIMER => Ring::Alarm,
                _ => Ring::Released,
            });
        }
        rings
    }
}

/// Opens a file for its events, unless macOS guards it, and lets its releases ring.
fn open(system: &Darwin, guard: &Guard, path: &Path, queue: BorrowedFd<'_>) -> Option<(FileId, OwnedFd)> {
    let resolved = guard.resolve(path, |path| system.read_link(path))?;
    let (asked, id) = system.open(&resolved).ok()?;
    sys::change(queue, Event::releases(asked.as_fd())).ok()?;
    Some((id, asked.into()))
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
