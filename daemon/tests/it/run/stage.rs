//! What these tests stand on: a Cargo home with projects and a lockwatch of its own, and runs under way.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};

use crate::cargos::stage::{Cargo, Place};
use crate::support::{Running, holder, lockwatch};

/// A Cargo home with projects, and a lockwatch of its own.
pub(crate) struct Stage {
    pub(crate) place: Place,
    pub(crate) cargo: Cargo,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let own = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self {
            place: Place::new(),
            cargo: Cargo::of(own.into()).expect("a cargo"),
        }
    }

    /// Where lockwatch keeps what is its own.
    pub(crate) fn home(&self) -> PathBuf {
        self.place.folder.path().join("lw")
    }

    /// `lockwatch run OPTIONS -- COMMAND` in a project.
    pub(crate) fn run(&self, project: &Path, options: &[&str], command: &[&str]) -> Command {
        let mut run = self.cargo.command(&self.place, project, &[]);
        let envs: Vec<_> = run
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        run = lockwatch();
        for (name, value) in envs {
            match value {
                Some(value) => run.env(name, value),
                None => run.env_remove(name),
            };
        }
        run.arg("run").args(options).arg("--");
        match command {
            ["cargo", rest @ ..] => run.arg(&self.cargo.program).args(rest),
            command => run.args(command),
        };
        run.current_dir(project)
            .env("LOCKWATCH_HOME", self.home())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        run
    }

    pub(crate) fn output(&self, project: &Path, options: &[&str], command: &[&str]) -> Output {
        self.run(project, options, command).output().expect("runs")
    }

    /// A holder of the lock of a project's debug folder.
    pub(crate) fn hold(project: &Path) -> Running {
        let folder = project.join("target/debug");
        std::fs::create_dir_all(&folder).expect("makes the folder");
        holder(
            "exclusive",
            &folder.canonicalize().expect("is there").join(".cargo-lock"),
        )
    }

    /// The tickets, by the names of their files.
    pub(crate) fn tickets(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.home().join("tickets")).into_iter().flatten();
        let names = files.map(|file| file.expect("lists").file_name().into_string().expect("is plain"));
        let mut tickets: Vec<String> = names.filter(|name| name.contains('.')).collect();
        tickets.sort();
        tickets
    }
}

/// A run under way.
pub(crate) struct Waiting {
    pub(crate) child: Child,
    talk: BufReader<ChildStderr>,
    pub(crate) said: String,
}

impl Waiting {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("starts");
        let talk = BufReader::new(child.stderr.take().expect("piped"));
        Self {
            child,
            talk,
            said: String::new(),
        }
    }

    /// Reads until a line has this in it.
    pub(crate) fn until(&mut self, words: &str) {
        loop {
            let mut line = String::new();
            let length = self.talk.read_line(&mut line).expect("reads");
            self.said.push_str(&line);
            assert!(length > 0, "it ended before it said {words:?}:\n{}", self.said);
            if line.contains(words) {
                return;
            }
        }
    }

    /// How it ended, and all that it said.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.talk.read_to_string(&mut rest).expect("reads");
        self.said.push_str(&rest);
        (self.child.wait().expect("waits"), std::mem::take(&mut self.said))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
