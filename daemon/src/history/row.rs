//! What the tracker tells, as rows. Pure.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Moment, milliseconds};
use crate::observation::Participant;
use crate::os::Mode;
use crate::process::ProcessId;
use crate::stop::Report;
use crate::tracker::{Begin, Hold, HoldEnd, LeftOpen, LockName, Part, Span, Wait, WaitEnd};
use crate::verdict::{Class, Reason};

/// A hold as short as this is only counted, unless it blocked somebody.
pub(super) const SHORT: Duration = Duration::from_millis(50);

/// What tells one hold, or one wait, from every other for good. In the order of their begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// The run of the machine.
    pub(super) boot_id: u64,
    /// When it began, since boot.
    pub(super) begin: Duration,
    /// Whose, and which lock.
    pub(super) part: Part,
}

impl Key {
    pub(super) fn new(boot_id: u64, lock: &LockName, process: ProcessId, begin: Begin) -> Self {
        let part = Part {
            file: lock.file,
            process,
        };
        Self {
            boot_id,
            begin: begin.at,
            part,
        }
    }

    pub(super) fn of_hold(boot_id: u64, hold: &Hold) -> Self {
        Self::new(boot_id, &hold.lock, hold.who.process.id, hold.begin)
    }

    pub(super) fn of_wait(boot_id: u64, wait: &Wait) -> Self {
        Self::new(boot_id, &wait.lock, wait.who.process.id, wait.begin)
    }

    pub(super) fn of_left_open(boot_id: u64, left: &LeftOpen) -> Self {
        Self {
            boot_id,
            begin: left.begin.at,
            part: left.part,
        }
    }
}

/// What the rows of holds and of waits have in common.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) key: Key,
    pub(super) lock: Arc<LockName>,
    pub(super) who: Arc<Participant>,
    pub(super) mode: Option<Mode>,
    pub(super) begin_seen: bool,
    /// By the wall clock, in milliseconds since 1970, as the clock was set when the row was made: so the begin and the end
    /// of one row fit each other.
    pub(super) begin_ms: i64,
    pub(super) last_seen_ms: i64,
}

impl Shared {
    fn new(
        boot_id: u64,
        lock: &Arc<LockName>,
        who: &Arc<Participant>,
        mode: Option<Mode>,
        begin: Begin,
        at: &Moment,
    ) -> Self {
        Self {
            key: Key::new(boot_id, lock, who.process.id, begin),
            lock: Arc::clone(lock),
            who: Arc::clone(who),
            mode,
            begin_seen: begin.seen,
            begin_ms: at.wall_at(begin.at).as_millisecond(),
            last_seen_ms: at.wall.as_millisecond(),
        }
    }
}

/// A row of `holds`.
#[derive(Clone, Debug)]
pub(super) struct HoldRow {
    pub(super) shared: Shared,
    pub(super) held_ms: u64,
    pub(super) blocked: bool,
    /// How it ended; none for one that lasts.
    pub(super) how: Option<HoldEnd>,
    /// The gravest verdict so far.
    pub(super) verdict: Option<(Class, Reason)>,
}

impl HoldRow {
    pub(super) fn new(
        boot_id: u64,
        hold: &Hold,
        how: Option<HoldEnd>,
        verdict: Option<(Class, Reason)>,
        at: &Moment,
    ) -> Self {
        Self {
            shared: Shared::new(boot_id, &hold.lock, &hold.who, hold.mode, hold.begin, at),
            held_ms: milliseconds(at.since(hold.begin.at)),
            blocked: hold.blocked_somebody,
            how,
            verdict,
        }
    }
}

/// A row of `stops`.
#[derive(Clone, Debug)]
pub(super) struct StopRow {
    /// When it ended, in milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The lock, where it is in use.
    pub(super) lock: Option<Arc<LockName>>,
    pub(super) report: Report,
}

/// The rows of `waits` for one wait: one for each span.
#[derive(Clone, Debug)]
pub(super) struct WaitRow {
    pub(super) shared: Shared,
    pub(super) spans: Vec<SpanRow>,
    /// How it ended; none for one that lasts.
    pub(super) how: Option<WaitEnd>,
}

/// What an earlier daemon saw of a wait that goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Earlier {
    pub(super) spans: Vec<Span>,
    /// When it saw it last.
    pub(super) until: Duration,
}

impl Earlier {
    /// The whole wait: the tracker of this daemon knows whom it is behind now, and takes it to have been so all the time.
    pub(super) fn and(&self, wait: &Wait) -> Wait {
        let whom = |span: &Span| span.behind.map(|(process, begin)| (process, begin.at));
        let mut spans = self.spans.clone();
        let begun = wait.spans.partition_point(|span| span.from <= self.until);
        for span in &wait.spans[begun.saturating_sub(1)..] {
            if spans.last().is_none_or(|last| whom(last) != whom(span)) {
                let from = span.from.max(self.until);
                spans.pop_if(|last| last.from >= from);
                spans.push(Span { from, ..*span });
            }
        }
        Wait { spans, ..wait.clone() }
    }
}

/// A part of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpanRow {
    pub(super) from: Duration,
    pub(super) from_ms: i64,
    pub(super) waited_ms: u64,
    pub(super) behind: Option<Key>,
}

impl WaitRow {
    pub(super) fn new(boot_id: u64, wait: &Wait, how: Option<WaitEnd>, at: &Moment) -> Self {
        let begin = wait.begin.at;
        // Each border is rounded once, as the distance from the begin, so that the parts add up to the whole.
        let after = |border: Duration| milliseconds(border.saturating_sub(begin));
        let unseen = Span {
            from: begin,
            behind: None,
        };
        let spans: &[_] = if wait.spans.is_empty() { &[unseen] } else { &wait.spans };
        let borders = spans.iter().skip(1).map(|span| span.from).chain([at.since_boot]);
        let row = |(span, to): (&Span, Duration)| SpanRow {
            from: span.from,
            from_ms: at.wall_at(span.from).as_millisecond(),
            waited_ms: after(to).saturating_sub(after(span.from)),
            behind: span
                .behind
                .map(|(process, begin)| Key::new(boot_id, &wait.lock, process, begin)),
        };
        Self {
            shared: Shared::new(boot_id, &wait.lock, &wait.who, wait.mode, wait.begin, at),
            spans: spans.iter().zip(borders).map(row).collect(),
            how,
        }
    }
}
