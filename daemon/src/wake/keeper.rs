//! A thread that tells the system what to watch.
//!
//! notify reads all the events that are there before it takes an order (`EventLoop::handle_inotify`). While folders send
//! them faster than it reads, it takes none, and who gave it one waits for the calm. So a thread of its own gives them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::Watched;

/// What is to be watched no more, and what from now on.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) old: Vec<PathBuf>,
    pub(super) new: Vec<Watched>,
}

/// What came of an order.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) added: Vec<Watched>,
    pub(super) refused: Vec<(PathBuf, notify::Error)>,
}

/// The thread. It ends with this, as soon as an order that it is at is carried out.
#[derive(Debug)]
pub(super) struct Keeper {
    orders: Sender<Order>,
    done: mpsc::Receiver<Done>,
}

impl Keeper {
    pub(super) fn of(watcher: RecommendedWatcher) -> notify::Result<Self> {
        let (orders, ordered) = channel();
        let (sender, done) = mpsc::channel(1);
        let thread = std::thread::Builder::new().name("watches".to_owned());
        thread
            .spawn(move || keep(watcher, &ordered, &sender))
            .map_err(notify::Error::io)?;
        Ok(Self { orders, done })
    }

    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.send(order); // a thread that has ended is told by `done`
    }

    /// What came of the next order; none where the thread has ended.
    pub(super) async fn done(&mut self) -> Option<Done> {
        self.done.recv().await
    }
}

fn keep(mut watcher: RecommendedWatcher, orders: &Receiver<Order>, done: &mpsc::Sender<Done>) {
    while let Ok(order) = orders.recv() {
        if done.blocking_send(carry_out(&mut watcher, order)).is_err() {
            return;
        }
    }
}

/// All at once: on macOS each change begins a new stream of events, and what was under way in the old one is lost.
fn carry_out(watcher: &mut RecommendedWatcher, Order { old, new }: Order) -> Done {
    let mut paths = watcher.paths_mut();
    for path in &old {
        let _ = paths.remove(path); // one that was deleted is out already
    }
    let mut done = Done::default();
    for one in new {
        match paths.add(&one.path, RecursiveMode::NonRecursive) {
            Ok(()) => done.added.push(one),
            Err(error) => done.refused.push((one.path, error)),
        }
    }
    if let Err(error) = paths.commit() {
        // None of them is watched then; the next order tries again.
        done.added.clear();
        done.refused.push((PathBuf::from("/"), error));
    }
    done
}
