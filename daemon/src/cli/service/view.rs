//! The state of a service, and its logs, as text. Pure.

use std::path::Path;

use crate::cli::human;
use crate::service::{Agent, AtLogin, LogPart, ManagerKind, Status};
use crate::text;

/// The answer in one line, and then what it rests on.
pub(super) fn status(status: &Status, home: Option<&str>) -> String {
    let mut lines = vec![format!("{} {}", status.agent.name(), headline(status))];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<10} {value}"));
    let path = |path: &Path| human::path(&text::escape_path(path), home);
    if let Some(file) = &status.file {
        let edited = if status.edited { " (changed by hand)" } else { "" };
        line("installed", format!("{}{edited}", path(file)));
    }
    if let Some(program) = &status.program {
        let missing = if status.program_is_there {
            ""
        } else {
            " (it is not there; use `lockwatch service install`)"
        };
        line("program", format!("{}{missing}", path(program)));
    }
    line("at login", at_login(status));
    line(
        "loaded",
        format!("{} ({})", yes(status.loaded), manager(status.manager)),
    );
    if let Some(exit) = &status.last_exit {
        line("last exit", exit.to_string());
    }
    if status.agent == Agent::Daemon {
        line("answers", answers(status));
    }
    lines.join("\n") + "\n"
}

fn headline(status: &Status) -> String {
    let (is_not, verb) = match (&status.file, status.running) {
        (_, Some(pid)) => return format!("runs (pid {pid})"),
        (None, None) => ("is not installed", "install"),
        (Some(_), None) => ("does not run", "start"),
    };
    let enable = if status.at_login == AtLogin::Disabled {
        " --enable"
    } else {
        ""
    };
    format!(
        "{is_not}; use `lockwatch service {verb}{}{enable}`",
        option(status.agent)
    )
}

fn option(agent: Agent) -> &'static str {
    match agent {
        Agent::Daemon => "",
        Agent::Tray => " --tray",
    }
}

fn manager(manager: ManagerKind) -> &'static str {
    match manager {
        ManagerKind::Launchd => "launchd",
        ManagerKind::Systemd => "systemd",
    }
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

fn at_login(status: &Status) -> String {
    match (status.at_login, status.manager) {
        (AtLogin::Yes, _) => "yes".to_owned(),
        (AtLogin::No, _) => "no".to_owned(),
        (AtLogin::Disabled, ManagerKind::Launchd) => {
            "turned off in System Settings or by `launchctl disable`".to_owned()
        }
        (AtLogin::Disabled, ManagerKind::Systemd) => "turned off by `systemctl --user mask`".to_owned(),
    }
}

fn answers(status: &Status) -> String {
    let Some(answer) = &status.answer else {
        return if status.running.is_some() {
            "no; see `lockwatch service logs`".to_owned()
        } else {
            "no".to_owned()
        };
    };
    let version = text::escape(answer.version.as_ref());
    let by_hand = format!(
        "yes, version {version}, by pid {}, which was started by hand",
        answer.pid
    );
    match status.running {
        Some(pid) if pid == answer.pid && answer.is_of_another_version() => format!(
            "yes, version {version}, and this is {}; use `lockwatch service install`",
            env!("CARGO_PKG_VERSION")
        ),
        Some(pid) if pid == answer.pid => format!("yes, version {version}"),
        Some(_) => format!("{by_hand}; the service takes over when it ends"),
        None => by_hand,
    }
}

/// A part of the logs, under the name of where it is.
pub(super) fn log(part: &LogPart) -> String {
    let text = if part.text.trim().is_empty() {
        "(nothing)\n"
    } else {
        &part.text
    };
    format!("==> {} <==\n{text}", part.from)
}
