//! Ten minutes in which nothing happens.

use std::io;
use std::time::Duration;

use crate::daemon::Daemon;
use crate::progress;
use crate::table::Table;

pub(crate) fn measure(quick: bool, table: &mut Table) -> io::Result<()> {
    let minutes: u32 = if quick { 1 } else { 10 };
    progress(&format!("{minutes} min in which nothing happens"));
    let daemon = Daemon::start()?;
    // What belongs to its start is not what it costs later.
    std::thread::sleep(Duration::from_secs(10));
    let before = daemon.usage()?;
    std::thread::sleep(Duration::from_mins(minutes.into()));
    let after = daemon.usage()?;
    table.heading(&format!("the daemon while nothing happens, {minutes} min"));
    let wake_ups = u32::try_from(after.wake_ups - before.wake_ups).unwrap_or(u32::MAX);
    table.at_most("wake-ups", f64::from(wake_ups) / f64::from(minutes), 4.0, "a minute");
    let cpu = after.cpu.saturating_sub(before.cpu) / minutes;
    // What `ps` and `top` show is counted in hundredths of a second.
    table.at_most("processor time", cpu.as_secs_f64() * 1e3, 10.0, "ms a minute");
    let megabytes = u32::try_from(after.resident).map_or(f64::MAX, f64::from) / 1024.0;
    table.at_most("resident memory", megabytes, 8.0, "MB");
    Ok(())
}
