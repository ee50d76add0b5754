//! Real processes with real locks, and real cargos: what the kernel says, lockwatch must say.
//!
//! This program is its own helper: started as `it helper …` it takes locks as told (see `helper.rs`), so that no other
//! binary has to be built. A test that lacks a capability of the machine is shown as ignored, with the reason.

mod cargos;
mod churn;
mod cli;
mod daemon;
mod document;
mod engine;
mod helper;
mod history;
mod hostile;
mod kernel;
mod namespaces;
mod scenes;
mod socket;
mod stop;
mod support;
mod watch;
mod window;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "helper") {
        helper::main(arguments);
        return ExitCode::SUCCESS;
    }
    if let Some(part) = scenes::part::Part::of_this_program() {
        part.play();
        return ExitCode::SUCCESS;
    }
    let trials: Vec<Trial> = [
        kernel::trials(),
        churn::trials(),
        cargos::trials(),
        cli::trials(),
        daemon::trials(),
        document::trials(),
        engine::trials(),
        history::trials(),
        hostile::trials(),
        namespaces::trials(),
        socket::trials(),
        stop::trials(),
        watch::trials(),
        // Last: they take half a minute side by side, and mind when others take all processors.
        scenes::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
