//! How many files a Cargo home's registry has got: what a download and its unpacking leave behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is looked at below the Cargo home. In each stands one folder for each registry (or git source), and in that one file
/// or folder for each package: `registry/cache/index.crates.io-…/serde-1.0.0.crate`.
const PLACES: [&str; 4] = ["registry/cache", "registry/src", "git/db", "git/checkouts"];

/// No home has more registries than this; what is beyond is not counted.
const MOST: usize = 64;

/// Counts what appears in the registries of Cargo homes.
#[derive(Debug, Default)]
pub struct Registry {
    homes: BTreeMap<PathBuf, Home>,
}

#[derive(Debug, Default)]
struct Home {
    folders: BTreeMap<PathBuf, Folder>,
    is_known: bool,
    appeared: u64,
}

#[derive(Clone, Copy, Debug)]
struct Folder {
    modified: SystemTime,
    entries: u64,
}

impl Registry {
    /// How many files and folders have appeared in the registry of this home since it was asked about first. A folder is read
    /// only where its time says that something in it is new: a registry has thousands of packages.
    pub fn appeared(&mut self, home: &Path) -> u64 {
        let known = self.homes.entry(home.to_owned()).or_default();
        for place in PLACES {
            let registries = fs::read_dir(home.join(place)).into_iter().flatten().flatten();
            for registry in registries.take(MOST) {
                known.read(registry.path());
            }
        }
        known.is_known = true;
        known.appeared
    }

    /// Forgets the homes that nobody asks about any more.
    pub fn keep(&mut self, is_asked_about: impl Fn(&Path) -> bool) {
        self.homes.retain(|home, _| is_asked_about(home));
    }
}

impl Home {
    fn read(&mut self, folder: PathBuf) {
        let Ok(modified) = fs::metadata(&folder).and_then(|metadata| metadata.modified()) else {
            return;
        };
        let before = self.folders.get(&folder).copied();
        if before.is_some_and(|before| before.modified == modified) {
            return;
        }
        let entries = fs::read_dir(&folder).map_or(0, |entries| entries.count() as u64);
        // A registry that is new altogether counts with what is in it already.
        let new = entries.saturating_sub(before.map_or(0, |before| before.entries));
        if self.is_known {
            self.appeared += new;
        }
        self.folders.insert(folder, Folder { modified, entries });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_does_not_count() {
        let home = tempfile::tempdir().expect("a folder");
        let cache = home.path().join("registry/cache/one");
        fs::create_dir_all(&cache).expect("folders");
        fs::write(cache.join("a.crate"), "").expect("writes");
        let mut registry = Registry::default();
        assert_eq!(registry.appeared(home.path()), 0);
        fs::write(cache.join("b.crate"), "").expect("writes");
        // The file system's clock may stand still for some milliseconds, so the folder's time is set.
        let later = SystemTime::now() + std::time::Duration::from_secs(1);
        fs::File::open(&cache)
            .and_then(|folder| folder.set_modified(later))
            .expect("a time");
        assert_eq!(registry.appeared(home.path()), 1);
        let other = home.path().join("registry/src/two");
        fs::create_dir_all(other.join("c-1.0.0")).expect("folders");
        assert_eq!(registry.appeared(home.path()), 2);
        assert_eq!(registry.appeared(home.path()), 2);
        fs::remove_dir_all(&other).expect("removes");
        assert_eq!(registry.appeared(home.path()), 2, "what goes is no progress");
        registry.keep(|_| false);
        assert_eq!(registry.appeared(home.path()), 0);
    }

    #[test]
    fn a_home_without_a_registry() {
        let mut registry = Registry::default();
        assert_eq!(registry.appeared(Path::new("/nowhere")), 0);
    }
}
