//! The menu-bar and tray app: an icon that tells whether somebody waits for a Cargo lock, and a menu that tells who and why, and
//! stops whoever is in the way.
//!
//! Data flows one way: [`link`] follows the daemon, [`app`] gathers what is known, [`menu`] says what that means, and [`view`]
//! shows it, on the thread of the [`event_loop`]. Nothing here judges a process, and nothing signals one: a choice in the menu
//! becomes a request to the daemon ([`orders`]).

mod app;
mod cases;
mod event_loop;
mod icon;
mod instance;
mod link;
mod live_view;
mod login;
mod menu;
mod orders;
mod settings;
mod start;
mod stopping;
mod view;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use lockwatch::cli::exit::Code;
use lockwatch::config::Config;
use lockwatch::folders::Folders;

use crate::app::Setup;
use crate::instance::Taken;

const AFTER_HELP: &str = "\
Examples:
  lockwatch-tray             show the icon until `Quit` is chosen in its menu
  lockwatch-tray & disown    the same from a terminal that is to be closed

Exit status:
  0   ended by `Quit`, or a tray of this user runs already
  2   the command line was not understood
  69  there is no desktop session to show the icon in, or it has ended; lockwatch's own folder cannot be used";

/// Shows in the menu bar who holds Cargo's file locks, and who waits for them.
///
/// The icon is an open lock while no Cargo lock is held, a closed one while one is, a closed one with a queue beside it
/// while somebody waits, and a stop sign while a holder is stuck. `Quit` ends this program and nothing else.
#[derive(Debug, Parser)]
#[command(name = "lockwatch-tray", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    match run() {
        Ok(()) => Code::Done.into(),
        Err(sentence) => {
            complain(&sentence);
            Code::Unavailable.into()
        }
    }
}

/// Runs until `Quit`; otherwise says in one sentence why not.
fn run() -> Result<(), String> {
    let folders = Folders::from_env().map_err(|error| error.to_string())?;
    let _instance = match instance::take(&folders).map_err(|error| error.to_string())? {
        Taken::Ours(instance) => instance,
        Taken::Others(pid) => {
            let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            complain(&format!("a tray of yours runs already{pid}"));
            return Ok(());
        }
    };
    // A mistake in the configuration is no reason to have no icon: the menu says what is wrong.
    let (config, trouble) = match Config::load(&folders.config_file) {
        Ok((config, warnings)) => (config, warnings.into_iter().next()),
        Err(error) => (Config::default(), Some(error.to_string())),
    };
    let setup = Setup {
        folders,
        config,
        trouble,
    };
    event_loop::run(setup).map_err(|error| error.to_string())
}

/// Says on stderr what is wrong. Most often nobody reads it, so it is never the only place for what a user must know.
fn complain(sentence: &str) {
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(std::io::stderr(), "lockwatch-tray: {sentence}"));
}
