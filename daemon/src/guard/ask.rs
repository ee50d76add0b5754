//! What a command needs, read from this process's environment and the real files, with the folders as the kernel names them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::folders::BuildFolder;
use super::needs::{self, Needs, Places, Start};

/// What a command started here would need.
pub(super) fn here(argv: &[OsString]) -> Needs {
    with_start(argv, |start| real(needs::needs(start, None)))
}

/// The same, by what cargo says about its workspace. It takes a process, and some tenths of a second.
pub(super) fn by_cargo(argv: &[OsString]) -> Option<Needs> {
    with_start(argv, |start| {
        let (question, target_dir) = needs::question(start)?;
        let mut command = Command::new(&question[0]);
        command.args(&question[1..]).stdin(Stdio::null()).stderr(Stdio::null());
        // To ask must not begin to install something.
        command.env("RUSTUP_AUTO_INSTALL", "0");
        if let Some(target_dir) = target_dir {
            command.env("CARGO_TARGET_DIR", target_dir);
        }
        let output = command.output().ok()?;
        let said: Metadata = serde_json::from_slice(&output.stdout).ok()?;
        let places = Places {
            build: said.build_directory.unwrap_or_else(|| said.target_directory.clone()),
            target: said.target_directory,
        };
        Some(real(needs::needs(start, Some(&places))))
    })
}

/// What matters of `cargo metadata`. Before 1.91 there was no build directory.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    build_directory: Option<PathBuf>,
}

fn with_start<T>(argv: &[OsString], act: impl FnOnce(&Start<'_>) -> T) -> T {
    // Without a working folder there are no files of a project, and the command will say so itself.
    let cwd = std::env::current_dir().unwrap_or_default();
    let home = std::env::home_dir();
    act(&Start {
        argv,
        cwd: &cwd,
        env: &|name| std::env::var_os(name),
        read: &|path| std::fs::read_to_string(path).ok(),
        home: home.as_deref(),
    })
}

/// With every folder under its real name, by which the kernel knows its locks.
fn real(needs: Needs) -> Needs {
    let mut folders: Vec<BuildFolder> = needs
        .folders
        .into_iter()
        .map(|folder| match folder {
            BuildFolder::Profile(path) => BuildFolder::Profile(real_path(&path)),
            BuildFolder::Whole(path) => BuildFolder::Whole(real_path(&path)),
        })
        .collect();
    folders.sort();
    folders.dedup();
    Needs {
        cargo_home: needs.cargo_home.map(|home| real_path(&home)),
        folders,
        ..needs
    }
}

/// The real name of a path of which the last parts may not be there yet.
fn real_path(path: &Path) -> PathBuf {
    for there in path.ancestors() {
        if let Ok(real) = there.canonicalize() {
            return match path.strip_prefix(there) {
                Ok(rest) if rest.as_os_str().is_empty() => real,
                Ok(rest) => real.join(rest),
                Err(_) => real,
            };
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_also_of_what_is_not_there_yet() {
        let place = tempfile::tempdir().expect("a folder");
        let real = place.path().canonicalize().expect("is there");
        std::fs::create_dir(real.join("there")).expect("makes it");
        std::os::unix::fs::symlink("there", real.join("link")).expect("links");
        for (path, is) in [("link", "there"), ("link/a/b", "there/a/b"), ("none/a", "none/a")] {
            assert_eq!(real_path(&real.join(path)), real.join(is), "{path}");
        }
    }
}
