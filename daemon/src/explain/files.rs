//! Where the lock files of a message lie on this machine. Only names are looked up here; no lock file is opened.

use std::path::{Path, PathBuf};

use super::{Explanation, Meaning};
use crate::project::Workspace;
use crate::text;

/// The folders that the places in the table are relative to.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// The Cargo home.
    pub cargo_home: Option<PathBuf>,
    /// The workspace of the current folder.
    pub workspace: Option<Workspace>,
}

impl Folders {
    /// The same folders by their names without symbolic links, as the kernel tells them.
    #[must_use]
    pub fn real(mut self) -> Self {
        let real = |path: &mut PathBuf| {
            if let Ok(found) = path.canonicalize() {
                *path = found;
            }
        };
        self.cargo_home.iter_mut().for_each(real);
        if let Some(workspace) = &mut self.workspace {
            let folders = [&mut workspace.root, &mut workspace.target, &mut workspace.build];
            folders.into_iter().for_each(real);
        }
        self
    }

    /// The files that a message can be about on this machine, as the state names them. One that lies in a folder of each
    /// profile is named for the profiles that have it; where none has it yet, and where a part of the name is not known, it is
    /// named with `<…>` in it.
    pub fn files(&self, explanation: &Explanation) -> Vec<String> {
        if let Some(named) = &explanation.named {
            return vec![named.clone()];
        }
        let meanings = if explanation.here.is_empty() {
            &explanation.otherwise
        } else {
            &explanation.here
        };
        let mut files: Vec<String> = Vec::new();
        for file in meanings.iter().flat_map(|meaning| self.of(meaning, &explanation.words)) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    fn of(&self, meaning: &Meaning, words: &str) -> Vec<String> {
        let place = meaning.file.lies_at;
        let Some((root, rest)) = place.split_once('/') else {
            return vec![place.to_owned()];
        };
        let rest = match words.strip_suffix(')').and_then(|words| words.rsplit_once(" (")) {
            Some((package, hash)) => rest.replace("<package>", package).replace("<hash>", hash),
            None => rest.to_owned(),
        };
        let roots = self.roots(root, words);
        if roots.is_empty() {
            return vec![format!("{root}/{rest}")];
        }
        roots.iter().flat_map(|root| in_profiles(root, &rest)).collect()
    }

    /// The folders that the first part of a place stands for; none where it is not known.
    fn roots(&self, name: &str, words: &str) -> Vec<&Path> {
        let workspace = self.workspace.as_ref();
        let found = match name {
            "$CARGO_HOME" => [self.cargo_home.as_ref(), None],
            "<workspace>" => [workspace.map(|found| &found.root), None],
            "<build>" => [workspace.map(|found| &found.build), None],
            // Up to 1.95 the lock of a build folder that lies elsewhere has the same name.
            "<target>" => [
                workspace.map(|found| &found.target),
                workspace
                    .map(|found| &found.build)
                    .filter(|_| words == "build directory"),
            ],
            _ => [None, None],
        };
        let mut roots: Vec<&Path> = found.into_iter().flatten().map(PathBuf::as_path).collect();
        roots.dedup();
        roots
    }
}

/// The file of each profile in a target folder that has one.
fn in_profiles(root: &Path, rest: &str) -> Vec<String> {
    let named = |rest: &str| format!("{}/{rest}", text::escape_path(root).trim_end_matches('/'));
    let Some(name) = rest.strip_prefix("<profile>/").filter(|name| !name.contains('<')) else {
        return vec![named(rest)];
    };
    // PROFILE, or TRIPLE and PROFILE below it.
    let mut profiles = folders(root);
    for folder in profiles.clone() {
        profiles.extend(folders(&folder));
    }
    let mut files: Vec<PathBuf> = profiles.into_iter().map(|folder| folder.join(name)).collect();
    files.retain(|file| file.exists());
    files.sort();
    if files.is_empty() {
        return vec![named(rest)];
    }
    files.iter().map(|file| text::escape_path(file)).collect()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = path.read_dir().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::lock_kind::CargoVersion;

    fn explained(words: &str, minor: u32) -> Explanation {
        Explanation::of(words, Some(CargoVersion::one(minor)), &|_| false).expect("is known")
    }

    #[test]
    fn the_file_of_this_version_is_named() {
        let home = tempfile::tempdir().expect("a folder");
        let root = home.path().canonicalize().expect("is there");
        let target = root.join("target");
        for profile in ["debug", "release", "x86_64-unknown-linux-gnu/debug", "doc"] {
            std::fs::create_dir_all(target.join(profile)).expect("makes it");
        }
        for file in [
            "debug/.cargo-build-lock",
            "x86_64-unknown-linux-gnu/debug/.cargo-build-lock",
            "debug/.cargo-lock",
        ] {
            std::fs::write(target.join(file), "").expect("writes");
        }
        let folders = Folders {
            cargo_home: Some("/home/me/.cargo".into()),
            workspace: Some(Workspace {
                root: root.clone(),
                target: target.clone(),
                build: target.clone(),
            }),
        };
        let files = |words: &str, minor: u32| folders.files(&explained(words, minor));
        let at = |name: &str| target.join(name).to_str().expect("plain").to_owned();
        for (words, minor, expected) in [
            ("package cache", 95, vec!["/home/me/.cargo/.package-cache".to_owned()]),
            (
                "build directory",
                97,
                vec![
                    at("debug/.cargo-build-lock"),
                    at("x86_64-unknown-linux-gnu/debug/.cargo-build-lock"),
                ],
            ),
            ("build directory", 95, vec![at("debug/.cargo-lock")]),
            (
                "artifact directory",
                97,
                vec![at("<profile>/.cargo-artifact-lock"), at("debug/.cargo-lock")],
            ),
            (
                "Cargo.lock file",
                97,
                vec![root.join("Cargo.lock").to_str().expect("plain").to_owned()],
            ),
            (
                "hello (3403525dd0384e50)",
                97,
                vec![at("<profile>/build/hello/3403525dd0384e50/.lock")],
            ),
            (
                "the git checkouts",
                97,
                vec!["/home/me/.cargo/git/.cargo-lock-git".to_owned()],
            ),
        ] {
            assert_eq!(files(words, minor), expected, "{words} of 1.{minor}");
        }
        let named = explained("build directory (/elsewhere/debug/.cargo-build-lock)", 97);
        assert_eq!(folders.files(&named), ["/elsewhere/debug/.cargo-build-lock"]);
    }

    #[test]
    fn a_build_folder_of_its_own_is_looked_into_too() {
        let folders = Folders {
            cargo_home: None,
            workspace: Some(Workspace {
                root: "/p".into(),
                target: "/p/target".into(),
                build: "/build/p".into(),
            }),
        };
        let files = |words: &str, minor: u32| folders.files(&explained(words, minor));
        assert_eq!(files("build directory", 97), ["/build/p/<profile>/.cargo-build-lock"]);
        assert_eq!(
            files("build directory", 94),
            ["/p/target/<profile>/.cargo-lock", "/build/p/<profile>/.cargo-lock"]
        );
        assert_eq!(files("package cache", 94), ["$CARGO_HOME/.package-cache"]);
    }
}
