//! Cargo's configuration, as far as it says where a build goes and what a command means. Pure: files are read through a
//! function.
//!
//! Source: `src/cargo/util/context/mod.rs`. `--config` counts most, then the environment, then the files from the working
//! folder upwards, and last that in the Cargo home. A path in a file is relative to the folder that has `.cargo` in it, one
//! from elsewhere to the working folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::workspace::{Read, plain};

/// Gives a variable of the environment.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The configuration that counts for one command.
pub(super) struct Settings<'a> {
    /// The tables, the one that counts most first.
    layers: Vec<Layer>,
    env: Env<'a>,
    cwd: &'a Path,
    /// Whether all was understood. `include` is not followed.
    pub(super) is_whole: bool,
}

struct Layer {
    table: Table,
    /// What its paths are relative to.
    base: PathBuf,
    /// Whether it counts more than the environment.
    is_from_the_command_line: bool,
}

impl<'a> Settings<'a> {
    pub(super) fn load(
        given: &[String],
        cwd: &'a Path,
        cargo_home: Option<&Path>,
        env: Env<'a>,
        read: Read<'_>,
    ) -> Self {
        let mut settings = Self {
            layers: Vec::new(),
            env,
            cwd,
            is_whole: true,
        };
        // The last one given counts most.
        for word in given.iter().rev() {
            let file = cwd.join(word);
            match read(&file) {
                Some(text) => settings.add(&text, base_of(&file), true),
                None => settings.add(word, cwd.to_owned(), true),
            }
        }
        let above = cwd.ancestors().map(|folder| folder.join(".cargo"));
        let mut seen: Vec<PathBuf> = Vec::new();
        for folder in above.chain(cargo_home.map(Path::to_owned)) {
            if seen.contains(&folder) {
                continue;
            }
            // Where both are there, Cargo reads the one without an ending.
            let file = ["config", "config.toml"].map(|name| folder.join(name));
            let found = file.iter().find_map(|file| Some((file, read(file)?)));
            if let Some((file, text)) = found {
                settings.add(&text, base_of(file), false);
            }
            seen.push(folder);
        }
        settings
    }

    fn add(&mut self, text: &str, base: PathBuf, is_from_the_command_line: bool) {
        match text.parse::<Table>() {
            Ok(table) => {
                self.is_whole &= !table.contains_key("include");
                self.layers.push(Layer {
                    table,
                    base,
                    is_from_the_command_line,
                });
            }
            Err(_) => self.is_whole = false,
        }
    }

    /// A path: by the command line, by one of the variables, by the files.
    pub(super) fn path(&self, key: [&str; 2], variables: &[&str]) -> Option<PathBuf> {
        let in_layer = |layer: &Layer| {
            let value = get(&layer.table, key)?.as_str()?;
            Some(plain(&layer.base.join(value)))
        };
        let from_env = || {
            let mut values = variables.iter().filter_map(|name| (self.env)(name));
            let value = values.find(|value| !value.is_empty())?;
            Some(plain(&self.cwd.join(value)))
        };
        self.find(in_layer, from_env)
    }

    /// One word or several.
    pub(super) fn words(&self, key: [&str; 2], variable: &str) -> Option<Vec<String>> {
        let in_layer = |layer: &Layer| words(get(&layer.table, key)?);
        let from_env = || {
            let value = (self.env)(variable)?.into_string().ok()?;
            Some(value.split_whitespace().map(str::to_owned).collect())
        };
        self.find(in_layer, from_env)
    }

    fn find<T>(&self, in_layer: impl Fn(&Layer) -> Option<T>, from_env: impl FnOnce() -> Option<T>) -> Option<T> {
        let (given, files) = self
            .layers
            .iter()
            .partition::<Vec<_>, _>(|layer| layer.is_from_the_command_line);
        let given = given.into_iter().find_map(&in_layer);
        given
            .or_else(from_env)
            .or_else(|| files.into_iter().find_map(&in_layer))
    }
}

/// The folder that the paths of a file are relative to (`Definition::root`).
fn base_of(file: &Path) -> PathBuf {
    file.ancestors().nth(2).unwrap_or(Path::new("/")).to_owned()
}

fn get<'t>(table: &'t Table, [section, key]: [&str; 2]) -> Option<&'t Value> {
    table.get(section)?.get(key)
}

fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(text.split_whitespace().map(str::to_owned).collect()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const KEY: [&str; 2] = ["build", "target-dir"];

    /// The target folder that a command in `/w/p` has.
    fn target_dir(given: &[&str], env: Option<&str>, files: &[(&str, &str)]) -> Option<PathBuf> {
        let files: BTreeMap<PathBuf, &str> = files.iter().map(|(path, text)| (path.into(), *text)).collect();
        let read = |path: &Path| files.get(path).map(|text| (*text).to_owned());
        let env = |name: &str| env.filter(|_| name == "CARGO_TARGET_DIR").map(OsString::from);
        let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
        let settings = Settings::load(&given, Path::new("/w/p"), Some(Path::new("/home/.cargo")), &env, &read);
        assert!(settings.is_whole);
        settings.path(KEY, &["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"])
    }

    #[test]
    fn what_counts_most() {
        let near = ("/w/p/.cargo/config.toml", "build.target-dir = 'near'");
        let old = ("/w/p/.cargo/config", "build.target-dir = 'old'");
        let far = ("/w/.cargo/config.toml", "[build]\ntarget-dir = 'far'");
        let home = ("/home/.cargo/config.toml", "build.target-dir = 'home'");
        let given = ("/w/p/x/given.toml", "build.target-dir = 'given'");
        for (words, env, files, is) in [
            (&[][..], None, &[][..], None),
            (&[], None, &[home], Some("/home/home")),
            (&[], None, &[home, far], Some("/w/far")),
            (&[], None, &[home, far, near], Some("/w/p/near")),
            (&[], None, &[near, old], Some("/w/p/old")),
            (&[], Some("env"), &[near], Some("/w/p/env")),
            (&[], Some("../env"), &[near], Some("/w/env")),
            (&[], Some(""), &[near], Some("/w/p/near")),
            (&["build.target-dir='cli'"], Some("env"), &[near], Some("/w/p/cli")),
            (
                &["build.target-dir='a'", "build.target-dir='b'"],
                None,
                &[],
                Some("/w/p/b"),
            ),
            (&["x/given.toml"], Some("env"), &[given], Some("/w/p/given")),
        ] {
            assert_eq!(
                target_dir(words, env, files),
                is.map(PathBuf::from),
                "{words:?} {env:?} {files:?}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let none = |_: &str| None;
        for (text, whole) in [("a = 1", true), ("a =", false), ("include = 'x.toml'", false)] {
            let read = |path: &Path| path.ends_with(".cargo/config.toml").then(|| text.to_owned());
            let settings = Settings::load(&[], Path::new("/w"), None, &none, &read);
            assert_eq!(settings.is_whole, whole, "{text}");
        }
    }

    #[test]
    fn words_as_text_and_as_a_list() {
        let none = |_: &str| None;
        let read = |path: &Path| {
            let text = "alias.one = 'build -r'\nalias.two = ['test', '--', 'a b']";
            path.ends_with(".cargo/config.toml").then(|| text.to_owned())
        };
        let settings = Settings::load(&[], Path::new("/w"), None, &none, &read);
        assert_eq!(
            settings.words(["alias", "one"], "X"),
            Some(vec!["build".into(), "-r".into()])
        );
        assert_eq!(
            settings.words(["alias", "two"], "X"),
            Some(vec!["test".into(), "--".into(), "a b".into()])
        );
        assert_eq!(settings.words(["alias", "three"], "X"), None);
    }
}
