//! The one writer of the history.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, ErrorCode};

use super::pending::Pending;
use super::row::{Earlier, HoldRow, Key, SHORT, StopRow, WaitRow};
use super::schema::{self, OpenError};
use super::{aside, store};
use crate::clock::Moment;
use crate::config::Retention;
use crate::os::FileId;
use crate::stop::Report;
use crate::text;
use crate::tracker::{Change, Hold, HoldEnd, LeftOpen, LockName, Part, Wait, WaitEnd};
use crate::verdict::{Class, Reason};

/// After a failure the file is left alone for so long, however much there is to write.
const RETRY: Duration = Duration::from_secs(5);
/// What is too old or too much goes so often.
const PRUNE: Duration = Duration::from_hours(1);
/// A place that is seen all the time is written so often.
const REMEMBER: Duration = Duration::from_hours(1);
/// So many rows are written in one go.
const ROWS: usize = 1_000;
/// A wall clock that went on by so much more or less than the other one was set.
const JUMP: SignedDuration = SignedDuration::from_hours(1);
/// A wall clock that was set is believed for so long before it makes rows old.
const DOUBT: Duration = Duration::from_hours(24);
/// It is said for so long that a damaged file was set aside.
const TOLD: Duration = Duration::from_hours(24);

/// Writes the history. It has no failure that stops its owner: what cannot be written is kept in memory, within a bound,
/// until it can, and [`Recorder::problem`] says so.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    retention: Retention,
    boot_id: u64,
    file: File,
    /// The holds that last.
    current: HashMap<Key, Current>,
    /// The gravest verdict on each of them so far.
    verdicts: HashMap<Part, (Class, Reason)>,
    pending: Pending,
    /// What was open in the file when it was read first; none before.
    left_open: Option<Vec<LeftOpen>>,
    /// What that was of waits.
    earlier: HashMap<Key, Earlier>,
    places: Places,
    /// Whether the tracker has begun, so that what the file left open comes too late for it.
    late: bool,
    /// When the file was pruned last, since boot.
    pruned: Option<Duration>,
    /// Whether there was more to prune than one call does.
    prune_more: bool,
    clock: WallClock,
    /// The file that was set aside, and when, since boot.
    set_aside: Option<(PathBuf, Duration)>,
}

/// The file as it can be used.
#[derive(Debug)]
enum File {
    /// It is written.
    Open(Connection, FileId),
    /// It cannot be written now.
    Unavailable {
        why: String,
        /// When it is tried again, since boot.
        retry: Duration,
        /// Where that is of use still: opening it again would find nothing else.
        open: Option<(Connection, FileId)>,
    },
    /// It is of a newer version, and is left alone.
    Newer(i64),
}

#[derive(Debug)]
struct Current {
    hold: Hold,
    /// Whether it has a row already: then its end belongs there, however short it was.
    has_row: bool,
}

/// The places, newest by their turns and not by a clock, which can be set.
#[derive(Debug, Default)]
struct Places {
    turns: BTreeMap<PathBuf, i64>,
    /// When each was written last in this run, since boot.
    written: HashMap<PathBuf, Duration>,
}

impl Recorder {
    /// Begins to record in this file, and closes in it what earlier runs of the machine left open.
    pub fn open(path: PathBuf, retention: Retention, boot_id: u64, moment: &Moment) -> Self {
        let mut recorder = Self {
            path,
            retention,
            boot_id,
            file: File::unavailable(String::new(), Duration::ZERO),
            current: HashMap::new(),
            verdicts: HashMap::new(),
            pending: Pending::default(),
            left_open: None,
            earlier: HashMap::new(),
            places: Places::default(),
            late: false,
            pruned: None,
            prune_more: false,
            clock: WallClock::new(moment),
            set_aside: None,
        };
        recorder.connect(moment);
        recorder.late = true;
        recorder.prune(moment);
        recorder
    }

    /// What a daemon before this one left open in this run of the machine.
    pub fn left_open(&self) -> Vec<LeftOpen> {
        self.left_open.clone().unwrap_or_default()
    }

    /// Ends those of [`Recorder::left_open`] that are not there any more. Nobody saw how: they end where they were seen
    /// last.
    pub fn close_unseen(&mut self, gone: &[LeftOpen], moment: &Moment) {
        let keys = gone
            .iter()
            .map(|left| (left.waits, Key::of_left_open(self.boot_id, left)));
        for (waits, key) in keys {
            self.earlier.remove(&key);
            self.pending.unseen.insert((waits, key));
        }
        self.flush(moment);
    }

    /// Takes in what a look changed. What ended is in the file when this returns, where it can be written.
    pub fn record(&mut self, changes: &[Change], moment: &Moment) {
        self.record_slow(changes, moment, moment.since_boot);
    }

    /// The same for a look that took its time: it began at the `moment` and was done at `done`, since boot. What it shows as
    /// ended may have ended as late as that, and in doubt a hold was long enough for a row.
    pub fn record_slow(&mut self, changes: &[Change], moment: &Moment, done: Duration) {
        if self.is_newer() {
            return;
        }
        // Holds first: a wait names the holds that it was behind.
        for change in changes {
            match change {
                Change::Took(hold) => self.lasts(hold),
                Change::Freed(hold, how) => {
                    let may_be_long = done.saturating_sub(hold.begin.at) >= SHORT;
                    self.freed(hold, *how, may_be_long, moment);
                }
                Change::Asked(_) | Change::Went(..) => {}
            }
        }
        for change in changes {
            if let Change::Went(wait, how) = change {
                self.wait(wait, Some(*how), moment);
            }
        }
        self.flush(moment);
    }

    /// Takes in how all the holders are judged now.
    pub fn judged(&mut self, verdicts: impl Iterator<Item = (Part, Class, Reason)>) {
        let mut last = std::mem::take(&mut self.verdicts);
        for (part, class, reason) in verdicts {
            let new = (class != Class::Unknown).then_some((class, reason));
            // The classes stand in the order of their gravity; of one class the first reason counts.
            let old = last.remove(&part);
            let gravest = old
                .filter(|(class, _)| new.is_none_or(|(new, _)| new <= *class))
                .or(new);
            self.verdicts.extend(gravest.map(|verdict| (part, verdict)));
        }
    }

    /// Takes in that a stop is over, however it ended; of which lock it was, where that is in use.
    pub fn stopped(&mut self, report: Report, lock: Option<Arc<LockName>>, moment: &Moment) {
        if self.is_newer() {
            return;
        }
        self.pending.stop(StopRow {
            at_ms: moment.wall.as_millisecond(),
            lock,
            report,
        });
        self.flush(moment);
    }

    /// Writes what lasts, and now and then prunes: once a minute, and when the daemon ends.
    pub fn checkpoint<'a>(
        &mut self,
        holds: impl Iterator<Item = &'a Hold>,
        waits: impl Iterator<Item = &'a Wait>,
        moment: &Moment,
    ) {
        if self.is_newer() {
            return;
        }
        self.reopen_where_replaced(moment);
        // Whatever is not among them has ended, even if nobody said so.
        let before = std::mem::take(&mut self.current);
        for hold in holds {
            let key = Key::of_hold(self.boot_id, hold);
            let current = Current {
                hold: hold.clone(),
                has_row: before.get(&key).is_some_and(|current| current.has_row),
            };
            self.current.insert(key, current);
            if moment.since(hold.begin.at) >= SHORT || hold.blocked_somebody {
                self.open_row(key, moment);
            }
        }
        for wait in waits {
            self.wait(wait, None, moment);
        }
        self.flush(moment);
        let due = self.pruned.is_none_or(|pruned| moment.since(pruned) >= PRUNE);
        if due || self.prune_more || self.is_too_large() {
            self.prune(moment);
        }
        if self.set_aside.as_ref().is_some_and(|(_, at)| moment.since(*at) >= TOLD) {
            self.set_aside = None;
        }
    }

    /// Ends what earlier runs of the machine left open, and deletes what is too old or too much, in a bounded number of
    /// steps; [`Recorder::checkpoint`] calls it about hourly, and each time while there is more to do.
    pub fn prune(&mut self, moment: &Moment) {
        let days = SignedDuration::from_hours(24 * i64::from(self.retention.days));
        let limits = store::Limits {
            oldest_ms: self
                .clock
                .can_be_trusted(moment)
                .then(|| moment.wall.checked_sub(days).ok())
                .flatten()
                .map(Timestamp::as_millisecond),
            bytes: self.bytes_limit(),
        };
        let File::Open(connection, _) = &self.file else {
            return;
        };
        self.pruned = Some(moment.since_boot);
        let pruned = store::end_other_boots(connection, self.boot_id).and_then(|()| store::prune(connection, &limits));
        match pruned {
            Ok(more) => self.prune_more = more,
            Err(error) => {
                self.prune_more = false;
                self.failed(&error, moment);
            }
        }
    }

    /// Remembers a Cargo home or a build folder; the newest 256 are.
    pub fn remember_place(&mut self, path: &Path, moment: &Moment) {
        let written = self.places.written.get(path);
        if written.is_some_and(|written| moment.since(*written) < REMEMBER) {
            return;
        }
        let turn = self.places.turns.values().max().copied().unwrap_or(0) + 1;
        self.places.turns.insert(path.to_owned(), turn);
        self.places.written.insert(path.to_owned(), moment.since_boot);
        let place = (turn, moment.wall.as_millisecond());
        self.pending.places.insert(path.to_owned(), place);
        while self.places.turns.len() > store::PLACES {
            let oldest = self.places.turns.iter().min_by_key(|(_, turn)| **turn);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else {
                break;
            };
            self.places.turns.remove(&oldest);
            self.places.written.remove(&oldest);
            self.pending.places.remove(&oldest);
        }
        self.flush(moment);
    }

    /// The places, the newest first.
    pub fn places(&self) -> Vec<PathBuf> {
        let mut places: Vec<_> = self.places.turns.iter().collect();
        places.sort_by_key(|(_, turn)| std::cmp::Reverse(**turn));
        places.into_iter().map(|(path, _)| path.clone()).collect()
    }

    /// What is wrong, for the notes of the state: one line. It stays the same while nothing else is wrong.
    pub fn problem(&self) -> Option<String> {
        let path = text::escape_path(&self.path);
        let file = match &self.file {
            File::Newer(version) => Some(format!(
                "the history {path} was written by a newer lockwatch (form {version}, this one knows {}) and is left \
                 alone; nothing is recorded until lockwatch is updated",
                schema::known_version()
            )),
            File::Unavailable { why, .. } => Some(format!(
                "the history {path} cannot be written ({why}); what ends meanwhile is kept in memory{}",
                if self.pending.lost > 0 {
                    ", and the oldest of it is lost"
                } else {
                    " until it can"
                }
            )),
            File::Open(..) if self.pending.lost > 0 => Some(format!(
                "{} entries of the history were lost while it could not be written",
                self.pending.lost
            )),
            File::Open(..) => None,
        };
        let aside = self.set_aside.as_ref().map(|(aside, _)| {
            let aside = text::escape_path(aside);
            format!("the history {path} was damaged: it was set aside as {aside}, and a new one was begun")
        });
        let all: Vec<String> = file.into_iter().chain(aside).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn lasts(&mut self, hold: &Hold) {
        let current = || Current {
            hold: hold.clone(),
            has_row: false,
        };
        self.current
            .entry(Key::of_hold(self.boot_id, hold))
            .or_insert_with(current);
    }

    fn freed(&mut self, hold: &Hold, how: HoldEnd, may_be_long: bool, moment: &Moment) {
        let key = Key::of_hold(self.boot_id, hold);
        let had_row = self.current.remove(&key).is_some_and(|current| current.has_row);
        if had_row || hold.blocked_somebody || may_be_long {
            let verdict = self.verdicts.get(&key.part).copied();
            self.pending
                .hold(HoldRow::new(self.boot_id, hold, Some(how), verdict, moment));
        } else {
            let minute = moment.wall.as_millisecond().div_euclid(60_000) * 60_000;
            let path = text::escape_path(&hold.lock.path);
            self.pending.short((minute, path, hold.lock.kind));
        }
    }

    fn wait(&mut self, wait: &Wait, how: Option<WaitEnd>, moment: &Moment) {
        let key = Key::of_wait(self.boot_id, wait);
        let row = match self.earlier.get(&key) {
            Some(earlier) => WaitRow::new(self.boot_id, &earlier.and(wait), how, moment),
            None => WaitRow::new(self.boot_id, wait, how, moment),
        };
        if how.is_some() {
            self.earlier.remove(&key);
        }
        for hold in row.spans.iter().filter_map(|span| span.behind) {
            if self.current.get(&hold).is_some_and(|current| !current.has_row) {
                self.open_row(hold, moment);
            }
        }
        self.pending.wait(row);
    }

    /// Gives a hold that lasts its row.
    fn open_row(&mut self, key: Key, moment: &Moment) {
        if let Some(current) = self.current.get_mut(&key) {
            current.has_row = true;
            let verdict = self.verdicts.get(&key.part).copied();
            self.pending
                .hold(HoldRow::new(self.boot_id, &current.hold, None, verdict, moment));
        }
    }

    fn is_newer(&self) -> bool {
        matches!(self.file, File::Newer(_))
    }

    /// Writes what is pending, where the file can be written.
    fn flush(&mut self, moment: &Moment) {
        if self.pending.is_empty() {
            return;
        }
        if let File::Unavailable { retry, open, .. } = &mut self.file
            && moment.since_boot >= *retry
        {
            match open.take() {
                Some((connection, file)) => self.file = File::Open(connection, file),
                None => self.connect(moment),
            }
        }
        while let File::Open(connection, _) = &self.file
            && !self.pending.is_empty()
        {
            let part = self.pending.take(ROWS);
            if let Err(error) = store::write(connection, &part) {
                self.pending.put_back(part);
                self.failed(&error, moment);
            }
        }
    }

    /// After a failure other than a full disk or a busy file it is closed: what is wrong shows when it is opened again.
    fn failed(&mut self, error: &rusqlite::Error, moment: &Moment) {
        if schema::is_damage(error) {
            self.begin_anew(error.to_string(), moment);
            return;
        }
        let stays_open = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        );
        let unavailable = File::unavailable(schema::reason(error), moment.since_boot + RETRY);
        let before = std::mem::replace(&mut self.file, unavailable);
        if let (File::Open(connection, file), File::Unavailable { open, .. }, true) =
            (before, &mut self.file, stays_open)
        {
            *open = Some((connection, file));
        }
    }

    /// Opens the file; a damaged one is set aside first.
    fn connect(&mut self, moment: &Moment) {
        match self.try_connect(moment) {
            Err(OpenError::Damaged(why)) => self.begin_anew(why, moment),
            result => self.settle(result, moment),
        }
    }

    /// Sets the file aside and begins a new one.
    fn begin_anew(&mut self, why: String, moment: &Moment) {
        // This closes it.
        self.file = File::unavailable(why, moment.since_boot);
        match aside::set_aside(&self.path, moment.wall) {
            Ok(aside) => {
                self.set_aside = Some((aside, moment.since_boot));
                let result = self.try_connect(moment);
                self.settle(result, moment);
            }
            Err(error) => {
                let why = format!("it is damaged and cannot be set aside: {error}");
                self.file = File::unavailable(why, moment.since_boot + RETRY);
            }
        }
        // The new file knows nothing of what the old one had.
        for current in self.current.values_mut() {
            current.has_row = false;
        }
        let at = moment.wall.as_millisecond();
        let places = self.places.turns.iter().map(|(path, turn)| (path.clone(), (*turn, at)));
        self.pending.places.extend(places);
    }

    fn try_connect(&self, moment: &Moment) -> Result<(Connection, FileId), OpenError> {
        let connection = schema::open(&self.path, moment)?;
        let file = identity(&self.path).ok_or_else(|| OpenError::Unavailable("it is gone".to_owned()))?;
        Ok((connection, file))
    }

    fn settle(&mut self, result: Result<(Connection, FileId), OpenError>, moment: &Moment) {
        self.file = match result {
            Ok((connection, file)) => {
                self.read_first(&connection);
                File::Open(connection, file)
            }
            Err(OpenError::Newer(version)) => {
                let places = std::mem::take(&mut self.pending.places);
                self.pending = Pending {
                    places,
                    ..Pending::default()
                };
                File::Newer(version)
            }
            Err(OpenError::Damaged(why) | OpenError::Unavailable(why)) => {
                File::unavailable(why, moment.since_boot + RETRY)
            }
        };
    }

    /// Reads what an earlier daemon left, once. Where it cannot be read, writing will find out why.
    fn read_first(&mut self, connection: &Connection) {
        if self.left_open.is_some() {
            return;
        }
        let left_open = store::left_open(connection, self.boot_id).unwrap_or_default();
        if self.late {
            // The tracker began without them, so they are not gone on with.
            let keys = left_open
                .iter()
                .map(|left| (left.waits, Key::of_left_open(self.boot_id, left)));
            self.pending.unseen.extend(keys);
            self.left_open = Some(Vec::new());
        } else {
            self.left_open = Some(left_open);
            for (key, span, length) in store::open_spans(connection, self.boot_id).unwrap_or_default() {
                let earlier = self.earlier.entry(key).or_default();
                earlier.until = span.from.saturating_add(length);
                earlier.spans.push(span);
            }
        }
        for (path, turn) in store::places(connection).unwrap_or_default() {
            // What was seen meanwhile is newer.
            self.places.turns.entry(path).or_insert(turn);
        }
    }

    /// Somebody deleted or moved the file: what would be written to it now would be lost.
    fn reopen_where_replaced(&mut self, moment: &Moment) {
        if let File::Open(_, file) = &self.file
            && identity(&self.path) != Some(*file)
        {
            self.file = File::unavailable("it was deleted".to_owned(), moment.since_boot);
            self.connect(moment);
            for current in self.current.values_mut() {
                current.has_row = false;
            }
        }
    }

    fn bytes_limit(&self) -> i64 {
        i64::from(self.retention.megabytes) * 1_000_000
    }

    fn is_too_large(&self) -> bool {
        let File::Open(connection, _) = &self.file else {
            return false;
        };
        store::used_bytes(connection).is_ok_and(|used| used > self.bytes_limit())
    }
}

impl File {
    fn unavailable(why: String, retry: Duration) -> Self {
        Self::Unavailable { why, retry, open: None }
    }
}

/// Which file a path names.
fn identity(path: &Path) -> Option<FileId> {
    let metadata = path.metadata().ok()?;
    Some(FileId {
        dev: metadata.dev(),
        ino: metadata.ino(),
    })
}

/// Whether the wall clock goes on as the other one does. One that was set to a wrong year must not make every row old.
#[derive(Debug)]
struct WallClock {
    then: Moment,
    /// Until when it is doubted, since boot.
    doubted: Duration,
}

impl WallClock {
    fn new(moment: &Moment) -> Self {
        Self {
            then: *moment,
            doubted: Duration::ZERO,
        }
    }

    fn can_be_trusted(&mut self, now: &Moment) -> bool {
        let by_wall = now.wall.duration_since(self.then.wall);
        let since_boot = SignedDuration::try_from(now.since(self.then.since_boot)).unwrap_or(SignedDuration::MAX);
        if by_wall.saturating_sub(since_boot).abs() > JUMP {
            self.doubted = now.since_boot + DOUBT;
        }
        self.then = *now;
        now.since_boot >= self.doubted
    }
}

#[cfg(test)]
mod tests;
