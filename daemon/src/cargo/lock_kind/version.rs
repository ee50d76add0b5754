//! Versions of Cargo, as far as locks depend on them.

use std::fmt;
use std::str::FromStr;

/// The version of a Cargo. What it locks never changed between two patch releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CargoVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl CargoVersion {
    /// Cargo 1.`minor`.
    pub const fn one(minor: u32) -> Self {
        Self { major: 1, minor }
    }
}

impl fmt::Display for CargoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version of Cargo; one looks like 1.95.0")]
pub struct InvalidVersion {
    /// The text.
    pub text: String,
}

impl FromStr for CargoVersion {
    type Err = InvalidVersion;

    /// Reads `1.95.0`, `1.97.0-nightly`, `1.95`, and the line that `cargo --version` prints.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let line = text.trim();
        let line = line.strip_prefix("cargo ").unwrap_or(line);
        let word = line.split_whitespace().next().unwrap_or_default();
        leading_version(word).ok_or_else(|| InvalidVersion { text: text.to_owned() })
    }
}

/// The version with which a word begins: `1.95`, `1.95.0`, `1.95.0-<anything>`.
pub(crate) fn leading_version(word: &str) -> Option<CargoVersion> {
    let numbers = word.split_once('-').map_or(word, |(numbers, _)| numbers);
    let mut parts = numbers.split('.').map(number);
    let version = CargoVersion {
        major: parts.next()??,
        minor: parts.next()??,
    };
    // At most a patch number may follow.
    let patch_is_number = parts.next().is_none_or(|patch| patch.is_some());
    (patch_is_number && parts.next().is_none()).then_some(version)
}

/// A number of digits alone: `parse` would take a sign too.
fn number(text: &str) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// A range of versions, both ends inclusive; an end that is `None` is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The first version.
    pub from: Option<CargoVersion>,
    /// The last version.
    pub to: Option<CargoVersion>,
}

impl Versions {
    /// From Cargo 1.`minor` on.
    pub const fn since(minor: u32) -> Self {
        Self {
            from: Some(CargoVersion::one(minor)),
            to: None,
        }
    }

    /// Cargo 1.`first` to 1.`last`.
    pub const fn between(first: u32, last: u32) -> Self {
        Self {
            from: Some(CargoVersion::one(first)),
            to: Some(CargoVersion::one(last)),
        }
    }

    /// Every version.
    pub const ALL: Self = Self { from: None, to: None };

    /// Whether the version lies in the range.
    pub fn contains(self, version: CargoVersion) -> bool {
        self.from.is_none_or(|from| from <= version) && self.to.is_none_or(|to| version <= to)
    }
}

impl fmt::Display for Versions {
    /// For people to read: `1.96 and later`, `1.93 to 1.95`, `1.36`, `all versions`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => f.write_str("all versions"),
            (Some(from), None) => write!(f, "{from} and later"),
            (None, Some(to)) => write!(f, "up to {to}"),
            (Some(from), Some(to)) if from == to => write!(f, "{from}"),
            (Some(from), Some(to)) => write!(f, "{from} to {to}"),
        }
    }
}
