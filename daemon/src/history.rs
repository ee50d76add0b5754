//! What was: holds and waits of the past, in an SQLite file in the state folder.
//!
//! The engine owns the one [`Recorder`]. What ended is written at once, what lasts once a minute, so a crash loses at
//! most a minute of an open hold and nothing that ended. Readers ([`query()`]) have a connection of their own, and need no
//! daemon: in WAL mode neither waits for the other.
//!
//! A row is found again by what tells its hold or wait from every other: the run of the machine, the process, the file,
//! and the begin on the clock that counts from boot. So writing twice changes nothing, a daemon that starts again goes on
//! with the rows of the one before, and a wall clock that jumps moves nobody's row. Durations are never differences of two
//! times of the wall clock.

mod aside;
mod pending;
mod query;
mod recorder;
mod report;
mod row;
mod schema;
mod store;
mod waiting;
mod word;

#[cfg(test)]
mod made;

pub use query::{HistoryError, LIMIT, Query, query};
pub use recorder::Recorder;
pub use report::{Behind, Past, PastHold, PastSpan, PastStop, PastWait, Report, SCHEMA_VERSION, ShortHolds, Summary};
