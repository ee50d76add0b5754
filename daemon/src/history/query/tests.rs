use std::path::PathBuf;

use super::*;
use crate::cargo::origin::OriginKind;
use crate::history::Recorder;
use crate::history::made::{BOOT, RETENTION, build, cache, check, hold, lock, moment, stop, wait, who};
use crate::tracker::{Change, HoldEnd, WaitEnd};

struct Desk {
    _folder: tempfile::TempDir,
    path: PathBuf,
    recorder: Recorder,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("history.db");
        let recorder = Recorder::open(path.clone(), RETENTION, BOOT, &moment(0));
        Self {
            _folder: folder,
            path,
            recorder,
        }
    }

    fn report(&self, since: u64, lock: Option<LockKind>) -> Report {
        let query = Query {
            since: moment(since).wall,
            lock,
            limit: LIMIT,
        };
        super::query(&self.path, &query).expect("is read")
    }
}

/// An editor's check holds the package cache for a minute, and two builds wait for it, the second one behind the first
/// for ten seconds more.
fn morning(desk: &mut Desk) {
    let editor = hold(&cache(), &check(1), 0, true);
    let first = hold(&cache(), &build(2), 60_000, true);
    let waits = [
        wait(&cache(), &build(2), &[(20_000, Some(&editor))]),
        wait(&cache(), &build(3), &[(30_000, Some(&editor)), (60_000, Some(&first))]),
    ];
    let [one, two] = waits;
    let changes = [
        Change::Freed(editor, HoldEnd::Exited),
        Change::Went(one, WaitEnd::Acquired),
        Change::Took(first.clone()),
    ];
    desk.recorder.record(&changes, &moment(60_000));
    let changes = [
        Change::Freed(first, HoldEnd::Released),
        Change::Went(two, WaitEnd::Left),
    ];
    desk.recorder.record(&changes, &moment(70_000));
    let short = hold(&cache(), &build(4), 70_000, false);
    desk.recorder
        .record(&[Change::Freed(short, HoldEnd::Released)], &moment(70_010));
    desk.recorder
        .stopped(stop(2, Some(false)), Some(cache()), &moment(70_020));
}

fn behind(who: &str, place: &str, waited_ms: u64) -> Behind {
    Behind {
        who: who.to_owned(),
        place: place.to_owned(),
        waited_ms,
    }
}

#[test]
fn what_was() {
    let mut desk = Desk::new();
    morning(&mut desk);
    let report = desk.report(0, None);
    assert_eq!(report.recorded_since, Some(moment(0).wall));
    let parity = "/home/me/src/parity";
    assert_eq!(
        report.summary,
        Summary {
            // From 20 s to 70 s: who waits together waits once.
            waited_ms: 50_000,
            behind: vec![
                behind("rust-analyzer", parity, 40_000),
                behind("cargo build", parity, 10_000)
            ],
            holds: 2,
            waits: 2,
            short_holds: 1,
        }
    );
    let holds: Vec<_> = report
        .holds
        .iter()
        .map(|hold| (hold.past.pid, hold.held_ms, hold.how))
        .collect();
    assert_eq!(
        holds,
        [(2, 10_000, Some(HoldEnd::Released)), (1, 60_000, Some(HoldEnd::Exited))]
    );
    let waits: Vec<_> = report
        .waits
        .iter()
        .map(|wait| (wait.past.pid, wait.waited_ms, wait.how))
        .collect();
    assert_eq!(
        waits,
        [(3, 40_000, Some(WaitEnd::Left)), (2, 40_000, Some(WaitEnd::Acquired))]
    );
    let spans: Vec<_> = report.waits[0]
        .spans
        .iter()
        .map(|span| (span.hold, span.waited_ms))
        .collect();
    assert_eq!(
        spans,
        [(Some(report.holds[1].id), 30_000), (Some(report.holds[0].id), 10_000)]
    );
    let short: Vec<_> = report
        .short_holds
        .iter()
        .map(|short| (short.minute, short.count))
        .collect();
    assert_eq!(short, [(moment(60_000).wall, 1)]);
    assert_eq!(report.holds[0].past.place(), parity);
}

#[test]
fn what_began_before_the_time_counts_from_its_begin_on() {
    let mut desk = Desk::new();
    morning(&mut desk);
    let report = desk.report(50_000, None);
    assert_eq!((report.holds.len(), report.waits.len()), (2, 2));
    assert_eq!(report.summary.waited_ms, 20_000);
    assert_eq!(report.summary.behind[0].waited_ms, 10_000);
    let report = desk.report(65_000, None);
    assert_eq!(
        (report.holds.len(), report.waits.len(), report.summary.waited_ms),
        (1, 1, 5_000)
    );
    let report = desk.report(3_600_000, None);
    assert_eq!(report.summary, Summary::default());
    assert!(report.recorded_since.is_some());
}

#[test]
fn one_kind_of_lock() {
    let mut desk = Desk::new();
    morning(&mut desk);
    let other = lock("/home/me/src/x/target/debug/.cargo-lock", 9);
    let front = hold(&other, &who(8, "cargo test", (OriginKind::Terminal, "zsh")), 0, true);
    let changes = [
        Change::Went(wait(&other, &build(9), &[(1_000, Some(&front))]), WaitEnd::Left),
        Change::Freed(front, HoldEnd::Forced),
    ];
    desk.recorder.record(&changes, &moment(90_000));
    let report = desk.report(0, Some(LockKind::BuildDir));
    assert_eq!(report.summary.behind, [behind("cargo test", "/home/me/src/x", 89_000)]);
    assert_eq!(
        (report.holds.len(), report.waits.len(), report.short_holds.len()),
        (1, 1, 0)
    );
    let report = desk.report(0, Some(LockKind::Credentials));
    assert_eq!(report.summary, Summary::default());
    assert_eq!(desk.report(0, None).summary.waited_ms, 89_000);
}

#[test]
fn the_lists_have_a_limit_and_the_counts_have_none() {
    let mut desk = Desk::new();
    morning(&mut desk);
    let query = Query {
        since: moment(0).wall,
        lock: None,
        limit: 1,
    };
    let report = super::query(&desk.path, &query).expect("is read");
    assert_eq!((report.holds.len(), report.waits.len()), (1, 1));
    assert_eq!(report.waits[0].spans.len(), 2, "a wait is whole");
    assert_eq!(
        (report.summary.holds, report.summary.waits, report.summary.waited_ms),
        (2, 2, 50_000)
    );
}

#[test]
fn the_document_is_read_back_and_has_these_names() {
    let mut desk = Desk::new();
    morning(&mut desk);
    let report = desk.report(0, None);
    let json = serde_json::to_string(&report).expect("is JSON");
    assert_eq!(serde_json::from_str::<Report>(&json).expect("is read"), report);
    let mut value = serde_json::to_value(&report).expect("is JSON");
    value["until"] = "2026-11-22T21:00:00Z".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("is JSON"));
}

#[test]
fn no_file_and_one_that_is_not_begun_are_empty_histories() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("history.db");
    let query = Query {
        since: moment(0).wall,
        lock: None,
        limit: LIMIT,
    };
    let empty = |report: Report| (report.recorded_since, report.summary);
    assert_eq!(
        empty(super::query(&path, &query).expect("is read")),
        (None, Summary::default())
    );
    assert!(!path.exists(), "reading makes no file");
    std::fs::write(&path, "").expect("writes");
    assert_eq!(
        empty(super::query(&path, &query).expect("is read")),
        (None, Summary::default())
    );
}

#[test]
fn what_is_no_history_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let query = Query {
        since: moment(0).wall,
        lock: None,
        limit: LIMIT,
    };
    let text = folder.path().join("a\ntext.db");
    std::fs::write(&text, "no database ".repeat(1_000)).expect("writes");
    let error = super::query(&text, &query).expect_err("is none");
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains(r"a\ntext.db is damaged (file is not a database); the daemon sets it aside"),
        "{said}"
    );
    let other = folder.path().join("other.db");
    let connection = Connection::open(&other).expect("opens");
    connection.execute_batch("CREATE TABLE holds (a)").expect("is SQL");
    connection.close().expect("closes");
    let error = super::query(&other, &query).expect_err("is none");
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
    let error = super::query(&text.join("x.db"), &query).expect_err("is none");
    assert!(matches!(error, HistoryError::Unreadable { .. }), "{error}");
}

#[test]
fn what_the_file_says_is_no_more_trusted_than_a_process() {
    let mut desk = Desk::new();
    morning(&mut desk);
    let connection = Connection::open(&desk.path).expect("opens");
    connection
        .execute_batch(
            "UPDATE holds SET command = char(27) || '[2J', kind = 'new', how = 'new', mode = 'new', origin_kind = 'new',
                origin_name = 'a' || char(10), lock = char(8238), cwd = NULL, end_ms = 9223372036854775807,
                held_ms = -1",
        )
        .expect("is SQL");
    connection
        .execute_batch(
            "UPDATE waits SET waited_ms = 9223372036854775807, from_ms = -9223372036854775808,
                from_since_boot_ns = 9223372036854775807 - id",
        )
        .expect("is SQL");
    let report = desk.report(0, None);
    let hold = &report.holds[0];
    assert_eq!(hold.past.command, r"\u{1b}[2J");
    assert_eq!(hold.past.lock, r"\u{202e}");
    assert_eq!(hold.past.origin.name.as_deref(), Some(r"a\n"));
    assert_eq!(hold.past.kind, LockKind::Other);
    assert_eq!((hold.past.mode, hold.how), (None, Some(HoldEnd::Unseen)));
    assert_eq!(hold.past.origin.kind, OriginKind::Unknown);
    assert_eq!((hold.past.end, hold.held_ms), (Some(Timestamp::MAX), 0));
}
