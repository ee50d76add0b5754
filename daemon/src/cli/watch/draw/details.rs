//! All that is known about the selected row.

use std::collections::BTreeSet;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{FAINT, Picture, STRONG, fit};
use crate::by_process::{Entry, entries};
use crate::cargo::command;
use crate::cli::status::view;
use crate::cli::watch::rows::Row;
use crate::process::Pid;
use crate::state::{Holder, Lock, Process, State, Waiter};
use crate::token::Token;

/// The column in which values begin.
const INDENT: usize = 13;

pub(super) fn lines(picture: &Picture<'_>, row: &Row<'_>, width: usize) -> Vec<Line<'static>> {
    let mut sheet = Sheet {
        picture,
        width,
        lines: Vec::new(),
    };
    match row {
        Row::Holder(entry) => sheet.holder(entry),
        Row::Waiter { lock, waiter, .. } => sheet.waiter(lock, waiter),
        Row::Unseen(lock) => sheet.unseen(lock),
        Row::More { number, .. } => sheet.text(&format!("{number} more processes wait; ⏎ lists them"), Style::new()),
        Row::Rest(_) => sheet.text("Processes that hold locks and block nobody; a shows them", Style::new()),
        Row::Note(note) => sheet.text(note, Style::new()),
    }
    sheet.lines
}

struct Sheet<'a> {
    picture: &'a Picture<'a>,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Sheet<'_> {
    fn text(&mut self, text: &str, style: Style) {
        for line in fit::wrap(text, self.width.saturating_sub(2)) {
            self.lines.push(Line::from(format!(" {line}")).style(style));
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        self.styled(name, value, Style::new());
    }

    /// A name and its value, which goes on below itself.
    fn styled(&mut self, name: &str, value: &str, style: Style) {
        let room = self.width.saturating_sub(INDENT + 1);
        // On a narrow screen the value stands below its name.
        let (indent, room) = if room >= 20 {
            (INDENT, room)
        } else {
            self.lines
                .extend((!name.is_empty()).then(|| Line::from(format!(" {name}")).style(FAINT)));
            (3, self.width.saturating_sub(4))
        };
        for (place, line) in fit::wrap(value, room).into_iter().enumerate() {
            let name = if place == 0 && indent == INDENT { name } else { "" };
            self.lines.push(Line::from(vec![
                Span::raw(format!(" {}", fit::fill(name, indent - 1))).style(FAINT),
                Span::raw(line).style(style),
            ]));
        }
    }

    fn process(&mut self, process: &Process) {
        let argv = if process.argv.is_empty() {
            process.command.clone()
        } else {
            process.argv.join(" ")
        };
        let cut = if process.argv_truncated {
            " … (cut at 4 KiB)"
        } else {
            ""
        };
        self.text(&format!("{argv}{cut}  (pid {})", process.pid), STRONG);
        self.field("started by", &view::starter(process, self.picture.now));
        self.file("in", process.cwd.as_deref());
    }

    /// What is seldom asked for.
    fn program(&mut self, process: &Process) {
        self.file("program", process.exe.as_deref());
        if let Some(toolchain) = &process.toolchain {
            self.field("toolchain", toolchain);
        }
    }

    fn file(&mut self, name: &str, path: Option<&str>) {
        if let Some(path) = path {
            self.field(name, &self.picture.theme.path(path));
        }
    }

    fn holder(&mut self, entry: &Entry<'_>) {
        self.process(entry.process);
        let verdict = entry.verdict;
        let style = self.picture.theme.class(verdict.class);
        self.styled("verdict", view::judgement(verdict), style);
        for line in &verdict.evidence {
            self.field("", line);
        }
        self.field("advice", &verdict.advice);
        for (place, (lock, mode)) in entry.holds.iter().enumerate() {
            let held = lock.holders.iter().find(|one| one.process.pid == entry.process.pid);
            let held = self.picture.for_so_long(held.and_then(|one| one.held_ms));
            let name = if place == 0 { "holds" } else { "" };
            self.field(name, &format!("{}{held}", view::held_as(lock, *mode)));
            self.path(lock);
        }
        self.chain(entry.process.pid);
        self.tree(entry);
        self.program(entry.process);
    }

    fn waiter(&mut self, lock: &Lock, waiter: &Waiter) {
        self.process(&waiter.process);
        let lasted = self.picture.for_so_long(waiter.waited_ms);
        self.field("waits for", &format!("{}{lasted}", view::held_as(lock, waiter.mode)));
        self.path(lock);
        self.blockers(waiter);
        let state = self.picture.state;
        if let Some(entry) = entries(state)
            .iter()
            .find(|entry| entry.process.pid == waiter.process.pid)
        {
            for (place, (lock, mode)) in entry.holds.iter().enumerate() {
                let name = if place == 0 { "holds" } else { "" };
                self.field(name, &view::held_as(lock, *mode));
                self.path(lock);
            }
            self.tree(entry);
        }
        self.program(&waiter.process);
    }

    fn unseen(&mut self, lock: &Lock) {
        self.text(&lock.label, STRONG);
        self.path(lock);
        self.field("holder", "not seen; the notes say why");
        self.field("waiting", &lock.waiters.len().to_string());
    }

    fn path(&mut self, lock: &Lock) {
        let mut path = self.picture.theme.path(&lock.path);
        if lock.deleted {
            path += " (deleted: a cargo that starts now will not wait for it)";
        }
        self.styled("", &path, FAINT);
    }

    /// What the process itself waits for.
    fn chain(&mut self, pid: Pid) {
        let locks = &self.picture.state.locks;
        let waits = locks
            .iter()
            .flat_map(|lock| lock.waiters.iter().map(move |waiter| (lock, waiter)))
            .filter(|(_, waiter)| waiter.process.pid == pid);
        for (lock, waiter) in waits {
            self.field("waits for", &view::held_as(lock, waiter.mode));
            self.path(lock);
            self.blockers(waiter);
        }
    }

    /// Behind whom somebody waits, and who is at the head of that queue.
    fn blockers(&mut self, waiter: &Waiter) {
        let behind = named(self.picture.state, &waiter.blocked_by);
        let heads = named(self.picture.state, &waiter.root);
        match behind.as_slice() {
            [] => self.field("behind", "a process that is not seen"),
            behind => self.field("behind", &behind.join(", ")),
        }
        if !heads.is_empty() && heads != behind {
            self.field("head", &format!("{} of the queue", heads.join(", ")));
        }
    }

    /// Who waits because of it, and because of those.
    fn tree(&mut self, entry: &Entry<'_>) {
        if entry.behind.is_empty() {
            return;
        }
        let all = entries(self.picture.state);
        let mut seen = BTreeSet::from([entry.process.pid]);
        let number = match entry.queue.max(entry.behind.len()) {
            number if number > entry.behind.len() => format!("{number} in the queue"),
            number => number.to_string(),
        };
        self.field("waiting", &number);
        self.branches(entry, &all, "", &mut seen);
    }

    fn branches(&mut self, entry: &Entry<'_>, all: &[Entry<'_>], before: &str, seen: &mut BTreeSet<Pid>) {
        let last = entry.behind.len();
        for (place, (lock, waiter)) in entry.behind.iter().enumerate() {
            let (branch, below) = if place + 1 == last {
                ("└ ", "  ")
            } else {
                ("├ ", "│ ")
            };
            let process = &waiter.process;
            let lasted = self.picture.for_so_long(waiter.waited_ms);
            let line = Line::from(vec![
                Span::raw(format!("   {before}{branch}")).style(FAINT),
                Span::raw(command::short(&process.command).to_owned()),
                Span::raw(format!("  pid {}{lasted}", process.pid)),
                Span::raw(format!("  {}", lock.label)).style(FAINT),
            ]);
            self.lines.push(fit::cut_line(line, self.width));
            // In a circle everyone is behind everyone.
            if seen.insert(process.pid)
                && let Some(next) = all.iter().find(|one| one.process.pid == process.pid)
            {
                self.branches(next, all, &format!("{before}{below}"), seen);
            }
        }
    }
}

/// The holders that tokens name, each once.
fn named(state: &State, tokens: &[Token]) -> Vec<String> {
    let holders = state.locks.iter().flat_map(|lock| &lock.holders);
    let named: BTreeSet<(Pid, String)> = holders
        .filter(|holder| tokens.contains(&holder.token))
        .map(|Holder { process, .. }| {
            (
                process.pid,
                format!("{} (pid {})", command::short(&process.command), process.pid),
            )
        })
        .collect();
    named.into_iter().map(|(_, name)| name).collect()
}
