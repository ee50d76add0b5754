//! What to do, in one line that is true for this very case.

use std::collections::BTreeSet;

use super::{Class, Holder, Reason};
use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::OriginKind;
use crate::work::Kind;

/// What keeps a rust-analyzer from holding the lock of the user's own builds. It is of no use against the package cache.
const OWN_TARGET: &str = "so that it does not block your builds again, set `rust-analyzer.cargo.targetDir` to `true`";

impl Holder<'_> {
    pub(super) fn advice(self, class: Class, reason: Reason) -> String {
        let pid = self.one.process.id.pid;
        match (class, reason) {
            (_, Reason::Suspended) => self.let_go_on(),
            (_, Reason::Traced) => "let it go on in the debugger".to_owned(),
            (_, Reason::Deadlock) => {
                "neither will ever go on: end the outer cargo, and give the inner one a target directory of its own (`--target-dir`)"
                    .to_owned()
            }
            (_, Reason::BehindLock) => self.look_at_the_ends(),
            (Class::Working, Reason::Downloading) => "wait; it is getting what it needs".to_owned(),
            (Class::Working, _) if self.is_of_rust_analyzer() => format!("wait; {OWN_TARGET}"),
            (Class::Working, _) => "wait; it works".to_owned(),
            (_, Reason::Prompt) => self.answer(),
            (_, Reason::Orphaned) => {
                format!("nobody waits for its result: `lockwatch stop {pid}` ends it")
            }
            (_, Reason::Remote) => "wait; what its worker does elsewhere cannot be seen from here".to_owned(),
            (Class::Stuck, _) if self.holds(&[LockKind::PackageCache]) => format!(
                "`lockwatch stop {pid}` ends it, and whoever waits goes on; its command must be run again, and gets what is missing then"
            ),
            (Class::Stuck, _) => {
                format!("`lockwatch stop {pid}` ends it, and whoever waits goes on; its command must be run again")
            }
            (Class::Quiet, Reason::Downloading) => {
                "wait a little; if it does not go on, look at the network (a proxy, a VPN, a mirror that is down)".to_owned()
            }
            (Class::Quiet, _) => format!("wait a little; if it never goes on, `lockwatch stop {pid}` ends it"),
            _ => self.not_observed(),
        }
    }

    fn let_go_on(self) -> String {
        let own = self.one.process.id.pid;
        let child = self.course.and_then(|course| self.stopped(course));
        let pid = match child {
            Some((id, _)) if self.one.process.state != crate::process::RunState::Stopped => id.pid,
            _ if self.one.origin.kind == OriginKind::Terminal => {
                return format!(
                    "type `fg` in the terminal that it was started in, or let it go on with `kill -CONT {own}`"
                );
            }
            _ => own,
        };
        format!("let it go on with `kill -CONT {pid}`")
    }

    fn look_at_the_ends(self) -> String {
        let graph = self.case.graph;
        let ends = graph.blocked_by(self.one.process.id).flat_map(|hold| graph.roots(hold));
        let ends: BTreeSet<String> = ends.map(|hold| self.name(hold.process)).collect();
        let ends: Vec<String> = ends.into_iter().collect();
        if ends.is_empty() {
            return "its lock is held by a process that cannot be seen from here; the notes say more".to_owned();
        }
        format!("look at {}, which is at the head of the queue", ends.join(" and "))
    }

    /// Somebody must answer, and where.
    fn answer(self) -> String {
        let pid = self.one.process.id.pid;
        let asks = self.course.and_then(|course| self.asks(course));
        let Some((_, member)) = asks else {
            return self.not_observed();
        };
        let place = match (member.reads_terminal, member.kind) {
            (true, _) => "in the terminal that it was started in".to_owned(),
            (false, Kind::AsksAPerson) => format!("in the window of {}", member.name),
            (false, _) => "where it asks".to_owned(),
        };
        format!("answer {} {place}, or end it with `lockwatch stop {pid}`", member.name)
    }

    fn is_of_rust_analyzer(self) -> bool {
        let origin = &self.one.origin;
        origin.kind == OriginKind::Editor && origin.name.as_deref() == Some("rust-analyzer") && self.holds_build_lock()
    }

    /// Nothing is known against it; what helps depends on who started it, and on the lock.
    fn not_observed(self) -> String {
        let origin = &self.one.origin;
        match (origin.kind, origin.name.as_deref()) {
            _ if self.is_of_rust_analyzer() => format!("wait; {OWN_TARGET}"),
            (OriginKind::Orphan, Some(name)) => {
                let pid = self.one.process.id.pid;
                format!(
                    "{name}, which started it, is gone, so nobody waits for its result; if it does not end soon, `lockwatch stop {pid}` ends it"
                )
            }
            _ => "wait; nothing is known against it".to_owned(),
        }
    }
}
