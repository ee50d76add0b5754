//! The daemon and the tray as services of this user: installed, started at login, looked after and gone again.
//!
//! On macOS launchd has them, on Linux systemd's user manager. Both are compiled and tested everywhere; which one this
//! system has is said by [`crate::os::MANAGER`]. What differs between the two is behind the trait `Manager`: `launchd` and
//! `systemd` each run their own program through `runner`. What is the same is here: the file that tells the manager what to
//! start (`file`), whether the daemon answers, and what is removed at the end.
//!
//! A service that the user has turned off (System Settings, `launchctl disable`, `systemctl --user mask`) stays off until
//! [`Services::allow`].

mod act;
mod agent;
mod error;
mod file;
mod launchd;
mod logs;
#[cfg(test)]
mod made;
mod remains;
mod runner;
mod status;
mod systemd;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::act::Act;
pub use self::agent::Agent;
pub use self::error::ServiceError;
use self::launchd::Launchd;
use self::runner::{Pace, Runner};
pub use self::status::{Answer, AtLogin, LastExit, LogPart, Status};
use self::systemd::Systemd;
use crate::folders::{Base, Folders};
use crate::os::MANAGER;

/// What looks after services on a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagerKind {
    /// macOS.
    Launchd,
    /// Linux.
    Systemd,
}

/// Who is told of each thing that was done, as it is done: so what was done is known even where the next thing fails.
pub type Told<'a> = &'a mut dyn FnMut(Act);

/// One service manager, for the services of one user.
trait Manager: std::fmt::Debug {
    /// What is known about a service, without the daemon's own answer.
    fn status(&self, agent: Agent) -> Result<Status, ServiceError>;
    /// Writes the file, has it started at login and starts it. Where one runs already that is not what the file says now,
    /// or `renew` is set, it is started anew.
    fn install(&self, agent: Agent, program: &Path, renew: bool, told: Told<'_>) -> Result<(), ServiceError>;
    /// Stops it, and removes the file.
    fn uninstall(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError>;
    /// Starts it where it does not run.
    fn start(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError>;
    /// Stops it until the next login.
    fn stop(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError>;
    /// Stops it where it runs, and starts it.
    fn restart(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError>;
    /// Takes back that the user has turned it off.
    fn allow(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError>;
    /// Whether it is started at login.
    fn set_at_login(&self, agent: Agent, wanted: bool, told: Told<'_>) -> Result<(), ServiceError>;
    /// The last lines that the manager has kept of what the service printed.
    fn printed(&self, agent: Agent, lines: usize) -> Result<LogPart, ServiceError>;
}

/// The services of this user.
#[derive(Debug)]
pub struct Services {
    manager: Box<dyn Manager>,
    folders: Folders,
    pace: Pace,
}

/// What says where lockwatch's and Cargo's files are. A service does not get it from a shell, so it is written into the
/// service's file: otherwise the daemon would be elsewhere than where the command line looks for it.
const CARRIED: [&str; 4] = ["LOCKWATCH_HOME", "CARGO_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"];

/// How long the end of a service is waited for. It has ten seconds (`ExitTimeOut`, `TimeoutStopSec`) before it is killed.
const ENDING: Pace = Pace {
    every: Duration::from_millis(100),
    looks: 200,
};

/// How long a daemon that was started is waited for. It answers in a tenth of a second, later on a loaded machine.
const ANSWERING: Pace = Pace {
    every: Duration::from_millis(50),
    looks: 100,
};

impl Services {
    /// With the manager of this system: launchd on macOS, systemd's user manager on Linux. [`ServiceError::NoManager`]
    /// where there is none, [`ServiceError::Sudo`] where it would be another user's than the home.
    pub fn of_this_user() -> Result<Self, ServiceError> {
        let variable = |name: &str| std::env::var_os(name);
        let uid = rustix::process::geteuid();
        if uid.is_root() && variable("SUDO_UID").is_some_and(|by| by != "0") {
            return Err(ServiceError::Sudo);
        }
        let base = Base::from_env()?;
        let folders = Folders::from_env()?;
        let carried = carried(|name| variable(name).and_then(|value| value.into_string().ok()));
        let manager: Box<dyn Manager> = match MANAGER {
            ManagerKind::Launchd => Box::new(Launchd {
                launchctl: Runner::new("/bin/launchctl"),
                uid: uid.as_raw(),
                home: base.home,
                logs: folders.logs.clone(),
                carried,
                pace: ENDING,
            }),
            ManagerKind::Systemd => {
                let runtime = systemd::runtime_folder(variable("XDG_RUNTIME_DIR"), base.runtime);
                let of_the_user = |program: &str| {
                    let runner = Runner::new(program).with(["--user"]);
                    match &runtime {
                        Some(folder) => runner.with_variable("XDG_RUNTIME_DIR", folder),
                        None => runner,
                    }
                };
                let systemd = Systemd {
                    systemctl: of_the_user("systemctl"),
                    journalctl: of_the_user("journalctl"),
                    units: base.config.join("systemd/user"),
                    carried,
                    on_a_desktop: ["DISPLAY", "WAYLAND_DISPLAY"]
                        .iter()
                        .any(|name| variable(name).is_some()),
                };
                Box::new(systemd.checked()?)
            }
        };
        Ok(Self {
            manager,
            folders,
            pace: ANSWERING,
        })
    }

    /// What is known about a service.
    pub fn status(&self, agent: Agent) -> Result<Status, ServiceError> {
        Ok(Status {
            answer: Answer::of(agent, &self.folders),
            ..self.manager.status(agent)?
        })
    }

    /// Installs a service for a program (see [`Agent::program`]), has it started at login, and starts it. Doing it again
    /// changes nothing; another program, or another version of the same, takes the place of the one that runs.
    pub fn install(&self, agent: Agent, program: &Path, told: Told<'_>) -> Result<(), ServiceError> {
        let path = || program.to_owned();
        let program = &std::path::absolute(program).unwrap_or_else(|_| path());
        if !agent::is_program(program) {
            return Err(ServiceError::NoProgram { agent, path: path() });
        }
        let renew = Answer::of(agent, &self.folders).is_some_and(|answer| answer.is_of_another_version());
        self.begin(agent, told, |told| self.manager.install(agent, program, renew, told))
    }

    /// Stops a service and removes all of it, logs too. The history, the settings and what was edited by hand stay.
    pub fn uninstall(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        self.manager.uninstall(agent, told)?;
        remains::remove(agent, &self.folders, told)
    }

    /// Starts a service; nothing where it runs.
    pub fn start(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        self.begin(agent, told, |told| self.manager.start(agent, told))
    }

    /// Stops a service until the next login; nothing where it does not run.
    pub fn stop(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        self.manager.stop(agent, told)
    }

    /// Stops a service where it runs, and starts it.
    pub fn restart(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        self.begin(agent, told, |told| self.manager.restart(agent, told))
    }

    /// Takes back that the user has turned a service off; nothing where it is not.
    pub fn allow(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        self.manager.allow(agent, told)
    }

    /// Has an installed service started at login, or not. What runs goes on.
    pub fn set_at_login(&self, agent: Agent, wanted: bool, told: Told<'_>) -> Result<(), ServiceError> {
        self.manager.set_at_login(agent, wanted, told)
    }

    /// The last lines of what a service wrote down, and where it is.
    pub fn logs(&self, agent: Agent, lines: usize) -> Result<Vec<LogPart>, ServiceError> {
        let mut parts = vec![self.manager.printed(agent, lines)?];
        if agent == Agent::Daemon {
            parts.push(remains::newest_log(&self.folders.logs, lines)?);
        }
        Ok(parts)
    }

    /// Does something that starts a service, and waits until a daemon that runs then answers.
    fn begin(
        &self,
        agent: Agent,
        told: Told<'_>,
        work: impl FnOnce(Told<'_>) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        let mut runs = false;
        work(&mut |act| {
            runs |= matches!(act, Act::Started(_) | Act::Restarted(_) | Act::Running(_));
            told(act);
        })?;
        if agent == Agent::Daemon && runs {
            let answer = self
                .pace
                .until(|| Ok::<_, ServiceError>(Answer::of(agent, &self.folders)))?;
            told(answer.map_or(Act::DoesNotAnswer, |Answer { version, .. }| Act::Answers { version }));
        }
        Ok(())
    }
}

/// Says what a file that was written has of this environment.
fn tell_carried(carried: &[(&'static str, String)], told: Told<'_>) {
    for (variable, value) in carried {
        told(Act::Carried {
            variable,
            value: value.clone(),
        });
    }
}

/// Those of the variables that are set, as absolute paths. What is no text, or has control characters, is in no file.
fn carried(variable: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let value = |name: &&'static str| {
        let value = variable(name).filter(|value| !value.is_empty() && !value.chars().any(char::is_control))?;
        let path: PathBuf = std::path::absolute(value).ok()?;
        Some((*name, path.to_str()?.to_owned()))
    };
    CARRIED.iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests;
