//! The folders whose events wake the engine: which they are, and keeping the system's watches in step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use super::storms::Storms;
use crate::os::PACE;
use crate::text;
use crate::wake::{FileEvent, FileWatch, Folders};

/// The watches are gone through so often without a reason, in case an event was lost.
const SWEEP: Duration = Duration::from_mins(2);

/// The watches, and where their events come out.
#[derive(Debug)]
pub(super) struct Watches {
    /// None where the system has none to give; it is asked again at each sweep.
    heard: Option<(FileWatch, mpsc::Receiver<FileEvent>)>,
    folders: Folders,
    storms: Storms,
    /// The folders to watch, and whether that is to be found out again.
    wanted: BTreeSet<PathBuf>,
    wanted_is_old: bool,
    /// When the watches were set last, and the folders that had a storm then; none where they are to be set at once.
    set_at: Option<Duration>,
    stormy: BTreeSet<PathBuf>,
}

/// What came of setting the watches.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// What is wrong, in one sentence.
    pub(super) trouble: Option<String>,
    /// Whether something may have happened in a folder that was not heard.
    pub(super) doubt: bool,
    /// Whether a folder with locks is not watched because it sends too many events.
    pub(super) storm: bool,
    /// Whether nothing is heard at all.
    pub(super) blind: bool,
}

impl Watches {
    /// For these folders. Nothing is watched yet.
    pub(super) fn new(folders: Folders) -> Self {
        Self {
            heard: None,
            folders,
            storms: Storms::default(),
            wanted: BTreeSet::new(),
            wanted_is_old: true,
            set_at: None,
            stormy: BTreeSet::new(),
        }
    }

    /// Waits for events; none where the watching has ended. Without a watch it waits for ever.
    pub(super) async fn next(&mut self, batch: &mut Vec<FileEvent>) -> usize {
        match &mut self.heard {
            Some((_, events)) => events.recv_many(batch, usize::MAX).await,
            None => std::future::pending().await,
        }
    }

    /// The watching has ended; it is begun again.
    pub(super) fn ended(&mut self) {
        self.heard = None;
        self.set_at = None;
    }

    /// Whether events were dropped since the last call, because too many waited.
    pub(super) fn take_lost(&self) -> bool {
        self.heard.as_ref().is_some_and(|(files, _)| files.take_lost())
    }

    /// Something came, went or was renamed in a folder. Tells whether somebody who holds a lock may have done it.
    pub(super) fn changed(&mut self, folder: &Path) -> bool {
        if self.heard.as_ref().is_some_and(|(files, _)| files.stands_in(folder)) {
            self.set_at = None; // it may be the folder that was waited for
        }
        let has_children = self.folders.has_children(folder);
        self.wanted_is_old |= has_children;
        has_children
    }

    /// A folder may have gone.
    pub(super) fn gone(&mut self, folder: &Path) {
        let was_watched = self.heard.as_mut().is_some_and(|(files, _)| files.forget(folder));
        if was_watched {
            self.set_at = None;
        }
    }

    /// A folder sends too many events.
    pub(super) fn storm(&mut self, folder: PathBuf, now: Duration) {
        self.storms.begin(folder, now);
    }

    /// A lock file is in use. Tells whether its folder is a new one.
    pub(super) fn see(&mut self, lock: &Path) -> bool {
        let is_new = self.folders.see(lock);
        self.wanted_is_old |= is_new;
        is_new
    }

    /// Sets the watches where there is a reason or it is time; none where there is not.
    pub(super) fn set(&mut self, now: Duration) -> Option<Set> {
        let stormy = self.storms.now(now);
        let is_time = self.set_at.is_none_or(|last| now.saturating_sub(last) >= SWEEP);
        if !(is_time || self.wanted_is_old || stormy != self.stormy) {
            return None;
        }
        (self.set_at, self.stormy) = (Some(now), stormy);
        if std::mem::take(&mut self.wanted_is_old) {
            self.wanted = self.folders.wanted(PACE.events_tell_of_opening);
        }
        let mut set = Set {
            storm: self.stormy.iter().any(|folder| self.folders.has_locks(folder)),
            ..Set::default()
        };
        if self.heard.is_none() {
            match FileWatch::new() {
                Ok(heard) => (self.heard, set.doubt) = (Some(heard), true),
                Err(error) => {
                    set.blind = true;
                    set.trouble = Some(format!(
                        "folders cannot be watched ({error}), so locks are seen by looking once in a while"
                    ));
                    return Some(set);
                }
            }
        }
        if let Some((files, _)) = &mut self.heard {
            let done = files.set(&self.wanted, &self.stormy);
            set.doubt |= done.has_new;
            // A registry may have got a folder between its listing and its watch.
            self.wanted_is_old = done.has_new;
            set.trouble = done.folders.first().map(|(path, error)| {
                let path = text::escape_path(path);
                format!("{path} cannot be watched ({error}), so its locks are seen by looking once in a while")
            });
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn they_are_set_for_a_reason_or_when_it_is_time() {
        let place = tempfile::tempdir().expect("makes a folder");
        let place = place.path().canonicalize().expect("is there");
        let home = place.join("cargo");
        std::fs::create_dir_all(home.join("registry/cache")).expect("makes folders");
        let mut watches = Watches::new(Folders::new([home.clone()], []));
        let first = watches.set(seconds(0)).expect("the first time");
        assert_eq!((first.doubt, first.trouble, first.blind), (true, None, false));
        assert!(watches.set(seconds(1)).is_some(), "a folder may have come meanwhile");
        assert_eq!(watches.set(seconds(2)), None);
        assert!(watches.set(seconds(121)).is_some_and(|set| !set.doubt), "it is time");

        // A registry gets a new folder.
        std::fs::create_dir(home.join("registry/cache/new")).expect("makes it");
        assert!(watches.changed(&home.join("registry/cache")));
        assert!(watches.set(seconds(122)).is_some_and(|set| set.doubt));
        watches.set(seconds(122));

        // The home goes, and comes again.
        std::fs::remove_dir_all(&home).expect("removes");
        watches.gone(&home);
        watches.set(seconds(123)).expect("at once");
        std::fs::create_dir(&home).expect("makes it again");
        assert!(!watches.changed(&place));
        assert!(watches.set(seconds(124)).is_some_and(|set| set.doubt), "at once");

        // A storm where there are locks, and one where there are none.
        watches.set(seconds(124));
        watches.storm(place.join("elsewhere"), seconds(125));
        assert!(watches.set(seconds(125)).is_some_and(|set| !set.storm));
        watches.storm(home, seconds(126));
        assert!(watches.set(seconds(126)).is_some_and(|set| set.storm));
        assert!(
            watches.set(seconds(129)).is_some_and(|set| !set.storm && set.doubt),
            "it is over"
        );
    }
}
