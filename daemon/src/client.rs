//! The daemon, asked from another process: blocking, for the command line and the tray.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::folders::{Folders, FoldersError};
use crate::protocol::line::{Line, LineDecoder};
use crate::protocol::{self, Hello, MAX_ANSWER, PROTOCOL, Progress, Request, Welcome};
use crate::state::State;
use crate::stop::{Report, Step};
use crate::text;

/// How long an answer may take. A look takes milliseconds; whoever gets no answer in this time looks for himself.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What a stop takes besides the grace: `SIGKILL`, and looks at the locks before and after.
const STOPPING: Duration = Duration::from_secs(10);

/// Why the daemon could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is not known where it would be.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// Whoever listens there may be anybody.
    #[error(
        "{} is not the socket of a daemon of yours: it, or its folder, is another user's or open to others; remove it",
        text::escape_path(.path)
    )]
    NotOurs {
        /// The socket.
        path: PathBuf,
    },
    /// There is a socket that cannot be connected to.
    #[error("cannot connect to the daemon at {}: {source}", text::escape_path(.path))]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("the daemon does not answer; if it stays so, end it and start it again")]
    TimedOut,
    /// It has gone.
    #[error("the daemon has ended the connection")]
    Closed,
    /// The system failed.
    #[error("the connection to the daemon failed: {0}")]
    Io(#[source] io::Error),
    /// It answered with an error.
    #[error("the daemon refuses: {message}")]
    Refused {
        /// The kind of error, a [`protocol::Code`] or one of a newer daemon's.
        code: i64,
        /// What it said, escaped.
        message: String,
    },
    /// It said something else than the protocol has.
    #[error(
        "the daemon's answer is not understood ({0}); it may be of another version than this, {version}: start it again",
        version = env!("CARGO_PKG_VERSION")
    )]
    NotUnderstood(String),
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A socket with a time limit says the former on Linux and on macOS; the latter is how std names it elsewhere.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    lines: Lines,
    asked: u64,
    patience: Duration,
}

/// The states of the daemon as they come.
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    first: Option<Box<State>>,
}

/// Ends a [`Subscription`] from another thread.
#[derive(Debug)]
pub struct Closer(UnixStream);

impl Closer {
    /// Ends it: whoever waits in [`Subscription::next`] gets the end.
    pub fn close(&self) {
        // Where the daemon closed it first, it is what was wanted.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

impl Welcome {
    /// Whether the daemon is of another version than this program, older or newer.
    pub fn is_of_another_version(&self) -> bool {
        self.version != env!("CARGO_PKG_VERSION")
    }
}

impl Client {
    /// Connects; none where no daemon runs.
    pub fn connect(folders: &Folders) -> Result<Option<Self>, ClientError> {
        let path = folders.socket()?;
        let failed = |source| ClientError::Connect {
            path: path.clone(),
            source,
        };
        // No folder, or no socket: no daemon. That is the way most often gone where none is wanted, so it comes first.
        let socket = match path.symlink_metadata() {
            Ok(found) => found,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let own = rustix::process::geteuid().as_raw();
        let folder = folders.runtime.metadata().map_err(failed)?;
        // In a folder that others can write to, the socket could be made anybody's after this check.
        let ours = folder.uid() == own && folder.mode() & 0o022 == 0 && socket.uid() == own;
        if !ours || !socket.file_type().is_socket() {
            return Err(ClientError::NotOurs { path });
        }
        match UnixStream::connect(&path) {
            Ok(stream) => Ok(Some(Self {
                stream,
                lines: Lines::new(),
                asked: 0,
                patience: PATIENCE,
            })),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// With another time for an answer than [`PATIENCE`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks who the daemon is.
    pub fn hello(&mut self) -> Result<Welcome, ClientError> {
        self.ask(&Request::Hello(Hello {
            client: concat!("lockwatch ", env!("CARGO_PKG_VERSION")).to_owned(),
            protocol: PROTOCOL,
        }))
    }

    /// Asks for the state, by a look made now.
    pub fn state(&mut self) -> Result<State, ClientError> {
        self.ask(&Request::State)
    }

    /// Asks for past holds and waits, as they are in the document.
    pub fn history<T: DeserializeOwned>(&mut self, which: protocol::History) -> Result<T, ClientError> {
        self.ask(&Request::History(which))
    }

    /// Has a holder stopped, and is told of each step before it is taken. Without a step nothing has been signalled yet. With force
    /// it takes up to `grace` and some seconds more.
    pub fn stop(
        &mut self,
        which: protocol::Stop,
        grace: Duration,
        told: &mut dyn FnMut(Step),
    ) -> Result<Report, ClientError> {
        let patience = self.patience;
        self.patience = patience + grace + STOPPING;
        let answer = self.ask_telling(&Request::Stop(which), &mut |line| {
            if let Ok(Notification { params }) = understood::<Notification<Progress>>(line) {
                told(params.step);
            }
        });
        self.patience = patience;
        answer
    }

    /// Asks the daemon to end. It has agreed when this returns, and ends then.
    pub fn shutdown(&mut self) -> Result<(), ClientError> {
        self.ask::<serde::de::IgnoredAny>(&Request::Shutdown).map(drop)
    }

    /// Asks for the state, and for each that comes after it.
    pub fn subscribe(mut self) -> Result<Subscription, ClientError> {
        let first = self.ask(&Request::Subscribe)?;
        Ok(Subscription {
            client: self,
            first: Some(first),
        })
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, ClientError> {
        self.ask_telling(request, &mut |_| ())
    }

    /// Asks, and tells of the notifications that come before the answer.
    fn ask_telling<T: DeserializeOwned>(
        &mut self,
        request: &Request,
        told: &mut dyn FnMut(&[u8]),
    ) -> Result<T, ClientError> {
        let deadline = Instant::now() + self.patience;
        self.asked += 1;
        self.stream.set_write_timeout(Some(self.patience))?;
        let sent = self.stream.write_all(request.line(self.asked).as_bytes());
        // A daemon with too many clients says so and closes at once: that is worth more than a broken pipe.
        let mut line = match (self.lines.next(&mut self.stream, Some(deadline)), sent) {
            (Ok(Some(line)), _) => line,
            (Ok(None), Ok(())) => return Err(ClientError::Closed),
            (Err(error), Ok(())) => return Err(error),
            (_, Err(error)) => return Err(error.into()),
        };
        // Only a stop has something to tell before its answer, and its answer is short.
        while matches!(request, Request::Stop(_)) && understood::<Head>(&line).is_ok() {
            told(&line);
            let next = self.lines.next(&mut self.stream, Some(deadline))?;
            line = next.ok_or(ClientError::Closed)?;
        }
        let answer: Answer<T> = understood(&line)?;
        match answer {
            Answer {
                result: Some(result), ..
            } => Ok(result),
            Answer { error: Some(error), .. } => Err(ClientError::Refused {
                code: error.code,
                message: text::escape(error.message.as_ref()),
            }),
            Answer { .. } => Err(ClientError::NotUnderstood("neither result nor error".to_owned())),
        }
    }
}

/// No daemon: nothing is there, or a socket that nobody listens on any more.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory
    )
}

fn understood<T: DeserializeOwned>(line: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(line).map_err(|error| ClientError::NotUnderstood(text::escape(error.to_string().as_ref())))
}

impl Subscription {
    /// Waits for the next state, for ever if need be; none where the daemon has gone.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would go on after an error; `?` ends it"
    )]
    pub fn next(&mut self) -> Result<Option<State>, ClientError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(*first));
        }
        loop {
            let line = match self.client.lines.next(&mut self.client.stream, None) {
                Ok(Some(line)) => line,
                Ok(None) | Err(ClientError::Closed) => return Ok(None),
                Err(error) => return Err(error),
            };
            match understood(&line) {
                Ok(Update { params }) => return Ok(Some(params)),
                // A newer daemon may tell more than states.
                Err(_) if understood::<Head>(&line)?.method != "state" => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The means to end it from another thread.
    pub fn closer(&self) -> Result<Closer, ClientError> {
        Ok(Closer(self.client.stream.try_clone()?))
    }
}

/// The answer to a request. The daemon answers in order, and a client here asks one thing at a time.
#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
}

#[derive(Deserialize)]
struct Update {
    params: State,
}

#[derive(Deserialize)]
struct Notification<T> {
    params: T,
}

#[derive(Deserialize)]
struct Head {
    method: String,
}

/// What comes from the daemon, line by line.
struct Lines {
    decoder: LineDecoder,
    buffer: Box<[u8]>,
    /// What of the buffer was read and not yet taken.
    unread: std::ops::Range<usize>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}

impl Lines {
    fn new() -> Self {
        Self {
            decoder: LineDecoder::new(MAX_ANSWER),
            buffer: vec![0; 64 * 1024].into(),
            unread: 0..0,
        }
    }

    /// The next line; none at the end.
    fn next(&mut self, stream: &mut UnixStream, deadline: Option<Instant>) -> Result<Option<Vec<u8>>, ClientError> {
        loop {
            let mut bytes = &self.buffer[self.unread.clone()];
            let line = self.decoder.take(&mut bytes);
            self.unread.start = self.unread.end - bytes.len();
            match line {
                Some(Line::Whole(line)) => return Ok(Some(line)),
                Some(Line::TooLong) => {
                    return Err(ClientError::NotUnderstood(format!(
                        "a line of more than {MAX_ANSWER} bytes"
                    )));
                }
                None => {}
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(ClientError::TimedOut);
            }
            stream.set_read_timeout(left)?;
            let length = match stream.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.unread = 0..length;
        }
    }
}
