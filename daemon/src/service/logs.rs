//! The files that a service writes down: their last lines, and their end.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::file::failed;
use super::{Act, ServiceError, Told};

/// So much of a file is read for its last lines, in bytes.
const AT_MOST: u64 = 1024 * 1024;

/// The last lines of a file; nothing where there is none.
pub(super) fn tail(path: &Path, lines: usize) -> Result<String, ServiceError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(AT_MOST)))?;
        let mut bytes = Vec::new();
        file.take(AT_MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = match read() {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(failed("read", path, error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    // Names from outside are in there.
    Ok(last
        .iter()
        .map(|line| crate::text::escape(line.as_ref()) + "\n")
        .collect())
}

/// Removes a file. False where there was none.
pub(super) fn remove(path: &Path, told: Told<'_>) -> Result<bool, ServiceError> {
    match std::fs::remove_file(path) {
        Ok(()) => {
            told(Act::Removed(path.to_owned()));
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("x.log");
        assert_eq!(tail(&path, 2).expect("none"), "");
        std::fs::write(&path, "1\n2\x1b[31m\n3").expect("writes");
        assert_eq!(tail(&path, 2).expect("can"), "2\\u{1b}[31m\n3\n");
        assert_eq!(tail(&path, 9).expect("can").lines().count(), 3);
        assert_eq!(tail(&path, 0).expect("can"), "");
        let at_most = usize::try_from(AT_MOST).expect("fits");
        std::fs::write(&path, format!("{}\nend\n", "x".repeat(at_most))).expect("writes");
        assert_eq!(tail(&path, 1).expect("can"), "end\n");
        assert!(tail(home.path(), 1).is_err());
        assert!(remove(&path, &mut |_| ()).expect("can"));
        assert!(!remove(&path, &mut |_| ()).expect("can"));
    }
}
