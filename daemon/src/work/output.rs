//! When a build left something in its target directory last.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// The folders of a profile in which a build makes its files. A worker elsewhere, whose processor time is not seen here, leaves
/// its results here all the same.
const FOLDERS: [&str; 4] = ["deps", "build", "incremental", ".fingerprint"];

/// When a file appeared in these folders last or went from there, since 1970; none where there are none. The lock file stands
/// in the folder of the profile: `target/debug/.cargo-lock`.
pub fn output_of(build_lock: &Path) -> Option<Duration> {
    let profile = build_lock.parent()?;
    let modified = |folder: &str| {
        let metadata = fs::metadata(profile.join(folder)).ok()?;
        metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()
    };
    FOLDERS.iter().filter_map(|folder| modified(folder)).max()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn the_newest_of_the_folders() {
        let profile = tempfile::tempdir().expect("a folder");
        let lock = profile.path().join(".cargo-lock");
        assert_eq!(output_of(&lock), None);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (folder, time) in [("deps", 1_000), (".fingerprint", 2_000), ("examples", 3_000)] {
            let path = profile.path().join(folder);
            fs::create_dir(&path).expect("a folder");
            let folder = fs::File::open(&path).expect("opens");
            folder.set_modified(at(time)).expect("a time");
        }
        assert_eq!(output_of(&lock), Some(Duration::from_secs(2_000)));
    }
}
