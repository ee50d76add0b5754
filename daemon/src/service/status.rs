//! What is known about a service.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::{Agent, ManagerKind};
use crate::client::Client;
use crate::folders::Folders;
use crate::process::Pid;

/// What is known about a service. As JSON it is what `lockwatch service status --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Which service.
    pub agent: Agent,
    /// Who looks after it.
    pub manager: ManagerKind,
    /// The file that tells the manager what to start: the user's own one or, on Linux, a package's. `None` where it is
    /// not installed.
    #[serde(serialize_with = "path")]
    pub file: Option<PathBuf>,
    /// Whether that file is ours and was changed by hand.
    pub edited: bool,
    /// The program that the file starts, where it can be read.
    #[serde(serialize_with = "path")]
    pub program: Option<PathBuf>,
    /// Whether that program is there and may be started.
    pub program_is_there: bool,
    /// Whether it is started at login.
    pub at_login: AtLogin,
    /// Whether the manager knows it now.
    pub loaded: bool,
    /// Its process, where it runs.
    pub running: Option<Pid>,
    /// How it ended the last time, where the manager tells.
    pub last_exit: Option<LastExit>,
    /// What a daemon says on the socket, whoever started it. `None` where none answers, and for the tray.
    pub answer: Option<Answer>,
}

/// Whether a service is started at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtLogin {
    /// It is.
    Yes,
    /// It is not: not installed, or not enabled.
    No,
    /// It was turned off: in System Settings or by `launchctl disable`, by `systemctl --user mask`. It cannot be started
    /// either until that is taken back.
    Disabled,
}

/// How a service ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LastExit {
    /// With this exit code; 0 is a clean end.
    Code(i32),
    /// By this signal, as the manager writes it: `Killed: 9`, `9`.
    Signal(String),
}

impl fmt::Display for LastExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(0) => f.write_str("cleanly"),
            Self::Code(code) => write!(f, "with exit code {code}"),
            Self::Signal(signal) => write!(f, "by signal {signal}"),
        }
    }
}

/// What a daemon says about itself on the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Its process.
    pub pid: Pid,
    /// Its version.
    pub version: String,
}

impl Answer {
    /// Asks. The tray has no socket.
    pub(super) fn of(agent: Agent, folders: &Folders) -> Option<Self> {
        if agent == Agent::Tray {
            return None;
        }
        let welcome = Client::connect(folders).ok()??.hello().ok()?;
        Some(Self {
            pid: welcome.pid,
            version: welcome.version,
        })
    }

    /// Whether it is of another version than this program.
    pub fn is_of_another_version(&self) -> bool {
        self.version != env!("CARGO_PKG_VERSION")
    }
}

/// Some of what a service wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// Where it is: a file, or the command that shows it.
    pub from: String,
    /// The last lines, as they are; empty where there is nothing.
    pub text: String,
}

/// A path as people and programs can read it.
#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn path<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(crate::text::escape_path).serialize(serializer)
}
