//! What `launchctl print` and `print-disabled` say, as far as it is needed. Pure.
//!
//! launchctl(1) calls the output of `print` "not API in any sense at all", so what is not found is not known, and nothing but
//! what people read rests on it, save one thing: whether there is a line with the process number.

use std::path::PathBuf;

use crate::process::Pid;
use crate::service::LastExit;

/// A job as launchd has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    /// Its program.
    pub(super) program: Option<PathBuf>,
    /// Its process, where it runs.
    pub(super) pid: Option<Pid>,
    /// How it ended the last time.
    pub(super) last_exit: Option<LastExit>,
}

impl Job {
    /// The output of `launchctl print DOMAIN/LABEL`: `key = value` after one tab; what is deeper is about other things.
    pub(super) fn read(text: &str) -> Self {
        let value = |key: &str| {
            let lines = text.lines().filter_map(|line| line.strip_prefix('\t'));
            let mut pairs = lines.filter_map(|line| line.split_once(" = "));
            pairs.find(|(found, _)| *found == key).map(|(_, value)| value.trim())
        };
        // `0`, `78: EX_CONFIG`, `(never exited)`; and where a signal ended it, `Killed: 9` in a line of its own.
        let code = || {
            let number = value("last exit code")?.split(':').next()?;
            number.trim().parse().ok().map(LastExit::Code)
        };
        let signal = value("last terminating signal").map(|signal| LastExit::Signal(signal.to_owned()));
        Self {
            program: value("program").map(PathBuf::from),
            pid: value("pid").and_then(|pid| pid.parse().ok()),
            last_exit: signal.or_else(code),
        }
    }
}

/// Whether a job is turned off by the output of `launchctl print-disabled DOMAIN`: `"LABEL" => disabled`, and `=> true`
/// before macOS 13.
pub(super) fn is_disabled(text: &str, label: &str) -> bool {
    text.lines()
        .filter_map(|line| line.split_once(" => "))
        .any(|(name, value)| name.trim().trim_matches('"') == label && matches!(value.trim(), "disabled" | "true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = include_str!("print-running.txt");
    const DISABLED: &str = "\tdisabled services = {\n\t\t\"com.apple.CSCSupportd\" => disabled\n\t\t\"com.example.lockwatch\" => enabled\n\
        \t\t\"com.example.lockwatch.tray\" => disabled\n\t}\n\tlogin item associations = {\n\t}\n";

    #[test]
    fn a_running_job() {
        assert_eq!(
            Job::read(RUNNING),
            Job {
                program: Some("/usr/local/bin/lockwatch".into()),
                pid: Some(4711),
                last_exit: None,
            }
        );
    }

    #[test]
    fn how_it_ended() {
        let gone = RUNNING.replace("\tpid = 4711\n", "");
        let code = |text: &str| gone.replace("last exit code = (never exited)", text);
        for (text, last_exit) in [
            (code("last exit code = 0"), Some(LastExit::Code(0))),
            (code("last exit code = 78: EX_CONFIG"), Some(LastExit::Code(78))),
            (
                code("last exit code = 0\n\tlast terminating signal = Killed: 9"),
                Some(LastExit::Signal("Killed: 9".to_owned())),
            ),
            (code("something = else"), None),
            (String::new(), None),
        ] {
            let job = Job::read(&text);
            assert_eq!((job.pid, job.last_exit), (None, last_exit), "{text}");
        }
    }

    #[test]
    fn what_the_user_has_turned_off() {
        assert!(!is_disabled(DISABLED, "com.example.lockwatch"));
        assert!(is_disabled(DISABLED, "com.example.lockwatch.tray"));
        assert!(!is_disabled(DISABLED, "lockwatch"));
        assert!(is_disabled("\t\"x\" => true\n", "x"));
        assert!(!is_disabled("\t\"x\" => false\n", "x"));
        assert!(!is_disabled("", "x"));
    }
}
