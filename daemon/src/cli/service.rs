//! `lockwatch service`: the daemon and the tray as services of this user.

mod view;

use serde::Serialize;

use super::Error;
use super::exit::Code;
use super::output::{self, Output};
use crate::service::{Act, Agent, Services, Status};

const EXAMPLES: &str = "\
On macOS these are launchd's LaunchAgents in ~/Library/LaunchAgents, on Linux units of systemd's user manager. Nothing here needs \
an administrator. What you have turned off (System Settings, `systemctl --user mask`) stays off unless --enable is given; a \
file that you have changed is kept as FILE.bak before another is written.

Examples:
  lockwatch service install            watch from now on, and after each login
  lockwatch service install --tray     the same for the icon in the menu bar or tray
  lockwatch service status             is it installed, does it run, does it answer
  lockwatch service logs
  lockwatch service uninstall          gone, but for the history and config.toml

Exit status:
  0   done, or it was so already
  2   the command line was not understood, or it is not installed
  69  there is no service manager, or it refused
  77  it was turned off and stays off, or this is run by sudo";

/// Have the daemon, or the tray, started at login and looked after
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install it, start it now and at each login
    ///
    /// Doing it again changes nothing. After an update it starts the new version, and from a new place the program there.
    #[command(
        after_help = "Examples:\n  lockwatch service install\n  lockwatch service install --tray\n  \
        LOCKWATCH_HOME=~/second lockwatch service install   variables that say where files are go into the service"
    )]
    Install(Enabling),
    /// Stop it and remove it; the history, config.toml and what you have changed stay
    #[command(after_help = "Example:\n  lockwatch service uninstall --tray && lockwatch service uninstall")]
    Uninstall(Which),
    /// Start it now
    #[command(
        after_help = "Examples:\n  lockwatch service start\n  lockwatch service start --enable   where it was turned off"
    )]
    Start(Enabling),
    /// Stop it until the next login
    #[command(after_help = "Example:\n  lockwatch service stop --tray")]
    Stop(Which),
    /// Stop it and start it again
    #[command(after_help = "Example:\n  lockwatch service restart          after a change in config.toml")]
    Restart(Which),
    /// Show whether it is installed, runs and answers, and how it ended the last time
    #[command(after_help = "Examples:\n  lockwatch service status\n  lockwatch service status --json | jq .running")]
    Status(StatusArgs),
    /// Show the last lines of what it has written down, and where that is
    #[command(after_help = "Example:\n  lockwatch service logs --lines 200")]
    Logs(LogsArgs),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The tray instead of the daemon
    #[arg(long)]
    tray: bool,
}

impl Which {
    fn agent(&self) -> Agent {
        if self.tray { Agent::Tray } else { Agent::Daemon }
    }
}

#[derive(Debug, clap::Args)]
struct Enabling {
    #[command(flatten)]
    which: Which,
    /// Turn it on again where it was turned off: in System Settings, by `launchctl disable` or by `systemctl --user mask`
    #[arg(long)]
    enable: bool,
}

#[derive(Debug, clap::Args)]
struct StatusArgs {
    #[command(flatten)]
    which: Which,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct LogsArgs {
    #[command(flatten)]
    which: Which,
    /// How many lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    lines: usize,
}

/// What `status --json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema_version: u32,
    installed: bool,
    #[serde(flatten)]
    status: &'a Status,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<Code, Error> {
    let services = Services::of_this_user()?;
    let mut code = Code::Done;
    // What was done is said as it is done: so it is known even where the next thing fails.
    let mut failed = Ok(());
    let mut tell = |act: Act| {
        if matches!(act, Act::TurnedOff { .. }) {
            code = Code::NotPermitted;
            output::complain(&act.to_string());
        } else if failed.is_ok() {
            failed = out.write(&format!("{act}\n")).and_then(|()| out.flush());
        }
    };
    match &args.command {
        Command::Install(args) => {
            let agent = args.which.agent();
            if args.enable {
                services.allow(agent, &mut tell)?;
            }
            services.install(agent, &agent.program()?, &mut tell)?;
        }
        Command::Uninstall(which) => services.uninstall(which.agent(), &mut tell)?,
        Command::Start(args) => {
            if args.enable {
                services.allow(args.which.agent(), &mut tell)?;
            }
            services.start(args.which.agent(), &mut tell)?;
        }
        Command::Stop(which) => services.stop(which.agent(), &mut tell)?,
        Command::Restart(which) => services.restart(which.agent(), &mut tell)?,
        Command::Status(args) => status(args, &services, out)?,
        Command::Logs(args) => {
            for part in services.logs(args.which.agent(), args.lines)? {
                out.write(&view::log(&part))?;
            }
        }
    }
    failed.map(|()| code)
}

fn status(args: &StatusArgs, services: &Services, out: &mut Output) -> Result<(), Error> {
    let status = services.status(args.which.agent())?;
    if !args.json {
        let home = std::env::home_dir().map(|home| crate::text::escape_path(&home));
        return out.write(&view::status(&status, home.as_deref()));
    }
    let mut json = serde_json::to_vec_pretty(&document(&status))?;
    json.push(b'\n');
    out.write_raw(&json)
}

fn document(status: &Status) -> Document<'_> {
    Document {
        schema_version: 1,
        installed: status.file.is_some(),
        status,
    }
}

#[cfg(test)]
mod tests;
