//! Every lock file that Cargo has had, in one table: how it is recognised, what it protects, and the words with which
//! Cargo says that it waits for it.
//!
//! The same words mean different files in different versions ("build directory", "artifact directory"), and the same
//! file has had different words. So the table says for each file which version and which command use which words, and
//! everything else asks the table: the label of a lock, the explanation of a message, and the tests of real Cargos.
//!
//! Source of the facts, unless a row says otherwise: Cargo's own source at the release tags (Cargo 1.N is tag
//! `0.(N+1).0`), `src/cargo/util/flock.rs`, `cache_lock.rs` and `core/compiler/layout.rs`.

mod commands;
mod table;
#[cfg(test)]
mod tests;
mod version;

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::os::Mode;
use crate::text;

pub use commands::Commands;
pub(crate) use commands::full_name;
pub use table::LOCK_FILES;
pub(crate) use version::leading_version;
pub use version::{CargoVersion, InvalidVersion, Versions};

/// What a lock file is for, as it is named in the published state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// `.package-cache`: the registries and git checkouts under the Cargo home.
    PackageCache,
    /// `.package-cache-mutate`: shared while something uses the cache, exclusive while it is cleaned.
    PackageCacheMutate,
    /// `.cargo-lock` and `.cargo-build-lock`: a build folder.
    BuildDir,
    /// `.cargo-artifact-lock`: the folder of the finished programs.
    ArtifactDir,
    /// `build/<package>/<hash>/.lock`: one unit of a build.
    BuildUnit,
    /// `.crates.toml` and `.crates2.json`: what `cargo install` has installed.
    InstallMetadata,
    /// `credentials.toml`: the registry tokens.
    Credentials,
    /// Files of `cargo package` and `cargo publish`.
    PackageScratch,
    /// `.cargo-index-lock`: one registry index, up to 1.35.
    RegistryIndex,
    /// `.cargo-lock-git`: the git checkouts, up to 1.35.
    GitCheckouts,
    /// Other files that Cargo locks, and lock files that no Cargo known here has had.
    Other,
}

impl LockKind {
    /// Every kind, in the order in which they are documented.
    pub const ALL: &[Self] = &[
        Self::PackageCache,
        Self::PackageCacheMutate,
        Self::BuildDir,
        Self::ArtifactDir,
        Self::BuildUnit,
        Self::InstallMetadata,
        Self::Credentials,
        Self::PackageScratch,
        Self::RegistryIndex,
        Self::GitCheckouts,
        Self::Other,
    ];

    /// The name in the published state and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::PackageCache => "package-cache",
            Self::PackageCacheMutate => "package-cache-mutate",
            Self::BuildDir => "build-dir",
            Self::ArtifactDir => "artifact-dir",
            Self::BuildUnit => "build-unit",
            Self::InstallMetadata => "install-metadata",
            Self::Credentials => "credentials",
            Self::PackageScratch => "package-scratch",
            Self::RegistryIndex => "registry-index",
            Self::GitCheckouts => "git-checkouts",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for LockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no kind of lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no kind of lock named {name:?}; the kinds are {}", kinds())]
pub struct UnknownLockKind {
    /// The text.
    pub name: String,
}

/// The names of all kinds, for a message.
fn kinds() -> String {
    let names: Vec<_> = LockKind::ALL.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

impl FromStr for LockKind {
    type Err = UnknownLockKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|kind| kind.name() == name);
        found.copied().ok_or_else(|| UnknownLockKind { name: name.to_owned() })
    }
}

/// One lock file that Cargo has, or had.
#[derive(Debug)]
pub struct LockFile {
    /// What it is for.
    pub kind: LockKind,
    /// The name of the file.
    pub name: Name,
    /// What must be true of the folder it lies in.
    pub place: Place,
    /// Where it lies, for people to read. `<target>` is the target folder, `<build>` the build folder, which is the target
    /// folder too unless `build.build-dir` names another, `<profile>` a folder such as `debug`.
    pub lies_at: &'static str,
    /// What it protects: one sentence for a user.
    pub protects: &'static str,
    /// Who takes it and with which words, the newest first. Never empty.
    pub uses: &'static [Use],
}

/// How the name of a lock file is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// It is this.
    Is(&'static str),
    /// It begins with this.
    StartsWith(&'static str),
    /// It ends with this, and has something before it.
    EndsWith(&'static str),
    /// It begins with the first and ends with the second, and has something in between.
    Between(&'static str, &'static str),
    /// It can be anything: the place alone tells.
    Any,
}

/// How the folder of a lock file is recognised, where its name alone says too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Any folder.
    Anywhere,
    /// The folders above it have these names, the nearest first.
    In(&'static [&'static str]),
    /// It lies in, or up to four folders below, a folder with these names, the nearest first.
    Within(&'static [&'static str]),
    /// `build/<package>/<16 hex digits>`.
    Unit,
    /// A Cargo home.
    CargoHome,
    /// A folder of this name in a Cargo home.
    CargoHomeSubfolder(&'static str),
}

/// One way in which a lock file is used: some commands of some versions take it in one mode and call it by one name.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// The versions that do so.
    pub versions: Versions,
    /// The commands that do so.
    pub commands: Commands,
    /// The mode in which they hold it; `None` where both modes have these words.
    pub mode: Option<Mode>,
    /// The words after "waiting for file lock on ". `<…>` stands for what differs from file to file.
    pub words: &'static str,
    /// How long they hold it.
    pub held_for: HeldFor,
    /// The unstable option that it takes, e.g. `-Zfine-grain-locking`; `None` for what every user has.
    pub unstable: Option<&'static str>,
}

/// How long a command holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldFor {
    /// Milliseconds: one file is read or written.
    Moment,
    /// One step: a resolve, an index query, a batch of downloads. A command can take several.
    Step,
    /// The whole compile. `cargo run` and `cargo test` let go before the program starts.
    Compile,
    /// The whole command.
    Command,
}

/// Which lock file of Cargo's this path names, if any. The file need not exist.
///
/// `is_cargo_home` is asked about a folder only where the name of the file means nothing elsewhere (`credentials`,
/// `credentials.toml`, `config`, `log/*.jsonl`). This is called for every open file of many processes, so it allocates nothing
/// and looks at the last part of the path first.
pub fn recognise(path: &Path, is_cargo_home: &dyn Fn(&Path) -> bool) -> Option<&'static LockFile> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut parts = bytes.rsplit(|byte| *byte == b'/');
    let name = parts.next().filter(|name| !name.is_empty())?;
    LOCK_FILES
        .iter()
        .find(|file| file.name.matches(name) && file.place.matches(parts.clone(), path, is_cargo_home))
}

impl Name {
    /// Whether the last part of a path is such a name.
    fn matches(self, name: &[u8]) -> bool {
        match self {
            Self::Is(whole) => name == whole.as_bytes(),
            Self::StartsWith(begin) => name.len() > begin.len() && name.starts_with(begin.as_bytes()),
            Self::EndsWith(end) => name.len() > end.len() && name.ends_with(end.as_bytes()),
            Self::Between(begin, end) => {
                name.len() > begin.len() + end.len()
                    && name.starts_with(begin.as_bytes())
                    && name.ends_with(end.as_bytes())
            }
            Self::Any => true,
        }
    }
}

impl Place {
    /// Whether the folders above a file, the nearest first, are of this kind.
    fn matches<'a>(
        self,
        mut folders: impl Iterator<Item = &'a [u8]> + Clone,
        path: &Path,
        is_cargo_home: &dyn Fn(&Path) -> bool,
    ) -> bool {
        match self {
            Self::Anywhere => true,
            Self::In(names) => begins_with(folders, names),
            Self::Within(names) => {
                // `index/he/ll/hello` is the deepest file of a registry.
                (0..4).any(|depth| begins_with(folders.clone().skip(depth), names))
            }
            Self::Unit => {
                folders.next().is_some_and(is_unit_hash)
                    && folders.next().is_some_and(|package| !package.is_empty())
                    && folders.next() == Some(b"build")
            }
            Self::CargoHome => path.parent().is_some_and(is_cargo_home),
            Self::CargoHomeSubfolder(name) => {
                folders.next() == Some(name.as_bytes()) && path.ancestors().nth(2).is_some_and(is_cargo_home)
            }
        }
    }
}

/// Whether the folders begin with these names.
fn begins_with<'a>(mut folders: impl Iterator<Item = &'a [u8]>, names: &[&str]) -> bool {
    names.iter().all(|name| folders.next() == Some(name.as_bytes()))
}

/// Whether it is the hash of a unit of a build: 16 hex digits.
pub(crate) fn is_unit_hash(text: &[u8]) -> bool {
    text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit)
}

impl LockFile {
    /// Cargo's own word for the file, in the version that uses it. Where the version or the command is not known, the
    /// newest wording that the mode permits; for a unit of a build `<package> (<hash>)`, for an unknown lock file its
    /// name, for a crate that is being unpacked the name of its folder.
    ///
    /// A build folder apart from the target folder (`build.build-dir`) cannot be told by its path: the exclusive
    /// `.cargo-lock` in it is labelled as the one in the target folder, which differs for `build` from 1.93 to 1.95.
    pub fn label(
        &self,
        path: &Path,
        mode: Option<Mode>,
        version: Option<CargoVersion>,
        subcommand: Option<&str>,
    ) -> String {
        let words = self.best_use(mode, version, subcommand).words;
        if !words.contains('<') {
            return words.to_owned();
        }
        let name = |path: Option<&Path>| text::escape(path.and_then(Path::file_name).unwrap_or(OsStr::new("")));
        match self.place {
            Place::Unit => {
                let hash = path.parent();
                let package = hash.and_then(Path::parent);
                format!("{} ({})", name(package), name(hash))
            }
            _ if words == table::NAME_OF_FOLDER => name(path.parent()),
            _ => name(Some(path)),
        }
    }

    /// Whether Cargo can use these words for this file, in this use.
    fn can_be_called(&self, usage: &Use, words: &str) -> bool {
        match usage.words {
            table::NAME_OF_FILE => self.name.matches(words.as_bytes()),
            table::NAME_OF_FOLDER => is_versioned_name(words),
            _ if self.place == Place::Unit => is_unit_label(words),
            fixed => fixed == words,
        }
    }

    /// The use that fits best what is known: the version counts most, then the mode, then the command.
    fn best_use(&self, mode: Option<Mode>, version: Option<CargoVersion>, subcommand: Option<&str>) -> &'static Use {
        let fit = |usage: &Use| {
            let version_fits = version.is_none_or(|version| usage.versions.contains(version));
            let mode_fits = mode.is_none() || usage.mode.is_none() || usage.mode == mode;
            let command_fits = usage.commands.can_include(subcommand);
            (version_fits, mode_fits, command_fits)
        };
        let mut best = &self.uses[0];
        for usage in &self.uses[1..] {
            // Not `max_by_key`: of equals the first is wanted, the newest.
            if fit(usage) > fit(best) {
                best = usage;
            }
        }
        best
    }
}

/// What a stable Cargo of this version holds on a plain project whose build folder is its target folder: for a
/// command that compiles, all that it holds to the end of the compile; for another, what it holds while it resolves
/// or asks a registry. Each with the words with which a second Cargo says that it waits for it.
pub fn expected(
    version: CargoVersion,
    subcommand: &str,
) -> impl Iterator<Item = (&'static LockFile, Mode, &'static str)> {
    let subcommand = full_name(subcommand);
    let span = if Commands::Compiling.includes(subcommand) {
        HeldFor::Compile
    } else {
        HeldFor::Step
    };
    let uses = LOCK_FILES
        .iter()
        .flat_map(|file| file.uses.iter().map(move |usage| (file, usage)));
    uses.filter(move |(_, usage)| {
        usage.unstable.is_none()
            && usage.held_for == span
            && usage.versions.contains(version)
            && usage.commands.includes(subcommand)
    })
    .filter_map(|(file, usage)| Some((file, usage.mode?, usage.words)))
}

/// Every file and use that a Cargo names with these words, the words after "waiting for file lock on ": the newest
/// first within each file. The words may have the path still, see [`without_path`].
pub fn meanings(words: &str) -> impl Iterator<Item = (&'static LockFile, &'static Use)> {
    let (words, _) = without_path(words);
    LOCK_FILES
        .iter()
        .flat_map(|file| file.uses.iter().map(move |usage| (file, usage)))
        .filter(move |(file, usage)| file.can_be_called(usage, words))
}

/// The words without the path of the file, and that path. With `-vv`, since 1.94, Cargo adds it in parentheses.
pub fn without_path(words: &str) -> (&str, Option<&Path>) {
    let words = words.trim();
    let Some(at) = words.find(" (/") else {
        return (words, None);
    };
    let path = words[at + " (".len()..].strip_suffix(')');
    (&words[..at], path.map(Path::new))
}

/// Whether it has the form `<package>-<version>`, as folders of unpacked crates are named.
fn is_versioned_name(words: &str) -> bool {
    words.match_indices('-').any(|(at, _)| {
        let version = &words[at + 1..];
        let mut numbers = version
            .splitn(3, '.')
            .map(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        let has_three = [(); 3].iter().all(|()| numbers.next() == Some(true));
        at > 0
            && has_three
            && !Name::EndsWith(".crate").matches(words.as_bytes())
            && !words.contains(|c: char| c.is_whitespace() || c == '/')
    })
}

/// Whether it has the form `<package> (<hash>)`.
fn is_unit_label(words: &str) -> bool {
    let parts = words.strip_suffix(')').and_then(|words| words.rsplit_once(" ("));
    parts.is_some_and(|(package, hash)| !package.is_empty() && is_unit_hash(hash.as_bytes()))
}
