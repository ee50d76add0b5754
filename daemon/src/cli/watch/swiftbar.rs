//! The state as a menu for a streaming plugin of SwiftBar. Pure.
//!
//! Each menu begins with a line `~~~`; SwiftBar shows what comes after the last one. The first line goes into the menu bar,
//! those below `---` into the menu, and what follows ` | ` on a line are its parameters.

use std::fmt::Write as _;

use crate::by_process::{Entry, entries, waiting_processes};
use crate::cargo::command;
use crate::cli::human;
use crate::cli::status::view::{self, View};
use crate::engine::Published;
use crate::state::State;
use crate::verdict::Class;

/// So many waiters are listed for each holder, and so many holders that block nobody.
const SHOWN: usize = 10;

/// Names are shown as they are: `:name:` is no emoji or symbol.
const PLAIN: &str = "emojize=false symbolize=false ansi=false trim=false";

pub(super) fn menu(published: &Published) -> String {
    render(&published.state, super::home().as_deref())
}

fn render(state: &State, home: Option<&str>) -> String {
    let entries = entries(state);
    let view = View {
        home,
        width: None,
        all: false,
    };
    let waiting = waiting_processes(state);
    let (title, image) = match state.summary {
        summary if summary.stuck > 0 => ("stuck".to_owned(), "exclamationmark.lock.fill"),
        _ if waiting > 0 => (format!("{waiting} waiting"), "lock.fill"),
        summary if summary.held > 0 => ("held".to_owned(), "lock"),
        _ => ("free".to_owned(), "lock.open"),
    };
    let mut menu = format!("~~~\n{title} | sfimage={image}\n---\n");
    let answer = view.headline(state, &entries, state.as_of);
    item(
        &mut menu,
        "",
        &anstream::adapter::strip_str(answer.trim_end()).to_string(),
    );
    let (shown, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.matters());
    for entry in &shown {
        menu.push_str("---\n");
        holder(&mut menu, &view, entry);
    }
    for lock in state.locks.iter().filter(|lock| lock.holders.is_empty()) {
        menu.push_str("---\n");
        let place = human::path(lock.place(), home);
        item(
            &mut menu,
            "",
            &format!("The {} of {place}: its holder is not seen", lock.label),
        );
        let waiting = human::count(lock.waiters.len(), "process waits", "processes wait");
        item(&mut menu, "", &format!("   {waiting}"));
    }
    if !rest.is_empty() {
        menu.push_str("---\n");
        let processes = human::count(rest.len(), "process holds", "processes hold");
        item(&mut menu, "", &format!("{processes} locks that block nobody"));
    }
    for entry in rest.iter().take(SHOWN) {
        item(
            &mut menu,
            "--",
            &format!("{}, holds {}", name(entry), object(&view, entry)),
        );
    }
    more(&mut menu, "--", rest.len());
    if !state.notes.is_empty() {
        menu.push_str("---\n");
    }
    for note in &state.notes {
        item(&mut menu, "", &format!("Note: {note}"));
    }
    menu
}

fn holder(menu: &mut String, view: &View<'_>, entry: &Entry<'_>) {
    let class = entry.verdict.class;
    let judgement = match class {
        Class::Unknown => String::new(),
        _ => format!(": {}", view::judgement(entry.verdict)),
    };
    item(menu, "", &format!("{}{judgement}", name(entry)));
    item(menu, "", &format!("   holds {}", object(view, entry)));
    for line in &entry.verdict.evidence {
        item(menu, "", &format!("   {line}"));
    }
    item(menu, "", &format!("   Advice: {}", entry.verdict.advice));
    for (lock, waiter) in entry.behind.iter().take(SHOWN) {
        let command = command::short(&waiter.process.command);
        let text = format!("   {command} (pid {}) waits for the {}", waiter.process.pid, lock.label);
        item(menu, "", &text);
    }
    more(menu, "", entry.behind.len());
}

fn name(entry: &Entry<'_>) -> String {
    format!("{} (pid {})", command::short(&entry.process.command), entry.process.pid)
}

fn object(view: &View<'_>, entry: &Entry<'_>) -> String {
    anstream::adapter::strip_str(&view.object(entry)).to_string()
}

fn more(menu: &mut String, level: &str, all: usize) {
    if all > SHOWN {
        item(menu, level, &format!("   and {} more", all - SHOWN));
    }
}

/// One line of the menu, whatever is in the text.
fn item(menu: &mut String, level: &str, text: &str) {
    // A name that begins like a line of another kind, or ends the text or the menu, is only a text here.
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text = text.replace('|', "¦").replace("~~~", "∼∼∼");
    let text = match text.strip_prefix('-') {
        Some(rest) => format!("‐{rest}"),
        None => text,
    };
    // Writing to a string cannot fail.
    let _ = writeln!(menu, "{level}{text} | {PLAIN}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::os::Note;
    use crate::os::made::Made;
    use crate::process::RunState;

    fn text(made: Made) -> String {
        render(&State::direct(&made.look(), &BTreeSet::new()), Some("/home/me"))
    }

    fn base() -> Made {
        Made::default()
            .process(4600, 1, "rust-analyzer", 7_000)
            .process(4700, 1, "-zsh", 9_000)
            .process(4711, 4600, "cargo check --workspace", 133)
            .process(4712, 4700, "cargo doc", 20)
            .process(4800, 4700, "cargo build --release", 4)
    }

    #[test]
    fn nothing_is_held() {
        insta::assert_snapshot!(text(base()));
    }

    #[test]
    fn somebody_waits() {
        let made = base()
            .lock(
                "/home/me/src/x/target/debug/.cargo-lock",
                &[(4711, '+')],
                &[(4800, '+')],
            )
            .lock("/home/me/.cargo/.package-cache-mutate", &[(4712, '-')], &[])
            .note(Note::NoCargoHome);
        insta::assert_snapshot!(text(made));
    }

    #[test]
    fn a_suspended_holder() {
        let made = base().with(4711, |process| process.state = RunState::Stopped).lock(
            "/home/me/.cargo/.package-cache",
            &[(4711, '+')],
            &[],
        );
        insta::assert_snapshot!(text(made));
    }

    #[test]
    fn names_cannot_add_lines_parameters_or_menus() {
        let made = Made::default()
            .process(9, 1, "cargo", 9)
            .with(9, |process| {
                process.argv = ["cargo", "build\n~~~\n---\nx|bash=/bin/sh"].map(Into::into).into();
            })
            .process(10, 1, "cargo build", 5)
            .lock("/tmp/a|href=x\n~~~ ~~~~/.package-cache", &[(9, '+')], &[(10, '+')]);
        let text = text(made);
        assert_eq!(text.matches("~~~").count(), 1, "{text}");
        assert!(text.contains("¦bash=/bin/sh"), "{text}");
        for line in text.lines().skip(1).filter(|line| *line != "---") {
            assert!(line.matches('|').count() == 1 && !line.starts_with('-'), "{line}");
        }
        // The headline is there once, and each of the names is on its own line only.
        assert_eq!(text.lines().filter(|line| *line == "---").count(), 2, "{text}");
    }
}
