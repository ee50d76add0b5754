//! What a verdict rests on, in words with numbers.

use std::time::Duration;

use super::window::Effort;
use super::{Class, Course, Holder, Reason};
use crate::cargo::command;
use crate::process::ProcessId;
use crate::work::{Kind, Member};

impl Holder<'_> {
    pub(super) fn evidence(self, class: Class, reason: Reason) -> Vec<String> {
        let pid = self.one.process.id.pid;
        match (class, reason) {
            (_, Reason::Suspended) => match self.course.and_then(|course| self.stopped(course)) {
                Some((id, member)) if !self.is_stopped() => vec![
                    format!("{} is stopped, and cargo waits for it", named(id, member)),
                    self.stillness(),
                ],
                _ => vec![format!("process {pid} is stopped and keeps its locks")],
            },
            (_, Reason::Traced) => vec![format!("process {pid} is stopped by a debugger")],
            (_, Reason::Deadlock | Reason::BehindLock) => self.waits(),
            (Class::Working, _) => self.work_done(),
            (Class::Unknown, _) => Vec::new(),
            (_, reason) => self.why_still(reason),
        }
    }

    fn is_stopped(self) -> bool {
        self.one.process.state == crate::process::RunState::Stopped
    }

    /// For which locks it waits, and behind whom.
    fn waits(self) -> Vec<String> {
        let (id, look, graph) = (self.one.process.id, self.case.look, self.case.graph);
        let mut lines = Vec::new();
        for hold in graph.blocked_by(id) {
            let Some(wanted) = look.locks.get(hold.lock) else {
                continue;
            };
            let (label, holder) = (wanted.label(look), self.name(hold.process));
            lines.push(format!("process {} waits for the {label} that {holder} holds", id.pid));
        }
        if lines.is_empty() {
            lines.push(if graph.waits(id) {
                format!("process {} waits for a lock whose holder cannot be seen", id.pid)
            } else {
                format!(
                    "a process that process {} started waits for a lock that it holds itself",
                    id.pid
                )
            });
        }
        lines
    }

    /// A process of the look by its command.
    pub(super) fn name(self, id: ProcessId) -> String {
        let one = self.case.look.processes.get(&id);
        let command = one.map_or("a process", |one| command::short(&one.invocation.command));
        format!("{command} (pid {})", id.pid)
    }

    /// What moved of late.
    fn work_done(self) -> Vec<String> {
        let Some(recent) = self.course.and_then(|course| course.window.recent()) else {
            return Vec::new();
        };
        let in_time = format!("in the last {}", seconds(recent.took));
        let mut lines = Vec::new();
        lines.extend(cpu(&recent, &in_time));
        if recent.received > 0 {
            lines.push(format!(
                "{} received over the network {in_time}",
                bytes(recent.received)
            ));
        }
        if recent.files > 0 {
            let files = if recent.files == 1 { "file" } else { "files" };
            lines.push(format!("{} new {files} in the registry {in_time}", recent.files));
        }
        if recent.disk > 0 {
            lines.push(format!(
                "{} read from or written to the disk {in_time}",
                bytes(recent.disk)
            ));
        }
        if recent.output {
            lines.push(format!("new files in the target directory {in_time}"));
        }
        lines
    }

    /// Why it seems to stand still.
    fn why_still(self, reason: Reason) -> Vec<String> {
        let Some(course) = self.course else {
            return Vec::new();
        };
        let mut lines: Vec<String> = self.cause(reason, course).into_iter().collect();
        lines.push(self.stillness());
        lines
    }

    fn cause(self, reason: Reason, course: Course<'_>) -> Option<String> {
        match reason {
            Reason::Prompt => {
                let (id, member) = self.asks(course)?;
                let does = if member.reads_terminal {
                    "reads from the terminal"
                } else {
                    "asks a person"
                };
                Some(format!("{} {does}", named(id, member)))
            }
            Reason::Orphaned => Some(format!("{}, which started it, is gone", self.lost_starter(course)?)),
            Reason::Remote => {
                let (id, member) = self.remote(course)?;
                Some(format!("{} may wait for a worker elsewhere", named(id, member)))
            }
            Reason::Downloading => Some("a network connection is open".to_owned()),
            _ => Some(self.living(course)),
        }
    }

    fn living(self, course: Course<'_>) -> String {
        let mut all = self.descendants(course);
        match (all.next(), all.count()) {
            (None, _) => "it has no child process".to_owned(),
            (Some((id, member)), 0) => format!("its only child {} does nothing", named(*id, member)),
            (Some((id, member)), more) => format!("{} and {more} more child processes do nothing", named(*id, member)),
        }
    }

    /// For how long nothing has moved, and what was looked at.
    fn stillness(self) -> String {
        let Some(course) = self.course else {
            return String::new();
        };
        let window = course.window;
        let network = match window.last().map(|last| &last.received) {
            Some(crate::work::Received::Bytes(_)) => ", nothing received",
            _ => "",
        };
        format!(
            "nothing moved for {}: no processor time, no disk{network}, no new file",
            seconds(window.idle())
        )
    }
}

/// Who used the most processor time, and how much the others used.
fn cpu(recent: &Effort, in_time: &str) -> Option<String> {
    let total = recent.total_cpu();
    let (id, (kind, name, most)) = recent.cpu.iter().max_by_key(|(_, (_, _, time))| *time)?;
    let peers = recent.cpu.values().filter(|(other, _, _)| other == kind).count();
    Some(if peers > 1 && *kind != Kind::Other {
        format!(
            "{peers} {name} processes used {} of processor time {in_time}",
            seconds(recent.cpu_of(*kind))
        )
    } else if *most == total {
        format!(
            "{name} (pid {}) used {} of processor time {in_time}",
            id.pid,
            seconds(*most)
        )
    } else {
        format!(
            "{name} (pid {}) used {} of {} of processor time {in_time}",
            id.pid,
            seconds(*most),
            seconds(total)
        )
    })
}

fn named(id: ProcessId, member: &Member) -> String {
    format!("{} (pid {})", member.name, id.pid)
}

/// `0.4 s`, `12 s`, `2 min 5 s`, `3 h 4 min`.
fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    match whole {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} bytes"),
        1024..1_048_576 => format!("{}.{} KiB", count / 1024, count % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", count >> 20, (count % (1 << 20)) * 10 / (1 << 20)),
    }
}
