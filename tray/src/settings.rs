//! What the user sets in the menu, kept in the state folder. `config.toml` is the user's own file, and is only read.

use std::fs;
use std::io;
use std::path::PathBuf;

use lockwatch::folders::Folders;
use lockwatch::text;

/// It could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the setting cannot be kept in {} ({source}); make its folder writable", text::escape_path(.path))]
pub(crate) struct SettingError {
    path: PathBuf,
    source: io::Error,
}

/// The settings. A file that is there says that something is off, so there is nothing in it that could be damaged.
#[derive(Debug)]
pub(crate) struct Settings {
    quiet: PathBuf,
}

impl Settings {
    pub(crate) fn of(folders: &Folders) -> Self {
        Self {
            quiet: folders.tray_is_quiet(),
        }
    }

    /// Whether the user wants to be told of what is stuck.
    pub(crate) fn notifications(&self) -> bool {
        self.quiet.symlink_metadata().is_err()
    }

    pub(crate) fn set_notifications(&self, wanted: bool) -> Result<(), SettingError> {
        let done = if wanted {
            fs::remove_file(&self.quiet).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
        } else {
            fs::write(&self.quiet, "")
        };
        done.map_err(|source| SettingError {
            path: self.quiet.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_kept() {
        let folder = tempfile::tempdir().expect("is made");
        let settings = |name| Settings {
            quiet: folder.path().join(name),
        };
        for wanted in [true, false, false, true, true] {
            settings("x").set_notifications(wanted).expect("is kept");
            assert_eq!(settings("x").notifications(), wanted);
        }
        let error = settings("none/x").set_notifications(false).expect_err("no folder");
        assert!(error.to_string().contains("none/x"), "{error}");
    }
}
