use jiff::Timestamp;

use super::*;
use crate::cargo::origin::OriginKind;
use crate::state::{Process, StartedBy};
use crate::verdict::{Reason, Verdict};

fn now() -> Timestamp {
    "2026-11-22T23:10:05Z".parse().expect("a time")
}

fn who(pid: u32, command: &str, part: Part) -> Who {
    Who {
        pid,
        command: command.to_owned(),
        part,
        lock: Some(("build directory".to_owned(), "/home/me/src/parity".to_owned())),
        process: Some(Process {
            pid,
            started_at: "2026-11-22T23:07:50Z".parse().ok(),
            ppid: 4600,
            command: command.to_owned(),
            argv: Vec::new(),
            argv_truncated: false,
            exe: None,
            toolchain: None,
            cwd: None,
            origin: StartedBy {
                kind: OriginKind::Editor,
                name: Some("rust-analyzer".to_owned()),
                pid: Some(4600),
            },
        }),
        verdict: None,
        workers: Vec::new(),
    }
}

fn verdict(class: Class, reason: Reason, evidence: &[&str], advice: &str) -> Verdict {
    Verdict {
        class,
        reason,
        since: None,
        evidence: evidence.iter().map(|line| (*line).to_owned()).collect(),
        advice: advice.to_owned(),
    }
}

fn picture(who: Vec<Who>, queued: Vec<u32>) -> Picture {
    Picture {
        who,
        unseen: Vec::new(),
        queued,
        now: now(),
    }
}

fn working() -> Who {
    Who {
        verdict: Some(verdict(Class::Working, Reason::Compiling, &["2 rustc running"], "wait")),
        workers: ["rustc syn", "rustc serde", "rustc a", "rustc b", "rustc c"]
            .map(str::to_owned)
            .into(),
        ..who(4711, "cargo check --workspace", Part::Holds)
    }
}

fn suspended() -> Who {
    Who {
        verdict: Some(verdict(
            Class::Stuck,
            Reason::Suspended,
            &["stopped by a signal"],
            "let it go on: `fg` in its terminal",
        )),
        ..who(4712, "cargo build", Part::Holds)
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn view() -> View {
    View {
        home: Some("/home/me".to_owned()),
    }
}

#[test]
fn the_list() {
    let starting = Who {
        lock: None,
        process: None,
        ..who(4713, "cargo test", Part::AboutToTake)
    };
    let many = (1..8).map(|pid| who(pid, "cargo build", Part::WaitsToo)).collect();
    let unseen = Picture {
        unseen: vec!["/home/me/.cargo/.package-cache".to_owned()],
        ..picture(Vec::new(), Vec::new())
    };
    for (name, picture) in [
        ("working", picture(vec![working()], vec![4800, 4801])),
        (
            "stuck",
            picture(vec![suspended(), who(9, "cargo doc", Part::WaitsToo)], vec![]),
        ),
        ("about to take", picture(vec![starting], vec![])),
        ("many", picture(many, (100..120).collect())),
        ("behind a run", picture(Vec::new(), vec![5])),
        ("unseen", unseen),
    ] {
        insta::assert_snapshot!(name, plain(&view().list("waiting", &picture)));
    }
}

#[test]
fn the_progress() {
    for (picture, width, line) in [
        (
            picture(vec![working()], vec![]),
            79,
            "waiting 1m 02s for cargo check (pid 4711), working: compiling; build directory",
        ),
        (
            picture(vec![suspended(), working()], vec![5, 6]),
            usize::MAX,
            "waiting 1m 02s for cargo build (pid 4712), stuck: suspended; 1 more; 2 runs in front; build directory",
        ),
        (
            picture(vec![suspended(), working()], vec![5, 6]),
            60,
            "waiting 1m 02s for cargo build (pid 4712), stuck: suspended…",
        ),
        (picture(Vec::new(), vec![5]), 79, "waiting 1m 02s; 1 run in front"),
    ] {
        assert_eq!(View::progress(&picture, 62_500, width), line);
    }
}
