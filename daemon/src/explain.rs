//! What a line of Cargo's means: "Blocking waiting for file lock on …", in every wording that it has had.
//!
//! [`message`] finds such lines in a text, [`Explanation`] says by the table of [`crate::cargo::lock_kind`] which lock files
//! they can be about, [`files`] where those lie on this machine, and [`symptom`] tells a wait from the other reasons for
//! which nothing seems to happen. All but [`files`] is pure.

pub mod files;
pub mod message;
pub mod symptom;

use std::path::Path;

use crate::cargo::lock_kind::{self, CargoVersion, LockFile, Use};
use crate::os::Mode;
use crate::state::Lock;

/// One way to understand a message: a lock file, and the use of it in which Cargo calls it so.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// The file.
    pub file: &'static LockFile,
    /// The use.
    pub usage: &'static Use,
}

/// What a message means.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The words after "waiting for file lock on ", without a path.
    pub words: String,
    /// The file that the message itself named (`-vv`, since Cargo 1.94).
    pub named: Option<String>,
    /// What it means where the Cargo of this folder says it; where that is not known, all that a stable Cargo can mean. Empty
    /// where only another version, or an unstable option, has these words.
    pub here: Vec<Meaning>,
    /// What else it can mean.
    pub otherwise: Vec<Meaning>,
}

impl Explanation {
    /// Explains the words of a message, which may have the path still. None where no Cargo known here has said them.
    pub fn of(words: &str, version: Option<CargoVersion>, is_home: &dyn Fn(&Path) -> bool) -> Option<Self> {
        let (plain, path) = lock_kind::without_path(words);
        let by_path = path.and_then(|path| lock_kind::recognise(path, is_home));
        let mut meanings: Vec<Meaning> = lock_kind::meanings(words)
            .map(|(file, usage)| Meaning { file, usage })
            .collect();
        if let Some(file) = by_path {
            // A wording that is not known yet, of a file that is.
            let of_file = |file: &'static LockFile| file.uses.iter().map(move |usage| Meaning { file, usage });
            if meanings.iter().any(|meaning| std::ptr::eq(meaning.file, file)) {
                meanings.retain(|meaning| std::ptr::eq(meaning.file, file));
            } else {
                meanings = of_file(file).collect();
            }
        }
        if meanings.is_empty() {
            return None;
        }
        let fits =
            |usage: &Use| usage.unstable.is_none() && version.is_none_or(|version| usage.versions.contains(version));
        let (here, otherwise) = meanings.into_iter().partition(|meaning| fits(meaning.usage));
        Some(Self {
            words: plain.to_owned(),
            named: path.map(crate::text::escape_path),
            here,
            otherwise,
        })
    }

    /// Every meaning, the likeliest first.
    pub fn meanings(&self) -> impl Iterator<Item = &Meaning> {
        self.here.iter().chain(&self.otherwise)
    }

    /// The meaning to speak of where one must do.
    pub fn main(&self) -> &Meaning {
        // One of the two is never empty, see `of`.
        self.here.first().unwrap_or_else(|| &self.otherwise[0])
    }

    /// Whether a message with these words can be about this lock of the state, held in this mode.
    pub fn can_be_about(&self, lock: &Lock, held: Option<Mode>, is_home: &dyn Fn(&Path) -> bool) -> bool {
        if let Some(named) = &self.named
            && *named != lock.path
        {
            return false;
        }
        let Some(file) = lock_kind::recognise(Path::new(&lock.path), is_home) else {
            return false;
        };
        self.meanings().any(|meaning| {
            let in_the_way = match (held, meaning.usage.mode) {
                (Some(held), Some(wanted)) => held.conflicts_with(wanted),
                _ => true,
            };
            std::ptr::eq(meaning.file, file) && in_the_way
        })
    }
}

#[cfg(test)]
mod tests;
