//! Holds and waits as a test makes them.

use std::sync::Arc;
use std::time::Duration;

use crate::cargo::command;
use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::{Origin, OriginKind};
use crate::clock::Moment;
use crate::config::Retention;
use crate::observation::Participant;
use crate::os::{FileId, Mode};
use crate::process::{Pid, Process, ProcessId, RunState};
use crate::stop::{Outcome, RefusalKind, Report};
use crate::token::Token;
use crate::tracker::{Begin, Hold, LockName, Span, Wait};

/// The run of the machine, which has no sign.
pub(super) const BOOT: u64 = u64::MAX - 3;
/// What the history keeps, unless a test says otherwise.
pub(super) const RETENTION: Retention = Retention {
    days: 30,
    megabytes: 64,
};
/// Boot was so long before [`moment`] 0.
const UP: Duration = Duration::from_secs(1_000);

/// So many milliseconds after the begin of the test.
pub(super) fn moment(after: u64) -> Moment {
    let begin: jiff::Timestamp = "2026-11-22T20:00:00Z".parse().expect("a time");
    let after = Duration::from_millis(after);
    Moment {
        wall: begin + after,
        since_boot: UP + after,
    }
}

/// The same, on the clock since boot.
pub(super) fn since_boot(after: u64) -> Duration {
    moment(after).since_boot
}

/// A lock file.
pub(super) fn lock(path: &str, ino: u64) -> Arc<LockName> {
    let kind = match path.rsplit('/').next() {
        Some(".package-cache") => LockKind::PackageCache,
        _ => LockKind::BuildDir,
    };
    Arc::new(LockName {
        file: FileId { dev: u64::MAX, ino },
        path: path.into(),
        kind,
    })
}

/// The package cache.
pub(super) fn cache() -> Arc<LockName> {
    lock("/home/me/.cargo/.package-cache", 7)
}

/// A process that runs a command in a project.
pub(super) fn who(pid: Pid, command: &str, origin: (OriginKind, &str)) -> Arc<Participant> {
    let argv: Vec<_> = command.split(' ').map(Into::into).collect();
    Arc::new(Participant {
        process: Process {
            id: ProcessId {
                pid,
                start: u64::from(pid) + (1 << 63),
            },
            parent: 1,
            group: pid,
            session: 1,
            uid: Some(501),
            state: RunState::Alive,
            has_terminal: true,
            started_at: Some(moment(0).wall),
            name: "cargo".to_owned(),
            exe: None,
            cwd: Some("/home/me/src/parity".into()),
            argv: Vec::new(),
        },
        invocation: command::read(&argv, None, "cargo"),
        toolchain: Some("stable".to_owned()),
        origin: Origin {
            kind: origin.0,
            name: Some(origin.1.to_owned()),
            pid: Some(1),
        },
        ancestors: Vec::new(),
    })
}

/// A person's `cargo build`.
pub(super) fn build(pid: Pid) -> Arc<Participant> {
    who(pid, "cargo build --release", (OriginKind::Terminal, "zsh"))
}

/// An editor's `cargo check`.
pub(super) fn check(pid: Pid) -> Arc<Participant> {
    who(pid, "cargo check --workspace", (OriginKind::Editor, "rust-analyzer"))
}

/// A stop of a process that held the package cache, by force where that is said, or refused since it had ended.
pub(super) fn stop(pid: Pid, forced: Option<bool>) -> Report {
    let token = Token {
        boot_id: BOOT,
        process: ProcessId {
            pid,
            start: u64::from(pid) + (1 << 63),
        },
        file: cache().file,
    };
    let mut report = Report::refused(token, &RefusalKind::Gone.into());
    if let Some(forced) = forced {
        report.sentence = format!("cargo check (pid {pid}) ended in 0.2 s; the package cache is free");
        (report.outcome, report.refusal, report.forced, report.took_ms) = (Outcome::Ended, None, forced, 200);
        report.command = Some("cargo check".to_owned());
    }
    report
}

/// A hold since so many milliseconds after the begin of the test.
pub(super) fn hold(lock: &Arc<LockName>, who: &Arc<Participant>, since: u64, blocked_somebody: bool) -> Hold {
    Hold {
        lock: Arc::clone(lock),
        who: Arc::clone(who),
        mode: Some(Mode::Exclusive),
        begin: Begin {
            at: since_boot(since),
            seen: true,
        },
        blocked_somebody,
    }
}

/// A wait behind holds one after the other, each with when that began.
pub(super) fn wait(lock: &Arc<LockName>, who: &Arc<Participant>, behind: &[(u64, Option<&Hold>)]) -> Wait {
    let begin = behind.first().map_or(0, |(from, _)| *from);
    Wait {
        lock: Arc::clone(lock),
        who: Arc::clone(who),
        mode: None,
        begin: Begin {
            at: since_boot(begin),
            seen: true,
        },
        spans: behind
            .iter()
            .map(|(from, hold)| Span {
                from: since_boot(*from),
                behind: hold.map(|hold| (hold.who.process.id, hold.begin)),
            })
            .collect(),
    }
}
