//! A stop from the menu, from the first click to what came of it.

use lockwatch::stop::{Named, Outcome, Report, Step};

use super::*;

fn held() -> State {
    let held = build().lock(LockKind::BuildDir, BUILD).held(4711, "cargo test");
    held.waited(4800, "cargo build").state()
}

/// As the daemon answers.
fn report(outcome: Outcome, sentence: &str) -> Report {
    let signalled = (4711..4711 + 7).map(|pid| {
        let command = if pid == 4711 {
            "cargo test"
        } else {
            "rustc --crate-name parity"
        };
        serde_json::json!({"pid": pid, "command": command, "signals": [], "ended": false})
    });
    let report = serde_json::json!({
        "sentence": sentence, "outcome": outcome, "token": token(4711, 1), "pid": 4711, "command": "cargo test",
        "path": BUILD, "label": "build directory", "forced": false, "took_ms": 400,
        "signalled": signalled.collect::<Vec<_>>(),
        "left": [{"pid": 4790, "command": "sccache", "why": "other-session"}],
        "holders": Vec::<Named>::new(),
    });
    serde_json::from_value(report).expect("is one")
}

const STILL_THERE: &str = "cargo test (pid 4711) has not ended in 5.0 s and holds the build directory still; \
                           `lockwatch stop 4711 --force` sends SIGKILL";

#[test]
fn from_the_plan_to_the_outcome() {
    let mut facts = facts(Some(held()));
    let mut texts = vec![shown(&facts)];
    let plan = facts.stops.wanted(token(4711, 1), false).expect("is asked for");
    texts.push(shown(&facts));
    facts.stops.reported(plan, &report(Outcome::Planned, "the plan"));
    texts.push(shown(&facts));
    let wish = facts.stops.agreed(token(4711, 1).process).expect("goes on");
    texts.push(shown(&facts));
    facts.stops.step(token(4711, 1).process, Step::Terminate);
    texts.push(shown(&facts));
    let ended = "cargo test (pid 4711) ended in 0.4 s; the build directory is free";
    facts.stops.reported(wish, &report(Outcome::Ended, ended));
    facts.state = Some(build().state());
    texts.push(shown(&facts));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn force_is_offered_after_a_stop_that_failed() {
    let mut facts = facts(Some(held()));
    let process = token(4711, 1).process;
    let plan = facts.stops.wanted(token(4711, 1), false).expect("is asked for");
    facts.stops.reported(plan, &report(Outcome::Planned, "the plan"));
    let wish = facts.stops.agreed(process).expect("goes on");
    facts.stops.reported(wish, &report(Outcome::StillThere, STILL_THERE));
    let mut texts = vec![shown(&facts)];
    let plan = facts.stops.wanted(token(4711, 1), true).expect("is allowed now");
    facts.stops.reported(plan, &report(Outcome::Planned, "the plan"));
    texts.push(shown(&facts));
    facts.stops.agreed(process);
    facts.stops.step(process, Step::Kill);
    texts.push(shown(&facts));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_stop_that_could_not_be_asked_for() {
    let mut facts = facts(Some(held()));
    facts.stops.wanted(token(4711, 1), false).expect("is asked for");
    let why = "the daemon does not answer; if it stays so, end it and start it again";
    facts.stops.failed(token(4711, 1).process, why);
    insta::assert_snapshot!(shown(&facts));
}
