//! What wakes the engine on Linux, in one epoll: processes that end, and a time that has come.
//!
//! The time is a timerfd's, on the clock that goes on while the machine sleeps, because a look is due a tenth of a millisecond after a lock file was opened, and the timers of
//! an event loop count whole milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::process::PidfdFlags;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use crate::os::Ring;
use crate::process::Pid;

/// See [`crate::os::Ring`] for what it tells.
#[derive(Debug)]
pub struct Bell {
    epoll: OwnedFd,
    timer: OwnedFd,
    followed: BTreeMap<Pid, OwnedFd>,
}

/// No process has this number.
const TIMER: u64 = u64::MAX;
/// So many processes are followed; of the others the looks tell.
const MOST: usize = 256;

impl Bell {
    /// A bell that nothing rings yet.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Boottime, flags)?;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN)?;
        Ok(Self {
            epoll,
            timer,
            followed: BTreeMap::new(),
        })
    }

    /// Rings after some time, in place of what was set before. The kernel bundles timers by itself where they are a process's
    /// that asked for it; there is no leeway to give to one.
    pub fn set_alarm(&mut self, after: Duration, _leeway: Duration) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A time of zero would switch the timer off.
        let value = Timespec::try_from(after.max(Duration::from_nanos(1))).map_err(io::Error::other)?;
        let once = Itimerspec {
            it_interval: zero,
            it_value: value,
        };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Rings when one of these processes ends, of too many the first, and for no others. A process that has ended already is told at once. The
    /// release of a lock is told by the event of the file's closing, so nothing is done about the files.
    pub fn follow(&mut self, processes: &[Pid], _files: &BTreeSet<PathBuf>) -> Vec<Ring> {
        let wanted: BTreeSet<Pid> = processes.iter().copied().take(MOST).collect();
        self.followed.retain(|pid, _| wanted.contains(pid)); // closing takes it out of the epoll
        let mut rings = Vec::new();
        for pid in wanted {
            if self.followed.contains_key(&pid) {
                continue;
            }
            match self.add(pid) {
                Ok(pidfd) => {
                    self.followed.insert(pid, pidfd);
                }
                Err(error) if error == rustix::io::Errno::SRCH => rings.push(Ring::Exited(pid)),
                Err(_) => {} // no descriptors left: the looks tell
            }
        }
        rings
    }

    fn add(&self, pid: Pid) -> rustix::io::Result<OwnedFd> {
        let number = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        let number = number.ok_or(rustix::io::Errno::SRCH)?;
        let pidfd = rustix::process::pidfd_open(number, PidfdFlags::empty())?;
        let data = epoll::EventData::new_u64(pid.into());
        epoll::add(&self.epoll, &pidfd, data, epoll::EventFlags::IN)?;
        Ok(pidfd)
    }

    /// What has rung, each thing once.
    pub fn rings(&mut self) -> BTreeSet<Ring> {
        let mut rings = BTreeSet::new();
        loop {
            let mut buffer = [MaybeUninit::uninit(); 64];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            let Ok((events, rest)) = epoll::wait(&self.epoll, &mut buffer, Some(&at_once)) else {
                return rings;
            };
            for event in &*events {
                if event.data.u64() == TIMER {
                    let _ = rustix::io::read(&self.timer, &mut [0_u8; 8]);
                    rings.insert(Ring::Alarm);
                } else if let Ok(pid) = Pid::try_from(event.data.u64()) {
                    self.followed.remove(&pid);
                    rings.insert(Ring::Exited(pid));
                }
            }
            if !rest.is_empty() {
                return rings;
            }
        }
    }
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn child() -> Child {
        Command::new("cat").stdin(Stdio::piped()).spawn().expect("starts")
    }

    fn end(child: &mut Child) {
        drop(child.stdin.take());
        child.wait().expect("ends");
    }

    fn until_it_rings(bell: &mut Bell) -> BTreeSet<Ring> {
        let epoll = rustix::io::dup(&bell.epoll).expect("a descriptor");
        let mut fds = [rustix::event::PollFd::new(&epoll, rustix::event::PollFlags::IN)];
        let rung = rustix::event::poll(&mut fds, None).expect("waits");
        assert_eq!(rung, 1);
        bell.rings()
    }

    #[test]
    fn an_alarm_rings_once() {
        let mut bell = Bell::new().expect("a bell");
        assert_eq!(bell.rings(), BTreeSet::new());
        bell.set_alarm(Duration::ZERO, Duration::ZERO).expect("is set");
        assert_eq!(until_it_rings(&mut bell), BTreeSet::from([Ring::Alarm]));
        assert_eq!(bell.rings(), BTreeSet::new());
        bell.set_alarm(Duration::from_hours(1), Duration::ZERO).expect("is set");
        bell.set_alarm(Duration::from_micros(100), Duration::ZERO)
            .expect("is set again");
        assert_eq!(until_it_rings(&mut bell), BTreeSet::from([Ring::Alarm]));
    }

    #[test]
    fn it_rings_for_the_processes_that_it_follows() {
        let mut bell = Bell::new().expect("a bell");
        let (mut followed, mut left) = (child(), child());
        let both = [followed.id(), left.id()];
        assert_eq!(bell.follow(&both, &BTreeSet::new()), []);
        assert_eq!(bell.follow(&[followed.id()], &BTreeSet::new()), []);
        end(&mut left);
        end(&mut followed);
        assert_eq!(until_it_rings(&mut bell), BTreeSet::from([Ring::Exited(followed.id())]));
        assert_eq!(
            bell.follow(&[left.id()], &BTreeSet::new()),
            [Ring::Exited(left.id())],
            "one that has ended already"
        );
    }
}
