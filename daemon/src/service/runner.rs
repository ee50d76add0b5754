//! Runs the program of a service manager and keeps all that it says: exit code, output, complaints.
//!
//! Which program that is comes in from outside, so that tests can play a manager.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::ServiceError;
use crate::text;

/// A program, with what all of its command lines have in common.
#[derive(Clone, Debug)]
pub(super) struct Runner {
    program: OsString,
    first: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

/// What became of one command line.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    /// The command line, for people.
    pub(super) command: String,
    /// The exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    /// What it printed.
    pub(super) out: String,
    /// What it complained about, escaped, in one line.
    pub(super) said: String,
}

impl Runner {
    pub(super) fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            first: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// With arguments that stand before all others.
    #[must_use]
    pub(super) fn with(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.first.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With a variable of its environment.
    #[must_use]
    pub(super) fn with_variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs it to its end.
    pub(super) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Ran, ServiceError> {
        let mut command = Command::new(&self.program);
        command.args(&self.first).args(arguments);
        // What it says is read here, and shown where the way out is not known: in one language, without colours and pager.
        command
            .env("LC_ALL", "C")
            .env("SYSTEMD_COLORS", "0")
            .env("SYSTEMD_PAGER", "")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        let output = command.output().map_err(|source| ServiceError::Run {
            program: text::escape(&self.program),
            source,
        })?;
        let name = text::escape(&self.program);
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let words = self.first.iter().map(OsString::as_os_str);
        let words = words.chain(arguments.iter().map(AsRef::as_ref)).map(text::escape);
        let said = String::from_utf8_lossy(&output.stderr);
        let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
        let said = lines.collect::<Vec<_>>().join("; ");
        Ok(Ran {
            command: std::iter::once(name).chain(words).collect::<Vec<_>>().join(" "),
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            said: text::escape(said.as_ref()),
        })
    }
}

impl Ran {
    pub(super) fn is_ok(&self) -> bool {
        self.code == Some(0)
    }

    /// As an error, with what it means and the way out.
    pub(super) fn refused(self, meaning: impl Into<String>) -> ServiceError {
        ServiceError::Refused {
            command: self.command,
            code: self
                .code
                .map_or("a signal".to_owned(), |code| format!("exit code {code}")),
            said: self.said,
            meaning: meaning.into(),
        }
    }
}

/// How often something is looked at again until it is so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The pause before each further look.
    pub(super) every: Duration,
    /// How many looks.
    pub(super) looks: u32,
}

impl Pace {
    /// Looks until there is something, or patience is over.
    pub(super) fn until<T, E>(self, mut look: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
        for n in 0..self.looks {
            if n > 0 {
                std::thread::sleep(self.every);
            }
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// How long that may take.
    pub(super) fn patience(self) -> Duration {
        self.every * self.looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_it_says_is_kept() {
        let sh = Runner::new("/bin/sh").with(["-c", "echo \"$1 $X\"; printf 'so\\n\\n  not\\033\\n' >&2; exit 7", "x"]);
        let ran = sh.with_variable("X", "set").run(&["word"]).expect("runs");
        assert_eq!((ran.code, ran.out.as_str()), (Some(7), "word set\n"));
        assert_eq!(ran.said, "so; not\\u{1b}");
        let error = ran.refused("it will not").to_string();
        assert!(error.starts_with("`sh -c "), "{error}");
        assert!(
            error.ends_with("failed with exit code 7 (so; not\\u{1b}): it will not"),
            "{error}"
        );
    }

    #[test]
    fn one_that_is_not_there_is_named() {
        let error = Runner::new("/nonexistent/launchctl")
            .run::<&str>(&[])
            .expect_err("is not there");
        assert!(
            error.to_string().starts_with("cannot run /nonexistent/launchctl: "),
            "{error}"
        );
    }

    #[test]
    fn looking_again_ends() {
        let pace = Pace {
            every: Duration::ZERO,
            looks: 3,
        };
        let mut looks = 0;
        let found: Result<Option<()>, ()> = pace.until(|| {
            looks += 1;
            Ok(None)
        });
        assert_eq!((found, looks), (Ok(None), 3));
        assert_eq!(pace.until(|| Ok::<_, ()>(Some(1))), Ok(Some(1)));
    }
}
