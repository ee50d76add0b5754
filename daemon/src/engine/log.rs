//! What the engine sees, as lines of a log.
//!
//! At info is what a person looks for later: a wait, and a hold that was in somebody's way or lasted as long as one that the
//! history has a line for. Everything else can come thousands of times a second, and is for debug.

use std::time::Duration;

use crate::cargo::command;
use crate::clock::{Moment, milliseconds};
use crate::text;
use crate::tracker::{Change, HoldEnd, LockName, WaitEnd};

/// As long as a hold that gets a row in the history.
const LONG: Duration = Duration::from_millis(50);

/// One line for each thing that begins or ends.
pub(super) fn tell(change: &Change, now: &Moment) {
    let (who, lock) = match change {
        Change::Took(hold) | Change::Freed(hold, _) => (&hold.who, &hold.lock),
        Change::Asked(wait) | Change::Went(wait, _) => (&wait.who, &wait.lock),
    };
    let who = || {
        let command = command::short(&who.invocation.command);
        format!("{command} (pid {})", who.process.id.pid)
    };
    match change {
        Change::Took(_) => tracing::debug!("{} took {}", who(), name(lock)),
        Change::Asked(_) => tracing::info!("{} waits for {}", who(), name(lock)),
        Change::Freed(hold, how) => {
            let lasted = now.since(hold.begin.at);
            let line = || {
                let (who, name, time) = (who(), name(lock), milliseconds(lasted));
                match how {
                    HoldEnd::Exited => format!("{who} ended after {time} ms with {name}"),
                    _ => format!("{who} let go of {name} after {time} ms"),
                }
            };
            if hold.blocked_somebody || lasted >= LONG {
                tracing::info!("{}", line());
            } else {
                tracing::debug!("{}", line());
            }
        }
        Change::Went(wait, how) => {
            let (who, name, waited) = (who(), name(lock), milliseconds(now.since(wait.begin.at)));
            match how {
                WaitEnd::Acquired => tracing::info!("{who} got {name} after {waited} ms"),
                WaitEnd::Exited => tracing::info!("{who} ended after {waited} ms of waiting for {name}"),
                WaitEnd::Left | WaitEnd::Unseen => {
                    tracing::info!("{who} waits no more for {name}, after {waited} ms");
                }
            }
        }
    }
}

fn name(lock: &LockName) -> String {
    text::escape_path(&lock.path)
}
