//! What is in the way, with all that is to be said about it.

use std::collections::BTreeSet;

use crate::guard::ticket::Standing;
use crate::guard::{Blocker, Guard, Obstacles};
use crate::os::Mode;
use crate::process::Pid;
use crate::state::{Lock, Process, State};
use crate::verdict::Verdict;

/// What is in the way.
pub(super) struct Picture {
    /// Who, the one to name first.
    pub(super) who: Vec<Who>,
    /// Locks held by somebody who cannot be seen.
    pub(super) unseen: Vec<String>,
    /// The runs that wait in front: their process numbers.
    pub(super) queued: Vec<Pid>,
    /// When the state was made, for durations.
    pub(super) now: jiff::Timestamp,
}

/// One who is in the way.
pub(super) struct Who {
    pub(super) pid: Pid,
    pub(super) command: String,
    pub(super) part: Part,
    /// The label of the lock, and the folder that it protects.
    pub(super) lock: Option<(String, String)>,
    /// Who it is in the state.
    pub(super) process: Option<Process>,
    pub(super) verdict: Option<Verdict>,
    /// The compilers and build scripts that work for it.
    pub(super) workers: Vec<String>,
}

/// What one who is in the way has to do with the locks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Holds,
    WaitsToo,
    /// A ticket says that it will take them.
    AboutToTake,
}

impl Picture {
    /// The state may be some moments older or newer than the look of the guard.
    pub(super) fn of(guard: &mut Guard, obstacles: &Obstacles, state: &State) -> Self {
        let mut who: Vec<Who> = Vec::new();
        for blocker in &obstacles.blockers {
            who.extend(Who::of_blocker(guard, blocker, state));
        }
        let known: BTreeSet<Pid> = who.iter().map(|one| one.pid).collect();
        for front in &obstacles.front {
            let process = front.entry.ticket.process;
            if front.standing == Standing::AboutToTake && !known.contains(&process.pid) {
                let command = guard.command_of(process).unwrap_or_else(|| "a command".to_owned());
                who.push(Who {
                    pid: process.pid,
                    command,
                    part: Part::AboutToTake,
                    lock: None,
                    process: None,
                    verdict: None,
                    workers: Vec::new(),
                });
            }
        }
        let queued = obstacles
            .front
            .iter()
            .filter(|front| front.standing == Standing::Queued);
        Self {
            who,
            unseen: obstacles
                .unseen
                .iter()
                .map(|path| crate::text::escape_path(path))
                .collect(),
            queued: queued.map(|front| front.entry.ticket.process.pid).collect(),
            now: state.as_of,
        }
    }

    /// Adds what works for those in the way. It asks for every process by name, so it is for what is said once.
    pub(super) fn add_workers(&mut self, guard: &mut Guard, obstacles: &Obstacles) {
        for worker in guard.workers(&obstacles.blockers) {
            let above: BTreeSet<Pid> = worker.ancestors.iter().map(|id| id.pid).collect();
            if let Some(one) = self.who.iter_mut().find(|one| above.contains(&one.pid)) {
                one.workers.push(worker.invocation.command);
            }
        }
    }
}

impl Who {
    /// None where it has ended since.
    fn of_blocker(guard: &mut Guard, blocker: &Blocker, state: &State) -> Option<Self> {
        let path = crate::text::escape_path(&blocker.lock);
        let id = blocker.process;
        let lock = state.locks.iter().find(|lock| lock.path == path);
        let holders = state.locks.iter().flat_map(|lock| &lock.holders);
        let holder = holders.clone().find(|holder| holder.token.process == id);
        let waiters = || state.locks.iter().flat_map(|lock| &lock.waiters);
        // A waiter has no token; the guard's own look says who it is.
        let process = holder.map(|holder| &holder.process).or_else(|| {
            let mut waiters = waiters().map(|waiter| &waiter.process);
            waiters.find(|process| process.pid == id.pid)
        });
        let command = match process {
            Some(process) => process.command.clone(),
            None => guard.command_of(id)?,
        };
        let described = |lock: &Lock| (lock.label.clone(), lock.place().to_owned());
        let from_look = || {
            let seen = guard.look()?;
            let lock = seen.locks.iter().find(|lock| lock.path == blocker.lock)?;
            let label = lock.table.label(&lock.path, Some(Mode::Exclusive), None, None);
            Some((label, crate::state::folder(&path).to_owned()))
        };
        Some(Self {
            pid: id.pid,
            command,
            part: if blocker.holds { Part::Holds } else { Part::WaitsToo },
            lock: lock.map(described).or_else(from_look),
            process: process.cloned(),
            verdict: holder.map(|holder| holder.verdict.clone()),
            workers: Vec::new(),
        })
    }

    /// Whether it will not go on by itself.
    pub(super) fn is_stuck(&self) -> bool {
        let class = self.verdict.as_ref().map(|verdict| verdict.class);
        class == Some(crate::verdict::Class::Stuck)
    }
}
