//! A state as text for people: the answer in the first line, then an entry for each process. Pure.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

use super::human;
use crate::by_process::{self, Entry, entries};
use crate::cargo::command;
use crate::cargo::origin::OriginKind;
use crate::os::Mode;
use crate::state::{Lock, Process, State};
use crate::verdict::{Class, Reason, Verdict};

/// How a state is shown.
pub(in crate::cli) struct View<'a> {
    /// What `~` stands for.
    pub(in crate::cli) home: Option<&'a str>,
    /// The terminal's width in columns; none where lines may be of any length.
    pub(in crate::cli) width: Option<usize>,
    /// Whether to show what blocks nobody.
    pub(in crate::cli) all: bool,
}

pub(in crate::cli) const STRONG: Style = Style::new().bold();
pub(in crate::cli) const FAINT: Style = Style::new().dimmed();
pub(in crate::cli) const WARN: Style = AnsiColor::Yellow.on_default();
pub(in crate::cli) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(in crate::cli) const GOOD: Style = AnsiColor::Green.on_default();

/// So many waiters are listed for each holder; with `--all` every one is.
const WAITERS_SHOWN: usize = 10;
/// So many processes that are in nobody's way are listed.
const REST_SHOWN: usize = 10;
/// The column in which the values of an entry begin.
const INDENT: usize = 14;

impl View<'_> {
    /// The whole text.
    pub(in crate::cli) fn render(&self, state: &State) -> String {
        let entries = entries(state);
        let (shown, rest): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) =
            entries.iter().partition(|entry| self.all || entry.matters());
        let mut text = self.headline(state, &entries, state.as_of);
        for entry in &shown {
            text.push('\n');
            self.entry(&mut text, state, entry);
        }
        for lock in state.locks.iter().filter(|lock| lock.holders.is_empty()) {
            text.push('\n');
            self.holderless(&mut text, state, lock);
        }
        self.bystanders(&mut text, state);
        self.rest(&mut text, &rest, shown.is_empty());
        if !state.notes.is_empty() {
            text.push('\n');
        }
        for note in &state.notes {
            let _ = writeln!(text, "{WARN}note:{WARN:#} {note}");
        }
        text
    }

    /// The processes that are in nobody's way: a line for each where there is nothing worse to show.
    fn rest(&self, text: &mut String, rest: &[&Entry<'_>], alone: bool) {
        let listed = if alone && rest.len() > 1 {
            REST_SHOWN.min(rest.len())
        } else {
            0
        };
        if listed > 0 {
            text.push('\n');
        }
        for entry in &rest[..listed] {
            let command = command::short(&entry.process.command);
            let _ = writeln!(
                text,
                "  pid {:<7}  {command}  {FAINT}holds {}{FAINT:#}",
                entry.process.pid,
                self.object(entry)
            );
        }
        let hint = match rest.len() {
            0 => return,
            1 if alone => "`lockwatch status --all` shows more about it".to_owned(),
            _ if alone && listed == rest.len() => "`lockwatch status --all` shows more about them".to_owned(),
            _ if alone => format!(
                "and {} more; `lockwatch status --all` shows all of them",
                rest.len() - listed
            ),
            number => {
                let processes = human::count(number, "process holds", "processes hold");
                format!("{processes} locks that block nobody; `lockwatch status --all` shows them")
            }
        };
        let _ = writeln!(text, "\n{FAINT}{hint}{FAINT:#}");
    }

    /// The answer in one line, with durations until `now`.
    pub(in crate::cli) fn headline(&self, state: &State, entries: &[Entry<'_>], now: Timestamp) -> String {
        let leader = entries
            .iter()
            .max_by_key(|entry| (entry.is_stuck(), entry.queue, std::cmp::Reverse(entry.process.pid)));
        let waiting = by_process::waiting_processes(state);
        let others = entries.len().saturating_sub(1);
        match leader {
            None if state.locks.is_empty() => format!("{STRONG}No Cargo lock is held{STRONG:#}\n"),
            Some(leader) if leader.queue > 0 || leader.is_stuck() => self.about_leader(now, leader, waiting),
            _ if waiting > 0 => format!(
                "{STRONG}{} for a Cargo lock that nobody is seen to hold{STRONG:#}\n",
                human::count(waiting, "process waits", "processes wait")
            ),
            Some(leader) if others == 0 => self.about_leader(now, leader, waiting),
            _ => {
                format!(
                    "{STRONG}{} hold Cargo locks; nobody is waiting{STRONG:#}\n",
                    human::count(entries.len(), "process", "processes")
                )
            }
        }
    }

    /// `cargo check (pid 4711, started by …) holds the build directory of …; 1 waiting`.
    fn about_leader(&self, now: Timestamp, leader: &Entry<'_>, waiting: usize) -> String {
        let command = command::short(&leader.process.command);
        let started = started(leader.process, now);
        let who = format!("{STRONG}{command}{STRONG:#} (pid {}, {started})", leader.process.pid);
        let what = self.object(leader);
        let doing = doing(leader.verdict);
        let queue = match (leader.queue, waiting.saturating_sub(leader.queue)) {
            (0, 0) => "nobody is waiting".to_owned(),
            (here, 0) => format!("{WARN}{here} waiting{WARN:#}"),
            (here, elsewhere) => format!("{WARN}{here} waiting{WARN:#}, {elsewhere} more elsewhere"),
        };
        format!("{who} {doing} {what}; {queue}\n")
    }

    /// What a process holds, as the answer names it: the lock that most wait for.
    pub(in crate::cli) fn object(&self, entry: &Entry<'_>) -> String {
        let lock = entry.main_lock;
        let place = human::path(lock.place(), self.home);
        let also = match entry.other_contended_locks() {
            0 => String::new(),
            others => format!(" and {}", human::count(others, "other lock", "other locks")),
        };
        format!("the {STRONG}{}{STRONG:#} of {place}{also}", lock.label)
    }

    /// All about one process: what it holds, the verdict, the advice, who waits for it.
    pub(in crate::cli) fn entry(&self, text: &mut String, state: &State, entry: &Entry<'_>) {
        self.title(text, entry.process);
        self.about(text, state, entry.process);
        let width = entry
            .holds
            .iter()
            .map(|(lock, mode)| held_as(lock, *mode).chars().count())
            .max()
            .unwrap_or(0);
        for (place, (lock, mode)) in entry.holds.iter().enumerate() {
            let path = human::path(&lock.path, self.home);
            let deleted = if lock.deleted {
                " (deleted: a cargo that starts now will not wait for it)"
            } else {
                ""
            };
            let name = if place == 0 { "holds" } else { "" };
            field(text, name, &format!("{:width$}  {path}{deleted}", held_as(lock, *mode)));
        }
        let verdict = entry.verdict;
        let style = style(verdict.class);
        field(text, "verdict", &format!("{style}{}{style:#}", judgement(verdict)));
        for line in &verdict.evidence {
            field(text, "", line);
        }
        field(text, "advice", &verdict.advice);
        self.waiters(text, state, entry);
    }

    fn title(&self, text: &mut String, process: &Process) {
        let pid = format!("pid {}", process.pid);
        let room = self
            .width
            .map_or(usize::MAX, |width| width.saturating_sub(pid.len() + 2).max(20));
        let _ = writeln!(text, "{STRONG}{}{STRONG:#}  {pid}", human::cut(&process.command, room));
    }

    fn about(&self, text: &mut String, state: &State, process: &Process) {
        field(text, "started by", &starter(process, state.as_of));
        for (name, value) in [("in", &process.cwd), ("toolchain", &process.toolchain)] {
            if let Some(value) = value {
                field(text, name, &human::path(value, self.home));
            }
        }
    }

    fn waiters(&self, text: &mut String, state: &State, entry: &Entry<'_>) {
        let shown = if self.all { usize::MAX } else { WAITERS_SHOWN };
        for (place, (lock, waiter)) in entry.behind.iter().enumerate().take(shown) {
            let name = if place == 0 { "waiting" } else { "" };
            let process = &waiter.process;
            let line = format!(
                "pid {}  {}  {FAINT}for the {}, {}{FAINT:#}",
                process.pid,
                process.command,
                lock.label,
                started(process, state.as_of)
            );
            field(text, name, &line);
        }
        let more = entry.behind.len().saturating_sub(shown);
        if more > 0 {
            field(
                text,
                "",
                &format!("and {more} more; `lockwatch status --all` shows them"),
            );
        }
    }

    /// A lock that somebody waits for, and whose holder could not be seen.
    fn holderless(&self, text: &mut String, state: &State, lock: &Lock) {
        let _ = writeln!(
            text,
            "{STRONG}{}{STRONG:#}  {}",
            lock.label,
            human::path(&lock.path, self.home)
        );
        field(text, "holder", "not seen");
        for (place, waiter) in lock.waiters.iter().enumerate() {
            let name = if place == 0 { "waiting" } else { "" };
            field(
                text,
                name,
                &format!(
                    "pid {}  {}  {FAINT}{}{FAINT:#}",
                    waiter.process.pid,
                    waiter.process.command,
                    started(&waiter.process, state.as_of)
                ),
            );
        }
    }

    fn bystanders(&self, text: &mut String, state: &State) {
        let Some(processes) = state.processes.as_ref().filter(|processes| !processes.is_empty()) else {
            return;
        };
        let _ = writeln!(text, "\n{STRONG}Not involved{STRONG:#}");
        let width = processes
            .iter()
            .map(|process| process.command.chars().count())
            .max()
            .unwrap_or(0)
            .min(60);
        for process in processes {
            let folder = process
                .cwd
                .as_deref()
                .map(|cwd| format!(" in {}", human::path(cwd, self.home)))
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "  pid {:<7}  {:width$}  {FAINT}{}{folder}{FAINT:#}",
                process.pid,
                human::cut(&process.command, 60),
                started(process, state.as_of)
            );
        }
    }
}

/// One line of an entry.
pub(in crate::cli) fn field(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {FAINT}{name:<width$}{FAINT:#}{value}", width = INDENT - 2);
}

pub(in crate::cli) fn held_as(lock: &Lock, mode: Option<Mode>) -> String {
    match mode {
        Some(Mode::Exclusive) => format!("{}, exclusive", lock.label),
        Some(Mode::Shared) => format!("{}, shared", lock.label),
        None => lock.label.clone(),
    }
}

/// `started by rust-analyzer 2m 13s ago`.
pub(in crate::cli) fn started(process: &Process, now: Timestamp) -> String {
    let ago = match process.started_at {
        Some(at) => format!("{} ago", human::since(at, now)),
        None => "at an unknown time".to_owned(),
    };
    match (process.origin.kind, process.origin.name.as_deref()) {
        (OriginKind::Orphan, Some(name)) => format!("started {ago} by {name}, which is gone"),
        (OriginKind::Orphan, None) => format!("started {ago}, its starter is gone"),
        (_, Some(name)) => format!("started by {name} {ago}"),
        (_, None) => format!("started {ago}"),
    }
}

/// `rust-analyzer (editor, pid 4600), 2m 13s ago`.
pub(in crate::cli) fn starter(process: &Process, now: Timestamp) -> String {
    let origin = &process.origin;
    let kind = kind_name(origin.kind);
    let who = match (origin.name.as_deref(), origin.pid) {
        (Some(name), Some(pid)) => format!("{name} ({kind}, pid {pid})"),
        (Some(name), None) => format!("{name} ({kind})"),
        (None, Some(pid)) => format!("{kind} (pid {pid})"),
        (None, None) if origin.kind == OriginKind::Orphan => "a process that is gone".to_owned(),
        (None, None) => kind.to_owned(),
    };
    match process.started_at {
        Some(at) => format!("{who}, {} ago", human::since(at, now)),
        None => who,
    }
}

fn kind_name(kind: OriginKind) -> &'static str {
    match kind {
        OriginKind::Terminal => "terminal",
        OriginKind::Editor => "editor",
        OriginKind::Agent => "agent",
        OriginKind::Ci => "CI",
        OriginKind::Service => "service",
        OriginKind::Orphan => "gone",
        OriginKind::Unknown => "unknown",
    }
}

fn doing(verdict: &Verdict) -> String {
    match (verdict.class, verdict.reason) {
        (Class::Stuck, Reason::Suspended) => format!("is {BAD}suspended{BAD:#} and holds"),
        (Class::Stuck, Reason::Deadlock) => format!("is {BAD}deadlocked{BAD:#} and holds"),
        (Class::Stuck, _) => format!("is {BAD}stuck{BAD:#} and holds"),
        (Class::Quiet, Reason::Traced) => "is stopped by a debugger and holds".to_owned(),
        _ => "holds".to_owned(),
    }
}

pub(in crate::cli) fn judgement(verdict: &Verdict) -> &'static str {
    judged(verdict.class, verdict.reason)
}

/// A class and a reason in a few words; what stands before the colon, or all of it, is the class.
pub(in crate::cli) fn judged(class: Class, reason: Reason) -> &'static str {
    match (class, reason) {
        (Class::Stuck, Reason::Suspended) => "stuck: suspended",
        (Class::Stuck, Reason::Deadlock) => "stuck: deadlock",
        (Class::Stuck, Reason::Prompt) => "stuck: waits for a person",
        (Class::Stuck, Reason::Orphaned) => "stuck: whoever started it is gone",
        (Class::Stuck, _) => "stuck",
        (Class::Waiting, _) => "waiting for another Cargo lock itself",
        (Class::Quiet, Reason::Traced) => "quiet: stopped by a debugger",
        (Class::Quiet, Reason::Remote) => "quiet: a worker elsewhere may be at it",
        (Class::Quiet, Reason::Downloading) => "quiet: waits for the network",
        (Class::Quiet, _) => "quiet",
        (Class::Working, Reason::Compiling) => "working: compiling",
        (Class::Working, Reason::Linking) => "working: linking",
        (Class::Working, Reason::BuildScript) => "working: build script",
        (Class::Working, Reason::Downloading) => "working: downloading",
        (Class::Working, Reason::Unpacking) => "working: unpacking",
        (Class::Working, Reason::Resolving) => "working: resolving",
        (Class::Working, _) => "working",
        (Class::Unknown, _) => "not known",
    }
}

fn style(class: Class) -> Style {
    match class {
        Class::Stuck => BAD,
        Class::Waiting | Class::Quiet => WARN,
        Class::Working => GOOD,
        Class::Unknown => FAINT,
    }
}

#[cfg(test)]
mod tests;
