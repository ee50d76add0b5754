//! One place in the queue: what a ticket is called, and where it stands. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::process::ProcessId;

/// A ticket, as the name of its file has it. What never changes of it, its folders, is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// When it came, in nanoseconds for which the machine was awake since boot; no two have the same, so this is the order of the
    /// queue.
    pub arrival: u64,
    /// Whose it is. The process stays the same when it becomes the command.
    pub process: ProcessId,
    /// How far it has come.
    pub phase: Phase,
}

/// How far a ticket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It is in the queue.
    Waiting,
    /// Its command was started, at a time as that of the arrival.
    Started(u64),
    /// The same, and somebody has seen its build hold a lock of its folders.
    Taken(u64),
}

impl Phase {
    /// When its command was started, by the clock of the arrival.
    pub fn started(self) -> Option<u64> {
        match self {
            Self::Waiting => None,
            Self::Started(at) | Self::Taken(at) => Some(at),
        }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arrival,
            process: ProcessId { pid, start },
            phase,
        } = self;
        write!(f, "{arrival}-{pid}-{start}.")?;
        match phase {
            Phase::Waiting => f.write_str("waiting"),
            Phase::Started(at) => write!(f, "started-{at}"),
            Phase::Taken(at) => write!(f, "taken-{at}"),
        }
    }
}

/// A file name that is no ticket's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTicket;

impl FromStr for Ticket {
    type Err = NoTicket;

    fn from_str(name: &str) -> Result<Self, NoTicket> {
        parse(name).filter(|ticket| ticket.to_string() == name).ok_or(NoTicket)
    }
}

fn parse(name: &str) -> Option<Ticket> {
    let (who, phase) = name.split_once('.')?;
    let mut numbers = who.splitn(3, '-');
    let arrival = numbers.next()?.parse().ok()?;
    let pid = numbers.next()?.parse().ok()?;
    let start = numbers.next()?.parse().ok()?;
    let phase = match phase.split_once('-') {
        None if phase == "waiting" => Phase::Waiting,
        Some(("started", at)) => Phase::Started(at.parse().ok()?),
        Some(("taken", at)) => Phase::Taken(at.parse().ok()?),
        _ => return None,
    };
    Some(Ticket {
        arrival,
        process: ProcessId { pid, start },
        phase,
    })
}

/// What was seen of a ticket's process and of the processes that it has started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The process has not ended.
    pub lives: bool,
    /// It is stopped (Ctrl-Z).
    pub is_stopped: bool,
    /// They hold a lock of the ticket's folders.
    pub holds_its_folders: bool,
    /// They hold or wait for some Cargo lock.
    pub is_at_a_lock: bool,
    /// The process, or a child of it, runs a program that was built into the ticket's folders: the tests have begun, or the
    /// program has.
    pub runs_its_product: bool,
    /// How long nobody here has seen them at a lock, at most since the command was started.
    pub idle: Duration,
    /// For how long this process has had an eye on them.
    pub watched: Duration,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts no more: the ticket can be removed.
    Over,
    /// It waits, and is in front of those that came later.
    Queued,
    /// It waits and is stopped: the others go first until it goes on.
    PassedOver,
    /// It was started, and will take its locks in a moment.
    AboutToTake,
    /// It holds them.
    Holds,
}

/// A command that took nothing for so long will take nothing.
pub const TAKES_NOTHING: Duration = Duration::from_mins(1);

/// For so long one must have looked on before that counts: a command that downloads is between two locks for moments.
const LOOK_ON: Duration = Duration::from_secs(1);

/// Where a ticket stands by what was seen. "Took and released" is over also where nobody saw it, as soon as the tests or the
/// program run that were built.
pub fn standing(phase: Phase, facts: &Facts) -> Standing {
    let is_idle = facts.idle >= TAKES_NOTHING && facts.watched >= LOOK_ON;
    match phase {
        _ if !facts.lives => Standing::Over,
        Phase::Waiting if facts.is_stopped => Standing::PassedOver,
        Phase::Waiting => Standing::Queued,
        Phase::Started(_) | Phase::Taken(_) if facts.holds_its_folders => Standing::Holds,
        Phase::Taken(_) => Standing::Over,
        Phase::Started(_) if facts.runs_its_product => Standing::Over,
        Phase::Started(_) if is_idle && !facts.is_at_a_lock => Standing::Over,
        Phase::Started(_) => Standing::AboutToTake,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIVES: Facts = Facts {
        lives: true,
        is_stopped: false,
        holds_its_folders: false,
        is_at_a_lock: false,
        runs_its_product: false,
        idle: Duration::ZERO,
        watched: Duration::ZERO,
    };

    #[test]
    fn where_a_ticket_stands() {
        let holds = Facts {
            holds_its_folders: true,
            is_at_a_lock: true,
            ..LIVES
        };
        let stopped = Facts {
            is_stopped: true,
            ..LIVES
        };
        let product = Facts {
            runs_its_product: true,
            ..LIVES
        };
        let idle = Facts {
            idle: TAKES_NOTHING,
            watched: LOOK_ON,
            ..LIVES
        };
        let newly_seen = Facts {
            watched: Duration::ZERO,
            ..idle
        };
        let downloads = Facts {
            is_at_a_lock: true,
            ..idle
        };
        let (waiting, started, taken) = (Phase::Waiting, Phase::Started(1), Phase::Taken(1));
        for (name, phase, facts, is) in [
            ("waits", waiting, LIVES, Standing::Queued),
            ("waits long", waiting, idle, Standing::Queued),
            ("waits, stopped", waiting, stopped, Standing::PassedOver),
            ("waited, gone", waiting, Facts::default(), Standing::Over),
            ("started", started, LIVES, Standing::AboutToTake),
            ("started, stopped", started, stopped, Standing::AboutToTake),
            ("started, gone", started, Facts::default(), Standing::Over),
            ("holds", started, holds, Standing::Holds),
            ("holds, seen before", taken, holds, Standing::Holds),
            (
                "holds, stopped",
                taken,
                Facts {
                    is_stopped: true,
                    ..holds
                },
                Standing::Holds,
            ),
            ("took and released", taken, LIVES, Standing::Over),
            ("runs the tests", started, product, Standing::Over),
            (
                "runs a built tool, and builds",
                started,
                Facts {
                    runs_its_product: true,
                    ..holds
                },
                Standing::Holds,
            ),
            ("took nothing", started, idle, Standing::Over),
            ("took nothing, just seen", started, newly_seen, Standing::AboutToTake),
            ("downloads", started, downloads, Standing::AboutToTake),
        ] {
            assert_eq!(standing(phase, &facts), is, "{name}");
        }
    }

    #[test]
    fn names_that_are_no_tickets() {
        for name in [
            "",
            "queue",
            "1-2-3",
            "1-2-3.",
            "1-2.waiting",
            "01-2-3.waiting",
            "1-2-3.started",
            "1-2-3.waiting-1",
            "+1-2-3.waiting",
            "1-2-3.new",
        ] {
            assert_eq!(name.parse::<Ticket>(), Err(NoTicket), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_ticket_survives_its_name(arrival: u64, pid: u32, start: u64, at: u64, phase in 0..3) {
            let phase = [Phase::Waiting, Phase::Started(at), Phase::Taken(at)][usize::try_from(phase).expect("is small")];
            let ticket = Ticket { arrival, process: ProcessId { pid, start }, phase };
            prop_assert_eq!(ticket.to_string().parse(), Ok(ticket));
        }

        #[test]
        fn any_name_is_taken(name in "\\PC*") {
            let _ = name.parse::<Ticket>();
        }
    }
}
