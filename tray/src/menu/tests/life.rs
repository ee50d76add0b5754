//! What the menu says about the daemon and the tray themselves.

use super::*;

#[test]
fn the_end_of_the_menu() {
    let end = |facts: &Facts| {
        let (model, _) = Model::of(facts, Duration::ZERO);
        let end = model.rows.iter().position(|row| row.key == "tail").expect("has one");
        let mut text = String::new();
        draw(&model.rows[end..], "", &mut text);
        text
    };
    let usual = Facts {
        waited_today: Some(Duration::from_secs(754)),
        at_login: Login::Yes,
        ..facts(Some(build().state()))
    };
    let unusual = Facts {
        link: Link::Gone {
            why: "no daemon runs".to_owned(),
        },
        at_login: Login::Unknown("no service manager here"),
        notifications: Notifications::OffInConfig,
        ..facts(None)
    };
    insta::assert_snapshot!(format!("{}\n{}", end(&usual), end(&unusual)));
}

#[test]
fn without_a_daemon() {
    let link = |link| shown(&Facts { link, ..facts(None) });
    let gone = |why: &str| link(Link::Gone { why: why.to_owned() });
    let texts = [
        link(Link::Looking),
        gone("no daemon runs"),
        gone("the daemon does not answer; if it stays so, end it and start it again"),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_daemon_of_another_version() {
    let following = |version: &str| {
        shown(&Facts {
            link: Link::Following {
                version: version.to_owned(),
                pid: 77,
            },
            ..facts(Some(build().state()))
        })
    };
    insta::assert_snapshot!(format!("{}\n{}", following("0.0.9"), following("0.10.0")));
}

#[test]
fn what_went_wrong_is_told() {
    let facts = Facts {
        trouble: Some("no terminal program was found; run `lockwatch watch` in a terminal".to_owned()),
        ..facts(Some(build().state()))
    };
    insta::assert_snapshot!(shown(&facts));
}

/// A text that changes by itself does so at whole minutes, and where nobody holds anything none does.
#[test]
fn the_next_change_is_known() {
    let next = |state| Model::of(&facts(Some(state)), Duration::from_secs(1)).1;
    assert_eq!(next(build().state()), None);
    let held = build().lock(LockKind::BuildDir, BUILD).held(1, "cargo build").told(
        "/x",
        (OriginKind::Terminal, "zsh"),
        Duration::from_secs(130),
    );
    assert_eq!(next(held.state()), Some(Duration::from_secs(49)));
}

#[test]
fn the_title_can_be_turned_off() {
    let state = || {
        let held = build().lock(LockKind::BuildDir, BUILD).held(1, "cargo build");
        Some(held.waited(2, "cargo test").lasting(Duration::from_secs(130)).state())
    };
    let title = |title| {
        Model::of(
            &Facts {
                title,
                ..facts(state())
            },
            Duration::ZERO,
        )
        .0
        .title
    };
    assert_eq!((title(true).as_deref(), title(false)), (Some("2m"), None));
}

/// The key of each row, in groups too.
fn keys(rows: &[Row]) -> Vec<&str> {
    let inside = rows.iter().flat_map(|row| match &row.kind {
        Kind::Group(rows) => keys(rows),
        _ => Vec::new(),
    });
    rows.iter().map(|row| row.key.as_str()).chain(inside).collect()
}

#[test]
fn each_row_has_a_key_of_its_own() {
    let locks = (1..=14).fold(build(), |locks, number| {
        let path = format!("/home/me/src/p{number}/target/debug/.cargo-lock");
        let held = locks.lock(LockKind::BuildDir, &path).held(number, "cargo build");
        (0..9).fold(held, |locks, waiter| {
            locks.waited(100 + 10 * number + waiter, "cargo test")
        })
    });
    let mut state = locks.state();
    state.notes = vec!["word ".repeat(60), "another".to_owned()];
    let (model, _) = Model::of(&facts(Some(state)), Duration::ZERO);
    let mut all = keys(&model.rows);
    let number = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), number);
    assert!(number > 50, "{number}");
}
