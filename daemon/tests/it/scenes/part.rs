//! What the programs do that a scene makes up. Each is this very test program under another name (`cargo`, `ssh`, `sccache`),
//! and the environment says what a program of that name does: one action a line.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustix::process::{Pid, Signal};

/// Begins the variable that says what a program does; its name follows.
const PART: &str = "LOCKWATCH_PART_";

/// The process of the test: without it, nobody lives on.
pub(super) const TEST: &str = "LOCKWATCH_TEST_PID";

/// A file: while it is there the scene goes on. The build scripts look at it too.
pub(super) const GATE: &str = "LOCKWATCH_TEST_GATE";

/// The variable for a program.
pub(super) fn variable(program: &str) -> String {
    format!("{PART}{}", program.replace('-', "_"))
}

/// What this program does in a scene.
pub(crate) struct Part {
    program: PathBuf,
    actions: String,
}

impl Part {
    /// If it is in one.
    pub(crate) fn of_this_program() -> Option<Self> {
        let program = PathBuf::from(std::env::args_os().next()?);
        let name = program.file_name()?.to_str()?;
        let actions = std::env::var(variable(name)).ok()?;
        Some(Self { program, actions })
    }

    /// Does it.
    pub(crate) fn play(&self) {
        let mut kept = Kept::default();
        for line in self.actions.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["lock", mode, path] => kept.files.push(lock(mode, path)),
                ["start", program, arguments @ ..] => kept.children.push(self.start(program, arguments)),
                ["note", path] => note(path),
                ["busy", path] => busy(path.as_ref()),
                ["stop"] => rustix::process::kill_process(rustix::process::getpid(), Signal::STOP).expect("stops"),
                ["ask"] => ask(),
                ["connect", address] => kept.streams.push(TcpStream::connect(address).expect("connects")),
                ["wait-briefly-for", path, times] => self.wait_briefly(path, times.parse().expect("a count")),
                ["compile-except", crate_name] => compile_except(crate_name),
                ["sit"] => while_it_is_there(gate().as_ref(), || std::thread::sleep(Duration::from_secs(1))),
                other => panic!("nothing is called {other:?}"),
            }
        }
    }

    /// Another program of the scene, or any by its whole path.
    fn beside(&self, name: &str) -> Command {
        Command::new(self.program.with_file_name(name))
    }

    fn start(&self, program: &str, arguments: &[&str]) -> Child {
        let mut command = self.beside(program);
        command.args(arguments).stdin(Stdio::null()).spawn().expect("starts")
    }

    /// Starts cargos that wait for a lock a tenth of a second each, with some more time between them.
    fn wait_briefly(&self, path: &str, times: u32) {
        for _ in 0..times {
            let mut waiter = self.beside("cargo-waits");
            let part = format!("lock exclusive {path}");
            let waiter = waiter.env(variable("cargo-waits"), part).stdin(Stdio::null());
            let mut waiter = waiter.spawn().expect("starts");
            // No condition: a wait of this length is what the scene is about.
            std::thread::sleep(Duration::from_millis(100));
            drop(waiter.kill());
            drop(waiter.wait());
            std::thread::sleep(Duration::from_millis(650));
        }
    }
}

/// What is let go when the program ends.
#[derive(Default)]
struct Kept {
    files: Vec<File>,
    streams: Vec<TcpStream>,
    children: Vec<Child>,
}

fn gate() -> std::ffi::OsString {
    std::env::var_os(GATE).expect("is set")
}

/// Whether the test still runs.
fn is_watched() -> bool {
    let test = std::env::var(TEST).ok().and_then(|pid| pid.parse().ok());
    let test = test.and_then(Pid::from_raw);
    test.is_some_and(|test| rustix::process::test_kill_process(test).is_ok())
}

fn while_it_is_there(path: &Path, mut act: impl FnMut()) {
    while path.exists() && Path::new(&gate()).exists() && is_watched() {
        act();
    }
}

fn lock(mode: &str, path: &str) -> File {
    let path = Path::new(path);
    std::fs::create_dir_all(path.parent().expect("has one")).expect("makes the folder");
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path);
    let file = file.expect("opens");
    let operation = match mode {
        "exclusive" => FlockOperation::LockExclusive,
        "shared" => FlockOperation::LockShared,
        _ => panic!("no mode is called {mode}"),
    };
    rustix::fs::flock(&file, operation).expect("locks");
    file
}

/// Writes the own number into a file, whole or not at all.
fn note(path: &str) {
    let draft = format!("{path}.draft");
    std::fs::write(&draft, std::process::id().to_string()).expect("writes");
    std::fs::rename(&draft, path).expect("renames");
}

/// Takes a fifth of a processor, so that all scenes side by side leave something for each other.
fn busy(path: &Path) {
    let mut sum = 0u64;
    while_it_is_there(path, || {
        let begin = processor_time();
        while processor_time() < begin + Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        std::thread::sleep(Duration::from_millis(80));
    });
}

/// What this thread has had of a processor: on a full machine that is less than the time that has gone by.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.cast_unsigned(),
        u32::try_from(time.tv_nsec).expect("is below a second"),
    )
}

/// Asks a person on the terminal for a passphrase, as ssh does whatever its input is.
fn ask() {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let mut terminal = terminal.expect("has a terminal");
    write!(terminal, "Enter passphrase for key '/home/me/.ssh/id_ed25519': ").expect("asks");
    // The terminal is hung up at the latest when the scene ends.
    drop(BufReader::new(terminal).read_line(&mut String::new()));
}

/// A compiler wrapper, called as `sccache rustc …`: one crate is compiled elsewhere, so that this one only waits; for everything
/// else it becomes the compiler.
fn compile_except(crate_name: &str) {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let mut pairs = arguments.windows(2);
    if pairs.any(|pair| pair[0] == "--crate-name" && pair[1] == OsStr::new(crate_name)) {
        return;
    }
    let error = Command::new(&arguments[0]).args(&arguments[1..]).exec();
    panic!("cannot become {}: {error}", arguments[0].display());
}
