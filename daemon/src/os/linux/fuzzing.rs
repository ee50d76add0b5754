//! The parsers of `/proc`, for the fuzz targets only.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use super::lock_line::{self, Key};
use super::lock_table::{self, ReadAt};
use super::{stat, strings};
use crate::os::Mode;
use crate::process::{Pid, RunState};

/// The file of a lock as the kernel prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct File {
    /// The device's first number.
    pub major: u32,
    /// The device's second number.
    pub minor: u32,
    /// The file number.
    pub ino: u64,
}

/// A lock of flock(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flock {
    /// Whether it is waited for instead of held.
    pub waits: bool,
    /// How.
    pub mode: Mode,
    /// The process.
    pub pid: Pid,
    /// The file.
    pub file: File,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A lock of flock(2).
    Flock(Flock),
    /// A lock that is passed over.
    Irrelevant,
    /// A line that is not understood.
    Unknown,
}

/// What `/proc/PID/stat` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The process.
    pub pid: Pid,
    /// The short name.
    pub comm: Vec<u8>,
    /// The state.
    pub state: RunState,
    /// Its parent, its group, its session.
    pub parent_group_session: [Pid; 3],
    /// Whether it has a terminal.
    pub has_terminal: bool,
    /// In clock ticks since boot.
    pub start: u64,
}

impl From<Key> for File {
    fn from(key: Key) -> Self {
        let (major, minor) = key.device();
        Self {
            major,
            minor,
            ino: key.ino,
        }
    }
}

impl From<lock_line::Flock> for Flock {
    fn from(flock: lock_line::Flock) -> Self {
        let lock_line::Flock { waits, mode, pid, key } = flock;
        Self {
            waits,
            mode,
            pid,
            file: key.into(),
        }
    }
}

/// Reads one line of `/proc/locks`.
pub fn lock_line(line: &[u8]) -> Line {
    match lock_line::parse(line) {
        lock_line::Line::Flock(flock) => Line::Flock(flock.into()),
        lock_line::Line::Irrelevant => Line::Irrelevant,
        lock_line::Line::Unknown => Line::Unknown,
    }
}

/// Reads a whole table by a function that fills a buffer from an offset on: its flocks, and the first line that is not
/// understood, for people to read.
pub fn lock_table(read_at: impl Fn(&mut [u8], u64) -> io::Result<usize>) -> io::Result<(Vec<Flock>, Option<String>)> {
    struct Made<F>(F);
    impl<F: Fn(&mut [u8], u64) -> io::Result<usize>> ReadAt for Made<F> {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            (self.0)(buffer, offset)
        }
    }
    let reading = lock_table::read(&Made(read_at), &mut lock_table::Buffer::default())?;
    Ok((reading.flocks.into_iter().map(Flock::from).collect(), reading.unknown))
}

/// The flocks that a descriptor holds, by the text of its `fdinfo`.
pub fn held_by_descriptor(fdinfo: &[u8]) -> Vec<(Mode, File)> {
    lock_line::held_by_descriptor(fdinfo)
        .map(|(mode, key)| (mode, key.into()))
        .collect()
}

/// Reads `/proc/PID/stat`.
pub fn stat(text: &[u8]) -> Option<Stat> {
    stat::parse(text).map(|stat| Stat {
        pid: stat.pid,
        comm: stat.comm,
        state: stat.state,
        parent_group_session: [stat.parent, stat.group, stat.session],
        has_terminal: stat.has_terminal,
        start: stat.start,
    })
}

/// The arguments of a `/proc/PID/cmdline`.
pub fn arguments(cmdline: &[u8]) -> Vec<OsString> {
    strings::arguments(cmdline)
}

/// The named variables of a `/proc/PID/environ`.
pub fn variables(environ: &[u8], names: &[&str]) -> BTreeMap<String, String> {
    strings::variables(environ, names)
}
