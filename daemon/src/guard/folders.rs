//! The folders of builds, and when two of them are in each other's way. Pure.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A folder that a build needs for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildFolder {
    /// One with a profile's locks in it: `target/debug`.
    Profile(PathBuf),
    /// One with all that is below it: `target`.
    Whole(PathBuf),
}

impl BuildFolder {
    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Profile(path) | Self::Whole(path) => path,
        }
    }

    /// Whether two builds would be in each other's way.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Profile(one), Self::Profile(other)) => one == other,
            (Self::Whole(whole), one) => one.path().starts_with(whole) || whole.starts_with(one.path()),
            (one, Self::Whole(whole)) => one.path().starts_with(whole),
        }
    }

    /// Whether the lock files of this folder count.
    pub fn has(&self, folder: &Path) -> bool {
        match self {
            Self::Profile(path) => folder == path,
            Self::Whole(path) => folder.starts_with(path),
        }
    }
}

/// Whether some folder of one is in the way of some of the other.
pub fn meet(one: &[BuildFolder], other: &[BuildFolder]) -> bool {
    one.iter().any(|one| other.iter().any(|other| one.meets(other)))
}

#[cfg(test)]
mod tests {
    use super::BuildFolder::{Profile, Whole};

    #[test]
    fn who_is_in_whose_way() {
        let (profile, whole) = (|path: &str| Profile(path.into()), |path: &str| Whole(path.into()));
        for (one, other, meets) in [
            (profile("/t/debug"), profile("/t/debug"), true),
            (profile("/t/debug"), profile("/t/release"), false),
            (profile("/t/debug"), profile("/t/x/debug"), false),
            (whole("/t"), profile("/t/x/debug"), true),
            (whole("/t"), profile("/tt/debug"), false),
            (whole("/t"), whole("/t/sub"), true),
            (whole("/t"), whole("/u"), false),
        ] {
            assert_eq!(
                (one.meets(&other), other.meets(&one)),
                (meets, meets),
                "{one:?} {other:?}"
            );
        }
    }
}
