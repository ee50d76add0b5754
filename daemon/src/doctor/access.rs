//! The file systems that builds write to: without flock, read-only, full.

use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use super::{Check, Finding, Place};
use crate::os::file_system::{FileSystem, Flock};
use crate::text;

/// With less a build of any size fails, and nobody sees why in its last line.
const LITTLE_ROOM: u64 = 100 << 20;
/// A build makes thousands of files.
const FEW_FILES: u64 = 1000;

pub(super) fn checks(places: &[Place]) -> Vec<Check> {
    places.iter().flat_map(of_place).collect()
}

fn of_place(place: &Place) -> [Check; 3] {
    let path = text::escape_path(&place.path);
    let names = [
        format!("locks on the file system of {path}"),
        format!("writing to {path}"),
        format!("room on the disk of {path}"),
    ];
    // What is not there yet will be made in the folder above.
    let there = existing(&place.path);
    match crate::os::file_system(&there) {
        Ok(found) => {
            let findings = [
                flock(place, &found),
                writing(place, &found, &there),
                room(place, &found),
            ];
            let mut made = names.into_iter().zip(findings);
            std::array::from_fn(|_| {
                let (name, found) = made.next().unwrap_or_default();
                Check::of(name, found.into_iter().collect())
            })
        }
        Err(error) => names.map(|name| Check::not_made(name, &format!("{}: {error}", text::escape_path(&there)))),
    }
}

fn existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|folder| folder.exists());
    found.unwrap_or(Path::new("/")).to_owned()
}

fn flock(place: &Place, system: &FileSystem) -> Option<Finding> {
    let (path, kind) = (text::escape_path(&place.path), &system.kind);
    let (what, why) = match system.flock {
        Flock::Works => return None,
        Flock::NotTaken => (
            format!("{path} is on {kind}, and Cargo takes no locks there"),
            "two cargos write to it at the same time without waiting for each other, and lockwatch sees neither",
        ),
        Flock::Uncertain => (
            format!("{path} is on {kind}, where locks depend on a server or a driver"),
            "a lock may keep nobody out, or be another machine's, whose processes cannot be seen from here",
        ),
    };
    let mend = if place.name == "the Cargo home" {
        "export CARGO_HOME=/var/tmp/$USER-cargo  # a folder on a local disk"
    } else {
        "export CARGO_TARGET_DIR=/var/tmp/$USER-target  # a folder on a local disk"
    };
    Some(Finding {
        id: "no-flock".to_owned(),
        what: format!("{}: {what}", place.name),
        why: why.to_owned(),
        mend: mend.to_owned(),
    })
}

fn writing(place: &Place, system: &FileSystem, there: &Path) -> Option<Finding> {
    let path = text::escape_path(&place.path);
    let refused = rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK).err();
    let (id, what, mend) = match refused {
        _ if system.is_read_only => (
            "read-only",
            format!("{path} is on a file system that is mounted read-only"),
            format!("sudo mount -o remount,rw {}", text::quoted(there)),
        ),
        Some(Errno::ROFS) => (
            "read-only",
            format!("{path} can only be read"),
            format!("sudo mount -o remount,rw {}", text::quoted(there)),
        ),
        Some(error) => (
            "not-writable",
            format!("{path} cannot be written to: {}", std::io::Error::from(error)),
            format!("sudo chown -R \"$(id -un)\" {}", text::quoted(there)),
        ),
        None => return None,
    };
    let why = if place.name == "the Cargo home" {
        "Cargo cannot lock its package cache there, works without a lock or fails, and downloads nothing"
    } else {
        "builds cannot make their lock files there, and fail"
    };
    Some(Finding {
        id: id.to_owned(),
        what: format!("{}: {what}", place.name),
        why: why.to_owned(),
        mend,
    })
}

fn room(place: &Place, system: &FileSystem) -> Option<Finding> {
    let path = text::escape_path(&place.path);
    let (id, what) = if system.is_read_only {
        return None; // nothing is written there anyhow
    } else if let Some(free) = system.free_bytes.filter(|free| *free < LITTLE_ROOM) {
        ("disk-full", format!("the disk of {path} has {} MB left", free >> 20))
    } else if let Some(free) = system.free_files.filter(|free| *free < FEW_FILES) {
        (
            "no-inodes",
            format!("the disk of {path} has room for {free} more files"),
        )
    } else {
        return None;
    };
    Some(Finding {
        id: id.to_owned(),
        what: format!("{}: {what}", place.name),
        why: "a build that cannot write stands still or fails with an error that names something else".to_owned(),
        mend: if place.name == "the Cargo home" {
            format!(
                "du -sh {}/registry/*  # then delete what is not needed",
                text::quoted(&place.path)
            )
        } else {
            format!("cargo clean  # in {}; then build again", text::escape_path(&place.base))
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &Path) -> Place {
        Place {
            name: "the target folder",
            path: path.to_owned(),
            base: path.parent().expect("has one").to_owned(),
        }
    }

    fn good() -> FileSystem {
        FileSystem {
            kind: "ext4".to_owned(),
            flock: Flock::Works,
            is_read_only: false,
            free_bytes: Some(10 << 30),
            free_files: Some(1_000_000),
        }
    }

    #[test]
    fn causes_are_told_by_what_the_file_system_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder.path().join("target"));
        let all = |system: &FileSystem| -> Vec<String> {
            let found = [
                flock(&place, system),
                writing(&place, system, folder.path()),
                room(&place, system),
            ];
            found.into_iter().flatten().map(|finding| finding.id).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(all(&good()), none);
        let kind = |kind: &str, flock| FileSystem {
            kind: kind.to_owned(),
            flock,
            ..good()
        };
        for (system, expected) in [
            (kind("nfs", Flock::NotTaken), &["no-flock"][..]),
            (kind("fuse", Flock::Uncertain), &["no-flock"]),
            (
                FileSystem {
                    is_read_only: true,
                    free_bytes: Some(0),
                    ..good()
                },
                &["read-only"],
            ),
            (
                FileSystem {
                    free_bytes: Some(5 << 20),
                    ..good()
                },
                &["disk-full"],
            ),
            (
                FileSystem {
                    free_files: Some(3),
                    ..good()
                },
                &["no-inodes"],
            ),
            (
                FileSystem {
                    free_bytes: None,
                    free_files: None,
                    ..good()
                },
                &[],
            ),
        ] {
            assert_eq!(all(&system), expected, "{system:?}");
        }
    }

    #[test]
    fn a_place_that_is_not_there_yet_is_judged_by_the_folder_above() {
        let folder = tempfile::tempdir().expect("a folder");
        let checks = of_place(&place(&folder.path().join("a/b/target")));
        assert!(
            checks
                .iter()
                .all(|check| !matches!(check.outcome, super::super::Outcome::NotChecked { .. }))
        );
    }
}
