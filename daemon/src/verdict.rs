//! Whether a holder still works, with the evidence. Pure: it judges what it is given and reads nothing.
//!
//! One look knows little: that a process is stopped, that it waits for another lock itself, that it waits in a circle.
//! Everything else takes samples of its tree of processes over time, and is `unknown` until there are some. The table of
//! precedence is [`judge`]; the first row that applies decides.

mod advice;
mod evidence;
mod window;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::window::Effort;
pub use self::window::Window;
use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::OriginKind;
use crate::observation::{Look, Participant};
use crate::process::{ProcessId, RunState};
use crate::wait_graph::WaitGraph;
use crate::work::{Kind, Member, Received};

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
    /// A compiler works.
    Compiling,
    /// A linker works.
    Linking,
    /// A build script works.
    BuildScript,
    /// It gets something over the network, or waits for that.
    Downloading,
    /// It unpacks what it got.
    Unpacking,
    /// It works on the dependencies itself.
    Resolving,
    /// Something in its tree waits for a person.
    Prompt,
    /// Whoever started it is gone.
    Orphaned,
    /// A worker elsewhere may do its work.
    Remote,
    /// Nothing moves.
    NoProgress,
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

/// What is known of all holders at one moment.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The look.
    pub look: &'a Look,
    /// Who waits for whom in it.
    pub graph: &'a WaitGraph,
    /// The processes that were in the same circle of waiting in an earlier look, a second or more ago: a descendant that
    /// waits for a tenth of a second is no deadlock.
    pub confirmed: &'a BTreeSet<ProcessId>,
}

/// What is known of one holder over time.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// The samples of its tree.
    pub window: &'a Window,
    /// The editor or agent that started it and was seen to, if that is gone by now.
    pub lost_starter: Option<&'a str>,
}

/// Judges a holder; without a `course`, by one look.
pub fn judge(one: &Participant, case: Case<'_>, course: Option<Course<'_>>) -> Verdict {
    let holder = Holder { one, case, course };
    let (class, reason) = holder.judge();
    Verdict {
        class,
        reason,
        since: None,
        evidence: holder.evidence(class, reason),
        advice: holder.advice(class, reason),
    }
}

/// A holder with all that is known of it.
#[derive(Clone, Copy)]
struct Holder<'a> {
    one: &'a Participant,
    case: Case<'a>,
    course: Option<Course<'a>>,
}

impl<'a> Holder<'a> {
    fn judge(self) -> (Class, Reason) {
        let (id, state) = (self.one.process.id, self.one.process.state);
        let graph = self.case.graph;
        if state == RunState::Stopped {
            return (Class::Stuck, Reason::Suspended);
        }
        if graph.is_circular(id) && self.case.confirmed.contains(&id) {
            return (Class::Stuck, Reason::Deadlock);
        }
        if state == RunState::Traced {
            return (Class::Quiet, Reason::Traced);
        }
        if graph.waits(id) {
            return (Class::Waiting, Reason::BehindLock);
        }
        self.course.map_or((Class::Unknown, Reason::NotObserved), |course| {
            self.judge_course(course)
        })
    }

    /// What only samples over time tell.
    fn judge_course(self, course: Course<'_>) -> (Class, Reason) {
        let window = course.window;
        if let Some(recent) = window.recent() {
            return (Class::Working, self.work(&recent));
        }
        let (limits, idle) = (window.thresholds(), window.idle());
        let lives = self.descendants(course).next().is_some();
        let still = idle >= limits.moving;
        let no_progress = match (lives, self.waits_for_unmeasured(course)) {
            (true, _) => limits.no_progress_with_child,
            (false, true) => limits.download,
            (false, false) => limits.no_progress,
        };
        let table = [
            (still && self.stopped(course).is_some(), Class::Stuck, Reason::Suspended),
            (
                idle >= limits.prompt && self.asks(course).is_some(),
                Class::Stuck,
                Reason::Prompt,
            ),
            (
                idle >= limits.orphaned && self.lost_starter(course).is_some(),
                Class::Stuck,
                Reason::Orphaned,
            ),
            (still && self.remote(course).is_some(), Class::Quiet, Reason::Remote),
            (idle >= no_progress, Class::Stuck, Reason::NoProgress),
            (still && self.is_downloading(course), Class::Quiet, Reason::Downloading),
            (still, Class::Quiet, Reason::NoProgress),
        ];
        let found = table.into_iter().find(|(applies, _, _)| *applies);
        found.map_or((Class::Unknown, Reason::NotObserved), |(_, class, reason)| {
            (class, reason)
        })
    }

    /// What moves, by the child or the place that shows it.
    fn work(self, recent: &Effort) -> Reason {
        let busiest = |kinds: &[(Kind, Reason)]| {
            let most = kinds.iter().max_by_key(|(kind, _)| recent.cpu_of(*kind));
            most.filter(|(kind, _)| !recent.cpu_of(*kind).is_zero())
                .map(|(_, reason)| *reason)
        };
        if self.holds_build_lock() {
            return busiest(&[
                (Kind::BuildScript, Reason::BuildScript),
                (Kind::Linker, Reason::Linking),
                (Kind::Compiler, Reason::Compiling),
            ])
            .unwrap_or(Reason::Compiling);
        }
        match (recent.received, recent.files) {
            (1.., _) => Reason::Downloading,
            (0, 1..) => Reason::Unpacking,
            (0, 0) => busiest(&[(Kind::Git, Reason::Downloading), (Kind::Ssh, Reason::Downloading)])
                .unwrap_or(Reason::Resolving),
        }
    }

    /// The living ones of its tree, but for itself.
    fn descendants(self, course: Course<'_>) -> impl Iterator<Item = (&ProcessId, &Member)> {
        course.window.descendants(self.one.process.id)
    }

    /// A child that is stopped.
    fn stopped(self, course: Course<'_>) -> Option<(ProcessId, &Member)> {
        let mut all = self.descendants(course);
        all.find(|(_, member)| member.state == RunState::Stopped)
            .map(|(id, member)| (*id, member))
    }

    /// Who waits for a person.
    fn asks(self, course: Course<'_>) -> Option<(ProcessId, &Member)> {
        let mut all = self.descendants(course);
        all.find(|(_, member)| member.reads_terminal || member.kind == Kind::AsksAPerson)
            .map(|(id, member)| (*id, member))
    }

    /// The client of a worker elsewhere; an ssh may be one too, whoever started it.
    fn remote(self, course: Course<'_>) -> Option<(ProcessId, &Member)> {
        let mut all = self.descendants(course);
        all.find(|(_, member)| matches!(member.kind, Kind::RemoteClient | Kind::Ssh))
            .map(|(id, member)| (*id, member))
    }

    /// The editor or agent that started it and is gone. A service manager, nohup and tmux are where it comes from, and prove
    /// nothing.
    fn lost_starter(self, course: Course<'a>) -> Option<&'a str> {
        let by_marks = (self.one.origin.kind == OriginKind::Orphan).then_some(self.one.origin.name.as_deref());
        course.lost_starter.or(by_marks.flatten())
    }

    fn is_downloading(self, course: Course<'_>) -> bool {
        self.holds(&[LockKind::PackageCache]) && course.window.last().is_some_and(crate::work::Sample::is_connected)
    }

    fn waits_for_unmeasured(self, course: Course<'_>) -> bool {
        let last = course.window.last();
        let is_unmeasured = last.is_some_and(|last| matches!(last.received, Received::Connections(count) if count > 0));
        is_unmeasured && self.is_downloading(course)
    }

    fn holds_build_lock(self) -> bool {
        self.holds(&[LockKind::BuildDir, LockKind::ArtifactDir, LockKind::BuildUnit])
    }

    fn holds(self, kinds: &[LockKind]) -> bool {
        let locks = self.case.look.locks.iter();
        let mut of_kind = locks.filter(|lock| kinds.contains(&lock.table.kind));
        of_kind.any(|lock| lock.holders.iter().any(|holder| holder.process == self.one.process.id))
    }
}

#[cfg(test)]
mod tests;
