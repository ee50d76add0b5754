//! Files as they are to lie in a folder, before any of them is written: what is bundled, installed and put into archives.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::Error;

/// What lies under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A file to read.
    File(Vec<u8>),
    /// A file to start.
    Program(Vec<u8>),
    /// A symbolic link, with what it says.
    Link(PathBuf),
}

/// Files by their paths inside of a folder, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<PathBuf, Item>);

impl Item {
    /// The permissions of what is written.
    pub(crate) fn mode(&self) -> u32 {
        match self {
            Self::File(_) => 0o644,
            Self::Program(_) | Self::Link(_) => 0o755,
        }
    }

    /// Puts it at a path whose folder exists. What lies there is replaced in one step: a program that runs goes on with the
    /// file that it has.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match self {
            Self::File(content) | Self::Program(content) => {
                fs::write(&beside, content)?;
                fs::set_permissions(&beside, fs::Permissions::from_mode(self.mode()))?;
            }
            Self::Link(target) => symlink(target, &beside)?,
        }
        fs::rename(&beside, path)
    }

    /// What lies at a path; none where nothing does, or something that is neither file nor link.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let kind = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(if kind.is_symlink() {
            Some(Self::Link(fs::read_link(path)?))
        } else if !kind.is_file() {
            None
        } else if kind.permissions().mode() & 0o100 == 0 {
            Some(Self::File(fs::read(path)?))
        } else {
            Some(Self::Program(fs::read(path)?))
        })
    }
}

impl Tree {
    /// Adds something under a path inside of the folder.
    pub(crate) fn add(&mut self, path: impl Into<PathBuf>, item: Item) {
        self.0.insert(path.into(), item);
    }

    /// Adds all of another one, under a folder.
    pub(crate) fn add_tree(&mut self, folder: impl AsRef<Path>, other: Self) {
        let folder = folder.as_ref();
        self.0
            .extend(other.0.into_iter().map(|(path, item)| (folder.join(path), item)));
    }

    /// What lies in a folder, with all folders in it.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let mut tree = Self::default();
        tree.read_below(folder, Path::new(""))?;
        Ok(tree)
    }

    fn read_below(&mut self, top: &Path, inside: &Path) -> Result<(), Error> {
        let folder = top.join(inside);
        let failed = |source| Error::Read {
            path: folder.clone(),
            source,
        };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = inside.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                self.read_below(top, &path)?;
            } else if let Some(item) = Item::read(&entry.path()).map_err(failed)? {
                self.add(path, item);
            }
        }
        Ok(())
    }

    /// Whether it has something under this path.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// What it has.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Path, &Item)> {
        self.0.iter().map(|(path, item)| (path.as_path(), item))
    }

    /// Writes all of it into a folder, which is made with those above it; says what was written.
    pub(crate) fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        // The folder first: where that fails, the way out is another one.
        make_folder(folder)?;
        let mut written = Vec::new();
        for (path, item) in self.iter() {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                make_folder(parent)?;
            }
            item.write(&path).map_err(|source| Error::Write {
                path: path.clone(),
                source,
            })?;
            written.push(path);
        }
        Ok(written)
    }
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Folder {
        folder: folder.to_owned(),
        source,
    })
}

impl FromIterator<(PathBuf, Item)> for Tree {
    fn from_iter<I: IntoIterator<Item = (PathBuf, Item)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().expect("is made");
        let mut inner = Tree::default();
        inner.add("program", Item::Program(b"#!/bin/sh".to_vec()));
        inner.add("link", Item::Link("program".into()));
        let mut tree = Tree::default();
        tree.add("text", Item::File(b"one".to_vec()));
        tree.add_tree("a/b", inner);
        let expected = ["a/b/link", "a/b/program", "text"].map(|path| folder.path().join(path));
        // Twice: what is there is replaced.
        for _ in 0..2 {
            assert_eq!(tree.write(folder.path()).expect("is written"), expected);
        }
        assert_eq!(Tree::read(folder.path()).expect("is read"), tree);
        let names = fs::read_dir(folder.path().join("a/b")).expect("is there").count();
        assert_eq!(names, 2, "nothing is left beside");
        assert_eq!(Item::read(&folder.path().join("a")).expect("is read"), None);
        assert_eq!(Item::read(&folder.path().join("none")).expect("is read"), None);
    }

    #[test]
    fn a_program_that_runs_is_replaced_and_goes_on() {
        use std::io::{BufRead as _, BufReader, Write as _};
        let folder = tempfile::tempdir().expect("is made");
        let path = folder.path().join("cat");
        let program = fs::read("/bin/cat").expect("is there");
        Item::Program(program.clone()).write(&path).expect("is written");
        let mut child = std::process::Command::new(&path)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("runs");
        Item::Program(program).write(&path).expect("is replaced");
        let mut stdin = child.stdin.take().expect("is piped");
        writeln!(stdin, "alive").expect("it reads");
        drop(stdin);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("is piped"))
            .read_line(&mut line)
            .expect("it answers");
        assert_eq!(line, "alive\n");
        assert!(child.wait().expect("ends").success());
    }
}
