//! Real processes with real locks, and real cargos: what the kernel says, lockwatch must say.
//!
//! This program is its own helper: started as `it helper …` it takes locks as told (see `helper.rs`), so that no other
//! binary has to be built. A test that lacks a capability of the machine is shown as ignored, with the reason.

mod cargos;
mod churn;
mod cli;
mod daemon;
mod doctor;
mod document;
mod engine;
mod explain;
mod helper;
mod history;
mod hostile;
mod kernel;
mod namespaces;
mod run;
mod scenes;
mod service;
mod socket;
mod stop;
mod support;
mod watch;
mod window;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    // A shell starts what runs in its background with SIGINT ignored, and so it would be in each program of the tests. What
    // has a handler here is at its default there.
    let always = Arc::new(AtomicBool::new(true));
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, 130, always).expect("is registered");
    let trials: Vec<Trial> = [
        kernel::trials(),
        churn::trials(),
        cargos::trials(),
        cli::trials(),
        daemon::trials(),
        doctor::trials(),
        document::trials(),
        engine::trials(),
        explain::trials(),
        history::trials(),
        hostile::trials(),
        namespaces::trials(),
        run::trials(),
        service::trials(),
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
