//! One client. It has one thing under way at a time: while an answer or a state is written, nothing more is read from it,
//! and no state is kept for it; when that is done, it gets the newest.

use std::io::{self, IoSlice};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::{End, Shared};
use crate::engine::Published;
use crate::process::Pid;
use crate::protocol::line::{Line, LineDecoder};
use crate::protocol::{self, Call, Code, Failure, Id, Message, PROTOCOL, Progress, Request, Welcome};
use crate::text;

/// How much is read at a time: most requests come whole in it.
const PIECE: usize = 4 * 1024;

pub(super) struct Connection {
    stream: UnixStream,
    /// The process that connected, 0 where the system does not name it.
    client: Pid,
    shared: Arc<Shared>,
    decoder: LineDecoder,
    /// When a line that has begun must have come whole.
    deadline: Option<Instant>,
    states: Option<watch::Receiver<Arc<Published>>>,
    ending: watch::Receiver<Option<End>>,
    /// Set when the client has said that it sends no more: what tells that it has gone altogether.
    leaving: Option<UnixStream>,
}

/// What happens next to a connection.
enum Event {
    Read(usize),
    Changed,
    TooSlow,
    Gone,
    Ending,
}

impl Connection {
    pub(super) fn new(stream: UnixStream, shared: Arc<Shared>) -> Self {
        Self {
            decoder: LineDecoder::new(shared.limits.request),
            ending: shared.end.subscribe(),
            client: peer(&stream),
            stream,
            shared,
            deadline: None,
            states: None,
            leaving: None,
        }
    }

    /// Until the client goes, the daemon ends, or something is wrong with either.
    pub(super) async fn serve(mut self) {
        match self.run().await {
            Ok(()) => tracing::debug!("a client has gone"),
            Err(error) => tracing::debug!(%error, "a client is given up"),
        }
    }

    async fn run(&mut self) -> io::Result<()> {
        let mut buffer = [0; PIECE];
        loop {
            match self.event(&mut buffer).await? {
                Event::Read(0) => {
                    if let Some(line) = self.decoder.rest() {
                        self.take(line).await?;
                    }
                    if self.states.is_none() {
                        return Ok(());
                    }
                    // A script that sends its request and closes its side wants the answers all the same.
                    self.deadline = None;
                    let side = self.stream.as_fd().try_clone_to_owned()?;
                    self.leaving = Some(UnixStream::from_std(side.into())?);
                }
                Event::Read(length) => self.read(&buffer[..length]).await?,
                Event::Changed => self.send_newest().await?,
                Event::TooSlow => {
                    let bound = self.shared.limits.whole_within;
                    let message = format!("a request must come whole, with its line's end, within {bound:?}");
                    return self
                        .send(&Message::failure(&Id::NONE, &Failure::new(Code::TooSlow, message)))
                        .await;
                }
                Event::Gone | Event::Ending => return Ok(()),
            }
        }
    }

    async fn event(&mut self, buffer: &mut [u8]) -> io::Result<Event> {
        let Self {
            stream,
            deadline,
            states,
            ending,
            leaving,
            ..
        } = self;
        // A branch whose value is absent is not taken part in: an idle client costs no timer.
        tokio::select! {
            read = stream.read(buffer), if leaving.is_none() => read.map(Event::Read),
            changed = async { Some(states.as_mut()?.changed().await) }, if states.is_some() => Ok(match changed {
                Some(Ok(())) => Event::Changed,
                _ => Event::Ending,
            }),
            () = async { sleep_until(deadline.unwrap_or_else(Instant::now)).await }, if deadline.is_some() => {
                Ok(Event::TooSlow)
            }
            () = gone(leaving.as_ref()), if leaving.is_some() => Ok(Event::Gone),
            _ = ending.wait_for(Option::is_some) => Ok(Event::Ending),
        }
    }

    async fn read(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(line) = self.decoder.take(&mut bytes) {
            self.deadline = None;
            self.take(line).await?;
        }
        if self.decoder.is_within_a_line() {
            let bound = self.shared.limits.whole_within;
            self.deadline.get_or_insert_with(|| Instant::now() + bound);
        } else {
            self.deadline = None;
        }
        Ok(())
    }

    async fn take(&mut self, line: Line) -> io::Result<()> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let message = format!(
                    "a line may have {} bytes; this one is passed over",
                    self.shared.limits.request
                );
                let failure = Failure::new(Code::LineTooLong, message);
                return self.send(&Message::failure(&Id::NONE, &failure)).await;
            }
        };
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let Call { id, request } = protocol::read(&line);
        let ends = request == Ok(Request::Shutdown);
        let subscribes = request == Ok(Request::Subscribe);
        let result = match request {
            Ok(request) => self.answer(request, id.is_some()).await,
            Err(failure) => Err(failure),
        };
        if let Some(id) = id {
            let message = match result {
                Ok(result) => Message::answer(&id, result),
                Err(failure) => Message::failure(&id, &failure),
            };
            self.send(&message).await?;
        } else if let Some(states) = self.states.as_mut().filter(|_| subscribes) {
            // Whoever subscribes without an id gets the first state as a notification.
            states.mark_changed();
        }
        if ends {
            self.shared.end.send_replace(Some(End::Asked));
        }
        Ok(())
    }

    /// The result of a request, as JSON. It may tell something before only where an answer is wanted.
    async fn answer(&mut self, request: Request, is_wanted: bool) -> Result<Arc<str>, Failure> {
        match request {
            Request::Hello(hello) => {
                let client = text::shorten(&text::escape(hello.client.as_ref()), 80);
                tracing::debug!(client, protocol = hello.protocol, "a client says hello");
                let welcome = Welcome {
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    protocol: PROTOCOL,
                    pid: std::process::id(),
                };
                serde_json::to_string(&welcome)
                    .map(Into::into)
                    .map_err(|error| Failure::new(Code::Internal, error.to_string()))
            }
            Request::State => Ok(Arc::clone(&self.look().await?.json)),
            Request::Subscribe => {
                let looked = self.look().await?;
                let states = self.states.insert(self.shared.engine.states.clone());
                let newest = Arc::clone(&states.borrow_and_update());
                let newer = newest.state.generation > looked.state.generation;
                Ok(Arc::clone(if newer { &newest.json } else { &looked.json }))
            }
            Request::History(which) => {
                let history = Arc::clone(&self.shared.history);
                // It reads a file, which must not keep the others waiting.
                let asked = tokio::task::spawn_blocking(move || history(&which)).await;
                let failed = |message: String| Failure::new(Code::Internal, message);
                asked
                    .map_err(|_| failed("the history could not be read; the daemon's log says more".to_owned()))?
                    .map(Into::into)
                    .map_err(failed)
            }
            Request::Stop(asked) => self.stop(asked, is_wanted).await,
            Request::Shutdown => Ok("{}".into()),
        }
    }

    /// Stops a holder, and tells of each step before it is taken. A stop that has begun goes on where the client has gone.
    async fn stop(&mut self, asked: protocol::Stop, is_wanted: bool) -> Result<Arc<str>, Failure> {
        let (stops, client) = (self.shared.stops.clone(), self.client);
        tracing::info!(token = %asked.token, client, asked.force, asked.dry_run, "a stop is asked for");
        let (tell, mut coming) = mpsc::unbounded_channel();
        let stopping = tokio::task::spawn_blocking(move || {
            stops.stop(&asked, client, &mut |step| {
                let _ = tell.send(step); // the connection may be closed
            })
        });
        while let Some(step) = coming.recv().await {
            let token = asked.token;
            if is_wanted {
                // Whoever has gone will not get the answer either, and is given up then.
                drop(self.send(&Message::progress(Progress { token, step })).await);
            }
        }
        let failed = |message: String| Failure::new(Code::Internal, message);
        let report = stopping
            .await
            .map_err(|_| failed("the stop has failed; the daemon's log says more".to_owned()))?;
        tracing::info!(outcome = ?report.outcome, "{}", report.sentence);
        let json = serde_json::to_string(&report);
        json.map(Into::into).map_err(|error| failed(error.to_string()))
    }

    async fn look(&self) -> Result<Arc<Published>, Failure> {
        let looked = self.shared.engine.look().await;
        looked.ok_or_else(|| Failure::new(Code::Internal, "the daemon is ending"))
    }

    async fn send_newest(&mut self) -> io::Result<()> {
        let Some(states) = &mut self.states else {
            return Ok(());
        };
        let newest = Arc::clone(&states.borrow_and_update().json);
        let Some(message) = Message::state(Arc::clone(&newest)) else {
            tracing::warn!(bytes = newest.len(), "a state is too long to be sent");
            return Ok(());
        };
        self.send(&message).await
    }

    /// Sends a line whole, at the client's own speed; one that takes nothing of it for a while is given up.
    async fn send(&mut self, message: &Message) -> io::Result<()> {
        let begin = Instant::now();
        let mut slices = message.parts().map(IoSlice::new);
        let mut rest = slices.as_mut_slice();
        let stall: Duration = self.shared.limits.stall;
        while !rest.is_empty() {
            let written = timeout(stall, self.stream.write_vectored(rest)).await??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut rest, written);
        }
        // Nothing was read meanwhile, so that time does not count against a request that has begun.
        if let Some(deadline) = &mut self.deadline {
            *deadline += begin.elapsed();
        }
        Ok(())
    }
}

/// Who is at the other end.
fn peer(stream: &UnixStream) -> Pid {
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
    pid.and_then(|pid| Pid::try_from(pid).ok()).unwrap_or(0)
}

/// Waits until the other side has gone altogether.
///
/// Reading does not tell: it says "the end" from the moment on that the client has closed its sending side. That the
/// connection has no other end any more shows where writing is watched. This is a second descriptor of it, with a memory
/// of its own of what it was told, so that forgetting "can be written to" here does not keep an answer from being written.
async fn gone(side: Option<&UnixStream>) {
    let Some(side) = side else { return };
    while let Ok(told) = side.ready(Interest::WRITABLE).await {
        if told.is_write_closed() {
            return;
        }
        drop(side.try_io(Interest::WRITABLE, || {
            io::Result::<()>::Err(io::ErrorKind::WouldBlock.into())
        }));
    }
}
