//! What the tests share: children that end with the test, looks, and waiting for a condition.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use lockwatch::observation::{Look, Observer};
use lockwatch::os::System;
use lockwatch::places::CargoHomes;
use lockwatch::state::{Holder, Lock, State, Waiter};

/// No condition takes this long, however loaded the machine is: whoever waits longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until a condition gives a value.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A child process that is ended, by its number, when the test is done with it.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    /// Whether it has children of its own to end first, when its standard input ends.
    ends_itself: bool,
}

impl Running {
    /// Starts a command with its standard input and output piped.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Self {
            child,
            input,
            output,
            ends_itself: false,
        }
    }

    /// Lets it end by itself at the end of its standard input.
    #[must_use]
    pub(crate) fn ending_itself(mut self) -> Self {
        self.ends_itself = true;
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output
            .as_mut()
            .expect("piped")
            .read_line(&mut line)
            .expect("reads");
        line.trim_end().to_owned()
    }

    /// Writes a line to it.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("piped"), "{line}").expect("writes");
    }

    /// Ends it at once, and waits for that.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.input = None;
        if self.ends_itself {
            drop(self.child.wait());
        }
        self.kill();
    }
}

/// A helper's command line.
pub(crate) fn helper_command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command.arg("helper").args(arguments);
    command
}

/// Starts a helper.
pub(crate) fn helper<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Running {
    Running::start(&mut helper_command(arguments))
}

/// A helper that holds a lock.
pub(crate) fn holder(mode: &str, path: &Path) -> Running {
    let mut running = helper([OsStr::new("lock"), mode.as_ref(), path.as_ref()]);
    assert_eq!(running.line(), "locked");
    running
}

/// A helper that waits for a lock: it is known to wait when a look shows it.
pub(crate) fn waiter(mode: &str, path: &Path) -> Running {
    helper([OsStr::new("lock"), mode.as_ref(), path.as_ref()])
}

/// Eyes of our own.
pub(crate) fn observer() -> Observer<System> {
    Observer::new(System::new(), CargoHomes::from_env())
}

/// One look.
pub(crate) fn look() -> Look {
    observer().look(lockwatch::clock::Moment::now()).expect("looks")
}

/// One look, as the document.
pub(crate) fn state() -> State {
    State::direct(&look(), &std::collections::BTreeSet::new())
}

/// The lock of a file, by its path.
pub(crate) fn lock<'a>(state: &'a State, path: &Path) -> Option<&'a Lock> {
    let path = path.to_str().expect("a plain path");
    state.locks.iter().find(|lock| lock.path == path)
}

/// Waits until a look shows so many holders and waiters of a file, and gives that state.
pub(crate) fn until_seen(path: &Path, holders: usize, waiters: usize) -> (State, Lock) {
    let mut observer = observer();
    until(
        &format!("{holders} holders and {waiters} waiters of {}", path.display()),
        || {
            let look = observer.look(lockwatch::clock::Moment::now()).expect("looks");
            let state = State::direct(&look, &std::collections::BTreeSet::new());
            let found = lock(&state, path)?;
            let fits = found.holders.len() == holders && found.waiters.len() == waiters;
            fits.then(|| found.clone()).map(|lock| (state, lock))
        },
    )
}

/// The process numbers of holders.
pub(crate) fn holder_pids(lock: &Lock) -> Vec<u32> {
    sorted(lock.holders.iter().map(|holder: &Holder| holder.process.pid))
}

/// The process numbers of waiters.
pub(crate) fn waiter_pids(lock: &Lock) -> Vec<u32> {
    sorted(lock.waiters.iter().map(|waiter: &Waiter| waiter.process.pid))
}

/// In order.
pub(crate) fn sorted(pids: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut pids: Vec<u32> = pids.into_iter().collect();
    pids.sort_unstable();
    pids
}

/// A folder of the test's own, closed to others, as the daemon wants it.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("lockwatch-test-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir()
        .expect("makes a folder")
}

/// The binary, beside no daemon.
pub(crate) fn lockwatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockwatch"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.env("LOCKWATCH_HOME", "/nonexistent");
    command
}
