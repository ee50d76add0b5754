//! launchd itself, with an agent under a label of the test's own.

use std::path::Path;
use std::process::{Command, Output};

use lockwatch::client::Client;
use lockwatch::folders::{Base, Folders, Layout};
use lockwatch::process::Pid;

use crate::actors::{Place, private_home, until};

fn launchctl(arguments: &[&str]) -> Output {
    Command::new("/bin/launchctl").args(arguments).output().unwrap()
}

/// An agent; it is taken out again when this is dropped.
struct Agent {
    domain: String,
    label: String,
}

impl Agent {
    /// In the domain of the screen where somebody is logged in there, else in the user's.
    fn new() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let mut domains = [format!("gui/{uid}"), format!("user/{uid}")].into_iter();
        let domain = domains.find(|domain| launchctl(&["print", domain]).status.success());
        Self {
            domain: domain.expect("launchd has a domain for this user"),
            label: format!("com.example.lockwatch.test-{}", std::process::id()),
        }
    }

    fn target(&self) -> String {
        format!("{}/{}", self.domain, self.label)
    }

    /// What `print` says, where launchd knows the agent.
    fn printed(&self) -> Option<String> {
        let output = launchctl(&["print", &self.target()]);
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn pid(&self) -> Option<Pid> {
        let text = self.printed()?;
        let mut lines = text.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix("pid = ")?.parse().ok())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        launchctl(&["bootout", &self.target()]);
    }
}

fn property_list(label: &str, home: &Path) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>{label}</string>
<key>ProgramArguments</key><array><string>{}</string><string>daemon</string></array>
<key>EnvironmentVariables</key><dict>
<key>LOCKWATCH_HOME</key><string>{home}</string><key>CARGO_HOME</key><string>{home}/cargo</string>
</dict>
<key>RunAtLoad</key><true/>
<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
<key>ThrottleInterval</key><integer>1</integer>
</dict></plist>
"#,
        env!("CARGO_BIN_EXE_lockwatch"),
        home = home.display(),
    )
}

#[test]
fn launchd_starts_the_daemon_again_after_a_crash_and_lets_it_go() {
    let place = Place::new();
    let home = private_home(&place);
    let agent = Agent::new();
    let file = place.folder.join("agent.plist");
    std::fs::write(&file, property_list(&agent.label, &home)).unwrap();
    let file = file.to_str().unwrap();
    let linted = Command::new("/usr/bin/plutil").args(["-lint", file]).output().unwrap();
    assert!(linted.status.success(), "{linted:?}");

    let output = launchctl(&["bootstrap", &agent.domain, file]);
    assert!(output.status.success(), "{output:?}");
    let folders = folders(&home);
    let answering = |but: Option<Pid>| {
        until("the daemon's answer", || {
            let mut client = Client::connect(&folders).ok()??;
            let pid = client.hello().ok()?.pid;
            (Some(pid) != but && agent.pid() == Some(pid)).then_some(pid)
        })
    };
    let first = answering(None);
    assert!(
        !launchctl(&["bootstrap", &agent.domain, file]).status.success(),
        "a second one is refused"
    );

    let killed = launchctl(&["kill", "SIGKILL", &agent.target()]);
    assert!(killed.status.success(), "{killed:?}");
    let second = answering(Some(first));

    // It may say that this is under way.
    launchctl(&["bootout", &agent.target()]);
    until("the end of the agent", || agent.printed().is_none().then_some(()));
    let gone = rustix::process::Pid::from_raw(second.cast_signed()).unwrap();
    until("the end of the daemon", || {
        rustix::process::test_kill_process(gone).err()
    });
    assert!(matches!(Client::connect(&folders), Ok(None)), "it has ended in order");
}

fn folders(home: &Path) -> Folders {
    let base = Base {
        lockwatch_home: Some(home.to_owned()),
        ..Base::default()
    };
    Folders::new(&base, Layout::Apple)
}

/// The first thing that launchd refuses is a label that it does not know.
#[test]
fn an_agent_that_is_not_there_cannot_be_taken_out() {
    let agent = Agent::new();
    let unknown = format!("{}/com.example.lockwatch.never-{}", agent.domain, std::process::id());
    let output = launchctl(&["bootout", &unknown]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let output = launchctl(&["print", &unknown]);
    assert_eq!(output.status.code(), Some(113), "{output:?}");
}
