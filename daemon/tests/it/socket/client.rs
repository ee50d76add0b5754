//! The client that the command line and the tray use.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use libtest_mimic::Trial;
use lockwatch::client::{Client, ClientError};
use lockwatch::folders::Folders;
use lockwatch::protocol;
use lockwatch::server::{End, Limits};
use lockwatch::state::{Source, State};

use super::daemon::{Daemon, folders};
use super::{OTHER_USER, trial, trial_of_root};
use crate::support::{PATIENCE, folder, lockwatch};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("client_asks", client_asks),
        trial("client_follows", client_follows),
        trial(
            "client_is_ended_from_another_thread",
            client_is_ended_from_another_thread,
        ),
        trial("client_without_a_daemon", client_without_a_daemon),
        trial("client_beside_too_many", client_beside_too_many),
        trial(
            "client_of_a_daemon_that_says_nothing",
            client_of_a_daemon_that_says_nothing,
        ),
        trial("client_of_another_version", client_of_another_version),
        trial("status_asks_the_daemon", status_asks_the_daemon),
        trial(
            "status_looks_itself_where_the_daemon_cannot_be_asked",
            status_looks_itself_where_the_daemon_cannot_be_asked,
        ),
        trial("client_trusts_no_open_folder", client_trusts_no_open_folder),
        trial_of_root(
            "client_trusts_no_socket_of_another_user",
            client_trusts_no_socket_of_another_user,
        ),
    ]
}

fn connect(daemon: &Daemon) -> Client {
    let client = Client::connect(&daemon.folders).expect("connects");
    client.expect("there is one").with_patience(PATIENCE)
}

fn client_asks() {
    let mut daemon = Daemon::start(Limits::default());
    let mut client = connect(&daemon);
    let welcome = client.hello().expect("answers");
    assert_eq!((welcome.pid, welcome.protocol), (std::process::id(), 1));
    assert!(!welcome.is_of_another_version());
    daemon.engine.publish(&"x".repeat(1 << 20));
    let state = client.state().expect("answers");
    assert_eq!((state.source, state.generation), (Source::Daemon, Some(1)));
    let limited = |limit| protocol::History {
        limit: Some(limit),
        ..protocol::History::default()
    };
    let past: serde_json::Value = client.history(limited(9)).expect("answers");
    assert_eq!(past["asked"]["limit"], 9);
    let error = client.history::<serde_json::Value>(limited(0)).expect_err("refuses");
    assert_eq!(error.to_string(), "the daemon refuses: the disk is on fire");
    client.shutdown().expect("agrees");
    assert_eq!(daemon.ended(), End::Asked);
    assert!(matches!(client.state(), Err(ClientError::Closed)));
    assert!(Client::connect(&daemon.folders).expect("is no error").is_none());
}

fn client_follows() {
    let mut daemon = Daemon::start(Limits::default());
    let mut states = connect(&daemon).subscribe().expect("answers");
    for generation in 0..5 {
        let state = states.next().expect("reads").expect("goes on");
        assert_eq!(state.generation, Some(generation));
        daemon.engine.publish(&"x".repeat(300_000));
    }
    daemon.stop(End::Asked);
    while states.next().expect("reads").is_some() {}
}

fn client_is_ended_from_another_thread() {
    let daemon = Daemon::start(Limits::default());
    let mut states = connect(&daemon).subscribe().expect("answers");
    let closer = states.closer().expect("has one");
    states.next().expect("reads").expect("is the first");
    let waiting = std::thread::spawn(move || states.next());
    closer.close();
    assert!(waiting.join().expect("ends").expect("is no error").is_none());
}

fn client_without_a_daemon() {
    let home = folder();
    for place in [home.path().to_owned(), home.path().join("not/there")] {
        assert!(Client::connect(&folders(&place)).expect("is no error").is_none());
    }
}

fn client_beside_too_many() {
    let daemon = Daemon::start(Limits {
        clients: 1,
        ..Limits::default()
    });
    let _first = daemon.subscriber();
    let error = connect(&daemon).state().expect_err("refuses");
    assert!(matches!(error, ClientError::Refused { code: -32000, .. }), "{error}");
}

fn client_of_a_daemon_that_says_nothing() {
    let home = folder();
    let folders = folders(home.path());
    let _silent = UnixListener::bind(folders.socket().expect("is short")).expect("binds");
    let client = Client::connect(&folders).expect("connects").expect("there is one");
    let error = client.with_patience(Duration::from_millis(10)).state();
    assert!(matches!(error, Err(ClientError::TimedOut)));
}

/// A daemon that says these lines, whatever it is asked.
fn client_of_another_version() {
    let home = folder();
    let folders = folders(home.path());
    let listener = UnixListener::bind(folders.socket().expect("is short")).expect("binds");
    let document = |generation: u64| {
        let novelty = r#""source":"oracle","novelty":[1]"#;
        let rest = r#""schema_version":1,"as_of":"2026-11-22T23:10:05Z","precision":"exact","notes":[],"locks":[]"#;
        let summary = r#""summary":{"held":0,"contended":0,"stuck":0,"novel":1}"#;
        let document = format!("{{{novelty},\"generation\":{generation},{rest},{summary}}}");
        (document.replace("oracle", "daemon"), document)
    };
    let (good, strange) = document(7);
    let lines = [
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"version":"99.0.0","protocol":3,"pid":1,"novelty":{good}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":2,"result":{good},"novelty":1}}"#),
        r#"{"jsonrpc":"2.0","method":"progress","params":{"step":1}}"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","method":"state","params":{good}}}"#),
        format!(r#"{{"jsonrpc":"2.0","method":"state","params":{strange}}}"#),
    ];
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accepts");
        let mut reader = BufReader::new(stream.try_clone().expect("a second descriptor"));
        let mut asked = String::new();
        let mut answer = |lines: &[String]| {
            reader.read_line(&mut asked).expect("reads");
            stream.write_all((lines.join("\n") + "\n").as_bytes()).expect("writes");
        };
        answer(&lines[..1]);
        answer(&lines[1..]);
    });
    let client = Client::connect(&folders).expect("connects").expect("there is one");
    let mut client = client.with_patience(PATIENCE);
    assert!(client.hello().expect("answers").is_of_another_version());
    let mut states = client.subscribe().expect("answers");
    for _ in 0..2 {
        assert_eq!(states.next().expect("reads").expect("goes on").generation, Some(7));
    }
    let error = states.next().expect_err("is not understood");
    assert!(error.to_string().contains("another version"), "{error}");
    daemon.join().expect("ends");
}

fn client_trusts_no_open_folder() {
    let daemon = Daemon::start(Limits::default());
    let mode = |mode| std::fs::set_permissions(&daemon.folders.runtime, std::fs::Permissions::from_mode(mode));
    for open in [0o777, 0o720] {
        mode(open).expect("opens it");
        let error = Client::connect(&daemon.folders).expect_err("is not trusted");
        assert!(matches!(error, ClientError::NotOurs { .. }), "{error}");
    }
    mode(0o700).expect("closes it");
    connect(&daemon).hello().expect("answers");
}

fn client_trusts_no_socket_of_another_user() {
    let daemon = Daemon::start(Limits::default());
    for path in [daemon.socket(), daemon.folders.runtime.clone()] {
        std::os::unix::fs::chown(&path, Some(OTHER_USER), None).expect("gives it away");
        let error = Client::connect(&daemon.folders).expect_err("is not trusted");
        assert!(matches!(error, ClientError::NotOurs { .. }), "{error}");
        std::os::unix::fs::chown(&path, Some(0), None).expect("takes it back");
    }
    connect(&daemon).hello().expect("answers");
}

/// What `status` prints with these folders, and its exit code.
fn status(folders: &Folders, arguments: &[&str]) -> (State, Option<i32>) {
    let output = lockwatch()
        .args(["status", "--json"])
        .args(arguments)
        .env("LOCKWATCH_HOME", &folders.runtime)
        .output()
        .expect("runs");
    let state = serde_json::from_slice(&output.stdout).expect("is the document");
    (state, output.status.code())
}

fn status_asks_the_daemon() {
    let daemon = Daemon::start(Limits::default());
    assert_eq!(status(&daemon.folders, &["--check"]).1, Some(0));
    daemon.engine.publish_a_wait();
    let (state, code) = status(&daemon.folders, &["--check", "--all"]);
    assert_eq!(
        (state.source, state.generation, code),
        (Source::Daemon, Some(1), Some(1))
    );
    // The cargo that runs these tests holds nothing that the made engine knows.
    let processes = state.processes.expect("were asked for");
    assert_eq!(processes.is_empty(), std::env::var_os("CARGO").is_none());
    assert_eq!(status(&daemon.folders, &[]).0.processes, None);
}

fn status_looks_itself_where_the_daemon_cannot_be_asked() {
    let daemon = Daemon::start(Limits {
        clients: 0,
        ..Limits::default()
    });
    let (state, code) = status(&daemon.folders, &[]);
    assert_eq!((state.source, code), (Source::Direct, Some(0)));
    let told = |note: &String| {
        note.starts_with("the daemon could not be asked: the daemon refuses: there are 0 clients already")
    };
    assert!(state.notes.iter().any(told), "{:?}", state.notes);
}
