//! All that lockwatch prints goes through here: results on stdout, talk on stderr, colour only where it is wanted
//! (a terminal, `NO_COLOR`, `CLICOLOR_FORCE`), and a closed pipe is no error.

use std::io::{self, IsTerminal, StdoutLock, Write};

use anstream::AutoStream;

use super::Error;
use super::exit::Code;

/// The results of a command.
///
/// Where the reader has closed the pipe it has read enough: what is left goes nowhere, and the command ends as it would
/// have, with its own exit code.
pub(super) struct Output {
    stream: io::BufWriter<AutoStream<StdoutLock<'static>>>,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            stream: io::BufWriter::new(AutoStream::auto(io::stdout().lock())),
        }
    }

    /// Writes text, with its styles where the stream shows them.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Error> {
        self.write_raw(text.as_bytes())
    }

    /// Writes bytes as they are.
    pub(super) fn write_raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        unless_closed(self.stream.write_all(bytes))
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        unless_closed(self.stream.flush())
    }
}

fn unless_closed(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}

/// The width of the terminal in columns; none where stdout is not one.
pub(super) fn width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Says why a command failed.
pub(super) fn complain(sentence: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let mut stream = AutoStream::auto(io::stderr().lock());
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(stream, "{style}lockwatch:{style:#} {sentence}"));
}

/// Prints help, the version, or what was wrong with the command line.
pub(super) fn usage(error: &clap::Error) -> Code {
    drop(error.print());
    if error.use_stderr() { Code::Usage } else { Code::Done }
}
