//! Looks at the locks every two seconds, in a thread of its own.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use lockwatch::clock::Moment;
use lockwatch::observation::Observer;
use lockwatch::os::System;
use lockwatch::places::CargoHomes;
use lockwatch::process::ProcessId;
use lockwatch::state::State;
use lockwatch::text;
use lockwatch::wait_graph::WaitGraph;

use crate::menu::Model;

/// Long enough for a process that waits in a circle in two looks to be deadlocked (one second), short enough for a
/// person who has just read that Cargo waits.
const PERIOD: Duration = Duration::from_secs(2);

/// Sees the locks, and remembers what a second look needs of the first.
pub(crate) struct Looker {
    observer: Observer<System>,
    /// Who waited in a circle in the look before.
    in_circles: BTreeSet<ProcessId>,
    /// What `~` stands for.
    home: Option<String>,
}

impl Looker {
    /// With the Cargo homes and the home directory of this process.
    pub(crate) fn new() -> Self {
        Self {
            observer: Observer::new(System::new(), CargoHomes::from_env()),
            in_circles: BTreeSet::new(),
            home: std::env::home_dir().map(|home| text::escape_path(&home)),
        }
    }

    /// Looks once.
    pub(crate) fn look(&mut self) -> Model {
        match self.observer.look(Moment::now()) {
            Ok(look) => {
                let now = WaitGraph::of(&look).circular().clone();
                let confirmed = now.intersection(&self.in_circles).copied().collect();
                self.in_circles = now;
                Model::of(&State::direct(&look, &confirmed), self.home.as_deref())
            }
            Err(error) => {
                self.in_circles.clear();
                Model::unseen(&error)
            }
        }
    }

    /// Goes on looking, and hands over what differs from what was `shown`, until nobody takes it any more.
    pub(crate) fn watch(mut self, mut shown: Model, show: impl Fn(Model) -> bool + Send + 'static) -> io::Result<()> {
        let watch = move || {
            loop {
                std::thread::sleep(PERIOD);
                let model = self.look();
                if model != shown {
                    shown = model.clone();
                    if !show(model) {
                        return;
                    }
                }
            }
        };
        std::thread::Builder::new().name("look".to_owned()).spawn(watch)?;
        Ok(())
    }
}
