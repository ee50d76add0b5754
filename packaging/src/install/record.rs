//! The record of what was put where. It is written before the first file is touched, so that what an installation that was
//! cut off has left behind is known too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::digest::sha256;
use crate::tree::Item;

/// What this form of the record is called. It goes up when an older version could not read it.
const FORM: u32 = 1;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    form: u32,
    /// Each file, with the digests of what lockwatch has put there: one, or two while the one takes the other's place.
    pub(super) files: BTreeMap<PathBuf, BTreeSet<String>>,
    /// The folders that were made for them.
    pub(super) folders: BTreeSet<PathBuf>,
}

impl Record {
    /// The record at a path; an empty one where there is none.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Record {
            path: path.to_owned(),
            reason,
        };
        match fs::read(path) {
            Ok(bytes) => {
                let record: Self = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
                if record.form == FORM {
                    Ok(record)
                } else {
                    Err(unusable(format!("it has form {}", record.form)))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self {
                form: FORM,
                ..Self::default()
            }),
            Err(source) => Err(Error::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Writes it, in place of the one before.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::Record {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Item::File(text).write(path).map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Whether lockwatch has put this there.
    pub(super) fn has(&self, path: &Path, item: &Item) -> bool {
        self.files
            .get(path)
            .is_some_and(|digests| digests.contains(&digest(item)))
    }

    /// Notes that this is going to be there.
    pub(super) fn note(&mut self, path: &Path, item: &Item) {
        self.files.entry(path.to_owned()).or_default().insert(digest(item));
    }
}

/// What tells one item from another, its kind included.
fn digest(item: &Item) -> String {
    match item {
        Item::File(content) => format!("file {}", sha256(content)),
        Item::Program(content) => format!("program {}", sha256(content)),
        Item::Link(target) => format!("link {}", sha256(target.as_os_str().as_encoded_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("is made");
        let path = folder.path().join("record.json");
        let mut record = Record::read(&path).expect("none is an empty one");
        let item = Item::File(b"text".to_vec());
        record.note(Path::new("/a/b"), &item);
        record.folders.insert("/a".into());
        record.write(&path).expect("is written");
        let read = Record::read(&path).expect("is read");
        assert_eq!(read, record);
        assert!(read.has(Path::new("/a/b"), &item));
        assert!(!read.has(Path::new("/a/b"), &Item::Program(b"text".to_vec())));
        assert!(!read.has(Path::new("/a/c"), &item));
    }

    #[test]
    fn one_that_is_not_understood_is_no_empty_one() {
        let folder = tempfile::tempdir().expect("is made");
        let path = folder.path().join("record.json");
        for text in ["", "{}", r#"{"form": 2, "files": {}, "folders": []}"#] {
            fs::write(&path, text).expect("is written");
            assert!(matches!(Record::read(&path), Err(Error::Record { .. })), "{text}");
        }
    }
}
