//! What is in the way, as text. Pure.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::picture::{Part, Picture, Who};
use crate::cargo::command;
use crate::cli::human;
use crate::cli::status::view::{judgement, starter};
use crate::verdict::Class;

/// How it is shown.
pub(super) struct View {
    /// What `~` stands for.
    pub(super) home: Option<String>,
}

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The command of who is in the way has so many characters in the line of progress, so that its number is to be seen.
const NAME: usize = 30;
/// So many are listed.
const SHOWN: usize = 5;
/// So many of what works for one are listed.
const WORKERS_SHOWN: usize = 4;

impl View {
    /// A line that says how it is, and an entry for each who is in the way.
    pub(super) fn list(&self, how: &str, picture: &Picture) -> String {
        let mut text = format!("{STRONG}lockwatch:{STRONG:#} {how}: {}\n", in_the_way(picture));
        for one in picture.who.iter().take(SHOWN) {
            text.push_str(&self.entry(one, picture));
        }
        if let Some(more) = picture.who.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and {more} more; `lockwatch status` shows them");
        }
        for lock in &picture.unseen {
            let lock = human::path(lock, self.home.as_deref());
            let _ = writeln!(
                text,
                "  {lock} is held by a process that cannot be looked into, another user's perhaps"
            );
        }
        if !picture.queued.is_empty() {
            let runs = human::count(picture.queued.len(), "run waits", "runs wait");
            let pids: Vec<String> = picture.queued.iter().take(SHOWN).map(ToString::to_string).collect();
            let more = if picture.queued.len() > SHOWN { ", …" } else { "" };
            let _ = writeln!(
                text,
                "  {runs} in front of this one {FAINT}(pid {}{more}){FAINT:#}",
                pids.join(", ")
            );
        }
        text
    }

    /// What is to be said about one.
    pub(super) fn entry(&self, one: &Who, picture: &Picture) -> String {
        let mut text = format!("  {STRONG}{}{STRONG:#}  pid {}", one.command, one.pid);
        let _ = writeln!(text, "  {}", self.part(one));
        if let Some(process) = &one.process {
            let _ = writeln!(
                text,
                "    {FAINT}started by{FAINT:#}  {}",
                starter(process, picture.now)
            );
        }
        if let Some(verdict) = &one.verdict {
            let style = if one.is_stuck() { BAD } else { Style::new() };
            let _ = writeln!(
                text,
                "    {FAINT}verdict{FAINT:#}     {style}{}{style:#}",
                judgement(verdict)
            );
            for line in &verdict.evidence {
                let _ = writeln!(text, "                {line}");
            }
        }
        if !one.workers.is_empty() {
            let shown: Vec<&str> = one.workers.iter().take(WORKERS_SHOWN).map(String::as_str).collect();
            let more = one.workers.len().saturating_sub(WORKERS_SHOWN);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let _ = writeln!(text, "    {FAINT}works on{FAINT:#}    {}{more}", shown.join(", "));
        }
        // Of one that works or was not watched yet there is nothing to advise but to wait.
        let advice = one
            .verdict
            .as_ref()
            .filter(|verdict| !matches!(verdict.class, Class::Working | Class::Unknown));
        if let Some(verdict) = advice {
            let _ = writeln!(text, "    {FAINT}advice{FAINT:#}      {}", verdict.advice);
        }
        text
    }

    fn part(&self, one: &Who) -> String {
        let lock = one
            .lock
            .as_ref()
            .map(|(label, place)| format!("the {label} of {}", human::path(place, self.home.as_deref())));
        let lock = lock.unwrap_or_else(|| "its locks".to_owned());
        match one.part {
            Part::Holds => format!("holds {lock}"),
            Part::WaitsToo => format!("waits for {lock} and comes first"),
            Part::AboutToTake => "was started by `lockwatch run` and will take its locks".to_owned(),
        }
    }

    /// How the wait goes on, in one line of at most so many columns.
    pub(super) fn progress(picture: &Picture, waited_ms: u64, width: usize) -> String {
        let waited = human::duration(waited_ms);
        let mut line = format!("waiting {waited}");
        match picture.who.first() {
            Some(one) => {
                let name = human::cut(command::short(&one.command), NAME);
                let _ = write!(line, " for {name} (pid {})", one.pid);
                let verdict = one.verdict.as_ref().filter(|verdict| verdict.class != Class::Unknown);
                if let Some(verdict) = verdict {
                    let _ = write!(line, ", {}", judgement(verdict));
                }
            }
            None if !picture.unseen.is_empty() => line.push_str(" for a process that cannot be seen"),
            None => {}
        }
        let others = picture.who.len().saturating_sub(1);
        if others > 0 {
            let _ = write!(line, "; {others} more");
        }
        if !picture.queued.is_empty() {
            let _ = write!(
                line,
                "; {}",
                human::count(picture.queued.len(), "run in front", "runs in front")
            );
        }
        if let Some((label, _)) = picture.who.first().and_then(|one| one.lock.as_ref()) {
            let _ = write!(line, "; {label}");
        }
        human::cut(&line, width)
    }
}

fn in_the_way(picture: &Picture) -> String {
    let processes = picture.who.len();
    match (processes, picture.queued.len()) {
        (0, 0) => "somebody who cannot be seen is in the way".to_owned(),
        (0, runs) => format!("{} in front", human::count(runs, "run is", "runs are")),
        _ => format!("{} in the way", human::count(processes, "process is", "processes are")),
    }
}
#[cfg(test)]
mod tests;
