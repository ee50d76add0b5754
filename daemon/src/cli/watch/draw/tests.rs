use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::cli::watch::keys::Key;
use crate::engine::Published;
use crate::live::{Trouble, Update};
use crate::os::Note;
use crate::os::made::{Made, moment};
use crate::process::{Pid, RunState};

/// What there is a snapshot of.
const SIZES: [(u16, u16); 4] = [(80, 24), (200, 60), (40, 10), (10, 3)];
/// What only has to be drawn.
const ABSURD: [(u16, u16); 8] = [(1, 1), (2, 1), (1, 40), (300, 1), (3, 5), (20, 2), (12, 14), (139, 9)];
const CACHE: &str = "/home/me/.cargo/.package-cache";
const BUILD: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";
const ARTIFACT: &str = "/home/me/src/parity/target/debug/.cargo-artifact-lock";
const MUTATE: &str = "/home/me/.cargo/.package-cache-mutate";

fn base() -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 90_000)
        .process(4600, 1, "rust-analyzer", 7_000)
        .process(4700, 1, "-zsh", 9_000)
        .process(4711, 4600, "cargo check --workspace --message-format=json", 133)
        .process(4800, 4700, "cargo build --release", 4)
}

fn contended() -> Made {
    base()
        .process(4801, 4700, "cargo test -p parity-core --all-features", 3)
        .lock(BUILD, &[(4711, '+')], &[(4800, '+')])
        .lock(ARTIFACT, &[(4711, '+')], &[])
        .lock(MUTATE, &[(4711, '-'), (4800, '-')], &[(4801, '+')])
}

fn state(made: Made) -> State {
    State::direct(&made.look(), &BTreeSet::new())
}

/// As a daemon gives it: with the begin of all.
fn by_daemon(made: Made) -> State {
    let mut state = state(made);
    state.source = Source::Daemon;
    for lock in &mut state.locks {
        for holder in &mut lock.holders {
            holder.held_ms = Some(131_000);
        }
        for waiter in &mut lock.waiters {
            waiter.waited_ms = Some(3_500);
        }
    }
    state
}

fn model(state: State) -> Model {
    let mut model = Model::default();
    let published = Published::new(state).expect("is written");
    model.update(Update::State(Arc::new(published)), moment(0));
    model
}

fn theme(colour: bool) -> Theme {
    Theme {
        home: Some("/home/me".to_owned()),
        colour,
    }
}

fn terminal(model: &mut Model, (width, height): (u16, u16), colour: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("is made");
    let drawn = terminal.draw(|frame| {
        draw(frame, model, moment(2_000), &theme(colour));
    });
    drawn.expect("draws");
    terminal
}

fn picture(model: &mut Model, size: (u16, u16)) -> String {
    terminal(model, size, true).backend().to_string()
}

fn snapshot(name: &str, size: (u16, u16), picture: &str) {
    if SIZES.contains(&size) {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture);
    }
}

/// A snapshot for each size, of a model as it is after some keys; and no size breaks it.
fn shows(name: &str, state: &State, keys: &[Key]) {
    for size in SIZES.into_iter().chain(ABSURD) {
        let mut model = model(state.clone());
        for key in keys {
            let mut room = Room::default();
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("is made");
            terminal
                .draw(|frame| room = draw(frame, &mut model, moment(2_000), &theme(true)))
                .expect("draws");
            model.key(*key, room);
        }
        let picture = picture(&mut model, size);
        snapshot(name, size, &picture);
    }
}

#[test]
fn nothing_held() {
    shows("nothing_held", &state(base()), &[]);
}

#[test]
fn one_holder() {
    shows("one_holder", &state(base().lock(BUILD, &[(4711, '+')], &[])), &[]);
}

#[test]
fn contended_without_a_daemon() {
    shows("contended", &state(contended()), &[]);
}

#[test]
fn contended_by_a_daemon_with_details() {
    shows("contended_details", &by_daemon(contended()), &[Key::Down, Key::Enter]);
}

#[test]
fn the_details_of_a_waiter_that_others_wait_for() {
    shows(
        "waiter_details",
        &by_daemon(contended()),
        &[Key::Down, Key::Down, Key::Enter],
    );
}

fn stuck() -> Made {
    base()
        .process(4800, 4700, "cargo build --release", 4)
        .with(4711, |process| process.state = RunState::Stopped)
        .lock(CACHE, &[(4711, '+')], &[(4800, '+')])
}

#[test]
fn a_suspended_holder() {
    shows("stuck", &by_daemon(stuck()), &[]);
}

#[test]
fn twelve_holders() {
    let mut made = base();
    let pids: Vec<Pid> = (5000..5012).collect();
    for pid in &pids {
        made = made.process(*pid, 4700, "cargo build", i64::from(*pid) - 4990).lock(
            &format!("/home/me/src/project-{pid}/target/debug/.cargo-lock"),
            &[(*pid, '+')],
            &[],
        );
    }
    shows("twelve_holders", &state(made), &[]);
}

fn hundred_waiters() -> Made {
    let mut made = base();
    let pids: Vec<Pid> = (5000..5100).collect();
    for pid in &pids {
        made = made.process(*pid, 4700, "cargo test", i64::from(*pid) - 4990);
    }
    let waiters: Vec<_> = pids.iter().map(|pid| (*pid, '+')).collect();
    made.lock(BUILD, &[(4711, '+')], &waiters)
}

#[test]
fn a_hundred_waiters() {
    shows("hundred_waiters", &by_daemon(hundred_waiters()), &[]);
    shows(
        "hundred_waiters_unfolded",
        &by_daemon(hundred_waiters()),
        &[Key::End, Key::Enter, Key::End],
    );
}

#[test]
fn hostile_names() {
    let made = base()
        .process(4900, 4700, "cargo x", 9)
        .with(4900, |process| {
            process.argv = [
                "cargo",
                "build",
                "--package=日本語のとても長い名前のクレート日本語のとても長い名前",
            ]
            .map(Into::into)
            .into();
            process.cwd = Some("/home/me/\u{202e}evil/e\u{301}e\u{301}".into());
        })
        .process(4901, 4700, "cargo y", 9)
        .with(4901, |process| {
            process.argv = ["cargo", "run", "\u{1b}[31mred\nline", "مرحبا", "👩‍👩‍👧"]
                .map(Into::into)
                .into();
        })
        .lock(
            "/home/me/src/日本\n語/target/debug/.cargo-lock",
            &[(4900, '+')],
            &[(4901, '+')],
        );
    shows("hostile", &by_daemon(made), &[Key::Down, Key::Enter]);
}

#[test]
fn notes_and_a_holder_that_is_not_seen() {
    let made = base()
        .lock(CACHE, &[], &[(4800, '+')])
        .note(Note::OtherUser {
            path: CACHE.into(),
            pid: Some(77),
        })
        .note(Note::PidNamespace);
    shows("notes", &state(made), &[]);
}

#[test]
fn a_daemon_that_has_gone() {
    for size in SIZES.into_iter().chain(ABSURD) {
        let mut model = model(state(contended()));
        let trouble = Trouble::DaemonGone("it closed the connection".to_owned());
        model.update(Update::Trouble(trouble), moment(0));
        let picture = picture(&mut model, size);
        snapshot("trouble", size, &picture);
    }
}

#[test]
fn the_help() {
    shows("help", &state(contended()), &[Key::Char('?')]);
}

#[test]
fn before_the_first_look() {
    insta::assert_snapshot!(picture(&mut Model::default(), (80, 24)));
}

#[test]
fn nothing_is_told_by_colour_alone() {
    let mut coloured = model(by_daemon(stuck()));
    let mut plain = model(by_daemon(stuck()));
    let coloured = terminal(&mut coloured, (80, 24), true);
    let plain = terminal(&mut plain, (80, 24), false);
    assert_eq!(coloured.backend().to_string(), plain.backend().to_string());
    let colours = |terminal: &Terminal<TestBackend>| {
        let cells = terminal.backend().buffer().content();
        cells
            .iter()
            .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
            .count()
    };
    assert!(colours(&coloured) > 0);
    assert_eq!(colours(&plain), 0);
    assert!(plain.backend().to_string().contains("STUCK"));
}

#[test]
fn the_chosen_row_is_always_in_sight() {
    let state = by_daemon(hundred_waiters());
    for size in [(80, 24), (40, 10), (200, 60), (30, 6)] {
        let mut model = model(state.clone());
        let press = |model: &mut Model, key| {
            let mut room = Room::default();
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("is made");
            let drawn = terminal.draw(|frame| room = draw(frame, model, moment(0), &theme(true)));
            drawn.expect("draws");
            model.key(key, room);
        };
        press(&mut model, Key::End);
        press(&mut model, Key::Enter);
        for key in [
            Key::Home,
            Key::PageDown,
            Key::PageDown,
            Key::End,
            Key::PageUp,
            Key::Up,
            Key::Home,
        ] {
            press(&mut model, key);
            let terminal = terminal(&mut model, size, false);
            let cells = terminal.backend().buffer().content();
            let below_title = cells.iter().skip(size.0.into());
            let reversed = below_title
                .filter(|cell| cell.modifier.contains(Modifier::REVERSED))
                .count();
            assert!(
                reversed >= usize::from(size.0) / 2,
                "{size:?} {key:?}\n{}",
                terminal.backend()
            );
        }
    }
}
