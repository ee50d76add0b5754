//! `lockwatch run`: real cargos that wait for their turn.

mod programs;
mod stage;
mod tickets;

use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;
use rustix::process::Signal;

use self::stage::{Stage, Waiting};
use crate::cargos::stage::{Cargo, Place};
use crate::support::{Running, helper_command, holder, until};
use crate::window::Window;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| {
        Trial::test(format!("run::{name}"), move || {
            body();
            Ok(())
        })
    };
    let mut trials = vec![
        trial("nothing_in_the_way_nothing_said", nothing_in_the_way),
        trial(
            "the_exit_code_and_the_signal_are_the_commands_own",
            exit_code_and_signal,
        ),
        trial("what_is_no_cargo_is_said", no_cargo),
        trial("what_cannot_be_started_is_said", cannot_be_started),
        trial("no_wait_names_who_is_in_the_way", no_wait),
        trial("the_timeout_ends_the_wait", timeout),
        trial("ctrl_c_starts_nothing_and_leaves_no_place_in_the_queue", ctrl_c),
        trial("it_starts_when_the_holder_ends", starts_when_the_holder_ends),
        trial("a_suspended_holder_is_called_so", suspended_holder),
        trial("a_terminal_has_a_line_that_goes_on", terminal),
        trial("no_descriptor_passes_through", no_descriptor),
        trial("who_would_wait_for_itself_is_refused", own_ancestor),
        trial("without_a_queue_it_guards_all_the_same", without_a_queue),
        trial("what_it_waits_for_is_what_cargo_takes", what_cargo_takes),
    ];
    trials.extend(tickets::trials());
    trials.extend(programs::trials());
    trials
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("is text")
}

fn nothing_in_the_way() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let output = stage.output(&project, &[], &["cargo", "--version"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).starts_with("cargo "));
    assert_eq!(text(&output.stderr), "");
}

fn exit_code_and_signal() {
    let stage = Stage::new();
    let here = stage.place.folder.path();
    for (script, code, signal) in [
        ("exit 0", Some(0), None),
        ("exit 7", Some(7), None),
        ("exit 75", Some(75), None),
        ("kill -TERM $$", None, Some(15)),
        ("kill -INT $$", None, Some(2)),
    ] {
        let status = stage.output(here, &["--quiet"], &["sh", "-c", script]).status;
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
}

fn no_cargo() {
    let stage = Stage::new();
    let here = stage.place.folder.path();
    let output = stage.output(here, &[], &["sh", "-c", "echo done"]);
    assert_eq!(text(&output.stdout), "done\n");
    let said = text(&output.stderr);
    assert!(
        said.contains("sh is not cargo") && said.contains("package cache only"),
        "{said}"
    );
    let output = stage.output(here, &["--quiet"], &["sh", "-c", "echo done"]);
    assert_eq!(text(&output.stderr), "");
    // It waits for the package cache.
    let _held = holder("exclusive", &stage.place.home().join(".package-cache"));
    assert_eq!(stage.output(here, &["--no-wait"], &["true"]).status.code(), Some(75));
}

fn cannot_be_started() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    for (command, code) in [(&["/nonexistent/cargo", "build"][..], 127), (&["./src", "x"], 126)] {
        let output = stage.output(&project, &[], command);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("cannot start"));
        assert_eq!(stage.tickets(), [""; 0], "no place is left in the queue");
    }
}

fn no_wait() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let held = Stage::hold(&project);
    let output = stage.output(&project, &["--no-wait"], &["cargo", "build"]);
    assert_eq!(output.status.code(), Some(75));
    let said = text(&output.stderr);
    assert!(
        said.contains("cannot start now") && said.contains(&format!("pid {}", held.pid())),
        "{said}"
    );
    assert_eq!(stage.tickets(), [""; 0]);
    let output = stage.output(&project, &["--no-wait", "--quiet"], &["cargo", "build"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(75), String::new()));
    // Another profile is not in the way.
    let output = stage.output(&project, &["--no-wait"], &["cargo", "build", "--release"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn timeout() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let held = Stage::hold(&project);
    let output = stage.output(&project, &["--timeout", "1"], &["cargo", "build"]);
    assert_eq!(output.status.code(), Some(75));
    let said = text(&output.stderr);
    assert!(
        said.contains("gave up after") && said.contains(&format!("pid {}", held.pid())),
        "{said}"
    );
    assert!(!project.join("target/debug/deps").exists(), "nothing was started");
    assert_eq!(stage.tickets(), [""; 0]);
}

fn ctrl_c() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let held = Stage::hold(&project);
    let mut run = Waiting::start(&mut stage.run(&project, &[], &["cargo", "build"]));
    run.until("pid");
    until("its ticket", || (stage.tickets().len() == 1).then_some(()));
    signal(run.child.id(), Signal::INT);
    let (status, _) = run.end();
    // What a shell shows as 130.
    assert_eq!(status.signal(), Some(2));
    assert!(!project.join("target/debug/deps").exists(), "nothing was started");
    drop(held);
    let output = stage.output(&project, &["--no-wait"], &["cargo", "build"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(stage.tickets().len(), 1, "the ticket of who is gone was removed");
}

fn signal(pid: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("is one");
    // A child that was not waited for keeps its number.
    rustix::process::kill_process(pid, signal).expect("signals");
}

fn starts_when_the_holder_ends() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let mut held = Stage::hold(&project);
    let mut run = Waiting::start(&mut stage.run(&project, &[], &["cargo", "build"]));
    run.until(&format!("pid {}", held.pid()));
    held.kill();
    let (status, said) = run.end();
    assert!(status.success(), "{said}");
    assert!(
        said.contains("lockwatch: waited") && said.contains("Finished") && !said.contains("Blocking"),
        "{said}"
    );
}

fn suspended_holder() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    std::fs::create_dir_all(project.join("target/debug")).expect("makes the folder");
    let lock = project.join("target/debug/.cargo-lock");
    let mut held = Running::start(helper_command([Path::new("lock"), Path::new("exclusive"), &lock]).arg0("cargo"));
    assert_eq!(held.line(), "locked");
    signal(held.pid(), Signal::STOP);
    until("its verdict", || {
        let output = stage.output(&project, &["--no-wait"], &["cargo", "build"]);
        assert_eq!(output.status.code(), Some(75));
        let said = text(&output.stderr);
        (said.contains("stuck: suspended") && said.contains("advice")).then_some(())
    });
}

fn terminal() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let mut held = Stage::hold(&project);
    let mut window = Window::open(
        (80, 24),
        &stage.run(
            &project,
            &[],
            &["cargo", "build", "--manifest-path", &manifest(&project)],
        ),
        true,
    );
    let pid = held.pid();
    let lines = |window: &Window| -> Vec<String> {
        let text = window.text();
        let lines = text.lines().filter(|line| line.starts_with("waiting "));
        lines.map(str::to_owned).collect()
    };
    window.until("the line", |window| {
        lines(window).iter().any(|line| line.contains(&format!("(pid {pid})")))
    });
    let first = lines(&window);
    assert_eq!(first.len(), 1, "{}", window.text());
    window.until("that it goes on", |window| {
        lines(window).len() == 1 && lines(window) != first
    });
    held.kill();
    assert!(window.end().success(), "{}", window.text());
    assert!(
        window.text().contains("lockwatch: waited") && lines(&window).is_empty(),
        "{}",
        window.text()
    );
}

fn manifest(project: &Path) -> String {
    project.join("Cargo.toml").to_str().expect("is plain").to_owned()
}

/// The descriptors of a command are those that it would have without lockwatch, also after a wait with looks and states.
fn no_descriptor() {
    let stage = Stage::new();
    let here = stage.place.folder.path();
    let script = "ls /dev/fd | sort -n | tr '\\n' ' '";
    let plain = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("runs");
    let mut held = holder("exclusive", &stage.place.home().join(".package-cache"));
    let mut run = stage.run(here, &[], &["sh", "-c", script]);
    let mut run = Waiting::start(&mut run);
    run.until("pid");
    held.kill();
    let mut listed = String::new();
    run.child
        .stdout
        .take()
        .expect("piped")
        .read_to_string(&mut listed)
        .expect("reads");
    let (status, said) = run.end();
    assert!(status.success(), "{said}");
    assert_eq!(listed, text(&plain.stdout));
}

fn own_ancestor() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    let folder = project.join("target/debug");
    std::fs::create_dir_all(&folder).expect("makes the folder");
    let lock = folder.canonicalize().expect("is there").join(".cargo-lock");
    let inner = stage.run(&project, &[], &["cargo", "build"]);
    let mut command = helper_command([Path::new("start-locked"), &lock]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut outer = Running::start(command.current_dir(&project)).ending_itself();
    let said = outer.line();
    assert!(
        said.starts_with("77 ") && said.contains("each would wait for the other"),
        "{said}"
    );
}

fn without_a_queue() {
    let stage = Stage::new();
    let project = stage.place.project("p", "", None);
    std::fs::write(stage.home(), "no folder").expect("writes");
    let held = Stage::hold(&project);
    assert_eq!(
        stage
            .output(&project, &["--no-wait"], &["cargo", "build"])
            .status
            .code(),
        Some(75)
    );
    drop(held);
    let output = stage.output(&project, &[], &["cargo", "build"]);
    let said = text(&output.stderr);
    assert!(
        output.status.success() && said.contains("going on without the queue"),
        "{said}"
    );
}

/// The locks that a real build holds, of each cargo of this machine, are in the way of the same command and of those that share
/// its folders, and not of others.
fn what_cargo_takes() {
    for cargo in Cargo::all() {
        for (held, waits, goes) in [
            (
                &["build"][..],
                &["test"][..],
                &["clean", "--target-dir", "elsewhere"][..],
            ),
            (&["check"], &["build"], &["clean", "--release", "-p", "p"]),
            (&["build", "--release"], &["bench"], &["clean", "-p", "p"]),
            (
                &["build", "--target-dir", "t"],
                &["clean", "--target-dir", "t"],
                &["clean"],
            ),
            (
                &["build", "--profile", "own"],
                &["test", "--profile=own"],
                &["clean", "-p", "p"],
            ),
            (
                &["--config", "build.target-dir='c'", "build"],
                &["build", "--target-dir=c"],
                &["clean"],
            ),
        ] {
            let stage = Stage {
                place: Place::new(),
                cargo: cargo.clone(),
            };
            let project = stage.place.waiting_project("p");
            let manifest = project.join("Cargo.toml");
            let text_of = std::fs::read_to_string(&manifest).expect("reads");
            std::fs::write(&manifest, format!("{text_of}\n[profile.own]\ninherits = 'dev'\n")).expect("writes");
            let running = stage.cargo.start(&stage.place, &project, held);
            stage.place.until_at_the_gate();
            let who = format!("{:?} with {held:?}", stage.cargo.version);
            let no_wait = |arguments: &[&str]| {
                let command: Vec<&str> = std::iter::once("cargo").chain(arguments.iter().copied()).collect();
                stage.output(&project, &["--no-wait"], &command)
            };
            for same in [held, waits] {
                let output = no_wait(same);
                let said = text(&output.stderr);
                assert_eq!(output.status.code(), Some(75), "{who}: {same:?} {said}");
                assert!(said.contains(&format!("pid {}", running.pid())), "{who}: {said}");
            }
            let output = no_wait(goes);
            assert!(output.status.success(), "{who}: {goes:?} {}", text(&output.stderr));
            stage.place.open_the_gate();
            running.succeed();
        }
    }
}
