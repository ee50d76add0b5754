//! `cargo xtask install` and `uninstall` in a home of their own, with a service manager that only writes down what it was told.
//!
//! The paths are those of Linux; for macOS the same code gets another list of files, which is tested beside it.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockwatch::guard::queue::Queue;
use lockwatch::os::{Kernel as _, System};
use lockwatch::process::Detail;
use tempfile::TempDir;

/// `systemctl` as far as it is asked. A unit that was started has a process number, and a file for it in `STATE`.
const SYSTEMCTL: &str = r#"#!/bin/sh
[ "$1" = --user ] && shift
echo "$*" >>"$STATE/told"
for unit; do :; done
case "$1" in
show)
    [ "$unit" = --property=Version ] && { echo Version=252; exit; }
    file=$HOME/.config/systemd/user/$unit
    if [ -e "$file" ]; then echo LoadState=loaded; echo "FragmentPath=$file"; else echo LoadState=not-found; fi
    if [ -e "$STATE/$unit.runs" ]; then echo ActiveState=active; echo MainPID=4242; else echo ActiveState=inactive; echo MainPID=0; fi ;;
is-enabled) if [ -e "$STATE/$unit.enabled" ]; then echo enabled; else echo disabled; exit 1; fi ;;
is-active) [ "$unit" = graphical-session.target ] ;;
enable) touch "$STATE/$unit.enabled" ;;
disable) rm "$STATE/$unit.enabled" ;;
start | restart) touch "$STATE/$unit.runs" ;;
stop) rm "$STATE/$unit.runs" ;;
esac
"#;

/// A user: a home, and beside it the programs to install and the manager's memory.
struct User(TempDir);

impl User {
    fn new() -> Self {
        let user = Self(tempfile::tempdir().expect("is made"));
        for folder in ["home", "state", "tools", "programs", "run"] {
            fs::create_dir(user.path(folder)).expect("is made");
        }
        script(&user.path("tools/systemctl"), SYSTEMCTL);
        user.build("one");
        user
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn home(&self, path: &str) -> PathBuf {
        self.path("home").join(path)
    }

    /// Programs of some version.
    fn build(&self, version: &str) {
        for name in ["lockwatch", "lockwatch-tray"] {
            script(
                &self.path("programs").join(name),
                &format!("#!/bin/sh\necho {name} {version}\n"),
            );
        }
    }

    fn xtask(&self, arguments: &[&str]) -> Output {
        let tools = std::env::join_paths([self.path("tools"), "/usr/bin".into(), "/bin".into()]).expect("a list");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockwatch-packaging"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("XDG_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env_remove("LOCKWATCH_HOME")
            .env_remove("SUDO_UID")
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("DISPLAY", ":0")
            .env("PATH", tools)
            .env("STATE", self.path("state"));
        command.output().expect("runs")
    }

    /// Runs it and gives its words, one line each; it must have worked.
    fn does(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.xtask(arguments);
        assert!(output.status.success(), "{output:?}");
        lines(&output.stdout)
    }

    fn install(&self) -> Vec<String> {
        let programs = self.path("programs");
        self.does(&["install", "--programs", programs.to_str().expect("is plain")])
    }

    /// What the manager was told to change, since this was asked last.
    fn told(&self) -> Vec<String> {
        let path = self.path("state/told");
        let told = fs::read(&path).unwrap_or_default();
        drop(fs::remove_file(path));
        let questions = ["show", "is-enabled", "is-active"];
        let mut told = lines(&told);
        told.retain(|line| !questions.iter().any(|question| line.starts_with(question)));
        told
    }

    /// All files below the home.
    fn files(&self) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        walk(&self.path("home"), &mut |path| {
            let path = path.strip_prefix(self.path("home")).expect("is below");
            files.insert(path.display().to_string());
        });
        files
    }
}

/// Calls for everything below a folder but for folders that have something in them.
fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("is there") {
        let path = entry.expect("is read").path();
        let has_some = path.is_dir() && fs::read_dir(&path).expect("is there").next().is_some();
        if has_some {
            walk(&path, each);
        } else {
            each(&path);
        }
    }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("is set");
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

fn says(lines: &[String], part: &str) {
    assert!(
        lines.iter().any(|line| line.contains(part)),
        "{part} is not in {lines:#?}"
    );
}

const STARTED: [&str; 6] = [
    "daemon-reload",
    "enable lockwatch.service",
    "start lockwatch.service",
    "daemon-reload",
    "enable lockwatch-tray.service",
    "start lockwatch-tray.service",
];

#[test]
fn one_command_installs_and_one_removes() {
    let user = User::new();
    let said = user.install();
    says(&said, "/.local/bin: lockwatch, lockwatch-tray");
    says(&said, "started the daemon");
    says(&said, "started the tray");
    says(&said, "/.local/bin is not in PATH");
    assert_eq!(user.told(), STARTED);
    let output = Command::new(user.home(".local/bin/lockwatch")).output().expect("runs");
    assert_eq!(output.stdout, b"lockwatch one\n");
    let files = user.files();
    for path in [
        ".config/systemd/user/lockwatch.service",
        ".config/systemd/user/lockwatch-tray.service",
        ".local/share/applications/com.example.lockwatch.desktop",
        ".local/share/bash-completion/completions/lockwatch",
        ".local/share/man/man1/lockwatch.1",
    ] {
        assert!(files.contains(path), "{path}");
    }
    let unit = fs::read_to_string(user.home(".config/systemd/user/lockwatch.service")).expect("is there");
    let program = user.home(".local/bin/lockwatch");
    assert!(
        unit.contains(&format!("ExecStart={} daemon", program.display())),
        "{unit}"
    );

    let said = user.does(&["uninstall"]);
    says(&said, "/.local/bin: lockwatch, lockwatch-tray");
    let told = user.told();
    for unit in ["lockwatch.service", "lockwatch-tray.service"] {
        assert!(
            told.contains(&format!("stop {unit}")) && told.contains(&format!("disable {unit}")),
            "{told:?}"
        );
    }
    // Folders that are empty now would be listed too, but for those of systemd's own.
    let files: Vec<String> = user
        .files()
        .into_iter()
        .filter(|path| !path.starts_with(".config/systemd"))
        .collect();
    assert_eq!(files, [] as [&str; 0]);
    says(&user.does(&["uninstall"]), "no program was installed");
}

#[test]
fn once_more_changes_nothing_and_an_upgrade_starts_the_new_programs() {
    let user = User::new();
    user.install();
    let files = user.files();
    user.told();
    let said = user.install();
    says(&said, "files were there and up to date");
    says(&said, "the daemon is running");
    assert!(!said.iter().any(|line| line.starts_with("wrote ")), "{said:#?}");
    assert!(!user.told().iter().any(|line| line.starts_with("restart")));
    assert_eq!(user.files(), files);

    user.build("two");
    says(&user.install(), "/.local/bin: lockwatch, lockwatch-tray");
    let told = user.told();
    for unit in ["lockwatch.service", "lockwatch-tray.service"] {
        assert!(told.contains(&format!("restart {unit}")), "{told:?}");
    }
    let output = Command::new(user.home(".local/bin/lockwatch")).output().expect("runs");
    assert_eq!(output.stdout, b"lockwatch two\n");
}

#[test]
fn the_history_stays_until_it_is_to_go() {
    let user = User::new();
    user.install();
    let state = user.home(".local/state/lockwatch");
    fs::create_dir_all(&state).expect("is made");
    fs::create_dir_all(user.home(".config/lockwatch")).expect("is made");
    let kept = [
        ".config/lockwatch/config.toml",
        ".local/state/lockwatch/history.damaged-20261122T231005Z.db",
        ".local/state/lockwatch/history.db",
        ".local/state/lockwatch/history.db-wal",
        ".local/state/lockwatch/tray-is-quiet",
    ];
    for path in kept {
        fs::write(user.home(path), "").expect("is written");
    }
    fs::write(state.join("notes-of-my-own"), "").expect("is written");
    fs::write(state.join("tray.lock"), "7\n").expect("is written");
    let said = user.does(&["uninstall"]);
    for path in kept {
        says(&said, &format!("left {}", user.home(path).display()));
        assert!(user.home(path).exists(), "{path}");
    }
    assert!(!state.join("tray.lock").exists());
    user.does(&["uninstall", "--purge"]);
    let files: Vec<String> = user
        .files()
        .into_iter()
        .filter(|path| !path.starts_with(".config/systemd"))
        .collect();
    assert_eq!(files, [".local/state/lockwatch/notes-of-my-own"]);
}

#[test]
fn the_queue_stays_while_builds_wait_in_it() {
    let user = User::new();
    user.install();
    let state = user.home(".local/state/lockwatch");
    fs::create_dir_all(state.parent().expect("has one")).expect("is made");
    let mut kernel = System::new();
    let own = kernel.process(std::process::id(), Detail::Brief).expect("lives").id;
    let mut queue = Queue::open(&state, kernel.boot_id()).expect("opens");
    let entry = queue.come(own, &[], 1, &mut |_| false).expect("comes");
    says(
        &user.does(&["uninstall"]),
        &format!("left the queue of `lockwatch run`: process {} was started", own.pid),
    );
    assert_eq!(queue.read().expect("reads").len(), 1);
    queue.remove(&entry.ticket);
    user.does(&["uninstall"]);
    assert!(!state.exists());
}

#[test]
fn what_somebody_else_has_put_there_is_not_replaced() {
    let user = User::new();
    fs::create_dir_all(user.home(".local/bin")).expect("is made");
    fs::write(user.home(".local/bin/lockwatch"), "another program").expect("is written");
    let output = user.xtask(&[
        "install",
        "--programs",
        user.path("programs").to_str().expect("is plain"),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = lines(&output.stderr);
    let expected = format!(
        "cargo xtask: {} was not put there by lockwatch and is in the way; move it away, and run this again",
        user.home(".local/bin/lockwatch").display()
    );
    assert_eq!(complaint, [expected]);
    assert_eq!(user.files(), BTreeSet::from([".local/bin/lockwatch".to_owned()]));
    assert_eq!(user.told(), [] as [&str; 0]);
}

#[test]
fn without_a_manager_the_programs_are_there_and_it_is_said() {
    let user = User::new();
    script(
        &user.path("tools/systemctl"),
        "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n",
    );
    let programs = user.path("programs");
    let install = ["install", "--programs", programs.to_str().expect("is plain")];
    let output = user.xtask(&install);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    says(&lines(&output.stderr), "Failed to connect to bus");
    says(&lines(&output.stdout), "/.local/bin: lockwatch, lockwatch-tray");
    user.does(&[&install[..], &["--no-services"]].concat());
    user.does(&["uninstall"]);
    assert_eq!(user.files(), BTreeSet::new());
}

#[test]
fn programs_that_are_not_built_are_named() {
    let user = User::new();
    fs::remove_file(user.path("programs/lockwatch-tray")).expect("is removed");
    let output = user.xtask(&[
        "install",
        "--programs",
        user.path("programs").to_str().expect("is plain"),
    ]);
    assert_eq!(output.status.code(), Some(1));
    says(
        &lines(&output.stderr),
        "lockwatch-tray; build it with `cargo build --release --workspace`",
    );
    assert_eq!(user.files(), BTreeSet::new());
}
