use super::*;
use crate::os::made::{Made, moment};
use crate::os::{Mode, Note};
use crate::places::CargoHomes;
use crate::verdict::{Class, Reason};

const CACHE: &str = "/home/me/.cargo/.package-cache";
const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-lock";

/// 10 runs 20 in its build script.
fn made() -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(10, 1, "cargo build", 100)
        .process(20, 10, "cargo metadata", 90)
}

/// A core that sees one made kernel after the other.
struct Scene {
    core: Core<Made>,
}

impl Scene {
    fn new(source: Source) -> Self {
        let observer = Observer::new(Made::default(), CargoHomes::new(None, Some("/home/me".into())));
        Self {
            core: Core::new(observer, Tracker::default(), source, Thresholds::default()),
        }
    }

    fn see(&mut self, after: u64, made: &Made) -> Outcome {
        self.core.observer.set_kernel(made.clone());
        let look = self.core.look(moment(after)).expect("looks");
        self.core.track(look, &|_| false);
        self.core.publish(moment(0), true).expect("is JSON")
    }
}

#[test]
fn a_generation_is_a_change_and_not_the_passing_of_time() {
    let mut scene = Scene::new(Source::Daemon);
    let held = made().lock(CACHE, &[(10, '+')], &[]);
    let shared = made().lock(CACHE, &[(10, '-')], &[]);
    for (after, made, generation, is_new) in [
        (0, &made(), 1, true),
        (1000, &held, 2, true),
        (2000, &held, 2, false),
        (3000, &shared, 3, true),
        (4000, &shared.clone().note(Note::PidNamespace), 4, true),
    ] {
        let outcome = scene.see(after, made);
        let state = &outcome.published.state;
        assert_eq!(
            (state.generation, outcome.is_new),
            (Some(generation), is_new),
            "after {after} ms"
        );
        assert_eq!(state.as_of, moment(after).wall);
        assert_eq!(
            serde_json::from_str::<State>(&outcome.published.json).expect("reads"),
            *state
        );
    }
    scene.core.observer.set_kernel(shared.clone());
    let look = scene.core.look(moment(5000)).expect("looks");
    scene.core.track(look, &|_| false);
    assert!(scene.core.publish(moment(0), false).is_some(), "the note is gone");
    assert!(
        scene.core.publish(moment(0), false).is_none(),
        "nothing is new, and nobody asked"
    );
    let last = scene.see(5500, &shared);
    let holder = &last.published.state.locks[0].holders[0];
    assert_eq!(
        (holder.mode, holder.held_ms),
        (Some(Mode::Shared), Some(4500)),
        "one hold in two modes"
    );
    assert_eq!(holder.since, Some(moment(1000).wall));
}

#[test]
fn an_engine_within_another_program_counts_no_generations() {
    let outcome = Scene::new(Source::Direct).see(0, &made());
    let state = &outcome.published.state;
    assert_eq!((state.source, state.generation), (Source::Direct, None));
}

#[test]
fn a_circle_counts_when_it_lasts() {
    let circle = made().lock(BUILD, &[(10, '+')], &[(20, '+')]);
    let mut scene = Scene::new(Source::Daemon);
    let verdict = |outcome: &Outcome| outcome.published.state.locks[0].holders[0].verdict.reason;
    assert_eq!(verdict(&scene.see(0, &circle)), Reason::NotObserved);
    assert_eq!(verdict(&scene.see(900, &circle)), Reason::NotObserved);
    let lasting = scene.see(1000, &circle);
    assert_eq!(verdict(&lasting), Reason::Deadlock);
    assert!(lasting.is_new);
    assert_eq!(lasting.published.state.summary.stuck, 1);
    let over = made().lock(BUILD, &[(10, '+')], &[]);
    assert_eq!(
        scene.see(1100, &over).published.state.locks[0].holders[0].verdict.class,
        Class::Unknown
    );
    assert_eq!(
        verdict(&scene.see(5000, &circle)),
        Reason::NotObserved,
        "another circle"
    );
}

#[test]
fn trouble_is_told_until_it_is_over() {
    let mut scene = Scene::new(Source::Daemon);
    scene.see(0, &made());
    scene.core.set_trouble(Trouble::Watch, Some("it rains".to_owned()));
    let wet = scene.core.publish(moment(0), false).expect("is JSON");
    assert!(wet.is_new);
    assert_eq!(wet.published.state.notes, ["it rains"]);
    scene.core.set_trouble(Trouble::Watch, None);
    scene.core.set_trouble(Trouble::Look, Some("it is dark".to_owned()));
    let dark = scene.core.publish(moment(0), true).expect("is JSON");
    assert_eq!(dark.published.state.precision, Precision::Inferred);
    scene.core.set_trouble(Trouble::Look, None);
    assert_eq!(scene.see(10, &made()).published.state.notes, [""; 0]);
}

#[test]
fn whom_and_what_to_watch() {
    let mut scene = Scene::new(Source::Daemon);
    assert!(!scene.core.is_busy());
    let made = made()
        .lock(CACHE, &[(10, '+')], &[(20, '+')])
        .lock(BUILD, &[(10, '+')], &[])
        .lock("/gone/target/debug/.cargo-lock", &[(10, '+')], &[])
        .last_file(|file| file.deleted = true);
    scene.see(0, &made);
    assert!(scene.core.is_busy());
    assert_eq!(scene.core.participants(), [10, 20]);
    assert_eq!(scene.core.lock_files(), BTreeSet::from([CACHE.into(), BUILD.into()]));
    assert_eq!(scene.core.files_of(20).len(), 1);
    assert_eq!(scene.core.files_of(10).len(), 3);
    assert_eq!(scene.core.files_of(1), []);
}
