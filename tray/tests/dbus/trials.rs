//! The tests.

use std::process::Command;

use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;

use crate::desktop::{Desktop, Row, Sight, program};
use crate::helper::Helper;
use crate::icon::Shape;

pub(crate) fn all() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        let run = move || -> Result<(), Failed> {
            test();
            Ok(())
        };
        Trial::test(name, run)
    };
    vec![
        trial(
            "shows_who_holds_a_lock_and_who_waits",
            shows_who_holds_a_lock_and_who_waits,
        ),
        trial("shows_that_a_holder_is_suspended", shows_that_a_holder_is_suspended),
        trial("shows_names_as_they_are", shows_names_as_they_are),
        trial("ends_by_quit_alone", ends_by_quit_alone),
        trial(
            "appears_when_the_desktop_shows_icons",
            appears_when_the_desktop_shows_icons,
        ),
        trial("says_that_there_is_no_session_bus", says_that_there_is_no_session_bus),
        trial("ends_with_the_session", ends_with_the_session),
        trial("says_what_it_is", says_what_it_is),
    ]
}

/// Makes the folder of a project, and returns the path of its build lock and how the menu calls it.
fn project(desktop: &Desktop, name: &str) -> (std::path::PathBuf, String) {
    let folder = desktop.path(name).join("target/debug");
    std::fs::create_dir_all(&folder).expect("is made");
    (folder.join(".cargo-lock"), format!("~/{name}"))
}

impl Row {
    fn is_about(&self, pid: u32) -> bool {
        self.label.contains(&format!("(pid {pid})"))
    }
}

impl Sight {
    /// The row about a process.
    fn row(&self, pid: u32) -> Option<&Row> {
        self.menu.iter().find(|row| row.is_about(pid))
    }

    /// Whether the icon says the same as the menu's first row, and the menu ends as it should.
    fn is_consistent(&self) -> bool {
        let headline = self.menu[0].label.as_str();
        let shape = match headline {
            "No Cargo lock is held" => Shape::Free,
            _ if headline.contains(" stuck ") => Shape::Stuck,
            _ if headline.ends_with("nobody is waiting") => Shape::Held,
            _ => Shape::Contended,
        };
        let [texts @ .., separator, quit] = self.menu.as_slice() else {
            return false;
        };
        shape == self.shape
            && texts
                .iter()
                .all(|row| !row.enabled && !row.is_separator && !row.label.is_empty())
            && separator.is_separator
            && quit.enabled
            && quit.label == "Quit"
    }
}

fn shows_who_holds_a_lock_and_who_waits() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    icon.shows("a first look", Sight::is_consistent);

    let (lock, place) = project(&desktop, "parity");
    let holder = Helper::holding(&lock);
    let waiters: Vec<Helper> = (0..5).map(|_| Helper::waiting(&lock)).collect();
    let seen = icon.shows("the queue", |sight| {
        let mut rows = sight.menu.iter().skip_while(|row| !row.is_about(holder.pid()));
        let holds = |row: &Row| row.label.contains(") holds the ") && row.label.ends_with(&place);
        let waits = |row: &&Row| waiters.iter().any(|waiter| row.is_about(waiter.pid()));
        sight.is_consistent()
            && rows.next().is_some_and(holds)
            && rows.by_ref().take(3).filter(waits).count() == 3
            && rows.next().is_some_and(|row| row.label == "    and 2 more")
    });
    assert!(
        seen.shape == Shape::Contended || seen.shape == Shape::Stuck,
        "{seen:#?}"
    );
    assert!(seen.tooltip.contains(" waiting"), "{seen:#?}");

    let pids: Vec<u32> = waiters.iter().chain([&holder]).map(Helper::pid).collect();
    drop((waiters, holder));
    icon.shows("the release", |sight| {
        sight.is_consistent() && pids.iter().all(|pid| sight.row(*pid).is_none())
    });
}

fn shows_that_a_holder_is_suspended() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    let (lock, place) = project(&desktop, "parity");
    let holder = Helper::holding(&lock);
    holder.signal(Signal::STOP);
    let is_told = |text: &str| text.contains(" is suspended and holds the ") && text.contains(&place);
    let seen = icon.shows("that it is suspended", |sight| {
        sight.is_consistent() && sight.row(holder.pid()).is_some_and(|row| is_told(&row.label))
    });
    assert_eq!(seen.shape, Shape::Stuck);
    assert!(seen.tooltip.contains(" is suspended "), "{seen:#?}");
    holder.signal(Signal::CONT);
    icon.shows("that it goes on", |sight| {
        sight.is_consistent() && sight.row(holder.pid()).is_none_or(|row| !is_told(&row.label))
    });
}

fn shows_names_as_they_are() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    let (lock, place) = project(&desktop, "a & b && __c _d <b>x");
    let holder = Helper::holding(&lock);
    let _waiter = Helper::waiting(&lock);
    icon.shows("the whole name", |sight| {
        sight.row(holder.pid()).is_some_and(|row| row.label.ends_with(&place))
    });
}

fn ends_by_quit_alone() {
    let desktop = Desktop::new();
    let program = desktop.start();
    let icon = desktop.icon();
    let seen = icon.shows("a first look", Sight::is_consistent);
    icon.click_disabled(&seen.menu[0]);
    // It is answered after the click before it.
    icon.sight();
    icon.click("Quit");
    let (status, complaint) = program.ended();
    assert_eq!((status.code(), complaint.as_str()), (Some(0), ""));
}

fn appears_when_the_desktop_shows_icons() {
    let mut desktop = Desktop::without_icons();
    let mut program = desktop.start();
    let complaint = program.complains();
    assert!(
        complaint.starts_with("lockwatch-tray: this desktop shows no tray icons now"),
        "{complaint}"
    );
    desktop.show_icons();
    let icon = desktop.icon();
    icon.shows("a first look", Sight::is_consistent);
    icon.click("Quit");
    let (status, complaint) = program.ended();
    assert_eq!((status.code(), complaint.as_str()), (Some(0), ""));
}

fn says_that_there_is_no_session_bus() {
    let folder = tempfile::tempdir().expect("is made");
    let output = program(&format!("unix:path={}", folder.path().join("none").display()))
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(69));
    let complaint = String::from_utf8(output.stderr).expect("is text");
    assert!(
        complaint.starts_with("lockwatch-tray: cannot reach the session bus ("),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

fn ends_with_the_session() {
    let mut desktop = Desktop::new();
    let program = desktop.start();
    desktop.icon().shows("a first look", Sight::is_consistent);
    desktop.end_session();
    let (status, complaint) = program.ended();
    assert_eq!(status.code(), Some(69));
    assert!(
        complaint.starts_with("lockwatch-tray: the session bus has gone away"),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

fn says_what_it_is() {
    let run = |argument: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_lockwatch-tray"))
            .arg(argument)
            .output()
            .expect("runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("is text"))
    };
    assert_eq!(
        run("--version"),
        (Some(0), format!("lockwatch-tray {}\n", env!("CARGO_PKG_VERSION")))
    );
    let (code, help) = run("--help");
    assert_eq!(code, Some(0));
    assert!(help.contains("Examples:") && help.contains("Exit status:"), "{help}");
    assert_eq!(run("--no-such-option").0, Some(2));
}
