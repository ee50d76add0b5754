//! The rows of the list as lines.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::{FAINT, Picture, STRONG, fit, word};
use crate::by_process::Entry;
use crate::cargo::origin::OriginKind;
use crate::cli::human;
use crate::cli::status::view;
use crate::cli::watch::rows::Row;
use crate::state::{Lock, Process, Waiter};
use crate::verdict::Verdict;

/// Where the commands of holders begin: behind the mark of the chosen row and the word for what the holder is doing.
const INDENT: usize = 10;
/// `23h 05m`: longer ones are rare, and cut something else then.
const DURATION: usize = 7;
/// Between columns.
const GAP: usize = 2;

/// The columns at the right, as wide as the rows need them and as there is room for.
#[derive(Clone, Copy)]
struct Columns {
    pid: usize,
    lasted: usize,
    /// Whether durations have words.
    words: bool,
}

impl Columns {
    fn of(rows: &[Row<'_>], width: usize) -> Self {
        let digits = |process: &Process| process.pid.to_string().len();
        let (mut pid, mut lasted) = (0, 0);
        for row in rows {
            let (process, since) = match row {
                Row::Holder(entry) => (entry.process, held(entry)),
                Row::Waiter { waiter, .. } => (&waiter.process, waiter.waited_ms),
                _ => continue,
            };
            let words = if since.is_some() { "for " } else { "running for " };
            pid = pid.max("pid ".len() + digits(process));
            lasted = lasted.max(words.len() + DURATION);
        }
        let words = width >= 72;
        Self {
            pid: if width >= 34 { pid } else { 0 },
            lasted: match width {
                _ if words => lasted,
                44.. => lasted.min(DURATION),
                _ => 0,
            },
            words,
        }
    }

    fn width(self) -> usize {
        let with_gap = |width: usize| if width > 0 { width + GAP } else { 0 };
        with_gap(self.pid) + with_gap(self.lasted)
    }

    fn text(self, process: &Process, lasted: &Lasted) -> String {
        let pid = match self.pid {
            0 => String::new(),
            width => format!("  {:<width$}", format!("pid {}", process.pid)),
        };
        match self.lasted {
            0 => pid,
            width => format!("{pid}  {:>width$}", lasted.text(self.words)),
        }
    }
}

/// For how many milliseconds a process had the lock that it is named by, where that is known.
fn held(entry: &Entry<'_>) -> Option<u64> {
    let mut holders = entry.main_lock.holders.iter();
    holders.find(|one| one.process.pid == entry.process.pid)?.held_ms
}

/// For how long.
enum Lasted {
    Since(String),
    Running(String),
    Unknown,
}

impl Lasted {
    fn of(picture: &Picture<'_>, milliseconds: Option<u64>, process: &Process) -> Self {
        match (milliseconds, process.started_at) {
            (Some(milliseconds), _) => Self::Since(picture.lasted(milliseconds)),
            (None, Some(at)) => Self::Running(human::since(at, picture.now)),
            (None, None) => Self::Unknown,
        }
    }

    fn text(&self, words: bool) -> String {
        match self {
            Self::Since(duration) if words => format!("for {duration}"),
            Self::Running(duration) if words => format!("running for {duration}"),
            Self::Since(duration) | Self::Running(duration) => duration.clone(),
            Self::Unknown => String::new(),
        }
    }
}

/// The lines, each with the row that it belongs to.
pub(super) fn lines(
    picture: &Picture<'_>,
    rows: &[Row<'_>],
    chosen: Option<usize>,
    width: usize,
) -> Vec<(usize, Line<'static>)> {
    let columns = Columns::of(rows, width);
    let mut lines = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let is_chosen = chosen == Some(place);
        let drawn = match row {
            Row::Holder(entry) => holder(picture, entry, columns, width),
            Row::Unseen(lock) => unseen(picture, lock, width),
            Row::Waiter { lock, waiter, last, .. } => {
                let branch = if *last { "└ " } else { "├ " };
                vec![waiter_line(picture, (lock, waiter), branch, columns, width)]
            }
            Row::More { number, .. } => vec![hint(&format!("└ and {number} more (⏎ lists them)"), INDENT)],
            Row::Rest(number) => {
                let processes = human::count(*number, "process holds", "processes hold");
                vec![hint(&format!("{processes} locks that block nobody (a shows them)"), 2)]
            }
            Row::Note(note) => vec![Line::from(vec![
                Span::raw("  "),
                Span::raw("note: ").style(picture.theme.warning()),
                Span::raw((*note).to_owned()),
            ])],
        };
        let begins_group = matches!(row, Row::Holder(_) | Row::Unseen(_) | Row::Rest(_));
        let first_note = matches!(row, Row::Note(_)) && !matches!(rows.get(place.wrapping_sub(1)), Some(Row::Note(_)));
        if place > 0 && (begins_group && has_company(rows, place) || first_note) {
            lines.push((place - 1, Line::default()));
        }
        for (number, line) in drawn.into_iter().enumerate() {
            lines.push((place, mark(fit::cut_line(line, width), is_chosen, number == 0, width)));
        }
    }
    lines
}

/// Whether a row is set apart from the one above it by a blank line: entries of one line each stand close.
fn has_company(rows: &[Row<'_>], place: usize) -> bool {
    let matters = |row: Option<&Row<'_>>| match row {
        Some(Row::Holder(entry)) => entry.matters(),
        Some(_) => true,
        None => false,
    };
    matters(rows.get(place.wrapping_sub(1))) || matters(rows.get(place))
}

/// The chosen row stands out also where there is no colour.
fn mark(mut line: Line<'static>, is_chosen: bool, is_first: bool, width: usize) -> Line<'static> {
    if !is_chosen {
        return line;
    }
    if let Some(span) = line.spans.first_mut()
        && let Some(rest) = span.content.strip_prefix("  ")
    {
        span.content = format!("▌ {rest}").into();
    }
    if is_first {
        let gap = width.saturating_sub(fit::line_columns(&line));
        line.push_span(" ".repeat(gap));
        line = line.style(Modifier::REVERSED);
    }
    line
}

fn hint(text: &str, indent: usize) -> Line<'static> {
    let indent = " ".repeat(indent);
    Line::from(vec![Span::raw(indent), Span::raw(text.to_owned()).style(FAINT)])
}

/// Who it is, and below it what it holds; what to do about it where it will not go on by itself. Who is in nobody's way
/// has one line.
fn holder(picture: &Picture<'_>, entry: &Entry<'_>, columns: Columns, width: usize) -> Vec<Line<'static>> {
    let process = entry.process;
    let verdict = entry.verdict;
    let lasted = Lasted::of(picture, held(entry), process);
    let room = width.saturating_sub(INDENT + columns.width());
    let style = picture.theme.class(verdict.class);
    let object = anstream::adapter::strip_str(&picture.theme.view().object(entry)).to_string();
    let object = object.strip_prefix("the ").unwrap_or(&object).to_owned();
    let place = picture.theme.path(entry.main_lock.place());
    let reason = reason(verdict).map(|reason| format!("{reason} · ")).unwrap_or_default();
    let starter = starter(process)
        .map(|starter| format!(" · {starter}"))
        .unwrap_or_default();
    let whole = [
        format!("{reason}{object}{starter}"),
        format!("{reason}{object}"),
        object,
    ];
    let first = |command: Span<'static>, about: Span<'static>| {
        Line::from(vec![
            Span::raw("  "),
            Span::raw(fit::fill(word(verdict.class), INDENT - 2)).style(style),
            command.style(STRONG),
            about.style(FAINT),
            Span::raw(columns.text(process, &lasted)),
        ])
    };
    if !entry.matters() {
        let [one, two, three] = whole;
        let (command, about) = beside(&process.command, &[one, two, three, place], room);
        return vec![first(command.into(), about.into())];
    }
    let mut lines = vec![first(fit::fill(&process.command, room).into(), "".into())];
    let room = width.saturating_sub(INDENT);
    let about = whole.iter().find(|about| fit::columns(about) <= room);
    lines.push(hint(about.unwrap_or(&whole[1]), INDENT));
    if entry.is_stuck() {
        lines.push(Line::from(vec![
            Span::raw(" ".repeat(INDENT)),
            Span::raw(verdict.advice.clone()).style(picture.theme.warning()),
        ]));
    }
    lines
}

/// A command, and beside it as much about it as there is room for: the first text that fits, or what fits of the last one.
fn beside(command: &str, about: &[String], room: usize) -> (String, String) {
    let needs = |text: &String| fit::columns(command) + GAP + fit::columns(text) <= room;
    let shortest = about.last().map_or("", String::as_str);
    let (command, about) = match about.iter().find(|text| needs(text)) {
        Some(text) => (command.to_owned(), text.as_str()),
        // Half of the room is the command's in any case.
        None => (
            fit::cut(command, room.saturating_sub(GAP + fit::columns(shortest)).max(room / 2)),
            shortest,
        ),
    };
    let left = room - fit::columns(&command).min(room);
    let about = fit::fill(&fit::cut(&format!("  {about}"), left), left);
    (command, about)
}

/// The second half of a judgement of two: why.
fn reason(verdict: &Verdict) -> Option<&'static str> {
    view::judgement(verdict).split_once(": ").map(|(_, reason)| reason)
}

fn starter(process: &Process) -> Option<String> {
    let origin = &process.origin;
    match (origin.kind, origin.name.as_deref()) {
        (OriginKind::Orphan, Some(name)) => Some(format!("started by {name}, which is gone")),
        (OriginKind::Orphan, None) => Some("its starter is gone".to_owned()),
        (_, Some(name)) => Some(format!("started by {name}")),
        (_, None) => None,
    }
}

fn unseen(picture: &Picture<'_>, lock: &Lock, width: usize) -> Vec<Line<'static>> {
    let what = format!("the {} of {}", lock.label, picture.theme.path(lock.place()));
    vec![Line::from(vec![
        Span::raw("  "),
        Span::raw(fit::fill("unseen", INDENT - 2)).style(picture.theme.warning()),
        Span::raw(fit::cut(&what, width.saturating_sub(INDENT + 26))).style(STRONG),
        Span::raw("  its holder is not seen").style(FAINT),
    ])]
}

/// Who waits, for how long, and for which lock.
fn waiter_line(
    picture: &Picture<'_>,
    (lock, waiter): (&Lock, &Waiter),
    branch: &'static str,
    columns: Columns,
    width: usize,
) -> Line<'static> {
    let process = &waiter.process;
    let lasted = Lasted::of(picture, waiter.waited_ms, process);
    let room = width.saturating_sub(INDENT + branch.chars().count() + columns.width());
    let label = &lock.label;
    let starter = starter(process).unwrap_or_default();
    let about = [
        format!("for the {label}, {starter}"),
        format!("for the {label}"),
        label.clone(),
        String::new(),
    ];
    let (command, about) = beside(&process.command, &about[usize::from(starter.is_empty())..], room);
    Line::from(vec![
        Span::raw(" ".repeat(INDENT)),
        Span::raw(branch).style(FAINT),
        Span::raw(command),
        Span::raw(about).style(FAINT),
        Span::raw(columns.text(process, &lasted)),
    ])
}
