//! The load: a folder and processes of our own, which are all ended, by their numbers, when they go out of scope.

use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockwatch::observation::{Look, Observer};
use lockwatch::os::System;
use lockwatch::places::CargoHomes;
use tempfile::TempDir;

use crate::helper;

/// No condition takes this long, however slow the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the kernel still does after the load has changed (freeing processes, for one) is not to be measured.
const SETTLE: Duration = Duration::from_secs(1);

/// A folder of our own, with a Cargo home in it.
pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lockwatch-bench-").tempdir()?;
        let scene = Self { folder };
        std::fs::create_dir(scene.cargo_home())?;
        std::fs::create_dir(scene.files())?;
        Ok(scene)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn cargo_home(&self) -> PathBuf {
        self.folder.path().join("cargo-home")
    }

    /// The lock file that all is about.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.cargo_home().join(".package-cache")
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Eyes that have seen nothing yet.
    pub(crate) fn observer(&self) -> Observer<System> {
        Observer::new(System::new(), CargoHomes::new(Some(self.cargo_home().into()), None))
    }

    /// One process that holds the lock, and so many that wait for it.
    pub(crate) fn contend(&self, waiters: usize) -> io::Result<Load> {
        let lock = [OsString::from("lock"), self.lock_file().into()];
        let mut load = Load::new()?;
        load.start(1, &lock)?;
        load.until_ready(1)?;
        load.start(waiters, &lock)?;
        self.until_seen(waiters)?;
        Ok(load)
    }

    /// So many processes with so many open files each.
    pub(crate) fn crowd(&self, processes: usize, files: usize) -> io::Result<Load> {
        let mut load = Load::new()?;
        load.start(
            processes,
            &[OsString::from("files"), files.to_string().into(), self.files().into()],
        )?;
        load.until_ready(processes)?;
        std::thread::sleep(SETTLE);
        Ok(load)
    }

    fn until_seen(&self, waiters: usize) -> io::Result<()> {
        let (begin, mut observer) = (Instant::now(), self.observer());
        while begin.elapsed() < PATIENCE {
            let look = observer
                .look(lockwatch::clock::Moment::now())
                .map_err(io::Error::other)?;
            if waiters_seen(&look, &self.lock_file()) == (1, waiters) {
                std::thread::sleep(SETTLE);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::other(format!(
            "waited in vain for {waiters} processes to wait for the lock"
        )))
    }
}

/// How many hold and how many wait.
pub(crate) fn waiters_seen(look: &Look, path: &Path) -> (usize, usize) {
    let found = look.locks.iter().find(|lock| lock.path == path);
    found.map_or((0, 0), |lock| (lock.holders.len(), lock.waiters.len()))
}

/// Helpers that run until this is dropped. All have one pipe as standard input, so that thousands of them cost us no more
/// descriptors than one, and its end ends them even where nobody is left to do so.
pub(crate) struct Load {
    children: Vec<Child>,
    input: PipeReader,
    end_of_input: Option<PipeWriter>,
    ready: PipeReader,
    says_ready: PipeWriter,
}

impl Load {
    fn new() -> io::Result<Self> {
        let (input, end_of_input) = io::pipe()?;
        let (ready, says_ready) = io::pipe()?;
        Ok(Self {
            children: Vec::new(),
            input,
            end_of_input: Some(end_of_input),
            ready,
            says_ready,
        })
    }

    fn start<S: AsRef<OsStr>>(&mut self, count: usize, arguments: &[S]) -> io::Result<()> {
        let program = std::env::current_exe()?;
        for started in 0..count {
            let mut command = Command::new(&program);
            command.arg("helper").args(arguments).env_clear();
            command
                .stdin(self.input.try_clone()?)
                .stdout(self.says_ready.try_clone()?)
                .stderr(Stdio::inherit());
            let child = command.spawn().map_err(|error| {
                io::Error::other(format!(
                    "cannot start process {started} of {count} ({error}); see `ulimit -u`"
                ))
            })?;
            self.children.push(child);
        }
        Ok(())
    }

    fn until_ready(&mut self, count: usize) -> io::Result<()> {
        let mut said = vec![0; count];
        self.ready.read_exact(&mut said)?;
        if said.iter().any(|byte| *byte != helper::READY) {
            return Err(io::Error::other(
                "a process of the load could not open its files; see `ulimit -n`",
            ));
        }
        Ok(())
    }

    /// The numbers of its processes, in the order in which they were started.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.kill());
        }
        self.end_of_input = None;
        for child in &mut self.children {
            drop(child.wait());
        }
        std::thread::sleep(SETTLE);
    }
}
