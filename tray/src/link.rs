//! Follows the daemon, in a thread of its own, and follows it again when it comes back.
//!
//! While it is followed the thread sleeps until the daemon has something to tell.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use lockwatch::client::{Client, ClientError, Subscription};
use lockwatch::folders::Folders;
use lockwatch::protocol::Welcome;
use lockwatch::state::State;

/// How long until it is asked for again where none answers: the first time, and at most.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// What is to be told.
#[derive(Debug)]
pub(crate) enum Update {
    /// It is followed from now on.
    Following(Welcome),
    /// What it says.
    State(Box<State>),
    /// There is none; why, in one sentence. `answered` says whether something that is no use did answer.
    Gone { why: String, answered: bool },
}

/// Has the daemon asked for again at once and, where it is just starting, soon.
#[derive(Debug)]
pub(crate) struct Again(mpsc::Sender<()>);

impl Again {
    pub(crate) fn now(&self) {
        // Where the thread has ended, nobody is told of any daemon any more.
        let _ = self.0.send(());
    }
}

/// Follows it until nobody is `told` any more.
pub(crate) fn follow(folders: Folders, told: impl Fn(Update) -> bool + Send + 'static) -> io::Result<Again> {
    let (again, asked_again) = mpsc::channel();
    let follow = move || {
        let mut retry = FIRST_RETRY;
        loop {
            let gone = match connect(&folders) {
                Ok(Some((welcome, subscription))) => {
                    retry = FIRST_RETRY;
                    if !told(Update::Following(welcome)) {
                        return;
                    }
                    match hand_out(subscription, &told) {
                        Some(gone) => gone,
                        None => return,
                    }
                }
                Ok(None) => Update::Gone {
                    why: "no daemon runs".to_owned(),
                    answered: false,
                },
                Err(error) => Update::Gone {
                    why: error.to_string(),
                    answered: true,
                },
            };
            if !told(gone) {
                return;
            }
            retry = match asked_again.recv_timeout(retry) {
                Ok(()) => FIRST_RETRY,
                Err(RecvTimeoutError::Timeout) => (retry * 2).min(LAST_RETRY),
                Err(RecvTimeoutError::Disconnected) => return,
            };
        }
    };
    std::thread::Builder::new().name("link".to_owned()).spawn(follow)?;
    Ok(Again(again))
}

fn connect(folders: &Folders) -> Result<Option<(Welcome, Subscription)>, ClientError> {
    let Some(mut client) = Client::connect(folders)? else {
        return Ok(None);
    };
    let welcome = client.hello()?;
    Ok(Some((welcome, client.subscribe()?)))
}

/// Hands out states until no more come, and says why; none where nobody takes them.
fn hand_out(mut subscription: Subscription, told: &impl Fn(Update) -> bool) -> Option<Update> {
    loop {
        match subscription.next() {
            Ok(Some(state)) => {
                if !told(Update::State(Box::new(state))) {
                    return None;
                }
            }
            Ok(None) => {
                return Some(Update::Gone {
                    why: "the daemon has ended".to_owned(),
                    answered: false,
                });
            }
            Err(error) => {
                return Some(Update::Gone {
                    why: error.to_string(),
                    answered: true,
                });
            }
        }
    }
}
