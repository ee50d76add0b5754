//! What the daemon and the tray leave behind: logs, locks, the socket of the last daemon.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::file::failed;
use super::status::LogPart;
use super::{Act, Agent, ServiceError, Told, logs};
use crate::client::Client;
use crate::folders::Folders;
use crate::text;

/// The daemon's own log files, oldest first: they are named for their day.
fn log_files(folder: &Path) -> Result<Vec<PathBuf>, ServiceError> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder, error)),
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            crate::logs::is_log(name)
        })
        .collect();
    files.sort_unstable();
    Ok(files)
}

/// The last lines of the newest one.
pub(super) fn newest_log(folder: &Path, lines: usize) -> Result<LogPart, ServiceError> {
    let newest = log_files(folder)?.pop();
    Ok(LogPart {
        text: newest
            .as_deref()
            .map_or(Ok(String::new()), |file| logs::tail(file, lines))?,
        from: text::escape_path(newest.as_deref().unwrap_or(folder)),
    })
}

/// Removes all that a daemon or a tray leaves but the history and the settings, unless another one runs that was started by
/// hand.
pub(super) fn remove(agent: Agent, folders: &Folders, told: Told<'_>) -> Result<(), ServiceError> {
    let lock = match agent {
        Agent::Daemon => folders.daemon_lock(),
        Agent::Tray => folders.tray_lock(),
    };
    // Who answers, or has the lock, is one of its own and needs its files.
    let answers = agent == Agent::Daemon && !matches!(Client::connect(folders), Ok(None));
    let held = match File::open(&lock) {
        Ok(file) => rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map(|()| Some(file))
            .map_err(|_| ()),
        Err(_) => Ok(None),
    };
    let Ok(_held) = held else { return Ok(()) };
    if answers {
        return Ok(());
    }
    if agent == Agent::Daemon {
        for file in log_files(&folders.logs)? {
            logs::remove(&file, told)?;
        }
        if let Ok(socket) = folders.socket() {
            logs::remove(&socket, told)?;
        }
    }
    logs::remove(&lock, told)?;
    // A folder with anything else in it stays: the history is in one of them.
    let empty: &[_] = match agent {
        Agent::Daemon => &[&folders.logs, &folders.runtime, &folders.state],
        // The others are the daemon's, which may run.
        Agent::Tray => &[&folders.state],
    };
    for &folder in empty {
        if std::fs::remove_dir(folder).is_ok() {
            told(Act::Removed(folder.clone()));
        }
    }
    Ok(())
}
