//! Writing the file: rows in, old rows out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Statement, Transaction, TransactionBehavior, params_from_iter};

use super::pending::Pending;
use super::row::{HoldRow, Key, Shared, StopRow, WaitRow};
use super::word;
use crate::os::FileId;
use crate::process::ProcessId;
use crate::text;
use crate::tracker::{Begin, LeftOpen, Part, Span};

/// The columns that `holds` and `waits` share, in the order of [`shared_values`]. The key's come first.
const SHARED: [&str; 21] = [
    "boot_id",
    "begin_since_boot_ns",
    "pid",
    "process_start",
    "dev",
    "ino",
    "lock",
    "kind",
    "started_ms",
    "command",
    "cwd",
    "toolchain",
    "origin_kind",
    "origin_name",
    "mode",
    "begin_ms",
    "begin_seen",
    "last_seen_ms",
    "end_ms",
    "how",
    // `held_ms` of a hold, `waited_ms` of a part of a wait.
    "length",
];

/// How many of them are the key.
const KEY: usize = 6;
/// What of a hold's row stays as it was written first; what comes after can change while it lasts.
const FIXED: usize = 9;

/// So many places are remembered.
pub(super) const PLACES: usize = 256;

/// So many rows of each table go in one transaction.
const OLDEST: i64 = 200;
/// So many transactions, at most, in one call: some tens of milliseconds.
const ROUNDS: usize = 20;
/// So many free pages are given back in one call.
const VACUUMED: u32 = 2_000;

fn column(name: &str, length: &str) -> String {
    if name == "length" { length } else { name }.to_owned()
}

/// `a, b, c` with so many placeholders.
fn insert(table: &str, columns: &[String]) -> String {
    let places: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        places.join(", ")
    )
}

/// `a = ?1 AND b = ?2 …` for the key.
fn key_is(first: usize) -> String {
    let terms: Vec<String> = SHARED[..KEY]
        .iter()
        .enumerate()
        .map(|(place, name)| format!("{name} = ?{}", first + place))
        .collect();
    terms.join(" AND ")
}

/// A hold is written over its own row for as long as that has no end.
fn insert_hold() -> String {
    let mut columns: Vec<String> = SHARED.iter().map(|name| column(name, "held_ms")).collect();
    columns.extend(["blocked", "class", "reason"].map(str::to_owned));
    let update = columns[FIXED..].iter().map(|name| match name.as_str() {
        // A daemon that starts again does not know whom the hold had blocked before.
        "blocked" => "blocked = max(blocked, excluded.blocked)".to_owned(),
        // Nor how it was judged; nothing is graver than stuck.
        "class" | "reason" => {
            format!("{name} = iif(holds.class = 'stuck', holds.{name}, coalesce(excluded.{name}, holds.{name}))")
        }
        name => format!("{name} = excluded.{name}"),
    });
    let update: Vec<String> = update.collect();
    format!(
        "{} ON CONFLICT ({}) DO UPDATE SET {} WHERE holds.end_ms IS NULL",
        insert("holds", &columns),
        SHARED[..KEY].join(", "),
        update.join(", ")
    )
}

fn insert_wait() -> String {
    let mut columns: Vec<String> = SHARED.iter().map(|name| column(name, "waited_ms")).collect();
    columns.extend(["from_ms", "from_since_boot_ns", "hold"].map(str::to_owned));
    insert("waits", &columns)
}

fn find_hold() -> String {
    format!("SELECT id FROM holds WHERE {}", key_is(1))
}

fn ended_wait() -> String {
    format!("SELECT 1 FROM waits WHERE end_ms IS NOT NULL AND {} LIMIT 1", key_is(1))
}

fn forget_wait() -> String {
    format!("DELETE FROM waits WHERE {}", key_is(1))
}

fn end_unseen(table: &str) -> String {
    format!(
        "UPDATE {table} SET end_ms = last_seen_ms, how = 'unseen' WHERE end_ms IS NULL AND {}",
        key_is(1)
    )
}

const INSERT_SHORT: &str = "INSERT INTO short_holds (minute_ms, lock, kind, count) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (minute_ms, lock, kind) DO UPDATE SET count = count + excluded.count";

const INSERT_PLACE: &str = "INSERT INTO places (path, turn, last_seen_ms) VALUES (?1, ?2, ?3)
    ON CONFLICT (path) DO UPDATE SET turn = excluded.turn, last_seen_ms = excluded.last_seen_ms";

const INSERT_STOP: &str = "INSERT INTO stops (at_ms, lock, kind, dev, ino, boot_id, pid, process_start, command, outcome,
    refusal, forced, signalled, took_ms, sentence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// Whether every statement means something to this file: it has the tables and columns that its version says.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<()> {
    let made = [
        insert_hold(),
        insert_wait(),
        find_hold(),
        ended_wait(),
        forget_wait(),
        end_unseen("holds"),
        end_unseen("waits"),
    ];
    let mut statements = made
        .iter()
        .map(String::as_str)
        .chain([INSERT_SHORT, INSERT_PLACE, INSERT_STOP]);
    statements.try_for_each(|sql| connection.prepare(sql).map(drop))
}

/// SQLite has no unsigned numbers.
fn unsigned(number: u64) -> Value {
    Value::Integer(number.cast_signed())
}

fn nanoseconds(duration: Duration) -> Value {
    Value::Integer(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

fn count(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}

fn key_values(key: &Key) -> [Value; KEY] {
    let Part { file, process } = key.part;
    [
        unsigned(key.boot_id),
        nanoseconds(key.begin),
        Value::Integer(process.pid.into()),
        unsigned(process.start),
        unsigned(file.dev),
        unsigned(file.ino),
    ]
}

fn shared_values(row: &Shared, how: Option<String>, length: u64) -> Vec<Value> {
    let who = &row.who;
    let end = how.as_ref().map(|_| row.last_seen_ms);
    let mut values = Vec::from(key_values(&row.key));
    values.extend([
        Value::Text(text::escape_path(&row.lock.path)),
        Value::Text(row.lock.kind.name().to_owned()),
        who.process
            .started_at
            .map_or(Value::Null, |at| at.as_millisecond().into()),
        Value::Text(who.invocation.command.clone()),
        optional(who.process.cwd.as_deref().map(text::escape_path)),
        optional(who.toolchain.as_deref().map(|name| text::escape(name.as_ref()))),
        optional(word::of(&who.origin.kind)),
        optional(who.origin.name.clone()),
        optional(row.mode.as_ref().and_then(word::of)),
        Value::Integer(row.begin_ms),
        row.begin_seen.into(),
        Value::Integer(row.last_seen_ms),
        end.map_or(Value::Null, Value::Integer),
        optional(how),
        count(length),
    ]);
    values
}

/// Writes all of it, or nothing.
pub(super) fn write(connection: &Connection, part: &Pending) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Each statement is made only where it is needed: mostly there is one row.
    for (waits, key) in &part.unseen {
        transaction.execute(&end_unseen(table(*waits)), params_from_iter(key_values(key)))?;
    }
    if !part.holds.is_empty() {
        let mut statement = transaction.prepare(&insert_hold())?;
        for row in part.holds.values() {
            write_hold(&mut statement, row)?;
        }
    }
    if !part.waits.is_empty() {
        let mut statements = WaitStatements {
            ended: transaction.prepare(&ended_wait())?,
            forget: transaction.prepare(&forget_wait())?,
            find_hold: transaction.prepare(&find_hold())?,
            insert: transaction.prepare(&insert_wait())?,
        };
        for row in part.waits.values() {
            statements.write(row)?;
        }
    }
    for ((minute, lock, kind), number) in &part.short {
        transaction.execute(INSERT_SHORT, (minute, lock, kind.name(), count(*number)))?;
    }
    for row in &part.stops {
        write_stop(&transaction, row)?;
    }
    write_places(&transaction, &part.places)?;
    transaction.commit()
}

fn table(waits: bool) -> &'static str {
    if waits { "waits" } else { "holds" }
}

fn write_hold(statement: &mut Statement<'_>, row: &HoldRow) -> rusqlite::Result<()> {
    let how = row.how.as_ref().and_then(word::of);
    let mut values = shared_values(&row.shared, how, row.held_ms);
    let (class, reason) = row.verdict.unzip();
    values.extend([
        row.blocked.into(),
        optional(class.as_ref().and_then(word::of)),
        optional(reason.as_ref().and_then(word::of)),
    ]);
    statement.execute(params_from_iter(values)).map(drop)
}

fn write_stop(transaction: &Transaction<'_>, row: &StopRow) -> rusqlite::Result<()> {
    let StopRow { at_ms, lock, report } = row;
    let token = report.token;
    let path = lock.as_ref().map(|lock| text::escape_path(&lock.path));
    let values = [
        Value::Integer(*at_ms),
        optional(path.or_else(|| report.path.clone())),
        optional(lock.as_ref().map(|lock| lock.kind.name().to_owned())),
        unsigned(token.file.dev),
        unsigned(token.file.ino),
        unsigned(token.boot_id),
        Value::Integer(token.process.pid.into()),
        unsigned(token.process.start),
        optional(report.command.clone()),
        optional(word::of(&report.outcome)),
        optional(report.refusal.as_ref().and_then(word::of)),
        report.forced.into(),
        count(report.signalled.len() as u64),
        count(report.took_ms),
        Value::Text(report.sentence.clone()),
    ];
    transaction.execute(INSERT_STOP, params_from_iter(values)).map(drop)
}

struct WaitStatements<'a> {
    ended: Statement<'a>,
    forget: Statement<'a>,
    find_hold: Statement<'a>,
    insert: Statement<'a>,
}

impl WaitStatements<'_> {
    fn write(&mut self, row: &WaitRow) -> rusqlite::Result<()> {
        let key = key_values(&row.shared.key);
        if self.ended.exists(params_from_iter(&key))? {
            return Ok(());
        }
        self.forget.execute(params_from_iter(&key))?;
        let how = row.how.as_ref().and_then(word::of);
        for span in &row.spans {
            let mut values = shared_values(&row.shared, how.clone(), span.waited_ms);
            let hold: Option<i64> = match &span.behind {
                Some(hold) => self
                    .find_hold
                    .query_row(params_from_iter(key_values(hold)), |row| row.get(0))
                    .optional()?,
                None => None,
            };
            values.extend([
                Value::Integer(span.from_ms),
                nanoseconds(span.from),
                hold.map_or(Value::Null, Value::Integer),
            ]);
            self.insert.execute(params_from_iter(values))?;
        }
        Ok(())
    }
}

fn write_places(transaction: &Transaction<'_>, places: &BTreeMap<PathBuf, (i64, i64)>) -> rusqlite::Result<()> {
    for (path, (turn, at)) in places {
        transaction.execute(INSERT_PLACE, (path.as_os_str().as_bytes(), turn, at))?;
    }
    if !places.is_empty() {
        transaction.execute(
            "DELETE FROM places WHERE path NOT IN (SELECT path FROM places ORDER BY turn DESC LIMIT ?1)",
            [i64::try_from(PLACES).unwrap_or(i64::MAX)],
        )?;
    }
    Ok(())
}

/// Ends what was open when an earlier run of the machine ended: nothing of it lives.
pub(super) fn end_other_boots(connection: &Connection, boot_id: u64) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for table in ["holds", "waits"] {
        transaction.execute(
            &format!("UPDATE {table} SET end_ms = last_seen_ms, how = 'unseen' WHERE end_ms IS NULL AND boot_id <> ?1"),
            [boot_id.cast_signed()],
        )?;
    }
    transaction.commit()
}

/// What is open of this run of the machine.
pub(super) fn left_open(connection: &Connection, boot_id: u64) -> rusqlite::Result<Vec<LeftOpen>> {
    let mut all = Vec::new();
    for waits in [false, true] {
        let sql = format!(
            "SELECT DISTINCT {}, begin_seen FROM {} WHERE end_ms IS NULL AND boot_id = ?1 ORDER BY begin_since_boot_ns",
            SHARED[1..KEY].join(", "),
            table(waits)
        );
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([boot_id.cast_signed()], |row| {
            let unsigned = |column| row.get(column).map(i64::cast_unsigned);
            Ok(LeftOpen {
                begin: Begin {
                    at: Duration::from_nanos(unsigned(0)?),
                    seen: row.get(5)?,
                },
                part: Part {
                    process: ProcessId {
                        pid: row.get(1)?,
                        start: unsigned(2)?,
                    },
                    file: FileId {
                        dev: unsigned(3)?,
                        ino: unsigned(4)?,
                    },
                },
                waits,
            })
        })?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}

/// The parts of the waits that are open of this run of the machine, each with how long it was.
pub(super) fn open_spans(connection: &Connection, boot_id: u64) -> rusqlite::Result<Vec<(Key, Span, Duration)>> {
    let mut statement = connection.prepare(
        "SELECT waits.begin_since_boot_ns, waits.pid, waits.process_start, waits.dev, waits.ino, from_since_boot_ns,
            waited_ms, holds.pid, holds.process_start, holds.begin_since_boot_ns, holds.begin_seen
         FROM waits LEFT JOIN holds ON holds.id = hold
         WHERE waits.end_ms IS NULL AND waits.boot_id = ?1 ORDER BY from_since_boot_ns",
    )?;
    let rows = statement.query_map([boot_id.cast_signed()], |row| {
        let unsigned = |column| row.get(column).map(i64::cast_unsigned);
        let key = Key {
            boot_id,
            begin: Duration::from_nanos(unsigned(0)?),
            part: Part {
                process: ProcessId {
                    pid: row.get(1)?,
                    start: unsigned(2)?,
                },
                file: FileId {
                    dev: unsigned(3)?,
                    ino: unsigned(4)?,
                },
            },
        };
        let behind = match row.get(7)? {
            Some(pid) => {
                let start = unsigned(8)?;
                let at = Duration::from_nanos(unsigned(9)?);
                let seen = row.get(10)?;
                Some((ProcessId { pid, start }, Begin { at, seen }))
            }
            None => None,
        };
        let span = Span {
            from: Duration::from_nanos(unsigned(5)?),
            behind,
        };
        Ok((key, span, Duration::from_millis(unsigned(6)?)))
    })?;
    rows.collect()
}

/// The places with their turns.
pub(super) fn places(connection: &Connection) -> rusqlite::Result<BTreeMap<PathBuf, i64>> {
    let mut statement = connection.prepare("SELECT path, turn FROM places")?;
    let rows = statement.query_map([], |row| {
        let path: Vec<u8> = row.get(0)?;
        Ok((PathBuf::from(OsStr::from_bytes(&path)), row.get(1)?))
    })?;
    rows.collect()
}

/// What may stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What ended before this, in milliseconds since 1970, goes; none where the clock cannot be trusted.
    pub(super) oldest_ms: Option<i64>,
    /// How large the file may be.
    pub(super) bytes: i64,
}

/// Deletes what is too old or too much, the oldest first, and gives its room back to the system. It takes a bounded
/// number of steps; whether there is more to do.
pub(super) fn prune(connection: &Connection, limits: &Limits) -> rusqlite::Result<bool> {
    let mut deleted = false;
    let mut more = true;
    for _ in 0..ROUNDS {
        more = prune_once(connection, limits)?;
        deleted |= more;
        if !more {
            break;
        }
    }
    if deleted {
        let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({VACUUMED})"))?;
        let mut pages = statement.query([])?;
        while pages.next()?.is_some() {}
        drop(pages);
        // The file gets its new size when the WAL goes into it. A reader may be in the way: then it is the next time.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(more)
}

/// How much of the file is in use.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?).saturating_mul(pragma("page_size")?))
}

/// One transaction; whether it deleted something.
fn prune_once(connection: &Connection, limits: &Limits) -> rusqlite::Result<bool> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let Some(oldest) = oldest(&transaction)? else {
        return Ok(false);
    };
    let before = if used_bytes(&transaction)? > limits.bytes {
        Some(oldest)
    } else {
        limits.oldest_ms.map(|limit| oldest.min(limit))
    };
    let Some(before) = before else {
        return Ok(false);
    };
    let mut deleted = 0;
    // A wait goes with the hold that it was behind or before it, so that what is left is whole.
    for (table, end) in [
        ("waits", "end_ms"),
        ("holds", "end_ms"),
        ("short_holds", "minute_ms"),
        ("stops", "at_ms"),
    ] {
        deleted += transaction.execute(&format!("DELETE FROM {table} WHERE {end} <= ?1"), [before])?;
    }
    transaction.commit()?;
    Ok(deleted > 0)
}

/// A time up to which no table has much more than [`OLDEST`] rows, and one has some; none where nothing has ended.
fn oldest(transaction: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
    let last = |table: &str, end: &str| {
        transaction.query_row(
            &format!(
                "SELECT max({end}) FROM (SELECT {end} FROM {table} WHERE {end} IS NOT NULL ORDER BY {end} LIMIT ?1)"
            ),
            [OLDEST],
            |row| row.get::<_, Option<i64>>(0),
        )
    };
    let all = [
        last("holds", "end_ms")?,
        last("waits", "end_ms")?,
        last("short_holds", "minute_ms")?,
        last("stops", "at_ms")?,
    ];
    Ok(all.into_iter().flatten().min())
}
