//! systemd's user manager, by its program `systemctl --user`.
//!
//! Facts: systemctl(1), systemd.unit(5), systemd.service(5). The user's own units are in `$XDG_CONFIG_HOME/systemd/user`,
//! a package's in `/usr/lib/systemd/user`; a unit is *masked* by a link to `/dev/null` in its place. The tray belongs to
//! `graphical-session.target`, which not every desktop announces.

mod unit;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use self::unit::Properties;
use super::runner::{Ran, Runner};
use super::status::LogPart;
use super::{Act, Agent, AtLogin, Manager, ManagerKind, ServiceError, Status, Told, agent, file, tell_carried};

/// The units of one user.
#[derive(Debug)]
pub(super) struct Systemd {
    /// `systemctl --user`.
    pub(super) systemctl: Runner,
    /// `journalctl --user`.
    pub(super) journalctl: Runner,
    /// The folder of the user's own units.
    pub(super) units: PathBuf,
    /// What of the environment says where files are.
    pub(super) carried: Vec<(&'static str, String)>,
    /// Whether this was asked for from within a desktop session.
    pub(super) on_a_desktop: bool,
}

fn name(agent: Agent) -> &'static str {
    match agent {
        Agent::Daemon => "lockwatch.service",
        Agent::Tray => "lockwatch-tray.service",
    }
}

impl Systemd {
    /// Makes sure that there is a manager.
    pub(super) fn checked(self) -> Result<Self, ServiceError> {
        let no_manager = |said| ServiceError::NoManager { said };
        match self.systemctl.run(&["show", "--property=Version"]) {
            Ok(ran) if ran.is_ok() => Ok(self),
            Ok(ran) => Err(no_manager(ran.said)),
            Err(ServiceError::Run { program, source }) => Err(no_manager(format!("{program}: {source}"))),
            Err(error) => Err(error),
        }
    }

    fn file(&self, agent: Agent) -> PathBuf {
        self.units.join(name(agent))
    }

    fn verb(&self, verb: &[&str]) -> Result<Ran, ServiceError> {
        let ran = self.systemctl.run(verb)?;
        if ran.is_ok() {
            return Ok(ran);
        }
        let meaning = meaning(&ran);
        Err(ran.refused(meaning))
    }

    fn properties(&self, agent: Agent) -> Result<Properties, ServiceError> {
        let names = format!("--property={}", unit::PROPERTIES.join(","));
        let ran = self.verb(&["show", &names, name(agent)])?;
        Ok(Properties::read(&ran.out))
    }

    /// By the files as they are now; `show` tells what the manager has read of them.
    fn at_login(&self, agent: Agent) -> Result<AtLogin, ServiceError> {
        // It prints one word, and fails where that is not good news.
        let ran = self.systemctl.run(&["is-enabled", name(agent)])?;
        Ok(match ran.out.trim() {
            "enabled" | "enabled-runtime" | "static" | "linked" => AtLogin::Yes,
            "masked" | "masked-runtime" => AtLogin::Disabled,
            _ => AtLogin::No,
        })
    }

    fn is_active(&self, unit: &str) -> Result<bool, ServiceError> {
        Ok(self.systemctl.run(&["is-active", "--quiet", unit])?.is_ok())
    }

    /// A package's unit that says just what ours would say.
    fn packaged(&self, agent: Agent, text: &str) -> Result<Option<PathBuf>, ServiceError> {
        if file::find(&self.file(agent))? != file::Found::Nothing {
            return Ok(None);
        }
        let found = self.properties(agent)?.file;
        Ok(found.filter(|path| std::fs::read_to_string(path).is_ok_and(|found| found == text)))
    }

    /// A unit that failed too often in a short time is not started again before that is forgotten.
    fn forgive(&self, agent: Agent, properties: &Properties) -> Result<(), ServiceError> {
        if properties.has_failed {
            self.verb(&["reset-failed", name(agent)])?;
        }
        Ok(())
    }

    fn begin(&self, agent: Agent, verb: &str) -> Result<(), ServiceError> {
        self.forgive(agent, &self.properties(agent)?)?;
        self.verb(&[verb, name(agent)]).map(drop)
    }

    fn turned_off(agent: Agent) -> ServiceError {
        ServiceError::TurnedOff {
            agent,
            way_out: Self::way_out(agent),
        }
    }

    fn way_out(agent: Agent) -> String {
        format!(
            "it is masked: use `lockwatch service install{} --enable`, or `systemctl --user unmask {}`",
            agent.option(),
            name(agent)
        )
    }

    /// What has to be so before it can be started.
    fn startable(&self, agent: Agent) -> Result<Properties, ServiceError> {
        let properties = self.properties(agent)?;
        if self.at_login(agent)? == AtLogin::Disabled {
            return Err(Self::turned_off(agent));
        }
        if properties.file.is_none() {
            return Err(ServiceError::NotInstalled(agent));
        }
        Ok(properties)
    }
}

/// What a refusal means, as far as its exit code tells (systemctl(1), "Exit status").
fn meaning(ran: &Ran) -> &'static str {
    match ran.code {
        Some(4) => "there is no such unit or no way to ask for it; use `lockwatch service install`",
        Some(5) => "the manager does not know the unit; use `lockwatch service install`",
        _ => "see `systemctl --user status lockwatch lockwatch-tray` and `journalctl --user -n 20`",
    }
}

impl Manager for Systemd {
    fn status(&self, agent: Agent) -> Result<Status, ServiceError> {
        let properties = self.properties(agent)?;
        let at_login = self.at_login(agent)?;
        let own = self.file(agent);
        let found = match at_login {
            AtLogin::Disabled => file::Found::Nothing,
            AtLogin::Yes | AtLogin::No => file::find(&own)?,
        };
        let edited = matches!(found, file::Found::Other(_));
        let file = if found == file::Found::Nothing {
            properties.file.clone()
        } else {
            Some(own)
        };
        let text = file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
        let program = text.as_deref().and_then(unit::program);
        Ok(Status {
            agent,
            manager: ManagerKind::Systemd,
            file,
            edited,
            program_is_there: program.as_deref().is_some_and(agent::is_program),
            program,
            at_login,
            loaded: properties.file.is_some(),
            running: properties.pid,
            last_exit: properties.last_exit,
            answer: None,
        })
    }

    fn install(&self, agent: Agent, program: &Path, renew: bool, told: Told<'_>) -> Result<(), ServiceError> {
        if self.at_login(agent)? == AtLogin::Disabled {
            let way_out = Self::way_out(agent);
            told(Act::TurnedOff { agent, way_out });
            return Ok(());
        }
        let text = unit::filled_in(agent, program, &self.carried)?;
        let changed = match self.packaged(agent, &text)? {
            Some(path) => {
                told(Act::Packaged(path));
                false
            }
            None => file::put(&self.file(agent), &unit::sealed(&text), told)?,
        };
        tell_carried(&self.carried, told);
        self.verb(&["daemon-reload"])?;
        self.verb(&["enable", name(agent)])?;
        told(Act::AtLogin(agent));
        let properties = self.properties(agent)?;
        if agent == Agent::Tray && properties.pid.is_none() {
            let is_announced = self.is_active("graphical-session.target")?;
            if !is_announced {
                told(if self.on_a_desktop {
                    Act::NotAnnounced
                } else {
                    Act::AtNextLogin(agent)
                });
            }
            if !is_announced && !self.on_a_desktop {
                return Ok(());
            }
        }
        let (verb, act) = match properties.pid {
            Some(_) if changed || renew => ("restart", Act::Restarted(agent)),
            Some(_) => ("start", Act::Running(agent)),
            None => ("start", Act::Started(agent)),
        };
        self.begin(agent, verb)?;
        told(act);
        Ok(())
    }

    fn uninstall(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let properties = self.properties(agent)?;
        let mut was_there = properties.pid.is_some();
        if was_there {
            self.verb(&["stop", name(agent)])?;
            told(Act::Stopped(agent));
        }
        let at_login = self.at_login(agent)?;
        if at_login == AtLogin::Disabled {
            // The user's own mask is no file of ours.
            told(Act::Left(self.file(agent)));
            return Ok(());
        }
        if at_login == AtLogin::Yes {
            self.verb(&["disable", name(agent)])?;
            told(Act::NotAtLogin(agent));
            was_there = true;
        }
        let removed = file::take_away(&self.file(agent), told)?;
        let drop_ins = self.units.join(format!("{}.d", name(agent)));
        if drop_ins.exists() {
            told(Act::Left(drop_ins));
        }
        if removed {
            self.verb(&["daemon-reload"])?;
        }
        // What it left as failed is told of a unit that is gone, too.
        if properties.has_failed {
            // It may have been forgotten with the file.
            self.systemctl.run(&["reset-failed", name(agent)])?;
        }
        if !removed && let Some(file) = properties.file {
            told(Act::Left(file));
        } else if !removed && !was_there {
            told(Act::NotInstalled(agent));
        }
        Ok(())
    }

    fn start(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let properties = self.startable(agent)?;
        if properties.pid.is_some() {
            told(Act::Running(agent));
            return Ok(());
        }
        self.begin(agent, "start")?;
        told(Act::Started(agent));
        Ok(())
    }

    fn stop(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let properties = self.properties(agent)?;
        // One that waits for its next start has no process, and must not be started.
        told(if properties.pid.is_some() || properties.is_active {
            self.verb(&["stop", name(agent)])?;
            Act::Stopped(agent)
        } else if properties.file.is_some() {
            Act::NotRunning(agent)
        } else {
            Act::NotInstalled(agent)
        });
        Ok(())
    }

    fn restart(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let properties = self.startable(agent)?;
        // A unit that was changed by hand is to count.
        if properties.needs_reload {
            self.verb(&["daemon-reload"])?;
        }
        self.begin(agent, "restart")?;
        told(if properties.pid.is_some() {
            Act::Restarted(agent)
        } else {
            Act::Started(agent)
        });
        Ok(())
    }

    fn allow(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        if self.at_login(agent)? == AtLogin::Disabled {
            self.verb(&["unmask", name(agent)])?;
            told(Act::Allowed(agent));
        }
        Ok(())
    }

    fn set_at_login(&self, agent: Agent, wanted: bool, told: Told<'_>) -> Result<(), ServiceError> {
        if wanted {
            self.allow(agent, told)?;
        }
        if self.properties(agent)?.file.is_none() {
            return Err(ServiceError::NotInstalled(agent));
        }
        let (verb, act) = if wanted {
            ("enable", Act::AtLogin(agent))
        } else {
            ("disable", Act::NotAtLogin(agent))
        };
        self.verb(&[verb, name(agent)])?;
        told(act);
        Ok(())
    }

    fn printed(&self, agent: Agent, lines: usize) -> Result<LogPart, ServiceError> {
        let lines = lines.to_string();
        let unit = name(agent);
        let from = format!("journalctl --user --unit {unit}");
        let words = [
            "--unit",
            unit,
            "--lines",
            &lines,
            "--no-pager",
            "--quiet",
            "--output",
            "short-iso",
        ];
        let text = match self.journalctl.run(&words) {
            Ok(ran) if ran.is_ok() => ran.out,
            Ok(ran) => format!("{}\n", ran.said),
            // A machine without a journal has no lines in it.
            Err(error) => format!("{error}\n"),
        };
        Ok(LogPart { from, text })
    }
}

/// Where the manager listens, where the environment does not say so: `su` and `sudo` leave it out.
pub(super) fn runtime_folder(variable: Option<OsString>, own: Option<PathBuf>) -> Option<OsString> {
    match variable.filter(|value| !value.is_empty()) {
        Some(_) => None,
        None => own.map(OsString::from),
    }
}

#[cfg(test)]
mod tests;
