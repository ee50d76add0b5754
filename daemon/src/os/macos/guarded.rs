//! Where macOS guards the user's privacy: folders in which opening a file makes the system ask the user.
//!
//! There is no list in the system to ask. These are the places that Apple names for "Files and Folders" and "App Data",
//! and every file system that is not fixed to this machine.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::tables::Mount;

#[cfg(test)]
mod tests;

/// Folders in a home. Below any of them nothing is opened.
const IN_HOME: &[&[&str]] = &[
    &["Desktop"],
    &["Documents"],
    &["Downloads"],
    &[".Trash"],
    &["Library", "Mobile Documents"],
    &["Library", "CloudStorage"],
    &["Library", "Containers"],
    &["Library", "Group Containers"],
];

/// What is guarded, at one moment.
pub(super) struct Guard {
    home: Option<PathBuf>,
    /// Where file systems that are not fixed are mounted, and where fixed ones are.
    mounts: Vec<Mount>,
}

impl Guard {
    /// For a user with this home, and these mounted file systems.
    pub(super) fn new(home: Option<&Path>, mounts: Vec<Mount>) -> Self {
        Self {
            home: home.map(without_firmlink),
            mounts,
        }
    }

    /// Whether a file of this path must not be opened. The path is taken as it stands: a symbolic link in it is not
    /// followed.
    pub(super) fn is_guarded(&self, path: &Path) -> bool {
        let path = without_firmlink(path);
        starts_with(&path, Path::new("/Volumes"))
            || self.is_on_loose_volume(&path)
            || in_some_home(&path).is_some_and(is_guarded_in_home)
            || self
                .home
                .as_deref()
                .and_then(|home| below(&path, home))
                .is_some_and(is_guarded_in_home)
    }

    /// The path with its symbolic links resolved, or `None` where it leads into a guarded place. It stops at the border:
    /// nothing within a guarded place is asked about. A path that is not absolute, or has more than 40 links, is taken
    /// for guarded.
    pub(super) fn resolve(&self, path: &Path, read_link: impl Fn(&Path) -> Option<PathBuf>) -> Option<PathBuf> {
        const MOST_LINKS: usize = 40;
        if !path.is_absolute() {
            return None;
        }
        let mut done = PathBuf::from("/");
        let mut left = parts_of(path);
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(&part);
            if self.is_guarded(&done) {
                return None;
            }
            let Some(target) = read_link(&done) else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            done.pop();
            if target.is_absolute() {
                done = PathBuf::from("/");
            }
            left.extend(parts_of(&target));
        }
        Some(done)
    }

    fn is_on_loose_volume(&self, path: &Path) -> bool {
        self.mounts
            .iter()
            .filter(|mount| starts_with(path, &without_firmlink(&mount.on)))
            .max_by_key(|mount| without_firmlink(&mount.on).components().count())
            .is_some_and(|mount| !mount.fixed)
    }
}

/// The names in a path, the last one first, without the root and dots.
fn parts_of(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .rev()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// The data volume's own name for a path is the path.
fn without_firmlink(path: &Path) -> PathBuf {
    match path.strip_prefix("/System/Volumes/Data") {
        Ok(rest) => Path::new("/").join(rest),
        Err(_) => path.to_owned(),
    }
}

/// What follows `/Users/NAME` in a path.
fn in_some_home(path: &Path) -> Option<&Path> {
    let rest = below(path, Path::new("/Users"))?;
    let mut parts = rest.components();
    parts.next()?;
    Some(parts.as_path())
}

fn is_guarded_in_home(rest: &Path) -> bool {
    IN_HOME.iter().any(|folder| {
        let folder: PathBuf = folder.iter().collect();
        starts_with(rest, &folder)
    })
}

fn starts_with(path: &Path, folder: &Path) -> bool {
    below(path, folder).is_some()
}

/// What follows the folder in a path. Upper and lower case are the same, as they are on the file systems that macOS
/// installs itself on: too much guarded is a mark on a result, too little is a question to the user.
fn below<'a>(path: &'a Path, folder: &Path) -> Option<&'a Path> {
    let mut parts = path.components();
    for wanted in folder.components() {
        if !same_name(parts.next()?.as_os_str(), wanted.as_os_str()) {
            return None;
        }
    }
    Some(parts.as_path())
}

fn same_name(one: &OsStr, other: &OsStr) -> bool {
    one.eq_ignore_ascii_case(other)
}
