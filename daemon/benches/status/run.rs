//! One run of one tool: from its start to its end, with all of its output read.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::Scene;
use crate::samples::Samples;

/// A command line that tells who holds a lock.
pub(crate) struct Tool {
    /// As the table names it.
    pub(crate) name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    cargo_home: PathBuf,
    home: PathBuf,
    /// It is run in each of so many rounds only, because it takes long.
    pub(crate) every: usize,
    pub(crate) samples: Samples,
}

impl Tool {
    pub(crate) fn new(name: &'static str, program: &Path, scene: &Scene) -> Self {
        Self {
            name,
            program: program.to_owned(),
            arguments: Vec::new(),
            cargo_home: scene.cargo_home(),
            home: scene.home(),
            every: 1,
            samples: Samples::default(),
        }
    }

    /// The tool of that name in `PATH`, found once, so that the search is no part of what is measured.
    pub(crate) fn installed(name: &'static str, program: &str, scene: &Scene) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        // Root's folders are not in everybody's PATH, but lsof may be there.
        let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
        let found = places.map(|folder| folder.join(program)).find(|file| file.is_file())?;
        Some(Self::new(name, &found, scene))
    }

    #[must_use]
    pub(crate) fn with_arguments<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn every(mut self, rounds: usize) -> Self {
        self.every = rounds;
        self
    }

    /// A fresh one of the same kind, with no samples.
    pub(crate) fn anew(&self) -> Self {
        Self {
            name: self.name,
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            cargo_home: self.cargo_home.clone(),
            home: self.home.clone(),
            every: self.every,
            samples: Samples::default(),
        }
    }

    /// Runs it once, and checks that it found what it was to find: a process number that stands in its output.
    pub(crate) fn run(&self, holder: u32) -> io::Result<Duration> {
        let mut command = Command::new(&self.program);
        // HOME is set in every session; without it the C library looks the user up in a database.
        command
            .args(&self.arguments)
            .env_clear()
            .env("LC_ALL", "C")
            .env("HOME", &self.home)
            .env("CARGO_HOME", &self.cargo_home);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut output = Vec::with_capacity(1 << 20);
        let begin = Instant::now();
        let mut child = command.spawn()?;
        if let Some(mut pipe) = child.stdout.take() {
            pipe.read_to_end(&mut output)?;
        }
        child.wait()?;
        let took = begin.elapsed();
        if names(&output, holder) {
            Ok(took)
        } else {
            Err(io::Error::other(format!(
                "{} did not name process {holder}, which holds the lock",
                self.name
            )))
        }
    }

    /// Runs it once, and keeps how long it took.
    pub(crate) fn sample(&mut self, holder: u32) -> io::Result<()> {
        let took = self.run(holder)?;
        self.samples.add(took);
        Ok(())
    }
}

fn names(output: &[u8], pid: u32) -> bool {
    let pid = pid.to_string();
    output
        .split(|byte| !byte.is_ascii_digit())
        .any(|word| word == pid.as_bytes())
}
