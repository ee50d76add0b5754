//! The folders that matter: Cargo homes. What the environment says comes in as an argument.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::os::Note;

/// The Cargo homes that we know of.
///
/// Which locks are seen does not depend on them where the kernel names the open files. They tell what `credentials.toml`
/// is Cargo's, and macOS asks about the lock files in them even where no process is found that has one open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoHomes {
    folders: Vec<PathBuf>,
    /// The one that was asked for by name, which the user will want to hear about when it is not readable.
    named: Option<PathBuf>,
}

/// The lock files that every Cargo since 1.75 has in its home.
const IN_EVERY_HOME: [&str; 2] = [".package-cache", ".package-cache-mutate"];

impl CargoHomes {
    /// From the values of `CARGO_HOME` and `HOME`. Cargo takes an empty `CARGO_HOME` for none (`home::cargo_home`).
    pub fn new(cargo_home: Option<OsString>, home: Option<OsString>) -> Self {
        let path = |value: Option<OsString>| value.filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = path(cargo_home);
        let default = path(home).map(|home| home.join(".cargo"));
        let folders = named.iter().cloned().chain(default).collect();
        Self { folders, named }
    }

    /// From this process's environment.
    pub fn from_env() -> Self {
        Self::new(std::env::var_os("CARGO_HOME"), std::env::home_dir().map(OsString::from))
    }

    /// With further homes.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = PathBuf>) -> Self {
        for home in more {
            if !self.folders.contains(&home) {
                self.folders.push(home);
            }
        }
        self
    }

    /// The homes.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Whether a folder is a Cargo home: one that we know, or any called `.cargo`.
    pub fn contains(&self, folder: &Path) -> bool {
        folder.file_name().is_some_and(|name| name == ".cargo") || self.folders.iter().any(|home| home == folder)
    }

    /// The lock files that may exist in them.
    pub fn lock_files(&self) -> Vec<PathBuf> {
        self.folders
            .iter()
            .flat_map(|home| IN_EVERY_HOME.map(|name| home.join(name)))
            .collect()
    }

    /// What is wrong with them, if anything.
    pub fn problem(&self) -> Option<Note> {
        if self.folders.is_empty() {
            return Some(Note::NoCargoHome);
        }
        let named = self.named.as_ref()?;
        // Not by listing it: that would be an event of the folder, and wake whoever watches it.
        let access = rustix::fs::Access::READ_OK | rustix::fs::Access::EXEC_OK;
        let error = rustix::fs::access(named, access).err()?;
        Some(Note::Unreadable {
            path: named.clone(),
            error: io::Error::from(error).to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn homes(cargo_home: Option<&str>, home: Option<&str>) -> CargoHomes {
        CargoHomes::new(cargo_home.map(OsString::from), home.map(OsString::from))
    }

    #[test]
    fn which_folders_are_cargo_homes() {
        let both = homes(Some("/srv/cargo"), Some("/home/me"));
        for (folder, is) in [
            ("/srv/cargo", true),
            ("/home/me/.cargo", true),
            ("/somewhere/else/.cargo", true),
            ("/home/me", false),
            ("/srv/cargo/registry", false),
        ] {
            assert_eq!(both.contains(folder.as_ref()), is, "{folder}");
        }
        assert_eq!(both.lock_files().len(), 4);
    }

    #[test]
    fn an_empty_variable_is_none() {
        assert_eq!(homes(Some(""), Some("/home/me")), homes(None, Some("/home/me")));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(homes(None, None).problem(), Some(Note::NoCargoHome));
        assert_eq!(
            homes(None, Some("/nowhere")).problem(),
            None,
            "a home without a .cargo is a first start"
        );
        let problem = homes(Some("/nowhere/cargo"), None).problem();
        assert!(matches!(problem, Some(Note::Unreadable { path, .. }) if path == Path::new("/nowhere/cargo")));
    }
}
