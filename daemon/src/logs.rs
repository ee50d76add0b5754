//! What the daemon writes down about itself.
//!
//! Quiet by default: warnings go to stderr, and one line for an event from info on into a file a day, of which seven are
//! kept. Whatever happens to the daemon, a day's file has a bound, so a storm of events cannot fill the disk; still, what
//! can come thousands of times a second belongs to debug. Lines are written at once by the thread they come from: none
//! wakes up for it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use tracing::Subscriber;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::private_folder::{self, FolderError};
use crate::text;

/// The variable that says how much is written into the file: `off`, `error`, `warn`, `info` or `debug`.
pub const VARIABLE: &str = "LOCKWATCH_LOG";

/// The files are `lockwatch-daemon.DATE.log`, the date in UTC.
const PREFIX: &str = "lockwatch-daemon";
const SUFFIX: &str = "log";

/// Whether a file of this name in the logs' folder is one of them.
pub(crate) fn is_log(name: &str) -> bool {
    let day = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    day.is_some_and(|day| day.len() > 2 && day.starts_with('.') && day.ends_with('.'))
}

/// How many of them are kept.
const DAYS: usize = 7;

/// The most that is written in a day, in bytes.
const DAILY: u64 = 4 * 1024 * 1024;

/// What of the logs is not as wanted. The daemon does its work without them.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The folder is not good for them.
    #[error("nothing is logged to a file: {0}")]
    Folder(#[from] FolderError),
    /// The file cannot be made.
    #[error("nothing is logged to a file: cannot write in {}: {source}", text::escape_path(.folder))]
    File {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: tracing_appender::rolling::InitError,
    },
    /// [`VARIABLE`] says something else.
    #[error("{VARIABLE} is `{value}`, and can be off, error, warn, info or debug; it is taken for info")]
    Level {
        /// What it says, escaped.
        value: String,
    },
    /// Somebody else in this process has begun to log.
    #[error("nothing is logged: this process logs already")]
    Taken,
}

/// Begins to log for this process, into a folder, as much as [`VARIABLE`] wishes. What is wrong with that is for the user
/// to know, and no reason to end.
pub fn begin(folder: &Path, wish: Option<&str>) -> Vec<LogsError> {
    let (level, mut wrong) = match level(wish) {
        Ok(level) => (level, Vec::new()),
        Err(error) => (LevelFilter::INFO, vec![error]),
    };
    let file = if level == LevelFilter::OFF {
        None
    } else {
        file(folder).map_err(|error| wrong.push(error)).ok()
    };
    let stderr = Mutex::new(Bounded::new(io::stderr(), 0, today));
    if tracing::subscriber::set_global_default(subscriber(level, stderr, file.map(Mutex::new))).is_err() {
        wrong.push(LogsError::Taken);
    }
    wrong
}

fn level(wish: Option<&str>) -> Result<LevelFilter, LogsError> {
    let levels = [
        ("off", LevelFilter::OFF),
        ("error", LevelFilter::ERROR),
        ("warn", LevelFilter::WARN),
        ("info", LevelFilter::INFO),
        ("debug", LevelFilter::DEBUG),
    ];
    let wish = wish.unwrap_or("info");
    let found = levels.iter().find(|(name, _)| name.eq_ignore_ascii_case(wish));
    found.map(|(_, level)| *level).ok_or_else(|| LogsError::Level {
        value: text::escape(wish.as_ref()),
    })
}

fn file(folder: &Path) -> Result<Bounded<RollingFileAppender>, LogsError> {
    private_folder::make(folder)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .max_log_files(DAYS)
        .build(folder)
        .map_err(|source| LogsError::File {
            folder: folder.to_owned(),
            source,
        })?;
    // A daemon that is started again and again has one bound for all of its lives.
    let name = format!("{PREFIX}.{}.{SUFFIX}", Timestamp::now().strftime("%Y-%m-%d"));
    let written = folder.join(name).metadata().map_or(0, |metadata| metadata.len());
    Ok(Bounded::new(file, written, today))
}

/// The day, counted from 1970, in UTC as the files' names.
fn today() -> i64 {
    Timestamp::now().as_second().div_euclid(86_400)
}

/// Warnings for `talk`, and everything up to the level for the file; both from lockwatch's own code alone.
fn subscriber<T, F>(level: LevelFilter, talk: T, file: Option<F>) -> impl Subscriber + Send + Sync
where
    T: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    F: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let own = |level| Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    // Without `log_internal_errors(false)` a line that cannot be written is complained about on stderr, and where stderr
    // is closed, that ends the process.
    let talk = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .log_internal_errors(false)
        .with_writer(talk)
        .with_filter(own(level.min(LevelFilter::WARN)));
    let file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .log_internal_errors(false)
            .with_writer(file)
            .with_filter(own(level))
    });
    tracing_subscriber::registry().with(talk).with(file)
}

/// Takes lines up to a bound a day. It is given one line with its end at a time; control characters in it, which a name
/// from outside could bring, would make two lines of one event, and are replaced.
struct Bounded<W> {
    inner: W,
    today: fn() -> i64,
    day: i64,
    written: u64,
}

impl<W> Bounded<W> {
    fn new(inner: W, written: u64, today: fn() -> i64) -> Self {
        Self {
            inner,
            today,
            day: today(),
            written,
        }
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let today = (self.today)();
        if today != self.day {
            (self.day, self.written) = (today, 0);
        }
        if self.written >= DAILY {
            return Ok(line.len());
        }
        self.written += line.len() as u64;
        if self.written >= DAILY {
            self.inner
                .write_all(b"that was much; nothing more is written until tomorrow\n")?;
            return Ok(line.len());
        }
        let (text, end) = line.split_at(line.len() - usize::from(line.ends_with(b"\n")));
        let text: Vec<u8> = text
            .iter()
            .map(|byte| if byte.is_ascii_control() { b'?' } else { *byte })
            .collect();
        self.inner.write_all(&[&text, end].concat())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn logs(folder: &Path) -> String {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("reads")
            .map(|entry| entry.expect("reads").path())
            .collect();
        files.sort();
        files
            .iter()
            .map(|file| std::fs::read_to_string(file).expect("is text"))
            .collect()
    }

    #[test]
    fn a_line_for_each_event_of_our_own_up_to_the_level() {
        for (wish, lines) in [
            ("off", 0),
            ("error", 0),
            ("warn", 1),
            ("info", 2),
            ("debug", 3),
            ("DEBUG", 3),
        ] {
            let home = tempfile::tempdir().expect("a folder");
            let folder = home.path().join("logs");
            let writer = file(&folder).expect("can be written");
            let subscriber = subscriber(level(Some(wish)).expect("a level"), io::sink, Some(Mutex::new(writer)));
            tracing::subscriber::with_default(subscriber, || {
                tracing::warn!(path = %"a\nb\u{1b}[2J", "a warning");
                tracing::info!("an event");
                tracing::debug!("a detail");
                tracing::warn!(target: "other", "somebody else's");
            });
            let text = logs(&folder);
            assert_eq!(text.lines().count(), lines, "{wish}: {text}");
            assert!(!text.contains("somebody else's") && !text.contains('\u{1b}'), "{text}");
            assert_eq!(folder.metadata().expect("is there").permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn stderr_gets_warnings_only() {
        let talk = tempfile::NamedTempFile::new().expect("a file");
        let none: Option<fn() -> io::Sink> = None;
        let subscriber = subscriber(LevelFilter::DEBUG, Mutex::new(talk.reopen().expect("opens")), none);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("an event");
            tracing::warn!(count = 3, "a warning");
        });
        let talk = std::fs::read_to_string(talk.path()).expect("is text");
        assert_eq!(talk, " WARN a warning count=3\n");
    }

    #[test]
    fn a_storm_has_a_bound_each_day() {
        static TODAY: AtomicI64 = AtomicI64::new(1);
        let mut bounded = Bounded::new(Vec::new(), 100, || TODAY.load(Ordering::Relaxed));
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for day in 1_i64..=2 {
            TODAY.store(day, Ordering::Relaxed);
            for _ in 0..10_000 {
                bounded.write_all(&line).expect("takes it");
            }
            let text = str::from_utf8(&bounded.inner).expect("is text");
            assert!(text.len() as u64 <= u64::try_from(day).expect("a day") * DAILY);
            assert!(text.ends_with("until tomorrow\n"));
            assert_eq!(text.matches("until tomorrow").count() as u64, day.unsigned_abs());
        }
    }

    #[test]
    fn the_bound_is_one_for_all_lives_of_a_day() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("logs");
        for life in 0..3 {
            let mut writer = file(&folder).expect("can be written");
            writer.write_all(b"a line\n").expect("takes it");
            // At midnight another file begins.
            assert!(writer.written == 7 * (life + 1) || writer.written == 7);
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let home = tempfile::tempdir().expect("a folder");
        let place = home.path().join("logs");
        std::fs::write(&place, "").expect("writes");
        let error = file(&place).err().expect("is in the way");
        assert!(
            error.to_string().starts_with("nothing is logged to a file: "),
            "{error}"
        );
        let error = level(Some("loud\n")).expect_err("is none").to_string();
        assert!(error.contains(r"`loud\n`"), "{error}");
    }
}
