//! Where a scene is played: folders and programs of its own, and an end for every process that it started.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal};

use super::judge::Judge;
use super::part;
use crate::cargos::stage::{Cargo, Place};
use crate::support::until;

/// Marks the processes of a scene, with its folder: a process keeps its environment wherever it is moved to.
const SCENE: &str = "LOCKWATCH_SCENE";

/// The stage of one scene.
pub(super) struct Stage {
    place: Place,
    cargo: Cargo,
    judge: Arc<Judge>,
    children: RefCell<Vec<Child>>,
}

impl Stage {
    pub(super) fn new(own_daemon: bool) -> Self {
        let judge = if own_daemon {
            Arc::new(Judge::start())
        } else {
            Judge::shared()
        };
        let place = Place::new();
        std::fs::create_dir(place.folder.path().join("bin")).expect("makes the folder");
        let own = PathBuf::from(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        Self {
            place,
            cargo: Cargo::of(own).expect("the cargo of this run tells its version"),
            judge,
            children: RefCell::default(),
        }
    }

    pub(super) fn judge(&self) -> &Judge {
        &self.judge
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    /// A path below it, as text.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder().join(name).to_str().expect("plain").to_owned()
    }

    /// A file that something goes on with as long as it is there.
    pub(super) fn made(&self, name: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, "").expect("writes");
        path
    }

    /// A real cargo.
    pub(super) fn cargo(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = self.cargo.command(&self.place, project, arguments);
        self.mark(&mut command);
        command
    }

    /// A program that plays a part.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        let path = self.folder().join("bin").join(name);
        if !path.exists() {
            let own = std::env::current_exe().expect("own path");
            let made = std::fs::hard_link(&own, &path);
            // On another file system there is no link to it.
            made.or_else(|_| std::fs::copy(&own, &path).map(drop))
                .expect("makes the program");
        }
        path
    }

    /// The command of a program that plays a part.
    pub(super) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program(name));
        command.args(arguments);
        self.mark(&mut command);
        command
    }

    /// Says what a program does that is started by the command, or by one of its descendants.
    pub(super) fn casts(&self, command: &mut Command, name: &str, actions: &[&str]) {
        self.program(name);
        command.env(part::variable(name), actions.join("\n"));
    }

    /// What every process of the scene has in its environment.
    pub(super) fn mark(&self, command: &mut Command) {
        for (name, value) in self.marks() {
            command.env(name, value);
        }
    }

    fn marks(&self) -> [(&'static str, OsString); 3] {
        [
            (SCENE, self.folder().into()),
            (part::TEST, std::process::id().to_string().into()),
            (part::GATE, self.place.gate().into()),
        ]
    }

    /// Gives a command the folder and the environment of another, which it is to start.
    pub(super) fn inherits(&self, command: &mut Command, from: &Command) {
        self.mark(command);
        if let Some(folder) = from.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in from.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// A shell script that becomes a command, by way of another one such as `nohup`, in the command's folder. It notes its
    /// number, which is the command's, in `script.pid`.
    pub(super) fn script(&self, command: &Command, by_way_of: &str) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<&str> = words.map(|word| word.to_str().expect("plain")).collect();
        let folder = command.get_current_dir().expect("has one").display();
        let noted = self.path("script.pid");
        let script = format!(
            "cd {folder}\necho $$ >{noted}.draft\nmv {noted}.draft {noted}\nexec {by_way_of}{}\n",
            words.join(" ")
        );
        let path = self.path("script.sh");
        std::fs::write(&path, script).expect("writes");
        path
    }

    /// Starts a command; what it says goes into a file.
    pub(super) fn start(&self, command: &mut Command) -> u32 {
        let mut options = OpenOptions::new();
        let talk = options.append(true).create(true).open(self.folder().join("talk"));
        let talk = talk.expect("opens");
        let command = command
            .stdin(Stdio::null())
            .stdout(talk.try_clone().expect("clones"))
            .stderr(talk);
        let child = command.spawn().expect("starts");
        let pid = child.id();
        self.children.borrow_mut().push(child);
        pid
    }

    /// What the processes said.
    pub(super) fn talk(&self) -> String {
        std::fs::read_to_string(self.folder().join("talk")).unwrap_or_default()
    }

    /// The number that a process notes in a file.
    pub(super) fn noted(&self, name: &str) -> u32 {
        let path = self.folder().join(name);
        until(&format!("the number in {name}"), || {
            std::fs::read_to_string(&path).ok()?.trim().parse().ok()
        })
    }

    /// The processes of this scene, by the mark that they have, zombies left out.
    pub(super) fn processes(&self) -> Vec<u32> {
        let mark = format!("{SCENE}={}", self.folder().display());
        let is_ours = |pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
        };
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(is_ours)
            .collect()
    }
}

/// Sends a signal to a process of a scene.
pub(super) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("a number");
    rustix::process::kill_process(pid, signal).expect("signals");
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Those that look at it end by themselves.
        drop(std::fs::remove_file(self.place.gate()));
        // Whoever is started meanwhile has the mark too.
        for _ in 0..100 {
            let left = self.processes();
            for pid in &left {
                if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
                    let _ = rustix::process::kill_process(pid, Signal::KILL);
                }
            }
            if left.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        for child in self.children.get_mut() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
