//! What lockwatch itself has written: the history, and the configuration that the user may have made. It stays, unless it is
//! to go too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockwatch::client::Client;
use lockwatch::folders::Folders;

use super::Say;
use crate::Error;

/// Says what stays.
pub(super) fn tell(say: Say<'_>) -> Result<(), Error> {
    let folders = Folders::from_env()?;
    for path in all(&folders)? {
        say(format!(
            "left {}; `cargo xtask uninstall --purge` removes it",
            path.display()
        ));
    }
    Ok(())
}

/// Removes it, and the folders where they are empty then.
pub(super) fn purge(say: Say<'_>) -> Result<(), Error> {
    let folders = Folders::from_env()?;
    if Client::connect(&folders).ok().flatten().is_some() {
        return Err(Error::StillRuns {
            socket: folders.socket()?,
        });
    }
    for path in all(&folders)? {
        fs::remove_file(&path).map_err(|source| Error::Remove {
            path: path.clone(),
            source,
        })?;
        say(format!("removed {}", path.display()));
    }
    let config = folders.config_file.parent();
    for folder in [Some(folders.state.as_path()), config].into_iter().flatten() {
        // It stays where something else is in it.
        drop(fs::remove_dir(folder));
    }
    Ok(())
}

/// The history, those that were damaged and set aside, SQLite's files beside them, and the configuration.
fn all(folders: &Folders) -> Result<Vec<PathBuf>, Error> {
    let mut all = names_in(&folders.state)?;
    all.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("history.db") || name.starts_with("history.damaged-")
    });
    all.extend(folders.config_file.is_file().then(|| folders.config_file.clone()));
    all.sort();
    all.dedup();
    Ok(all)
}

/// The files of a folder; none where it is not there.
fn names_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}
