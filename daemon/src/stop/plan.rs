//! Who is signalled in a stop: the holder and those of its descendants that may be. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cargo::command::{self, Program};
use crate::cargo::origin;
use crate::process::{Pid, Process, ProcessId, RunState};

/// A process as a plan needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What the kernel tells about it.
    pub process: Process,
    /// What it runs.
    pub program: Program,
    /// The same, short and for people.
    pub command: String,
}

impl Known {
    /// Reads what a process runs.
    pub fn of(process: Process) -> Self {
        let invocation = command::read(&process.argv, process.exe.as_deref(), &process.name);
        Self {
            program: invocation.program,
            command: invocation.command,
            process,
        }
    }

    /// Whether it does a build's work under its own name, or links.
    fn builds(&self) -> bool {
        self.program.is_rust_tool() || self.program == Program::Linker
    }

    /// rust-analyzer as a wrapper of rustc: `rust-analyzer …/rustc --crate-name …` (its `RA_RUSTC_WRAPPER`). It is no editor then.
    fn wraps_rustc(&self) -> bool {
        let wrapped = self.process.argv.get(1).map(std::path::Path::new);
        let is_rustc = wrapped
            .and_then(|path| path.file_name())
            .is_some_and(|name| name == "rustc");
        self.program == Program::RustAnalyzer && is_rustc
    }
}

/// Why a process is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It has a session of its own, as a daemon has, and does no build's work.
    OtherSession,
    /// It is another user's.
    OtherUser,
    /// It is an editor, a terminal, an agent, a session manager, or a shell that somebody types into.
    Protected,
    /// It is lockwatch.
    Lockwatch,
    /// It asks for the stop, or is an ancestor of who asks.
    Client,
    /// It is an ancestor of the holder.
    Ancestor,
    /// It is PID 1, from which all others come.
    First,
    /// The system does not permit it.
    NotPermitted,
}

impl Why {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::OtherSession => "it has a session of its own",
            Self::OtherUser => "it is another user's",
            Self::Protected => "it is an editor, a terminal, an agent, or a shell that somebody types into",
            Self::Lockwatch => "it is lockwatch",
            Self::Client => "it asked for the stop",
            Self::Ancestor => "it started the holder",
            Self::First => "all other processes come from it",
            Self::NotPermitted => "the system does not permit it",
        }
    }

    /// Whether its descendants are left alone with it. What a daemon started is judged for itself: a cargo or rustc below it
    /// is part of the build.
    fn shields_its_descendants(self) -> bool {
        self != Self::OtherSession
    }
}

/// What a plan must stay within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The user that we run as.
    pub uid: u32,
    /// The session of the holder.
    pub session: Pid,
    /// Who must not be in it, whatever else holds: the client, the ancestors of both, this very process.
    pub never: BTreeMap<Pid, Why>,
}

impl Bounds {
    /// Whether a descendant of the holder may be signalled.
    pub fn judge(&self, one: &Known) -> Result<(), Why> {
        self.judge_identity(one)?;
        if origin::must_not_be_stopped(&one.process) && !one.wraps_rustc() {
            return Err(Why::Protected);
        }
        if one.process.session != self.session && !one.builds() {
            return Err(Why::OtherSession);
        }
        Ok(())
    }

    /// What is asked of the holder too.
    pub fn judge_identity(&self, one: &Known) -> Result<(), Why> {
        let pid = one.process.id.pid;
        if pid <= 1 {
            return Err(Why::First);
        }
        if let Some(why) = self.never.get(&pid) {
            return Err(*why);
        }
        if is_lockwatch(&one.process) {
            return Err(Why::Lockwatch);
        }
        if one.process.uid != Some(self.uid) {
            return Err(Why::OtherUser);
        }
        Ok(())
    }
}

/// The daemon, the tray, or another lockwatch, by its program file; where that may not be read, by its short name.
fn is_lockwatch(process: &Process) -> bool {
    let file = process.exe.as_deref().and_then(|exe| exe.file_name());
    let name = file.unwrap_or_else(|| process.name.as_ref());
    name == "lockwatch" || name == "lockwatch-tray"
}

/// A process in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The process, as it was when it was judged last.
    pub known: Known,
    /// Whether it has ended.
    pub ended: bool,
}

/// Who is signalled, and who is left. A process that was once found stays found, wherever it is in the tree later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    bounds: Bounds,
    /// The holder first, and each after its parent.
    members: Vec<Member>,
    left: Vec<(Known, Why)>,
}

impl Plan {
    /// One with the holder alone, who was checked before.
    pub fn new(bounds: Bounds, holder: Known) -> Self {
        Self {
            bounds,
            members: vec![Member {
                known: holder,
                ended: false,
            }],
            left: Vec::new(),
        }
    }

    /// Adds a child of one that is known to the plan. Says whether it is new to the plan, so that its own children are asked for.
    pub fn add(&mut self, child: Known) -> bool {
        if child.process.state == RunState::Zombie || self.knows(child.process.id) {
            return false;
        }
        match self.bounds.judge(&child) {
            Ok(()) => self.members.push(Member {
                known: child,
                ended: false,
            }),
            Err(why) => {
                self.left.push((child, why));
                return !why.shields_its_descendants();
            }
        }
        true
    }

    /// Judges a member again, who may run another program by now or be another user's. Says whether it may be signalled.
    pub fn is_still_fit(&mut self, now: Known) -> bool {
        let Some(place) = self.position(now.process.id) else {
            return false;
        };
        // The holder was checked with its lock; what it must be besides is not the business of this.
        let judged = if place == 0 {
            self.bounds.judge_identity(&now)
        } else {
            self.bounds.judge(&now)
        };
        match judged {
            Ok(()) => self.members[place].known = now,
            Err(why) => self.leave(now.process.id, why),
        }
        judged.is_ok()
    }

    /// Takes a member out, and says why.
    pub fn leave(&mut self, id: ProcessId, why: Why) {
        if let Some(place) = self.position(id).filter(|place| *place > 0) {
            let member = self.members.remove(place);
            self.left.push((member.known, why));
        }
    }

    /// Notes that a member has ended.
    pub fn ended(&mut self, id: ProcessId) {
        if let Some(place) = self.position(id) {
            self.members[place].ended = true;
        }
    }

    /// Those who have not ended, the holder first.
    pub fn living(&self) -> Vec<ProcessId> {
        let living = self.members.iter().filter(|member| !member.ended);
        living.map(|member| member.known.process.id).collect()
    }

    /// Those whose children are the plan's concern: the living, and the daemons among those left.
    pub fn parents(&self) -> Vec<ProcessId> {
        let daemons = self.left.iter().filter(|(_, why)| !why.shields_its_descendants());
        let mut parents = self.living();
        parents.extend(daemons.map(|(known, _)| known.process.id));
        parents
    }

    /// All who were ever in it, the holder first.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Who is left alone, and why.
    pub fn left(&self) -> &[(Known, Why)] {
        &self.left
    }

    /// The holder.
    pub fn holder(&self) -> &Member {
        // It is put there first and never taken out.
        &self.members[0]
    }

    /// Whether a process is in it, or left.
    pub fn knows(&self, id: ProcessId) -> bool {
        self.position(id).is_some() || self.left.iter().any(|(known, _)| known.process.id == id)
    }

    fn position(&self, id: ProcessId) -> Option<usize> {
        self.members.iter().position(|member| member.known.process.id == id)
    }

    /// Whether a process that its parent left behind unseen is one of the holder's: it does a build's work in the holder's
    /// session and process group, and began after the holder.
    pub fn is_orphan_of_it(&self, one: &Known) -> bool {
        let holder = &self.holder().known.process;
        let Process { id, session, group, .. } = &one.process;
        let works = !one.program.is_cargo() && one.builds();
        works && (*session, *group) == (holder.session, holder.group) && id.start >= holder.id.start
    }
}
