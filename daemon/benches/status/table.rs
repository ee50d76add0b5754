//! The table that is printed.

use std::fmt;

use crate::samples::{Milliseconds, Samples};

const HEAD: [&str; 7] = ["", "runs", "median", "p99", "max", "compared", "must be"];

/// The lines of all rows.
#[derive(Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

enum Line {
    /// What the lines below were measured with.
    Heading(String),
    Cells {
        cells: [String; 7],
        meets: Option<bool>,
    },
    /// What could not be measured, and why.
    NotMeasured {
        name: &'static str,
        why: String,
    },
}

/// What a measured line is held against.
pub(crate) enum Must {
    /// Nothing; it is what others are compared with, or shown beside.
    Nothing,
    /// Nothing, but a ratio is shown.
    Compared(f64),
    /// A ratio.
    AtLeast { ratio: f64, least: f64 },
    /// A ratio.
    AtMost { ratio: f64, most: f64 },
    /// The worst of all runs, in milliseconds.
    WorstAtMost(u32),
    /// The median, in milliseconds.
    MedianAtMost(u32),
}

impl Table {
    pub(crate) fn heading(&mut self, text: String) {
        self.lines.push(Line::Heading(text));
    }

    pub(crate) fn not_measured(&mut self, name: &'static str, why: String) {
        self.lines.push(Line::NotMeasured { name, why });
    }

    pub(crate) fn measured(&mut self, name: &str, samples: &Samples, must: &Must) {
        let [median, p99, max] = [samples.median(), samples.p99(), samples.max()];
        let milliseconds = |limit: &u32| f64::from(*limit) / 1e3;
        let (compared, wanted, meets) = match must {
            Must::Nothing => (String::new(), String::new(), None),
            Must::Compared(ratio) => (times(*ratio), String::new(), None),
            Must::AtLeast { ratio, least } => (times(*ratio), format!("≥ {least} ×"), Some(ratio >= least)),
            Must::AtMost { ratio, most } => (times(*ratio), format!("≤ {most} ×"), Some(ratio <= most)),
            Must::WorstAtMost(limit) => (
                "max".to_owned(),
                format!("≤ {limit} ms"),
                Some(max.as_secs_f64() <= milliseconds(limit)),
            ),
            Must::MedianAtMost(limit) => (
                "median".to_owned(),
                format!("≤ {limit} ms"),
                Some(median.as_secs_f64() <= milliseconds(limit)),
            ),
        };
        let time = |time| Milliseconds(time).to_string();
        let cells = [
            name.to_owned(),
            samples.count().to_string(),
            time(median),
            time(p99),
            time(max),
            compared,
            wanted,
        ];
        self.lines.push(Line::Cells { cells, meets });
    }

    /// Whether no budget is missed among those that were measured.
    pub(crate) fn meets_all(&self) -> bool {
        !self
            .lines
            .iter()
            .any(|line| matches!(line, Line::Cells { meets: Some(false), .. }))
    }
}

fn times(ratio: f64) -> String {
    let digits = if ratio < 10.0 { 2 } else { 0 };
    format!("{ratio:.digits$} ×")
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = HEAD.map(|head| head.chars().count());
        for line in &self.lines {
            match line {
                Line::Cells { cells, .. } => {
                    for (width, cell) in widths.iter_mut().zip(cells) {
                        *width = cell.chars().count().max(*width);
                    }
                }
                Line::NotMeasured { name, .. } => widths[0] = name.chars().count().max(widths[0]),
                Line::Heading(_) => {}
            }
        }
        write_cells(f, &HEAD, &widths, "")?;
        for line in &self.lines {
            match line {
                Line::Heading(text) => writeln!(f, "{text}")?,
                Line::Cells { cells, meets } => {
                    let verdict = meets.map_or("", |meets| if meets { "meets" } else { "misses" });
                    write_cells(f, &cells.each_ref().map(String::as_str), &widths, verdict)?;
                }
                Line::NotMeasured { name, why } => writeln!(f, "  {name:<0$}  not measured: {why}", widths[0])?,
            }
        }
        Ok(())
    }
}

fn write_cells(f: &mut fmt::Formatter<'_>, cells: &[&str; 7], widths: &[usize; 7], verdict: &str) -> fmt::Result {
    let mut line = format!("  {:<1$}", cells[0], widths[0]);
    for (cell, width) in cells.iter().zip(widths).skip(1) {
        line.push_str("  ");
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        line.push_str(cell);
    }
    writeln!(f, "{}", format!("{line}  {verdict}").trim_end())
}
