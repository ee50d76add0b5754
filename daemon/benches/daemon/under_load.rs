//! What the daemon costs while there is much to see.

use std::io;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, lock_of};
use crate::helper::Helper;
use crate::progress;
use crate::table::Table;

/// A build of eight compilers, held for a minute among 5,000 other processes.
pub(crate) fn build(quick: bool, table: &mut Table) -> io::Result<()> {
    let (others, seconds) = if quick { (1000, 10) } else { (5000, 60) };
    progress(&format!("a build for {seconds} s among {others} other processes"));
    let mut sleepers = Helper::start(&["sleep", &others.to_string()])?;
    sleepers.ready()?;
    let daemon = Daemon::start()?;
    let lock = daemon.folder().join("project/target/debug");
    std::fs::create_dir_all(&lock)?;
    let mut build = Helper::start(&["build", &lock.join(".cargo-lock").to_string_lossy(), "8"])?;
    build.ready()?;
    std::thread::sleep(Duration::from_secs(2));
    let share = share_of_a_core(&daemon, Duration::from_secs(seconds))?;
    table.heading(&format!(
        "a build of 8 compilers for {seconds} s among {others} other processes"
    ));
    table.at_most("share of a core", share, 1.0, "%");
    Ok(())
}

fn share_of_a_core(daemon: &Daemon, time: Duration) -> io::Result<f64> {
    let (before, begin) = (daemon.usage()?, Instant::now());
    std::thread::sleep(time);
    let used = daemon.usage()?.cpu.saturating_sub(before.cpu);
    Ok(used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0)
}

/// A thousand processes that wait for one lock.
pub(crate) fn waiters(quick: bool, table: &mut Table) -> io::Result<()> {
    let count: usize = if quick { 100 } else { 1000 };
    progress(&format!("{count} waiters on one lock"));
    let daemon = Daemon::start()?;
    let path = daemon.lock().to_string_lossy().into_owned();
    let mut holder = Helper::start(&["build", &path, "0"])?;
    holder.ready()?;
    let mut waiters = Helper::start(&["wait", &path, &count.to_string()])?;
    waiters.ready()?;
    let mut worst = Duration::ZERO;
    let begin = Instant::now();
    loop {
        let asked = Instant::now();
        let state = daemon.ask("state", &serde_json::Value::Null)?;
        worst = worst.max(asked.elapsed());
        let waiters = lock_of(&state, &path).and_then(|lock| lock["waiters"].as_array());
        let seen = waiters.map_or(0, Vec::len);
        if seen >= count {
            break;
        }
        if begin.elapsed() > Duration::from_mins(2) {
            return Err(io::Error::other(format!("{seen} of {count} waiters were seen")));
        }
    }
    let mut further = crate::samples::Samples::default();
    for _ in 0..50 {
        let asked = Instant::now();
        daemon.ask("state", &serde_json::Value::Null)?;
        further.add(asked.elapsed());
    }
    let share = share_of_a_core(&daemon, Duration::from_secs(if quick { 5 } else { 30 }))?;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    table.heading(&format!("{count} waiters on one lock, asked for over the socket"));
    table.at_most("worst answer while they come", milliseconds(worst), 300.0, "ms");
    table.at_most("further answers, median", milliseconds(further.median()), 50.0, "ms");
    table.figure("further answers, max", format!("{:.0} ms", milliseconds(further.max())));
    table.figure("share of a core while they wait", format!("{share:.1} %"));
    Ok(())
}
