//! Who started it, and whether that one is still there.

use std::process::Command;

use rustix::process::Signal;

use super::builds::SLEEPS;
use super::cast::Cast;
use super::downloads::asks_the_silent_one;
use super::stage::{Stage, signal};
use crate::cargos::stage::SilentRegistry;

/// A `cargo metadata` as rust-analyzer starts it, while rust-analyzer is there; then it ends.
pub(super) fn orphan_seen_before(stage: &Stage) -> Cast {
    let (cast, editor) = orphan(stage, "sit");
    cast.then(move || signal(editor, Signal::KILL))
}

/// The same, after rust-analyzer has gone: only the marks tell.
pub(super) fn orphan_with_marks(stage: &Stage) -> Cast {
    orphan(stage, &format!("note {}", stage.path("gone"))).0
}

fn orphan(stage: &Stage, then: &str) -> (Cast, u32) {
    let registry = SilentRegistry::new();
    let arguments = ["metadata", "--format-version", "1", "-Zunstable-options"];
    let mut cargo = asks_the_silent_one(stage, &registry, &arguments);
    cargo.env("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS", "nightly");
    let script = stage.script(&cargo, "");
    let mut editor = stage.command("rust-analyzer", &[]);
    stage.inherits(&mut editor, &cargo);
    stage.casts(
        &mut editor,
        "rust-analyzer",
        &[&format!("start /bin/sh {script}"), then],
    );
    let editor = stage.start(&mut editor);
    (Cast::of(stage.noted("script.pid")).with(registry), editor)
}

/// A build under nohup whose shell has ended.
pub(super) fn under_nohup(stage: &Stage) -> Cast {
    let project = stage.place().project("sleeps", "", Some(SLEEPS));
    let cargo = stage.cargo(&project, &["build"]);
    let script = stage.script(&cargo, "nohup ");
    let mut shell = Command::new("/bin/sh");
    stage.inherits(&mut shell, &cargo);
    shell.args(["-c", &format!("/bin/sh {script} &")]);
    stage.start(&mut shell);
    Cast::of(stage.noted("script.pid"))
}

/// A build that a manager of services has started, in a session of its own.
pub(super) fn under_a_service_manager(stage: &Stage) -> Cast {
    let project = stage.place().project("sleeps", "", Some(SLEEPS));
    let cargo = stage.cargo(&project, &["build"]);
    let script = stage.script(&cargo, "setsid ");
    let mut manager = stage.command("systemd", &["--user"]);
    stage.inherits(&mut manager, &cargo);
    stage.casts(&mut manager, "systemd", &[&format!("start /bin/sh {script}"), "sit"]);
    stage.start(&mut manager);
    Cast::of(stage.noted("script.pid"))
}
