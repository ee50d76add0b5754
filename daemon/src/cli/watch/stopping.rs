//! Stopping the selected holder: the plan, the question, and what came of it. Pure.

use crate::protocol;
use crate::stop::{Outcome, Report};
use crate::token::Token;

/// How far a stop is.
#[derive(Debug, Default)]
pub(super) enum Stopping {
    /// Nothing is to be stopped.
    #[default]
    No,
    /// It is being found out whom it would meet, or it is under way.
    UnderWay { doing: String },
    /// The user is asked.
    Asking { wish: protocol::Stop, question: String },
    /// What came of it, until the next key.
    Told { sentence: String },
}

impl Stopping {
    /// What is to be done first: only a plan, which signals nobody.
    pub(super) fn plan(&mut self, token: Token, name: &str) -> protocol::Stop {
        *self = Self::UnderWay {
            doing: format!("looking at {name} …"),
        };
        protocol::Stop {
            token,
            force: false,
            dry_run: true,
            grace_ms: None,
        }
    }

    /// Whether something is under way. Nothing else is begun then: its question would come under a finger that is about to answer
    /// another one.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self, Self::UnderWay { .. })
    }

    /// It could not be carried out.
    pub(super) fn failed(&mut self, sentence: String) {
        *self = Self::Told { sentence };
    }

    /// Whether the user is asked; then keys answer that.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self, Self::Asking { .. })
    }

    /// The user's answer. What is to be done, if anything.
    pub(super) fn answer(&mut self, yes: bool) -> Option<protocol::Stop> {
        let Self::Asking { wish, .. } = self else { return None };
        let wish = *wish;
        *self = if yes {
            Self::UnderWay {
                doing: format!("stopping process {} …", wish.token.process.pid),
            }
        } else {
            Self::No
        };
        yes.then_some(wish)
    }

    /// What came of a plan or a stop; `question` is the plan in words.
    pub(super) fn reported(&mut self, report: &Report, question: impl FnOnce() -> String) {
        let wish = |force: bool| protocol::Stop {
            token: report.token,
            force,
            dry_run: false,
            // They had their time.
            grace_ms: force.then_some(0),
        };
        *self = match report.outcome {
            Outcome::Planned => Self::Asking {
                wish: wish(false),
                question: format!("{}\nStop it? y or n", question().trim_end()),
            },
            // Force is offered only where the gentle way has failed, and only to somebody who can say no.
            Outcome::StillThere if !report.forced => Self::Asking {
                wish: wish(true),
                question: format!("{}\n\nSend SIGKILL? y or n", report.sentence),
            },
            _ => Self::Told {
                sentence: report.sentence.clone(),
            },
        };
    }

    /// A line about it, where there is one.
    pub(super) fn line(&self) -> Option<String> {
        match self {
            Self::UnderWay { doing: line } | Self::Told { sentence: line } => Some(line.clone()),
            Self::No | Self::Asking { .. } => None,
        }
    }

    /// A key was pressed: what was told is known now.
    pub(super) fn seen(&mut self) {
        if matches!(self, Self::Told { .. }) {
            *self = Self::No;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::FileId;
    use crate::process::ProcessId;
    use crate::stop::RefusalKind;

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

    #[test]
    fn nobody_is_signalled_without_a_yes() {
        let mut stopping = Stopping::default();
        assert!(stopping.plan(token(), "cargo build (pid 4711)").dry_run);
        assert_eq!(stopping.line().as_deref(), Some("looking at cargo build (pid 4711) …"));
        stopping.reported(&report(Outcome::Planned), || "the plan\n".to_owned());
        assert!(stopping.is_asking());
        assert_eq!(stopping.answer(false), None);
        assert!(!stopping.is_asking());
        stopping.reported(&report(Outcome::Planned), || "the plan\n".to_owned());
        let wish = stopping.answer(true).expect("goes on");
        assert_eq!((wish.dry_run, wish.force, wish.token), (false, false, token()));
        assert_eq!(stopping.answer(true), None, "a second yes says nothing");
    }

    #[test]
    fn force_is_offered_where_the_gentle_way_failed() {
        let mut stopping = Stopping::default();
        stopping.reported(&report(Outcome::StillThere), String::new);
        let wish = stopping.answer(true).expect("goes on");
        assert_eq!((wish.force, wish.grace_ms), (true, Some(0)));
        assert!(stopping.is_under_way(), "so no other one is begun");
        let forced = Report {
            forced: true,
            ..report(Outcome::StillThere)
        };
        stopping.reported(&forced, String::new);
        assert!(!stopping.is_asking(), "there is nothing more to offer");
        assert!(stopping.line().is_some());
        stopping.seen();
        assert_eq!(stopping.line(), None);
    }
}
