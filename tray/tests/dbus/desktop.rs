//! A desktop without a screen: a session bus, the service that icons register with, and eyes for icon, tooltip and menu.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use lockwatch::client::Client;
use lockwatch::folders::{Base, Folders, Layout};
use tempfile::TempDir;
use zbus::blocking::{Connection, Proxy, connection};
use zbus::zvariant::{OwnedValue, Value};

use crate::helper::{Helper, private_folder};
use crate::icon::Shape;

/// No test waits for a time. This is only when it gives up: long enough for a machine with a lot else to do.
const PATIENCE: Duration = Duration::from_mins(2);

/// For so long a click is believed to have its effect yet.
const ANSWER: Duration = Duration::from_secs(10);

pub(crate) struct Desktop {
    bus: Option<Helper>,
    daemon: RefCell<Option<Helper>>,
    folder: TempDir,
    /// The connection that the icons' service runs on, while there is one.
    host: Option<Connection>,
    registered: Receiver<String>,
    told: Receiver<Told>,
}

/// What icons register with.
struct Watcher(Sender<String>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        drop(self.0.send(service));
    }
}

/// A notification.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// What shows notifications.
struct Notifier(Sender<Told>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifier {
    #[expect(clippy::too_many_arguments, reason = "the interface has them")]
    fn notify(
        &self,
        program: String,
        replaces: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: Properties,
        timeout: i32,
    ) -> u32 {
        // Each is told as a new one, as many services do.
        drop((program, replaces, icon, actions, hints, timeout));
        drop(self.0.send(Told { title, body }));
        1
    }
}

impl Desktop {
    /// With a service for icons, and a daemon.
    pub(crate) fn new() -> Self {
        let mut desktop = Self::without_icons();
        desktop.show_icons();
        desktop.start_daemon();
        desktop
    }

    /// A desktop that shows no icons, for now, and has no daemon.
    pub(crate) fn without_icons() -> Self {
        let folder = private_folder();
        let bus_address = format!("unix:path={}", folder.path().join("bus").display());
        let mut bus = Helper::start("bus", &[bus_address.as_ref()], &[]);
        bus.says("ready");
        let desktop = Self {
            bus: Some(bus),
            daemon: RefCell::default(),
            folder,
            host: None,
            registered: channel().1,
            told: channel().1,
        };
        // What the tray would start as its daemon: the tests are that too.
        let tests = std::env::current_exe().expect("has a path");
        for name in ["bin", "cargo-home"] {
            std::fs::create_dir(desktop.path(name)).expect("is made");
        }
        std::os::unix::fs::symlink(tests, desktop.path("bin/lockwatch")).expect("is made");
        let tray = desktop.path("bin/lockwatch-tray");
        if std::fs::hard_link(env!("CARGO_BIN_EXE_lockwatch-tray"), &tray).is_err() {
            std::fs::copy(env!("CARGO_BIN_EXE_lockwatch-tray"), &tray).expect("is copied");
        }
        desktop
    }

    pub(crate) fn show_icons(&mut self) {
        let (sender, registered) = channel();
        let (tell, told) = channel();
        let address = self.address();
        let host = connection::Builder::address(address.as_str())
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher(sender)))
            .and_then(|builder| builder.serve_at("/org/freedesktop/Notifications", Notifier(tell)))
            .and_then(|builder| builder.name("org.kde.StatusNotifierWatcher"))
            .and_then(|builder| builder.name("org.freedesktop.Notifications"))
            .map(|builder| builder.method_timeout(PATIENCE))
            .and_then(connection::Builder::build);
        (self.registered, self.told) = (registered, told);
        self.host = Some(host.expect("connects"));
    }

    /// Starts a daemon; the one before is ended.
    pub(crate) fn start_daemon(&self) {
        self.end_daemon();
        let mut daemon = Helper::start("daemon", &[], &self.environment());
        let line = daemon.next_line();
        assert!(line.starts_with("answering on "), "{line}");
        self.daemon.replace(Some(daemon));
    }

    /// Ends it.
    pub(crate) fn end_daemon(&self) {
        self.daemon.replace(None);
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.path("bus").display())
    }

    /// A path in a folder of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What makes a program belong to this desktop and to no other.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("DBUS_SESSION_BUS_ADDRESS", self.address().into()),
            ("HOME", self.folder.path().into()),
            ("LOCKWATCH_HOME", self.folder.path().into()),
            ("CARGO_HOME", self.path("cargo-home").into()),
            // The service manager is the user's own: none is found.
            ("PATH", self.path("bin").into()),
        ]
    }

    /// The program, with this desktop and this home.
    pub(crate) fn start(&self) -> Program {
        let mut command = program(&self.path("bin/lockwatch-tray"), &self.address());
        command.envs(self.environment());
        Program::start(command)
    }

    /// What the program writes and reads.
    pub(crate) fn folders(&self) -> Folders {
        let base = Base {
            lockwatch_home: Some(self.folder.path().to_owned()),
            ..Base::default()
        };
        Folders::new(&base, Layout::Xdg)
    }

    /// A client of the daemon, where one answers.
    pub(crate) fn client(&self) -> Option<Client> {
        Client::connect(&self.folders()).ok().flatten()
    }

    /// Waits for a notification that fits.
    pub(crate) fn is_told(&self, what: &str, fits: impl Fn(&Told) -> bool) -> Told {
        loop {
            match self.told.recv_timeout(PATIENCE) {
                Ok(told) if fits(&told) => return told,
                Ok(_) => {}
                Err(error) => panic!("never told: {what} ({error})"),
            }
        }
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

impl Drop for Desktop {
    fn drop(&mut self) {
        self.end_daemon();
        // One that the tray has started is nobody's child.
        if let Some(mut client) = self.client() {
            drop(client.shutdown());
        }
    }
}

/// The program on a bus, not started yet.
pub(crate) fn program(path: &Path, address: &str) -> Command {
    let mut command = Command::new(path);
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
    pub(crate) id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
    pub(crate) is_checked: bool,
    pub(crate) is_separator: bool,
}

/// All that can be seen of an icon. Each part is asked for by itself, so one may be older than the other.
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
        let shapes = [Shape::Free, Shape::Held, Shape::Waits, Shape::Stuck];
        let is_this = |shape: &Shape| {
            shape
                .rgba([0; 3])
                .expect("is a picture")
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

    /// The rows of the menu, with those of the menus inside of it. The names of rows have `_` for "underline the next", so each of theirs is doubled.
    fn rows(&self) -> Vec<Row> {
        let names: [&str; 0] = [];
        let (_, (_, _, children)): (u32, (i32, Properties, Vec<OwnedValue>)) = self
            .menu
            .call("GetLayout", &(0, -1, names.as_slice()))
            .expect("has a menu");
        let mut rows = Vec::new();
        for child in children {
            flatten(child, &mut rows);
        }
        rows
    }

    /// The desktop says that it has opened the menu, or closed it.
    pub(crate) fn event_of_menu(&self, what: &str) {
        let _: () = self
            .menu
            .call("Event", &(0, what, Value::from(0), 0_u32))
            .expect("is heard");
    }

    /// Clicks on the first row that fits, in an open menu as a mouse does, and again where that has no effect: between the look
    /// and the click the row may have gone, and with it the click. Returns what is to be seen when it has had its effect.
    pub(crate) fn click_until(
        &self,
        what: &str,
        find: impl Fn(&Sight) -> Option<Row>,
        has_worked: impl Fn(&Sight) -> bool,
    ) -> Sight {
        let mut clicked_at: Option<Instant> = None;
        let mut last = None;
        let seen = try_until(|| {
            let sight = last.insert(self.sight());
            if has_worked(sight) {
                return last.take();
            }
            if clicked_at.is_none_or(|at| at.elapsed() > ANSWER) && find(sight).is_some() {
                self.event_of_menu("opened");
                if let Some(row) = find(&self.sight()) {
                    assert!(row.enabled, "a mouse cannot click {row:?}");
                    clicked_at = self.click(row.id).is_ok().then(Instant::now);
                }
                self.event_of_menu("closed");
            }
            None
        });
        seen.unwrap_or_else(|| panic!("no click has brought {what}; the last sight was {last:#?}"))
    }

    /// Clicks on `Quit` until the program has ended, and returns how, and what else it complained of.
    pub(crate) fn quit(&self, mut program: Program) -> (ExitStatus, String) {
        let mut clicked_at: Option<Instant> = None;
        eventually("the program ends", || {
            let ended = program.child.try_wait().expect("is ours").is_some();
            if !ended && clicked_at.is_none_or(|at| at.elapsed() > ANSWER) {
                let row = self.rows().into_iter().find(|row| row.label == "Quit");
                // The program may end before it answers.
                self.click_unheard(row.expect("is there").id);
                clicked_at = Some(Instant::now());
            }
            ended.then_some(())
        });
        program.ended()
    }

    /// What a mouse cannot do: clicks on a row that is not enabled.
    pub(crate) fn click_disabled(&self, row: &Row) {
        assert!(!row.enabled);
        self.click_unheard(row.id);
    }

    /// An error where no row has this number any more.
    fn click(&self, id: i32) -> zbus::Result<()> {
        self.menu.call("Event", &(id, "clicked", Value::from(0), 0_u32))
    }

    fn click_unheard(&self, id: i32) {
        self.menu
            .call_noreply("Event", &(id, "clicked", Value::from(0), 0_u32))
            .expect("is sent");
    }
}

/// A row and what is inside of it, from top to bottom.
fn flatten(value: OwnedValue, rows: &mut Vec<Row>) {
    let (id, properties, children): (i32, Properties, Vec<OwnedValue>) = value.try_into().expect("is a row");
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
    let checked: Option<i32> = properties
        .get("toggle-state")
        .map(|value| value.clone().try_into().expect("is a number"));
    rows.push(Row {
        id,
        label: label.unwrap_or_default().replace("__", "_"),
        enabled,
        is_checked: checked == Some(1),
        is_separator: kind.as_deref() == Some("separator"),
    });
    for child in children {
        flatten(child, rows);
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
