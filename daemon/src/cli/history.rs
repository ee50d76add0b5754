//! `lockwatch history`: what was.

mod since;
mod view;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::ZonedDateTime;

use self::since::Since;
use super::Error;
use super::exit::Code;
use super::output::{self, Output};
use crate::cargo::lock_kind::LockKind;
use crate::folders::Folders;
use crate::history::{LIMIT, Query, query};

const EXAMPLES: &str = "\
`You waited` counts the time in which at least one process waited for a lock, each moment once, whoever started the \
process; the time behind each holder likewise.

The daemon records the history, and keeps 30 days or 64 MB of it unless `config.toml` says otherwise. Holds of less \
than 50 ms that blocked nobody are only counted. This command reads the file itself and needs no daemon.

Examples:
  lockwatch history                            today, from midnight on
  lockwatch history --since 2h                 the last two hours
  lockwatch history --since 7d --lock build-dir
  lockwatch history --json | jq .summary       for programs";

/// Show past holds, waits and stops, and how long you waited for whom
///
/// The first line is the answer; then a line for each hold, and one for each stop that the daemon carried out, the newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// How far to look back: `2h`, `30m`, `7d`, `2h 30m`, `today` or `yesterday` (from its midnight on)
    #[arg(long, value_name = "SPAN", default_value = "today")]
    since: Since,
    /// Only locks of this kind
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    lock: Option<LockKind>,
    /// Print one JSON document instead of text, with up to 10,000 holds and as many waits
    #[arg(long)]
    json: bool,
}

fn kinds() -> impl TypedValueParser<Value = LockKind> {
    PossibleValuesParser::new(LockKind::ALL.iter().map(|kind| kind.name())).try_map(|name| name.parse::<LockKind>())
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    let now = ZonedDateTime::now();
    let asked = Query {
        since: args.since.begin(&now),
        lock: args.lock,
        limit: LIMIT,
    };
    let report = query(&Folders::from_env()?.history(), &asked)?;
    if args.json {
        let mut json = serde_json::to_vec_pretty(&report)?;
        json.push(b'\n');
        out.write_raw(&json)?;
    } else {
        let home = std::env::home_dir().map(|home| crate::text::escape_path(&home));
        let view = view::View {
            home: home.as_deref(),
            width: output::width(),
            zone: now.time_zone(),
            since: &args.since,
            lock: args.lock,
        };
        out.write(&view.render(&report))?;
    }
    Ok(Code::Done)
}
