//! Five thousand takes a second of one lock, and holds of 50 ms or more among them.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, holders_in};
use crate::helper::{Helper, take_once};
use crate::progress;
use crate::table::Table;

const PER_SECOND: u32 = 5000;
/// How long each hold among them lasts, in milliseconds: the shortest that must be seen, and a little more.
const HOLDS: [u32; 4] = [50, 55, 70, 120];

pub(crate) fn measure(quick: bool, table: &mut Table) -> io::Result<()> {
    let seconds = if quick { 5 } else { 60 };
    progress(&format!("{PER_SECOND} takes a second for {seconds} s"));
    let daemon = Daemon::start()?;
    let lock = daemon.lock();
    let path = lock.to_string_lossy().into_owned();
    let (mut subscriber, of) = (daemon.subscribe()?, path.clone());
    let reader = std::thread::spawn(move || {
        let (mut holders, mut line) = (Vec::new(), String::new());
        while subscriber.read_line(&mut line).is_ok_and(|length| length > 0) {
            holders.push(holders_in(&line, &of));
            line.clear();
        }
        holders
    });
    let mut churn = Helper::start(&["churn", &path, &PER_SECOND.to_string()])?;
    churn.ready()?;
    std::thread::sleep(Duration::from_secs(2));
    let (before, begin) = (daemon.usage()?, Instant::now());
    let mut held = Vec::new();
    while begin.elapsed() < Duration::from_secs(seconds) {
        let long = HOLDS[held.len() % HOLDS.len()];
        let (pid, _, _) = take_once(&path, long)?;
        held.push(pid);
        std::thread::sleep(Duration::from_millis(200));
    }
    let used = daemon.usage()?.cpu.saturating_sub(before.cpu);
    let share = used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    drop(churn.0.stdin.take());
    let mut text = String::new();
    churn
        .0
        .stdout
        .as_mut()
        .map_or(Ok(0), |out| out.read_to_string(&mut text))?;
    let mut numbers = text
        .split_whitespace()
        .map(|word| word.parse::<f64>().unwrap_or(f64::NAN));
    let (takes, nanoseconds) = (numbers.next().unwrap_or(f64::NAN), numbers.next().unwrap_or(f64::NAN));
    std::thread::sleep(Duration::from_secs(2));
    daemon.ask("shutdown", &serde_json::Value::Null)?;
    let seen = reader.join().map_err(|_| io::Error::other("the subscriber failed"))?;
    let order = begins(&seen);
    let missed = held.iter().filter(|pid| !order.contains(pid)).count();
    let times = |pid: &u32| order.iter().filter(|other| *other == pid).count();
    let twice = held.iter().filter(|pid| times(pid) > 1).count();
    let told: Vec<&u32> = order.iter().filter(|pid| held.contains(pid)).collect();
    let in_order = told.iter().copied().eq(held.iter().filter(|pid| order.contains(pid)));
    table.heading(&format!(
        "{:.0} takes a second of one lock for {seconds} s, and {} holds of 50 ms or more among them",
        takes / nanoseconds * 1e9,
        held.len()
    ));
    table.at_most("share of a core", share, 10.0, "%");
    table.at_most("holds of 50 ms or more that were missed", count(missed), 0.0, "");
    table.at_most("that were told twice", count(twice), 0.0, "");
    table.at_most("that were told out of order", count(usize::from(!in_order)), 0.0, "");
    Ok(())
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// Whose hold was told to begin, one after the other.
fn begins(states: &[BTreeSet<u32>]) -> Vec<u32> {
    let mut before = &BTreeSet::new();
    let mut order = Vec::new();
    for now in states {
        order.extend(now.difference(before));
        before = now;
    }
    order
}
