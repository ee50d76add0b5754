//! What the thread that owns the icon waits for: something to show, and choices from the menu.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use tray_icon::menu::{MenuEvent, MenuId};
use tray_icon::{MouseButtonState, TrayIconEvent};

#[cfg(target_os = "linux")]
pub(crate) use linux::{TERMINALS, platform, run};
#[cfg(target_os = "macos")]
pub(crate) use macos::{TERMINALS, platform, run};

use crate::app::Out;
use crate::view;

/// Why the tray cannot go on, in one sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nothing to show the icon on.
    #[cfg(target_os = "linux")]
    #[error("cannot reach the session bus ({0}); start lockwatch-tray inside a desktop session")]
    NoBus(#[source] zbus::Error),
    /// The desktop session is over.
    #[cfg(target_os = "linux")]
    #[error(
        "the session bus has gone away, and with it the tray; start lockwatch-tray again in the next desktop session"
    )]
    BusGone,
    /// The icon could not be made.
    #[error("cannot show the icon ({0}); `lockwatch status` shows the same in a terminal")]
    View(#[from] view::Error),
    /// There is no thread for what is not the icon.
    #[error("cannot start a thread ({0}); end some processes, then start lockwatch-tray again")]
    Thread(#[from] std::io::Error),
}

/// What reaches the event loop.
#[derive(Debug)]
enum Message {
    /// From the thread that knows what there is to show.
    Out(Out),
    /// A row was chosen.
    Chosen(MenuId),
    /// The menu was opened.
    Opened,
    /// The menu was closed.
    #[cfg(target_os = "linux")]
    Closed,
    /// The session bus has gone away.
    #[cfg(target_os = "linux")]
    BusGone,
}

/// Has choices from the menu sent to the event loop. To be called before there is an icon: the first event without a
/// handler would settle it that there is none, and unhandled events pile up (macOS sends one for each movement of the
/// mouse).
fn forward_choices(send: impl Fn(Message) + Clone + Send + Sync + 'static) {
    let clicks = send.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| send(Message::Chosen(event.id))));
    TrayIconEvent::set_event_handler(Some(move |event: TrayIconEvent| {
        if let TrayIconEvent::Click {
            button_state: MouseButtonState::Down,
            ..
        } = event
        {
            clicks(Message::Opened);
        }
    }));
}
