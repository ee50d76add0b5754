//! Why nothing seems to happen: a wait for a lock, and what is easily taken for one. One table, for the picture of the
//! moment and for pasted texts. Pure.

use crate::state::State;
use crate::verdict::{Class, Reason};

/// One reason.
#[derive(Debug)]
pub struct Symptom {
    /// What it is called.
    pub name: &'static str,
    /// What Cargo shows then.
    pub seen: &'static str,
    /// What it is, and what to do.
    pub advice: &'static str,
    /// What stands in Cargo's output then and else never, in lower case.
    pub marks: &'static [&'static str],
    /// Which verdicts of holders say that it is so at this moment.
    counts: fn(Class, Reason) -> bool,
}

/// The reasons, the most frequent first.
pub static SYMPTOMS: [Symptom; 5] = [
    Symptom {
        name: "wait",
        seen: "\"Blocking waiting for file lock on …\" is the last line",
        advice: "another cargo has the lock and works: it goes on by itself; `lockwatch watch` shows for whom you wait",
        marks: &[],
        counts: |_, _| false,
    },
    Symptom {
        name: "slow",
        seen: "no \"Blocking\"; the same names stay in \"Building [==> ]\"",
        advice: "a long compile, link or build script: wait; `cargo build --timings` shows what takes the time",
        marks: &[],
        counts: |class, reason| {
            class == Class::Working
                && matches!(
                    reason,
                    Reason::Compiling | Reason::Linking | Reason::BuildScript | Reason::Resolving | Reason::Unpacking
                )
        },
    },
    Symptom {
        name: "stuck",
        seen: "\"Blocking …\" stays, and `lockwatch status` calls the holder stuck",
        advice: "the holder will not go on by itself: do as its advice says, or `lockwatch stop`; delete no lock file",
        marks: &[],
        counts: |class, _| class == Class::Stuck,
    },
    Symptom {
        name: "network",
        seen: "\"Updating …\" or \"Downloading …\" stays, or \"spurious network error\"",
        advice: "a server or the way to it is slow: see to proxy, VPN and mirror; `--offline` works with what is there",
        marks: &[
            "spurious network error",
            "failed to download",
            "download of config.json failed",
            "could not resolve host",
            "couldn't resolve host",
            "network failure seems to have happened",
            "failed to fetch `",
        ],
        counts: |_, reason| reason == Reason::Downloading,
    },
    Symptom {
        name: "compile error",
        seen: "\"error[E…]\" or \"could not compile\", and the command has ended",
        advice: "the code, not a lock: mend the first error; `rustc --explain E…` says more about it",
        marks: &["error[e", "could not compile", "error: aborting due to"],
        counts: |_, _| false,
    },
];

/// What a text without a line about a lock shows, if anything that is known.
pub fn of_text(text: &str) -> Option<&'static Symptom> {
    let text = anstream::adapter::strip_str(text).to_string().to_lowercase();
    SYMPTOMS
        .iter()
        .find(|symptom| symptom.marks.iter().any(|mark| text.contains(mark)))
}

impl Symptom {
    /// How many processes show it at this moment; none where locks do not tell.
    pub fn now(&self, state: &State) -> Option<usize> {
        match self.name {
            "wait" => Some(crate::by_process::waiting_processes(state)),
            "compile error" => None,
            _ => {
                let entries = crate::by_process::entries(state);
                let shown = entries
                    .iter()
                    .filter(|entry| (self.counts)(entry.verdict.class, entry.verdict.reason));
                Some(shown.count())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_by_its_marks() {
        for (text, name) in [
            ("error[E0425]: cannot find value", Some("compile error")),
            (
                "\u{1b}[1merror\u{1b}[0m: could not compile `a` (lib)",
                Some("compile error"),
            ),
            (
                "warning: spurious network error (3 tries remaining): timeout",
                Some("network"),
            ),
            ("   Compiling a v0.1.0", None),
            ("", None),
        ] {
            assert_eq!(of_text(text).map(|symptom| symptom.name), name, "{text}");
        }
    }
}
