//! All that lockwatch prints goes through here: results on stdout, talk on stderr, colour only where it is wanted
//! (a terminal, `NO_COLOR`, `CLICOLOR_FORCE`), and a closed pipe is no error.

use std::io::{self, IsTerminal, Stdout, Write};

use anstream::AutoStream;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::Error;
use super::exit::Code;

/// The results of a command.
///
/// Where the reader has closed the pipe it has read enough: what is left goes nowhere, and the command ends as it would
/// have, with its own exit code.
pub(super) struct Output {
    // Not locked for the whole command: a thread that panics must be able to give the terminal back.
    stream: io::BufWriter<AutoStream<Stdout>>,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            stream: io::BufWriter::new(AutoStream::auto(io::stdout())),
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

/// Writes bytes to the terminal at once, past all buffers: a picture comes whole, and a panic or the end of the terminal
/// finds nothing half written.
pub(super) fn to_terminal(mut bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(&stdout, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            // Another program has made the terminal non-blocking.
            Err(Errno::AGAIN) => {
                let mut wait = [PollFd::new(&stdout, PollFlags::OUT)];
                rustix::event::poll(&mut wait, None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The size of the terminal in columns and lines; none where stdout is not one, or does not know.
pub(super) fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Whether somebody sits in front of both ends: keys come from a terminal, and what is printed is seen on one.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether colour is wanted on the terminal.
pub(super) fn is_coloured() -> bool {
    AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Waits until the other end of standard output is closed. False where that cannot be told.
pub(super) fn until_nobody_reads() -> bool {
    let stdout = io::stdout();
    loop {
        let mut wait = [PollFd::new(&stdout, PollFlags::HUP)];
        match rustix::event::poll(&mut wait, None) {
            Err(Errno::INTR) => {}
            Ok(_) => return wait[0].revents().intersects(PollFlags::HUP | PollFlags::ERR),
            Err(_) => return false,
        }
    }
}

/// Says why a command failed.
pub(super) fn complain(sentence: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let mut stream = AutoStream::auto(io::stderr().lock());
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(stream, "{style}lockwatch:{style:#} {sentence}"));
}

/// Whether somebody sits there who can be asked: the question goes to stderr, the answer comes from stdin.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered with yes or no; everything but a yes is a no.
pub(super) fn ask(question: &str) -> Result<bool, Error> {
    let mut stream = AutoStream::auto(io::stderr().lock());
    write!(stream, "{question} [y/N] ")
        .and_then(|()| stream.flush())
        .map_err(Error::Ask)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Error::Ask)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Says something that is no result.
pub(super) fn note(sentence: &str) {
    let mut stream = AutoStream::auto(io::stderr().lock());
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(stream, "{sentence}"));
}

/// Prints help, the version, or what was wrong with the command line.
pub(super) fn usage(error: &clap::Error) -> Code {
    drop(error.print());
    if error.use_stderr() { Code::Usage } else { Code::Done }
}

/// One line on the terminal that is written over and over: how a wait goes on. It shows on stderr.
pub(super) struct Progress {
    is_shown: bool,
}

impl Progress {
    /// One where there is a terminal that can go back in a line.
    pub(super) fn on_terminal() -> Option<Self> {
        let is_able = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        (is_able && io::stderr().is_terminal()).then_some(Self { is_shown: false })
    }

    /// The room in the line, in columns.
    pub(super) fn width() -> usize {
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
        // The last column stays free: some terminals go on in the next line from there.
        size.map_or(80, |size| usize::from(size.ws_col)).max(20) - 1
    }

    /// Writes the line anew.
    pub(super) fn show(&mut self, line: &str) {
        self.is_shown = true;
        Self::put(&format!("\r{line}\x1b[K"));
    }

    /// Takes it away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            Self::put("\r\x1b[K");
        }
    }

    fn put(text: &str) {
        let mut stream = io::stderr().lock();
        // Where stderr is closed there is nobody left to tell.
        drop(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
