//! Each situation as the verbs that launchd is asked, what it says, and what is told of it.

use std::time::Duration;

use super::*;
use crate::service::made::{Made, Turn, fails, ok, program, says};

const RUNNING: &str = include_str!("print-running.txt");
const NOT_FOUND: &str = "Bad request.\nCould not find service \"com.example.lockwatch\" in domain for user gui: 501";
const ON: &str = "\tdisabled services = {\n\t\t\"com.example.lockwatch\" => enabled\n\t}\n";
const OFF: &str = "\tdisabled services = {\n\t\t\"com.example.lockwatch\" => disabled\n\t}\n";
const LOOKS: u32 = 3;

/// What is there before the first verb.
#[derive(Clone, Copy, Debug)]
enum File {
    Missing,
    Ours,
    /// Ours, for a program elsewhere.
    Older,
    Edited,
}

#[derive(Clone, Copy, Debug)]
enum Wish {
    Install,
    Renew,
    Uninstall,
    Start,
    Stop,
    Restart,
    Allow,
    AtLogin(bool),
}

/// Does something with a made launchd, in a home of its own: what was told, with the error where there was one.
fn play(what: &str, agent: Agent, file: File, wish: Wish, turns: Vec<Turn>) -> Vec<String> {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let turns = turns.into_iter().map(|turn| turn.in_home(path)).collect();
    let made = Made::new(turns);
    let launchd = Launchd {
        launchctl: made.runner(),
        uid: 501,
        home: path.to_owned(),
        logs: path.join("Library/Logs/lockwatch"),
        carried: Vec::new(),
        pace: Pace {
            every: Duration::ZERO,
            looks: LOOKS,
        },
    };
    let bin = program(&path.join("bin").join(agent.program_name()));
    let own = launchd.file(agent);
    let filled = |program: &Path| {
        let printed = launchd.printed_file(agent);
        property_list::filled_in(agent, program, path, &printed, &[]).expect("can")
    };
    let text = match file {
        File::Missing => None,
        File::Ours => Some(filled(&bin)),
        File::Older => Some(filled(&path.join("old/lockwatch"))),
        File::Edited => Some(filled(&bin).replace("Standard", "Interactive")),
    };
    if let Some(text) = text {
        std::fs::create_dir_all(own.parent().expect("has one")).expect("makes it");
        std::fs::write(&own, text).expect("writes");
    }
    let mut told = Vec::new();
    let tell = &mut |act: Act| told.push(act.to_string());
    let result = match wish {
        Wish::Install => launchd.install(agent, &bin, false, tell),
        Wish::Renew => launchd.install(agent, &bin, true, tell),
        Wish::Uninstall => launchd.uninstall(agent, tell),
        Wish::Start => launchd.start(agent, tell),
        Wish::Stop => launchd.stop(agent, tell),
        Wish::Restart => launchd.restart(agent, tell),
        Wish::Allow => launchd.allow(agent, tell),
        Wish::AtLogin(wanted) => launchd.set_at_login(agent, wanted, tell),
    };
    told.extend(result.err().map(|error| format!("error: {error}")));
    made.check(what);
    match wish {
        Wish::Install | Wish::Renew => {
            assert_eq!(std::fs::read_to_string(&own).expect("is there"), filled(&bin), "{what}");
        }
        Wish::Uninstall => assert_eq!(
            own.exists(),
            told.iter().any(|told| told.starts_with("error")),
            "{what}"
        ),
        _ => {}
    }
    let home = path.to_str().expect("text");
    told.into_iter()
        .map(|told| made.named("launchctl", &told).replace(home, "~"))
        .collect()
}

impl Turn {
    fn in_home(self, home: &Path) -> Self {
        self.replaced("~", home.to_str().expect("text"))
    }
}

/// `print` of the domain at the screen: somebody is logged in there.
fn at_the_screen() -> Turn {
    says("print gui/501", "gui/501 = {\n\ttype = login\n")
}

/// Nobody is.
fn nobody_there() -> Turn {
    fails(
        "print gui/501",
        125,
        "Bad request.\nCould not find domain for user gui: 501",
    )
}

/// launchd does not have it in one domain.
fn not_in(domain: &str) -> Turn {
    fails(&format!("print {domain}/501/com.example.lockwatch"), 113, NOT_FOUND)
}

/// launchd does not have it.
fn absent() -> Vec<Turn> {
    vec![not_in("gui"), not_in("user")]
}

/// launchd has it at the screen, with this program, running or not.
fn there(program: &str, runs: bool) -> Turn {
    let text = RUNNING.replace("/usr/local/bin/lockwatch", program);
    let text = if runs { text } else { text.replace("\tpid = 4711\n", "") };
    says("print gui/501/com.example.lockwatch", &text)
}

fn here() -> Turn {
    there("~/bin/lockwatch", true)
}

fn turned(off: &str) -> Turn {
    says("print-disabled gui/501", off)
}

const BOOTSTRAP: &str = "bootstrap gui/501 ~/Library/LaunchAgents/com.example.lockwatch.plist";
const BOOTOUT: &str = "bootout gui/501/com.example.lockwatch";
const KICKSTART: &str = "kickstart gui/501/com.example.lockwatch";
const KICKSTART_K: &str = "kickstart -k gui/501/com.example.lockwatch";
const IO_ERROR: &str = "Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.";
const IN_PROGRESS: &str = "Boot-out failed: 36: Operation now in progress";

/// A new installation up to where it is brought in.
fn before_bootstrap() -> Vec<Turn> {
    [absent(), vec![at_the_screen(), turned(ON), at_the_screen()]].concat()
}

#[test]
fn the_table_of_situations() {
    let mut shown = Vec::new();
    let rows: Vec<(&str, File, Wish, Vec<Turn>)> = vec![
        (
            "install, new",
            File::Missing,
            Wish::Install,
            [before_bootstrap(), vec![ok(BOOTSTRAP)]].concat(),
        ),
        (
            "install, the second time",
            File::Ours,
            Wish::Install,
            vec![here(), turned(ON)],
        ),
        (
            "install, the second time, and it has crashed",
            File::Ours,
            Wish::Install,
            vec![there("~/bin/lockwatch", false), turned(ON), ok(KICKSTART)],
        ),
        (
            "install, another version at the same path",
            File::Ours,
            Wish::Renew,
            vec![here(), turned(ON), ok(KICKSTART_K)],
        ),
        (
            "install over an older path",
            File::Older,
            Wish::Install,
            vec![
                there("~/old/lockwatch", true),
                turned(ON),
                ok(BOOTOUT),
                not_in("gui"),
                ok(BOOTSTRAP),
            ],
        ),
        (
            "install over an older path that launchd still has, though the file is new",
            File::Ours,
            Wish::Install,
            vec![
                there("~/old/lockwatch", true),
                turned(ON),
                ok(BOOTOUT),
                not_in("gui"),
                ok(BOOTSTRAP),
            ],
        ),
        (
            "install over an older path, and its end takes a while",
            File::Older,
            Wish::Install,
            vec![
                here(),
                turned(ON),
                fails(BOOTOUT, 36, IN_PROGRESS),
                here(),
                not_in("gui"),
                ok(BOOTSTRAP),
            ],
        ),
        (
            "install over an older path that does not end",
            File::Older,
            Wish::Install,
            vec![here(), turned(ON), ok(BOOTOUT), here(), here(), here()],
        ),
        (
            "install over an edited file",
            File::Edited,
            Wish::Install,
            vec![here(), turned(ON), ok(BOOTOUT), not_in("gui"), ok(BOOTSTRAP)],
        ),
        (
            "install, turned off",
            File::Missing,
            Wish::Install,
            [absent(), vec![at_the_screen(), turned(OFF)]].concat(),
        ),
        (
            "install over an older path, turned off and running",
            File::Older,
            Wish::Install,
            vec![here(), turned(OFF)],
        ),
        (
            "install, and one of before is on its way out",
            File::Missing,
            Wish::Install,
            [
                before_bootstrap(),
                vec![
                    fails(BOOTSTRAP, 37, "Bootstrap failed: 37: Operation already in progress"),
                    not_in("gui"),
                    ok(BOOTSTRAP),
                ],
            ]
            .concat(),
        ),
        (
            "install, brought in by somebody else meanwhile",
            File::Missing,
            Wish::Install,
            [before_bootstrap(), vec![fails(BOOTSTRAP, 5, IO_ERROR), here()]].concat(),
        ),
        (
            "install, already loaded in the words of old systems",
            File::Missing,
            Wish::Install,
            [
                before_bootstrap(),
                vec![fails(BOOTSTRAP, 17, "Bootstrap failed: 17: File exists"), here()],
            ]
            .concat(),
        ),
        (
            "install, and launchd does not say why not",
            File::Missing,
            Wish::Install,
            [before_bootstrap(), vec![fails(BOOTSTRAP, 5, IO_ERROR), not_in("gui")]].concat(),
        ),
        (
            "install, and it stays busy",
            File::Missing,
            Wish::Install,
            [
                before_bootstrap(),
                std::iter::repeat_n(
                    [
                        fails(BOOTSTRAP, 36, "Bootstrap failed: 36: Operation now in progress"),
                        not_in("gui"),
                    ],
                    3,
                )
                .flatten()
                .collect(),
            ]
            .concat(),
        ),
        (
            "install, turned off in a way that is not listed",
            File::Missing,
            Wish::Install,
            [
                before_bootstrap(),
                vec![
                    fails(BOOTSTRAP, 119, "Bootstrap failed: 119: Service is disabled"),
                    not_in("gui"),
                ],
            ]
            .concat(),
        ),
        (
            "install, a folder that others may write to",
            File::Missing,
            Wish::Install,
            [
                before_bootstrap(),
                vec![
                    fails(
                        BOOTSTRAP,
                        122,
                        "Bootstrap failed: 122: Path had bad ownership/permissions",
                    ),
                    not_in("gui"),
                ],
            ]
            .concat(),
        ),
        (
            "install by ssh",
            File::Missing,
            Wish::Install,
            [
                absent(),
                vec![
                    nobody_there(),
                    says("print-disabled user/501", ON),
                    nobody_there(),
                    ok("bootstrap user/501 ~/Library/LaunchAgents/com.example.lockwatch.plist"),
                ],
            ]
            .concat(),
        ),
        (
            "uninstall",
            File::Ours,
            Wish::Uninstall,
            [vec![here(), ok(BOOTOUT), here(), not_in("gui")], absent()].concat(),
        ),
        ("uninstall, the second time", File::Missing, Wish::Uninstall, absent()),
        ("uninstall, not loaded", File::Ours, Wish::Uninstall, absent()),
        ("uninstall, edited", File::Edited, Wish::Uninstall, absent()),
        (
            "uninstall, gone by itself meanwhile",
            File::Ours,
            Wish::Uninstall,
            [
                vec![
                    here(),
                    fails(BOOTOUT, 3, "Boot-out failed: 3: No such process"),
                    not_in("gui"),
                ],
                absent(),
            ]
            .concat(),
        ),
        (
            "uninstall, in the other domain",
            File::Ours,
            Wish::Uninstall,
            [
                vec![
                    not_in("gui"),
                    says("print user/501/com.example.lockwatch", RUNNING),
                    ok("bootout user/501/com.example.lockwatch"),
                    not_in("user"),
                ],
                absent(),
            ]
            .concat(),
        ),
        (
            "uninstall, forbidden",
            File::Ours,
            Wish::Uninstall,
            vec![
                here(),
                fails(
                    BOOTOUT,
                    150,
                    "Boot-out failed: 150: Operation not permitted while System Integrity Protection is engaged",
                ),
                here(),
                here(),
                here(),
            ],
        ),
        (
            "start",
            File::Ours,
            Wish::Start,
            [
                absent(),
                vec![at_the_screen(), turned(ON), at_the_screen(), ok(BOOTSTRAP)],
            ]
            .concat(),
        ),
        ("start, running", File::Ours, Wish::Start, vec![here()]),
        (
            "start, loaded and ended",
            File::Ours,
            Wish::Start,
            vec![there("~/bin/lockwatch", false), ok(KICKSTART)],
        ),
        ("start, not installed", File::Missing, Wish::Start, absent()),
        (
            "start, turned off",
            File::Ours,
            Wish::Start,
            [absent(), vec![at_the_screen(), turned(OFF)]].concat(),
        ),
        (
            "start, gone meanwhile",
            File::Ours,
            Wish::Start,
            vec![there("~/bin/lockwatch", false), fails(KICKSTART, 113, NOT_FOUND)],
        ),
        (
            "stop",
            File::Ours,
            Wish::Stop,
            [vec![here(), ok(BOOTOUT), not_in("gui")], absent()].concat(),
        ),
        ("stop, not running", File::Ours, Wish::Stop, absent()),
        ("stop, not installed", File::Missing, Wish::Stop, absent()),
        ("restart", File::Ours, Wish::Restart, vec![here(), ok(KICKSTART_K)]),
        (
            "restart, not running",
            File::Ours,
            Wish::Restart,
            [
                absent(),
                absent(),
                vec![at_the_screen(), turned(ON), at_the_screen(), ok(BOOTSTRAP)],
            ]
            .concat(),
        ),
        (
            "restart, by a launchd that says what is not known here",
            File::Ours,
            Wish::Restart,
            vec![
                here(),
                fails(KICKSTART_K, 147, "Could not kickstart service: 147: \u{1b}[31mno"),
            ],
        ),
        (
            "allow",
            File::Ours,
            Wish::Allow,
            vec![at_the_screen(), turned(OFF), ok("enable gui/501/com.example.lockwatch")],
        ),
        (
            "allow, not turned off",
            File::Ours,
            Wish::Allow,
            vec![at_the_screen(), turned(ON)],
        ),
        (
            "allow, by a launchctl that cannot list what is turned off",
            File::Ours,
            Wish::Allow,
            vec![
                at_the_screen(),
                fails("print-disabled gui/501", 64, "Usage: launchctl …"),
            ],
        ),
        (
            "at login",
            File::Ours,
            Wish::AtLogin(true),
            vec![at_the_screen(), ok("enable gui/501/com.example.lockwatch")],
        ),
        (
            "not at login",
            File::Ours,
            Wish::AtLogin(false),
            vec![at_the_screen(), ok("disable gui/501/com.example.lockwatch")],
        ),
        ("at login, not installed", File::Missing, Wish::AtLogin(true), vec![]),
    ];
    for (what, file, wish, turns) in rows {
        let told = play(what, Agent::Daemon, file, wish, turns);
        shown.push(format!("{what}\n    {}", told.join("\n    ")));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_tray_belongs_to_the_screen() {
    let label = "com.example.lockwatch.tray";
    let absent = || ["gui", "user"].map(|domain| fails(&format!("print {domain}/501/{label}"), 113, NOT_FOUND));
    let install = [
        absent().to_vec(),
        vec![nobody_there(), says("print-disabled user/501", ON), nobody_there()],
    ];
    let told = play("install", Agent::Tray, File::Missing, Wish::Install, install.concat());
    assert_eq!(
        told[1..],
        [
            "the tray starts at login",
            "the tray starts at the next login: there is no desktop session here to start it in"
        ]
    );
    let start = [
        absent().to_vec(),
        vec![nobody_there(), says("print-disabled user/501", ON), nobody_there()],
    ];
    let told = play("start", Agent::Tray, File::Ours, Wish::Start, start.concat());
    assert!(
        told[0].starts_with("error: the tray needs a desktop session"),
        "{told:?}"
    );
    let start = [
        absent().to_vec(),
        vec![
            at_the_screen(),
            turned(ON),
            at_the_screen(),
            ok(&format!("bootstrap gui/501 ~/Library/LaunchAgents/{label}.plist")),
        ],
    ];
    let told = play("start", Agent::Tray, File::Ours, Wish::Start, start.concat());
    assert_eq!(told, ["started the tray"]);
}

#[test]
fn every_field_of_the_service_is_given() {
    let launchd = Launchd {
        launchctl: Runner::new("/bin/launchctl"),
        uid: 502,
        home: "/Users/me".into(),
        logs: "/Users/me/Library/Logs/lockwatch".into(),
        carried: Vec::new(),
        pace: Pace {
            every: Duration::ZERO,
            looks: 1,
        },
    };
    let service = launchd.service(Agent::Daemon, "user/502");
    let fields = [
        &service.name,
        &service.uid,
        &service.domain_target,
        &service.service_target,
        &service.plist_path,
        &service.error_log_path,
        &service.out_log_path,
    ];
    let log = "/Users/me/Library/Logs/lockwatch/launchd-daemon.log";
    let expected = [
        "com.example.lockwatch",
        "502",
        "user/502",
        "user/502/com.example.lockwatch",
        "/Users/me/Library/LaunchAgents/com.example.lockwatch.plist",
        log,
        log,
    ];
    assert_eq!(fields, expected);
}

#[test]
fn the_status() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    for (turns, at_login, loaded, running) in [
        (vec![here(), turned(ON)], AtLogin::Yes, true, Some(4711)),
        (
            [absent(), vec![at_the_screen(), turned(OFF)]].concat(),
            AtLogin::Disabled,
            false,
            None,
        ),
        (
            [absent(), vec![at_the_screen(), turned(ON)]].concat(),
            AtLogin::Yes,
            false,
            None,
        ),
    ] {
        let made = Made::new(turns.into_iter().map(|turn| turn.in_home(path)).collect());
        let launchd = Launchd {
            launchctl: made.runner(),
            uid: 501,
            home: path.to_owned(),
            logs: path.join("logs"),
            carried: Vec::new(),
            pace: Pace {
                every: Duration::ZERO,
                looks: 1,
            },
        };
        let bin = program(&path.join("bin/lockwatch"));
        let own = launchd.file(Agent::Daemon);
        let text = property_list::filled_in(Agent::Daemon, &bin, path, path, &[]).expect("can");
        file::put(&own, &text, &mut |_| ()).expect("can");
        let status = launchd.status(Agent::Daemon).expect("tells");
        made.check("status");
        let expected = Status {
            agent: Agent::Daemon,
            manager: ManagerKind::Launchd,
            file: Some(own),
            edited: false,
            program: Some(bin),
            program_is_there: true,
            at_login,
            loaded,
            running,
            last_exit: None,
            answer: None,
        };
        assert_eq!(status, expected);
    }
}

#[test]
fn what_a_job_printed_is_shown_and_goes_with_it() {
    let home = tempfile::tempdir().expect("a folder");
    let made = Made::new(absent());
    let launchd = Launchd {
        launchctl: made.runner(),
        uid: 501,
        home: home.path().to_owned(),
        logs: home.path().join("logs"),
        carried: Vec::new(),
        pace: Pace {
            every: Duration::ZERO,
            looks: 1,
        },
    };
    launchd.make_logs().expect("makes it");
    let file = launchd.printed_file(Agent::Daemon);
    std::fs::write(&file, "one\ntwo\n").expect("writes");
    let part = launchd.printed(Agent::Daemon, 1).expect("tells");
    assert_eq!(
        (part.from.as_str(), part.text.as_str()),
        (file.to_str().expect("text"), "two\n")
    );
    let mut told = Vec::new();
    launchd
        .uninstall(Agent::Daemon, &mut |act| told.push(act))
        .expect("can");
    assert_eq!(told, [Act::Removed(file)]);
}
