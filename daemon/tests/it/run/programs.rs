//! The page for programs: each of its scripts runs.

use std::process::{Command, Stdio};

use libtest_mimic::{Completion, Trial};

use super::Stage;
use crate::support::holder;

const PAGE: &str = include_str!("../../../programs.md");

pub(super) fn trials() -> Vec<Trial> {
    vec![Trial::ignorable_test(
        "run::programs::each_script_of_the_page_runs",
        || Ok(scripts()),
    )]
}

/// Each script, where nothing is held and where a lock is that somebody would wait for.
fn scripts() -> Completion {
    let has_jq = Command::new("jq")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    if !has_jq {
        return Completion::ignored_with("there is no jq on this machine");
    }
    let stage = Stage::new();
    let here = stage.place.project("p", "", None);
    let scripts: Vec<&str> = PAGE
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("has an end"))
        .collect();
    assert_eq!(scripts.len(), 7);
    let program = env!("CARGO_BIN_EXE_lockwatch");
    let folders = [program, stage.cargo.program.to_str().expect("is plain")]
        .map(|file| file.rsplit_once('/').map_or("", |(folder, _)| folder));
    let path = format!("{}:{}", folders.join(":"), std::env::var("PATH").expect("is set"));
    let run = |script: &str| {
        let mut command = stage.run(&here, &[], &["true"]);
        let envs: Vec<_> = command
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        command = Command::new("sh");
        for (name, value) in envs {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // Of a script without an `if` the last command counts; `-e` makes it the first that fails. A code that is asked for after a
        // command must not end it.
        let flags = if script.contains("code=$?") { "-uc" } else { "-euc" };
        let output = command
            .args([flags, script])
            .current_dir(&here)
            .env("HOME", stage.place.folder.path())
            .env("PATH", &path)
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{script}\n{said}");
        String::from_utf8(output.stdout).expect("is text")
    };
    for script in &scripts {
        run(script);
    }
    let said = run(scripts[5]);
    assert!(said.starts_with("cargo "), "the cargo that queues is cargo: {said}");
    let _held = holder("exclusive", &stage.place.home().join(".package-cache"));
    // Cargo's version needs no lock, so nothing is in its way.
    assert!(run(scripts[3]).contains("cargo has ended with 0"));
    let busy = scripts[3].replace("cargo --version", "cargo fetch");
    assert_eq!(
        run(&busy),
        "",
        "it says that the folder is taken, and not that cargo has ended"
    );
    Completion::Completed
}
