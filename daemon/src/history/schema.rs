//! The file's form, how it came to be, and how a connection to it is opened.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::clock::Moment;

/// Each step makes of a file of one version one of the next: `user_version` counts them. Steps are only added.
const STEPS: &[&str] = &[FIRST, STOPS];

/// The version since which a file has stops and verdicts.
pub(super) const WITH_STOPS: i64 = 2;

/// Texts of processes in it are escaped. `*_ms` are milliseconds: times since 1970 by the wall clock in UTC, or lengths.
/// `*_since_boot_ns` are nanoseconds since the boot that `boot_id` names. Numbers of 64 bits without a sign
/// (`boot_id`, `process_start`, `dev`, `ino`) stand in SQLite's signed ones, bit for bit.
///
/// A wait has a row for each hold that it was behind, one after the other: `begin_ms`, `end_ms` and `how` are those of the
/// whole wait, `from_ms` and `waited_ms` of that part. `end_ms` is NULL for what lasts, which was there at `last_seen_ms`.
const FIRST: &str = "
    CREATE TABLE about (begun_ms INTEGER NOT NULL);
    CREATE TABLE holds (
        id INTEGER PRIMARY KEY,
        lock TEXT NOT NULL, kind TEXT NOT NULL, dev INTEGER NOT NULL, ino INTEGER NOT NULL,
        boot_id INTEGER NOT NULL, pid INTEGER NOT NULL, process_start INTEGER NOT NULL, started_ms INTEGER,
        command TEXT NOT NULL, cwd TEXT, toolchain TEXT, origin_kind TEXT, origin_name TEXT, mode TEXT,
        begin_ms INTEGER NOT NULL, begin_seen INTEGER NOT NULL, begin_since_boot_ns INTEGER NOT NULL,
        last_seen_ms INTEGER NOT NULL, end_ms INTEGER, how TEXT,
        held_ms INTEGER NOT NULL, blocked INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX holds_key ON holds (boot_id, begin_since_boot_ns, pid, process_start, dev, ino);
    CREATE INDEX holds_end ON holds (end_ms);
    CREATE TABLE waits (
        id INTEGER PRIMARY KEY,
        lock TEXT NOT NULL, kind TEXT NOT NULL, dev INTEGER NOT NULL, ino INTEGER NOT NULL,
        boot_id INTEGER NOT NULL, pid INTEGER NOT NULL, process_start INTEGER NOT NULL, started_ms INTEGER,
        command TEXT NOT NULL, cwd TEXT, toolchain TEXT, origin_kind TEXT, origin_name TEXT, mode TEXT,
        begin_ms INTEGER NOT NULL, begin_seen INTEGER NOT NULL, begin_since_boot_ns INTEGER NOT NULL,
        last_seen_ms INTEGER NOT NULL, end_ms INTEGER, how TEXT,
        from_ms INTEGER NOT NULL, from_since_boot_ns INTEGER NOT NULL, waited_ms INTEGER NOT NULL,
        hold INTEGER REFERENCES holds (id) ON DELETE SET NULL
    );
    CREATE UNIQUE INDEX waits_key
        ON waits (boot_id, begin_since_boot_ns, pid, process_start, dev, ino, from_since_boot_ns);
    CREATE INDEX waits_end ON waits (end_ms);
    CREATE INDEX waits_hold ON waits (hold);
    CREATE TABLE short_holds (
        minute_ms INTEGER NOT NULL, lock TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (minute_ms, lock, kind)
    ) WITHOUT ROWID;
    CREATE TABLE places (path BLOB PRIMARY KEY, turn INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL) WITHOUT ROWID;
";

/// `class` and `reason` are the gravest verdict that was given while the hold lasted. A stop has the lock's name where that was
/// in use when the stop ended.
const STOPS: &str = "
    ALTER TABLE holds ADD COLUMN class TEXT;
    ALTER TABLE holds ADD COLUMN reason TEXT;
    CREATE TABLE stops (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL, lock TEXT, kind TEXT, dev INTEGER NOT NULL, ino INTEGER NOT NULL,
        boot_id INTEGER NOT NULL, pid INTEGER NOT NULL, process_start INTEGER NOT NULL, command TEXT,
        outcome TEXT NOT NULL, refusal TEXT, forced INTEGER NOT NULL, signalled INTEGER NOT NULL, took_ms INTEGER NOT NULL,
        sentence TEXT NOT NULL
    );
    CREATE INDEX stops_at ON stops (at_ms);
";

/// Tells the file from those of other programs: `lkwh`.
const APPLICATION: i32 = 0x6c6b_7768;

/// A file up to this size is checked as a whole when it is opened; that takes some hundredths of a second.
const CHECKED: u64 = 16 << 20;

/// A writer waits so long for another one, which only a person with `sqlite3` can be.
const BUSY: Duration = Duration::from_millis(100);

/// So much of the file is kept in memory; a row is written in few places.
const CACHE_KIB: u32 = 512;

/// The WAL is cut to so many bytes when it was longer.
const WAL_BYTES: u32 = 1 << 20;

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// A newer lockwatch wrote it, whose rows have a form that is not known here.
    #[error("is of version {0}")]
    Newer(i64),
    /// It is no history, or not any more.
    #[error("{0}")]
    Damaged(String),
    /// The system does not let it be opened.
    #[error("{0}")]
    Unavailable(String),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // `Unknown` is SQLite's general error: the tables are not those that they should be.
            Some(ErrorCode::Unknown) => Self::Damaged(error.to_string()),
            _ if is_damage(&error) => Self::Damaged(error.to_string()),
            _ => Self::Unavailable(reason(&error)),
        }
    }
}

/// Whether an error says that the file is damaged, and not that it cannot be written now.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

/// Why the file cannot be written, in plain words for what users can do something about.
pub(super) fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "no room on the disk".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program writes to it".to_owned(),
        _ => error.to_string(),
    }
}

/// Opens the file to write it, made where it is missing.
pub(super) fn open(path: &Path, now: &Moment) -> Result<Connection, OpenError> {
    private_file(path).map_err(|error| OpenError::Unavailable(error.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let version = version(&connection)?;
    if version > known_version() {
        return Err(OpenError::Newer(version));
    }
    check(&connection, path, version)?;
    // `auto_vacuum` works only before the first table, and before WAL: the file gets smaller when rows go.
    connection.execute_batch(&format!(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = {WAL_BYTES};"
    ))?;
    migrate(&connection, version, now)?;
    super::store::check(&connection)?;
    Ok(connection)
}

/// Opens the file to read it. It is not made, and of any version: columns are only added.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    Ok(connection)
}

/// The version of the file; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The version that this lockwatch writes.
pub(super) fn known_version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Makes the folder and the file where they are missing, for the user alone.
fn private_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        // By its name and not by a descriptor: closing one would drop the locks that SQLite has on the file.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_file() => {
            std::fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        result => result.map(drop),
    }
}

/// Whether it is a history, and whole.
fn check(connection: &Connection, path: &Path, version: i64) -> Result<(), OpenError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let is_ours = application == APPLICATION && version > 0;
    let is_empty = tables == 0 && version == 0;
    if !is_ours && !is_empty {
        return Err(OpenError::Damaged("it is no history of lockwatch".to_owned()));
    }
    let size = path.metadata().map_or(0, |metadata| metadata.len());
    if size <= CHECKED {
        let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if answer != "ok" {
            return Err(OpenError::Damaged(answer.replace('\n', " ")));
        }
    }
    Ok(())
}

/// Takes the steps that the file has not had, all or none.
fn migrate(connection: &Connection, version: i64, now: &Moment) -> rusqlite::Result<()> {
    let had = usize::try_from(version).unwrap_or(0);
    if had >= STEPS.len() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for step in &STEPS[had..] {
        transaction.execute_batch(step)?;
    }
    if had == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.execute("INSERT INTO about (begun_ms) VALUES (?1)", [now.wall.as_millisecond()])?;
    }
    transaction.pragma_update(None, "user_version", known_version())?;
    transaction.commit()
}
