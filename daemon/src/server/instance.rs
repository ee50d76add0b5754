//! One daemon for each runtime folder: who has the lock on `daemon.lock`.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::BindError;
use crate::client::Client;
use crate::folders::Folders;
use crate::protocol::Welcome;

/// What a second daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// It gives up where the first one answers. One that only starts or ends is given this long to do either.
    GivesUp {
        /// How long.
        patience: Duration,
    },
    /// It waits until the first one has ended, however long that takes, and takes over.
    Waits,
}

/// How often it is asked again whether a daemon that starts or ends has done so.
const AGAIN: Duration = Duration::from_millis(20);

/// Being the one daemon, for as long as it lives.
#[derive(Debug)]
pub(super) struct Instance {
    /// The lock goes when this is closed, however the process ends.
    _lock: File,
}

impl Instance {
    pub(super) fn take(folders: &Folders, second: Second) -> Result<Self, BindError> {
        let path = folders.daemon_lock();
        let failed = |source| BindError::LockFile {
            path: path.clone(),
            source,
        };
        let begin = Instant::now();
        let mut lock = loop {
            let mut file = open(&path)?;
            let operation = match second {
                Second::GivesUp { .. } => FlockOperation::NonBlockingLockExclusive,
                Second::Waits => FlockOperation::LockExclusive,
            };
            match rustix::fs::flock(&file, operation) {
                // While it was waited for, the file may have been removed: then another one is the lock now.
                Ok(()) if is_at(&file, &path) => break file,
                Ok(()) | Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(failed(error.into())),
            }
            if let Some(other) = answering(folders) {
                return Err(BindError::AlreadyRunning(other));
            }
            if let Second::GivesUp { patience } = second
                && begin.elapsed() > patience
            {
                return Err(BindError::NotAnswering {
                    pid: written_pid(&mut file),
                    path,
                });
            }
            std::thread::sleep(AGAIN);
        };
        // Where the file was removed while a daemon ran, its lock says nothing about that one. Alive means that it answers.
        if let Some(other) = answering(folders) {
            return Err(BindError::AlreadyRunning(other));
        }
        write_pid(&mut lock).map_err(failed)?;
        Ok(Self { _lock: lock })
    }
}

fn open(path: &Path) -> Result<File, BindError> {
    // Without NONBLOCK, opening a pipe in its place would wait for whoever reads it.
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = || -> io::Result<File> { Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into()) };
    let file = open().map_err(|source| BindError::LockFile {
        path: path.to_owned(),
        source,
    })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        Ok(file)
    } else {
        Err(BindError::InTheWay { path: path.to_owned() })
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: io::Result<Metadata>| metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()));
    id(file.metadata()) == id(path.symlink_metadata())
}

/// A daemon that answers.
fn answering(folders: &Folders) -> Option<Welcome> {
    let mut client = Client::connect(folders).ok()??;
    client.hello().ok()
}

/// The number is for people who look into the file; nothing relies on it.
fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn written_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
