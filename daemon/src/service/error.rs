//! What can go wrong, in one sentence with the way out.

use std::io;
use std::path::PathBuf;

use super::Agent;
use crate::folders::FoldersError;
use crate::private_folder::FolderError;
use crate::text;

/// Why something could not be done to a service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is nothing that looks after services of this user.
    #[error(
        "this user has no service manager here ({said}); log in on the machine itself or by ssh rather than by su, or let \
         `loginctl enable-linger` start one, or start `lockwatch daemon` from your shell's profile"
    )]
    NoManager {
        /// What was said.
        said: String,
    },
    /// By sudo it would become the administrator's service, in a home that is not the administrator's.
    #[error("the service is each user's own and not the administrator's; run this without sudo")]
    Sudo,
    /// No home directory, or a path that is too long for a socket.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The folder for the logs is not good for them.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Where this program is is not known.
    #[error("where this program is cannot be told ({0}); start it by its full path")]
    OwnProgram(#[source] io::Error),
    /// The program is not there.
    #[error(
        "{} has no program {} that can be started; install it there, beside `lockwatch`",
        .agent.name(), text::escape_path(.path)
    )]
    NoProgram {
        /// Whose program.
        agent: Agent,
        /// Where it was expected.
        path: PathBuf,
    },
    /// The manager's files hold text, and a path is none.
    #[error("{} cannot be written into a service's file; use a path of plain UTF-8 text", text::escape_path(.0))]
    NotText(PathBuf),
    /// A file cannot be read, written or removed.
    #[error("cannot {what} {}: {source}; see that the file and its folder are yours", text::escape_path(.path))]
    File {
        /// What was tried: `read`, `write`, `remove`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It has to be installed first.
    #[error("{} is not installed; use `lockwatch service install{}`", .0.name(), .0.option())]
    NotInstalled(Agent),
    /// It was turned off by the user, who is not overruled.
    #[error("{} was turned off and stays off; {way_out}", .agent.name())]
    TurnedOff {
        /// Which one.
        agent: Agent,
        /// How it is turned on again.
        way_out: String,
    },
    /// There is no desktop to start it in.
    #[error("{} needs a desktop session, and nobody is logged in at the screen; it starts at the next login", .0.name())]
    NoDesktop(Agent),
    /// The manager's program cannot be started.
    #[error("cannot run {program}: {source}; see that it is installed and may be run")]
    Run {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The manager refused.
    #[error("`{command}` failed with {code}{}: {meaning}", if .said.is_empty() { String::new() } else { format!(" ({said})") })]
    Refused {
        /// The command line.
        command: String,
        /// `exit code N`, or the signal that ended it.
        code: String,
        /// What it said on stderr, escaped, in one line.
        said: String,
        /// What that means, and the way out.
        meaning: String,
    },
    /// It was asked to end, and has not.
    #[error(
        "{} has been asked to end and is still there after {seconds} s; see with `lockwatch service status{}`, and try again",
        .agent.name(), .agent.option()
    )]
    StillEnding {
        /// Which one.
        agent: Agent,
        /// How long it was waited for.
        seconds: u64,
    },
}
