//! Whole menus, as they are read from top to bottom.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use lockwatch::cargo::lock_kind::LockKind;
use lockwatch::cargo::origin::OriginKind;
use lockwatch::os::{FileId, Mode, Precision};
use lockwatch::process::Pid;
use lockwatch::state::{Holder, Lock, Process, SCHEMA_VERSION, Source, StartedBy, State, Summary, Waiter};
use lockwatch::token::Token;
use lockwatch::verdict::{Class, Reason, Verdict};

use super::*;

mod life;
mod stops;

const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-lock";
const CACHE: &str = "/home/me/.cargo/.package-cache";

/// A lock that nobody has to do with.
pub(crate) fn lock(kind: LockKind, path: &str) -> Lock {
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
pub(crate) struct Build(Vec<Lock>);

impl Build {
    pub(crate) fn lock(mut self, kind: LockKind, path: &str) -> Self {
        self.0.push(lock(kind, path));
        self
    }

    fn this(&mut self) -> (&mut Lock, u64) {
        let number = self.0.len() as u64;
        (self.0.last_mut().expect("a lock comes first"), number)
    }

    pub(crate) fn held(self, pid: Pid, command: &str) -> Self {
        self.held_as(pid, command, (Class::Unknown, Reason::NotObserved))
    }

    pub(crate) fn held_as(mut self, pid: Pid, command: &str, (class, reason): (Class, Reason)) -> Self {
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

    /// What the last holder's verdict rests on.
    pub(crate) fn because(mut self, evidence: &str, advice: &str) -> Self {
        let holder = self.this().0.holders.last_mut().expect("a holder comes first");
        holder.verdict.evidence = vec![evidence.to_owned()];
        holder.verdict.advice = advice.to_owned();
        self
    }

    /// Where the last holder runs, who started it, and since when it holds the lock.
    pub(crate) fn told(mut self, cwd: &str, origin: (OriginKind, &str), held: Duration) -> Self {
        let holder = self.this().0.holders.last_mut().expect("a holder comes first");
        holder.process.cwd = Some(cwd.to_owned());
        holder.process.origin.kind = origin.0;
        holder.process.origin.name = Some(origin.1.to_owned());
        holder.since = Some(now() - SignedDuration::try_from(held).expect("is short"));
        self
    }

    /// How long the last waiter has waited.
    pub(crate) fn lasting(mut self, time: Duration) -> Self {
        let waiter = self.this().0.waiters.last_mut().expect("a waiter comes first");
        waiter.waited_ms = u64::try_from(time.as_millis()).ok();
        self
    }

    pub(crate) fn waited(mut self, pid: Pid, command: &str) -> Self {
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

    pub(crate) fn state(self) -> State {
        let locks = self.0;
        let holders = locks.iter().flat_map(|lock| &lock.holders);
        let summary = Summary {
            held: locks.iter().filter(|lock| !lock.holders.is_empty()).count(),
            contended: locks.iter().filter(|lock| !lock.waiters.is_empty()).count(),
            stuck: holders.filter(|holder| holder.verdict.class == Class::Stuck).count(),
        };
        State {
            schema_version: SCHEMA_VERSION,
            as_of: now(),
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
        shown(&facts(Some(self.state())))
    }
}

/// All is well with the daemon and the tray.
pub(crate) fn facts(state: Option<State>) -> Facts {
    Facts {
        home: Some("/home/me".to_owned()),
        zone: TimeZone::UTC,
        title: true,
        link: Link::Following {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 77,
        },
        state,
        stops: Stops::default(),
        waited_today: None,
        at_login: Login::No,
        notifications: Notifications::On,
        trouble: None,
    }
}

fn shown(facts: &Facts) -> String {
    let (model, _) = Model::of(facts, Duration::ZERO);
    let title = model.title.map(|title| format!(" [{title}]")).unwrap_or_default();
    let mut text = format!("{:?}{title}: {}\n", model.icon, model.tooltip);
    // The end is the same everywhere; one test looks at it.
    let end = model.rows.iter().position(|row| row.key == "tail").expect("has one");
    draw(&model.rows[..end], "", &mut text);
    text
}

/// As it is read: choices in brackets, checks with their mark, groups indented.
fn draw(rows: &[Row], indent: &str, text: &mut String) {
    for row in rows {
        let line = match &row.kind {
            Kind::Text => row.text.clone(),
            Kind::Choice(_) => {
                let begin = row.text.len() - row.text.trim_start().len();
                format!("{}[{}]", &row.text[..begin], row.text.trim_start())
            }
            Kind::Check { on, action } => {
                let mark = if *on { "x" } else { " " };
                let grey = if action.is_none() { " (grey)" } else { "" };
                format!("({mark}) {}{grey}", row.text)
            }
            Kind::Separator => "---".to_owned(),
            Kind::Group(_) => format!("{} >", row.text),
        };
        writeln!(text, "| {indent}{line}").expect("a string takes it");
        if let Kind::Group(rows) = &row.kind {
            draw(rows, &format!("{indent}  > "), text);
        }
    }
}

/// When the states are made.
fn now() -> Timestamp {
    "2026-11-25T14:10:00Z".parse().expect("is a time")
}

pub(crate) fn build() -> Build {
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
            .told(
                "/home/me/src/parity/crates/even",
                (OriginKind::Editor, "rust-analyzer"),
                Duration::from_secs(130)
            )
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
        .waited(20, "cargo build")
        .lasting(Duration::from_secs(125));
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
fn stuck_for_each_reason() {
    let reasons = [
        (Reason::Suspended, "stopped by SIGSTOP 40 s ago"),
        (
            Reason::Deadlock,
            "it waits for the build directory that its child holds",
        ),
        (Reason::Prompt, "ssh-askpass (pid 9) waits for a person"),
        (Reason::Orphaned, "code has ended, and nothing moved for 35 s"),
        (Reason::NoProgress, "nothing moved for 2m 10s"),
    ];
    let texts: Vec<String> = reasons
        .into_iter()
        .map(|(reason, evidence)| {
            build()
                .lock(LockKind::BuildDir, BUILD)
                .held_as(1, "cargo test", (Class::Stuck, reason))
                .because(evidence, "stop it, if you did not mean it")
                .waited(2, "cargo build")
                .shown()
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn what_is_not_stuck() {
    let verdicts = [
        (Class::Quiet, Reason::Traced),
        (Class::Waiting, Reason::BehindLock),
        (Class::Working, Reason::Compiling),
        (Class::Unknown, Reason::NotObserved),
    ];
    let texts: Vec<String> = verdicts
        .into_iter()
        .map(|verdict| {
            build()
                .lock(LockKind::BuildDir, BUILD)
                .held_as(1, "cargo test", verdict)
                .because("what was seen", "")
                .shown()
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
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
        rows.contains("cargo build (pid 5) waits for the package cache"),
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
    insta::assert_snapshot!(shown(&facts(Some(state))));
}
