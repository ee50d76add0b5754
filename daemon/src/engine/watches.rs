//! The folders whose events wake the engine: which they are, and keeping the system's watches in step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use super::storms::Storms;
use crate::os::PACE;
use crate::text;
use crate::wake::{FileEvent, FileWatch, Folders, Refused};

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
    /// The folders that have a storm.
    stormy: BTreeSet<PathBuf>,
    /// When an order was given last; none where the next is to be given at once.
    ordered: Option<Duration>,
    /// Whether there is something to tell since the last [`Watches::set`].
    has_news: bool,
    /// Whether something may have happened that was not heard.
    doubt: bool,
    /// What is wrong, in one sentence.
    trouble: Option<String>,
}

/// How the watches stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// What is wrong, in one sentence.
    pub(super) trouble: Option<String>,
    /// Whether something may have happened in a folder that was not heard.
    pub(super) doubt: bool,
    /// Whether the events of a folder with locks are not heard because there are too many.
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
            stormy: BTreeSet::new(),
            ordered: None,
            has_news: false,
            doubt: false,
            trouble: None,
        }
    }

    /// Waits for events, or until an order was carried out. Without a watch it waits for ever.
    pub(super) async fn next(&mut self, batch: &mut Vec<FileEvent>) {
        let Some((files, events)) = &mut self.heard else {
            return std::future::pending().await;
        };
        tokio::select! {
            count = events.recv_many(batch, usize::MAX) => if count == 0 {
                self.ended();
            },
            done = files.done() => match done {
                Some(refused) => self.done(&refused),
                None => self.ended(),
            },
        }
    }

    /// The watching has ended; it is begun again.
    fn ended(&mut self) {
        self.heard = None;
        self.ordered = None;
    }

    /// An order was carried out.
    fn done(&mut self, done: &Refused) {
        self.has_news = true;
        self.doubt |= done.has_new;
        // One may have been made between the listing and the watch.
        self.wanted_is_old |= done.has_new;
        self.trouble = done.folders.first().map(|(path, error)| {
            let path = text::escape_path(path);
            format!("{path} cannot be watched ({error}), so its locks are seen by looking once in a while")
        });
    }

    /// Whether events were dropped since the last call, because too many waited.
    pub(super) fn take_lost(&self) -> bool {
        self.heard.as_ref().is_some_and(|(files, _)| files.take_lost())
    }

    /// Something came, went or was renamed in a folder. Tells whether somebody who holds a lock may have done it.
    pub(super) fn changed(&mut self, folder: &Path) -> bool {
        if self.heard.as_ref().is_some_and(|(files, _)| files.stands_in(folder)) {
            self.ordered = None; // it may be the folder that was waited for
        }
        let has_children = self.folders.has_children(folder);
        self.wanted_is_old |= has_children;
        has_children
    }

    /// A folder may have gone.
    pub(super) fn gone(&mut self, folder: &Path) {
        if self.heard.as_mut().is_some_and(|(files, _)| files.forget(folder)) {
            self.ordered = None;
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

    /// Has the watches set where there is a reason or it is time; none where there is nothing to tell.
    pub(super) fn set(&mut self, now: Duration) -> Option<Set> {
        let stormy = self.storms.now(now);
        if stormy != self.stormy {
            (self.stormy, self.ordered) = (stormy, None);
            self.has_news = true;
        }
        let is_time = self.ordered.is_none_or(|last| now.saturating_sub(last) >= SWEEP);
        let is_busy = self.heard.as_ref().is_some_and(|(files, _)| files.is_busy());
        if (is_time || self.wanted_is_old) && !is_busy {
            self.order(now);
        }
        std::mem::take(&mut self.has_news).then(|| Set {
            trouble: self.trouble.clone(),
            doubt: std::mem::take(&mut self.doubt),
            storm: self.stormy.iter().any(|folder| self.folders.has_locks(folder)),
            blind: self.heard.is_none(),
        })
    }

    fn order(&mut self, now: Duration) {
        self.ordered = Some(now);
        if std::mem::take(&mut self.wanted_is_old) {
            self.wanted = self.folders.wanted(PACE.events_tell_of_opening);
        }
        if self.heard.is_none() {
            self.has_news = true;
            match FileWatch::new() {
                Ok(heard) => (self.heard, self.doubt) = (Some(heard), true),
                Err(error) => {
                    self.trouble = Some(format!(
                        "folders cannot be watched ({error}), so locks are seen by looking once in a while"
                    ));
                }
            }
        }
        if let Some((files, _)) = &mut self.heard
            && !files.set(&self.wanted, &self.stormy)
        {
            // All is watched that is there.
            self.has_news |= self.trouble.take().is_some();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    /// Sets them until there is nothing to do, and tells what there was to tell.
    fn settle(watches: &mut Watches, now: Duration) -> Option<Set> {
        let mut told: Option<Set> = None;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        loop {
            if let Some(set) = watches.set(now) {
                let doubt = set.doubt || told.is_some_and(|told| told.doubt);
                told = Some(Set { doubt, ..set });
            }
            let (files, _) = watches.heard.as_mut().expect("has a watch");
            if !files.is_busy() {
                return told;
            }
            let refused = runtime.block_on(files.done()).expect("lives");
            watches.done(&refused);
        }
    }

    #[test]
    fn they_are_set_for_a_reason_or_when_it_is_time() {
        let place = tempfile::tempdir().expect("makes a folder");
        let place = place.path().canonicalize().expect("is there");
        let home = place.join("cargo");
        std::fs::create_dir_all(home.join("registry/cache")).expect("makes folders");
        let mut watches = Watches::new(Folders::new([home.clone()], []));
        let first = settle(&mut watches, seconds(0)).expect("the first time");
        assert_eq!((first.doubt, first.trouble, first.blind), (true, None, false));
        assert_eq!(settle(&mut watches, seconds(1)), None);
        assert_eq!(watches.set(seconds(121)), None, "it is time, and all is as it was");

        // A registry gets a new folder.
        std::fs::create_dir(home.join("registry/cache/new")).expect("makes it");
        assert!(watches.changed(&home.join("registry/cache")));
        assert!(settle(&mut watches, seconds(122)).is_some_and(|set| set.doubt));

        // The home goes, and comes again.
        std::fs::remove_dir_all(&home).expect("removes");
        watches.gone(&home);
        settle(&mut watches, seconds(123)).expect("at once");
        std::fs::create_dir(&home).expect("makes it again");
        assert!(!watches.changed(&place));
        assert!(
            settle(&mut watches, seconds(124)).is_some_and(|set| set.doubt),
            "at once"
        );

        // A storm where there are locks, and one where there are none.
        watches.storm(place.join("elsewhere"), seconds(125));
        assert!(settle(&mut watches, seconds(125)).is_some_and(|set| !set.storm));
        watches.storm(home, seconds(126));
        assert!(
            watches.set(seconds(126)).is_some_and(|set| set.storm),
            "before anything is done"
        );
        settle(&mut watches, seconds(126));
        assert!(
            settle(&mut watches, seconds(129)).is_some_and(|set| !set.storm && set.doubt),
            "it is over"
        );
    }
}
