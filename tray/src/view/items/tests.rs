//! Items are made and changed without a desktop; what a desktop sees is tested over D-Bus.

use lockwatch::process::ProcessId;

use super::*;

fn row(key: &str, text: &str, kind: Kind) -> Row {
    Row {
        key: key.to_owned(),
        text: text.to_owned(),
        kind,
    }
}

fn text(key: &str) -> Row {
    row(key, key, Kind::Text)
}

fn choice(pid: u32) -> Row {
    row(&format!("stop {pid}"), "Stop", Kind::Choice(agree(pid)))
}

fn agree(pid: u32) -> Action {
    Action::Agree(ProcessId { pid, start: 1 })
}

struct Made {
    menu: Menu,
    shown: Vec<Shown>,
}

impl Made {
    fn of(rows: &[Row]) -> Self {
        let mut made = Self {
            menu: Menu::new(),
            shown: Vec::new(),
        };
        made.show(rows);
        made
    }

    fn show(&mut self, rows: &[Row]) {
        show(Level::Root(&self.menu), &mut self.shown, rows).expect("is shown");
        let shown: Vec<&Row> = self.shown.iter().map(|shown| &shown.row).collect();
        assert_eq!(shown, rows.iter().collect::<Vec<_>>());
        let in_menu: Vec<MenuId> = self.menu.items().iter().map(|item| item.id().clone()).collect();
        assert_eq!(in_menu, self.ids());
    }

    fn ids(&self) -> Vec<MenuId> {
        self.shown.iter().map(|shown| shown.item().id().clone()).collect()
    }
}

#[test]
fn only_what_changed_comes_and_goes() {
    let mut made = Made::of(&[text("a"), choice(1), text("z"), choice(9)]);
    let before = made.ids();
    made.show(&[text("a"), choice(1), choice(2), text("b"), text("z"), choice(9)]);
    let after = made.ids();
    assert_eq!(
        [&after[0], &after[1], &after[4], &after[5]],
        [&before[0], &before[1], &before[2], &before[3]]
    );
    made.show(&[text("a"), text("z"), choice(9)]);
    assert_eq!(made.ids(), [before[0].clone(), before[2].clone(), before[3].clone()]);
    made.show(&[]);
}

#[test]
fn texts_change_in_place() {
    let mut made = Made::of(&[text("a"), row("g", "1", Kind::Group(vec![text("b")]))]);
    let before = made.ids();
    made.show(&[
        row("a", "A & B", Kind::Text),
        row("g", "2", Kind::Group(vec![text("b"), text("c")])),
    ]);
    assert_eq!(made.ids(), before);
    let Item::Plain(item) = &made.shown[0].item else {
        panic!("is a text")
    };
    assert_eq!(item.text(), "A && B");
}

#[test]
fn an_open_menu_has_no_room_for_other_rows() {
    let made = Made::of(&[text("a"), choice(1), row("g", "g", Kind::Group(vec![text("b")]))]);
    for (rows, fits) in [
        (
            vec![
                row("a", "new", Kind::Text),
                choice(1),
                row("g", "g", Kind::Group(vec![text("b")])),
            ],
            true,
        ),
        (
            vec![text("a"), choice(2), row("g", "g", Kind::Group(vec![text("b")]))],
            false,
        ),
        (vec![text("a"), choice(1), row("g", "g", Kind::Group(vec![]))], false),
        (vec![text("a"), choice(1)], false),
    ] {
        assert_eq!(has_rows_for(&made.shown, &rows), fits, "{rows:?}");
    }
}

/// Under the pointer nothing moves: what is gone is greyed out, and a click on it means nothing.
#[test]
fn what_is_gone_from_an_open_menu_is_greyed_out() {
    let mut made = Made::of(&[text("a"), choice(1), choice(2)]);
    let ids = made.ids();
    refresh(&mut made.shown, &[row("a", "new", Kind::Text), choice(2)]);
    assert_eq!(made.ids(), ids);
    assert_eq!(chosen(&made.shown, &ids[1]), None);
    assert_eq!(chosen(&made.shown, &ids[2]), Some(agree(2)));
    let enabled: Vec<bool> = made
        .shown
        .iter()
        .map(|shown| match &shown.item {
            Item::Plain(item) => item.is_enabled(),
            _ => panic!("are plain"),
        })
        .collect();
    assert_eq!(enabled, [false, false, true]);
    assert_eq!(made.shown[0].row.text, "new");
    // When it is closed, what was left out is shown.
    made.show(&[text("a"), choice(2)]);
}

#[test]
fn only_choices_can_be_chosen() {
    let check = |action| Kind::Check { on: true, action };
    let made = Made::of(&[
        text("a"),
        row("on", "on", check(Some(Action::AtLogin))),
        row("grey", "grey", check(None)),
        row("g", "g", Kind::Group(vec![choice(1)])),
    ]);
    let ids = made.ids();
    assert_eq!(chosen(&made.shown, &ids[0]), None);
    assert_eq!(chosen(&made.shown, &ids[1]), Some(Action::AtLogin));
    assert_eq!(chosen(&made.shown, &ids[2]), None);
    assert_eq!(chosen(&made.shown, &ids[3]), None);
    let Item::Group(_, inner) = &made.shown[3].item else {
        panic!("is a group")
    };
    assert_eq!(chosen(&made.shown, inner[0].item().id()), Some(agree(1)));
}

#[test]
fn a_check_shows_what_is_so() {
    let mut made = Made::of(&[row(
        "x",
        "x",
        Kind::Check {
            on: false,
            action: Some(Action::AtLogin),
        },
    )]);
    let checked = |made: &Made| match &made.shown[0].item {
        Item::Check(item) => item.is_checked(),
        _ => panic!("is a check"),
    };
    let Item::Check(item) = &made.shown[0].item else {
        panic!("is a check")
    };
    // As the click does.
    item.set_checked(true);
    assert_eq!(chosen(&made.shown, &made.ids()[0]), Some(Action::AtLogin));
    assert!(!checked(&made), "until it is so");
    made.show(&[row(
        "x",
        "x",
        Kind::Check {
            on: true,
            action: Some(Action::AtLogin),
        },
    )]);
    assert!(checked(&made));
}
