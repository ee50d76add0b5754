//! Folders whose events are too many: they are not watched for a while, and then tried again. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// The first time without events; each further storm within the memory doubles it.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(16);
/// A folder that was calm for so long begins anew.
const MEMORY: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug)]
struct Storm {
    /// When the folder is watched again.
    until: Duration,
    lasted: Duration,
}

/// The folders in a storm, and those that were of late.
#[derive(Debug, Default)]
pub(super) struct Storms {
    folders: BTreeMap<PathBuf, Storm>,
}

impl Storms {
    /// A storm begins in a folder.
    pub(super) fn begin(&mut self, folder: PathBuf, now: Duration) {
        let lasted = self
            .folders
            .get(&folder)
            .map_or(FIRST, |storm| (storm.lasted * 2).min(LONGEST));
        let until = now + lasted;
        self.folders.insert(folder, Storm { until, lasted });
    }

    /// The folders that are not to be watched now.
    pub(super) fn now(&mut self, now: Duration) -> BTreeSet<PathBuf> {
        self.folders.retain(|_, storm| storm.until + MEMORY > now);
        let stormy = self.folders.iter().filter(|(_, storm)| storm.until > now);
        stormy.map(|(folder, _)| folder.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_further_storm_is_waited_out_longer() {
        let (mut storms, folder) = (Storms::default(), Path::new("/p"));
        let mut now = Duration::from_secs(100);
        for seconds in [2, 4, 8, 16, 16] {
            storms.begin(folder.to_owned(), now);
            assert_eq!(storms.now(now), BTreeSet::from([folder.to_owned()]));
            now += Duration::from_secs(seconds);
            assert_eq!(storms.now(now), BTreeSet::new(), "after {seconds} s");
        }
        assert_eq!(storms.now(now + MEMORY), BTreeSet::new());
        storms.begin(folder.to_owned(), now);
        assert_eq!(storms.now(now + FIRST), BTreeSet::new(), "begins anew");
    }
}
