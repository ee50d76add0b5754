//! The exit codes, which scripts rely on. From 64 on they are those of sysexits.h.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Done; the locks are free.
    Done = 0,
    /// A lock is contended or its holder stuck (`--check`), the doctor found something, or the output could not be written.
    Contended = 1,
    /// The command line was not understood.
    Usage = 2,
    /// What the command needs is not there: the system's table of locks, a socket, a history that can be read.
    Unavailable = 69,
    /// What was waited for did not come in time (`run`).
    TimedOut = 75,
    /// The system did not permit it, or it was refused.
    NotPermitted = 77,
    /// The command was found, and could not be started (`run`), as shells have it.
    NotExecutable = 126,
    /// The command was not found (`run`).
    NotFound = 127,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}
