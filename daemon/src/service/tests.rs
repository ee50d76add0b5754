//! What is the same on both systems.

use super::made::{Made, fails, program};
use super::*;

#[test]
fn what_says_where_files_are_is_carried_as_absolute_paths() {
    let found = carried(|name| match name {
        "LOCKWATCH_HOME" => Some("/tmp/second".to_owned()),
        "CARGO_HOME" => Some("relative".to_owned()),
        "XDG_STATE_HOME" => Some(String::new()),
        "XDG_CONFIG_HOME" => Some("/tmp/a\nb".to_owned()),
        _ => Some("/not/wanted".to_owned()),
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], ("LOCKWATCH_HOME", "/tmp/second".to_owned()));
    assert!(found[1].0 == "CARGO_HOME" && Path::new(&found[1].1).is_absolute());
    let mut told = Vec::new();
    tell_carried(&found[..1], &mut |act| told.push(act.to_string()));
    assert_eq!(told, ["it runs with LOCKWATCH_HOME=/tmp/second, as set here"]);
}

fn folders(home: &Path) -> Folders {
    let base = Base {
        lockwatch_home: Some(home.to_owned()),
        ..Base::default()
    };
    Folders::new(&base, crate::folders::Layout::Xdg)
}

fn services(made: &Made, home: &Path) -> Services {
    Services {
        manager: Box::new(Systemd {
            systemctl: made.runner(),
            journalctl: made.runner(),
            units: home.join("units"),
            carried: Vec::new(),
            on_a_desktop: false,
        }),
        folders: folders(home),
        pace: Pace {
            every: Duration::ZERO,
            looks: 2,
        },
    }
}

#[test]
fn a_program_that_is_not_there_is_not_installed() {
    let home = tempfile::tempdir().expect("a folder");
    let made = Made::new(Vec::new());
    let services = services(&made, home.path());
    let missing = home.path().join("lockwatch");
    let error = services
        .install(Agent::Daemon, &missing, &mut |_| ())
        .expect_err("is not there");
    made.check("nothing is asked");
    assert!(matches!(error, ServiceError::NoProgram { path, .. } if path == missing));
}

#[test]
fn a_daemon_that_does_not_answer_is_said() {
    let home = tempfile::tempdir().expect("a folder");
    let made = Made::new(vec![fails("is-enabled lockwatch.service", 1, "").and_says("masked")]);
    let services = services(&made, home.path());
    let mut told = Vec::new();
    for (act, expected) in [
        (Act::Started(Agent::Daemon), 2),
        (Act::Running(Agent::Daemon), 2),
        (Act::NotRunning(Agent::Daemon), 1),
    ] {
        told.clear();
        services
            .begin(Agent::Daemon, &mut |act| told.push(act), |tell| {
                tell(act.clone());
                Ok(())
            })
            .expect("can");
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(expected == 1 || told[1] == Act::DoesNotAnswer);
    }
    // What stays off is not waited for.
    told.clear();
    let bin = program(&home.path().join("lockwatch"));
    services
        .install(Agent::Daemon, &bin, &mut |act| told.push(act))
        .expect("can");
    assert!(matches!(told[..], [Act::TurnedOff { .. }]), "{told:?}");
}

#[test]
fn nothing_is_left_but_the_history() {
    let home = tempfile::tempdir().expect("a folder");
    let folders = folders(home.path());
    std::fs::create_dir_all(&folders.logs).expect("makes it");
    let log = |name: &str| folders.logs.join(name);
    for file in [
        &log("lockwatch-daemon.2026-11-25.log"),
        &log("lockwatch-daemon.2026-11-26.log"),
        &folders.daemon_lock(),
        &folders.history(),
    ] {
        std::fs::write(file, format!("{}\n", file.display())).expect("writes");
    }
    let part = remains::newest_log(&folders.logs, 9).expect("reads");
    assert!(part.from.ends_with("lockwatch-daemon.2026-11-26.log"), "{part:?}");
    assert_eq!(part.text, format!("{}\n", part.from));
    // Somebody has the lock: a daemon that was started by hand.
    let lock = std::fs::File::open(folders.daemon_lock()).expect("opens");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locks");
    remains::remove(Agent::Daemon, &folders, &mut |act| panic!("{act}")).expect("can");
    // Not closed: a process that another test starts at this moment would keep the lock until it becomes its program.
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).expect("unlocks");
    remains::remove(Agent::Daemon, &folders, &mut |_| ()).expect("can");
    let left: Vec<_> = home
        .path()
        .read_dir()
        .expect("is there")
        .map(|entry| entry.expect("is one").path())
        .collect();
    assert_eq!(left, [folders.history()]);
    // The tray's lock is removed as the daemon's is, and what the user has set in its menu stays.
    for file in [&folders.tray_lock(), &folders.tray_is_quiet()] {
        std::fs::write(file, "").expect("writes");
    }
    let lock = std::fs::File::open(folders.tray_lock()).expect("opens");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locks");
    remains::remove(Agent::Tray, &folders, &mut |act| panic!("{act}")).expect("can");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).expect("unlocks");
    remains::remove(Agent::Daemon, &folders, &mut |act| panic!("{act}")).expect("can");
    let mut told = Vec::new();
    remains::remove(Agent::Tray, &folders, &mut |act| told.push(act)).expect("can");
    assert_eq!(told, [Act::Removed(folders.tray_lock())]);
    assert!(folders.tray_is_quiet().exists());
    // What lies there that is not the daemon's stays.
    std::fs::create_dir_all(&folders.logs).expect("makes it");
    std::fs::write(log("mine.log"), "").expect("writes");
    remains::remove(Agent::Daemon, &folders, &mut |_| ()).expect("can");
    assert!(log("mine.log").exists());
    let part = remains::newest_log(&folders.logs, 9).expect("reads");
    assert_eq!(
        (part.from, part.text.as_str()),
        (folders.logs.display().to_string(), "")
    );
}
