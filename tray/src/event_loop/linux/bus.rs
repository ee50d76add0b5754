//! The session bus beside the icon, which has a connection of its own: whether it is still there, whether the menu is open,
//! and notifications.

use std::collections::HashMap;
use std::sync::mpsc::Sender;

use zbus::MatchRule;
use zbus::blocking::fdo::{DBusProxy, MonitoringProxy};
use zbus::blocking::{Connection, MessageIterator, Proxy};
use zbus::message::Type;
use zbus::names::{BusName, MemberName};
use zbus::zvariant::{OwnedValue, Value};

use super::super::Message;
use crate::cases::Notice;

/// Whoever shows icons owns this name.
const TRAY_HOST: &str = "org.kde.StatusNotifierWatcher";

/// The interface of a menu, as the desktop calls it.
const MENU: &str = "com.canonical.dbusmenu";

/// The row that is the whole menu.
const ROOT: i32 = 0;

pub(super) struct Bus(Connection);

impl Bus {
    pub(super) fn connect() -> zbus::Result<Self> {
        Connection::session().map(Self)
    }

    pub(super) fn has_tray_host(&self) -> zbus::Result<bool> {
        let name = BusName::from_static_str(TRAY_HOST)?;
        Ok(DBusProxy::new(&self.0)?.name_has_owner(name)?)
    }

    /// Tells when the bus goes away. The icon's own connection does not: it would stay silent for ever, and we with it.
    pub(super) fn watch(&self, sender: Sender<Message>) -> std::io::Result<()> {
        let bus = self.0.clone();
        let watch = move || {
            let mut messages = MessageIterator::from(bus);
            // The last message is an error, or there is none.
            while messages.next().is_some_and(|message| message.is_ok()) {}
            drop(sender.send(Message::BusGone));
        };
        std::thread::Builder::new().name("bus".to_owned()).spawn(watch)?;
        Ok(())
    }

    /// Shows a notification. Where nobody shows any, the menu says the same.
    pub(super) fn tell(&self, notice: &Notice) {
        if let Err(error) = self.notify(notice) {
            crate::complain(&format!("a notification cannot be sent: {error}"));
        }
    }

    fn notify(&self, notice: &Notice) -> zbus::Result<()> {
        let hints = HashMap::from([
            ("urgency", Value::from(1_u8)),
            ("desktop-entry", Value::from("lockwatch-tray")),
        ]);
        let notifications = Proxy::new(
            &self.0,
            "org.freedesktop.Notifications",
            "/org/freedesktop/Notifications",
            "org.freedesktop.Notifications",
        )?;
        // The body may have markup, so names must have none: <https://specifications.freedesktop.org/notification-spec>.
        let body = notice
            .body
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let actions: [&str; 0] = [];
        let arguments = (
            "lockwatch",
            0_u32,
            "",
            notice.title.as_str(),
            body,
            actions.as_slice(),
            hints,
            -1_i32,
        );
        notifications.call_noreply("Notify", &arguments)
    }
}

/// Tells when the menu is opened and closed. The icon's own library does not tell, so a second connection is shown what the
/// desktop says to the first one's menu; it gets nothing else, and sends nothing. Where the bus does not allow that, rows come
/// and go also while the menu is open.
pub(super) fn watch_menu(sender: Sender<Message>) -> std::io::Result<()> {
    let watch = move || {
        // Where the bus is gone, the other connection says so.
        drop(monitor(&sender));
    };
    std::thread::Builder::new().name("menu".to_owned()).spawn(watch)?;
    Ok(())
}

fn monitor(sender: &Sender<Message>) -> zbus::Result<()> {
    let bus = Connection::session()?;
    // The name that the icon's connection takes is made of the process and the number of its icon.
    let name = format!("org.kde.StatusNotifierItem-{}-1", std::process::id());
    let owner = DBusProxy::new(&bus)?.get_name_owner(BusName::try_from(name)?)?;
    let rule = |member| {
        let rule = MatchRule::builder().msg_type(Type::MethodCall).interface(MENU)?;
        // It is matched whatever name the desktop calls it by.
        zbus::Result::Ok(rule.member(member)?.destination(owner.as_str())?.build())
    };
    let rules = [rule("Event")?, rule("EventGroup")?];
    MonitoringProxy::new(&bus)?.become_monitor(&rules, 0)?;
    for message in MessageIterator::from(bus) {
        let message = message?;
        let body = message.body();
        let header = message.header();
        let events: Vec<(i32, String, OwnedValue, u32)> = match header.member().map(MemberName::as_str) {
            Some("Event") => body.deserialize().map(|event| vec![event]).unwrap_or_default(),
            Some("EventGroup") => body.deserialize().unwrap_or_default(),
            _ => continue,
        };
        for (row, what, _, _) in events {
            let message = match what.as_str() {
                "opened" if row == ROOT => Message::Opened,
                "closed" if row == ROOT => Message::Closed,
                _ => continue,
            };
            if sender.send(message).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}
