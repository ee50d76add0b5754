//! On a Mac alone: the real kernel, with files and processes of our own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

mod others;

use super::{Darwin, arguments, boot_session, bsd_info, kinfo, measure, program, working_directory};
use crate::os::macos::about::{Basics, boot_id};
use crate::os::macos::layout;
use crate::os::macos::look::{Limits, Looker};
use crate::os::macos::procargs::ProcArgs;
use crate::os::macos::selftest::failure;
use crate::os::macos::tables::{Held, Tables as _, Whose, parse_processes};
use crate::os::{FileId, Interest, Kernel as _, LockTable, Mode, Precision, ProcessError, System};
use crate::process::{Detail, Process, RunState};

/// A folder of our own, without a symbolic link in its path.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn lock_file(&self) -> (PathBuf, File) {
        let path = self.0.path().canonicalize().unwrap().join(".cargo-lock");
        let file = File::create(&path).unwrap();
        (path, file)
    }
}

/// A process that locks a file and stays; it ends when dropped.
struct Locker(Child);

impl Locker {
    /// With perl's `flock`: 1 is shared, 2 exclusive. It says `open` before it locks and `locked` after.
    fn spawn(path: &Path, mode: u8) -> Self {
        let script = format!(
            "$|=1; open(F,'+<',$ARGV[0]) or die; print \"open\\n\"; flock(F,{mode}) or die; print \"locked\\n\"; sleep 60"
        );
        let mut perl = Command::new("/usr/bin/perl");
        perl.arg("-e")
            .arg(script)
            .arg(path)
            .env("LOCKWATCH_TEST", "1")
            .stdout(Stdio::piped());
        Self(perl.spawn().unwrap())
    }

    /// Waits until it has said this.
    fn reach(mut self, word: &str) -> Self {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == word));
        self
    }
}

impl Drop for Locker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn look(known: &[PathBuf]) -> LockTable {
    let mut looker = Looker::new(Darwin::new(), std::env::home_dir(), Limits::USUAL);
    let is_lock = |path: &Path| known.iter().any(|known| known == path);
    looker
        .locks(&Interest {
            is_lock: &is_lock,
            known,
        })
        .unwrap()
}

#[test]
fn the_self_test_passes() {
    assert_eq!(failure(&measure().unwrap()), None);
}

#[test]
fn our_own_descriptor_is_marked_by_a_lock_and_stays_so() {
    let (system, folder) = (Darwin::new(), Folder::new());
    let (_, file) = folder.lock_file();
    let vnode = || system.vnode(system.own_pid(), file.as_raw_fd()).unwrap();
    assert!(!vnode().was_locked());
    file.lock().unwrap();
    assert!(vnode().was_locked());
    file.unlock().unwrap();
    assert!(vnode().was_locked());
}

#[test]
fn the_file_table_names_a_file_as_fstat_does() {
    let (system, folder) = (Darwin::new(), Folder::new());
    let (path, file) = folder.lock_file();
    let stat = file.metadata().unwrap();
    let dev = u64::from(u32::try_from(stat.dev() & 0xffff_ffff).unwrap());
    let expected = FileId { dev, ino: stat.ino() };
    let (vnode, named) = system.vnode_path(system.own_pid(), file.as_raw_fd()).unwrap();
    assert_eq!(vnode.file, expected);
    assert_eq!(named, path);
    assert_eq!(vnode.links, 1);
    assert_eq!(system.open(&path).unwrap().1, expected);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(system.vnode(system.own_pid(), file.as_raw_fd()).unwrap().links, 0);
}

#[test]
fn getlk_sees_locks_through_a_descriptor_for_events() {
    let (system, folder) = (Darwin::new(), Folder::new());
    let (path, file) = folder.lock_file();
    let (mut asked, _) = system.open(&path).unwrap();
    system.arm(&mut asked).unwrap();
    assert_eq!(system.held(&asked).unwrap(), Held::Free);
    file.lock().unwrap();
    assert_eq!(system.held(&asked).unwrap(), Held::Flock(Mode::Exclusive));
    assert!(!system.released(&asked).unwrap());
    file.unlock().unwrap();
    assert_eq!(system.held(&asked).unwrap(), Held::Free);
    assert!(system.released(&asked).unwrap());
    assert!(!system.released(&asked).unwrap(), "told once");
    file.lock_shared().unwrap();
    assert_eq!(system.held(&asked).unwrap(), Held::Flock(Mode::Shared));
    drop(file);
    assert!(system.released(&asked).unwrap(), "the last close counts");
}

#[test]
fn no_link_is_followed_and_nothing_but_a_file_is_opened() {
    let (system, folder) = (Darwin::new(), Folder::new());
    let (path, _file) = folder.lock_file();
    let link = path.with_file_name("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(system.open(&link).is_err());
    assert!(system.open(path.parent().unwrap()).is_err());
    assert!(system.open(&path.with_file_name("none")).is_err());
}

#[test]
fn a_holder_and_a_waiter_in_other_processes() {
    let folder = Folder::new();
    let (path, _) = folder.lock_file();
    let holder = Locker::spawn(&path, 2).reach("locked");
    let waiter = Locker::spawn(&path, 2).reach("open");
    let table = look(std::slice::from_ref(&path));
    assert_eq!((table.precision, table.notes.len()), (Precision::Exact, 0), "{table:?}");
    let [file] = table.files.as_slice() else {
        panic!("{table:?}")
    };
    assert_eq!(
        file.holders.iter().map(|one| one.process.pid).collect::<Vec<_>>(),
        [holder.0.id()]
    );
    assert_eq!(file.holders[0].mode, Some(Mode::Exclusive));
    assert_eq!(
        file.waiters.iter().map(|one| one.process.pid).collect::<Vec<_>>(),
        [waiter.0.id()]
    );
    drop((waiter, holder));
    assert_eq!(look(&[path]).files, []);
}

#[test]
fn shared_holders_in_an_unknown_place() {
    let folder = Folder::new();
    let (path, _) = folder.lock_file();
    let holders = [
        Locker::spawn(&path, 1).reach("locked"),
        Locker::spawn(&path, 1).reach("locked"),
    ];
    let mut looker = Looker::new(Darwin::new(), None, Limits::USUAL);
    let is_lock = |other: &Path| other == path;
    let table = looker
        .locks(&Interest {
            is_lock: &is_lock,
            known: &[],
        })
        .unwrap();
    let [file] = table.files.as_slice() else {
        panic!("{table:?}")
    };
    let mut pids = holders.each_ref().map(|holder| holder.0.id());
    pids.sort_unstable();
    assert_eq!(file.holders.iter().map(|one| one.process.pid).collect::<Vec<_>>(), pids);
    assert!(file.holders.iter().all(|one| one.mode == Some(Mode::Shared)));
}

#[test]
fn processes_are_listed() {
    let system = Darwin::new();
    let own = system.processes(Whose::Own).unwrap();
    assert!(own.iter().any(|one| one.pid == std::process::id()));
    let others = system.processes(Whose::Others).unwrap();
    assert!(others.iter().any(|one| one.pid == 1), "launchd");
    assert!(system.unique_id(1).unwrap() < system.unique_id(system.own_pid()).unwrap());
}

#[test]
fn both_ways_to_ask_about_a_process_agree() {
    let own = std::process::id();
    let one = Basics::from_bsd_info(&bsd_info(own).unwrap()).unwrap();
    let bytes = kinfo(layout::KERN_PROC_PID, own.cast_signed()).unwrap();
    let other = Basics::from_kinfo(&bytes).unwrap();
    assert_eq!(
        Basics {
            name: String::new(),
            ..one
        },
        Basics {
            name: String::new(),
            ..other
        }
    );
    assert_eq!(parse_processes(&bytes).len(), 1);
}

#[test]
fn a_process_in_full() {
    let folder = Folder::new();
    let (path, _) = folder.lock_file();
    let locker = Locker::spawn(&path, 2).reach("locked");
    let pid = locker.0.id();
    assert!(program(pid).unwrap().starts_with("/usr/bin"));
    assert_eq!(working_directory(pid), Some(std::env::current_dir().unwrap()));
    let (bytes, room) = arguments(pid).unwrap();
    let argv = ProcArgs::parse(&bytes, room).unwrap().argv();
    assert_eq!(argv.first().unwrap(), "/usr/bin/perl");
    assert_eq!(argv.last().unwrap(), path.as_os_str());
    let (bytes, room) = arguments(std::process::id()).unwrap();
    let own = ProcArgs::parse(&bytes, room).unwrap().environment(&["PATH"]);
    assert_eq!(
        own.get("PATH").map(String::as_str),
        std::env::var("PATH").ok().as_deref()
    );
}

#[test]
fn the_kernel_tells_of_a_process() {
    let folder = Folder::new();
    let (path, _) = folder.lock_file();
    let locker = Locker::spawn(&path, 2).reach("locked");
    let pid = locker.0.id();
    let mut system = System::new();
    let process = system.process(pid, Detail::Full).unwrap();
    assert_eq!(process.id.pid, pid);
    assert_eq!(process.parent, std::process::id());
    assert_eq!(process.uid, Some(system.own_uid()));
    assert_eq!(process.state, RunState::Alive);
    assert_eq!(process.name, "perl");
    assert!(process.started_at.is_some() && process.session != 0 && process.cwd.is_some());
    assert_eq!(
        system.process(pid, Detail::Lineage).unwrap(),
        Process {
            cwd: None,
            ..process.clone()
        }
    );
    let stop = rustix::process::Pid::from_child(&locker.0);
    rustix::process::kill_process(stop, rustix::process::Signal::STOP).unwrap();
    while system.process(pid, Detail::Lineage).unwrap().state != RunState::Stopped {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let launchd = system.process(1, Detail::Lineage).unwrap();
    assert_eq!(
        (launchd.uid, launchd.parent),
        (Some(0), 0),
        "another user's process is placed in the tree too"
    );
    drop(locker);
    assert!(matches!(system.process(pid, Detail::Full), Err(ProcessError::Gone)));
    assert_ne!(system.boot_id(), 0);
}

#[test]
fn the_machine_has_a_boot_session_and_mounts() {
    assert!(boot_id(&boot_session().unwrap()).is_some());
    let mounts = Darwin::new().mounts();
    assert!(mounts.iter().any(|mount| mount.on == Path::new("/") && mount.fixed));
}
