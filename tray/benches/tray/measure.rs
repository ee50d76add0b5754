//! The measurements.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use crate::daemon::{self, Daemon};
use crate::helper::{Helper, private_folder};

/// How long it is watched while nothing happens.
const IDLE: Duration = Duration::from_mins(1);
/// So long nothing is measured, so that what was begun is done.
const SETTLE: Duration = Duration::from_secs(5);

/// The budgets.
const MOST_RESIDENT_KIB: u64 = 12 * 1024;
const MOST_GROWTH_KIB: u64 = 1024;

/// How many changes: those that bring everything into use, and all.
const FIRST_CHANGES: u32 = 1_000;
const CHANGES: u32 = 10_000;

pub(crate) fn all() -> ExitCode {
    let folder = private_folder();
    let address = format!("unix:path={}", folder.path().join("bus").display());
    let mut bus = Helper::start("bus", &[address.as_ref()], &[]);
    bus.says("ready");
    let daemon = Daemon::at(&folder.path().join("daemon.sock"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockwatch-tray"));
    command
        .env("DBUS_SESSION_BUS_ADDRESS", &address)
        .env("HOME", folder.path())
        .env("LOCKWATCH_HOME", folder.path())
        // No service manager is to be asked on this bus.
        .env_remove("XDG_RUNTIME_DIR")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let tray = Tray(command.spawn().expect("starts"));
    let mut subscriber = daemon.subscriber();
    std::thread::sleep(SETTLE);

    let mut missed = false;
    let mut row = |what: &str, measured: u64, budget: u64, unit: &str| {
        missed |= measured > budget;
        let verdict = if measured > budget { "MISSED" } else { "met" };
        let line = format!("| {what} | {measured} {unit} | ≤ {budget} {unit} | {verdict} |");
        drop(writeln!(std::io::stdout(), "{line}"));
    };
    row("idle: resident", tray.resident(), MOST_RESIDENT_KIB, "KiB");
    let (switches, cpu) = (tray.switches(), tray.cpu());
    std::thread::sleep(IDLE);
    row("idle: wake-ups in a minute", tray.switches() - switches, 0, "");
    row("idle: ticks of CPU time in a minute", tray.cpu() - cpu, 0, "");

    daemon::change(&mut subscriber, 1, FIRST_CHANGES);
    std::thread::sleep(SETTLE);
    let after_first = tray.resident();
    daemon::change(&mut subscriber, FIRST_CHANGES, CHANGES);
    std::thread::sleep(SETTLE);
    let after_all = tray.resident();
    let what = format!("{CHANGES} changes: resident, over that after the first {FIRST_CHANGES} ({after_first} KiB)");
    row(&what, after_all.saturating_sub(after_first), MOST_GROWTH_KIB, "KiB");
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// It ends with this value.
struct Tray(Child);

impl Tray {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0.id())).expect("runs")
    }

    /// In KiB.
    fn resident(&self) -> u64 {
        number(&self.file("status"), "VmRSS:")
    }

    /// How often its threads were woken.
    fn switches(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("runs");
        let status =
            tasks.map(|task| fs::read_to_string(task.expect("is one").path().join("status")).unwrap_or_default());
        status.map(|status| number(&status, "voluntary_ctxt_switches:")).sum()
    }

    /// In the kernel's ticks.
    fn cpu(&self) -> u64 {
        let stat = self.file("stat");
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum()
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
