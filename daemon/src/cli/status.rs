//! `lockwatch status`: one look.

mod view;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use jiff::{Timestamp, Unit};

use super::exit::Code;
use super::output::{self, Output};
use super::{Error, human};
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
    /// Those of a command line without the program's name that is `status` with options, each once, or nothing at all.
    /// Whatever else there is to a command line is for clap.
    pub(super) fn plain(words: &[OsString]) -> Option<Self> {
        let mut args = Self::default();
        let Some((command, options)) = words.split_first() else {
            return Some(args);
        };
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
    let mut observer = Observer::new(System::new(), CargoHomes::from_env());
    let (look, confirmed) = look(&mut observer)?;
    let mut state = State::direct(&look, &confirmed);
    if args.all {
        state = state.with_bystanders(&observer.bystanders(&look));
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

/// One look; where it shows a circle of waiting, a second one that tells who is still in it.
fn look(observer: &mut Observer<System>) -> Result<(Look, BTreeSet<ProcessId>), LookError> {
    let first = observer.look(now())?;
    let before = WaitGraph::of(&first).circular().clone();
    if before.is_empty() {
        return Ok((first, before));
    }
    std::thread::sleep(CONFIRM_AFTER);
    let second = observer.look(now())?;
    let confirmed = WaitGraph::of(&second)
        .circular()
        .intersection(&before)
        .copied()
        .collect();
    Ok((second, confirmed))
}

/// The time, to the millisecond.
fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}
