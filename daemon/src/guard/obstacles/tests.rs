//! What is in the way, by looks that are made by hand.

use std::collections::BTreeSet;

use super::*;
use crate::cargo::lock_kind::recognise;
use crate::clock::Moment;
use crate::guard::folders::BuildFolder;
use crate::os::{FileId, Precision};

fn process(pid: u32) -> ProcessId {
    ProcessId { pid, start: 1 }
}

fn needs() -> Needs {
    Needs {
        is_cargo: true,
        cargo_home: Some("/home/.cargo".into()),
        compiles: true,
        folders: vec![
            BuildFolder::Profile("/w/target/debug".into()),
            BuildFolder::Whole("/w/all".into()),
        ],
        is_sure: true,
    }
}

/// A lock: path, holders, waiters.
type Row<'a> = (&'a str, &'a [(u32, Option<Mode>)], &'a [u32]);

/// A look with these locks.
fn look(locks: &[Row<'_>]) -> Look {
    let claim = |pid: u32, mode| Claim {
        process: process(pid),
        mode,
    };
    let locks = locks.iter().zip(1..).map(|((path, holders, waiters), ino)| Lock {
        file: FileId { dev: 1, ino },
        path: path.into(),
        table: recognise(path.as_ref(), &|_| true).expect("is one"),
        deleted: false,
        other_mount_namespace: false,
        holders: holders.iter().map(|(pid, mode)| claim(*pid, *mode)).collect(),
        waiters: waiters.iter().map(|pid| claim(*pid, Some(Mode::Exclusive))).collect(),
    });
    Look {
        at: Moment::now(),
        is_complete: true,
        boot_id: 1,
        precision: Precision::Exact,
        notes: Vec::new(),
        locks: locks.collect(),
        processes: BTreeMap::new(),
        ended: BTreeSet::new(),
    }
}

const EXCLUSIVE: Option<Mode> = Some(Mode::Exclusive);
const SHARED: Option<Mode> = Some(Mode::Shared);

#[test]
fn which_locks_are_in_the_way() {
    for (path, mode, is) in [
        ("/home/.cargo/.package-cache", EXCLUSIVE, true),
        ("/home/.cargo/.package-cache", None, true),
        ("/other/.cargo/.package-cache", EXCLUSIVE, false),
        ("/home/.cargo/.package-cache-mutate", SHARED, false),
        ("/home/.cargo/.package-cache-mutate", EXCLUSIVE, true),
        ("/home/.cargo/.crates.toml", EXCLUSIVE, false),
        ("/w/target/debug/.cargo-lock", EXCLUSIVE, true),
        ("/w/target/debug/.cargo-lock", SHARED, true),
        ("/w/target/debug/.cargo-build-lock", EXCLUSIVE, true),
        ("/w/target/debug/.cargo-artifact-lock", EXCLUSIVE, true),
        ("/w/target/release/.cargo-build-lock", EXCLUSIVE, false),
        ("/w/target/debug/build/x/0123456789abcdef/.lock", EXCLUSIVE, false),
        ("/w/all/x/release/.cargo-lock", EXCLUSIVE, true),
    ] {
        let found = obstacles(&look(&[(path, &[(7, mode)], &[])]), &needs());
        assert_eq!(!found.is_empty(), is, "{path} {mode:?}");
    }
}

#[test]
fn each_process_is_named_once_with_the_lock_that_it_has_for_itself() {
    let (shared, alone) = ("/w/target/debug/.cargo-lock", "/w/target/debug/.cargo-build-lock");
    let found = obstacles(
        &look(&[
            (shared, &[(7, SHARED)], &[]),
            (alone, &[(7, EXCLUSIVE)], &[8]),
            ("/home/.cargo/.package-cache", &[(9, EXCLUSIVE)], &[8, 7]),
        ]),
        &needs(),
    );
    let named: Vec<_> = found
        .blockers
        .iter()
        .map(|blocker| {
            (
                blocker.process.pid,
                blocker.lock.to_str().expect("is plain"),
                blocker.holds,
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            (7, alone, true),
            (9, "/home/.cargo/.package-cache", true),
            (8, alone, false)
        ]
    );
}

#[test]
fn a_lock_of_somebody_unseen_is_in_the_way_too() {
    let mut look = look(&[]);
    look.notes = ["/w/target/debug/.cargo-lock", "/x/target/debug/.cargo-lock"]
        .map(|path| Note::OtherUser {
            path: path.into(),
            pid: None,
        })
        .into();
    let found = obstacles(&look, &needs());
    assert_eq!(found.unseen, [PathBuf::from("/w/target/debug/.cargo-lock")]);
    assert!(!found.is_empty());
}
