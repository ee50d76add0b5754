//! The tests.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;

use crate::build::Project;
use crate::desktop::{Desktop, Item, Row, Sight, program};
use crate::helper::{Helper, private_folder};
use crate::icon::Shape;

/// The program as it was built.
const TRAY: &str = env!("CARGO_BIN_EXE_lockwatch-tray");

pub(crate) fn all() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        let run = move || -> Result<(), Failed> {
            test();
            Ok(())
        };
        Trial::test(name, run)
    };
    macro_rules! trials {
        ($($name:ident),* $(,)?) => { vec![$(trial(stringify!($name), $name)),*] };
    }
    trials![
        shows_who_holds_a_lock_and_who_waits,
        shows_that_a_holder_is_suspended,
        shows_names_as_they_are,
        keeps_its_rows_while_only_texts_change,
        moves_nothing_while_the_menu_is_open,
        stops_a_real_build,
        refuses_what_is_not_cargo,
        tells_of_a_stuck_holder_once,
        can_be_told_to_be_quiet,
        starts_a_daemon_and_follows_it_again,
        is_one_for_each_user,
        ends_by_quit_alone,
        appears_when_the_desktop_shows_icons,
        says_that_there_is_no_session_bus,
        ends_with_the_session,
        says_what_it_is,
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

    /// The first row with a label, below the one about a process and above what is about another holder.
    fn below(&self, pid: u32, label: &str) -> Option<Row> {
        let rows = self.menu.iter().skip_while(|row| !row.is_about(pid));
        let mut rows = rows.take_while(|row| !row.is_separator);
        rows.find(|row| row.label.trim_start().starts_with(label)).cloned()
    }

    fn has(&self, text: &str) -> bool {
        self.menu.iter().any(|row| row.label.contains(text))
    }

    /// Whether the icon says the same as the menu's first row, and the menu ends as it should.
    fn is_consistent(&self) -> bool {
        let headline = self.menu[0].label.as_str();
        let shape = match headline {
            "No Cargo lock is held" => Shape::Free,
            _ if headline.contains(" stuck ") => Shape::Stuck,
            _ if headline.ends_with("nobody is waiting") => Shape::Held,
            _ if headline.contains("waiting") || headline.contains("wait for a Cargo lock") => Shape::Waits,
            _ => return false,
        };
        shape == self.shape
            && self.menu.iter().all(|row| row.is_separator || !row.label.is_empty())
            && self.menu.last().is_some_and(|row| row.enabled && row.label == "Quit")
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
            && rows
                .by_ref()
                .skip_while(|row| !waits(row))
                .take(3)
                .filter(waits)
                .count()
                == 3
            && rows.next().is_some_and(|row| row.label.trim_start() == "and 2 more")
            && sight.tooltip.contains(" waiting")
    });
    assert!(seen.shape == Shape::Waits || seen.shape == Shape::Stuck, "{seen:#?}");

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
        sight.is_consistent()
            && sight.row(holder.pid()).is_some_and(|row| is_told(&row.label))
            && sight.tooltip.contains(" is suspended ")
    });
    assert_eq!(seen.shape, Shape::Stuck);
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

/// Other programs of this machine may hold locks meanwhile, and then rows come and go; so it is tried again.
fn keeps_its_rows_while_only_texts_change() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    let (lock, _) = project(&desktop, "parity");
    let holder = Helper::holding(&lock);
    let mut waiters: Vec<Helper> = (0..5).map(|_| Helper::waiting(&lock)).collect();
    let more = |sight: &Sight, number: usize| {
        let row = sight.below(holder.pid(), &format!("and {number} more"));
        row.filter(|_| sight.is_consistent())
    };
    for _ in 0..20 {
        let number = waiters.len() - 3;
        let before = icon.shows("the queue", |sight| more(sight, number).is_some());
        waiters.push(Helper::waiting(&lock));
        let after = icon.shows("the longer queue", |sight| more(sight, number + 1).is_some());
        if before.menu.len() == after.menu.len() {
            let row = more(&before, number).expect("is there");
            assert_eq!(row.id, more(&after, number + 1).expect("is there").id);
            let ids = |sight: &Sight| sight.menu.iter().map(|row| row.id).collect::<Vec<_>>();
            assert_eq!(ids(&before), ids(&after));
            return;
        }
    }
    panic!("the menu was never left alone");
}

fn moves_nothing_while_the_menu_is_open() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    let (lock, _) = project(&desktop, "parity");
    let holder = Helper::holding(&lock);
    let waiter = Helper::waiting(&lock);
    let stop = |sight: &Sight| sight.below(holder.pid(), "Stop gracefully").filter(|row| row.enabled);
    let before = icon.shows("the holder", |sight| stop(sight).is_some());
    // Until it is known that the menu is open, rows may still go.
    icon.event_of_menu("opened");
    let pids = [holder.pid(), waiter.pid()];
    let row = stop(&before).expect("is there");
    drop((waiter, holder));
    let after = icon.shows("that the stop is off", |sight| {
        sight.menu.iter().any(|other| other.id == row.id && !other.enabled)
    });
    let ids = |sight: &Sight| sight.menu.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    assert!(after.row(pids[0]).is_some());
    icon.event_of_menu("closed");
    icon.shows("that it is gone", |sight| {
        pids.iter().all(|pid| sight.row(*pid).is_none())
    });
}

/// A click shows the plan, a second one carries it out, and the build and its build script are gone.
fn stops_a_real_build() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    let project = Project::new(&desktop, "endless");
    let mut build = project.build(&desktop);
    let pid = build.pid();
    icon.shows("the build", |sight| sight.below(pid, "Stop gracefully").is_some());
    let waiter = project.build(&desktop);
    icon.shows("that it is waited for", |sight| {
        sight.row(pid).is_some() && sight.row(waiter.pid()).is_some()
    });
    let stop = |sight: &Sight| sight.below(pid, "Stop gracefully").filter(|row| row.enabled);
    let has_plan = |sight: &Sight| {
        sight.below(pid, "would get SIGTERM: cargo build").is_some() && sight.below(pid, "Let it run").is_some()
    };
    icon.click_until("the plan", stop, has_plan);
    desktop.is_told("the plan", |told| told.title.contains(&format!("(pid {pid})?")));
    let no = |sight: &Sight| sight.below(pid, "Let it run");
    icon.click_until("the way back", no, |sight| stop(sight).is_some());
    icon.click_until("the plan again", stop, has_plan);
    let outcome = format!("cargo build (pid {pid}) ended in ");
    let yes = |sight: &Sight| sight.below(pid, "Stop th");
    icon.click_until("the outcome", yes, |sight| sight.has(&outcome));
    build.ended();
    let told = desktop.is_told("the outcome", |told| told.title == "Stopped");
    assert!(told.body.contains(&outcome), "{told:?}");
}

/// Asks for the stop of a program that is no cargo, until the menu says that it is refused.
fn refuse(icon: &Item<'_>, pid: u32) {
    // The menu wraps the sentence.
    let is_refused = |sight: &Sight| sight.has("is neither cargo nor");
    icon.click_until("the refusal", |sight| sight.below(pid, "Stop gracefully"), is_refused);
}

/// The program that holds the lock here is no cargo; the daemon says so, and nobody is signalled.
fn refuses_what_is_not_cargo() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    let icon = desktop.icon();
    let (lock, _) = project(&desktop, "parity");
    let holder = Helper::holding(&lock);
    let _waiter = Helper::waiting(&lock);
    refuse(&icon, holder.pid());
    let why = "is neither cargo nor a program that may be stopped";
    desktop.is_told("the refusal", |told| {
        told.title == "Not stopped" && told.body.contains(why)
    });
    icon.shows("that it still holds", |sight| sight.row(holder.pid()).is_some());
}

fn tells_of_a_stuck_holder_once() {
    let mut desktop = Desktop::without_icons();
    std::fs::write(desktop.path("config.toml"), "[notifications]\nafter = 1\n").expect("is written");
    desktop.show_icons();
    desktop.start_daemon();
    let _program = desktop.start();
    let icon = desktop.icon();
    let (lock, place) = project(&desktop, "parity");
    let holder = Helper::holding(&lock);
    let _waiter = Helper::waiting(&lock);
    holder.signal(Signal::STOP);
    let is_it = |body: &str| body.contains(&format!("(pid {}) is suspended", holder.pid())) && body.contains(&place);
    desktop.is_told("that it is stuck", |told| {
        told.title == "Cargo is stuck: suspended" && is_it(&told.body)
    });
    // Another change of the same case, and then something that is told for sure: the case was not told again before it.
    let another = Helper::waiting(&lock);
    icon.shows("the longer queue", |sight| sight.row(another.pid()).is_some());
    refuse(&icon, holder.pid());
    let told = desktop.is_told("the refusal", |told| told.title == "Not stopped" || is_it(&told.body));
    assert_eq!(told.title, "Not stopped");
}

fn can_be_told_to_be_quiet() {
    let desktop = Desktop::new();
    let program = desktop.start();
    let icon = desktop.icon();
    let setting = |sight: &Sight, on: bool| {
        let mut rows = sight.menu.iter();
        let found = rows.find(|row| row.label == "Notify when a build is stuck");
        found.filter(|row| row.is_checked == on).cloned()
    };
    let (is_on, is_off) = (
        |sight: &Sight| setting(sight, true),
        |sight: &Sight| setting(sight, false),
    );
    icon.click_until("that it is off", is_on, |sight| is_off(sight).is_some());
    icon.quit(program);
    // The next one has it so too.
    let _program = desktop.start();
    let icon = desktop.icon();
    icon.click_until("that it is on again", is_off, |sight| is_on(sight).is_some());
}

fn starts_a_daemon_and_follows_it_again() {
    let mut desktop = Desktop::without_icons();
    desktop.show_icons();
    let program = desktop.start();
    let icon = desktop.icon();
    let daemon = |sight: &Sight| {
        let mut rows = sight.menu.iter();
        rows.find(|row| row.label.starts_with("daemon "))
            .map(|row| row.label.clone())
    };
    let first = icon.shows("a daemon", |sight| sight.is_consistent() && daemon(sight).is_some());
    let pid = desktop.client().expect("answers").hello().expect("says who it is").pid;
    assert!(
        daemon(&first).is_some_and(|text| text.ends_with(&format!("pid {pid}"))),
        "{first:?}"
    );
    // It is in a session of its own, so it outlives a terminal that the tray was started in.
    let raw = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    assert_eq!(rustix::process::getsid(raw).expect("runs"), raw.expect("is a number"));

    desktop.client().expect("answers").shutdown().expect("ends");
    icon.shows("that it is gone", |sight| {
        sight.shape == Shape::Stuck && sight.menu[0].label.starts_with("Cargo's locks are not seen")
    });
    let start = |sight: &Sight| {
        let mut rows = sight.menu.iter();
        rows.find(|row| row.label == "Start the daemon").cloned()
    };
    icon.click_until("another one", start, |sight| {
        sight.is_consistent() && daemon(sight).is_some_and(|text| !text.ends_with(&format!("pid {pid}")))
    });
    desktop.client().expect("answers").shutdown().expect("ends");
    icon.shows("that it is gone", |sight| sight.shape == Shape::Stuck);
    // Somebody else starts one.
    desktop.start_daemon();
    icon.shows("that it is followed", |sight| {
        sight.is_consistent() && daemon(sight).is_some()
    });
    assert_eq!(icon.quit(program).0.code(), Some(0));
    assert!(desktop.client().is_some(), "what the tray shows does not end with it");
}

fn is_one_for_each_user() {
    let desktop = Desktop::new();
    let _program = desktop.start();
    desktop.icon().shows("a first look", Sight::is_consistent);
    let (status, complaint) = desktop.start().ended();
    assert_eq!(status.code(), Some(0));
    assert!(
        complaint.starts_with("lockwatch-tray: a tray of yours runs already (pid "),
        "{complaint}"
    );
}

fn ends_by_quit_alone() {
    let desktop = Desktop::new();
    let program = desktop.start();
    let icon = desktop.icon();
    let seen = icon.shows("a first look", Sight::is_consistent);
    for row in seen.menu.iter().filter(|row| !row.enabled && !row.is_separator) {
        icon.click_disabled(row);
    }
    // It is answered after the clicks before it.
    icon.shows("the same", Sight::is_consistent);
    let (status, complaint) = icon.quit(program);
    assert_eq!((status.code(), complaint.as_str()), (Some(0), ""));
}

fn appears_when_the_desktop_shows_icons() {
    let mut desktop = Desktop::without_icons();
    desktop.start_daemon();
    let mut program = desktop.start();
    let complaint = program.complains();
    assert!(
        complaint.starts_with("lockwatch-tray: this desktop shows no tray icons now"),
        "{complaint}"
    );
    desktop.show_icons();
    let icon = desktop.icon();
    icon.shows("a first look", Sight::is_consistent);
    let (status, complaint) = icon.quit(program);
    assert_eq!((status.code(), complaint.as_str()), (Some(0), ""));
}

fn says_that_there_is_no_session_bus() {
    let folder = private_folder();
    let address = format!("unix:path={}", folder.path().join("none").display());
    let output = program(Path::new(TRAY), &address)
        .env("LOCKWATCH_HOME", folder.path())
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
        let output = Command::new(TRAY).arg(argument).output().expect("runs");
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
