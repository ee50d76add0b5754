//! What the icon says: a state becomes a shape, a sentence and rows of text. Pure.

mod names;
#[cfg(test)]
mod tests;

use lockwatch::by_process::{Entry, entries, waiting_processes};
use lockwatch::os::LookError;
use lockwatch::state::{Lock, State};
use lockwatch::verdict::{Class, Reason, Verdict};

use crate::icon::Shape;

/// So many holders have rows of their own.
const MAX_HOLDERS: usize = 6;
/// So many waiters are listed below each holder.
const MAX_WAITERS: usize = 3;
/// So many notes are shown.
const MAX_NOTES: usize = 2;
/// What sets a row apart that belongs to the one above it.
const INDENT: &str = "    ";

/// All that is shown at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// The shape of the icon.
    pub(crate) icon: Shape,
    /// The answer in one line: who is in the way.
    pub(crate) tooltip: String,
    /// What is going on, in numbers.
    pub(crate) headline: String,
    /// Who holds and who waits, a row each.
    pub(crate) rows: Vec<String>,
}

impl Model {
    /// What a state says; `home` is what `~` stands for.
    pub(crate) fn of(state: &State, home: Option<&str>) -> Self {
        let entries = entries(state);
        Self {
            icon: shape(state),
            tooltip: answer(state, &entries, home),
            headline: headline(state, &entries),
            rows: rows(state, &entries, home),
        }
    }

    /// Where the locks cannot be seen.
    pub(crate) fn unseen(error: &LookError) -> Self {
        let sentence = format!("Cannot see Cargo's locks: {error}");
        Self {
            icon: Shape::Stuck,
            tooltip: sentence.clone(),
            headline: sentence,
            rows: Vec::new(),
        }
    }
}

fn shape(state: &State) -> Shape {
    match state.summary {
        summary if summary.stuck > 0 => Shape::Stuck,
        summary if summary.contended > 0 => Shape::Contended,
        summary if summary.held > 0 => Shape::Held,
        _ => Shape::Free,
    }
}

fn headline(state: &State, entries: &[Entry<'_>]) -> String {
    let waiting = waiting_processes(state);
    let queue = if waiting == 0 {
        "nobody is waiting".to_owned()
    } else {
        format!("{waiting} waiting")
    };
    match (entries.len(), state.summary.stuck) {
        (0, _) if waiting == 0 => "No Cargo lock is held".to_owned(),
        (0, _) => format!("{} for a Cargo lock", count(waiting, "process waits", "processes wait")),
        (holding, 0) => format!(
            "{} Cargo locks; {queue}",
            count(holding, "process holds", "processes hold")
        ),
        (_, 1) => format!("1 process is stuck and holds Cargo locks; {queue}"),
        (_, stuck) => format!("{stuck} processes are stuck and hold Cargo locks; {queue}"),
    }
}

/// The sentence about the holder that most wait for, or that is stuck; the headline where none stands out.
fn answer(state: &State, entries: &[Entry<'_>], home: Option<&str>) -> String {
    match entries {
        [first, rest @ ..] if first.matters() || rest.is_empty() => {
            let queue = match (first.queue, waiting_processes(state).saturating_sub(first.queue)) {
                (0, 0) => "nobody is waiting".to_owned(),
                (here, 0) => format!("{here} waiting"),
                (here, elsewhere) => format!("{here} waiting, {elsewhere} more elsewhere"),
            };
            format!("{}; {queue}", sentence(first, home))
        }
        _ => headline(state, entries),
    }
}

fn rows(state: &State, entries: &[Entry<'_>], home: Option<&str>) -> Vec<String> {
    let mut rows = Vec::new();
    // Where somebody is in the way, what blocks nobody only distracts from it.
    let mattering = entries.iter().filter(|entry| entry.matters()).count();
    let listed = if mattering == 0 { entries } else { &entries[..mattering] };
    let (shown, more) = split(listed, MAX_HOLDERS);
    for entry in shown {
        rows.push(sentence(entry, home));
        let (waiters, more) = split(&entry.behind, MAX_WAITERS);
        for (lock, waiter) in waiters {
            rows.push(format!(
                "{INDENT}{} waits for the {}",
                names::process(&waiter.process),
                lock.label
            ));
        }
        if more > 0 {
            rows.push(format!("{INDENT}and {more} more"));
        }
    }
    if more > 0 {
        rows.push(format!("and {}", count(more, "more process", "more processes")));
    }
    rows.extend(
        state
            .locks
            .iter()
            .filter(|lock| lock.holders.is_empty())
            .map(|lock| holderless(lock, home)),
    );
    if mattering > 0 && mattering < entries.len() {
        rows.push(format!(
            "{} locks that block nobody",
            count(entries.len() - mattering, "process holds", "processes hold")
        ));
    }
    for note in state.notes.iter().take(MAX_NOTES) {
        let lines = names::note_lines(note).into_iter().enumerate();
        rows.extend(lines.map(|(place, line)| format!("{}{line}", if place == 0 { "note: " } else { INDENT })));
    }
    rows
}

/// The first so many, and how many are left. A row that says "1 more" would take the place of that one.
fn split<T>(all: &[T], limit: usize) -> (&[T], usize) {
    let shown = if all.len() == limit + 1 {
        all.len()
    } else {
        all.len().min(limit)
    };
    (&all[..shown], all.len() - shown)
}

/// `cargo check (pid 4711) holds the build directory of ~/src/parity`.
fn sentence(entry: &Entry<'_>, home: Option<&str>) -> String {
    let (lock, others) = (entry.main_lock, entry.other_contended_locks());
    let object = format!("the {} of {}", lock.label, names::place(lock, home));
    let also = if others == 0 {
        String::new()
    } else {
        format!(" and {}", count(others, "other lock", "other locks"))
    };
    format!(
        "{} {} {object}{also}",
        names::process(entry.process),
        doing(entry.verdict)
    )
}

/// A lock that somebody waits for, and whose holder could not be seen.
fn holderless(lock: &Lock, home: Option<&str>) -> String {
    let waiting = count(lock.waiters.len(), "process waits", "processes wait");
    format!(
        "{waiting} for the {} of {}; who holds it is not seen",
        lock.label,
        names::place(lock, home)
    )
}

fn doing(verdict: &Verdict) -> &'static str {
    match (verdict.class, verdict.reason) {
        (Class::Stuck, Reason::Suspended) => "is suspended and holds",
        (Class::Stuck, Reason::Deadlock) => "is deadlocked and holds",
        (Class::Stuck, _) => "is stuck and holds",
        (Class::Quiet, Reason::Traced) => "is stopped by a debugger and holds",
        (Class::Waiting, _) => "waits itself and holds",
        _ => "holds",
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
