//! What clients do wrong. Each time another client, which was there all along, is served as before.

use std::sync::Weak;
use std::time::Duration;

use libtest_mimic::Trial;
use lockwatch::protocol::MAX_REQUEST;
use lockwatch::server::Limits;
use serde_json::json;

use super::daemon::{Daemon, Raw, notified};
use super::trial;
use crate::support::until;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "bad_input_is_answered_and_hurts_nobody",
            bad_input_is_answered_and_hurts_nobody,
        ),
        trial("a_line_that_is_too_long", a_line_that_is_too_long),
        trial("half_a_line_that_never_ends", half_a_line_that_never_ends),
        trial("a_line_without_an_end", a_line_without_an_end),
        trial("five_hundred_connections_at_once", five_hundred_connections_at_once),
        trial(
            "a_client_that_never_reads_is_skipped_to_the_newest",
            a_client_that_never_reads_is_skipped_to_the_newest,
        ),
        trial(
            "a_client_that_takes_nothing_is_given_up",
            a_client_that_takes_nothing_is_given_up,
        ),
        trial("a_client_that_asks_and_never_reads", a_client_that_asks_and_never_reads),
    ]
}

/// The next change reaches a subscriber.
fn is_served(daemon: &Daemon, subscriber: &mut Raw) {
    daemon.engine.publish("still there");
    assert_eq!(notified(&subscriber.line()), daemon.engine.generation());
}

fn bad_input_is_answered_and_hurts_nobody() {
    let daemon = Daemon::start(Limits::default());
    let (mut other, mut client) = (daemon.subscriber(), daemon.client());
    let deep = vec![b'['; 60_000];
    for (line, code) in [
        (&b"{\"jsonrpc\":"[..], -32700),
        (b"\xff\xfe\x00", -32700),
        (b"GET / HTTP/1.1\r", -32700),
        (b"[]", -32600),
        (b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"state\"}]", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"restart\"}", -32601),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\",\"params\":{\"pid\":1}}",
            -32602,
        ),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"client\":1}}",
            -32602,
        ),
        (&deep, -32700),
    ] {
        client.say([line, b"\n"].concat());
        assert_eq!(client.error(), code, "{}", line.escape_ascii());
        assert!(client.is_answered());
        is_served(&daemon, &mut other);
    }
}

fn a_line_that_is_too_long() {
    let daemon = Daemon::start(Limits::default());
    let (mut other, mut client) = (daemon.subscriber(), daemon.client());
    let padded = |length: usize| {
        let head = r#"{"jsonrpc":"2.0","id":1,"method":"state","params":{"x":""#;
        format!("{head}{}\"}}}}\n", "x".repeat(length - head.len() - 3))
    };
    client.say(padded(MAX_REQUEST));
    assert!(client.line()["result"].is_object(), "a line of just the bound is taken");
    for length in [MAX_REQUEST + 1, 10 * MAX_REQUEST] {
        client.say(padded(length));
        assert_eq!(client.error(), -32001);
        assert!(client.is_answered(), "it goes on behind the line's end");
        is_served(&daemon, &mut other);
    }
}

fn half_a_line_that_never_ends() {
    let daemon = Daemon::start(Limits {
        whole_within: Duration::from_millis(50),
        ..Limits::default()
    });
    let (mut other, mut client) = (daemon.subscriber(), daemon.client());
    client.say(r#"{"jsonrpc":"2.0","id""#);
    assert_eq!(client.error(), -32002);
    assert_eq!(client.next(), None);
    is_served(&daemon, &mut other);
}

/// One that sends all the time, and never the end of its line.
fn a_line_without_an_end() {
    let daemon = Daemon::start(Limits {
        whole_within: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut other = daemon.subscriber();
    let mut client = std::os::unix::net::UnixStream::connect(daemon.socket()).expect("connects");
    until("it is closed", || {
        std::io::Write::write(&mut client, &[b'x'; 4096]).is_err().then_some(())
    });
    is_served(&daemon, &mut other);
}

fn five_hundred_connections_at_once() {
    let daemon = Daemon::start(Limits::default());
    let mut other = daemon.subscriber();
    let mut all: Vec<Raw> = (0..500).map(|_| daemon.client()).collect();
    let refused = all.iter_mut().filter_map(|client| {
        client.try_ask("state");
        let line = client.line();
        (line["error"]["code"] == -32000).then(|| assert_eq!(client.next(), None))
    });
    assert_eq!(refused.count(), 500 - 63);
    is_served(&daemon, &mut other);
    drop(all);
    until("there is room again", || {
        let mut client = daemon.client();
        client.try_ask("state");
        client.next().filter(|line| line.get("result").is_some())
    });
}

fn a_client_that_never_reads_is_skipped_to_the_newest() {
    let daemon = Daemon::start(Limits::default());
    let (mut slow, mut other) = (daemon.subscriber(), daemon.subscriber());
    // Each is longer than what the system keeps for a connection.
    let note = "x".repeat(2 << 20);
    let kept: Vec<Weak<str>> = (0..60)
        .map(|_| {
            let kept = daemon.engine.publish(&note);
            while notified(&other.line()) < daemon.engine.generation() {}
            kept
        })
        .collect();
    let still_kept = kept.iter().filter(|state| state.upgrade().is_some()).count();
    assert!(still_kept <= 2, "one under way and the newest, not {still_kept}");
    let mut seen = Vec::new();
    while seen.last() != Some(&daemon.engine.generation()) {
        seen.push(notified(&slow.line()));
    }
    assert!(seen.len() <= 2 && seen.is_sorted(), "{seen:?}");
    is_served(&daemon, &mut slow);
    is_served(&daemon, &mut daemon.subscriber());
}

fn a_client_that_takes_nothing_is_given_up() {
    let daemon = Daemon::start(Limits {
        stall: Duration::from_millis(50),
        clients: 2,
        ..Limits::default()
    });
    let (slow, mut other) = (daemon.subscriber(), daemon.subscriber());
    daemon.engine.publish(&"x".repeat(2 << 20));
    while notified(&other.line()) < daemon.engine.generation() {}
    until("its place is free", || {
        let mut client = daemon.client();
        client.try_ask("state");
        client.next().filter(|line| line.get("result").is_some())
    });
    assert!(slow.rest().len() < 2 << 20, "it was cut off");
    is_served(&daemon, &mut other);
}

/// No more is read from it than is answered.
fn a_client_that_asks_and_never_reads() {
    let daemon = Daemon::start(Limits {
        stall: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut other = daemon.subscriber();
    daemon.engine.publish(&"x".repeat(1 << 20));
    while notified(&other.line()) < daemon.engine.generation() {}
    let mut greedy = std::os::unix::net::UnixStream::connect(daemon.socket()).expect("connects");
    let line = json!({"jsonrpc": "2.0", "id": 1, "method": "state"}).to_string() + "\n";
    until("it is closed", || {
        std::io::Write::write_all(&mut greedy, line.as_bytes())
            .is_err()
            .then_some(())
    });
    assert!(
        daemon.engine.looks() < 10,
        "{} looks were made for nobody",
        daemon.engine.looks()
    );
    is_served(&daemon, &mut other);
}
