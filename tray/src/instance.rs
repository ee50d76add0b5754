//! One tray for each user: who has the lock on `tray.lock` in the state folder.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use lockwatch::folders::Folders;
use lockwatch::private_folder::{self, FolderError};
use lockwatch::text;

/// Why this is not the tray.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
    /// The folder is not this user's own.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file cannot be used.
    #[error("the lock file {} cannot be used ({source}); move it away", text::escape_path(.path))]
    LockFile { path: PathBuf, source: io::Error },
}

/// As long as this lives no other tray of this user begins.
#[derive(Debug)]
pub(crate) struct Instance {
    _lock: File,
}

/// Whether this is the one.
#[derive(Debug)]
pub(crate) enum Taken {
    Ours(Instance),
    /// Another one runs; its number where it could be read.
    Others(Option<u32>),
}

/// Becomes the tray of this user, where there is none.
pub(crate) fn take(folders: &Folders) -> Result<Taken, InstanceError> {
    private_folder::make(&folders.state)?;
    let path = folders.tray_lock();
    let failed = |source| InstanceError::LockFile {
        path: path.clone(),
        source,
    };
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut text = String::new();
            // What is written there is for people only.
            drop(file.take(20).read_to_string(&mut text));
            return Ok(Taken::Others(text.trim().parse().ok()));
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(Taken::Ours(Instance { _lock: file }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use lockwatch::folders::{Base, Layout};

    use super::*;

    #[test]
    fn there_is_one() {
        let folder = tempfile::tempdir().expect("is made");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("is ours");
        let base = Base {
            lockwatch_home: Some(folder.path().to_owned()),
            ..Base::default()
        };
        let folders = Folders::new(&base, Layout::Xdg);
        let Taken::Ours(first) = take(&folders).expect("can be asked") else {
            panic!("nobody else has it")
        };
        let Taken::Others(pid) = take(&folders).expect("can be asked") else {
            panic!("it is taken")
        };
        assert_eq!(pid, Some(std::process::id()));
        // Not closed: a process that another test starts at this moment would keep the lock until it becomes its program.
        let Instance { _lock: lock } = first;
        lock.unlock().expect("unlocks");
        assert!(matches!(take(&folders), Ok(Taken::Ours(_))));
    }
}
