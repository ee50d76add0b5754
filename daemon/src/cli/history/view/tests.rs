use super::*;
use crate::cargo::origin::OriginKind;
use crate::history::{PastSpan, SCHEMA_VERSION, ShortHolds};
use crate::os::Mode;
use crate::state::StartedBy;
use crate::stop::Outcome;
use crate::tracker::WaitEnd;

const CACHE: &str = "/home/me/.cargo/.package-cache";
const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A report of a day on which nothing was.
fn report() -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        since: at("2026-11-21T23:00:00Z"),
        until: at("2026-11-22T20:00:00Z"),
        recorded_since: Some(at("2026-10-01T00:00:00Z")),
        summary: Summary::default(),
        holds: Vec::new(),
        waits: Vec::new(),
        short_holds: Vec::new(),
        stops: Vec::new(),
    }
}

fn past(lock: &str, command: &str, origin: &str, begin: &str) -> Past {
    Past {
        lock: lock.to_owned(),
        kind: if lock == CACHE {
            LockKind::PackageCache
        } else {
            LockKind::BuildDir
        },
        pid: 4711,
        started_at: None,
        command: command.to_owned(),
        cwd: Some("/home/me/src/serde".to_owned()),
        toolchain: None,
        origin: StartedBy {
            kind: match origin {
                "zsh" => OriginKind::Terminal,
                _ => OriginKind::Editor,
            },
            name: Some(origin.to_owned()),
            pid: None,
        },
        mode: Some(Mode::Exclusive),
        begin: at(begin),
        begin_seen: true,
        end: Some(at(begin)),
        last_seen: at(begin),
    }
}

fn hold(id: i64, past: Past, held_ms: u64) -> PastHold {
    PastHold {
        id,
        past,
        held_ms,
        how: Some(HoldEnd::Released),
        blocked_somebody: false,
        class: None,
        reason: None,
    }
}

fn wait(past: Past, behind: &[(Option<i64>, u64)]) -> PastWait {
    PastWait {
        waited_ms: behind.iter().map(|(_, waited_ms)| waited_ms).sum(),
        how: Some(WaitEnd::Acquired),
        spans: behind
            .iter()
            .map(|(hold, waited_ms)| PastSpan {
                hold: *hold,
                from: past.begin,
                waited_ms: *waited_ms,
            })
            .collect(),
        past,
    }
}

/// The sums as the file would have them.
fn counted(mut report: Report, waited_ms: u64, behind: &[(&str, &str, u64)]) -> Report {
    report.summary = Summary {
        waited_ms,
        behind: behind
            .iter()
            .map(|(who, place, waited_ms)| Behind {
                who: (*who).to_owned(),
                place: (*place).to_owned(),
                waited_ms: *waited_ms,
            })
            .collect(),
        holds: report.holds.len() as u64,
        waits: report.waits.len() as u64,
        short_holds: report.short_holds.iter().map(|short| short.count).sum(),
    };
    report
}

fn shown(report: &Report, since: &str, lock: Option<LockKind>, width: Option<usize>) -> String {
    let view = View {
        home: Some("/home/me"),
        width,
        zone: &TimeZone::fixed(jiff::tz::offset(1)),
        since: &since.parse().expect("is a span"),
        lock,
    };
    anstream::adapter::strip_str(&view.render(report)).to_string()
}

/// A day with all that can be.
fn day() -> Report {
    let mut report = report();
    let mut orphan = hold(
        3,
        past(BUILD, "cargo test --workspace", "zsh", "2026-11-22T18:00:00Z"),
        800,
    );
    orphan.how = Some(HoldEnd::Exited);
    let mut open = hold(
        4,
        past(CACHE, "cargo fetch", "Claude Code", "2026-11-22T19:58:00Z"),
        120_000,
    );
    (open.how, open.past.end, open.past.begin_seen) = (None, None, false);
    let mut yesterday = hold(
        5,
        past(CACHE, "cargo update", "zsh", "2026-11-21T20:00:00Z"),
        12_000_000,
    );
    yesterday.how = Some(HoldEnd::Unseen);
    report.holds = vec![
        open,
        orphan,
        hold(
            2,
            past(BUILD, "cargo build --release", "zsh", "2026-11-22T13:11:00Z"),
            180_000,
        ),
        hold(
            1,
            past(
                BUILD,
                "cargo check --workspace --message-format=json",
                "rust-analyzer",
                "2026-11-22T13:00:00Z",
            ),
            661_000,
        ),
        yesterday,
    ];
    report.waits = vec![
        wait(
            past(CACHE, "cargo build", "zsh", "2026-11-22T15:00:00Z"),
            &[(None, 2_500)],
        ),
        wait(
            past(BUILD, "cargo test", "zsh", "2026-11-22T13:00:00Z"),
            &[(Some(1), 60_000), (None, 0), (Some(1), 600_000), (Some(2), 180_000)],
        ),
        wait(
            past(BUILD, "cargo build --release", "zsh", "2026-11-22T13:00:00Z"),
            &[(Some(1), 660_500)],
        ),
    ];
    report.short_holds = vec![ShortHolds {
        minute: at("2026-11-22T13:00:00Z"),
        lock: CACHE.to_owned(),
        kind: LockKind::PackageCache,
        count: 812,
    }];
    (report.holds[2].class, report.holds[2].reason) = (Some(Class::Stuck), Some(Reason::Suspended));
    (report.holds[3].class, report.holds[3].reason) = (Some(Class::Working), Some(Reason::Compiling));
    report.stops = vec![PastStop {
        at: at("2026-11-22T13:14:00Z"),
        lock: Some(BUILD.to_owned()),
        kind: Some(LockKind::BuildDir),
        pid: 4711,
        command: Some("cargo build --release".to_owned()),
        outcome: Some(Outcome::Ended),
        refusal: None,
        forced: false,
        signalled: 3,
        took_ms: 200,
        sentence: "cargo build (pid 4711) ended in 0.2 s; the build directory went to cargo test (pid 4800)".to_owned(),
    }];
    let parity = "/home/me/src/parity";
    counted(
        report,
        843_000,
        &[("rust-analyzer", parity, 661_000), ("cargo build", parity, 180_000)],
    )
}

#[test]
fn a_day() {
    insta::assert_snapshot!(shown(&day(), "today", None, None));
}

#[test]
fn a_day_in_80_columns() {
    insta::assert_snapshot!(shown(&day(), "today", None, Some(80)));
}

#[test]
fn a_day_in_200_columns() {
    insta::assert_snapshot!(shown(&day(), "today", None, Some(200)));
}

#[test]
fn one_hold_that_was_in_the_way_all_the_time() {
    let mut report = report();
    report.recorded_since = Some(at("2026-11-22T17:00:00Z"));
    report.holds = vec![hold(
        1,
        past(CACHE, "cargo fetch", "zsh", "2026-11-22T18:00:00Z"),
        42_100,
    )];
    report.waits = vec![wait(
        past(CACHE, "cargo build", "zsh", "2026-11-22T18:00:01Z"),
        &[(Some(1), 41_000)],
    )];
    let report = counted(report, 41_000, &[("cargo fetch", "/home/me/src/serde", 41_000)]);
    insta::assert_snapshot!(shown(&report, "2h 30m", Some(LockKind::PackageCache), Some(80)));
}

#[test]
fn many_rows() {
    let mut report = report();
    report.holds = (0..120)
        .rev()
        .map(|number| {
            let begin = at("2026-11-22T10:00:00Z") + jiff::SignedDuration::from_secs(number);
            let mut past = past(CACHE, "cargo build", "zsh", "2026-11-22T10:00:00Z");
            past.begin = begin;
            hold(number, past, 1_000)
        })
        .collect();
    let mut report = counted(report, 0, &[]);
    // More than the lists have.
    report.summary.holds = 20_000;
    let text = shown(&report, "7d", None, Some(80));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "In the last 7d nobody waited for a Cargo lock");
    // The answer, a blank, the heads, 50 rows, a blank, the hint.
    assert_eq!(lines.len(), 3 + 50 + 2, "{text}");
    assert!(
        lines[3].starts_with("11:01:59  package-cache  cargo build (zsh)  ~/src/serde"),
        "{text}"
    );
    assert_eq!(
        lines[54],
        "and 19950 more; `--since` and `--lock` narrow it, `lockwatch history --json` has them"
    );
}

#[test]
fn nothing() {
    let none = Report {
        recorded_since: None,
        ..report()
    };
    assert_eq!(
        shown(&none, "today", None, Some(80)),
        "There is no history yet: the daemon records it; start it with `lockwatch daemon`\n"
    );
    assert_eq!(
        shown(&report(), "yesterday", None, None),
        "Since yesterday no Cargo lock was held\n"
    );
    assert_eq!(
        shown(&report(), "1h", Some(LockKind::BuildDir), None),
        "In the last 1h no build-dir lock was held\n"
    );
    let mut short = report();
    short.summary.short_holds = 1;
    assert_eq!(
        shown(&short, "today", None, None),
        "Today nobody waited for a Cargo lock\n\nand 1 hold of less than 50 ms that blocked nobody\n"
    );
}

#[test]
fn hostile_names_stay_in_their_columns() {
    let mut report = report();
    // As the reader gives them: escaped. What is left is length.
    let evil = r"cargo build \u{1b}]0;pwned\u{7} \u{202e}".to_owned() + &"x".repeat(300);
    let mut past = past(BUILD, &evil, "zsh", "2026-11-22T18:00:00Z");
    past.lock = format!("/home/me/{}/\\n/target/debug/.cargo-lock", "ä".repeat(250));
    past.cwd = None;
    report.holds = vec![hold(1, past.clone(), u64::MAX)];
    report.waits = vec![wait(past, &[(Some(1), u64::MAX)])];
    let report = counted(report, u64::MAX, &[]);
    for width in [40, 80, 200] {
        let text = shown(&report, "today", None, Some(width));
        let table: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(table.len(), 2, "{text}");
        // In 40 columns there is no room for what cannot be cut.
        let widest = table.iter().map(|line| line.chars().count()).max();
        assert!(width == 40 || widest <= Some(width), "{text}");
    }
    insta::assert_snapshot!(shown(&report, "today", None, Some(100)));
}

#[test]
fn times_in_a_sentence() {
    for (milliseconds, said) in [
        (0, "less than 1 s"),
        (999, "less than 1 s"),
        (42_900, "42 s"),
        (14 * 60_000 + 59_999, "14 min"),
        (7_500_000, "2 h 05 min"),
        (360_000_000, "100 h 00 min"),
    ] {
        assert_eq!(spent(milliseconds), said);
    }
    for (milliseconds, said) in [
        (50, "0.0s"),
        (850, "0.8s"),
        (9_999, "9.9s"),
        (10_000, "10s"),
        (61_000, "1m 01s"),
    ] {
        assert_eq!(length(milliseconds), said);
    }
}
