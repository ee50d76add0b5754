//! Holders and waiters in other processes.

use std::path::Path;
use std::process::{Command, Stdio};

use lockwatch::os::{LockTable, Mode, Precision, System};
use lockwatch::process::Pid;

use crate::actors::{Ending, How, Locker, Place, look, private_home, until};

/// The PIDs of the holders and of the waiters of the one file in the table.
fn parts(table: &LockTable) -> (Vec<Pid>, Vec<Pid>) {
    let [file] = table.files.as_slice() else {
        panic!("{table:?}")
    };
    let pids = |claims: &[lockwatch::os::Claim]| claims.iter().map(|one| one.process.pid).collect();
    (pids(&file.holders), pids(&file.waiters))
}

#[test]
fn the_mark_in_the_file_table_tells_the_holder_from_the_waiters() {
    let (place, mut system) = (Place::new(), System::new());
    let holder = Locker::holding(&place.lock, How::Exclusive);
    let waiters = [
        Locker::asking(&place.lock, How::Exclusive),
        Locker::asking(&place.lock, How::Shared),
    ];
    let table = place.look(&mut system);
    let mut expected = waiters.each_ref().map(Locker::pid).to_vec();
    let (holders, mut found) = parts(&table);
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(holders, [holder.pid()]);
    assert_eq!(found, expected);
    assert_eq!(table.files[0].holders[0].mode, Some(Mode::Exclusive));
    // One of them comes next, and has the mark then; the other still has not.
    drop(holder);
    until("the next holder", || {
        let table = look(&mut system, &place.lock);
        (table.precision == Precision::Exact && !table.files.is_empty() && parts(&table).0.len() == 1).then_some(())
    });
    let (holders, waiting) = parts(&place.look(&mut system));
    let mut both = [holders, waiting].concat();
    both.sort_unstable();
    assert_eq!(both, expected);
}

/// The mark stays after `LOCK_UN`; `F_GETLK` says that the lock is free all the same.
#[test]
fn who_has_unlocked_holds_nothing() {
    let (place, mut system) = (Place::new(), System::new());
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    locker.obeys("unlock");
    assert_eq!(place.look(&mut system).files, []);
}

#[test]
fn getlk_tells_shared_from_exclusive() {
    let (place, mut system) = (Place::new(), System::new());
    let one = Locker::holding(&place.lock, How::Shared);
    let other = Locker::holding(&place.lock, How::Shared);
    let table = place.look(&mut system);
    assert!(table.files[0].holders.iter().all(|one| one.mode == Some(Mode::Shared)));
    let mut expected = vec![one.pid(), other.pid()];
    expected.sort_unstable();
    assert_eq!(parts(&table), (expected, Vec::new()));
}

/// To look is to take nothing: while lockwatch looks, the lock can be had.
#[test]
fn a_look_does_not_stand_in_anybodys_way() {
    let (place, mut system) = (Place::new(), System::new());
    for _ in 0..100 {
        assert_eq!(place.look(&mut system).files, []);
        let file = std::fs::File::open(&place.lock).unwrap();
        file.try_lock().expect("nobody holds it");
    }
}

/// A program with the hardened runtime, as everything notarized has, can be looked into by its own user.
#[test]
fn a_hardened_program_is_seen() {
    let (place, mut system) = (Place::new(), System::new());
    let home = private_home(&place);
    let program = place.folder.join("hardened");
    std::fs::copy(env!("CARGO_BIN_EXE_lockwatch"), &program).unwrap();
    let signed = Command::new("/usr/bin/codesign")
        .args(["--force", "--sign", "-", "--options", "runtime"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(signed.status.success(), "{signed:?}");
    let daemon = daemon(&program, &home);
    let lock = home.join("daemon.lock");
    let holders = until("the daemon's lock", || {
        let table = lock.exists().then(|| look(&mut system, &lock))?;
        let [file] = table.files.as_slice() else { return None };
        Some(file.holders.iter().map(|one| one.process.pid).collect::<Vec<_>>())
    });
    assert_eq!(holders, [daemon.0.id()]);
}

fn daemon(program: &Path, home: &Path) -> Ending {
    let child = Command::new(program)
        .arg("daemon")
        .env("LOCKWATCH_HOME", home)
        .env("CARGO_HOME", home.join("cargo"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ending(child.unwrap())
}
