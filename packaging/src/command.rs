//! Programs of others that are run: cargo, cargo-deb, and those of macOS for signing and disk images.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::Error;

/// Runs a command to its end; says what it printed. Its complaints are shown when it fails.
pub(crate) fn run(command: &mut Command, way_out: &'static str) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| not_run(command, source, way_out))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Err(Error::Failed {
        command: line(command),
        status: output.status,
        said: if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        },
    })
}

fn not_run(command: &Command, source: std::io::Error, way_out: &'static str) -> Error {
    Error::Run {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
        way_out,
    }
}

/// The command line, for people.
fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
