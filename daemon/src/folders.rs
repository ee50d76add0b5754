//! Where lockwatch keeps what is its own: the socket, the history, the configuration, the logs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use etcetera::base_strategy::Xdg;

/// Which folders a system has for programs' own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `~/Library/Application Support` and `~/Library/Logs`.
    Apple,
    /// The XDG base directories.
    Xdg,
}

/// What the environment says about folders.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// `LOCKWATCH_HOME`, which puts everything under one folder: for tests and a second instance.
    pub lockwatch_home: Option<PathBuf>,
    /// The home directory.
    pub home: PathBuf,
    /// `$XDG_STATE_HOME` or its default.
    pub state: PathBuf,
    /// `$XDG_CONFIG_HOME` or its default.
    pub config: PathBuf,
    /// `$XDG_RUNTIME_DIR`, or `/run/user/UID` where that is this user's.
    pub runtime: Option<PathBuf>,
}

/// The folders and files of one instance of lockwatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// For the socket; it may be gone after a boot.
    pub runtime: PathBuf,
    /// For what is to stay.
    pub state: PathBuf,
    /// The configuration file.
    pub config_file: PathBuf,
    /// For the logs.
    pub logs: PathBuf,
}

/// Why the folders are not known.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// No home directory.
    #[error("the home directory is not known; set HOME, or LOCKWATCH_HOME to a folder for lockwatch alone")]
    NoHome,
    /// A socket's path has little room in the kernel's address structure.
    #[error(
        "the socket's path {path} has {} bytes, and the system allows {MAX_SOCKET_PATH}; set LOCKWATCH_HOME to a shorter one",
        path.as_os_str().len()
    )]
    SocketPathTooLong {
        /// The path.
        path: PathBuf,
    },
}

/// The longest path of a socket, in bytes: `sun_path` has 104 with its NUL on macOS (`sys/un.h`), 108 on Linux. One limit
/// for both, so that a folder that works on one works on the other.
pub const MAX_SOCKET_PATH: usize = 103;

impl Base {
    /// From this process's environment.
    pub fn from_env() -> Result<Self, FoldersError> {
        let xdg = Xdg::new().map_err(|_| FoldersError::NoHome)?;
        Ok(Self {
            lockwatch_home: lockwatch_home(std::env::var_os("LOCKWATCH_HOME")),
            home: xdg.home_dir().to_owned(),
            state: xdg.state_dir().unwrap_or_else(|| xdg.home_dir().join(".local/state")),
            config: xdg.config_dir(),
            runtime: xdg.runtime_dir().or_else(own_run_user),
        })
    }
}

/// An empty variable is none; a relative path is one from here.
fn lockwatch_home(value: Option<OsString>) -> Option<PathBuf> {
    let value = value.filter(|value| !value.is_empty())?;
    std::path::absolute(&value).ok().or_else(|| Some(value.into()))
}

/// `/run/user/UID`, where systemd's logind made it for this user.
fn own_run_user() -> Option<PathBuf> {
    let uid = rustix::process::geteuid();
    let folder = PathBuf::from(format!("/run/user/{}", uid.as_raw()));
    let stat = rustix::fs::stat(&folder).ok()?;
    (stat.st_uid == uid.as_raw()).then_some(folder)
}

impl Folders {
    /// By the environment.
    pub fn from_env() -> Result<Self, FoldersError> {
        Ok(Self::new(&Base::from_env()?, crate::os::LAYOUT))
    }

    /// By what the environment says, on a system with the given layout.
    pub fn new(base: &Base, layout: Layout) -> Self {
        let under = |folder: &Path| Self {
            runtime: folder.to_owned(),
            state: folder.to_owned(),
            config_file: folder.join("config.toml"),
            logs: folder.join("logs"),
        };
        match (&base.lockwatch_home, layout) {
            (Some(home), _) => under(home),
            (None, Layout::Apple) => Self {
                logs: base.home.join("Library/Logs/lockwatch"),
                ..under(&base.home.join("Library/Application Support/lockwatch"))
            },
            (None, Layout::Xdg) => {
                let state = base.state.join("lockwatch");
                let runtime = base.runtime.as_ref().map(|folder| folder.join("lockwatch"));
                Self {
                    runtime: runtime.unwrap_or_else(|| state.clone()),
                    config_file: base.config.join("lockwatch/config.toml"),
                    ..under(&state)
                }
            }
        }
    }

    /// The socket, where its path is short enough for one.
    pub fn socket(&self) -> Result<PathBuf, FoldersError> {
        let path = self.runtime.join("daemon.sock");
        if path.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(FoldersError::SocketPathTooLong { path });
        }
        Ok(path)
    }

    /// The file whose lock says that a daemon runs.
    pub fn daemon_lock(&self) -> PathBuf {
        self.runtime.join("daemon.lock")
    }

    /// The file whose lock says that a tray runs.
    pub fn tray_lock(&self) -> PathBuf {
        self.state.join("tray.lock")
    }

    /// The file that says, by being there, that the tray shows no notifications.
    pub fn tray_is_quiet(&self) -> PathBuf {
        self.state.join("tray-is-quiet")
    }

    /// The history.
    pub fn history(&self) -> PathBuf {
        self.state.join("history.db")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Base {
        Base {
            lockwatch_home: None,
            home: "/home/me".into(),
            state: "/home/me/.local/state".into(),
            config: "/home/me/.config".into(),
            runtime: Some("/run/user/501".into()),
        }
    }

    #[test]
    fn each_system_has_its_places() {
        let linux = Folders::new(&base(), Layout::Xdg);
        assert_eq!(
            linux.socket().expect("short"),
            Path::new("/run/user/501/lockwatch/daemon.sock")
        );
        assert_eq!(linux.history(), Path::new("/home/me/.local/state/lockwatch/history.db"));
        assert_eq!(linux.logs, Path::new("/home/me/.local/state/lockwatch/logs"));
        assert_eq!(linux.config_file, Path::new("/home/me/.config/lockwatch/config.toml"));
        let mac = Folders::new(&base(), Layout::Apple);
        let support = Path::new("/home/me/Library/Application Support/lockwatch");
        assert_eq!(mac.socket().expect("short"), support.join("daemon.sock"));
        assert_eq!(mac.config_file, support.join("config.toml"));
        assert_eq!(mac.logs, Path::new("/home/me/Library/Logs/lockwatch"));
    }

    #[test]
    fn without_a_runtime_folder_the_socket_lies_in_the_state_folder() {
        let folders = Folders::new(
            &Base {
                runtime: None,
                ..base()
            },
            Layout::Xdg,
        );
        assert_eq!(folders.runtime, folders.state);
    }

    #[test]
    fn lockwatch_home_holds_everything() {
        for layout in [Layout::Apple, Layout::Xdg] {
            let base = Base {
                lockwatch_home: lockwatch_home(Some("/tmp/second".into())),
                ..base()
            };
            let folders = Folders::new(&base, layout);
            for path in [&folders.runtime, &folders.state, &folders.config_file, &folders.logs] {
                assert!(path.starts_with("/tmp/second"), "{}", path.display());
            }
        }
        assert_eq!(lockwatch_home(Some("".into())), None);
        assert!(lockwatch_home(Some("here".into())).is_some_and(|path| path.is_absolute()));
    }

    #[test]
    fn a_long_path_is_refused_with_the_way_out() {
        let base = Base {
            lockwatch_home: Some(format!("/tmp/{}", "x".repeat(100)).into()),
            ..base()
        };
        let error = Folders::new(&base, Layout::Xdg).socket().expect_err("is too long");
        assert!(error.to_string().contains("117 bytes"), "{error}");
        assert!(error.to_string().contains("LOCKWATCH_HOME"));
    }
}
