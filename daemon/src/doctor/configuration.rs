//! `config.toml`: broken, or with keys that mean nothing.

use super::{Check, Finding, Surroundings};
use crate::config::Config;
use crate::text;

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let name = "the configuration";
    let folders = match &around.folders {
        Ok(folders) => folders,
        Err(reason) => return vec![Check::not_made(name, &reason)],
    };
    let file = &folders.config_file;
    let finding = |id: &str, what: String, why: &str| Finding {
        id: id.to_owned(),
        what,
        why: why.to_owned(),
        mend: format!("${{EDITOR:-vi}} {}", text::quoted(file)),
    };
    let findings = match Config::load(file) {
        Ok((_, warnings)) => warnings
            .into_iter()
            .map(|what| {
                finding(
                    "unknown-key",
                    what,
                    "what it was to set is as if it were not there; it may be misspelt",
                )
            })
            .collect(),
        Err(error) => vec![finding(
            "broken-configuration",
            error.to_string(),
            "neither the daemon nor `lockwatch stop` starts with it",
        )],
    };
    vec![Check::of(format!("{name} {}", text::escape_path(file)), findings)]
}
