//! Row 3: 1,000 waiters on one lock. A first look by an observer that knows nothing, the further ones by the same, and the
//! whole process.

use std::io;
use std::time::Instant;

use lockwatch::clock::Moment;
use lockwatch::observation::{Look, Observer};
use lockwatch::os::Kernel;
use lockwatch::state::State;

use crate::load::{self, Scene};
use crate::progress;
use crate::run::Tool;
use crate::samples::Samples;
use crate::table::{Must, Table};

const WAITERS: usize = 1000;
const FIRST_MS: u32 = 300;
const FURTHER_MS: u32 = 50;
const FURTHER: usize = 10;

pub(crate) fn measure(scene: &Scene, lockwatch: &Tool, quick: bool, table: &mut Table) -> io::Result<()> {
    progress("row 3: 1,000 waiters on one lock");
    let contended = scene.contend(WAITERS)?;
    let holder = contended.pids().first().copied().unwrap_or_default();
    let [mut first, mut further, mut document] = [Samples::default(), Samples::default(), Samples::default()];
    let mut whole = lockwatch.anew();
    for _ in 0..if quick { 5 } else { 50 } {
        let begin = Instant::now();
        let mut observer = scene.observer();
        let seen = look(&mut observer)?;
        first.add(begin.elapsed());
        check(&seen, scene)?;
        for _ in 0..FURTHER {
            let begin = Instant::now();
            let seen = look(&mut observer)?;
            further.add(begin.elapsed());
            check(&seen, scene)?;
            let begin = Instant::now();
            let state = State::direct(&seen, &std::collections::BTreeSet::new());
            let json = serde_json::to_vec(&state)?;
            document.add(begin.elapsed());
            drop(json);
        }
        whole.sample(holder)?;
    }
    table.heading(format!("3. {WAITERS} waiters on one lock"));
    table.measured("first look, in process", &first, &Must::WorstAtMost(FIRST_MS));
    table.measured(
        "each further look, in process",
        &further,
        &Must::WorstAtMost(FURTHER_MS),
    );
    table.measured("the look as JSON, in process", &document, &Must::Nothing);
    table.measured(whole.name, &whole.samples, &Must::MedianAtMost(FIRST_MS));
    Ok(())
}

fn look<K: Kernel>(observer: &mut Observer<K>) -> io::Result<Look> {
    observer.look(Moment::now()).map_err(io::Error::other)
}

fn check(look: &Look, scene: &Scene) -> io::Result<()> {
    match load::waiters_seen(look, &scene.lock_file()) {
        (1, WAITERS) => Ok(()),
        (holders, waiters) => Err(io::Error::other(format!(
            "a look shows {holders} holders and {waiters} waiters, where there are 1 and {WAITERS}"
        ))),
    }
}
