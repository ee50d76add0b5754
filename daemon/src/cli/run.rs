//! `lockwatch run`: waits until a command's locks are free, and becomes the command.

mod picture;
mod view;
mod wait;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process;
use std::time::Duration;

use self::picture::Picture;
use self::view::View;
use self::wait::{End, wait};
use super::exit::Code;
use super::output;
use super::{Error, status};
use crate::folders::Folders;
use crate::guard::{Guard, GuardError, Obstacles, Round};
use crate::os::LookError;
use crate::places::CargoHomes;
use crate::text;

const EXAMPLES: &str = "\
It waits for the package cache of the command's Cargo home and, where the command is cargo, for the folders that its build goes \
into: those of its workspace, profile and targets. Runs that wait for one folder go first come, first served. A cargo that is \
started without `lockwatch run` is waited for, and does not wait itself. Nothing is printed where nothing is in the way.

Examples:
  lockwatch run -- cargo build --release
  lockwatch run --timeout 600 -- cargo test      give up after ten minutes
  lockwatch run --no-wait -- cargo check         say who is in the way, and do not wait
  lockwatch run --quiet -- cargo clippy          wait without a word
  lockwatch run -- make                          no cargo: waits for the package cache only

Exit status:
  75   something is in the way (--no-wait), or still is after the time given (--timeout); nothing was started
  77   who is in the way has started this command itself, so neither would go on; nothing was started
  126  the command cannot be started
  127  there is no such command
  130  Ctrl-C while it waited; nothing was started
       otherwise that of the command, which takes this process's place";

/// Wait until the locks that a command needs are free, then become that command
///
/// For builds that would get in each other's way: those of several agents, of a script and an editor, of two terminals.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Wait no longer than this
    #[arg(long, value_name = "SECS", conflicts_with = "no_wait")]
    timeout: Option<u32>,
    /// Do not wait: exit with 75 where something is in the way, and say who
    #[arg(long)]
    no_wait: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> Result<Code, Error> {
    let mut guard = Guard::new(args.command.clone(), CargoHomes::from_env());
    if !args.quiet && !guard.needs().is_cargo {
        let name = text::escape(&args.command[0]);
        output::note(&format!(
            "lockwatch: {name} is not cargo, so which folders it builds in is not known; waiting for the package cache only"
        ));
    }
    join(&mut guard, args);
    let obstacles = match round(&mut guard, args)? {
        Round::Go => return Ok(become_the_command(guard, &args.command)),
        Round::Wait(obstacles) => obstacles,
    };
    if args.no_wait {
        if !args.quiet {
            tell(&mut guard, &obstacles)?;
        }
        return Ok(Code::TimedOut);
    }
    let patience = args.timeout.map(|seconds| Duration::from_secs(seconds.into()));
    match wait(&mut guard, args, obstacles, patience)? {
        End::Go => Ok(become_the_command(guard, &args.command)),
        End::TimedOut => Ok(Code::TimedOut),
        End::Refused => Ok(Code::NotPermitted),
    }
}

/// Takes part in the queue; where that is not possible, it is said, and the guard does without.
fn join(guard: &mut Guard, args: &Args) {
    let trouble = match Folders::from_env() {
        Ok(folders) => guard.join(&folders.state).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(trouble) = trouble {
        without_queue(args, &trouble);
    }
}

fn without_queue(args: &Args, trouble: &str) {
    if !args.quiet {
        output::complain(&format!(
            "{trouble}; going on without the queue: what holds a lock is waited for, runs that come at once are not put in order"
        ));
    }
}

/// One round of the guard, without the queue where that fails.
fn round(guard: &mut Guard, args: &Args) -> Result<Round, LookError> {
    loop {
        match guard.round() {
            Ok(round) => return Ok(round),
            Err(GuardError::Look(error)) => return Err(error),
            Err(GuardError::Queue(error)) => {
                without_queue(args, &error.to_string());
                guard.leave();
            }
        }
    }
}

/// Says once what is in the way.
fn tell(guard: &mut Guard, obstacles: &Obstacles) -> Result<(), Error> {
    let picture = Picture::of(guard, obstacles, &status::state()?);
    output::note(view().list("cannot start now", &picture).trim_end());
    Ok(())
}

fn view() -> View {
    View {
        home: std::env::home_dir().map(|home| text::escape_path(&home)),
    }
}

/// Becomes the command. Where that fails, nothing was started, and the place in the queue is given up.
fn become_the_command(guard: Guard, command: &[OsString]) -> Code {
    let error = process::Command::new(&command[0]).args(&command[1..]).exec();
    drop(guard);
    let name = text::escape(&command[0]);
    if error.kind() == io::ErrorKind::NotFound {
        output::complain(&format!(
            "cannot start {name}: there is no such command; see its spelling and PATH"
        ));
        return Code::NotFound;
    }
    output::complain(&format!("cannot start {name}: {error}"));
    Code::NotExecutable
}
