//! What a stop would do, as text for people. Pure.

use std::fmt::Write as _;

use super::super::human;
use crate::state::State;
use crate::stop::Report;

/// A plan, and what there is to say about it.
pub(super) struct Plan<'a> {
    pub(super) report: &'a Report,
    /// The state that the target is from.
    pub(super) state: &'a State,
    pub(super) home: Option<&'a str>,
}

/// So many processes of each kind are shown.
const SHOWN: usize = 20;

impl Plan<'_> {
    /// Who it is, which locks it holds, who waits for them, and who would be signalled.
    pub(super) fn render(&self) -> String {
        if self.report.refusal.is_some() {
            return format!("{}\n", self.report.sentence);
        }
        let mut text = String::new();
        let command = self.report.command.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        _ = writeln!(text, "{command} (pid {})", self.report.pid);
        for lock in &self.state.locks {
            if lock
                .holders
                .iter()
                .any(|holder| holder.token.process == self.report.token.process)
            {
                let path = human::path(&lock.path, self.home);
                let waiting = match lock.waiters.len() {
                    0 => String::new(),
                    count => format!(", {} waiting", human::count(count, "process", "processes")),
                };
                _ = writeln!(text, "  holds the {}  {path}{waiting}", lock.label);
            }
        }
        let signalled = self.report.signalled.iter().map(|one| one.process.words());
        list(&mut text, "gets SIGTERM", signalled);
        let left = self.report.left.iter();
        let left = left.map(|one| format!("{}, {}", one.process.words(), one.why.words()));
        list(&mut text, "is left alone", left);
        text
    }
}

fn list(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    for line in lines.iter().take(SHOWN) {
        _ = writeln!(text, "  {title}  {line}");
    }
    if let Some(more) = lines.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        _ = writeln!(text, "  {title}  and {more} more");
    }
}

#[cfg(test)]
mod tests;
