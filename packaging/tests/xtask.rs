//! `cargo xtask` as it is typed, and the files that it writes, read back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockwatch-packaging"))
        .args(arguments)
        .output()
        .expect("runs")
}

/// Runs it with a folder that does not exist yet, and returns that one.
fn written_by(task: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("is made");
    let out = folder.path().join("not/yet");
    let output = xtask(&[task, "--out", out.to_str().expect("is plain")]);
    assert!(output.status.success(), "{output:?}");
    let listed: BTreeSet<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    let found: BTreeSet<String> = files(&out)
        .into_iter()
        .map(|name| out.join(name).display().to_string())
        .collect();
    assert_eq!(listed, found);
    (folder, out)
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("is there");
    entries
        .map(|entry| entry.expect("is read").file_name().into_string().expect("is plain"))
        .collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("is text")
}

/// The commands that `lockwatch --help` shows.
fn commands() -> Vec<String> {
    let command = lockwatch::cli::command();
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
    let names: Vec<String> = shown.map(|one| one.get_name().to_owned()).collect();
    assert!(names.contains(&"status".to_owned()));
    names
}

/// The pages of a command and of those below it: `a.1`, `a-b.1`, `a-b-c.1`.
fn pages_of(command: &clap::Command, name: &str, pages: &mut BTreeSet<String>) {
    pages.insert(format!("{name}.1"));
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages_of(below, &format!("{name}-{}", below.get_name()), pages);
    }
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let (_folder, out) = written_by("man");
    let mut pages = BTreeSet::new();
    pages_of(&lockwatch::cli::command(), "lockwatch", &mut pages);
    assert!(pages.contains("lockwatch-status.1"));
    assert_eq!(files(&out), pages);
    for page in pages {
        let roff = fs::read_to_string(out.join(&page)).expect("is text");
        let name = page.trim_end_matches(".1");
        assert!(
            roff.contains(&format!(".TH {name} 1")),
            "{page} has the wrong title:\n{roff}"
        );
        // The names are written with the hyphen that can be copied into a shell.
        assert!(
            roff.contains(&format!(".SH NAME\n{} \\- ", name.replace('-', "\\-"))),
            "{page} has no name:\n{roff}"
        );
        assert!(roff.contains(".SH SYNOPSIS"), "{page} has no synopsis");
    }
    let status = fs::read_to_string(out.join("lockwatch-status.1")).expect("is text");
    assert!(
        status.contains("\\-\\-check") && status.contains("Examples:"),
        "{status}"
    );
}

#[test]
fn there_are_completions_for_three_shells() {
    let (_folder, out) = written_by("completions");
    let shells = ["_lockwatch", "lockwatch.bash", "lockwatch.fish"].map(str::to_owned);
    assert_eq!(files(&out), BTreeSet::from(shells));
    for name in files(&out) {
        let script = fs::read_to_string(out.join(&name)).expect("is text");
        for command in commands() {
            assert!(script.contains(&command), "{name} does not complete {command}");
        }
        assert!(
            script.contains("check"),
            "{name} does not complete the options of status"
        );
    }
    let zsh = fs::read_to_string(out.join("_lockwatch")).expect("is text");
    assert!(zsh.starts_with("#compdef lockwatch\n"), "{zsh}");
}

/// The script does what it is for: bash itself says what comes after `lockwatch st`. Every Linux and every Mac has one.
#[test]
fn bash_completes_with_them() {
    let (_folder, out) = written_by("completions");
    let script = "source lockwatch.bash && COMP_WORDS=(lockwatch st) COMP_CWORD=1 \
                  && _lockwatch lockwatch st lockwatch && echo \"${COMPREPLY[*]}\"";
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(&out)
        .output()
        .expect("runs");
    assert_eq!(text(&output.stdout), "status stop\n", "{output:?}");
}

#[test]
fn what_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().expect("is made");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("is written");
    // A folder where a file should be.
    fs::create_dir(folder.path().join("lockwatch.1")).expect("is made");
    for (task, out, sentence) in [
        ("man", file.as_path(), "cannot make the folder "),
        ("completions", file.as_path(), "cannot make the folder "),
        ("man", folder.path(), "cannot write "),
    ] {
        let output = xtask(&[task, "--out", out.to_str().expect("is plain")]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let complaint = text(&output.stderr);
        assert!(
            complaint.starts_with(&format!("cargo xtask: {sentence}{}", out.display())),
            "{complaint}"
        );
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn each_help_has_an_example() {
    for task in [
        "install",
        "uninstall",
        "bundle",
        "dist",
        "icons",
        "man",
        "completions",
        "--help",
    ] {
        let output = xtask(&[task, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("Example"), "{output:?}");
    }
    for arguments in [&[][..], &["man"], &["completions", "--out"], &["other"]] {
        assert_eq!(xtask(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
