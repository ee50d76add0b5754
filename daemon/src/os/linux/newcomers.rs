//! Which processes are new, without a look at all of `/proc`: the kernel tells the number that it gave out last.

use std::fs::File;
use std::io::Read;

use rustix::process::PidfdFlags;

use crate::process::Pid;

/// The last field of this file is the newest process number (Linux' `fs/proc/loadavg.c`).
const LOADAVG: &str = "/proc/loadavg";

/// So many numbers are tried, from the newest on down: whoever has just opened a lock file has mostly just begun.
const TRIED: Pid = 256;

/// So many processes are told at a time.
const TOLD: usize = 64;

/// Remembers the newest number.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    last: Option<Pid>,
}

impl Newcomers {
    /// The processes that began since the last call, the newest first; none the first time.
    pub(super) fn since_last_time(&mut self) -> Vec<Pid> {
        let Some(newest) = newest_number() else {
            return Vec::new();
        };
        let Some(last) = self.last.replace(newest) else {
            return Vec::new();
        };
        candidates(last, newest)
            .filter(|pid| is_process(*pid))
            .take(TOLD)
            .collect()
    }
}

/// The numbers that were given out after `last`, the newest first. They are given out in order, and begin at the bottom
/// again after the highest one; what was given out before that is passed over.
fn candidates(last: Pid, newest: Pid) -> impl Iterator<Item = Pid> {
    let oldest = if newest < last { 0 } else { last };
    (oldest + 1..=newest).rev().take(TRIED as usize)
}

fn newest_number() -> Option<Pid> {
    let mut text = [0; 128];
    let length = File::open(LOADAVG).ok()?.read(&mut text).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    text.split_ascii_whitespace().next_back()?.parse().ok()
}

/// Threads have numbers too, and a folder under `/proc` each, but no pidfd.
fn is_process(pid: Pid) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_numbers_begin_again() {
        let list = |last, newest| candidates(last, newest).collect::<Vec<Pid>>();
        assert_eq!(list(10, 13), [13, 12, 11]);
        assert_eq!(list(10, 10), [0; 0]);
        assert_eq!(list(4_000_000, 2), [2, 1]);
        let many = list(0, 100_000);
        assert_eq!((many.len(), many[0]), (TRIED as usize, 100_000));
    }

    #[test]
    fn a_new_process_is_told_and_a_thread_is_not() {
        let mut newcomers = Newcomers::default();
        assert_eq!(newcomers.since_last_time(), [0; 0]);
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let link = std::fs::read_link("/proc/thread-self").expect("reads");
            let _ = ended.recv();
            let number = link.file_name().expect("PID/task/TID").to_str().expect("plain");
            number.parse::<Pid>().expect("a number")
        });
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("starts");
        let told = newcomers.since_last_time();
        drop(end);
        let thread = thread.join().expect("ends");
        drop(child.stdin.take());
        child.wait().expect("ends");
        assert!(told.contains(&child.id()), "{told:?} has no {}", child.id());
        assert!(!told.contains(&thread), "{told:?} has {thread}");
    }
}
