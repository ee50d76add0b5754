//! Each situation as the verbs that the user manager is asked, what it says, and what is told of it.

use super::*;
use crate::service::made::{Made, Turn, fails, ok, program, says};

const PROPERTIES: &str = "show --property=LoadState,ActiveState,FragmentPath,MainPID,ExecMainCode,ExecMainStatus,\
    ExecMainExitTimestampMonotonic,NeedDaemonReload,Result lockwatch.service";
const IS_ENABLED: &str = "is-enabled lockwatch.service";

#[derive(Clone, Copy, Debug)]
enum File {
    Missing,
    Ours,
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

fn systemd(made: &Made, home: &Path, on_a_desktop: bool) -> Systemd {
    Systemd {
        systemctl: made.runner(),
        journalctl: made.runner(),
        units: home.join("units"),
        carried: Vec::new(),
        on_a_desktop,
    }
}

fn play(what: &str, agent: Agent, file: File, wish: Wish, on_a_desktop: bool, turns: Vec<Turn>) -> Vec<String> {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let text = path.to_str().expect("text");
    let made = Made::new(turns.into_iter().map(|turn| turn.replaced("~", text)).collect());
    let systemd = systemd(&made, path, on_a_desktop);
    let bin = program(&path.join("bin").join(agent.program_name()));
    let own = systemd.file(agent);
    let filled = |program: &Path| unit::sealed(&unit::filled_in(agent, program, &[]).expect("can"));
    let before = match file {
        File::Missing => None,
        File::Ours => Some(filled(&bin)),
        File::Older => Some(filled(&path.join("old/lockwatch"))),
        File::Edited => Some(filled(&bin) + "# mine\n"),
    };
    if let Some(text) = before {
        std::fs::create_dir_all(&systemd.units).expect("makes it");
        std::fs::write(&own, text).expect("writes");
    }
    let mut told = Vec::new();
    let tell = &mut |act: Act| told.push(act.to_string());
    let result = match wish {
        Wish::Install => systemd.install(agent, &bin, false, tell),
        Wish::Renew => systemd.install(agent, &bin, true, tell),
        Wish::Uninstall => systemd.uninstall(agent, tell),
        Wish::Start => systemd.start(agent, tell),
        Wish::Stop => systemd.stop(agent, tell),
        Wish::Restart => systemd.restart(agent, tell),
        Wish::Allow => systemd.allow(agent, tell),
        Wish::AtLogin(wanted) => systemd.set_at_login(agent, wanted, tell),
    };
    told.extend(result.err().map(|error| format!("error: {error}")));
    made.check(what);
    if matches!(wish, Wish::Uninstall) {
        assert!(!own.exists(), "{what}");
    }
    told.into_iter()
        .map(|told| made.named("systemctl --user", &told).replace(text, "~"))
        .collect()
}

/// `show` of a unit that is there.
fn unit(state: &str, pid: u32) -> Turn {
    let text = format!(
        "LoadState=loaded\nActiveState={state}\nFragmentPath=~/units/lockwatch.service\nMainPID={pid}\nNeedDaemonReload=yes\n"
    );
    says(PROPERTIES, &text)
}

fn no_unit() -> Turn {
    says(
        PROPERTIES,
        "LoadState=not-found\nActiveState=inactive\nFragmentPath=\nMainPID=0\n",
    )
}

fn is_enabled(word: &str) -> Turn {
    let code = i32::from(word != "enabled");
    fails(IS_ENABLED, code, "").and_says(&format!("{word}\n"))
}

fn not_found() -> Turn {
    fails(
        IS_ENABLED,
        4,
        "Failed to get unit file state for lockwatch.service: No such file or directory",
    )
}

/// The verb for the daemon.
fn verb(verb: &str) -> Turn {
    ok(&format!("{verb} lockwatch.service"))
}

#[test]
fn the_table_of_situations() {
    let reload = || ok("daemon-reload");
    let rows: Vec<(&str, File, Wish, Vec<Turn>)> = vec![
        (
            "install, new",
            File::Missing,
            Wish::Install,
            vec![
                not_found(),
                no_unit(),
                reload(),
                verb("enable"),
                unit("inactive", 0),
                unit("inactive", 0),
                verb("start"),
            ],
        ),
        (
            "install, the second time",
            File::Ours,
            Wish::Install,
            vec![
                is_enabled("enabled"),
                reload(),
                verb("enable"),
                unit("active", 7),
                unit("active", 7),
                verb("start"),
            ],
        ),
        (
            "install, another version at the same path",
            File::Ours,
            Wish::Renew,
            vec![
                is_enabled("enabled"),
                reload(),
                verb("enable"),
                unit("active", 7),
                unit("active", 7),
                verb("restart"),
            ],
        ),
        (
            "install over an older path",
            File::Older,
            Wish::Install,
            vec![
                is_enabled("enabled"),
                reload(),
                verb("enable"),
                unit("active", 7),
                unit("active", 7),
                verb("restart"),
            ],
        ),
        (
            "install over an edited file that failed too often",
            File::Edited,
            Wish::Install,
            vec![
                is_enabled("disabled"),
                reload(),
                verb("enable"),
                unit("failed", 0),
                unit("failed", 0),
                verb("reset-failed"),
                verb("start"),
            ],
        ),
        (
            "install, masked",
            File::Missing,
            Wish::Install,
            vec![is_enabled("masked")],
        ),
        (
            "install, and the manager cannot start it",
            File::Missing,
            Wish::Install,
            vec![
                not_found(),
                no_unit(),
                reload(),
                verb("enable"),
                unit("inactive", 0),
                unit("inactive", 0),
                fails(
                    "start lockwatch.service",
                    1,
                    "Job for lockwatch.service failed because the control process exited with error code.",
                ),
            ],
        ),
        (
            "install, and the files of the manager cannot be written",
            File::Missing,
            Wish::Install,
            vec![
                not_found(),
                no_unit(),
                reload(),
                fails(
                    "enable lockwatch.service",
                    1,
                    "Failed to enable unit: Read-only file system",
                ),
            ],
        ),
        (
            "uninstall",
            File::Ours,
            Wish::Uninstall,
            vec![
                unit("active", 7),
                verb("stop"),
                is_enabled("enabled"),
                verb("disable"),
                reload(),
            ],
        ),
        (
            "uninstall, the second time",
            File::Missing,
            Wish::Uninstall,
            vec![no_unit(), not_found()],
        ),
        (
            "uninstall, failed and edited",
            File::Edited,
            Wish::Uninstall,
            vec![
                unit("failed", 0),
                is_enabled("disabled"),
                reload(),
                fails(
                    "reset-failed lockwatch.service",
                    1,
                    "Failed to reset failed state: Unit lockwatch.service not loaded.",
                ),
            ],
        ),
        (
            "uninstall, masked",
            File::Missing,
            Wish::Uninstall,
            vec![no_unit(), is_enabled("masked")],
        ),
        (
            "uninstall, a package's unit",
            File::Missing,
            Wish::Uninstall,
            vec![unit("active", 7), verb("stop"), is_enabled("enabled"), verb("disable")],
        ),
        (
            "start",
            File::Ours,
            Wish::Start,
            vec![
                unit("inactive", 0),
                is_enabled("enabled"),
                unit("inactive", 0),
                verb("start"),
            ],
        ),
        (
            "start, running",
            File::Ours,
            Wish::Start,
            vec![unit("active", 7), is_enabled("enabled")],
        ),
        (
            "start, not installed",
            File::Missing,
            Wish::Start,
            vec![no_unit(), not_found()],
        ),
        (
            "start, masked",
            File::Missing,
            Wish::Start,
            vec![no_unit(), is_enabled("masked")],
        ),
        (
            "start, unknown to the manager",
            File::Ours,
            Wish::Start,
            vec![
                unit("inactive", 0),
                is_enabled("enabled"),
                unit("inactive", 0),
                fails(
                    "start lockwatch.service",
                    5,
                    "Failed to start lockwatch.service: Unit lockwatch.service not found.",
                ),
            ],
        ),
        ("stop", File::Ours, Wish::Stop, vec![unit("active", 7), verb("stop")]),
        (
            "stop, between two starts",
            File::Ours,
            Wish::Stop,
            vec![unit("activating", 0), verb("stop")],
        ),
        ("stop, not running", File::Ours, Wish::Stop, vec![unit("failed", 0)]),
        ("stop, not installed", File::Missing, Wish::Stop, vec![no_unit()]),
        (
            "restart, of a unit that was changed",
            File::Edited,
            Wish::Restart,
            vec![
                unit("active", 7),
                is_enabled("enabled"),
                ok("daemon-reload"),
                unit("active", 7),
                verb("restart"),
            ],
        ),
        (
            "allow",
            File::Missing,
            Wish::Allow,
            vec![is_enabled("masked"), verb("unmask")],
        ),
        (
            "allow, not masked",
            File::Ours,
            Wish::Allow,
            vec![is_enabled("disabled")],
        ),
        (
            "at login",
            File::Ours,
            Wish::AtLogin(true),
            vec![is_enabled("disabled"), unit("active", 7), verb("enable")],
        ),
        (
            "not at login",
            File::Ours,
            Wish::AtLogin(false),
            vec![unit("active", 7), verb("disable")],
        ),
        (
            "not at login, not installed",
            File::Missing,
            Wish::AtLogin(false),
            vec![no_unit()],
        ),
    ];
    let mut shown = Vec::new();
    for (what, file, wish, turns) in rows {
        let told = play(what, Agent::Daemon, file, wish, false, turns);
        shown.push(format!("{what}\n    {}", told.join("\n    ")));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_tray_belongs_to_a_desktop() {
    let of_tray = |turn: Turn| turn.replaced("lockwatch.service", "lockwatch-tray.service");
    let first = || {
        vec![
            not_found(),
            no_unit(),
            ok("daemon-reload"),
            verb("enable"),
            unit("inactive", 0),
        ]
    };
    let asked = |code| fails("is-active --quiet graphical-session.target", code, "");
    let start = || vec![unit("inactive", 0), verb("start")];
    for (on_a_desktop, rest, last) in [
        (
            false,
            vec![asked(3)],
            vec!["the tray starts at the next login: there is no desktop session here to start it in"],
        ),
        (
            true,
            [vec![asked(3)], start()].concat(),
            vec![
                "this desktop does not announce graphical-session.target; for the tray at login, add `systemctl --user start \
                 lockwatch-tray` to what it starts",
                "started the tray",
            ],
        ),
        (true, [vec![asked(0)], start()].concat(), vec!["started the tray"]),
        (false, [vec![asked(0)], start()].concat(), vec!["started the tray"]),
    ] {
        let turns = [first(), rest].concat().into_iter().map(of_tray).collect();
        let told = play("tray", Agent::Tray, File::Missing, Wish::Install, on_a_desktop, turns);
        assert_eq!(
            told[..2],
            ["wrote ~/units/lockwatch-tray.service", "the tray starts at login"]
        );
        assert_eq!(told[2..], last);
    }
}

#[test]
fn a_packages_unit_that_says_the_same_is_used() {
    let home = tempfile::tempdir().expect("a folder");
    let package = home.path().join("usr/lib/systemd/user/lockwatch.service");
    std::fs::create_dir_all(package.parent().expect("has one")).expect("makes it");
    let there = says(
        PROPERTIES,
        &format!("LoadState=loaded\nFragmentPath={}\n", package.display()),
    );
    let bin = Path::new("/usr/bin/lockwatch");
    for (text, used) in [
        (unit::filled_in(Agent::Daemon, bin, &[]).expect("can"), true),
        ("[Service]\nExecStart=/usr/bin/lockwatch daemon\n".to_owned(), false),
    ] {
        std::fs::write(&package, text).expect("writes");
        let made = Made::new(vec![
            is_enabled("disabled"),
            there.clone(),
            ok("daemon-reload"),
            verb("enable"),
            there.clone(),
            there.clone(),
            verb("start"),
        ]);
        let systemd = systemd(&made, home.path(), false);
        let mut told = Vec::new();
        systemd
            .install(Agent::Daemon, bin, false, &mut |act| told.push(act))
            .expect("can");
        made.check("install");
        let expected = if used {
            Act::Packaged(package.clone())
        } else {
            Act::Wrote(systemd.file(Agent::Daemon))
        };
        assert_eq!(told[0], expected);
        assert_eq!(systemd.file(Agent::Daemon).exists(), !used);
    }
}

#[test]
fn without_a_manager_there_is_a_way_out() {
    let home = tempfile::tempdir().expect("a folder");
    let asked = "show --property=Version";
    for said in [
        "Failed to connect to bus: No medium found",
        "Failed to connect to user scope bus via local transport: No such file or directory",
        "System has not been booted with systemd as init system (PID 1). Can't operate.",
    ] {
        let made = Made::new(vec![fails(asked, 1, said)]);
        let error = systemd(&made, home.path(), false).checked().expect_err("there is none");
        made.check(said);
        let text = error.to_string();
        assert!(text.contains(said) && text.contains("enable-linger"), "{text}");
    }
    let made = Made::new(vec![ok(asked)]);
    let systemd_of = |systemctl: Runner| Systemd {
        systemctl,
        ..systemd(&made, home.path(), false)
    };
    assert!(systemd_of(made.runner()).checked().is_ok());
    // A machine with another init.
    let error = systemd_of(Runner::new("/nonexistent/systemctl"))
        .checked()
        .expect_err("there is none");
    assert!(matches!(error, ServiceError::NoManager { .. }));
}

#[test]
fn the_status() {
    let home = tempfile::tempdir().expect("a folder");
    let made = Made::new(vec![
        says(
            PROPERTIES,
            "LoadState=loaded\nActiveState=active\nFragmentPath=/other\nMainPID=7\n",
        ),
        is_enabled("enabled"),
        says(PROPERTIES, "LoadState=masked\nFragmentPath=/x\nMainPID=0\n"),
        is_enabled("masked"),
    ]);
    let systemd = systemd(&made, home.path(), false);
    let own = systemd.file(Agent::Daemon);
    let bin = program(&home.path().join("my bin/lockwatch"));
    let text = unit::sealed(&unit::filled_in(Agent::Daemon, &bin, &[]).expect("can"));
    file::put(&own, &text, &mut |_| ()).expect("can");
    let status = systemd.status(Agent::Daemon).expect("tells");
    assert_eq!(
        (status.file, status.program, status.edited),
        (Some(own.clone()), Some(bin), false)
    );
    assert_eq!(
        (status.at_login, status.loaded, status.running),
        (AtLogin::Yes, true, Some(7))
    );
    assert!(status.program_is_there);
    std::fs::remove_file(&own).expect("removes");
    std::os::unix::fs::symlink("/dev/null", &own).expect("links");
    let status = systemd.status(Agent::Daemon).expect("tells");
    assert_eq!(
        (status.file, status.edited, status.at_login),
        (None, false, AtLogin::Disabled)
    );
    made.check("status");
}

#[test]
fn what_the_journal_has() {
    let home = tempfile::tempdir().expect("a folder");
    let asked = "--unit lockwatch.service --lines 5 --no-pager --quiet --output short-iso";
    let made = Made::new(vec![
        says(asked, "a line\n"),
        fails(asked, 1, "No journal files were found."),
    ]);
    let systemd = systemd(&made, home.path(), false);
    for text in ["a line\n", "No journal files were found.\n"] {
        let part = systemd.printed(Agent::Daemon, 5).expect("tells");
        assert_eq!(part.text, text);
        assert_eq!(part.from, "journalctl --user --unit lockwatch.service");
    }
    made.check("journal");
}

#[test]
fn where_the_manager_listens_is_known_without_the_variable() {
    let own = || Some(PathBuf::from("/run/user/501"));
    for (variable, own, added) in [
        (Some("/x"), own(), None),
        (Some(""), own(), Some("/run/user/501")),
        (None, own(), Some("/run/user/501")),
        (None, None, None),
    ] {
        let found = runtime_folder(variable.map(OsString::from), own);
        assert_eq!(found, added.map(OsString::from));
    }
}
