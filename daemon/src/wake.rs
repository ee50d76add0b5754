//! What wakes the engine by files: lock files that are opened and closed, and what moves in the registry.
//!
//! An event is a hint and never the truth: it may be late, missing or of no meaning. inotify tells that a file was opened
//! and closed, `FSEvents` that something in a folder changed; neither tells of flock(2).

mod folders;
mod keeper;
mod storm;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
use notify::{Config, RecommendedWatcher, Watcher as _};
use tokio::sync::mpsc;

pub use self::folders::Folders;
use self::keeper::{Done, Keeper, Order};
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
    /// Something else in this folder came, went or was renamed.
    Changed(PathBuf),
    /// This folder itself may have gone or been renamed.
    Gone(PathBuf),
    /// A folder sends more events than can be of use; those after this one are dropped.
    Storm(PathBuf),
    /// Events were lost.
    Lost,
}

/// Watches folders, each by itself and not what is below it.
#[derive(Debug)]
pub struct FileWatch {
    keeper: Keeper,
    watched: Vec<Watched>,
    /// What was watched until it may have gone. The next order makes sure that it is not.
    forgotten: Vec<PathBuf>,
    is_busy: bool,
    lost: Arc<AtomicBool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Watched {
    /// Without symbolic links: the system has one watch for a folder, whatever its names.
    path: PathBuf,
    /// What tells it from another one of the same name that is made later.
    id: FolderId,
    /// Whether it is watched only until one below it is made.
    stands_in: bool,
}

/// One folder for as long as it exists. A file system gives its number to the next folder that is made, so it takes the
/// time of its making too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FolderId {
    file: FileId,
    made: Option<SystemTime>,
}

/// What came of watching.
#[derive(Debug, Default)]
pub struct Refused {
    /// Folders that the system refuses to watch, with the reason.
    pub folders: Vec<(PathBuf, notify::Error)>,
    /// Whether a folder is watched now that was not before, or went meanwhile: what happened until then was not heard.
    pub has_new: bool,
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
                    overflow.store(true, Ordering::Release);
                }
            }
        };
        let watcher = RecommendedWatcher::new(handler, Config::default())?;
        let watch = Self {
            keeper: Keeper::of(watcher)?,
            watched: Vec::new(),
            forgotten: Vec::new(),
            is_busy: false,
            lost,
        };
        Ok((watch, receiver))
    }

    /// Whether events were dropped since the last call, because too many waited.
    pub fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Acquire)
    }

    /// Whether a folder is watched only until one below it is made.
    pub fn stands_in(&self, folder: &Path) -> bool {
        self.watched.iter().any(|one| one.stands_in && one.path == folder)
    }

    /// Whether an order is under way. While folders send too many events that may last as long as they do.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Forgets a folder that may have gone, so that the next [`FileWatch::set`] watches the one that has its name then.
    /// Tells whether it may have been watched.
    pub fn forget(&mut self, folder: &Path) -> bool {
        let was_watched = self.watched.extract_if(.., |one| one.path == folder).count() > 0;
        let may_be_watched = was_watched || self.is_busy;
        if may_be_watched {
            self.forgotten.push(folder.to_owned());
        }
        may_be_watched
    }

    /// Has these folders watched, those that are there, and no others; in place of one that is not there the nearest one
    /// above it. `left_out` are not watched for now. Where a folder was removed and made again, the new one is watched.
    ///
    /// Tells whether that is an order, whose end [`FileWatch::done`] tells; it is none where all is as it should be. One
    /// order is carried out at a time: while the watch is busy this does nothing.
    pub fn set(&mut self, wanted: &BTreeSet<PathBuf>, left_out: &BTreeSet<PathBuf>) -> bool {
        if self.is_busy {
            return false;
        }
        let mut there: Vec<Watched> = Vec::new();
        for path in wanted {
            let Some(one) = watchable(path).filter(|one| !left_out.contains(&one.path)) else {
                continue;
            };
            match there.iter_mut().find(|other| other.path == one.path) {
                Some(other) => other.stands_in &= one.stands_in,
                None => there.push(one),
            }
        }
        let same = |a: &Watched, b: &Watched| (&a.path, a.id) == (&b.path, b.id);
        let gone = self
            .watched
            .extract_if(.., |one| !there.iter().any(|other| same(one, other)));
        let mut old = std::mem::take(&mut self.forgotten);
        old.extend(gone.map(|one| one.path));
        let (kept, new): (Vec<Watched>, Vec<Watched>) = there
            .into_iter()
            .partition(|one| self.watched.iter().any(|other| same(one, other)));
        self.watched = kept;
        self.is_busy = !(old.is_empty() && new.is_empty());
        if self.is_busy {
            self.keeper.order(Order { old, new });
        }
        self.is_busy
    }

    /// Waits for the end of an order, without one for ever; none where the watching has ended. It can be cancelled.
    pub async fn done(&mut self) -> Option<Refused> {
        let Done { added, refused } = self.keeper.done().await?;
        self.is_busy = false;
        let (gone, refused): (Vec<_>, Vec<_>) = refused.into_iter().partition(|(_, error)| is_gone(error));
        let done = Refused {
            folders: refused,
            has_new: !(added.is_empty() && gone.is_empty()),
        };
        // What was forgotten meanwhile is not known to be the one that is watched, even where it has its number.
        let known = added.into_iter().filter(|one| !self.forgotten.contains(&one.path));
        self.watched.extend(known);
        Some(done)
    }
}

/// Whether a folder cannot be watched because it is not there any more.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// So many levels above a folder that is not there another one is watched in its place.
const STAND_IN_LEVELS: usize = 3;

/// A folder as it can be watched; the nearest one above it where it is not there.
fn watchable(path: &Path) -> Option<Watched> {
    let levels = if crate::os::PACE.events_tell_of_opening {
        STAND_IN_LEVELS
    } else {
        0
    };
    let mut candidates = path.ancestors().take(1 + levels).enumerate();
    candidates.find_map(|(level, path)| {
        let path = crate::os::real_folder(path)?;
        let made = std::fs::metadata(&path).and_then(|data| data.created()).ok();
        let file = crate::os::file_id(&path)?;
        let is_root = path.parent().is_none();
        (level == 0 || !is_root).then_some(Watched {
            path,
            id: FolderId { file, made },
            stands_in: level > 0,
        })
    })
}

impl FileEvent {
    /// The folder that it happened in.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Opened(path) | Self::Closed(path) => path.parent(),
            Self::Changed(folder) => Some(folder),
            Self::Gone(_) | Self::Storm(_) | Self::Lost => None,
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
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
            let folders = event.paths.iter().filter_map(|path| path.parent());
            let changed = folders.map(|folder| FileEvent::Changed(folder.to_owned()));
            let may_be_gone = !matches!(event.kind, EventKind::Create(_) | EventKind::Remove(RemoveKind::File));
            let gone = event.paths.iter().filter(|_| may_be_gone).cloned().map(FileEvent::Gone);
            changed.chain(gone).collect()
        }
        // What is written into a file, its times and its rights tell nothing; a download writes all the time.
        EventKind::Access(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
