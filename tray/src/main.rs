//! The menu-bar and tray app: an icon that tells whether somebody waits for a Cargo lock, and a menu that tells who.
//!
//! Data flows one way: [`look`] sees the locks in a thread of its own, [`menu`] says what that means, and [`view`]
//! shows it, on the thread of the [`event_loop`]. Nothing here judges a process, and nothing signals one.

mod event_loop;
mod icon;
mod look;
mod menu;
mod view;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use lockwatch::cli::exit::Code;

const AFTER_HELP: &str = "\
Examples:
  lockwatch-tray             show the icon until `Quit` is chosen in its menu
  lockwatch-tray & disown    the same from a terminal that is to be closed

Exit status:
  0   ended by `Quit`
  2   the command line was not understood
  69  there is no desktop session to show the icon in, or it has ended";

/// Shows in the menu bar who holds Cargo's file locks, and who waits for them.
///
/// The icon is an open lock while no Cargo lock is held, a closed one while one is, a closed one with a queue beside it
/// while somebody waits, and a stop sign while a holder is stuck. `Quit` ends this program and nothing else.
#[derive(Debug, Parser)]
#[command(name = "lockwatch-tray", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    match event_loop::run() {
        Ok(()) => Code::Done.into(),
        Err(error) => {
            complain(&error.to_string());
            Code::Unavailable.into()
        }
    }
}

/// Says on stderr what is wrong. Most often nobody reads it, so it is never the only place for what a user must know.
fn complain(sentence: &str) {
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(std::io::stderr(), "lockwatch-tray: {sentence}"));
}
