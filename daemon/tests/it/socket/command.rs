//! `lockwatch daemon`, with the engine and the locks that are real.

use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;
use lockwatch::client::Client;
use lockwatch::state::{Source, State};
use rustix::process::Signal;

use super::daemon::folders;
use super::processes::send;
use super::trial;
use crate::support::{PATIENCE, Running, folder, holder, holder_pids, lock, lockwatch, until};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "daemon_command_answers_until_a_signal",
            daemon_command_answers_until_a_signal,
        ),
        trial("daemon_command_beside_another", daemon_command_beside_another),
        trial(
            "daemon_command_without_a_place_for_logs",
            daemon_command_without_a_place_for_logs,
        ),
        trial("daemon_command_in_an_open_folder", daemon_command_in_an_open_folder),
    ]
}

/// The command, in the folder of a test, with a Cargo home there.
fn command(home: &Path) -> Command {
    let mut command = lockwatch();
    command
        .arg("daemon")
        .env("LOCKWATCH_HOME", home)
        .env("CARGO_HOME", home.join("cargo"));
    command
}

fn start(home: &Path) -> Running {
    let mut daemon = Running::start(&mut command(home));
    let line = daemon.line();
    let socket = home.join("daemon.sock");
    assert_eq!(
        line,
        format!("answering on {} (pid {})", socket.display(), daemon.pid())
    );
    daemon
}

fn client(home: &Path) -> Client {
    let client = Client::connect(&folders(home)).expect("connects");
    client.expect("there is one").with_patience(PATIENCE)
}

fn logged(home: &Path) -> String {
    std::fs::read_dir(home.join("logs"))
        .expect("reads")
        .map(|entry| std::fs::read_to_string(entry.expect("reads").path()).expect("is text"))
        .collect()
}

fn daemon_command_answers_until_a_signal() {
    let home = folder();
    let path = home.path().join("cargo/.package-cache");
    std::fs::create_dir(home.path().join("cargo")).expect("makes it");
    let mut daemon = start(home.path());
    let mut states = client(home.path()).subscribe().expect("answers");
    let front = holder("exclusive", &path);
    loop {
        let state = states.next().expect("reads").expect("goes on");
        let Some(lock) = lock(&state, &path).filter(|lock| !lock.holders.is_empty()) else {
            continue;
        };
        assert_eq!((state.source, holder_pids(lock)), (Source::Daemon, vec![front.pid()]));
        break;
    }
    let printed = lockwatch()
        .args(["status", "--json"])
        .env("LOCKWATCH_HOME", home.path())
        .output();
    let state: State = serde_json::from_slice(&printed.expect("runs").stdout).expect("is the document");
    assert_eq!(state.source, Source::Daemon);
    assert!(lock(&state, &path).is_some());
    send(&daemon, Signal::TERM);
    assert!(daemon.child().wait().expect("ends").success());
    assert!(!home.path().join("daemon.sock").exists());
    let logged = logged(home.path());
    assert!(logged.contains("answering") && logged.contains("SIGTERM"), "{logged}");
}

fn daemon_command_beside_another() {
    let home = folder();
    let mut first = start(home.path());
    let second = command(home.path()).output().expect("runs");
    assert_eq!(second.status.code(), Some(0));
    let line = String::from_utf8(second.stdout).expect("is text");
    assert_eq!(line, format!("a daemon already runs (pid {})\n", first.pid()));
    let mut waiting = Running::start(command(home.path()).arg("--wait"));
    first.kill();
    assert!(waiting.line().starts_with("answering on "));
    assert_eq!(client(home.path()).hello().expect("answers").pid, waiting.pid());
    client(home.path()).shutdown().expect("agrees");
    assert!(waiting.child().wait().expect("ends").success());
}

fn daemon_command_without_a_place_for_logs() {
    let home = folder();
    std::fs::write(home.path().join("logs"), "precious").expect("writes");
    let talk = home.path().join("talk");
    let file = std::fs::File::create(&talk).expect("makes it");
    let mut daemon = Running::start(command(home.path()).stderr(Stdio::from(file)));
    assert!(daemon.line().starts_with("answering on "));
    let talk = until("it says so", || {
        std::fs::read_to_string(&talk).ok().filter(|talk| talk.ends_with('\n'))
    });
    assert!(talk.contains("nothing is logged to a file: "), "{talk}");
    client(home.path()).state().expect("answers");
    assert_eq!(std::fs::read(home.path().join("logs")).expect("stays"), b"precious");
}

fn daemon_command_in_an_open_folder() {
    let home = folder();
    std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("opens it");
    let output = command(home.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(77));
    let talk = String::from_utf8(output.stderr).expect("is text");
    assert!(talk.contains("chmod 700") && !talk.trim_end().ends_with('.'), "{talk}");
}
