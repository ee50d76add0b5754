//! The rows about one holder: who started it, since when, its verdict, who waits, and how it can be stopped.

use lockwatch::by_process::Entry;
use lockwatch::cargo::origin::OriginKind;
use lockwatch::cli;
use lockwatch::state::Process;
use lockwatch::verdict::{Class, Reason, Verdict};

use super::age::Ages;
use super::{Action, Facts, Row, count, names, split, wrapped};
use crate::cases::Notice;
use crate::stopping::{Stage, Stops};

/// So many waiters are listed below each holder.
const MAX_WAITERS: usize = 3;
/// So many lines of evidence.
const MAX_EVIDENCE: usize = 2;

/// `cargo check (pid 4711) holds the build directory of ~/src/parity`.
pub(super) fn sentence(entry: &Entry<'_>, home: Option<&str>) -> String {
    let (lock, others) = (entry.main_lock, entry.other_contended_locks());
    let object = format!("the {} of {}", lock.label, names::place(lock, home));
    let also = if others == 0 {
        String::new()
    } else {
        format!(" and {}", count(others, "other lock", "other locks"))
    };
    format!(
        "{} {} {object}{also}",
        names::process(entry.process),
        doing(entry.verdict)
    )
}

fn doing(verdict: &Verdict) -> &'static str {
    match (verdict.class, verdict.reason) {
        (Class::Stuck, Reason::Suspended) => "is suspended and holds",
        (Class::Stuck, Reason::Deadlock) => "is deadlocked and holds",
        (Class::Stuck, _) => "is stuck and holds",
        (Class::Quiet, Reason::Traced) => "is stopped by a debugger and holds",
        (Class::Waiting, _) => "waits itself and holds",
        _ => "holds",
    }
}

/// The notification about a holder that is stuck and has kept somebody waiting for long.
pub(crate) fn stuck_notice(entry: &Entry<'_>, home: Option<&str>) -> Notice {
    let waiting = count(entry.queue, "process waits", "processes wait");
    let why = entry.verdict.evidence.first().map(|line| format!("\n{line}"));
    Notice {
        title: format!("Cargo is {}", cli::judgement(entry.verdict)),
        body: format!(
            "{}; {waiting}{}\n{}",
            sentence(entry, home),
            why.unwrap_or_default(),
            entry.verdict.advice
        ),
    }
}

/// How far the stop of a holder is.
pub(super) fn stage<'a>(entry: &Entry<'_>, stops: &'a Stops) -> Option<&'a Stage> {
    stops.stage(entry.token()?.process)
}

/// The rows below its name.
pub(super) fn details(entry: &Entry<'_>, facts: &Facts, ages: &Ages<'_>) -> Vec<Row> {
    let pid = entry.process.pid;
    let key = |what: &str| format!("holder {pid} {what}");
    let mut rows = Vec::new();
    let begin = begin(entry, facts.home.as_deref(), ages);
    if !begin.is_empty() {
        rows.push(Row::text(key("begin"), begin));
    }
    if entry.verdict.class != Class::Unknown {
        rows.push(Row::text(key("verdict"), cli::judgement(entry.verdict)));
    }
    for (place, line) in entry.verdict.evidence.iter().take(MAX_EVIDENCE).enumerate() {
        rows.extend(wrapped(&key(&format!("evidence {place}")), "", line));
    }
    if entry.matters() && !entry.verdict.advice.is_empty() {
        rows.extend(wrapped(&key("advice"), "advice: ", &entry.verdict.advice));
    }
    rows.extend(waiters(entry, &key, ages));
    rows.extend(stop(entry, facts, &key));
    rows
}

/// `in ~/src/parity, started by zsh, since 14:07 (3 min)`, as far as it is known.
fn begin(entry: &Entry<'_>, home: Option<&str>, ages: &Ages<'_>) -> String {
    let process = entry.process;
    let mut parts = Vec::new();
    if let Some(cwd) = process.cwd.as_deref().filter(|cwd| *cwd != entry.main_lock.place()) {
        parts.push(format!("in {}", names::folder(cwd, home)));
    }
    parts.extend(starter(process));
    let holders = entry.main_lock.holders.iter();
    let since = holders
        .filter(|holder| holder.process.pid == process.pid)
        .find_map(|holder| holder.since);
    match (since, process.started_at) {
        (Some(since), _) => parts.push(format!("since {}", ages.since(since))),
        (None, Some(started)) => parts.push(format!("running since {}", ages.since(started))),
        (None, None) => {}
    }
    parts.join(", ")
}

fn starter(process: &Process) -> Option<String> {
    let name = process.origin.name.as_deref();
    match (process.origin.kind, name) {
        (OriginKind::Orphan, Some(name)) => Some(format!("started by {name}, which is gone")),
        (OriginKind::Orphan, None) => Some("whoever started it is gone".to_owned()),
        (_, Some(name)) => Some(format!("started by {name}")),
        (_, None) => None,
    }
}

fn waiters(entry: &Entry<'_>, key: &dyn Fn(&str) -> String, ages: &Ages<'_>) -> Vec<Row> {
    let (shown, more) = split(&entry.behind, MAX_WAITERS);
    let row = |(lock, waiter): &(&lockwatch::state::Lock, &lockwatch::state::Waiter)| {
        let lasting = waiter.waited_ms.map(|waited| format!(", {}", ages.lasting(waited)));
        let who = names::process(&waiter.process);
        let text = format!("{who} waits for the {}{}", lock.label, lasting.unwrap_or_default());
        Row::text(key(&format!("waiter {} {}", waiter.process.pid, lock.path)), text)
    };
    let mut rows: Vec<Row> = shown.iter().map(row).collect();
    if more > 0 {
        rows.push(Row::text(key("waiters"), format!("and {more} more")));
    }
    rows
}

/// How it can be stopped, or how far that is.
fn stop(entry: &Entry<'_>, facts: &Facts, key: &dyn Fn(&str) -> String) -> Vec<Row> {
    let Some(token) = entry.token() else { return Vec::new() };
    let process = token.process;
    match facts.stops.stage(process) {
        None => vec![Row::choice(key("stop"), "Stop gracefully …", Action::Plan(token))],
        Some(Stage::Looking) => vec![Row::text(key("stop"), "looking whom a stop would meet …")],
        Some(Stage::UnderWay { doing }) => vec![Row::text(key("stop"), *doing)],
        Some(Stage::Asking { wish, plan, processes }) => {
            let mut rows = Vec::new();
            for (place, line) in plan.iter().enumerate() {
                rows.extend(wrapped(&key(&format!("plan {place}")), "", line));
            }
            let verb = if wish.force { "Kill" } else { "Stop" };
            let object = if *processes == 1 {
                "this process".to_owned()
            } else {
                format!("these {processes} processes")
            };
            rows.push(Row::choice(
                key("agree"),
                format!("{verb} {object}"),
                Action::Agree(process),
            ));
            rows.push(Row::choice(key("decline"), "Let it run", Action::Decline(process)));
            rows
        }
        Some(Stage::StillThere { sentence }) => {
            let mut rows = wrapped(&key("failed"), "", sentence);
            rows.push(Row::choice(key("force"), "Force quit …", Action::PlanForce(token)));
            rows
        }
    }
}
