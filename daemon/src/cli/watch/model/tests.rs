use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::os::made::{Made, moment};
use crate::process::Pid;
use crate::state::Source;

const ROOM: Room = Room {
    page: 10,
    details: false,
};
const CACHE: &str = "/home/me/.cargo/.package-cache";

/// Holders in the order of their queues: each with the processes that wait behind it.
fn update(holders: &[(Pid, &[Pid])]) -> Update {
    let mut made = Made::default();
    for (holder, waiters) in holders {
        made = made.process(*holder, 1, "cargo build", 60);
        for waiter in *waiters {
            made = made.process(*waiter, 1, "cargo check", 5);
        }
        let waiting: Vec<_> = waiters.iter().map(|pid| (*pid, '+')).collect();
        made = made.lock(
            &format!("/p{holder}/target/debug/.cargo-lock"),
            &[(*holder, '+')],
            &waiting,
        );
    }
    let state = State::direct(&made.look(), &BTreeSet::new());
    Update::State(Arc::new(Published::new(state).expect("is written")))
}

fn model(holders: &[(Pid, &[Pid])]) -> Model {
    let mut model = Model::default();
    model.update(update(holders), moment(0));
    model
}

/// The rows as words, the chosen one with a mark.
fn picture(model: &Model) -> String {
    let rows = model.rows();
    let chosen = model.chosen(&rows);
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        let mark = if chosen == Some(place) { "*" } else { "" };
        let word = match row {
            Row::Holder(entry) => format!("h{}", entry.process.pid),
            Row::Waiter { waiter, .. } => format!("w{}", waiter.process.pid),
            Row::More { number, .. } => format!("+{number}"),
            Row::Rest(number) => format!("rest{number}"),
            Row::Unseen(_) => "unseen".to_owned(),
            Row::Note(_) => "note".to_owned(),
        };
        let _ = write!(text, "{mark}{word} ");
    }
    text.trim_end().to_owned()
}

fn press(model: &mut Model, keys: &[Key]) -> After {
    keys.iter().map(|key| model.key(*key, ROOM)).last().expect("a key")
}

#[test]
fn moving_chooses_a_row_and_stays_within_the_list() {
    let mut model = model(&[(10, &[11, 12])]);
    assert_eq!(picture(&model), "h10 w11 w12");
    for (key, then) in [
        (Key::Down, "*h10 w11 w12"),
        (Key::Down, "h10 *w11 w12"),
        (Key::Char('j'), "h10 w11 *w12"),
        (Key::Down, "h10 w11 *w12"),
        (Key::Char('k'), "h10 *w11 w12"),
        (Key::Home, "*h10 w11 w12"),
        (Key::Up, "*h10 w11 w12"),
        (Key::End, "h10 w11 *w12"),
        (Key::PageUp, "*h10 w11 w12"),
        (Key::PageDown, "h10 w11 *w12"),
    ] {
        assert_eq!(press(&mut model, &[key]), After::Draw);
        assert_eq!(picture(&model), then, "{key:?}");
    }
}

#[test]
fn a_chosen_process_stays_chosen_wherever_it_goes() {
    let mut model = model(&[(10, &[11, 12]), (20, &[21])]);
    press(&mut model, &[Key::Down, Key::Down, Key::Down, Key::Down]);
    assert_eq!(picture(&model), "h10 w11 w12 *h20 w21");
    model.update(update(&[(10, &[11]), (20, &[21, 22, 23])]), moment(1000));
    assert_eq!(picture(&model), "*h20 w21 w22 w23 h10 w11");
}

#[test]
fn where_it_has_gone_the_one_in_its_place_is_chosen() {
    let mut model = model(&[(10, &[11, 12]), (20, &[21])]);
    press(&mut model, &[Key::Down, Key::Down]);
    model.update(update(&[(10, &[12]), (20, &[21])]), moment(1000));
    assert_eq!(picture(&model), "h10 *w12 h20 w21");
    press(&mut model, &[Key::End]);
    model.update(update(&[(10, &[12])]), moment(2000));
    assert_eq!(picture(&model), "h10 *w12");
    model.update(update(&[]), moment(3000));
    assert_eq!(picture(&model), "");
    model.update(update(&[(30, &[31])]), moment(4000));
    assert_eq!(picture(&model), "h30 w31", "nothing is chosen until somebody chooses");
}

#[test]
fn another_process_with_the_same_number_is_another_row() {
    let with_start = |seconds| {
        let made = Made::default()
            .process(9, 1, "cargo test", 100)
            .process(10, 1, "cargo build", seconds)
            .lock(CACHE, &[(9, '-'), (10, '-')], &[]);
        let state = State::direct(&made.look(), &BTreeSet::new());
        Update::State(Arc::new(Published::new(state).expect("is written")))
    };
    let mut model = Model::default();
    model.update(with_start(60), moment(0));
    press(&mut model, &[Key::End, Key::Right]);
    model.details_scroll = 3;
    model.update(with_start(60), moment(1));
    assert_eq!((picture(&model).as_str(), model.details_scroll), ("h9 *h10", 3));
    model.update(with_start(2), moment(2));
    assert_eq!((picture(&model).as_str(), model.details_scroll), ("h9 *h10", 0));
}

#[test]
fn many_waiters_are_folded_until_somebody_asks() {
    let waiters: Vec<Pid> = (100..200).collect();
    let mut model = model(&[(10, &waiters)]);
    assert!(picture(&model).ends_with("w106 +93"), "{}", picture(&model));
    press(&mut model, &[Key::End, Key::Enter]);
    assert!(picture(&model).contains("*w107"), "{}", picture(&model));
    assert_eq!(model.rows().len(), 101);
    model.update(update(&[(10, &waiters[1..])]), moment(1000));
    assert_eq!(model.rows().len(), 100, "it stays unfolded");
    model.update(update(&[]), moment(2000));
    model.update(update(&[(10, &waiters)]), moment(3000));
    assert_eq!(model.rows().len(), 9, "it is folded when it comes again");
    // A line that tells of one more takes as much room as that one.
    model.update(update(&[(10, &waiters[..8])]), moment(3000));
    assert!(picture(&model).ends_with("w107"));
}

#[test]
fn what_blocks_nobody_is_shown_when_asked_for_or_when_there_is_nothing_else() {
    let mut one = model(&[(10, &[11]), (20, &[]), (30, &[])]);
    assert_eq!(picture(&one), "h10 w11 rest2");
    press(&mut one, &[Key::Char('a')]);
    assert_eq!(picture(&one), "h10 w11 h20 h30");
    press(&mut one, &[Key::Char('a'), Key::End, Key::Enter]);
    assert_eq!(picture(&one), "h10 w11 *h20 h30");
    assert_eq!(picture(&model(&[(20, &[]), (30, &[])])), "h20 h30");
}

#[test]
fn escape_leaves_one_thing_after_the_other() {
    let mut model = model(&[(10, &[11])]);
    assert_eq!(press(&mut model, &[Key::Enter, Key::Char('?')]), After::Draw);
    assert!(model.help && model.details(false));
    assert_eq!(press(&mut model, &[Key::Esc]), After::Draw);
    assert!(!model.help && model.details(false));
    assert_eq!(press(&mut model, &[Key::Esc]), After::Draw);
    assert!(!model.details(false));
    assert_eq!(press(&mut model, &[Key::Esc]), After::Quit);
}

#[test]
fn what_each_key_leads_to() {
    for (key, after) in [
        (Key::Char('q'), After::Quit),
        (Key::Ctrl('c'), After::Quit),
        (Key::Ctrl('z'), After::Suspend),
        (Key::Ctrl('l'), After::Repaint),
        (Key::Char('x'), After::Nothing),
        (Key::Down, After::Draw),
    ] {
        for help in [false, true] {
            let mut model = Model {
                help,
                ..Model::default()
            };
            let after = if help && after == After::Nothing {
                After::Nothing
            } else {
                after
            };
            assert_eq!(model.key(key, ROOM), after, "{key:?}");
        }
    }
}

#[test]
fn time_goes_on_by_the_machines_clock_whatever_the_wall_clock_does() {
    // The state is 5 s old when it comes, as a daemon gives the one of its last change.
    let mut model = Model::default();
    model.update(update(&[(10, &[])]), moment(5_000));
    let at = |after: u64| model.state(moment(after)).expect("is there").1;
    assert_eq!(at(5_000), Duration::from_secs(5));
    assert_eq!(at(7_500), Duration::from_millis(7_500));
    let mut set_back = moment(7_500);
    set_back.wall = Timestamp::UNIX_EPOCH;
    assert_eq!(model.state(set_back).expect("is there").1, Duration::from_millis(7_500));
    assert_eq!(model.now(set_back), moment(7_500).wall);
    assert!(model.ticks());
    model.update(update(&[]), moment(8_000));
    assert!(!model.ticks(), "nothing moves where nothing is held");
}

#[test]
fn a_trouble_lasts_as_long_as_it_is_one() {
    let daemons = |mut model: Model, source| {
        let Update::State(mut published) = update(&[]) else {
            unreachable!("it is a state")
        };
        Arc::get_mut(&mut published).expect("is ours").state.source = source;
        model.update(Update::State(published), moment(0));
        model.trouble.is_some()
    };
    let troubled = |trouble| Model {
        trouble: Some(trouble),
        ..Model::default()
    };
    let gone = || troubled(Trouble::DaemonGone("closed".to_owned()));
    assert!(daemons(gone(), Source::Direct));
    assert!(!daemons(gone(), Source::Daemon));
    assert!(!daemons(troubled(Trouble::EngineEnded), Source::Direct));
}

proptest! {
    #[test]
    fn no_keys_and_no_states_break_it(steps in prop::collection::vec((0_usize..14, 0_u32..4, 0_u32..12), 0..40)) {
        const KEYS: [Key; 13] = [
            Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Enter, Key::Left, Key::Right,
            Key::Char('a'), Key::Char('?'), Key::Esc, Key::Char('x'),
        ];
        let mut model = Model::default();
        for (key, holders, waiters) in steps {
            if let Some(key) = KEYS.get(key) {
                model.key(*key, ROOM);
            } else {
                let behind: Vec<Pid> = (100..100 + waiters).collect();
                let all: Vec<(Pid, &[Pid])> = (1..=holders).map(|pid| (pid, if pid == 1 { &behind[..] } else { &[] })).collect();
                model.update(update(&all), moment(0));
            }
            let rows = model.rows();
            let ids: Vec<RowId> = rows.iter().map(Row::id).collect();
            for (place, id) in ids.iter().enumerate() {
                prop_assert!(!ids[..place].contains(id), "{:?} is there twice", id);
            }
            prop_assert_eq!(model.looked_at(&rows).is_some(), !rows.is_empty());
            // Whoever has chosen keeps a row chosen as long as there is one.
            prop_assert!(model.selected.is_none() || model.chosen(&rows).is_some());
        }
    }
}
