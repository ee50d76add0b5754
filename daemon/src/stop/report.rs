//! What a stop has done: JSON for programs, and one sentence for people. Fields are added, never renamed.

use serde::{Deserialize, Serialize};

use super::plan::{Plan, Why};
use crate::cargo::command;
use crate::os::Signal;
use crate::process::Pid;
use crate::text;
use crate::token::Token;

/// How a stop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was signalled: the plan alone was wanted.
    Planned,
    /// The holder has ended.
    Ended,
    /// The holder lives on, and has let the lock go.
    Released,
    /// The holder lives on and has the lock still, or a process of its tree has it.
    StillThere,
    /// Nothing was signalled; [`Report::refusal`] says why.
    Refused,
}

/// Why a stop is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// The process has ended.
    Gone,
    /// It does not hold the lock any more.
    Released,
    /// It waits for the lock.
    NotAHolder,
    /// It is another user's.
    OtherUser,
    /// It is not cargo, and not among the programs that may be stopped.
    NotCargo,
    /// It is lockwatch, or who asks.
    Itself,
    /// It is an ancestor of who asks.
    Ancestor,
    /// It is PID 1.
    First,
    /// The holder is one of several processes, and which could not be told.
    Ambiguous,
    /// What it holds could not be read.
    Unproven,
    /// A stop of this process is under way.
    UnderWay,
}

impl RefusalKind {
    /// The name, as it stands in JSON.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// Whether what was wanted is so already.
    pub fn is_done_already(self) -> bool {
        matches!(self, Self::Gone | Self::Released)
    }

    /// The name, what is so, and the way out. What is so follows on the process.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Gone => (
                "gone",
                "has ended, and its locks are free",
                "there is nothing left to do",
            ),
            Self::Released => (
                "released",
                "does not hold this lock any more",
                "see with `lockwatch status` who does",
            ),
            Self::NotAHolder => (
                "not-a-holder",
                "waits for this lock and does not hold it; a signal would only make it fail",
                "stop the one that holds it, see `lockwatch status`",
            ),
            Self::OtherUser => (
                "other-user",
                "is another user's",
                "ask its user, or run `lockwatch stop` as that user",
            ),
            Self::NotCargo => (
                "not-cargo",
                "is neither cargo nor a program that may be stopped",
                "end it yourself, or name its program under `stop.programs` in config.toml; editors, shells, terminals and agents are never stopped",
            ),
            Self::Itself => ("itself", "is lockwatch itself, or asks for the stop", "end it yourself"),
            Self::Ancestor => (
                "ancestor",
                "has started the one that asks for the stop, which would end with it",
                "stop it from another terminal",
            ),
            Self::First => (
                "first",
                "is the first process of this system or container, and all others end with it",
                "end the container, if that is what you want",
            ),
            Self::Ambiguous => (
                "ambiguous",
                "is one of several that may hold this lock; which one could not be told",
                "see `lockwatch status`, and end the right one yourself",
            ),
            Self::Unproven => (
                "unproven",
                "cannot be asked what it holds now",
                "try again, or end it yourself",
            ),
            Self::UnderWay => ("under-way", "is being stopped already", "wait for that to end"),
        }
    }
}

/// A refusal with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub kind: RefusalKind,
    /// What the process runs, where that is known.
    pub command: Option<String>,
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self { kind, command: None }
    }
}

/// A process, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its number.
    pub pid: Pid,
    /// What it runs, short.
    pub command: String,
}

/// A process that was signalled, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// The process.
    #[serde(flatten)]
    pub process: Named,
    /// The signals, in the order in which they were sent.
    pub signals: Vec<Signal>,
    /// Whether it has ended.
    pub ended: bool,
}

/// A descendant that was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAlone {
    /// The process.
    #[serde(flatten)]
    pub process: Named,
    /// Why.
    pub why: Why,
}

/// What a stop has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The same for people, without a full stop at its end.
    pub sentence: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalKind>,
    /// The token that was given.
    pub token: Token,
    /// The process that was to be stopped.
    pub pid: Pid,
    /// What it runs.
    pub command: Option<String>,
    /// The lock file.
    pub path: Option<String>,
    /// Cargo's word for the lock.
    pub label: Option<String>,
    /// Whether anybody got `SIGKILL`.
    pub forced: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Who was signalled, the holder first; in a plan, who would be.
    pub signalled: Vec<Signalled>,
    /// Which descendants of the holder were left alone.
    pub left: Vec<LeftAlone>,
    /// Who holds the lock now, besides the holder; none also where that could not be told.
    pub holders: Vec<Named>,
}

/// What the ladder knows at its end.
pub(super) struct Facts<'a> {
    pub(super) token: Token,
    pub(super) outcome: Outcome,
    pub(super) path: String,
    pub(super) label: String,
    pub(super) took_ms: u64,
    pub(super) plan: &'a Plan,
    /// In the order of the plan's members.
    pub(super) signals: Vec<Vec<Signal>>,
    pub(super) holders: Vec<Named>,
}

impl Report {
    /// Of a stop that was refused.
    pub fn refused(token: Token, refusal: &Refusal) -> Self {
        let (_, fact, way_out) = refusal.kind.words();
        let pid = token.process.pid;
        let who = match &refusal.command {
            Some(command) => named(command, pid),
            None => format!("process {pid}"),
        };
        Self {
            sentence: format!("{who} {fact}: {way_out}"),
            outcome: Outcome::Refused,
            refusal: Some(refusal.kind),
            token,
            pid,
            command: refusal.command.clone(),
            path: None,
            label: None,
            forced: false,
            took_ms: 0,
            signalled: Vec::new(),
            left: Vec::new(),
            holders: Vec::new(),
        }
    }

    pub(super) fn of(facts: Facts<'_>) -> Self {
        let Facts {
            token,
            outcome,
            path,
            label,
            took_ms,
            plan,
            signals,
            holders,
        } = facts;
        let signalled: Vec<Signalled> = plan
            .members()
            .iter()
            .zip(signals)
            .map(|(member, signals)| Signalled {
                process: Named {
                    pid: member.known.process.id.pid,
                    command: member.known.command.clone(),
                },
                signals,
                ended: member.ended,
            })
            .collect();
        let left = plan.left().iter().map(|(known, why)| LeftAlone {
            process: Named {
                pid: known.process.id.pid,
                command: known.command.clone(),
            },
            why: *why,
        });
        let mut report = Self {
            sentence: String::new(),
            outcome,
            refusal: None,
            token,
            pid: token.process.pid,
            command: Some(plan.holder().known.command.clone()),
            path: Some(path),
            label: Some(label),
            forced: signalled.iter().any(|one| one.signals.contains(&Signal::Kill)),
            took_ms,
            left: left.collect(),
            signalled,
            holders,
        };
        report.sentence = report.sentence();
        report
    }

    /// Whether the lock is not this process's any more.
    pub fn is_free(&self) -> bool {
        match self.outcome {
            Outcome::Ended | Outcome::Released => true,
            Outcome::Refused => self.refusal.is_some_and(RefusalKind::is_done_already),
            Outcome::Planned | Outcome::StillThere => false,
        }
    }

    /// Those of the plan who live on, the holder aside.
    pub fn leftovers(&self) -> impl Iterator<Item = &Signalled> {
        let others = self.signalled.iter().filter(|one| one.process.pid != self.pid);
        others.filter(|one| !one.ended)
    }

    fn sentence(&self) -> String {
        let who = named(self.command.as_deref().unwrap_or("the process"), self.pid);
        let label = self.label.as_deref().unwrap_or("lock");
        let seconds = tenths(self.took_ms);
        let by_force = if self.forced { " by SIGKILL" } else { "" };
        let mut sentence = match self.outcome {
            Outcome::Planned => {
                let others = self.signalled.len().saturating_sub(1);
                let with = match others {
                    0 => String::new(),
                    1 => " and 1 process that it started".to_owned(),
                    many => format!(" and {many} processes that it started"),
                };
                format!("{who} would get SIGTERM{with}; it holds the {label}")
            }
            Outcome::Ended => format!("{who} ended{by_force} in {seconds} s; the {label} {}", self.fate()),
            Outcome::Released => {
                format!("{who} lives on and has let the {label} go; it {}", self.fate())
            }
            Outcome::StillThere if self.signalled.first().is_some_and(|holder| holder.ended) => {
                let names: Vec<String> = self.holders.iter().map(Named::words).collect();
                format!("{who} ended, but {} has the {label} still", names.join(", "))
            }
            Outcome::StillThere if self.forced => {
                format!(
                    "{who} has not ended after SIGKILL; the kernel keeps it, most likely for a file system that does not answer"
                )
            }
            Outcome::StillThere => {
                format!(
                    "{who} has not ended in {seconds} s and holds the {label} still; `lockwatch stop {} --force` sends SIGKILL",
                    self.pid
                )
            }
            // A refusal has its own sentence.
            Outcome::Refused => String::new(),
        };
        if self.outcome != Outcome::Planned {
            let leftovers: Vec<String> = self.leftovers().map(|one| one.process.words()).collect();
            if !leftovers.is_empty() {
                sentence.push_str("; still there: ");
                sentence.push_str(&leftovers.join(", "));
            }
        }
        if !self.left.is_empty() {
            let names: Vec<String> = self.left.iter().map(|one| one.process.words()).collect();
            sentence.push_str("; left alone: ");
            sentence.push_str(&names.join(", "));
        }
        sentence
    }

    /// What became of the lock.
    fn fate(&self) -> String {
        if self.holders.is_empty() {
            return "is free".to_owned();
        }
        let names: Vec<String> = self.holders.iter().map(Named::words).collect();
        format!("went to {}", names.join(", "))
    }
}

impl Named {
    /// In a sentence: `cargo check (pid 4711)`.
    pub fn words(&self) -> String {
        named(&self.command, self.pid)
    }
}

/// `cargo check (pid 4711)`.
fn named(command: &str, pid: Pid) -> String {
    /// So many characters of a command are shown in a sentence.
    const SHOWN: usize = 40;
    format!("{} (pid {pid})", text::shorten(command::short(command), SHOWN))
}

/// Seconds with one place, never 0.0: something was waited for.
fn tenths(milliseconds: u64) -> String {
    let tenths = milliseconds.div_ceil(100).max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}
