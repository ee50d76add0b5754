//! Builds what is shipped. Run as `cargo xtask`, for which `.cargo/config.toml` has an alias.
//!
//! Everything is made from the one definition of the command line, [`lockwatch::cli::command`], so that it cannot say
//! anything else than `lockwatch --help` does.

mod completions;
mod man;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  cargo xtask man --out target/man                   then: man target/man/lockwatch.1
  cargo xtask completions --out target/completions   for bash, zsh and fish

Exit status:
  0  done; the files that were written are on stdout, one a line
  1  a file could not be written
  2  the command line was not understood";

/// Builds what lockwatch ships beside its programs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the man pages: one for lockwatch, one for each of its commands
    #[command(after_help = "Example:\n  cargo xtask man --out target/man && man target/man/lockwatch-status.1")]
    Man(Out),
    /// Write the completions for bash, zsh and fish
    ///
    /// The files have the names that the shells look for.
    #[command(after_help = "Example:\n  cargo xtask completions --out target/completions")]
    Completions(Out),
}

#[derive(Debug, clap::Args)]
struct Out {
    /// The folder to write into; it is made where it does not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What went wrong, with the way out.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot make the folder {} ({source}); choose another one with `--out`", .folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("cannot write into {} ({source}); choose another folder with `--out`", .folder.display())]
    Write { folder: PathBuf, source: io::Error },
}

impl Out {
    /// The folder, which exists from now on.
    fn folder(&self) -> Result<&Path, Error> {
        let folder = self.out.as_path();
        std::fs::create_dir_all(folder).map_err(|source| Error::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        Ok(folder)
    }
}

fn main() -> ExitCode {
    let written = match &Cli::parse().command {
        Command::Man(out) => out.folder().and_then(man::write),
        Command::Completions(out) => out.folder().and_then(completions::write),
    };
    match written {
        Ok(files) => {
            for file in files {
                // Where stdout is closed nobody wants the list.
                drop(writeln!(io::stdout(), "{}", file.display()));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(io::stderr(), "cargo xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
