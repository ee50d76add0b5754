//! What the tests with real cargos stand on: the cargos of this machine, Cargo homes and projects, and a registry.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, Stdio};

use lockwatch::cargo::lock_kind::{self, CargoVersion};
use lockwatch::os::Mode;

use crate::support::{folder, until};

/// A cargo of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Cargo {
    pub(crate) program: PathBuf,
    pub(crate) version: CargoVersion,
}

impl Cargo {
    /// The one that runs the tests, and those of the other rustup toolchains, one of each version.
    pub(crate) fn all() -> Vec<Self> {
        let own = PathBuf::from(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let toolchains = own
            .ancestors()
            .nth(3)
            .filter(|folder| folder.ends_with("toolchains"))
            .map(std::fs::read_dir);
        let others = toolchains
            .and_then(Result::ok)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin/cargo"));
        let mut seen = BTreeSet::new();
        let mut cargos: Vec<Self> = std::iter::once(own).chain(others).filter_map(Self::of).collect();
        cargos.retain(|cargo| seen.insert(cargo.version));
        assert!(!cargos.is_empty(), "no cargo can be run");
        cargos
    }

    pub(crate) fn of(program: PathBuf) -> Option<Self> {
        let output = Command::new(&program).arg("-V").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
        Some(Self { program, version })
    }

    pub(crate) fn command(&self, place: &Place, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Whatever this very test run was started with must not reach the cargo under test.
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC"]
                .iter()
                .any(|begin| name_text.starts_with(begin))
            {
                command.env_remove(&name);
            }
        }
        let rustc = self.program.with_file_name("rustc");
        command
            .args(arguments)
            .current_dir(project)
            .env("CARGO_HOME", place.home())
            .env("CARGO_TERM_COLOR", "never");
        command
            .env("RUSTC", rustc)
            .env("CARGO_HTTP_TIMEOUT", "600")
            .env("CARGO_NET_RETRY", "0");
        command
            .env("LOCKWATCH_TEST_GATE", place.gate())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, place: &Place, project: &Path, arguments: &[&str]) -> CargoRun {
        let mut child = self.command(place, project, arguments).spawn().expect("starts");
        let talk = BufReader::new(child.stderr.take().expect("piped"));
        CargoRun { child, talk }
    }

    /// The lock files that a command holds to its end, with the words for each, by lockwatch's table.
    pub(crate) fn expected(&self, subcommand: &str) -> Vec<(&'static lock_kind::LockFile, Mode, &'static str)> {
        lock_kind::expected(self.version, subcommand).collect()
    }
}

/// A real cargo under way. It is ended, with what it started, when the test is done with it.
pub(crate) struct CargoRun {
    child: std::process::Child,
    pub(crate) talk: BufReader<ChildStderr>,
}

impl CargoRun {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it says until it says that it waits, and gives the words for the lock.
    pub(crate) fn blocking(&mut self) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(
                self.talk.read_line(&mut line).expect("reads") > 0,
                "it ended without waiting:\n{all}"
            );
            if let Some((_, words)) = line.split_once("waiting for file lock on ") {
                return words.trim_end().to_owned();
            }
            all.push_str(&line);
        }
    }

    pub(crate) fn succeed(mut self) {
        let mut rest = String::new();
        self.talk.read_to_string(&mut rest).expect("reads");
        assert!(self.child.wait().expect("waits").success(), "{rest}");
    }
}

impl Drop for CargoRun {
    fn drop(&mut self) {
        // Its build script ends with the gate's folder.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A Cargo home and projects.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = folder();
        std::fs::create_dir(folder.path().join("home")).expect("makes the folder");
        std::fs::write(folder.path().join("gate"), "").expect("closes the gate");
        Self { folder }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// While this file exists, build scripts wait.
    pub(crate) fn gate(&self) -> PathBuf {
        self.folder.path().join("gate")
    }

    /// Waits until a build script waits at the gate: then nothing is being compiled any more.
    pub(crate) fn until_at_the_gate(&self) {
        let reached = self.folder.path().join("gate-reached");
        until("a build script at the gate", || reached.exists().then_some(()));
    }

    pub(crate) fn open_the_gate(&self) {
        std::fs::remove_file(self.gate()).expect("opens the gate");
    }

    pub(crate) fn project(&self, name: &str, dependencies: &str, build_script: Option<&str>) -> PathBuf {
        let project = self.folder.path().join(name);
        std::fs::create_dir_all(project.join("src")).expect("makes the folder");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}\n"
        );
        std::fs::write(project.join("Cargo.toml"), manifest).expect("writes");
        std::fs::write(project.join("src/lib.rs"), "").expect("writes");
        if let Some(script) = build_script {
            std::fs::write(project.join("build.rs"), script).expect("writes");
        }
        project
    }

    /// A project whose build holds its locks until the gate opens.
    pub(crate) fn waiting_project(&self, name: &str) -> PathBuf {
        self.project(name, "", Some(WAIT_FOR_THE_GATE))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Lets build scripts end whose cargo was killed.
        drop(std::fs::remove_file(self.gate()));
    }
}

pub(crate) const WAIT_FOR_THE_GATE: &str = r#"
fn main() {
    let gate = std::path::PathBuf::from(std::env::var_os("LOCKWATCH_TEST_GATE").expect("is set"));
    std::fs::write(gate.with_file_name("gate-reached"), "").expect("says so");
    // Where the test program was killed, nobody opens the gate; then the cargo that started this is gone.
    let parent = std::os::unix::process::parent_id();
    while gate.exists() && std::os::unix::process::parent_id() == parent {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
"#;

/// A registry on loopback that takes connections and never answers: a cargo that asks it holds the package cache until
/// the registry is gone.
pub(crate) struct SilentRegistry {
    pub(crate) address: String,
    pub(crate) _listener: TcpListener,
}

impl SilentRegistry {
    pub(crate) fn new() -> Self {
        // The backlog takes the connections; nobody reads from them.
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("has one").to_string();
        Self {
            address,
            _listener: listener,
        }
    }

    pub(crate) fn configure(&self, place: &Place) {
        let config = format!("[registries.silent]\nindex = \"sparse+http://{}/\"\n", self.address);
        std::fs::write(place.home().join("config.toml"), config).expect("writes");
    }
}

pub(crate) const SILENT: &str = "never = { version = \"1\", registry = \"silent\" }";
