//! Opens `lockwatch watch` in a terminal.

use std::path::Path;
use std::process::{Command, Stdio};

use lockwatch::service::{Agent, ServiceError};

use crate::event_loop::TERMINALS;

/// Why it was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Program(#[from] ServiceError),
    #[error("no terminal program was found; run `lockwatch watch` in a terminal")]
    NoTerminal,
}

/// Opens it, and returns when the terminal is closed, or has taken it over.
pub(crate) fn open() -> Result<(), OpenError> {
    let program = Agent::Daemon.program()?;
    let wished = std::env::var("TERMINAL").ok().filter(|name| !name.is_empty());
    let wished = wished.as_deref().map(|name| (name, &["-e"][..]));
    for (terminal, arguments) in wished.into_iter().chain(TERMINALS.iter().copied()) {
        if let Ok(mut child) = command(terminal, arguments, &program).spawn() {
            drop(child.wait());
            return Ok(());
        }
    }
    Err(OpenError::NoTerminal)
}

/// On a terminal, lockwatch without a command is `lockwatch watch`: macOS hands over a program and no arguments.
fn command(terminal: &str, arguments: &[&str], program: &Path) -> Command {
    let mut command = Command::new(terminal);
    command
        .args(arguments)
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_comes_last() {
        let command = command("xterm", &["-e"], Path::new("/opt/a b/lockwatch"));
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["-e", "/opt/a b/lockwatch"]);
    }
}
