//! Explanations as text for people. Pure, but for the names of files that [`Folders::files`] looks up.

use std::fmt::Write as _;
use std::path::Path;

use super::super::human::{self, wrap};
use super::super::status::view::{BAD, FAINT, STRONG, View as StatusView, WARN, field, judgement, started};
use crate::by_process::{self, Entry, entries};
use crate::cargo::command;
use crate::cargo::lock_kind::{CargoVersion, HeldFor};
use crate::explain::files::Folders;
use crate::explain::message::MARK;
use crate::explain::symptom::{SYMPTOMS, Symptom};
use crate::explain::{Explanation, Meaning};
use crate::state::State;
use crate::text;

/// How explanations are shown.
pub(super) struct View<'a> {
    /// What `~` stands for.
    pub(super) home: Option<&'a str>,
    /// The terminal's width in columns; none where it is no terminal.
    pub(super) width: Option<usize>,
    /// The cargo of the current folder.
    pub(super) version: Option<CargoVersion>,
    /// Where its files lie.
    pub(super) folders: Folders,
    /// Whether a folder is a Cargo home.
    pub(super) is_home: &'a dyn Fn(&Path) -> bool,
}

/// So many holders are shown in full.
const SHOWN: usize = 3;
/// Prose is no wider than this: longer lines are hard to read.
const PROSE: usize = 100;
/// The column in which the values begin, as in `status`.
const INDENT: usize = 14;

const PROTECTION: &str = "Another cargo has this lock. Whoever printed the line waits, and goes on by itself as soon as the lock is \
    free: a protection, not an error. Without it two cargos would write over each other's files.";

const DO_NOT: &str = "delete the file. The lock is in the kernel, not in the file: it has no content, it stays there when the \
    lock is free, and it holds up nobody. Who has the lock keeps it on the deleted file, the next cargo makes a new one of the same \
    name, locks that, and both write into the same folder at once";

const NO_PKILL: &str = "end all cargos (`pkill cargo`): that ends builds that work, and leaves their compilers running. \
    `lockwatch stop` ends the one that is in the way, with what it started";

impl View<'_> {
    /// Everything about the messages of a text, each with how often it was there.
    pub(super) fn explanations(&self, explained: &[(Explanation, usize)], state: &State) -> String {
        let mut text = String::new();
        for (explanation, times) in explained {
            if !text.is_empty() {
                text.push('\n');
            }
            Self::title(&mut text, explanation, *times);
            self.prose(&mut text, PROTECTION);
            text.push('\n');
            self.about(&mut text, explanation);
            self.now(&mut text, explanation, state);
        }
        text.push('\n');
        for sentence in [DO_NOT, NO_PKILL] {
            self.value(&mut text, "do not", sentence);
        }
        notes(&mut text, state);
        text
    }

    fn title(text: &mut String, explanation: &Explanation, times: usize) {
        let words = text::escape(explanation.words.as_ref());
        let times = if times > 1 {
            format!("  {FAINT}{times} times in the text{FAINT:#}")
        } else {
            String::new()
        };
        let _ = writeln!(text, "{STRONG}Blocking {MARK}{words}{STRONG:#}{times}\n");
    }

    /// What the lock is for, and which file it is.
    fn about(&self, text: &mut String, explanation: &Explanation) {
        let main = explanation.main();
        self.value(text, "protects", main.file.protects);
        self.value(text, "held for", held_for(main.usage.held_for));
        for (place, file) in self.folders.files(explanation).iter().enumerate() {
            let name = if place == 0 { "file" } else { "" };
            field(text, name, &human::path(file, self.home));
        }
        if explanation.named.is_some() {
            return;
        }
        field(text, "cargo", &self.whose(explanation));
        let mut others: Vec<String> = Vec::new();
        for meaning in &explanation.otherwise {
            let line = in_other_cargos(meaning);
            let is_plain = meaning.usage.unstable.is_none();
            if is_plain && !others.contains(&line) && !explanation.here.is_empty() {
                others.push(line);
            }
        }
        for (place, line) in others.iter().enumerate() {
            let name = if place == 0 { "otherwise" } else { "" };
            field(text, name, &format!("{FAINT}{line}{FAINT:#}"));
        }
    }

    /// Which Cargo says so.
    fn whose(&self, explanation: &Explanation) -> String {
        let said_by = || {
            let mut versions: Vec<String> = Vec::new();
            for Meaning { usage, .. } in explanation.meanings() {
                // What takes an option that nearly nobody has is left out where the words have a plain meaning.
                if usage.unstable.is_some() && explanation.here.iter().any(|here| here.usage.unstable.is_none()) {
                    continue;
                }
                let with = usage
                    .unstable
                    .map(|option| format!(" with {option}"))
                    .unwrap_or_default();
                let line = format!("{}{with}", usage.versions);
                if !versions.contains(&line) {
                    versions.push(line);
                }
            }
            versions.join(", ")
        };
        match self.version {
            Some(version) if explanation.here.is_empty() => {
                format!("said by {}; this folder has {version}", said_by())
            }
            Some(version) => format!("{version} in this folder"),
            None => format!("said by {}; which one this folder has is not known", said_by()),
        }
    }

    /// Who holds it at this moment.
    fn now(&self, text: &mut String, explanation: &Explanation, state: &State) {
        let entries = entries(state);
        let about = |entry: &Entry<'_>| {
            let mut holds = entry.holds.iter();
            holds.any(|(lock, mode)| explanation.can_be_about(lock, *mode, self.is_home))
        };
        let files = self.folders.files(explanation);
        let is_here = |entry: &Entry<'_>| entry.holds.iter().any(|(lock, _)| files.contains(&lock.path));
        let (here, elsewhere): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) = entries
            .iter()
            .filter(|entry| about(entry))
            .partition(|entry| is_here(entry));
        // The text may be of another project: there it is who has somebody behind him.
        let in_the_way: Vec<&Entry<'_>> = elsewhere.iter().copied().filter(|entry| entry.matters()).collect();
        let shown = if here.is_empty() { &in_the_way } else { &here };
        if here.is_empty() {
            text.push('\n');
            let sentence = match (in_the_way.is_empty(), elsewhere.len()) {
                (true, 0) => "Nobody holds such a lock now: whoever waited for it has gone on. If the line is still the last one on a \
                              screen, what comes after it takes its time.".to_owned(),
                (true, others) => format!(
                    "Nobody holds the lock of this folder now: whoever waited for it has gone on. In other places {} such a lock, and \
                     nobody waits for it; `lockwatch status --all` shows them.",
                    human::count(others, "process holds", "processes hold")
                ),
                (false, _) => "Nobody holds the lock of this folder now. In other places somebody waits for such a lock:".to_owned(),
            };
            self.prose(text, &sentence);
        }
        for entry in shown.iter().take(SHOWN) {
            text.push('\n');
            self.status().entry(text, state, entry);
        }
        let more = shown.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(
                text,
                "\n{FAINT}and {more} more; `lockwatch status --all` shows them{FAINT:#}"
            );
        }
        if shown
            .iter()
            .any(|entry| entry.holds.iter().any(|(lock, _)| lock.deleted))
        {
            let _ = writeln!(text);
            self.prose(
                text,
                "The file of this lock was deleted while it was held, so the next cargo does not wait for it, and both write into \
                 the same folder: start no other until this one has ended.",
            );
        }
    }

    /// The moment in prose, and what it can be that nothing seems to happen.
    pub(super) fn picture(&self, state: &State) -> String {
        let entries = entries(state);
        let matter: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.matters()).collect();
        let mut text = String::new();
        for (place, entry) in matter.iter().take(SHOWN).enumerate() {
            if place > 0 {
                text.push('\n');
            }
            self.story(&mut text, state, entry);
        }
        let more = matter.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(text, "\n{FAINT}and {more} more; `lockwatch status` shows them{FAINT:#}");
        }
        if matter.is_empty() {
            text += &self.status().headline(state, &entries, state.as_of);
            if by_process::waiting_processes(state) == 0 {
                text.push('\n');
                self.prose(
                    &mut text,
                    "No cargo is in another's way at this moment. If one seems to stand still, it is not for a lock of Cargo's.",
                );
            }
        }
        text.push('\n');
        self.table(&mut text, state);
        let _ = writeln!(
            text,
            "\n{FAINT}`lockwatch explain \"Blocking waiting …\"` says what such a line of Cargo's means{FAINT:#}"
        );
        notes(&mut text, state);
        text
    }

    /// One holder that matters, in sentences.
    fn story(&self, text: &mut String, state: &State, entry: &Entry<'_>) {
        let command = command::short(&entry.process.command);
        let lock = entry.main_lock;
        let place = human::path(lock.place(), self.home);
        let behind = match entry.behind.as_slice() {
            [] => "Nobody waits for it".to_owned(),
            [(_, one)] => format!(
                "{} (pid {}, {}) waits for it",
                command::short(&one.process.command),
                one.process.pid,
                started(&one.process, state.as_of)
            ),
            _ => format!("{} wait for it", human::count(entry.queue, "process", "processes")),
        };
        let evidence = entry.verdict.evidence.first();
        let evidence = evidence.map(|line| format!(" ({line})")).unwrap_or_default();
        self.prose(
            text,
            &format!(
                "{command} (pid {}, {}) holds the {} of {place}. {behind}. Its verdict is: {}{evidence}. What to do: {}.",
                entry.process.pid,
                started(entry.process, state.as_of),
                lock.label,
                judgement(entry.verdict),
                entry.verdict.advice,
            ),
        );
    }

    /// What a text shows that has no line about a lock.
    pub(super) fn symptom(&self, symptom: &Symptom, state: &State) -> String {
        let mut text = format!("{STRONG}This is no wait for a lock, but: {}{STRONG:#}\n", symptom.name);
        self.prose(&mut text, &capital(&format!("{}.", symptom.advice)));
        text.push('\n');
        self.table(&mut text, state);
        notes(&mut text, state);
        text
    }

    /// What it can be that nothing seems to happen.
    fn table(&self, text: &mut String, state: &State) {
        let (name, now) = (INDENT - 1, 5);
        // Names, seen, advice and now, with two blanks between.
        let room = self.room() - name - now - 4;
        let (seen, advice) = (room * 2 / 5, room - room * 2 / 5);
        let mut row = |cells: [&str; 4], style: anstyle::Style| {
            let columns = [
                wrap(cells[0], name),
                wrap(cells[1], now),
                wrap(cells[2], seen),
                wrap(cells[3], advice),
            ];
            let height = columns.iter().map(Vec::len).max().unwrap_or(0);
            let cell = |column: usize, line: usize| columns[column].get(line).map_or("", String::as_str);
            for line in 0..height {
                let whole = format!(
                    "{style}{:name$}{style:#} {:now$} {:seen$}  {}",
                    cell(0, line),
                    cell(1, line),
                    cell(2, line),
                    cell(3, line)
                );
                let _ = writeln!(text, "{}", whole.trim_end());
            }
        };
        row(["it is", "now", "you see", "what it is, and what to do"], FAINT);
        for symptom in &SYMPTOMS {
            let number = symptom.now(state);
            let style = match number {
                Some(0) | None => anstyle::Style::new(),
                Some(_) if symptom.name == "stuck" => BAD,
                Some(_) => WARN,
            };
            let number = number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            row([symptom.name, &number, symptom.seen, symptom.advice], style);
        }
    }

    /// The columns that a text may have.
    fn room(&self) -> usize {
        self.width.unwrap_or(PROSE).clamp(60, PROSE)
    }

    fn prose(&self, text: &mut String, sentences: &str) {
        for line in wrap(sentences, self.room()) {
            let _ = writeln!(text, "{line}");
        }
    }

    /// A field whose value may take several lines.
    fn value(&self, text: &mut String, name: &str, value: &str) {
        for (place, line) in wrap(value, self.room() - INDENT).iter().enumerate() {
            field(text, if place == 0 { name } else { "" }, line);
        }
    }

    fn status(&self) -> StatusView<'_> {
        StatusView {
            home: self.home,
            width: self.width,
            all: false,
        }
    }
}

fn held_for(span: HeldFor) -> &'static str {
    match span {
        HeldFor::Moment => "milliseconds, while one file is read or written",
        HeldFor::Step => "one step (a resolve, an index query, a batch of downloads), not the compile",
        HeldFor::Compile => "the whole compile; `cargo run` and `cargo test` let go before the program starts",
        HeldFor::Command => "the whole command",
    }
}

/// `cargo 1.93 to 1.95 (check, clippy, fix): <target>/<profile>/.cargo-lock`.
fn in_other_cargos(meaning: &Meaning) -> String {
    let Meaning { file, usage } = meaning;
    let with = usage
        .unstable
        .map(|option| format!(" with {option}"))
        .unwrap_or_default();
    format!("cargo {}{with} ({}): {}", usage.versions, usage.commands, file.lies_at)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

fn notes(text: &mut String, state: &State) {
    if !state.notes.is_empty() {
        text.push('\n');
    }
    for note in &state.notes {
        let _ = writeln!(text, "{WARN}note:{WARN:#} {note}");
    }
}

#[cfg(test)]
mod tests;
