//! What was done, in words.

use std::fmt;
use std::path::PathBuf;

use super::Agent;
use crate::text;

/// One thing that was done to a service, or that needed no doing. It shows as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The file for the manager was written.
    Wrote(PathBuf),
    /// It was there, and as it would be written.
    Unchanged(PathBuf),
    /// It was there, as a package brought it, and is right.
    Packaged(PathBuf),
    /// It was there and not as lockwatch had written it, and was kept.
    Kept {
        /// Where it was.
        file: PathBuf,
        /// Where it is now.
        backup: PathBuf,
    },
    /// Something was removed.
    Removed(PathBuf),
    /// Something that is the user's own was left.
    Left(PathBuf),
    /// A variable of this environment, which says where files are, was written into the file.
    Carried {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// It starts at login from now on.
    AtLogin(Agent),
    /// It does not start at login any more.
    NotAtLogin(Agent),
    /// It was turned off by the user, and is allowed again.
    Allowed(Agent),
    /// It was started.
    Started(Agent),
    /// It was stopped and started.
    Restarted(Agent),
    /// It was stopped.
    Stopped(Agent),
    /// It ran already.
    Running(Agent),
    /// It did not run.
    NotRunning(Agent),
    /// It was not installed.
    NotInstalled(Agent),
    /// There is no desktop to start it in now.
    AtNextLogin(Agent),
    /// The desktop does not say when it begins, so the tray is not started with it.
    NotAnnounced,
    /// It was turned off by the user, who is not overruled.
    TurnedOff {
        /// Which one.
        agent: Agent,
        /// How it is turned on again.
        way_out: String,
    },
    /// The daemon answers on its socket.
    Answers {
        /// Its version.
        version: String,
    },
    /// It was started, and does not answer yet.
    DoesNotAnswer,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = text::escape_path;
        match self {
            Self::Wrote(file) => write!(f, "wrote {}", path(file)),
            Self::Unchanged(file) => write!(f, "{} is there and up to date", path(file)),
            Self::Packaged(file) => write!(f, "{} is there and up to date, from a package", path(file)),
            Self::Kept { file, backup } => {
                write!(f, "{} was changed by hand; it is kept as {}", path(file), path(backup))
            }
            Self::Removed(file) => write!(f, "removed {}", path(file)),
            Self::Left(file) => write!(f, "left {}, which lockwatch did not make", path(file)),
            Self::Carried { variable, value } => write!(f, "it runs with {variable}={value}, as set here"),
            Self::AtLogin(agent) => write!(f, "{} starts at login", agent.name()),
            Self::NotAtLogin(agent) => write!(f, "{} does not start at login any more", agent.name()),
            Self::Allowed(agent) => write!(f, "{} is turned on again", agent.name()),
            Self::Started(agent) => write!(f, "started {}", agent.name()),
            Self::Restarted(agent) => write!(f, "restarted {}", agent.name()),
            Self::Stopped(agent) => write!(f, "stopped {}", agent.name()),
            Self::Running(agent) => write!(f, "{} is running", agent.name()),
            Self::NotRunning(agent) => write!(f, "{} was not running", agent.name()),
            Self::NotInstalled(agent) => write!(f, "{} was not installed", agent.name()),
            Self::AtNextLogin(agent) => write!(
                f,
                "{} starts at the next login: there is no desktop session here to start it in",
                agent.name()
            ),
            Self::NotAnnounced => f.write_str(
                "this desktop does not announce graphical-session.target; for the tray at login, add \
                 `systemctl --user start lockwatch-tray` to what it starts",
            ),
            Self::TurnedOff { agent, way_out } => {
                write!(f, "{} was turned off and stays off; {way_out}", agent.name())
            }
            Self::Answers { version } => write!(f, "the daemon answers (version {version})"),
            Self::DoesNotAnswer => {
                f.write_str("the daemon does not answer yet; see `lockwatch service logs` if it stays so")
            }
        }
    }
}
