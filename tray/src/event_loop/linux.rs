//! Linux: the icon lives on the session bus, so there is no toolkit and no display, only a channel to wait on.

mod bus;
pub(crate) mod platform;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Error, Message, forward_choices};
use crate::app::{self, News, Out, Setup};
use crate::menu::Action;
use crate::view::View;

/// The programs that open a terminal, with what comes before the program that is to run in it. The first that is there is
/// taken: what the user or the system has chosen comes before what a desktop brings.
pub(crate) const TERMINALS: &[(&str, &[&str])] = &[
    ("xdg-terminal-exec", &[]),
    ("x-terminal-emulator", &["-e"]),
    ("gnome-terminal", &["--"]),
    ("kgx", &["-e"]),
    ("konsole", &["-e"]),
    ("xfce4-terminal", &["-x"]),
    ("alacritty", &["-e"]),
    ("kitty", &[]),
    ("foot", &[]),
    ("wezterm", &["start", "--"]),
    ("xterm", &["-e"]),
];

/// A menu is not open for longer than this: a desktop that ends while it is open never says that it is closed.
const OPEN_AT_MOST: Duration = Duration::from_mins(2);

/// Shows the icon until `Quit` is chosen.
pub(crate) fn run(setup: Setup) -> Result<(), Error> {
    let bus = bus::Bus::connect().map_err(Error::NoBus)?;
    if !bus.has_tray_host().map_err(Error::NoBus)? {
        crate::complain(
            "this desktop shows no tray icons now; the icon appears as soon as it does (on GNOME that takes the extension AppIndicator)",
        );
    }
    let (sender, receiver) = mpsc::channel();
    let choices = sender.clone();
    forward_choices(move |message| drop(choices.send(message)));
    let out = sender.clone();
    let news = app::start(setup, move |message| out.send(Message::Out(message)).is_ok())?;
    bus.watch(sender.clone())?;

    let mut view: Option<View> = None;
    let mut opened_at: Option<Instant> = None;
    for message in receiver {
        match (message, &mut view) {
            (Message::Out(Out::Show(model)), Some(view)) => {
                let is_open = opened_at.is_some_and(|at| at.elapsed() < OPEN_AT_MOST);
                view.show(model, is_open)?;
            }
            (Message::Out(Out::Show(model)), none) => {
                *none = Some(View::new(model)?);
                bus::watch_menu(sender.clone())?;
            }
            (Message::Out(Out::Tell(notice)), _) => bus.tell(&notice),
            (Message::Chosen(id), Some(view)) => match view.chosen(&id) {
                Some(Action::Quit) => break,
                Some(action) => drop(news.send(News::Chosen(action))),
                None => {}
            },
            (Message::Opened, _) => {
                opened_at = Some(Instant::now());
                drop(news.send(News::Opened));
            }
            (Message::Closed, Some(view)) => {
                opened_at = None;
                view.closed()?;
            }
            (Message::BusGone, _) => {
                // Taking the icon away would wait for an answer from the bus.
                std::mem::forget(view);
                return Err(Error::BusGone);
            }
            (Message::Chosen(_) | Message::Closed, None) => {}
        }
    }
    Ok(())
}
