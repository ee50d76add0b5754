//! Each row is a command line in a world of files, with what it needs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::BuildFolder::{Profile, Whole};
use super::*;

/// A workspace `/w` with a member, and another project.
const FILES: &[(&str, &str)] = &[
    ("/w/Cargo.toml", "[workspace]\nmembers = ['m']\n"),
    ("/w/m/Cargo.toml", "[package]\nname = 'm'\n"),
    ("/o/Cargo.toml", "[package]\nname = 'o'\n"),
];

fn of(argv: &str, env: &[(&str, &str)], more: &[(&str, &str)]) -> Needs {
    let argv: Vec<OsString> = argv.split_whitespace().map(OsString::from).collect();
    let files: BTreeMap<PathBuf, &str> = FILES
        .iter()
        .chain(more)
        .map(|(path, text)| (path.into(), *text))
        .collect();
    let start = Start {
        argv: &argv,
        cwd: Path::new("/w/m"),
        env: &|name| {
            env.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        },
        read: &|path| files.get(path).map(|text| (*text).to_owned()),
        home: Some(Path::new("/home")),
    };
    needs(&start, None)
}

fn profiles(paths: &[&str]) -> Vec<BuildFolder> {
    paths.iter().map(|path| Profile(path.into())).collect()
}

#[test]
fn where_a_build_goes() {
    for (argv, folders) in [
        ("cargo build", &["/w/target/debug"][..]),
        ("cargo", &[]),
        ("cargo --version", &[]),
        ("cargo build --help", &[]),
        ("/usr/bin/cargo +nightly b -r", &["/w/target/release"]),
        ("cargo-1.85 check", &["/w/target/debug"]),
        ("cargo test", &["/w/target/debug"]),
        ("cargo bench", &["/w/target/release"]),
        ("cargo build --profile ci", &["/w/target/ci"]),
        ("cargo build --profile dev", &["/w/target/debug"]),
        ("cargo test --profile bench", &["/w/target/release"]),
        (
            "cargo build --target wasm32-wasip1",
            &["/w/target/debug", "/w/target/wasm32-wasip1/debug"],
        ),
        (
            "cargo build --target ./x/own.json",
            &["/w/target/debug", "/w/target/own/debug"],
        ),
        ("cargo build --target-dir t", &["/w/m/t/debug"]),
        ("cargo build --target-dir ../../t -r", &["/t/release"]),
        ("cargo build --manifest-path ../../o/Cargo.toml", &["/o/target/debug"]),
        ("cargo -C /o build", &["/o/target/debug"]),
        ("cargo clippy", &["/w/target/debug"]),
        ("cargo-clippy --release", &["/w/target/release"]),
        ("cargo-clippy clippy --release", &["/w/target/release"]),
        ("cargo nextest run", &["/w/target/debug"]),
        ("cargo clean -p m", &["/w/target/debug"]),
        ("cargo --config build.target-dir='x' build", &["/w/m/x/debug"]),
        ("cargo install --path .", &["/w/target/release"]),
        ("cargo install --path . --debug", &["/w/target/debug"]),
        ("cargo install ripgrep", &[]),
        ("cargo install ripgrep --target-dir /t", &["/t/release"]),
        ("cargo package", &[]),
        ("cargo fetch", &[]),
        ("cargo fmt", &[]),
        ("cargo metadata --format-version 1", &[]),
        ("make", &[]),
    ] {
        assert_eq!(of(argv, &[], &[]).folders, profiles(folders), "{argv}");
    }
}

#[test]
fn what_needs_the_whole_folder() {
    for (argv, folders) in [
        ("cargo clean", vec![Whole("/w/target".into())]),
        (
            "cargo build --target host-tuple",
            vec![Profile("/w/target/debug".into()), Whole("/w/target".into())],
        ),
    ] {
        assert_eq!(of(argv, &[], &[]).folders, folders, "{argv}");
    }
}

#[test]
fn which_package_cache() {
    for (argv, env, home) in [
        ("cargo build", None, Some("/home/.cargo")),
        ("cargo build", Some("/c"), Some("/c")),
        ("cargo build", Some(""), Some("/home/.cargo")),
        ("cargo build", Some("c"), Some("/w/m/c")),
        ("cargo -C /o build", Some("c"), Some("/o/c")),
        ("make all", Some("/c"), Some("/c")),
        ("cargo --version", None, None),
        ("cargo new x", None, None),
        ("cargo update", None, Some("/home/.cargo")),
    ] {
        let env: Vec<_> = env.map(|home| ("CARGO_HOME", home)).into_iter().collect();
        assert_eq!(
            of(argv, &env, &[]).cargo_home,
            home.map(PathBuf::from),
            "{argv} {env:?}"
        );
    }
}

#[test]
fn who_compiles() {
    for (argv, compiles, is_cargo) in [
        ("cargo build", true, true),
        ("cargo install ripgrep", true, true),
        ("cargo publish", true, true),
        ("cargo update", false, true),
        ("cargo clean", false, true),
        ("cargo fmt", false, true),
        ("cargo unheard-of", true, true),
        ("make", false, false),
        ("rustc x.rs", false, false),
        ("echo cargo build", false, false),
    ] {
        let needs = of(argv, &[], &[]);
        assert_eq!((needs.compiles, needs.is_cargo), (compiles, is_cargo), "{argv}");
    }
}

#[test]
fn what_the_environment_and_the_files_say() {
    let build_dir = |folder: &'static str| ("/w/.cargo/config.toml", folder);
    for (argv, env, files, folders, sure) in [
        (
            "cargo b",
            &[("CARGO_TARGET_DIR", "/t")][..],
            &[][..],
            &["/t/debug"][..],
            true,
        ),
        ("cargo b", &[("CARGO_BUILD_TARGET_DIR", "/t")], &[], &["/t/debug"], true),
        (
            "cargo b",
            &[("CARGO_BUILD_TARGET", "wasm32-wasip1")],
            &[],
            &["/w/target/debug", "/w/target/wasm32-wasip1/debug"],
            true,
        ),
        (
            "cargo b",
            &[("CARGO_BUILD_BUILD_DIR", "/b")],
            &[],
            &["/b/debug", "/w/target/debug"],
            true,
        ),
        (
            "cargo b",
            &[],
            &[build_dir("build.build-dir = '{workspace-root}/b'")],
            &["/w/b/debug", "/w/target/debug"],
            true,
        ),
        (
            "cargo b",
            &[],
            &[build_dir("build.build-dir = '{cargo-cache-home}/b'")],
            &["/home/.cargo/b/debug", "/w/target/debug"],
            true,
        ),
        (
            "cargo b",
            &[],
            &[build_dir("build.build-dir = '/b/{workspace-path-hash}'")],
            &["/b/{workspace-path-hash}/debug", "/w/target/debug"],
            false,
        ),
        (
            "cargo b",
            &[],
            &[build_dir("include = 'more.toml'")],
            &["/w/target/debug"],
            false,
        ),
        (
            "cargo b",
            &[],
            &[build_dir("build.target = ['a', 'b']")],
            &["/w/target/a/debug", "/w/target/b/debug", "/w/target/debug"],
            true,
        ),
        (
            "cargo rb",
            &[],
            &[build_dir("alias.rb = 'b2 -r'\nalias.b2 = 'build'")],
            &["/w/target/release"],
            true,
        ),
        (
            "cargo xtask x",
            &[],
            &[build_dir("alias.xtask = 'run -p xtask --'")],
            &["/w/target/debug"],
            true,
        ),
        (
            "cargo loop",
            &[],
            &[build_dir("alias.loop = 'loop'")],
            &["/w/target/debug"],
            true,
        ),
        (
            "cargo build",
            &[],
            &[build_dir("alias.build = 'fetch'")],
            &["/w/target/debug"],
            true,
        ),
        (
            "cargo ci",
            &[("CARGO_ALIAS_CI", "test --profile ci")],
            &[],
            &["/w/target/ci"],
            true,
        ),
    ] {
        let needs = of(argv, env, files);
        assert_eq!(
            (needs.folders, needs.is_sure),
            (profiles(folders), sure),
            "{argv} {env:?} {files:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_command_line_is_read(words in prop::collection::vec("[-+=a-zA-Z0-9./{}\u{e9}]{0,12}", 0..8)) {
        let argv = format!("cargo {}", words.join(" "));
        let needs = of(&argv, &[], &[]);
        prop_assert!(needs.folders.iter().all(|folder| folder.path().is_absolute()));
    }

    #[test]
    fn the_order_of_options_does_not_matter(order in Just(vec!["--release", "--target-dir=/t", "-q", "-j4", "--target=a"]).prop_shuffle()) {
        let argv = format!("cargo build {}", order.join(" "));
        prop_assert_eq!(of(&argv, &[], &[]).folders, profiles(&["/t/a/release", "/t/release"]));
    }
}
