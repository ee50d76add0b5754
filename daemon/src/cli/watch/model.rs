//! What the live view shows, and what keys do to it. Pure: time comes in as an argument.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::keys::Key;
use super::rows::{self, Row, RowId};
use super::stopping::Stopping;
use crate::cargo::command;
use crate::cli::stop;
use crate::clock::Moment;
use crate::engine::Published;
use crate::live::{Trouble, Update};
use crate::protocol;
use crate::state::State;
use crate::stop::Report;

/// The whole of it.
#[derive(Debug, Default)]
pub(super) struct Model {
    seen: Option<Seen>,
    pub(super) trouble: Option<Trouble>,
    /// The row that was chosen; none as long as nobody chose, then the worst is looked at, whoever it is.
    selected: Option<RowId>,
    /// Where the chosen row was last, for when it has gone.
    place: usize,
    /// Whether the details are open; as long as nobody said, where there is room.
    details: Option<bool>,
    pub(super) all: bool,
    pub(super) help: bool,
    pub(super) stopping: Stopping,
    /// The rows of which all waiters are listed.
    unfolded: Vec<RowId>,
    /// The first line of the list that is shown.
    pub(super) scroll: usize,
    /// The first line of the details that is shown.
    pub(super) details_scroll: usize,
}

/// A state, and when it came.
#[derive(Debug)]
struct Seen {
    published: Arc<Published>,
    /// How old it was when it came, by the wall clock.
    age: SignedDuration,
    at: Duration,
}

/// What follows from a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Show what has changed.
    Draw,
    /// Nothing has changed.
    Nothing,
    /// Show everything anew: something else may have written on the terminal.
    Repaint,
    /// Do this, and tell the model what came of it.
    Stop(protocol::Stop),
    /// Give the terminal back to the shell for a while.
    Suspend,
    /// End.
    Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Move(isize),
    /// So many pages of the list, or of the details where they are open.
    Page(isize),
    First,
    Last,
    Enter,
    Open(bool),
    All,
    Help,
    Stop,
    Back,
    Repaint,
    Suspend,
    Quit,
}

/// What each key does; the help is made of the same keys by hand, in [`super::draw`].
fn action(key: Key) -> Option<Action> {
    Some(match key {
        Key::Up | Key::Char('k') => Action::Move(-1),
        Key::Down | Key::Char('j') => Action::Move(1),
        Key::PageUp | Key::Ctrl('b') => Action::Page(-1),
        Key::PageDown | Key::Char(' ') | Key::Ctrl('f') => Action::Page(1),
        Key::Home | Key::Char('g') => Action::First,
        Key::End | Key::Char('G') => Action::Last,
        Key::Enter => Action::Enter,
        Key::Right | Key::Char('l') => Action::Open(true),
        Key::Left | Key::Char('h') => Action::Open(false),
        Key::Char('a') => Action::All,
        Key::Char('?') => Action::Help,
        Key::Char('s') => Action::Stop,
        Key::Esc => Action::Back,
        Key::Ctrl('l') => Action::Repaint,
        Key::Ctrl('z') => Action::Suspend,
        Key::Char('q' | 'Q') | Key::Ctrl('c' | 'd') => Action::Quit,
        _ => return None,
    })
}

/// How large the parts of the screen are, which only drawing knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    /// Lines of the list, or of the details where they are open.
    pub(super) page: usize,
    /// Whether the details are open where nobody has said.
    pub(super) details: bool,
}

impl Model {
    /// Takes what came.
    pub(super) fn update(&mut self, update: Update, now: Moment) {
        match update {
            Update::Trouble(trouble) => self.trouble = Some(trouble),
            Update::State(published) => {
                let by_daemon = published.state.source == crate::state::Source::Daemon;
                self.trouble
                    .take_if(|trouble| by_daemon || !trouble.is_about_the_daemon());
                let age = now.wall.duration_since(published.state.as_of);
                self.seen = Some(Seen {
                    age: age.max(SignedDuration::ZERO),
                    at: now.since_boot,
                    published,
                });
                self.hold_place();
            }
        }
    }

    /// The state, and how much time has gone by since it was made: durations in it are that much longer now.
    pub(super) fn state(&self, now: Moment) -> Option<(&State, Duration)> {
        let seen = self.seen.as_ref()?;
        let age = Duration::try_from(seen.age).unwrap_or_default();
        Some((&seen.published.state, age + now.since(seen.at)))
    }

    /// The time that it is by the clock of whoever made the state.
    pub(super) fn now(&self, now: Moment) -> Timestamp {
        let Some((state, gone)) = self.state(now) else {
            return now.wall;
        };
        let gone = SignedDuration::try_from(gone).unwrap_or(SignedDuration::MAX);
        state.as_of.checked_add(gone).unwrap_or(state.as_of)
    }

    /// Whether a duration is shown, so that the screen changes by itself.
    pub(super) fn ticks(&self) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|seen| !seen.published.state.locks.is_empty())
    }

    /// The rows of the list.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        self.seen
            .as_ref()
            .map(|seen| rows::rows(&seen.published.state, self.all, &self.unfolded))
            .unwrap_or_default()
    }

    /// Which row is chosen.
    pub(super) fn chosen(&self, rows: &[Row<'_>]) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        rows.iter().position(|row| row.id() == *selected)
    }

    /// Which row the details are about.
    pub(super) fn looked_at(&self, rows: &[Row<'_>]) -> Option<usize> {
        self.chosen(rows).or((!rows.is_empty()).then_some(0))
    }

    /// Whether the details are open.
    pub(super) fn details(&self, by_room: bool) -> bool {
        self.details.unwrap_or(by_room)
    }

    /// Does what a key says.
    pub(super) fn key(&mut self, key: Key, room: Room) -> After {
        if self.stopping.is_asking() && !matches!(key, Key::Ctrl(_)) {
            // Only the letter means yes: Enter may have been meant for something else.
            let yes = matches!(key, Key::Char('y' | 'Y'));
            return self.stopping.answer(yes).map_or(After::Draw, After::Stop);
        }
        let Some(action) = action(key) else {
            return After::Nothing;
        };
        self.stopping.seen();
        if self.help && !matches!(action, Action::Repaint | Action::Suspend | Action::Quit) {
            self.help = false;
            return After::Draw;
        }
        let open = self.details(room.details);
        match action {
            Action::Move(by) => self.go(by),
            Action::Page(by) if open => {
                let by = by.saturating_mul(room.page.max(1).cast_signed());
                // Drawing knows the last line, and goes no further.
                self.details_scroll = self.details_scroll.saturating_add_signed(by);
            }
            Action::Page(by) => self.go(by.saturating_mul((room.page / 2).max(1).cast_signed())),
            Action::First => self.go(isize::MIN),
            Action::Last => self.go(isize::MAX),
            Action::Enter => self.enter(open),
            Action::Open(open) => self.details = Some(open),
            Action::All => {
                self.all = !self.all;
                self.hold_place();
            }
            Action::Help => self.help = true,
            Action::Stop => return self.stop(),
            Action::Back if self.details == Some(true) => self.details = None,
            Action::Back | Action::Quit => return After::Quit,
            Action::Repaint => return After::Repaint,
            Action::Suspend => return After::Suspend,
        }
        After::Draw
    }

    /// Begins to stop the holder that is looked at; where that is none, nothing.
    fn stop(&mut self) -> After {
        if self.stopping.is_under_way() {
            return After::Nothing;
        }
        let rows = self.rows();
        let place = self.looked_at(&rows);
        let Some(Row::Holder(entry)) = place.and_then(|place| rows.get(place)) else {
            return After::Nothing;
        };
        let name = format!("{} (pid {})", command::short(&entry.process.command), entry.process.pid);
        let pid = entry.process.pid;
        let lock = entry.main_lock;
        let holder = lock.holders.iter().find(|holder| holder.process.pid == pid);
        let Some(token) = holder.map(|holder| holder.token) else {
            return After::Nothing;
        };
        drop(rows);
        After::Stop(self.stopping.plan(token, &name))
    }

    /// Takes what came of a plan or a stop.
    pub(super) fn reported(&mut self, report: Result<&Report, String>, home: Option<&str>) {
        let report = match report {
            Ok(report) => report,
            Err(sentence) => return self.stopping.failed(sentence),
        };
        let state = self.seen.as_ref().map(|seen| &seen.published.state);
        let question = || state.map_or_else(String::new, |state| stop::question(report, state, home));
        self.stopping.reported(report, question);
    }

    /// Chooses another row. The first step from nothing chosen chooses the first row.
    fn go(&mut self, by: isize) {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else {
            return;
        };
        let place = match self.chosen(&rows) {
            Some(place) => place.saturating_add_signed(by).min(last),
            None if by == isize::MAX => last,
            None => 0,
        };
        let id = rows[place].id();
        drop(rows);
        self.choose(id, place);
    }

    fn choose(&mut self, id: RowId, place: usize) {
        if self.selected.as_ref() != Some(&id) {
            self.details_scroll = 0;
        }
        self.selected = Some(id);
        self.place = place;
    }

    /// Lists what a row stands for, or opens and closes the details.
    fn enter(&mut self, open: bool) {
        let rows = self.rows();
        let Some(place) = self.looked_at(&rows) else {
            return;
        };
        let id = rows[place].id();
        drop(rows);
        match id {
            RowId::More(_) => {
                self.unfolded.push(id);
                self.hold_place();
            }
            RowId::Rest => {
                self.all = true;
                self.hold_place();
            }
            _ => {
                self.choose(id, place);
                self.details = Some(!open);
            }
        }
    }

    /// Keeps a row chosen where the chosen one has gone: the one that is in its place now.
    fn hold_place(&mut self) {
        let rows = self.rows();
        let there = self.chosen(&rows);
        let next = rows.get(self.place.min(rows.len().saturating_sub(1))).map(Row::id);
        let shown: Vec<RowId> = rows.iter().map(Row::id).collect();
        drop(rows);
        // What was unfolded folds again when its process has gone, so that the list of such does not grow.
        self.unfolded
            .retain(|unfolded| shown.iter().any(|id| id.is_under(unfolded)));
        match there {
            Some(place) => self.place = place,
            None if self.selected.is_some() => {
                self.details_scroll = 0;
                self.selected = next;
            }
            None => {}
        }
    }
}
