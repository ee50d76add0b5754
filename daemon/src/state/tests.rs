use super::*;
use crate::os::Note;
use crate::os::made::Made;

pub(super) fn contended() -> State {
    let look = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(4700, 1, "-zsh", 600)
        .process(4711, 4700, "cargo build --release", 135)
        .process(4800, 4700, "cargo check", 4)
        .lock("/home/me/.cargo/.package-cache", &[(4711, '+')], &[(4800, '+')])
        .note(Note::NoCargoHome)
        .look();
    State::direct(&look, &BTreeSet::new())
}

#[test]
fn the_document() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&contended()).expect("is JSON"));
}

#[test]
fn it_reads_what_it_writes() {
    let state = contended().with_bystanders(&[]);
    let json = serde_json::to_string(&state).expect("is JSON");
    assert_eq!(serde_json::from_str::<State>(&json).expect("reads"), state);
}

#[test]
fn an_older_reader_takes_what_a_newer_writer_adds() {
    let mut json = serde_json::to_value(contended()).expect("is JSON");
    json["novelty"] = true.into();
    json["locks"][0]["holders"][0]["novelty"] = "too".into();
    json["locks"][0]["holders"][0]["verdict"]["class"] = "asleep".into();
    json["locks"][0]["holders"][0]["verdict"]["reason"] = "full-moon".into();
    let state: State = serde_json::from_value(json).expect("reads");
    let given = &state.locks[0].holders[0].verdict;
    assert_eq!((given.class, given.reason), (Class::Unknown, Reason::NotObserved));
}

#[test]
fn stuck_counts_processes_and_held_counts_locks() {
    let look = Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(10, 1, "cargo build", 60)
        .with(10, |process| process.state = crate::process::RunState::Stopped)
        .lock("/p/target/debug/.cargo-build-lock", &[(10, '+')], &[])
        .lock("/p/target/debug/.cargo-artifact-lock", &[(10, '+')], &[])
        .lock("/p/target/debug/.cargo-lock", &[(10, '-')], &[])
        .look();
    let summary = State::direct(&look, &BTreeSet::new()).summary;
    assert_eq!(
        summary,
        Summary {
            held: 3,
            contended: 0,
            stuck: 1
        }
    );
}

#[test]
fn projects() {
    for (lock, folder) in [
        ("/home/me/src/parity/target/debug/.cargo-lock", "/home/me/src/parity"),
        (
            "/home/me/src/parity/target/aarch64-apple-darwin/release/.cargo-lock",
            "/home/me/src/parity",
        ),
        ("/home/me/src/parity/target/.cargo-lock", "/home/me/src/parity"),
        ("/var/cache/build/debug/.cargo-build-lock", "/var/cache/build"),
        ("/target/debug/.cargo-lock", "/target"),
        ("/debug/.cargo-lock", "/debug"),
        (".cargo-lock", ""),
        ("", ""),
    ] {
        assert_eq!(project(lock), folder, "{lock}");
    }
}
