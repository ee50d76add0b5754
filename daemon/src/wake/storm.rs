//! Folders that send more events than can be of use. Pure: the time comes in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So many events a second of one folder are of use. A busy build opens its lock file a few times.
const MOST: u32 = 200;
const SECOND: Duration = Duration::from_secs(1);

/// Counts events by folder.
#[derive(Debug, Default)]
pub(super) struct Storms {
    counts: HashMap<PathBuf, (Instant, u32)>,
}

/// What to do with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Pass it on.
    Calm,
    /// Tell that from now on this folder's events are dropped.
    Begins(PathBuf),
    /// Drop it.
    Goes,
}

impl Storms {
    pub(super) fn count(&mut self, folder: &Path, now: Instant) -> Verdict {
        if !self.counts.contains_key(folder) {
            // Folders that have been silent for a while are not kept.
            self.counts
                .retain(|_, (begin, _)| now.saturating_duration_since(*begin) <= SECOND);
        }
        let (begin, count) = self.counts.entry(folder.to_owned()).or_insert((now, 0));
        if now.saturating_duration_since(*begin) > SECOND {
            (*begin, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count <= MOST {
            Verdict::Calm
        } else if *count == MOST + 1 {
            Verdict::Begins(folder.to_owned())
        } else {
            Verdict::Goes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_begins_once_a_second_and_in_its_folder_only() {
        let (mut storms, begin) = (Storms::default(), Instant::now());
        let (loud, quiet) = (Path::new("/loud"), Path::new("/quiet"));
        for round in 0..2 {
            let now = begin + round * Duration::from_millis(1001);
            for _ in 0..MOST {
                assert_eq!(storms.count(loud, now), Verdict::Calm);
            }
            assert_eq!(storms.count(loud, now), Verdict::Begins(loud.to_owned()));
            assert_eq!(storms.count(loud, now + SECOND), Verdict::Goes);
            assert_eq!(storms.count(quiet, now), Verdict::Calm);
        }
    }
}
