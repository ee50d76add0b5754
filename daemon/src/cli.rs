//! The command line: one file for each command, and this one for what they share.

mod daemon;
mod doctor;
pub mod exit;
mod explain;
mod generate;
mod history;
mod human;
mod output;
mod run;
mod service;
mod status;
mod stop;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::exit::Code;
use self::output::Output;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::engine::StartError;
use crate::folders::FoldersError;
use crate::history::HistoryError;
use crate::os::LookError;
use crate::server::BindError;
use crate::service::ServiceError;
use crate::stop::target::TargetError;

const EXAMPLES: &str = "\
Examples:
  lockwatch                  who holds Cargo's locks, and who waits: live on a terminal, once otherwise
  lockwatch status           the same, once
  lockwatch status --all     the locks that block nobody too
  lockwatch status --json    for programs; the form is daemon/schema/state-1.schema.json
  lockwatch status --check && cargo build
  lockwatch stop             end who is in the way, after a question
  lockwatch explain          what Cargo's 'Blocking waiting for file lock' means, and who is in the way now
  lockwatch history          how long you waited today, and for whom
  lockwatch run -- cargo test
                             waits for its turn, says for whom, and becomes the command
  lockwatch doctor           whether the detection works here, and what makes locks go wrong
  lockwatch service install  watch in the background, after each login too

Exit status:
  0   done; with --check: nobody waits and nobody is stuck
  1   with --check: somebody waits for a lock, or its holder is stuck; a stop that did not free the lock;
      findings of the doctor's
  2   the command line was not understood
  69  what the command needs is not there: the system does not tell about locks (no /proc), no socket can be made, the
      history cannot be read, there is no service manager
  75  `run`: something was in the way with --no-wait, or still was at the end of --timeout
  77  it was not permitted: reading the locks or the history, or lockwatch's folder is another user's or open to
      others; a stop was refused
`run` becomes its command, whose exit status is its own then; see `lockwatch run --help`";

/// Shows who holds Cargo's file locks, who waits for them, and whether the holder still works.
///
/// Without a command it is `watch` on a terminal, and `status` where its output goes elsewhere.
#[derive(Debug, Parser)]
#[command(name = "lockwatch", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(status::Args),
    Stop(stop::Args),
    Run(run::Args),
    Explain(explain::Args),
    History(history::Args),
    Doctor(doctor::Args),
    Service(service::Args),
    Daemon(daemon::Args),
    Watch(watch::Args),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
}

/// A verdict in a few words, as every part of lockwatch puts it: `stuck: suspended`.
pub fn judgement(verdict: &crate::verdict::Verdict) -> &'static str {
    status::view::judgement(verdict)
}

impl Command {
    /// A person gets the live view, a script one look.
    fn by_default() -> Self {
        if output::is_interactive() {
            Self::Watch(watch::Args::default())
        } else {
            Self::Status(status::Args::default())
        }
    }
}

/// What went wrong, in one sentence with the way out.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{source}; {}", way_out(.source))]
    Look {
        #[from]
        source: LookError,
    },
    #[error(transparent)]
    Folders(#[from] FoldersError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Engine(StartError),
    #[error(
        "cannot start the daemon: {0}; try again, and see that the limit of open files is not too low (`ulimit -n`)"
    )]
    Runtime(#[source] std::io::Error),
    #[error(
        "the live view needs a terminal for its keys and its picture; use `lockwatch watch --json` or `lockwatch status`"
    )]
    NoTerminal,
    #[error("cannot set up the live view: {0}; use `lockwatch status`")]
    Terminal(#[source] std::io::Error),
    #[error("cannot begin to watch: {0}; use `lockwatch status`")]
    Start(#[source] std::io::Error),
    #[error("watching has ended by an error that was shown above; use `lockwatch status`")]
    WatchEnded,
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(
        "nobody can be asked, because there is no terminal; add --yes, or see with --dry-run who would be signalled"
    )]
    NobodyToAsk,
    #[error("whether the stop was carried out is not known ({0}); see with `lockwatch status`")]
    Stop(#[source] ClientError),
    #[error("cannot read the answer: {0}; add --yes")]
    Ask(#[source] std::io::Error),
    #[error(transparent)]
    Explain(#[from] explain::NotExplained),
    #[error("cannot write the output: {0}")]
    Write(#[source] std::io::Error),
    #[error("cannot write the output as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Look(source) => Self::Look { source },
            error => Self::Engine(error),
        }
    }
}

fn way_out(error: &LookError) -> &'static str {
    match error {
        LookError::Table { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            "run lockwatch where this file may be read"
        }
        LookError::Table { .. } => {
            "lockwatch needs /proc; in a container or chroot, mount it (`mount -t proc proc /proc`)"
        }
        LookError::Processes(_) => "run lockwatch as the user whose builds you want to see",
    }
}

impl Error {
    fn code(&self) -> Code {
        match self {
            Self::Look {
                source: LookError::Table { source, .. } | LookError::Processes(source),
            } if source.kind() == std::io::ErrorKind::PermissionDenied => Code::NotPermitted,
            Self::History(HistoryError::Unreadable { source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Code::NotPermitted
            }
            Self::Bind(BindError::Folder(_) | BindError::InTheWay { .. }) => Code::NotPermitted,
            Self::Service(ServiceError::Sudo | ServiceError::TurnedOff { .. } | ServiceError::Folder(_)) => {
                Code::NotPermitted
            }
            Self::Config(_)
            | Self::NoTerminal
            | Self::Service(ServiceError::NotInstalled(_))
            | Self::Target(_)
            | Self::NobodyToAsk
            | Self::Ask(_)
            | Self::Explain(_) => Code::Usage,
            Self::Look { .. }
            | Self::Folders(_)
            | Self::History(_)
            | Self::Bind(_)
            | Self::Service(_)
            | Self::Engine(_)
            | Self::Runtime(_)
            | Self::Terminal(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::WatchEnded => Code::Unavailable,
            Self::Write(_) | Self::Json(_) => Code::Contended,
        }
    }
}

/// Runs one command line, the program's name first, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(code) = doctor::child(&arguments) {
        return code;
    }
    let command = match understand(arguments) {
        Ok(command) => command,
        Err(usage) => return output::usage(&usage).into(),
    };
    let mut out = Output::new();
    let result = match command {
        Command::Status(args) => status::run(&args, &mut out),
        Command::Stop(args) => stop::run(&args, &mut out),
        Command::Run(args) => run::run(&args),
        Command::Explain(args) => explain::run(&args, &mut out),
        Command::History(args) => history::run(&args, &mut out),
        Command::Doctor(args) => doctor::run(&args, &mut out),
        Command::Service(args) => service::run(&args, &mut out),
        Command::Daemon(args) => daemon::run(&args, &mut out),
        Command::Watch(args) => watch::run(&args, &mut out),
        Command::Completions(args) => generate::completions(&args, &mut out),
        Command::Man(args) => generate::man(&args, &mut out),
    };
    match result.and_then(|code| out.flush().map(|()| code)) {
        Ok(code) => code.into(),
        Err(error) => {
            output::complain(&error.to_string());
            error.code().into()
        }
    }
}

/// The command of a command line. That of a plain look is known without clap, which takes 45 µs, a twenty-fifth of the
/// whole look, to build all commands and find one among them.
fn understand(arguments: Vec<OsString>) -> Result<Command, clap::Error> {
    if let Some(args) = arguments.get(1..).and_then(status::Args::plain) {
        return Ok(Command::Status(args));
    }
    let cli = Cli::try_parse_from(arguments)?;
    Ok(cli.command.unwrap_or_else(Command::by_default))
}

/// The whole command line, for the man page and the completions.
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_look_is_understood_as_clap_understands_it() {
        const WORDS: [&str; 9] = [
            "status", "--json", "--check", "--all", "--help", "--json=1", "--", "man", "",
        ];
        let mut lines = vec![vec!["lockwatch"]];
        let mut plain = 0;
        while let Some(line) = lines.pop() {
            let words: Vec<OsString> = line.iter().map(OsString::from).collect();
            if let Some(args) = status::Args::plain(&words[1..]) {
                plain += 1;
                let cli = Cli::try_parse_from(words).expect("clap takes it too");
                let same = match cli.command {
                    Some(Command::Status(found)) => found == args,
                    Some(_) | None => false,
                };
                assert!(same, "{line:?} is not {args:?}");
            }
            if line.len() < 5 {
                lines.extend(WORDS.map(|word| [line.as_slice(), &[word]].concat()));
            }
        }
        // `status` with each row of different options.
        assert_eq!(plain, 1 + 3 + 6 + 6);
    }
}
