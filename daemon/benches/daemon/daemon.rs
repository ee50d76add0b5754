//! A daemon with a Cargo home and a folder of its own, and those who listen to it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::time::ClockId;
use serde_json::Value;
use tempfile::TempDir;

/// No condition takes this long, however slow the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// The daemon; it is ended, by its number, with this.
pub(crate) struct Daemon {
    folder: TempDir,
    child: Child,
}

impl Daemon {
    /// Starts it, and waits until it answers.
    pub(crate) fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lockwatch-bench-").tempdir()?;
        let (home, cargo) = (folder.path().join("lockwatch"), folder.path().join("cargo"));
        fs::create_dir(&cargo)?;
        let child = Command::new(env!("CARGO_BIN_EXE_lockwatch"))
            .arg("daemon")
            .env("LOCKWATCH_HOME", &home)
            .env("CARGO_HOME", &cargo)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let daemon = Self { folder, child };
        let begin = Instant::now();
        while daemon
            .ask("hello", &serde_json::json!({"client": "bench", "protocol": 1}))
            .is_err()
        {
            if begin.elapsed() > PATIENCE {
                return Err(io::Error::other("the daemon does not answer"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(daemon)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn cargo_home(&self) -> PathBuf {
        self.folder.path().join("cargo")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.cargo_home().join(".package-cache")
    }

    fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.folder.path().join("lockwatch/daemon.sock"))
    }

    /// Asks, and gives the result.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> io::Result<Value> {
        let mut stream = self.connect()?;
        writeln!(
            stream,
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#
        )?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        let mut answer: Value = serde_json::from_str(&line)?;
        match answer["result"].take() {
            Value::Null => Err(io::Error::other(line)),
            result => Ok(result),
        }
    }

    /// Everything that it tells from now on.
    pub(crate) fn subscribe(&self) -> io::Result<BufReader<UnixStream>> {
        let mut stream = self.connect()?;
        stream.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\"}\n")?;
        let mut reader = BufReader::new(stream);
        reader.read_line(&mut String::new())?;
        Ok(reader)
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        Usage::of(self.pid())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One lock of a state, by its path: other locks of this user are in it too.
pub(crate) fn lock_of<'a>(state: &'a Value, path: &str) -> Option<&'a Value> {
    state["locks"].as_array()?.iter().find(|lock| lock["path"] == path)
}

/// Who holds a lock by a notification of the daemon.
pub(crate) fn holders_in(line: &str, path: &str) -> BTreeSet<u32> {
    let document: Value = serde_json::from_str(line).unwrap_or_default();
    let lock = lock_of(&document["params"], path);
    let holders = lock.and_then(|lock| lock["holders"].as_array());
    let pids = holders
        .into_iter()
        .flatten()
        .filter_map(|holder| holder["pid"].as_u64());
    pids.filter_map(|pid| u32::try_from(pid).ok()).collect()
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Time on a processor, all threads.
    pub(crate) cpu: Duration,
    /// How often any of its threads went to sleep by itself, and so had to be woken.
    pub(crate) wake_ups: u64,
    /// What of it lies in memory, in kilobytes.
    pub(crate) resident: u64,
}

impl Usage {
    fn of(pid: u32) -> io::Result<Self> {
        let (mut cpu, mut wake_ups) = (Duration::ZERO, 0);
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?.path();
            // Nanoseconds on a processor come first.
            let run = fs::read_to_string(task.join("schedstat"))?;
            let run = run.split(' ').next().and_then(|text| text.parse().ok());
            cpu += Duration::from_nanos(run.unwrap_or_default());
            wake_ups += number(&fs::read_to_string(task.join("status"))?, "voluntary_ctxt_switches:");
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Ok(Self {
            cpu,
            wake_ups,
            resident: number(&status, "VmRSS:"),
        })
    }
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// The time on a clock that all processes share.
pub(crate) fn now() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    Duration::try_from(time).unwrap_or_default()
}
