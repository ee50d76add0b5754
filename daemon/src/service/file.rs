//! The file that tells a manager what to start: written whole, known again, and kept where somebody has changed it.
//!
//! Each file of ours carries a sum of its own text in a comment. Where text and sum do not fit, or there is no sum, somebody
//! else has written it, and it is renamed before another takes its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{Act, ServiceError, Told};

const MARK: &str = "Written by `lockwatch service install`, which keeps a file that was changed as a backup. Sum: ";

/// How a kind of file has its comments, and after which line the first one may stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    pub(super) after: usize,
}

/// The text with the comment that tells that it is ours.
pub(super) fn sealed(text: &str, comment: Comment) -> String {
    let Comment { open, close, after } = comment;
    let at = text.split_inclusive('\n').take(after).map(str::len).sum();
    let (head, rest) = text.split_at(at);
    format!("{head}{open}{MARK}{:016x}{close}\n{rest}", sum(text))
}

/// Whether a text is as we wrote it.
pub(super) fn is_sealed(text: &str) -> bool {
    let mut sums = Vec::new();
    let mut rest = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.split_once(MARK) {
            Some((_, after)) => sums.push(after.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok())),
            None => rest.push_str(line),
        }
    }
    sums == [Some(sum(&rest))]
}

/// FNV-1a, 64 bits (RFC 9923): tells a change, and is the same in every version. It guards against nobody.
fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What stands in a file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A file as we wrote it.
    Ours(String),
    /// Something else: a file of other text, a link.
    Other(Vec<u8>),
}

pub(super) fn find(path: &Path) -> Result<Found, ServiceError> {
    let failed = |source| failed("read", path, source);
    let kind = match path.symlink_metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(error)),
    };
    if !kind.is_file() {
        // Of a link, what it leads to; of anything else, nothing.
        return Ok(Found::Other(std::fs::read(path).unwrap_or_default()));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) if is_sealed(&text) => Found::Ours(text),
        Ok(text) => Found::Other(text.into_bytes()),
        Err(error) => Found::Other(error.into_bytes()),
    })
}

/// Makes the file have this (sealed) text. True where it was changed.
pub(super) fn put(path: &Path, text: &str, told: Told<'_>) -> Result<bool, ServiceError> {
    match find(path)? {
        Found::Ours(old) if old == text => {
            told(Act::Unchanged(path.to_owned()));
            return Ok(false);
        }
        Found::Nothing | Found::Ours(_) => {}
        Found::Other(_) => keep(path, told)?,
    }
    write(path, text).map_err(|source| failed("write", path, source))?;
    told(Act::Wrote(path.to_owned()));
    Ok(true)
}

/// Removes the file. False where there was none.
pub(super) fn take_away(path: &Path, told: Told<'_>) -> Result<bool, ServiceError> {
    match find(path)? {
        Found::Nothing => return Ok(false),
        Found::Ours(_) => {
            std::fs::remove_file(path).map_err(|source| failed("remove", path, source))?;
            told(Act::Removed(path.to_owned()));
        }
        Found::Other(_) => keep(path, told)?,
    }
    Ok(true)
}

/// Renames a file that somebody has changed. Neither manager reads one with such a name.
fn keep(path: &Path, told: Told<'_>) -> Result<(), ServiceError> {
    let failed = |source| failed("rename", path, source);
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if n == 0 { ".bak".to_owned() } else { format!(".bak.{n}") });
        PathBuf::from(name)
    };
    let free = (0..1000).map(name).find(|backup| backup.symlink_metadata().is_err());
    let backup = free.ok_or_else(|| failed(io::ErrorKind::AlreadyExists.into()))?;
    std::fs::rename(path, &backup).map_err(failed)?;
    told(Act::Kept {
        file: path.to_owned(),
        backup,
    });
    Ok(())
}

/// Writes it whole or not at all. launchd refuses a file that others may write to.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // What a writer that was interrupted left there is ours by its name.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

pub(super) fn failed(what: &'static str, path: &Path, source: io::Error) -> ServiceError {
    ServiceError::File {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    const HASH: Comment = Comment {
        open: "# ",
        close: "",
        after: 1,
    };

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn a_sealed_text_is_known_again_and_any_change_is_seen() {
        let text = "first\nsecond\n";
        let ours = sealed(text, HASH);
        assert!(ours.starts_with("first\n# Written by"), "{ours}");
        assert!(is_sealed(&ours));
        assert!(is_sealed(&sealed("", HASH)));
        for changed in [
            text.to_owned(),
            String::new(),
            ours.replace("second", "2nd"),
            format!("{ours}more\n"),
            ours.replace("Sum: ", "Sum: 0"),
            ours.replace("Sum: ", "Sum:  "),
            sealed(&ours, HASH),
        ] {
            assert!(!is_sealed(&changed), "{changed}");
        }
    }

    #[test]
    fn written_once_and_then_left() {
        let home = folder();
        let path = home.path().join("a/b/x.service");
        let (mut acts, old, new) = (Vec::new(), sealed("old\n", HASH), sealed("new\n", HASH));
        for (text, changed) in [(&old, true), (&old, false), (&new, true)] {
            assert_eq!(put(&path, text, &mut |act| acts.push(act)).expect("can"), changed);
            assert_eq!(&std::fs::read_to_string(&path).expect("is there"), text);
        }
        assert_eq!(path.metadata().expect("is there").mode() & 0o777, 0o644);
        let wrote = || Act::Wrote(path.clone());
        assert_eq!(acts, [wrote(), Act::Unchanged(path.clone()), wrote()]);
        assert!(take_away(&path, &mut |_| ()).expect("can"));
        assert!(!take_away(&path, &mut |_| ()).expect("can"));
        let left = std::fs::read_dir(path.parent().expect("has one")).expect("is there");
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn what_somebody_changed_is_kept_under_a_name_of_its_own() {
        let home = folder();
        let path = home.path().join("x.plist");
        let backup = |end: &str| home.path().join(format!("x.plist{end}"));
        let text = sealed("ours\n", HASH);
        for end in [".bak", ".bak.1", ".bak.2"] {
            std::fs::write(&path, format!("theirs {end}")).expect("writes");
            let mut acts = Vec::new();
            assert!(put(&path, &text, &mut |act| acts.push(act)).expect("can"));
            let file = path.clone();
            let kept = Act::Kept {
                file,
                backup: backup(end),
            };
            assert_eq!(acts, [kept, Act::Wrote(path.clone())]);
            let theirs = std::fs::read_to_string(backup(end)).expect("is kept");
            assert_eq!(theirs, format!("theirs {end}"));
        }
        // A link, as managers of dotfiles make them; and bytes that are no text.
        std::fs::remove_file(&path).expect("removes");
        symlink("elsewhere", &path).expect("links");
        assert!(put(&path, &text, &mut |_| ()).expect("can"));
        assert!(backup(".bak.3").is_symlink());
        std::fs::write(&path, b"bplist00\xff").expect("writes");
        assert!(take_away(&path, &mut |_| ()).expect("can"));
        assert_eq!(std::fs::read(backup(".bak.4")).expect("is kept"), b"bplist00\xff");
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
        let home = folder();
        std::fs::write(home.path().join("file"), "").expect("writes");
        let path = home.path().join("file/x.plist");
        let error = put(&path, "", &mut |_| ()).expect_err("cannot").to_string();
        assert!(error.contains("file/x.plist: "), "{error}");
    }
}
