//! The man pages.

use std::io;

use clap::Command;
use clap_mangen::Man;

use crate::tree::{Item, Tree};

/// `lockwatch.1`, and `lockwatch-COMMAND.1` for each command.
pub(crate) fn pages() -> Tree {
    // `help` has no page: each page is the help.
    let mut command = lockwatch::cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Tree::default();
    add_pages(command, &mut pages);
    pages
}

/// Adds the page of a command, and those of the commands that it has itself.
fn add_pages(command: Command, pages: &mut Tree) {
    let subcommands: Vec<Command> = command
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .cloned()
        .collect();
    let page = Man::new(command);
    let mut text = Vec::new();
    let written: io::Result<()> = page.render(&mut text);
    written.expect("memory can be written to");
    pages.add(page.get_filename(), Item::File(text));
    for subcommand in subcommands {
        add_pages(subcommand, pages);
    }
}
