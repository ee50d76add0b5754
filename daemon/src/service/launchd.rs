//! launchd, by its program `launchctl`.
//!
//! Facts: launchctl(1) and launchd.plist(5) of macOS. A job lives in a domain: `gui/UID` is there while the user is logged
//! in at the screen, `user/UID` always (by ssh, on a Mac where nobody sits). `bootstrap` brings a job in and, by
//! `RunAtLoad`, starts it; `bootout` begins to end it and returns before that is done; until then `bootstrap` fails. So what
//! counts is not what a verb returned but what `print` says then.

mod job;
mod meaning;
mod property_list;

use std::path::{Path, PathBuf};

use launchctl::Service;

use self::job::Job;
use self::meaning::Again;
use super::runner::{Pace, Ran, Runner};
use super::status::LogPart;
use super::{Act, Agent, AtLogin, Manager, ManagerKind, ServiceError, Status, Told, agent, file, logs, tell_carried};
use crate::{private_folder, text};

/// The jobs of one user.
#[derive(Debug)]
pub(super) struct Launchd {
    pub(super) launchctl: Runner,
    /// The user.
    pub(super) uid: u32,
    /// The user's home.
    pub(super) home: PathBuf,
    /// Where what the jobs print is written to.
    pub(super) logs: PathBuf,
    /// What of the environment says where files are.
    pub(super) carried: Vec<(&'static str, String)>,
    /// How a job's end is waited for.
    pub(super) pace: Pace,
}

/// A job of this name in every domain.
fn label(agent: Agent) -> &'static str {
    match agent {
        Agent::Daemon => "com.example.lockwatch",
        Agent::Tray => "com.example.lockwatch.tray",
    }
}

impl Launchd {
    fn gui(&self) -> String {
        format!("gui/{}", self.uid)
    }

    fn user(&self) -> String {
        format!("user/{}", self.uid)
    }

    /// All names and paths of a job in a domain. Nothing is left to the crate's defaults, which are another user's.
    fn service(&self, agent: Agent, domain: &str) -> Service {
        let label = label(agent);
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let printed = text(self.printed_file(agent));
        Service::builder()
            .name(label)
            .uid(self.uid.to_string())
            .domain_target(domain)
            .service_target(format!("{domain}/{label}"))
            .plist_path(text(self.file(agent)))
            .error_log_path(printed.clone())
            .out_log_path(printed)
            .build()
    }

    fn file(&self, agent: Agent) -> PathBuf {
        let name = format!("{}.plist", label(agent));
        self.home.join("Library/LaunchAgents").join(name)
    }

    fn printed_file(&self, agent: Agent) -> PathBuf {
        self.logs.join(match agent {
            Agent::Daemon => "launchd-daemon.log",
            Agent::Tray => "launchd-tray.log",
        })
    }

    /// Where a job is brought in: at the screen where the user is logged in there.
    fn domain(&self) -> Result<String, ServiceError> {
        let at_the_screen = self.launchctl.run(&["print", &self.gui()])?.is_ok();
        Ok(if at_the_screen { self.gui() } else { self.user() })
    }

    /// The job, in the domain where launchd has it.
    fn loaded(&self, agent: Agent) -> Result<Option<(Service, Job)>, ServiceError> {
        for domain in [self.gui(), self.user()] {
            let service = self.service(agent, &domain);
            if let Some(job) = self.job(&service)? {
                return Ok(Some((service, job)));
            }
        }
        Ok(None)
    }

    fn job(&self, service: &Service) -> Result<Option<Job>, ServiceError> {
        let ran = self.launchctl.run(&["print", &service.service_target])?;
        Ok(ran.is_ok().then(|| Job::read(&ran.out)))
    }

    /// Whether the user has turned it off.
    fn is_turned_off(&self, service: &Service) -> Result<bool, ServiceError> {
        let ran = self.launchctl.run(&["print-disabled", &service.domain_target])?;
        Ok(ran.is_ok() && job::is_disabled(&ran.out, &service.name))
    }

    /// Runs a verb until it has done its work or will not: what that is, `done` asks launchd itself.
    fn carry_out(
        &self,
        arguments: &[&str],
        mut done: impl FnMut(&Ran) -> Result<bool, ServiceError>,
    ) -> Result<(), ServiceError> {
        let mut last = None;
        let mut tries = 0;
        let end = self.pace.until(|| {
            let ran = self.launchctl.run(arguments)?;
            tries += 1;
            if done(&ran)? {
                return Ok(Some(Ok(())));
            }
            let (again, words) = meaning::of(ran.code);
            let is_over = match again {
                Again::No => true,
                Again::Briefly => tries > self.pace.looks / 20,
                Again::Long => false,
            };
            let error = ran.refused(words);
            if is_over {
                return Ok(Some(Err(error)));
            }
            last = Some(error);
            Ok::<_, ServiceError>(None)
        })?;
        end.or_else(|| last.map(Err)).unwrap_or(Ok(()))
    }

    fn bootstrap(&self, service: &Service) -> Result<(), ServiceError> {
        let verb = ["bootstrap", &service.domain_target, &service.plist_path];
        // One that is there already fails as one that is wrong does.
        self.carry_out(&verb, |ran| Ok(ran.is_ok() || self.job(service)?.is_some()))
    }

    /// Has it ended and out, which `bootout` only begins.
    fn bootout(&self, agent: Agent, service: &Service) -> Result<(), ServiceError> {
        let ran = self.launchctl.run(&["bootout", &service.service_target])?;
        let gone = || Ok::<_, ServiceError>(self.job(service)?.is_none().then_some(()));
        if self.pace.until(gone)?.is_some() {
            return Ok(());
        }
        match meaning::of(ran.code) {
            (Again::No, words) if !ran.is_ok() => Err(ran.refused(words)),
            _ => Err(ServiceError::StillEnding {
                agent,
                seconds: self.pace.patience().as_secs(),
            }),
        }
    }

    fn kickstart(&self, service: &Service, options: &[&str]) -> Result<(), ServiceError> {
        let verb = [&["kickstart"], options, &[&service.service_target]].concat();
        self.carry_out(&verb, |ran| Ok(ran.is_ok()))
    }

    /// Brings in and starts a job that launchd does not have. False where there is no desktop for it.
    fn bring_in(&self, agent: Agent) -> Result<bool, ServiceError> {
        let domain = self.domain()?;
        if agent == Agent::Tray && domain != self.gui() {
            return Ok(false);
        }
        self.bootstrap(&self.service(agent, &domain))?;
        Ok(true)
    }

    fn way_out(agent: Agent) -> String {
        format!(
            "turn it on in System Settings, General, Login Items & Extensions, or use `lockwatch service start{} --enable`",
            agent.option()
        )
    }

    /// The logs' folder, which launchd does not make.
    fn make_logs(&self) -> Result<(), ServiceError> {
        Ok(private_folder::make(&self.logs)?)
    }
}

impl Manager for Launchd {
    fn status(&self, agent: Agent) -> Result<Status, ServiceError> {
        let path = self.file(agent);
        let found = file::find(&path)?;
        let (is_there, edited) = (found != file::Found::Nothing, matches!(found, file::Found::Other(_)));
        let loaded = self.loaded(agent)?;
        let service = match &loaded {
            Some((service, _)) => self.service(agent, &service.domain_target),
            None => self.service(agent, &self.domain()?),
        };
        let at_login = match is_there {
            _ if self.is_turned_off(&service)? => AtLogin::Disabled,
            true => AtLogin::Yes,
            false => AtLogin::No,
        };
        let job = loaded.map(|(_, job)| job);
        let program = match found {
            file::Found::Nothing => job.as_ref().and_then(|job| job.program.clone()),
            file::Found::Ours(text) => property_list::program(text.as_bytes()),
            file::Found::Other(bytes) => property_list::program(&bytes),
        };
        Ok(Status {
            agent,
            manager: ManagerKind::Launchd,
            file: is_there.then_some(path),
            edited,
            program_is_there: program.as_deref().is_some_and(agent::is_program),
            program,
            at_login,
            loaded: job.is_some(),
            running: job.as_ref().and_then(|job| job.pid),
            last_exit: job.and_then(|job| job.last_exit),
            answer: None,
        })
    }

    fn install(&self, agent: Agent, program: &Path, renew: bool, told: Told<'_>) -> Result<(), ServiceError> {
        self.make_logs()?;
        let text = property_list::filled_in(agent, program, &self.home, &self.printed_file(agent), &self.carried)?;
        let changed = file::put(&self.file(agent), &text, told)?;
        tell_carried(&self.carried, told);
        let loaded = self.loaded(agent)?;
        let domain = match &loaded {
            Some((service, _)) => service.domain_target.clone(),
            None => self.domain()?,
        };
        // One that is turned off could not be brought in again once it is out.
        if self.is_turned_off(&self.service(agent, &domain))? {
            let way_out = Self::way_out(agent);
            told(Act::TurnedOff { agent, way_out });
            return Ok(());
        }
        told(Act::AtLogin(agent));
        told(match loaded {
            None if self.bring_in(agent)? => Act::Started(agent),
            None => Act::AtNextLogin(agent),
            Some((service, job)) if changed || job.program.as_deref() != Some(program) => {
                self.bootout(agent, &service)?;
                self.bootstrap(&service)?;
                Act::Restarted(agent)
            }
            Some((service, _)) if renew => {
                self.kickstart(&service, &["-k"])?;
                Act::Restarted(agent)
            }
            Some((_, job)) if job.pid.is_some() => Act::Running(agent),
            Some((service, _)) => {
                self.kickstart(&service, &[])?;
                Act::Started(agent)
            }
        });
        Ok(())
    }

    fn uninstall(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let mut was_there = false;
        // In both domains, where somebody logged in at the screen after an installation by ssh.
        while let Some((service, _)) = self.loaded(agent)? {
            self.bootout(agent, &service)?;
            told(Act::Stopped(agent));
            was_there = true;
        }
        was_there |= file::take_away(&self.file(agent), told)?;
        was_there |= logs::remove(&self.printed_file(agent), told)?;
        if !was_there {
            told(Act::NotInstalled(agent));
        }
        Ok(())
    }

    fn start(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        match self.loaded(agent)? {
            Some((_, job)) if job.pid.is_some() => told(Act::Running(agent)),
            Some((service, _)) => {
                self.kickstart(&service, &[])?;
                told(Act::Started(agent));
            }
            None if file::find(&self.file(agent))? == file::Found::Nothing => {
                return Err(ServiceError::NotInstalled(agent));
            }
            None if self.is_turned_off(&self.service(agent, &self.domain()?))? => {
                let way_out = Self::way_out(agent);
                return Err(ServiceError::TurnedOff { agent, way_out });
            }
            None => {
                self.make_logs()?;
                if !self.bring_in(agent)? {
                    return Err(ServiceError::NoDesktop(agent));
                }
                told(Act::Started(agent));
            }
        }
        Ok(())
    }

    fn stop(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let mut stopped = false;
        while let Some((service, _)) = self.loaded(agent)? {
            self.bootout(agent, &service)?;
            stopped = true;
        }
        let is_there = stopped || file::find(&self.file(agent))? != file::Found::Nothing;
        told(match is_there {
            _ if stopped => Act::Stopped(agent),
            true => Act::NotRunning(agent),
            false => Act::NotInstalled(agent),
        });
        Ok(())
    }

    fn restart(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let Some((service, _)) = self.loaded(agent)? else {
            return self.start(agent, told);
        };
        self.kickstart(&service, &["-k"])?;
        told(Act::Restarted(agent));
        Ok(())
    }

    fn allow(&self, agent: Agent, told: Told<'_>) -> Result<(), ServiceError> {
        let service = self.service(agent, &self.domain()?);
        if self.is_turned_off(&service)? {
            self.carry_out(&["enable", &service.service_target], |ran| Ok(ran.is_ok()))?;
            told(Act::Allowed(agent));
        }
        Ok(())
    }

    fn set_at_login(&self, agent: Agent, wanted: bool, told: Told<'_>) -> Result<(), ServiceError> {
        if file::find(&self.file(agent))? == file::Found::Nothing {
            return Err(ServiceError::NotInstalled(agent));
        }
        let service = self.service(agent, &self.domain()?);
        let (verb, act) = if wanted {
            ("enable", Act::AtLogin(agent))
        } else {
            ("disable", Act::NotAtLogin(agent))
        };
        self.carry_out(&[verb, &service.service_target], |ran| Ok(ran.is_ok()))?;
        told(act);
        Ok(())
    }

    fn printed(&self, agent: Agent, lines: usize) -> Result<LogPart, ServiceError> {
        let path = self.printed_file(agent);
        Ok(LogPart {
            from: text::escape_path(&path),
            text: logs::tail(&path, lines)?,
        })
    }
}

#[cfg(test)]
mod tests;
