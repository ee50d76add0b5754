//! A damaged file is set aside under a free name: nothing is deleted, and nothing overwritten.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The files that SQLite keeps beside a database in WAL mode. They come first: a WAL that was left behind would be read
/// into the new database.
const FILES: [&str; 3] = ["-wal", "-shm", ""];

/// Renames the database and what belongs to it, and gives the new name.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let aside = free_name(path, now);
    for suffix in FILES {
        match rename(&with_suffix(path, suffix), &with_suffix(&aside, suffix)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
            result => result?,
        }
    }
    Ok(aside)
}

/// `history.damaged-20261122T231005Z.db`, with a number where that is taken.
fn free_name(path: &Path, now: Timestamp) -> PathBuf {
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    let stem = path.file_stem().unwrap_or_default();
    let name = |number: u32| {
        let mut name = stem.to_owned();
        name.push(format!(".damaged-{time}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.push(".db");
        path.with_file_name(name)
    };
    let taken = |aside: &PathBuf| {
        FILES
            .iter()
            .any(|suffix| with_suffix(aside, suffix).symlink_metadata().is_ok())
    };
    let mut names = (1..).map(name);
    names.find(|name| !taken(name)).unwrap_or_else(|| name(0))
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot do that (NFS). The name was free a moment ago, in a folder that is ours.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => std::fs::rename(from, to),
        result => result.map_err(io::Error::from),
    }
}

/// The file that SQLite keeps beside a database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_all_three_files_go_together() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("history.db");
        let now: Timestamp = "2026-11-22T23:10:05Z".parse().expect("a time");
        let mut names = Vec::new();
        for round in 0..3 {
            std::fs::write(&path, format!("db {round}")).expect("writes");
            std::fs::write(with_suffix(&path, "-wal"), format!("wal {round}")).expect("writes");
            let aside = set_aside(&path, now).expect("is set aside");
            assert_eq!(
                std::fs::read_to_string(&aside).expect("is there"),
                format!("db {round}")
            );
            let wal = std::fs::read_to_string(with_suffix(&aside, "-wal")).expect("is there");
            assert_eq!(wal, format!("wal {round}"));
            names.push(aside.file_name().expect("has one").to_owned());
        }
        assert_eq!(
            names,
            [
                "history.damaged-20261122T231005Z.db",
                "history.damaged-20261122T231005Z-2.db",
                "history.damaged-20261122T231005Z-3.db"
            ]
        );
        assert_eq!(
            set_aside(&path, now).expect_err("is gone").kind(),
            io::ErrorKind::NotFound
        );
    }
}
