//! The table that is printed: a figure in each line, beside its budget where it has one.

use std::fmt;

/// The lines of all rows.
#[derive(Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

enum Line {
    Heading(String),
    Figure {
        name: String,
        figure: String,
        must: String,
        meets: Option<bool>,
    },
}

impl Table {
    pub(crate) fn heading(&mut self, text: &str) {
        self.lines.push(Line::Heading(text.to_owned()));
    }

    /// A figure that is held against nothing: what others take, and what belongs to the picture.
    pub(crate) fn figure(&mut self, name: &str, figure: String) {
        self.lines.push(Line::Figure {
            name: name.to_owned(),
            figure,
            must: String::new(),
            meets: None,
        });
    }

    /// A figure that may be so large at most, with its unit.
    pub(crate) fn at_most(&mut self, name: &str, figure: f64, most: f64, unit: &str) {
        let digits = if figure < 10.0 { 2 } else { 0 };
        self.lines.push(Line::Figure {
            name: name.to_owned(),
            figure: format!("{figure:.digits$} {unit}"),
            must: format!("≤ {most} {unit}"),
            meets: Some(figure <= most),
        });
    }

    /// Whether no budget is missed among those that were measured.
    pub(crate) fn meets_all(&self) -> bool {
        let misses = |line: &Line| matches!(line, Line::Figure { meets: Some(false), .. });
        !self.lines.iter().any(misses)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |cell: fn(&Line) -> usize| self.lines.iter().map(cell).max().unwrap_or_default();
        let names = width(|line| match line {
            Line::Figure { name, .. } => name.chars().count(),
            Line::Heading(_) => 0,
        });
        let figures = width(|line| match line {
            Line::Figure { figure, .. } => figure.chars().count(),
            Line::Heading(_) => 0,
        });
        for line in &self.lines {
            match line {
                Line::Heading(text) => writeln!(f, "{text}")?,
                Line::Figure {
                    name,
                    figure,
                    must,
                    meets,
                } => {
                    let verdict = meets.map_or("", |meets| if meets { "meets" } else { "misses" });
                    let text = format!("  {name:<names$}  {figure:>figures$}  {must:<14}  {verdict}");
                    writeln!(f, "{}", text.trim_end())?;
                }
            }
        }
        Ok(())
    }
}
