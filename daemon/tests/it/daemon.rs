//! The whole daemon as a process, with real locks: what its subscribers and its history know, on good days and on bad ones.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender};

use jiff::Timestamp;
use libtest_mimic::{Completion, Trial};
use lockwatch::client::{Client, Subscription};
use lockwatch::folders::{Base, Folders, Layout};
use lockwatch::history::{self, PastHold, Query, Report};
use lockwatch::os::Mode;
use lockwatch::state::{Lock, State};
use lockwatch::tracker::HoldEnd;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::document::complaints;
use crate::support::{self, Running, folder, holder_pids, lockwatch, until, waiter_pids};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| {
        Trial::test(format!("daemon::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        trial("kill_9_in_a_loop_of_200_loses_no_hold_that_ended", kill_9_in_a_loop),
        trial("what_is_open_at_a_kill_goes_on_in_the_next", what_is_open_goes_on),
        trial("a_daemon_that_was_paused_sees_what_is_there", paused),
        trial("events_that_overflow_lose_nothing_but_time", overflow),
        trial("a_second_one_says_so_and_ends", a_second_one),
        trial("a_wrong_configuration_is_refused_with_its_line", wrong_configuration),
        trial("a_damaged_history_is_set_aside_and_told", damaged_history),
        trial("status_asks_it_and_its_document_fits_the_schema", its_document),
        trial("a_wait_is_in_the_history_with_whom_it_was_for", a_wait_in_the_history),
        Trial::ignorable_test("daemon::real_cargos_are_told_as_they_come", real_cargos),
    ]
}

/// A daemon with a home and a Cargo home of its own.
struct Daemon {
    place: TempDir,
    running: Running,
}

impl Daemon {
    fn start() -> Self {
        Self::start_in(folder())
    }

    fn start_in(place: TempDir) -> Self {
        std::fs::create_dir_all(place.path().join("cargo")).expect("makes it");
        let mut running = Running::start(&mut command(&place));
        let line = running.line();
        assert!(line.starts_with("answering on "), "{line}");
        Self { place, running }
    }

    /// Kills it, and starts another one in its place.
    fn kill_and_start_again(self) -> Self {
        let Self { place, mut running } = self;
        running.kill();
        drop(running);
        Self::start_in(place)
    }

    fn folders(&self) -> Folders {
        folders(&self.place)
    }

    fn lock(&self) -> PathBuf {
        self.place.path().join("cargo/.package-cache")
    }

    fn client(&self) -> Client {
        let client = Client::connect(&self.folders()).expect("connects");
        client.expect("it runs").with_patience(support::PATIENCE)
    }

    fn subscribe(&self) -> States {
        let states = self.client().subscribe().expect("subscribes");
        let closer = states.closer().expect("has one");
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            if is_done.recv_timeout(support::PATIENCE) == Err(RecvTimeoutError::Timeout) {
                closer.close();
            }
        });
        States { states, _done: done }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.running.pid()).ok().and_then(Pid::from_raw);
        rustix::process::kill_process(pid.expect("a number"), signal).expect("is sent");
    }

    /// What is known of every lock of this user, also of other tests'.
    fn whole_history(&self) -> Report {
        let query = Query {
            since: Timestamp::UNIX_EPOCH,
            lock: None,
            limit: history::LIMIT,
        };
        history::query(&self.folders().history(), &query).expect("reads")
    }

    /// What is known of the one lock.
    fn history(&self) -> Report {
        let mut past = self.whole_history();
        let lock = self.lock();
        let lock = lock.to_str().expect("plain");
        past.holds.retain(|hold| hold.past.lock == lock);
        past.waits.retain(|wait| wait.past.lock == lock);
        past
    }
}

fn command(place: &TempDir) -> Command {
    let mut command = program(place);
    command.arg("daemon").stderr(Stdio::piped());
    command
}

/// The program, with the places of this test.
fn program(place: &TempDir) -> Command {
    let mut command = lockwatch();
    command
        .env("LOCKWATCH_HOME", place.path().join("lockwatch"))
        .env("CARGO_HOME", place.path().join("cargo"))
        .env("HOME", place.path());
    command
}

fn folders(place: &TempDir) -> Folders {
    let base = Base {
        lockwatch_home: Some(place.path().join("lockwatch")),
        ..Base::default()
    };
    Folders::new(&base, Layout::Xdg)
}

/// A subscription that ends by itself before a test would hang for ever.
struct States {
    states: Subscription,
    _done: Sender<()>,
}

/// The states as they come, until one fits.
fn until_told<T>(states: &mut States, fits: impl Fn(&State) -> Option<T>) -> T {
    loop {
        let state = states.states.next().expect("reads").expect("it was told in time");
        if let Some(found) = fits(&state) {
            return found;
        }
    }
}

fn holder_of(state: &State, path: &std::path::Path, pid: u32) -> Option<Lock> {
    support::lock(state, path)
        .filter(|lock| holder_pids(lock) == [pid])
        .cloned()
}

/// Shorter holds are only counted.
fn long_enough_for_a_row() {
    std::thread::sleep(std::time::Duration::from_millis(60));
}

fn kill_9_in_a_loop() {
    let mut daemon = Daemon::start();
    let lock = daemon.lock();
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut states = daemon.subscribe();
        let mut holder = support::holder("exclusive", &lock);
        let pid = holder.pid();
        until_told(&mut states, |state| holder_of(state, &lock, pid));
        long_enough_for_a_row();
        holder.kill();
        held.push(pid);
        until_told(&mut states, |state| support::lock(state, &lock).is_none().then_some(()));
        // That it ended was told, so it is written.
        daemon = daemon.kill_and_start_again();
    }
    let past = daemon.history();
    assert_eq!(past.holds.iter().filter(|hold| hold.past.end.is_none()).count(), 0);
    let mut rows: Vec<u32> = past.holds.iter().map(|hold| hold.past.pid).collect();
    rows.reverse(); // the newest come first
    assert_eq!(rows, held);
    let others = past.holds.iter().filter(|hold| hold.how != Some(HoldEnd::Exited));
    assert_eq!(others.count(), 0, "each holder was killed");
}

fn what_is_open_goes_on() {
    let mut daemon = Daemon::start();
    let lock = daemon.lock();
    let mut states = daemon.subscribe();
    let mut holder = support::holder("exclusive", &lock);
    let second = support::waiter("exclusive", &lock);
    let pid = holder.pid();
    let before = until_told(&mut states, |state| {
        holder_of(state, &lock, pid).filter(|lock| !lock.waiters.is_empty())
    });
    let since = before.holders[0].since.expect("its begin was seen");
    // It ends by itself, so that what is open is written at once; a kill loses the last minute of it.
    daemon.client().shutdown().expect("is asked");
    daemon.running.child().wait().expect("ends");
    daemon = Daemon::start_in(daemon.place);
    let after = daemon.client().state().expect("answers");
    let after = support::lock(&after, &lock).expect("is held");
    let apart = after.holders[0].since.expect("is known still").duration_since(since);
    assert!(apart.abs() <= jiff::SignedDuration::from_millis(2), "{apart:?}");
    assert!(after.waiters[0].since.is_some());
    // What ends while no daemon runs ended unseen.
    daemon.client().shutdown().expect("is asked");
    daemon.running.child().wait().expect("ends");
    holder.kill();
    let waiter = second.pid();
    daemon = Daemon::start_in(daemon.place);
    until_told(&mut daemon.subscribe(), |state| holder_of(state, &lock, waiter));
    let past = daemon.history();
    let ended: Vec<_> = past.holds.iter().filter(|hold| hold.past.pid == pid).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].how, Some(HoldEnd::Unseen));
}

fn paused() {
    let daemon = Daemon::start();
    let lock = daemon.lock();
    let mut states = daemon.subscribe();
    let mut gone = support::holder("exclusive", &lock);
    let pid = gone.pid();
    until_told(&mut states, |state| holder_of(state, &lock, pid));
    long_enough_for_a_row();
    daemon.signal(Signal::STOP);
    gone.kill();
    let holder = support::holder("shared", &lock);
    daemon.signal(Signal::CONT);
    let seen = until_told(&mut states, |state| holder_of(state, &lock, holder.pid()));
    assert_eq!(seen.holders[0].mode, Some(Mode::Shared));
    let past = until("the first hold is in the history", || {
        let past = daemon.history().holds.into_iter().find(|hold| hold.past.pid == pid)?;
        past.how
    });
    assert_eq!(past, HoldEnd::Exited);
}

fn overflow() {
    let daemon = Daemon::start();
    let lock = daemon.lock();
    let mut states = daemon.subscribe();
    // The queue of events is as long as the system says, and a paused daemon takes none out.
    let queue = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let queue: usize = queue.map_or(16384, |text| text.trim().parse().expect("a number"));
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    daemon.signal(Signal::STOP);
    let other = lock.with_file_name(".package-cache-mutate");
    for number in 0..queue {
        // Two events that are the same and follow each other count once.
        drop(
            options
                .open(if number % 2 == 0 { &lock } else { &other })
                .expect("opens"),
        );
    }
    let holder = support::holder("exclusive", &lock);
    daemon.signal(Signal::CONT);
    until_told(&mut states, |state| holder_of(state, &lock, holder.pid()));
    drop(holder);
    until_told(&mut states, |state| support::lock(state, &lock).is_none().then_some(()));
}

fn a_second_one() {
    let daemon = Daemon::start();
    let second = command(&daemon.place).output().expect("runs");
    assert!(second.status.success());
    let said = String::from_utf8(second.stdout).expect("is text");
    assert_eq!(said, format!("a daemon already runs (pid {})\n", daemon.running.pid()));
    assert_eq!(daemon.client().hello().expect("answers").pid, daemon.running.pid());
}

fn wrong_configuration() {
    let place = folder();
    let home = place.path().join("lockwatch");
    std::fs::DirBuilder::new().mode(0o700).create(&home).expect("makes it");
    std::fs::write(home.join("config.toml"), "colour = 1\n[stop]\ngrace = -1\n").expect("writes");
    let refused = command(&place).output().expect("runs");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).expect("is text");
    assert!(said.contains("config.toml, line 3"), "{said}");
    // What is unknown is only named.
    std::fs::write(home.join("config.toml"), "colour = 1\n").expect("writes");
    let mut daemon = Daemon::start_in(place);
    daemon.client().shutdown().expect("is asked");
    let mut said = String::new();
    let mut stderr = daemon.running.child().stderr.take().expect("piped");
    std::io::Read::read_to_string(&mut stderr, &mut said).expect("reads");
    assert!(said.contains("colour"), "{said}");
}

fn damaged_history() {
    let place = folder();
    let home = place.path().join("lockwatch");
    {
        let mut daemon = Daemon::start_in(place);
        daemon.client().shutdown().expect("is asked");
        daemon.running.child().wait().expect("ends");
        std::fs::write(daemon.folders().history(), "this was a history once").expect("writes");
        let daemon = Daemon::start_in(daemon.place);
        let notes = daemon.client().state().expect("answers").notes;
        assert!(notes.iter().any(|note| note.contains("history")), "{notes:?}");
        let files: Vec<String> = std::fs::read_dir(&home)
            .expect("lists")
            .map(|entry| entry.expect("is there").file_name().into_string().expect("plain"))
            .collect();
        let aside = files
            .iter()
            .find(|name| name.starts_with("history.damaged"))
            .expect("is set aside");
        let kept = std::fs::read_to_string(home.join(aside)).expect("reads");
        assert_eq!(kept, "this was a history once");
        assert_eq!(std::fs::metadata(&home).expect("is there").mode() & 0o777, 0o700);
    }
}

fn its_document() {
    let daemon = Daemon::start();
    let lock = daemon.lock();
    let mut states = daemon.subscribe();
    let holder = support::holder("exclusive", &lock);
    let waiter = support::waiter("exclusive", &lock);
    until_told(&mut states, |state| {
        holder_of(state, &lock, holder.pid()).filter(|lock| waiter_pids(lock) == [waiter.pid()])
    });
    let output = program(&daemon.place)
        .args(["status", "--json"])
        .output()
        .expect("runs");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    assert_eq!(complaints(&document), [""; 0]);
    assert_eq!(document["source"], "daemon");
    assert!(document["generation"].is_u64());
    let locks = document["locks"].as_array().expect("is a list");
    let lock = locks
        .iter()
        .find(|one| one["path"] == lock.to_str().expect("plain"))
        .expect("is there");
    for part in ["holders", "waiters"] {
        assert!(lock[part][0]["since"].is_string(), "{part}: its begin was seen");
    }
    assert!(lock["holders"][0]["held_ms"].is_u64() && lock["waiters"][0]["waited_ms"].is_u64());
}

fn a_wait_in_the_history() {
    let daemon = Daemon::start();
    let lock = daemon.lock();
    let mut states = daemon.subscribe();
    let mut holder = support::holder("exclusive", &lock);
    let mut waiter = support::waiter("exclusive", &lock);
    let pids = (holder.pid(), waiter.pid());
    until_told(&mut states, |state| {
        holder_of(state, &lock, pids.0).filter(|lock| waiter_pids(lock) == [pids.1])
    });
    holder.kill();
    until_told(&mut states, |state| holder_of(state, &lock, pids.1));
    long_enough_for_a_row();
    waiter.kill();
    until_told(&mut states, |state| support::lock(state, &lock).is_none().then_some(()));
    let past = daemon.history();
    assert_eq!(
        past.holds.iter().map(|hold| hold.past.pid).collect::<Vec<_>>(),
        [pids.1, pids.0]
    );
    let wait = &past.waits[0];
    assert_eq!((past.waits.len(), wait.past.pid), (1, pids.1));
    // A second part, behind nobody, may lie between the release and the take.
    assert_eq!(wait.spans[0].hold, Some(past.holds[1].id));
}

/// Cargos that build one project after the other: each holds the lock of the build folder, and is told once.
fn real_cargos() -> Result<Completion, libtest_mimic::Failed> {
    let Some(cargo) = std::env::var_os("CARGO") else {
        return Ok(Completion::ignored_with("CARGO is not set, as `cargo test` does"));
    };
    let daemon = Daemon::start();
    let project = daemon.place.path().join("project");
    std::fs::create_dir_all(project.join("src"))?;
    std::fs::write(project.join("src/main.rs"), "fn main() {}\n")?;
    std::fs::write(
        project.join("Cargo.toml"),
        "[package]\nname = \"told\"\nversion = \"0.1.0\"\nedition = \"2021\"\nbuild = \"build.rs\"\n\n[workspace]\n",
    )?;
    // Long enough for a row in the history.
    std::fs::write(
        project.join("build.rs"),
        "fn main() { std::thread::sleep(std::time::Duration::from_millis(200)); println!(\"cargo:rerun-if-changed=x\"); }\n",
    )?;
    let mut states = daemon.subscribe();
    let mut cargos = Vec::new();
    for _ in 0..3 {
        let mut command = Command::new(&cargo);
        command
            .args(["build", "--offline", "--quiet"])
            .current_dir(&project)
            .env("CARGO_HOME", daemon.place.path().join("cargo"))
            .env("CARGO_TARGET_DIR", project.join("target"));
        let mut running = Running::start(&mut command);
        let pid = running.pid();
        let held = until_told(&mut states, |state| {
            let mut locks = state.locks.iter();
            locks
                .find(|lock| lock.path.contains("/target/") && holder_pids(lock) == [pid])
                .cloned()
        });
        assert!(held.holders[0].since.is_some(), "its begin was seen");
        assert!(running.child().wait()?.success());
        let ours = project.to_str().ok_or("a plain path")?;
        until_told(&mut states, |state| {
            let mut locks = state.locks.iter();
            (!locks.any(|lock| lock.path.starts_with(ours))).then_some(())
        });
        cargos.push(pid);
    }
    let past = daemon.whole_history();
    for pid in cargos {
        let its = |hold: &&PastHold| hold.past.pid == pid && hold.past.lock.contains("/target/");
        let mut locks: Vec<&str> = past
            .holds
            .iter()
            .filter(its)
            .map(|hold| hold.past.lock.as_str())
            .collect();
        locks.sort_unstable();
        let count = locks.len();
        locks.dedup();
        assert!(count > 0 && locks.len() == count, "each of its locks once: {locks:?}");
    }
    Ok(Completion::Completed)
}
