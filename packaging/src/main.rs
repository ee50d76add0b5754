//! Builds what is shipped. Run as `cargo xtask`, for which `.cargo/config.toml` has an alias.
//!
//! A task makes a [`tree::Tree`], files with their paths that are not written yet; a folder, an archive, a package and an
//! installation are ways to write one. Pages and completions are made from the one definition of the command line,
//! [`lockwatch::cli::command`], so that they cannot say anything else than `lockwatch --help` does.

mod bundle;
mod command;
mod completions;
mod digest;
mod dist;
mod error;
mod icons;
mod install;
mod man;
mod programs;
mod share;
mod sign;
mod tree;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use self::error::Error;

const EXAMPLES: &str = "\
Examples:
  cargo xtask install                                lockwatch for you, with both services
  cargo xtask uninstall                              removes it; --purge the history too
  cargo xtask man --out target/man                   then: man target/man/lockwatch.1
  cargo xtask completions --out target/completions   for bash, zsh and fish
  cargo xtask bundle                                 target/Lockwatch.app
  cargo xtask dist                                   what a release is made of, in target/dist
  cargo xtask icons                                  after a change of a drawing in tray/icons

Exit status:
  0  done; what was written or done is on stdout, one a line
  1  something could not be done
  2  the command line was not understood";

/// Builds what lockwatch ships, and installs it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install lockwatch for this user and start its services, now and at login
    ///
    /// macOS: ~/Applications/Lockwatch.app, and a link in ~/.local/bin. Linux: ~/.local/bin. On both man pages and
    /// completions in ~/.local/share. Doing it again brings what is installed up to date. What lockwatch has not put there is
    /// never replaced.
    #[command(
        after_help = "Examples:\n  cargo xtask install\n  cargo xtask install --no-services    where there is no systemd, in a container"
    )]
    Install(install::InstallArgs),
    /// Remove what `install` has put in place, and its services
    ///
    /// The history and the settings stay.
    #[command(after_help = "Examples:\n  cargo xtask uninstall\n  cargo xtask uninstall --purge")]
    Uninstall(install::UninstallArgs),
    /// Write Lockwatch.app; on a Mac it is signed
    #[command(
        after_help = "Examples:\n  cargo xtask bundle\n  cargo xtask bundle --out /tmp --programs target/release"
    )]
    Bundle(BundleArgs),
    /// Write what a release is made of: an archive, and a package for Debian or a disk image for macOS
    ///
    /// Each has its SHA-256 beside it. The same source gives the same archive, with one toolchain. The package needs
    /// cargo-deb, the disk image a Mac. The programs for Linux have the C library linked in, so it must be there in that
    /// form: libc6-dev on Debian, glibc-static on Fedora.
    #[command(
        after_help = "Examples:\n  cargo xtask dist\n  cargo xtask dist --target x86_64-apple-darwin --out /tmp/dist"
    )]
    Dist(dist::Args),
    /// Draw the tray's icons again, as PNG beside the SVG that they are drawn from
    #[command(after_help = "Example:\n  cargo xtask icons && git diff --stat tray/icons")]
    Icons,
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

#[derive(Debug, clap::Args)]
struct BundleArgs {
    /// The folder to write Lockwatch.app into [default: target]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    source: programs::Source,
}

impl Command {
    /// Does it; says what was done.
    fn run(&self, say: install::Say<'_>) -> Result<(), Error> {
        let written = match self {
            Self::Install(args) => return install::install(args, say),
            Self::Uninstall(args) => return install::uninstall(args, say),
            Self::Bundle(args) => bundle::write(&args.source, args.out.as_deref()),
            Self::Dist(args) => dist::make(args),
            Self::Icons => icons::write(&icons::folder()),
            Self::Man(out) => man::pages().write(&out.out),
            Self::Completions(out) => completions::scripts().write(&out.out),
        };
        for path in written? {
            say(path.display().to_string());
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    // Where stdout is closed nobody wants to know.
    let mut say = |line: String| drop(writeln!(io::stdout(), "{line}"));
    match Cli::parse().command.run(&mut say) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "cargo xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
