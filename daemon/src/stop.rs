//! Stopping who holds a lock: gracefully, and never the wrong process.
//!
//! A stop is given a [`Token`], never a process number: a number says nothing about who has it by now. The check looks at the
//! kernel again (`check`), [`plan`] decides who may be signalled, and `ladder` is the one place of the program that signals.
//! `SIGTERM` comes first and the processes get some time; `SIGKILL` only where it is asked for, after the check again.
//!
//! Cargo has no handler for these signals and leaves its children alone (they run on under PID 1), so they are signalled too,
//! each by its own proven identity. A process group is never signalled as a group: rust-analyzer's build scripts are in the
//! editor's group, and between the look at the members of a group and the signal another one may join it.

mod check;
mod ladder;
pub mod plan;
pub mod report;
mod stops;
pub mod target;
mod tree;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use self::report::{Named, Outcome, RefusalKind, Report};
pub use self::stops::{Listener, StopEvent, Stops};
use crate::os::Kernel;
use crate::places::CargoHomes;
use crate::process::Pid;
use crate::token::Token;

/// What is to be stopped, for whom, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The process, and the lock that it must still hold.
    pub token: Token,
    /// The process that asks: neither it nor an ancestor of it is ever signalled.
    pub client: Pid,
    /// This process, which is the client or the daemon.
    pub own: Pid,
    /// Programs that may be stopped besides cargo and `cargo-*`.
    pub programs: Vec<String>,
    /// How long the processes are given to end after `SIGTERM`.
    pub grace: Duration,
    /// Whether `SIGKILL` follows where that was not enough.
    pub force: bool,
    /// Whether to say only what would be done.
    pub dry_run: bool,
}

/// What a stop is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// To send `SIGTERM`.
    Terminate,
    /// To send `SIGKILL` to those who are still there.
    Kill,
}

/// The time as a stop needs it.
pub trait Clock {
    /// The time since some moment.
    fn now(&mut self) -> Duration;
    /// Lets some time pass.
    fn sleep(&mut self, time: Duration);
}

/// The real time.
#[derive(Debug)]
pub struct RealClock(Instant);

impl RealClock {
    /// It begins now.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now(&mut self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Stops who holds the lock, or says why not. It blocks until that is done: a little more than the grace, twice that with
/// force. `told` hears of each step before it is taken.
pub fn stop<K: Kernel, C: Clock>(
    kernel: &mut K,
    clock: &mut C,
    homes: &CargoHomes,
    order: &Order,
    told: &mut dyn FnMut(Step),
) -> Report {
    let target = match check::check(kernel, homes, order) {
        Ok(target) => target,
        Err(refusal) => return Report::refused(order.token, &refusal),
    };
    ladder::Ladder::new(kernel, clock, homes, order, target).climb(told)
}

#[cfg(test)]
mod tests;
