//! An engine that sees what it is told to see.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use lockwatch::clock::Moment;
use lockwatch::engine::{Handle, Published, Request};
use lockwatch::os::Precision;
use lockwatch::state::{SCHEMA_VERSION, Source, State, Summary};
use tokio::sync::{mpsc, watch};

/// The engine, from its maker's side.
#[derive(Clone)]
pub(super) struct Engine {
    /// None where the loop has ended.
    states: Arc<Mutex<Option<watch::Sender<Arc<Published>>>>>,
    looks: Arc<AtomicUsize>,
}

/// The loop, which takes the way to tell anything with it when it ends.
struct Looking(Engine);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.states.lock().expect("is whole").take();
    }
}

/// A state with a note, which makes it as long as one likes.
fn state(generation: u64, note: &str) -> Arc<Published> {
    let state = State {
        schema_version: SCHEMA_VERSION,
        as_of: Moment::now().wall,
        generation: Some(generation),
        source: Source::Daemon,
        precision: Precision::Exact,
        notes: vec![note.to_owned()],
        summary: Summary::default(),
        locks: Vec::new(),
        processes: None,
    };
    Arc::new(Published::new(state).expect("is JSON"))
}

impl Engine {
    /// Begins with generation 0. The future is the loop: it answers as long as somebody can ask.
    pub(super) fn new() -> (Self, Handle, impl Future<Output = ()> + Send) {
        let (states, seen) = watch::channel(state(0, "first"));
        let (requests, mut asked) = mpsc::channel(8);
        let engine = Self {
            states: Arc::new(Mutex::new(Some(states))),
            looks: Arc::default(),
        };
        let looking = Looking(engine.clone());
        let run = async move {
            while let Some(Request::Look(answer)) = asked.recv().await {
                looking.0.looks.fetch_add(1, Ordering::Relaxed);
                // Whoever asked may have gone.
                drop(answer.send(looking.0.newest()));
            }
        };
        let handle = Handle { states: seen, requests };
        (engine, handle, run)
    }

    /// Something changed. What is given tells whether the state is still kept by anybody.
    pub(super) fn publish(&self, note: &str) -> Weak<str> {
        let next = self.generation() + 1;
        let published = state(next, note);
        let kept = Arc::downgrade(&published.json);
        self.send(published);
        kept
    }

    fn send(&self, published: Arc<Published>) {
        let states = self.states.lock().expect("is whole");
        states.as_ref().expect("runs").send_replace(published);
    }

    fn newest(&self) -> Arc<Published> {
        let states = self.states.lock().expect("is whole");
        Arc::clone(&states.as_ref().expect("runs").borrow())
    }

    /// A process waits for another one.
    pub(super) fn publish_a_wait(&self) {
        let process = |pid: u32, command: &str| {
            serde_json::json!({
                "pid": pid, "started_at": null, "ppid": 1, "command": command, "argv": [command], "exe": null,
                "toolchain": null, "cwd": null, "origin": {"kind": "unknown", "name": null, "pid": null},
                "mode": "exclusive", "since": null,
                // What only a holder and what only a waiter has.
                "token": "lw1-1-1267-1-1-1", "held_ms": null, "waited_ms": null, "blocked_by": [], "root": [],
                "verdict": {"class": "unknown", "reason": "not-observed", "since": null, "evidence": [], "advice": "wait"},
            })
        };
        let lock = serde_json::json!({
            "path": "/home/me/.cargo/.package-cache", "kind": "package-cache", "label": "package cache", "deleted": false,
            "holders": [process(4711, "cargo build")], "waiters": [process(4800, "cargo check")],
        });
        let mut next = self.newest().state.clone();
        next.generation = next.generation.map(|generation| generation + 1);
        next.summary.contended = 1;
        next.locks = vec![serde_json::from_value(lock).expect("is one")];
        self.send(Arc::new(Published::new(next).expect("is JSON")));
    }

    pub(super) fn generation(&self) -> u64 {
        self.newest().state.generation.expect("has one")
    }

    /// How many looks were asked for.
    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}
