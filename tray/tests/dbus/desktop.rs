//! A desktop without a screen: a session bus, the service that icons register with, and eyes for icon, tooltip and menu.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zbus::blocking::{Connection, Proxy, connection};
use zbus::zvariant::{OwnedValue, Value};

use crate::helper::Helper;
use crate::icon::Shape;

/// No test waits for a time. This is only when it gives up: long enough for a machine with a lot else to do.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Desktop {
    bus: Option<Helper>,
    folder: TempDir,
    /// The connection that the icons' service runs on, while there is one.
    host: Option<Connection>,
    registered: Receiver<String>,
}

/// What icons register with.
struct Watcher(Sender<String>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        drop(self.0.send(service));
    }
}

impl Desktop {
    /// With a service for icons.
    pub(crate) fn new() -> Self {
        let mut desktop = Self::without_icons();
        desktop.show_icons();
        desktop
    }

    /// A desktop that shows no icons, for now.
    pub(crate) fn without_icons() -> Self {
        let folder = TempDir::new().expect("is made");
        let mut bus = Helper::start("bus", format!("unix:path={}", folder.path().join("bus").display()));
        bus.says("ready");
        let (_, registered) = channel();
        Self {
            bus: Some(bus),
            folder,
            host: None,
            registered,
        }
    }

    pub(crate) fn show_icons(&mut self) {
        let (sender, registered) = channel();
        let address = self.address();
        let host = connection::Builder::address(address.as_str())
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher(sender)))
            .and_then(|builder| builder.name("org.kde.StatusNotifierWatcher"))
            .map(|builder| builder.method_timeout(PATIENCE))
            .and_then(connection::Builder::build);
        self.registered = registered;
        self.host = Some(host.expect("connects"));
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.path("bus").display())
    }

    /// A path in a folder of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, with this desktop and this home.
    pub(crate) fn start(&self) -> Program {
        let mut command = program(&self.address());
        command.env("HOME", self.folder.path()).env_remove("CARGO_HOME");
        Program::start(command)
    }

    /// Waits for an icon.
    pub(crate) fn icon(&self) -> Item<'_> {
        let service = self.registered.recv_timeout(PATIENCE).expect("an icon registers");
        let host = self.host.as_ref().expect("icons are shown");
        let proxy = |path, interface| Proxy::new(host, service.clone(), path, interface).expect("is one");
        Item {
            item: proxy("/StatusNotifierItem", "org.kde.StatusNotifierItem"),
            menu: proxy("/MenuBar", "com.canonical.dbusmenu"),
        }
    }

    /// The session ends.
    pub(crate) fn end_session(&mut self) {
        self.bus = None;
    }
}

/// The program on a bus, not started yet.
pub(crate) fn program(address: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockwatch-tray"));
    command
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The program while it runs; it ends with this value.
pub(crate) struct Program {
    child: Child,
    complaints: BufReader<ChildStderr>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("starts");
        let complaints = BufReader::new(child.stderr.take().expect("is piped"));
        Self { child, complaints }
    }

    /// Waits for its next complaint.
    pub(crate) fn complains(&mut self) -> String {
        let mut line = String::new();
        self.complaints.read_line(&mut line).expect("reads");
        line
    }

    /// Waits for its end, and returns what else it complained of.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = eventually("the program ends", || self.child.try_wait().expect("is ours"));
        let mut complaints = String::new();
        self.complaints.read_to_string(&mut complaints).expect("reads");
        (status, complaints)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An icon on the desktop.
pub(crate) struct Item<'a> {
    item: Proxy<'a>,
    menu: Proxy<'a>,
}

/// A row of a menu: what it is called, and whether it can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
    pub(crate) is_separator: bool,
}

/// All that can be seen of an icon.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) shape: Shape,
    pub(crate) tooltip: String,
    pub(crate) menu: Vec<Row>,
}

type Pixmap = (i32, i32, Vec<u8>);
type Properties = HashMap<String, OwnedValue>;

impl Item<'_> {
    /// What is to be seen when it fits a description.
    pub(crate) fn shows(&self, what: &str, fits: impl Fn(&Sight) -> bool) -> Sight {
        let mut last = None;
        let seen = try_until(|| {
            last = Some(self.sight());
            last.clone().filter(&fits)
        });
        seen.unwrap_or_else(|| panic!("never shown: {what}; the last sight was {last:#?}"))
    }

    pub(crate) fn sight(&self) -> Sight {
        Sight {
            shape: self.shape(),
            tooltip: self.tooltip(),
            menu: self.rows(),
        }
    }

    fn shape(&self) -> Shape {
        let pixmaps: Vec<Pixmap> = self.property("IconPixmap");
        let [(44, 44, argb)] = pixmaps.as_slice() else {
            panic!("{} icons", pixmaps.len())
        };
        let opacity: Vec<u8> = argb.iter().copied().step_by(4).collect();
        let shapes = [Shape::Free, Shape::Held, Shape::Contended, Shape::Stuck];
        let is_this = |shape: &Shape| {
            shape
                .rgba([0; 3])
                .into_iter()
                .skip(3)
                .step_by(4)
                .eq(opacity.iter().copied())
        };
        shapes.into_iter().find(is_this).expect("is one of the shapes")
    }

    fn tooltip(&self) -> String {
        let (_, _, _, text): (String, Vec<Pixmap>, String, String) = self.property("ToolTip");
        text
    }

    /// Without a cache: the desktop's own is refreshed by signals, ours would have to be too.
    fn property<T: TryFrom<OwnedValue>>(&self, name: &str) -> T
    where
        T::Error: std::fmt::Debug,
    {
        let connection = self.item.connection();
        let properties =
            zbus::blocking::fdo::PropertiesProxy::new(connection, self.item.destination(), self.item.path());
        let interface = self.item.interface().clone();
        let value = properties.expect("is one").get(interface, name).expect("has it");
        value.try_into().expect("has this type")
    }

    /// The rows of the menu. The names of rows have `_` for "underline the next", so each of theirs is doubled.
    fn rows(&self) -> Vec<Row> {
        let names: [&str; 0] = [];
        let (_, (_, _, children)): (u32, (i32, Properties, Vec<OwnedValue>)) = self
            .menu
            .call("GetLayout", &(0, -1, names.as_slice()))
            .expect("has a menu");
        children.into_iter().map(row).collect()
    }

    /// Clicks on a row, and does not wait for an answer: the program may end first.
    pub(crate) fn click(&self, label: &str) {
        let row = self
            .rows()
            .into_iter()
            .find(|row| row.label == label)
            .expect("is there");
        assert!(row.enabled, "a mouse cannot click it");
        self.event(row.id);
    }

    /// What a mouse cannot do: clicks on a row that is not enabled.
    pub(crate) fn click_disabled(&self, row: &Row) {
        assert!(!row.enabled);
        self.event(row.id);
    }

    fn event(&self, id: i32) {
        self.menu
            .call_noreply("Event", &(id, "clicked", Value::from(0), 0_u32))
            .expect("is sent");
    }
}

fn row(value: OwnedValue) -> Row {
    let (id, properties, _): (i32, Properties, Vec<OwnedValue>) = value.try_into().expect("is a row");
    let text = |name: &str| {
        properties
            .get(name)
            .map(|value| value.clone().try_into().expect("is text"))
    };
    let label: Option<String> = text("label");
    let kind: Option<String> = text("type");
    let enabled = properties
        .get("enabled")
        .is_none_or(|value| value.clone().try_into().expect("is yes or no"));
    Row {
        id,
        label: label.unwrap_or_default().replace("__", "_"),
        enabled,
        is_separator: kind.as_deref() == Some("separator"),
    }
}

/// Asks until there is an answer.
pub(crate) fn try_until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// The same where there must be one.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    try_until(ask).unwrap_or_else(|| panic!("did not happen: {what}"))
}
