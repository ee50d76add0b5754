//! The loop: wake, look, track, judge, record, publish.
//!
//! It runs as one task. Everything that it does between two waits takes microseconds to a few milliseconds, so nobody who
//! is served by the same thread waits for it.

mod core;
mod log;
mod run;
mod samples;
mod schedule;
mod storms;
mod warmer;
mod watches;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

pub use self::run::{Options, StartError, start};
use crate::process::ProcessId;
use crate::state::State;
use crate::stop::Report;
use crate::tracker::HoldEnd;

/// What the engine made of its newest look.
#[derive(Debug)]
pub struct Published {
    /// The document.
    pub state: State,
    /// The same as one line of JSON, without a line end: made once for all who want it.
    pub json: Arc<str>,
}

impl Published {
    /// Writes the document out.
    pub fn new(state: State) -> serde_json::Result<Self> {
        let json = serde_json::to_string(&state)?.into();
        Ok(Self { state, json })
    }
}

/// What the engine is asked for.
#[derive(Debug)]
pub enum Request {
    /// A look made after the request came.
    Look(oneshot::Sender<Arc<Published>>),
    /// To know that lockwatch stops a process, so that an end of its holds is put down to that; none: it is not at it any more.
    Stopping(ProcessId, Option<HoldEnd>),
    /// To write down that a stop is over.
    Stopped(Box<Report>),
}

/// The engine, for those who run in the same process. It can be cloned; the engine ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Handle {
    /// The newest state. Whoever is slow sees the newest one next, and none is queued for him.
    pub states: watch::Receiver<Arc<Published>>,
    /// The way to ask.
    pub requests: mpsc::Sender<Request>,
}

impl Handle {
    /// The state by a look made after this call; none where the engine has ended.
    pub async fn look(&self) -> Option<Arc<Published>> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::Look(answer)).await.ok()?;
        answered.await.ok()
    }
}
