//! What made processes do: how they take signals, and what happens between two questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Made;
use crate::os::{Signal, SignalError};
use crate::process::{Pid, Process, ProcessId, RunState};
use crate::stop::Clock;

/// Something that happens to made processes.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// It ends; its children are PID 1's from now on.
    End(Pid),
    /// It ends, and another process of the same number begins: of the same program, and nobody's child of before.
    Reuse(Pid),
    /// It starts a child.
    Spawn(Box<Process>),
    /// It is stopped.
    Stop(Pid),
    /// It becomes another program.
    Exec(Pid, String),
    /// It lets its locks go.
    Release(Pid),
}

/// The acts of all made processes.
#[derive(Clone, Default)]
pub(super) struct Acts {
    time: Arc<AtomicU64>,
    calls: u64,
    /// What happens just before a question of this number is answered.
    before_call: BTreeMap<u64, Vec<Event>>,
    /// What happens just before the next signal to a process arrives.
    before_signal: BTreeMap<Pid, Vec<Event>>,
    ignore_term: BTreeSet<Pid>,
    /// So many milliseconds a process takes to end.
    slow: BTreeMap<Pid, u64>,
    ending: BTreeMap<ProcessId, u64>,
    pending_term: BTreeSet<ProcessId>,
    signals: Vec<(ProcessId, Signal)>,
}

/// The clock of a made kernel: it passes only where somebody sleeps.
#[derive(Clone)]
pub(crate) struct MadeClock(Arc<AtomicU64>);

impl Clock for MadeClock {
    fn now(&mut self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&mut self, time: Duration) {
        let time = u64::try_from(time.as_millis()).expect("short");
        self.0.fetch_add(time, Ordering::Relaxed);
    }
}

impl Made {
    /// The clock that its processes live by.
    pub(crate) fn clock(&self) -> MadeClock {
        MadeClock(Arc::clone(&self.acts.time))
    }

    /// Lets something happen just before the kernel answers its question of that number, from 1.
    pub(crate) fn before_call(mut self, number: u64, event: Event) -> Self {
        self.acts.before_call.entry(number).or_default().push(event);
        self
    }

    /// Lets something happen just before the next signal to a process arrives.
    pub(crate) fn before_signal(mut self, pid: Pid, event: Event) -> Self {
        self.acts.before_signal.entry(pid).or_default().push(event);
        self
    }

    /// Lets a process not care for `SIGTERM`.
    pub(crate) fn ignoring_term(mut self, pid: Pid) -> Self {
        self.acts.ignore_term.insert(pid);
        self
    }

    /// Lets a process take so many milliseconds to end.
    pub(crate) fn slow(mut self, pid: Pid, milliseconds: u64) -> Self {
        self.acts.slow.insert(pid, milliseconds);
        self
    }

    /// The signals that arrived, in their order.
    pub(crate) fn signals(&self) -> &[(ProcessId, Signal)] {
        &self.acts.signals
    }

    /// How many questions were asked.
    pub(crate) fn calls(&self) -> u64 {
        self.acts.calls
    }

    /// Who lives.
    pub(crate) fn alive(&self) -> Vec<Pid> {
        let alive = self.processes.values().filter(|one| one.state != RunState::Zombie);
        alive.map(|one| one.id.pid).collect()
    }

    /// A process as it is now.
    pub(crate) fn made(&self, pid: Pid) -> Process {
        self.processes[&pid].clone()
    }

    /// Lets pass what has happened by now.
    pub(super) fn pass(&mut self) {
        self.acts.calls += 1;
        for event in self.acts.before_call.remove(&self.acts.calls).unwrap_or_default() {
            self.happen(event);
        }
        let now = self.acts.time.load(Ordering::Relaxed);
        let due: Vec<ProcessId> = self
            .acts
            .ending
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.acts.ending.remove(&id);
            if self.processes.get(&id.pid).is_some_and(|one| one.id == id) {
                self.end(id.pid);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::End(pid) => self.end(pid),
            Event::Reuse(pid) => {
                let Some(old) = self.processes.get(&pid).cloned() else {
                    return;
                };
                self.end(pid);
                let id = ProcessId {
                    pid,
                    start: old.id.start + 1_000_000,
                };
                // It has the same lock, session and group too: only its identity and its parent tell.
                for file in &mut self.files {
                    let claim = file.holders.pop();
                    if let Some(mut claim) = claim {
                        claim.process = id;
                        file.holders = vec![claim];
                    }
                }
                self.processes.insert(pid, Process { id, parent: 200, ..old });
            }
            Event::Spawn(child) => _ = self.processes.insert(child.id.pid, *child),
            Event::Stop(pid) => {
                if let Some(process) = self.processes.get_mut(&pid) {
                    process.state = RunState::Stopped;
                }
            }
            Event::Exec(pid, argv) => {
                if let Some(process) = self.processes.get_mut(&pid) {
                    process.name.clone_from(&argv);
                    process.exe = None;
                    process.argv = vec![argv.into()];
                }
            }
            Event::Release(pid) => self.release(pid),
        }
    }

    /// Its claims go; where nobody holds any more, the first who waits does.
    fn release(&mut self, pid: Pid) {
        for file in &mut self.files {
            let held = file.holders.len();
            file.holders.retain(|claim| claim.process.pid != pid);
            file.waiters.retain(|claim| claim.process.pid != pid);
            if held > 0 && file.holders.is_empty() && !file.waiters.is_empty() {
                file.holders.push(file.waiters.remove(0));
            }
        }
    }

    fn end(&mut self, pid: Pid) {
        self.processes.remove(&pid);
        for orphan in self.processes.values_mut().filter(|one| one.parent == pid) {
            orphan.parent = 1;
        }
        self.release(pid);
    }

    pub(super) fn children_of(&self, pid: Pid) -> Vec<Pid> {
        let children = self.processes.values().filter(|one| one.parent == pid);
        children.map(|one| one.id.pid).collect()
    }

    pub(super) fn take_signal(&mut self, process: ProcessId, signal: Signal) -> Result<(), SignalError> {
        for event in self.acts.before_signal.remove(&process.pid).unwrap_or_default() {
            self.happen(event);
        }
        let Some(found) = self.processes.get_mut(&process.pid).filter(|one| one.id == process) else {
            return Err(SignalError::Gone);
        };
        if found.uid != Some(501) {
            return Err(SignalError::Denied);
        }
        self.acts.signals.push((process, signal));
        let stopped = found.state == RunState::Stopped;
        let ends = match signal {
            Signal::Terminate if self.acts.ignore_term.contains(&process.pid) => false,
            Signal::Terminate if stopped => {
                self.acts.pending_term.insert(process);
                false
            }
            Signal::Terminate | Signal::Kill => true,
            Signal::Continue => {
                found.state = RunState::Alive;
                self.acts.pending_term.remove(&process)
            }
        };
        if ends {
            match self.acts.slow.get(&process.pid).filter(|_| signal != Signal::Kill) {
                Some(time) => {
                    let at = self.acts.time.load(Ordering::Relaxed) + time;
                    self.acts.ending.entry(process).or_insert(at);
                }
                None => self.end(process.pid),
            }
        }
        Ok(())
    }
}
