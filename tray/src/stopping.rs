//! Stops that were asked for in the menu: first the plan, then what is done, then what came of it. Pure.
//!
//! Everything is kept by process, and every step is allowed by the one before it alone, so a choice that comes late, twice or
//! from a program does nothing.

use std::collections::BTreeMap;

use lockwatch::process::ProcessId;
use lockwatch::protocol;
use lockwatch::state::State;
use lockwatch::stop::{Named, Outcome, Report, Step};
use lockwatch::token::Token;

use crate::cases::Notice;

/// So many processes of a plan are named.
const NAMED: usize = 5;

/// How far the stop of one process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is being found out whom it would meet.
    Looking,
    /// The plan is shown, and the user is asked.
    Asking {
        wish: protocol::Stop,
        /// Who would be signalled, and who left alone.
        plan: Vec<String>,
        processes: usize,
    },
    /// It is under way.
    UnderWay { doing: &'static str },
    /// The gentle way has failed, so that force can be offered.
    StillThere { sentence: String },
}

/// All stops, and the outcome of the last one.
#[derive(Debug, Default)]
pub(crate) struct Stops {
    stages: BTreeMap<ProcessId, Stage>,
    /// What came of the last one, in one sentence.
    told: Option<String>,
}

impl Stops {
    /// How far the stop of a process is; none where none was asked for.
    pub(crate) fn stage(&self, process: ProcessId) -> Option<&Stage> {
        self.stages.get(&process)
    }

    /// The outcome of the last one.
    pub(crate) fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    /// It has been there for long enough.
    pub(crate) fn forget_told(&mut self) {
        self.told = None;
    }

    /// Somebody wants a process stopped: first the plan, which signals nobody. Force only after a stop that failed.
    pub(crate) fn wanted(&mut self, token: Token, force: bool) -> Option<protocol::Stop> {
        match (self.stage(token.process), force) {
            (None, false) | (Some(Stage::StillThere { .. }), true) => {}
            _ => return None,
        }
        self.stages.insert(token.process, Stage::Looking);
        self.told = None;
        Some(protocol::Stop {
            token,
            force,
            dry_run: true,
            grace_ms: None,
        })
    }

    /// The user agrees with the plan that is shown.
    pub(crate) fn agreed(&mut self, process: ProcessId) -> Option<protocol::Stop> {
        let Some(Stage::Asking { wish, .. }) = self.stage(process) else {
            return None;
        };
        let wish = *wish;
        self.stages.insert(
            process,
            Stage::UnderWay {
                doing: "stopping it …"
            },
        );
        Some(wish)
    }

    /// The user does not.
    pub(crate) fn declined(&mut self, process: ProcessId) {
        if matches!(self.stage(process), Some(Stage::Asking { .. })) {
            self.stages.remove(&process);
        }
    }

    /// A step is about to be taken.
    pub(crate) fn step(&mut self, process: ProcessId, step: Step) {
        if let Some(Stage::UnderWay { doing }) = self.stages.get_mut(&process) {
            *doing = match step {
                Step::Terminate => "it has got SIGTERM, and has some seconds to end …",
                Step::Kill => "it is being killed …",
            };
        }
    }

    /// The daemon has answered.
    pub(crate) fn reported(&mut self, wish: protocol::Stop, report: &Report) -> Notice {
        let process = wish.token.process;
        let stage = match report.outcome {
            Outcome::Planned => Some(asking(wish, report)),
            Outcome::StillThere if !report.forced => Some(Stage::StillThere {
                // What stands after it is for a terminal.
                sentence: report
                    .sentence
                    .split("; `lockwatch stop")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            }),
            _ => None,
        };
        let notice = match &stage {
            Some(Stage::Asking { plan, .. }) => Notice {
                title: format!("Stop {}?", Named::of(report).words()),
                body: format!("{}\nThe menu has the answer", plan.join("\n")),
            },
            Some(Stage::StillThere { sentence }) => Notice {
                title: "Not stopped".to_owned(),
                body: format!("{sentence}\nThe menu offers to force it"),
            },
            _ => Notice {
                title: if report.is_free() { "Stopped" } else { "Not stopped" }.to_owned(),
                body: report.sentence.clone(),
            },
        };
        if let Some(stage) = stage {
            self.stages.insert(process, stage);
        } else {
            self.stages.remove(&process);
            self.told = Some(report.sentence.clone());
        }
        notice
    }

    /// The daemon could not be asked.
    pub(crate) fn failed(&mut self, process: ProcessId, why: &str) -> Notice {
        let sentence = format!("process {} was not stopped: {why}", process.pid);
        self.stages.remove(&process);
        self.told = Some(sentence.clone());
        Notice {
            title: "Not stopped".to_owned(),
            body: sentence,
        }
    }

    /// Forgets what is about processes that hold nothing any more, but for what is under way.
    pub(crate) fn keep_those_of(&mut self, state: &State) {
        let holders = || state.locks.iter().flat_map(|lock| &lock.holders);
        self.stages.retain(|process, stage| {
            matches!(stage, Stage::Looking | Stage::UnderWay { .. })
                || holders().any(|holder| holder.token.process == *process)
        });
    }
}

trait OfReport {
    fn of(report: &Report) -> Self;
}

impl OfReport for Named {
    fn of(report: &Report) -> Self {
        Self {
            pid: report.pid,
            command: report.command.clone().unwrap_or_else(|| "the process".to_owned()),
        }
    }
}

fn asking(planned: protocol::Stop, report: &Report) -> Stage {
    let names = |all: Vec<&Named>| {
        let mut names: Vec<String> = all.iter().take(NAMED).map(|one| one.words()).collect();
        if all.len() > NAMED {
            names.push(format!("{} more", all.len() - NAMED));
        }
        names.join(", ")
    };
    let signal = if planned.force { "SIGKILL" } else { "SIGTERM" };
    let met: Vec<&Named> = report.signalled.iter().map(|one| &one.process).collect();
    let processes = met.len();
    let mut plan = vec![format!("would get {signal}: {}", names(met))];
    if !report.left.is_empty() {
        let left = report.left.iter().map(|one| &one.process).collect();
        plan.push(format!("would be left alone: {}", names(left)));
    }
    Stage::Asking {
        wish: protocol::Stop {
            dry_run: false,
            // With force they had their time.
            grace_ms: planned.force.then_some(0),
            ..planned
        },
        plan,
        processes,
    }
}

#[cfg(test)]
mod tests {
    use lockwatch::os::FileId;
    use lockwatch::stop::RefusalKind;

    use super::*;

    fn token() -> Token {
        Token {
            boot_id: 1,
            process: ProcessId { pid: 4711, start: 5 },
            file: FileId { dev: 1, ino: 2 },
        }
    }

    fn report(outcome: Outcome) -> Report {
        Report {
            outcome,
            ..Report::refused(token(), &RefusalKind::Gone.into())
        }
    }

    fn asking(force: bool) -> Stops {
        let mut stops = Stops::default();
        if force {
            let failed = Stage::StillThere {
                sentence: "it is still there".to_owned(),
            };
            stops.stages.insert(token().process, failed);
        }
        let plan = stops.wanted(token(), force).expect("is asked for");
        assert!(plan.dry_run);
        stops.reported(plan, &report(Outcome::Planned));
        stops
    }

    #[test]
    fn nobody_is_signalled_without_a_yes_to_a_plan() {
        let mut stops = Stops::default();
        assert_eq!(stops.agreed(token().process), None, "there is no plan yet");
        stops.wanted(token(), false).expect("is asked for");
        assert_eq!(stops.agreed(token().process), None, "the plan is not there yet");
        assert_eq!(stops.wanted(token(), false), None, "it is being looked at");

        let mut stops = asking(false);
        let wish = stops.agreed(token().process).expect("goes on");
        assert_eq!((wish.dry_run, wish.force, wish.token), (false, false, token()));
        assert_eq!(stops.agreed(token().process), None, "a second yes says nothing");

        let mut stops = asking(false);
        stops.declined(token().process);
        assert_eq!(stops.stage(token().process), None);
    }

    #[test]
    fn force_comes_only_after_a_stop_that_failed() {
        let mut stops = Stops::default();
        assert_eq!(stops.wanted(token(), true), None);
        let mut stops = asking(true);
        let wish = stops.agreed(token().process).expect("goes on");
        assert_eq!((wish.force, wish.dry_run, wish.grace_ms), (true, false, Some(0)));
        let forced = Report {
            forced: true,
            ..report(Outcome::StillThere)
        };
        stops.reported(wish, &forced);
        assert_eq!(stops.stage(token().process), None, "there is nothing more to offer");
        assert!(stops.told().is_some());
    }

    #[test]
    fn what_is_under_way_outlives_its_holder() {
        let nobody = || -> State {
            let empty = serde_json::json!({
                "schema_version": 1, "as_of": "2026-11-25T14:10:00Z", "generation": 1, "source": "daemon", "precision": "exact",
                "notes": [], "summary": {"held": 0, "contended": 0, "stuck": 0}, "locks": [],
            });
            serde_json::from_value(empty).expect("is a state")
        };
        let mut stops = asking(false);
        stops.agreed(token().process).expect("goes on");
        stops.keep_those_of(&nobody());
        assert!(stops.stage(token().process).is_some());
        let mut stops = asking(false);
        stops.keep_those_of(&nobody());
        assert_eq!(stops.stage(token().process), None);
    }
}
