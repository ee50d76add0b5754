//! Takes the wait out of a look: a thread that asks the kernel for its table of locks once, so that the look which follows
//! finds it ready.
//!
//! On Linux the first reader of `/proc/locks` after a pause sleeps for a grace period of RCU, 5 to 13 ms and more, and
//! those that follow shortly do not (`percpu_down_write` and `rcu_sync_enter`). In that time the engine can glance.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc;

/// A table that was read so shortly before is ready.
const STAYS_WARM: Duration = Duration::from_millis(2);

/// It is waited for so long at most.
const LONGEST: Duration = Duration::from_millis(50);

/// The thread; it ends with this.
#[derive(Debug)]
pub(super) struct Warmer {
    ask: SyncSender<()>,
    /// Since when the thread is at it.
    asked: Option<Duration>,
}

impl Warmer {
    /// Starts the thread; what comes out says that the table is ready.
    pub(super) fn new() -> io::Result<(Self, mpsc::Receiver<()>)> {
        let (ask, asked) = sync_channel(1);
        let (ready, is_ready) = mpsc::channel(1);
        let thread = std::thread::Builder::new().name("warmer".to_owned());
        thread.spawn(move || warm_up(&asked, &ready))?;
        let warmer = Self { ask, asked: None };
        Ok((warmer, is_ready))
    }

    /// Whether a look is to wait until the table is ready; the last one ended at that time.
    pub(super) fn must_wait(&mut self, last_look: Duration, now: Duration) -> bool {
        if let Some(asked) = self.asked {
            return now.saturating_sub(asked) < LONGEST; // then the look does its own waiting
        }
        if now.saturating_sub(last_look) <= STAYS_WARM {
            return false;
        }
        self.asked = self.ask.try_send(()).is_ok().then_some(now);
        self.asked.is_some()
    }

    /// Whether the thread is at it.
    pub(super) fn is_at_it(&self) -> bool {
        self.asked.is_some()
    }

    /// The table is ready, or is not waited for any more.
    pub(super) fn is_ready(&mut self) {
        self.asked = None;
    }
}

fn warm_up(asked: &Receiver<()>, ready: &mpsc::Sender<()>) {
    while asked.recv().is_ok() {
        crate::os::warm_up();
        if ready.blocking_send(()).is_err() {
            return;
        }
    }
}
