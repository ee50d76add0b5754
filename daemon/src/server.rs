//! The socket that the daemon answers on. What is said on it is in [`crate::protocol`].
//!
//! Everything runs on one thread. A client has a task of its own that does one thing at a time, so what a client can make
//! the daemon keep is bounded: a request that has begun, and one message under way.

mod connection;
mod instance;
mod socket;

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::connection::Connection;
use self::instance::Instance;
pub use self::instance::Second;
use self::socket::SocketFile;
use crate::engine::Handle;
use crate::folders::{Folders, FoldersError};
use crate::places::CargoHomes;
use crate::private_folder::FolderError;
use crate::protocol::{self, Code, Failure, Id, MAX_REQUEST, Message, Welcome};
use crate::stop::Stops;
use crate::text;
use crate::{config, private_folder};

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Its path is too long.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// Its folder is not good for it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file of the lock cannot be used.
    #[error("cannot lock {}: {source}", text::escape_path(.path))]
    LockFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that lockwatch did not make has the name of one of its files.
    #[error(
        "{} is not lockwatch's, and it needs this name; move it away, or set LOCKWATCH_HOME to another folder",
        text::escape_path(.path)
    )]
    InTheWay {
        /// The place.
        path: PathBuf,
    },
    /// A daemon runs and answers.
    #[error("a daemon already runs (pid {}){}", .0.pid, other_version(.0))]
    AlreadyRunning(Welcome),
    /// Somebody has the lock and does not answer.
    #[error(
        "a daemon{} has the lock on {} and does not answer; end it and start again",
        .pid.map_or_else(String::new, |pid| format!(" (pid {pid})")),
        text::escape_path(.path)
    )]
    NotAnswering {
        /// The process that wrote its number into the file.
        pid: Option<u32>,
        /// The file.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}", text::escape_path(.path))]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn other_version(welcome: &Welcome) -> String {
    if !welcome.is_of_another_version() {
        return String::new();
    }
    let theirs = text::escape(welcome.version.as_ref());
    let ours = env!("CARGO_PKG_VERSION");
    format!("; it is version {theirs} and this is {ours}, so end it and start again to have this one")
}

/// What bounds the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of a line from a client.
    pub request: usize,
    /// The clients at a time.
    pub clients: usize,
    /// The time for a request from its first byte to its end.
    pub whole_within: Duration,
    /// The time in which a client must take something of what is being sent to it.
    pub stall: Duration,
    /// The time that clients get to take what is under way when the daemon ends.
    pub farewell: Duration,
    /// The time that the engine gets to write down what it knows when the daemon ends.
    pub last_words: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: MAX_REQUEST,
            clients: 64,
            whole_within: Duration::from_secs(10),
            stall: Duration::from_mins(1),
            farewell: Duration::from_secs(1),
            last_words: Duration::from_secs(5),
        }
    }
}

/// Why the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A client asked for it.
    Asked,
    /// A signal.
    Signal(&'static str),
    /// The engine has ended.
    Engine,
}

/// What answers a question about the past: the result as JSON on one line, or a sentence that says why there is none. It
/// may take its time; it is called outside of the daemon's thread.
pub type History = Arc<dyn Fn(&protocol::History) -> Result<String, String> + Send + Sync>;

/// Being the one daemon, with a socket that nobody is answered on yet.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    stops: Stops,
    listener: UnixListener,
    // In this order: the socket is removed before another daemon can get the lock.
    socket: SocketFile,
    instance: Instance,
}

/// What all connections share.
struct Shared {
    engine: Handle,
    history: History,
    stops: Stops,
    limits: Limits,
    end: watch::Sender<Option<End>>,
}

/// How long to wait where the system has no room for another client.
const NO_ROOM: Duration = Duration::from_millis(500);

impl Server {
    /// Becomes the one daemon of these folders: makes the runtime folder, takes the lock, makes the socket. It blocks for
    /// as long as `second` says.
    pub fn bind(folders: &Folders, second: Second) -> Result<Self, BindError> {
        let path = folders.socket()?;
        private_folder::make(&folders.runtime)?;
        let instance = Instance::take(folders, second)?;
        let (listener, socket) = socket::listen(path)?;
        Ok(Self {
            limits: Limits::default(),
            stops: Stops::new(CargoHomes::from_env(), config::Stop::default()),
            listener,
            socket,
            instance,
        })
    }

    /// With other limits than the usual ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Stops holders in another way than with what is configured by default.
    #[must_use]
    pub fn with_stops(mut self, stops: Stops) -> Self {
        self.stops = stops;
        self
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        self.socket.path()
    }

    /// Answers until a client asks it to end, the engine ends, or `ended` says so; for the latter see [`signals`].
    ///
    /// It must run in a tokio runtime with its I/O and its time. It fails only before it has begun.
    pub async fn run(self, engine: Handle, history: History, ended: impl Future<Output = End>) -> io::Result<End> {
        let Self {
            limits,
            stops,
            listener,
            socket,
            instance,
        } = self;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let (end, mut asked) = watch::channel(None);
        // This alone does not keep the engine alive, and tells when it has ended.
        let mut states = engine.states.clone();
        let requests = engine.requests.clone();
        let shared = Arc::new(Shared {
            engine,
            history,
            stops,
            limits,
            end,
        });
        tracing::info!(socket = %text::escape_path(socket.path()), "answering");
        let mut clients = JoinSet::new();
        let mut ended = std::pin::pin!(ended);
        let end = loop {
            tokio::select! {
                stream = accept(&listener) => admit(stream, &shared, &mut clients),
                Some(_) = clients.join_next() => {}
                end = &mut ended => break end,
                () = requests.closed() => break End::Engine,
                Ok(end) = asked.wait_for(Option::is_some) => break end.unwrap_or(End::Asked),
            }
        };
        tracing::info!(?end, "ending");
        drop(listener);
        drop(socket);
        shared.end.send_replace(Some(end));
        let farewell = async { while clients.join_next().await.is_some() {} };
        if timeout(limits.farewell, farewell).await.is_err() {
            clients.shutdown().await;
        }
        drop((shared, requests));
        let last_words = async { while states.changed().await.is_ok() {} };
        if timeout(limits.last_words, last_words).await.is_err() {
            tracing::warn!("the engine does not end");
        }
        // Only now may another daemon begin: what this one knew is written.
        drop(instance);
        Ok(end)
    }
}

/// The next client. Where the system has no descriptor or memory left for one, it waits until there is.
async fn accept(listener: &tokio::net::UnixListener) -> UnixStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "no room for another client now");
                sleep(NO_ROOM).await;
            }
        }
    }
}

fn admit(stream: UnixStream, shared: &Arc<Shared>, clients: &mut JoinSet<()>) {
    // Who has gone already takes no place.
    while clients.try_join_next().is_some() {}
    let peer = stream.peer_cred().map(|peer| peer.uid());
    let own = rustix::process::geteuid().as_raw();
    let refusal = if !peer.as_ref().is_ok_and(|peer| may_ask(*peer, own)) {
        tracing::warn!(?peer, "a client of another user is refused");
        Failure::new(Code::OtherUser, "this daemon answers its own user only")
    } else if clients.len() >= shared.limits.clients {
        tracing::debug!("a client is refused, there are too many");
        let message = format!("there are {} clients already; try again later", clients.len());
        Failure::new(Code::TooManyClients, message)
    } else {
        clients.spawn(Connection::new(stream, Arc::clone(shared)).serve());
        return;
    };
    let line = Message::failure(&Id::NONE, &refusal).parts().concat();
    // A fresh connection has room for a line; whoever does not get it sees that it is closed.
    drop(stream.try_write(&line));
}

/// A daemon answers its own user, and root, who may do everything anyway.
fn may_ask(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

/// What ends a daemon from outside: `SIGTERM`, `SIGINT` and `SIGHUP`, from the moment on that this is called. It must be
/// called in a tokio runtime.
pub fn signals() -> io::Result<impl Future<Output = End>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        End::Signal(tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hang_up.recv() => "SIGHUP",
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_of_another_version_is_named() {
        let running = |version: &str| {
            let (version, protocol, pid) = (version.to_owned(), 1, 4711);
            BindError::AlreadyRunning(Welcome { version, protocol, pid }).to_string()
        };
        assert_eq!(running(env!("CARGO_PKG_VERSION")), "a daemon already runs (pid 4711)");
        assert!(
            running("99.0.0\n").starts_with(r"a daemon already runs (pid 4711); it is version 99.0.0\n and this is ")
        );
    }

    #[test]
    fn a_daemon_answers_its_own_user_and_root() {
        for (peer, own, may) in [
            (501, 501, true),
            (0, 501, true),
            (502, 501, false),
            (501, 0, false),
            (0, 0, true),
        ] {
            assert_eq!(may_ask(peer, own), may, "{peer} {own}");
        }
    }
}
