//! Processes that are stopped, alone or with the whole machine.

use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::rc::Rc;

use rustix::process::Signal;

use super::builds::SLEEPS;
use super::cast::Cast;
use super::scale::Span;
use super::stage::{Stage, signal};
use crate::support::Running;
use crate::window::Window;

/// A build in a terminal, by a shell with job control.
pub(super) fn ctrl_z(stage: &Stage) -> Cast {
    let project = stage.place().project("sleeps", "", Some(SLEEPS));
    let cargo = stage.cargo(&project, &["build"]);
    let script = stage.script(&cargo, "");
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    stage.inherits(&mut shell, &cargo);
    let mut window = Window::open((80, 24), &shell, true);
    window.press(format!("/bin/sh {script}\n").as_bytes());
    let judged = stage.noted("script.pid");
    stage.place().until_at_the_gate();
    let window = Rc::new(RefCell::new(window));
    let (stops, goes_on) = (window.clone(), window.clone());
    Cast::of(judged)
        .then(move || stops.borrow_mut().press(b"\x1a"))
        .then(move || goes_on.borrow_mut().press(b"fg\n"))
        .with(window)
}

/// A cargo with two children, one of which is stopped and the other compiles, until it sleeps.
pub(super) fn stopped_child(stage: &Stage) -> Cast {
    let lock = stage.path("project/target/debug/.cargo-lock");
    let compiling = stage.made("compiling");
    let mut cargo = stage.command("cargo", &["build"]);
    stage.casts(&mut cargo, "rustc", &[&format!("busy {}", compiling.display()), "sit"]);
    stage.casts(&mut cargo, "cc", &["stop", "sit"]);
    let holds = format!("lock exclusive {lock}");
    stage.casts(&mut cargo, "cargo", &[&holds, "start rustc", "start cc", "sit"]);
    let cast = Cast::of(stage.start(&mut cargo));
    cast.then(move || std::fs::remove_file(compiling).expect("lets it sleep"))
}

/// A cargo in a debugger, which stops it when it has the lock.
pub(super) fn traced(stage: &Stage) -> Cast {
    let cargo = idle_cargo(stage);
    let mut debugger = Command::new("gdb");
    stage.inherits(&mut debugger, &cargo);
    let commands = ["set startup-with-shell off", "handle SIGUSR1 stop", "run"];
    debugger
        .args(["-q", "-nx"])
        .args(commands.map(|command| format!("-ex={command}")));
    debugger.arg("--args").arg(cargo.get_program()).args(cargo.get_args());
    // Its questions are never answered, so that it stays.
    let debugger = Running::start(debugger.stderr(Stdio::null()));
    let pid = stage.noted("cargo.pid");
    signal(pid, Signal::USR1);
    Cast::of(pid).with(debugger)
}

/// A cargo that does nothing, without a child; it notes its number when it has the lock.
fn idle_cargo(stage: &Stage) -> Command {
    let lock = stage.path("project/target/debug/.cargo-lock");
    let mut cargo = stage.command("cargo", &["build"]);
    let noted = format!("note {}", stage.path("cargo.pid"));
    stage.casts(&mut cargo, "cargo", &[&format!("lock exclusive {lock}"), &noted, "sit"]);
    cargo
}

/// The daemon and all that it watches stop for a minute, as when the machine's lid is closed.
pub(super) fn machine_pauses(stage: &Stage) -> Cast {
    stage.start(&mut idle_cargo(stage));
    let pid = stage.noted("cargo.pid");
    let daemon = stage.judge().pid();
    Cast::of(pid).then(move || {
        for process in [daemon, pid] {
            signal(process, Signal::STOP);
        }
        // No condition: a pause of this length is what the scene is about.
        std::thread::sleep(Span::Seconds(60).scaled());
        // The daemon last: when the machine goes on, nothing is stopped.
        for process in [pid, daemon] {
            signal(process, Signal::CONT);
        }
    })
}
