//! A report as text for people: the answer in the first line, then a line for each hold. Pure.

mod table;

use std::collections::HashMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::table::{Cell, Column, Cut};
use super::since::Since;
use crate::cargo::command;
use crate::cargo::lock_kind::LockKind;
use crate::cli::human;
use crate::cli::status::view::judged;
use crate::history::{Behind, Summary};
use crate::history::{Past, PastHold, PastSpan, PastStop, PastWait, Report};
use crate::tracker::HoldEnd;
use crate::verdict::{Class, Reason};

/// How a report is shown.
pub(super) struct View<'a> {
    /// What `~` stands for.
    pub(super) home: Option<&'a str>,
    /// The terminal's width in columns; none where lines may be of any length.
    pub(super) width: Option<usize>,
    /// Where the person is.
    pub(super) zone: &'a TimeZone,
    /// Which time was asked for.
    pub(super) since: &'a Since,
    /// Which kind of lock was asked for.
    pub(super) lock: Option<LockKind>,
}

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const WARN: Style = AnsiColor::Yellow.on_default();

/// So many holds are listed.
const ROWS: usize = 50;
/// So many stops are.
const STOPS: usize = 20;

const COLUMNS: [Column; 8] = [
    Column::fixed("when"),
    Column::fixed("lock"),
    Column::flexible("who", Cut::End),
    Column::flexible("where", Cut::Begin),
    Column::fixed("held").right(),
    Column::fixed("judged"),
    Column::fixed("ended"),
    Column::flexible("waited", Cut::End).styled(WARN),
];

/// A line of the table.
struct Line<'a> {
    begin: Timestamp,
    /// The hold; none for waits whose holder was not seen.
    hold: Option<&'a PastHold>,
    /// Of the hold, or else of the wait.
    past: &'a Past,
    waiters: Vec<(&'a PastWait, u64)>,
}

impl View<'_> {
    /// The whole text.
    pub(super) fn render(&self, report: &Report) -> String {
        let mut text = format!("{}\n", self.headline(report));
        let Some(recorded_since) = report.recorded_since else {
            return text;
        };
        if recorded_since > report.since {
            let [since, _] = self.when(recorded_since, report.until);
            let _ = writeln!(text, "{FAINT}recorded since {since}{FAINT:#}");
        }
        let lines = lines(report);
        let shown = &lines[..lines.len().min(ROWS)];
        if !shown.is_empty() {
            text.push('\n');
            let rows = shown.iter().map(|line| self.row(line, report.until)).collect();
            text.push_str(&table::render(&COLUMNS, rows, self.width));
        }
        text.push_str(&self.stops(report));
        // A wait whose holder was not seen is a line too, which no count knows.
        let beyond = usize::try_from(report.summary.holds)
            .unwrap_or(usize::MAX)
            .saturating_sub(report.holds.len());
        let more = lines.len() - shown.len() + beyond;
        let mut hints = Vec::new();
        if more > 0 {
            hints.push(format!(
                "and {more} more; `--since` and `--lock` narrow it, `lockwatch history --json` has them"
            ));
        }
        if report.summary.short_holds > 0 {
            let short = usize::try_from(report.summary.short_holds).unwrap_or(usize::MAX);
            let short = human::count(short, "hold", "holds");
            hints.push(format!("and {short} of less than 50 ms that blocked nobody"));
        }
        if !hints.is_empty() {
            text.push('\n');
        }
        for hint in hints {
            let _ = writeln!(text, "{FAINT}{hint}{FAINT:#}");
        }
        text
    }

    /// The answer in one line.
    fn headline(&self, report: &Report) -> String {
        let since = self.since.to_string();
        let locks = self
            .lock
            .map_or_else(|| "Cargo".to_owned(), |kind| kind.name().to_owned());
        let Summary {
            waited_ms,
            behind,
            holds,
            waits,
            short_holds,
        } = &report.summary;
        if report.recorded_since.is_none() {
            return format!(
                "{STRONG}There is no history yet{STRONG:#}: the daemon records it; start it with `lockwatch daemon`"
            );
        }
        if *waits > 0 {
            let waited = spent(*waited_ms);
            let first = behind.first().map(|first| self.behind(first, *waited_ms));
            return format!(
                "{} you waited {STRONG}{WARN}{waited}{WARN:#}{STRONG:#} for {locks} locks{}",
                capital(&since),
                first.unwrap_or_default()
            );
        }
        if holds + short_holds > 0 {
            format!("{STRONG}{} nobody waited for a {locks} lock{STRONG:#}", capital(&since))
        } else {
            format!("{STRONG}{} no {locks} lock was held{STRONG:#}", capital(&since))
        }
    }

    /// `; 11 min of it behind rust-analyzer in ~/src/parity`.
    fn behind(&self, first: &Behind, waited_ms: u64) -> String {
        let part = if first.waited_ms >= waited_ms {
            "all".to_owned()
        } else {
            spent(first.waited_ms)
        };
        let place = human::path(&first.place, self.home);
        format!("; {part} of it behind {STRONG}{}{STRONG:#} in {place}", first.who)
    }

    fn row(&self, line: &Line<'_>, now: Timestamp) -> Vec<Cell> {
        let past = line.past;
        let who = match line.hold {
            Some(_) => who(past),
            None => Cell::new("holder not seen").or("not seen"),
        };
        let held = line.hold.map(|hold| {
            let at_least = if hold.past.begin_seen { "" } else { "≥" };
            format!("{at_least}{}", length(hold.held_ms))
        });
        let [when, short_when] = self.when(line.begin, now);
        let place = human::path(past.place(), self.home);
        let name = place.rsplit('/').next().unwrap_or_default().to_owned();
        vec![
            Cell::new(when).or(short_when),
            Cell::new(past.kind.name()),
            who,
            Cell::new(place).or(name),
            Cell::new(held.unwrap_or_default()),
            line.hold.map_or_else(|| Cell::new(""), verdict),
            Cell::new(line.hold.map_or("", ended)),
            waiters(&line.waiters),
        ]
    }

    /// What was stopped, or was to be, in the words that were said then.
    fn stops(&self, report: &Report) -> String {
        let mut text = String::new();
        let shown = &report.stops[..report.stops.len().min(STOPS)];
        if !shown.is_empty() {
            text.push_str("\nstops\n");
        }
        for PastStop { at, sentence, .. } in shown {
            let [when, _] = self.when(*at, report.until);
            let _ = writeln!(text, "{when}  {sentence}"); // whole: what became of the lock stands at its end
        }
        let more = report.stops.len() - shown.len();
        if more > 0 {
            let _ = writeln!(
                text,
                "{FAINT}and {more} more; `lockwatch history --json` has them{FAINT:#}"
            );
        }
        text
    }

    /// The time of a day that is today, and otherwise the day too; and the same shorter.
    fn when(&self, at: Timestamp, now: Timestamp) -> [String; 2] {
        let [at, now] = [at, now].map(|at| at.to_zoned_datetime(self.zone.clone()));
        let forms = if at.date() == now.date() {
            ["%H:%M:%S", "%H:%M"]
        } else if at.year() == now.year() {
            ["%b %d %H:%M", "%b %d"]
        } else {
            ["%Y-%m-%d", "%Y-%m-%d"]
        };
        forms.map(|form| at.strftime(form).to_string())
    }
}

/// The holds with who waited behind each, and the waits behind nobody that was seen; the newest first.
fn lines(report: &Report) -> Vec<Line<'_>> {
    let mut behind: HashMap<i64, Vec<(&PastWait, u64)>> = HashMap::new();
    let mut lines = Vec::new();
    for wait in &report.waits {
        let mut unseen = 0_u64;
        for PastSpan { hold, waited_ms, .. } in &wait.spans {
            let Some(hold) = hold else {
                unseen = unseen.saturating_add(*waited_ms);
                continue;
            };
            let waiters = behind.entry(*hold).or_default();
            match waiters.last_mut() {
                Some((last, sum)) if std::ptr::eq(*last, wait) => *sum = sum.saturating_add(*waited_ms),
                _ => waiters.push((wait, *waited_ms)),
            }
        }
        if unseen > 0 || wait.spans.iter().all(|span| span.hold.is_none()) {
            lines.push(Line {
                begin: wait.past.begin,
                hold: None,
                past: &wait.past,
                waiters: vec![(wait, unseen)],
            });
        }
    }
    lines.extend(report.holds.iter().map(|hold| Line {
        begin: hold.past.begin,
        hold: Some(hold),
        past: &hold.past,
        waiters: behind.remove(&hold.id).unwrap_or_default(),
    }));
    for line in &mut lines {
        line.waiters.sort_by_key(|(_, waited_ms)| std::cmp::Reverse(*waited_ms));
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.begin));
    lines
}

/// `cargo check --workspace (rust-analyzer)`, `cargo check (rust-analyzer)`, `rust-analyzer`.
fn who(past: &Past) -> Cell {
    let short = command::short(&past.command);
    match past.origin.name.as_deref() {
        Some(name) => Cell::new(format!("{} ({name})", past.command))
            .or(format!("{short} ({name})"))
            .or(past.who()),
        None => Cell::new(past.command.as_str()).or(short),
    }
}

/// `cargo build 11m 00s, cargo test 40s`, `11m 00s +1`.
fn waiters(waiters: &[(&PastWait, u64)]) -> Cell {
    /// So many are named.
    const NAMED: usize = 3;

    let Some((_, longest)) = waiters.first() else {
        return Cell::new("");
    };
    let and_more = |named: usize| match waiters.len().saturating_sub(named) {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    let named: Vec<String> = waiters
        .iter()
        .take(NAMED)
        .map(|(wait, waited_ms)| format!("{} {}", command::short(&wait.past.command), length(*waited_ms)))
        .collect();
    Cell::new(format!("{}{}", named.join(", "), and_more(NAMED))).or(format!("{}{}", length(*longest), and_more(1)))
}

/// `stuck: suspended`, `stuck`; of what worked nothing has to be said.
fn verdict(hold: &PastHold) -> Cell {
    let words = match (hold.class, hold.reason) {
        (None | Some(Class::Working | Class::Unknown), _) => "",
        (Some(class), reason) => judged(class, reason.unwrap_or(Reason::NotObserved)),
    };
    Cell::new(words).or(words.split(':').next().unwrap_or_default())
}

fn ended(hold: &PastHold) -> &'static str {
    match (hold.past.end, hold.how) {
        (None, _) => "open",
        (_, Some(HoldEnd::Released)) => "released",
        (_, Some(HoldEnd::Exited)) => "exited",
        (_, Some(HoldEnd::Stopped)) => "stopped",
        (_, Some(HoldEnd::Forced)) => "forced",
        (_, Some(HoldEnd::Unseen) | None) => "unseen",
    }
}

/// `0.8s`, and from ten seconds on as elsewhere.
fn length(milliseconds: u64) -> String {
    if milliseconds < 10_000 {
        format!("{}.{}s", milliseconds / 1_000, milliseconds / 100 % 10)
    } else {
        human::duration(milliseconds)
    }
}

/// As a sentence has it: `less than 1 s`, `42 s`, `14 min`, `2 h 05 min`.
fn spent(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let minutes = seconds / 60;
    match (minutes / 60, minutes, seconds) {
        (0, 0, 0) => "less than 1 s".to_owned(),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {:02} min", minutes % 60),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests;
