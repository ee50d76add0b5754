//! Files are put in place and removed, by the record.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::Error;
use crate::tree::{Item, Tree, make_folder};

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Files that were new, or others before.
    pub(super) written: Vec<PathBuf>,
    /// How many were there.
    pub(super) unchanged: usize,
    /// Files of an older version that this one does not have.
    pub(super) removed: Vec<PathBuf>,
    /// The same, but somebody has changed them.
    pub(super) left: Vec<PathBuf>,
}

/// Puts a tree of whole paths in place. Where something is in the way that lockwatch has not put there, nothing is done.
pub(super) fn place(tree: &Tree, record_path: &Path) -> Result<Placed, Error> {
    let before = Record::read(record_path)?;
    let mut placed = Placed::default();
    let mut missing = Vec::new();
    for (path, item) in tree.iter() {
        match found(path)? {
            Some(found) if found == *item => placed.unchanged += 1,
            Some(found) if !before.has(path, &found) => return Err(Error::InTheWay { path: path.to_owned() }),
            _ => missing.push((path, item)),
        }
    }
    let mut after = before.clone();
    let mut folders: Vec<&Path> = missing.iter().filter_map(|(path, _)| path.parent()).collect();
    folders.extend(record_path.parent());
    for folder in folders {
        let new = folder.ancestors().take_while(|one| fs::symlink_metadata(one).is_err());
        after.folders.extend(new.map(Path::to_owned));
    }
    for (path, item) in &missing {
        after.note(path, item);
    }
    record_path.parent().map_or(Ok(()), make_folder)?;
    after.write(record_path)?;

    for (path, item) in missing {
        path.parent().map_or(Ok(()), make_folder)?;
        item.write(path).map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        })?;
        after.files.remove(path);
        after.note(path, item);
        placed.written.push(path.to_owned());
    }
    let gone: Vec<PathBuf> = before.files.keys().filter(|path| !tree.has(path)).cloned().collect();
    for path in gone {
        remove_if_ours(&path, &before, &mut placed.removed, &mut placed.left)?;
        after.files.remove(&path);
    }
    after.write(record_path)?;
    Ok(placed)
}

/// What was removed, and what was not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) removed: Vec<PathBuf>,
    /// Files that somebody has changed.
    pub(super) left: Vec<PathBuf>,
}

/// Removes what the record has, then the folders that were made for it and are empty, then the record.
pub(super) fn remove(record_path: &Path) -> Result<Removed, Error> {
    let record = Record::read(record_path)?;
    let mut removed = Removed::default();
    for path in record.files.keys() {
        remove_if_ours(path, &record, &mut removed.removed, &mut removed.left)?;
    }
    remove_file(record_path)?;
    // The deepest first.
    for folder in record.folders.iter().rev() {
        match fs::remove_dir(folder) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory
                ) => {}
            Err(source) => {
                return Err(Error::Remove {
                    path: folder.clone(),
                    source,
                });
            }
        }
    }
    Ok(removed)
}

fn remove_if_ours(
    path: &Path,
    record: &Record,
    removed: &mut Vec<PathBuf>,
    left: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let list = match Item::read(path) {
        Ok(Some(item)) if record.has(path, &item) => {
            remove_file(path)?;
            removed
        }
        Ok(None) if fs::symlink_metadata(path).is_err() => return Ok(()),
        Ok(_) => left,
        Err(source) => {
            return Err(Error::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    list.push(path.to_owned());
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Remove {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// What lies at a path; an error where it is a folder or a device.
fn found(path: &Path) -> Result<Option<Item>, Error> {
    let item = Item::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    if item.is_none() && fs::symlink_metadata(path).is_ok() {
        return Err(Error::InTheWay { path: path.to_owned() });
    }
    Ok(item)
}

#[cfg(test)]
mod tests;
