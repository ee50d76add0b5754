//! Builds that are in each other's way by the way they are set up: deleted lock files, several cargos and rust-analyzer on one
//! target folder. What is held now, and what was in the history, shows it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Check, Finding, Surroundings};
use crate::cargo::lock_kind::LockKind;
use crate::history;
use crate::state::State;
use crate::text;

/// One hold of a build's lock.
struct Hold<'a> {
    lock: &'a str,
    toolchain: Option<&'a str>,
    starter: Option<&'a str>,
}

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let past = around.past.as_ref().ok();
    let state = match &around.state {
        Ok(state) => state,
        Err(reason) => {
            let names = [
                "deleted lock files",
                "cargo versions on one target folder",
                "rust-analyzer's target folder",
            ];
            return names.map(|name| Check::not_made(name, &reason)).to_vec();
        }
    };
    let holds = holds(state, past);
    let mut checks = vec![
        Check::of("deleted lock files", deleted(state)),
        Check::of("cargo versions on one target folder", versions(&holds)),
        Check::of("rust-analyzer's target folder", rust_analyzer(&holds)),
    ];
    if let Err(reason) = &around.past {
        checks.push(Check::not_made("the builds of the last days", &reason));
    }
    checks
}

fn holds<'a>(state: &'a State, past: Option<&'a history::Report>) -> Vec<Hold<'a>> {
    let is_build = |kind| matches!(kind, LockKind::BuildDir | LockKind::ArtifactDir);
    let now = state.locks.iter().filter(|lock| is_build(lock.kind)).flat_map(|lock| {
        lock.holders.iter().map(|holder| Hold {
            lock: &lock.path,
            toolchain: holder.process.toolchain.as_deref(),
            starter: holder.process.origin.name.as_deref(),
        })
    });
    let before = past.into_iter().flat_map(|past| &past.holds).map(|hold| &hold.past);
    let before = before.filter(|past| is_build(past.kind)).map(|past| Hold {
        lock: &past.lock,
        toolchain: past.toolchain.as_deref(),
        starter: past.origin.name.as_deref(),
    });
    now.chain(before).collect()
}

/// The folder of a profile's lock; all that is in the way of each other lies in one.
fn folder(lock: &str) -> &str {
    lock.rsplit_once('/').map_or(lock, |(folder, _)| folder)
}

fn deleted(state: &State) -> Vec<Finding> {
    let held = state
        .locks
        .iter()
        .filter(|lock| lock.deleted && !lock.holders.is_empty());
    held.map(|lock| {
        let pids: Vec<String> = lock.holders.iter().map(|holder| holder.process.pid.to_string()).collect();
        Finding {
            id: "deleted-lock".to_owned(),
            what: format!("{} was deleted, and process {} still holds its lock", lock.path, pids.join(" and ")),
            why: "a cargo that starts now makes a new file, does not wait, and writes into the same folder at the same time"
                .to_owned(),
            mend: format!(
                "wait until it has ended, or `lockwatch stop {}`; then build again",
                pids.first().map_or("", String::as_str)
            ),
        }
    })
    .collect()
}

fn versions(holds: &[Hold<'_>]) -> Vec<Finding> {
    let mut by_folder: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for hold in holds {
        by_folder.entry(folder(hold.lock)).or_default().extend(hold.toolchain);
    }
    let several = by_folder.into_iter().filter(|(_, toolchains)| toolchains.len() > 1);
    several
        .map(|(folder, toolchains)| {
            let names: Vec<&str> = toolchains.into_iter().collect();
            let target = Path::new(folder).parent().unwrap_or(Path::new(folder));
            Finding {
                id: "several-cargos".to_owned(),
                what: format!("{folder} is used by several cargos: {}", names.join(", ")),
                why: "they wait for each other, up to 1.95 on other lock files than from 1.96 on, and each compiles all of it for itself"
                    .to_owned(),
                mend: format!(
                    "export CARGO_TARGET_DIR={}-{}  # for one of them; or the same toolchain for all, by rust-toolchain.toml",
                    text::escape_path(target),
                    names[0].split('-').next().unwrap_or("other"),
                ),
            }
        })
        .collect()
}

fn rust_analyzer(holds: &[Hold<'_>]) -> Vec<Finding> {
    let shared = holds.iter().filter(|hold| {
        hold.starter == Some("rust-analyzer") && !folder(hold.lock).split('/').any(|part| part == "rust-analyzer")
    });
    let folders: BTreeSet<&str> = shared.map(|hold| folder(hold.lock)).collect();
    folders
        .into_iter()
        .map(|folder| Finding {
            id: "rust-analyzer-shares".to_owned(),
            what: format!("rust-analyzer builds in {folder}, where your own builds go too"),
            why: "each of its checks makes your builds wait, and the other way round".to_owned(),
            mend: "set `\"rust-analyzer.cargo.targetDir\": true` in the editor's settings; its checks then have \
                   target/rust-analyzer to themselves"
                .to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::made::Made;

    const LOCK: &str = "/home/me/src/parity/target/debug/.cargo-build-lock";
    const OWN: &str = "/home/me/src/parity/target/rust-analyzer/debug/.cargo-build-lock";

    fn made() -> Made {
        Made::default()
            .process(1, 0, "/sbin/init", 90_000)
            .process(4600, 1, "rust-analyzer", 7_000)
            .process(4700, 1, "-zsh", 9_000)
            .process(4711, 4600, "cargo check --workspace --message-format=json", 133)
            .process(4800, 4700, "cargo build --release", 4)
    }

    fn state(made: Made) -> State {
        State::direct(&made.look(), &BTreeSet::new())
    }

    #[test]
    fn rust_analyzer_is_found_where_it_shares() {
        let shared = state(made().lock(LOCK, &[(4711, '+')], &[]));
        let found = rust_analyzer(&holds(&shared, None));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].mend.contains("rust-analyzer.cargo.targetDir"));
        for apart in [
            made().lock(OWN, &[(4711, '+')], &[]),
            made().lock(LOCK, &[(4800, '+')], &[]),
        ] {
            assert_eq!(rust_analyzer(&holds(&state(apart), None)), []);
        }
    }

    #[test]
    fn several_cargos_of_one_folder_are_found() {
        let hold = |lock, toolchain| Hold {
            lock,
            toolchain: Some(toolchain),
            starter: None,
        };
        let old = hold("/p/target/debug/.cargo-lock", "1.95.0-aarch64-apple-darwin");
        let new = hold("/p/target/debug/.cargo-build-lock", "1.97.0-aarch64-apple-darwin");
        let other = hold("/q/target/debug/.cargo-build-lock", "1.97.0-aarch64-apple-darwin");
        let found = versions(&[old, new, other]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].id, "several-cargos");
        assert!(found[0].what.starts_with("/p/target/debug is used"), "{found:?}");
        assert!(
            found[0].mend.contains("CARGO_TARGET_DIR=/p/target-1.95.0 "),
            "{found:?}"
        );
    }

    #[test]
    fn a_deleted_lock_that_is_held_is_found() {
        let made = made().lock(LOCK, &[(4800, '+')], &[]);
        assert_eq!(deleted(&state(made.clone())), []);
        let found = deleted(&state(made.last_file(|file| file.deleted = true)));
        assert_eq!(found.len(), 1);
        assert!(found[0].mend.contains("lockwatch stop 4800"), "{found:?}");
    }
}
