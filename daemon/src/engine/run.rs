//! The loop itself, with everything that it waits for.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot, watch};

use super::core::{Core, Outcome, Trouble};
use super::log;
use super::schedule::Schedule;
use super::warmer::Warmer;
use super::watches::Watches;
use super::{Handle, Published, Request};
use crate::clock::Moment;
use crate::config::Thresholds;
use crate::history::Recorder;
use crate::observation::{Look, Observer};
use crate::os::{Bell, FileId, LookError, PACE, Ring, System};
use crate::places::CargoHomes;
use crate::state::Source;
use crate::text;
use crate::tracker::{Change, Tracker};
use crate::wake::{FileEvent, Folders};

/// How an engine is to run.
#[derive(Debug)]
pub struct Options {
    /// The Cargo homes to watch.
    pub homes: CargoHomes,
    /// Who is said to have looked.
    pub source: Source,
    /// What writes down what was, if anything does.
    pub recorder: Option<Recorder>,
    /// When a holder counts as what.
    pub thresholds: Thresholds,
}

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The first look failed.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The first state could not be written out.
    #[error("the state cannot be written as JSON")]
    Json,
    /// The system gives nothing to wait with.
    #[error("cannot wait for anything: {0}; raise the limit of open files (`ulimit -n`)")]
    Runtime(#[source] io::Error),
    /// The system gives nothing to be woken by.
    #[error("cannot watch processes: {0}; raise the limit of open files (`ulimit -n`)")]
    Bell(#[source] io::Error),
}

/// Requests that wait at most; whoever asks more waits for room.
const REQUESTS: usize = 64;
/// Where no event tells that a lock was taken, it is looked for so long after a process began that may take one.
const AFTER_A_NEWCOMER: Duration = Duration::from_secs(10);
/// What lasts is written down so often: a crash loses no more of it.
const CHECKPOINT: Duration = Duration::from_mins(1);

/// Looks for the first time, and starts the loop as a task of the current runtime.
pub fn start(options: Options) -> Result<Handle, StartError> {
    let Options {
        homes,
        source,
        recorder,
        thresholds,
    } = options;
    let (mut places, left_open) = recorder
        .as_ref()
        .map_or_else(Default::default, |recorder| (recorder.places(), recorder.left_open()));
    places.reverse(); // the oldest first
    let folders = Folders::new(homes.folders().iter().cloned(), places);
    let tracker = Tracker::resuming(left_open);
    let core = Core::new(Observer::new(System::tested(), homes), tracker, source, thresholds);
    let bell = Bell::new().map_err(StartError::Bell)?;
    #[expect(
        deprecated,
        reason = "the successor is unsafe for types that change their descriptor; a bell keeps the one that it owns"
    )]
    let bell = AsyncFd::with_interest(bell, Interest::READABLE).map_err(StartError::Bell)?;
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (warmer, ready) = if PACE.looks_need_preparation {
        let (warmer, ready) = Warmer::new().map_err(StartError::Bell)?;
        (Some(warmer), ready)
    } else {
        (None, mpsc::channel(1).1)
    };
    let mut engine = Engine {
        core,
        recorder,
        checkpoint: None,
        schedule: Schedule::new(PACE),
        watches: Watches::new(folders),
        bell,
        warmer,
        looked: Duration::ZERO,
        newcomer: None,
    };
    let now = Moment::now();
    // The watches come before the first look, so that nothing is missed in between.
    engine.set_watches(now.since_boot);
    let look = engine.core.look(now)?;
    engine.take(look);
    let first = engine.core.publish(now, true).ok_or(StartError::Json)?;
    engine.schedule_the_next(now.since_boot);
    engine.see(now);
    engine.follow(now.since_boot);
    // From here on the kernel is asked who is new; the first answer is always that nobody is.
    engine.core.glance(now, &BTreeSet::new());
    let (states, seen) = watch::channel(first.published);
    tokio::spawn(engine.run(ready, asked, states));
    Ok(Handle { states: seen, requests })
}

struct Engine {
    core: Core<System>,
    recorder: Option<Recorder>,
    /// When what lasts was written down last.
    checkpoint: Option<Duration>,
    schedule: Schedule,
    watches: Watches,
    bell: AsyncFd<Bell>,
    /// None where the system needs none.
    warmer: Option<Warmer>,
    /// When the last look ended.
    looked: Duration,
    /// When a process was seen last that was new and may take a lock.
    newcomer: Option<Duration>,
}

impl Engine {
    async fn run(
        mut self,
        mut ready: mpsc::Receiver<()>,
        mut requests: mpsc::Receiver<Request>,
        states: watch::Sender<Arc<Published>>,
    ) {
        let mut batch = Vec::new();
        let mut waiting = Vec::new();
        loop {
            let preparing = self.warmer.as_ref().is_some_and(Warmer::is_at_it);
            let now = Moment::now().since_boot;
            let (mut wait, mut leeway) = self.schedule.wait(now, preparing);
            let samples = self.core.samples_due().map(|due| due.saturating_sub(now));
            if let Some(until) = samples.filter(|until| *until < wait) {
                (wait, leeway) = (until, Duration::ZERO);
            }
            if let Err(error) = self.bell.get_mut().set_alarm(wait, leeway) {
                tracing::error!("cannot set a timer: {error}");
            }
            let mut is_ready = false;
            tokio::select! {
                biased;
                Some(()) = ready.recv() => {
                    self.warmer.iter_mut().for_each(Warmer::is_ready);
                    is_ready = true;
                }
                rung = self.bell.readable_mut() => {
                    if let Ok(mut rung) = rung {
                        rung.clear_ready();
                    }
                    self.take_rings();
                }
                () = self.watches.next(&mut batch) => self.take_events(batch.drain(..)),
                request = requests.recv() => match request {
                    Some(request) => self.take_request(request, &mut waiting),
                    None => return self.end(),
                }
            }
            loop {
                match requests.try_recv() {
                    Ok(request) => self.take_request(request, &mut waiting),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => return self.end(),
                }
            }
            self.act(&mut waiting, &states, is_ready);
        }
    }

    fn take_request(&mut self, request: Request, waiting: &mut Vec<oneshot::Sender<Arc<Published>>>) {
        match request {
            Request::Look(answer) => waiting.push(answer),
            Request::Stopping(process, how) => self.core.set_stopping(process, how),
            Request::Stopped(report) => {
                if let Some(recorder) = &mut self.recorder {
                    let lock = self.core.tracker().name_of(report.token.file);
                    recorder.stopped(*report, lock, &Moment::now());
                }
            }
        }
    }

    /// Writes down what lasts, so that the next daemon goes on with it.
    fn end(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            let (holds, waits) = (self.core.tracker().holds(), self.core.tracker().waits());
            recorder.checkpoint(holds, waits, &Moment::now());
        }
    }

    fn take_rings(&mut self) {
        let now = Moment::now().since_boot;
        for ring in self.bell.get_mut().rings() {
            self.take_ring(ring, now);
        }
    }

    fn take_ring(&mut self, ring: Ring, now: Duration) {
        match ring {
            Ring::Alarm => {}
            Ring::Released => self.schedule.doubt(now),
            Ring::Exited(pid) => {
                for file in self.core.files_of(pid) {
                    self.schedule.closed(file, now);
                }
            }
        }
    }

    fn take_events(&mut self, events: impl Iterator<Item = FileEvent>) {
        let now = Moment::now().since_boot;
        // A burst names the same few files again and again.
        let (mut opened, mut closed) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            match event {
                FileEvent::Opened(path) => _ = opened.insert(path),
                FileEvent::Closed(path) => _ = closed.insert(path),
                // Whatever moves in a registry is moved by somebody who holds a lock.
                FileEvent::Changed(folder) => {
                    if self.watches.changed(&folder) && !self.core.is_busy() {
                        self.schedule.doubt(now);
                    }
                }
                FileEvent::Gone(folder) => self.watches.gone(&folder),
                FileEvent::Storm(folder) => {
                    tracing::debug!("{} sends too many events", text::escape_path(&folder));
                    self.watches.storm(folder, now);
                    self.schedule.doubt(now);
                }
                FileEvent::Lost => self.schedule.doubt(now),
            }
        }
        let closed = closed.into_iter().map(|path| (path, false));
        for (path, is_open) in closed.chain(opened.into_iter().map(|path| (path, true))) {
            match crate::os::file_id(&path) {
                Some(file) if is_open => self.schedule.opened(file, now),
                Some(file) => self.schedule.closed(file, now),
                None => self.schedule.doubt(now), // it has been removed meanwhile
            }
        }
    }

    /// Does what is due, and answers who asked.
    fn act(
        &mut self,
        asked: &mut Vec<oneshot::Sender<Arc<Published>>>,
        states: &watch::Sender<Arc<Published>>,
        is_ready: bool,
    ) {
        let now = Moment::now();
        self.set_watches(now.since_boot);
        if self.watches.take_lost() {
            self.schedule.doubt(now.since_boot);
        }
        if !asked.is_empty() {
            self.schedule.asked(now.since_boot);
        }
        let is_look = self.schedule.is_look_due(now.since_boot) && (is_ready || !self.must_wait(now.since_boot));
        if is_look {
            self.look(now);
        } else if self.schedule.is_glance_due(now.since_boot) {
            self.glance(now);
        } else if !self.core.are_samples_due(now.since_boot) {
            return;
        }
        if self.core.are_samples_due(now.since_boot) {
            self.core.sample(now.since_boot);
        }
        let is_asked_for = is_look && !asked.is_empty();
        if let Some(Outcome { is_new, published }) = self.core.publish(now, is_asked_for) {
            if is_new {
                if let Some(recorder) = &mut self.recorder {
                    recorder.judged(published.state.verdicts());
                }
                states.send_replace(Arc::clone(&published));
            } else {
                // Who asks for the newest gets it; nobody is woken for what he knows.
                states.send_if_modified(|newest| {
                    newest.clone_from(&published);
                    false
                });
            }
            // A glance is no answer: it did not look at all locks. Whoever asked waits for the look.
            if is_look {
                for answer in asked.drain(..) {
                    let _ = answer.send(Arc::clone(&published)); // he may have gone
                }
            }
        }
        if is_look {
            self.see(now);
        }
        self.follow(now.since_boot);
    }

    /// Whether a look is to be prepared first. Where nobody is about to do anything it may as well take its time, and wakes
    /// one thread instead of two.
    fn must_wait(&mut self, now: Duration) -> bool {
        let somebody_may_act = self.core.is_busy() || self.schedule.has_events();
        let warmer = self.warmer.as_mut().filter(|_| somebody_may_act);
        warmer.is_some_and(|warmer| warmer.must_wait(self.looked, now))
    }

    fn look(&mut self, now: Moment) {
        self.warmer.iter_mut().for_each(Warmer::is_ready);
        match self.core.look(now) {
            Ok(look) => {
                self.core.set_trouble(Trouble::Look, None);
                self.take(look);
            }
            Err(error) => {
                tracing::warn!("cannot look: {error}");
                let sentence = format!("the locks could not be looked at ({error}); what is shown is older");
                self.core.set_trouble(Trouble::Look, Some(sentence));
            }
        }
        self.schedule_the_next(now.since_boot);
    }

    fn schedule_the_next(&mut self, now: Duration) {
        let busy = if PACE.events_tell_of_opening {
            self.core.is_busy()
        } else {
            // A release rings; that a lock is taken is only seen.
            if self.core.somebody_is_new() {
                self.newcomer = Some(now);
            }
            let is_new = |since| now.saturating_sub(since) < AFTER_A_NEWCOMER;
            self.core.somebody_waits() || self.newcomer.is_some_and(is_new)
        };
        self.schedule.looked(now, busy);
        self.looked = Moment::now().since_boot;
    }

    fn glance(&mut self, now: Moment) {
        let settled = if let Some(look) = self.core.glance(now, self.schedule.files()) {
            self.take(look)
        } else {
            self.schedule.doubt(now.since_boot);
            self.schedule.files().clone()
        };
        self.schedule.glanced(now.since_boot, &settled);
    }

    /// Tracks and records. Gives the files of which something is new.
    fn take(&mut self, look: Look) -> BTreeSet<FileId> {
        let now = look.at;
        let heard = self.schedule.files();
        let was_heard = |file: FileId| PACE.events_tell_of_opening && heard.contains(&file);
        let changes = self.core.track(look, &was_heard);
        for change in &changes {
            log::tell(change, &now);
        }
        self.record(&changes, &now);
        changes.iter().map(Change::file).collect()
    }

    /// Writes down what ended, before anybody is told of it: so a crash right after loses nothing that somebody knew.
    fn record(&mut self, changes: &[Change], now: &Moment) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let lost = self.core.take_lost();
        if !lost.is_empty() {
            recorder.close_unseen(&lost, now);
        }
        if !changes.is_empty() {
            recorder.record_slow(changes, now, Moment::now().since_boot);
        }
        // Once at the start too: what goes on from before is not among the changes.
        if self.checkpoint.is_none_or(|last| now.since(last) >= CHECKPOINT) {
            self.checkpoint = Some(now.since_boot);
            recorder.checkpoint(self.core.tracker().holds(), self.core.tracker().waits(), now);
        }
        self.core.set_trouble(Trouble::History, recorder.problem());
    }

    /// Watches the folders of the locks in use from now on. What only a glance has shown may be a file of another namespace.
    fn see(&mut self, now: Moment) {
        for lock in self.core.places() {
            if self.watches.see(&lock)
                && let Some(recorder) = &mut self.recorder
            {
                recorder.remember_place(&lock, &now);
            }
        }
        self.set_watches(now.since_boot);
    }

    /// Follows those who hold and wait to their end.
    fn follow(&mut self, now: Duration) {
        let bell = self.bell.get_mut();
        for ring in bell.follow(&self.core.participants(), &self.core.lock_files()) {
            self.take_ring(ring, now);
        }
    }

    fn set_watches(&mut self, now: Duration) {
        let Some(set) = self.watches.set(now) else {
            return;
        };
        self.core.set_trouble(Trouble::Watch, set.trouble);
        self.schedule.set_storm(set.storm);
        self.schedule.set_blind(set.blind);
        if set.doubt {
            self.schedule.doubt(now);
        }
    }
}
