//! The two programs, built for release or taken from a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Error;
use crate::tree::{Item, Tree};

/// The command line and the daemon.
pub(crate) const LOCKWATCH: &str = "lockwatch";
/// The app in the menu bar or the tray.
pub(crate) const TRAY: &str = "lockwatch-tray";

/// Both programs, read.
#[derive(Clone, Debug)]
pub(crate) struct Programs([(&'static str, Vec<u8>); 2]);

/// Where they come from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Source {
    /// Take `lockwatch` and `lockwatch-tray` from this folder, instead of building them for release
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// rustc's flags for what is shipped for Linux with glibc.
///
/// With the C library linked in, the programs run beside any other one. That, and a place in memory that the linker has
/// chosen, makes a `lockwatch status` a sixth shorter: nothing is loaded, and the two dozen pages with addresses in them need
/// not be copied and corrected. The place being known makes it easier to misuse a fault in C code: that of the C library, and
/// SQLite, which reads nothing but the user's own history.
const LINUX_FLAGS: &str = include_str!("../linux.flags");

/// How they are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build<'a> {
    /// For this machine, as `cargo build --release` does.
    Here,
    /// To be given away: for a target, and without this machine's paths in them, so that the same source gives the same bytes
    /// wherever it lies.
    Shipped(&'a str),
}

impl Source {
    /// The programs; builds them where no folder was given.
    pub(crate) fn programs(&self, how: Build<'_>) -> Result<Programs, Error> {
        if let Some(folder) = &self.programs {
            return Programs::read(|name| folder.join(name));
        }
        let made = built(how)?;
        Programs::read(|name| {
            made.iter()
                .find(|path| path.ends_with(name))
                .cloned()
                .unwrap_or_default()
        })
    }
}

impl Programs {
    fn read(path: impl Fn(&str) -> PathBuf) -> Result<Self, Error> {
        let read = |name: &'static str| {
            let path = path(name);
            match fs::read(&path) {
                Ok(bytes) => Ok((name, bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::NoProgram { path }),
                Err(source) => Err(Error::Read { path, source }),
            }
        };
        Ok(Self([read(LOCKWATCH)?, read(TRAY)?]))
    }

    /// Both in one folder.
    pub(crate) fn tree(&self) -> Tree {
        let item = |(name, bytes): &(&str, Vec<u8>)| (PathBuf::from(name), Item::Program(bytes.clone()));
        self.0.iter().map(item).collect()
    }

    #[cfg(test)]
    pub(crate) fn made() -> Self {
        Self([
            (LOCKWATCH, b"#!/bin/sh\nexit 0\n".to_vec()),
            (TRAY, b"#!/bin/sh\nexit 0\n".to_vec()),
        ])
    }
}

/// One line of what `cargo build --message-format=json` prints; the other lines have no executable.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Builds both, and says where cargo has put them: the target folder can be anywhere.
fn built(build: Build<'_>) -> Result<Vec<PathBuf>, Error> {
    const WAY_OUT: &str = "this needs Rust; run it as `cargo xtask`";
    let mut command = Command::new(cargo());
    command
        .current_dir(workspace())
        .args([
            "build",
            "--release",
            "--locked",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--package", LOCKWATCH, "--package", TRAY])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if let Build::Shipped(target) = build {
        command.args(["--target", target]);
        command.env("RUSTFLAGS", shipped_flags(target));
    }
    let output = command.output().map_err(|source| Error::Run {
        program: "cargo".to_owned(),
        source,
        way_out: WAY_OUT,
    })?;
    if !output.status.success() {
        return Err(Error::Failed {
            command: "cargo build --release".to_owned(),
            status: output.status,
            said: String::new(),
        });
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let messages = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    Ok(messages.filter_map(|message| message.executable).collect())
}

/// The flags that the environment has, and those for what is shipped: see [`Build::Shipped`].
fn shipped_flags(target: &str) -> String {
    let home = std::env::home_dir().unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let given = std::env::var("RUSTFLAGS").unwrap_or_default();
    let renamed = [(cargo_home.as_path(), "/cargo"), (workspace(), "/lockwatch")];
    let renamed = renamed.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    let linked = if target.ends_with("-linux-gnu") {
        LINUX_FLAGS
    } else {
        ""
    };
    [&given, &renamed.join(" "), linked].join(" ").trim().to_owned()
}

/// The cargo that runs this, where one does.
pub(crate) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The top of the source tree that this was built from.
pub(crate) fn workspace() -> &'static Path {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR"));
    packaging.parent().unwrap_or(packaging)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_for_linux_brings_its_c_library() {
        let is_linked_in = |target| shipped_flags(target).contains("+crt-static");
        assert!(is_linked_in("x86_64-unknown-linux-gnu"));
        assert!(!is_linked_in("aarch64-apple-darwin"));
        assert!(shipped_flags("aarch64-apple-darwin").contains("=/lockwatch"));
    }
}
