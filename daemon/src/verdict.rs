//! Whether a holder still works, with the evidence. Pure: it judges what it is given and reads nothing.
//!
//! One look knows little: that a process is stopped, that it waits for another lock itself, that it waits in a circle.
//! Everything else takes samples over time, and is `unknown` until there are some.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cargo::command;
use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::OriginKind;
use crate::observation::{Look, Participant};
use crate::process::{ProcessId, RunState};
use crate::wait_graph::WaitGraph;

/// What a holder is doing, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something in its tree of processes moves.
    Working,
    /// It waits for another Cargo lock itself.
    Waiting,
    /// Nothing moves, and that can be all right.
    Quiet,
    /// It will not go on by itself.
    Stuck,
    /// Too little was seen to tell; also a class that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is stopped (Ctrl-Z, `SIGSTOP`).
    Suspended,
    /// It is stopped by a debugger.
    Traced,
    /// It waits in a circle.
    Deadlock,
    /// It waits for another Cargo lock.
    BehindLock,
    /// It was not watched for long enough; also a reason that this version does not know.
    #[serde(other)]
    NotObserved,
}

/// A judgement, with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What it is doing.
    pub class: Class,
    /// Why.
    pub reason: Reason,
    /// Since when, where the begin was seen.
    pub since: Option<Timestamp>,
    /// What was seen, in words.
    pub evidence: Vec<String>,
    /// What to do about it, in one line that is true for this case.
    pub advice: String,
}

/// Judges a holder by one look. `confirmed` are the processes that were in the same circle in an earlier look, a second
/// or more ago: a descendant that waits for a tenth of a second is no deadlock.
pub fn by_one_look(one: &Participant, look: &Look, graph: &WaitGraph, confirmed: &BTreeSet<ProcessId>) -> Verdict {
    let id = one.process.id;
    let (class, reason) = match one.process.state {
        RunState::Stopped => (Class::Stuck, Reason::Suspended),
        _ if graph.is_circular(id) && confirmed.contains(&id) => (Class::Stuck, Reason::Deadlock),
        RunState::Traced => (Class::Quiet, Reason::Traced),
        _ if graph.waits(id) => (Class::Waiting, Reason::BehindLock),
        _ => (Class::Unknown, Reason::NotObserved),
    };
    Verdict {
        class,
        reason,
        since: None,
        evidence: evidence(reason, one, look, graph),
        advice: advice(reason, one, look, graph),
    }
}

fn evidence(reason: Reason, one: &Participant, look: &Look, graph: &WaitGraph) -> Vec<String> {
    let pid = one.process.id.pid;
    match reason {
        Reason::Suspended => vec![format!("process {pid} is stopped and keeps its locks")],
        Reason::Traced => vec![format!("process {pid} is stopped by a debugger")],
        Reason::Deadlock | Reason::BehindLock => waits(one.process.id, look, graph),
        Reason::NotObserved => Vec::new(),
    }
}

/// For which locks a process waits, and behind whom.
fn waits(id: ProcessId, look: &Look, graph: &WaitGraph) -> Vec<String> {
    let mut lines = Vec::new();
    for hold in graph.blocked_by(id) {
        let Some(wanted) = look.locks.get(hold.lock) else {
            continue;
        };
        let holder = name(hold.process, look);
        lines.push(format!(
            "process {} waits for the {} that {holder} holds",
            id.pid,
            wanted.label(look)
        ));
    }
    if lines.is_empty() && graph.waits(id) {
        lines.push(format!(
            "process {} waits for a lock whose holder cannot be seen",
            id.pid
        ));
    } else if lines.is_empty() {
        lines.push(format!(
            "a process that process {} started waits for a lock that it holds itself",
            id.pid
        ));
    }
    lines
}

fn name(id: ProcessId, look: &Look) -> String {
    let command = look
        .processes
        .get(&id)
        .map_or("a process", |one| command::short(&one.invocation.command));
    format!("{command} (pid {})", id.pid)
}

fn advice(reason: Reason, one: &Participant, look: &Look, graph: &WaitGraph) -> String {
    let pid = one.process.id.pid;
    match reason {
        Reason::Suspended if one.origin.kind == OriginKind::Terminal => {
            format!("type `fg` in the terminal that it was started in, or let it go on with `kill -CONT {pid}`")
        }
        Reason::Suspended => format!("let it go on with `kill -CONT {pid}`"),
        Reason::Traced => "let it go on in the debugger".to_owned(),
        Reason::Deadlock => {
            "neither will ever go on: end the outer cargo, and give the inner one a target directory of its own (`--target-dir`)"
                .to_owned()
        }
        Reason::BehindLock => {
            let ends = graph.blocked_by(one.process.id).flat_map(|hold| graph.roots(hold));
            let ends: BTreeSet<String> = ends.map(|hold| name(hold.process, look)).collect();
            let ends: Vec<String> = ends.into_iter().collect();
            if ends.is_empty() {
                return "its lock is held by a process that cannot be seen from here; the notes say more".to_owned();
            }
            format!("look at {}, which is at the head of the queue", ends.join(" and "))
        }
        Reason::NotObserved => not_observed(one, look),
    }
}

/// Nothing is known against it; what helps depends on who started it, and on the lock.
fn not_observed(one: &Participant, look: &Look) -> String {
    let holds_build_lock = look.locks.iter().any(|lock| {
        matches!(lock.table.kind, LockKind::BuildDir | LockKind::ArtifactDir)
            && lock.holders.iter().any(|holder| holder.process == one.process.id)
    });
    match (one.origin.kind, one.origin.name.as_deref()) {
        (OriginKind::Editor, Some("rust-analyzer")) if holds_build_lock => {
            "wait; so that it does not block your builds again, set `rust-analyzer.cargo.targetDir` to `true`"
                .to_owned()
        }
        (OriginKind::Orphan, Some(name)) => {
            let pid = one.process.id.pid;
            format!(
                "{name}, which started it, is gone, so nobody waits for its result; if it does not end soon, `kill {pid}` ends it"
            )
        }
        _ => "wait; nothing is known against it".to_owned(),
    }
}

#[cfg(test)]
mod tests;
