//! Row 1: against the other tools, on one lock file with one holder and one waiter, beside 500 processes with 40 open files
//! each.

use std::io;

use crate::load::Scene;
use crate::machine;
use crate::progress;
use crate::run::Tool;
use crate::samples::ratio;
use crate::table::{Must, Table};

const PROCESSES: usize = 500;
const FILES: usize = 40;
/// Runs that are not counted, so that all tools' files are in memory.
const WARM_UP: usize = 3;
/// The place of lockwatch with the C library loaded among the tools.
const LOADED: usize = 1;

/// Measures `lockwatch` against the others; beside it `loaded`, which is what `cargo build --release` makes.
pub(crate) fn measure(
    scene: &Scene,
    lockwatch: &Tool,
    loaded: &Tool,
    quick: bool,
    table: &mut Table,
) -> io::Result<()> {
    progress("row 1: one waiter, beside 500 processes with 40 open files each");
    let contended = scene.contend(1)?;
    let _crowd = scene.crowd(PROCESSES, FILES)?;
    let holder = contended.pids().first().copied().unwrap_or_default();
    // No multiple of the number of tools, so that it is not always the same one that runs after the slow ones. After their
    // half second the kernel has let go of what makes `/proc/locks` cheap, and the next reader waits 5 to 20 ms for it.
    let (rounds, slow) = if quick { (60, 12) } else { (500, 11) };
    let candidates = [
        ("lslocks", "lslocks", None, 1, 1.0),
        ("fuser FILE", "fuser", Some(scene.lock_file()), slow, 50.0),
        ("lsof FILE", "lsof", Some(scene.lock_file()), slow, 100.0),
    ];
    let mut tools = vec![(lockwatch.anew(), None), (loaded.anew(), None)];
    let mut missing = Vec::new();
    for (name, program, argument, every, least) in candidates {
        match Tool::installed(name, program, scene) {
            Some(tool) => tools.push((tool.with_arguments(argument).every(every), Some(least))),
            None => missing.push((name, "it is not installed".to_owned())),
        }
    }
    for (tool, _) in &tools {
        for _ in 0..WARM_UP {
            tool.run(holder)?;
        }
    }
    table.heading(format!(
        "1. one lock file, one holder, one waiter, beside {PROCESSES} processes with {FILES} open files each ({} in all)",
        machine::processes()
    ));
    // In turn, so that what else the machine does hits all alike; and each begins a round as often as the others, so that
    // none always follows the one that empties the processor's caches.
    for round in 0..rounds {
        for turn in 0..tools.len() {
            let place = (round + turn) % tools.len();
            let tool = &mut tools[place].0;
            if round % tool.every == 0 {
                tool.sample(holder)?;
            }
        }
    }
    let own = tools[0].0.samples.median();
    let lslocks = tools.iter().find(|(tool, _)| tool.name == "lslocks");
    let lslocks = lslocks.map(|(tool, _)| tool.samples.median());
    for (place, (tool, least)) in tools.iter().enumerate() {
        let median = tool.samples.median();
        let must = match (place, *least, lslocks) {
            (_, Some(least), _) => Must::AtLeast {
                ratio: ratio(median, own),
                least,
            },
            // The budget is for what is shipped.
            (LOADED, None, Some(lslocks)) => Must::Compared(ratio(lslocks, median)),
            _ => Must::Nothing,
        };
        table.measured(tool.name, &tool.samples, &must);
    }
    for (name, why) in missing {
        table.not_measured(name, why);
    }
    Ok(())
}
