//! A table that fits a terminal: what is too long is said shorter, and then cut.

use std::fmt::Write as _;

use anstyle::Style;

use crate::cli::human;

/// Where a text that is too long loses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// At its end.
    End,
    /// At its begin: of a path the end tells most.
    Begin,
}

/// How a column looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    name: &'static str,
    /// Where it can be cut; none where it cannot.
    cut: Option<Cut>,
    right: bool,
    style: Style,
}

impl Column {
    /// One that is never cut.
    pub(super) const fn fixed(name: &'static str) -> Self {
        Self {
            name,
            cut: None,
            right: false,
            style: Style::new(),
        }
    }

    /// One that can be cut.
    pub(super) const fn flexible(name: &'static str, cut: Cut) -> Self {
        Self {
            cut: Some(cut),
            ..Self::fixed(name)
        }
    }

    /// With its texts at the right.
    pub(super) const fn right(self) -> Self {
        Self { right: true, ..self }
    }

    /// With its texts in a style.
    pub(super) const fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// A text in a table, in several lengths: the first that has room is shown.
#[derive(Clone, Debug)]
pub(super) struct Cell(Vec<String>);

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }

    /// With a shorter text for where that one has no room.
    pub(super) fn or(mut self, shorter: impl Into<String>) -> Self {
        self.0.push(shorter.into());
        self
    }

    fn longest(&self) -> usize {
        self.0.first().map_or(0, |text| text.chars().count())
    }

    fn shortest(&self) -> usize {
        self.0.last().map_or(0, |text| text.chars().count())
    }

    fn fit(&self, width: usize, cut: Option<Cut>) -> String {
        if let Some(text) = self.0.iter().find(|text| text.chars().count() <= width) {
            return text.clone();
        }
        let shortest = self.0.last().map_or("", String::as_str);
        match cut {
            None => shortest.to_owned(),
            Some(Cut::End) => human::cut(shortest, width),
            Some(Cut::Begin) => {
                let backwards = |text: &str| text.chars().rev().collect::<String>();
                backwards(&human::cut(&backwards(shortest), width))
            }
        }
    }
}

/// Between two columns.
const GAP: &str = "  ";
/// No column gets narrower than this.
const LEAST: usize = 6;

const FAINT: Style = Style::new().dimmed();

/// The table with its heads; columns that are empty in all rows are left out.
pub(super) fn render(columns: &[Column], rows: Vec<Vec<Cell>>, width: Option<usize>) -> String {
    let used: Vec<usize> = (0..columns.len())
        .filter(|place| {
            rows.iter()
                .any(|row| row.get(*place).is_some_and(|cell| cell.longest() > 0))
        })
        .collect();
    let columns: Vec<Column> = used.iter().filter_map(|place| columns.get(*place).copied()).collect();
    let heads = columns.iter().map(|column| Cell::new(column.name)).collect();
    let pick = |row: Vec<Cell>| -> Vec<Cell> {
        let cells = row.into_iter().enumerate();
        cells
            .filter(|(place, _)| used.contains(place))
            .map(|(_, cell)| cell)
            .collect()
    };
    let all: Vec<Vec<Cell>> = std::iter::once(heads).chain(rows.into_iter().map(pick)).collect();
    let widths = widths(&columns, &all, width);
    let mut text = String::new();
    for (number, row) in all.iter().enumerate() {
        let mut line = String::new();
        let mut blanks = 0;
        for ((cell, column), width) in row.iter().zip(&columns).zip(&widths) {
            let shown = cell.fit(*width, column.cut);
            let room = width.saturating_sub(shown.chars().count());
            let (before, after) = if column.right { (room, 0) } else { (0, room) };
            let style = if number == 0 { FAINT } else { column.style };
            if shown.is_empty() {
                blanks += before;
            } else {
                let _ = write!(line, "{:1$}{style}{shown}{style:#}", "", blanks + before);
                blanks = 0;
            }
            // Kept back, so that no line ends with blanks.
            blanks += after + GAP.len();
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What each column needs. Where that is too much, the widest gives way first: as far as its shorter texts have room, and
/// only then further, where it can be cut.
fn widths(columns: &[Column], rows: &[Vec<Cell>], width: Option<usize>) -> Vec<usize> {
    let most = |place: usize, length: fn(&Cell) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        cells.map(length).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(|place| most(place, Cell::longest)).collect();
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    let Some(room) = width.map(|width| width.saturating_sub(gaps)) else {
        return widths;
    };
    let uncut: Vec<usize> = (0..columns.len())
        .map(|place| most(place, Cell::shortest).max(LEAST))
        .collect();
    while widths.iter().sum::<usize>() > room {
        let widest = |can_give_way: &dyn Fn(usize) -> bool| {
            let places = (0..columns.len()).filter(|place| can_give_way(*place));
            places.max_by_key(|place| widths[*place])
        };
        let shorter = widest(&|place| widths[place] > uncut[place]);
        match shorter.or_else(|| widest(&|place| columns[place].cut.is_some() && widths[place] > LEAST)) {
            Some(place) => widths[place] -= 1,
            None => break,
        }
    }
    widths
}
