mod bad_days;
mod sequences;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::*;
use crate::cargo::lock_kind::LockKind;
use crate::history::made::{BOOT, RETENTION, build, cache, check, hold, lock, moment, since_boot, stop, wait};
use crate::tracker::Begin;

/// A folder with a history in it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("makes a folder"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state/history.db")
    }

    fn open(&self, after: u64) -> Recorder {
        Recorder::open(self.path(), RETENTION, BOOT, &moment(after))
    }

    /// What another program reads in the file meanwhile, a line for each row.
    fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.path(), sql)
    }
}

fn rows(path: &Path, sql: &str) -> Vec<String> {
    let connection = schema::open_to_read(path).expect("opens");
    let mut statement = connection.prepare(sql).expect("is SQL");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let texts = (0..columns).map(|column| {
            Ok(match row.get_ref(column)? {
                rusqlite::types::ValueRef::Null => "-".to_owned(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().expect("is text").to_owned(),
            })
        });
        let texts: rusqlite::Result<Vec<String>> = texts.collect();
        Ok(texts?.join(" "))
    });
    rows.expect("is read").map(|row| row.expect("is a row")).collect()
}

const HOLDS: &str = "SELECT pid, held_ms, blocked, how FROM holds ORDER BY begin_since_boot_ns, pid";
const WAITS: &str = "SELECT waits.pid, waited_ms, waits.how, holds.pid FROM waits LEFT JOIN holds ON holds.id = hold
    ORDER BY waits.begin_since_boot_ns, waits.pid, from_since_boot_ns";
const SHORT: &str = "SELECT minute_ms / 60000 % 60, kind, count FROM short_holds ORDER BY minute_ms";

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().expect("is there").permissions().mode() & 0o777
}

#[test]
fn what_ended_is_in_the_file_at_once() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let (front, behind) = (
        hold(&cache(), &check(1), 100, true),
        hold(&cache(), &build(2), 900, false),
    );
    let waited = wait(&cache(), &build(2), &[(200, Some(&front))]);
    recorder.record(&[Change::Took(front.clone())], &moment(100));
    recorder.record(&[Change::Asked(waited.clone())], &moment(200));
    assert_eq!(desk.rows(HOLDS), [""; 0]);
    let changes = [
        Change::Went(waited, WaitEnd::Acquired),
        Change::Freed(front, HoldEnd::Exited),
        Change::Took(behind),
    ];
    recorder.record(&changes, &moment(900));
    assert_eq!(desk.rows(HOLDS), ["1 800 1 exited"]);
    assert_eq!(desk.rows(WAITS), ["2 700 acquired 1"]);
    assert_eq!(recorder.problem(), None);
    let all = desk.rows(
        "SELECT lock, kind, dev, ino, boot_id, process_start, command, cwd, toolchain, origin_kind, origin_name, mode,
         begin_seen, end_ms - begin_ms, last_seen_ms - end_ms FROM holds",
    );
    assert_eq!(
        all,
        [
            "/home/me/.cargo/.package-cache package-cache -1 7 -4 -9223372036854775807 cargo check --workspace \
             /home/me/src/parity stable editor rust-analyzer exclusive 1 800 0"
        ]
    );
}

#[test]
fn the_files_are_the_users_alone() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    recorder.record(
        &[Change::Freed(hold(&cache(), &build(1), 0, false), HoldEnd::Released)],
        &moment(60),
    );
    assert_eq!(mode(desk.path().parent().expect("has one")), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&aside::with_suffix(&desk.path(), suffix)), 0o600, "{suffix}");
    }
}

#[test]
fn short_holds_are_counted_by_lock_and_minute_unless_they_blocked_somebody() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    for begin in [0, 1_000, 61_000, 62_000, 63_000] {
        let short = hold(&cache(), &build(1), begin, false);
        recorder.record(&[Change::Took(short.clone())], &moment(begin));
        recorder.record(&[Change::Freed(short, HoldEnd::Released)], &moment(begin + 49));
    }
    assert_eq!(desk.rows(SHORT), ["0 package-cache 2", "1 package-cache 3"]);
    assert_eq!(desk.rows(HOLDS), [""; 0]);
    for (pid, length, blocked) in [(2, 50, false), (3, 10, true)] {
        let begin = 100_000 * u64::from(pid);
        let row = hold(&cache(), &build(pid), begin, blocked);
        recorder.record(&[Change::Freed(row, HoldEnd::Released)], &moment(begin + length));
    }
    assert_eq!(desk.rows(HOLDS), ["2 50 0 released", "3 10 1 released"]);
    assert_eq!(desk.rows(SHORT).len(), 2);
}

#[test]
fn a_hold_that_ended_during_a_slow_look_has_a_row_where_it_may_have_been_long_enough() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    for (pid, done) in [(1, 49), (2, 50)] {
        let freed = hold(&cache(), &build(pid), 0, false);
        let changes = [Change::Freed(freed, HoldEnd::Exited)];
        recorder.record_slow(&changes, &moment(40), moment(done).since_boot);
    }
    assert_eq!(desk.rows(HOLDS), ["2 40 0 exited"]);
    assert_eq!(desk.rows(SHORT), ["0 package-cache 1"]);
}

#[test]
fn what_lasts_is_written_by_a_checkpoint_and_ends_in_the_same_row() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let front = hold(&cache(), &check(1), 0, true);
    let waited = wait(&cache(), &build(2), &[(10, None), (30, Some(&front))]);
    for at in [60_000, 120_000] {
        recorder.checkpoint([&front].into_iter(), [&waited].into_iter(), &moment(at));
        assert_eq!(desk.rows(HOLDS), [format!("1 {at} 1 -")]);
        let parts = ["2 20 - -".to_owned(), format!("2 {} - 1", at - 30)];
        assert_eq!(desk.rows(WAITS), parts);
        let open = "SELECT end_ms, last_seen_ms - begin_ms = held_ms FROM holds";
        assert_eq!(desk.rows(open), ["- 1"]);
    }
    let changes = [
        Change::Freed(front.clone(), HoldEnd::Stopped),
        Change::Went(waited.clone(), WaitEnd::Left),
    ];
    for at in [121_000, 130_000] {
        // The second time nothing more happens: what ended has ended.
        recorder.record(&changes, &moment(at));
        recorder.checkpoint([&front].into_iter(), [&waited].into_iter(), &moment(at));
        assert_eq!(desk.rows(HOLDS), ["1 121000 1 stopped"]);
        assert_eq!(desk.rows(WAITS), ["2 20 left -", "2 120970 left 1"]);
    }
}

#[test]
fn a_wait_that_ends_before_the_hold_that_it_was_behind_gives_that_its_row() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let front = hold(&cache(), &check(1), 0, false);
    let waited = wait(&cache(), &build(2), &[(5, Some(&front))]);
    recorder.record(&[Change::Took(front.clone())], &moment(0));
    recorder.record(&[Change::Went(waited, WaitEnd::Exited)], &moment(20));
    assert_eq!(desk.rows(HOLDS), ["1 20 0 -"]);
    assert_eq!(desk.rows(WAITS), ["2 15 exited 1"]);
    // It has its row, so its end goes there, short as it was.
    recorder.record(&[Change::Freed(front, HoldEnd::Released)], &moment(30));
    assert_eq!(desk.rows(HOLDS), ["1 30 0 released"]);
    assert_eq!(desk.rows(SHORT), [""; 0]);
}

#[test]
fn a_daemon_that_starts_again_goes_on_with_the_rows() {
    let desk = Desk::new();
    let (stays, gone) = (
        hold(&cache(), &check(1), 0, true),
        hold(&lock("/x/.cargo-lock", 9), &build(3), 7, false),
    );
    let waited = wait(&cache(), &build(2), &[(10, Some(&stays))]);
    let mut recorder = desk.open(0);
    recorder.checkpoint([&stays, &gone].into_iter(), [&waited].into_iter(), &moment(60_000));
    drop(recorder);

    let mut recorder = desk.open(90_000);
    let left = recorder.left_open();
    let expected = |lock: &LockName, who: &crate::observation::Participant, begin: Begin, waits| LeftOpen {
        part: Part {
            file: lock.file,
            process: who.process.id,
        },
        waits,
        begin,
    };
    assert_eq!(
        left,
        [
            expected(&stays.lock, &stays.who, stays.begin, false),
            expected(&gone.lock, &gone.who, gone.begin, false),
            expected(&waited.lock, &waited.who, waited.begin, true),
        ]
    );
    recorder.close_unseen(&left[1..2], &moment(90_100));
    assert_eq!(desk.rows(HOLDS), ["1 60000 1 -", "3 59993 0 unseen"]);
    let changes = [
        Change::Freed(stays, HoldEnd::Released),
        Change::Went(waited, WaitEnd::Acquired),
    ];
    recorder.record(&changes, &moment(95_000));
    assert_eq!(desk.rows(HOLDS), ["1 95000 1 released", "3 59993 0 unseen"]);
    assert_eq!(desk.rows(WAITS), ["2 94990 acquired 1"]);
    assert_eq!(desk.rows("SELECT end_ms - last_seen_ms FROM holds"), ["0", "0"]);
}

#[test]
fn a_wait_that_goes_on_over_a_restart_keeps_whom_it_was_behind() {
    let desk = Desk::new();
    let (first, second) = (
        hold(&cache(), &check(1), 0, true),
        hold(&cache(), &build(2), 20_000, true),
    );
    let waited = wait(&cache(), &build(3), &[(10, Some(&first)), (20_000, Some(&second))]);
    let third = hold(&cache(), &build(4), 95_000, false);
    // As the tracker has it after a restart: whom it is behind now, and that all the time.
    let resumed = wait(&cache(), &build(3), &[(10, Some(&second))]);
    let resumed_late = wait(&cache(), &build(3), &[(10, Some(&third))]);
    let parts = |last: &[&str]| {
        let all = ["3 19990 - 1"].iter().chain(last);
        all.map(|line| (*line).to_owned()).collect::<Vec<_>>()
    };

    let mut recorder = desk.open(0);
    let changes = [Change::Freed(first, HoldEnd::Released), Change::Took(second.clone())];
    recorder.record(&changes, &moment(20_000));
    recorder.checkpoint([&second].into_iter(), [&waited].into_iter(), &moment(60_000));
    drop(recorder);

    let mut recorder = desk.open(70_000);
    let unblocked = Hold {
        blocked_somebody: false,
        ..second.clone()
    };
    recorder.checkpoint([&unblocked].into_iter(), [&resumed].into_iter(), &moment(80_000));
    assert_eq!(desk.rows(WAITS), parts(&["3 60000 - 2"]));
    assert_eq!(desk.rows("SELECT blocked FROM holds"), ["1", "1"]);
    drop(recorder);

    let mut recorder = desk.open(100_000);
    recorder.record(&[Change::Took(third)], &moment(100_000));
    recorder.record(&[Change::Went(resumed_late, WaitEnd::Acquired)], &moment(110_000));
    let ended = |line: &str| line.replace(" - ", " acquired ");
    let expected: Vec<_> = parts(&["3 60000 - 2", "3 30000 - 4"])
        .iter()
        .map(|line| ended(line))
        .collect();
    assert_eq!(desk.rows(WAITS), expected);
}

#[test]
fn what_an_earlier_run_of_the_machine_left_open_ended_when_it_was_seen_last() {
    let desk = Desk::new();
    let front = hold(&cache(), &check(1), 0, true);
    let waited = wait(&cache(), &build(2), &[(10, Some(&front))]);
    desk.open(0)
        .checkpoint([&front].into_iter(), [&waited].into_iter(), &moment(60_000));
    let recorder = Recorder::open(desk.path(), RETENTION, BOOT + 1, &moment(500_000));
    assert_eq!(recorder.left_open(), []);
    assert_eq!(desk.rows(HOLDS), ["1 60000 1 unseen"]);
    assert_eq!(desk.rows(WAITS), ["2 59990 unseen 1"]);
    assert_eq!(desk.rows("SELECT end_ms - begin_ms FROM holds"), ["60000"]);
}

#[test]
fn a_clock_that_jumps_changes_no_length_and_makes_nothing_old() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let jumped = |after: u64, years: i64| {
        let mut at = moment(after);
        at.wall += SignedDuration::from_hours(24 * 365 * years);
        at
    };
    let free = |recorder: &mut Recorder, pid, begin, at: &Moment| {
        let one = hold(&cache(), &build(pid), begin, false);
        recorder.record(&[Change::Freed(one, HoldEnd::Released)], at);
    };
    free(&mut recorder, 1, 0, &moment(1_000));
    free(&mut recorder, 2, 500, &jumped(2_000, 20));
    free(&mut recorder, 3, 1_000, &jumped(3_000, -20));
    assert_eq!(
        desk.rows(HOLDS),
        ["1 1000 0 released", "2 1500 0 released", "3 2000 0 released"]
    );
    let fits = "SELECT end_ms - begin_ms = held_ms FROM holds";
    assert_eq!(desk.rows(fits), ["1", "1", "1"]);

    // Twenty years on, and every minute of a day: nobody believes it yet. Then they do.
    let day = 24 * 3_600_000;
    for at in (0..day).step_by(600_000) {
        recorder.checkpoint([].into_iter(), [].into_iter(), &jumped(10_000 + at, 20));
    }
    assert_eq!(desk.rows(HOLDS).len(), 3);
    for at in [day, day + 3_600_000, day + 7_200_000] {
        recorder.checkpoint([].into_iter(), [].into_iter(), &jumped(20_000 + at, 20));
    }
    assert_eq!(desk.rows(HOLDS), ["2 1500 0 released"]);
}

#[test]
fn a_hold_keeps_the_gravest_verdict_also_over_a_restart() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let [one, other] = [
        hold(&cache(), &check(1), 0, true),
        hold(&lock("/x/.cargo-lock", 9), &build(2), 0, false),
    ];
    let part = |hold: &Hold| Part {
        file: hold.lock.file,
        process: hold.who.process.id,
    };
    recorder.record(&[Change::Took(one.clone()), Change::Took(other.clone())], &moment(0));
    for (class, reason) in [
        (Class::Unknown, Reason::NotObserved),
        (Class::Working, Reason::Compiling),
        (Class::Stuck, Reason::Suspended),
        (Class::Stuck, Reason::NoProgress),
        (Class::Quiet, Reason::Remote),
    ] {
        let unknown = (part(&other), Class::Unknown, Reason::NotObserved);
        recorder.judged([(part(&one), class, reason), unknown].into_iter());
    }
    recorder.checkpoint([&one, &other].into_iter(), [].into_iter(), &moment(60_000));
    drop(recorder);
    let verdicts = "SELECT pid, class, reason FROM holds ORDER BY pid";
    assert_eq!(desk.rows(verdicts), ["1 stuck suspended", "2 - -"]);
    let mut recorder = desk.open(70_000);
    recorder.record(
        &[Change::Took(one.clone()), Change::Took(other.clone())],
        &moment(70_000),
    );
    recorder.judged(
        [
            (part(&one), Class::Working, Reason::Linking),
            (part(&other), Class::Working, Reason::Linking),
        ]
        .into_iter(),
    );
    let ended = [
        Change::Freed(one, HoldEnd::Exited),
        Change::Freed(other, HoldEnd::Exited),
    ];
    recorder.record(&ended, &moment(80_000));
    assert_eq!(desk.rows(verdicts), ["1 stuck suspended", "2 working linking"]);
}

#[test]
fn every_stop_is_in_the_file_at_once() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    recorder.stopped(stop(1, Some(true)), Some(cache()), &moment(1_000));
    recorder.stopped(stop(2, None), None, &moment(2_000));
    assert_eq!(
        desk.rows("SELECT pid, kind, command, outcome, refusal, forced, took_ms FROM stops ORDER BY at_ms"),
        ["1 package-cache cargo check ended - 1 200", "2 - - refused gone 0 0"]
    );
}

#[test]
fn a_file_of_the_first_form_is_read_as_it_is_and_goes_on_in_the_newest() {
    let desk = Desk::new();
    drop(desk.open(0));
    // As the first form was: what came later is taken out again.
    let writer = Connection::open(desk.path()).expect("opens");
    writer
        .execute_batch(
            "DROP TABLE stops; ALTER TABLE holds DROP COLUMN class; ALTER TABLE holds DROP COLUMN reason;
             PRAGMA user_version = 1;
             INSERT INTO holds (lock, kind, dev, ino, boot_id, pid, process_start, command, begin_ms, begin_seen,
                begin_since_boot_ns, last_seen_ms, end_ms, how, held_ms, blocked)
             VALUES ('/x/.cargo-lock', 'build-dir', 1, 2, 3, 4, 5, 'cargo build', 6, 1, 7, 8, 9, 'exited', 3, 0)",
        )
        .expect("is SQL");
    drop(writer);
    let query = crate::history::Query {
        since: Timestamp::UNIX_EPOCH,
        lock: Some(LockKind::BuildDir),
        limit: 10,
    };
    let read = || crate::history::query(&desk.path(), &query).expect("is read");
    let old = read();
    assert_eq!((old.holds.len(), old.holds[0].class, old.stops.len()), (1, None, 0));
    let mut recorder = Recorder::open(
        desk.path(),
        Retention {
            days: u32::MAX / 24,
            ..RETENTION
        },
        BOOT,
        &moment(1_000),
    );
    assert_eq!(recorder.problem(), None);
    recorder.stopped(stop(1, Some(false)), Some(lock("/x/.cargo-lock", 2)), &moment(1_000));
    let new = read();
    assert_eq!((&new.holds, new.stops.len()), (&old.holds, 1));
}

#[test]
fn what_is_too_old_goes() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let day = 24 * 3_600_000;
    for number in 0..40_u32 {
        let at = day * u64::from(number);
        let front = hold(&cache(), &check(number), at, true);
        let short = hold(&cache(), &check(1_000 + number), at, false);
        let waited = wait(&cache(), &build(100 + number), &[(at, Some(&front))]);
        let changes = [
            Change::Freed(front, HoldEnd::Released),
            Change::Went(waited, WaitEnd::Acquired),
        ];
        recorder.record(&changes, &moment(at + 1_000));
        recorder.record(&[Change::Freed(short, HoldEnd::Released)], &moment(at + 1));
        recorder.stopped(stop(number, Some(false)), None, &moment(at + 1_000));
        recorder.checkpoint([].into_iter(), [].into_iter(), &moment(at + 2_000));
    }
    // 30 days before the last checkpoint, by the second.
    for table in ["holds", "waits", "short_holds", "stops"] {
        assert_eq!(desk.rows(&format!("SELECT count(*) FROM {table}")), ["30"], "{table}");
    }
    assert_eq!(desk.rows("SELECT min(pid) FROM holds"), ["10"]);
    assert_eq!(desk.rows("SELECT count(*) FROM waits WHERE hold IS NULL"), ["0"]);
    drop(recorder);
    drop(Recorder::open(
        desk.path(),
        Retention { days: 3, ..RETENTION },
        BOOT,
        &moment(39 * day + 3_000),
    ));
    assert_eq!(desk.rows("SELECT min(pid) FROM holds"), ["37"]);
}

#[test]
fn what_is_too_much_goes_and_the_file_gets_smaller() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let mut changes = Vec::new();
    for number in 0..10_000_u32 {
        let one = hold(&cache(), &build(number), u64::from(number), true);
        changes.push(Change::Freed(one, HoldEnd::Released));
    }
    for (number, change) in changes.chunks(100).enumerate() {
        recorder.record(change, &moment(100_000 + number as u64));
    }
    let open = hold(&cache(), &check(77_777), 0, true);
    recorder.checkpoint([&open].into_iter(), [].into_iter(), &moment(200_000));
    drop(recorder);
    let size = || desk.path().metadata().expect("is there").len();
    let before = size();
    assert!(before > 2_000_000, "{before}");

    let little = Retention { days: 30, megabytes: 1 };
    let mut recorder = Recorder::open(desk.path(), little, BOOT, &moment(300_000));
    // A call does a bounded part of it.
    while recorder.prune_more {
        recorder.checkpoint([&open].into_iter(), [].into_iter(), &moment(300_000));
    }
    let (after, rows) = (size(), desk.rows("SELECT count(*), min(pid), max(pid) FROM holds"));
    assert!(after <= 1_000_000, "{after} bytes with {rows:?}");
    // The newest are left, and what lasts.
    let rows: Vec<u32> = rows[0]
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert!(
        rows[0] > 1_000 && rows[1] == 10_000 - rows[0] + 1 && rows[2] == 77_777,
        "{rows:?}"
    );
    assert_eq!(recorder.problem(), None);
}

#[test]
fn the_newest_places_are_remembered() {
    let desk = Desk::new();
    let odd = PathBuf::from(OsStr::from_bytes(b"/home/me/\xff\n"));
    let name = |number: usize| PathBuf::from(format!("/home/me/{number}/target"));
    let mut recorder = desk.open(0);
    recorder.remember_place(&odd, &moment(0));
    for number in 0..300 {
        // A clock that goes backwards makes no difference.
        let mut at = moment(number as u64);
        at.wall -= SignedDuration::from_hours(i64::try_from(number).expect("small"));
        recorder.remember_place(&name(number), &at);
    }
    recorder.remember_place(&odd, &moment(1_000));
    recorder.remember_place(&name(299), &moment(1_000));
    drop(recorder);
    let places = desk.open(2_000).places();
    assert_eq!(places.len(), 256);
    let expected: Vec<_> = [odd].into_iter().chain((45..300).rev().map(name)).collect();
    assert_eq!(places, expected);
}
