//! The workspace of a folder, as the cargo of that folder sees it. Cargo is asked, since only it knows all the ways in which
//! its folders can be set; it takes no lock for these questions and writes nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use crate::cargo::lock_kind::CargoVersion;

/// What the cargo of a folder says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Its version; none where there is no cargo, or one that does not answer.
    pub version: Option<CargoVersion>,
    /// The workspace; none where the folder is in none, or its manifest cannot be read.
    pub workspace: Option<Workspace>,
}

/// The folders of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Workspace {
    /// Where its manifest lies.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// The target folder.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// The build folder: the target folder, unless `build.build-dir` (stable since Cargo 1.91) names another.
    #[serde(rename = "build_directory", default)]
    pub build: PathBuf,
}

/// An answer takes some milliseconds; on a cold disk or through rustup's proxy it may be a second.
const PATIENCE: Duration = Duration::from_secs(5);

impl Project {
    /// Asks the cargo of a folder.
    pub fn of(folder: &Path) -> Self {
        let version = ask(folder, &["--version"]).and_then(|text| text.parse().ok());
        // Without `--no-deps` Cargo would resolve, and take the package cache's lock for it.
        let metadata = version
            .and_then(|_: CargoVersion| ask(folder, &["metadata", "--no-deps", "--offline", "--format-version", "1"]));
        Self {
            version,
            workspace: metadata.as_deref().and_then(workspace),
        }
    }
}

/// The folders in what `cargo metadata` prints.
fn workspace(metadata: &str) -> Option<Workspace> {
    let mut found: Workspace = serde_json::from_str(metadata).ok()?;
    if found.build.as_os_str().is_empty() {
        found.build.clone_from(&found.target);
    }
    Some(found)
}

/// What cargo prints; none where it fails or takes too long.
fn ask(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut cargo = Command::new("cargo");
    // A question must not install a toolchain.
    cargo
        .args(arguments)
        .current_dir(folder)
        .env("RUSTUP_AUTO_INSTALL", "0");
    answer(cargo)
}

/// What a program prints that is to answer a question and end; none where it fails or takes too long. It is ended then.
pub(crate) fn answer(mut program: Command) -> Option<String> {
    let quiet = program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = quiet.spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let (send, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        // Whoever asked may have lost patience.
        drop(send.send(read));
    });
    let text = answer.recv_timeout(PATIENCE);
    if text.is_err() {
        // It was not waited for, so its number is still its own.
        drop(child.kill());
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    text.ok()?.ok().filter(|_| succeeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_cargo_names_no_build_folder() {
        let old = workspace(r#"{"workspace_root": "/p", "target_directory": "/t", "packages": []}"#).expect("is read");
        assert_eq!(
            (old.target.as_path(), old.build.as_path()),
            (Path::new("/t"), Path::new("/t"))
        );
        let new = workspace(r#"{"workspace_root": "/p", "target_directory": "/t", "build_directory": "/b"}"#);
        assert_eq!(new.expect("is read").build, Path::new("/b"));
        assert_eq!(workspace("error"), None);
    }
}
