//! `lockwatch service` as a user runs it: with no manager, with a made one, and with a real user manager of systemd's.
//!
//! The real one has a home and namespaces of its own, so that no service of whoever runs the test is touched. It takes root
//! and is shown as ignored where it cannot be had; the made managers of the library's tests cover the same ground.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Completion, Trial};
use lockwatch::os::MANAGER;
use lockwatch::service::ManagerKind;
use serde_json::Value;

use crate::support::{Running, folder, until};

pub(crate) fn trials() -> Vec<Trial> {
    let test =
        |name: &str, body: fn() -> Completion| Trial::ignorable_test(format!("service::{name}"), move || Ok(body()));
    vec![
        test("no_manager_and_the_way_out", no_manager_and_the_way_out),
        test("systemd_accepts_the_units", systemd_accepts_the_units),
        test("with_a_real_user_manager", with_a_real_user_manager),
    ]
}

const NO_SYSTEMD: &str = "takes a system whose services systemd looks after";

fn is_systemd() -> bool {
    MANAGER == ManagerKind::Systemd
}

/// A home, and a folder for sockets, of a user who has just come.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = folder();
        for name in ["home", "run"] {
            std::fs::create_dir(folder.path().join(name)).expect("makes it");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// In this home, and with nothing of the environment that leads elsewhere.
    fn settle(&self, command: &mut Command) {
        for name in [
            "LOCKWATCH_HOME",
            "CARGO_HOME",
            "XDG_STATE_HOME",
            "XDG_CONFIG_HOME",
            "SUDO_UID",
            "DBUS_SESSION_BUS_ADDRESS",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"));
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path("home"), self.path("run/lockwatch")];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().into_iter().flatten() {
                let path = entry.expect("is one").path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn no_manager_and_the_way_out() -> Completion {
    if !is_systemd() {
        return Completion::ignored_with(NO_SYSTEMD);
    }
    let home = Home::new();
    for command in ["status", "install", "uninstall", "start", "stop", "restart", "logs"] {
        let mut lockwatch = Command::new(env!("CARGO_BIN_EXE_lockwatch"));
        home.settle(&mut lockwatch);
        // No program in it at all.
        let output = lockwatch
            .env("PATH", home.path("run"))
            .args(["service", command])
            .output()
            .expect("runs");
        assert_eq!(output.status.code(), Some(69), "{output:?}");
        let text = text(&output);
        assert!(
            text.contains("has no service manager here") && text.contains("lockwatch daemon"),
            "{text}"
        );
    }
    assert_eq!(home.files(), Vec::<PathBuf>::new());
    Completion::Completed
}

/// A program made by another process: one that this process had open to write could not be started while a child of another
/// test has it open still.
fn script(path: &Path, text: &str) {
    let written = Command::new("sh")
        .args(["-ec", "printf %s \"$2\" > \"$1\"; chmod 755 \"$1\"", "sh"])
        .arg(path)
        .arg(text)
        .status();
    assert!(written.expect("runs").success());
}

fn systemd_accepts_the_units() -> Completion {
    let has_analyze = Command::new("systemd-analyze").arg("--version").output().is_ok();
    if !is_systemd() || !has_analyze {
        return Completion::ignored_with("takes systemd-analyze");
    }
    let home = Home::new();
    let bin = home.path("my bin%");
    std::fs::create_dir(&bin).expect("makes it");
    // A manager that agrees to everything.
    script(
        &bin.join("systemctl"),
        "#!/bin/sh\n[ \"$2\" = is-enabled ] && echo disabled\nexit 0\n",
    );
    script(&bin.join("lockwatch-tray"), "#!/bin/sh\n");
    let own = bin.join("lockwatch");
    std::fs::copy(env!("CARGO_BIN_EXE_lockwatch"), &own).expect("copies");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("is set"));
    let mut units = Vec::new();
    for (option, unit) in [(None, "lockwatch.service"), (Some("--tray"), "lockwatch-tray.service")] {
        // By sh, which starts it when no other test has the copy open to write.
        let mut install = Command::new("sh");
        home.settle(&mut install);
        let again = "until [ -x \"$0\" ] && \"$0\" --version >/dev/null 2>&1; do sleep 0.1; done; exec \"$0\" service install \"$@\"";
        let output = install
            .env("PATH", &path)
            .env("DISPLAY", ":0")
            .arg("-c")
            .arg(again)
            .arg(&own)
            .args(option)
            .output()
            .expect("runs");
        assert!(output.status.success(), "{output:?}");
        units.push(home.path("home/.config/systemd/user").join(unit));
    }
    for unit in &units {
        let mut verify = Command::new("systemd-analyze");
        home.settle(&mut verify);
        let output = verify
            .args(["--user", "verify", "--man=no"])
            .arg(unit)
            .output()
            .expect("runs");
        let said = text(&output);
        // What it says of other units of this machine is not about ours.
        let name = unit.file_name().and_then(|name| name.to_str()).expect("text");
        assert!(output.status.success() && !said.contains(name), "{said}");
    }
    // That it does find what is wrong: an unknown key, and a program that is not there.
    let text_of = |unit: &Path| std::fs::read_to_string(unit).expect("is there");
    for (right, wrong) in [("Restart=", "Restrat="), ("my bin%%", "no bin")] {
        let text_of_it = text_of(&units[0]);
        let broken = home.path("run/broken.service");
        std::fs::write(&broken, text_of_it.replacen(right, wrong, 1)).expect("writes");
        let mut verify = Command::new("systemd-analyze");
        home.settle(&mut verify);
        let output = verify
            .args(["--user", "verify", "--man=no"])
            .arg(&broken)
            .output()
            .expect("runs");
        assert!(text(&output).contains("broken.service"), "{wrong}: {output:?}");
    }
    Completion::Completed
}

/// Says `ready PID` when the manager runs, and ends it when standard input ends. Nothing is left: the mounts go with their
/// namespace, and the control group is removed.
const MANAGER_SCRIPT: &str = r#"
systemd=$1 group=/sys/fs/cgroup/$2
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
mount -t cgroup2 none /sys/fs/cgroup
mkdir "$group"
sh -ec 'echo $$ > "$1/cgroup.procs"; exec "$0" --user' "$systemd" "$group" >/dev/null 2>&1 &
pid=$!
until systemctl --user is-system-running 2>/dev/null | grep -Eq 'running|degraded'; do kill -0 "$pid"; sleep 0.1; done
echo "ready $pid"
read -r _ || true
kill "$pid"
wait "$pid" || true
find "$group" -depth -type d -exec rmdir {} + || true
"#;

struct UserManager<'a> {
    home: &'a Home,
    pid: String,
    _running: Running,
}

impl<'a> UserManager<'a> {
    fn start(home: &'a Home) -> Option<Self> {
        let systemd = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"]
            .into_iter()
            .find(|path| Path::new(path).exists())?;
        let mut command = Command::new("unshare");
        home.settle(&mut command);
        let group = format!("lockwatch-test-{}", std::process::id());
        command.args([
            "--mount",
            "--cgroup",
            "sh",
            "-ec",
            MANAGER_SCRIPT,
            "sh",
            systemd,
            &group,
        ]);
        let mut running = Running::start(&mut command).ending_itself();
        let pid = running.line().strip_prefix("ready ")?.to_owned();
        Some(Self {
            home,
            pid,
            _running: running,
        })
    }

    /// A command among the mounts of the manager, without which systemctl says that there is no systemd.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        self.home.settle(&mut command);
        command.args(["--mount", "--target", &self.pid, program]);
        command
    }

    fn service(&self, arguments: &[&str]) -> String {
        let mut command = self.command(env!("CARGO_BIN_EXE_lockwatch"));
        let output = command.arg("service").args(arguments).output().expect("runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        text(&output)
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.service(&["status", "--json"])).expect("is JSON")
    }

    /// Waits until the service runs and its daemon answers.
    fn until_it_answers(&self) -> u64 {
        until("the service's daemon answers", || {
            let status = self.status();
            let pid = status["running"].as_u64()?;
            (status["answer"]["pid"].as_u64() == Some(pid)).then_some(pid)
        })
    }
}

fn with_a_real_user_manager() -> Completion {
    if !is_systemd() {
        return Completion::ignored_with(NO_SYSTEMD);
    }
    let home = Home::new();
    let Some(manager) = UserManager::start(&home) else {
        return Completion::ignored_with("takes root, `unshare`, systemd's user manager and cgroup v2");
    };
    assert!(manager.service(&["status"]).starts_with("the daemon is not installed"));
    let said = manager.service(&["install"]);
    assert!(said.contains("started the daemon\nthe daemon answers"), "{said}");
    let first = manager.until_it_answers();
    assert_eq!(manager.status()["at_login"], "yes");
    // Again: nothing happens.
    let said = manager.service(&["install"]);
    assert!(
        said.contains("up to date") && said.contains("the daemon is running"),
        "{said}"
    );
    assert_eq!(manager.until_it_answers(), first);
    // The hardening of the unit does not blind it.
    let mut daemon = manager.command(env!("CARGO_BIN_EXE_lockwatch"));
    let state = daemon.args(["status", "--json"]).output().expect("runs");
    let state: Value = serde_json::from_slice(&state.stdout).expect("is JSON");
    assert_eq!(
        (&state["source"], &state["precision"]),
        (&Value::from("daemon"), &Value::from("exact")),
        "{state}"
    );
    // After a crash it is started anew. It was just asked who it is, and nobody else ends it.
    let pid = rustix::process::Pid::from_raw(i32::try_from(first).expect("fits")).expect("is one");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("is there");
    let second = until("another daemon", || {
        Some(manager.until_it_answers()).filter(|pid| *pid != first)
    });
    let said = manager.service(&["restart"]);
    assert!(said.contains("restarted the daemon"), "{said}");
    assert_ne!(manager.until_it_answers(), second);
    // A clean stop is not followed by a start.
    assert!(manager.service(&["stop"]).contains("stopped the daemon"));
    assert!(manager.service(&["stop"]).contains("was not running"));
    assert_eq!(manager.status()["running"], Value::Null);
    drop(manager);

    // The next login.
    let manager = UserManager::start(&home).expect("could be had before");
    manager.until_it_answers();
    let said = manager.service(&["logs"]);
    assert!(
        said.contains("==> journalctl --user --unit lockwatch.service <=="),
        "{said}"
    );
    // Changed by hand, and kept.
    let unit = home.path("home/.config/systemd/user/lockwatch.service");
    let mut mine = std::fs::read_to_string(&unit).expect("is there");
    mine.push_str("# mine\n");
    std::fs::write(&unit, &mine).expect("writes");
    assert_eq!(manager.status()["edited"], true);
    let said = manager.service(&["install"]);
    let backup = unit.with_extension("service.bak");
    assert!(
        said.contains("was changed by hand") && said.contains("restarted the daemon"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&backup).expect("is kept"), mine);
    std::fs::remove_file(&backup).expect("removes");
    // What says where files are goes into the service, so that the daemon is where the command line looks for it.
    let second = home.path("second");
    let in_second = |arguments: &[&str]| {
        let mut command = manager.command(env!("CARGO_BIN_EXE_lockwatch"));
        let output = command
            .env("LOCKWATCH_HOME", &second)
            .args(arguments)
            .output()
            .expect("runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        text(&output)
    };
    let said = in_second(&["service", "install"]);
    let carried = format!("it runs with LOCKWATCH_HOME={}, as set here", second.display());
    assert!(said.contains(&carried) && said.contains("the daemon answers"), "{said}");
    in_second(&["service", "uninstall"]);
    let left: Vec<_> = second
        .read_dir()
        .expect("is there")
        .map(|entry| entry.expect("is one").file_name())
        .collect();
    assert_eq!(left, ["history.db"]);
    manager.service(&["install"]);
    manager.until_it_answers();
    // Turned off, said and not fought; and allowed again.
    manager.service(&["uninstall"]);
    let mask = manager
        .command("systemctl")
        .args(["--user", "mask", "lockwatch.service"])
        .output()
        .expect("runs");
    assert!(mask.status.success(), "{mask:?}");
    let mut install = manager.command(env!("CARGO_BIN_EXE_lockwatch"));
    let output = install.args(["service", "install"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(77), "{output:?}");
    assert!(text(&output).contains("--enable"), "{output:?}");
    assert_eq!(manager.status()["at_login"], "disabled");
    manager.service(&["install", "--enable"]);
    manager.until_it_answers();
    manager.service(&["uninstall"]);
    assert!(manager.service(&["uninstall"]).contains("was not installed"));
    assert_eq!(home.files(), [home.path("home/.local/state/lockwatch/history.db")]);
    assert!(!home.path("run/lockwatch").exists());
    Completion::Completed
}
