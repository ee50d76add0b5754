//! From taking a lock to a subscriber that has the state, and from releasing it.

use std::io::{self, BufRead, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::daemon::{Daemon, now};
use crate::helper::Helper;
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

/// When each hold began and ended by the holder's word, and when a subscriber was told.
fn takes(daemon: &Daemon, count: u32) -> io::Result<(Samples, Samples, usize)> {
    let mut subscriber = daemon.subscribe()?;
    let lock = daemon.lock();
    let path = lock.to_string_lossy().into_owned();
    let helper = Helper::start(&["take", &path, &count.to_string(), "30", "30"])?;
    let pid = format!("\"pid\":{},", helper.0.id());
    let reader = std::thread::spawn(move || {
        let (mut told, mut held, mut line) = (Vec::new(), false, String::new());
        while subscriber.read_line(&mut line).is_ok_and(|length| length > 0) {
            let at = now();
            let holds = line.contains(&pid);
            if holds != held {
                told.push((at, holds));
                held = holds;
            }
            line.clear();
        }
        told
    });
    let said = said(helper, count)?;
    // The last release is told within a second even where its event is lost.
    std::thread::sleep(Duration::from_secs(2));
    daemon.ask("shutdown", &serde_json::Value::Null)?;
    let told = reader.join().map_err(|_| io::Error::other("the subscriber failed"))?;
    let (mut takes, mut releases, mut missed) = (Samples::default(), Samples::default(), 0);
    for (taken, freed) in said {
        let begin = told.iter().find(|(at, holds)| *holds && *at >= taken && *at < freed);
        let end = told.iter().find(|(at, holds)| !*holds && *at >= freed);
        match (begin, end) {
            (Some((begin, _)), Some((end, _))) => {
                takes.add(begin.saturating_sub(taken));
                releases.add(end.saturating_sub(freed));
            }
            _ => missed += 1,
        }
    }
    Ok((takes, releases, missed))
}

fn said(mut helper: Helper, count: u32) -> io::Result<Vec<(Duration, Duration)>> {
    let out = helper.0.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let lines = io::BufReader::new(out).lines().take(count as usize);
    let nanoseconds = |text: &str| text.parse().map(Duration::from_nanos).map_err(io::Error::other);
    let pair = |line: String| {
        let (taken, freed) = line.split_once(' ').ok_or_else(|| io::Error::other("no pair"))?;
        Ok((nanoseconds(taken)?, nanoseconds(freed)?))
    };
    lines.map(|line| pair(line?)).collect()
}

/// How long it takes until a tool that is run again and again shows the lock.
fn polled(daemon: &Daemon, command: &[&str], pause: u32, hold: u32, count: u32) -> io::Result<Samples> {
    let lock = daemon.lock();
    let path = lock.to_string_lossy().into_owned();
    let mut helper = Helper::start(&["take", &path, &count.to_string(), &hold.to_string(), "2000"])?;
    let mut shown = Vec::new();
    loop {
        let output = Command::new(command[0])
            .args(&command[1..])
            .stderr(Stdio::null())
            .output()?;
        shown.push((now(), String::from_utf8_lossy(&output.stdout).contains(&path)));
        if taker_is_done(&shown, count) {
            break;
        }
        std::thread::sleep(Duration::from_secs(pause.into()));
    }
    drop(helper.0.stdin.take());
    let mut text = String::new();
    helper
        .0
        .stdout
        .as_mut()
        .map_or(Ok(0), |out| out.read_to_string(&mut text))?;
    let mut samples = Samples::default();
    for line in text.lines() {
        let taken = line
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .map(Duration::from_nanos);
        let seen = taken.and_then(|taken| {
            let first = shown.iter().find(|(at, held)| *held && *at >= taken)?;
            Some(first.0.saturating_sub(taken))
        });
        if let Some(seen) = seen {
            samples.add(seen);
        }
    }
    Ok(samples)
}

/// Whether the lock was seen to come and go so many times.
fn taker_is_done(shown: &[(Duration, bool)], count: u32) -> bool {
    let releases = shown.windows(2).filter(|pair| pair[0].1 && !pair[1].1).count();
    releases >= count as usize
}
