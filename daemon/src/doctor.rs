//! Whether the detection works on this machine, and what on it makes locks go wrong.
//!
//! [`selftest`] has processes of its own take, await and lose a lock on a private file, and holds what a look says against
//! what they did. Then comes the environment: one file for each group of causes, each of which answers with [`Check`]s.
//! They read only; no lock file of Cargo's is opened.

mod access;
mod builds;
mod configuration;
mod menu_bar;
mod ownership;
mod processes;
mod programs;
pub mod selftest;
mod service;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folders::Folders;
use crate::history;
use crate::places::CargoHomes;
use crate::project::Project;
use crate::state::State;

pub use self::selftest::SelfTest;

/// The version of the document's form. It goes up only if a field's meaning would have to change.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that the doctor has to say, as one document. Fields are added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of this lockwatch.
    pub version: String,
    /// Whether there is neither a finding nor a part of the self-test that failed.
    pub healthy: bool,
    /// The detection, tried; none where it could not be.
    pub self_test: Option<SelfTest>,
    /// All checks of the environment, in their order.
    pub checks: Vec<Check>,
}

/// Something that is wrong, or will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its name, which stays: `read-only`, `no-flock`.
    pub id: String,
    /// What is so.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// The command that mends it; where none can, what to do.
    pub mend: String,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Nothing is wrong.
    Fine,
    /// Something is.
    Found {
        /// What.
        findings: Vec<Finding>,
    },
    /// It could not be seen.
    NotChecked {
        /// Why.
        reason: String,
    },
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at, for people: `room on the disk of /home/me/.cargo`.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A folder that builds write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is, with its article: `the Cargo home`.
    pub name: &'static str,
    /// Where.
    pub path: PathBuf,
    /// The folder whose owner it should have: the home directory, the workspace.
    pub base: PathBuf,
}

/// What the checks look at.
pub struct Surroundings {
    /// The folders that builds write to.
    pub places: Vec<Place>,
    /// The workspace of the current folder.
    pub project: Project,
    /// The locks at this moment, or why they cannot be seen.
    pub state: Result<State, String>,
    /// What was in the last days, or why that cannot be read.
    pub past: Result<history::Report, String>,
    /// lockwatch's own folders, or why they are not known.
    pub folders: Result<Folders, String>,
}

impl Surroundings {
    /// The folders that builds write to, of these Cargo homes and this project.
    pub fn places(homes: &CargoHomes, project: &Project) -> Vec<Place> {
        let parent = |path: &Path| path.parent().unwrap_or(path).to_owned();
        let home = homes.folders().first().map(|home| Place {
            name: "the Cargo home",
            path: home.clone(),
            base: parent(home),
        });
        let of_workspace = project.workspace.iter().flat_map(|workspace| {
            let place = |name, path: &PathBuf| Place {
                name,
                path: path.clone(),
                base: workspace.root.clone(),
            };
            let build = (workspace.build != workspace.target).then(|| place("the build folder", &workspace.build));
            std::iter::once(place("the target folder", &workspace.target)).chain(build)
        });
        home.into_iter().chain(of_workspace).collect()
    }

    /// All checks.
    pub fn checks(&self) -> Vec<Check> {
        [
            access::checks(&self.places),
            ownership::checks(&self.places),
            builds::checks(self),
            processes::checks(),
            configuration::checks(self),
            programs::checks(self),
            service::checks(),
            menu_bar::checks(),
        ]
        .concat()
    }
}

impl Check {
    /// One that found this, or nothing.
    fn of(name: impl Into<String>, findings: Vec<Finding>) -> Self {
        let outcome = if findings.is_empty() {
            Outcome::Fine
        } else {
            Outcome::Found { findings }
        };
        Self {
            name: name.into(),
            outcome,
        }
    }

    /// One that could not be made.
    fn not_made(name: impl Into<String>, reason: &dyn ToString) -> Self {
        Self {
            name: name.into(),
            outcome: Outcome::NotChecked {
                reason: reason.to_string(),
            },
        }
    }

    /// What it found.
    pub fn findings(&self) -> &[Finding] {
        match &self.outcome {
            Outcome::Found { findings } => findings,
            Outcome::Fine | Outcome::NotChecked { .. } => &[],
        }
    }
}

impl Report {
    /// Of the self-test and the checks. A self-test that could not be made is a check that was not.
    pub fn new(self_test: Result<SelfTest, selftest::NotTested>, mut checks: Vec<Check>) -> Self {
        let self_test = self_test
            .inspect_err(|error| checks.insert(0, Check::not_made("the lock detection", error)))
            .ok();
        Self {
            schema_version: SCHEMA_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            healthy: self_test.as_ref().is_none_or(|test| test.passed)
                && checks.iter().all(|check| check.findings().is_empty()),
            self_test,
            checks,
        }
    }

    /// All findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(Check::findings)
    }
}
