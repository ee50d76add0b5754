//! Reading the history, with or without a daemon that writes it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Row};
use rustix::fs::Access;

use super::report::{
    Behind, Past, PastHold, PastSpan, PastStop, PastWait, Report, SCHEMA_VERSION, ShortHolds, Summary,
};
use super::waiting::{Interval, Waiting};
use super::{schema, word};
use crate::cargo::command;
use crate::cargo::lock_kind::LockKind;
use crate::cargo::origin::OriginKind;
use crate::clock::milliseconds;
use crate::state::{StartedBy, build_project, folder};
use crate::text;

/// So many holds, waits and minutes are in a report, at most.
pub const LIMIT: usize = 10_000;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// The begin of the time: what ended before it is left out.
    pub since: Timestamp,
    /// Only locks of this kind.
    pub lock: Option<LockKind>,
    /// So many holds, waits and minutes at most, the newest; [`LIMIT`] where it is more.
    pub limit: usize,
}

/// Why the history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The system does not let it be read.
    #[error("the history {} cannot be read: {source}", text::escape_path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no history, or not any more.
    #[error(
        "the history {} is damaged ({reason}); the daemon sets it aside and begins a new one when it starts: `lockwatch daemon`",
        text::escape_path(path)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Anything else.
    #[error(
        "the history {} cannot be read: {reason}; try again, and look at it with `sqlite3` if that goes on",
        text::escape_path(path)
    )]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

/// Reads what was since a time. No file is an empty history.
pub fn query(path: &Path, query: &Query) -> Result<Report, HistoryError> {
    let now = Timestamp::now();
    // Asked of the system, which says why: SQLite only says that it could not open it. Not by opening it: to close it
    // again would drop the locks that a recorder in the same process has on it.
    match rustix::fs::access(path, Access::READ_OK).map_err(io::Error::from) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Report::empty(query, now)),
        Err(source) => {
            return Err(HistoryError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    }
    read(path, query, now).map_err(|error| {
        let (path, reason) = (path.to_owned(), error.to_string());
        if schema::is_damage(&error) || error.sqlite_error_code() == Some(ErrorCode::Unknown) {
            HistoryError::Damaged { path, reason }
        } else {
            HistoryError::Failed { path, reason }
        }
    })
}

impl Report {
    fn empty(query: &Query, now: Timestamp) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            since: query.since,
            until: now,
            recorded_since: None,
            summary: Summary::default(),
            holds: Vec::new(),
            waits: Vec::new(),
            short_holds: Vec::new(),
            stops: Vec::new(),
        }
    }
}

/// What of a table is in the time; `?1` is its begin, `?2` the kind.
const IN_TIME: &str = "(end_ms >= ?1 OR end_ms IS NULL) AND (?2 IS NULL OR kind = ?2)";
const SHORT_IN_TIME: &str = "minute_ms + 60000 > ?1 AND (?2 IS NULL OR kind = ?2)";

const PAST: &str = "lock, kind, pid, started_ms, command, cwd, toolchain, origin_kind, origin_name, mode, begin_ms,
    begin_seen, end_ms, last_seen_ms, how";

fn read(path: &Path, query: &Query, now: Timestamp) -> rusqlite::Result<Report> {
    let connection = schema::open_to_read(path)?;
    // One transaction: all that is read is of one moment.
    let connection = connection.unchecked_transaction()?;
    let version = schema::version(&connection)?;
    let mut report = Report::empty(query, now);
    // A file that was made and not begun: the daemon is about to.
    if version == 0 && !connection.table_exists(None, "holds")? {
        return Ok(report);
    }
    let begun: Option<i64> = connection.query_row("SELECT min(begun_ms) FROM about", [], |row| row.get(0))?;
    report.recorded_since = begun.map(timestamp);
    let reader = Reader {
        connection: &connection,
        since_ms: query.since.as_millisecond(),
        kind: query.lock.map(LockKind::name),
        limit: i64::try_from(query.limit.min(LIMIT)).unwrap_or(i64::MAX),
        has_stops: version >= schema::WITH_STOPS,
    };
    report.holds = reader.holds()?;
    report.waits = reader.waits()?;
    report.short_holds = reader.short_holds()?;
    if reader.has_stops {
        report.stops = reader.stops()?;
    }
    report.summary = reader.summary()?;
    Ok(report)
}

struct Reader<'a> {
    connection: &'a Connection,
    since_ms: i64,
    kind: Option<&'static str>,
    limit: i64,
    /// Whether the file has stops and verdicts. One that no newer daemon has opened yet has none.
    has_stops: bool,
}

impl Reader<'_> {
    fn rows<T>(&self, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map((self.since_ms, self.kind, self.limit), read)?;
        rows.collect()
    }

    fn holds(&self) -> rusqlite::Result<Vec<PastHold>> {
        let verdict = if self.has_stops {
            "class, reason"
        } else {
            "NULL AS class, NULL AS reason"
        };
        let sql = format!(
            "SELECT id, held_ms, blocked, {verdict}, {PAST} FROM holds WHERE {IN_TIME} ORDER BY begin_ms DESC, id DESC LIMIT ?3"
        );
        self.rows(&sql, |row| {
            Ok(PastHold {
                id: row.get("id")?,
                held_ms: unsigned(row, "held_ms")?,
                blocked_somebody: row.get("blocked")?,
                how: known(row, "how")?,
                class: known(row, "class")?,
                reason: known(row, "reason")?,
                past: past(row)?,
            })
        })
    }

    fn stops(&self) -> rusqlite::Result<Vec<PastStop>> {
        let sql =
            "SELECT * FROM stops WHERE at_ms >= ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY at_ms DESC, id DESC LIMIT ?3";
        self.rows(sql, |row| {
            Ok(PastStop {
                at: timestamp(row.get("at_ms")?),
                lock: shown_if_any(row, "lock")?,
                kind: known(row, "kind")?,
                pid: row.get("pid")?,
                command: shown_if_any(row, "command")?,
                outcome: known(row, "outcome")?,
                refusal: known(row, "refusal")?,
                forced: row.get("forced")?,
                signalled: unsigned(row, "signalled")?,
                took_ms: unsigned(row, "took_ms")?,
                sentence: shown(row, "sentence")?,
            })
        })
    }

    fn waits(&self) -> rusqlite::Result<Vec<PastWait>> {
        // The parts of a wait share their key; `LIMIT` counts waits.
        let key = "boot_id, begin_since_boot_ns, pid, process_start, dev, ino";
        let sql = format!(
            "SELECT hold, from_ms, waited_ms, rank, {PAST} FROM (
                SELECT *, dense_rank() OVER (ORDER BY begin_ms DESC, {key}) AS rank FROM waits WHERE {IN_TIME}
            ) WHERE rank <= ?3 ORDER BY rank, from_since_boot_ns"
        );
        let mut waits: Vec<(i64, PastWait)> = Vec::new();
        let rows = self.rows(&sql, |row| {
            let span = PastSpan {
                hold: row.get("hold")?,
                from: timestamp(row.get("from_ms")?),
                waited_ms: unsigned(row, "waited_ms")?,
            };
            Ok((row.get::<_, i64>("rank")?, span, past(row)?, known(row, "how")?))
        })?;
        for (rank, span, past, how) in rows {
            match waits.last_mut() {
                Some((last, wait)) if *last == rank => {
                    wait.waited_ms = wait.waited_ms.saturating_add(span.waited_ms);
                    wait.spans.push(span);
                }
                _ => waits.push((
                    rank,
                    PastWait {
                        waited_ms: span.waited_ms,
                        spans: vec![span],
                        past,
                        how,
                    },
                )),
            }
        }
        Ok(waits.into_iter().map(|(_, wait)| wait).collect())
    }

    fn short_holds(&self) -> rusqlite::Result<Vec<ShortHolds>> {
        let sql = format!(
            "SELECT minute_ms, lock, kind, count FROM short_holds WHERE {SHORT_IN_TIME}
             ORDER BY minute_ms DESC, lock, kind LIMIT ?3"
        );
        self.rows(&sql, |row| {
            Ok(ShortHolds {
                minute: timestamp(row.get("minute_ms")?),
                lock: shown(row, "lock")?,
                kind: kind(row)?,
                count: unsigned(row, "count")?,
            })
        })
    }

    /// Of everything in the time, whatever the limit of the lists.
    fn summary(&self) -> rusqlite::Result<Summary> {
        let count = |what: &str, table: &str, filter: &str| {
            self.connection.query_row(
                &format!("SELECT {what} FROM {table} WHERE {filter}"),
                (self.since_ms, self.kind),
                |row| {
                    row.get::<_, Option<i64>>(0)
                        .map(|count| count.unwrap_or(0).max(0).cast_unsigned())
                },
            )
        };
        let mut waits = HashSet::new();
        let mut waiting = Waiting::new();
        // A limit that is none, to have the same parameters.
        let sql = format!(
            "SELECT part.boot_id, part.begin_since_boot_ns, part.pid, part.process_start, part.dev, part.ino,
                part.from_since_boot_ns, part.from_ms, part.waited_ms, part.kind, part.lock,
                holds.command, holds.cwd, holds.origin_kind, holds.origin_name
             FROM (SELECT * FROM waits WHERE {IN_TIME}) AS part LEFT JOIN holds ON holds.id = part.hold
             WHERE ?3 IS NOT NULL"
        );
        self.rows(&sql, |row| {
            waits.insert((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?,
            ));
            let from = Duration::from_nanos(unsigned(row, "from_since_boot_ns")?);
            let interval = Interval {
                boot_id: row.get::<_, i64>(0)?.cast_unsigned(),
                from,
                to: from.saturating_add(Duration::from_millis(unsigned(row, "waited_ms")?)),
            };
            waiting.add(interval.after(self.since_ms, row.get("from_ms")?), holder(row)?);
            Ok(())
        })?;
        Ok(Summary {
            waited_ms: milliseconds(waiting.total()),
            behind: waiting
                .by_group()
                .into_iter()
                .map(|((who, place), time)| Behind {
                    who,
                    place,
                    waited_ms: milliseconds(time),
                })
                .filter(|behind| behind.waited_ms > 0)
                .collect(),
            holds: count("count(*)", "holds", IN_TIME)?,
            waits: waits.len() as u64,
            short_holds: count("sum(count)", "short_holds", SHORT_IN_TIME)?,
        })
    }
}

/// Who was in the way, and where.
fn holder(row: &Row<'_>) -> rusqlite::Result<Option<(String, String)>> {
    let Some(command) = shown_if_any(row, "command")? else {
        return Ok(None);
    };
    let lock = shown(row, "lock")?;
    let cwd = shown_if_any(row, "cwd")?;
    let origin = StartedBy {
        kind: known(row, "origin_kind")?.unwrap_or(OriginKind::Unknown),
        name: shown_if_any(row, "origin_name")?,
        pid: None,
    };
    let place = place(kind(row)?, &lock, cwd.as_deref()).to_owned();
    Ok(Some((who(&command, &origin).to_owned(), place)))
}

/// Whoever a person would say it was: the program that started the cargo unasked, or else the command.
fn who<'a>(command: &'a str, origin: &'a StartedBy) -> &'a str {
    match (origin.kind, origin.name.as_deref()) {
        (OriginKind::Editor | OriginKind::Agent | OriginKind::Ci | OriginKind::Service, Some(name)) => name,
        _ => command::short(command),
    }
}

/// The project of a build's lock; of another one the folder that the process worked in, or else where the lock lies.
fn place<'a>(kind: LockKind, lock: &'a str, cwd: Option<&'a str>) -> &'a str {
    build_project(kind, lock).or(cwd).unwrap_or_else(|| folder(lock))
}

impl Past {
    /// Whoever a person would say it was: the editor, agent or service that started the process, by its name; otherwise
    /// the command, short.
    pub fn who(&self) -> &str {
        who(&self.command, &self.origin)
    }

    /// The project of a build's lock; of another one the folder that the process worked in, or else where the lock lies.
    pub fn place(&self) -> &str {
        place(self.kind, &self.lock, self.cwd.as_deref())
    }
}

fn past(row: &Row<'_>) -> rusqlite::Result<Past> {
    let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(timestamp));
    Ok(Past {
        lock: shown(row, "lock")?,
        kind: kind(row)?,
        pid: row.get("pid")?,
        started_at: at("started_ms")?,
        command: shown(row, "command")?,
        cwd: shown_if_any(row, "cwd")?,
        toolchain: shown_if_any(row, "toolchain")?,
        origin: StartedBy {
            kind: known(row, "origin_kind")?.unwrap_or(OriginKind::Unknown),
            name: shown_if_any(row, "origin_name")?,
            pid: None,
        },
        mode: known(row, "mode")?,
        begin: timestamp(row.get("begin_ms")?),
        begin_seen: row.get("begin_seen")?,
        end: at("end_ms")?,
        last_seen: timestamp(row.get("last_seen_ms")?),
    })
}

/// A text that is safe to show: the file is only a file, and may have been written by another program.
fn shown(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    shown_if_any(row, column).map(Option::unwrap_or_default)
}

fn shown_if_any(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.map(|text| text::escape(OsStr::new(&text))))
}

/// A value of one of the small enumerations; none where this version does not know the word.
fn known<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<String>>(column)?.and_then(word::read))
}

fn kind(row: &Row<'_>) -> rusqlite::Result<LockKind> {
    Ok(known(row, "kind")?.unwrap_or(LockKind::Other))
}

fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| number.max(0).cast_unsigned())
}

/// Times that no clock can show become the nearest that one can.
fn timestamp(milliseconds: i64) -> Timestamp {
    let nearest = if milliseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(milliseconds).unwrap_or(nearest)
}

#[cfg(test)]
mod tests;
