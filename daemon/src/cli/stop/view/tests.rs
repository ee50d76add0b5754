use std::collections::BTreeSet;

use super::*;
use crate::os::made::Made;
use crate::stop::Outcome;
use crate::stop::plan::Why;
use crate::stop::report::{LeftAlone, Named, Signalled};

fn named(pid: u32, command: &str) -> Named {
    Named {
        pid,
        command: command.into(),
    }
}

#[test]
fn who_which_locks_and_whom_it_meets() {
    let made = Made::default()
        .process(110, 1, "cargo build --release", 100)
        .process(210, 1, "cargo check", 50)
        .lock("/home/me/.cargo/.package-cache-mutate", &[(110, '-')], &[])
        .lock(
            "/home/me/src/parity/target/debug/.cargo-build-lock",
            &[(110, '+')],
            &[(210, '+')],
        )
        .lock("/home/me/other/target/debug/.cargo-build-lock", &[(210, '+')], &[]);
    let state = State::direct(&made.look(), &BTreeSet::new());
    let token = state.locks[1].holders[0].token;
    let mut signalled = vec![named(110, "cargo build --release")];
    signalled.extend((0..25).map(|number| named(300 + number, "rustc serde")));
    let signalled = signalled.into_iter().map(|process| Signalled {
        process,
        signals: Vec::new(),
        ended: false,
    });
    let report = Report {
        sentence: String::new(),
        outcome: Outcome::Planned,
        refusal: None,
        token,
        pid: 110,
        command: Some("cargo build --release".into()),
        path: None,
        label: None,
        forced: false,
        took_ms: 0,
        signalled: signalled.collect(),
        left: vec![LeftAlone {
            process: named(400, "sccache"),
            why: Why::OtherSession,
        }],
        holders: Vec::new(),
    };
    let plan = Plan {
        report: &report,
        state: &state,
        home: Some("/home/me"),
    };
    insta::assert_snapshot!(plan.render());
}
