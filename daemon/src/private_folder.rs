//! Folders of lockwatch's own that nobody else may look into.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::text;

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there and cannot be made.
    #[error("cannot make the folder {}: {source}; make it yourself, or set LOCKWATCH_HOME to another one", text::escape_path(.path))]
    Make {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is there and cannot be opened.
    #[error("cannot open the folder {}: {source}", text::escape_path(.path))]
    Open {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else has its name; a symbolic link too, since whoever made it could turn it elsewhere.
    #[error(
        "{} is {what}, and lockwatch needs a folder of its own there; move it away, or set LOCKWATCH_HOME to another folder",
        text::escape_path(.path)
    )]
    InTheWay {
        /// The place.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// It is another user's.
    #[error(
        "the folder {} belongs to user {owner}, and lockwatch runs as user {own}; give it to that user, or set LOCKWATCH_HOME to another one",
        text::escape_path(.path)
    )]
    OtherOwner {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        own: u32,
    },
    /// Others may look into it or write to it.
    #[error(
        "the folder {} is open to others (mode {mode:04o}); close it by `chmod 700 {}`",
        text::escape_path(.path),
        text::quoted(.path)
    )]
    TooOpen {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// Makes a folder with mode 0700 where there is none, its parents too, and makes sure that it is this user's own and open
/// to nobody else. A folder that is there keeps its mode: one that is too open may be meant for something else, and what
/// is in it may already be somebody else's.
pub fn make(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .or_else(|error| {
            // Something with that name is told apart below.
            if error.kind() == io::ErrorKind::AlreadyExists {
                Ok(())
            } else {
                Err(error)
            }
        })
        .map_err(|source| FolderError::Make {
            path: path.to_owned(),
            source,
        })?;
    check(path)
}

/// Makes sure that a folder is this user's own and open to nobody else.
fn check(path: &Path) -> Result<(), FolderError> {
    let path = || path.to_owned();
    let failed = |source| FolderError::Open { path: path(), source };
    let kind = path().symlink_metadata().map_err(failed)?.file_type();
    if !kind.is_dir() {
        let what = if kind.is_symlink() {
            "a symbolic link"
        } else {
            "no folder"
        };
        return Err(FolderError::InTheWay { path: path(), what });
    }
    // What is checked is what is opened, whatever happens to the name meanwhile.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(path(), flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let metadata = File::from(folder).metadata().map_err(failed)?;
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != own {
        return Err(FolderError::OtherOwner {
            path: path(),
            owner,
            own,
        });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FolderError::TooOpen { path: path(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("is there").mode() & 0o7777
    }

    #[test]
    fn it_is_made_for_this_user_alone() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("a/b/c");
        make(&path).expect("makes it");
        assert_eq!((mode(&path), mode(&home.path().join("a"))), (0o700, 0o700));
        make(&path).expect("is there");
    }

    #[test]
    fn one_that_is_open_to_others_is_refused_and_left_as_it_is() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("it's open");
        make(&path).expect("makes it");
        for open in [0o755, 0o750, 0o701, 0o1777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).expect("opens it");
            let error = make(&path).expect_err("is too open").to_string();
            assert!(error.contains(&format!("(mode {open:04o})")), "{error}");
            assert!(
                error.contains("chmod 700 '") && error.contains(r"/it'\''s open'"),
                "{error}"
            );
            assert_eq!(mode(&path), open);
        }
    }

    #[test]
    fn a_file_and_a_symbolic_link_are_refused() {
        let home = tempfile::tempdir().expect("a folder");
        let (file, link, dangling) = (
            home.path().join("file"),
            home.path().join("link"),
            home.path().join("dangling"),
        );
        std::fs::write(&file, "precious").expect("writes");
        symlink(home.path(), &link).expect("links");
        symlink("nowhere", &dangling).expect("links");
        for path in [&file, &link, &dangling] {
            let error = make(path).expect_err("is in the way");
            assert!(matches!(error, FolderError::InTheWay { .. }), "{error}");
        }
        assert_eq!(std::fs::read(&file).expect("is there"), b"precious");
        assert!(matches!(
            make(&file.join("below")).expect_err("cannot be made"),
            FolderError::Make { .. }
        ));
    }
}
