//! The children of the self-test, from both ends: what the parent has of one, and what one does.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use rustix::fs::FlockOperation;
use rustix::process::Signal;

use crate::os::Mode;
use crate::process::Pid;

/// What a child says when it has the lock.
const LOCKED: &str = "locked";
/// What it is told: to stop itself, as Ctrl-Z does; to release the lock and keep the file open.
const STOP: &str = "stop";
const LET_GO: &str = "let go";

/// A child that takes the lock. It ends with its owner, at the latest when the owner's end of its standard input goes.
pub(super) struct Child {
    process: std::process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(super) fn start(program: &Path, arguments: &[&str], mode: Mode, file: &Path) -> io::Result<Self> {
        let mut process = Command::new(program)
            .args(arguments)
            .arg(match mode {
                Mode::Exclusive => "exclusive",
                Mode::Shared => "shared",
            })
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                process,
                input,
                output: BufReader::new(output),
            }),
            _ => Err(io::Error::other("it has no standard input or output")),
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.process.id()
    }

    /// Waits until it has the lock.
    pub(super) fn until_locked(&mut self) -> io::Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.trim_end() == LOCKED {
            Ok(())
        } else {
            Err(io::Error::other("a child ended before it had the lock"))
        }
    }

    pub(super) fn stop_itself(&mut self) -> io::Result<()> {
        self.tell(STOP)
    }

    pub(super) fn let_go(&mut self) -> io::Result<()> {
        self.tell(LET_GO)
    }

    fn tell(&mut self, word: &str) -> io::Result<()> {
        writeln!(self.input, "{word}")?;
        self.input.flush()
    }

    /// Ends it at once. It was not waited for before, so its number is still its own.
    pub(super) fn kill(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a child does: takes the lock in this mode, says so, and does as it is told until its standard input ends.
pub fn play(mode: Mode, path: &Path) -> io::Result<()> {
    let file = open(path)?;
    lock(&file, mode)?;
    {
        let mut output = io::stdout().lock();
        writeln!(output, "{LOCKED}")?;
        output.flush()?;
    }
    let mut line = String::new();
    while io::stdin().lock().read_line(&mut line)? > 0 {
        match line.trim_end() {
            STOP => rustix::process::kill_process(rustix::process::getpid(), Signal::STOP)?,
            LET_GO => rustix::fs::flock(&file, FlockOperation::Unlock)?,
            _ => {}
        }
        line.clear();
    }
    Ok(())
}

/// As Cargo opens its lock files.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Waits for it as a cargo does, in flock(2).
fn lock(file: &File, mode: Mode) -> io::Result<()> {
    let operation = match mode {
        Mode::Exclusive => FlockOperation::LockExclusive,
        Mode::Shared => FlockOperation::LockShared,
    };
    loop {
        match rustix::fs::flock(file, operation) {
            Err(rustix::io::Errno::INTR) => {}
            other => return other.map_err(Into::into),
        }
    }
}
