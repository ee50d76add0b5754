//! States as they come: from the daemon where there is one, otherwise from an engine in this process. It moves over when a
//! daemon appears, and back when it goes.
//!
//! Whoever is slow is never queued for: the channel holds one state, the sources skip to their newest one meanwhile.
//!
//! Generations are the source's own count. They begin anew with each daemon, so nothing here compares them.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc;

use crate::client::{Client, ClientError, Subscription};
use crate::config::Thresholds;
use crate::engine::{self, Handle, Options, Published, StartError};
use crate::folders::Folders;
use crate::places::CargoHomes;
use crate::state::{Source, State};

/// What there is to tell.
#[derive(Debug)]
pub enum Update {
    /// The newest state. [`State::source`] tells who looked.
    State(Arc<Published>),
    /// What is not as it should be; states go on as far as they can.
    Trouble(Trouble),
}

/// What is not as it should be, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The daemon that was followed does not answer any more.
    #[error("the daemon has gone ({0}); looking without it, and asking for one every 2 s")]
    DaemonGone(String),
    /// There is a daemon, and it cannot be followed.
    #[error("the daemon cannot be followed: {0}; looking without it, and asking again every 2 s")]
    NoDaemon(String),
    /// No engine can be started in this process.
    #[error(transparent)]
    NoEngine(StartError),
    /// The engine in this process has ended.
    #[error("looking has ended; it begins again within 2 s")]
    EngineEnded,
}

impl Trouble {
    /// Whether it lasts until a daemon is followed again, and not only until the next state.
    pub fn is_about_the_daemon(&self) -> bool {
        matches!(self, Self::DaemonGone(_) | Self::NoDaemon(_))
    }
}

/// How often a daemon is asked for while there is none.
const RETRY: Duration = Duration::from_secs(2);

/// States, one after the other.
trait Stream {
    /// The next one. Where none comes within `patience`, it is over with [`Next::Quiet`]; without a patience it may take
    /// for ever.
    fn next(&mut self, patience: Option<Duration>) -> Next;
}

enum Next {
    State(Arc<Published>),
    Quiet,
    /// No more will come, and why.
    Ended(String),
}

/// Where states come from.
trait Sources {
    type Daemon: Stream;
    type Engine: Stream;

    /// Subscribes to the daemon; none where none runs. It takes a bounded time.
    fn connect(&mut self) -> Result<Option<Self::Daemon>, String>;

    /// Starts an engine in this process; it ends when it is dropped.
    fn engine(&mut self) -> Result<Self::Engine, StartError>;
}

/// Starts to follow the states, in a thread of its own that ends when nobody receives any more.
pub fn start(homes: CargoHomes, thresholds: Thresholds) -> std::io::Result<mpsc::Receiver<Update>> {
    let (out, updates) = mpsc::channel(1);
    let sources = Real { homes, thresholds };
    std::thread::Builder::new()
        .name("live".to_owned())
        .spawn(move || Follower::new(sources, out, RETRY).run())?;
    Ok(updates)
}

/// Nobody receives any more.
struct Closed;

/// A daemon and its first state.
type Found<D> = (D, Arc<Published>);

struct Follower<S> {
    sources: S,
    out: mpsc::Sender<Update>,
    retry: Duration,
    /// The state handed out last.
    last: Option<Arc<Published>>,
    /// Whether the next state is the first one of its source.
    moved: bool,
    /// The trouble with the daemon told last, so that the same one is not told every 2 s.
    told: Option<String>,
}

impl<S: Sources> Follower<S> {
    fn new(sources: S, out: mpsc::Sender<Update>, retry: Duration) -> Self {
        Self {
            sources,
            out,
            retry,
            last: None,
            moved: true,
            told: None,
        }
    }

    fn run(mut self) {
        drop(self.follow());
    }

    fn follow(&mut self) -> Result<(), Closed> {
        let mut found = self.connect()?;
        loop {
            if let Some((daemon, first)) = found {
                self.follow_daemon(daemon, first)?;
            }
            // Also where a daemon that went may be back already: one that crashes over and over is not asked all the time.
            found = Some(self.look_without()?);
        }
    }

    /// Asks for a daemon, and tells of it where there is one that cannot be followed.
    fn connect(&mut self) -> Result<Option<Found<S::Daemon>>, Closed> {
        let trouble = match self.sources.connect() {
            Ok(None) => {
                self.told = None;
                return Ok(None);
            }
            Ok(Some(mut daemon)) => match daemon.next(Some(RETRY)) {
                Next::State(first) => {
                    self.told = None;
                    return Ok(Some((daemon, first)));
                }
                Next::Quiet => "it does not answer".to_owned(),
                Next::Ended(why) => why,
            },
            Err(why) => why,
        };
        if self.told.as_ref() != Some(&trouble) {
            self.told = Some(trouble.clone());
            self.tell(Update::Trouble(Trouble::NoDaemon(trouble)))?;
        }
        Ok(None)
    }

    /// Until it goes.
    fn follow_daemon(&mut self, mut daemon: S::Daemon, first: Arc<Published>) -> Result<(), Closed> {
        self.moved = true;
        self.hand_out(first)?;
        loop {
            match daemon.next(None) {
                Next::State(state) => self.hand_out(state)?,
                Next::Quiet => {}
                Next::Ended(why) => return self.tell(Update::Trouble(Trouble::DaemonGone(why))),
            }
        }
    }

    /// Until there is a daemon. The engine goes on until the daemon's first state is there, so that no time is without.
    fn look_without(&mut self) -> Result<Found<S::Daemon>, Closed> {
        let mut engine: Option<S::Engine> = None;
        let mut ask_at = Instant::now() + self.retry;
        loop {
            if engine.is_none() {
                match self.sources.engine() {
                    Ok(started) => (engine, self.moved) = (Some(started), true),
                    Err(error) => self.tell(Update::Trouble(Trouble::NoEngine(error)))?,
                }
            }
            let patience = ask_at.saturating_duration_since(Instant::now());
            match engine.as_mut().map(|engine| engine.next(Some(patience))) {
                Some(Next::State(state)) => self.hand_out(state)?,
                Some(Next::Quiet) => {}
                Some(Next::Ended(_)) => {
                    engine = None;
                    self.tell(Update::Trouble(Trouble::EngineEnded))?;
                    std::thread::sleep(ask_at.saturating_duration_since(Instant::now()));
                }
                None => std::thread::sleep(patience),
            }
            if Instant::now() >= ask_at {
                if let Some(found) = self.connect()? {
                    return Ok(found);
                }
                ask_at = Instant::now() + self.retry;
            }
        }
    }

    /// Hands a state out. A new source may begin with what was told already; that is not told twice.
    fn hand_out(&mut self, state: Arc<Published>) -> Result<(), Closed> {
        let moved = std::mem::take(&mut self.moved);
        if moved && self.last.as_ref().is_some_and(|last| alike(&last.state, &state.state)) {
            return Ok(());
        }
        self.last = Some(Arc::clone(&state));
        self.tell(Update::State(state))
    }

    fn tell(&self, update: Update) -> Result<(), Closed> {
        self.out.blocking_send(update).map_err(|_| Closed)
    }
}

/// Whether two documents differ in nothing but the time that has gone by.
fn alike(one: &State, other: &State) -> bool {
    timeless(one) == timeless(other)
}

fn timeless(state: &State) -> State {
    let mut state = state.clone();
    state.as_of = Timestamp::UNIX_EPOCH;
    state.generation = None;
    for lock in &mut state.locks {
        for holder in &mut lock.holders {
            holder.held_ms = None;
        }
        for waiter in &mut lock.waiters {
            waiter.waited_ms = None;
        }
    }
    state
}

/// The real ones.
struct Real {
    homes: CargoHomes,
    thresholds: Thresholds,
}

impl Sources for Real {
    type Daemon = Subscription;
    type Engine = FromEngine;

    fn connect(&mut self) -> Result<Option<Subscription>, String> {
        let subscribe = || {
            let client = Client::connect(&Folders::from_env()?)?;
            client.map(Client::subscribe).transpose()
        };
        subscribe().map_err(|error: ClientError| error.to_string())
    }

    fn engine(&mut self) -> Result<FromEngine, StartError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let options = Options {
            homes: self.homes.clone(),
            source: Source::Direct,
            recorder: None,
            thresholds: self.thresholds,
        };
        let handle = runtime.block_on(async { engine::start(options) })?;
        Ok(FromEngine {
            handle,
            runtime,
            begun: false,
        })
    }
}

impl Stream for Subscription {
    /// The first state came with the subscription; for the others this waits until the daemon has something to tell.
    fn next(&mut self, _patience: Option<Duration>) -> Next {
        match self.next().map(|state| state.map(Published::new)) {
            Ok(Some(Ok(state))) => Next::State(Arc::new(state)),
            Ok(Some(Err(error))) => Next::Ended(error.to_string()),
            Ok(None) => Next::Ended("it has ended".to_owned()),
            Err(error) => Next::Ended(error.to_string()),
        }
    }
}

/// The states of an engine in this process. It runs while it is waited for, and ends with its runtime.
struct FromEngine {
    handle: Handle,
    runtime: Runtime,
    begun: bool,
}

impl Stream for FromEngine {
    fn next(&mut self, patience: Option<Duration>) -> Next {
        let states = &mut self.handle.states;
        if self.begun {
            let changed = async {
                match patience {
                    Some(patience) => tokio::time::timeout(patience, states.changed()).await,
                    None => Ok(states.changed().await),
                }
            };
            match self.runtime.block_on(changed) {
                Ok(Ok(())) => {}
                Ok(Err(gone)) => return Next::Ended(gone.to_string()),
                Err(_elapsed) => return Next::Quiet,
            }
        }
        self.begun = true;
        Next::State(Arc::clone(&states.borrow_and_update()))
    }
}
