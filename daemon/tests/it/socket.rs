//! The daemon's socket, and its bad days: a real server with a made engine behind it.

mod bad_days;
mod client;
mod command;
mod daemon;
mod documented;
mod engine;
mod places;
mod processes;
mod talk;

use libtest_mimic::{Completion, Trial};

pub(crate) use self::processes::{connect_helper, daemon_helper};

pub(crate) fn trials() -> Vec<Trial> {
    [
        talk::trials(),
        bad_days::trials(),
        places::trials(),
        client::trials(),
        command::trials(),
        processes::trials(),
        documented::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A test of the given name.
fn trial(name: &str, body: fn()) -> Trial {
    Trial::test(format!("socket::{name}"), move || {
        body();
        Ok(())
    })
}

/// A test that needs root: it makes files or processes of another user.
fn trial_of_root(name: &str, body: fn()) -> Trial {
    Trial::ignorable_test(format!("socket::{name}"), move || {
        if !rustix::process::geteuid().is_root() {
            return Ok(Completion::ignored_with("needs root, to have another user's things"));
        }
        body();
        Ok(Completion::Completed)
    })
}

/// Nobody in particular.
const OTHER_USER: u32 = 65534;
