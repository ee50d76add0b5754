//! The tickets of all waiting and started runs: a folder with a file for each.
//!
//! A ticket's name tells everything that changes (see [`Ticket`]), so a step is one rename, and a reader never sees half of one.
//! Its folders are in the file, which is written whole before it gets that name. Who comes, and who starts, does so with the
//! folder locked, a file of lockwatch's own, for as long as it takes to list it: so of two that come in the same moment one is
//! first, and what one starts on the other has seen. Whoever is ended in between leaves nothing but a ticket of a process that is
//! gone, and the kernel unlocks the folder. Whoever is *stopped* in between would keep it locked: then the others wait for some
//! seconds, and go on without the queue.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::folders::BuildFolder;
use super::ticket::{Phase, Ticket};
use crate::os::Kernel;
use crate::private_folder::{self, FolderError};
use crate::process::{Detail, ProcessId, RunState};
use crate::text;

/// Why there is no queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its files cannot be read or written.
    #[error("cannot use the queue in {}: {source}", text::escape_path(.folder))]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another has it locked.
    #[error("the queue in {} is locked by another lockwatch that does not go on, a suspended one perhaps", text::escape_path(.folder))]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
}

/// How long the folder may be locked by another. It takes microseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The folder's name in the state folder.
const FOLDER: &str = "tickets";

/// The file that is locked.
const LOCKED: &str = "queue";

/// The file that becomes a ticket.
const UNFINISHED: &str = "unfinished";

/// A ticket with its folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The ticket.
    pub ticket: Ticket,
    /// What it is for.
    pub folders: Vec<BuildFolder>,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    boot_id: u64,
    folders: Vec<BuildFolder>,
}

/// The tickets.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
    boot_id: u64,
    /// What is in the files: it never changes. None for what is no ticket of this run of the machine.
    known: BTreeMap<(u64, ProcessId), Option<Vec<BuildFolder>>>,
}

impl Queue {
    /// Opens the queue, and makes its folder where there is none.
    pub fn open(state: &Path, boot_id: u64) -> Result<Self, QueueError> {
        private_folder::make(state)?;
        let folder = state.join(FOLDER);
        private_folder::make(&folder)?;
        Ok(Self {
            folder,
            boot_id,
            known: BTreeMap::new(),
        })
    }

    /// Removes the queue, where there is one and none of its processes lives; one that does, otherwise. Its folder stays where
    /// something else is in it.
    ///
    /// Whoever comes in the same moment makes a new one, or finds no folder and goes on without the queue.
    pub fn clear(state: &Path, kernel: &mut impl Kernel) -> Result<Option<ProcessId>, QueueError> {
        if !state.join(FOLDER).is_dir() {
            return Ok(None);
        }
        Self::open(state, kernel.boot_id())?.locked(|queue| {
            let entries = queue.list()?;
            let mut processes = entries.iter().map(|entry| entry.ticket.process);
            let lives = |id: &ProcessId| {
                let process = kernel.process(id.pid, Detail::Brief);
                process.is_ok_and(|process| process.id == *id && process.state != RunState::Zombie)
            };
            if let Some(living) = processes.find(lives) {
                return Ok(Some(living));
            }
            for entry in &entries {
                queue.remove(&entry.ticket);
            }
            for name in [UNFINISHED, LOCKED] {
                drop(fs::remove_file(queue.folder.join(name)));
            }
            drop(fs::remove_dir(&queue.folder));
            Ok(None)
        })
    }

    /// Comes, at a time by the clock of [`Ticket::arrival`]: the ticket is there afterwards, started where `may_start` says so of the tickets that were
    /// there before.
    pub fn come(
        &mut self,
        process: ProcessId,
        folders: &[BuildFolder],
        now: u64,
        may_start: &mut dyn FnMut(&[Entry]) -> bool,
    ) -> Result<Entry, QueueError> {
        self.locked(|queue| {
            let there = queue.list()?;
            let last = there.iter().map(|entry| entry.ticket.arrival).max();
            let entry = Entry {
                ticket: Ticket {
                    arrival: last.map_or(now, |last| now.max(last + 1)),
                    process,
                    phase: if may_start(&there) {
                        Phase::Started(now)
                    } else {
                        Phase::Waiting
                    },
                },
                folders: folders.to_vec(),
            };
            queue.write(&entry)?;
            Ok(entry)
        })
    }

    /// Starts one that waits, where `may_start` says so of the other tickets. The ticket must be there still: whoever has taken it
    /// away meanwhile gets it back where it was.
    pub fn start(
        &mut self,
        own: &mut Entry,
        now: u64,
        may_start: &mut dyn FnMut(&[Entry]) -> bool,
    ) -> Result<bool, QueueError> {
        self.locked(|queue| {
            let mut others = queue.list()?;
            others.retain(|entry| entry.ticket.process != own.ticket.process);
            if !may_start(&others) {
                return Ok(false);
            }
            let before = own.ticket;
            own.ticket.phase = Phase::Started(now);
            match fs::rename(queue.path(&before), queue.path(&own.ticket)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => queue.write(own)?,
                other => other?,
            }
            Ok(true)
        })
    }

    /// The tickets that are there, the first in the queue first. Those of an earlier run of the machine are removed.
    pub fn read(&mut self) -> Result<Vec<Entry>, QueueError> {
        self.list().map_err(|source| self.failed(source))
    }

    /// Notes that a ticket's build was seen with its locks, for those who look later.
    ///
    /// With the folder locked as every renaming is, so that who lists it then finds each ticket.
    pub fn note_taken(&mut self, ticket: &Ticket) {
        if let Phase::Started(at) = ticket.phase {
            let taken = Ticket {
                phase: Phase::Taken(at),
                ..*ticket
            };
            // Another may have been quicker; and what cannot be noted now is seen again in the next look.
            drop(self.locked(|queue| fs::rename(queue.path(ticket), queue.path(&taken))));
        }
    }

    /// Removes a ticket. It is no error where another has done so.
    pub fn remove(&self, ticket: &Ticket) {
        drop(fs::remove_file(self.path(ticket)));
    }

    fn path(&self, ticket: &Ticket) -> PathBuf {
        self.folder.join(ticket.to_string())
    }

    fn failed(&self, source: io::Error) -> QueueError {
        QueueError::Io {
            folder: self.folder.clone(),
            source,
        }
    }

    fn list(&mut self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let name = file?.file_name();
            let Some(ticket) = name.to_str().and_then(|name| name.parse::<Ticket>().ok()) else {
                continue;
            };
            if let Some(folders) = self.folders(&ticket) {
                entries.push(Entry { ticket, folders });
            }
        }
        entries.sort_by_key(|entry| entry.ticket);
        // Without the lock, one that is renamed meanwhile can be listed twice, or not at all.
        entries.dedup_by_key(|entry| (entry.ticket.arrival, entry.ticket.process));
        Ok(entries)
    }

    fn folders(&mut self, ticket: &Ticket) -> Option<Vec<BuildFolder>> {
        let key = (ticket.arrival, ticket.process);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        // One that is renamed or removed in this moment is read the next time.
        let text = fs::read(self.path(ticket)).ok()?;
        let contents = serde_json::from_slice::<Contents>(&text).ok();
        let folders = contents
            .filter(|contents| contents.boot_id == self.boot_id)
            .map(|contents| contents.folders);
        if folders.is_none() {
            self.remove(ticket);
        }
        self.known.insert(key, folders.clone());
        folders
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let text = serde_json::to_vec(&Contents {
            boot_id: self.boot_id,
            folders: entry.folders.clone(),
        })?;
        // With the folder locked there is one who writes, so one name for what is not finished does for all.
        let unfinished = self.folder.join(UNFINISHED);
        fs::write(&unfinished, text)?;
        fs::rename(unfinished, self.path(&entry.ticket))
    }

    /// Does something while nobody else does.
    fn locked<T>(&mut self, act: impl FnOnce(&mut Self) -> io::Result<T>) -> Result<T, QueueError> {
        let _lock = self.lock()?;
        act(self).map_err(|source| self.failed(source))
    }

    fn lock(&self) -> Result<File, QueueError> {
        let begin = Instant::now();
        let mut pause = Duration::from_micros(100);
        loop {
            let file = self.lock_file()?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // One that was removed meanwhile, by `clear`, keeps out nobody who comes now.
                Ok(()) if self.is_in_place(&file) => return Ok(file),
                Ok(()) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if begin.elapsed() < PATIENCE => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(10));
                }
                Err(Errno::WOULDBLOCK) => {
                    return Err(QueueError::Busy {
                        folder: self.folder.clone(),
                    });
                }
                Err(error) => return Err(self.failed(error.into())),
            }
        }
    }

    fn lock_file(&self) -> Result<File, QueueError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::open(self.folder.join(LOCKED), flags, Mode::RUSR | Mode::WUSR);
        file.map(File::from).map_err(|error| self.failed(error.into()))
    }

    /// Whether a file is the one that whoever comes now opens.
    fn is_in_place(&self, file: &File) -> bool {
        let place = self.folder.join(LOCKED).symlink_metadata();
        let (Ok(place), Ok(own)) = (place, file.metadata()) else {
            return false;
        };
        (place.dev(), place.ino()) == (own.dev(), own.ino())
    }
}

#[cfg(test)]
mod tests;
