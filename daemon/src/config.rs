//! What the user can set: `config.toml`. Every key is optional; `packaging/config.example.toml` has them all.

mod value;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::text;

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Cargo homes to watch, besides those of the environment.
    #[serde(deserialize_with = "value::folders")]
    pub cargo_homes: Vec<PathBuf>,
    /// What the history keeps.
    pub history: Retention,
    /// When a holder counts as what.
    pub thresholds: Thresholds,
    /// How processes are stopped.
    pub stop: Stop,
    /// What the user is told of unasked.
    pub notifications: Notifications,
    /// What the icon in the menu bar shows.
    pub tray: Tray,
}

/// What the history keeps; the first limit that is reached counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// For how long.
    #[serde(deserialize_with = "value::days")]
    pub days: u32,
    /// How much, in megabytes of the file.
    #[serde(deserialize_with = "value::megabytes")]
    pub megabytes: u32,
}

/// The times of the verdicts. They run on the time that the machine is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Something that moved so long ago still counts as moving.
    #[serde(deserialize_with = "value::threshold")]
    pub moving: Duration,
    /// Nothing moved for so long, and a descendant waits for a person.
    #[serde(deserialize_with = "value::threshold")]
    pub prompt: Duration,
    /// Nothing moved for so long, and whoever started it is gone.
    #[serde(deserialize_with = "value::threshold")]
    pub orphaned: Duration,
    /// Nothing moved for so long, and no child lives.
    #[serde(deserialize_with = "value::threshold")]
    pub no_progress: Duration,
    /// Nothing moved for so long, and a child lives.
    #[serde(deserialize_with = "value::threshold")]
    pub no_progress_with_child: Duration,
    /// Nothing moved for so long in a download that cannot be measured.
    #[serde(deserialize_with = "value::threshold")]
    pub download: Duration,
}

/// How processes are stopped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Stop {
    /// How long a process is given to end after `SIGTERM`.
    #[serde(deserialize_with = "value::grace")]
    pub grace: Duration,
    /// Programs that may be stopped besides cargo and `cargo-*`, by their names.
    #[serde(deserialize_with = "value::programs")]
    pub programs: Vec<String>,
}

/// What the user is told of unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Notifications {
    /// Whether at all.
    pub enabled: bool,
    /// After how long a wait behind a stuck holder.
    #[serde(deserialize_with = "value::threshold")]
    pub after: Duration,
}

/// What the icon in the menu bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tray {
    /// Whether it has a text beside it while somebody waits; on macOS only.
    pub title: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: 30,
            megabytes: 64,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            moving: Duration::from_secs(10),
            prompt: Duration::from_secs(30),
            orphaned: Duration::from_secs(30),
            no_progress: Duration::from_mins(2),
            no_progress_with_child: Duration::from_mins(15),
            download: Duration::from_mins(10),
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(5),
            programs: Vec::new(),
        }
    }
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            enabled: true,
            after: Duration::from_mins(1),
        }
    }
}

impl Default for Tray {
    fn default() -> Self {
        Self { title: true }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there, and cannot be read.
    #[error(
        "the configuration {} cannot be read: {source}; make it readable, or move it away",
        text::escape_path(path)
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML, or a value is not one that is allowed.
    #[error("the configuration {}, line {line}, `{shown}`: {problem}", text::escape_path(path))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// What the line says, safe to show.
        shown: String,
        /// What is wrong with it, and what is allowed.
        problem: String,
    },
    /// A folder begins with `~`, and there is nothing that it stands for.
    #[error(
        "the configuration {} has a folder with `~`, and the home directory is not known; set HOME, or write the whole path",
        text::escape_path(path)
    )]
    NoHome {
        /// The file.
        path: PathBuf,
    },
}

impl Config {
    /// Reads the file; where there is none, everything has its default. With it comes a warning, a sentence each, for
    /// what is in the file and means nothing here.
    pub fn load(path: &Path) -> Result<(Self, Vec<String>), ConfigError> {
        let content = match std::fs::read_to_string(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Self::default(), Vec::new())),
            Err(source) => {
                return Err(ConfigError::Unreadable {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        Self::parse(&content, path, std::env::home_dir().as_deref())
    }

    /// The same from the file's content, for the fuzz targets only.
    #[cfg(fuzzing)]
    pub fn of_content(content: &str, path: &Path, home: Option<&Path>) -> Result<(Self, Vec<String>), ConfigError> {
        Self::parse(content, path, home)
    }

    /// The same from the file's content; `path` is for messages, `home` is what `~` stands for.
    fn parse(content: &str, path: &Path, home: Option<&Path>) -> Result<(Self, Vec<String>), ConfigError> {
        let mut unknown = Vec::new();
        let read = toml::de::Deserializer::parse(content)
            .and_then(|toml| serde_ignored::deserialize(toml, |key| unknown.push(key.to_string())));
        let mut config: Self = read.map_err(|error| wrong(content, path, &error))?;
        for folder in &mut config.cargo_homes {
            if let Ok(rest) = folder.strip_prefix("~") {
                let home = home.ok_or_else(|| ConfigError::NoHome { path: path.to_owned() })?;
                *folder = home.join(rest);
            }
        }
        let warning = |key: &String| {
            let (key, path) = (text::escape(key.as_ref()), text::escape_path(path));
            format!("`{key}` in {path} is no key that this lockwatch knows, and is passed over")
        };
        Ok((config, unknown.iter().map(warning).collect()))
    }
}

/// One sentence of an error of TOML's, which has several lines.
fn wrong(content: &str, path: &Path, error: &toml::de::Error) -> ConfigError {
    /// So many characters of the line are shown.
    const SHOWN: usize = 80;

    let begin = error.span().map_or(0, |span| span.start.min(content.len()));
    let line = content.bytes().take(begin).filter(|byte| *byte == b'\n').count();
    let shown = content.lines().nth(line).unwrap_or_default().trim();
    ConfigError::Wrong {
        path: path.to_owned(),
        line: line + 1,
        shown: text::shorten(&text::escape(shown.as_ref()), SHOWN),
        problem: text::escape(error.message().replace('\n', ", ").as_ref()),
    }
}

#[cfg(test)]
mod tests;
