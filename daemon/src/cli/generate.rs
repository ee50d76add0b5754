//! `lockwatch completions` and `lockwatch man`: made from the one definition of the command line.

use clap_complete::Shell;

use super::exit::Code;
use super::output::Output;
use super::{Error, command};

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  lockwatch completions zsh > ~/.zfunc/_lockwatch
  lockwatch completions bash > ~/.local/share/bash-completion/completions/lockwatch
  lockwatch completions fish > ~/.config/fish/completions/lockwatch.fish";

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print the man page
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockwatch man > ~/.local/share/man/man1/lockwatch.1")]
pub(super) struct ManArgs {}

pub(super) fn completions(args: &CompletionsArgs, out: &mut Output) -> Result<Code, Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "lockwatch", &mut text);
    out.write_raw(&text)?;
    Ok(Code::Done)
}

pub(super) fn man(_args: &ManArgs, out: &mut Output) -> Result<Code, Error> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command())
        .render(&mut text)
        .map_err(Error::Write)?;
    out.write_raw(&text)?;
    Ok(Code::Done)
}
