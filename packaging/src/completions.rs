//! The shells' completions.

use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::Error;

/// The shells that packages have completions for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes one file for each shell: `lockwatch.bash`, `_lockwatch`, `lockwatch.fish`.
pub(crate) fn write(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Write {
        folder: folder.to_owned(),
        source,
    };
    let write = |shell| clap_complete::generate_to(shell, &mut lockwatch::cli::command(), "lockwatch", folder);
    SHELLS.into_iter().map(|shell| write(shell).map_err(failed)).collect()
}
