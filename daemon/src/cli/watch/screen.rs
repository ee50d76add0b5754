//! The loop of the live view: keys, states and signals come, and what has changed is drawn.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::super::Error;
use super::super::exit::Code;
use super::super::output;
use super::draw::{self, Theme};
use super::keys::{Key, Keys};
use super::model::{After, Model, Room};
use super::term::Screen;
use crate::cli;
use crate::client::ClientError;
use crate::clock::Moment;
use crate::config::{self, Thresholds};
use crate::live::{self, Trouble, Update};
use crate::places::CargoHomes;
use crate::stop::{Report, Stops};

/// After so long Esc is the key, and no sequence that goes on. A slow line cuts sequences.
const ESC: Duration = Duration::from_millis(50);

/// How the view ends.
enum End {
    /// By a key, a signal, or because the terminal has gone.
    Quit,
    Failed(Error),
}

impl From<io::Error> for End {
    /// Whatever fails on a terminal, there is nobody left to show anything to.
    fn from(_: io::Error) -> Self {
        Self::Quit
    }
}

pub(super) fn run(homes: CargoHomes, thresholds: Thresholds, stop: config::Stop) -> Result<Code, Error> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Start)?;
    match runtime.block_on(watch(homes, thresholds, stop)) {
        Ok(never) => match never {},
        Err(End::Quit) => Ok(Code::Done),
        Err(End::Failed(error)) => Err(error),
    }
}

async fn watch(homes: CargoHomes, thresholds: Thresholds, stop: config::Stop) -> Result<std::convert::Infallible, End> {
    let failed = |make: fn(io::Error) -> Error| move |error| End::Failed(make(error));
    let mut signals = Signals::listen().map_err(failed(Error::Terminal))?;
    let grace = stop.grace;
    let stops = Stops::new(homes.clone(), stop);
    let (reports, mut reported) = mpsc::channel::<Result<Report, ClientError>>(1);
    let mut updates = live::start(homes, thresholds).map_err(failed(Error::Start))?;
    let mut screen = Screen::take().map_err(failed(Error::Terminal))?;
    let mut input = Input::open().map_err(failed(Error::Terminal))?;
    let theme = Theme {
        home: super::home(),
        colour: output::is_coloured(),
    };
    let mut model = Model::default();
    let mut room = Room::default();
    let mut begun = false;
    let mut changed = true;
    loop {
        if changed {
            let now = Moment::now();
            screen.draw(|frame| room = draw::draw(frame, &mut model, now, &theme))?;
        }
        let keys = tokio::select! {
            keys = input.keys() => keys?,
            update = updates.recv() => {
                match update.ok_or(End::Failed(Error::WatchEnded))? {
                    // Where not even the first look can be made, waiting for better days helps nobody.
                    Update::Trouble(Trouble::NoEngine(source)) if !begun => {
                        return Err(End::Failed(source.into()));
                    }
                    update => {
                        begun |= matches!(update, Update::State(_));
                        model.update(update, Moment::now());
                    }
                }
                changed = true;
                continue;
            }
            Some(report) = reported.recv() => {
                model.reported(report.as_ref().map_err(ToString::to_string), theme.home.as_deref());
                changed = true;
                continue;
            }
            what = signals.next() => {
                match what {
                    Told::End => return Err(End::Quit),
                    Told::Resized => screen.begin_anew()?,
                    Told::Continued => screen.take_again()?,
                }
                changed = true;
                continue;
            }
            // Shown durations are of whole seconds.
            () = tokio::time::sleep(Duration::from_secs(1)), if model.ticks() => {
                changed = true;
                continue;
            }
        };
        changed = false;
        for key in keys {
            match model.key(key, room) {
                After::Nothing => continue,
                After::Draw => {}
                After::Repaint => screen.begin_anew()?,
                After::Suspend => screen.suspend()?,
                After::Stop(wish) => {
                    let (stops, reports) = (stops.clone(), reports.clone());
                    // A stop takes seconds, and the view goes on meanwhile.
                    std::thread::Builder::new().name("stop".to_owned()).spawn(move || {
                        let report = cli::stop::carry_out(&stops, wish, grace);
                        let _ = reports.blocking_send(report); // the view may have ended
                    })?;
                }
                After::Quit => return Err(End::Quit),
            }
            changed = true;
        }
    }
}

/// The keyboard.
struct Input {
    bytes: mpsc::Receiver<Vec<u8>>,
    keys: Keys,
}

impl Input {
    /// Reads in a thread of its own, which ends with the terminal or with the program.
    fn open() -> io::Result<Self> {
        let (send, bytes) = mpsc::channel(1);
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || while read().is_some_and(|bytes| send.blocking_send(bytes).is_ok()) {})?;
        Ok(Self {
            bytes,
            keys: Keys::default(),
        })
    }

    /// The next keys; an error where the terminal has gone.
    async fn keys(&mut self) -> io::Result<Vec<Key>> {
        let bytes = if self.keys.is_begun() {
            match tokio::time::timeout(ESC, self.bytes.recv()).await {
                Ok(bytes) => bytes,
                Err(_elapsed) => return Ok(self.keys.give_up().into_iter().collect()),
            }
        } else {
            self.bytes.recv().await
        };
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(self.keys.read(&bytes))
    }
}

/// The next bytes; none where the terminal has gone. It waits until there are some and only then reads: a program that is
/// stopped must not sit in a read that takes the shell's keys.
fn read() -> Option<Vec<u8>> {
    let stdin = io::stdin();
    loop {
        let mut there = [PollFd::new(&stdin, PollFlags::IN)];
        match rustix::event::poll(&mut there, None) {
            Err(Errno::INTR) => continue,
            other => other.ok()?,
        };
        let mut bytes = [0; 1024];
        match rustix::io::read(&stdin, &mut bytes) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => return None,
            Ok(length) => return Some(bytes[..length].to_vec()),
        }
    }
}

/// What the system tells.
enum Told {
    End,
    Resized,
    Continued,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    resize: Signal,
    go_on: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
            go_on: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::End,
            _ = self.terminate.recv() => Told::End,
            _ = self.hangup.recv() => Told::End,
            _ = self.resize.recv() => Told::Resized,
            _ = self.go_on.recv() => Told::Continued,
        }
    }
}
