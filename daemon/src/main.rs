//! The one binary. See the library for all of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lockwatch::cli::main(std::env::args_os())
}
