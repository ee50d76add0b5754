use std::collections::{BTreeSet, VecDeque};
use std::io;

use super::*;
use crate::os::made::Made;
use crate::state::Source;

/// A state with one holder, told by the number of its process.
fn published(source: Source, generation: u64, holder: u32) -> Arc<Published> {
    let look = Made::default()
        .process(holder, 1, "cargo build", 60)
        .lock("/home/me/.cargo/.package-cache", &[(holder, '+')], &[])
        .look();
    let mut state = State::direct(&look, &BTreeSet::new());
    state.source = source;
    state.generation = Some(generation);
    Arc::new(Published::new(state).expect("is written"))
}

enum Step {
    State(u64, u32),
    Quiet,
    End(&'static str),
}
use Step::{End, Quiet, State as See};

struct Script {
    source: Source,
    steps: VecDeque<Step>,
}

impl Stream for Script {
    fn next(&mut self, patience: Option<Duration>) -> Next {
        match self.steps.pop_front() {
            Some(See(generation, holder)) => Next::State(published(self.source, generation, holder)),
            Some(End(why)) => Next::Ended(why.to_owned()),
            Some(Quiet) => Next::Quiet,
            // A script that has run out: the test has seen what it wanted to.
            None => {
                std::thread::sleep(patience.unwrap_or(Duration::from_mins(1)));
                Next::Quiet
            }
        }
    }
}

enum Door {
    Nobody,
    Refuses(&'static str),
    Opens(Vec<Step>),
}

#[derive(Default)]
struct Fake {
    doors: VecDeque<Door>,
    engines: VecDeque<Option<Vec<Step>>>,
}

impl Sources for Fake {
    type Daemon = Script;
    type Engine = Script;

    fn connect(&mut self) -> Result<Option<Script>, String> {
        match self.doors.pop_front() {
            None | Some(Door::Nobody) => Ok(None),
            Some(Door::Refuses(why)) => Err(why.to_owned()),
            Some(Door::Opens(steps)) => Ok(Some(Script {
                source: Source::Daemon,
                steps: steps.into(),
            })),
        }
    }

    fn engine(&mut self) -> Result<Script, StartError> {
        match self.engines.pop_front() {
            None => Ok(Vec::new()),
            Some(steps) => steps.ok_or_else(|| StartError::Bell(io::Error::other("no descriptors"))),
        }
        .map(|steps| Script {
            source: Source::Direct,
            steps: steps.into(),
        })
    }
}

/// The first updates, each as a word: who looked, the generation and the holder; or the trouble.
fn first(number: usize, doors: Vec<Door>, engines: Vec<Option<Vec<Step>>>) -> Vec<String> {
    let sources = Fake {
        doors: doors.into(),
        engines: engines.into(),
    };
    let (out, mut updates) = mpsc::channel(1);
    // A retry at once: a daemon is asked for after each state and each quiet moment.
    let follower = Follower::new(sources, out, Duration::ZERO);
    let thread = std::thread::spawn(move || follower.run());
    let told = (0..number).map(|_| match updates.blocking_recv().expect("goes on") {
        Update::State(published) => {
            let state = &published.state;
            let pid = state.locks[0].holders[0].process.pid;
            let read: State = serde_json::from_str(&published.json).expect("is the document");
            assert_eq!(read, *state, "text and state are one");
            format!("{:?} {} {pid}", state.source, state.generation.expect("is set"))
        }
        Update::Trouble(trouble) => trouble.to_string(),
    });
    let told = told.collect();
    drop(updates);
    drop(thread);
    told
}

#[test]
fn a_daemon_is_followed_from_the_start() {
    let doors = vec![Door::Opens(vec![See(41, 10), See(42, 11), Quiet, See(43, 12)])];
    assert_eq!(
        first(3, doors, vec![]),
        ["Daemon 41 10", "Daemon 42 11", "Daemon 43 12"]
    );
}

#[test]
fn without_one_it_looks_itself_and_moves_over_when_one_appears() {
    let engines = vec![Some(vec![See(1, 10), See(2, 11)])];
    let doors = vec![Door::Nobody, Door::Nobody, Door::Opens(vec![See(1, 12), See(2, 13)])];
    assert_eq!(
        first(4, doors, engines),
        ["Direct 1 10", "Direct 2 11", "Daemon 1 12", "Daemon 2 13"]
    );
}

#[test]
fn when_it_goes_looking_begins_at_once_and_generations_begin_anew() {
    let engines = vec![Some(vec![See(1, 11), See(2, 12)])];
    let doors = vec![
        Door::Opens(vec![See(41, 10), End("closed")]),
        Door::Nobody,
        Door::Opens(vec![See(1, 13)]),
    ];
    assert_eq!(
        first(5, doors, engines),
        [
            "Daemon 41 10",
            "the daemon has gone (closed); looking without it, and asking for one every 2 s",
            "Direct 1 11",
            "Direct 2 12",
            "Daemon 1 13",
        ]
    );
}

#[test]
fn the_same_state_of_a_daemon_that_came_back_is_not_shown_twice() {
    let doors = vec![
        Door::Opens(vec![See(41, 10), End("closed")]),
        Door::Opens(vec![See(1, 10), See(2, 11)]),
    ];
    let engines = vec![Some(vec![Quiet])];
    let told = first(3, doors, engines);
    assert_eq!(told[0], "Daemon 41 10");
    assert_eq!(told[2], "Daemon 2 11");
}

#[test]
fn a_daemon_that_does_not_answer_is_told_once_and_the_engine_goes_on() {
    let engines = vec![Some(vec![See(1, 10), See(2, 11), See(3, 12)])];
    let doors = vec![
        Door::Refuses("it speaks protocol 9"),
        Door::Refuses("it speaks protocol 9"),
        Door::Opens(vec![End("closed")]),
        Door::Opens(vec![Quiet]),
    ];
    let trouble = |why| format!("the daemon cannot be followed: {why}; looking without it, and asking again every 2 s");
    assert_eq!(
        first(6, doors, engines),
        [
            trouble("it speaks protocol 9"),
            "Direct 1 10".to_owned(),
            "Direct 2 11".to_owned(),
            trouble("closed"),
            "Direct 3 12".to_owned(),
            trouble("it does not answer"),
        ]
    );
}

#[test]
fn a_look_that_fails_and_an_engine_that_ends_are_told_and_tried_again() {
    let engines = vec![None, Some(vec![See(1, 10), End("gone")]), Some(vec![See(1, 11)])];
    assert_eq!(
        first(4, vec![], engines),
        [
            "cannot watch processes: no descriptors; raise the limit of open files (`ulimit -n`)",
            "Direct 1 10",
            "looking has ended; it begins again within 2 s",
            "Direct 1 11",
        ]
    );
}

#[test]
fn it_ends_when_nobody_receives() {
    let sources = Fake {
        engines: vec![Some(vec![See(1, 10), See(2, 11)])].into(),
        ..Fake::default()
    };
    let (out, updates) = mpsc::channel(1);
    let follower = Follower::new(sources, out, Duration::ZERO);
    let thread = std::thread::spawn(move || follower.run());
    drop(updates);
    thread.join().expect("ends");
}

#[test]
fn only_time_that_goes_by_makes_no_other_state() {
    let one = &published(Source::Daemon, 1, 10).state;
    let mut later = one.clone();
    later.as_of = Timestamp::MAX;
    later.generation = Some(2);
    later.locks[0].holders[0].held_ms = Some(5);
    assert!(alike(one, &later));
    later.locks[0].holders[0].verdict.evidence.push("news".to_owned());
    assert!(!alike(one, &later));
}

#[test]
fn an_engine_of_this_process_gives_its_newest_state_and_tells_its_end() {
    let waiting = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("builds");
    let (publish, states) = tokio::sync::watch::channel(published(Source::Direct, 1, 10));
    let (requests, _requested) = mpsc::channel(1);
    let mut engine = FromEngine {
        handle: Handle { states, requests },
        runtime: waiting,
        begun: false,
    };
    let mut next = || match engine.next(Some(Duration::ZERO)) {
        Next::State(published) => published.state.generation,
        Next::Quiet => None,
        Next::Ended(_) => Some(u64::MAX),
    };
    assert_eq!((next(), next()), (Some(1), None));
    publish.send_replace(published(Source::Direct, 2, 11));
    publish.send_replace(published(Source::Direct, 3, 12));
    assert_eq!((next(), next()), (Some(3), None));
    drop(publish);
    assert_eq!(next(), Some(u64::MAX));
}
