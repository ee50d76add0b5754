use std::collections::BTreeSet;

use super::*;
use crate::cargo::lock_kind::{LOCK_FILES, Name, Place};

/// The newest Cargo that was read for the table.
const NEWEST: u32 = 100;

fn is_home(path: &Path) -> bool {
    path == Path::new("/home/me/.cargo")
}

fn explained(words: &str, minor: Option<u32>) -> Explanation {
    let version = minor.map(CargoVersion::one);
    Explanation::of(words, version, &is_home).unwrap_or_else(|| panic!("{words} is not known"))
}

/// What Cargo prints for a use whose words name a file.
fn example(file: &LockFile, usage: &Use) -> String {
    match (usage.words, file.name, file.place) {
        (_, _, Place::Unit) => "hello (3403525dd0384e50)".to_owned(),
        ("<name of the folder>", ..) => "serde-1.0.219".to_owned(),
        ("<name of the file>", Name::Between(begin, end), _) => format!("{begin}new-{end}"),
        ("<name of the file>", Name::EndsWith(end), _) => format!("serde-1.0.219{end}"),
        (words, ..) => {
            assert!(!words.contains('<'), "{words} has no example");
            words.to_owned()
        }
    }
}

#[test]
fn every_wording_of_every_version_is_explained() {
    let mut explained_uses = 0;
    for minor in 20..=NEWEST {
        for file in LOCK_FILES {
            for usage in file.uses {
                if !usage.versions.contains(CargoVersion::one(minor)) {
                    continue;
                }
                let words = example(file, usage);
                let line = format!("    Blocking waiting for file lock on {words}\n");
                let found = message::find(&line);
                assert_eq!(found.len(), 1, "{line}");
                assert_eq!(found[0].words, words);
                let explanation = explained(&words, Some(minor));
                let is_it = |meaning: &&Meaning| std::ptr::eq(meaning.usage, usage);
                if usage.unstable.is_none() {
                    assert!(explanation.here.iter().find(is_it).is_some(), "{words} of 1.{minor}");
                }
                assert!(explanation.meanings().find(is_it).is_some(), "{words} of 1.{minor}");
                explained_uses += 1;
            }
        }
    }
    assert!(explained_uses > 1000, "{explained_uses}");
}

/// What each message means to whom, written down apart from the table.
#[test]
fn the_same_words_mean_other_files_in_other_versions() {
    const PROFILE_LOCK: &str = "<target>/<profile>/.cargo-lock";
    const BUILD_LOCK: &str = "<build>/<profile>/.cargo-build-lock";
    const ARTIFACT_LOCK: &str = "<target>/<profile>/.cargo-artifact-lock";
    for (words, minor, places) in [
        ("build directory", 20, &[PROFILE_LOCK][..]),
        ("build directory", 92, &[PROFILE_LOCK]),
        ("build directory", 93, &[PROFILE_LOCK]),
        ("build directory", 95, &[PROFILE_LOCK]),
        ("build directory", 96, &[BUILD_LOCK]),
        ("build directory", 100, &[BUILD_LOCK]),
        ("artifact directory", 92, &[]),
        ("artifact directory", 93, &[PROFILE_LOCK]),
        ("artifact directory", 95, &[PROFILE_LOCK]),
        ("artifact directory", 96, &[ARTIFACT_LOCK, PROFILE_LOCK]),
        ("package cache", 35, &[]),
        ("package cache", 36, &[]),
        ("package cache lock", 36, &["$CARGO_HOME/.package-cache"]),
        ("package cache lock", 37, &[]),
        ("package cache", 37, &["$CARGO_HOME/.package-cache"]),
        ("package cache", 100, &["$CARGO_HOME/.package-cache"]),
        ("shared package cache", 74, &[]),
        ("shared package cache", 75, &["$CARGO_HOME/.package-cache-mutate"]),
        ("package cache mutation", 88, &["$CARGO_HOME/.package-cache-mutate"]),
        (
            "the registry index",
            35,
            &["$CARGO_HOME/registry/index/<registry>/.cargo-index-lock"],
        ),
        ("the registry index", 36, &[]),
        ("the git checkouts", 20, &["$CARGO_HOME/git/.cargo-lock-git"]),
        ("crate metadata", 30, &["$CARGO_HOME/.crates.toml"]),
        (
            "crate metadata",
            80,
            &["$CARGO_HOME/.crates.toml", "$CARGO_HOME/.crates2.json"],
        ),
        ("credentials' config file", 30, &["$CARGO_HOME/credentials"]),
        (
            "credentials' config file",
            90,
            &["$CARGO_HOME/credentials", "$CARGO_HOME/credentials.toml"],
        ),
        ("Cargo.lock file", 20, &["<workspace>/Cargo.lock"]),
        (
            "package scratch space",
            92,
            &["<target>/package/.<package>-<version>.crate"],
        ),
        (
            "package scratch space",
            93,
            &["<build>/package/tmp-crate/<package>-<version>.crate"],
        ),
        ("uplifted package", 91, &["<target>/package/<package>-<version>.crate"]),
        ("temporary registry", 84, &["<build>/package/tmp-registry/.cargo-lock"]),
        (
            "Future incompatibility report",
            60,
            &["<build>/.future-incompat-report.json"],
        ),
        // Only with an unstable option.
        ("build analysis log", 97, &[]),
        ("hello (3403525dd0384e50)", 97, &[]),
    ] {
        let here: BTreeSet<&str> = explained(words, Some(minor))
            .here
            .iter()
            .map(|meaning| meaning.file.lies_at)
            .collect();
        assert_eq!(here, places.iter().copied().collect(), "{words} of 1.{minor}");
    }
}

#[test]
fn a_named_file_decides() {
    let named = explained("build directory (/p/target/debug/.cargo-lock)", Some(97));
    assert_eq!(named.words, "build directory");
    assert_eq!(named.named.as_deref(), Some("/p/target/debug/.cargo-lock"));
    assert!(
        named
            .meanings()
            .all(|meaning| meaning.file.lies_at == "<target>/<profile>/.cargo-lock")
    );
    // Words of a Cargo to come, of a file that is known.
    let new = explained("store of packages (/home/me/.cargo/.package-cache)", Some(120));
    assert_eq!(new.main().file.lies_at, "$CARGO_HOME/.package-cache");
    assert!(Explanation::of("vet store", None, &is_home).is_none());
    assert!(Explanation::of("vet store (/p/store.lock)", None, &is_home).is_none());
}
