use std::os::unix::ffi::OsStringExt as _;

use proptest::prelude::*;

use super::*;

fn argv(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn run(words: &[&str]) -> Invocation {
    read(&argv(words), None, "")
}

fn cargo_running(subcommand: &str) -> Program {
    Program::Cargo {
        subcommand: Some(subcommand.to_owned()),
    }
}

#[test]
fn cargos_command_is_found_and_told() {
    for (words, subcommand, command) in [
        (
            &["cargo", "build", "--release"][..],
            Some("build"),
            "cargo build --release",
        ),
        (&["/r/toolchains/x/bin/cargo", "b"], Some("build"), "cargo build"),
        (&["cargo", "c", "-p", "x"], Some("check"), "cargo check -p x"),
        (&["cargo", "t"], Some("test"), "cargo test"),
        (&["cargo", "r", "--", "-x"], Some("run"), "cargo run -- -x"),
        (&["cargo", "d"], Some("doc"), "cargo doc"),
        (&["cargo", "rm", "serde"], Some("remove"), "cargo remove serde"),
        (&["cargo", "+nightly", "build"], Some("build"), "cargo build"),
        (&["cargo", "-Z", "gc", "clean", "gc"], Some("clean"), "cargo clean gc"),
        (&["cargo", "-Zgc", "clean"], Some("clean"), "cargo clean"),
        (&["cargo", "-C", "build", "check"], Some("check"), "cargo check"),
        (
            &["cargo", "--config", "a.b=1", "-v", "check"],
            Some("check"),
            "cargo check",
        ),
        (&["cargo", "--config=a.b=1", "check"], Some("check"), "cargo check"),
        (
            &["cargo", "--color", "always", "--offline", "test", "a"],
            Some("test"),
            "cargo test a",
        ),
        (
            &["cargo", "-vv", "-q", "--locked", "--frozen", "t"],
            Some("test"),
            "cargo test",
        ),
        (&["cargo"], None, "cargo"),
        (&["cargo", "--version"], None, "cargo --version"),
        (&["cargo", "xtask", "ci"], Some("xtask"), "cargo xtask ci"),
        (
            &["cargo-clippy", "clippy", "--", "-D", "warnings"],
            Some("clippy"),
            "cargo clippy -- -D warnings",
        ),
        (
            &["/home/me/.cargo/bin/cargo-nextest", "nextest", "run"],
            Some("nextest"),
            "cargo nextest run",
        ),
        (&["cargo-nextest", "run"], Some("nextest"), "cargo nextest run"),
        (&["cargo-1.85", "build"], Some("build"), "cargo build"),
        (&["cargo.exe", "build"], Some("build"), "cargo build"),
        (&["cargo-foo.exe", "foo"], Some("foo"), "cargo foo"),
        (
            &["/nix/store/x/bin/.cargo-wrapped", "build"],
            Some("build"),
            "cargo build",
        ),
        (
            &["/bin/sh", "/home/me/bin/cargo-foo", "foo", "x"],
            Some("foo"),
            "cargo foo x",
        ),
        (
            &["python3.12", "/home/me/bin/cargo-geiger", "geiger"],
            Some("geiger"),
            "cargo geiger",
        ),
        (&["cargo", "test", "", "a b"], Some("test"), "cargo test '' 'a b'"),
    ] {
        let invocation = run(words);
        assert_eq!(invocation.program.subcommand(), subcommand, "{words:?}");
        assert!(invocation.program.is_cargo() && invocation.program.is_rust_tool());
        assert_eq!(invocation.command, command, "{words:?}");
        assert_eq!(invocation.argv, words, "the arguments stay as they are");
        assert!(!invocation.argv_truncated);
    }
}

#[test]
fn the_other_programs_are_told_apart() {
    for (words, program, command) in [
        (
            &["rustc", "--crate-name", "serde", "src/lib.rs"][..],
            Program::Rustc,
            "rustc serde",
        ),
        (&["/t/bin/rustc", "-vV"], Program::Rustc, "rustc -vV"),
        (
            &["rustdoc", "--crate-name=serde", "x"],
            Program::Rustdoc,
            "rustdoc serde",
        ),
        (
            &["/t/bin/clippy-driver", "rustc", "--crate-name", "a"],
            Program::ClippyDriver,
            "clippy-driver a",
        ),
        (
            &["/p/target/debug/build/ring-0123456789abcdef/build-script-build"],
            Program::BuildScript,
            "build script of ring",
        ),
        (
            &["/p/target/debug/build/my-ring/0123456789abcdef/out/build_script_build"],
            Program::BuildScript,
            "build script of my-ring",
        ),
        (&["./build-script-main"], Program::BuildScript, "build script"),
        (&["/usr/bin/ld.lld", "-o", "x"], Program::Linker, "ld.lld"),
        (
            &["cc", "-m64", "/t/a.x.rcgu.o"],
            Program::Linker,
            "cc -m64 /t/a.x.rcgu.o",
        ),
        (
            &["clang", "@/tmp/rustcX/linker-arguments"],
            Program::Linker,
            "clang @/tmp/rustcX/linker-arguments",
        ),
        (&["cc", "-c", "a.c"], Program::Other, "cc -c a.c"),
        (&["rust-analyzer"], Program::RustAnalyzer, "rust-analyzer"),
        (
            &["/x/rust-analyzer-proc-macro-srv"],
            Program::RustAnalyzer,
            "rust-analyzer-proc-macro-srv",
        ),
        (&["sh", "-c", "cargo build"], Program::Other, "sh -c 'cargo build'"),
        (&["bash", "/p/ci.sh", "x"], Program::Other, "bash ci.sh x"),
        (&["-zsh"], Program::Other, "-zsh"),
        (
            &["cargo-credential-1password", "get"],
            Program::Other,
            "cargo-credential-1password get",
        ),
        (&["mycargo", "build"], Program::Other, "mycargo build"),
    ] {
        let invocation = run(words);
        assert_eq!(invocation.program, program, "{words:?}");
        assert_eq!(invocation.command, command, "{words:?}");
    }
    for (program, is_tool) in [
        (Program::Rustc, true),
        (Program::Rustdoc, true),
        (Program::ClippyDriver, true),
        (Program::BuildScript, true),
        (Program::Linker, false),
        (Program::RustAnalyzer, false),
        (Program::Other, false),
    ] {
        assert_eq!(program.is_rust_tool(), is_tool, "{program:?}");
        assert!(!program.is_cargo());
        assert_eq!(program.subcommand(), None);
    }
}

#[test]
fn without_arguments_the_file_and_the_short_name_tell() {
    let exe = Some(Path::new("/t/bin/cargo"));
    for (words, exe, name, program, command) in [
        (&[][..], exe, "", Program::Cargo { subcommand: None }, "cargo"),
        (&[], None, "cargo", Program::Cargo { subcommand: None }, "cargo"),
        (&[], None, "cargo-clippy", cargo_running("clippy"), "cargo clippy"),
        (&[], None, "build-script-bu", Program::BuildScript, "build script"),
        (&[], None, "rust-analyzer-p", Program::RustAnalyzer, "rust-analyzer-p"),
        (&[], None, "a\u{1b}b", Program::Other, "a\\u{1b}b"),
        (&["odd", "build"], exe, "odd", cargo_running("build"), "cargo build"),
        (&["", "build"], None, "x", Program::Other, "x build"),
    ] {
        let invocation = read(&argv(words), exe, name);
        assert_eq!(invocation.program, program, "{words:?} {name}");
        assert_eq!(invocation.command, command, "{words:?} {name}");
    }
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    for (words, shown) in [
        (
            &["cargo", "publish", "--token", "S3CRET"][..],
            "cargo publish --token ***",
        ),
        (
            &["cargo", "publish", "--token=S3CRET", "-v"],
            "cargo publish --token=*** -v",
        ),
        (&["cargo", "--token", "S3CRET"], "cargo ***"),
        (&["cargo", "login", "S3CRET"], "cargo login ***"),
        (
            &["cargo", "-q", "login", "--registry", "mine", "S3CRET"],
            "cargo login --registry mine ***",
        ),
        (
            &["cargo", "+nightly", "login", "S3CRET", "--", "S3CRET"],
            "cargo login *** -- ***",
        ),
        (&["sudo", "cargo", "login", "S3CRET"], "sudo cargo login ***"),
        (
            &["rustup", "run", "stable", "cargo", "--offline", "login", "S3CRET"],
            "rustup run stable cargo --offline login ***",
        ),
        (
            &["cargo", "--config", "registries.x.token=\"S3CRET\"", "b"],
            "cargo build",
        ),
        (
            &["cargo", "b", "--config", "registries.x.token = \"S3CRET\""],
            "cargo build --config 'registries.x.token =***'",
        ),
        (
            &["cargo", "b", "--config=registries.x.token='S3CRET'"],
            "cargo build --config=registries.x.token=***",
        ),
        (
            &["cargo", "b", "--config", "registries.x={token=\"S3CRET\"}"],
            "cargo build --config registries.x={token=***",
        ),
        (
            &["cargo", "b", "--config", "registry.secret-key\t=\n\"S3CRET\""],
            "cargo build --config registry.secret-key\\t=***",
        ),
        (
            &["cargo", "b", "--config", "'registry'.'token'='S3CRET'"],
            "cargo build --config 'registry'.'token'=***",
        ),
        (
            &["cargo", "run", "--", "-e", "MY_PASSWORD=S3CRET"],
            "cargo run -- -e MY_PASSWORD=***",
        ),
        (
            &["cargo", "run", "--", "-eGITHUB_TOKEN=S3CRET"],
            "cargo run -- -eGITHUB_TOKEN=***",
        ),
        (
            &["env", "CARGO_REGISTRIES_X_TOKEN=S3CRET S3CRET", "cargo", "b"],
            "env CARGO_REGISTRIES_X_TOKEN=*** cargo b",
        ),
        (
            &["env", "Aws_Secret_Access_Key=S3CRET", "cargo"],
            "env Aws_Secret_Access_Key=*** cargo",
        ),
        (&["x", "--registry-token", "S3CRET", "y"], "x --registry-token *** y"),
        (&["x", "--api-key=S3CRET"], "x --api-key=***"),
        (&["x", "-H", "Authorization: Bearer S3CRET"], "x -H Authorization:***"),
        (&["x", "Authorization:", "S3CRET"], "x Authorization: ***"),
        (&["x", "token", "=", "1"], "x token = 1"),
        (&["x", "{\"token\": \"S3CRET\"}"], "x {\"token\":***"),
        (&["x", "{\\\"token\\\":\\\"S3CRET\\\"}"], "x {\\\"token\\\":***"),
        (
            &["sh", "-c", "cargo publish --token S3CRET"],
            "sh -c 'cargo publish --token ***'",
        ),
        (
            &["sh", "-c", "cd x\ncargo login\nS3CRET"],
            "sh -c 'cd x\\ncargo login\\n***'",
        ),
        (
            &["sh", "-c", "cargo +nightly login 'S3CRET'"],
            "sh -c 'cargo +nightly login ***'",
        ),
        (&["sh", "-c", "TOKEN=S3CRET cargo b"], "sh -c TOKEN=***"),
        (
            &["git", "clone", "https://user:S3CRET@host/x"],
            "git clone https://***@host/x",
        ),
        (
            &["git", "clone", "https://S3CRET@host/x"],
            "git clone https://***@host/x",
        ),
        (
            &["git", "clone", "https://S3CRET:x-oauth-basic@host"],
            "git clone https://***@host",
        ),
        (
            &["git", "clone", "https://u:S3C/S3CRET@host"],
            "git clone https://***@host",
        ),
        (
            &["git", "clone", "https://u:S3C@S3CRET@host"],
            "git clone https://***@host",
        ),
        (
            &["git", "clone", "git+https://u:S3CRET\"S3CRET@host/x y"],
            "git clone 'git+https://***@host/x y'",
        ),
        (&["x", "a://b:S3CRET@c d://S3CRET@e"], "x 'a://***@c d://***@e'"),
        (&["x", "postgres://u:12/S3CRET@db"], "x postgres://***@db"),
        (
            &["x", "https://h/?access_token=S3CRET&x=1"],
            "x https://h/?access_token=***",
        ),
        (&["x", "ghp_0123456789S3CRET0123456789"], "x ***"),
        (&["x", "a=cio0123456789S3CRET01234567890123456789"], "x a=***"),
    ] {
        let invocation = run(words);
        assert_eq!(invocation.command, shown, "{words:?}");
        assert!(!format!("{invocation:?}").contains("S3C"), "{invocation:?}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for words in [
        &["cargo", "build", "--features", "token"][..],
        &["cargo", "test", "parser::token::tests"],
        &["cargo", "build", "-p", "login", "--target", "x86_64-unknown-linux-gnu"],
        &["cargo", "build", "-p", "secrecy", "--bin", "password"],
        &["cargo", "check", "--config", "build.rustc-wrapper=\"sccache\""],
        &["cargo", "add", "--git", "ssh://git@github.com/a/b"],
        &["cargo", "add", "--git", "https://github.com/a/b@v1"],
        &["cargo", "install", "--index", "sparse+https://index.crates.io:443/"],
        &[
            "rustc",
            "-L",
            "dependency=/p/target/debug/deps",
            "--cfg",
            "feature=\"token\"",
        ],
        &["cargo", "run", "--", "C:/token/x", "PWD=/home/me"],
        &["cargo", "test", "scion0123456789012345678901234567890123456789"],
    ] {
        assert_eq!(run(words).argv, words, "{words:?}");
    }
}

#[test]
fn long_arguments_are_cut() {
    let long = "x".repeat(5000);
    let invocation = run(&["cargo", "build", &long, "--release"]);
    assert!(invocation.argv_truncated);
    assert_eq!(invocation.argv.len(), 3);
    assert_eq!(invocation.command.chars().count(), COMMAND_LIMIT);
    assert!(invocation.command.ends_with('…'));

    let many = vec!["é"; 5000];
    let invocation = run(&many);
    assert!(invocation.argv_truncated);
    assert_eq!(invocation.argv.len(), ARGV_LIMIT.div_ceil(3));

    let just = "x".repeat(ARGV_LIMIT - 1);
    assert!(!run(&[&just]).argv_truncated);
    let over = "x".repeat(ARGV_LIMIT);
    let invocation = run(&[&over]);
    assert!(invocation.argv_truncated);
    assert_eq!(invocation.argv, [just]);
    assert!(run(&[&"x".repeat(100_000)]).argv_truncated);
}

#[test]
fn no_part_of_a_secret_is_left_at_a_cut() {
    let secret = "S3CRET".repeat(4000);
    for words in [
        vec!["x".repeat(4080), format!("--token={secret}")],
        vec!["x".repeat(4080), "--token".to_owned(), secret.clone()],
        vec![format!("{} https://u:{secret}@host", "x".repeat(4000))],
        vec![format!("https://{secret}@host")],
        vec![format!("{}://a:{secret}@b/ ghp_{secret}", "x".repeat(8150))],
        vec![format!("a://{}@b ghp_{secret}", "x".repeat(8160))],
    ] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let invocation = run(&words);
        assert!(!format!("{invocation:?}").contains("S3"), "{invocation:?}");
        assert!(invocation.argv_truncated);
    }
}

#[test]
fn hostile_arguments_take_no_time() {
    for piece in [
        "://", "://a:", "=", "token", "a=", "ghp_", "\"", "'=", " ", "--token ", ":", "\u{1b}",
    ] {
        run(&[&piece.repeat(40_000)]);
    }
}

#[test]
fn toolchains_are_read_from_the_path_of_the_program() {
    for (exe, expected) in [
        (
            "/home/me/.rustup/toolchains/1.95.0-x86_64-unknown-linux-gnu/bin/cargo",
            Some("1.95.0-x86_64-unknown-linux-gnu"),
        ),
        ("/opt/toolchains/mine/bin/rustc", Some("mine")),
        ("/usr/bin/cargo", None),
        ("/home/me/.rustup/toolchains/bin/cargo", None),
        ("/toolchains/x/lib/cargo", None),
        ("", None),
        ("/", None),
        ("cargo", None),
    ] {
        assert_eq!(toolchain(Path::new(exe)).as_deref(), expected, "{exe}");
    }
    for (toolchain, minor) in [
        ("1.95.0-x86_64-unknown-linux-gnu", Some(95)),
        ("1.95-aarch64-apple-darwin", Some(95)),
        ("1.95.0", Some(95)),
        ("nightly-2026-08-01-x86_64-apple-darwin", None),
        ("stable-x86_64-apple-darwin", None),
        ("beta", None),
        ("1.95x-y", None),
        ("", None),
    ] {
        let version = minor.map(CargoVersion::one);
        assert_eq!(toolchain_version(toolchain), version, "{toolchain}");
    }
}

/// Pieces from which arguments are made that look like Cargo's.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::sample::select(vec![
            "cargo",
            "login",
            "--token",
            "=",
            ":",
            " ",
            "://",
            "@",
            "/",
            "token",
            "\"",
            "-",
            "--",
            "+nightly",
            "-Z",
            "--config",
            "sh",
            "-c",
            "rustc",
            "--crate-name",
            "ghp_",
            "\n",
            "build-script-build",
            "build",
            "0123456789abcdef",
            "\u{202e}",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ]
}

fn words() -> impl Strategy<Value = Vec<OsString>> {
    let word = prop::collection::vec(piece(), 0..5).prop_map(|pieces| OsString::from_vec(pieces.concat()));
    prop::collection::vec(word, 0..8)
}

/// Each place in which a secret can stand, with the secret in it.
fn place(secret: &str) -> Vec<Vec<String>> {
    let one = |text: String| vec![text];
    vec![
        vec!["--token".to_owned(), secret.to_owned()],
        one(format!("--token={secret}")),
        one(format!("MY_TOKEN={secret}")),
        one(format!("registries.x.token=\"{secret}\"")),
        one(format!("registries.x.token = '{secret}'")),
        one(format!("https://user:{secret}@host/path")),
        // A token with a slash would have to be escaped there.
        one(format!("https://{}@host/path", secret.replace('/', "_"))),
        one(format!("publish --token {secret}")),
        one(format!("cargo login {secret}")),
        one(format!("x DB_PASSWORD=\"{secret}\" y")),
    ]
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_acts_on_a_terminal(
        argv in words(),
        exe in proptest::option::of(".{0,20}"),
        name in ".{0,16}",
    ) {
        let exe = exe.map(std::path::PathBuf::from);
        let invocation = read(&argv, exe.as_deref(), &name);
        prop_assert!(invocation.command.chars().count() <= COMMAND_LIMIT);
        let bytes: usize = invocation.argv.iter().map(|word| word.len() + 1).sum();
        prop_assert!(bytes <= ARGV_LIMIT);
        let subcommand = invocation.program.subcommand().unwrap_or_default();
        for word in invocation.argv.iter().map(String::as_str).chain([&*invocation.command, subcommand]) {
            prop_assert!(!word.chars().any(char::is_control), "{:?}", word);
        }
    }

    #[test]
    fn a_secret_is_never_in_the_output(
        before in words(),
        after in words(),
        secret in "[A-Za-z0-9+/_.-]{0,300}Zq7Zq[A-Za-z0-9+/_.-]{0,300}",
        which in 0..10_usize,
        fill in 0..4200_usize,
    ) {
        let secret = secret.trim_start_matches(['/', '-']);
        let mut argv = before;
        argv.push("x".repeat(fill).into());
        argv.extend(place(secret)[which].iter().map(OsString::from));
        argv.extend(after);
        let invocation = read(&argv, None, "cargo");
        let output = format!("{invocation:?}");
        prop_assert!(!output.contains("Zq7"), "{}", output);
    }

    #[test]
    fn the_argument_of_login_is_never_in_the_output(
        options in prop::sample::subsequence(vec!["-q", "--offline", "-Zgc", "--locked"], 0..4),
        secret in "[A-Za-z0-9]{3,60}",
    ) {
        let secret = format!("Zq7{secret}");
        let mut words = vec!["cargo"];
        words.extend(options);
        words.extend(["login", "--registry", "mine", &secret]);
        let output = format!("{:?}", run(&words));
        prop_assert!(!output.contains("Zq7"), "{}", output);
    }

    #[test]
    fn no_toolchain_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), text in ".{0,30}") {
        let path = std::path::PathBuf::from(OsString::from_vec(bytes));
        toolchain(&path);
        toolchain_version(&text);
    }
}

#[test]
fn the_short_form_names_the_command() {
    for (command, expected) in [
        ("cargo build --release", "cargo build"),
        ("cargo check", "cargo check"),
        ("cargo", "cargo"),
        ("build script of ring", "build script of ring"),
        ("", ""),
    ] {
        assert_eq!(short(command), expected);
    }
}

#[test]
fn secrets_in_unusual_places() {
    for line in [
        "cargo -vC /d login hunter2",
        "curl -H Authorization:Bearer\u{a0}hunter2",
        "cargo build token:hunter2",
        "cargo run MYSQL_PWD=hunter2",
    ] {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let invocation = read(&words, None, "cargo");
        assert!(!format!("{invocation:?}").contains("hunter2"), "{line}: {invocation:?}");
    }
}
