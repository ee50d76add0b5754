//! The scenes that prove the verdicts: real processes, judged over time by a real daemon. `daemon/tests/scenes.md` has them
//! as a table.
//!
//! `cargo test` plays them with thresholds at a tenth of the defaults, all side by side, as each consists of waiting;
//! `packaging/scenes.sh` plays them with the defaults, by `LOCKWATCH_SCENES_SCALE=1`, and several times.

mod builds;
mod cast;
mod downloads;
mod expect;
mod judge;
mod locks;
pub(crate) mod part;
mod registry;
mod scale;
mod stage;
mod starters;
mod stopped;
mod table;
mod times;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use self::expect::{Course, Step};
use self::stage::Stage;
use self::times::Times;

/// One scene.
pub(crate) struct Scene {
    /// Its name, as the trial and the table have it.
    name: &'static str,
    /// Whether the daemon is paused in it, so that it is no daemon for others.
    own_daemon: bool,
    /// A program that not every machine has.
    takes: Option<&'static str>,
    /// Starts the processes.
    set_up: fn(&Stage) -> cast::Cast,
    /// What is to be seen, in order.
    steps: &'static [Step],
}

/// How a scene went.
type Outcome = Result<Completion, String>;

pub(crate) fn trials() -> Vec<Trial> {
    let batch = Arc::new(Batch::default());
    let scene = |scene: &'static Scene| {
        let batch = batch.clone();
        Trial::ignorable_test(trial_name(scene), move || batch.outcome(scene).map_err(Failed::from))
    };
    let mut trials: Vec<Trial> = table::SCENES.iter().map(scene).collect();
    let test = |name: &str, body: fn()| {
        Trial::test(format!("scenes::{name}"), move || {
            body();
            Ok(())
        })
    };
    trials.push(test("the_table_in_the_document_is_this_one", documented));
    trials.push(test("what_is_not_as_expected_is_found", expect::finds_what_is_wrong));
    trials
}

fn trial_name(scene: &Scene) -> String {
    format!("scenes::{}", scene.name)
}

/// The scenes under way. The first trial that asks starts all that are chosen, and each waits for its own.
#[derive(Default)]
struct Batch {
    started: OnceLock<Mutex<BTreeMap<&'static str, JoinHandle<Outcome>>>>,
}

impl Batch {
    fn outcome(&self, scene: &'static Scene) -> Outcome {
        let started = self.started.get_or_init(|| {
            let arguments = Arguments::from_args();
            let chosen = table::SCENES.iter().filter(|scene| is_chosen(&arguments, scene));
            Mutex::new(chosen.map(|scene| (scene.name, start(scene))).collect())
        });
        let mine = started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(scene.name);
        // One that the arguments left out, and that is asked for all the same.
        mine.unwrap_or_else(|| start(scene))
            .join()
            .expect("catches the panics of the scene")
    }
}

/// Starts a scene, as often as is asked for.
fn start(scene: &'static Scene) -> JoinHandle<Outcome> {
    let thread = std::thread::Builder::new().name(scene.name.to_owned());
    let all = move || {
        let outcomes = Times::asked_for().each(|time| {
            let played = catch_unwind(|| play(scene, time)).unwrap_or_else(|problem| {
                let problem = said(&*problem);
                report(scene, time, &problem.replace(['\n', '\t'], " "), "FAILED");
                Err(problem)
            });
            played.map_err(|problem| format!("time {time}: {problem}"))
        });
        // What cannot be played here cannot be played the next time either.
        outcomes
            .into_iter()
            .reduce(|first, next| if first.is_err() { first } else { next })
            .expect("once at least")
    };
    thread.spawn(all).expect("starts")
}

/// What a panic said.
fn said(problem: &(dyn std::any::Any + Send)) -> String {
    let text = problem.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| problem.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
        .to_owned()
}

/// Whether a trial runs, by the same rules as those of the test harness.
fn is_chosen(arguments: &Arguments, scene: &Scene) -> bool {
    let name = trial_name(scene);
    let fits = |filter: &String| {
        if arguments.exact {
            name == *filter
        } else {
            name.contains(filter)
        }
    };
    arguments.filter.as_ref().is_none_or(fits) && !arguments.skip.iter().any(fits)
}

/// Plays a scene from its beginning to its end; whatever it started has ended when this returns.
fn play(scene: &'static Scene, time: usize) -> Outcome {
    if let Some(program) = scene.takes
        && is_missing(program)
    {
        report(scene, time, &format!("takes {program}"), "not played");
        return Ok(Completion::ignored_with(format!(
            "takes {program}, which this machine has not"
        )));
    }
    let stage = Stage::new(scene.own_daemon);
    let mut course = Course::default();
    let begin = std::time::Instant::now();
    let cast = (scene.set_up)(&stage);
    let played = expect::play(scene.steps, cast, &stage, begin, &mut course);
    report(
        scene,
        time,
        &course.to_string(),
        if played.is_ok() { "ok" } else { "FAILED" },
    );
    played.map(|()| Completion::Completed).map_err(|problem| {
        let expected = expect::in_words(scene.steps);
        format!("{problem}\nexpected: {expected}\ngiven: {course}\n{}", stage.talk())
    })
}

fn is_missing(program: &str) -> bool {
    let asked = std::process::Command::new(program).arg("--version").output();
    asked.is_err()
}

/// A line for the script: the name, which time, what was expected, what was given, and how it went.
fn report(scene: &Scene, time: usize, given: &str, how: &str) {
    let Some(path) = std::env::var_os("LOCKWATCH_SCENES_REPORT") else {
        return;
    };
    let line = format!(
        "{}\t{time}\t{}\t{given}\t{how}\n",
        scene.name,
        expect::in_words(scene.steps)
    );
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("writes the report");
}

fn documented() {
    let document = include_str!("../scenes.md");
    for scene in table::SCENES {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", scene.name)));
        let row = row.unwrap_or_else(|| panic!("scenes.md has no row for {}", scene.name));
        let expected = format!("| {} |", expect::in_words(scene.steps));
        assert!(
            row.contains(&expected),
            "in scenes.md, {} must say {expected}",
            scene.name
        );
    }
    let rows = document.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, table::SCENES.len(), "scenes.md has rows for scenes that are gone");
}
