//! What wakes the engine by files: lock files that are opened and closed, and what moves in the registry.
//!
//! An event is a hint and never the truth: it may be late, missing or of no meaning. inotify tells that a file was opened
//! and closed, `FSEvents` that something in a folder changed; neither tells of flock(2).

mod folders;
mod storm;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

pub use self::folders::Folders;
use self::storm::Storms;
use crate::cargo::lock_kind;
use crate::os::FileId;

/// Something that happened in a watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEvent {
    /// A lock file was opened or made.
    Opened(PathBuf),
    /// A lock file that could be written to was closed.
    Closed(PathBuf),
    /// Something else in this folder came, went or changed.
    Changed(PathBuf),
    /// A folder sends more events than can be of use; those after this one are dropped.
    Storm(PathBuf),
    /// Events were lost.
    Lost,
}

/// Watches folders, each by itself and not what is below it.
#[derive(Debug)]
pub struct FileWatch {
    watcher: RecommendedWatcher,
    /// The folders, each with what tells it from another one of the same name that is made later.
    watched: Vec<(PathBuf, FileId)>,
    lost: Arc<AtomicBool>,
}

/// So many events wait for the engine at most.
const QUEUE: usize = 1024;

impl FileWatch {
    /// A watch on no folder yet, and where its events come out.
    pub fn new() -> notify::Result<(Self, mpsc::Receiver<FileEvent>)> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicBool::new(false));
        let overflow = Arc::clone(&lost);
        let mut storms = Storms::default();
        let handler = move |event: notify::Result<notify::Event>| {
            let events = event.map_or_else(|_| vec![FileEvent::Lost], |event| meanings(&event));
            for event in events {
                let event = match event.folder().map(|folder| storms.count(folder, Instant::now())) {
                    None | Some(storm::Verdict::Calm) => event,
                    Some(storm::Verdict::Begins(folder)) => FileEvent::Storm(folder),
                    Some(storm::Verdict::Goes) => continue,
                };
                if sender.try_send(event).is_err() {
                    overflow.store(true, Ordering::Relaxed);
                }
            }
        };
        let watcher = RecommendedWatcher::new(handler, Config::default())?;
        let watch = Self {
            watcher,
            watched: Vec::new(),
            lost,
        };
        Ok((watch, receiver))
    }

    /// Whether events were dropped since the last call, because too many waited.
    pub fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    /// Whether the events of a folder come here.
    pub fn is_watched(&self, folder: &Path) -> bool {
        self.watched.iter().any(|(path, _)| path == folder)
    }

    /// Watches these folders, those that are there, and no others. Where a folder was removed and made again, the new one is
    /// watched. Gives those that the system refuses to watch, with the reason.
    pub fn set(&mut self, wanted: &BTreeSet<PathBuf>) -> Vec<(PathBuf, notify::Error)> {
        let mut refused = Vec::new();
        let there: Vec<(PathBuf, FileId)> = wanted
            .iter()
            .filter_map(|path| Some((path.clone(), crate::os::folder_id(path)?)))
            .collect();
        let old: Vec<PathBuf> = self
            .watched
            .extract_if(.., |folder| !there.contains(folder))
            .map(|(path, _)| path)
            .collect();
        let new: Vec<(PathBuf, FileId)> = there
            .into_iter()
            .filter(|folder| !self.watched.contains(folder))
            .collect();
        if old.is_empty() && new.is_empty() {
            return refused;
        }
        // All at once: on macOS each change begins a new stream of events, and what was under way in the old one is lost.
        let mut paths = self.watcher.paths_mut();
        for path in &old {
            let _ = paths.remove(path); // one that was deleted is out already
        }
        for (path, id) in new {
            match paths.add(&path, RecursiveMode::NonRecursive) {
                Ok(()) => self.watched.push((path, id)),
                Err(error) => refused.push((path, error)),
            }
        }
        if let Err(error) = paths.commit() {
            refused.push((PathBuf::new(), error));
        }
        refused
    }
}

impl FileEvent {
    /// The folder that it happened in.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Opened(path) | Self::Closed(path) => path.parent(),
            Self::Changed(folder) => Some(folder),
            Self::Storm(_) | Self::Lost => None,
        }
    }
}

/// Whether opening this file may mean taking a lock. Crates were locked by Cargo up to 1.35; every later one opens them by
/// the hundred to unpack them.
fn is_lock(path: &Path) -> bool {
    path.extension().is_none_or(|extension| extension != "crate") && lock_kind::recognise(path, &|_| true).is_some()
}

/// What an event of the system means.
fn meanings(event: &notify::Event) -> Vec<FileEvent> {
    if event.need_rescan() {
        return vec![FileEvent::Lost];
    }
    let locks = |make: fn(PathBuf) -> FileEvent| {
        let locks = event.paths.iter().filter(|path| is_lock(path));
        locks.cloned().map(make).collect()
    };
    match event.kind {
        EventKind::Access(AccessKind::Open(_)) => locks(FileEvent::Opened),
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => locks(FileEvent::Closed),
        EventKind::Create(CreateKind::File | CreateKind::Any)
            if event.paths.iter().any(|path| is_lock(path.as_path())) =>
        {
            locks(FileEvent::Opened)
        }
        // The times and rights of a file tell nothing.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) | EventKind::Any | EventKind::Other => {
            Vec::new()
        }
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(_) => {
            let folders = event.paths.iter().filter_map(|path| path.parent());
            folders.map(|folder| FileEvent::Changed(folder.to_owned())).collect()
        }
    }
}

#[cfg(test)]
mod tests;
