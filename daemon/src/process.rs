//! Processes: how one is named for good, and what the kernel tells about it.

use std::ffi::OsString;
use std::path::PathBuf;

use jiff::Timestamp;

/// A process number as the kernel counts them. It says nothing about identity: numbers are reused. See [`ProcessId`].
pub type Pid = u32;

/// One process for as long as the machine runs: its number together with what tells it from a later process that is
/// given the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId {
    /// The process number.
    pub pid: Pid,
    /// What differs between two processes of one number.
    ///
    /// Linux: the start time in clock ticks since boot (`/proc/PID/stat`, field 22). macOS: `p_uniqueid`, a counter
    /// that goes up with every fork and is kept across exec (XNU, `bsd/kern/kern_fork.c`).
    pub start: u64,
}

/// Whether a process can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// It runs, or sleeps and would run when woken.
    Alive,
    /// Stopped by a signal (Ctrl-Z, `SIGSTOP`).
    Stopped,
    /// Stopped by a debugger or another tracer.
    Traced,
    /// It has ended; its parent has not asked for its exit status yet.
    Zombie,
}

/// How much to read about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// What can change while it runs the same program: its state and its place in the tree. The rest may be missing.
    Brief,
    /// What it takes to place it in the tree of processes: everything but the working directory and the user. The arguments
    /// may be missing where [`crate::cargo::origin::needs_arguments`] has no need of them.
    Lineage,
    /// Everything.
    Full,
}

/// What the kernel tells about one process. A value that it would not tell is `None` or empty, never a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Which process this is.
    pub id: ProcessId,
    /// The parent, 0 where there is none.
    pub parent: Pid,
    /// The process group.
    pub group: Pid,
    /// The session; equal to the process number for a session leader.
    pub session: Pid,
    /// The effective user; read with [`Detail::Full`].
    pub uid: Option<u32>,
    /// Whether it can run.
    pub state: RunState,
    /// Whether it has a controlling terminal.
    pub has_terminal: bool,
    /// When it started, by the wall clock.
    pub started_at: Option<Timestamp>,
    /// The kernel's short name: at most 15 bytes on Linux, 16 on macOS.
    pub name: String,
    /// The program file, symbolic links resolved.
    pub exe: Option<PathBuf>,
    /// The arguments, the program's own name first. Empty for a zombie and where reading is not permitted or not needed. Secrets are
    /// still in it: only [`crate::cargo::command`] may turn it into text.
    pub argv: Vec<OsString>,
    /// The working directory; read with [`Detail::Full`] only.
    pub cwd: Option<PathBuf>,
}

/// The processes whose short name fits, by sysinfo.
pub fn named(fits: impl Fn(&str) -> bool) -> Vec<Pid> {
    let Ok(mut system) = sysinfo::System::new() else {
        return Vec::new();
    };
    let names_only = sysinfo::ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, names_only);
    let fitting = system
        .processes()
        .values()
        .filter(|process| process.name().to_str().is_some_and(&fits));
    fitting.map(|process| process.pid().as_u32()).collect()
}
