//! Linux: `/proc/locks` says which process holds and which waits, `/proc/PID/fdinfo` proves it, and `fstat` through the
//! holder's descriptor says which file it is.
//!
//! The table alone is not enough. Its PID is the one that took the lock, which may have ended (the lock lives on in a
//! child that inherited the descriptor) and whose number may be another's by now. Its device number is the
//! superblock's. So a holder counts when one of its own descriptors has a `lock:` line with the same text for the file;
//! a waiter belongs to the held file of that text which it has open.

mod attribution;
mod bell;
mod effort;
mod file_system;
#[cfg(fuzzing)]
pub mod fuzzing;
mod lock_line;
mod lock_table;
mod newcomers;
mod proc_dir;
mod selftest;
mod signal;
mod sock_diag;
mod stat;
mod strings;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::ClockId;

use self::attribution::Opened;
pub use self::bell::Bell;
pub use self::file_system::file_system;
use self::proc_dir::ProcDir;
use self::stat::Stat;
pub use self::view::blind_spots;
use super::{
    Descriptors, Effort, FileId, Interest, Kernel, LockTable, LookError, Note, Pace, Precision, ProcessError, Signal,
    SignalError,
};
use crate::cargo::origin;
use crate::process::{Detail, Pid, Process, ProcessId};
use crate::work::{Received, Work};

const LOCKS: &str = "/proc/locks";

/// Events tell when a lock file is opened and closed, so looks without one are few.
pub const PACE: Pace = Pace {
    idle: Duration::from_secs(30),
    // A holder that is stopped is named within a second.
    active: Duration::from_millis(800),
    leeway: Duration::ZERO,
    events_tell_of_opening: true,
    looks_need_preparation: true,
};

/// The kernel that we run on.
#[derive(Debug)]
pub struct System {
    boot_id: u64,
    uid: u32,
    /// The wall clock's time at boot, in nanoseconds since 1970. Taken once, so that the start time of a process is the
    /// same in every look, also after the clock was set.
    boot_time: Option<i128>,
    ticks_per_second: u64,
    /// Whether this is the machine's first PID namespace, which sees all processes.
    sees_all_pids: bool,
    memory: attribution::Memory,
    newcomers: newcomers::Newcomers,
    /// The process that was asked about last, whose environment may be wanted next.
    asked: Option<(Pid, ProcDir)>,
    /// What the self-test found wrong.
    failed: Option<String>,
}

impl System {
    /// Gets to know the machine.
    pub fn new() -> Self {
        Self {
            boot_id: boot_id().unwrap_or(0),
            uid: rustix::process::geteuid().as_raw(),
            boot_time: boot_time(),
            ticks_per_second: rustix::param::clock_ticks_per_second(),
            sees_all_pids: in_first_pid_namespace(),
            memory: attribution::Memory::default(),
            newcomers: newcomers::Newcomers::default(),
            asked: None,
            failed: None,
        }
    }

    /// The same, and tests the detection on a file without a name that only we have. Where that fails, each
    /// look is [`Precision::Inferred`] and says what failed. For whoever looks for long: it costs as much as a look.
    pub fn tested() -> Self {
        Self {
            failed: selftest::run(),
            ..Self::new()
        }
    }

    /// What `stat` tells of a process.
    fn brief(&self, pid: Pid, stat: &Stat) -> Process {
        Process {
            id: ProcessId { pid, start: stat.start },
            parent: stat.parent,
            group: stat.group,
            session: stat.session,
            uid: None,
            state: stat.state,
            has_terminal: stat.has_terminal,
            started_at: self.started_at(stat.start),
            name: crate::text::escape(OsStr::from_bytes(&stat.comm)),
            exe: None,
            argv: Vec::new(),
            cwd: None,
        }
    }

    fn started_at(&self, ticks: u64) -> Option<Timestamp> {
        let since_boot = i128::from(ticks) * 1_000_000_000 / i128::from(self.ticks_per_second.max(1));
        let milliseconds = (self.boot_time? + since_boot) / 1_000_000;
        Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel for System {
    fn boot_id(&self) -> u64 {
        self.boot_id
    }

    fn own_uid(&self) -> u32 {
        self.uid
    }

    fn locks(&mut self, interest: &Interest<'_>) -> Result<LockTable, LookError> {
        let failed = |source| LookError::Table {
            path: LOCKS.into(),
            source,
        };
        let table = File::open(LOCKS).map_err(failed)?;
        let look = attribution::look(&table, interest.is_lock, &mut self.memory, self.sees_all_pids);
        let mut table = look.map_err(failed)?;
        let stats = std::mem::take(&mut self.memory.stats);
        let asked = stats.iter().map(|stat| self.brief(stat.pid, stat));
        table.asked = asked.map(|process| (process.id, process)).collect();
        if let Some(part) = &self.failed {
            table.precision = Precision::Inferred;
            table.notes.push(Note::SelfTestFailed { part: part.clone() });
        }
        Ok(table)
    }

    fn descriptors(&mut self, pid: Pid, is_lock: &dyn Fn(&Path) -> bool) -> Descriptors {
        attribution::descriptors(pid, is_lock)
    }

    fn newcomers(&mut self) -> Vec<Pid> {
        self.newcomers.since_last_time()
    }

    fn process(&mut self, pid: Pid, detail: Detail) -> Result<Process, ProcessError> {
        if detail == Detail::Brief {
            return Ok(self.brief(pid, &proc_dir::stat_of(pid)?));
        }
        let full = detail == Detail::Full;
        let opened = self.memory.opened.remove(&pid).filter(|_| full);
        let (folder, known) = match opened {
            Some(Opened { folder, stat }) => (folder, Some(stat)),
            None => (ProcDir::open(pid)?, None),
        };
        let exe = folder.link("exe");
        // Without a program file it may have ended since.
        let stat = known.filter(|_| exe.is_some()).map_or_else(|| folder.stat(), Ok)?;
        let mut process = self.brief(pid, &stat);
        process.exe = exe;
        if full || origin::needs_arguments(&process.name, process.exe.as_deref()) {
            process.argv = folder.argv();
        }
        if full {
            process.uid = folder.uid().ok();
            process.cwd = folder.link("cwd");
            self.asked = Some((pid, folder));
        }
        Ok(process)
    }

    fn children(&mut self, pid: Pid) -> Vec<Pid> {
        effort::children(pid)
    }

    fn effort(&mut self, pid: Pid) -> Result<Effort, ProcessError> {
        let told = effort::of(pid)?;
        let ticks = Duration::from_secs(told.stat.cpu);
        Ok(Effort {
            process: self.brief(pid, &told.stat),
            work: Work {
                cpu: ticks / u32::try_from(self.ticks_per_second).unwrap_or(u32::MAX).max(1),
                disk: told.disk,
            },
            reads_terminal: told.reads_terminal,
            sockets: told.sockets,
            is_elsewhere: told.is_elsewhere,
        })
    }

    fn received(&mut self, sockets: &BTreeSet<u64>) -> Received {
        let told = sock_diag::received(sockets);
        told.map_or(Received::Connections(sockets.len()), Received::Bytes)
    }

    fn environment(&mut self, pid: Pid, names: &[&str]) -> BTreeMap<String, String> {
        let asked = self.asked.take().filter(|(asked, _)| *asked == pid);
        let Some(folder) = asked.map(|(_, folder)| folder).or_else(|| ProcDir::open(pid).ok()) else {
            return BTreeMap::new();
        };
        strings::variables(&folder.environment(), names)
    }

    fn signal(&mut self, process: ProcessId, signal: Signal) -> Result<(), SignalError> {
        signal::send(process, signal)
    }
}

/// The time since boot, the machine's sleep included.
pub fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// A clock that stands still while the machine sleeps.
pub fn awake() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    Duration::try_from(time).unwrap_or_default()
}

/// Reads a little of the table of locks, so that whoever reads all of it within the next milliseconds need not wait.
pub fn warm_up() {
    let _ = File::open(LOCKS).and_then(|mut table| table.read(&mut [0; 1]));
}

/// The folder's path without symbolic links; none where it is no folder, or not there.
pub fn real_folder(path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    real.is_dir().then_some(real)
}

/// Which file this is, by its name in our mount namespace.
pub fn file_id(path: &Path) -> Option<FileId> {
    let stat = rustix::fs::stat(path).ok()?;
    Some(FileId {
        dev: stat.st_dev,
        ino: stat.st_ino,
    })
}

/// The first half of the random number that the kernel drew at boot, as it prints it.
fn boot_id() -> Option<u64> {
    let mut text = [0; 64];
    let length = File::open("/proc/sys/kernel/random/boot_id")
        .ok()?
        .read(&mut text)
        .ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).ok()
}

fn boot_time() -> Option<i128> {
    let nanoseconds = |clock| {
        let time = rustix::time::clock_gettime(clock);
        i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
    };
    let since_boot = nanoseconds(ClockId::Boottime);
    (since_boot > 0).then(|| nanoseconds(ClockId::Realtime) - since_boot)
}

/// The first PID namespace has the same number on every machine: `PROC_PID_INIT_INO` in Linux' `include/linux/proc_ns.h`.
fn in_first_pid_namespace() -> bool {
    std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link == Path::new("pid:[4026531836]"))
}
