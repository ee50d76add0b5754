//! Row 2: 5,000 processes against 100, on the same lock file with one holder and one waiter.

use std::io;

use crate::load::Scene;
use crate::machine;
use crate::progress;
use crate::run::Tool;
use crate::samples::ratio;
use crate::table::{Must, Table};

const FEW: usize = 100;
const MANY: usize = 5000;
const FILES: usize = 40;
const WARM_UP: usize = 5;
const MOST: f64 = 1.5;

pub(crate) fn measure(scene: &Scene, lockwatch: &Tool, quick: bool, table: &mut Table) -> io::Result<()> {
    progress("row 2: beside 100 processes, and beside 5,000");
    let contended = scene.contend(1)?;
    let _few = scene.crowd(FEW, FILES)?;
    let holder = contended.pids().first().copied().unwrap_or_default();
    let (mut with_few, mut with_many) = (lockwatch.anew(), lockwatch.anew());
    let (mut processes, mut of_few) = (0, 0);
    // Back and forth, so that a machine that becomes slower or faster meanwhile does not decide.
    let (changes, runs) = if quick { (1, 60) } else { (4, 250) };
    for _ in 0..changes {
        of_few = machine::processes();
        sample(&mut with_few, holder, runs)?;
        let _more = scene.crowd(MANY - FEW, FILES)?;
        processes = machine::processes();
        sample(&mut with_many, holder, runs)?;
    }
    table.heading(format!(
        "2. the same with {of_few} processes in all, and with {processes}"
    ));
    table.measured(&format!("beside {FEW} processes"), &with_few.samples, &Must::Nothing);
    let ratio = ratio(with_many.samples.median(), with_few.samples.median());
    table.measured(
        &format!("beside {MANY} processes"),
        &with_many.samples,
        &Must::AtMost { ratio, most: MOST },
    );
    Ok(())
}

fn sample(tool: &mut Tool, holder: u32, runs: usize) -> io::Result<()> {
    for _ in 0..WARM_UP {
        tool.run(holder)?;
    }
    (0..runs).try_for_each(|_| tool.sample(holder))
}
