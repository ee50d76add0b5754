//! `lockwatch history`, as a shell sees it, on files that the recorder made.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use lockwatch::cargo::lock_kind::LockKind;
use lockwatch::clock::Moment;
use lockwatch::config::Config;
use lockwatch::history::{Recorder, Report};
use lockwatch::observation::Participant;
use lockwatch::tracker::{Begin, Change, Hold, HoldEnd, LockName, Span, Wait, WaitEnd};

use crate::support::{Running, folder, helper, holder, lockwatch, until_seen, waiter};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("history::{name}"), move || {
            body();
            Ok(())
        })
    };
    vec![
        test("the_answer_comes_first", the_answer_comes_first),
        test("it_is_read_while_it_is_written", it_is_read_while_it_is_written),
        test("no_history", no_history),
        test("a_damaged_file", a_damaged_file),
        test("a_wrong_span_or_kind", a_wrong_span_or_kind),
        test("help", help),
        test(
            "a_killed_writer_loses_nothing_that_ended",
            a_killed_writer_loses_nothing_that_ended,
        ),
        Trial::ignorable_test(
            "history::a_full_disk_loses_nothing_that_ended",
            a_full_disk_loses_nothing_that_ended,
        ),
    ]
}

const BOOT: u64 = 7;

fn recorder(home: &Path) -> Recorder {
    let path = home.join("history.db");
    Recorder::open(path, Config::default().history, BOOT, &Moment::now())
}

fn history(home: &Path, arguments: &[&str]) -> Output {
    let mut command = lockwatch();
    command.arg("history").args(arguments).env("LOCKWATCH_HOME", home);
    command.output().expect("runs")
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("is text")
}

fn report(home: &Path) -> Report {
    let output = history(home, &["--since", "1d", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Two processes with a real lock, as a look has them.
struct Scene {
    name: Arc<LockName>,
    front: Arc<Participant>,
    behind: Arc<Participant>,
    _running: [Running; 2],
    _folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = folder();
        let path = folder.path().join("parity/target/debug/.cargo-lock");
        std::fs::create_dir_all(path.parent().expect("has one")).expect("makes the folder");
        let front = holder("exclusive", &path);
        let behind = waiter("exclusive", &path);
        until_seen(&path, 1, 1);
        let seen = crate::support::look();
        let lock = seen.locks.iter().find(|lock| lock.path == path).expect("is seen");
        let who = |pid: u32| {
            let mut all = seen.processes.iter();
            all.find(|(id, _)| id.pid == pid)
                .map(|(_, one)| Arc::clone(one))
                .expect("is seen")
        };
        Self {
            name: Arc::new(LockName {
                file: lock.file,
                path: path.clone(),
                kind: lock.table.kind,
            }),
            front: who(front.pid()),
            behind: who(behind.pid()),
            _running: [front, behind],
            _folder: folder,
        }
    }

    /// A hold that began so many milliseconds ago.
    fn hold(&self, ago: u64) -> Hold {
        Hold {
            lock: Arc::clone(&self.name),
            who: Arc::clone(&self.front),
            mode: None,
            begin: begin(ago),
            blocked_somebody: true,
        }
    }

    /// A hold of so many milliseconds, and a wait that it blocked all the time, both ended now.
    fn write(&self, recorder: &mut Recorder, milliseconds: u64) {
        let hold = self.hold(milliseconds);
        let wait = Wait {
            lock: Arc::clone(&self.name),
            who: Arc::clone(&self.behind),
            mode: None,
            begin: hold.begin,
            spans: vec![Span {
                from: hold.begin.at,
                behind: Some((hold.who.process.id, hold.begin)),
            }],
        };
        let changes = [
            Change::Freed(hold, HoldEnd::Released),
            Change::Went(wait, WaitEnd::Acquired),
        ];
        recorder.record(&changes, &Moment::now());
    }

    fn project(&self) -> PathBuf {
        self.name.path.ancestors().nth(3).expect("has one").to_owned()
    }
}

fn begin(ago: u64) -> Begin {
    let now = Moment::now();
    Begin {
        at: now.since_boot.saturating_sub(Duration::from_millis(ago)),
        seen: true,
    }
}

fn the_answer_comes_first() {
    let (home, scene) = (folder(), Scene::new());
    let mut recorder = recorder(home.path());
    scene.write(&mut recorder, 5_000);
    drop(recorder);
    let shown = text(&history(home.path(), &["--since", "2h"]));
    let first = shown.lines().next().expect("has one");
    assert!(
        first.starts_with("In the last 2h you waited 5 s for Cargo locks; all of it behind "),
        "{shown}"
    );
    assert!(
        first.ends_with(&format!(" in {}", scene.project().display())),
        "{shown}"
    );
    assert!(
        shown.contains("  build-dir  ") && shown.contains("  released  "),
        "{shown}"
    );
    let shown = text(&history(home.path(), &["--since", "2h", "--lock", "package-cache"]));
    assert!(
        shown.starts_with("In the last 2h no package-cache lock was held\n"),
        "{shown}"
    );
    let shown = text(&history(home.path(), &[]));
    assert!(shown.starts_with("Today "), "{shown}");
    assert!(!shown.contains('\u{1b}'), "a pipe is no terminal");
}

fn it_is_read_while_it_is_written() {
    let (home, scene) = (folder(), Scene::new());
    let mut recorder = recorder(home.path());
    for number in 1..=5 {
        scene.write(&mut recorder, 1_000 * number);
        let report = report(home.path());
        assert_eq!(report.holds.len() as u64, number);
        assert_eq!(report.summary.waits, number);
        assert!(report.holds.iter().all(|hold| hold.past.kind == LockKind::BuildDir));
        let pids: Vec<_> = report.waits.iter().map(|wait| wait.past.pid).collect();
        assert!(pids.iter().all(|pid| *pid == scene.behind.process.id.pid), "{pids:?}");
        assert_eq!(recorder.problem(), None);
    }
    let open = scene.hold(60_000);
    recorder.checkpoint([&open].into_iter(), [].into_iter(), &Moment::now());
    let report = report(home.path());
    assert_eq!((report.holds[5].how, report.holds[5].past.end), (None, None));
}

fn no_history() {
    let home = folder();
    let shown = text(&history(home.path(), &[]));
    assert_eq!(
        shown,
        "There is no history yet: the daemon records it; start it with `lockwatch daemon`\n"
    );
    assert_eq!(report(home.path()).recorded_since, None);
    assert!(!home.path().join("history.db").exists(), "reading makes nothing");
}

fn a_damaged_file() {
    let home = folder();
    std::fs::write(home.path().join("history.db"), b"\0\xff no database".repeat(1_000)).expect("writes");
    for arguments in [&[][..], &["--json"]] {
        let output = history(home.path(), arguments);
        assert_eq!(output.status.code(), Some(69), "{output:?}");
        assert!(output.stdout.is_empty());
        let talk = String::from_utf8(output.stderr).expect("is text");
        assert!(
            talk.contains("is damaged") && talk.trim_end().ends_with("`lockwatch daemon`"),
            "{talk}"
        );
        assert_eq!(talk.lines().count(), 1, "{talk}");
    }
}

fn a_wrong_span_or_kind() {
    let home = folder();
    for (arguments, said) in [
        (&["--since", "soon"][..], "write a span of time such as 2h"),
        (&["--since=-2h"], "write a span of time such as 2h"),
        (&["--since", ""], "--since <SPAN>"),
        (&["--lock", "padlock"], "possible values: package-cache"),
    ] {
        let output = history(home.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let talk = String::from_utf8(output.stderr).expect("is text");
        assert!(talk.contains(said), "{talk}");
    }
}

fn help() {
    let shown = text(&history(folder().path(), &["--help"]));
    for said in ["Examples:", "build-unit", "each moment once", "`You waited`"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

/// The lock that this process holds, and this process, as a look has them.
fn mine(lock: &Path) -> (Arc<LockName>, Arc<Participant>) {
    let seen = crate::support::look();
    let me = std::process::id();
    let mut all = seen.processes.iter();
    let who = all
        .find(|(id, _)| id.pid == me)
        .map(|(_, one)| one)
        .expect("holds a lock");
    let lock = seen.locks.iter().find(|found| found.path == lock).expect("is seen");
    let name = LockName {
        file: lock.file,
        path: lock.path.clone(),
        kind: lock.table.kind,
    };
    (Arc::new(name), Arc::clone(who))
}

/// A hold of a tenth of a second that ended now.
fn ended((lock, who): &(Arc<LockName>, Arc<Participant>)) -> Change {
    let hold = Hold {
        lock: Arc::clone(lock),
        who: Arc::clone(who),
        mode: None,
        begin: begin(100),
        blocked_somebody: false,
    };
    Change::Freed(hold, HoldEnd::Released)
}

/// A helper that holds a lock and writes a hold of it at each line that it reads: `record HOME LOCK`.
pub(crate) fn record(home: &Path, lock: &Path) {
    let mut recorder = recorder(home);
    let mine = mine(lock);
    for _ in std::io::stdin().lines() {
        recorder.record(&[ended(&mine)], &Moment::now());
        crate::helper::say("recorded");
    }
}

/// A helper on a disk of its own, which it fills: `fill HOME LOCK`. It says how many holds ended and how many the file has,
/// and what the recorder said meanwhile.
pub(crate) fn fill(home: &Path, lock: &Path) {
    /// So many end while the disk is full.
    const MORE: u64 = 500;

    let ballast = home.join("ballast");
    std::fs::write(&ballast, vec![1; 300 << 10]).expect("writes");
    let (mut recorder, mine) = (recorder(home), mine(lock));
    let (mut all, mut room) = (0, u64::MAX);
    while all < room.saturating_add(MORE) {
        recorder.record(&[ended(&mine)], &Moment::now());
        all += 1;
        if recorder.problem().is_some() {
            room = room.min(all);
        }
    }
    let said = recorder.problem().expect("is full");
    std::fs::remove_file(&ballast).expect("removes");
    let mut later = Moment::now();
    later.since_boot += Duration::from_mins(1);
    recorder.checkpoint([].into_iter(), [].into_iter(), &later);
    assert_eq!(recorder.problem(), None);
    crate::helper::say(&format!("{all} {} {said}", report(home).summary.holds));
}

/// A real disk, as small as it takes.
fn a_full_disk_loses_nothing_that_ended() -> Result<Completion, Failed> {
    const FLAGS: [&str; 2] = ["--map-root-user", "--mount"];
    const MOUNT: &str =
        "mount -t tmpfs -o size=700k tmpfs \"$2\"; exec \"$1\" helper fill \"$2\" \"$2/.package-cache\"";

    let home = folder();
    let unshare = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(FLAGS).args(["sh", "-ec"]).args(command);
        unshare
    };
    let can = unshare(&["mount -t tmpfs tmpfs \"$1\"", "sh"])
        .arg(home.path())
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        return Ok(Completion::ignored_with(
            "takes user namespaces, and the `unshare` and `mount` commands",
        ));
    }
    let mut filler = unshare(&[MOUNT, "sh"]);
    filler.arg(std::env::current_exe()?).arg(home.path());
    let mut filler = Running::start(&mut filler);
    let line = filler.line();
    let [all, written, said] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("{line}");
    };
    assert_eq!(all, written, "{said}");
    assert!(said.contains("(no room on the disk)"), "{said}");
    Ok(Completion::Completed)
}

fn a_killed_writer_loses_nothing_that_ended() {
    /// So many are written before the writer is killed while it writes one more.
    const WRITTEN: u64 = 5;

    let home = folder();
    let path = home.path().join(".package-cache");
    let mut recorded = 0;
    for _ in 0..20 {
        let mut writer = helper(["record".as_ref(), home.path().as_os_str(), path.as_os_str()]);
        for _ in 0..WRITTEN {
            writer.tell("one");
            assert_eq!(writer.line(), "recorded");
        }
        writer.tell("one");
        writer.kill();
        let written = report(home.path()).summary.holds;
        let expected = recorded + WRITTEN..=recorded + WRITTEN + 1;
        assert!(expected.contains(&written), "{written} of {expected:?}");
        recorded = written;
    }
}
