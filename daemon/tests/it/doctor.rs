//! `lockwatch doctor`: the self-test, and each cause made for real. What takes a mount or another user is shown as ignored
//! where this machine does not let it be made; the judgement alone is tested beside the code then.

#[cfg(target_os = "linux")]
mod fuse;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Completion, Trial};
use lockwatch::doctor::{Finding, Outcome, Report};

#[cfg(target_os = "linux")]
pub(crate) use self::fuse::on_fuse;
use crate::support::{Running, folder, holder, lockwatch, until, until_seen};

pub(crate) fn trials() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(format!("doctor::{name}"), move || {
            body();
            Ok(())
        })
    };
    let mounting =
        |name: &str, body: fn() -> Completion| Trial::ignorable_test(format!("doctor::{name}"), move || Ok(body()));
    vec![
        test("the_schema_refuses_what_is_wrong", the_schema_refuses_what_is_wrong),
        test("the_self_test_passes", the_self_test_passes),
        test(
            "a_report_has_no_secrets_and_no_home",
            a_report_has_no_secrets_and_no_home,
        ),
        test("a_deleted_lock_that_is_held", a_deleted_lock_that_is_held),
        test(
            "several_cargos_on_one_target_folder",
            several_cargos_on_one_target_folder,
        ),
        test("rust_analyzer_on_the_target_folder", rust_analyzer_on_the_target_folder),
        test("a_tray_whose_program_is_gone", a_tray_whose_program_is_gone),
        test(
            "a_broken_and_a_misspelt_configuration",
            a_broken_and_a_misspelt_configuration,
        ),
        test("a_daemon_of_another_version", a_daemon_of_another_version),
        mounting("files_of_root_after_sudo", files_of_root_after_sudo),
        mounting("a_folder_mounted_read_only", a_folder_mounted_read_only),
        mounting("a_full_disk", a_full_disk),
        mounting("a_disk_without_inodes", a_disk_without_inodes),
        #[cfg(target_os = "linux")]
        mounting("a_cargo_home_on_fuse", a_cargo_home_on_fuse),
        mounting("a_container", a_container),
        mounting("hidden_processes", hidden_processes),
    ]
}

const NO_MOUNTS: &str = "takes root that may mount, and the `unshare` command";
const NOT_ROOT: &str = "takes root, to give files to another user";

/// A home with everything of its own: `lockwatch`, `cargo` and the project `work`.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(folder());
        for name in ["lockwatch", "cargo", "work/src"] {
            std::fs::create_dir_all(home.path(name)).expect("makes it");
        }
        std::fs::set_permissions(home.path("lockwatch"), std::fs::Permissions::from_mode(0o700)).expect("closes it");
        let manifest = "[package]\nname = \"work\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
        std::fs::write(home.path("work/Cargo.toml"), manifest).expect("writes");
        std::fs::write(home.path("work/src/lib.rs"), "").expect("writes");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn environment(&self, command: &mut Command) {
        command
            .current_dir(self.path("work"))
            .env("HOME", self.0.path())
            .env("LOCKWATCH_HOME", self.path("lockwatch"))
            .env("CARGO_HOME", self.path("cargo"))
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_BUILD_DIR");
        if let Some(rustup) = rustup_home() {
            command.env("RUSTUP_HOME", rustup);
        }
    }

    /// The doctor, here.
    fn doctor(&self) -> Report {
        let mut command = lockwatch();
        self.environment(&mut command);
        report(&command.args(["doctor", "--json"]).output().expect("runs"))
    }

    /// The doctor in a mount namespace of its own, after a script that may mount; none where that is not possible.
    fn doctor_after(&self, script: &str) -> Option<Report> {
        self.doctor_by(&format!("{script}\nexec \"$0\" doctor --json"))
    }

    /// What a script says that may mount and starts `"$0" doctor --json`.
    fn doctor_by(&self, script: &str) -> Option<Report> {
        let can = Command::new("unshare").args(["-m", "true"]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let mut command = Command::new("unshare");
        command
            .args(["-m", "sh", "-ec", script])
            .arg(env!("CARGO_BIN_EXE_lockwatch"));
        self.environment(&mut command);
        let output = command.output().expect("runs");
        let mounts_fail = String::from_utf8_lossy(&output.stderr).contains("mount");
        (!mounts_fail).then(|| report(&output))
    }
}

/// With another `HOME` rustup's cargo would not find its toolchains.
fn rustup_home() -> Option<PathBuf> {
    let named = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".rustup")))
}

/// What it printed, which must fit the published schema.
fn report(output: &Output) -> Report {
    let schema = serde_json::from_str(include_str!("../../schema/doctor-1.schema.json")).expect("is JSON");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let validator = jsonschema::options().build(&schema).expect("is a schema");
    let wrong: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} in {document}");
    let report: Report = serde_json::from_value(document).expect("is a report");
    assert_eq!(output.status.code(), Some(i32::from(!report.healthy)), "{output:?}");
    let known = schema["$defs"]["finding"]["properties"]["id"]["description"]
        .as_str()
        .expect("is text");
    for finding in report.findings() {
        assert!(known.contains(&finding.id), "the schema does not name {}", finding.id);
    }
    report
}

/// The finding of this name about something in the home.
fn finding<'a>(report: &'a Report, id: &str, home: &Home) -> &'a Finding {
    let place = home.0.path().to_str().expect("plain");
    let mut found = report.findings().filter(|finding| finding.id == id);
    found
        .find(|finding| finding.what.contains(place))
        .unwrap_or_else(|| panic!("no {id} in {:?}", report.findings().collect::<Vec<_>>()))
}

fn has(report: &Report, id: &str) -> bool {
    report.findings().any(|finding| finding.id == id)
}

fn the_schema_refuses_what_is_wrong() {
    let schema = serde_json::from_str(include_str!("../../schema/doctor-1.schema.json")).expect("is JSON");
    let validator = jsonschema::options().build(&schema).expect("is a schema");
    let with = |check: &str| {
        let text = format!(
            r#"{{"schema_version": 1, "version": "1", "healthy": true, "self_test": null, "checks": [{check}]}}"#
        );
        validator.is_valid(&serde_json::from_str(&text).expect("is JSON"))
    };
    assert!(with(r#"{"name": "x", "outcome": "fine", "of_a_newer_one": 1}"#));
    for wrong in [
        r#"{"name": "x"}"#,
        r#"{"name": "x", "outcome": "found"}"#,
        r#"{"name": "x", "outcome": "found", "findings": []}"#,
        r#"{"name": "x", "outcome": "not-checked"}"#,
        r#"{"name": "x", "outcome": "found", "findings": [{"id": "a"}]}"#,
    ] {
        assert!(!with(wrong), "{wrong}");
    }
}

fn the_self_test_passes() {
    // `packaging/selftest.sh` does it a hundred times.
    for _ in 0..3 {
        let report = Home::new().doctor();
        let test = report.self_test.as_ref().expect("was made");
        assert!(test.passed, "{test:?}");
        let parts: Vec<&str> = test.parts.iter().map(|part| part.id.as_str()).collect();
        let all = [
            "holder",
            "waiter",
            "stopped",
            "killed",
            "released",
            "shared",
            "behind-shared",
        ];
        assert_eq!(parts, all);
        assert!(test.taken_to_named_ms.is_some() && test.killed_to_named_ms.is_some() && test.look_us.is_some());
    }
}

fn a_report_has_no_secrets_and_no_home() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("cargo/--token=verysecret")).expect("makes it");
    let mut command = crate::support::helper_command(["lock", "exclusive", ".package-cache"]);
    command.args(["exclusive", "--token=verysecret/.package-cache"]);
    let mut front = Running::start(command.current_dir(home.path("cargo")));
    assert_eq!(front.line(), "locked");
    assert_eq!(front.line(), "locked");
    let mut command = lockwatch();
    home.environment(&mut command);
    let output = command.args(["doctor", "--report"]).output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("is text");
    assert!(text.contains(&format!("pid {}", front.pid())), "{text}");
    assert!(text.contains("~/cargo/.package-cache"), "{text}");
    assert!(text.contains("self-test"), "{text}");
    let place = home.0.path().to_str().expect("plain");
    assert!(!text.contains(&format!("{place}/")), "{text}");
    let argv: Vec<&str> = text.lines().filter(|line| line.contains("helper lock")).collect();
    assert!(argv.iter().any(|line| line.contains("***")), "{text}");
    assert!(!argv.iter().any(|line| line.contains("verysecret")), "{argv:?}");
}

fn a_deleted_lock_that_is_held() {
    let home = Home::new();
    let lock = home.path("work/target/debug/.cargo-build-lock");
    std::fs::create_dir_all(lock.parent().expect("has one")).expect("makes it");
    let front = holder("exclusive", &lock);
    assert!(
        !home
            .doctor()
            .findings()
            .any(|found| found.what.contains(lock.to_str().expect("plain")))
    );
    std::fs::remove_file(&lock).expect("is deleted");
    let report = home.doctor();
    let found = finding(&report, "deleted-lock", &home);
    assert!(
        found.mend.contains(&format!("lockwatch stop {}", front.pid())),
        "{found:?}"
    );
    assert!(!report.healthy);
}

/// Starts a copy of the helpers under another name.
fn start_as(program: &Path, arguments: &[&str], path: Option<&Path>) -> Running {
    std::fs::create_dir_all(program.parent().expect("has one")).expect("makes it");
    std::fs::copy(std::env::current_exe().expect("own path"), program).expect("copies");
    // While another test starts a process, the copy may be open for writing in that one.
    until("the copy can be started", || {
        let ended_at_once = Command::new(program).args(["helper", "lock"]).output();
        ended_at_once.ok()
    });
    Running::start(Command::new(program).arg("helper").args(arguments).args(path))
}

/// Whether this is found about something in the home.
fn is_found(home: &Home, id: &str) -> bool {
    let place = home.0.path().to_str().expect("plain");
    let report = home.doctor();
    report
        .findings()
        .any(|found| found.id == id && found.what.contains(place))
}

fn several_cargos_on_one_target_folder() {
    let home = Home::new();
    let lock = home.path("work/target/debug/.cargo-lock");
    std::fs::create_dir_all(lock.parent().expect("has one")).expect("makes it");
    let start = |toolchain: &str| {
        let program = home.path(&format!("toolchains/{toolchain}/bin/cargo"));
        let mut running = start_as(&program, &["lock", "shared"], Some(&lock));
        assert_eq!(running.line(), "locked");
        running
    };
    let _old = start("1.95.0-x86_64-unknown-linux-gnu");
    assert!(!is_found(&home, "several-cargos"));
    let _new = start("1.97.0-x86_64-unknown-linux-gnu");
    let report = home.doctor();
    let found = finding(&report, "several-cargos", &home);
    assert!(
        found.what.contains("1.95.0-") && found.what.contains("1.97.0-"),
        "{found:?}"
    );
}

fn rust_analyzer_on_the_target_folder() {
    let home = Home::new();
    let analyzer = |folder: &str| {
        let lock = home.path(folder).join(".cargo-build-lock");
        std::fs::create_dir_all(lock.parent().expect("has one")).expect("makes it");
        let program = home.path("bin/rust-analyzer");
        let mut running = start_as(&program, &["waiters", "1"], Some(&lock)).ending_itself();
        assert_eq!(running.line(), "started");
        until_seen(&lock, 1, 0);
        running
    };
    let apart = analyzer("work/target/rust-analyzer/debug");
    assert!(!is_found(&home, "rust-analyzer-shares"));
    drop(apart);
    let _shared = analyzer("work/target/debug");
    let report = home.doctor();
    let found = finding(&report, "rust-analyzer-shares", &home);
    assert!(found.mend.contains("rust-analyzer.cargo.targetDir"), "{found:?}");
}

fn a_tray_whose_program_is_gone() {
    let home = Home::new();
    let program = home.path("bin/lockwatch-tray");
    let tray = start_as(&program, &["sit"], None);
    std::fs::remove_file(&program).expect("is deleted");
    let report = home.doctor();
    let mut found = report.findings().filter(|found| found.id == "tray-version");
    let own = format!("process {}", tray.pid());
    assert!(found.any(|found| found.what.contains(&own)), "{report:?}");
}

fn a_broken_and_a_misspelt_configuration() {
    let home = Home::new();
    for (content, id) in [
        ("thresholds = 3\n", "broken-configuration"),
        ("cargo_hoems = []\n", "unknown-key"),
    ] {
        std::fs::write(home.path("lockwatch/config.toml"), content).expect("writes");
        let report = home.doctor();
        let found = finding(&report, id, &home);
        assert!(found.mend.contains("config.toml"), "{found:?}");
    }
}

/// Somebody who answers as a daemon of another version does.
fn a_daemon_of_another_version() {
    let home = Home::new();
    let listener = UnixListener::bind(home.path("lockwatch/daemon.sock")).expect("binds");
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { return };
            let mut line = String::new();
            drop(BufReader::new(&client).read_line(&mut line));
            let answer = if line.contains("\"hello\"") {
                r#"{"jsonrpc":"2.0","id":1,"result":{"version":"0.0.7","protocol":1,"pid":4711}}"#
            } else {
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#
            };
            drop(writeln!(client, "{answer}"));
        }
    });
    let report = home.doctor();
    let found = report.findings().find(|found| found.id == "daemon-version");
    let found = found.unwrap_or_else(|| panic!("{report:?}"));
    assert!(
        found.what.contains("0.0.7") && found.mend.contains("restart"),
        "{found:?}"
    );
}

fn files_of_root_after_sudo() -> Completion {
    if !rustix::process::geteuid().is_root() {
        return Completion::ignored_with(NOT_ROOT);
    }
    let home = Home::new();
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(64_001), Some(64_001));
    for path in ["", "work", "work/target", "cargo"] {
        std::fs::create_dir_all(home.path(path)).expect("is done");
        give(&home.path(path)).expect("is done");
    }
    assert!(!has(&home.doctor(), "root-owned"));
    std::fs::create_dir_all(home.path("work/target/debug/deps")).expect("is done");
    std::fs::create_dir_all(home.path("cargo/registry/cache")).expect("is done");
    symlink("nowhere", home.path("work/target/link")).expect("is done");
    let report = home.doctor();
    let found: Vec<&Finding> = report.findings().filter(|found| found.id == "root-owned").collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for found in found {
        assert!(found.mend.starts_with("sudo chown -R 64001 '"), "{found:?}");
    }
    Completion::Completed
}

fn a_folder_mounted_read_only() -> Completion {
    let home = Home::new();
    std::fs::create_dir_all(home.path("work/target")).expect("is done");
    let script = "for place in \"$CARGO_HOME\" \"$PWD/target\"; do
        mount --bind \"$place\" \"$place\"; mount -o remount,bind,ro \"$place\"; done; cd \"$PWD\"";
    let Some(report) = home.doctor_after(script) else {
        return Completion::ignored_with(NO_MOUNTS);
    };
    let found: Vec<&Finding> = report.findings().filter(|found| found.id == "read-only").collect();
    assert_eq!(found.len(), 2, "{report:?}");
    assert!(found[0].mend.starts_with("sudo mount -o remount,rw "), "{found:?}");
    Completion::Completed
}

fn a_full_disk() -> Completion {
    let home = Home::new();
    std::fs::create_dir_all(home.path("work/target")).expect("is done");
    let Some(report) = home.doctor_after("mount -t tmpfs -o size=4m none \"$PWD/target\"") else {
        return Completion::ignored_with(NO_MOUNTS);
    };
    let found = finding(&report, "disk-full", &home);
    assert!(
        found.what.contains("has 4 MB left") && found.mend.contains("cargo clean"),
        "{found:?}"
    );
    Completion::Completed
}

fn a_disk_without_inodes() -> Completion {
    let home = Home::new();
    let Some(report) = home.doctor_after("mount -t tmpfs -o size=1g,nr_inodes=20 none \"$CARGO_HOME\"") else {
        return Completion::ignored_with(NO_MOUNTS);
    };
    let found = finding(&report, "no-inodes", &home);
    assert!(found.what.contains("more files"), "{found:?}");
    Completion::Completed
}

/// As with a home on sshfs, or a folder that a container gets from its host.
#[cfg(target_os = "linux")]
fn a_cargo_home_on_fuse() -> Completion {
    let home = Home::new();
    let helper = std::env::current_exe().expect("own path");
    let script = format!(
        "exec '{}' helper on-fuse \"$CARGO_HOME\" \"$0\" doctor --json",
        helper.display()
    );
    let Some(report) = home.doctor_by(&script) else {
        return Completion::ignored_with("takes a user that may mount, the `unshare` command, and FUSE");
    };
    let found = finding(&report, "no-flock", &home);
    assert!(
        found.what.contains("is on fuse, where locks depend on")
            && found.mend.starts_with("export CARGO_HOME=/var/tmp/"),
        "{found:?}"
    );
    assert!(!has(&report, "disk-full"), "it does not tell its size: {report:?}");
    Completion::Completed
}

/// A container with processes of its own.
fn a_container() -> Completion {
    let home = Home::new();
    let mut command = Command::new("unshare");
    command.args([
        "-mpf",
        "--mount-proc",
        env!("CARGO_BIN_EXE_lockwatch"),
        "doctor",
        "--json",
    ]);
    home.environment(&mut command);
    let output = command.output();
    let Some(output) = output.ok().filter(|output| !output.stdout.is_empty()) else {
        return Completion::ignored_with(NO_MOUNTS);
    };
    let report = report(&output);
    assert!(has(&report, "pid-namespace"), "{report:?}");
    let test = report.self_test.expect("was made");
    assert!(test.passed, "what is locked inside is seen inside: {test:?}");
    Completion::Completed
}

/// A `/proc` that hides the processes of other users, seen by one who is not root.
fn hidden_processes() -> Completion {
    let home = Home::new();
    let binary = home.path("lockwatch-of-all");
    std::fs::copy(env!("CARGO_BIN_EXE_lockwatch"), &binary).expect("is done");
    for path in ["", "work"] {
        std::fs::set_permissions(home.path(path), std::fs::Permissions::from_mode(0o755)).expect("is done");
    }
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).expect("is done");
    let mut command = Command::new("unshare");
    let script = "mount -o remount,hidepid=2 /proc; \
                  exec setpriv --reuid 64001 --regid 64001 --clear-groups \"$0\" doctor --json";
    command.args(["-mpf", "--mount-proc", "sh", "-ec", script]).arg(&binary);
    home.environment(&mut command);
    // Not one's own, for that user.
    command.env("LOCKWATCH_HOME", "/nonexistent");
    let output = command.output();
    let Some(output) = output.ok().filter(|output| !output.stdout.is_empty()) else {
        return Completion::ignored_with("takes root that may mount, and the commands `unshare` and `setpriv`");
    };
    let report = report(&output);
    assert!(has(&report, "hidepid"), "{report:?}");
    let unreadable = report
        .checks
        .iter()
        .any(|check| matches!(check.outcome, Outcome::NotChecked { .. }));
    assert!(unreadable, "no daemon is said as not checked: {report:?}");
    Completion::Completed
}
