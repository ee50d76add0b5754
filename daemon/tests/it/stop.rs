//! `lockwatch stop` with real processes: who is ended, and who is never.

mod helpers;
mod reuse;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::Trial;
use lockwatch::client::Client;
use lockwatch::folders::{Base, Folders};
use lockwatch::history::{self, Query};
use lockwatch::os::{Kernel as _, System};
use lockwatch::process::{Detail, Pid, ProcessId, RunState};
use lockwatch::protocol;
use lockwatch::stop::plan::Why;
use lockwatch::stop::{Outcome, RefusalKind, Report, Step};
use rustix::process::Signal;
use tempfile::TempDir;

pub(crate) use self::helpers::{ask, family, numbered};
pub(crate) use self::reuse::reuse;
use crate::support::{Running, folder, helper_command, holder, lockwatch, until, until_seen, waiter};
use crate::window::Window;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| {
        Trial::test(format!("stop::{name}"), move || {
            body();
            Ok(())
        })
    };
    let mut trials = vec![
        trial(
            "a_holder_ends_with_its_children_and_the_lock_goes_on",
            ends_with_its_children,
        ),
        trial("a_plan_signals_nobody", a_plan),
        trial("who_ignores_sigterm_is_ended_by_force_alone", ignores_sigterm),
        trial("a_stopped_holder_ends_too", stopped_holder),
        trial("a_grandchild_whose_parent_has_ended_stays_in_the_plan", grandchild),
        trial("a_daemon_of_its_own_session_is_left_and_named", daemon_is_left),
        trial("a_stranger_in_the_process_group_is_not_hit", stranger_in_the_group),
        trial("a_waiter_is_no_target", waiter_is_no_target),
        trial("what_is_not_cargo_is_refused", not_cargo),
        trial("an_ancestor_of_who_asks_is_refused", ancestor),
        trial("whom_a_token_meant_is_gone", gone),
        trial("without_a_terminal_it_takes_a_yes", takes_a_yes),
        trial("a_person_is_asked_and_no_is_the_default", a_person_is_asked),
        trial("a_daemon_does_it_for_who_asks", by_a_daemon),
    ];
    trials.extend(reuse::trials());
    trials
}

/// A made cargo that holds a lock, and its children.
struct Family {
    place: TempDir,
    running: Running,
    children: Vec<Pid>,
}

impl Family {
    /// With children of these kinds, see [`helpers::family`].
    fn start(kinds: &[&str]) -> Self {
        let place = folder();
        let path = lock_in(&place);
        let mut command = helper_command([Path::new("family"), &path]);
        // In a process group of its own, as a shell starts it.
        let mut running = Running::start(command.args(kinds).arg0("cargo").process_group(0));
        let children = kinds.iter().flat_map(|_| numbers(&running.line())).collect();
        assert_eq!(running.line(), "locked");
        Self {
            place,
            running,
            children,
        }
    }

    fn pid(&self) -> Pid {
        self.running.pid()
    }

    fn lock(&self) -> PathBuf {
        lock_in(&self.place)
    }

    fn all(&self) -> Vec<ProcessId> {
        let pids = std::iter::once(self.pid()).chain(self.children.iter().copied());
        pids.map(identity).collect()
    }

    fn stop(&self, options: &[&str]) -> (i32, Report) {
        stop(&self.pid().to_string(), options)
    }
}

fn lock_in(place: &TempDir) -> PathBuf {
    place.path().join(".package-cache")
}

fn numbers(line: &str) -> Vec<Pid> {
    line.split(' ').map(|word| word.parse().expect("a number")).collect()
}

fn identity(pid: Pid) -> ProcessId {
    System::new().process(pid, Detail::Brief).expect("lives").id
}

fn lives(id: ProcessId) -> bool {
    let now = System::new().process(id.pid, Detail::Brief);
    now.is_ok_and(|now| now.id == id && now.state != RunState::Zombie)
}

fn command(target: &str, options: &[&str]) -> Command {
    let mut command = lockwatch();
    command.args(["stop", target]).args(options).stdin(Stdio::null());
    command
}

/// The exit code, and the report.
fn stop(target: &str, options: &[&str]) -> (i32, Report) {
    let output = command(target, &["--json"]).args(options).output().expect("runs");
    result(&output)
}

fn result(output: &Output) -> (i32, Report) {
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().expect("ends by itself"), report)
}

fn ends_with_its_children() {
    let family = Family::start(&["sit", "sit"]);
    let all = family.all();
    let mut behind = waiter("exclusive", &family.lock());
    until_seen(&family.lock(), 1, 1);
    let output = command(&family.pid().to_string(), &["--yes"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(behind.line(), "locked");
    let said = String::from_utf8(output.stdout).expect("is text");
    assert!(said.starts_with("cargo helper (pid "), "{said}");
    assert!(said.contains(&format!("(pid {}) ended in ", family.pid())), "{said}");
    assert!(
        said.contains(" went to ") && said.contains(&format!("(pid {})", behind.pid())),
        "{said}"
    );
    assert!(all.iter().all(|id| !lives(*id)), "{said}");
}

fn a_plan() {
    let family = Family::start(&["sit"]);
    let (code, report) = family.stop(&["--dry-run"]);
    assert_eq!((code, report.outcome), (0, Outcome::Planned));
    let planned: Vec<Pid> = report.signalled.iter().map(|one| one.process.pid).collect();
    assert_eq!(planned, [family.pid(), family.children[0]]);
    assert!(family.all().iter().all(|id| lives(*id)));
}

fn ignores_sigterm() {
    let family = Family::start(&["stubborn"]);
    let all = family.all();
    let (code, report) = family.stop(&["--yes", "--grace", "1"]);
    // The lock is free, and who is left is named.
    assert_eq!((code, report.outcome, report.forced), (0, Outcome::Ended, false));
    let left: Vec<Pid> = report.leftovers().map(|one| one.process.pid).collect();
    assert_eq!(left, family.children);
    assert!(!lives(all[0]) && lives(all[1]));
    let family = Family::start(&["stubborn"]);
    let all = family.all();
    let (code, report) = family.stop(&["--yes", "--grace", "0", "--force"]);
    assert_eq!((code, report.outcome, report.forced), (0, Outcome::Ended, true));
    assert!(all.iter().all(|id| !lives(*id)));
}

fn stopped_holder() {
    let family = Family::start(&["sit"]);
    let all = family.all();
    let pid = rustix::process::Pid::from_raw(family.pid().cast_signed()).expect("a number");
    rustix::process::kill_process(pid, Signal::STOP).expect("stops");
    until("the stop", || {
        let state = System::new().process(family.pid(), Detail::Brief).expect("lives").state;
        (state == RunState::Stopped).then_some(())
    });
    let (code, report) = family.stop(&["--yes"]);
    assert_eq!((code, report.outcome, report.forced), (0, Outcome::Ended, false));
    assert!(all.iter().all(|id| !lives(*id)));
}

fn grandchild() {
    // The one in the middle ends by SIGTERM, and the one below does not: it is PID 1's child by then.
    let family = Family::start(&["middle"]);
    let all = family.all();
    assert_eq!(all.len(), 3);
    let (code, report) = family.stop(&["--yes", "--grace", "1", "--force"]);
    assert_eq!((code, report.outcome), (0, Outcome::Ended));
    assert!(all.iter().all(|id| !lives(*id)), "{report:?}");
}

fn daemon_is_left() {
    let family = Family::start(&["alone", "sit"]);
    let all = family.all();
    let (code, report) = family.stop(&["--yes"]);
    assert_eq!((code, report.outcome), (0, Outcome::Ended));
    let left: Vec<(Pid, Why)> = report.left.iter().map(|one| (one.process.pid, one.why)).collect();
    assert_eq!(left, [(family.children[0], Why::OtherSession)]);
    assert!(report.sentence.contains("left alone: "), "{}", report.sentence);
    assert!(lives(all[1]) && !lives(all[0]) && !lives(all[2]));
}

fn stranger_in_the_group() {
    let family = Family::start(&["sit"]);
    let mut editor = helper_command(["sit"]);
    let editor = Running::start(editor.process_group(family.pid().cast_signed()));
    let group = System::new().process(editor.pid(), Detail::Brief).expect("lives").group;
    assert_eq!(group, family.pid());
    let (code, report) = family.stop(&["--yes", "--force"]);
    assert_eq!((code, report.outcome), (0, Outcome::Ended));
    assert!(lives(identity(editor.pid())));
}

fn waiter_is_no_target() {
    let family = Family::start(&[]);
    let mut behind = waiter("exclusive", &family.lock());
    until_seen(&family.lock(), 1, 1);
    let output = command(&behind.pid().to_string(), &["--yes"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8(output.stderr).expect("is text");
    assert!(talk.contains(&format!("`lockwatch stop {}`", family.pid())), "{talk}");
    // Nor by a token that somebody has put together.
    let (state, _) = until_seen(&family.lock(), 1, 1);
    let lock = crate::support::lock(&state, &family.lock()).expect("is held");
    let mut token = lock.holders[0].token;
    token.process = identity(behind.pid());
    let (code, report) = stop(&token.to_string(), &["--yes", "--force"]);
    assert_eq!((code, report.refusal), (77, Some(RefusalKind::NotAHolder)));
    drop(family);
    assert_eq!(behind.line(), "locked");
}

fn not_cargo() {
    let place = folder();
    let front = holder("exclusive", &lock_in(&place));
    let (code, report) = stop(&front.pid().to_string(), &["--yes", "--force"]);
    assert_eq!((code, report.refusal), (77, Some(RefusalKind::NotCargo)));
    let output = command(&front.pid().to_string(), &["--yes"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(77));
    assert!(output.stdout.is_empty());
    assert!(lives(identity(front.pid())));
}

fn ancestor() {
    let place = folder();
    let mut command = helper_command(["ask".as_ref(), lock_in(&place).as_path()]);
    let mut running = Running::start(command.arg(env!("CARGO_BIN_EXE_lockwatch")).arg0("cargo"));
    assert_eq!(running.line(), "77 true");
    assert!(lives(identity(running.pid())));
}

fn gone() {
    let mut family = Family::start(&[]);
    let (state, _) = until_seen(&family.lock(), 1, 0);
    let lock = crate::support::lock(&state, &family.lock()).expect("is held");
    let token = lock.holders[0].token.to_string();
    family.running.kill();
    let (code, report) = stop(&token, &["--yes"]);
    assert_eq!((code, report.refusal), (0, Some(RefusalKind::Gone)));
}

fn takes_a_yes() {
    let family = Family::start(&[]);
    let output = command(&family.pid().to_string(), &[]).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8(output.stderr).expect("is text");
    assert!(talk.contains("--yes") && talk.contains("--dry-run"), "{talk}");
    assert!(lives(identity(family.pid())));
}

/// Answers the question on a terminal. Gives the exit code, and what was shown.
fn answer(target: &str, words: &[u8]) -> (Option<i32>, String) {
    let mut command = lockwatch();
    command.args(["stop", target]);
    let mut window = Window::open((200, 40), &command, true);
    window.until("the question", |window| window.text().contains("Stop it? [y/N]"));
    window.press(words);
    let status = window.end();
    (status.code(), window.text())
}

fn a_person_is_asked() {
    let family = Family::start(&["sit"]);
    let all = family.all();
    let target = family.pid().to_string();
    let (code, shown) = answer(&target, b"\n");
    assert_eq!(code, Some(1), "{shown}");
    for part in [&target, ".package-cache", &family.children[0].to_string()] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(all.iter().all(|id| lives(*id)));
    let (code, shown) = answer(&target, b"y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(all.iter().all(|id| !lives(*id)));
}

fn by_a_daemon() {
    let family = Family::start(&["sit"]);
    let all = family.all();
    let home = folder();
    let mut daemon = lockwatch();
    daemon.arg("daemon").env("LOCKWATCH_HOME", home.path());
    let mut daemon = Running::start(&mut daemon);
    assert!(daemon.line().starts_with("answering on "));
    let stop = |target: &str| {
        let mut command = command(target, &["--yes", "--json"]);
        result(&command.env("LOCKWATCH_HOME", home.path()).output().expect("runs"))
    };
    let (code, report) = stop(&family.pid().to_string());
    assert_eq!((code, report.outcome), (0, Outcome::Ended));
    assert!(all.iter().all(|id| !lives(*id)));
    // Each step is told before it is taken.
    let next = Family::start(&["stubborn"]);
    let token = until_seen(&next.lock(), 1, 0).1.holders[0].token;
    let base = Base {
        lockwatch_home: Some(home.path().to_owned()),
        ..Base::default()
    };
    let folders = Folders::new(&base, lockwatch::os::LAYOUT);
    let mut client = Client::connect(&folders).expect("connects").expect("it runs");
    let mut steps = Vec::new();
    let wish = protocol::Stop {
        token,
        force: true,
        dry_run: false,
        grace_ms: Some(0),
    };
    let forced = client
        .stop(wish, Duration::ZERO, &mut |step| steps.push(step))
        .expect("answers");
    assert_eq!((forced.outcome, forced.forced), (Outcome::Ended, true));
    assert_eq!(steps, [Step::Terminate, Step::Kill]);
    // Whoever has ended is stopped no more, and that is told too.
    let gone = client.stop(wish, Duration::ZERO, &mut |_| ()).expect("answers");
    assert_eq!(gone.refusal, Some(RefusalKind::Gone));
    let past = until("the history", || {
        let query = Query {
            since: Timestamp::UNIX_EPOCH,
            lock: None,
            limit: 10,
        };
        let past = history::query(&folders.history(), &query).expect("is read");
        (past.stops.len() == 3).then_some(past)
    });
    let told: Vec<_> = past
        .stops
        .iter()
        .map(|stop| (stop.outcome, stop.forced, stop.sentence.as_str()))
        .collect();
    let told_then = [&gone, &forced, &report].map(|then| (Some(then.outcome), then.forced, then.sentence.as_str()));
    assert_eq!(told, told_then);
    // It was the daemon's doing: its log says so.
    let log = until("the log", || {
        let logs = std::fs::read_dir(home.path().join("logs")).ok()?;
        let text: String = logs
            .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
            .collect();
        text.contains(&report.sentence).then_some(text)
    });
    assert!(log.contains("a stop is asked for"), "{log}");
}
