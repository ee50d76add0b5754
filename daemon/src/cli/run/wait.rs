//! Waiting: rounds of the guard, and what a person reads meanwhile.
//!
//! Signals keep their default: Ctrl-C ends the wait as it ends any program, and the ticket of a process that is gone is nobody's
//! any more. A handler would swallow the signal that comes between the last look and the exec, and undo `nohup`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::sync::mpsc;

use super::picture::Picture;
use super::view::View;
use super::{Args, round};
use crate::cli::output::Progress;
use crate::cli::{Error, human, output, status};
use crate::clock::milliseconds;
use crate::config::Config;
use crate::folders::Folders;
use crate::guard::{Guard, Obstacles, Round};
use crate::live::{self, Update};
use crate::os::PACE;
use crate::places::CargoHomes;
use crate::process::Pid;
use crate::state::State;
use crate::text;

/// How the wait ended.
pub(super) enum End {
    /// The command may start.
    Go,
    /// Not in time.
    TimedOut,
    /// It would never.
    Refused,
}

/// How often it is said how the wait goes on, where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(30);
/// Until the round that confirms that nothing is in the way.
const CONFIRM: Duration = Duration::from_millis(25);
/// Rounds come no closer, however many states do.
const LEAST: Duration = Duration::from_millis(10);
/// A run far behind in the queue looks as seldom as this.
const MOST: Duration = Duration::from_secs(1);

/// Waits until nothing is in the way, or the patience is over.
pub(super) fn wait(
    guard: &mut Guard,
    args: &Args,
    obstacles: Obstacles,
    patience: Option<Duration>,
) -> Result<End, Error> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build();
    let mut wait = Wait {
        begin: Instant::now(),
        patience,
        talk: if args.quiet {
            None
        } else {
            Some(Talk::begin(guard, &obstacles)?)
        },
        obstacles,
        states: None,
    };
    let end = runtime.map_err(Error::Start)?.block_on(wait.rounds(guard, args))?;
    if let End::Refused = end {
        output::complain(&refusal(&wait.obstacles));
    }
    let waited = wait.begin.elapsed();
    if let Some(talk) = &mut wait.talk {
        talk.end(guard, &end, &wait.obstacles, waited);
    }
    Ok(end)
}

fn refusal(obstacles: &Obstacles) -> String {
    let holder = obstacles
        .blockers
        .iter()
        .find(|blocker| Some(blocker.process) == obstacles.own_ancestor);
    let (pid, lock) = holder.map_or((0, String::new()), |blocker| {
        (blocker.process.pid, text::escape_path(&blocker.lock))
    });
    format!(
        "process {pid} holds {lock} and has started this very command, so each would wait for the other; give the inner command a build folder of its own (`--target-dir`)"
    )
}

/// One wait.
struct Wait {
    begin: Instant,
    patience: Option<Duration>,
    /// None where nothing is to be said.
    talk: Option<Talk>,
    /// What the last round has found.
    obstacles: Obstacles,
    /// States with verdicts, once they are wanted.
    states: Option<mpsc::Receiver<Update>>,
}

impl Wait {
    async fn rounds(&mut self, guard: &mut Guard, args: &Args) -> Result<End, Error> {
        let mut last = self.begin;
        loop {
            if self.obstacles.own_ancestor.is_some() {
                return Ok(End::Refused);
            }
            // They come from a daemon, or from an engine of our own: one run at the head of a queue wants them, not hundreds.
            if self.talk.is_some() && self.states.is_none() && self.obstacles.queued() == 0 {
                self.states = Some(follow().map_err(Error::Start)?);
            }
            let pause = self.pause();
            tokio::select! {
                update = next(&mut self.states) => {
                    if let (Update::State(published), Some(talk)) = (update, &mut self.talk) {
                        talk.state = published.state.clone();
                    }
                    tokio::time::sleep(LEAST.saturating_sub(last.elapsed())).await;
                }
                () = tokio::time::sleep(pause) => {}
            }
            last = Instant::now();
            self.obstacles = match round(guard, args)? {
                Round::Go => return Ok(End::Go),
                Round::Wait(obstacles) => obstacles,
            };
            let waited = self.begin.elapsed();
            // What is free already needs but one more round.
            if !self.obstacles.is_empty() && self.patience.is_some_and(|patience| waited >= patience) {
                return Ok(End::TimedOut);
            }
            if let Some(talk) = &mut self.talk {
                talk.go_on(guard, &self.obstacles, waited);
            }
        }
    }

    /// How long until the next round: the first in the queue looks often, each one behind it less. A look at a system that tells
    /// of no events reads the tables of all processes.
    fn pause(&self) -> Duration {
        let first = Duration::from_millis(if PACE.events_tell_of_opening { 100 } else { 250 });
        let behind = u32::try_from(self.obstacles.queued()).unwrap_or(u32::MAX);
        let pause = if self.obstacles.is_empty() {
            CONFIRM
        } else {
            first.saturating_mul(behind.saturating_add(1)).min(MOST)
        };
        let left = |patience: Duration| patience.saturating_sub(self.begin.elapsed());
        pause.min(self.patience.map_or(pause, left))
    }
}

fn follow() -> std::io::Result<mpsc::Receiver<Update>> {
    let config = Folders::from_env()
        .ok()
        .and_then(|folders| Config::load(&folders.config_file).ok());
    let config = config.map(|(config, _)| config).unwrap_or_default();
    live::start(CargoHomes::from_env().with(config.cargo_homes), config.thresholds)
}

/// The next state; never where none will come.
async fn next(states: &mut Option<mpsc::Receiver<Update>>) -> Update {
    if let Some(states) = states
        && let Some(update) = states.recv().await
    {
        return update;
    }
    std::future::pending().await
}

/// What a person reads.
struct Talk {
    view: View,
    progress: Option<Progress>,
    /// The newest state that has verdicts.
    state: State,
    /// The stuck ones that were told of.
    told: BTreeSet<Pid>,
    /// When something was said last, since the begin of the wait.
    said: Duration,
}

impl Talk {
    /// Says what is in the way.
    fn begin(guard: &mut Guard, obstacles: &Obstacles) -> Result<Self, Error> {
        let mut talk = Self {
            view: super::view(),
            progress: Progress::on_terminal(),
            state: status::state()?,
            told: BTreeSet::new(),
            said: Duration::ZERO,
        };
        let mut picture = Picture::of(guard, obstacles, &talk.state);
        picture.add_workers(guard, obstacles);
        talk.told.extend(stuck(&picture));
        output::note(talk.view.list("waiting", &picture).trim_end());
        Ok(talk)
    }

    /// Says how it goes on: a line on a terminal, otherwise one now and then. One that is found stuck is told of at once.
    fn go_on(&mut self, guard: &mut Guard, obstacles: &Obstacles, waited: Duration) {
        if obstacles.is_empty() {
            return; // it is over in a moment, or somebody else is in the way by then
        }
        let picture = Picture::of(guard, obstacles, &self.state);
        for one in picture.who.iter().filter(|one| one.is_stuck()) {
            if self.told.insert(one.pid) {
                self.clear();
                output::note(self.view.entry(one, &picture).trim_end());
            }
        }
        match &mut self.progress {
            Some(progress) => progress.show(&View::progress(&picture, milliseconds(waited), Progress::width())),
            None if waited.saturating_sub(self.said) >= BETWEEN_LINES => {
                self.said = waited;
                let line = View::progress(&picture, milliseconds(waited), usize::MAX);
                output::note(&format!("lockwatch: {line}"));
            }
            None => {}
        }
    }

    fn end(&mut self, guard: &mut Guard, end: &End, obstacles: &Obstacles, waited: Duration) {
        self.clear();
        let picture = Picture::of(guard, obstacles, &self.state);
        let waited = human::duration(milliseconds(waited));
        match end {
            End::Go => output::note(&format!("lockwatch: waited {waited}")),
            End::TimedOut => output::note(self.view.list(&format!("gave up after {waited}"), &picture).trim_end()),
            End::Refused => {}
        }
    }

    fn clear(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.clear();
        }
    }
}

/// Those that will not go on by themselves.
fn stuck(picture: &Picture) -> impl Iterator<Item = Pid> {
    picture.who.iter().filter(|one| one.is_stuck()).map(|one| one.pid)
}
