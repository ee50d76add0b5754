//! What a helper process does: takes flocks as Cargo does, and prints when. It ends at the latest when its standard input
//! does, so that none outlives the benchmark.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::daemon::now;

/// Runs the helper whose name comes first.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments.filter_map(|argument| argument.into_string().ok()).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["once", path, hold] => once(path.as_ref(), number(hold)),
        ["churn", path, per_second] => churn(path.as_ref(), number(per_second)),
        ["build", path, children] => build(path.as_ref(), number(children)),
        ["spin"] => spin(),
        ["sleep", count] => sleep(number(count)),
        ["wait", path, count] => wait(path.as_ref(), number(count)),
        _ => Err(io::Error::other("no helper is called so")),
    };
    if done.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A helper's command line, with its standard input and output piped.
pub(crate) fn command(arguments: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("helper").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}

/// A helper that runs; it is ended, by its number, with this.
pub(crate) struct Helper(pub(crate) Child);

impl Helper {
    pub(crate) fn start(arguments: &[&str]) -> io::Result<Self> {
        command(arguments)?.spawn().map(Self)
    }

    /// Waits until it says that it is ready.
    pub(crate) fn ready(&mut self) -> io::Result<()> {
        let mut byte = [0];
        self.0.stdout.as_mut().map_or(Ok(()), |out| out.read_exact(&mut byte))
    }
}

/// Takes a lock once, in a process of its own as each cargo is one; gives its number, and when it had the lock and when it
/// let go.
pub(crate) fn take_once(path: &str, hold: u32) -> io::Result<(u32, Duration, Duration)> {
    let mut helper = Helper::start(&["once", path, &hold.to_string()])?;
    let pid = helper.0.id();
    let mut text = String::new();
    helper
        .0
        .stdout
        .as_mut()
        .map_or(Ok(0), |out| out.read_to_string(&mut text))?;
    let nanoseconds = |word: Option<&str>| {
        let number = word.and_then(|word| word.parse().ok()).map(Duration::from_nanos);
        number.ok_or_else(|| io::Error::other("the helper said nothing"))
    };
    let mut words = text.split_whitespace();
    Ok((pid, nanoseconds(words.next())?, nanoseconds(words.next())?))
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_default()
}

fn milliseconds(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

fn locked(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn until_told() -> io::Result<()> {
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}

/// Takes a lock once, for so long, and prints when it had it and when it let go, in nanoseconds.
fn once(path: &Path, hold: u32) -> io::Result<()> {
    let file = locked(path)?;
    let taken = now();
    std::thread::sleep(milliseconds(hold));
    let freed = now();
    drop(file);
    say(&format!("{} {}\n", taken.as_nanos(), freed.as_nanos()))
}

/// Takes and releases a lock so many times a second.
fn churn(path: &Path, per_second: u32) -> io::Result<()> {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let _ = until_told();
        drop(end);
    });
    say("r")?;
    let begin = Instant::now();
    let mut count = 0_u32;
    while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
        drop(locked(path)?);
        count += 1;
        let due = Duration::from_secs(1) * count / per_second.max(1);
        // In small steps: a sleep is longer than what is asked for by some 60 microseconds.
        if let Some(ahead) = due
            .checked_sub(begin.elapsed())
            .filter(|ahead| *ahead > Duration::from_millis(1))
        {
            std::thread::sleep(ahead);
        }
    }
    say(&format!("{count} {}\n", begin.elapsed().as_nanos()))
}

/// Holds a lock while so many children are busy.
fn build(path: &Path, children: u32) -> io::Result<()> {
    let file = locked(path)?;
    let children: Vec<Helper> = (0..children)
        .map(|_| Helper::start(&["spin"]))
        .collect::<io::Result<_>>()?;
    say("r")?;
    until_told()?;
    drop((children, file));
    Ok(())
}

fn spin() -> io::Result<()> {
    std::thread::spawn(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    until_told()
}

/// Processes that do nothing; they end with one pipe.
fn sleep(count: u32) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    let children: Vec<Child> = (0..count).map(|_| idle(&reader)).collect::<io::Result<_>>()?;
    say("r")?;
    until_told()?;
    drop(writer);
    children.into_iter().try_for_each(|mut child| child.wait().map(drop))
}

fn idle(reader: &PipeReader) -> io::Result<Child> {
    Command::new("cat")
        .stdin(reader.try_clone()?)
        .stdout(Stdio::null())
        .spawn()
}

/// Processes that wait for a lock.
fn wait(path: &Path, count: u32) -> io::Result<()> {
    let text = path.to_string_lossy();
    let mut children: Vec<Child> = (0..count)
        .map(|_| command(&["once", &text, "0"])?.stdout(Stdio::null()).spawn())
        .collect::<io::Result<_>>()?;
    say("r")?;
    until_told()?;
    for child in &mut children {
        child.kill()?;
    }
    children.into_iter().try_for_each(|mut child| child.wait().map(drop))
}
