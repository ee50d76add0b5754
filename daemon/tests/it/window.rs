//! A terminal with a program in it: what it shows, and what is typed.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize};

use crate::support::{helper_command, until};

/// A window with its program, which is ended with the test.
pub(crate) struct Window {
    program: Child,
    /// The side of the person in front of it; none once the window is closed.
    front: Option<File>,
    /// The side of the program, to see how it is set; it is closed with the window.
    back: Option<File>,
    picture: vt100::Parser,
    /// All that the program wrote.
    written: Vec<u8>,
}

impl Window {
    /// Opens a window of so many columns and lines, and starts a program in it. The program leads a session that has the
    /// terminal, as in a real window; or it has nothing but its descriptors, and no signal tells it that the window closes.
    pub(crate) fn open(size: (u16, u16), program: &Command, leads: bool) -> Self {
        let front = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("opens");
        rustix::pty::grantpt(&front).expect("grants");
        rustix::pty::unlockpt(&front).expect("unlocks");
        rustix::io::fcntl_setfd(&front, rustix::io::FdFlags::CLOEXEC).expect("is ours alone");
        let name = rustix::pty::ptsname(&front, Vec::new()).expect("has a name");
        let back = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed())
            .open(name.to_str().expect("is plain"))
            .expect("opens");
        set_size(&front.try_clone().expect("clones").into(), size);
        let mut command = if leads {
            let mut command = helper_command(["terminal"]);
            command.arg(program.get_program()).args(program.get_args());
            command
        } else {
            let mut command = Command::new(program.get_program());
            command.args(program.get_args());
            command
        };
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let stream = || back.try_clone().expect("clones");
        let program = command
            .env("TERM", "xterm-256color")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("starts");
        Self {
            program,
            front: Some(front.into()),
            back: Some(back),
            picture: {
                let (lines, columns) = in_lines(size);
                vt100::Parser::new(lines, columns, 0)
            },
            written: Vec::new(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.program.id()
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.picture.screen()
    }

    /// What is to be read, as text.
    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    /// All that the program wrote so far.
    pub(crate) fn written(&self) -> &[u8] {
        &self.written
    }

    /// Takes what the program has written, where it comes within a moment.
    fn take(&mut self) {
        let Some(front) = &mut self.front else { return };
        let moment = Timespec {
            tv_sec: 0,
            tv_nsec: 20_000_000,
        };
        let mut there = [PollFd::new(front, PollFlags::IN)];
        if rustix::event::poll(&mut there, Some(&moment)).is_ok_and(|number| number > 0) {
            let mut bytes = [0; 8192];
            let length = front.read(&mut bytes).unwrap_or(0);
            self.picture.process(&bytes[..length]);
            self.written.extend_from_slice(&bytes[..length]);
        }
    }

    /// Waits until the window shows something.
    pub(crate) fn until(&mut self, what: &str, shown: impl Fn(&Self) -> bool) {
        until(what, || {
            self.take();
            shown(self).then_some(())
        });
    }

    /// Types bytes.
    pub(crate) fn press(&mut self, bytes: &[u8]) {
        self.front.as_mut().expect("is open").write_all(bytes).expect("types");
    }

    /// Gives the window another size; the system tells the program.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        set_size(self.front.as_ref().expect("is open"), size);
        let (lines, columns) = in_lines(size);
        self.picture.screen_mut().set_size(lines, columns);
    }

    /// Closes the window.
    pub(crate) fn close(&mut self) {
        self.back = None;
        self.front = None;
    }

    /// How the terminal is set.
    pub(crate) fn settings(&self) -> Termios {
        rustix::termios::tcgetattr(self.back.as_ref().expect("is open")).expect("is a terminal")
    }

    /// Waits for the end of the program, and takes what it writes until then.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let status = until("the program to end", || {
            self.take();
            self.program.try_wait().expect("waits")
        });
        self.take();
        status
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// A size as vt100 has it, the lines first.
fn in_lines((columns, lines): (u16, u16)) -> (NonZero<u16>, NonZero<u16>) {
    let number = |number| NonZero::new(number).expect("is some");
    (number(lines), number(columns))
}

fn set_size(terminal: &File, (columns, lines): (u16, u16)) {
    let size = Winsize {
        ws_row: lines,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(terminal, size).expect("sets the size");
}
