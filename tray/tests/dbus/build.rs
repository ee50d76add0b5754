//! A real cargo at a build that takes for ever, in a project and a Cargo home of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::{env, fs};

use rustix::process::{Pid, Signal};

use crate::desktop::{Desktop, eventually};

/// A project whose build script does not end.
pub(crate) struct Project(PathBuf);

impl Project {
    pub(crate) fn new(desktop: &Desktop, name: &str) -> Self {
        let folder = desktop.path(name);
        fs::create_dir_all(folder.join("src")).expect("is made");
        let write = |file: &str, text: &str| fs::write(folder.join(file), text).expect("is written");
        write(
            "Cargo.toml",
            "[package]\nname = \"endless\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
        );
        write("src/lib.rs", "");
        write(
            "build.rs",
            "fn main() { loop { std::thread::sleep(std::time::Duration::from_secs(3600)) } }\n",
        );
        Self(folder)
    }

    /// Starts `cargo build`.
    pub(crate) fn build(&self, desktop: &Desktop) -> Build {
        let cargo = env::var_os("CARGO").expect("tests are run by cargo");
        let rustc = Path::new(&cargo).with_file_name("rustc");
        let mut command = Command::new(cargo);
        command
            .args(["build", "--offline", "--quiet"])
            .current_dir(&self.0)
            .env("CARGO_HOME", desktop.path("cargo-home"))
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .env("RUSTC", rustc)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // So that all of it can be ended with it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Build(command.spawn().expect("starts"))
    }
}

/// It ends with this value, and with it what it has started.
pub(crate) struct Build(Child);

impl Build {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the build ends", || self.0.try_wait().expect("is ours"))
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        // The group is this child's own until the child is waited for.
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = rustix::process::kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        }
        drop(self.0.wait());
    }
}
