//! What the single calls say about other processes.

use std::io::Write as _;

use super::*;
use crate::os::macos::sys::signal::{signal_version, signal_with_audit_token, version_of};
use crate::process::ProcessId;

/// Whether the descriptor of a process for this file has the mark.
fn is_marked(locker: &Locker, file: FileId) -> bool {
    let (system, pid) = (Darwin::new(), locker.0.id());
    let vnodes = system.descriptors(pid).unwrap().into_iter();
    let mut vnodes = vnodes.filter_map(|fd| system.vnode(pid, fd).ok());
    vnodes.find(|vnode| vnode.file == file).unwrap().was_locked()
}

#[test]
fn a_holder_has_the_mark_and_a_waiter_has_not() {
    let folder = Folder::new();
    let (path, _) = folder.lock_file();
    let file = Darwin::new().open(&path).unwrap().1;
    let holder = Locker::spawn(&path, 2).reach("locked");
    let waiter = Locker::spawn(&path, 2).reach("open");
    assert!(is_marked(&holder, file));
    assert!(!is_marked(&waiter, file));
    drop(holder);
    assert!(is_marked(&waiter.reach("locked"), file));
}

#[test]
fn the_release_by_a_process_that_is_killed_is_noted() {
    let (system, folder) = (Darwin::new(), Folder::new());
    let (path, _) = folder.lock_file();
    let holder = Locker::spawn(&path, 2).reach("locked");
    let (mut asked, _) = system.open(&path).unwrap();
    system.arm(&mut asked).unwrap();
    assert_eq!(system.held(&asked).unwrap(), Held::Flock(Mode::Exclusive));
    assert!(!system.released(&asked).unwrap());
    // It is killed, and waited for.
    drop(holder);
    assert_eq!(system.held(&asked).unwrap(), Held::Free);
    assert!(system.released(&asked).unwrap());
}

/// A token made of a number and a version is stale as soon as the process becomes another program (macOS 14.2 and newer).
#[test]
fn a_stale_token_signals_nobody() {
    let Some(by_token) = signal_with_audit_token() else {
        return;
    };
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "echo shell; read line; exec /bin/cat"]);
    let mut child = Locker(shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut words = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut orders = child.0.stdin.take().unwrap();
    assert_eq!(words.next().unwrap().unwrap(), "shell");
    let pid = child.0.id();
    let process = ProcessId {
        pid,
        start: Darwin::new().unique_id(pid).unwrap(),
    };
    let before = version_of(process).unwrap();
    // The shell reads a byte at a time, so that the second line is for cat.
    writeln!(orders, "go\ncat").unwrap();
    assert_eq!(words.next().unwrap().unwrap(), "cat");
    let after = version_of(process).unwrap();
    assert_ne!(before, after);
    assert_eq!(signal_version(by_token, pid, before, libc::SIGTERM), libc::ESRCH);
    writeln!(orders, "alive").unwrap();
    assert_eq!(words.next().unwrap().unwrap(), "alive");
    assert_eq!(signal_version(by_token, pid, after, libc::SIGTERM), 0);
    assert!(!child.0.wait().unwrap().success());
}
