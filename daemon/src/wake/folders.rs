//! Which folders to watch: Cargo homes with the folders of their registry, and the folders of lock files seen.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

/// So many lock files are remembered, the newest.
const REMEMBERED: usize = 256;

/// In a Cargo home, what moves while cargo downloads and unpacks.
const IN_HOMES: [&str; 6] = [
    "",
    "registry",
    "registry/index",
    "registry/cache",
    "registry/src",
    "git/db",
];
/// Of these the folders in them too: one for each registry, and one for each repository.
const WITH_CHILDREN: [&str; 3] = ["registry/cache", "registry/src", "git/db"];
/// More folders in one of those are not watched; a home that has collected thousands of repositories is known by the first.
const MOST_CHILDREN: usize = 64;

/// Remembers Cargo homes and the lock files that were seen, one in each folder.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    homes: BTreeSet<PathBuf>,
    /// Those seen longest ago first.
    locks: VecDeque<PathBuf>,
}

/// The lock file that makes a folder a Cargo home.
const OF_A_HOME: &str = ".package-cache";

impl Folders {
    /// Beginning with these Cargo homes, and the lock files that an earlier run remembered, the oldest first.
    pub fn new(homes: impl IntoIterator<Item = PathBuf>, locks: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut folders = Self {
            homes: homes.into_iter().collect(),
            locks: VecDeque::new(),
        };
        for lock in locks {
            folders.see(&lock);
        }
        folders
    }

    /// Remembers a lock file that is in use; tells whether its folder is a new one, or was not known to be a Cargo home.
    pub fn see(&mut self, lock: &Path) -> bool {
        let makes_a_home = |lock: &Path| lock.file_name().is_some_and(|name| name == OF_A_HOME);
        let known = self.locks.iter().position(|known| known.parent() == lock.parent());
        let known = known.and_then(|place| self.locks.remove(place));
        let is_new = known
            .as_deref()
            .is_none_or(|known| makes_a_home(lock) && !makes_a_home(known));
        if self.locks.len() == REMEMBERED {
            self.locks.pop_front();
        }
        self.locks
            .push_back(known.filter(|_| !is_new).unwrap_or_else(|| lock.to_owned()));
        is_new
    }

    /// Whether a lock file was seen in this folder, or it is a Cargo home.
    pub fn has_locks(&self, folder: &Path) -> bool {
        self.homes.contains(folder) || self.locks.iter().any(|lock| lock.parent() == Some(folder))
    }

    /// Whether something that changed in this folder can mean a new folder to watch.
    pub fn has_children(&self, folder: &Path) -> bool {
        self.all_homes()
            .iter()
            .any(|home| IN_HOMES.iter().any(|name| home.join(name) == folder))
    }

    fn all_homes(&self) -> BTreeSet<PathBuf> {
        let seen = self
            .locks
            .iter()
            .filter(|lock| lock.file_name().is_some_and(|name| name == OF_A_HOME));
        let seen = seen.filter_map(|lock| lock.parent()).map(Path::to_owned);
        seen.chain(self.homes.iter().cloned()).collect()
    }

    /// The folders to watch, whether they are there or not; those of builds only where events tell of opening. It lists
    /// folders, so it is not for every look.
    pub fn wanted(&self, events_tell_of_opening: bool) -> BTreeSet<PathBuf> {
        let mut wanted: BTreeSet<PathBuf> = self
            .locks
            .iter()
            .filter(|_| events_tell_of_opening)
            .filter_map(|lock| lock.parent())
            .map(Path::to_owned)
            .collect();
        for home in self.all_homes() {
            let folder = |name: &str| if name.is_empty() { home.clone() } else { home.join(name) };
            wanted.extend(IN_HOMES.map(folder));
            for name in WITH_CHILDREN {
                wanted.extend(children(&home.join(name)));
            }
        }
        wanted
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let folders = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).take(MOST_CHILDREN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_with_its_registry_and_a_build_folder() {
        let place = tempfile::tempdir().expect("makes a folder");
        let home = place.path().join("cargo");
        std::fs::create_dir_all(home.join("registry/cache/index.example-1")).expect("makes folders");
        std::fs::write(home.join("registry/cache/CACHEDIR.TAG"), "").expect("writes");
        let mut folders = Folders::new([home.clone()], []);
        let build = Path::new("/p/target/debug/.cargo-lock");
        assert!(folders.see(build));
        assert!(!folders.see(build), "known by now");
        assert!(
            !folders.see(&build.with_file_name(".cargo-artifact-lock")),
            "one of a folder is enough"
        );
        assert!(folders.has_locks(&home) && folders.has_locks(Path::new("/p/target/debug")));
        assert!(!folders.has_locks(&home.join("registry")));
        assert!(!folders.wanted(false).contains(Path::new("/p/target/debug")));
        let wanted = folders.wanted(true);
        for path in [
            "",
            "registry",
            "registry/cache",
            "registry/cache/index.example-1",
            "git/db",
        ] {
            assert!(wanted.contains(home.join(path).components().as_path()), "{path}");
        }
        assert!(wanted.contains(Path::new("/p/target/debug")));
        assert_eq!(wanted.len(), 8);
        assert!(folders.has_children(&home.join("registry/cache")));
        assert!(!folders.has_children(Path::new("/p/target/debug")));
    }

    #[test]
    fn a_home_that_is_seen_by_its_lock_file_is_one() {
        let folders = Folders::new([], ["/srv/cargo/.package-cache".into()]);
        assert!(folders.wanted(true).contains(Path::new("/srv/cargo/registry/index")));
    }

    #[test]
    fn the_newest_are_remembered() {
        let locks = (0..300).map(|number| PathBuf::from(format!("/p/{number}/.cargo-lock")));
        let folders = Folders::new([], locks);
        assert_eq!(folders.locks.len(), REMEMBERED);
        assert_eq!(
            folders.locks.front().map(PathBuf::as_path),
            Some(Path::new("/p/44/.cargo-lock"))
        );
        let mut folders = folders;
        folders.see(Path::new("/p/44/.cargo-lock"));
        assert_eq!(
            folders.locks.front().map(PathBuf::as_path),
            Some(Path::new("/p/45/.cargo-lock")),
            "seen again"
        );
    }

    #[test]
    fn a_folder_turns_out_to_be_a_home() {
        let mut folders = Folders::new([], ["/srv/cargo/.package-cache-mutate".into()]);
        assert!(!folders.wanted(true).contains(Path::new("/srv/cargo/registry")));
        assert!(folders.see(Path::new("/srv/cargo/.package-cache")));
        assert!(folders.wanted(true).contains(Path::new("/srv/cargo/registry")));
        assert!(!folders.see(Path::new("/srv/cargo/.package-cache-mutate")));
        assert!(
            folders.wanted(true).contains(Path::new("/srv/cargo/registry")),
            "and stays one"
        );
    }
}
