use std::time::Duration;

use proptest::prelude::*;

use super::plan::Why;
use super::report::RefusalKind;
use super::*;
use crate::observation::Observer;
use crate::os::made::Made;
use crate::os::made::acts::Event;
use crate::os::{Note, Signal};
use crate::process::{ProcessId, RunState};

const LOCK: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";

/// A shell (100) runs cargo (110), which runs a rustc (120) with its linker (130), and a build script (140) with a shell
/// (150). Behind it waits a cargo (210) of another shell (200), from which the stop is asked for (220).
fn build() -> Made {
    let made = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(100, 1, "zsh", 900)
        .process(110, 100, "cargo build", 100)
        .process(120, 110, "rustc --crate-name parity", 90)
        .process(130, 120, "ld -o parity", 80)
        .process(
            140,
            110,
            "/home/me/src/parity/target/debug/build/x-0123456789abcdef/build-script-build",
            70,
        )
        .process(150, 140, "sh -c make", 60)
        .process(200, 1, "zsh", 900)
        .process(210, 200, "cargo check", 50)
        .process(220, 200, "lockwatch stop", 1)
        .lock(LOCK, &[(110, '+')], &[(210, '+')]);
    [110, 120, 130, 140, 150].into_iter().fold(made, |made, pid| {
        made.with(pid, |process| (process.session, process.group) = (100, 110))
    })
}

/// The build's own processes, as its plan has them.
const TREE: [u32; 5] = [110, 120, 130, 140, 150];

fn homes() -> CargoHomes {
    CargoHomes::new(None, Some("/home/me".into()))
}

/// What a look says of the lock at the moment: its holder, to be stopped for process 220.
fn order(made: &Made) -> Order {
    let look = Observer::new(made.clone(), homes())
        .look(crate::os::made::moment(0))
        .expect("looks");
    let first = &look.locks[0];
    Order {
        token: Token {
            boot_id: look.boot_id,
            process: first.holders[0].process,
            file: first.file,
        },
        client: 220,
        own: 220,
        programs: Vec::new(),
        grace: Duration::from_secs(5),
        force: false,
        dry_run: false,
    }
}

fn run(made: &mut Made, order: &Order) -> Report {
    let mut clock = made.clock();
    let mut steps = Vec::new();
    let report = stop(made, &mut clock, &homes(), order, &mut |step| steps.push(step));
    // Nobody is signalled unannounced.
    let kills = made.signals().iter().any(|(_, signal)| *signal == Signal::Kill);
    assert_eq!(steps.contains(&Step::Kill), kills);
    assert!(steps.contains(&Step::Terminate) || made.signals().is_empty());
    report
}

fn stopped(made: Made) -> (Made, Report) {
    stopped_with(made, |made| made)
}

fn stopped_with(made: Made, events: impl FnOnce(Made) -> Made) -> (Made, Report) {
    let order = order(&made);
    let mut made = events(made);
    let report = run(&mut made, &order);
    (made, report)
}

fn forced(made: Made) -> (Made, Report) {
    forced_with(made, |made| made)
}

/// With events that come after the look that the token is from.
fn forced_with(made: Made, events: impl FnOnce(Made) -> Made) -> (Made, Report) {
    let order = Order {
        force: true,
        ..order(&made)
    };
    let mut made = events(made);
    let report = run(&mut made, &order);
    (made, report)
}

fn told(made: &Made) -> Vec<(u32, Signal)> {
    made.signals().iter().map(|(id, signal)| (id.pid, *signal)).collect()
}

fn was_told(made: &Made, pid: u32) -> bool {
    told(made).iter().any(|(told, _)| *told == pid)
}

#[test]
fn the_holder_first_then_its_descendants_and_the_lock_goes_on() {
    let (made, report) = stopped(build());
    let pids: Vec<u32> = told(&made).iter().map(|(pid, _)| *pid).collect();
    assert_eq!(pids[0], 110);
    let mut sorted = pids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, TREE);
    assert!(told(&made).iter().all(|(_, signal)| *signal == Signal::Terminate));
    assert_eq!(made.alive(), [1, 100, 200, 210, 220]);
    assert_eq!(report.outcome, Outcome::Ended);
    assert!(report.is_free());
    assert_eq!(
        report.sentence,
        "cargo build (pid 110) ended in 0.1 s; the build directory went to cargo check (pid 210)"
    );
}

#[test]
fn a_plan_signals_nobody() {
    let mut made = build();
    let order = Order {
        dry_run: true,
        ..order(&made)
    };
    let report = run(&mut made, &order);
    assert_eq!(made.signals(), []);
    assert_eq!(report.outcome, Outcome::Planned);
    assert_eq!(report.signalled.len(), TREE.len());
    assert_eq!(
        report.sentence,
        "cargo build (pid 110) would get SIGTERM and 4 processes that it started; it holds the build directory"
    );
}

#[test]
fn who_takes_his_time_is_given_it() {
    let (_, report) = stopped(build().slow(110, 1_200).slow(120, 2_000));
    assert_eq!(report.outcome, Outcome::Ended);
    assert_eq!(report.leftovers().count(), 0);
    assert!((2_000..2_200).contains(&report.took_ms), "{}", report.took_ms);
}

#[test]
fn who_ignores_the_signal_is_still_there_and_force_ends_him() {
    let (made, report) = stopped(build().ignoring_term(110));
    assert_eq!(report.outcome, Outcome::StillThere);
    assert!(!report.is_free() && !report.forced);
    assert_eq!(
        report.sentence,
        "cargo build (pid 110) has not ended in 5.0 s and holds the build directory still; `lockwatch stop 110 --force` sends SIGKILL"
    );
    assert!(made.alive().contains(&110));
    let (made, report) = forced(build().ignoring_term(110).ignoring_term(150));
    assert_eq!(report.outcome, Outcome::Ended);
    assert!(report.forced);
    assert_eq!(made.alive(), [1, 100, 200, 210, 220]);
    let kills: Vec<u32> = told(&made)
        .into_iter()
        .filter(|(_, signal)| *signal == Signal::Kill)
        .map(|(pid, _)| pid)
        .collect();
    assert_eq!(kills, [110, 150]);
}

#[test]
fn a_child_that_ignores_the_signal_is_named_and_force_ends_it() {
    let (_, report) = stopped(build().ignoring_term(120));
    assert_eq!(report.outcome, Outcome::Ended);
    assert!(
        report.sentence.ends_with("; still there: rustc parity (pid 120)"),
        "{}",
        report.sentence
    );
    let (made, _) = forced(build().ignoring_term(120));
    assert!(!made.alive().contains(&120));
}

#[test]
fn who_lets_the_lock_go_is_not_killed() {
    // It lets go upon the signal and lives on.
    let (made, report) = forced(build().ignoring_term(110).before_signal(110, Event::Release(110)));
    assert_eq!(report.outcome, Outcome::Released);
    assert!(made.alive().contains(&110));
    assert!(!told(&made).contains(&(110, Signal::Kill)));
}

#[test]
fn who_has_become_another_program_just_before_the_signal_is_let_be() {
    // `cargo run` lets its locks go and becomes the program, at whatever moment before the first signal.
    for call in 1..200 {
        let (made, report) = stopped_with(build(), |made| {
            let made = made.before_call(call, Event::Release(110));
            made.before_call(call, Event::Exec(110, "parity".into()))
        });
        let was_hit = was_told(&made, 110);
        assert!(!was_hit || report.outcome == Outcome::Ended, "question {call}");
        if !was_hit {
            assert_eq!(made.signals(), [], "question {call}");
        }
    }
}

#[test]
fn who_is_stopped_is_let_go_on_so_that_he_can_end() {
    let made = build().with(110, |process| process.state = RunState::Stopped);
    let (made, report) = stopped(made);
    assert_eq!(report.outcome, Outcome::Ended);
    assert_eq!(told(&made).last(), Some(&(110, Signal::Continue)));
    // One that stops only after its signal, as by Ctrl-Z, before it took it.
    let (made, report) = stopped_with(build().slow(120, 3_000), |made| made.before_call(150, Event::Stop(120)));
    assert_eq!(report.outcome, Outcome::Ended);
    assert!(!made.alive().contains(&120));
}

fn child(made: &Made, pid: u32, parent: u32, argv: &str) -> Event {
    let child = made.clone().process(pid, parent, argv, 0).with(pid, |process| {
        (process.session, process.group) = (100, 110);
    });
    Event::Spawn(Box::new(child.made(pid)))
}

#[test]
fn a_child_started_between_the_plan_and_the_signal_is_ended_too() {
    // Of one that lives on for a while, of one that ends at once, and of a child.
    for (parent, slow) in [(110, 400), (110, 0), (120, 0), (140, 0)] {
        let made = build().variable(160, "CARGO_MANIFEST_DIR", "/home/me/src/parity");
        let event = child(&made, 160, parent, "rustc --crate-name late");
        let (made, report) = stopped(made.slow(parent, slow).before_signal(parent, event));
        assert_eq!(report.outcome, Outcome::Ended);
        assert!(
            !made.alive().contains(&160),
            "child of {parent} that takes {slow} ms to end"
        );
    }
}

#[test]
fn an_orphan_without_cargos_mark_is_nobody_of_the_build() {
    let made = build();
    let event = child(&made, 160, 110, "rustc --crate-name late");
    let (made, _) = stopped(made.before_signal(110, event));
    // What a script does next is not the build's either.
    assert!(!was_told(&made, 160));
    let made = build().variable(160, "CARGO_MANIFEST_DIR", "/home/me/src/parity");
    let event = child(&made, 160, 100, "cargo build");
    let (made, _) = stopped(made.before_signal(110, event));
    assert!(!was_told(&made, 160));
}

#[test]
fn whoever_is_in_the_plan_stays_in_it_wherever_he_is_in_the_tree() {
    // The build script ends by itself before the signal reaches it: its shell is PID 1's then.
    for call in 1..120 {
        let (made, report) = stopped_with(build().slow(110, 200), |made| made.before_call(call, Event::End(140)));
        let shell_lives = made.alive().contains(&150);
        // Before the plan was made, the shell was no part of it.
        assert!(
            !shell_lives || !report.signalled.iter().any(|one| one.process.pid == 150),
            "call {call}"
        );
    }
}

#[test]
fn what_a_build_started_for_longer_is_left_and_named() {
    let made = build()
        .process(160, 110, "sccache --server", 60)
        .process(170, 160, "rustc --crate-name dep", 50)
        .process(180, 110, "code --wait", 60)
        .process(181, 180, "rustc --crate-name editors", 40)
        .with(181, |process| process.session = 100)
        .process(190, 110, "sudo make install", 60)
        .with(190, |process| (process.session, process.uid) = (100, Some(0)));
    let (made, report) = stopped(made);
    let mut left: Vec<(u32, Why)> = report.left.iter().map(|one| (one.process.pid, one.why)).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [(160, Why::OtherSession), (180, Why::Protected), (190, Why::OtherUser)]
    );
    for (pid, told) in [(160, false), (170, true), (180, false), (181, false), (190, false)] {
        assert_eq!(was_told(&made, pid), told, "{pid}");
    }
    assert!(report.sentence.contains("; left alone: "), "{}", report.sentence);
}

#[test]
fn a_child_that_becomes_an_editor_is_left() {
    let mut left = 0;
    for call in 1..120 {
        let (made, report) = stopped_with(build(), |made| made.before_call(call, Event::Exec(150, "nvim".into())));
        // What was sent before has ended it.
        assert!(!made.alive().contains(&150) || !was_told(&made, 150), "call {call}");
        left += usize::from(report.left.iter().any(|one| one.process.pid == 150));
    }
    assert!(left > 0);
}

fn refusal(made: Made, change: impl FnOnce(&mut Order)) -> Option<RefusalKind> {
    let mut made = made;
    let mut order = order(&made);
    change(&mut order);
    let report = run(&mut made, &order);
    assert_eq!(made.signals(), [], "a refusal signals nobody");
    assert_eq!(report.outcome, Outcome::Refused);
    report.refusal
}

#[test]
fn refusals() {
    use RefusalKind as Kind;
    let nothing = |_: &mut Order| ();
    let held_by = |argv: &str| {
        Made::default()
            .process(1, 0, "/sbin/init", 9000)
            .process(110, 1, argv, 100)
            .process(220, 1, "lockwatch stop", 1)
            .lock(LOCK, &[(110, '+')], &[])
    };
    let forced =
        |order: &mut Order| (order.force, order.programs) = (true, vec!["zsh".into(), "nvim".into(), "node".into()]);
    let cases: Vec<(&str, Option<Kind>, Kind)> = vec![
        (
            "another boot",
            refusal(build(), |order| order.token.boot_id += 1),
            Kind::Gone,
        ),
        (
            "another start",
            refusal(build(), |order| order.token.process.start += 1),
            Kind::Gone,
        ),
        (
            "no such process",
            refusal(build(), |order| order.token.process.pid = 4),
            Kind::Gone,
        ),
        (
            "it has ended",
            refusal(build().with(110, |process| process.state = RunState::Zombie), nothing),
            Kind::Gone,
        ),
        (
            "another lock",
            refusal(build(), |order| order.token.file.ino += 9),
            Kind::Released,
        ),
        (
            "a waiter",
            refusal(build(), |order| order.token.process = build().made(210).id),
            Kind::NotAHolder,
        ),
        (
            "another user's",
            refusal(build().with(110, |process| process.uid = Some(0)), nothing),
            Kind::OtherUser,
        ),
        ("the client", refusal(build(), |order| order.client = 110), Kind::Itself),
        ("lockwatch", refusal(build(), |order| order.own = 110), Kind::Itself),
        (
            "lockwatch by name",
            refusal(held_by("/usr/bin/lockwatch daemon"), nothing),
            Kind::Itself,
        ),
        (
            "an ancestor",
            refusal(build(), |order| order.client = 150),
            Kind::Ancestor,
        ),
        ("an editor", refusal(held_by("nvim"), forced), Kind::NotCargo),
        ("a shell", refusal(held_by("zsh"), forced), Kind::NotCargo),
        (
            "a shell's script",
            refusal(held_by("sh ./build.sh"), |order| order.programs = vec!["sh".into()]),
            Kind::NotCargo,
        ),
        (
            "an agent",
            refusal(held_by("claude"), |order| order.programs = vec!["claude".into()]),
            Kind::NotCargo,
        ),
        (
            "a multiplexer",
            refusal(held_by("tmux"), |order| order.programs = vec!["tmux".into()]),
            Kind::NotCargo,
        ),
        (
            "a manager",
            refusal(held_by("systemd --user"), |order| {
                order.programs = vec!["systemd".into()];
            }),
            Kind::NotCargo,
        ),
        (
            "rust-analyzer",
            refusal(held_by("rust-analyzer"), |order| {
                order.programs = vec!["rust-analyzer".into()];
            }),
            Kind::NotCargo,
        ),
        ("not listed", refusal(held_by("trunk serve"), nothing), Kind::NotCargo),
        (
            "ambiguous",
            refusal(
                build().untold().note(Note::Ambiguous {
                    path: LOCK.into(),
                    pids: vec![110, 210],
                }),
                nothing,
            ),
            Kind::Ambiguous,
        ),
    ];
    for (what, found, expected) in cases {
        assert_eq!(found, Some(expected), "{what}");
    }
    // The first process, whatever it runs.
    let first = Made::default()
        .process(1, 0, "cargo build", 100)
        .process(220, 0, "lockwatch stop", 1)
        .lock(LOCK, &[(1, '+')], &[]);
    assert_eq!(refusal(first, nothing), Some(Kind::First));
}

#[test]
fn each_refusal_has_a_name_and_a_way_out() {
    use RefusalKind as Kind;
    let all = [
        Kind::Gone,
        Kind::Released,
        Kind::NotAHolder,
        Kind::OtherUser,
        Kind::NotCargo,
        Kind::Itself,
        Kind::Ancestor,
        Kind::First,
        Kind::Ambiguous,
        Kind::Unproven,
        Kind::UnderWay,
    ];
    let token = order(&build()).token;
    let said: Vec<String> = all
        .into_iter()
        .map(|kind| {
            assert_eq!(serde_json::to_value(kind).expect("is JSON"), kind.name());
            let refusal = report::Refusal {
                kind,
                command: Some("cargo build".into()),
            };
            format!("{}: {}", kind.name(), Report::refused(token, &refusal).sentence)
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn programs_that_config_lists_and_scripts_that_are_cargos() {
    for (argv, programs) in [
        ("trunk serve", vec!["trunk".to_owned()]),
        ("cargo-nextest nextest run", Vec::new()),
        ("bash /home/me/bin/cargo-mine", Vec::new()),
    ] {
        let mut made = Made::default()
            .process(1, 0, "/sbin/init", 9000)
            .process(110, 1, argv, 100)
            .process(220, 1, "lockwatch stop", 1)
            .lock(LOCK, &[(110, '+')], &[]);
        let order = Order {
            programs,
            ..order(&made)
        };
        assert_eq!(run(&mut made, &order).outcome, Outcome::Ended, "{argv}");
    }
}

#[test]
fn where_the_descriptors_do_not_tell_a_look_does() {
    let (made, report) = stopped(build().untold());
    assert_eq!(report.outcome, Outcome::Ended);
    assert_eq!(made.alive(), [1, 100, 200, 210, 220]);
}

/// Signals to anybody who was not of the build when the stop was asked for.
fn strangers(made: &Made, before: &[ProcessId]) -> Vec<(ProcessId, Signal)> {
    let signals = made.signals().iter();
    signals.filter(|(id, _)| !before.contains(id)).copied().collect()
}

#[test]
fn a_number_that_is_reused_between_look_and_signal_a_thousand_times() {
    // Once before each question that a stop asks, for each process of the tree, the holder ending at once or ignoring it all.
    let calls = stopped(build().ignoring_term(110)).0.calls();
    let mut rounds = 0;
    for victim in TREE {
        for call in 1..=calls.min(400) {
            for stubborn in [false, true] {
                let mut made = build();
                if stubborn {
                    made = made.ignoring_term(110).ignoring_term(victim);
                }
                let before: Vec<ProcessId> = TREE.iter().map(|pid| made.made(*pid).id).collect();
                let (made, _) = forced_with(made, |made| made.before_call(call, Event::Reuse(victim)));
                assert_eq!(strangers(&made, &before), [], "{victim} before question {call}");
                rounds += 1;
            }
        }
        let before: Vec<ProcessId> = TREE.iter().map(|pid| build().made(*pid).id).collect();
        let (made, _) = forced_with(build(), |made| made.before_signal(victim, Event::Reuse(victim)));
        assert_eq!(strangers(&made, &before), [], "{victim} before its signal");
    }
    assert!(rounds >= 1_000, "only {rounds}");
}

/// A process of a made tree: its parent by place among those before it, what it runs, and what is special about it.
fn tree() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    prop::collection::vec((0_usize..100, 0_usize..PROGRAMS.len(), 0_u8..8), 0..14)
}

const PROGRAMS: [&str; 10] = [
    "cargo check",
    "rustc --crate-name a",
    "ld -o a",
    "sh -c make",
    "zsh",
    "nvim",
    "code",
    "make",
    "lockwatch watch",
    "git fetch",
];

proptest! {
    #[test]
    fn whatever_the_tree_nobody_is_signalled_who_must_not_be(tree in tree(), force: bool, call in 1_u64..200, event in 0_u8..4) {
        let mut made = build();
        for (place, (parent, program, special)) in tree.iter().enumerate() {
            let pid = 300 + u32::try_from(place).expect("small");
            // Below the build, or below a shell beside it.
            let parents: Vec<u32> = TREE.into_iter().chain([100, 200]).chain(300..pid).collect();
            let parent = parents[parent % parents.len()];
            made = made.process(pid, parent, PROGRAMS[*program], 40 - i64::try_from(place).expect("small"));
            made = made.with(pid, |process| {
                process.session = if special & 1 == 0 { 100 } else { pid };
                process.group = 110;
                if special & 6 == 6 {
                    process.uid = Some(0);
                }
            });
            if *special == 2 {
                made = made.ignoring_term(pid);
            }
        }
        let all: Vec<u32> = made.alive();
        let below = |pid: u32| {
            let mut here = pid;
            while here > 1 && here != 110 {
                here = made.made(here).parent;
            }
            here == 110
        };
        let ours: Vec<ProcessId> = all.iter().filter(|pid| below(**pid)).map(|pid| made.made(*pid).id).collect();
        let victim = ours[usize::try_from(call).expect("small") % ours.len()].pid;
        let before = made.clone();
        let order = Order { force, ..order(&made) };
        let mut made = match event {
            0 => made,
            1 => made.before_call(call, Event::Reuse(victim)),
            2 => made.before_call(call, Event::End(victim)),
            _ => made.before_call(call, Event::Stop(victim)),
        };
        let report = run(&mut made, &order);
        for (id, _) in made.signals() {
            prop_assert!(ours.contains(id), "{id:?} is no descendant of the holder");
            let one = before.made(id.pid);
            prop_assert_eq!(one.uid, Some(501));
            let name = one.name.as_str();
            prop_assert!(!["zsh", "nvim", "code", "lockwatch"].contains(&name), "{}", name);
            let builds = ["cargo", "rustc", "ld"].contains(&name);
            prop_assert!(one.session == 100 || builds, "{} in another session", name);
        }
        // Each is told each thing once, but for going on.
        for (place, told) in made.signals().iter().enumerate() {
            prop_assert!(told.1 == Signal::Continue || !made.signals()[..place].contains(told));
        }
        // No compiler of the plan is left over where force was used.
        if force && report.outcome == Outcome::Ended {
            prop_assert_eq!(report.leftovers().count(), 0);
        }
    }
}
