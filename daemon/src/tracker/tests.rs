use proptest::prelude::*;

use super::*;
use crate::os::made::{Made, moment};
use crate::process::Pid;

const CACHE: &str = "/home/me/.cargo/.package-cache";

/// Lock files with their holders and waiters, each with its mode.
type Scene<'a> = &'a [(&'a str, &'a [(Pid, char)], &'a [(Pid, char)])];

/// A look so many milliseconds after the first one. All processes are old.
fn look(after: u64, scene: Scene<'_>) -> Look {
    let cargos = (10..20).fold(Made::default(), |made, pid| made.process(pid, 1, "cargo build", 500));
    let made = scene.iter().fold(cargos, |made, (path, holders, waiters)| {
        made.lock(path, holders, waiters)
    });
    let mut look = made.look();
    look.at = moment(after);
    look
}

/// The words for some changes.
fn words(changes: &[Change]) -> Vec<String> {
    let word = |change: &Change| match change {
        Change::Took(hold) => format!("{} took", hold.who.process.id.pid),
        Change::Freed(hold, how) => format!("{} freed: {how:?}", hold.who.process.id.pid),
        Change::Asked(wait) => format!("{} asked", wait.who.process.id.pid),
        Change::Went(wait, how) => format!("{} went: {how:?}", wait.who.process.id.pid),
    };
    changes.iter().map(word).collect()
}

fn nowhere(_: FileId) -> bool {
    false
}

fn since_start(after: u64) -> Duration {
    moment(after).since_boot
}

#[test]
fn a_lock_goes_from_hand_to_hand() {
    let mut tracker = Tracker::default();
    let mut apply = |look: &Look| words(&tracker.apply(look, &nowhere));
    assert_eq!(apply(&look(0, &[])), [""; 0]);
    assert_eq!(apply(&look(100, &[(CACHE, &[(10, '+')], &[])])), ["10 took"]);
    let contended = look(200, &[(CACHE, &[(10, '+')], &[(11, '+'), (12, '+')])]);
    assert_eq!(apply(&contended), ["11 asked", "12 asked"]);
    assert_eq!(apply(&contended), [""; 0], "nothing changed");
    let mut next = look(300, &[(CACHE, &[(11, '+')], &[])]);
    next.ended
        .extend(contended.processes.keys().filter(|id| id.pid != 11).copied());
    assert_eq!(
        apply(&next),
        ["11 went: Acquired", "12 went: Exited", "10 freed: Exited", "11 took"]
    );
    assert_eq!(apply(&look(400, &[])), ["11 freed: Released"]);
}

#[test]
fn a_hold_that_lockwatch_ended_is_put_down_to_it() {
    let held = || look(100, &[(CACHE, &[(10, '+')], &[])]);
    let id = *held().processes.keys().find(|id| id.pid == 10).expect("holds");
    for (how, word) in [
        (Some(HoldEnd::Stopped), "10 freed: Stopped"),
        (Some(HoldEnd::Forced), "10 freed: Forced"),
        (None, "10 freed: Released"),
    ] {
        let mut tracker = Tracker::default();
        tracker.apply(&held(), &nowhere);
        tracker.set_stopping(id, Some(HoldEnd::Stopped));
        tracker.set_stopping(id, how);
        assert_eq!(words(&tracker.apply(&look(200, &[]), &nowhere)), [word]);
        // The next hold of that process is its own matter.
        tracker.apply(&held(), &nowhere);
        assert_eq!(words(&tracker.apply(&look(300, &[]), &nowhere)), ["10 freed: Released"]);
    }
}

#[test]
fn a_wait_that_ends_in_between_is_left() {
    let mut tracker = Tracker::default();
    tracker.apply(&look(0, &[(CACHE, &[(10, '+')], &[(11, '+')])]), &nowhere);
    let changes = tracker.apply(&look(100, &[(CACHE, &[(10, '+')], &[])]), &nowhere);
    assert_eq!(words(&changes), ["11 went: Left"]);
    assert!(tracker.holds().next().expect("one").blocked_somebody, "and stays so");
}

#[test]
fn a_begin_is_seen_or_it_is_not() {
    let held = |after| look(after, &[(CACHE, &[(10, '+')], &[(11, '+')])]);
    let part = |pid| Part {
        file: held(0).locks[0].file,
        process: held(0).processes.keys().copied().find(|id| id.pid == pid).expect("one"),
    };
    for (name, first, then, heard, since) in [
        ("there at the start", None, held(0), true, None),
        ("a look shortly before", Some(0), held(1000), false, Some(1000)),
        ("a look long before", Some(0), held(20_000), false, None),
        ("its opening was heard", Some(0), held(20_000), true, Some(20_000)),
    ] {
        let mut tracker = Tracker::default();
        if let Some(first) = first {
            tracker.apply(&look(first, &[]), &nowhere);
        }
        tracker.apply(&then, &|file| heard && file == then.locks[0].file);
        let since = since.map(since_start);
        assert_eq!(tracker.held_since(part(10)), since, "{name}");
        assert_eq!(tracker.waited_since(part(11)), since, "{name}");
    }
    let mut tracker = Tracker::default();
    tracker.apply(&look(0, &[]), &nowhere);
    let mut glance = look(19_000, &[]);
    glance.is_complete = false;
    tracker.apply(&glance, &nowhere);
    tracker.apply(&held(20_000), &nowhere);
    assert_eq!(tracker.held_since(part(10)), None, "a glance did not look at it");
    let mut young = held(0);
    let start = young.at.wall - jiff::SignedDuration::from_millis(1500);
    for one in young.processes.values_mut() {
        Arc::make_mut(one).process.started_at = Some(start);
    }
    let mut tracker = Tracker::default();
    tracker.apply(&young, &nowhere);
    assert!(tracker.held_since(part(10)).is_some(), "it began after its process did");
}

#[test]
fn the_spans_of_a_wait_tell_behind_whom() {
    let mut tracker = Tracker::default();
    for at in [
        look(0, &[(CACHE, &[(10, '-'), (12, '-')], &[(11, '+')])]),
        look(100, &[(CACHE, &[(12, '-')], &[(11, '+')])]),
        look(150, &[(CACHE, &[(12, '-'), (13, '-')], &[(11, '+')])]),
        look(200, &[(CACHE, &[], &[(11, '+')])]),
        look(300, &[(CACHE, &[(14, '+')], &[(11, '+')])]),
    ] {
        tracker.apply(&at, &nowhere);
    }
    let wait = tracker.waits().next().expect("one");
    let spans: Vec<(Duration, Option<Pid>)> = wait
        .spans
        .iter()
        .map(|span| (span.from, span.behind.map(|(process, _)| process.pid)))
        .collect();
    assert_eq!(
        spans,
        [
            (since_start(0), Some(10)),
            (since_start(100), Some(12)),
            (since_start(200), None),
            (since_start(300), Some(14)),
        ]
    );
}

#[test]
fn where_more_seem_to_hold_it_than_can_the_old_one_counts() {
    let mut tracker = Tracker::default();
    let two = |after| look(after, &[(CACHE, &[(10, '+'), (11, '+')], &[])]);
    assert_eq!(words(&tracker.apply(&two(0), &nowhere)), [""; 0], "neither is known");
    tracker.apply(&look(10, &[(CACHE, &[(10, '+')], &[])]), &nowhere);
    assert_eq!(words(&tracker.apply(&two(20), &nowhere)), [""; 0]);
    let changes = tracker.apply(&look(30, &[(CACHE, &[(11, '+')], &[])]), &nowhere);
    assert_eq!(words(&changes), ["10 freed: Released", "11 took"]);
}

#[test]
fn what_was_left_open_goes_on_or_is_lost() {
    let held = look(1000, &[(CACHE, &[(10, '+')], &[(11, '+')])]);
    let begin = Begin {
        at: since_start(0),
        seen: true,
    };
    let left = |pid, waits| LeftOpen {
        part: Part {
            file: held.locks[0].file,
            process: ProcessId {
                pid,
                ..*held.processes.keys().find(|id| id.pid == pid.min(11)).expect("one")
            },
        },
        waits,
        begin,
    };
    let mut tracker = Tracker::resuming(vec![left(10, false), left(11, true), left(17, false)]);
    assert_eq!(tracker.take_lost(), [], "no look yet");
    assert_eq!(words(&tracker.apply(&held, &nowhere)), [""; 0], "neither begins anew");
    assert_eq!(tracker.take_lost(), [left(17, false)]);
    assert_eq!(tracker.take_lost(), []);
    assert_eq!(tracker.held_since(left(10, false).part), Some(since_start(0)));
    assert_eq!(tracker.waited_since(left(11, true).part), Some(since_start(0)));
    tracker.apply(&look(1100, &[]), &nowhere);
    let again = look(1200, &[(CACHE, &[(10, '+')], &[])]);
    assert_eq!(
        words(&tracker.apply(&again, &nowhere)),
        ["10 took"],
        "what ended does not resume"
    );
}

/// What a process does about each of two locks in one look.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Nothing,
    Holds,
    Shares,
    Waits,
}

/// Six processes, two locks each; what the kernel allows: one exclusive holder or any number of shared ones.
fn scene() -> impl Strategy<Value = [[Does; 2]; 6]> {
    let does = prop_oneof![
        Just(Does::Nothing),
        Just(Does::Holds),
        Just(Does::Shares),
        Just(Does::Waits)
    ];
    proptest::array::uniform6(proptest::array::uniform2(does)).prop_map(|mut scene| {
        for lock in 0..2 {
            let alone = scene.iter().position(|does| does[lock] == Does::Holds);
            for (number, does) in scene.iter_mut().enumerate() {
                let excluded = alone.is_some_and(|alone| alone != number);
                if excluded && matches!(does[lock], Does::Holds | Does::Shares) {
                    does[lock] = Does::Waits;
                }
            }
        }
        scene
    })
}

fn look_at(after: u64, scene: &[[Does; 2]; 6]) -> Look {
    let claims = |lock: usize, wanted: &[(Does, char)]| -> Vec<(Pid, char)> {
        let all = scene.iter().zip(10..).filter_map(|(does, pid)| {
            let (_, mode) = wanted.iter().find(|(want, _)| *want == does[lock])?;
            Some((pid, *mode))
        });
        all.collect()
    };
    let parts: Vec<_> = (0..2)
        .map(|lock| {
            let holders = claims(lock, &[(Does::Holds, '+'), (Does::Shares, '-')]);
            (holders, claims(lock, &[(Does::Waits, '+')]))
        })
        .collect();
    look(
        after,
        &[
            (CACHE, &parts[0].0, &parts[0].1),
            ("/home/me/src/x/target/debug/.cargo-lock", &parts[1].0, &parts[1].1),
        ],
    )
}

proptest! {
    #[test]
    fn every_hold_and_wait_begins_once_and_ends_once(scenes in proptest::collection::vec(scene(), 1..12)) {
        let mut tracker = Tracker::default();
        let mut open = BTreeMap::new();
        let mut holds: Vec<(FileId, Option<Mode>, Duration, Duration)> = Vec::new();
        let mut looks: Vec<Look> = scenes.iter().zip(0..).map(|(scene, step)| look_at(step * 100, scene)).collect();
        looks.push(look(scenes.len() as u64 * 100, &[]));
        for look in &looks {
            let now = look.at.since_boot;
            for change in tracker.apply(look, &nowhere) {
                match change {
                    Change::Took(hold) => {
                        let part = (hold.lock.file, hold.who.process.id, false);
                        prop_assert_eq!(open.insert(part, hold.begin), None, "took twice");
                        prop_assert_eq!(hold.begin.at, now);
                    }
                    Change::Freed(hold, _) => {
                        let part = (hold.lock.file, hold.who.process.id, false);
                        prop_assert_eq!(open.remove(&part), Some(hold.begin), "ended once, with its own begin");
                        holds.push((hold.lock.file, hold.mode, hold.begin.at, now));
                    }
                    Change::Asked(wait) => {
                        let part = (wait.lock.file, wait.who.process.id, true);
                        prop_assert_eq!(open.insert(part, wait.begin), None, "asked twice");
                    }
                    Change::Went(wait, _) => {
                        let part = (wait.lock.file, wait.who.process.id, true);
                        prop_assert_eq!(open.remove(&part), Some(wait.begin));
                        prop_assert_eq!(wait.spans[0].from, wait.begin.at, "the spans begin with the wait");
                        prop_assert!(wait.spans.is_sorted_by(|a, b| a.from < b.from && a.behind != b.behind));
                        prop_assert!(wait.spans.iter().all(|span| span.from < now));
                    }
                }
            }
            // What the tracker says is what the look shows.
            prop_assert_eq!(tracker.holds().count(), look.locks.iter().map(|lock| lock.holders.len()).sum::<usize>());
            prop_assert_eq!(tracker.waits().count(), look.locks.iter().map(|lock| lock.waiters.len()).sum::<usize>());
        }
        prop_assert!(open.is_empty(), "all ended: {open:?}");
        for (place, a) in holds.iter().enumerate() {
            for b in &holds[place + 1..] {
                let overlap = a.0 == b.0 && a.2 < b.3 && b.2 < a.3;
                let exclusive = a.1 == Some(Mode::Exclusive) && b.1 == Some(Mode::Exclusive);
                prop_assert!(!(overlap && exclusive), "two exclusive holds of one file overlap: {a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_restart_resumes_what_is_open(before in scene(), after in scene()) {
        let mut first = Tracker::default();
        first.apply(&look(0, &[]), &nowhere);
        first.apply(&look_at(100, &before), &nowhere);
        let left: Vec<LeftOpen> = first
            .holds()
            .map(|hold| (hold.lock.file, hold.who.process.id, false, hold.begin))
            .chain(first.waits().map(|wait| (wait.lock.file, wait.who.process.id, true, wait.begin)))
            .map(|(file, process, waits, begin)| LeftOpen { part: Part { file, process }, waits, begin })
            .collect();
        let mut second = Tracker::resuming(left.clone());
        let changes = second.apply(&look_at(60_000, &after), &nowhere);
        let lost = second.take_lost();
        for one in &left {
            let begin = if one.waits { second.waited_since(one.part) } else { second.held_since(one.part) };
            prop_assert!(begin == Some(one.begin.at) || lost.contains(one), "it goes on or is lost: {one:?}");
            prop_assert!(!(begin == Some(one.begin.at) && lost.contains(one)), "and not both");
        }
        let began = changes.len();
        prop_assert_eq!(began, second.holds().count() + second.waits().count() - (left.len() - lost.len()));
    }
}
