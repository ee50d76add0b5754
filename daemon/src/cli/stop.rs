//! `lockwatch stop`: ends who holds a lock, gracefully.

mod view;

use std::path::Path;
use std::time::Duration;

use self::view::Plan;
use super::exit::Code;
use super::output::{self, Output};
use super::{Error, status};
use crate::client::{Client, ClientError};
use crate::clock::milliseconds;
use crate::config::Config;
use crate::folders::Folders;
use crate::places::CargoHomes;
use crate::protocol;
use crate::stop::{Outcome, Report, Step, Stops, target};
use crate::text;

const EXAMPLES: &str = "\
The holder and the processes that it has started get SIGTERM, and those that are suspended are let go on so that they can end. \
Editors, shells, terminals, agents and daemons among them are left alone. Nothing that has become another process since \
the look is ever signalled, and no file is touched. SIGKILL is sent only with --force, to those whom SIGTERM did not end.

Examples:
  lockwatch stop                    the one process that is in the way, after a question
  lockwatch stop --dry-run          who it is, and who would be signalled
  lockwatch stop 4711               this holder
  lockwatch stop ~/.cargo/.package-cache --yes
  lockwatch stop 4711 --grace 30    give it half a minute to end
  lockwatch stop 4711 --force       SIGKILL where that was not enough
  lockwatch stop --yes --json | jq -r .outcome

Exit status:
  0   the lock is free, or another's: the holder has ended or released it, now or before
  1   the holder has the lock still, or the question was answered with no
  2   who is meant is not clear, or there is no terminal for the question and no --yes
  77  it is not stopped: it is another user's, not cargo, an ancestor of this command, …";

/// Stop who holds a lock: gracefully, and never the wrong process
///
/// Without a target it is whoever all others wait for, where that is one process.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A process that holds a lock now, by its number; a lock, by its path; or a token from `lockwatch status --json`
    target: Option<String>,
    /// Send SIGKILL to those whom SIGTERM has not ended when the grace is over
    #[arg(long)]
    force: bool,
    /// Show who would be signalled, and signal nobody
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// How long they are given to end after SIGTERM, 0 to 3600; without it as in config.toml, 5 unless changed
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(0..=protocol::MAX_GRACE_MS / 1000))]
    grace: Option<u64>,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    if !args.yes && !args.dry_run && !output::can_ask() {
        return Err(Error::NobodyToAsk);
    }
    let (config, warnings) = Config::load(&Folders::from_env()?.config_file)?;
    for warning in warnings {
        output::complain(&warning);
    }
    let state = status::state()?;
    let token = target::resolve(&state, args.target.as_deref().map(word).as_deref())?;
    let grace = args.grace.map_or(config.stop.grace, Duration::from_secs);
    let wish = protocol::Stop {
        token,
        force: args.force,
        dry_run: true,
        grace_ms: Some(milliseconds(grace)),
    };
    let stops = Stops::new(CargoHomes::from_env().with(config.cargo_homes), config.stop);
    let (mut by, planned) = plan(stops, wish);
    let home = std::env::home_dir().map(|home| text::escape_path(&home));
    let plan = Plan {
        report: &planned,
        state: &state,
        home: home.as_deref(),
    };
    if planned.outcome == Outcome::Refused || args.dry_run {
        return tell(args, &planned, &plan.render(), out);
    }
    if !args.yes && !output::ask(&format!("{}Stop it?", plan.render()))? {
        return Ok(Code::Contended);
    }
    let mut report = by.stop(protocol::Stop { dry_run: false, ..wish }, grace)?;
    // Force is offered only where the gentle way has failed, and only to somebody who can say no.
    if report.outcome == Outcome::StillThere && !args.force && !args.yes {
        let question = format!("{}\nSend SIGKILL?", report.sentence);
        if output::ask(&question)? {
            let forced = protocol::Stop {
                dry_run: false,
                force: true,
                grace_ms: Some(0),
                ..wish
            };
            report = by.stop(forced, Duration::ZERO)?;
        }
    }
    tell(args, &report, &format!("{}\n", report.sentence), out)
}

/// What the state calls a lock of this path, a relative one or one through a link too; anything else as it is.
fn word(given: &str) -> String {
    let path = Path::new(given);
    let real = path.canonicalize().or_else(|_| std::path::absolute(path));
    match real {
        Ok(real) if given.contains('/') || real.exists() => text::escape_path(&real),
        _ => given.to_owned(),
    }
}

/// Says how it ended: a refusal among the complaints, and everything else as the result.
fn tell(args: &Args, report: &Report, text: &str, out: &mut Output) -> Result<Code, Error> {
    let is_done = report.is_free() || report.outcome == Outcome::Planned;
    if args.json {
        let mut json = serde_json::to_vec_pretty(report)?;
        json.push(b'\n');
        out.write_raw(&json)?;
    } else if report.outcome == Outcome::Refused && !is_done {
        output::complain(&report.sentence);
    } else {
        out.write(text)?;
    }
    Ok(match report.outcome {
        _ if is_done => Code::Done,
        Outcome::Refused => Code::NotPermitted,
        _ => Code::Contended,
    })
}

/// Who carries it out.
enum By {
    Daemon(Client),
    Ourselves(Stops),
}

/// The plan, by the daemon where one runs that can stop; otherwise by ourselves.
fn plan(stops: Stops, wish: protocol::Stop) -> (By, Report) {
    match ask_the_daemon(wish) {
        Ok(Some((client, report))) => return (By::Daemon(client), report),
        Ok(None) | Err(ClientError::Folders(_)) => {}
        Err(error) => output::complain(&format!("the daemon could not be asked: {error}")),
    }
    let report = stops.stop(&wish, std::process::id(), &mut |_| ());
    (By::Ourselves(stops), report)
}

fn ask_the_daemon(wish: protocol::Stop) -> Result<Option<(Client, Report)>, ClientError> {
    let Some(mut client) = Client::connect(&Folders::from_env()?)? else {
        return Ok(None);
    };
    let report = client.stop(wish, Duration::ZERO, &mut |_| ())?;
    Ok(Some((client, report)))
}

/// Does what the live view asks for: by the daemon where one runs, otherwise by ourselves. A daemon that fails in the middle of it
/// may be at it still, so nobody else begins then.
pub(super) fn carry_out(stops: &Stops, wish: protocol::Stop, grace: Duration) -> Result<Report, ClientError> {
    match Client::connect(&Folders::from_env()?)? {
        Some(mut client) => client.stop(wish, grace, &mut |_| ()),
        None => Ok(stops.stop(&wish, std::process::id(), &mut |_| ())),
    }
}

/// The question of a plan, as the live view asks it.
pub(super) fn question(report: &Report, state: &crate::state::State, home: Option<&str>) -> String {
    Plan { report, state, home }.render()
}

impl By {
    fn stop(&mut self, wish: protocol::Stop, grace: Duration) -> Result<Report, Error> {
        // A wait of some seconds is explained to whoever sits there.
        let mut told = |step| {
            if output::can_ask() {
                output::note(match step {
                    Step::Terminate => "SIGTERM is sent, waiting for the end …",
                    Step::Kill => "SIGKILL is sent …",
                });
            }
        };
        match self {
            Self::Daemon(client) => client.stop(wish, grace, &mut told).map_err(Error::Stop),
            Self::Ourselves(stops) => Ok(stops.stop(&wish, std::process::id(), &mut told)),
        }
    }
}
