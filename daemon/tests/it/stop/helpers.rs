//! What the helper processes of these tests do.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use rustix::fs::FlockOperation;

use crate::helper::{open, say};

/// Ignores `SIGTERM`, says so, and ends at the end of its standard input.
const STUBBORN: &str = "trap '' TERM; echo $$; read line";
/// Starts the same, and ends by `SIGTERM` itself.
const MIDDLE: &str = r#"sh -c "trap '' TERM; echo $$ \$\$; read line"; true"#;

fn locked(path: &OsString) -> File {
    let file = open(path.as_ref());
    rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("locks");
    file
}

/// `family PATH KIND…`: takes a lock and starts children, whose numbers it says, a line for each kind. They have its standard
/// input, and end with it. The kinds: `sit` does nothing, `alone` has a session of its own, `stubborn` ignores SIGTERM,
/// `middle` has a child that does.
pub(crate) fn family(arguments: &[OsString]) -> File {
    let file = locked(&arguments[0]);
    for kind in &arguments[1..] {
        let own = std::env::current_exe().expect("own path");
        let mut command = match kind.to_str().expect("a plain word") {
            "stubborn" => shell(STUBBORN),
            "middle" => shell(MIDDLE),
            kind => {
                let mut command = Command::new(own);
                command.args(["helper", "numbered", kind]);
                command
            }
        };
        say(&first_line(&mut command));
    }
    say("locked");
    file
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Starts a child, and gives the first line that it says. It is nobody's to wait for.
fn first_line(command: &mut Command) -> String {
    let child = command.stdout(Stdio::piped()).spawn();
    let Child { stdout, .. } = child.expect("starts");
    let mut line = String::new();
    let mut output = BufReader::new(stdout.expect("piped"));
    output.read_line(&mut line).expect("reads");
    line.trim_end().to_owned()
}

/// `numbered KIND`: says its number.
pub(crate) fn numbered(arguments: &[OsString]) {
    if arguments[0] == "alone" {
        alone();
    }
    say(&std::process::id().to_string());
}

/// Has a session of its own from now on, as a daemon.
fn alone() {
    rustix::process::setsid().expect("is no leader");
}

/// `ask PATH LOCKWATCH`: takes a lock, has lockwatch stop this very process, and says how that ended.
pub(crate) fn ask(arguments: &[OsString]) -> File {
    let file = locked(&arguments[0]);
    let mut lockwatch = Command::new(&arguments[1]);
    lockwatch.env("LOCKWATCH_HOME", "/nonexistent").arg0("lockwatch");
    lockwatch.args(["stop", &std::process::id().to_string(), "--yes", "--json"]);
    let mut child = lockwatch
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut output = String::new();
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_to_string(&mut output).expect("reads");
    let code = child.wait().expect("waits").code().expect("ends by itself");
    say(&format!("{code} {}", output.contains("\"refusal\": \"ancestor\"")));
    file
}
