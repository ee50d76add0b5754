//! The units as they are in the repository, with the paths of this user filled in, and what `systemctl show` says. Pure.

use std::path::{Path, PathBuf};

use crate::process::Pid;
use crate::service::file::{self, Comment};
use crate::service::{Agent, LastExit, ServiceError};

const DAEMON: &str = include_str!("../../../../packaging/systemd/lockwatch.service");
const TRAY: &str = include_str!("../../../../packaging/systemd/lockwatch-tray.service");

/// The line whose first word is the program, and the folder of the program as shipped, where a package has it.
const START: &str = "ExecStart=";
const SHIPPED_IN: &str = "/usr/bin";

fn as_shipped(agent: Agent) -> &'static str {
    match agent {
        Agent::Daemon => DAEMON,
        Agent::Tray => TRAY,
    }
}

/// The unit, not sealed yet: where the program is a package's and nothing is carried, it is the unit as shipped.
pub(super) fn filled_in(
    agent: Agent,
    program: &Path,
    carried: &[(&'static str, String)],
) -> Result<String, ServiceError> {
    let text = program.to_str().filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| ServiceError::NotText(program.to_owned()))?;
    let shipped = format!("{START}{SHIPPED_IN}/{}", agent.program_name());
    let mut start = String::new();
    for (name, value) in carried {
        start += "Environment=";
        start += &quoted(&format!("{name}={value}"));
        start.push('\n');
    }
    start += START;
    start += &quoted(text);
    Ok(as_shipped(agent).replacen(&shipped, &start, 1))
}

pub(super) fn sealed(text: &str) -> String {
    let comment = Comment {
        open: "# ",
        close: "",
        after: 0,
    };
    file::sealed(text, comment)
}

/// One word for systemd (systemd.syntax(7), systemd.unit(5) "Specifiers"), in quotes where it needs them.
fn quoted(word: &str) -> String {
    let word = word.replace('%', "%%");
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=%@:,~".contains(c);
    if word.chars().all(is_plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
}

/// The program that a unit starts, undoing [`quoted`].
pub(super) fn program(text: &str) -> Option<PathBuf> {
    let mut lines = text
        .lines()
        .map(str::trim_start)
        .filter_map(|line| line.strip_prefix(START));
    // Prefixes such as `-` or `@` change how it is started, not what.
    let line = lines.next_back()?.trim_start_matches(['-', '@', ':', '+', '!', '|']);
    let mut word = String::new();
    let mut chars = line.chars();
    if line.starts_with('"') {
        chars.next();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => word.push(chars.next()?),
                c => word.push(c),
            }
        }
    } else {
        word.extend(chars.take_while(|c| !c.is_whitespace()));
    }
    (!word.is_empty()).then(|| word.replace("%%", "%").into())
}

/// What is asked of a unit.
pub(super) const PROPERTIES: [&str; 9] = [
    "LoadState",
    "ActiveState",
    "FragmentPath",
    "MainPID",
    "ExecMainCode",
    "ExecMainStatus",
    "ExecMainExitTimestampMonotonic",
    "NeedDaemonReload",
    "Result",
];

/// What `systemctl show` says of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    /// Its file, where there is one that could be read.
    pub(super) file: Option<PathBuf>,
    /// Its process.
    pub(super) pid: Option<Pid>,
    /// How it ended the last time since the manager has known it.
    pub(super) last_exit: Option<LastExit>,
    /// Whether it runs, or is about to: between a crash and the next start it is `activating`.
    pub(super) is_active: bool,
    /// Whether the manager has given it up.
    pub(super) has_failed: bool,
    /// Whether the file is newer than what the manager has read.
    pub(super) needs_reload: bool,
}

impl Properties {
    pub(super) fn read(text: &str) -> Self {
        let value = |key: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            let (_, value) = pairs.find(|(found, _)| *found == key)?;
            (!value.is_empty()).then_some(value)
        };
        let number = |key| value(key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // The codes of waitid(2): 1 exited, 2 killed, 3 killed with a core. While it runs, those of the run before are gone.
        let last_exit = || match number("ExecMainCode") {
            1 => value("ExecMainStatus")?.parse().ok().map(LastExit::Code),
            2 | 3 => Some(LastExit::Signal(value("ExecMainStatus")?.to_owned())),
            _ => None,
        };
        let is_there = !matches!(value("LoadState"), None | Some("not-found" | "masked"));
        Self {
            file: value("FragmentPath").filter(|_| is_there).map(PathBuf::from),
            pid: Pid::try_from(number("MainPID")).ok().filter(|pid| *pid > 0),
            last_exit: last_exit().filter(|_| number("ExecMainExitTimestampMonotonic") > 0),
            is_active: matches!(
                value("ActiveState"),
                Some("active" | "activating" | "reloading" | "deactivating")
            ),
            has_failed: value("ActiveState") == Some("failed"),
            needs_reload: value("NeedDaemonReload") == Some("yes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_a_package_it_is_the_unit_as_shipped() {
        for agent in Agent::ALL {
            let program = Path::new("/usr/bin").join(agent.program_name());
            assert_eq!(filled_in(agent, &program, &[]).expect("can"), as_shipped(agent));
        }
    }

    #[test]
    fn the_paths_of_this_user_are_filled_in() {
        let carried = [("LOCKWATCH_HOME", "/home/me/a \"second\" 100%".to_owned())];
        let text = filled_in(Agent::Daemon, Path::new("/home/me/my bin/lockwatch"), &carried).expect("can");
        insta::assert_snapshot!(sealed(&text));
        let text = filled_in(Agent::Tray, Path::new("/home/me/.cargo/bin/lockwatch-tray"), &[]).expect("can");
        insta::assert_snapshot!(sealed(&text));
    }

    #[test]
    fn whatever_the_path_it_is_read_back() {
        for path in [
            "/usr/bin/lockwatch",
            "/home/me/my bin/lockwatch",
            "/home/100%/lockwatch",
            "/home/a\"b\\c/lockwatch",
            "/home/$HOME/日本/lockwatch",
            "/home/it's/lock;watch",
        ] {
            let text = filled_in(Agent::Daemon, Path::new(path), &[]).expect("can");
            assert_eq!(program(&text), Some(path.into()), "{text}");
        }
        for (text, found) in [
            ("ExecStart=-/bin/x y\n", Some("/bin/x")),
            ("ExecStart=/bin/a\nExecStart=/bin/b c\n", Some("/bin/b")),
            ("ExecStart=\n", None),
            ("ExecStart=\"open", None),
            ("", None),
        ] {
            assert_eq!(program(text), found.map(PathBuf::from), "{text}");
        }
    }

    #[test]
    fn what_the_manager_says() {
        let there = "LoadState=loaded\nFragmentPath=/u/lockwatch.service\n";
        let base = Properties {
            file: Some("/u/lockwatch.service".into()),
            ..Properties::default()
        };
        for (text, expected) in [
            (String::new(), Properties::default()),
            (
                "LoadState=not-found\nActiveState=inactive\nFragmentPath=\nMainPID=0\n".to_owned(),
                Properties::default(),
            ),
            (
                "LoadState=masked\nFragmentPath=/u/lockwatch.service\n".to_owned(),
                Properties::default(),
            ),
            (
                format!(
                    "{there}ActiveState=active\nMainPID=12\nExecMainCode=0\nExecMainStatus=0\nNeedDaemonReload=yes\n"
                ),
                Properties {
                    pid: Some(12),
                    is_active: true,
                    needs_reload: true,
                    ..base.clone()
                },
            ),
            (
                format!(
                    "{there}ActiveState=failed\nMainPID=0\nExecMainCode=1\nExecMainStatus=203\nExecMainExitTimestampMonotonic=5\n"
                ),
                Properties {
                    last_exit: Some(LastExit::Code(203)),
                    has_failed: true,
                    ..base.clone()
                },
            ),
            (
                format!(
                    "{there}ActiveState=activating\nMainPID=0\nExecMainCode=2\nExecMainStatus=9\nExecMainExitTimestampMonotonic=5\n"
                ),
                Properties {
                    last_exit: Some(LastExit::Signal("9".to_owned())),
                    is_active: true,
                    ..base.clone()
                },
            ),
        ] {
            assert_eq!(Properties::read(&text), expected, "{text}");
        }
    }
}
