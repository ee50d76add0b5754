//! The two services, and where their programs are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::ServiceError;

/// A service that lockwatch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agent {
    /// `lockwatch daemon`.
    Daemon,
    /// `lockwatch-tray`.
    Tray,
}

impl Agent {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Daemon, Self::Tray];

    /// As it is called in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daemon => "the daemon",
            Self::Tray => "the tray",
        }
    }

    /// The option of `lockwatch service` that means it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Daemon => "",
            Self::Tray => " --tray",
        }
    }

    /// The file name of its program.
    pub fn program_name(self) -> &'static str {
        match self {
            Self::Daemon => "lockwatch",
            Self::Tray => "lockwatch-tray",
        }
    }

    /// Its program: this one, or the one beside this one, under the name that outlives an upgrade.
    ///
    /// Package managers put a link into `PATH` that leads to a folder named for the version, so where a name in `PATH` leads
    /// to the very file, it is that name.
    pub fn program(self) -> Result<PathBuf, ServiceError> {
        let own = std::env::current_exe().map_err(ServiceError::OwnProgram)?;
        self.program_beside(&own, std::env::var_os("PATH").as_deref())
    }

    fn program_beside(self, own: &Path, path: Option<&OsStr>) -> Result<PathBuf, ServiceError> {
        let name = self.program_name();
        let real = own.canonicalize().map_err(ServiceError::OwnProgram)?;
        let in_path = || {
            let folders = path.map(std::env::split_paths).into_iter().flatten();
            folders
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(name))
        };
        // Started under another name it is still the right program.
        let beside = match self {
            Self::Daemon if own.file_name() != Some(OsStr::new(Self::Tray.program_name())) => vec![real],
            _ => vec![own.with_file_name(name), real.with_file_name(name)],
        };
        let Some(found) = beside.iter().find(|file| is_program(file)) else {
            let in_path = in_path().find(|file| is_program(file));
            return in_path.ok_or(ServiceError::NoProgram {
                agent: self,
                path: own.with_file_name(name),
            });
        };
        let same = in_path().find(|file| file.canonicalize().ok() == found.canonicalize().ok());
        Ok(same.unwrap_or_else(|| found.clone()))
    }
}

/// Whether a file can be started.
pub(super) fn is_program(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn program(path: &Path) {
        std::fs::create_dir_all(path.parent().expect("has one")).expect("makes it");
        std::fs::write(path, "").expect("writes");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("can");
    }

    #[test]
    fn the_name_that_outlives_an_upgrade_is_taken() {
        let home = tempfile::tempdir().expect("a folder");
        let home = home.path().canonicalize().expect("is there");
        let (cellar, bin) = (home.join("Cellar/0.1.0/bin"), home.join("bin"));
        std::fs::create_dir(&bin).expect("makes it");
        for name in ["lockwatch", "lockwatch-tray"] {
            program(&cellar.join(name));
            symlink(cellar.join(name), bin.join(name)).expect("links");
        }
        let path = std::env::join_paths([Path::new("relative"), &bin]).expect("a list");
        let daemon = |path| Agent::Daemon.program_beside(&cellar.join("lockwatch"), path);
        let tray = |path| Agent::Tray.program_beside(&cellar.join("lockwatch"), path);
        assert_eq!(daemon(Some(&path)).expect("is there"), bin.join("lockwatch"));
        assert_eq!(tray(Some(&path)).expect("is there"), bin.join("lockwatch-tray"));
        assert_eq!(daemon(None).expect("is there"), cellar.join("lockwatch"));
        assert_eq!(tray(None).expect("is there"), cellar.join("lockwatch-tray"));
        // Another lockwatch in PATH is not this one.
        program(&home.join("other/lockwatch"));
        let other = home.join("other");
        assert_eq!(
            daemon(Some(other.as_os_str())).expect("is there"),
            cellar.join("lockwatch")
        );
        // The tray installs the daemon that is beside it.
        let by_tray = Agent::Daemon.program_beside(&cellar.join("lockwatch-tray"), None);
        assert_eq!(by_tray.expect("is there"), cellar.join("lockwatch"));
    }

    #[test]
    fn a_missing_program_is_said() {
        let home = tempfile::tempdir().expect("a folder");
        program(&home.path().join("lockwatch"));
        let missing = || Agent::Tray.program_beside(&home.path().join("lockwatch"), None);
        assert!(matches!(missing(), Err(ServiceError::NoProgram { .. })));
        // There, but nothing to start.
        std::fs::write(home.path().join("lockwatch-tray"), "").expect("writes");
        assert!(matches!(missing(), Err(ServiceError::NoProgram { .. })));
    }
}
