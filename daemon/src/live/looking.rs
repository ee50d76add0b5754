//! An engine that looks once a second, and at once when it is asked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::alike;
use crate::clock::Moment;
use crate::engine::{Handle, Published, Request};
use crate::observation::Observer;
use crate::os::{LookError, System};
use crate::places::CargoHomes;
use crate::process::ProcessId;
use crate::state::State;
use crate::wait_graph::WaitGraph;

/// A circle of waiting counts when two looks so far apart show it.
const PERIOD: Duration = Duration::from_secs(1);

struct Looker {
    observer: Observer<System>,
    /// Who was in a circle in the last look of the clock.
    circular: BTreeSet<ProcessId>,
}

impl Looker {
    fn look(&mut self, by_the_clock: bool) -> Result<Arc<Published>, LookError> {
        let look = self.observer.look(Moment::now())?;
        let circular = WaitGraph::of(&look).circular().clone();
        let confirmed = circular.intersection(&self.circular).copied().collect();
        if by_the_clock {
            self.circular = circular;
        }
        let state = State::direct(&look, &confirmed);
        // A document of strings, numbers and lists is always written.
        Published::new(state)
            .map(Arc::new)
            .map_err(|error| LookError::Processes(error.into()))
    }
}

/// Looks, and goes on in a thread of its own until the handle is dropped or a look cannot be made.
pub(super) fn start() -> Result<Handle, LookError> {
    let mut looker = Looker {
        observer: Observer::new(System::new(), CargoHomes::from_env()),
        circular: BTreeSet::new(),
    };
    let (publish, states) = watch::channel(looker.look(true)?);
    let (requests, mut requested) = mpsc::channel(16);
    let waiting = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(LookError::Processes)?;
    let looking = move || {
        loop {
            let request = match waiting.block_on(async { timeout(PERIOD, requested.recv()).await }) {
                Ok(None) => return,
                Ok(Some(request)) => Some(request),
                Err(_elapsed) => None,
            };
            let Ok(seen) = looker.look(request.is_none()) else {
                return;
            };
            publish.send_if_modified(|last| {
                let news = !alike(&last.state, &seen.state);
                if news {
                    *last = Arc::clone(&seen);
                }
                news
            });
            if let Some(Request::Look(answer)) = request {
                drop(answer.send(seen));
            }
        }
    };
    std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(looking)
        .map_err(LookError::Processes)?;
    Ok(Handle { states, requests })
}
