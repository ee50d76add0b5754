//! The shells' completions.

use clap_complete::{Generator as _, Shell, generate};

use crate::tree::{Item, Tree};

/// The shells that packages have completions for, and where those of all programs lie under `share`.
const SHELLS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions/lockwatch"),
    (Shell::Zsh, "zsh/site-functions/_lockwatch"),
    (Shell::Fish, "fish/vendor_completions.d/lockwatch.fish"),
];

/// One file for each shell: `lockwatch.bash`, `_lockwatch`, `lockwatch.fish`.
pub(crate) fn scripts() -> Tree {
    let script = |(shell, _)| (Shell::file_name(&shell, "lockwatch").into(), script(shell));
    SHELLS.into_iter().map(script).collect()
}

/// The same under the names that the shells look for in a folder `share`.
pub(crate) fn share() -> Tree {
    let script = |(shell, path): (Shell, &str)| (path.into(), script(shell));
    SHELLS.into_iter().map(script).collect()
}

fn script(shell: Shell) -> Item {
    let mut text = Vec::new();
    generate(shell, &mut lockwatch::cli::command(), "lockwatch", &mut text);
    Item::File(text)
}
