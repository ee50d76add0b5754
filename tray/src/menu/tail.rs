//! The rows that are about the tray and the daemon themselves.

use super::{Action, Facts, Kind, Link, Login, Notifications, Row, age, wrapped};

/// The version of this program.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// That the daemon is of another version, and what to do.
pub(super) fn skew(link: &Link) -> Vec<Row> {
    let Link::Following { version, .. } = link else {
        return Vec::new();
    };
    if version == OWN {
        return Vec::new();
    }
    let sentence = if numbers(version) < numbers(OWN) {
        format!(
            "The daemon is older ({version}) than this menu ({OWN}): `lockwatch service restart` starts the new one"
        )
    } else {
        format!("The daemon is newer ({version}) than this menu ({OWN}): quit the menu and start it again")
    };
    wrapped("skew", "", &sentence)
}

/// The numbers of a version, for comparing.
fn numbers(version: &str) -> Vec<u64> {
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).take(3).collect()
}

/// What came of what the user wanted.
pub(super) fn told(facts: &Facts) -> Vec<Row> {
    let told = facts.stops.told().map(|sentence| wrapped("told", "", sentence));
    let trouble = facts
        .trouble
        .as_deref()
        .map(|sentence| wrapped("trouble", "", sentence));
    told.into_iter().chain(trouble).flatten().collect()
}

/// The end of the menu, which always is the same.
pub(super) fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = vec![Row::separator("tail")];
    if let Some(waited) = facts.waited_today {
        let text = format!("Waited for Cargo locks today: {}", age::words(waited.as_secs()));
        rows.push(Row::text("today", text));
    }
    rows.push(Row::choice("live view", "Open live view", Action::LiveView));
    rows.push(notifications(facts.notifications));
    rows.push(at_login(&facts.at_login));
    rows.push(Row::new("about", "About lockwatch", Kind::Group(about(&facts.link))));
    rows.push(Row::choice("quit", "Quit", Action::Quit));
    rows
}

fn notifications(setting: Notifications) -> Row {
    let (text, on, action) = match setting {
        Notifications::On => ("Notify when a build is stuck", true, Some(Action::Notifications)),
        Notifications::Off => ("Notify when a build is stuck", false, Some(Action::Notifications)),
        Notifications::OffInConfig => ("Notify when a build is stuck (off in config.toml)", false, None),
    };
    Row::new("notifications", text, Kind::Check { on, action })
}

fn at_login(login: &Login) -> Row {
    let (text, on, action) = match login {
        Login::Yes => ("Start at login".to_owned(), true, Some(Action::AtLogin)),
        Login::No => ("Start at login".to_owned(), false, Some(Action::AtLogin)),
        Login::Unknown(why) => (format!("Start at login ({why})"), false, None),
    };
    Row::new("at login", text, Kind::Check { on, action })
}

fn about(link: &Link) -> Vec<Row> {
    let daemon = match link {
        Link::Following { version, pid } => format!("daemon {version}, pid {pid}"),
        Link::Looking => "no daemon yet".to_owned(),
        Link::Gone { .. } => "no daemon".to_owned(),
    };
    vec![
        Row::text("about what", "who holds Cargo's file locks, and who waits for them"),
        Row::text("about menu", format!("menu {OWN}")),
        Row::text("about daemon", daemon),
        Row::text("about licence", concat!("licence ", env!("CARGO_PKG_LICENSE"))),
    ]
}
