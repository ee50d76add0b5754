//! The protocol's document says what the daemon does.

use std::process::{Command, Stdio};

use libtest_mimic::{Completion, Trial};
use lockwatch::server::{End, Limits};
use serde_json::Value;

use super::daemon::Daemon;
use super::trial;
use crate::support::Running;

const DOCUMENT: &str = include_str!("../../../protocol.md");

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "documented_examples_are_answered_as_shown",
            documented_examples_are_answered_as_shown,
        ),
        Trial::ignorable_test("socket::documented_script_runs", || Ok(documented_script_runs())),
    ]
}

/// Every example, each on the connection of the one before.
fn documented_examples_are_answered_as_shown() {
    let mut daemon = Daemon::start(Limits::default());
    let mut client = daemon.client();
    let (mut examples, mut asked) = (0, "");
    for line in DOCUMENT.lines() {
        if let Some(request) = line.strip_prefix("→ ") {
            client.say(format!("{request}\n"));
            asked = request;
            examples += 1;
        } else if let Some(answer) = line.strip_prefix("← ") {
            if answer.contains("\"method\":\"state\"") {
                daemon.engine.publish("a change");
            }
            assert_form(answer, &client.line());
            if asked.contains("\"shutdown\"") {
                assert_eq!((client.next(), daemon.ended()), (None, End::Asked));
                daemon = Daemon::start(Limits::default());
                client = daemon.client();
            }
        }
    }
    assert_eq!(examples, 9);
}

/// The shown answer with `…` for what is left out, against the real one.
fn assert_form(shown: &str, real: &Value) {
    let whole = !shown.contains('…');
    let shown = shown.replace(",…", "").replace('…', "");
    let shown: Value = serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert!(has_form(&shown, real, whole), "shown: {shown}\nreal: {real}");
}

fn has_form(shown: &Value, real: &Value, whole: bool) -> bool {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            let all = |shown: &Value, name: &String| real.get(name).is_some_and(|real| has_form(shown, real, whole));
            (!whole || shown.len() == real.len()) && shown.iter().all(|(name, shown)| all(shown, name))
        }
        (Value::Number(shown), Value::Number(real)) => {
            // Negative ones are codes, and the rest is as it happens to be.
            !shown.is_i64() || shown.as_i64() > Some(0) || shown == real
        }
        (shown, real) => shown == real,
    }
}

fn documented_script_runs() -> Completion {
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        return Completion::ignored_with("there is no python3");
    }
    let (_, script) = DOCUMENT.split_once("```python\n").expect("has one");
    let (script, _) = script.split_once("```").expect("ends");
    let daemon = Daemon::start(Limits::default());
    // The place that the script takes is the daemon's with this variable.
    let runtime = daemon.folders.runtime.join("runtime");
    std::fs::create_dir(&runtime).expect("makes it");
    std::os::unix::fs::symlink(&daemon.folders.runtime, runtime.join("lockwatch")).expect("links");
    let mut script = Running::start(
        Command::new("python3")
            .args(["-c", script])
            .env("XDG_RUNTIME_DIR", &runtime),
    );
    daemon.engine.publish_a_wait();
    assert_eq!(script.line(), "4800 cargo check waits for package cache behind [4711]");
    Completion::Completed
}
