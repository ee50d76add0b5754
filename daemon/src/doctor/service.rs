//! The daemon and the tray as services: whether what is installed can start, and does.

use super::{Check, Finding};
use crate::service::{Agent, AtLogin, LastExit, Services, Status};
use crate::text;

pub(super) fn checks() -> Vec<Check> {
    let services = match Services::of_this_user() {
        Ok(services) => services,
        Err(error) => return vec![Check::not_made("the services", &error)],
    };
    let check = |agent: Agent| {
        let name = format!("the service of {}", agent.name());
        match services.status(agent) {
            Ok(status) if status.file.is_none() => Check::not_made(
                name,
                &format!(
                    "it is not installed; `{}` has it started at login",
                    command("install", agent)
                ),
            ),
            Ok(status) => Check::of(name, finding(&status).into_iter().collect()),
            Err(error) => Check::not_made(name, &error),
        }
    };
    Agent::ALL.into_iter().map(check).collect()
}

/// What is wrong with an installed service: the cause before what comes of it.
fn finding(status: &Status) -> Option<Finding> {
    let name = status.agent.name();
    let found = |id: &str, what: String, why: &str, verb: &str| {
        Some(Finding {
            id: id.to_owned(),
            what,
            why: why.to_owned(),
            mend: command(verb, status.agent),
        })
    };
    if let Some(program) = status.program.as_deref().filter(|_| !status.program_is_there) {
        return found(
            "service-program",
            format!(
                "the service of {name} starts {}, which is not there",
                text::escape_path(program)
            ),
            "it cannot start at the next login, most likely because the program was moved",
            "install",
        );
    }
    if status.at_login == AtLogin::Disabled {
        return found(
            "service-disabled",
            format!("the service of {name} is installed, and was turned off"),
            "it does not start at login, nor by hand, until that is taken back",
            "install",
        );
    }
    match &status.last_exit {
        Some(exit) if status.running.is_none() && *exit != LastExit::Code(0) => {
            return found(
                "service-ended",
                format!("{name} does not run; the last time it ended {exit}"),
                "nobody looks after the locks meanwhile, and the history has a gap",
                "logs",
            );
        }
        _ => {}
    }
    if status.agent == Agent::Daemon && status.running.is_some() && status.answer.is_none() {
        return found(
            "service-silent",
            format!("{name} runs as a service and does not answer on its socket"),
            "status, watch and the tray cannot ask it; it may be the daemon of another LOCKWATCH_HOME",
            "restart",
        );
    }
    None
}

fn command(verb: &str, agent: Agent) -> String {
    format!("lockwatch service {verb}{}", agent.option())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Answer, ManagerKind};

    fn good(agent: Agent) -> Status {
        Status {
            agent,
            manager: ManagerKind::Systemd,
            file: Some("/home/me/.config/systemd/user/lockwatch.service".into()),
            edited: false,
            program: Some("/usr/bin/lockwatch".into()),
            program_is_there: true,
            at_login: AtLogin::Yes,
            loaded: true,
            running: Some(4711),
            last_exit: None,
            answer: (agent == Agent::Daemon).then(|| Answer {
                pid: 4711,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_command_for_it() {
        for agent in Agent::ALL {
            assert_eq!(finding(&good(agent)), None);
        }
        let daemon = || good(Agent::Daemon);
        for (status, id) in [
            (
                Status {
                    program_is_there: false,
                    ..daemon()
                },
                "service-program",
            ),
            (
                Status {
                    at_login: AtLogin::Disabled,
                    running: None,
                    ..daemon()
                },
                "service-disabled",
            ),
            (
                Status {
                    running: None,
                    last_exit: Some(LastExit::Code(69)),
                    ..daemon()
                },
                "service-ended",
            ),
            (
                Status {
                    answer: None,
                    ..daemon()
                },
                "service-silent",
            ),
        ] {
            let found = finding(&status).unwrap_or_else(|| panic!("{id} is not found"));
            assert_eq!(found.id, id);
            assert!(found.mend.starts_with("lockwatch service "), "{found:?}");
        }
        // Stopped by hand: nothing is wrong.
        let stopped = Status {
            running: None,
            answer: None,
            last_exit: Some(LastExit::Code(0)),
            ..daemon()
        };
        assert_eq!(finding(&stopped), None);
        let tray = finding(&Status {
            program_is_there: false,
            ..good(Agent::Tray)
        })
        .expect("is found");
        assert!(tray.mend.ends_with("--tray"), "{tray:?}");
    }
}
