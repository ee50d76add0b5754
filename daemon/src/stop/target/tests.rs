use std::collections::BTreeSet;

use super::*;
use crate::os::made::Made;

const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-lock";
const CACHE: &str = "/home/me/.cargo/.package-cache";

fn state(made: Made) -> State {
    State::direct(&made.look(), &BTreeSet::new())
}

fn chain() -> State {
    // 30 waits for 20, which waits for 10.
    state(
        Made::default()
            .process(10, 1, "cargo fetch", 50)
            .process(20, 1, "cargo build", 40)
            .process(30, 1, "cargo check", 30)
            .lock(CACHE, &[(10, '+')], &[(20, '+')])
            .lock(BUILD, &[(20, '+')], &[(30, '+')]),
    )
}

fn pid(found: Result<Token, TargetError>) -> Pid {
    found.expect("is found").process.pid
}

#[test]
fn whoever_is_in_the_way_in_the_end() {
    assert_eq!(pid(resolve(&chain(), None)), 10);
}

#[test]
fn a_token_a_number_and_a_path() {
    let state = chain();
    let token = state.locks[0].holders[0].token.to_string();
    for (word, expected) in [(token.as_str(), 10), ("20", 20), (CACHE, 10), (BUILD, 20)] {
        assert_eq!(pid(resolve(&state, Some(word))), expected, "{word}");
    }
}

#[test]
fn of_several_locks_the_one_that_somebody_waits_for() {
    let state = state(
        Made::default()
            .process(10, 1, "cargo build", 50)
            .process(20, 1, "cargo build", 40)
            .lock("/home/me/.cargo/.package-cache-mutate", &[(10, '-')], &[])
            .lock(BUILD, &[(10, '+')], &[(20, '+')]),
    );
    let token = resolve(&state, Some("10")).expect("is found");
    assert_eq!(token, resolve(&state, Some(BUILD)).expect("is found"));
    assert_eq!(token, resolve(&state, None).expect("is found"));
}

#[test]
fn errors_say_what_to_type() {
    let quiet = state(
        Made::default()
            .process(10, 1, "cargo build", 50)
            .process(11, 1, "cargo test", 50)
            .lock(BUILD, &[(10, '-'), (11, '-')], &[]),
    );
    let two = state(
        Made::default()
            .process(10, 1, "cargo build", 50)
            .process(11, 1, "cargo test", 50)
            .process(20, 1, "cargo check", 40)
            .lock(BUILD, &[(10, '-'), (11, '-')], &[(20, '+')]),
    );
    let empty = state(Made::default());
    let said: Vec<String> = [
        (&quiet, None),
        (&two, None),
        (&two, Some("20")),
        (&two, Some("99")),
        (&two, Some(BUILD)),
        (&two, Some("/no\nsuch/lock")),
        (&empty, None),
        (&empty, Some("99")),
    ]
    .into_iter()
    .map(|(state, word)| resolve(state, word).expect_err("nobody").to_string())
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}
