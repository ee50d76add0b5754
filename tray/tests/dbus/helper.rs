//! What the test program does as its own helper, and how it starts one. A helper ends when its standard input does, so
//! that none outlives the tests.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `bus ADDRESS`: a session bus.
pub(crate) fn bus(address: &OsStr) {
    let address = address.to_str().expect("a plain address").to_owned();
    std::thread::spawn(move || {
        zruntime::block_on(async {
            let mut bus = busd::bus::Bus::for_address(Some(&address)).await.expect("listens");
            say("ready");
            bus.run().await.expect("runs");
        });
    });
    until_told();
}

/// `hold PATH`: takes a lock as Cargo does, and keeps it.
pub(crate) fn hold(path: &OsStr) {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .expect("opens");
    say("open");
    file.lock().expect("locks");
    say("locked");
    until_told();
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    // The test may have ended: then there is nobody to tell.
    drop(writeln!(out, "{word}").and_then(|()| out.flush()));
}

fn until_told() {
    drop(std::io::stdin().lock().read_to_end(&mut Vec::new()));
}

/// A helper that runs, and ends with this value.
pub(crate) struct Helper {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Helper {
    pub(crate) fn start(role: &str, arguments: &[&OsStr], environment: &[(&str, OsString)]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("has a path"));
        command
            .arg(role)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let output = BufReader::new(child.stdout.take().expect("is piped"));
        Self { child, output }
    }

    /// One that has a lock.
    pub(crate) fn holding(path: &Path) -> Self {
        let mut helper = Self::start("hold", &[path.as_ref()], &[]);
        helper.says("open");
        helper.says("locked");
        helper
    }

    /// One that is about to wait for a lock.
    pub(crate) fn waiting(path: &Path) -> Self {
        let mut helper = Self::start("hold", &[path.as_ref()], &[]);
        helper.says("open");
        helper
    }

    /// Waits until it says a word.
    pub(crate) fn says(&mut self, word: &str) {
        assert_eq!(self.next_line(), word);
    }

    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("reads");
        line.trim_end().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("is signalled");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // A stopped or waiting one does not see the end of its input.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A folder that nobody else looks into, as lockwatch wants it.
pub(crate) fn private_folder() -> tempfile::TempDir {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let folder = tempfile::Builder::new().permissions(permissions).tempdir();
    folder.expect("is made")
}
