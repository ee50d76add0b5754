//! `lockwatch doctor`: tries the lock detection, and looks for what makes locks go wrong on this machine.

mod view;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use jiff::{Span, Timestamp};

use self::view::View;
use super::exit::Code;
use super::output::{self, Output};
use super::{Error, status};
use crate::config::Config;
use crate::doctor::{Report, Surroundings, selftest};
use crate::folders::Folders;
use crate::history::{self, LIMIT, Query};
use crate::os::Mode;
use crate::places::CargoHomes;
use crate::project::Project;
use crate::text;

const EXAMPLES: &str = "\
First the self-test: processes of its own take, await and lose a lock on a private file, and what `lockwatch status` would say \
is held against what they did. Then what makes locks go wrong: NFS and other file systems without flock, files of root's, \
read-only and full disks, deleted lock files, several cargos or rust-analyzer on one target folder, containers, old daemons, a \
broken config.toml. It changes nothing; for each finding it names the command that mends it.

Examples:
  lockwatch doctor                       in the folder of the project that makes trouble
  lockwatch doctor --json | jq '.checks[] | select(.outcome == \"found\")'
  lockwatch doctor --report >report.txt  a text for a bug report: home paths shortened, secrets masked

Exit status:
  0   the detection works, and nothing was found
  1   the self-test failed, or there are findings";

/// Test the lock detection on this machine, and look for what makes locks go wrong
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON document instead of text
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Print a text for a bug report: everything that was checked, the locks, versions; home paths shortened
    #[arg(long)]
    report: bool,
}

/// The command line of the children of the self-test. It is no command for people, so clap does not know it.
const CHILD: &str = "selftest-child";

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    let own = std::env::current_exe();
    let self_test = own
        .map_err(selftest::NotTested::Child)
        .and_then(|own| selftest::run(&own, &[CHILD]));
    let around = surroundings();
    let report = Report::new(self_test, around.checks());
    let home = std::env::home_dir().map(|home| text::escape_path(&home));
    let view = View {
        home: home.as_deref(),
        width: output::width(),
    };
    if args.json {
        let mut json = serde_json::to_vec_pretty(&report)?;
        json.push(b'\n');
        out.write_raw(&json)?;
    } else if args.report {
        out.write(&view.for_a_bug_report(&report, &around))?;
    } else {
        out.write(&view.render(&report))?;
    }
    Ok(if report.healthy { Code::Done } else { Code::Contended })
}

/// What there is to check.
fn surroundings() -> Surroundings {
    /// What was earlier may have been changed since.
    const DAYS: i64 = 7;

    let project = std::env::current_dir()
        .map(|here| Project::of(&here))
        .unwrap_or_default();
    let folders = Folders::from_env().map_err(|error| error.to_string());
    // A broken configuration is a finding of its own.
    let configured = folders
        .as_ref()
        .ok()
        .and_then(|folders| Config::load(&folders.config_file).ok());
    let homes = CargoHomes::from_env().with(configured.into_iter().flat_map(|(config, _)| config.cargo_homes));
    let past = folders.clone().and_then(|folders| {
        let since = Timestamp::now()
            .checked_sub(Span::new().hours(24 * DAYS))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let asked = Query {
            since,
            lock: None,
            limit: LIMIT,
        };
        history::query(&folders.history(), &asked).map_err(|error| error.to_string())
    });
    Surroundings {
        places: Surroundings::places(&homes, &project),
        project,
        state: status::state().map_err(|error| error.to_string()),
        past,
        folders,
    }
}

/// Plays a child of the self-test where this is the command line of one.
pub(super) fn child(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, command, mode, file] = arguments else {
        return None;
    };
    let mode = match mode.to_str()? {
        "exclusive" => Mode::Exclusive,
        "shared" => Mode::Shared,
        _ => return None,
    };
    if command != CHILD {
        return None;
    }
    // A child that fails has ended before it had the lock, which its owner says.
    let played = selftest::play(mode, Path::new(file));
    Some(if played.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
