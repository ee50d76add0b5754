//! The terminal: taken, drawn on, and given back, whatever happens.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::rc::Rc;
use std::sync::Once;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::Command;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use rustix::process::Signal;

use super::super::output;

/// What is taken for the size where the terminal does not know it.
const SIZE: (u16, u16) = (80, 24);

/// Collects what is drawn, so that a picture is written in one piece. It never fails, so neither does a terminal that is
/// dropped after its window has gone.
#[derive(Clone, Default)]
struct Sheet(Rc<RefCell<Vec<u8>>>);

impl io::Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal, ours until it is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Sheet>>,
    sheet: Sheet,
}

impl Screen {
    /// Takes the terminal: no echo, each key at once, and a screen beside the shell's.
    pub(super) fn take() -> io::Result<Self> {
        give_back_at_a_panic();
        let (terminal, sheet) = blank()?;
        let screen = Self { terminal, sheet };
        enter()?;
        Ok(screen)
    }

    /// Draws a picture; only what differs from the one before is written, and that at once.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(picture)?;
        let drawn = mem::take(&mut *self.sheet.0.borrow_mut());
        let bytes = [command(BeginSynchronizedUpdate), drawn, command(EndSynchronizedUpdate)].concat();
        output::to_terminal(&bytes)
    }

    /// Makes the next picture a whole one, of the size that the terminal has now.
    pub(super) fn begin_anew(&mut self) -> io::Result<()> {
        (self.terminal, self.sheet) = blank()?;
        self.sheet.0.borrow_mut().extend(command(Clear(ClearType::All)));
        Ok(())
    }

    /// Takes the terminal again after somebody else had it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        // What the shell set meanwhile is not what is to be given back to it: that is what was there at the start.
        disable_raw_mode()?;
        enter()?;
        self.begin_anew()
    }

    /// Gives the terminal to the shell, as Ctrl-Z does, until the shell gives it back.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // As the terminal itself does it: to the whole job. Nothing happens where no shell waits for that.
        rustix::process::kill_current_process_group(Signal::TSTP)?;
        self.take_again()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// A terminal of the size that it has now, of which nothing is known to be on the screen.
///
/// The size is asked for here and not by ratatui, whose way may start `tput`.
fn blank() -> io::Result<(Terminal<CrosstermBackend<Sheet>>, Sheet)> {
    let (width, height) = output::size().unwrap_or(SIZE);
    let sheet = Sheet::default();
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, width, height)),
    };
    let terminal = Terminal::with_options(CrosstermBackend::new(sheet.clone()), options)?;
    Ok((terminal, sheet))
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    output::to_terminal(
        &[
            command(EnterAlternateScreen),
            command(Hide),
            command(Clear(ClearType::All)),
        ]
        .concat(),
    )
}

fn give_back() {
    // Where the terminal has gone there is nothing to give back.
    drop(output::to_terminal(
        &[
            command(EndSynchronizedUpdate),
            command(Show),
            command(LeaveAlternateScreen),
        ]
        .concat(),
    ));
    drop(disable_raw_mode());
}

fn give_back_at_a_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let say = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            say(info);
        }));
    });
}

fn command(command: impl Command) -> Vec<u8> {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = command.write_ansi(&mut text);
    text.into_bytes()
}
