//! Cargo's commands, in groups that lock alike.

use std::fmt;

/// A group of Cargo's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// Each that can come to it.
    Any,
    /// Those that compile: [`Self::Building`] and [`Self::Checking`].
    Compiling,
    /// Those that compile and leave something to use: `build`, `test`, `run`, `doc`, `install`, …
    Building,
    /// Those that compile only to check: `check`, `clippy`, `fix` (`UserIntent::Check` in Cargo).
    Checking,
    /// `doc`, `rustdoc`.
    Documenting,
    /// Those that resolve dependencies or ask a registry, and all that compile.
    Resolving,
    /// `clean`.
    Cleaning,
    /// `package`, `publish`.
    Packaging,
    /// `install`, `uninstall`.
    Installing,
    /// `login`, `logout`.
    LoggingIn,
}

const CHECKING: &[&str] = &["check", "clippy", "fix"];
const BUILDING: &[&str] = &[
    "build", "test", "run", "bench", "doc", "rustdoc", "rustc", "install", "package", "publish",
];
const RESOLVING: &[&str] = &[
    "metadata",
    "tree",
    "fetch",
    "update",
    "vendor",
    "info",
    "add",
    "remove",
    "generate-lockfile",
];
const OTHERS: &[&str] = &[
    "clean",
    "config",
    "git-checkout",
    "help",
    "init",
    "locate-project",
    "login",
    "logout",
    "new",
    "owner",
    "pkgid",
    "read-manifest",
    "report",
    "search",
    "uninstall",
    "verify-project",
    "version",
    "yank",
];

impl fmt::Display for Commands {
    /// For people to read: `check, clippy, fix`; of a long list the best known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any command",
            Self::Compiling => "all that compile",
            Self::Building => "build, test, run, doc, install and others that build",
            Self::Checking => "check, clippy, fix",
            Self::Documenting => "doc, rustdoc",
            Self::Resolving => "all that resolve dependencies or ask a registry",
            Self::Cleaning => "clean",
            Self::Packaging => "package, publish",
            Self::Installing => "install, uninstall",
            Self::LoggingIn => "login, logout",
        })
    }
}

impl Commands {
    /// Whether Cargo's own command of this name, written in full, belongs to the group.
    pub fn includes(self, subcommand: &str) -> bool {
        let is_one_of = |names: &[&str]| names.contains(&subcommand);
        match self {
            Self::Any => true,
            Self::Compiling => is_one_of(CHECKING) || is_one_of(BUILDING),
            Self::Building => is_one_of(BUILDING),
            Self::Checking => is_one_of(CHECKING),
            Self::Documenting => is_one_of(&["doc", "rustdoc"]),
            Self::Resolving => is_one_of(RESOLVING) || is_one_of(CHECKING) || is_one_of(BUILDING),
            Self::Cleaning => subcommand == "clean",
            Self::Packaging => is_one_of(&["package", "publish"]),
            Self::Installing => is_one_of(&["install", "uninstall"]),
            Self::LoggingIn => is_one_of(&["login", "logout"]),
        }
    }

    /// Whether the command can belong to the group, as far as is known. What is not one of Cargo's own commands (an
    /// alias, `cargo foo`) can be anything.
    pub(super) fn can_include(self, subcommand: Option<&str>) -> bool {
        subcommand.is_none_or(|name| {
            let name = full_name(name);
            self.includes(name) || !is_builtin(name)
        })
    }
}

/// Whether it is one of Cargo's own commands.
fn is_builtin(subcommand: &str) -> bool {
    [CHECKING, BUILDING, RESOLVING, OTHERS]
        .iter()
        .any(|names| names.contains(&subcommand))
}

/// The full name of a command for which Cargo has a short one (`BUILTIN_ALIASES` in `src/bin/cargo/main.rs`).
pub(crate) fn full_name(subcommand: &str) -> &str {
    match subcommand {
        "b" => "build",
        "c" => "check",
        "d" => "doc",
        "r" => "run",
        "t" => "test",
        "rm" => "remove",
        name => name,
    }
}
