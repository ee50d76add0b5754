//! What is said on a good day.

use std::time::Duration;

use libtest_mimic::Trial;
use lockwatch::server::{End, Limits};
use serde_json::{Value, json};

use super::daemon::{Daemon, Raw, notified};
use super::trial;
use crate::support::until;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("hello", hello),
        trial(
            "state_is_a_look_made_after_the_request",
            state_is_a_look_made_after_the_request,
        ),
        trial(
            "a_subscriber_gets_each_change_and_its_answers",
            a_subscriber_gets_each_change_and_its_answers,
        ),
        trial("history_is_asked_aside", history_is_asked_aside),
        trial(
            "requests_in_a_row_are_answered_in_order",
            requests_in_a_row_are_answered_in_order,
        ),
        trial("a_notification_gets_no_answer", a_notification_gets_no_answer),
        trial(
            "a_script_that_closes_its_side_gets_its_answers",
            a_script_that_closes_its_side_gets_its_answers,
        ),
        trial(
            "a_subscriber_that_closed_its_side_is_missed",
            a_subscriber_that_closed_its_side_is_missed,
        ),
        trial(
            "shutdown_is_answered_and_leaves_no_socket",
            shutdown_is_answered_and_leaves_no_socket,
        ),
        trial("it_ends_with_its_engine", it_ends_with_its_engine),
    ]
}

fn hello() {
    let daemon = Daemon::start(Limits::default());
    let mut client = daemon.client();
    client.say(r#"{"jsonrpc":"2.0","id":"a","method":"hello","params":{"client":"test","protocol":7}}"#);
    client.say("\n");
    let expected = json!({"version": env!("CARGO_PKG_VERSION"), "protocol": 1, "pid": std::process::id()});
    assert_eq!(client.line(), json!({"jsonrpc": "2.0", "id": "a", "result": expected}));
}

fn state_is_a_look_made_after_the_request() {
    let daemon = Daemon::start(Limits::default());
    let mut client = daemon.client();
    for looks in 1..=3 {
        client.ask("state");
        assert_eq!(client.line()["result"]["source"], "daemon");
        assert_eq!(daemon.engine.looks(), looks);
    }
}

fn a_subscriber_gets_each_change_and_its_answers() {
    let daemon = Daemon::start(Limits::default());
    let mut client = daemon.subscriber();
    for generation in 1..=20 {
        daemon.engine.publish(&"x".repeat(100_000));
        client.ask("state");
        let (mut told, mut answered) = (false, false);
        while !(told && answered) {
            let line = client.line();
            if line.get("id").is_some() {
                answered = line["result"]["generation"] == generation;
            } else {
                told = notified(&line) == generation;
            }
        }
    }
}

fn history_is_asked_aside() {
    let daemon = Daemon::start(Limits::default());
    let mut client = daemon.client();
    let mut ask = |params: Value| {
        client.say(json!({"jsonrpc": "2.0", "id": 1, "method": "history", "params": params}).to_string() + "\n");
        client.line()
    };
    let all = json!({"since": "2026-11-22T23:10:05Z", "lock": "package-cache", "limit": 20});
    assert_eq!(ask(all.clone())["result"]["asked"], all);
    assert_eq!(ask(json!({}))["result"]["asked"], json!({}));
    let failed = ask(json!({"limit": 0}));
    assert_eq!(
        failed["error"],
        json!({"code": -32603, "message": "the disk is on fire"})
    );
}

fn requests_in_a_row_are_answered_in_order() {
    let daemon = Daemon::start(Limits::default());
    let mut client = daemon.client();
    let line = |id: usize| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"state\"}}\r\n\n");
    client.say((0..500).map(line).collect::<String>());
    for id in 0..500 {
        assert_eq!(client.line()["id"], id);
    }
}

fn a_notification_gets_no_answer() {
    let daemon = Daemon::start(Limits::default());
    let mut client = daemon.client();
    client.say("{\"jsonrpc\":\"2.0\",\"method\":\"state\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"nonsense\"}\n");
    client.ask("state");
    assert_eq!(client.line()["id"], 1);
    client.say("{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\"}\n");
    assert_eq!(notified(&client.line()), 0, "the first state comes as the others do");
    daemon.engine.publish("next");
    assert_eq!(notified(&client.line()), 1);
}

/// As `printf … | nc -N -U daemon.sock` does, with the line's end or without.
fn a_script_that_closes_its_side_gets_its_answers() {
    let daemon = Daemon::start(Limits::default());
    for end in ["\n", ""] {
        let mut client = daemon.client();
        client.say(format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"state\"}}{end}"));
        client.finish();
        assert_eq!(client.line()["id"], 1);
        assert_eq!(client.next(), None, "and then it is closed");
    }
    let mut client = daemon.client();
    client.ask("subscribe");
    client.finish();
    assert_eq!(client.line()["id"], 1);
    let before = daemon.engine.generation();
    for generation in before + 1..before + 4 {
        daemon.engine.publish("next");
        assert_eq!(notified(&client.line()), generation);
    }
}

/// Its place is free again, although there is nothing to send to it.
fn a_subscriber_that_closed_its_side_is_missed() {
    let daemon = Daemon::start(Limits {
        clients: 1,
        ..Limits::default()
    });
    let client = daemon.subscriber();
    client.finish();
    assert_eq!(daemon.client().error(), -32000);
    drop(client);
    until("the place is free", || {
        let mut next = daemon.client();
        // The daemon may have closed it already.
        next.finish();
        next.next().is_none().then_some(())
    });
}

fn shutdown_is_answered_and_leaves_no_socket() {
    let mut daemon = Daemon::start(Limits::default());
    let mut watching = daemon.subscriber();
    let mut client = daemon.client();
    client.ask("shutdown");
    assert_eq!(client.line(), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(client.next(), None);
    assert_eq!(watching.next(), None);
    assert_eq!(daemon.ended(), End::Asked);
    assert!(!daemon.socket().exists());
    let pid = std::fs::read_to_string(daemon.folders.daemon_lock()).expect("stays");
    assert_eq!(pid, format!("{}\n", std::process::id()));
}

fn it_ends_with_its_engine() {
    let mut daemon = Daemon::start(Limits {
        farewell: Duration::from_millis(50),
        ..Limits::default()
    });
    // One that reads nothing does not keep it.
    let mut stuck = Raw::connect(&daemon.socket());
    stuck.ask("subscribe");
    daemon.engine.publish(&"x".repeat(1 << 20));
    let mut watching = daemon.subscriber();
    assert_eq!(daemon.stop(End::Engine), End::Engine);
    while watching.next().is_some() {}
    assert!(!daemon.socket().exists());
}
