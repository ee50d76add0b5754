//! How often each scene is played: once where nothing is said.

use std::time::Duration;

/// So many times, each begun so long after the one before.
///
/// Nearly all of a scene is waiting, so that the next time need not wait for the end of the one before: ten times of a
/// quarter of an hour take little longer than one, and the daemon has more to judge at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    count: usize,
    apart: Duration,
}

impl Times {
    /// By `LOCKWATCH_SCENES_TIMES`, and `LOCKWATCH_SCENES_APART` in seconds.
    pub(super) fn asked_for() -> Self {
        let number = |name: &str, default: u64| {
            let said = std::env::var(name);
            said.map_or(default, |said| {
                said.parse().unwrap_or_else(|_| panic!("{name} is a number"))
            })
        };
        Self {
            count: usize::try_from(number("LOCKWATCH_SCENES_TIMES", 1)).expect("fits"),
            apart: Duration::from_secs(number("LOCKWATCH_SCENES_APART", 0)),
        }
    }

    /// Does something each time; the first has the number 1.
    pub(super) fn each<T: Send>(self, play: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let play = &play;
        std::thread::scope(|scope| {
            let at = |place: usize| self.apart * u32::try_from(place).expect("few");
            let begin = |place: usize| {
                move || {
                    std::thread::sleep(at(place));
                    play(place + 1)
                }
            };
            let times: Vec<_> = (0..self.count).map(|place| scope.spawn(begin(place))).collect();
            times
                .into_iter()
                .map(|time| time.join().expect("does not panic"))
                .collect()
        })
    }
}
