//! What it costs the watched: the time that cargo takes with and without the daemon.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::progress;
use crate::samples::{Milliseconds, Samples, ratio};
use crate::table::Table;

pub(crate) fn measure(quick: bool, table: &mut Table) -> io::Result<()> {
    let count = if quick { 40 } else { 500 };
    progress(&format!(
        "`cargo metadata --offline` {count} times with and without the daemon"
    ));
    let place = tempfile::Builder::new().prefix("lockwatch-bench-").tempdir()?;
    let project = place.path().join("project");
    std::fs::create_dir_all(project.join("src"))?;
    std::fs::write(project.join("src/lib.rs"), "")?;
    std::fs::write(
        project.join("Cargo.toml"),
        "[package]\nname = \"measured\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
    )?;
    let (mut with, mut without) = (Samples::default(), Samples::default());
    // In turns of ten, so that what the machine does otherwise falls on both.
    for turn in 0..count / 10 * 2 {
        let daemon = if turn % 2 == 0 { Some(Daemon::start()?) } else { None };
        let home = daemon
            .as_ref()
            .map_or_else(|| place.path().join("cargo"), Daemon::cargo_home);
        run(&project, &home)?; // what a new Cargo home costs once
        let samples = if daemon.is_some() { &mut with } else { &mut without };
        for _ in 0..10 {
            samples.add(run(&project, &home)?);
        }
    }
    table.heading(&format!("`cargo metadata --offline`, {count} times each, in turn"));
    table.figure("without the daemon, median", Milliseconds(without.median()).to_string());
    table.figure("with the daemon, median", Milliseconds(with.median()).to_string());
    table.at_most("with of without", ratio(with.median(), without.median()), 1.02, "×");
    Ok(())
}

fn run(project: &Path, home: &Path) -> io::Result<Duration> {
    let begin = Instant::now();
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--offline", "--format-version", "1"])
        .current_dir(project)
        .env("CARGO_HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let took = begin.elapsed();
    if status.success() {
        Ok(took)
    } else {
        Err(io::Error::other("cargo metadata failed"))
    }
}
