//! What a helper process does: takes flocks as Cargo does, says when it has them, and ends when its standard input does,
//! so that none outlives its test.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;
use rustix::io::FdFlags;

/// Runs the helper whose name comes first.
pub(crate) fn main(mut arguments: impl Iterator<Item = OsString>) {
    let name = arguments
        .next()
        .expect("a helper's name")
        .into_string()
        .expect("a plain name");
    let arguments: Vec<OsString> = arguments.collect();
    match name.as_str() {
        "lock" => lock(&arguments),
        "steps" => steps(&arguments),
        "many" => many(&arguments),
        "waiters" => waiters(&arguments),
        "churn" => churn(&arguments),
        // It ends at once: its child sits in its place.
        "bequeath" => return bequeath(&arguments),
        "open" => open_only(&arguments),
        "open-and-lock" => open_and_lock(&arguments),
        "upgrade" => upgrade(&arguments),
        "record" => return with_lock(&arguments, crate::history::record),
        "fill" => return with_lock(&arguments, crate::history::fill),
        "terminal" => terminal(&arguments),
        "start-locked" => start_locked(&arguments),
        "sit" => {}
        "family" => {
            let _held = crate::stop::family(&arguments);
            return until_told();
        }
        "ask" => {
            let _held = crate::stop::ask(&arguments);
            return until_told();
        }
        "numbered" => crate::stop::numbered(&arguments),
        "reuse" => return crate::stop::reuse(),
        "daemon" => return crate::socket::daemon_helper(&arguments),
        #[cfg(target_os = "linux")]
        "on-fuse" => crate::doctor::on_fuse(&arguments),
        "connect" => return crate::socket::connect_helper(&arguments),
        other => panic!("no helper is called {other}"),
    }
    until_told();
}

pub(crate) fn open(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .expect("opens")
}

fn operation(word: &OsString) -> FlockOperation {
    match word.to_str() {
        Some("exclusive") => FlockOperation::LockExclusive,
        Some("shared") => FlockOperation::LockShared,
        _ => panic!("no mode is called {}", word.display()),
    }
}

pub(crate) fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    // The test may have ended: then there is nobody to tell.
    drop(writeln!(out, "{word}").and_then(|()| out.flush()));
}

/// Waits for the end of standard input, which comes at the latest with the end of the test.
fn until_told() {
    let mut line = String::new();
    while std::io::stdin()
        .lock()
        .read_line(&mut line)
        .is_ok_and(|length| length > 0)
    {}
}

/// `… HOME PATH`: takes a lock, and writes about it into the history in a folder.
fn with_lock(arguments: &[OsString], write: fn(&Path, &Path)) {
    let file = open(arguments[1].as_ref());
    rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("locks");
    write(arguments[0].as_ref(), arguments[1].as_ref());
}

/// `lock MODE PATH [MODE PATH …]`: takes the locks one after the other, and keeps them.
fn lock(arguments: &[OsString]) {
    let mut held = Vec::new();
    for pair in arguments.chunks(2) {
        let file = open(pair[1].as_ref());
        rustix::fs::flock(&file, operation(&pair[0])).expect("locks");
        say("locked");
        held.push(file);
    }
    until_told();
}

/// `steps MODE PATH [MODE PATH …]`: as `lock`, but waits for a line before each lock but the first.
fn steps(arguments: &[OsString]) {
    let mut held: Vec<File> = Vec::new();
    for pair in arguments.chunks(2) {
        if !held.is_empty() {
            std::io::stdin().lock().read_line(&mut String::new()).expect("reads");
        }
        let file = open(pair[1].as_ref());
        rustix::fs::flock(&file, operation(&pair[0])).expect("locks");
        say("locked");
        held.push(file);
    }
    until_told();
}

/// `many COUNT FOLDER`: holds COUNT locks, `FOLDER/0/.package-cache` and so on.
fn many(arguments: &[OsString]) {
    let count: usize = arguments[0]
        .to_str()
        .and_then(|text| text.parse().ok())
        .expect("a count");
    let held: Vec<File> = (0..count)
        .map(|number| {
            let folder = Path::new(&arguments[1]).join(number.to_string());
            std::fs::create_dir_all(&folder).expect("makes the folder");
            let file = open(&folder.join(".package-cache"));
            rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("locks");
            file
        })
        .collect();
    say("locked");
    until_told();
    drop(held);
}

/// `waiters COUNT PATH`: starts COUNT processes that wait for one lock, and ends them at its own end.
fn waiters(arguments: &[OsString]) {
    let count: usize = arguments[0]
        .to_str()
        .and_then(|text| text.parse().ok())
        .expect("a count");
    let mut children: Vec<_> = (0..count)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().expect("own path"));
            command.args(["helper", "lock", "exclusive"]).arg(&arguments[1]);
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("starts")
        })
        .collect();
    say("started");
    until_told();
    for child in &mut children {
        drop(child.kill());
    }
    for child in &mut children {
        drop(child.wait());
    }
}

/// `churn FOLDER`: takes and releases locks, each on a file of its own, as fast as it can.
fn churn(arguments: &[OsString]) {
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    std::thread::spawn(move || {
        until_told();
        stopped.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let paths: Vec<PathBuf> = (0..8)
        .map(|number| Path::new(&arguments[0]).join(format!(".cargo-churn{number}-lock")))
        .collect();
    say("started");
    let mut held = std::collections::VecDeque::new();
    for path in paths.iter().cycle() {
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        let file = open(path);
        rustix::fs::flock(&file, FlockOperation::LockShared).expect("locks");
        held.push_back(file);
        if held.len() > 5 {
            held.pop_front();
        }
    }
}

/// `bequeath PATH`: takes a lock, hands the descriptor to a child by inheritance, says the child's number, and ends. The
/// child sits on the same standard input.
fn bequeath(arguments: &[OsString]) {
    let file = open(arguments[0].as_ref());
    rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("locks");
    rustix::io::fcntl_setfd(file.as_fd(), FdFlags::empty()).expect("keeps it open across exec");
    #[expect(clippy::zombie_processes, reason = "the child is to outlive this process")]
    let child = Command::new(std::env::current_exe().expect("own path"))
        .args(["helper", "sit"])
        .spawn()
        .expect("starts");
    say(&child.id().to_string());
}

/// `start-locked PATH PROGRAM [ARGUMENT …]`: takes a lock, starts a program, and says its exit code and what it said.
fn start_locked(arguments: &[OsString]) {
    let held = open(arguments[0].as_ref());
    rustix::fs::flock(&held, FlockOperation::LockExclusive).expect("locks");
    let mut command = Command::new(&arguments[1]);
    let output = command
        .args(&arguments[2..])
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
    say(&format!("{} {said}", output.status.code().expect("ends by itself")));
}

/// `terminal PROGRAM [ARGUMENT …]`: becomes a program that its standard input is the terminal of, as a window's first one.
fn terminal(arguments: &[OsString]) -> ! {
    rustix::process::setsid().expect("is no leader");
    rustix::process::ioctl_tiocsctty(std::io::stdin()).expect("takes the terminal");
    let error = Command::new(&arguments[0]).args(&arguments[1..]).exec();
    panic!("cannot become {}: {error}", arguments[0].display());
}

/// `open PATH`: has a lock file open and does nothing with it.
fn open_only(arguments: &[OsString]) {
    let file = open(arguments[0].as_ref());
    say("opened");
    until_told();
    drop(file);
}

/// `open-and-lock PATH PATH`: has the first open, and locks the second.
fn open_and_lock(arguments: &[OsString]) {
    let only_open = open(arguments[0].as_ref());
    say("opened");
    let file = open(arguments[1].as_ref());
    rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("locks");
    say("locked");
    until_told();
    drop((only_open, file));
}

/// `upgrade PATH`: holds a lock shared, and then asks for it alone on the same descriptor.
fn upgrade(arguments: &[OsString]) {
    let file = open(arguments[0].as_ref());
    rustix::fs::flock(&file, FlockOperation::LockShared).expect("locks");
    say("shared");
    rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("locks");
    say("exclusive");
    until_told();
}
