//! The root of a workspace, found as Cargo finds it (`find_workspace_root` in `src/cargo/core/workspace.rs`). Pure: files are
//! read through a function.

use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

/// Reads a file; none where it is not there or is no text.
pub(super) type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// The manifest that a command in a folder works on: the nearest `Cargo.toml`.
pub(super) fn manifest(folder: &Path, read: Read<'_>) -> Option<PathBuf> {
    let mut candidates = folder.ancestors().map(|folder| folder.join("Cargo.toml"));
    candidates.find(|file| read(file).is_some())
}

/// The folder of the workspace that a manifest belongs to. One that cannot be read stands for itself.
pub(super) fn root(manifest: &Path, cargo_home: Option<&Path>, read: Read<'_>) -> PathBuf {
    let own = manifest.parent().unwrap_or(manifest);
    let Some(table) = table(manifest, read) else {
        return own.to_owned();
    };
    if table.contains_key("workspace") {
        return own.to_owned();
    }
    let named = table.get("package").and_then(|package| package.get("workspace"));
    if let Some(named) = named.and_then(Value::as_str) {
        return plain(&own.join(named));
    }
    for folder in own.ancestors().skip(1) {
        // A home of Cargo's inside a workspace is none of its members.
        if cargo_home == Some(folder) {
            break;
        }
        // Where `cargo package` unpacks what it verifies.
        if folder.ends_with("target/package") {
            break;
        }
        let above = table_of(folder, read);
        let Some(workspace) = above.as_ref().and_then(|above| above.get("workspace")) else {
            continue;
        };
        if !is_excluded(workspace, folder, manifest) {
            return folder.to_owned();
        }
    }
    own.to_owned()
}

fn table(manifest: &Path, read: Read<'_>) -> Option<Table> {
    read(manifest)?.parse().ok()
}

fn table_of(folder: &Path, read: Read<'_>) -> Option<Table> {
    table(&folder.join("Cargo.toml"), read)
}

/// Whether a workspace says that a manifest below it is none of its own.
fn is_excluded(workspace: &Value, root: &Path, manifest: &Path) -> bool {
    let has = |key: &str| {
        let paths = workspace.get(key).and_then(Value::as_array);
        let mut paths = paths.into_iter().flatten().filter_map(Value::as_str);
        paths.any(|path| manifest.starts_with(plain(&root.join(path))))
    };
    has("exclude") && !has("members")
}

/// A path without `.` and `..`, by its letters alone (`normalize_path` of cargo-util).
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PACKAGE: &str = "[package]\nname = \"x\"\n";

    fn find(files: &[(&str, &str)], from: &str) -> Option<PathBuf> {
        let files: BTreeMap<PathBuf, &str> = files.iter().map(|(path, text)| (path.into(), *text)).collect();
        let read = |path: &Path| files.get(path).map(|text| (*text).to_owned());
        Some(root(
            &manifest(from.as_ref(), &read)?,
            Some(Path::new("/w/home")),
            &read,
        ))
    }

    #[test]
    fn where_the_root_is() {
        let workspace = "[workspace]\nmembers = [\"a\", \"out/in\"]\nexclude = [\"out\"]\n";
        let elsewhere = "[package]\nname = \"x\"\nworkspace = \"../../w\"\n";
        for (name, files, from, root) in [
            ("no manifest", &[][..], "/w/a", None),
            ("alone", &[("/w/Cargo.toml", PACKAGE)], "/w/src/x", Some("/w")),
            (
                "a member",
                &[("/w/Cargo.toml", workspace), ("/w/a/Cargo.toml", PACKAGE)],
                "/w/a/src",
                Some("/w"),
            ),
            (
                "excluded",
                &[("/w/Cargo.toml", workspace), ("/w/out/b/Cargo.toml", PACKAGE)],
                "/w/out/b",
                Some("/w/out/b"),
            ),
            (
                "excluded, and a member all the same",
                &[("/w/Cargo.toml", workspace), ("/w/out/in/Cargo.toml", PACKAGE)],
                "/w/out/in",
                Some("/w"),
            ),
            (
                "a package between",
                &[
                    ("/w/Cargo.toml", workspace),
                    ("/w/a/Cargo.toml", PACKAGE),
                    ("/w/a/b/Cargo.toml", PACKAGE),
                ],
                "/w/a/b",
                Some("/w"),
            ),
            (
                "a root of its own",
                &[("/w/Cargo.toml", workspace), ("/w/a/Cargo.toml", "[workspace]\n")],
                "/w/a",
                Some("/w/a"),
            ),
            (
                "one that names it",
                &[("/x/y/Cargo.toml", elsewhere)],
                "/x/y",
                Some("/w"),
            ),
            (
                "in a Cargo home",
                &[("/w/Cargo.toml", workspace), ("/w/home/src/c/Cargo.toml", PACKAGE)],
                "/w/home/src/c",
                Some("/w/home/src/c"),
            ),
            (
                "being verified",
                &[
                    ("/w/Cargo.toml", workspace),
                    ("/w/target/package/c/Cargo.toml", PACKAGE),
                ],
                "/w/target/package/c",
                Some("/w/target/package/c"),
            ),
            ("no TOML", &[("/w/Cargo.toml", "[")], "/w", Some("/w")),
        ] {
            assert_eq!(find(files, from), root.map(PathBuf::from), "{name}");
        }
    }

    #[test]
    fn paths_without_dots() {
        for (path, is) in [("/a/./b/../c", "/a/c"), ("/a/..", "/"), ("/..", "/"), ("/a/b/", "/a/b")] {
            assert_eq!(plain(path.as_ref()), Path::new(is), "{path}");
        }
    }
}
