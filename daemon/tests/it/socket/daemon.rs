//! A server in a thread of its own, and a client that says what it is told to, right or wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use lockwatch::folders::{Base, Folders, Layout};
use lockwatch::protocol;
use lockwatch::server::{End, History, Limits, Second, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::engine::Engine;
use crate::support::{PATIENCE, folder};

/// The folders of an instance that has all under one.
pub(super) fn folders(home: &Path) -> Folders {
    let base = Base {
        lockwatch_home: Some(home.to_owned()),
        ..Base::default()
    };
    Folders::new(&base, Layout::Xdg)
}

/// A history that repeats the question.
pub(super) fn echo() -> History {
    Arc::new(|which: &protocol::History| match which.limit {
        Some(0) => Err("the disk is on fire".to_owned()),
        _ => Ok(serde_json::json!({"asked": which}).to_string()),
    })
}

/// A daemon in this process.
pub(super) struct Daemon {
    pub(super) folders: Folders,
    pub(super) engine: Engine,
    stop: Option<oneshot::Sender<End>>,
    thread: Option<JoinHandle<End>>,
    home: Option<TempDir>,
}

impl Daemon {
    pub(super) fn start(limits: Limits) -> Self {
        let home = folder();
        let mut daemon = Self::start_in(folders(home.path()), limits, Second::GivesUp { patience: PATIENCE });
        daemon.home = Some(home);
        daemon
    }

    pub(super) fn start_in(folders: Folders, limits: Limits, second: Second) -> Self {
        let server = Server::bind(&folders, second).expect("binds").with_limits(limits);
        let (stop, stopped) = oneshot::channel();
        let (started, engine) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let (engine, handle, run) = Engine::new();
                let looking = tokio::spawn(run);
                started.send(engine).expect("the test waits");
                let ended = async {
                    match stopped.await {
                        Ok(End::Engine) | Err(_) => {
                            looking.abort();
                            std::future::pending().await
                        }
                        Ok(end) => end,
                    }
                };
                server.run(handle, echo(), ended).await.expect("runs")
            })
        });
        Self {
            folders,
            engine: engine.recv().expect("starts"),
            stop: Some(stop),
            thread: Some(thread),
            home: None,
        }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folders.socket().expect("is short")
    }

    /// Connects, and says nothing yet.
    pub(super) fn client(&self) -> Raw {
        Raw::connect(&self.socket())
    }

    /// A client with a subscription, its first state read.
    pub(super) fn subscriber(&self) -> Raw {
        let mut client = self.client();
        client.ask("subscribe");
        assert!(client.line()["result"]["generation"].is_number());
        client
    }

    /// Ends it in this way, and waits for that.
    pub(super) fn stop(&mut self, end: End) -> End {
        _ = self.stop.take().expect("runs").send(end);
        self.ended()
    }

    /// Waits until it has ended.
    pub(super) fn ended(&mut self) -> End {
        self.thread.take().expect("runs").join().expect("did not panic")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            _ = stop.send(End::Asked);
            drop(thread.join());
        }
    }
}

/// A client that can say anything.
pub(super) struct Raw {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Raw {
    pub(super) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("is set");
        stream.set_write_timeout(Some(PATIENCE)).expect("is set");
        let reader = BufReader::new(stream.try_clone().expect("a second descriptor"));
        Self { stream, reader }
    }

    /// Sends bytes as they are.
    pub(super) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("is taken");
    }

    /// Sends a request without parameters.
    pub(super) fn ask(&mut self, method: &str) {
        self.say(format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}\n"));
    }

    /// The same, where the daemon may have refused the connection and closed it already.
    pub(super) fn try_ask(&mut self, method: &str) {
        drop(writeln!(
            self.stream,
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}"
        ));
    }

    /// Says that no more comes.
    pub(super) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("is open");
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
            // The daemon closed it without having read all that was said.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("cannot read: {error}"),
        }
    }

    pub(super) fn line(&mut self) -> Value {
        self.next().expect("a line")
    }

    /// The code of the error that comes next.
    pub(super) fn error(&mut self) -> i64 {
        let line = self.line();
        line["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {line}"))
    }

    /// Whether the daemon answers on this connection.
    pub(super) fn is_answered(&mut self) -> bool {
        self.ask("state");
        self.line()["result"]["generation"].is_number()
    }

    /// All that comes until the end, however broken.
    pub(super) fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // That it is cut off is what this is used for.
        drop(self.reader.read_to_end(&mut bytes));
        bytes
    }
}

/// The generation of a notification.
pub(super) fn notified(line: &Value) -> u64 {
    assert_eq!(
        (&line["method"], line.get("id")),
        (&Value::from("state"), None),
        "{line}"
    );
    line["params"]["generation"].as_u64().expect("a number")
}
