//! The daemon that judges, and what it says about one process over time.

use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use lockwatch::client::{Client, Closer};
use lockwatch::folders::{Base, Folders, Layout};
use lockwatch::state::State;
use lockwatch::verdict::Verdict;
use tempfile::TempDir;

use super::scale;
use crate::support::{Running, folder, lockwatch, until};

/// A daemon with the thresholds of this run.
pub(super) struct Judge {
    place: TempDir,
    running: Running,
}

impl Judge {
    /// The one that all scenes share which are under way: each daemon sees every lock of this user, so that twenty of them
    /// would do the same work twenty times.
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Judge>> = Mutex::new(Weak::new());

        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judge) = shared.upgrade() {
            return judge;
        }
        let judge = Arc::new(Self::start());
        *shared = Arc::downgrade(&judge);
        judge
    }

    /// One of its own.
    pub(super) fn start() -> Self {
        let place = folder();
        let home = place.path().join("lockwatch");
        let mut private = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
        private.create(&home).expect("makes it");
        std::fs::create_dir(place.path().join("cargo")).expect("makes it");
        std::fs::write(home.join("config.toml"), scale::configuration()).expect("writes");
        let mut command = lockwatch();
        command
            .arg("daemon")
            .env("LOCKWATCH_HOME", &home)
            .env("CARGO_HOME", place.path().join("cargo"))
            .env("HOME", place.path())
            .stderr(Stdio::null());
        let mut running = Running::start(&mut command);
        let line = running.line();
        assert!(line.starts_with("answering on "), "{line}");
        Self { place, running }
    }

    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    fn client(&self) -> Client {
        let base = Base {
            lockwatch_home: Some(self.place.path().join("lockwatch")),
            ..Base::default()
        };
        let client = Client::connect(&Folders::new(&base, Layout::Xdg));
        client
            .expect("connects")
            .expect("it runs")
            .with_patience(crate::support::PATIENCE)
    }

    /// Follows what it says about a process, as soon as that holds a lock below a folder.
    pub(super) fn follow(&self, pid: u32, below: &Path) -> Said {
        let below = below.to_str().expect("plain").to_owned();
        // Asked for, so that it looks at once: nothing tells it of a lock in a folder that it never saw.
        let mut client = self.client();
        until(&format!("process {pid} holds a lock"), || {
            about(&client.state().expect("answers"), pid, &below)
        });
        let mut states = self.client().subscribe().expect("subscribes");
        let closer = states.closer().expect("has one");
        let (tell, told) = channel();
        std::thread::spawn(move || {
            while let Ok(Some(state)) = states.next() {
                let seen = Seen {
                    at: Instant::now(),
                    verdict: about(&state, pid, &below),
                };
                if tell.send(seen).is_err() {
                    return;
                }
            }
        });
        Said {
            told,
            closer: Some(closer),
        }
    }
}

/// What is said about one process, as it comes.
pub(super) struct Said {
    pub(super) told: Receiver<Seen>,
    closer: Option<Closer>,
}

impl Said {
    /// What was said already, with nothing to come.
    pub(super) fn made(told: Receiver<Seen>) -> Self {
        Self { told, closer: None }
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        if let Some(closer) = &self.closer {
            closer.close();
        }
    }
}

/// What is said at one moment.
pub(super) struct Seen {
    pub(super) at: Instant,
    /// None where the process holds nothing.
    pub(super) verdict: Option<Verdict>,
}

/// The verdict about a process that holds locks below a folder. It belongs to the process, so all its locks have the same.
fn about(state: &State, pid: u32, below: &str) -> Option<Verdict> {
    let locks = state.locks.iter().filter(|lock| lock.path.starts_with(below));
    let mut verdicts = locks
        .flat_map(|lock| &lock.holders)
        .filter(|holder| holder.process.pid == pid)
        .map(|holder| &holder.verdict);
    let first = verdicts.next()?;
    for other in verdicts {
        assert_eq!(first, other, "two verdicts about one process");
    }
    Some(first.clone())
}
