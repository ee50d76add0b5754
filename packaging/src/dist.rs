//! What a release is made of: for one target an archive with the programs, and a package for Debian or a disk image for
//! macOS, each with its checksum beside it.

mod archive;
mod checksum;
mod deb;
mod dmg;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::command::run;
use crate::programs::{Build, Source, workspace};
use crate::tree::make_folder;

/// See the help.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to write into [default: target/dist]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to build for, as rustc names it [default: this machine]
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Make the archive alone: no package for Debian, no disk image
    #[arg(long)]
    archive_only: bool,
    #[command(flatten)]
    source: Source,
}

/// Makes all of it; says what was written.
pub(crate) fn make(args: &Args) -> Result<Vec<PathBuf>, Error> {
    let host = host()?;
    let target = args.target.as_ref().unwrap_or(&host);
    let folder = args.out.clone().unwrap_or_else(|| workspace().join("target/dist"));
    make_folder(&folder)?;
    let programs = args.source.programs(Build::Shipped(target))?;
    let mut made = vec![archive::write(&programs, target, &folder)?];
    if args.archive_only {
    } else if target.contains("apple-darwin") {
        made.push(dmg::write(&programs, target, &folder)?);
    } else if *target == host {
        made.push(deb::write(&programs, &folder)?);
    }
    let sums: Vec<PathBuf> = made
        .iter()
        .map(|file| checksum::write(file))
        .collect::<Result<_, _>>()?;
    made.extend(sums);
    Ok(made)
}

/// The target of this machine's Rust.
fn host() -> Result<String, Error> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = run(Command::new(rustc).arg("-vV"), "this needs Rust")?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or(Error::Unknown {
        what: "what this machine is called among Rust's targets",
        way_out: "name it with `--target`",
    })
}

/// The time that everything made here bears, in seconds since 1970: `SOURCE_DATE_EPOCH`, else that of the last commit. So the
/// same source gives the same bytes.
fn time() -> u64 {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let committed = || {
        let mut git = Command::new("git");
        git.current_dir(workspace()).args(["log", "-1", "--format=%ct"]);
        run(&mut git, "").ok()
    };
    let text = given.or_else(committed).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// `lockwatch-v1.2.3-TARGET`, the name of a release's archive and of the folder in it.
fn name(target: &str) -> String {
    format!("lockwatch-v{}-{target}", env!("CARGO_PKG_VERSION"))
}

/// A folder for what goes into a package, empty.
fn stage(name: &str) -> Result<PathBuf, Error> {
    let folder = workspace().join("target/package").join(name);
    match std::fs::remove_dir_all(&folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::Remove { path: folder, source });
        }
        _ => {}
    }
    make_folder(&folder)?;
    Ok(folder)
}

/// A file of the source tree.
fn source_file(path: &str) -> Result<Vec<u8>, Error> {
    let path = workspace().join(path);
    std::fs::read(&path).map_err(|source| Error::Read { path, source })
}

/// The error of writing a file.
fn unwritten(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write {
        path: path.clone(),
        source,
    }
}
