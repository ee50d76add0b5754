use std::path::PathBuf;

use super::*;
use crate::service::{Answer, AtLogin, LastExit, LogPart, ManagerKind};

fn running() -> Status {
    Status {
        agent: Agent::Daemon,
        manager: ManagerKind::Launchd,
        file: Some(PathBuf::from(
            "/Users/me/Library/LaunchAgents/com.example.lockwatch.plist",
        )),
        edited: false,
        program: Some("/opt/homebrew/bin/lockwatch".into()),
        program_is_there: true,
        at_login: AtLogin::Yes,
        loaded: true,
        running: Some(4711),
        last_exit: None,
        answer: Some(Answer {
            pid: 4711,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }),
    }
}

fn all() -> [(&'static str, Status); 7] {
    let answer = |pid, version: &str| {
        Some(Answer {
            pid,
            version: version.to_owned(),
        })
    };
    let absent = Status {
        file: None,
        program: None,
        program_is_there: false,
        at_login: AtLogin::No,
        loaded: false,
        running: None,
        answer: None,
        ..running()
    };
    [
        ("it runs", running()),
        ("not installed", absent.clone()),
        (
            "not installed, one by hand",
            Status {
                manager: ManagerKind::Systemd,
                answer: answer(12, env!("CARGO_PKG_VERSION")),
                ..absent.clone()
            },
        ),
        (
            "it waits for one of another version",
            Status {
                edited: true,
                last_exit: Some(LastExit::Signal("Killed: 9".to_owned())),
                answer: answer(12, "0.0.9"),
                ..running()
            },
        ),
        (
            "another version",
            Status {
                answer: answer(4711, "0.0.9"),
                ..running()
            },
        ),
        (
            "turned off, the program gone",
            Status {
                program_is_there: false,
                at_login: AtLogin::Disabled,
                running: None,
                last_exit: Some(LastExit::Code(78)),
                answer: None,
                ..running()
            },
        ),
        (
            "the tray, masked",
            Status {
                agent: Agent::Tray,
                manager: ManagerKind::Systemd,
                at_login: AtLogin::Disabled,
                last_exit: Some(LastExit::Code(0)),
                ..absent
            },
        ),
    ]
}

#[test]
fn the_status_as_text() {
    let shown = all().map(|(what, status)| format!("# {what}\n{}", view::status(&status, Some("/Users/me"))));
    insta::assert_snapshot!(shown.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn the_status_as_json() {
    let shown: Vec<String> = all()
        .iter()
        .map(|(_, status)| serde_json::to_string_pretty(&document(status)).expect("can"))
        .collect();
    insta::assert_snapshot!(shown.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn logs_say_where_they_are() {
    for (text, shown) in [
        ("a\nb\n", "==> /x/y.log <==\na\nb\n"),
        ("", "==> /x/y.log <==\n(nothing)\n"),
    ] {
        let part = LogPart {
            from: "/x/y.log".to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(view::log(&part), shown);
    }
}
