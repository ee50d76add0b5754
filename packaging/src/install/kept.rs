//! What lockwatch has written since: the history, what the user has set, the queue of `lockwatch run`. The first two stay when
//! the programs go, unless they are to go too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockwatch::client::Client;
use lockwatch::folders::Folders;
use lockwatch::guard::queue::Queue;
use lockwatch::os::System;

use super::Say;
use crate::Error;

/// Says what stays.
pub(super) fn keep(say: Say<'_>) -> Result<(), Error> {
    let folders = Folders::from_env()?;
    clear_queue(&folders, say);
    for path in all(&folders)? {
        say(format!(
            "left {}; `cargo xtask uninstall --purge` removes it",
            path.display()
        ));
    }
    remove_empty(&folders);
    Ok(())
}

/// Removes all of it.
pub(super) fn purge(say: Say<'_>) -> Result<(), Error> {
    let folders = Folders::from_env()?;
    if Client::connect(&folders).ok().flatten().is_some() {
        return Err(Error::StillRuns {
            socket: folders.socket()?,
        });
    }
    clear_queue(&folders, say);
    for path in all(&folders)? {
        fs::remove_file(&path).map_err(|source| Error::Remove {
            path: path.clone(),
            source,
        })?;
        say(format!("removed {}", path.display()));
    }
    remove_empty(&folders);
    Ok(())
}

/// Removes the queue, unless builds that were started through it go on: others may wait for them.
fn clear_queue(folders: &Folders, say: Say<'_>) {
    match Queue::clear(&folders.state, &mut System::new()) {
        Ok(None) => {}
        Ok(Some(process)) => say(format!(
            "left the queue of `lockwatch run`: process {} was started through it and goes on; run this again after it",
            process.pid
        )),
        Err(error) => say(format!("left the queue of `lockwatch run`: {error}")),
    }
}

/// Removes the folders where they are empty; one stays where something else is in it.
fn remove_empty(folders: &Folders) {
    let config = folders.config_file.parent();
    for folder in [Some(folders.state.as_path()), config].into_iter().flatten() {
        drop(fs::remove_dir(folder));
    }
}

/// The history, those that were damaged and set aside, SQLite's files beside them, the configuration, and what was set in the
/// tray's menu.
fn all(folders: &Folders) -> Result<Vec<PathBuf>, Error> {
    let mut all = names_in(&folders.state)?;
    all.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("history.db") || name.starts_with("history.damaged-")
    });
    all.extend(
        [folders.config_file.clone(), folders.tray_is_quiet()]
            .into_iter()
            .filter(|path| path.is_file()),
    );
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
