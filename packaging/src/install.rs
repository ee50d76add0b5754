//! lockwatch for this user: its programs, pages and completions under the home directory, and both services.
//!
//! What was put where is written down in a record, and nothing is replaced or removed but what the record has.

mod content;
mod kept;
mod place;
mod record;

use std::path::{Path, PathBuf};

use lockwatch::os::LAYOUT;
use lockwatch::service::{Act, Agent, ServiceError, Services};

use self::content::Places;
use self::place::Placed;
use crate::Error;
use crate::programs::{Build, Source};

/// See the help.
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    /// Do not start the services: no daemon, no tray
    #[arg(long)]
    no_services: bool,
    #[command(flatten)]
    source: Source,
}

/// See the help.
#[derive(Debug, clap::Args)]
pub(crate) struct UninstallArgs {
    /// Remove the history and the settings too
    #[arg(long)]
    purge: bool,
}

/// Who is told, one sentence for each thing that was done.
pub(crate) type Say<'a> = &'a mut dyn FnMut(String);

/// Installs, or brings up to date what is installed.
pub(crate) fn install(args: &InstallArgs, say: Say<'_>) -> Result<(), Error> {
    let places = Places::from_env(LAYOUT)?;
    let programs = args.source.programs(Build::Here)?;
    let done = place::place(&places.content(&programs)?, &places.record())?;
    tell_placed(&done, say);
    if !args.no_services {
        start_services(&places, &done, say)?;
    }
    if !is_in_path(&places.bin()) {
        say(format!(
            "{} is not in PATH; add it in the configuration of your shell, so that `lockwatch` is found",
            places.bin().display()
        ));
    }
    Ok(())
}

fn tell_placed(placed: &Placed, say: Say<'_>) {
    for (folder, names) in by_folder(&placed.written) {
        say(format!("wrote {}: {}", folder.display(), names.join(", ")));
    }
    match placed.unchanged {
        0 => {}
        1 => say("1 file was there and up to date".to_owned()),
        more => say(format!("{more} files were there and up to date")),
    }
    for path in &placed.removed {
        say(format!("removed {}, which this version does not have", path.display()));
    }
    for path in &placed.left {
        say(left(path));
    }
}

/// The names of files by the folders that they are in.
fn by_folder(paths: &[PathBuf]) -> Vec<(&Path, Vec<String>)> {
    let mut folders: Vec<(&Path, Vec<String>)> = Vec::new();
    for path in paths {
        let folder = path.parent().unwrap_or(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match folders.last_mut() {
            Some((last, names)) if *last == folder => names.push(name),
            _ => folders.push((folder, vec![name])),
        }
    }
    folders
}

/// Installs both services for the programs that were put in place. One that ran an older file is started anew.
fn start_services(places: &Places, done: &Placed, say: Say<'_>) -> Result<(), Error> {
    let services = Services::of_this_user()?;
    for agent in Agent::ALL {
        let program = places.programs().join(agent.program_name());
        let mut goes_on = false;
        services.install(agent, &program, &mut |act| {
            goes_on |= act == Act::Running(agent);
            say(act.to_string());
        })?;
        if goes_on && done.written.contains(&program) {
            services.restart(agent, &mut |act| say(act.to_string()))?;
        }
    }
    Ok(())
}

fn is_in_path(folder: &Path) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|one| one == folder)
}

/// Removes what [`install`] has put in place; with `purge` what lockwatch has written since, too.
pub(crate) fn uninstall(args: &UninstallArgs, say: Say<'_>) -> Result<(), Error> {
    let places = Places::from_env(LAYOUT)?;
    match Services::of_this_user() {
        Ok(services) => {
            for agent in [Agent::Tray, Agent::Daemon] {
                services.uninstall(agent, &mut |act| say(act.to_string()))?;
            }
        }
        // Where nothing looks after services, none is installed.
        Err(ServiceError::NoManager { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let removed = place::remove(&places.record())?;
    for (folder, names) in by_folder(&removed.removed) {
        say(format!("removed {}: {}", folder.display(), names.join(", ")));
    }
    for path in &removed.left {
        say(left(path));
    }
    if removed.removed.is_empty() && removed.left.is_empty() {
        say("no program was installed".to_owned());
    }
    if args.purge { kept::purge(say) } else { kept::keep(say) }
}

fn left(path: &Path) -> String {
    format!("left {}, which is not as lockwatch has put it there", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_folder() {
        let paths = ["/a/b/one", "/a/b/two", "/a/c/three"].map(PathBuf::from);
        let expected = [
            (Path::new("/a/b"), vec!["one".to_owned(), "two".to_owned()]),
            (Path::new("/a/c"), vec!["three".to_owned()]),
        ];
        assert_eq!(by_folder(&paths), expected);
    }
}
