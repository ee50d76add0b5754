//! What only the operating system knows: the locks, and the processes that have to do with them.
//!
//! This is the one folder with `cfg(target_os)` and the one folder where `unsafe` may stand. Both systems answer the
//! same questions, the methods of [`Kernel`]; everything above is the same code on both, and is tested with a
//! made kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::{Detail, Pid, Process, ProcessId};
use crate::work::{Received, Work};

pub mod file_system;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(test)]
pub(crate) mod made;
// What macOS code can be pure is pure, and is compiled for Linux too where it is tested.
#[cfg(any(target_os = "macos", test))]
mod macos;

#[cfg(all(fuzzing, target_os = "linux"))]
pub use linux::fuzzing;
#[cfg(target_os = "linux")]
pub use linux::{Bell, PACE, System, awake, blind_spots, file_id, file_system, real_folder, since_boot, warm_up};
#[cfg(target_os = "macos")]
pub use macos::{Bell, PACE, System, awake, blind_spots, file_id, file_system, real_folder, since_boot, warm_up};

/// Where this system's programs keep their own files.
#[cfg(target_os = "linux")]
pub const LAYOUT: crate::folders::Layout = crate::folders::Layout::Xdg;
/// Where this system's programs keep their own files.
#[cfg(target_os = "macos")]
pub const LAYOUT: crate::folders::Layout = crate::folders::Layout::Apple;

/// What looks after this system's services.
#[cfg(target_os = "linux")]
pub const MANAGER: crate::service::ManagerKind = crate::service::ManagerKind::Systemd;
/// What looks after this system's services.
#[cfg(target_os = "macos")]
pub const MANAGER: crate::service::ManagerKind = crate::service::ManagerKind::Launchd;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("lockwatch sees locks through the kernels of macOS and Linux only");

/// One file for as long as it exists, whatever its names: what `fstat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The device number, `st_dev`.
    pub dev: u64,
    /// The file number on that device, `st_ino`.
    pub ino: u64,
}

/// How a lock is held or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Any number of holders together (`LOCK_SH`).
    Shared,
    /// One holder alone (`LOCK_EX`).
    Exclusive,
}

impl Mode {
    /// Whether a lock held in this mode keeps out one asked for in the `other`.
    pub fn conflicts_with(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }
}

/// One process's part in a lock: it holds it, or it waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// The process.
    pub process: ProcessId,
    /// The mode in which it holds the lock, or asks for it. `None` where the kernel does not tell (macOS tells neither
    /// for waiters).
    pub mode: Option<Mode>,
}

/// One lock file in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedFile {
    /// Which file this is.
    pub file: FileId,
    /// Its name as the holder's (or, without one, the waiter's) descriptor shows it.
    pub path: PathBuf,
    /// Whether the file has no name left: it was deleted while in use, so a newcomer takes another file's lock.
    pub deleted: bool,
    /// Whether `path` is a name in another mount namespace (a container) and may mean another file here, or none.
    pub other_mount_namespace: bool,
    /// Who holds it, each process once, in the order of [`Claim`].
    pub holders: Vec<Claim>,
    /// Who waits for it, each process once, in the order in which the kernel lists them where it does.
    pub waiters: Vec<Claim>,
}

/// Whether the kernel could say for each lock who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Each holder and waiter is what the kernel says.
    Exact,
    /// Something could not be seen, or only be concluded; a [`Note`] says what.
    Inferred,
}

/// All locks of interest at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockTable {
    /// The lock files in use, each once, in the order of their paths.
    pub files: Vec<LockedFile>,
    /// Whether that is all and exact.
    pub precision: Precision,
    /// What could not be seen, for people to read.
    pub notes: Vec<Note>,
    /// What had to be read of a process to make the table, in brief: a thousand waiters need not be asked twice.
    pub asked: BTreeMap<ProcessId, Process>,
}

/// Something that a look could not see, or that the user should know about it. It shows as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// A lock that our processes hold is waited for by a process that we may not look into.
    UnseenWaiter {
        /// The lock file.
        path: PathBuf,
        /// The waiting process.
        pid: Pid,
    },
    /// A lock that our processes wait for is held by a process that we may not look into.
    OtherUser {
        /// The lock file.
        path: PathBuf,
        /// The process that the kernel names as holder, where it names one.
        pid: Option<Pid>,
    },
    /// The kernel says that a lock is held, and no process was found that holds it.
    NobodyFound {
        /// The lock file.
        path: PathBuf,
    },
    /// More processes look like the one holder of an exclusive lock than can be.
    Ambiguous {
        /// The lock file.
        path: PathBuf,
        /// The processes that may be it.
        pids: Vec<Pid>,
    },
    /// A process waits for a lock, and which of its open files it is could not be told.
    WaiterUnplaced {
        /// The waiting process.
        pid: Pid,
    },
    /// The path is one of another mount namespace.
    OtherMountNamespace {
        /// The lock file, as that namespace names it.
        path: PathBuf,
        /// The process in that namespace.
        pid: Pid,
    },
    /// We run in a PID namespace of our own (a container): the kernel hides locks held outside of it.
    PidNamespace,
    /// The kernel's lock table has a line of a form never seen before.
    UnknownLine {
        /// The line, cut to 120 characters.
        line: String,
    },
    /// A look at every process took longer than its limit and was given up.
    ScanTimedOut {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// A place that should be watched cannot be read.
    Unreadable {
        /// The place.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
    /// The detection did not pass its test on a private file.
    SelfTestFailed {
        /// Which part failed, in words.
        part: String,
    },
    /// A lock file lies where macOS guards the user's privacy; it was not opened, only file tables were read.
    PrivacyGuarded {
        /// The lock file.
        path: PathBuf,
    },
    /// Neither `CARGO_HOME` nor a home directory is set.
    NoCargoHome,
}

impl Note {
    /// Whether it says that who holds the lock of this file could not be found.
    pub fn doubts(&self, lock: &Path) -> bool {
        match self {
            Self::NobodyFound { path } | Self::Ambiguous { path, .. } => path == lock,
            Self::ScanTimedOut { .. } => true,
            _ => false,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnseenWaiter { path, pid } => write!(
                f,
                "{} is waited for by process {pid}, which only root can look into",
                path.display()
            ),
            Self::OtherUser { path, pid: Some(pid) } => write!(
                f,
                "{} is held by process {pid}, which only root can look into",
                path.display()
            ),
            Self::OtherUser { path, pid: None } => write!(
                f,
                "{} is held by a process that cannot be looked into, most likely another user's",
                path.display()
            ),
            Self::NobodyFound { path } => write!(
                f,
                "{} is locked, but no process of yours was found that holds it",
                path.display()
            ),
            Self::Ambiguous { path, pids } => {
                write!(f, "{} is held by one of the processes ", path.display())?;
                for (i, pid) in pids.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{pid}")?;
                }
                f.write_str("; which one could not be told")
            }
            Self::WaiterUnplaced { pid } => write!(
                f,
                "process {pid} waits for a file lock; for which of its open files could not be told"
            ),
            Self::OtherMountNamespace { path, pid } => write!(
                f,
                "{} is a path inside the container of process {pid}, not one of this system",
                path.display()
            ),
            Self::PidNamespace => f.write_str(
                "this is a container: the kernel hides locks that were taken outside of it or by a process that has ended, so a lock that looks free may be held",
            ),
            Self::UnknownLine { line } => {
                write!(f, "the kernel's lock table has a line that is not understood: {line}")
            }
            Self::ScanTimedOut { limit_ms } => write!(
                f,
                "looking at every process took more than {limit_ms} ms and was given up (a network file system that does not answer?); holders may be missing"
            ),
            Self::Unreadable { path, error } => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::SelfTestFailed { part } => write!(
                f,
                "the lock detection failed its self-test ({part}); run `lockwatch doctor`"
            ),
            Self::PrivacyGuarded { path } => write!(
                f,
                "{} lies in a folder that macOS guards, so it was not opened; its holder is concluded from open files alone",
                path.display()
            ),
            Self::NoCargoHome => f.write_str(
                "neither CARGO_HOME nor HOME is set, so the Cargo home is not known; set CARGO_HOME",
            ),
        }
    }
}

/// Something that keeps lockwatch from seeing all processes and locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blind {
    /// We run in a PID namespace of our own, a container: see [`Note::PidNamespace`].
    PidNamespace,
    /// `/proc` hides the processes of other users.
    HiddenProcesses,
    /// The kernel has no lists of children (`CONFIG_PROC_CHILDREN`), so all processes are asked for their parents.
    NoLists,
}

/// What a look is for.
pub struct Interest<'a> {
    /// Whether a file with this path can be a lock file of Cargo's.
    pub is_lock: &'a dyn Fn(&Path) -> bool,
    /// Lock files that may exist although no process was found that has them open. macOS asks the kernel about each;
    /// Linux has no need to.
    pub known: &'a [PathBuf],
}

/// A look that could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The kernel's table of locks cannot be read.
    #[error("cannot read {path}: {source}")]
    Table {
        /// The table.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The processes cannot be listed.
    #[error("cannot list the processes: {0}")]
    Processes(#[source] io::Error),
}

/// Why nothing is known about a process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It has ended.
    #[error("the process has ended")]
    Gone,
    /// It is another user's, or the system keeps it to itself.
    #[error("looking into the process is not permitted")]
    Denied,
    /// The system gave another reason.
    #[error("the process cannot be read: {0}")]
    Other(#[source] io::Error),
}

impl From<io::Error> for ProcessError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone,
            io::ErrorKind::PermissionDenied => Self::Denied,
            // Reading the files of a process that ends meanwhile gives ESRCH (3 on both systems).
            _ if error.raw_os_error() == Some(3) => Self::Gone,
            _ => Self::Other(error),
        }
    }
}

/// A lock file that a process has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLock {
    /// Which file it is.
    pub file: FileId,
    /// Its name as the descriptor shows it.
    pub path: PathBuf,
    /// Whether it has no name left.
    pub deleted: bool,
    /// How the process holds its lock through this descriptor, if it does.
    pub held: Option<Mode>,
}

/// What a process's own descriptors tell about locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Descriptors {
    /// Its open lock files.
    Read {
        /// Which process that number is.
        process: ProcessId,
        /// The files, one entry for each descriptor.
        files: Vec<OpenLock>,
    },
    /// It has ended.
    Gone,
    /// They may not be read, or reading them failed.
    Failed,
    /// This system does not tell by process who holds a lock.
    Untold,
}

/// What a process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// To end, as it likes.
    #[serde(rename = "SIGTERM")]
    Terminate,
    /// To go on, where it was stopped.
    #[serde(rename = "SIGCONT")]
    Continue,
    /// The kernel ends it.
    #[serde(rename = "SIGKILL")]
    Kill,
}

/// Why a process was not told.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// It has ended. Another process may have its number by now; that one was told nothing.
    #[error("the process has ended")]
    Gone,
    /// It is another user's, or the system protects it.
    #[error("signalling the process is not permitted")]
    Denied,
    /// The system gave another reason.
    #[error("the process cannot be signalled: {0}")]
    Other(#[source] io::Error),
}

impl From<io::Error> for SignalError {
    fn from(error: io::Error) -> Self {
        match ProcessError::from(error) {
            ProcessError::Gone => Self::Gone,
            ProcessError::Denied => Self::Denied,
            ProcessError::Other(error) => Self::Other(error),
        }
    }
}

/// What has woken the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ring {
    /// The time has come that was set.
    Alarm,
    /// A process that was followed has ended.
    Exited(Pid),
    /// A lock was released.
    Released,
}

/// How often to look on this system without being woken by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// While nothing is held.
    pub idle: Duration,
    /// While something is, or may be soon; where no event tells of that, while somebody waits and shortly after a new cargo
    /// began.
    pub active: Duration,
    /// How much later an idle look may be.
    pub leeway: Duration,
    /// Whether an event tells that a lock file was opened and closed.
    pub events_tell_of_opening: bool,
    /// Whether [`warm_up`] makes a look faster.
    pub looks_need_preparation: bool,
}

/// What a process has done so far, and what it may be waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effort {
    /// The process, in brief.
    pub process: Process,
    /// What it has done.
    pub work: Work,
    /// Whether it has opened `/dev/tty` to read.
    pub reads_terminal: bool,
    /// Its sockets, by numbers that are theirs for as long as they are open. Some may not be TCP connections.
    pub sockets: Vec<u64>,
    /// Whether they are in a place of which the system does not tell us what came in.
    pub is_elsewhere: bool,
}

/// The questions that everything above asks the kernel. [`System`] is the real one.
pub trait Kernel {
    /// What differs between two runs of the machine, so that a [`ProcessId`] of an earlier one is not taken for one of
    /// this.
    fn boot_id(&self) -> u64;

    /// The effective user that we run as.
    fn own_uid(&self) -> u32;

    /// All locks of interest, at one moment. Reads only: no lock is taken, no lock file written or created.
    fn locks(&mut self, interest: &Interest<'_>) -> Result<LockTable, LookError>;

    /// What the descriptors of one process tell, which is proof where the system has it and takes less time than a look at
    /// all locks.
    fn descriptors(&mut self, pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> Descriptors;

    /// Processes that began since the last call and may have to do with a lock. Not all where there are many; the first time
    /// it may be none, or all.
    fn newcomers(&mut self) -> Vec<Pid>;

    /// What is known about a process.
    fn process(&mut self, pid: Pid, detail: Detail) -> Result<Process, ProcessError>;

    /// The children of a process; empty where that cannot be told.
    fn children(&mut self, pid: Pid) -> Vec<Pid>;

    /// What a process has done so far.
    fn effort(&mut self, pid: Pid) -> Result<Effort, ProcessError>;

    /// What came in by those of these sockets that are TCP connections. They are named as [`Effort::sockets`] names them.
    fn received(&mut self, sockets: &BTreeSet<u64>) -> Received;

    /// The named variables of a process's environment, those that are set; empty where reading is not permitted. Only
    /// these few are ever kept: an environment is full of secrets.
    fn environment(&mut self, pid: Pid, names: &[&str]) -> BTreeMap<String, String>;

    /// Signals this very process: one that was given its number is never told instead. Only [`crate::stop`] may call it.
    fn signal(&mut self, process: ProcessId, signal: Signal) -> Result<(), SignalError>;
}
