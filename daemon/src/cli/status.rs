//! `lockwatch status`: the daemon's state, or one look.

pub(super) mod view;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use super::exit::Code;
use super::output::{self, Output};
use super::{Error, human};
use crate::client::{Client, ClientError};
use crate::clock::Moment;
use crate::folders::Folders;
use crate::observation::{Look, Observer};
use crate::os::{LookError, System};
use crate::places::CargoHomes;
use crate::process::ProcessId;
use crate::state::State;
use crate::wait_graph::WaitGraph;

const EXAMPLES: &str = "\
Examples:
  lockwatch status                  who is in whose way
  lockwatch status --all            and the locks and cargo processes that block nobody
  lockwatch status --json | jq '.locks[] | select(.waiters != []) | .holders[].pid'
  lockwatch status --check >/dev/null || echo 'somebody waits, or is stuck'";

/// Show every Cargo lock in use, its holders and waiters
///
/// The first line is the answer. What blocks nobody is shown with --all.
#[derive(Debug, Default, PartialEq, Eq, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
    /// Exit with 1 where somebody waits for a lock or its holder is stuck
    #[arg(long)]
    check: bool,
    /// Show the locks that block nobody too, and the cargo and rustc processes that neither hold nor wait
    #[arg(long)]
    all: bool,
}

impl Args {
    /// Those of a command line without the program's name that is `status` with options, each once.
    /// Whatever else there is to a command line is for clap.
    pub(super) fn plain(words: &[OsString]) -> Option<Self> {
        let mut args = Self::default();
        let (command, options) = words.split_first()?;
        if command != "status" {
            return None;
        }
        for option in options {
            let given = match option.to_str()? {
                "--json" => &mut args.json,
                "--check" => &mut args.check,
                "--all" => &mut args.all,
                _ => return None,
            };
            if std::mem::replace(given, true) {
                return None;
            }
        }
        Some(args)
    }
}

/// A circle of waiting counts when it is still there after this time: a build script that asks cargo something may wait
/// for a moment.
const CONFIRM_AFTER: Duration = Duration::from_secs(1);

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    let mut state = state()?;
    if args.all {
        let involved = state.involved();
        state = state.with_bystanders(&eyes().bystanders(&involved));
    }
    if args.json {
        let mut json = serde_json::to_vec_pretty(&state)?;
        json.push(b'\n');
        out.write_raw(&json)?;
    } else {
        let home = std::env::home_dir().map(|home| crate::text::escape_path(&home));
        let view = view::View {
            home: home.as_deref(),
            width: output::width(),
            all: args.all,
        };
        out.write(&view.render(&state))?;
    }
    let in_order = state.summary.contended == 0 && state.summary.stuck == 0;
    Ok(if args.check && !in_order {
        Code::Contended
    } else {
        Code::Done
    })
}

/// The state of the daemon where one runs and answers, and by a look of our own where not.
pub(super) fn state() -> Result<State, Error> {
    let asked = ask_the_daemon();
    if let Ok(Some(state)) = asked {
        return Ok(state);
    }
    let (look, confirmed) = look(&mut eyes())?;
    let mut state = State::direct(&look, &confirmed);
    if let Err(error) = asked {
        state.notes.push(format!("the daemon could not be asked: {error}"));
    }
    Ok(state)
}

/// The daemon's state; none where no daemon runs.
fn ask_the_daemon() -> Result<Option<State>, ClientError> {
    let connected = match Folders::from_env().map_err(ClientError::from) {
        Ok(folders) => Client::connect(&folders),
        Err(error) => Err(error),
    };
    match connected {
        Ok(Some(mut daemon)) => daemon.state().map(Some),
        // Where there is no place for a socket, no daemon can run.
        Ok(None) | Err(ClientError::Folders(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn eyes() -> Observer<System> {
    Observer::new(System::new(), CargoHomes::from_env())
}

/// One look; where it shows a circle of waiting, a second one that tells who is still in it.
fn look(observer: &mut Observer<System>) -> Result<(Look, BTreeSet<ProcessId>), LookError> {
    let first = observer.look(Moment::now())?;
    let before = WaitGraph::of(&first).circular().clone();
    if before.is_empty() {
        return Ok((first, before));
    }
    std::thread::sleep(CONFIRM_AFTER);
    let second = observer.look(Moment::now())?;
    let confirmed = WaitGraph::of(&second)
        .circular()
        .intersection(&before)
        .copied()
        .collect();
    Ok((second, confirmed))
}
