//! The file system that a folder lies on, as far as locks and writing depend on it.

use std::io;
use std::path::Path;

use rustix::fs::StatVfsMountFlags;

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Its kind: `ext4`, `nfs`; where that is not known, its number in hexadecimal.
    pub kind: String,
    /// Whether flock(2) keeps others out on it.
    pub flock: Flock,
    /// Whether it is mounted so that nothing can be written.
    pub is_read_only: bool,
    /// How many bytes a user may still write; none where it does not tell, as many drivers of FUSE.
    pub free_bytes: Option<u64>,
    /// How many files a user may still make; none where it has no limit of its own, or does not tell.
    pub free_files: Option<u64>,
}

/// Whether flock(2) keeps others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flock {
    /// It does.
    Works,
    /// Cargo takes no locks there (`is_on_nfs_mount` in its `flock.rs`, Linux with glibc), whatever the file system can do.
    NotTaken,
    /// It depends on a server or a driver, and processes of other machines may not be seen.
    Uncertain,
}

/// The file system of a folder.
pub(super) fn of(path: &Path, kind: String, flock: Flock) -> io::Result<FileSystem> {
    let told = rustix::fs::statvfs(path)?;
    Ok(FileSystem {
        kind,
        flock,
        is_read_only: told.f_flag.contains(StatVfsMountFlags::RDONLY),
        free_bytes: (told.f_blocks > 0).then_some(told.f_bavail.saturating_mul(told.f_frsize)),
        free_files: (told.f_files > 0).then_some(told.f_favail),
    })
}

/// What is known of a kind by its name, as macOS and FUSE have it.
#[cfg(any(target_os = "macos", test))]
pub(super) fn flock_by_name(kind: &str) -> Flock {
    const UNCERTAIN: [&str; 8] = ["nfs", "smbfs", "afpfs", "webdav", "ftp", "cifs", "macfuse", "osxfuse"];
    if UNCERTAIN.iter().any(|name| kind.starts_with(name)) {
        Flock::Uncertain
    } else {
        Flock::Works
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_their_names() {
        for (kind, flock) in [
            ("apfs", Flock::Works),
            ("hfs", Flock::Works),
            ("nfs", Flock::Uncertain),
            ("smbfs", Flock::Uncertain),
            ("macfuse", Flock::Uncertain),
        ] {
            assert_eq!(flock_by_name(kind), flock, "{kind}");
        }
    }
}
