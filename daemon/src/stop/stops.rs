//! Stops on behalf of others: at most one of a process at a time, and whoever wants to hear of them does.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::report::RefusalKind;
use super::{Order, RealClock, Report, Step, stop};
use crate::config;
use crate::os::System;
use crate::places::CargoHomes;
use crate::process::{Pid, ProcessId};
use crate::protocol;

/// What there is to hear of a stop.
#[derive(Clone, Copy, Debug)]
pub enum StopEvent<'a> {
    /// The processes are about to be signalled so. It comes before the first of these signals, and not at all where the stop
    /// is refused or only planned.
    Step(&'a Order, Step),
    /// It is over, also where it was refused; not told of a plan.
    End(&'a Order, &'a Report),
}

/// Who hears of stops. It is called in the thread of the stop, which waits for it.
pub type Listener = Arc<dyn Fn(StopEvent<'_>) + Send + Sync>;

/// The stops of this process. It can be cloned; the clones know of each other.
#[derive(Clone)]
pub struct Stops {
    homes: CargoHomes,
    config: config::Stop,
    under_way: Arc<Mutex<BTreeSet<ProcessId>>>,
    listener: Option<Listener>,
}

impl fmt::Debug for Stops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stops")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Stops {
    /// As the user has configured them.
    pub fn new(homes: CargoHomes, config: config::Stop) -> Self {
        Self {
            homes,
            config,
            under_way: Arc::default(),
            listener: None,
        }
    }

    /// With somebody who hears of each.
    #[must_use]
    pub fn telling(mut self, listener: Listener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Does what a client asks for. It blocks until that is done, so it is not for the thread that serves others.
    pub fn stop(&self, asked: &protocol::Stop, client: Pid, told: &mut dyn FnMut(Step)) -> Report {
        let order = Order {
            token: asked.token,
            client,
            own: std::process::id(),
            programs: self.config.programs.clone(),
            grace: asked.grace_ms.map_or(self.config.grace, Duration::from_millis),
            force: asked.force,
            dry_run: asked.dry_run,
        };
        let process = order.token.process;
        // A plan signals nobody, and may be asked for at any time.
        let _taken = if order.dry_run {
            None
        } else {
            match Taken::take(&self.under_way, process) {
                Some(taken) => Some(taken),
                None => return Report::refused(order.token, &RefusalKind::UnderWay.into()),
            }
        };
        let tell = |event: StopEvent<'_>| self.listener.iter().for_each(|listener| listener(event));
        let mut kernel = System::new();
        let report = stop(&mut kernel, &mut RealClock::new(), &self.homes, &order, &mut |step| {
            tell(StopEvent::Step(&order, step));
            told(step);
        });
        if !order.dry_run {
            tell(StopEvent::End(&order, &report));
        }
        report
    }
}

/// A process that is being stopped, until this is dropped.
struct Taken<'a> {
    all: &'a Mutex<BTreeSet<ProcessId>>,
    process: ProcessId,
}

impl<'a> Taken<'a> {
    fn take(all: &'a Mutex<BTreeSet<ProcessId>>, process: ProcessId) -> Option<Self> {
        let is_new = all.lock().unwrap_or_else(PoisonError::into_inner).insert(process);
        is_new.then_some(Self { all, process })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.process);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_stopped_once_at_a_time() {
        let all = Mutex::default();
        let one = ProcessId { pid: 4, start: 1 };
        let other = ProcessId { pid: 4, start: 2 };
        let taken = Taken::take(&all, one).expect("is free");
        assert!(Taken::take(&all, one).is_none());
        assert!(Taken::take(&all, other).is_some());
        drop(taken);
        assert!(Taken::take(&all, one).is_some());
    }
}
