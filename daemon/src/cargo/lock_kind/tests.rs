use std::collections::BTreeSet;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use Mode::{Exclusive, Shared};

/// A Cargo home of the tests.
fn is_home(path: &Path) -> bool {
    path == Path::new("/home/me/.cargo")
}

fn kind(path: &str) -> Option<LockKind> {
    recognise(Path::new(path), &is_home).map(|file| file.kind)
}

fn label(path: &str, mode: Option<Mode>, minor: Option<u32>, subcommand: Option<&str>) -> String {
    let file = recognise(Path::new(path), &is_home).unwrap();
    file.label(Path::new(path), mode, minor.map(CargoVersion::one), subcommand)
}

#[test]
fn each_file_of_cargo_is_recognised() {
    for (path, expected) in [
        ("/home/me/.cargo/.package-cache", LockKind::PackageCache),
        ("/somewhere/else/.package-cache", LockKind::PackageCache),
        (".package-cache", LockKind::PackageCache),
        ("/home/me/.cargo/.package-cache-mutate", LockKind::PackageCacheMutate),
        ("/p/target/debug/.cargo-lock", LockKind::BuildDir),
        (
            "/p/target/x86_64-unknown-linux-gnu/release/.cargo-lock",
            LockKind::BuildDir,
        ),
        ("/p/target/.cargo-lock", LockKind::BuildDir),
        ("/p/target/debug/.cargo-build-lock", LockKind::BuildDir),
        ("/p/target/debug/.cargo-artifact-lock", LockKind::ArtifactDir),
        (
            "/p/target/debug/build/hello/3403525dd0384e50/.lock",
            LockKind::BuildUnit,
        ),
        ("/opt/tools/.crates.toml", LockKind::InstallMetadata),
        ("/opt/tools/.crates2.json", LockKind::InstallMetadata),
        ("/home/me/.cargo/credentials.toml", LockKind::Credentials),
        ("/home/me/.cargo/credentials", LockKind::Credentials),
        (
            "/p/target/package/tmp-crate/hello-0.1.0.crate",
            LockKind::PackageScratch,
        ),
        ("/p/target/package/hello-0.1.0.crate", LockKind::PackageScratch),
        ("/p/target/package/.hello-0.1.0.crate", LockKind::PackageScratch),
        ("/p/target/package/tmp-registry/.cargo-lock", LockKind::PackageScratch),
        (
            "/p/target/package/tmp-registry/hello-0.1.0.crate",
            LockKind::PackageScratch,
        ),
        (
            "/p/target/package/tmp-registry/index/he/ll/hello",
            LockKind::PackageScratch,
        ),
        (
            "/h/registry/index/github.com-1ecc6299db9ec823/.cargo-index-lock",
            LockKind::RegistryIndex,
        ),
        ("/h/git/.cargo-lock-git", LockKind::GitCheckouts),
        ("/h/git/db/.cargo-lock-foo-0123456789abcdef", LockKind::GitCheckouts),
        (
            "/h/git/checkouts/.cargo-lock-foo-0123456789abcdef-master",
            LockKind::GitCheckouts,
        ),
        ("/home/me/.cargo/config", LockKind::Credentials),
        (
            "/h/registry/cache/github.com-1ecc6299db9ec823/hello-0.1.0.crate",
            LockKind::Other,
        ),
        (
            "/h/registry/src/github.com-1ecc6299db9ec823/hello-0.1.0/.cargo-ok",
            LockKind::Other,
        ),
        ("/srv/crates/hello-0.1.0.crate", LockKind::Other),
        ("/p/Cargo.lock", LockKind::Other),
        ("/p/target/.future-incompat-report.json", LockKind::Other),
        ("/home/me/.cargo/log/20260822T173620000Z-ab12.jsonl", LockKind::Other),
        ("/p/target/debug/.cargo-new-lock", LockKind::Other),
        ("/p/target/debug/.cargo-Flock", LockKind::Other),
    ] {
        assert_eq!(kind(path), Some(expected), "{path}");
    }
}

#[test]
fn what_is_not_cargos_is_left_alone() {
    for path in [
        "",
        "/",
        "//",
        ".",
        "..",
        "/p/target/debug/.cargo-lock/",
        "/p/target/debug/incremental/hello-1a2b/s-h5k2-0abc-working.lock",
        "/p/target/debug/incremental/hello-1a2b/s-h5k2-0abc.lock",
        "/p/target/doc/.lock",
        "/p/target/debug/build/hello-3403525dd0384e50/.lock",
        "/p/target/debug/build/hello/3403525dd0384e5/.lock",
        "/p/target/debug/build/hello/3403525dd0384e5g/.lock",
        "/p/target/debug/units/hello/3403525dd0384e50/.lock",
        "/p/target/debug/build//3403525dd0384e50/.lock",
        "/elsewhere/credentials.toml",
        "/home/me/.aws/credentials",
        "credentials",
        "/srv/log/run.jsonl",
        "/home/me/.cargo/run.jsonl",
        "/home/me/.cargo/registry/cache/x/.crate",
        "/home/me/.cargo/git/checkouts/x/.cargo-ok",
        "/p/target/package/tmp-crate/.crate",
        "/p/tmp-registry/index/he/ll/hello",
        "/p/Cargo.toml",
        "/p/package-lock.json",
        "/p/target/debug/.cargo-lock-x",
        "/p/cargo-lock",
        "/p/.cargo-ok",
        "/home/me/.cargo/.global-cache",
        "/p/.git/config",
    ] {
        assert_eq!(kind(path), None, "{path}");
    }
}

#[test]
fn the_home_is_asked_for_only_where_the_name_says_too_little() {
    for (path, asked) in [
        ("/a/.package-cache", None),
        ("/a/b/Cargo.lock", None),
        ("/a/b/whatever.rs", None),
        ("/a/b/run.jsonl", None),
        ("/a/credentials.toml", Some("/a")),
        ("/a/log/run.jsonl", Some("/a")),
    ] {
        let folders = std::cell::RefCell::new(Vec::new());
        recognise(Path::new(path), &|folder| {
            folders.borrow_mut().push(folder.to_owned());
            true
        });
        let expected: Vec<_> = asked.map(PathBuf::from).into_iter().collect();
        assert_eq!(folders.into_inner(), expected, "{path}");
    }
}

#[test]
fn the_label_is_the_word_of_that_version_command_and_mode() {
    let profile = "/p/target/debug/.cargo-lock";
    for (path, mode, minor, subcommand, expected) in [
        (profile, Some(Exclusive), Some(92), Some("build"), "build directory"),
        (profile, Some(Exclusive), Some(92), Some("check"), "build directory"),
        (profile, Some(Exclusive), Some(20), None, "build directory"),
        (profile, Some(Exclusive), Some(93), Some("build"), "artifact directory"),
        (profile, Some(Exclusive), Some(95), Some("t"), "artifact directory"),
        (profile, Some(Exclusive), Some(95), Some("check"), "build directory"),
        (profile, Some(Exclusive), Some(95), Some("c"), "build directory"),
        (profile, Some(Exclusive), Some(95), Some("clippy"), "build directory"),
        (profile, Some(Exclusive), Some(95), Some("fix"), "build directory"),
        (profile, None, Some(95), Some("check"), "build directory"),
        (profile, Some(Shared), Some(95), Some("build"), "build directory"),
        (profile, Some(Shared), Some(96), Some("check"), "artifact directory"),
        (profile, Some(Shared), Some(120), Some("udeps"), "artifact directory"),
        (profile, Some(Exclusive), None, None, "artifact directory"),
        (profile, Some(Exclusive), None, Some("check"), "build directory"),
        (profile, Some(Shared), None, None, "artifact directory"),
        (profile, None, None, None, "artifact directory"),
        (
            "/p/target/.cargo-lock",
            Some(Shared),
            Some(97),
            Some("doc"),
            "build directory",
        ),
        (
            "/p/target/.cargo-lock",
            Some(Exclusive),
            Some(97),
            Some("doc"),
            "artifact directory",
        ),
        (
            "/p/t/debug/.cargo-build-lock",
            Some(Exclusive),
            Some(97),
            None,
            "build directory",
        ),
        ("/p/t/debug/.cargo-build-lock", None, None, None, "build directory"),
        (
            "/p/t/debug/.cargo-artifact-lock",
            Some(Exclusive),
            None,
            None,
            "artifact directory",
        ),
        (
            "/h/.package-cache",
            Some(Exclusive),
            Some(97),
            Some("update"),
            "package cache",
        ),
        ("/h/.package-cache", Some(Shared), Some(97), None, "package cache"),
        ("/h/.package-cache", None, Some(36), None, "package cache lock"),
        (
            "/h/.package-cache-mutate",
            Some(Shared),
            Some(97),
            None,
            "shared package cache",
        ),
        (
            "/h/.package-cache-mutate",
            Some(Exclusive),
            None,
            None,
            "package cache mutation",
        ),
        ("/h/.crates2.json", None, None, None, "crate metadata"),
        (
            "/home/me/.cargo/credentials.toml",
            None,
            None,
            None,
            "credentials' config file",
        ),
        (
            "/p/t/package/tmp-crate/a-1.crate",
            None,
            None,
            None,
            "package scratch space",
        ),
        ("/p/t/package/a-1.crate", None, None, None, "uplifted package"),
        (
            "/p/t/package/tmp-registry/.cargo-lock",
            None,
            None,
            None,
            "temporary registry",
        ),
        (
            "/p/t/package/tmp-registry/index/1/a",
            None,
            None,
            None,
            "temporary package registry",
        ),
        (
            "/h/registry/cache/x/a-1.0.0.crate",
            Some(Shared),
            Some(35),
            None,
            "a-1.0.0.crate",
        ),
        ("/h/registry/src/x/a-1.0.0/.cargo-ok", None, Some(34), None, "a-1.0.0"),
        ("/srv/crates/a-1.0.0.crate", None, Some(30), None, "crate file"),
        ("/home/me/.cargo/config", None, Some(19), None, "the global config file"),
        ("/p/Cargo.lock", Some(Shared), Some(97), None, "Cargo.lock file"),
        (
            "/p/t/.future-incompat-report.json",
            Some(Shared),
            None,
            None,
            "Future incompatible report",
        ),
        ("/h/git/.cargo-lock-git", None, None, None, "the git checkouts"),
        (
            "/h/registry/index/x/.cargo-index-lock",
            None,
            None,
            None,
            "the registry index",
        ),
        (
            "/p/t/debug/build/hello/3403525dd0384e50/.lock",
            Some(Shared),
            None,
            None,
            "hello (3403525dd0384e50)",
        ),
        ("/p/t/debug/.cargo-x-lock", None, None, None, ".cargo-x-lock"),
        (
            "/p/t/debug/.cargo-\u{1b}[31m-lock",
            None,
            None,
            None,
            ".cargo-\\u{1b}[31m-lock",
        ),
    ] {
        let made = label(path, mode, minor, subcommand);
        assert_eq!(made, expected, "{path} {mode:?} {minor:?} {subcommand:?}");
    }
}

#[test]
fn a_compile_holds_what_the_facts_say() {
    let held = |minor, subcommand| -> Vec<_> {
        expected(CargoVersion::one(minor), subcommand)
            .map(|(file, mode, words)| (file.name, mode, words))
            .collect()
    };
    let mutate = (Name::Is(".package-cache-mutate"), Shared, "shared package cache");
    let build = (Name::Is(".cargo-build-lock"), Exclusive, "build directory");
    let artifact = (Name::Is(".cargo-artifact-lock"), Exclusive, "artifact directory");
    let compat = (Name::Is(".cargo-lock"), Shared, "artifact directory");
    let old = |words| (Name::Is(".cargo-lock"), Exclusive, words);
    let cache = (Name::Is(".package-cache"), Exclusive, "package cache");
    for (minor, subcommand, files) in [
        (99, "build", vec![mutate, build, artifact, compat]),
        (96, "doc", vec![mutate, build, artifact, compat]),
        (96, "check", vec![mutate, build, compat]),
        (96, "clippy", vec![mutate, build, compat]),
        (95, "build", vec![mutate, old("artifact directory")]),
        (93, "check", vec![mutate, old("build directory")]),
        (92, "build", vec![mutate, old("build directory")]),
        (92, "b", vec![mutate, old("build directory")]),
        (74, "test", vec![old("build directory")]),
        (97, "metadata", vec![cache]),
        (97, "fetch", vec![cache]),
        (97, "update", vec![cache]),
        (97, "clean", vec![]),
        (97, "login", vec![]),
        (97, "no-such-command", vec![]),
    ] {
        assert_eq!(held(minor, subcommand), files, "1.{minor} {subcommand}");
    }
}

#[test]
fn a_message_is_explained_by_all_that_it_can_mean() {
    let names = |words: &str| -> BTreeSet<&'static str> { meanings(words).map(|(file, _)| file.lies_at).collect() };
    assert_eq!(
        names("build directory"),
        BTreeSet::from([
            "<target>/.cargo-lock",
            "<build>/<profile>/.cargo-build-lock",
            "<target>/<profile>/.cargo-lock"
        ])
    );
    assert_eq!(
        names("package cache (/home/me/.cargo/.package-cache)"),
        BTreeSet::from(["$CARGO_HOME/.package-cache"])
    );
    assert_eq!(
        names(" hello (3403525dd0384e50) "),
        BTreeSet::from(["<build>/<profile>/build/<package>/<hash>/.lock"])
    );
    assert_eq!(
        names("serde-1.0.0.crate"),
        BTreeSet::from(["$CARGO_HOME/registry/cache/<registry>/<package>-<version>.crate"])
    );
    assert_eq!(
        names("serde_json-1.0.0-rc.1"),
        BTreeSet::from(["$CARGO_HOME/registry/src/<registry>/<package>-<version>/.cargo-ok"])
    );
    assert_eq!(names(".cargo-new-lock"), BTreeSet::from(["anywhere"]));
    for unknown in [
        "",
        "vet store",
        "hello (world)",
        " (3403525dd0384e50)",
        ")(",
        "a-1.0",
        "-1.0.0",
        "a b-1.0.0",
    ] {
        assert!(names(unknown).is_empty(), "{unknown}");
    }
}

#[test]
fn the_table_is_in_order() {
    for file in LOCK_FILES {
        assert!(!file.uses.is_empty(), "{}", file.lies_at);
        assert!(file.protects.ends_with('.'), "{}", file.protects);
        let newest_first = file.uses.is_sorted_by(|a, b| match (a.versions.to, b.versions.to) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(first), Some(second)) => first >= second,
        });
        assert!(newest_first, "{}", file.lies_at);
        for usage in file.uses {
            assert!(!usage.words.is_empty());
        }
    }
    let kinds: BTreeSet<_> = LOCK_FILES.iter().map(|file| file.kind).collect();
    assert_eq!(kinds.len(), LockKind::ALL.len());
}

#[test]
fn names_go_there_and_back() {
    for kind in LockKind::ALL {
        assert_eq!(kind.name().parse(), Ok(*kind));
        assert_eq!(kind.to_string(), kind.name());
        let json = serde_json::to_string(kind).unwrap();
        assert_eq!(json, format!("\"{}\"", kind.name()));
    }
    let error = "Package-Cache".parse::<LockKind>().unwrap_err();
    assert!(error.to_string().contains("package-cache-mutate"), "{error}");
}

#[test]
fn versions_are_read_in_each_form() {
    for (text, minor) in [
        ("1.95.0", 95),
        ("1.97.0-nightly", 97),
        ("1.95", 95),
        ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", 95),
        ("cargo 1.97.0-nightly (0123abcde 2026-04-01)\n", 97),
    ] {
        assert_eq!(text.parse(), Ok(CargoVersion::one(minor)), "{text}");
    }
    for text in [
        "",
        "1",
        "1.",
        ".1",
        "nightly",
        "1.x",
        "+1.95",
        "1.-5",
        "1.95.0.1",
        "1.95.x",
        "v1.95.0",
        "1.99999999999",
        "rustc 1.95.0",
    ] {
        assert!(text.parse::<CargoVersion>().is_err(), "{text}");
    }
    assert!(CargoVersion::one(9) < CargoVersion::one(36));
    assert_eq!(Versions::between(93, 95).to_string(), "1.93 to 1.95");
    assert_eq!(Versions::between(36, 36).to_string(), "1.36");
    assert_eq!(Versions::since(96).to_string(), "1.96 and later");
    assert_eq!(Versions::ALL.to_string(), "all versions");
}

#[test]
fn hostile_paths_are_read_without_harm() {
    let long = "a/".repeat(50_000);
    for path in [long.clone(), format!("/{long}.cargo-lock"), "/".repeat(100_000)] {
        recognise(Path::new(&path), &|_| true);
    }
    let name = format!(".cargo-{}lock", "x".repeat(100_000));
    assert_eq!(kind(&name), Some(LockKind::Other));
    let path = Path::new(OsStr::from_bytes(b"/p/build/\xff\n/3403525dd0384e50/.lock"));
    let unit = recognise(path, &is_home).unwrap();
    assert_eq!(unit.label(path, None, None, None), "\\xff\\n (3403525dd0384e50)");
}

/// Parts from which paths are made that look like Cargo's.
fn parts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::sample::select(vec![
            ".cargo-lock",
            ".lock",
            "build",
            "package",
            "tmp-registry",
            "tmp-crate",
            "log",
            "target",
            "credentials",
            "x.crate",
            ".crate",
            ".jsonl",
            "3403525dd0384e50",
            "",
            "/",
            ".cargo-lock-",
        ])
        .prop_map(|part| part.as_bytes().to_vec()),
    ]
}

proptest! {
    #[test]
    fn no_path_panics_and_each_label_is_safe(
        parts in prop::collection::vec(parts(), 0..8),
        home in any::<bool>(),
        minor in proptest::option::of(0..200_u32),
        subcommand in proptest::option::of(".{0,8}"),
    ) {
        let path = PathBuf::from(std::ffi::OsString::from_vec(parts.join(&b'/')));
        let Some(file) = recognise(&path, &|_| home) else {
            return Ok(());
        };
        for mode in [None, Some(Shared), Some(Exclusive)] {
            let label = file.label(&path, mode, minor.map(CargoVersion::one), subcommand.as_deref());
            prop_assert!(!label.is_empty());
            prop_assert!(!label.chars().any(char::is_control));
        }
    }

    #[test]
    fn no_text_panics_as_version_or_message(text in ".{0,40}") {
        drop(text.parse::<CargoVersion>());
        meanings(&text).count();
    }
}
