//! Whole menus, as they are read from top to bottom.

use lockwatch::cargo::lock_kind::LockKind;
use lockwatch::cargo::origin::OriginKind;
use lockwatch::os::{FileId, LookError, Mode, Precision};
use lockwatch::process::{Pid, ProcessId};
use lockwatch::state::{Holder, Lock, Process, SCHEMA_VERSION, Source, StartedBy, State, Summary, Waiter};
use lockwatch::token::Token;
use lockwatch::verdict::{Class, Reason, Verdict};

use super::*;

const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-lock";
const CACHE: &str = "/home/me/.cargo/.package-cache";

/// A lock that nobody has to do with.
pub(super) fn lock(kind: LockKind, path: &str) -> Lock {
    let label = match kind {
        LockKind::PackageCache => "package cache",
        LockKind::BuildDir => "build directory",
        _ => "artifact directory",
    };
    Lock {
        path: path.to_owned(),
        kind,
        label: label.to_owned(),
        deleted: false,
        other_mount_namespace: false,
        holders: Vec::new(),
        waiters: Vec::new(),
    }
}

fn process(pid: Pid, command: &str) -> Process {
    Process {
        pid,
        started_at: None,
        ppid: 1,
        command: command.to_owned(),
        argv: Vec::new(),
        argv_truncated: false,
        exe: None,
        toolchain: None,
        cwd: None,
        origin: StartedBy {
            kind: OriginKind::Unknown,
            name: None,
            pid: None,
        },
    }
}

/// Names a process and the lock with the given number.
fn token(pid: Pid, ino: u64) -> Token {
    Token {
        boot_id: 1,
        process: ProcessId { pid, start: 1 },
        file: FileId { dev: 1, ino },
    }
}

/// Makes states as one look does.
struct Build(Vec<Lock>);

impl Build {
    fn lock(mut self, kind: LockKind, path: &str) -> Self {
        self.0.push(lock(kind, path));
        self
    }

    fn this(&mut self) -> (&mut Lock, u64) {
        let number = self.0.len() as u64;
        (self.0.last_mut().expect("a lock comes first"), number)
    }

    fn held(self, pid: Pid, command: &str) -> Self {
        self.held_as(pid, command, (Class::Unknown, Reason::NotObserved))
    }

    fn held_as(mut self, pid: Pid, command: &str, (class, reason): (Class, Reason)) -> Self {
        let (lock, number) = self.this();
        lock.holders.push(Holder {
            token: token(pid, number),
            process: process(pid, command),
            mode: Some(Mode::Exclusive),
            since: None,
            held_ms: None,
            verdict: Verdict {
                class,
                reason,
                since: None,
                evidence: Vec::new(),
                advice: String::new(),
            },
        });
        self
    }

    fn waited(mut self, pid: Pid, command: &str) -> Self {
        let (lock, _) = self.this();
        let blocked_by: Vec<Token> = lock.holders.iter().map(|holder| holder.token).collect();
        let root = blocked_by.clone();
        let process = process(pid, command);
        lock.waiters.push(Waiter {
            process,
            mode: None,
            since: None,
            waited_ms: None,
            blocked_by,
            root,
        });
        self
    }

    fn state(self) -> State {
        let locks = self.0;
        let holders = locks.iter().flat_map(|lock| &lock.holders);
        let summary = Summary {
            held: locks.iter().filter(|lock| !lock.holders.is_empty()).count(),
            contended: locks.iter().filter(|lock| !lock.waiters.is_empty()).count(),
            stuck: holders.filter(|holder| holder.verdict.class == Class::Stuck).count(),
        };
        State {
            schema_version: SCHEMA_VERSION,
            as_of: jiff::Timestamp::UNIX_EPOCH,
            generation: None,
            source: Source::Direct,
            precision: Precision::Exact,
            notes: Vec::new(),
            summary,
            locks,
            processes: None,
        }
    }

    fn shown(self) -> String {
        shown(&Model::of(&self.state(), Some("/home/me")))
    }
}

fn shown(model: &Model) -> String {
    let Model {
        icon,
        tooltip,
        headline,
        rows,
    } = model;
    let menu: Vec<String> = std::iter::once(headline)
        .chain(rows)
        .map(|row| format!("| {row}"))
        .collect();
    format!("{icon:?}: {tooltip}\n{}", menu.join("\n"))
}

fn build() -> Build {
    Build(Vec::new())
}

#[test]
fn free() {
    insta::assert_snapshot!(build().shown());
}

#[test]
fn held() {
    insta::assert_snapshot!(
        build()
            .lock(LockKind::BuildDir, BUILD)
            .held(4711, "cargo check")
            .shown()
    );
}

#[test]
fn contended() {
    let locks = build()
        .lock(LockKind::PackageCache, CACHE)
        .held(4711, "cargo fetch")
        .waited(4800, "cargo build");
    let locks = locks
        .lock(LockKind::BuildDir, "/srv/x/target/debug/.cargo-lock")
        .held(99, "cargo doc");
    insta::assert_snapshot!(locks.shown());
}

/// The one that most wait for is the answer, and a process with several locks has one row.
#[test]
fn contended_at_two_places() {
    let locks = build()
        .lock(LockKind::PackageCache, CACHE)
        .held(10, "cargo fetch")
        .waited(20, "cargo build");
    let locks = locks
        .lock(LockKind::BuildDir, BUILD)
        .held(11, "cargo check")
        .waited(21, "cargo test")
        .waited(22, "cargo run");
    let locks = locks
        .lock(LockKind::ArtifactDir, "/home/me/x/target/debug/.cargo-artifact-lock")
        .held(11, "cargo check");
    insta::assert_snapshot!(locks.waited(23, "cargo clean").shown());
}

#[test]
fn suspended() {
    let suspended = (Class::Stuck, Reason::Suspended);
    let locks = build()
        .lock(LockKind::BuildDir, BUILD)
        .held_as(4711, "cargo test", suspended);
    insta::assert_snapshot!(locks.waited(4800, "cargo build").shown());
}

#[test]
fn what_each_verdict_says() {
    let verdicts = [
        (Class::Stuck, Reason::Deadlock),
        (Class::Stuck, Reason::NotObserved),
        (Class::Quiet, Reason::Traced),
        (Class::Waiting, Reason::BehindLock),
        (Class::Working, Reason::NotObserved),
    ];
    let texts: Vec<String> = verdicts
        .into_iter()
        .map(|verdict| {
            build()
                .lock(LockKind::BuildDir, BUILD)
                .held_as(1, "cargo test", verdict)
                .shown()
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn twelve_holders() {
    let locks = (1..=12).fold(build(), |locks, number| {
        locks
            .lock(
                LockKind::BuildDir,
                &format!("/home/me/src/p{number}/target/debug/.cargo-lock"),
            )
            .held(number, "cargo build")
    });
    insta::assert_snapshot!(locks.shown());
}

#[test]
fn forty_waiters() {
    let held = build().lock(LockKind::PackageCache, CACHE).held(4711, "cargo fetch");
    insta::assert_snapshot!(
        (5001..=5040)
            .fold(held, |locks, pid| locks.waited(pid, "cargo metadata"))
            .shown()
    );
}

#[test]
fn a_row_never_says_that_one_more_waits() {
    let held = build().lock(LockKind::PackageCache, CACHE).held(1, "cargo fetch");
    let rows = (2..=5)
        .fold(held, |locks, pid| locks.waited(pid, "cargo build"))
        .shown();
    assert!(!rows.contains("more"), "{rows}");
    assert!(
        rows.ends_with("cargo build (pid 5) waits for the package cache"),
        "{rows}"
    );
}

/// The state comes with control characters escaped, and letters of any script as they are.
#[test]
fn hostile_names() {
    let long = "x".repeat(200);
    let locks = build()
        .lock(LockKind::BuildDir, "/home/me/a & b && _c/target/debug/.cargo-lock")
        .held(1, "cargo run --bin \\nQuit\\u{202e}")
        .waited(2, "cargo run --bin שלום");
    let locks = locks
        .lock(LockKind::BuildDir, "/home/me/مرحبا/target/debug/.cargo-lock")
        .held(3, &long)
        .waited(4, &long);
    let locks = locks
        .lock(LockKind::BuildDir, &format!("/{long}/target/debug/.cargo-lock"))
        .held(5, "<b>")
        .waited(6, "\"\"");
    insta::assert_snapshot!(locks.shown());
}

#[test]
fn a_holder_that_is_not_seen() {
    let locks = build()
        .lock(LockKind::PackageCache, CACHE)
        .waited(2, "cargo build")
        .waited(3, "cargo test");
    insta::assert_snapshot!(locks.shown());
}

#[test]
fn notes() {
    let mut state = build().state();
    state.notes = vec![
        "cannot read /srv/cargo".to_owned(),
        "word ".repeat(25),
        "third".to_owned(),
    ];
    insta::assert_snapshot!(shown(&Model::of(&state, None)));
}

#[test]
fn locks_that_cannot_be_seen() {
    let error = LookError::Table {
        path: "/proc/locks".into(),
        source: std::io::ErrorKind::NotFound.into(),
    };
    insta::assert_snapshot!(shown(&Model::unseen(&error)));
}
