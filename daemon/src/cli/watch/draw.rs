//! The live view on a screen of any size. Pure: the same model and moment make the same picture.

mod details;
mod fit;
mod list;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

use super::model::{Model, Room};
use super::stopping::Stopping;
use crate::by_process::entries;
use crate::cli::human;
use crate::cli::status::view::View;
use crate::clock::{self, Moment};
use crate::state::{Source, State};
use crate::verdict::Class;

/// How it is to look.
#[derive(Clone, Debug)]
pub(super) struct Theme {
    /// What `~` stands for.
    pub(super) home: Option<String>,
    /// Whether there is colour. Nothing is told by colour alone.
    pub(super) colour: bool,
}

const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

/// From this width on the details stand beside the list and not below it, and are open by themselves.
const WIDE: u16 = 140;
/// From this height on there is room for a title and for blank lines.
const TALL: u16 = 14;

/// What each key does, the most needed first: a narrow screen shows as many as it has room for.
const KEYS: &[(&str, &str, &str)] = &[
    ("q", "quit", "quit (also Esc and Ctrl-C)"),
    ("↑↓", "select", "select (also j and k; Home, End)"),
    (
        "⏎",
        "details",
        "details of the selected; all that a line `and … more` stands for",
    ),
    ("s", "stop", "stop the selected holder, after a question"),
    ("a", "all", "what blocks nobody too, or only what matters"),
    ("?", "help", "this help"),
];

/// Keys that only the help tells.
const MORE_KEYS: &[(&str, &str)] = &[
    ("←→", "close and open the details"),
    ("PgUp PgDn", "scroll the details, or the list"),
    ("Ctrl-L", "paint the screen anew"),
    ("Ctrl-Z", "back to the shell; `fg` returns"),
];

impl Theme {
    fn colour(&self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    fn warning(&self) -> Style {
        self.colour(Color::Yellow)
    }

    fn class(&self, class: Class) -> Style {
        match class {
            Class::Stuck => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            Class::Waiting | Class::Quiet => self.warning(),
            Class::Working => self.colour(Color::Green),
            Class::Unknown => Style::new(),
        }
    }

    fn path(&self, path: &str) -> String {
        human::path(path, self.home.as_deref())
    }

    fn view(&self) -> View<'_> {
        View {
            home: self.home.as_deref(),
            width: None,
            all: false,
        }
    }
}

/// One picture: what is to be shown, when, and how.
struct Picture<'a> {
    state: &'a State,
    now: Timestamp,
    /// How much longer than in the state everything has lasted.
    gone: Duration,
    theme: &'a Theme,
}

impl Picture<'_> {
    /// How long something has lasted that the state gives in milliseconds.
    fn lasted(&self, milliseconds: u64) -> String {
        human::duration(milliseconds.saturating_add(clock::milliseconds(self.gone)))
    }

    /// `, for 2m 13s`; nothing where it is not known.
    fn for_so_long(&self, milliseconds: Option<u64>) -> String {
        milliseconds.map_or_else(String::new, |milliseconds| {
            format!(", for {}", self.lasted(milliseconds))
        })
    }
}

/// Draws it all, and tells how much room there is.
pub(super) fn draw(frame: &mut Frame<'_>, model: &mut Model, now: Moment, theme: &Theme) -> Room {
    let area = frame.area();
    let mut room = Room::default();
    if area.is_empty() {
        return room;
    }
    let [top, body, below] = areas(area, model, now, theme);
    head(frame, top, model, now, theme);
    foot(frame, below, model, theme);
    if let Some((list, details)) = split(body, model, &mut room) {
        room.page = list.height.into();
        if let Some(details) = details {
            room.page = details.height.saturating_sub(1).into();
            draw_details(frame, details, model, now, theme);
        }
        draw_list(frame, list, body, model, now, theme);
    }
    if let Stopping::Asking { question, .. } = &model.stopping {
        ask(frame, area, question);
    } else if model.help {
        help(frame, area);
    }
    room
}

/// The answer, the list, and the keys; the smaller the screen, the more of it is the answer's.
fn areas(area: Rect, model: &Model, now: Moment, theme: &Theme) -> [Rect; 3] {
    let width = area.width;
    let answer = fit::wrap(&answer(model, now, theme), width.saturating_sub(2).into()).len();
    let answer = u16::try_from(answer).unwrap_or(u16::MAX).min(area.height / 4).max(1);
    let top = if area.height >= TALL { answer + 3 } else { answer };
    let trouble = model.trouble.as_ref().map_or(0, |trouble| {
        let lines = fit::wrap(&trouble.to_string(), width.saturating_sub(4).into()).len();
        u16::try_from(lines).unwrap_or(u16::MAX).min(area.height / 4)
    });
    let stopping = model.stopping.line().map_or(0, |line| {
        let lines = fit::wrap(&line, width.saturating_sub(2).into()).len();
        u16::try_from(lines).unwrap_or(u16::MAX).min(area.height / 4)
    });
    let keys = u16::from(area.height >= 3);
    let gap = u16::from(area.height >= TALL);
    Layout::vertical([
        Constraint::Length(top),
        Constraint::Fill(1),
        Constraint::Length(trouble + stopping + keys + gap),
    ])
    .areas(area)
}

/// Where the list and the details go; none where there is room for neither.
fn split(body: Rect, model: &Model, room: &mut Room) -> Option<(Rect, Option<Rect>)> {
    let rows = model.rows().len();
    room.details = body.width >= WIDE && rows > 0;
    if body.is_empty() {
        return None;
    }
    if !model.details(room.details) || rows == 0 {
        return Some((body, None));
    }
    let (list, details) = if body.width >= WIDE {
        let [list, _, details] =
            Layout::horizontal([Constraint::Percentage(54), Constraint::Length(2), Constraint::Fill(1)]).areas(body);
        (list, details)
    } else if body.height >= 10 {
        let [list, details] = Layout::vertical([Constraint::Percentage(40), Constraint::Fill(1)]).areas(body);
        (list, details)
    } else {
        (Rect { height: 0, ..body }, body)
    };
    Some((list, Some(details)))
}

/// The first line of `lockwatch status`: who is in whose way.
fn answer(model: &Model, now: Moment, theme: &Theme) -> String {
    let Some((state, _)) = model.state(now) else {
        return "Looking …".to_owned();
    };
    let coloured = theme.view().headline(state, &entries(state), model.now(now));
    anstream::adapter::strip_str(coloured.trim_end()).to_string()
}

fn head(frame: &mut Frame<'_>, area: Rect, model: &Model, now: Moment, theme: &Theme) {
    let width: usize = area.width.into();
    let style = match model.state(now).map(|(state, _)| state.summary) {
        Some(summary) if summary.stuck > 0 => theme.class(Class::Stuck),
        Some(summary) if summary.contended > 0 => theme.warning(),
        _ => Style::new(),
    };
    let has_title = frame.area().height >= TALL;
    let room = usize::from(area.height) - if has_title { 3 } else { 0 };
    let mut lines: Vec<Line<'_>> = fit::wrap_at_most(&answer(model, now, theme), width.saturating_sub(2), room)
        .into_iter()
        .map(|line| Line::from(format!(" {line}")).style(STRONG.patch(style)))
        .collect();
    if has_title {
        lines.insert(0, Line::default());
        lines.insert(0, title(model, now, width));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The name on the left, and on the right the counts and who looks.
fn title(model: &Model, now: Moment, width: usize) -> Line<'static> {
    let name = " lockwatch";
    let right = model.state(now).map_or_else(String::new, |(state, _)| {
        let summary = state.summary;
        let mut words = vec![human::count(summary.held, "lock held", "locks held")];
        words.extend((summary.contended > 0).then(|| format!("{} waited for", summary.contended)));
        words.extend((summary.stuck > 0).then(|| format!("{} stuck", summary.stuck)));
        words.push(
            match state.source {
                Source::Daemon => "live from the daemon",
                Source::Direct => "live, without a daemon",
            }
            .to_owned(),
        );
        words.join(" · ")
    });
    let right = fit::cut(&right, width.saturating_sub(fit::columns(name) + 3));
    let gap = width.saturating_sub(fit::columns(name) + fit::columns(&right) + 1);
    Line::from(vec![
        Span::raw(name).style(STRONG),
        Span::raw(" ".repeat(gap)),
        Span::raw(right),
        Span::raw(" "),
    ])
    .style(Modifier::REVERSED)
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, body: Rect, model: &mut Model, now: Moment, theme: &Theme) {
    let width = area.width.into();
    let (lines, chosen) = {
        let rows = model.rows();
        let Some((state, gone)) = model.state(now) else {
            return;
        };
        let picture = Picture {
            state,
            now: model.now(now),
            gone,
            theme,
        };
        let chosen = model.chosen(&rows);
        (list::lines(&picture, &rows, chosen, width), chosen)
    };
    if lines.is_empty() {
        let text = "  One shows here as soon as a cargo takes it.";
        frame.render_widget(Paragraph::new(fit::cut(text, width)).style(FAINT), area);
        return;
    }
    let height: usize = area.height.into();
    let first = chosen.and_then(|chosen| lines.iter().position(|(row, _)| *row == chosen));
    let last = chosen.and_then(|chosen| lines.iter().rposition(|(row, _)| *row == chosen));
    // The chosen row is in sight, and its first line where it has more than there is room for.
    if let (Some(first), Some(last)) = (first, last) {
        model.scroll = model.scroll.max((last + 1).saturating_sub(height)).min(first);
    } else {
        model.scroll = 0;
    }
    model.scroll = model.scroll.min(lines.len().saturating_sub(height));
    let (above, left) = (model.scroll, lines.len().saturating_sub(model.scroll + height));
    let shown = lines.into_iter().skip(above).take(height).map(|(_, line)| line);
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), area);
    // Below the list there is a blank line, or the rule above the details.
    let is_free = frame.area().height >= TALL || area.bottom() < body.bottom();
    hidden(frame, area, is_free, (above, left));
}

/// Says that there is more of an area: on the line below it where that is free, on its last line otherwise.
fn hidden(frame: &mut Frame<'_>, area: Rect, is_free: bool, (above, below): (usize, usize)) {
    let text = match (above, below) {
        (0, 0) => return,
        (0, below) => format!(" ↓ {below} "),
        (above, 0) => format!(" ↑ {above} "),
        (above, below) => format!(" ↑ {above} ↓ {below} "),
    };
    let width = u16::try_from(fit::columns(&text)).unwrap_or(u16::MAX);
    if area.height < 2 || width >= area.width {
        return;
    }
    let place = Rect {
        x: area.right() - width,
        y: area.bottom() - u16::from(!is_free),
        width,
        height: 1,
    };
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(text).style(FAINT), place);
}

fn draw_details(frame: &mut Frame<'_>, area: Rect, model: &mut Model, now: Moment, theme: &Theme) {
    let side = if frame.area().width >= WIDE {
        Borders::LEFT
    } else {
        Borders::TOP
    };
    let rule = Block::new().borders(side).border_style(FAINT);
    let inside = rule.inner(area);
    frame.render_widget(rule, area);
    let area = inside;
    let lines = {
        let rows = model.rows();
        let (Some((state, gone)), Some(place)) = (model.state(now), model.looked_at(&rows)) else {
            return;
        };
        let picture = Picture {
            state,
            now: model.now(now),
            gone,
            theme,
        };
        details::lines(&picture, &rows[place], area.width.into())
    };
    let height: usize = area.height.into();
    model.details_scroll = model.details_scroll.min(lines.len().saturating_sub(height));
    let above = model.details_scroll;
    let below = lines.len().saturating_sub(above + height);
    let shown: Vec<_> = lines.into_iter().skip(above).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
    let is_free = frame.area().height >= TALL;
    hidden(frame, area, is_free, (above, below));
}

fn foot(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: &Theme) {
    let width: usize = area.width.into();
    let mut lines: Vec<Line<'static>> = Vec::new();
    let keys = u16::from(frame.area().height >= 3);
    if let Some(trouble) = &model.trouble {
        let room = area.height.saturating_sub(keys).into();
        let text = fit::wrap_at_most(&trouble.to_string(), width.saturating_sub(4), room);
        let style = theme.warning().add_modifier(Modifier::BOLD);
        for (place, line) in text.into_iter().enumerate() {
            let mark = if place == 0 { "!" } else { " " };
            lines.push(Line::from(format!(" {mark} {line}")).style(style));
        }
    }
    if let Some(line) = model.stopping.line() {
        let room = usize::from(area.height).saturating_sub(lines.len() + usize::from(keys));
        let text = fit::wrap_at_most(&line, width.saturating_sub(2), room);
        lines.extend(
            text.into_iter()
                .map(|line| Line::from(format!(" {line}")).style(STRONG)),
        );
    }
    let blank = usize::from(area.height).saturating_sub(lines.len() + usize::from(keys));
    lines.splice(0..0, std::iter::repeat_n(Line::default(), blank));
    if keys > 0 {
        lines.push(key_line(width));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn key_line(width: usize) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, does, _) in KEYS {
        let length = 1 + fit::columns(key) + 1 + does.len() + 1;
        if used + length > width {
            break;
        }
        used += length;
        spans.extend([
            Span::raw(format!(" {key} ")).style(STRONG),
            Span::raw(format!("{does} ")).style(FAINT),
        ]);
    }
    Line::from(spans)
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let all = KEYS
        .iter()
        .map(|(key, _, does)| (*key, *does))
        .chain(MORE_KEYS.iter().copied());
    let mut lines: Vec<Line<'static>> = all
        .map(|(key, does)| {
            Line::from(vec![
                Span::raw(format!(" {} ", fit::fill(key, 9))).style(STRONG),
                Span::raw(does),
            ])
        })
        .collect();
    lines.push(Line::default());
    lines.push(Line::from(" `for` counts from the moment a lock was seen to be taken;"));
    lines.push(Line::from(
        " `running for` from the start of the process, where it was not seen.",
    ));
    popup(frame, area, " Keys ", lines);
}

/// The question before a stop. What does not fit is cut at the front, so that the question itself is seen.
fn ask(frame: &mut Frame<'_>, area: Rect, question: &str) {
    let room = usize::from(area.height.saturating_sub(2));
    let all: Vec<&str> = question.lines().collect();
    let shown = &all[all.len().saturating_sub(room)..];
    let lines = shown.iter().map(|line| Line::from(format!(" {line}"))).collect();
    popup(frame, area, " Stop ", lines);
}

fn popup(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'static>>) {
    let width = lines.iter().map(fit::line_columns).max().unwrap_or(0) + 3;
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let inside: usize = width.saturating_sub(2).into();
    let lines: Vec<_> = lines.into_iter().map(|line| fit::cut_line(line, inside)).collect();
    frame.render_widget(Clear, place);
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(title.to_owned())),
        place,
    );
}

/// The word for a class that fits into a column; the details say it in full.
fn word(class: Class) -> &'static str {
    match class {
        Class::Stuck => "STUCK",
        Class::Waiting => "waiting",
        Class::Quiet => "quiet",
        Class::Working => "working",
        Class::Unknown => "holds",
    }
}
