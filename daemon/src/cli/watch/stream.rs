//! `watch --json` and `--format`: each state as text, until nobody reads any more.

use std::io;

use tokio::runtime;
use tokio::sync::oneshot;

use super::super::Error;
use super::super::exit::Code;
use super::super::output::{self, Output};
use crate::config::Thresholds;
use crate::engine::Published;
use crate::live::{self, Trouble, Update};
use crate::places::CargoHomes;

/// How one state is written.
pub(super) type Form<'a> = &'a dyn Fn(&Published) -> String;

pub(super) fn json_line(published: &Published) -> String {
    format!("{}\n", published.json)
}

/// Writes the states until the reader closes its end.
pub(super) fn run(homes: CargoHomes, thresholds: Thresholds, out: &mut Output, form: Form<'_>) -> Result<Code, Error> {
    let runtime = runtime::Builder::new_current_thread().build();
    runtime
        .map_err(Error::Start)?
        .block_on(follow(homes, thresholds, out, form))
}

async fn follow(homes: CargoHomes, thresholds: Thresholds, out: &mut Output, form: Form<'_>) -> Result<Code, Error> {
    let mut updates = live::start(homes, thresholds).map_err(Error::Start)?;
    let mut gone = reader_gone().map_err(Error::Start)?;
    let mut begun = false;
    loop {
        let update = tokio::select! {
            _ = &mut gone => return Ok(Code::Done),
            update = updates.recv() => update.ok_or(Error::WatchEnded)?,
        };
        match update {
            Update::State(published) => {
                begun = true;
                out.write(&form(&published))?;
                out.flush()?;
            }
            // Where not even the first look can be made, waiting for better days helps nobody.
            Update::Trouble(Trouble::NoEngine(source)) if !begun => return Err(source.into()),
            Update::Trouble(trouble) => output::complain(&trouble.to_string()),
        }
    }
}

/// Comes when nobody reads standard output any more. A file is always read.
fn reader_gone() -> io::Result<oneshot::Receiver<()>> {
    let (tell, gone) = oneshot::channel();
    std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        if output::until_nobody_reads() {
            // Where nobody listens the program ends anyway.
            let _ = tell.send(());
        } else {
            // It cannot be told: then the next write tells.
            std::mem::forget(tell);
        }
    })?;
    Ok(gone)
}
