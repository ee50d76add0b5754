//! A command line of Cargo's, as far as it decides on locks. Pure.
//!
//! Source: the options of each command in Cargo's `src/bin/cargo/commands/*.rs`, `src/bin/cargo/cli.rs` for those that may
//! stand before it, `src/cargo/util/command_prelude.rs` for those that several share.

use std::path::PathBuf;

use crate::cargo::lock_kind::full_name;

/// What a command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// `+nightly`, which rustup takes.
    pub(super) toolchain: Option<String>,
    /// The command, by its full name; none in `cargo --version`.
    pub(super) subcommand: Option<String>,
    /// Whether it only prints help or a version.
    pub(super) only_informs: bool,
    /// `-C`: where it runs.
    pub(super) directory: Option<PathBuf>,
    /// Each `--config`.
    pub(super) config: Vec<String>,
    /// `--profile`, or what `--release` and `--debug` stand for.
    pub(super) profile: Option<String>,
    /// Each `--target`.
    pub(super) targets: Vec<String>,
    /// `--target-dir`.
    pub(super) target_dir: Option<PathBuf>,
    /// `--manifest-path`.
    pub(super) manifest_path: Option<PathBuf>,
    /// `install --path`.
    pub(super) path: Option<PathBuf>,
    /// Whether packages are named (`-p`).
    pub(super) names_packages: bool,
    /// What is no option: a filter of tests, a crate to install.
    pub(super) words: Vec<String>,
}

/// The options that take the next word as their value, those above aside: it is no option and no command then.
const WITH_VALUE: &[&str] = &[
    "--artifact-dir",
    "--bench",
    "--bin",
    "--branch",
    "--color",
    "--example",
    "--exclude",
    "--explain",
    "--features",
    "--git",
    "--index",
    "--jobs",
    "--lockfile-path",
    "--message-format",
    "--out-dir",
    "--package",
    "--print",
    "--registry",
    "--rev",
    "--root",
    "--tag",
    "--test",
    "--token",
    "--vers",
    "--version",
    "-Z",
];

/// The short options that take a value, in the same word or the next.
const SHORT_WITH_VALUE: &[char] = &['F', 'Z', 'j', 'p'];

/// Reads the words after the program's name.
pub(super) fn read(words: &[String]) -> Line {
    let mut line = Line::default();
    let mut words = words.iter().map(String::as_str).peekable();
    line.toolchain = words
        .next_if(|word| word.starts_with('+'))
        .map(|word| word[1..].to_owned());
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        }
        if let Some(name) = word.strip_prefix("--").map(|_| word) {
            let (name, attached) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (name, None),
            };
            let mut value = || attached.or_else(|| words.next()).unwrap_or_default().to_owned();
            line.long(name, &mut value);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            line.short(letters, &mut || words.next().unwrap_or_default().to_owned());
        } else if line.subcommand.is_none() {
            line.subcommand = Some(full_name(word).to_owned());
        } else {
            line.words.push(word.to_owned());
            // What follows are the arguments of the program that it runs (`trailing_var_arg`).
            if line.subcommand.as_deref() == Some("run") {
                break;
            }
        }
    }
    line
}

impl Line {
    fn long(&mut self, name: &str, value: &mut dyn FnMut() -> String) {
        match name {
            "--release" => self.profile = Some("release".to_owned()),
            // Of `cargo install`.
            "--debug" => self.profile = Some("dev".to_owned()),
            // That of cargo-nextest is another thing.
            "--profile" if self.subcommand.as_deref() == Some("nextest") => {
                value();
            }
            "--profile" | "--cargo-profile" => self.profile = Some(value()),
            "--target" => self.targets.push(value()),
            "--target-dir" => self.target_dir = Some(value().into()),
            "--manifest-path" => self.manifest_path = Some(value().into()),
            "--path" => self.path = Some(value().into()),
            "--config" => self.config.push(value()),
            "--package" => {
                self.names_packages = true;
                value();
            }
            "--help" => self.only_informs = true,
            // `cargo --version` informs, `cargo install --version 1.0` takes a value.
            "--version" | "--list" if self.subcommand.is_none() => self.only_informs = true,
            name if WITH_VALUE.contains(&name) => {
                value();
            }
            _ => {}
        }
    }

    /// `-rq`, `-j4`, `-p name`.
    fn short(&mut self, letters: &str, next: &mut dyn FnMut() -> String) {
        for (place, letter) in letters.char_indices() {
            let rest = &letters[place + letter.len_utf8()..];
            let rest = rest.strip_prefix('=').unwrap_or(rest);
            let mut value = || if rest.is_empty() { next() } else { rest.to_owned() };
            match letter {
                'r' => self.profile = Some("release".to_owned()),
                'h' => self.only_informs = true,
                'V' if self.subcommand.is_none() => self.only_informs = true,
                'C' => {
                    self.directory = Some(value().into());
                    return;
                }
                letter if SHORT_WITH_VALUE.contains(&letter) => {
                    value();
                    self.names_packages |= letter == 'p';
                    return;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        read(&words)
    }

    #[test]
    fn the_command_and_what_stands_before_it() {
        for (text, subcommand, toolchain, directory) in [
            ("build", Some("build"), None, None),
            ("+nightly b", Some("build"), Some("nightly"), None),
            ("-C sub test", Some("test"), None, Some("sub")),
            ("-Csub test", Some("test"), None, Some("sub")),
            ("--color always -Z x --config a=1 -vq run", Some("run"), None, None),
            ("-Zunstable-options check", Some("check"), None, None),
            ("--offline rm x", Some("remove"), None, None),
            ("", None, None, None),
        ] {
            let line = line(text);
            assert_eq!(line.subcommand.as_deref(), subcommand, "{text}");
            assert_eq!(line.toolchain.as_deref(), toolchain, "{text}");
            assert_eq!(line.directory, directory.map(PathBuf::from), "{text}");
        }
    }

    #[test]
    fn the_profile() {
        for (text, profile) in [
            ("build", None),
            ("build --release", Some("release")),
            ("build -r", Some("release")),
            ("build -vr", Some("release")),
            ("build --profile ci", Some("ci")),
            ("build --profile=ci", Some("ci")),
            ("install --debug x", Some("dev")),
            ("nextest run --cargo-profile ci", Some("ci")),
            ("nextest run --profile ci", None),
            ("test -- --release", None),
            ("run x --release", None),
            ("test x --release", Some("release")),
            ("build --features -r", None),
            ("build -p release -j4", None),
            ("build -pr", None),
            ("build -F r", None),
        ] {
            assert_eq!(line(text).profile.as_deref(), profile, "{text}");
        }
    }

    #[test]
    fn places_and_targets() {
        let found = line("check --target a --target=b --target-dir=/t --manifest-path x/Cargo.toml --config k=1 -p y");
        assert_eq!(found.targets, ["a", "b"]);
        assert_eq!(found.target_dir, Some("/t".into()));
        assert_eq!(found.manifest_path, Some("x/Cargo.toml".into()));
        assert_eq!(found.config, ["k=1"]);
        assert!(found.names_packages);
        let found = line("install --path . --root /r --version 1.0 ripgrep");
        assert_eq!(found.path, Some(".".into()));
        assert_eq!(found.words, ["ripgrep"]);
        assert!(!found.only_informs);
    }

    #[test]
    fn what_only_informs() {
        for text in ["--version", "-V", "build --help", "--list", "-h"] {
            assert!(line(text).only_informs, "{text}");
        }
        assert!(!line("run -- --help").only_informs);
    }
}
