//! The guard: starts a command once the locks that it needs are free, in the order in which the commands came.
//!
//! # What it promises
//!
//! Of commands that are started through `lockwatch run`, no two build in one folder at the same time, and who came first builds
//! first. A cargo that is started without it is only seen: it is waited for, and it can come in between.
//!
//! # How
//!
//! Cargo takes the lock of its build folder some tenths of a second after it has started, so that the lock is free proves nothing
//! right after another start. So each run leaves a *ticket*, which says who it is and which folders it is for. It stays when the
//! run becomes its command by exec, for the process stays the same one; nothing else goes through the exec, no descriptor, no
//! variable. A started ticket counts as if it held its folders until one of these is seen:
//!
//! - its process is gone (ended, or a zombie, or the number is another's, or the machine was started anew);
//! - it, or what it has started, held a lock of its folders and holds none any more. Whoever sees it hold one notes that in the
//!   ticket's name, so that it counts for those who look later;
//! - it runs what it has built: `cargo run` has become the program, or `cargo test` has the tests as its child. Both release
//!   their locks first, so nobody needs to have seen that;
//! - it was at no Cargo lock at all for 60 s.
//!
//! The waiting runs find that out by themselves, with looks of their own; with a daemon or without makes no difference, the
//! daemon only knows better how the holders do. A waiting ticket is passed over while its process is stopped, and a ticket of an
//! ancestor never counts, because it would wait for its own descendant.
//!
//! # Why of two that come at once one is first
//!
//! In each round the tickets are read *before* the look, so what they say is judged by what was the case later. To come, and to
//! start, takes the queue's lock for the time of one more listing: only where each ticket in it was judged in this round does the
//! run start, and it says so in its own ticket before it lets go. Whoever comes next sees that ticket.
//!
//! What is in the way is decided here; [`crate::cli`] says it.

mod ask;
pub mod folders;
mod line;
pub mod needs;
mod obstacles;
pub mod queue;
mod settings;
pub mod ticket;
mod watch;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use self::folders::meet;
use self::needs::Needs;
use self::obstacles::obstacles;
pub use self::obstacles::{Blocker, Front, Obstacles};
use self::queue::{Entry, Queue, QueueError};
use self::ticket::{Phase, Standing};
use self::watch::Watch;
use crate::cargo::lock_kind::LockKind;
use crate::clock::Moment;
use crate::observation::{Lock, Look, Observer, Participant};
use crate::os::{Kernel, LookError, System};
use crate::places::CargoHomes;
use crate::process::ProcessId;

/// What one round has found.
#[derive(Debug)]
pub enum Round {
    /// The command may be started now, and its ticket says so already.
    Go,
    /// Something is in the way.
    Wait(Obstacles),
}

/// What the round before has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// There was none.
    Nothing,
    /// Something was in the way.
    Blocked,
    /// Nothing was in the way any more.
    Clear,
}

/// Guards the start of one command.
#[derive(Debug)]
pub struct Guard {
    argv: Vec<OsString>,
    needs: Needs,
    observer: Observer<System>,
    watch: Watch<System>,
    own: Option<ProcessId>,
    ancestors: Option<BTreeSet<ProcessId>>,
    queue: Option<Queue>,
    ticket: Option<Entry>,
    /// The newest look.
    look: Option<Look>,
    before: Before,
    /// What the last round with a look has found.
    last: Obstacles,
    /// How many rounds went without a look.
    unlooked: u32,
}

/// One that is not next in the queue makes a look in one of so many rounds.
const LOOK_EVERY: u32 = 10;

impl Guard {
    /// Prepares for a command: the program and its arguments.
    pub fn new(argv: Vec<OsString>, homes: CargoHomes) -> Self {
        let needs = ask::here(&argv);
        let mut watch = Watch::new(System::new());
        Self {
            own: watch.own(),
            needs,
            observer: Observer::new(System::new(), homes),
            watch,
            ancestors: None,
            queue: None,
            ticket: None,
            look: None,
            before: Before::Nothing,
            last: Obstacles::default(),
            unlooked: 0,
            argv,
        }
    }

    /// What the command needs.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Takes part in the queue that is kept in a folder. Without it the command is guarded against what holds locks, and runs that
    /// come at once are not put in order.
    pub fn join(&mut self, state: &Path) -> Result<(), QueueError> {
        if !self.needs.folders.is_empty() {
            self.queue = Some(Queue::open(state, System::new().boot_id())?);
        }
        Ok(())
    }

    /// Takes no part in the queue any more.
    pub fn leave(&mut self) {
        if let (Some(queue), Some(ticket)) = (&self.queue, self.ticket.take()) {
            queue.remove(&ticket.ticket);
        }
        self.queue = None;
    }

    /// The newest look.
    pub fn look(&self) -> Option<&Look> {
        self.look.as_ref()
    }

    /// What a process runs, short; none where it is gone or may not be looked into.
    pub fn command_of(&mut self, process: ProcessId) -> Option<String> {
        self.watch.command_of(process)
    }

    /// What works for the blockers: compilers, build scripts.
    pub fn workers(&mut self, of: &[Blocker]) -> Vec<Participant> {
        let mut workers = self.observer.bystanders(&BTreeSet::new());
        workers.retain(|one| {
            let is_above = |blocker: &Blocker| one.ancestors.contains(&blocker.process);
            of.iter().any(is_above) && !one.invocation.program.is_cargo()
        });
        workers
    }

    /// Looks once, and takes or keeps the place in the queue. Where nothing is in the way the command may start, and its ticket
    /// says so.
    ///
    /// After something was in the way, it takes two rounds without: a waiter that the kernel has just woken neither waits nor
    /// holds for a moment.
    pub fn round(&mut self) -> Result<Round, GuardError> {
        loop {
            let tickets = match &mut self.queue {
                Some(queue) => queue.read()?,
                None => Vec::new(),
            };
            if let Some(obstacles) = self.behind_another(&tickets) {
                return Ok(Round::Wait(obstacles));
            }
            let look = self.observer.look(Moment::now())?;
            self.sharpen(&look, &tickets);
            let mut obstacles = obstacles(&look, &self.needs);
            if !obstacles.is_empty() || !tickets.is_empty() {
                self.place(&mut obstacles, &tickets, &look);
            }
            let is_clear = obstacles.is_empty();
            let is_free = is_clear && self.before != Before::Blocked;
            self.before = match (is_clear, self.before) {
                (false, _) => Before::Blocked,
                (true, Before::Blocked) => Before::Clear,
                (true, before) => before,
            };
            let went = self.go(is_free, &tickets, &obstacles)?;
            self.look = Some(look);
            if went {
                return Ok(Round::Go);
            }
            if !is_free {
                self.last = obstacles.clone();
                return Ok(Round::Wait(obstacles));
            }
            // Somebody came since the tickets were read. Ours is in the queue by now, so the next round has nobody new in front.
        }
    }

    /// What is in the way of one that has another run directly in front of it, which waits itself: what the last look has shown,
    /// which is of interest for people alone. Of hundreds that wait, those that are not next look seldom.
    fn behind_another(&mut self, tickets: &[Entry]) -> Option<Obstacles> {
        let own = self.ticket.as_ref()?;
        let waits = |entry: &&Entry| {
            entry.ticket.phase == Phase::Waiting
                && entry.ticket.process != own.ticket.process
                && is_in_front(entry, Some(own), &self.needs)
        };
        let queued: Vec<&Entry> = tickets.iter().filter(waits).collect();
        self.unlooked += 1;
        let nearest = queued.last()?;
        if self.unlooked >= LOOK_EVERY || !self.watch.waits(nearest) {
            self.unlooked = 0;
            return None;
        }
        let mut obstacles = self.last.clone();
        obstacles.front.retain(|front| front.standing != Standing::Queued);
        obstacles.front.extend(queued.into_iter().map(|entry| Front {
            entry: entry.clone(),
            standing: Standing::Queued,
        }));
        self.before = Before::Blocked;
        Some(obstacles)
    }

    /// Asks cargo where the build goes, where that is not for sure and matters.
    fn sharpen(&mut self, look: &Look, tickets: &[Entry]) {
        let is_build = |lock: &Lock| matches!(lock.table.kind, LockKind::BuildDir | LockKind::ArtifactDir);
        if !self.needs.is_sure && (!tickets.is_empty() || look.locks.iter().any(is_build)) {
            if let Some(needs) = ask::by_cargo(&self.argv) {
                self.needs = needs;
            }
            self.needs.is_sure = true; // it would say the same again
        }
    }

    /// Adds the tickets in front, and whether one waits for oneself. Tickets that count no more are removed.
    fn place(&mut self, obstacles: &mut Obstacles, tickets: &[Entry], look: &Look) {
        let ancestors = self.ancestors.get_or_insert_with(|| self.watch.ancestors());
        let is_ancestor = |blocker: &&Blocker| blocker.holds && ancestors.contains(&blocker.process);
        obstacles.own_ancestor = obstacles
            .blockers
            .iter()
            .find(is_ancestor)
            .map(|blocker| blocker.process);
        for entry in tickets {
            let is_own = Some(entry.ticket.process) == self.own;
            let is_ours = is_own || ancestors.contains(&entry.ticket.process);
            if is_ours || !is_in_front(entry, self.ticket.as_ref(), &self.needs) {
                continue;
            }
            let standing = self.watch.standing(entry, look);
            match standing {
                Standing::Over => {
                    if let Some(queue) = &self.queue {
                        queue.remove(&entry.ticket);
                    }
                    continue;
                }
                Standing::PassedOver => continue,
                Standing::Holds => {
                    if let Some(queue) = &mut self.queue {
                        queue.note_taken(&entry.ticket);
                    }
                }
                Standing::Queued | Standing::AboutToTake => {}
            }
            obstacles.front.push(Front {
                entry: entry.clone(),
                standing,
            });
        }
    }

    /// Says in the queue that the command starts, or that it waits; whether it may start. A ticket counts as judged where it was
    /// among `tickets` and is none of the obstacles.
    fn go(&mut self, is_free: bool, tickets: &[Entry], obstacles: &Obstacles) -> Result<bool, GuardError> {
        let (Some(queue), Some(own)) = (&mut self.queue, self.own) else {
            return Ok(is_free);
        };
        let key = |entry: &Entry| (entry.ticket.arrival, entry.ticket.process);
        let judged: BTreeMap<_, Phase> = tickets.iter().map(|entry| (key(entry), entry.ticket.phase)).collect();
        let in_front: BTreeSet<_> = obstacles.front.iter().map(|front| key(&front.entry)).collect();
        let (needs, ticket) = (&self.needs, self.ticket.clone());
        let mut may_start = |there: &[Entry]| {
            is_free
                && there.iter().all(|entry| {
                    // One that was passed over may have gone on, and be started by now.
                    let is_as_judged = judged
                        .get(&key(entry))
                        .is_some_and(|phase| *phase != Phase::Waiting || entry.ticket.phase == Phase::Waiting);
                    entry.ticket.process == own
                        || !is_in_front(entry, ticket.as_ref(), needs)
                        || is_as_judged && !in_front.contains(&key(entry))
                })
        };
        let now = nanoseconds(crate::os::awake());
        if let Some(ticket) = &mut self.ticket {
            return Ok(is_free && queue.start(ticket, now, &mut may_start)?);
        }
        let entry = queue.come(own, &self.needs.folders, now, &mut may_start)?;
        let has_started = entry.ticket.phase != Phase::Waiting;
        self.ticket = Some(entry);
        Ok(has_started)
    }
}

impl Drop for Guard {
    /// What does not start needs no place. The exec of a command that does start leaves the ticket, since nothing is dropped then.
    fn drop(&mut self) {
        self.leave();
    }
}

/// Why a round could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The system does not tell about locks.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The queue cannot be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn is_in_front(entry: &Entry, own: Option<&Entry>, needs: &Needs) -> bool {
    let is_later = |own: &Entry| entry.ticket.phase == Phase::Waiting && entry.ticket.arrival > own.ticket.arrival;
    meet(&entry.folders, &needs.folders) && !own.is_some_and(is_later)
}

#[cfg(test)]
mod tests;
