//! What the algorithm asks the system, so that a made system can answer it in tests.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layout;
use crate::os::{FileId, Mode};
use crate::process::Pid;

#[cfg(test)]
mod tests;

/// The file tables of processes, and what the kernel says of a file's lock.
///
/// Errors are the system's own. Processes end and descriptors close at any time, so any question about one may fail.
pub(super) trait Tables: Send + Sync + 'static {
    /// A file that is open for asking the kernel about it; closed when dropped.
    type File;

    /// Our own process number.
    fn own_pid(&self) -> Pid;

    /// The mounted file systems, without asking any server.
    fn mounts(&self) -> Vec<Mount>;

    /// Where a symbolic link leads; `None` for anything else, and where it cannot be told.
    fn read_link(&self, path: &Path) -> Option<PathBuf>;

    /// The living processes.
    fn processes(&self, whose: Whose) -> io::Result<Vec<Listed>>;

    /// What tells a process from an earlier or later one of the same number: `p_uniqueid`.
    fn unique_id(&self, pid: Pid) -> io::Result<u64>;

    /// The descriptors of a process that are files.
    fn descriptors(&self, pid: Pid) -> io::Result<Vec<i32>>;

    /// One of them. It can block for good where the file's server does not answer.
    fn vnode(&self, pid: Pid, fd: i32) -> io::Result<Vnode>;

    /// The same with the file's path; it asks more of the system.
    fn vnode_path(&self, pid: Pid, fd: i32) -> io::Result<(Vnode, PathBuf)>;

    /// Opens a file for asking about it: no reading, no writing, nothing created, and no symbolic link followed
    /// anywhere in the path.
    fn open(&self, path: &Path) -> io::Result<(Self::File, FileId)>;

    /// How the file is locked now.
    fn held(&self, file: &Self::File) -> io::Result<Held>;

    /// Begins to note the releases of the file's lock. A second call changes nothing.
    fn arm(&self, file: &mut Self::File) -> io::Result<()>;

    /// Whether a lock on the file was released since it was armed or since the last call. A hint: also a release of a
    /// lock that was not held counts.
    fn released(&self, file: &Self::File) -> io::Result<bool>;

    /// The time since some moment, running.
    fn now(&self) -> Duration;

    /// Waits.
    fn pause(&self, time: Duration);
}

/// Whose processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of our effective user: all whose file tables we may read.
    Own,
    /// Those of every other user.
    Others,
}

/// A process in a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    /// The effective user.
    pub(super) uid: u32,
    /// When it started: seconds and microseconds of the wall clock.
    pub(super) started: (i64, i32),
    /// The kernel's name for it, at most 16 bytes.
    pub(super) name: String,
}

/// The programs that hold Cargo's locks or run under those that do.
pub(super) fn is_cargo_like(name: &str) -> bool {
    name.starts_with("cargo")
        || name.starts_with("rust-analyzer")
        || matches!(name, "rustc" | "rustdoc" | "clippy-driver")
}

/// An open file, as the file table of a process shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vnode {
    pub(super) file: FileId,
    /// `fi_openflags`, all bits of it: `fill_fileinfo` copies `fg_flag` unmasked (XNU, `bsd/kern/proc_info.c`).
    pub(super) open_flags: u32,
    /// `fi_status`.
    pub(super) status: u32,
    /// `st_mode`.
    pub(super) mode: u16,
    /// How many names the file has.
    pub(super) links: u16,
}

impl Vnode {
    /// Whether this open file holds a lock by `flock`, or has held one.
    pub(super) fn was_locked(&self) -> bool {
        self.open_flags & layout::FWASLOCKED != 0
    }

    /// Whether it was opened for its events alone, as we do ourselves.
    pub(super) fn is_for_events(&self) -> bool {
        i64::from(self.open_flags) & i64::from(layout::O_EVTONLY) != 0
    }

    /// Whether another descriptor, here or in another process, is this same open file.
    pub(super) fn is_shared(&self) -> bool {
        self.status & layout::PROC_FP_SHARED != 0
    }

    /// Whether it can be written to, as every file that Cargo locks exclusively can.
    pub(super) fn is_writable(&self) -> bool {
        self.open_flags & layout::FWRITE != 0
    }

    /// Whether it is a regular file.
    pub(super) fn is_regular(&self) -> bool {
        self.mode & layout::S_IFMT == layout::S_IFREG
    }
}

/// How a file is locked, by what `F_GETLK` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Not at all.
    Free,
    /// By `flock`, and the kernel does not say by whom.
    Flock(Mode),
    /// By `fcntl`, and the kernel says by whom.
    Posix(Mode, Pid),
}

impl Held {
    /// From the answer to `F_GETLK` with `F_WRLCK` for the whole file. `None` for one that no kernel gives.
    ///
    /// A lock by `flock` has no owner that is a process, so `l_pid` is -1; a positive one is that of a POSIX lock
    /// (`lf_getlock`, XNU, `bsd/kern/kern_lockf.c`).
    pub(super) fn from_answer(kind: i16, pid: i32) -> Option<Self> {
        let mode = match kind {
            layout::F_UNLCK => return Some(Self::Free),
            layout::F_RDLCK => Mode::Shared,
            layout::F_WRLCK => Mode::Exclusive,
            _ => return None,
        };
        match Pid::try_from(pid) {
            Ok(0) => None,
            Ok(pid) => Some(Self::Posix(mode, pid)),
            Err(_) => Some(Self::Flock(mode)),
        }
    }

    /// The mode of the lock.
    pub(super) fn mode(self) -> Option<Mode> {
        match self {
            Self::Free => None,
            Self::Flock(mode) | Self::Posix(mode, _) => Some(mode),
        }
    }
}

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    pub(super) on: PathBuf,
    /// Whether it is on this machine for good: neither on a network nor on something that can be taken away.
    pub(super) fixed: bool,
}

/// The processes in what `sysctl` with `KERN_PROC` answered, without those that have ended.
pub(super) fn parse_processes(bytes: &[u8]) -> Vec<Listed> {
    use layout::kinfo_proc as k;
    let living = |each: &&[u8]| k::STATUS.read(each).map(u32::from) != Some(layout::SZOMB);
    bytes
        .chunks_exact(k::SIZE)
        .filter(living)
        .filter_map(|each| {
            Some(Listed {
                pid: Pid::try_from(k::PID.read(each)?).ok()?,
                parent: Pid::try_from(k::PARENT.read(each)?).unwrap_or(0),
                uid: k::UID.read(each)?,
                started: (k::START_SECONDS.read(each)?, k::START_MICROSECONDS.read(each)?),
                name: String::from_utf8_lossy(k::NAME.text(each)?).into_owned(),
            })
        })
        .collect()
}

/// The descriptors that are files in what `PROC_PIDLISTFDS` answered.
pub(super) fn parse_descriptors(bytes: &[u8]) -> Vec<i32> {
    of_type(bytes, layout::PROX_FDTYPE_VNODE)
}

/// The descriptors that are sockets, in the same answer.
pub(super) fn parse_sockets(bytes: &[u8]) -> Vec<i32> {
    of_type(bytes, layout::PROX_FDTYPE_SOCKET)
}

fn of_type(bytes: &[u8], wanted: u32) -> Vec<i32> {
    use layout::fd_info as f;
    let all = bytes.chunks_exact(f::SIZE);
    all.filter(|each| f::TYPE.read(each) == Some(wanted))
        .filter_map(|each| f::FD.read(each))
        .collect()
}

/// The answer to `PROC_PIDFDVNODEINFO`; that to `PROC_PIDFDVNODEPATHINFO` begins the same way. `None` where it was cut.
pub(super) fn parse_vnode(bytes: &[u8]) -> Option<Vnode> {
    use layout::vnode_fd_info as v;
    Some(Vnode {
        file: FileId {
            dev: u64::from(v::DEV.read(bytes)?),
            ino: v::INO.read(bytes)?,
        },
        open_flags: v::OPEN_FLAGS.read(bytes)?,
        status: v::STATUS.read(bytes)?,
        mode: v::MODE.read(bytes)?,
        links: v::LINKS.read(bytes)?,
    })
}

/// The answer to `PROC_PIDFDVNODEPATHINFO`. The path is empty where the kernel has none any more.
pub(super) fn parse_vnode_path(bytes: &[u8]) -> Option<(Vnode, PathBuf)> {
    let path = layout::vnode_fd_info_with_path::PATH.text(bytes)?;
    Some((parse_vnode(bytes)?, path_of(path)))
}

/// A path from its bytes.
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Reads a list whose length is not known: `read` fills the buffer and says how many bytes it wrote, and a buffer that
/// was filled to the brim may have cut the list, as `PROC_PIDLISTFDS` does without a word.
///
/// Gives up, with what fitted, at 64 MiB.
pub(super) fn read_whole(
    first_guess: usize,
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Vec<u8>> {
    const MOST: usize = 64 << 20;
    let mut bytes = vec![0; first_guess.max(1)];
    loop {
        let written = read(&mut bytes)?.min(bytes.len());
        if written < bytes.len() || bytes.len() >= MOST {
            bytes.truncate(written);
            return Ok(bytes);
        }
        bytes.resize(bytes.len() * 2, 0);
    }
}
