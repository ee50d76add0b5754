//! What the icon says: what is known becomes a shape, a sentence and rows of a menu. Pure.
//!
//! The rows answer in the order of the questions: what is going on, who is in the way and why, what can be done, and at the
//! end what belongs to the tray itself.

mod age;
mod holder;
mod names;
mod tail;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use jiff::tz::TimeZone;
use lockwatch::by_process::{Entry, entries, waiting_processes};
use lockwatch::process::ProcessId;
use lockwatch::state::{Lock, State};
use lockwatch::token::Token;

use self::age::Ages;
pub(crate) use self::holder::stuck_notice;
use crate::icon::Shape;
use crate::stopping::Stops;

/// So many holders have their rows in the menu itself; the others each have a menu of their own.
const MAX_FLAT: usize = 2;
/// So many holders are listed.
const MAX_HOLDERS: usize = 12;
/// So many notes are shown.
const MAX_NOTES: usize = 2;
/// What sets a row apart that belongs to the one above it.
const INDENT: &str = "    ";

/// What the menu is made of.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What `~` stands for.
    pub(crate) home: Option<String>,
    /// Where times of the day are told.
    pub(crate) zone: TimeZone,
    /// Whether the menu bar has a text beside the icon while somebody waits.
    pub(crate) title: bool,
    /// What is known of the daemon.
    pub(crate) link: Link,
    /// What it said last, while it is followed.
    pub(crate) state: Option<State>,
    /// The stops that were asked for here.
    pub(crate) stops: Stops,
    /// For how long somebody has waited today.
    pub(crate) waited_today: Option<Duration>,
    /// Whether the tray starts at login.
    pub(crate) at_login: Login,
    /// Whether the user is told of what is stuck.
    pub(crate) notifications: Notifications,
    /// What went wrong last with a wish of the user's.
    pub(crate) trouble: Option<String>,
}

/// What is known of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It is being asked for.
    Looking,
    /// It is followed.
    Following { version: String, pid: u32 },
    /// There is none, or none that answers; in one sentence.
    Gone { why: String },
}

/// Whether the tray starts at login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Yes,
    No,
    /// It cannot be set here; why.
    Unknown(&'static str),
}

/// Whether the user is told of what is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notifications {
    On,
    Off,
    /// Off in `config.toml`, which is not changed from here.
    OffInConfig,
}

/// What a row does when it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Show whom a stop would meet; nothing is signalled.
    Plan(Token),
    /// Do what the plan says.
    Agree(ProcessId),
    /// Do not.
    Decline(ProcessId),
    /// Show whom a stop by force would meet.
    PlanForce(Token),
    /// Start a daemon.
    StartDaemon,
    /// Open `lockwatch watch` in a terminal.
    LiveView,
    /// Be told of what is stuck, or not any more.
    Notifications,
    /// Start at login, or not any more.
    AtLogin,
    /// End the tray.
    Quit,
}

/// All that is shown at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// The shape of the icon.
    pub(crate) icon: Shape,
    /// The text beside the icon, where the system shows one.
    pub(crate) title: Option<String>,
    /// The answer in one line: who is in the way.
    pub(crate) tooltip: String,
    /// The menu.
    pub(crate) rows: Vec<Row>,
}

/// A row of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What it is about. Two rows with the same key are the same row, whatever their texts say.
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

/// What can be done with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is to be read.
    Text,
    /// It is to be chosen.
    Choice(Action),
    /// It is on or off, and can be switched where there is an action.
    Check { on: bool, action: Option<Action> },
    /// A line between other rows.
    Separator,
    /// A menu of its own.
    Group(Vec<Row>),
}

impl Row {
    fn text(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(key, text, Kind::Text)
    }

    fn choice(key: impl Into<String>, text: impl Into<String>, action: Action) -> Self {
        Self::new(key, text, Kind::Choice(action))
    }

    fn separator(key: &str) -> Self {
        Self::new(key, "", Kind::Separator)
    }

    fn new(key: impl Into<String>, text: impl Into<String>, kind: Kind) -> Self {
        Self {
            key: key.into(),
            text: text.into(),
            kind,
        }
    }
}

impl Model {
    /// What the facts say, when the state is `elapsed` old; and after how long it says something else by itself.
    pub(crate) fn of(facts: &Facts, elapsed: Duration) -> (Self, Option<Duration>) {
        let Some(state) = &facts.state else {
            return (Self::without_state(facts), None);
        };
        let ages = Ages::new(state.as_of, elapsed, &facts.zone);
        let entries = entries(state);
        let mut rows = vec![Row::text("headline", headline(state, &entries))];
        rows.extend(tail::skew(&facts.link));
        rows.extend(tail::told(facts));
        rows.extend(holders(facts, state, &entries, &ages));
        rows.extend(tail::rows(facts));
        let model = Self {
            icon: shape(state),
            title: longest_wait(state).filter(|_| facts.title).map(|ms| ages.short(ms)),
            tooltip: answer(state, &entries, facts.home.as_deref(), &ages),
            rows,
        };
        (model, ages.next())
    }

    /// Where nothing is known of the locks.
    fn without_state(facts: &Facts) -> Self {
        let (icon, sentence, start) = match &facts.link {
            Link::Gone { why } => (Shape::Stuck, format!("Cargo's locks are not seen: {why}"), true),
            _ => (Shape::Free, "Waiting for the daemon …".to_owned(), false),
        };
        let mut rows = wrapped("headline", "", &sentence);
        if start {
            rows.push(Row::choice("start", "Start the daemon", Action::StartDaemon));
        }
        rows.extend(tail::told(facts));
        rows.extend(tail::rows(facts));
        Self {
            icon,
            title: None,
            tooltip: sentence,
            rows,
        }
    }
}

fn shape(state: &State) -> Shape {
    match state.summary {
        summary if summary.stuck > 0 => Shape::Stuck,
        summary if summary.contended > 0 => Shape::Waits,
        summary if summary.held > 0 => Shape::Held,
        _ => Shape::Free,
    }
}

fn headline(state: &State, entries: &[Entry<'_>]) -> String {
    let waiting = waiting_processes(state);
    let queue = if waiting == 0 {
        "nobody is waiting".to_owned()
    } else {
        format!("{waiting} waiting")
    };
    match (entries.len(), state.summary.stuck) {
        (0, _) if waiting == 0 => "No Cargo lock is held".to_owned(),
        (0, _) => format!("{} for a Cargo lock", count(waiting, "process waits", "processes wait")),
        (holding, 0) => format!(
            "{} Cargo locks; {queue}",
            count(holding, "process holds", "processes hold")
        ),
        (_, 1) => format!("1 process is stuck and holds Cargo locks; {queue}"),
        (_, stuck) => format!("{stuck} processes are stuck and hold Cargo locks; {queue}"),
    }
}

/// The sentence about the holder that most wait for, or that is stuck; the headline where none stands out.
fn answer(state: &State, entries: &[Entry<'_>], home: Option<&str>, ages: &Ages<'_>) -> String {
    let longest = longest_wait(state).map(|waited| format!(" for {}", ages.lasting(waited)));
    let longest = longest.unwrap_or_default();
    match entries {
        [first, rest @ ..] if first.matters() || rest.is_empty() => {
            let queue = match (first.queue, waiting_processes(state).saturating_sub(first.queue)) {
                (0, 0) => "nobody is waiting".to_owned(),
                (here, 0) => format!("{here} waiting{longest}"),
                (here, elsewhere) => format!("{here} waiting, {elsewhere} more elsewhere"),
            };
            format!("{}; {queue}", holder::sentence(first, home))
        }
        _ => headline(state, entries),
    }
}

/// For how many milliseconds the one who waits longest had waited, as far as it is known.
fn longest_wait(state: &State) -> Option<u64> {
    let waiters = state.locks.iter().flat_map(|lock| &lock.waiters);
    waiters.filter_map(|waiter| waiter.waited_ms).max()
}

fn holders(facts: &Facts, state: &State, entries: &[Entry<'_>], ages: &Ages<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    // Where somebody is in the way, what blocks nobody only distracts from it; but one that is being stopped stays.
    let matters = |entry: &&Entry<'_>| entry.matters() || holder::stage(entry, &facts.stops).is_some();
    let mattering: Vec<&Entry<'_>> = entries.iter().filter(matters).collect();
    let all: Vec<&Entry<'_>> = entries.iter().collect();
    let listed = if mattering.is_empty() { &all } else { &mattering };
    let (shown, more) = split(listed, MAX_HOLDERS);
    for (place, entry) in shown.iter().enumerate() {
        let key = format!("holder {}", entry.process.pid);
        let title = holder::sentence(entry, facts.home.as_deref());
        let details = holder::details(entry, facts, ages);
        if shown.len() <= MAX_FLAT + 1 || place < MAX_FLAT {
            rows.push(Row::separator(&format!("{key} above")));
            rows.push(Row::text(key, title));
            rows.extend(details.into_iter().map(|row| Row {
                text: format!("{INDENT}{}", row.text),
                ..row
            }));
        } else {
            if place == MAX_FLAT {
                rows.push(Row::separator("others"));
            }
            rows.push(Row::new(key, title, Kind::Group(details)));
        }
    }
    if more > 0 {
        let text = format!("and {}", count(more, "more process", "more processes"));
        rows.push(Row::text("more", text));
    }
    let holderless = state.locks.iter().filter(|lock| lock.holders.is_empty());
    rows.extend(holderless.map(|lock| holderless_row(lock, facts.home.as_deref())));
    if !mattering.is_empty() && mattering.len() < entries.len() {
        let others = count(entries.len() - mattering.len(), "process holds", "processes hold");
        rows.push(Row::text("rest", format!("{others} locks that block nobody")));
    }
    for (place, note) in state.notes.iter().take(MAX_NOTES).enumerate() {
        rows.extend(wrapped(&format!("note {place}"), "note: ", note));
    }
    rows
}

/// A lock that somebody waits for, and whose holder could not be seen.
fn holderless_row(lock: &Lock, home: Option<&str>) -> Row {
    let waiting = count(lock.waiters.len(), "process waits", "processes wait");
    let text = format!(
        "{waiting} for the {} of {}; who holds it is not seen",
        lock.label,
        names::place(lock, home)
    );
    Row::text(format!("lock {}", lock.path), text)
}

/// A text in rows, because a menu does not wrap them.
fn wrapped(key: &str, first: &str, text: &str) -> Vec<Row> {
    let lines = names::lines(&format!("{first}{text}")).into_iter().enumerate();
    let row = |(place, line): (usize, String)| {
        let indent = if place == 0 { "" } else { INDENT };
        Row::text(format!("{key} {place}"), format!("{indent}{line}"))
    };
    lines.map(row).collect()
}

/// The first so many, and how many are left. A row that says "1 more" would take the place of that one.
fn split<T>(all: &[T], limit: usize) -> (&[T], usize) {
    let shown = if all.len() == limit + 1 {
        all.len()
    } else {
        all.len().min(limit)
    };
    (&all[..shown], all.len() - shown)
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
