//! From taking a lock to a subscriber that has the state, and from releasing it.

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::daemon::{Daemon, holders_in, now};
use crate::helper::take_once;
use crate::progress;
use crate::samples::{Milliseconds, Samples};
use crate::table::Table;

/// How long each hold of a second row lasts, and how long to pause between two polls: what a user would run instead.
const POLLS: [(&str, &[&str], u32, u32); 2] = [
    (
        "lslocks once a second (`watch -n1 lslocks`)",
        &["lslocks", "-u", "-n", "-o", "PATH"],
        1,
        2500,
    ),
    ("lsof every 5 s", &["lsof", "-n", "-w"], 5, 7000),
];

pub(crate) fn measure(quick: bool, table: &mut Table) -> io::Result<()> {
    let count: u32 = if quick { 100 } else { 1000 };
    progress(&format!("{count} takes of a lock, each held for 30 ms"));
    let daemon = Daemon::start()?;
    let (takes, releases, missed) = takes(&daemon, count)?;
    table.heading(&format!(
        "from a lock that is taken to a subscriber of the socket, {} times of {count}; {missed} missed",
        takes.count()
    ));
    judged(table, "taken", &takes);
    judged(table, "released", &releases);
    for (name, command, pause, hold) in POLLS {
        let count = if quick { 2 } else { 20 };
        progress(&format!("{name}, {count} takes"));
        match polled(&daemon, command, pause, hold, count) {
            Ok(seen) => table.figure(
                name,
                format!(
                    "{} median, {} max",
                    Milliseconds(seen.median()),
                    Milliseconds(seen.max())
                ),
            ),
            Err(error) => table.figure(name, format!("not measured: {error}")),
        }
    }
    Ok(())
}

fn judged(table: &mut Table, what: &str, samples: &Samples) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    table.at_most(&format!("{what}, median"), milliseconds(samples.median()), 1.0, "ms");
    table.at_most(&format!("{what}, p99"), milliseconds(samples.p99()), 10.0, "ms");
    table.figure(&format!("{what}, max"), Milliseconds(samples.max()).to_string());
}

/// When each hold began and ended by the holder's word, and when a subscriber was told. Each holder is a new process, and
/// the pauses are of many lengths, so that they fall in with nothing that goes round by itself.
fn takes(daemon: &Daemon, count: u32) -> io::Result<(Samples, Samples, usize)> {
    let mut subscriber = daemon.subscribe()?;
    let lock = daemon.lock();
    let path = lock.to_string_lossy().into_owned();
    let of = path.clone();
    let reader = std::thread::spawn(move || {
        let (mut told, mut before, mut line) = (Vec::new(), BTreeSet::new(), String::new());
        while subscriber.read_line(&mut line).is_ok_and(|length| length > 0) {
            let at = now();
            let holders = holders_in(&line, &of);
            told.extend(holders.difference(&before).map(|pid| (*pid, at, true)));
            told.extend(before.difference(&holders).map(|pid| (*pid, at, false)));
            before = holders;
            line.clear();
        }
        told
    });
    let mut said = Vec::new();
    for round in 0..count {
        std::thread::sleep(Duration::from_millis((20 + round * 7919 % 60).into()));
        said.push(take_once(&path, 30)?);
    }
    // The last release is told within a second even where its event is lost.
    std::thread::sleep(Duration::from_secs(2));
    daemon.ask("shutdown", &serde_json::Value::Null)?;
    let told = reader.join().map_err(|_| io::Error::other("the subscriber failed"))?;
    let (mut begins, mut ends, mut missed) = (Samples::default(), Samples::default(), 0);
    for (pid, taken, freed) in said {
        let when = |holds| told.iter().find(|one| one.0 == pid && one.2 == holds).map(|one| one.1);
        match (when(true), when(false)) {
            (Some(begin), Some(end)) => {
                begins.add(begin.saturating_sub(taken));
                ends.add(end.saturating_sub(freed));
            }
            _ => missed += 1,
        }
    }
    Ok((begins, ends, missed))
}

/// How long it takes until a tool that is run again and again shows the lock.
fn polled(daemon: &Daemon, command: &[&str], pause: u32, hold: u32, count: u32) -> io::Result<Samples> {
    let lock = daemon.lock();
    let path = lock.to_string_lossy().into_owned();
    let of = path.clone();
    let holding = std::thread::spawn(move || {
        let mut said = Vec::new();
        for round in 0..count {
            std::thread::sleep(Duration::from_millis((1500 + round * 7919 % 1000).into()));
            said.push(take_once(&of, hold));
        }
        said
    });
    let mut shown = Vec::new();
    while !holding.is_finished() {
        let output = Command::new(command[0])
            .args(&command[1..])
            .stderr(Stdio::null())
            .output()?;
        shown.push((now(), String::from_utf8_lossy(&output.stdout).contains(&path)));
        std::thread::sleep(Duration::from_secs(pause.into()));
    }
    let said = holding.join().map_err(|_| io::Error::other("the holder failed"))?;
    let mut samples = Samples::default();
    for one in said {
        let (_, taken, _) = one?;
        if let Some((at, _)) = shown.iter().find(|(at, held)| *held && *at >= taken) {
            samples.add(at.saturating_sub(taken));
        }
    }
    Ok(samples)
}
