//! Runs among themselves.

use libtest_mimic::Trial;
use rustix::process::Signal;

use super::{Stage, Waiting, signal};
use crate::support::until;

pub(super) fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| {
        Trial::test(format!("run::tickets::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        trial("two_builds_never_block", || builds(2)),
        trial("five_builds_never_block", || builds(5)),
        trial("builds_that_come_at_once_never_block", at_once),
        trial("tests_that_run_keep_nobody_waiting", tests_that_run),
        trial("one_that_is_stopped_in_the_queue_is_passed_over", passed_over),
    ]
}

/// So many real builds of one workspace: the first is in the middle of it when the others come, and each has something to compile.
fn builds(number: usize) {
    let stage = Stage::new();
    let project = stage.place.waiting_project("p");
    let mut runs = Vec::new();
    for place in 0..number {
        // Of different features, so that each compiles.
        let cfg = format!("build.rustflags=['--cfg', 'run{place}']");
        let mut command = stage.run(&project, &[], &["cargo", "--config", &cfg, "build"]);
        runs.push(Waiting::start(&mut command));
        if place == 0 {
            stage.place.until_at_the_gate();
        }
        until("its ticket", || (stage.tickets().len() == place + 1).then_some(()));
    }
    let waiting = |name: &&String| name.ends_with(".waiting");
    assert_eq!(stage.tickets().iter().filter(waiting).count(), number - 1);
    stage.place.open_the_gate();
    for run in runs {
        let (status, said) = run.end();
        assert!(status.success(), "{said}");
        assert!(!said.contains("Blocking") && said.contains("Compiling"), "{said}");
    }
}

/// All start in the same moment, when nothing is held yet.
fn at_once() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    std::fs::create_dir_all(stage.home()).expect("makes it");
    std::fs::set_permissions(stage.home(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("closes it");
    let runs: Vec<Waiting> = (0..5)
        .map(|place| {
            let cfg = format!("build.rustflags=['--cfg', 'run{place}']");
            Waiting::start(&mut stage.run(&project, &[], &["cargo", "--config", &cfg, "build"]))
        })
        .collect();
    for run in runs {
        let (status, said) = run.end();
        assert!(status.success(), "{said}");
        assert!(!said.contains("Blocking") && said.contains("Compiling"), "{said}");
    }
}

/// `cargo test` has released its locks when the tests run: its ticket counts no more, though its process lives and nobody saw it.
fn tests_that_run() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let test = crate::cargos::stage::WAIT_FOR_THE_GATE.replace("fn main()", "#[test]\nfn waits()");
    std::fs::write(project.join("src/lib.rs"), test).expect("writes");
    let tests = Waiting::start(&mut stage.run(&project, &[], &["cargo", "test"]));
    stage.place.until_at_the_gate();
    let output = stage.output(&project, &["--timeout", "100"], &["cargo", "build"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stage.place.gate().exists(), "the tests still run");
    stage.place.open_the_gate();
    let (status, said) = tests.end();
    assert!(status.success(), "{said}");
}

fn passed_over() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let held = Stage::hold(&project);
    let mut first = Waiting::start(&mut stage.run(&project, &[], &["cargo", "build"]));
    first.until("pid");
    until("its ticket", || (stage.tickets().len() == 1).then_some(()));
    signal(first.child.id(), Signal::STOP);
    let mut second = Waiting::start(&mut stage.run(&project, &[], &["cargo", "build"]));
    second.until("pid");
    until("its ticket", || (stage.tickets().len() == 2).then_some(()));
    drop(held);
    let (status, said) = second.end();
    assert!(status.success(), "{said}");
    signal(first.child.id(), Signal::CONT);
    let (status, said) = first.end();
    assert!(status.success() && !said.contains("Blocking"), "{said}");
}
