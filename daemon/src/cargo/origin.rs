//! Who started a Cargo: a person at a terminal, an editor, a coding agent, a CI runner, a service; or somebody who is
//! gone.
//!
//! The nearest ancestor that decides wins. Where none does, a few environment variables tell, and some arguments that
//! only rust-analyzer uses.

mod marks;
mod programs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::process::{Pid, Process};

pub use marks::MARKS;

/// What kind of starter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginKind {
    /// A person at a terminal.
    Terminal,
    /// An editor, or its language server.
    Editor,
    /// A coding agent.
    Agent,
    /// A runner of continuous integration.
    Ci,
    /// A service manager, cron, or the like.
    Service,
    /// It has ended.
    Orphan,
    /// It cannot be told.
    Unknown,
}

/// Who started a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What kind of starter it is.
    pub kind: OriginKind,
    /// Its name: `zsh`, `rust-analyzer`, `Claude Code`. Always one of those known here, never a text of the process.
    /// For an orphan the editor or agent that has ended, where its marks tell it.
    pub name: Option<String>,
    /// The ancestor that decided.
    pub pid: Option<Pid>,
}

impl Origin {
    /// An origin that cannot be told.
    const UNKNOWN: Self = Self {
        kind: OriginKind::Unknown,
        name: None,
        pid: None,
    };

    fn new(kind: OriginKind, name: Option<&str>, pid: Option<Pid>) -> Self {
        Self {
            kind,
            name: name.map(str::to_owned),
            pid,
        }
    }
}

/// An ancestor of a process, judged once: many processes have the same ones.
#[derive(Clone, Debug)]
pub struct Ancestor {
    /// The ancestor.
    pub process: Process,
    /// What it decides about who started its descendants.
    starter: Option<(OriginKind, &'static str)>,
    is_manager: bool,
}

impl Ancestor {
    /// Judges a process.
    pub fn of(process: Process) -> Self {
        Self {
            starter: decide(&process),
            is_manager: is_manager(&process),
            process,
        }
    }

    /// Whether nothing above this one matters for [`origin`], so that their arguments need not be read.
    pub fn ends_the_search(&self) -> bool {
        self.is_manager || self.starter.is_some()
    }
}

/// Whether the arguments of an ancestor matter, by the kernel's short name and the program file. Those of most processes
/// say nothing that these two do not, and reading them is the most expensive part of knowing an ancestor.
pub fn needs_arguments(short_name: &str, exe: Option<&Path>) -> bool {
    programs::told_by_arguments(short_name, exe)
}

/// Whether a process is one of those that others start Cargo with, and that nobody wants ended with a build: an editor, a
/// terminal, an agent, a runner of CI, a manager of services, or a shell that is no mere script.
pub fn must_not_be_stopped(process: &Process) -> bool {
    programs::known(process).is_some() || is_manager(process) || programs::interactive_shell(process).is_some()
}

/// Whether it is a shell, whatever it does.
pub fn is_shell(process: &Process) -> bool {
    programs::is_shell(process)
}

/// Finds out who started a process. `ancestors` come nearest first, up to PID 1 where readable; `marks` gives those of
/// [`MARKS`] that are set in the process's environment, and is asked only where no ancestor decides.
pub fn origin(
    process: &Process,
    ancestors: &[Rc<Ancestor>],
    marks: impl FnOnce() -> BTreeMap<String, String>,
) -> Origin {
    // What lies above the manager of the session is no starter.
    let end = ancestors.iter().position(|ancestor| ancestor.is_manager);
    let below = &ancestors[..end.unwrap_or(ancestors.len())];
    let decided = below.iter().find_map(|ancestor| {
        let (kind, name) = ancestor.starter?;
        Some(Origin::new(kind, Some(name), Some(ancestor.process.id.pid)))
    });
    if let Some(origin) = decided {
        return origin;
    }
    let marks = &marks();
    let top = below.last().map_or(process, |ancestor| &ancestor.process);
    let manager = end.map(|end| &ancestors[end].process);
    if manager.is_none() && top.parent != 1 {
        // The chain is broken: a parent that may not be read, or one outside of the container.
        return marked(process, marks);
    }
    under_manager(process, below, top, manager, marks)
}

/// What an ancestor decides: the kind and the name to show.
fn decide(ancestor: &Process) -> Option<(OriginKind, &'static str)> {
    programs::known(ancestor).or_else(|| programs::interactive_shell(ancestor).map(|name| (OriginKind::Terminal, name)))
}

/// Whether the process takes in those whose parents have ended, and starts nothing but services. PID 1 is that;
/// unless, in a container, it is a shell, a tool or an agent that runs the build itself.
fn is_manager(process: &Process) -> bool {
    let is_plain_first = || process.id.pid == 1 && !programs::is_wrapper(process) && programs::known(process).is_none();
    programs::manager(process).is_some() || is_plain_first()
}

/// The origin of a process whose chain of ancestors leads to a manager of services without one that decides.
fn under_manager(
    process: &Process,
    below: &[Rc<Ancestor>],
    top: &Process,
    manager: Option<&Process>,
    marks: &BTreeMap<String, String>,
) -> Origin {
    let is_service = is_started_by(top, manager);
    if below.iter().all(|ancestor| programs::is_wrapper(&ancestor.process)) {
        // Only shells and tools are left of the chain. Whoever started them may have had its own session for them, as
        // rust-analyzer does, so its marks count more than that.
        let gone = marks::editor_or_agent(process, marks);
        if gone.is_some() || !is_service {
            return Origin::new(OriginKind::Orphan, gone, None);
        }
    } else {
        // Some program unknown here is alive and in between.
        let origin = marked(process, marks);
        let is_app = below.iter().any(|ancestor| programs::is_mac_app(&ancestor.process));
        if origin.kind != OriginKind::Unknown || !is_service || is_app {
            return origin;
        }
    }
    let name = manager.and_then(programs::manager);
    Origin::new(
        OriginKind::Service,
        name,
        Some(manager.map_or(1, |manager| manager.id.pid)),
    )
}

/// Whether a manager of services started the process itself: it gives each service a session of its own, or, the small
/// ones in containers, a process group. What it took in has those of its starter.
fn is_started_by(top: &Process, manager: Option<&Process>) -> bool {
    let pid = top.id.pid;
    let shares_session = manager.is_some_and(|manager| manager.session == top.session);
    top.session == pid || shares_session && top.group == pid
}

/// The origin that the marks alone tell.
fn marked(process: &Process, marks: &BTreeMap<String, String>) -> Origin {
    marks::all(process, marks).map_or(Origin::UNKNOWN, |(kind, name)| Origin::new(kind, name, None))
}
