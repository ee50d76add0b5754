//! What the doctor found as text: for people, and for a bug report. Pure, but for the name of the system in the latter.

use std::fmt::Write as _;

use super::super::human::{self, wrap};
use super::super::status::view::{BAD, FAINT, GOOD, STRONG, View as StatusView, WARN, field};
use crate::doctor::{Check, Finding, Outcome, Report, SelfTest, Surroundings};
use crate::os::Precision;

/// How it is shown.
pub(super) struct View<'a> {
    /// What `~` stands for.
    pub(super) home: Option<&'a str>,
    /// The terminal's width in columns; none where it is no terminal.
    pub(super) width: Option<usize>,
}

/// The column in which the values of an entry begin, as in `status`.
const INDENT: usize = 14;

impl View<'_> {
    /// The answer in the first line, then each finding, then what was checked.
    pub(super) fn render(&self, report: &Report) -> String {
        let mut text = headline(report);
        if let Some(test) = &report.self_test {
            text.push('\n');
            self.self_test(&mut text, test);
        }
        for finding in report.findings() {
            text.push('\n');
            self.finding(&mut text, finding);
        }
        let is_fine = |check: &&Check| check.outcome == Outcome::Fine;
        let fine: Vec<&Check> = report.checks.iter().filter(is_fine).collect();
        if !fine.is_empty() {
            text.push('\n');
            for (place, check) in fine.iter().enumerate() {
                field(
                    &mut text,
                    if place == 0 { "in order" } else { "" },
                    &self.short(&check.name),
                );
            }
        }
        let mut name = "not checked";
        for check in &report.checks {
            if let Outcome::NotChecked { reason } = &check.outcome {
                let line = format!("{}: {}", self.short(&check.name), self.short(reason));
                self.value(&mut text, name, &line);
                name = "";
            }
        }
        text
    }

    fn self_test(&self, text: &mut String, tried: &SelfTest) {
        for (place, part) in tried.parts.iter().enumerate() {
            let name = if place == 0 { "self-test" } else { "" };
            match &part.failed {
                None => field(text, name, &format!("{GOOD}ok{GOOD:#}      {}", part.what)),
                Some(failed) => {
                    field(text, name, &format!("{BAD}failed{BAD:#}  {}", part.what));
                    self.value(text, "", failed);
                }
            }
        }
        let times = [
            ("taken to named", tried.taken_to_named_ms.map(|ms| format!("{ms} ms"))),
            ("killed to named", tried.killed_to_named_ms.map(|ms| format!("{ms} ms"))),
            (
                "one look",
                tried.look_us.map(|us| format!("{}.{:03} ms", us / 1000, us % 1000)),
            ),
        ];
        let times: Vec<String> = times
            .into_iter()
            .filter_map(|(what, time)| Some(format!("{what} {}", time?)))
            .collect();
        if !times.is_empty() {
            field(text, "latency", &times.join(", "));
        }
        if tried.precision == Some(Precision::Inferred) {
            field(text, "precision", &format!("{WARN}inferred{WARN:#}"));
        }
        for note in &tried.notes {
            self.value(text, "", note);
        }
    }

    fn finding(&self, text: &mut String, finding: &Finding) {
        for (place, line) in wrap(&self.short(&finding.what), self.room()).iter().enumerate() {
            let (style, indent) = if place == 0 { (BAD, "") } else { (WARN, "  ") };
            let _ = writeln!(text, "{indent}{style}{line}{style:#}");
        }
        self.value(text, "why", &self.short(&finding.why));
        // Not shortened and not broken: it is to be copied.
        field(text, "mend", &format!("{STRONG}{}{STRONG:#}", finding.mend));
    }

    /// Everything, with what a reader elsewhere needs to know of this machine.
    pub(super) fn for_a_bug_report(&self, report: &Report, around: &Surroundings) -> String {
        let mut text = format!("lockwatch {} doctor report\n\n", report.version);
        let system = rustix::system::uname();
        let part = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        let line = format!(
            "{} {} {}",
            part(system.sysname()),
            part(system.release()),
            part(system.machine())
        );
        field(&mut text, "system", &line);
        let version = around
            .project
            .version
            .map_or_else(|| "not found".to_owned(), |version| version.to_string());
        field(&mut text, "cargo", &version);
        for place in &around.places {
            let name = place.name.strip_prefix("the ").unwrap_or(place.name);
            let kind = crate::os::file_system(&place.path).map_or_else(|error| error.to_string(), |found| found.kind);
            field(
                &mut text,
                "folder",
                &format!("{name} {} ({kind})", crate::text::escape_path(&place.path)),
            );
        }
        text.push('\n');
        text += &Self { width: None, ..*self }.render(report);
        text.push('\n');
        match &around.state {
            Ok(state) => {
                let view = StatusView {
                    home: self.home,
                    width: None,
                    all: true,
                };
                text += &view.render(state);
            }
            Err(reason) => {
                let _ = writeln!(text, "{reason}");
            }
        }
        let plain = anstream::adapter::strip_str(&text).to_string();
        self.short(&plain)
    }

    /// The text with the home directory as `~`, wherever it stands in it.
    fn short(&self, text: &str) -> String {
        let Some(home) = self.home.filter(|home| home.len() > 1) else {
            return text.to_owned();
        };
        let mut short = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(home) {
            let after = &rest[at + home.len()..];
            // `/home/me` is not the begin of `/home/melanie`, nor the end of `/mnt/home/me`.
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
            let begins = !rest[..at].ends_with(is_part);
            let ends = after.starts_with('/') || !after.starts_with(is_part);
            short.push_str(&rest[..at]);
            short.push_str(if begins && ends { "~" } else { home });
            rest = after;
        }
        short.push_str(rest);
        short
    }

    fn value(&self, text: &mut String, name: &str, value: &str) {
        for (place, line) in wrap(value, self.room() - INDENT).iter().enumerate() {
            field(text, if place == 0 { name } else { "" }, line);
        }
    }

    /// The columns that a text may have.
    fn room(&self) -> usize {
        self.width.unwrap_or(100).clamp(60, 100)
    }
}

fn headline(report: &Report) -> String {
    let findings = report.findings().count();
    let detection = match &report.self_test {
        Some(test) if test.passed && test.precision == Some(Precision::Inferred) => {
            format!("{WARN}The lock detection works, but does not see all{WARN:#}")
        }
        Some(test) if test.passed => format!("{STRONG}The lock detection works{STRONG:#}"),
        Some(test) => {
            let part = test.parts.iter().find(|part| part.failed.is_some());
            let part = part.map_or("", |part| part.id.as_str());
            format!(
                "{BAD}The lock detection fails in the part `{part}`{BAD:#}: do not rely on what lockwatch says here"
            )
        }
        None => format!("{FAINT}The lock detection could not be tested{FAINT:#}"),
    };
    let found = match findings {
        0 => "nothing was found".to_owned(),
        number => format!("{BAD}{}{BAD:#}", human::count(number, "finding", "findings")),
    };
    format!("{detection}; {found}\n")
}

#[cfg(test)]
mod tests;
