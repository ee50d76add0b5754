//! The ladder: `SIGTERM`, time, and `SIGKILL` where it is asked for. The one place of the program that signals.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::check::{self, Target};
use super::plan::{Known, Plan, Why};
use super::report::{Facts, Named, Outcome, RefusalKind, Report};
use super::{Clock, Order, Step, tree};
use crate::clock::milliseconds;
use crate::os::{Interest, Kernel, LockedFile, Signal, SignalError};
use crate::places::CargoHomes;
use crate::process::{Detail, Pid, ProcessId, RunState};
use crate::text;

/// So often the tree is looked at again until all have ended.
const STEP: Duration = Duration::from_millis(50);

/// A process shows as ended a moment before its children have another parent.
const SETTLE: Duration = Duration::from_millis(5);

/// So long the kernel may take to end who got `SIGKILL`.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// So often, and each time so much later, a process that is about to end or to take the lock is looked at again.
const HANDOVER: (usize, Duration) = (10, Duration::from_millis(20));

/// A variable that cargo sets for each compiler and build script that it starts, and that their children inherit.
const BY_CARGO: &str = "CARGO_MANIFEST_DIR";

pub(super) struct Ladder<'a, K, C> {
    kernel: &'a mut K,
    clock: &'a mut C,
    homes: &'a CargoHomes,
    order: &'a Order,
    target: Target,
    plan: Plan,
    /// What arrived.
    sent: BTreeMap<ProcessId, Vec<Signal>>,
    /// What was tried, each once.
    tried: BTreeSet<(ProcessId, Signal)>,
    begin: Duration,
    /// Who takes in the children of those who end: one of the holder's ancestors, or PID 1.
    reapers: Vec<Pid>,
    /// Their children from before the first signal, who are nobody's orphans.
    not_orphans: BTreeSet<ProcessId>,
}

impl<'a, K: Kernel, C: Clock> Ladder<'a, K, C> {
    pub(super) fn new(
        kernel: &'a mut K,
        clock: &'a mut C,
        homes: &'a CargoHomes,
        order: &'a Order,
        target: Target,
    ) -> Self {
        let plan = Plan::new(target.bounds.clone(), target.holder.clone());
        let begin = clock.now();
        Self {
            kernel,
            clock,
            homes,
            order,
            target,
            plan,
            sent: BTreeMap::new(),
            tried: BTreeSet::new(),
            begin,
            reapers: Vec::new(),
            not_orphans: BTreeSet::new(),
        }
    }

    /// Goes up as far as it is allowed to.
    pub(super) fn climb(mut self, told: &mut dyn FnMut(Step)) -> Report {
        self.remember_the_reapers();
        self.grow();
        if self.order.dry_run {
            return self.report(Outcome::Planned);
        }
        // Making the plan took a moment.
        if let Err(refusal) = check::check(self.kernel, self.homes, self.order) {
            return Report::refused(self.order.token, &refusal);
        }
        told(Step::Terminate);
        self.rung(Signal::Terminate, self.order.grace);
        if self.order.force && self.may_kill() {
            told(Step::Kill);
            self.rung(Signal::Kill, AFTER_KILL);
        }
        let outcome = self.outcome();
        self.report(outcome)
    }

    /// Whether there is anybody whom force is for, and whether the check still allows it.
    fn may_kill(&mut self) -> bool {
        !self.plan.living().is_empty() && (self.plan.holder().ended || self.is_still_meant())
    }

    /// Sends a signal to everybody in the plan, and to whoever comes into it, until nobody of it lives or the time is over.
    fn rung(&mut self, signal: Signal, time: Duration) {
        let deadline = self.clock.now() + time;
        let mut is_settled = false;
        loop {
            self.grow();
            for id in self.plan.living() {
                if self.tried.insert((id, signal)) {
                    if id == self.order.token.process && !self.is_still_meant() {
                        return;
                    }
                    tree::add_descendants(self.kernel, &mut self.plan, id);
                    self.tell(id, signal);
                    tree::add_descendants(self.kernel, &mut self.plan, id);
                }
            }
            self.look_after();
            self.adopt();
            let living = self.plan.living();
            let now = self.clock.now();
            if living.is_empty() && is_settled || now >= deadline {
                return;
            }
            // Who was found meanwhile is not kept waiting.
            if living.iter().all(|id| self.tried.contains(&(*id, signal))) {
                let step = if living.is_empty() { SETTLE } else { STEP };
                self.clock.sleep(step.min(deadline.saturating_sub(now)));
            }
            is_settled = living.is_empty();
        }
    }

    /// Whether the check says of the holder what it said before. It comes first, so where it does not, nobody has got this signal:
    /// a `cargo run` has let its locks go and has become the program. Where it has ended, its build is still to be ended.
    fn is_still_meant(&mut self) -> bool {
        matches!(self.check(), Ok(()) | Err(RefusalKind::Gone))
    }

    /// Checks the holder again. A process that ends closes its files first, and for a moment looks like one that lives on without
    /// its locks.
    fn check(&mut self) -> Result<(), RefusalKind> {
        for _ in 0..HANDOVER.0 {
            match check::check(self.kernel, self.homes, self.order) {
                Ok(_) => return Ok(()),
                Err(refusal) if refusal.kind == RefusalKind::Gone => return Err(refusal.kind),
                Err(_) => self.clock.sleep(HANDOVER.1),
            }
        }
        let checked = check::check(self.kernel, self.homes, self.order);
        checked.map(drop).map_err(|refusal| refusal.kind)
    }

    fn got_term(&self, id: ProcessId) -> bool {
        self.sent.get(&id).is_some_and(|sent| sent.contains(&Signal::Terminate))
    }

    /// Lists the children of all who are in the plan.
    fn grow(&mut self) {
        for parent in self.plan.parents() {
            tree::add_descendants(self.kernel, &mut self.plan, parent);
        }
    }

    /// Signals one member, after a look at what it is by now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that signals")]
    fn tell(&mut self, id: ProcessId, signal: Signal) {
        let Some(now) = tree::living(self.kernel, id, Detail::Full) else {
            return self.plan.ended(id);
        };
        if !self.plan.is_still_fit(Known::of(now)) {
            return;
        }
        match self.kernel.signal(id, signal) {
            Ok(()) => self.sent.entry(id).or_default().push(signal),
            Err(SignalError::Gone) => self.plan.ended(id),
            Err(SignalError::Denied | SignalError::Other(_)) => {
                self.plan.leave(id, Why::NotPermitted);
            }
        }
    }

    /// Notes who has ended, and lets those go on who are stopped: they take their `SIGTERM` only then. One can stop later, too.
    fn look_after(&mut self) {
        for id in self.plan.living() {
            match tree::living(self.kernel, id, Detail::Brief) {
                None => self.plan.ended(id),
                Some(now) if now.state == RunState::Stopped && self.got_term(id) => {
                    self.tell(id, Signal::Continue);
                }
                Some(_) => {}
            }
        }
    }

    fn remember_the_reapers(&mut self) {
        self.reapers = tree::ancestors(self.kernel, self.order.token.process.pid);
        if !self.reapers.contains(&1) {
            self.reapers.push(1);
        }
        for reaper in self.reapers.clone() {
            for pid in self.kernel.children(reaper) {
                let found = self.kernel.process(pid, Detail::Brief);
                self.not_orphans.extend(found.ok().map(|child| child.id));
            }
        }
    }

    /// Takes in whoever a member started in the moment between the look at its children and its end. The system makes such a
    /// process a child of one of the holder's ancestors; nothing but cargo's own mark in its environment, its place and its work
    /// tell whose it is, so nobody else is taken in.
    fn adopt(&mut self) {
        for reaper in self.reapers.clone() {
            for pid in self.kernel.children(reaper) {
                let Ok(brief) = self.kernel.process(pid, Detail::Brief) else {
                    continue;
                };
                if self.not_orphans.contains(&brief.id) || self.plan.knows(brief.id) || brief.parent != reaper {
                    continue;
                }
                let found = tree::living(self.kernel, brief.id, Detail::Full).map(Known::of);
                let is_ours = |found: &Known, kernel: &mut K| {
                    self.plan.is_orphan_of_it(found) && !kernel.environment(pid, &[BY_CARGO]).is_empty()
                };
                // Whoever is not ours may be so in a moment: between fork and exec it is no compiler yet.
                if let Some(found) = found.filter(|found| is_ours(found, self.kernel)) {
                    let id = found.process.id;
                    self.plan.add(found);
                    tree::add_descendants(self.kernel, &mut self.plan, id);
                }
            }
        }
    }

    /// Looks whether the holder has gone, or the lock has left it.
    fn outcome(&mut self) -> Outcome {
        if self.plan.holder().ended {
            return Outcome::Ended;
        }
        match self.check() {
            Err(RefusalKind::Gone) => {
                self.plan.ended(self.order.token.process);
                Outcome::Ended
            }
            Err(RefusalKind::Released) => Outcome::Released,
            Ok(()) | Err(_) => Outcome::StillThere,
        }
    }

    fn report(mut self, mut outcome: Outcome) -> Report {
        let took = self.clock.now().saturating_sub(self.begin);
        let is_done = outcome != Outcome::Planned;
        let holders = if is_done { self.holders() } else { Vec::new() };
        let ours = |id: &ProcessId| self.plan.knows(*id);
        if is_done && outcome != Outcome::StillThere && holders.iter().any(|(id, _)| ours(id)) {
            outcome = Outcome::StillThere;
        }
        let signals = self.plan.members().iter().map(|member| {
            let sent = self.sent.get(&member.known.process.id);
            sent.cloned().unwrap_or_default()
        });
        Report::of(Facts {
            token: self.order.token,
            outcome,
            path: text::escape_path(&self.target.path),
            label: self.target.label.clone(),
            took_ms: milliseconds(took),
            signals: signals.collect(),
            holders: holders.into_iter().map(|(_, named)| named).collect(),
            plan: &self.plan,
        })
    }

    /// Who holds the lock now, besides the holder.
    fn holders(&mut self) -> Vec<(ProcessId, Named)> {
        let holder = self.order.token.process;
        let mut found = None;
        for _ in 0..HANDOVER.0 {
            found = self.lock();
            match &found {
                Some(lock) if lock.holders.is_empty() && !lock.waiters.is_empty() => self.clock.sleep(HANDOVER.1),
                _ => break,
            }
        }
        let others = found.into_iter().flat_map(|lock| lock.holders);
        let others = others.map(|claim| claim.process).filter(|id| *id != holder);
        others
            .filter_map(|id| {
                let known = Known::of(tree::living(self.kernel, id, Detail::Full)?);
                let (pid, command) = (id.pid, known.command);
                Some((id, Named { pid, command }))
            })
            .collect()
    }

    fn lock(&mut self) -> Option<LockedFile> {
        let path = &self.target.path;
        let interest = Interest {
            is_lock: &|found: &Path| found == path,
            known: std::slice::from_ref(path),
        };
        let table = self.kernel.locks(&interest).ok()?;
        table
            .files
            .into_iter()
            .find(|found| found.file == self.order.token.file)
    }
}
