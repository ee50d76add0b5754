//! A daemon that is played: it answers as the protocol says, is silent while nothing is wanted of it, and sends changes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

pub(crate) struct Daemon(Receiver<UnixStream>);

impl Daemon {
    /// Answers on a socket from now on.
    pub(crate) fn at(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).expect("can be bound");
        let (subscribers, receiver) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let subscribers = subscribers.clone();
                std::thread::spawn(move || serve(stream.expect("connects"), &subscribers));
            }
        });
        Self(receiver)
    }

    /// Waits for the tray.
    pub(crate) fn subscriber(&self) -> UnixStream {
        self.0.recv().expect("subscribes")
    }
}

fn serve(mut stream: UnixStream, subscribers: &Sender<UnixStream>) {
    let requests = BufReader::new(stream.try_clone().expect("can be read too")).lines();
    for line in requests.map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).expect("is JSON");
        let method = request["method"].as_str().unwrap_or_default();
        let result = match method {
            "hello" => json!({"version": env!("CARGO_PKG_VERSION"), "protocol": 1, "pid": std::process::id()}),
            _ => state(0),
        };
        let mut answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        if method == "history" {
            let refusal = json!({"code": -32000, "message": "there is none"});
            answer = json!({"jsonrpc": "2.0", "id": request["id"], "error": refusal});
        }
        writeln!(stream, "{answer}").expect("is written");
        if method == "subscribe" {
            subscribers
                .send(stream.try_clone().expect("can be written too"))
                .expect("is wanted");
        }
    }
}

/// Sends so many changes.
pub(crate) fn change(subscriber: &mut UnixStream, from: u32, to: u32) {
    for number in from..to {
        let change = json!({"jsonrpc": "2.0", "method": "state", "params": state(number)});
        writeln!(subscriber, "{change}").expect("is read");
    }
}

/// States that differ in all that a menu shows: nobody, or some holders with some waiters, stuck or not.
fn state(number: u32) -> Value {
    let holders = number % 5;
    let locks: Vec<Value> = (0..holders).map(|holder| lock(number, holder)).collect();
    json!({
        "schema_version": 1, "as_of": "2026-11-25T14:10:00Z", "generation": number, "source": "daemon", "precision": "exact",
        "notes": [], "summary": {"held": holders, "contended": holders, "stuck": number % 2 * holders}, "locks": locks,
    })
}

fn lock(number: u32, holder: u32) -> Value {
    let process = |pid: u32| {
        json!({
            "pid": pid, "started_at": "2026-11-25T14:07:50Z", "ppid": 1, "command": format!("cargo build --jobs {number}"),
            "argv": ["cargo", "build"], "exe": null, "toolchain": null, "cwd": format!("/home/me/src/p{number}"),
            "origin": {"kind": "terminal", "name": "zsh", "pid": 1},
        })
    };
    let with = |mut process: Value, more: &Value| {
        let more = more.as_object().expect("is one").clone();
        process.as_object_mut().expect("is one").extend(more);
        process
    };
    let token = lockwatch::token::Token {
        boot_id: 1,
        process: lockwatch::process::ProcessId {
            pid: 1_000 + number % 1_000 + holder,
            start: 1,
        },
        file: lockwatch::os::FileId {
            dev: 1,
            ino: u64::from(holder),
        },
    };
    let verdict = if number % 2 == 1 {
        json!({"class": "stuck", "reason": "no-progress", "since": null, "evidence": [format!("nothing moved for {number} s")],
            "advice": "stop it"})
    } else {
        json!({"class": "working", "reason": "compiling", "since": null, "evidence": [], "advice": "wait"})
    };
    let held = json!({"token": token, "mode": "exclusive", "since": "2026-11-25T14:08:00Z", "held_ms": 120_000, "verdict": verdict});
    let waiters: Vec<Value> = (0..number % 7)
        .map(|waiter| {
            let waits =
                json!({"mode": "exclusive", "since": null, "waited_ms": null, "blocked_by": [token], "root": [token]});
            with(process(5_000 + 10 * holder + waiter), &waits)
        })
        .collect();
    json!({
        "path": format!("/home/me/src/p{holder}/target/debug/.cargo-lock"), "kind": "build-dir", "label": "build directory",
        "deleted": false, "holders": [with(process(token.process.pid), &held)], "waiters": waiters,
    })
}
