//! Judgements over time: each row of the table, and the moment before it applies.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::process::Pid;
use crate::verdict::window::tests::{id, member, sample, window};
use crate::work::Sample;

/// A holder of one lock whose tree did something for ten seconds and then nothing for a while.
struct Story {
    made: Made,
    lock: &'static str,
    tree: Vec<(Pid, Member)>,
    change: fn(&mut Sample),
    lost_starter: Option<&'static str>,
}

fn story(lock: &'static str) -> Story {
    Story {
        made: terminal(10, "cargo build"),
        lock,
        tree: Vec::new(),
        change: |_| {},
        lost_starter: None,
    }
}

impl Story {
    fn with(mut self, pid: Pid, parent: Pid, name: &str) -> Self {
        self.tree.push((pid, member(parent, name, 0)));
        self
    }

    /// Changes the process that was added last.
    fn which(mut self, change: impl FnOnce(&mut Member)) -> Self {
        change(&mut self.tree.last_mut().expect("was added").1);
        self
    }

    fn look(&self) -> Look {
        self.made.clone().lock(self.lock, &[(10, '+')], &[]).look()
    }

    /// The verdict when nothing has moved for so many seconds.
    fn still_for(&self, seconds: u64) -> Verdict {
        let mut window = window();
        window.push(sample(0, 0, &self.tree));
        for at in (2..=seconds + 2).step_by(2) {
            let mut sample = sample(at, 5_000, &self.tree);
            (self.change)(&mut sample);
            window.push(sample);
        }
        self.verdict(&window)
    }

    fn verdict(&self, window: &Window) -> Verdict {
        let look = self.look();
        let one = look.processes.values().next().expect("the holder");
        let case = Case {
            look: &look,
            graph: &WaitGraph::of(&look),
            confirmed: &BTreeSet::new(),
        };
        let course = Course {
            window,
            lost_starter: self.lost_starter,
        };
        crate::verdict::judge(one, case, Some(course))
    }

    /// The verdict while these processes used so many milliseconds in ten seconds.
    fn busy(&self, used: &[(Pid, u64)], change: impl Fn(&mut Sample, u64)) -> Verdict {
        let mut window = window();
        for step in 0..=5_u64 {
            let mut sample = sample(step * 2, 0, &self.tree);
            for (pid, cpu) in used {
                let member = sample.members.get_mut(&id(*pid)).expect("is there");
                member.work.cpu = std::time::Duration::from_millis(cpu * step / 5);
            }
            change(&mut sample, step);
            window.push(sample);
        }
        self.verdict(&window)
    }
}

/// What the verdict is from which second on.
#[track_caller]
fn assert_course(story: &Story, expected: &[(u64, Class, Reason)]) {
    for (place, (from, class, reason)) in expected.iter().enumerate() {
        let until = expected.get(place + 1).map_or(from + 100, |(next, _, _)| next - 2);
        for seconds in [*from, until] {
            assert_eq!(word(&story.still_for(seconds)), (*class, *reason), "after {seconds} s");
        }
    }
}

use Class::{Quiet, Stuck, Working};

#[test]
fn without_a_child() {
    assert_course(
        &story(BUILD),
        &[
            (0, Working, Reason::Compiling),
            (10, Quiet, Reason::NoProgress),
            (120, Stuck, Reason::NoProgress),
        ],
    );
}

#[test]
fn with_an_idle_child() {
    assert_course(
        &story(BUILD).with(11, 10, "build-script-bu"),
        &[
            (0, Working, Reason::Compiling),
            (10, Quiet, Reason::NoProgress),
            (900, Stuck, Reason::NoProgress),
        ],
    );
    let ended = story(BUILD)
        .with(11, 10, "rustc")
        .which(|child| child.state = RunState::Zombie);
    assert_course(&ended, &[(120, Stuck, Reason::NoProgress)]);
}

#[test]
fn a_download_that_stands_still() {
    let mut story = story(CACHE);
    story.change = |sample| sample.received = Received::Bytes(BTreeMap::from([(7, 0)]));
    assert_course(
        &story,
        &[
            (0, Working, Reason::Resolving),
            (10, Quiet, Reason::Downloading),
            (120, Stuck, Reason::NoProgress),
        ],
    );
    story.change = |sample| sample.received = Received::Connections(1);
    assert_course(
        &story,
        &[(10, Quiet, Reason::Downloading), (600, Stuck, Reason::NoProgress)],
    );
    story.lock = BUILD;
    assert_course(
        &story,
        &[(10, Quiet, Reason::NoProgress), (120, Stuck, Reason::NoProgress)],
    );
}

#[test]
fn somebody_asks_a_person() {
    let git = || story(CACHE).with(11, 10, "git").with(12, 11, "ssh");
    let expected = |meanwhile| {
        [
            (0, Working, Reason::Resolving),
            (10, Quiet, meanwhile),
            (30, Stuck, Reason::Prompt),
        ]
    };
    assert_course(&git().which(|ssh| ssh.reads_terminal = true), &expected(Reason::Remote));
    assert_course(
        &story(CACHE).with(11, 10, "pinentry-curses"),
        &expected(Reason::NoProgress),
    );
    // An ssh that waits for its server is none.
    assert_course(&git(), &[(10, Quiet, Reason::Remote), (2_000, Quiet, Reason::Remote)]);
    assert_course(
        &story(CACHE).with(11, 10, "git-credential-cache--daemon"),
        &[(10, Quiet, Reason::NoProgress), (900, Stuck, Reason::NoProgress)],
    );
}

#[test]
fn whoever_started_it_is_gone() {
    let mut story = story(CACHE);
    story.lost_starter = Some("rust-analyzer");
    assert_course(
        &story,
        &[
            (0, Working, Reason::Resolving),
            (10, Quiet, Reason::NoProgress),
            (30, Stuck, Reason::Orphaned),
        ],
    );
    let asks = story.with(11, 10, "pinentry");
    assert_course(&asks, &[(30, Stuck, Reason::Prompt)]);
}

#[test]
fn a_worker_elsewhere() {
    let story = || story(BUILD);
    let expected = [(0, Working, Reason::Compiling), (10, Quiet, Reason::Remote)];
    assert_course(&story().with(11, 10, "sccache"), &expected);
    assert_course(&story().with(11, 10, "ssh"), &expected);
}

#[test]
fn a_stopped_child() {
    let story = story(BUILD)
        .with(11, 10, "rustc")
        .which(|child| child.state = RunState::Stopped);
    assert_course(
        &story,
        &[(0, Working, Reason::Compiling), (10, Stuck, Reason::Suspended)],
    );
    assert!(story.still_for(10).advice.contains("kill -CONT 11"));
}

#[test]
fn what_works_is_told_by_what_shows_it() {
    let build = story(BUILD)
        .with(11, 10, "rustc")
        .with(12, 10, "cc")
        .with(13, 10, "build-script-bu");
    for (used, reason) in [
        ([(10, 900), (11, 0)], Reason::Compiling),
        ([(11, 9_000), (12, 100)], Reason::Compiling),
        ([(11, 100), (12, 9_000)], Reason::Linking),
        ([(12, 100), (13, 9_000)], Reason::BuildScript),
    ] {
        assert_eq!(word(&build.busy(&used, |_, _| {})), (Working, reason), "{used:?}");
    }
    let cache = story(CACHE).with(11, 10, "git");
    let received = |sample: &mut Sample, step| sample.received = Received::Bytes(BTreeMap::from([(7, step * 5000)]));
    let files = |sample: &mut Sample, step| sample.registry_files = step;
    assert_eq!(word(&cache.busy(&[], received)), (Working, Reason::Downloading));
    assert_eq!(word(&cache.busy(&[], files)), (Working, Reason::Unpacking));
    assert_eq!(word(&cache.busy(&[(10, 900)], |_, _| {})), (Working, Reason::Resolving));
    assert_eq!(
        word(&cache.busy(&[(11, 900)], |_, _| {})),
        (Working, Reason::Downloading)
    );
    let remote = story(BUILD).with(11, 10, "sccache");
    let output = |sample: &mut Sample, step| sample.output = Some(std::time::Duration::from_secs(step));
    assert_eq!(word(&remote.busy(&[], output)), (Working, Reason::Compiling));
}

#[test]
fn fewer_samples_than_that_tell_nothing() {
    let mut window = window();
    for at in [0, 2, 4, 6, 8] {
        window.push(sample(at, 0, &[]));
        let verdict = story(BUILD).verdict(&window);
        assert_eq!(word(&verdict), (Class::Unknown, Reason::NotObserved), "after {at} s");
    }
    window.push(sample(10, 0, &[]));
    assert_eq!(word(&story(BUILD).verdict(&window)), (Quiet, Reason::NoProgress));
}

#[test]
fn in_words() {
    let build = story(BUILD).with(11, 10, "rustc").with(12, 10, "rustc");
    let cache = story(CACHE).with(11, 10, "git").with(12, 11, "ssh");
    let asks = story(CACHE).with(11, 10, "ssh").which(|ssh| ssh.reads_terminal = true);
    let mut orphan = story(CACHE);
    orphan.lost_starter = Some("rust-analyzer");
    let mut text = String::new();
    for verdict in [
        build.busy(&[(10, 200), (11, 9_000), (12, 8_000)], |_, _| {}),
        cache.busy(&[(11, 300)], |sample, step| {
            sample.received = Received::Bytes(BTreeMap::from([(7, step * 4_321)]));
            sample.registry_files = step * 3;
        }),
        build.still_for(10),
        story(BUILD).still_for(130),
        cache.still_for(4000),
        asks.still_for(65),
        orphan.still_for(30),
        story(BUILD).with(11, 10, "sccache").still_for(12),
    ] {
        let Verdict {
            class,
            reason,
            evidence,
            advice,
            ..
        } = verdict;
        let evidence = evidence.join("\n  ");
        writeln!(text, "{class:?} {reason:?}\n  {evidence}\n  → {advice}").expect("a text takes all");
    }
    insta::assert_snapshot!(text);
}
