//! What is to be seen of a process over time, and whether it was.

use std::fmt;
use std::time::{Duration, Instant};

use lockwatch::verdict::Verdict;

use super::cast::Cast;
use super::judge::{Said, Seen};
use super::scale::{self, Span};
use super::stage::Stage;
use crate::support::PATIENCE;

/// A class with its reason, `stuck/prompt`, or a class alone, which fits with every reason. That nothing is known yet, or
/// for a moment after a pause, fits always.
pub(super) type Pattern = &'static str;

/// So long whoever acts may be kept off the processor after the act, so that it seems later than it was.
const MOMENT: Duration = Duration::from_millis(500);

/// One step of what is expected.
pub(super) enum Step {
    /// It comes to this in the end, and meanwhile is nothing but those.
    Goes {
        through: &'static [Pattern],
        to: Pattern,
        /// Not earlier than this after the last act, or the scene's begin.
        after: Span,
    },
    /// As `Goes`, at once: not later than this after the last act, which is held to in runs with the default thresholds
    /// only, as others have the machine full.
    GoesAtOnce { to: Pattern, within: Span },
    /// For so long, it is nothing but these.
    Keeps { only: &'static [Pattern], span: Span },
    /// What is said about it names the process that the cast has for that.
    Names,
    /// The next act of the cast.
    Acts(&'static str),
}

/// It comes to this in the end, and meanwhile is nothing but those.
pub(super) const fn goes(through: &'static [Pattern], to: Pattern) -> Step {
    Step::Goes {
        through,
        to,
        after: Span::Seconds(0),
    }
}

/// The same, and not too early.
pub(super) const fn goes_after(after: Span, through: &'static [Pattern], to: Pattern) -> Step {
    Step::Goes { through, to, after }
}

pub(super) const fn keeps(only: &'static [Pattern], span: Span) -> Step {
    Step::Keeps { only, span }
}

/// The steps in words, for the table: what is expected one after the other.
pub(super) fn in_words(steps: &[Step]) -> String {
    let words = |step: &Step| match step {
        Step::Goes { to, .. } | Step::GoesAtOnce { to, .. } => Some((*to).to_owned()),
        Step::Keeps { only, .. } => Some(format!("only {}", only.join(" or "))),
        Step::Names => None,
        Step::Acts(what) => Some(format!("({what})")),
    };
    steps.iter().filter_map(words).collect::<Vec<_>>().join(", ")
}

/// What was seen, each with the time since the scene's begin.
#[derive(Default)]
pub(super) struct Course(Vec<(Duration, String)>);

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (at, what)) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { ", " };
            write!(f, "{between}{what} {:.1}s", at.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Goes through the steps; an error says which one failed, and how.
pub(super) fn play(
    steps: &[Step],
    mut cast: Cast,
    stage: &Stage,
    begin: Instant,
    course: &mut Course,
) -> Result<(), String> {
    let said = stage.judge().follow(cast.judged, stage.folder());
    follow(steps, &mut cast, said, begin, course)
}

fn follow(steps: &[Step], cast: &mut Cast, said: Said, begin: Instant, course: &mut Course) -> Result<(), String> {
    let mut now = Now {
        said,
        begin,
        last_act: begin,
        verdict: None,
        at: begin,
        course,
    };
    steps.iter().try_for_each(|step| now.step(step, cast))
}

/// Where a scene is.
struct Now<'a> {
    said: Said,
    begin: Instant,
    last_act: Instant,
    verdict: Option<Verdict>,
    /// When that was said.
    at: Instant,
    course: &'a mut Course,
}

impl Now<'_> {
    fn step(&mut self, step: &Step, cast: &mut Cast) -> Result<(), String> {
        match step {
            Step::Goes { through, to, after } => self.goes(through, to, *after),
            Step::GoesAtOnce { to, within } => {
                self.goes(&["working", "quiet"], to, Span::Seconds(0))?;
                let took = self.at.saturating_duration_since(self.last_act);
                if scale::is_whole() && took > within.scaled() {
                    return Err(format!("{to} came after {:.1} s only", took.as_secs_f64()));
                }
                Ok(())
            }
            Step::Keeps { only, span } => self.keeps(only, *span),
            Step::Names => self.names(cast.named.expect("the cast has one to be named")),
            Step::Acts(_) => {
                cast.acts.pop_front().expect("the cast has an act for each")();
                self.last_act = Instant::now();
                Ok(())
            }
        }
    }

    fn goes(&mut self, through: &[Pattern], to: Pattern, after: Span) -> Result<(), String> {
        let earliest = self.last_act + after.scaled().saturating_sub(MOMENT);
        let latest = Instant::now().max(earliest) + PATIENCE;
        loop {
            if self.is(to) {
                return if self.at < earliest {
                    let early = earliest.duration_since(self.at).as_secs_f64();
                    Err(format!("{to} came {early:.1} s too early"))
                } else {
                    Ok(())
                };
            }
            self.is_one_of(through)
                .map_err(|wrong| format!("{wrong} on the way to {to}"))?;
            if !self.hears_by(latest)? {
                return Err(format!("waited in vain for {to}"));
            }
        }
    }

    fn keeps(&mut self, only: &[Pattern], span: Span) -> Result<(), String> {
        let end = Instant::now() + span.scaled();
        loop {
            self.is_one_of(only)
                .map_err(|wrong| format!("{wrong} instead of {}", only.join(" or ")))?;
            if !self.hears_by(end)? {
                break;
            }
        }
        // Nothing known is no proof of anything.
        let latest = Instant::now() + PATIENCE;
        while !only.iter().any(|pattern| self.is(pattern)) {
            self.is_one_of(only)?;
            if !self.hears_by(latest)? {
                return Err(format!("in the end it is not {}", only.join(" or ")));
            }
        }
        Ok(())
    }

    fn names(&self, pid: u32) -> Result<(), String> {
        let verdict = self.verdict.as_ref().ok_or("it holds nothing")?;
        let text = format!("{} {}", verdict.evidence.join(" "), verdict.advice);
        let named = text
            .split(|c: char| !c.is_ascii_digit())
            .any(|number| number == pid.to_string());
        if named {
            Ok(())
        } else {
            Err(format!("process {pid} is not named in: {text}"))
        }
    }

    /// Takes the next that is said; whether there was something in time.
    fn hears_by(&mut self, deadline: Instant) -> Result<bool, String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};

        let left = deadline.saturating_duration_since(Instant::now());
        match self.said.told.recv_timeout(left) {
            Ok(Seen { at, verdict }) => {
                let (before, after) = (words(self.verdict.as_ref()), words(verdict.as_ref()));
                if self.course.0.is_empty() || before != after {
                    self.at = at;
                    let since = at.saturating_duration_since(self.begin);
                    self.course.0.push((since, after));
                }
                self.verdict = verdict;
                Ok(true)
            }
            Err(Timeout) => Ok(false),
            Err(Disconnected) => Err("the daemon has ended, or has said what cannot be".to_owned()),
        }
    }

    fn is(&self, pattern: Pattern) -> bool {
        let words = words(self.verdict.as_ref());
        let class = words.split('/').next().unwrap_or_default();
        pattern == words || pattern == class
    }

    fn is_one_of(&self, patterns: &[Pattern]) -> Result<(), String> {
        let fits = self.verdict.is_none() || self.is("unknown") || patterns.iter().any(|pattern| self.is(pattern));
        if fits {
            return Ok(());
        }
        let evidence = self.verdict.as_ref().map(|verdict| verdict.evidence.join("; "));
        Err(format!(
            "{} ({})",
            words(self.verdict.as_ref()),
            evidence.unwrap_or_default()
        ))
    }
}

/// A verdict as the document has it: `stuck/prompt`.
fn words(verdict: Option<&Verdict>) -> String {
    let Some(verdict) = verdict else {
        return "holds nothing".to_owned();
    };
    let word = |value: serde_json::Result<serde_json::Value>| {
        let value = value.expect("is JSON");
        value.as_str().expect("is a word").to_owned()
    };
    let class = word(serde_json::to_value(verdict.class));
    format!("{class}/{}", word(serde_json::to_value(verdict.reason)))
}

/// What is not as expected is found: made courses, each with what is wrong about it.
pub(super) fn finds_what_is_wrong() {
    const SHORT: Span = Span::Seconds(0);
    /// The steps, what is said and when, in seconds, and what is wrong about it.
    type Row<'a> = (&'a [Step], &'a [(u64, &'a str)], Option<&'a str>);

    let delayed: &[Step] = &[
        goes(&["working"], "quiet/traced"),
        goes_after(scale::NO_PROGRESS, &["quiet"], "stuck/suspended"),
    ];
    let steady: &[Step] = &[goes(&["stuck"], "stuck/deadlock"), keeps(&["stuck/deadlock"], SHORT)];
    let chain: &[Step] = &[goes(&[], "waiting/behind-lock"), Step::Names];
    let rows: &[Row] = &[
        (
            delayed,
            &[
                (0, "unknown/not-observed"),
                (1, "quiet/traced"),
                (120, "stuck/suspended"),
            ],
            None,
        ),
        (
            delayed,
            &[(0, "quiet/traced"), (60, "stuck/suspended")],
            Some("too early"),
        ),
        (delayed, &[(0, "stuck/suspended")], Some("on the way to quiet/traced")),
        (
            delayed,
            &[(0, "quiet/traced"), (1, "working/not-observed")],
            Some("on the way to stuck"),
        ),
        (delayed, &[(0, "quiet/traced")], Some("the daemon has ended")),
        (
            steady,
            &[(0, "stuck/deadlock"), (1, "quiet/traced")],
            Some("instead of stuck/deadlock"),
        ),
        (chain, &[(0, "waiting/behind-lock")], Some("process 4711 is not named")),
    ];
    for (steps, said, wrong) in rows {
        let begin = Instant::now();
        let (tell, told) = std::sync::mpsc::channel();
        for (seconds, words) in *said {
            let (class, reason) = words.split_once('/').expect("has both");
            let document = serde_json::json!({
                "class": class, "reason": reason, "since": null, "evidence": ["process 47 waits"], "advice": "wait"
            });
            let verdict = serde_json::from_value(document).expect("is a verdict");
            let at = begin + Span::Seconds(*seconds).scaled();
            tell.send(Seen {
                at,
                verdict: Some(verdict),
            })
            .expect("is listened to");
        }
        drop(tell);
        let mut cast = Cast::of(1).naming(4711);
        let given = follow(steps, &mut cast, Said::made(told), begin, &mut Course::default());
        match (given, wrong) {
            (Ok(()), None) => {}
            (Err(problem), Some(wrong)) => assert!(problem.contains(wrong), "{said:?}: {problem}"),
            (given, _) => panic!("{said:?}: {given:?}"),
        }
    }
}
