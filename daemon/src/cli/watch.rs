//! `lockwatch watch`: live, on a terminal or for programs.

mod draw;
mod keys;
mod model;
mod rows;
mod screen;
mod stopping;
mod stream;
mod swiftbar;
mod term;

use super::Error;
use super::exit::Code;
use super::output::{self, Output};
use crate::config::Config;
use crate::folders::Folders;
use crate::places::CargoHomes;

const EXAMPLES: &str = "\
Examples:
  lockwatch watch                   full screen; q quits, ? shows the keys
  lockwatch watch --json            one document a line, the first at once, then one at each change
  lockwatch watch --json | jq -r '.locks[] | select(.waiters != []) | .path'

In the menu bar by SwiftBar (https://swiftbar.app): save this as lockwatch.sh in its plugin folder, and make it
executable with `chmod +x lockwatch.sh`:

  #!/bin/sh
  # <swiftbar.type>streamable</swiftbar.type>
  exec lockwatch watch --format swiftbar

Where the menu bar does not find lockwatch, give its whole path in the last line.";

/// Show the locks live
///
/// With a daemon it shows what the daemon sees; without one it looks itself, and moves over when a daemon appears.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON document a line at each change, the first at once
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Print for another program
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// For which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A streaming plugin of SwiftBar, which shows it in the menu bar
    Swiftbar,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    let is_screen = !args.json && args.format.is_none();
    if is_screen && !output::is_interactive() {
        return Err(Error::NoTerminal);
    }
    let (config, warnings) = Config::load(&Folders::from_env()?.config_file)?;
    let thresholds = config.thresholds;
    let homes = CargoHomes::from_env().with(config.cargo_homes);
    if is_screen {
        return screen::run(homes, thresholds, config.stop); // it would take a warning off the terminal again
    }
    for warning in warnings {
        output::complain(&warning);
    }
    match args.format {
        Some(Format::Swiftbar) => stream::run(homes, thresholds, out, &swiftbar::menu),
        None => stream::run(homes, thresholds, out, &stream::json_line),
    }
}

/// What `~` stands for.
fn home() -> Option<String> {
    std::env::home_dir().map(|home| crate::text::escape_path(&home))
}
