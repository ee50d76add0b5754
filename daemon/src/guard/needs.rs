//! Which locks a command will need, from its words, its environment and the files that it will read. Pure: files are read
//! through a function, so this costs no process; `ask` asks cargo itself where this does not know for sure.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::folders::BuildFolder;
use super::line::{self, Line};
use super::settings::{Env, Settings};
use super::workspace::{self, Read, plain};
use crate::cargo::command::{self, Program};
use crate::cargo::lock_kind::Commands;

/// A command that is about to be started, and where.
pub(super) struct Start<'a> {
    /// The program and its arguments.
    pub(super) argv: &'a [OsString],
    /// The working folder.
    pub(super) cwd: &'a Path,
    /// The environment.
    pub(super) env: Env<'a>,
    /// How files are read.
    pub(super) read: Read<'a>,
    /// The home directory.
    pub(super) home: Option<&'a Path>,
}

/// What a command will need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Whether the command is Cargo, so that more than the package cache is known.
    pub is_cargo: bool,
    /// The Cargo home whose package cache it will use; none where it uses none.
    pub cargo_home: Option<PathBuf>,
    /// Whether it compiles, and so shares the package cache with other builds against its cleaning.
    pub compiles: bool,
    /// Where its build goes.
    pub folders: Vec<BuildFolder>,
    /// Whether `folders` is for sure. Where it is not, cargo can be asked.
    pub is_sure: bool,
}

/// How cargo itself is asked where the build of a command goes: the arguments, the program first. None where it cannot tell.
pub(super) fn question(start: &Start<'_>) -> Option<(Vec<OsString>, Option<PathBuf>)> {
    let line = line::read(&words(start.argv));
    let mut argv = vec![start.argv.first()?.clone()];
    argv.extend(line.toolchain.map(|name| format!("+{name}").into()));
    if let Some(folder) = &line.directory {
        argv.extend(["-Zunstable-options".into(), "-C".into(), folder.clone().into()]);
    }
    for config in &line.config {
        argv.extend(["--config".into(), config.into()]);
    }
    argv.extend(["metadata", "--no-deps", "--offline", "--format-version=1"].map(OsString::from));
    if let Some(manifest) = &line.manifest_path {
        argv.extend(["--manifest-path".into(), manifest.clone().into()]);
    }
    Some((argv, line.target_dir))
}

/// The target and the build folder of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) target: PathBuf,
    pub(super) build: PathBuf,
}

/// Added commands that compile nothing. Any other that is not known is taken for one that compiles as `cargo build` does.
const COMPILE_NOTHING: &[&str] = &[
    "fmt", "audit", "deny", "machete", "outdated", "sort", "upgrade", "login", "logout",
];

/// Cargo's own commands that take no lock that somebody waits long for, or none at all.
const TAKE_NONE: &[&str] = &[
    "config",
    "fmt",
    "help",
    "init",
    "locate-project",
    "login",
    "logout",
    "new",
    "read-manifest",
    "report",
    "version",
    "verify-project",
];

/// How often an alias may stand for another.
const MAX_ALIASES: usize = 8;

/// What a command needs. Where cargo was asked about its workspace, `asked` is what it said.
pub(super) fn needs(start: &Start<'_>, asked: Option<&Places>) -> Needs {
    let invocation = command::read(start.argv, None, "");
    let cargo_home = cargo_home(start, start.cwd);
    let Program::Cargo { .. } = invocation.program else {
        return Needs {
            is_cargo: false,
            cargo_home,
            compiles: false,
            folders: Vec::new(),
            is_sure: true,
        };
    };
    Reader::new(start).needs(asked)
}

/// The Cargo home, by the environment (`home::cargo_home_with_cwd`).
fn cargo_home(start: &Start<'_>, cwd: &Path) -> Option<PathBuf> {
    match (start.env)("CARGO_HOME").filter(|value| !value.is_empty()) {
        Some(home) => Some(cwd.join(home)),
        None => start.home.map(|home| home.join(".cargo")),
    }
}

/// The words after cargo's name. `cargo-foo foo …` is what `cargo foo …` becomes.
fn words(argv: &[OsString]) -> Vec<String> {
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let mut words: Vec<String> = argv.iter().skip(1).map(text).collect();
    let own = argv.first().and_then(|own| Path::new(own).file_name());
    let own = own.and_then(OsStr::to_str).unwrap_or_default();
    if let Some(added) = own
        .strip_prefix("cargo-")
        .filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()))
        && words.first().is_none_or(|word| word != added)
    {
        words.insert(0, added.to_owned());
    }
    words
}

/// What is known once the configuration was read.
struct Reader<'a> {
    start: &'a Start<'a>,
    line: Line,
    words: Vec<String>,
    cwd: PathBuf,
    cargo_home: Option<PathBuf>,
}

impl<'a> Reader<'a> {
    fn new(start: &'a Start<'a>) -> Self {
        let words = words(start.argv);
        let line = line::read(&words);
        let cwd = match &line.directory {
            Some(folder) => plain(&start.cwd.join(folder)),
            None => start.cwd.to_owned(),
        };
        Self {
            start,
            cargo_home: cargo_home(start, &cwd),
            line,
            words,
            cwd,
        }
    }

    fn needs(mut self, asked: Option<&Places>) -> Needs {
        let cwd = self.cwd.clone();
        let settings = Settings::load(
            &self.line.config,
            &cwd,
            self.cargo_home.as_deref(),
            self.start.env,
            self.start.read,
        );
        for _ in 0..MAX_ALIASES {
            if !self.take_alias(&settings) {
                break;
            }
        }
        let mut needs = Needs {
            is_cargo: true,
            cargo_home: self.cargo_home.clone(),
            compiles: false,
            folders: Vec::new(),
            is_sure: settings.is_whole,
        };
        let Some(name) = self.line.subcommand.clone().filter(|_| !self.line.only_informs) else {
            return Needs {
                cargo_home: None,
                is_sure: true,
                ..needs
            };
        };
        if TAKE_NONE.contains(&name.as_str()) {
            needs.cargo_home = None;
            return needs;
        }
        let is_clean = name == "clean";
        needs.compiles = !is_clean && compiles(&name);
        if !needs.compiles && !is_clean {
            return needs;
        }
        let Some(places) = self.places(&name, &settings) else {
            return needs;
        };
        needs.is_sure &= !is_a_template(&places.build);
        needs.folders = self.folders(&name, &places, &settings);
        if let Some(asked) = asked {
            // The guess stays among them: it is what a ticket says that was left without asking.
            needs.folders.extend(self.folders(&name, asked, &settings));
            needs.is_sure = true;
        }
        needs
    }

    /// Puts what an alias stands for in its place, once. Cargo's own commands cannot be one.
    fn take_alias(&mut self, settings: &Settings<'_>) -> bool {
        let Some(name) = self.line.subcommand.as_deref().filter(|name| !is_own(name)) else {
            return false;
        };
        let variable = format!("CARGO_ALIAS_{}", name.to_uppercase().replace('-', "_"));
        let Some(meaning) = settings.words(["alias", name], &variable) else {
            return false;
        };
        let Some(place) = self.words.iter().position(|word| word == name) else {
            return false;
        };
        self.words.splice(place..=place, meaning);
        self.line = line::read(&self.words);
        true
    }

    /// Where the command's build goes; none where it builds in a temporary folder, or nothing.
    fn places(&self, name: &str, settings: &Settings<'_>) -> Option<Places> {
        let target = self
            .line
            .target_dir
            .as_ref()
            .map(|folder| plain(&self.cwd.join(folder)));
        let target =
            target.or_else(|| settings.path(["build", "target-dir"], &["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"]));
        let installs_from_here = self.line.path.is_some() || self.line.words.is_empty();
        let root = match name {
            "install" if installs_from_here => self.root(self.line.path.as_deref()),
            // From a registry or git: a temporary folder unless one is set. What is packed and verified is a workspace of its own.
            "install" | "package" | "publish" => None,
            _ => self.root(None),
        };
        let target = target.or_else(|| root.as_ref().map(|root| root.join("target")))?;
        let build = settings.path(["build", "build-dir"], &["CARGO_BUILD_BUILD_DIR"]);
        let build = build.map(|build| self.fill(&build, root.as_deref()));
        Some(Places {
            build: build.unwrap_or_else(|| target.clone()),
            target,
        })
    }

    /// The root of the workspace.
    fn root(&self, folder: Option<&Path>) -> Option<PathBuf> {
        let read = self.start.read;
        let manifest = match (&self.line.manifest_path, folder) {
            (Some(manifest), _) => Some(plain(&self.cwd.join(manifest))),
            (None, Some(folder)) => Some(plain(&self.cwd.join(folder)).join("Cargo.toml")),
            (None, None) => workspace::manifest(&self.cwd, read),
        };
        Some(workspace::root(&manifest?, self.cargo_home.as_deref(), read))
    }

    /// Fills in what a build folder may name in braces. `{workspace-path-hash}` is Cargo's own secret and stays.
    fn fill(&self, folder: &Path, root: Option<&Path>) -> PathBuf {
        let Some(text) = folder.to_str().filter(|text| text.contains('{')) else {
            return folder.to_owned();
        };
        let mut text = text.to_owned();
        for (name, value) in [
            ("{workspace-root}", root),
            ("{cargo-cache-home}", self.cargo_home.as_deref()),
        ] {
            // A value that is a whole path replaces what was put before it to make it one.
            if let (Some(place), Some(value)) = (text.find(name), value.and_then(Path::to_str)) {
                text.replace_range(..place + name.len(), value);
            }
        }
        text.into()
    }

    fn folders(&self, name: &str, places: &Places, settings: &Settings<'_>) -> Vec<BuildFolder> {
        let bases = if places.build == places.target {
            vec![&places.target]
        } else {
            vec![&places.target, &places.build]
        };
        if name == "clean" && !self.line.names_packages {
            return bases.into_iter().map(|base| BuildFolder::Whole(base.clone())).collect();
        }
        let profile = folder_of_profile(name, self.line.profile.as_deref());
        let targets = if self.line.targets.is_empty() {
            settings
                .words(["build", "target"], "CARGO_BUILD_TARGET")
                .unwrap_or_default()
        } else {
            self.line.targets.clone()
        };
        let mut folders = Vec::new();
        for base in bases {
            // What runs on this machine (build scripts, macros) is compiled into the folder without a target.
            folders.push(BuildFolder::Profile(base.join(profile)));
            for target in &targets {
                folders.push(match folder_of_target(target) {
                    Some(target) => BuildFolder::Profile(base.join(target).join(profile)),
                    None => BuildFolder::Whole(base.clone()),
                });
            }
        }
        folders.sort();
        folders.dedup();
        folders
    }
}

fn is_own(name: &str) -> bool {
    Commands::Resolving.includes(name)
        || Commands::Compiling.includes(name)
        || TAKE_NONE.contains(&name)
        || name == "clean"
}

/// Whether a command compiles, or may.
fn compiles(name: &str) -> bool {
    if Commands::Compiling.includes(name) {
        return true;
    }
    let is_known = Commands::Resolving.includes(name)
        || TAKE_NONE.contains(&name)
        || COMPILE_NOTHING.contains(&name)
        || ["clean", "git-checkout", "owner", "pkgid", "search", "uninstall", "yank"].contains(&name);
    !is_known
}

fn is_a_template(folder: &Path) -> bool {
    folder.to_str().is_some_and(|folder| folder.contains('{'))
}

/// The folder that a profile builds into (`Profiles::get_dir_name`).
fn folder_of_profile<'l>(subcommand: &str, profile: Option<&'l str>) -> &'l str {
    match (profile, subcommand) {
        (Some("dev" | "test"), _) => "debug",
        (Some("release" | "bench"), _) | (None, "bench" | "install") => "release",
        (Some(profile), _) => profile,
        (None, _) => "debug",
    }
}

/// The folder of a target: its name, or that of its file. None for the one that only rustc can tell.
fn folder_of_target(target: &str) -> Option<&str> {
    if target == "host-tuple" {
        return None;
    }
    match target.strip_suffix(".json") {
        Some(stem) => stem.rsplit('/').next(),
        None => Some(target),
    }
}

#[cfg(test)]
mod tests;
