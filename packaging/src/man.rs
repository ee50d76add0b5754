//! The man pages.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use crate::Error;

/// Writes `lockwatch.1`, and `lockwatch-COMMAND.1` for each command.
pub(crate) fn write(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    // `help` has no page: each page is the help.
    let mut command = lockwatch::cli::command().disable_help_subcommand(true);
    command.build();
    let mut written = Vec::new();
    write_pages(command, folder, &mut written)?;
    Ok(written)
}

/// Writes the page of a command, and those of the commands that it has itself.
fn write_pages(command: Command, folder: &Path, written: &mut Vec<PathBuf>) -> Result<(), Error> {
    let subcommands: Vec<Command> = command
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .cloned()
        .collect();
    let failed = |source| Error::Write {
        folder: folder.to_owned(),
        source,
    };
    written.push(Man::new(command).generate_to(folder).map_err(failed)?);
    subcommands
        .into_iter()
        .try_for_each(|subcommand| write_pages(subcommand, folder, written))
}
