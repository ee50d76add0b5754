//! Real cargos, without a network, each test with a Cargo home and projects of its own.
//!
//! Which lock a cargo takes, and what it calls it, depends on its version. The tests ask each cargo on this machine for
//! its version and take what to expect from lockwatch's own table, so that the table is held against every cargo here.

pub(crate) mod stage;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use libtest_mimic::{Completion, Trial};
use lockwatch::cargo::lock_kind::{self, CargoVersion};
use lockwatch::os::Mode;
use lockwatch::state::{Lock, State};
use lockwatch::stop::{Outcome, Report};
use lockwatch::verdict::{Class, Reason};

use self::stage::{Cargo, Place, SILENT, SilentRegistry};
use crate::support::{Running, helper, holder, holder_pids, lock, lockwatch, sorted, until, until_seen, waiter_pids};

/// A test, given a cargo.
type Body = fn(&Cargo);

pub(crate) fn trials() -> Vec<Trial> {
    let tests: &[(&str, Body)] = &[
        (
            "who_holds_and_who_waits_for_the_package_cache_100_times",
            package_cache_100_times,
        ),
        ("a_build_blocked_on_the_build_directory", blocked_on_the_build_directory),
        (
            "a_check_blocked_on_the_build_directory",
            check_blocked_on_the_build_directory,
        ),
        (
            "a_build_blocked_on_the_artifact_directory",
            blocked_on_the_artifact_directory,
        ),
        ("two_builds_share_the_package_cache", two_builds_share_the_package_cache),
        ("a_suspended_build", a_suspended_build),
        ("a_chain_of_three", a_chain_of_three),
        ("a_lock_file_removed_while_held", a_lock_file_removed_while_held),
        ("two_hundred_waiters", two_hundred_waiters),
        ("cargo_inside_a_build_script", cargo_inside_a_build_script),
        (
            "a_build_goes_on_when_the_one_before_it_is_stopped",
            goes_on_after_a_stop,
        ),
        ("an_installed_cargo_leaves_nothing", nothing_is_left),
    ];
    let cargos = Cargo::all();
    let mut trials: Vec<Trial> = Vec::new();
    for (name, body) in tests {
        for cargo in &cargos {
            let (cargo, body) = (cargo.clone(), *body);
            trials.push(Trial::test(
                format!("cargo_{}_{}::{name}", cargo.version.major, cargo.version.minor),
                move || {
                    body(&cargo);
                    Ok(())
                },
            ));
        }
    }
    // One cargo locks the other's way out: old and new ones on one target directory.
    trials.push(Trial::ignorable_test(
        "cargo::an_old_and_a_new_one_on_one_target_directory",
        move || {
            let one = |new: bool| cargos.iter().find(|cargo| (cargo.version >= SPLIT) == new);
            match (one(false), one(true)) {
                (Some(old), Some(new)) => {
                    an_old_and_a_new_one(old, new);
                    Ok(Completion::Completed)
                }
                _ => Ok(Completion::ignored_with(
                    "takes a cargo before 1.96 and one since, and this machine has not both",
                )),
            }
        },
    ));
    trials
}

/// Since this version the lock of a build is `.cargo-build-lock`, beside a shared `.cargo-lock`.
const SPLIT: CargoVersion = CargoVersion { major: 1, minor: 96 };

fn package_cache_100_times(cargo: &Cargo) {
    let place = Place::new();
    let registry = SilentRegistry::new();
    registry.configure(&place);
    let (first, second) = (place.project("first", SILENT, None), place.project("second", "", None));
    let path = place.home().join(".package-cache");
    for round in 0..100 {
        let front = cargo.start(&place, &first, &["fetch"]);
        until_seen(&path, 1, 0);
        let mut behind = cargo.start(&place, &second, &["generate-lockfile"]);
        assert_eq!(behind.blocking(), "package cache", "round {round}");
        // The words come just before cargo waits, so the first look may still be too early.
        let state: State = until("the waiter", || {
            let output = lockwatch().args(["status", "--json"]).output().expect("runs");
            assert!(output.status.success(), "round {round}: {output:?}");
            let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
            let waits = lock(&state, &path).is_some_and(|lock| !lock.waiters.is_empty());
            waits.then_some(state)
        });
        let seen = lock(&state, &path).expect("held");
        assert_eq!(holder_pids(seen), [front.pid()], "round {round}");
        assert_eq!(waiter_pids(seen), [behind.pid()], "round {round}");
        assert_eq!(
            (seen.kind.name(), seen.label.as_str()),
            ("package-cache", "package cache")
        );
        assert_eq!(seen.holders[0].mode, Some(Mode::Exclusive));
        assert_eq!(seen.holders[0].process.command, "cargo fetch");
        assert_eq!(seen.waiters[0].process.command, "cargo generate-lockfile");
        assert_eq!(seen.holders[0].process.cwd.as_deref(), first.to_str());
    }
}

/// The lock that a second build of one project waits for, and the words for it.
fn build_lock(cargo: &Cargo, subcommand: &str) -> (&'static str, &'static str) {
    if cargo.version >= SPLIT {
        return (".cargo-build-lock", "build directory");
    }
    let words = cargo
        .expected(subcommand)
        .into_iter()
        .find(|(_, mode, words)| *mode == Mode::Exclusive && words.ends_with("directory"))
        .map(|(_, _, words)| words);
    (".cargo-lock", words.expect("the table knows it"))
}

fn blocked_on_the_build_directory(cargo: &Cargo) {
    blocked(cargo, "build");
}

fn check_blocked_on_the_build_directory(cargo: &Cargo) {
    blocked(cargo, "check");
}

fn blocked(cargo: &Cargo, subcommand: &str) {
    let place = Place::new();
    let project = place.waiting_project("held");
    let (name, words) = build_lock(cargo, subcommand);
    let path = project.join("target/debug").join(name);
    let front = cargo.start(&place, &project, &[subcommand]);
    until_seen(&path, 1, 0);
    let mut behind = cargo.start(&place, &project, &[subcommand, "--offline"]);
    assert_eq!(behind.blocking(), words, "the table's words for {name}");
    let (state, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![front.pid()], vec![behind.pid()])
    );
    assert_eq!(
        (seen.holders[0].mode, seen.waiters[0].mode),
        (Some(Mode::Exclusive), Some(Mode::Exclusive))
    );
    assert_eq!(seen.kind.name(), "build-dir");
    assert_eq!(seen.holders[0].process.command, format!("cargo {subcommand}"));
    assert_eq!(seen.waiters[0].process.command, format!("cargo {subcommand} --offline"));
    assert_eq!(
        seen.holders[0].process.exe.as_deref(),
        cargo
            .program
            .canonicalize()
            .ok()
            .and_then(|exe| exe.to_str().map(str::to_owned))
            .as_deref()
    );
    if seen.holders[0]
        .process
        .toolchain
        .as_deref()
        .is_some_and(|toolchain| toolchain.starts_with("1."))
    {
        assert_eq!(seen.label, words, "known by the toolchain's version");
    }
    // Everything else that the table says this version holds meanwhile.
    let held: BTreeSet<(String, Option<Mode>)> = state
        .locks
        .iter()
        .filter(|lock| lock.path.starts_with(place.folder.path().to_str().expect("plain")))
        .flat_map(|lock| lock.holders.iter().map(|holder| (file_name(lock), holder.mode)))
        .collect();
    let expected: BTreeSet<(String, Option<Mode>)> = cargo
        .expected(subcommand)
        .into_iter()
        .map(|(file, mode, _)| (self::name(file).to_owned(), Some(mode)))
        .collect();
    assert_eq!(
        held, expected,
        "what cargo {:?} holds during {subcommand}",
        cargo.version
    );
    place.open_the_gate();
    front.succeed();
    behind.succeed();
    assert_eq!(lock(&crate::support::state(), &path), None, "all released");
}

fn name(file: &lock_kind::LockFile) -> &'static str {
    match file.name {
        lock_kind::Name::Is(name) => name,
        other => panic!("a lock that is held by every build has one name, not {other:?}"),
    }
}

fn file_name(lock: &Lock) -> String {
    Path::new(&lock.path)
        .file_name()
        .expect("has one")
        .to_string_lossy()
        .into_owned()
}

fn blocked_on_the_artifact_directory(cargo: &Cargo) {
    let place = Place::new();
    let project = place.project("plain", "", None);
    let name = if cargo.version >= SPLIT {
        ".cargo-artifact-lock"
    } else {
        ".cargo-lock"
    };
    let path = project.join("target/debug").join(name);
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes the folder");
    // No cargo since 1.96 holds this one without the build directory's, so a helper plays it.
    let front = holder("exclusive", &path);
    let mut behind = cargo.start(&place, &project, &["build"]);
    let words = behind.blocking();
    let expected = cargo
        .expected("build")
        .into_iter()
        .find(|(file, ..)| self::name(file) == name)
        .map(|(.., words)| words);
    assert_eq!(Some(words.as_str()), expected, "the table's words for {name}");
    let (_, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![front.pid()], vec![behind.pid()])
    );
    assert_eq!(
        seen.kind.name(),
        if cargo.version >= SPLIT {
            "artifact-dir"
        } else {
            "build-dir"
        }
    );
    assert_eq!(seen.waiters[0].process.command, "cargo build");
}

fn two_builds_share_the_package_cache(cargo: &Cargo) {
    let place = Place::new();
    let (one, two) = (place.waiting_project("one"), place.waiting_project("two"));
    let (one, two) = (
        cargo.start(&place, &one, &["build"]),
        cargo.start(&place, &two, &["build"]),
    );
    let (state, seen) = until_seen(&place.home().join(".package-cache-mutate"), 2, 0);
    assert_eq!(holder_pids(&seen), sorted([one.pid(), two.pid()]));
    assert!(seen.holders.iter().all(|holder| holder.mode == Some(Mode::Shared)));
    assert_eq!(
        (seen.kind.name(), seen.label.as_str()),
        ("package-cache-mutate", "shared package cache")
    );
    assert!(
        state
            .locks
            .iter()
            .all(|lock| !lock.path.contains(place.folder.path().to_str().expect("plain")) || lock.waiters.is_empty())
    );
}

fn a_suspended_build(cargo: &Cargo) {
    let place = Place::new();
    let project = place.waiting_project("held");
    let path = project.join("target/debug").join(build_lock(cargo, "build").0);
    let front = cargo.start(&place, &project, &["build"]);
    until_seen(&path, 1, 0);
    let mut behind = cargo.start(&place, &project, &["build"]);
    behind.blocking();
    suspend(front.pid());
    let seen = until("the stop to show", || {
        let (_, seen) = until_seen(&path, 1, 1);
        (seen.holders[0].verdict.class == Class::Stuck).then_some(seen)
    });
    let verdict = &seen.holders[0].verdict;
    assert_eq!(verdict.reason, Reason::Suspended);
    assert!(
        verdict.advice.contains(&format!("kill -CONT {}", front.pid())),
        "{}",
        verdict.advice
    );
    let output = lockwatch().args(["status", "--check"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("is text");
    let entry = text
        .split("\n\n")
        .find(|entry| entry.starts_with(&format!("cargo build  pid {}\n", front.pid())));
    assert!(
        entry.is_some_and(|entry| entry.contains("  verdict     stuck: suspended\n")),
        "{text}"
    );
}

fn suspend(pid: u32) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .expect("a number");
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("signals its own child");
}

fn a_chain_of_three(cargo: &Cargo) {
    let place = Place::new();
    let (front, back) = (place.waiting_project("front"), place.project("back", "", None));
    let name = build_lock(cargo, "build").0;
    let (front_lock, back_lock) = (
        front.join("target/debug").join(name),
        back.join("target/debug").join(name),
    );
    std::fs::create_dir_all(back_lock.parent().expect("has one")).expect("makes the folder");
    let first = cargo.start(&place, &front, &["build"]);
    until_seen(&front_lock, 1, 0);
    // Cargo alone cannot be made to hold one build directory and wait for another's; a helper plays the middle.
    let mut second = helper([
        OsStr::new("lock"),
        "exclusive".as_ref(),
        back_lock.as_ref(),
        "exclusive".as_ref(),
        front_lock.as_ref(),
    ]);
    assert_eq!(second.line(), "locked");
    until_seen(&front_lock, 1, 1);
    let mut third = cargo.start(&place, &back, &["build"]);
    third.blocking();
    let (state, seen) = until_seen(&back_lock, 1, 1);
    let head = lock(&state, &front_lock).expect("held");
    assert_eq!(
        (holder_pids(head), waiter_pids(head)),
        (vec![first.pid()], vec![second.pid()])
    );
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![second.pid()], vec![third.pid()])
    );
    assert_eq!(seen.waiters[0].root, [head.holders[0].token]);
    assert_eq!(seen.holders[0].verdict.reason, Reason::BehindLock);
}

fn a_lock_file_removed_while_held(cargo: &Cargo) {
    let place = Place::new();
    let project = place.waiting_project("held");
    let path = project.join("target/debug").join(build_lock(cargo, "build").0);
    let first = cargo.start(&place, &project, &["build"]);
    until_seen(&path, 1, 0);
    // Two cargos that compile into one folder at once break each other's build, and one that has failed holds nothing.
    place.until_at_the_gate();
    // What the popular advice does.
    std::fs::remove_file(&path).expect("deletes the test's own file");
    let second = cargo.start(&place, &project, &["build"]);
    let seen = until("both to hold", || {
        let state = crate::support::state();
        let seen: BTreeSet<(bool, Vec<u32>)> = state
            .locks
            .iter()
            .filter(|lock| Path::new(&lock.path) == path)
            .map(|lock| (lock.deleted, holder_pids(lock)))
            .collect();
        (seen.len() == 2).then_some(seen)
    });
    // Since 1.96 the second one stops at the next lock; before, both build at once.
    assert_eq!(
        seen,
        BTreeSet::from([(true, vec![first.pid()]), (false, vec![second.pid()])])
    );
}

fn two_hundred_waiters(cargo: &Cargo) {
    let place = Place::new();
    let project = place.waiting_project("held");
    let path = project.join("target/debug").join(build_lock(cargo, "build").0);
    let front = cargo.start(&place, &project, &["build"]);
    until_seen(&path, 1, 0);
    let mut crowd: Running = helper([OsStr::new("waiters"), "200".as_ref(), path.as_ref()]).ending_itself();
    assert_eq!(crowd.line(), "started");
    let (_, seen) = until_seen(&path, 1, 200);
    assert_eq!(holder_pids(&seen), [front.pid()]);
    assert!(
        seen.waiters
            .iter()
            .all(|waiter| waiter.blocked_by == [seen.holders[0].token])
    );
    let output = lockwatch().arg("status").output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("is text");
    assert!(
        text.contains("and 190 more; `lockwatch status --all` shows them"),
        "{text}"
    );
}

fn cargo_inside_a_build_script(cargo: &Cargo) {
    let place = Place::new();
    let inner = r#"
fn main() {
    if std::env::var_os("LOCKWATCH_TEST_INNER").is_some() {
        return;
    }
    let cargo = std::env::var_os("CARGO").expect("is set");
    let status = std::process::Command::new(cargo).args(["build", "--offline"]).env("LOCKWATCH_TEST_INNER", "1").status();
    println!("cargo::warning={status:?}");
}
"#;
    let project = place.project("outer", "", Some(inner));
    let name = build_lock(cargo, "build").0;
    let path = project.join("target/debug").join(name);
    let outer = cargo.start(&place, &project, &["build"]);
    let (_, seen) = until_seen(&path, 1, 1);
    assert_eq!(holder_pids(&seen), [outer.pid()]);
    assert_eq!(seen.waiters[0].root, [seen.holders[0].token]);
    let inner_pid = seen.waiters[0].process.pid;
    let output = lockwatch().args(["status", "--json"]).output().expect("runs");
    let state: State = serde_json::from_slice(&output.stdout).expect("is the document");
    let verdict = &lock(&state, &path).expect("held").holders[0].verdict;
    assert_eq!((verdict.class, verdict.reason), (Class::Stuck, Reason::Deadlock));
    drop(outer);
    // Its build script and the cargo in it live on without it, get the lock, and end.
    until("the inner cargo to end", || {
        // Where nobody asks for its exit status it stays as a zombie.
        let stat = std::fs::read_to_string(format!("/proc/{inner_pid}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
    });
}

fn nothing_is_left(cargo: &Cargo) {
    let place = Place::new();
    let project = place.project("plain", "", None);
    cargo.start(&place, &project, &["build"]).succeed();
    let ours = place.folder.path().to_str().expect("plain").to_owned();
    let state = crate::support::state();
    assert!(
        state.locks.iter().all(|lock| !lock.path.starts_with(&ours)),
        "the files stay, the locks do not"
    );
}

fn an_old_and_a_new_one(old: &Cargo, new: &Cargo) {
    let place = Place::new();
    let project = place.waiting_project("held");
    let path = project.join("target/debug/.cargo-lock");
    let front = old.start(&place, &project, &["build"]);
    until_seen(&path, 1, 0);
    let mut behind = new.start(&place, &project, &["build"]);
    assert_eq!(behind.blocking(), "artifact directory");
    let (state, seen) = until_seen(&path, 1, 1);
    assert_eq!(
        (holder_pids(&seen), waiter_pids(&seen)),
        (vec![front.pid()], vec![behind.pid()])
    );
    assert_eq!(
        (seen.holders[0].mode, seen.waiters[0].mode),
        (Some(Mode::Exclusive), Some(Mode::Shared))
    );
    // The new one already holds its own build lock while it waits.
    let own = lock(&state, &project.join("target/debug/.cargo-build-lock")).expect("held");
    assert_eq!(holder_pids(own), [behind.pid()]);
    assert_eq!(own.holders[0].verdict.reason, Reason::BehindLock);
}

/// Its first run hangs, and each further one ends at once.
const HANGS_ONCE: &str = r#"
fn main() {
    let mark = concat!(env!("CARGO_MANIFEST_DIR"), "/was-here");
    if std::path::Path::new(mark).exists() {
        return;
    }
    std::fs::write(mark, "").unwrap();
    // Where the test has gone, its folder has too.
    while std::path::Path::new(mark).exists() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
"#;

fn goes_on_after_a_stop(cargo: &Cargo) {
    let place = Place::new();
    let project = place.project("held", "", Some(HANGS_ONCE));
    let path = project.join("target/debug").join(build_lock(cargo, "build").0);
    let front = cargo.start(&place, &project, &["build", "--offline"]);
    until("the build script", || project.join("was-here").exists().then_some(()));
    let mut behind = cargo.start(&place, &project, &["build", "--offline"]);
    behind.blocking();
    until_seen(&path, 1, 1);
    let output = lockwatch()
        .args(["stop", "--yes", "--json"])
        .arg(front.pid().to_string())
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Report = serde_json::from_slice(&output.stdout).expect("is a report");
    assert_eq!(report.outcome, Outcome::Ended);
    assert!(
        report.signalled.len() > 1 && report.leftovers().count() == 0,
        "its build script is ended too: {report:?}"
    );
    behind.succeed();
}
