//! The other programs of lockwatch that run: of another version, or with a detection that failed its test.

use std::path::Path;
use std::process::Command;

use super::{Check, Finding, Surroundings};
use crate::client::Client;
use crate::folders::Folders;
use crate::os::{Kernel as _, System};
use crate::process::{self, Detail};
use crate::project;
use crate::protocol::Welcome;
use crate::state::{Source, State};
use crate::text;

const OWN: &str = env!("CARGO_PKG_VERSION");
const TRAY: &str = "lockwatch-tray";

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let daemon = match &around.folders {
        Ok(folders) => daemon(folders),
        Err(reason) => Check::not_made("the daemon's version", &reason),
    };
    let detection = around
        .state
        .as_ref()
        .ok()
        .filter(|state| state.source == Source::Daemon);
    let detection = detection.map(|state| Check::of("the daemon's own self-test", failed_test(state)));
    [daemon].into_iter().chain(detection).chain(tray()).collect()
}

fn daemon(folders: &Folders) -> Check {
    let name = "the daemon's version";
    match Client::connect(folders) {
        Ok(Some(mut client)) => match client.hello() {
            Ok(welcome) => Check::of(name, other_version(&welcome).into_iter().collect()),
            Err(error) => Check::of(name, vec![unusable(&error.to_string())]),
        },
        Ok(None) => Check::not_made(name, &"no daemon runs; `lockwatch daemon` starts one"),
        Err(error) => Check::of(name, vec![unusable(&error.to_string())]),
    }
}

fn other_version(welcome: &Welcome) -> Option<Finding> {
    welcome.is_of_another_version().then(|| Finding {
        id: "daemon-version".to_owned(),
        what: format!(
            "the daemon that runs (process {}) is version {}, and this is {OWN}",
            welcome.pid,
            text::escape(welcome.version.as_ref())
        ),
        why: "an update replaced the program, and the daemon is the old one until it starts again; what is new in one may be missing in the other"
            .to_owned(),
        mend: "lockwatch service restart".to_owned(),
    })
}

fn unusable(error: &str) -> Finding {
    Finding {
        id: "daemon-silent".to_owned(),
        what: error.to_owned(),
        why: "status, watch and the tray look for themselves then, and know nothing of the time before".to_owned(),
        mend: "lockwatch service restart".to_owned(),
    }
}

/// The daemon has tested its detection at its start, and says so in each state where it failed.
fn failed_test(state: &State) -> Vec<Finding> {
    let failed = state.notes.iter().filter(|note| note.contains("failed its self-test"));
    failed
        .map(|note| Finding {
            id: "daemon-detection".to_owned(),
            what: note.clone(),
            why: "who holds a lock is concluded there, not known".to_owned(),
            mend: "lockwatch doctor --report  # and send it with a bug report".to_owned(),
        })
        .collect()
}

/// The trays of this user that run.
fn tray() -> Vec<Check> {
    let name = "the tray's version";
    let mut kernel = System::new();
    let own = kernel.own_uid();
    let pids = process::named(|name| name == TRAY);
    let trays = pids
        .into_iter()
        .filter_map(|pid| kernel.process(pid, Detail::Full).ok());
    let mine = trays.filter(|tray| tray.uid == Some(own));
    mine.map(|tray| match tray.exe.as_deref() {
        Some(exe) if !exe.exists() => Check::of(name, vec![old_tray(tray.id.pid, "of an installation that is gone")]),
        Some(exe) => match version(exe) {
            Some(version) if version == OWN => Check::of(name, Vec::new()),
            Some(version) => Check::of(name, vec![old_tray(tray.id.pid, &format!("version {version}"))]),
            None => Check::not_made(name, &format!("{} does not say it", text::escape_path(exe))),
        },
        None => Check::not_made(name, &format!("the program of process {} is not told", tray.id.pid)),
    })
    .collect()
}

fn old_tray(pid: process::Pid, what: &str) -> Finding {
    Finding {
        id: "tray-version".to_owned(),
        what: format!("the tray that runs (process {pid}) is {what}, and this is version {OWN}"),
        why: "an update replaced the program, and the tray is the old one until it starts again".to_owned(),
        mend: "lockwatch service restart --tray".to_owned(),
    }
}

/// The version of the program in this file, as it prints it.
fn version(exe: &Path) -> Option<String> {
    // What only calls itself so is not started.
    exe.file_name().filter(|name| *name == TRAY)?;
    let mut tray = Command::new(exe);
    tray.arg("--version");
    let text = project::answer(tray)?;
    let version = text.trim().strip_prefix(TRAY)?.trim();
    (!version.is_empty()).then(|| text::escape(version.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::Note;
    use crate::os::made::Made;

    #[test]
    fn another_version_of_the_daemon_is_found() {
        let welcome = |version: &str| Welcome {
            version: version.to_owned(),
            protocol: 1,
            pid: 4711,
        };
        assert_eq!(other_version(&welcome(OWN)), None);
        for other in ["0.0.1", "99.0.0"] {
            let found = other_version(&welcome(other)).expect("is found");
            assert!(found.what.contains(other) && found.what.contains(OWN), "{found:?}");
        }
    }

    #[test]
    fn a_daemon_whose_detection_failed_its_test_is_found() {
        let mut state = State::direct(&Made::default().look(), &std::collections::BTreeSet::new());
        assert_eq!(failed_test(&state), []);
        let part = "/proc/locks does not show a lock that is held".to_owned();
        state.notes.push(Note::SelfTestFailed { part }.to_string());
        let found = failed_test(&state);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("does not show a lock that is held"), "{found:?}");
    }

    #[test]
    fn a_program_that_is_no_tray_says_no_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = |name: &str, text: &str| {
            let program = folder.path().join(name);
            let script = folder.path().join("script");
            std::fs::write(&script, format!("#!/bin/sh\necho '{text}'\n")).expect("writes");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&script, mode).expect("may be started");
            std::fs::rename(&script, &program).expect("is moved");
            version(&program)
        };
        assert_eq!(says("other", "lockwatch-tray 0.0.1"), None);
        assert_eq!(says(TRAY, "something 0.0.1"), None);
        assert_eq!(says(TRAY, ""), None);
        assert_eq!(version(Path::new("/nonexistent")), None);
    }
}
