//! Linux: the icon lives on the session bus, so there is no toolkit and no display, only a channel to wait on.

use std::sync::mpsc::{self, Sender};

use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, MessageIterator};
use zbus::names::BusName;

use super::{Error, Message, forward_choices};
use crate::look::Looker;
use crate::view::View;

/// Whoever shows icons owns this name.
const TRAY_HOST: &str = "org.kde.StatusNotifierWatcher";

/// Shows the icon until `Quit` is chosen.
pub(crate) fn run() -> Result<(), Error> {
    let bus = Connection::session().map_err(Error::NoBus)?;
    if !has_tray_host(&bus).map_err(Error::NoBus)? {
        crate::complain(
            "this desktop shows no tray icons now; the icon appears as soon as it does (on GNOME that takes the extension AppIndicator)",
        );
    }
    let (sender, receiver) = mpsc::channel();
    let choices = sender.clone();
    forward_choices(move |message| drop(choices.send(message)));
    watch_bus(bus, sender.clone())?;

    let mut looker = Looker::new();
    let mut view = View::new(looker.look())?;
    looker.watch(view.shown().clone(), move |model| {
        sender.send(Message::Show(model)).is_ok()
    })?;
    for message in receiver {
        match message {
            Message::Show(model) => view.show(model)?,
            Message::Quit => break,
            Message::BusGone => {
                // Taking the icon away would wait for an answer from the bus.
                std::mem::forget(view);
                return Err(Error::BusGone);
            }
        }
    }
    Ok(())
}

fn has_tray_host(bus: &Connection) -> zbus::Result<bool> {
    let name = BusName::from_static_str(TRAY_HOST)?;
    Ok(DBusProxy::new(bus)?.name_has_owner(name)?)
}

/// Tells when the bus goes away. The icon's own connection does not: it would stay silent for ever, and we with it.
fn watch_bus(bus: Connection, sender: Sender<Message>) -> std::io::Result<()> {
    let watch = move || {
        let mut messages = MessageIterator::from(bus);
        // The last message is an error, or there is none.
        while messages.next().is_some_and(|message| message.is_ok()) {}
        drop(sender.send(Message::BusGone));
    };
    std::thread::Builder::new().name("bus".to_owned()).spawn(watch)?;
    Ok(())
}
