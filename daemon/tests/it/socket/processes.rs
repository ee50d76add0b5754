//! What takes a process of its own: how a daemon ends, and who else there is.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use libtest_mimic::Trial;
use lockwatch::client::Client;
use lockwatch::folders::Folders;
use lockwatch::server::{Limits, Second, Server, signals};
use rustix::process::{Pid, Resource, Rlimit, Signal};

use super::daemon::{Daemon, Raw, echo, folders};
use super::engine::Engine;
use super::{OTHER_USER, trial, trial_of_root};
use crate::helper::say;
use crate::support::{Running, folder, helper, until};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("killed_and_started_again", killed_and_started_again),
        trial("ended_by_a_signal", ended_by_a_signal),
        trial("more_connections_than_descriptors", more_connections_than_descriptors),
        trial_of_root("a_peer_of_another_user", a_peer_of_another_user),
    ]
}

/// `daemon HOME DESCRIPTORS`: answers with a made engine until a signal comes, having so many descriptors at most.
pub(crate) fn daemon_helper(arguments: &[OsString]) {
    let descriptors = arguments[1]
        .to_str()
        .and_then(|text| text.parse().ok())
        .expect("a count");
    let limit = Rlimit {
        current: Some(descriptors),
        maximum: Some(descriptors),
    };
    rustix::process::setrlimit(Resource::Nofile, limit).expect("is lowered");
    let folders = folders(Path::new(&arguments[0]));
    let patience = crate::support::PATIENCE;
    let server = Server::bind(&folders, Second::GivesUp { patience }).expect("binds");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let end = runtime.block_on(async {
        let (_engine, handle, run) = Engine::new();
        tokio::spawn(run);
        let ended = signals().expect("listens to signals");
        say("answering");
        server.run(handle, echo(), ended).await.expect("runs")
    });
    say(&format!("{end:?}"));
}

/// `connect SOCKET`: says the first line that comes.
pub(crate) fn connect_helper(arguments: &[OsString]) {
    let stream = UnixStream::connect(&arguments[0]).expect("connects");
    stream.set_read_timeout(Some(crate::support::PATIENCE)).expect("is set");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("reads");
    say(line.trim_end());
}

fn start(folders: &Folders, descriptors: &str) -> Running {
    let mut daemon = helper([OsStr::new("daemon"), folders.runtime.as_ref(), descriptors.as_ref()]);
    assert_eq!(daemon.line(), "answering");
    daemon
}

/// Sends a signal to a process that we started.
pub(super) fn send(running: &Running, signal: Signal) {
    let pid = i32::try_from(running.pid()).ok().and_then(Pid::from_raw);
    rustix::process::kill_process(pid.expect("a number"), signal).expect("is sent");
}

fn killed_and_started_again() {
    let home = folder();
    let folders = folders(home.path());
    for _ in 0..10 {
        let mut daemon = start(&folders, "256");
        let mut client = Client::connect(&folders).expect("connects").expect("there is one");
        assert_eq!(client.hello().expect("answers").pid, daemon.pid());
        let mut states = client.subscribe().expect("answers");
        states.next().expect("reads").expect("is the first");
        daemon.kill();
        assert!(states.next().expect("is no error").is_none());
        assert!(folders.socket().expect("is short").exists(), "a crash leaves it");
        assert!(Client::connect(&folders).expect("is no error").is_none());
    }
}

fn ended_by_a_signal() {
    let home = folder();
    let folders = folders(home.path());
    for (signal, name) in [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
    ] {
        let mut daemon = start(&folders, "256");
        let pid = i32::try_from(daemon.pid())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a number");
        rustix::process::kill_process(pid, signal).expect("is sent");
        assert_eq!(daemon.line(), format!("Signal(\"{name}\")"));
        assert!(daemon.child().wait().expect("ends").success());
        assert!(!folders.socket().expect("is short").exists());
    }
}

fn more_connections_than_descriptors() {
    let home = folder();
    let folders = folders(home.path());
    let _daemon = start(&folders, "24");
    let socket = folders.socket().expect("is short");
    let mut first = Raw::connect(&socket);
    assert!(first.is_answered());
    let others: Vec<Raw> = (0..40).map(|_| Raw::connect(&socket)).collect();
    assert!(first.is_answered(), "who is there is served");
    drop(others);
    assert!(
        Raw::connect(&socket).is_answered(),
        "and who comes when there is room again"
    );
}

/// The mode of the folder keeps other users out; here it is opened to see that the daemon does not rely on it.
fn a_peer_of_another_user() {
    let daemon = Daemon::start(Limits::default());
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("sets the mode");
    };
    mode(&daemon.folders.runtime, 0o711);
    mode(&daemon.socket(), 0o666);
    // The program where any user can start it.
    let shared = folder();
    mode(shared.path(), 0o755);
    let program = shared.path().join("it");
    std::fs::copy(std::env::current_exe().expect("own path"), &program).expect("copies");
    let mut command = std::process::Command::new(&program);
    command.args(["helper", "connect"]).arg(daemon.socket());
    let output = until("the copy can be started", || match command.uid(OTHER_USER).output() {
        // Another test forks at this moment, and its child still has the copy open to write.
        Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => None,
        output => Some(output.expect("starts")),
    });
    let line = String::from_utf8(output.stdout).expect("is text");
    assert!(line.contains("-32003"), "{line}");
    assert!(daemon.client().is_answered(), "its own user is served");
}
