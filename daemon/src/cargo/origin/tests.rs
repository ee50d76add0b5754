use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::process::{ProcessId, RunState};

/// A process that started nothing by itself: in the session and group 50, with a terminal.
fn process(pid: Pid, parent: Pid, name: &str, argv: &[&str]) -> Process {
    Process {
        id: ProcessId { pid, start: 1 },
        parent,
        group: 50,
        session: 50,
        uid: Some(1000),
        state: RunState::Alive,
        has_terminal: true,
        started_at: None,
        name: name.to_owned(),
        exe: None,
        argv: argv.iter().map(OsString::from).collect(),
        cwd: None,
    }
}

/// Who started a process with these ancestors.
fn origin(process: &Process, ancestors: &[Process], marks: impl FnOnce() -> BTreeMap<String, String>) -> Origin {
    let judged: Vec<Rc<Ancestor>> = ancestors.iter().cloned().map(Ancestor::of).map(Rc::new).collect();
    super::origin(process, &judged, marks)
}

/// The cargo that is asked about, process 100.
fn cargo(parent: Pid) -> Process {
    process(100, parent, "cargo", &["cargo", "check"])
}

/// The first process of a machine.
fn systemd() -> Process {
    let mut systemd = process(1, 0, "systemd", &["/sbin/init"]);
    systemd.session = 1;
    systemd.group = 1;
    systemd.has_terminal = false;
    systemd
}

/// Ancestors from their names and arguments, the nearest first, in one line up to systemd.
fn line(ancestors: &[(&str, &[&str])]) -> (Process, Vec<Process>) {
    let parent_of = |index: usize| {
        if index == ancestors.len() {
            1
        } else {
            99 - Pid::try_from(index).unwrap()
        }
    };
    let mut chain: Vec<_> = ancestors
        .iter()
        .enumerate()
        .map(|(index, (name, argv))| process(parent_of(index), parent_of(index + 1), name, argv))
        .collect();
    chain.push(systemd());
    (cargo(parent_of(0)), chain)
}

fn set(marks: &[(&str, &str)]) -> BTreeMap<String, String> {
    marks
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn told(kind: OriginKind, name: &str, pid: impl Into<Option<Pid>>) -> Origin {
    Origin::new(kind, Some(name), pid.into())
}

#[test]
fn the_nearest_ancestor_that_decides_wins() {
    use OriginKind::{Agent, Ci, Editor, Service, Terminal};
    let zsh: (&str, &[&str]) = ("zsh", &["-zsh"]);
    let claude: (&str, &[&str]) = ("claude", &["claude"]);
    let code: (&str, &[&str]) = ("code", &["/usr/share/code/code", "--type=zygote"]);
    let sh: (&str, &[&str]) = ("sh", &["/bin/sh", "-c", "cargo check"]);
    for (ancestors, kind, name, pid) in [
        (&[zsh, code][..], Terminal, "zsh", 99),
        (
            &[("bash", &["bash", "--init-file", "/x/shellIntegration-bash.sh"]), code],
            Terminal,
            "bash",
            99,
        ),
        (&[("fish", &["fish", "-i", "-l"]), code], Terminal, "fish", 99),
        (&[("bash", &["bash", "-o", "vi"])], Terminal, "bash", 99),
        (&[sh, zsh], Terminal, "zsh", 98),
        (&[("make", &["make", "all"]), sh, zsh], Terminal, "zsh", 97),
        (
            &[("cargo", &["cargo", "xtask"]), ("xtask", &["target/debug/xtask"]), zsh],
            Terminal,
            "zsh",
            97,
        ),
        (&[claude, zsh], Agent, "Claude Code", 99),
        (&[zsh, claude, zsh], Terminal, "zsh", 99),
        (
            &[("zsh", &["/bin/zsh", "-c", "-l", "cargo b"]), claude, zsh],
            Agent,
            "Claude Code",
            98,
        ),
        (
            &[("bash", &["bash", "-lc", "cargo b"]), ("codex", &["codex"]), zsh],
            Agent,
            "Codex",
            98,
        ),
        (&[("bash", &["bash", "-s"]), claude, zsh], Agent, "Claude Code", 98),
        (&[("bash", &["bash", "ci.sh"]), claude, zsh], Agent, "Claude Code", 98),
        (
            &[sh, ("node", &["node", "/opt/bin/gemini", "-y"]), zsh],
            Agent,
            "Gemini CLI",
            98,
        ),
        (
            &[
                sh,
                ("MainThread", &["node", "--max-old-space-size=8192", "/x/gemini.js"]),
                zsh,
            ],
            Agent,
            "Gemini CLI",
            98,
        ),
        (
            &[
                sh,
                ("node", &["node", "/x/node_modules/@anthropic-ai/claude-code/cli.js"]),
                zsh,
            ],
            Agent,
            "Claude Code",
            98,
        ),
        (
            &[sh, ("python3", &["/usr/bin/python3", "/home/me/.local/bin/aider"]), zsh],
            Agent,
            "aider",
            98,
        ),
        (
            &[("rust-analyzer", &["/x/rust-analyzer"]), code],
            Editor,
            "rust-analyzer",
            99,
        ),
        (&[("rust-analyzer-p", &[]), code], Editor, "rust-analyzer", 99),
        (&[sh, code], Editor, "VS Code", 98),
        (&[("Code Helper (Pl", &[])], Editor, "VS Code", 99),
        (&[("zed-editor", &["/x/zed-editor"])], Editor, "Zed", 99),
        (&[("zed-remote-serv", &[])], Editor, "Zed", 99),
        (
            &[("rustrover", &["/opt/rustrover/bin/rustrover"])],
            Editor,
            "RustRover",
            99,
        ),
        (
            &[("nvim", &["nvim", "--embed"]), ("nvim", &["nvim"]), zsh],
            Editor,
            "Neovim",
            99,
        ),
        (&[("emacs-30.1", &["emacs"])], Editor, "Emacs", 99),
        (&[("hx", &["hx", "."]), zsh], Editor, "Helix", 99),
        (&[sh, ("Runner.Worker", &[])], Ci, "GitHub Actions", 98),
        (&[sh, ("gitlab-runner", &["gitlab-runner", "run"])], Ci, "GitLab CI", 98),
        (&[sh, ("java", &["java", "-jar", "/opt/agent.jar"])], Ci, "Jenkins", 98),
        (&[sh, ("cron", &["/usr/sbin/cron", "-f"])], Service, "cron", 98),
        (
            &[sh, ("containerd-shim", &["/usr/bin/containerd-shim-runc-v2"])],
            Service,
            "containerd",
            98,
        ),
        (&[sh, ("tmux: server", &["tmux", "new"])], Terminal, "tmux", 98),
        (
            &[sh, ("sshd-session", &["sshd-session: me@notty"])],
            Terminal,
            "ssh",
            98,
        ),
    ] {
        let (cargo, chain) = line(ancestors);
        assert_eq!(
            origin(&cargo, &chain, || set(&[])),
            told(kind, name, pid),
            "{ancestors:?}"
        );
    }
}

#[test]
fn a_program_is_known_by_the_path_of_its_file() {
    for (exe, kind, name) in [
        (
            "/Applications/Visual Studio Code.app/Contents/Frameworks/Code Helper (Plugin).app/Contents/MacOS/Code Helper (Plugin)",
            OriginKind::Editor,
            "VS Code",
        ),
        ("/home/me/.vscode-server/bin/0123/node", OriginKind::Editor, "VS Code"),
        ("/home/me/.cursor-server/bin/0123/node", OriginKind::Editor, "Cursor"),
        (
            "/home/me/.local/share/cursor-agent/versions/1/node",
            OriginKind::Agent,
            "Cursor Agent",
        ),
        ("/Applications/Zed.app/Contents/MacOS/zed", OriginKind::Editor, "Zed"),
        (
            "/Applications/RustRover.app/Contents/MacOS/rustrover",
            OriginKind::Editor,
            "RustRover",
        ),
        (
            "/home/me/.vscode/extensions/anthropic.claude-code-2.1/native-binary/claude",
            OriginKind::Agent,
            "Claude Code",
        ),
    ] {
        let (cargo, mut chain) = line(&[("x", &["x"])]);
        chain[0].exe = Some(PathBuf::from(exe));
        assert_eq!(origin(&cargo, &chain, || set(&[])), told(kind, name, 99), "{exe}");
    }
}

#[test]
fn a_shell_without_a_terminal_or_arguments_decides_nothing() {
    let (cargo, mut chain) = line(&[("bash", &["bash"]), ("code", &["code"])]);
    chain[0].has_terminal = false;
    assert_eq!(
        origin(&cargo, &chain, || set(&[])),
        told(OriginKind::Editor, "VS Code", 98)
    );
    let (cargo, chain) = line(&[("bash", &[]), ("code", &["code"])]);
    assert_eq!(
        origin(&cargo, &chain, || set(&[])),
        told(OriginKind::Editor, "VS Code", 98)
    );
}

#[test]
fn whoever_lost_its_starter_is_an_orphan() {
    let orphan = |name: Option<&str>| Origin::new(OriginKind::Orphan, name, None);
    for (marks, name) in [
        (&[][..], None),
        (&[("RA_RUSTC_WRAPPER", "1")], Some("rust-analyzer")),
        (
            &[("CARGO_LOG", "cargo::core::compiler::fingerprint=info")],
            Some("rust-analyzer"),
        ),
        (&[("CARGO_LOG", "debug")], None),
        (
            &[("RUSTUP_TOOLCHAIN", "/r/toolchains/stable-x86_64-apple-darwin")],
            Some("rust-analyzer"),
        ),
        (&[("RUSTUP_TOOLCHAIN", "stable-x86_64-apple-darwin")], None),
        (
            &[("CLAUDECODE", "1"), ("RUSTUP_TOOLCHAIN", "/r/toolchains/x")],
            Some("Claude Code"),
        ),
        (&[("CLAUDECODE", "1"), ("RA_RUSTC_WRAPPER", "1")], Some("rust-analyzer")),
        (&[("AMP_CURRENT_THREAD_ID", "T-1"), ("CLAUDECODE", "1")], Some("Amp")),
        (&[("CLAUDECODE", "")], None),
        (&[("TERM_PROGRAM", "iTerm.app"), ("CI", "true")], None),
        (&[("AI_AGENT", "S3CRET")], None),
    ] {
        let (cargo, chain) = line(&[]);
        assert_eq!(origin(&cargo, &chain, || set(marks)), orphan(name), "{marks:?}");
        // PID 1 may not be readable.
        assert_eq!(origin(&cargo, &[], || set(marks)), orphan(name), "{marks:?}");
        // A wrapper may be what lost its starter.
        let (cargo, chain) = line(&[("sh", &["sh", "-c", "cargo check"])]);
        assert_eq!(origin(&cargo, &chain, || set(marks)), orphan(name), "{marks:?}");
        // The systemd of the user takes orphans in too.
        let (cargo, mut chain) = line(&[("systemd", &["/usr/lib/systemd/systemd", "--user"])]);
        chain[0].session = 99;
        assert_eq!(origin(&cargo, &chain, || set(marks)), orphan(name), "{marks:?}");
    }
}

#[test]
fn arguments_tell_an_orphan_of_rust_analyzer() {
    let channel = ("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS", "nightly");
    for (argv, marks, is_its) in [
        (&["cargo", "check", "--compile-time-deps"][..], &[][..], true),
        (&["cargo", "metadata", "-Zunstable-options"], &[channel], true),
        (&["cargo", "metadata"], &[channel], false),
        (
            &[
                "cargo",
                "clippy",
                "--message-format=json-diagnostic-rendered-ansi",
                "--keep-going",
            ],
            &[],
            true,
        ),
        (&["cargo", "check", "--message-format=json"], &[], false),
        (&["cargo", "check", "--keep-going"], &[], false),
    ] {
        let (mut cargo, chain) = line(&[]);
        cargo.argv = argv.iter().map(OsString::from).collect();
        let name = is_its.then_some("rust-analyzer");
        let expected = Origin::new(OriginKind::Orphan, name, None);
        assert_eq!(origin(&cargo, &chain, || set(marks)), expected, "{argv:?}");
    }
}

#[test]
fn whoever_leads_a_session_under_the_manager_is_a_service() {
    let (mut cargo, mut chain) = line(&[]);
    cargo.session = 100;
    assert_eq!(
        origin(&cargo, &chain, || set(&[])),
        told(OriginKind::Service, "systemd", 1)
    );
    chain[0].name = "launchd".to_owned();
    chain[0].argv = vec!["/sbin/launchd".into()];
    assert_eq!(
        origin(&cargo, &chain, || set(&[])),
        told(OriginKind::Service, "launchd", 1)
    );
    assert_eq!(
        origin(&cargo, &[], || set(&[])),
        Origin::new(OriginKind::Service, None, Some(1))
    );
    // rust-analyzer gives its checks a session of their own.
    let marks = || set(&[("CARGO_LOG", "cargo::core::compiler::fingerprint=info")]);
    assert_eq!(
        origin(&cargo, &chain, marks),
        told(OriginKind::Orphan, "rust-analyzer", None)
    );
    // A service's script, and a service of a program that is not known.
    for service in ["sh", "builder"] {
        let (cargo, mut chain) = line(&[(service, &[service, "/srv/build"])]);
        chain[0].session = 99;
        assert_eq!(
            origin(&cargo, &chain, || set(&[])),
            told(OriginKind::Service, "systemd", 1)
        );
    }
    // The init of a container has its child in its own session, as leader of a group.
    let (mut cargo, mut chain) = line(&[]);
    chain[0].name = "tini".to_owned();
    chain[0].argv = vec!["tini".into()];
    cargo.session = 1;
    cargo.group = 100;
    assert_eq!(
        origin(&cargo, &chain, || set(&[])),
        told(OriginKind::Service, "tini", 1)
    );
}

#[test]
fn marks_decide_where_no_ancestor_does() {
    use OriginKind::{Agent, Ci, Editor, Terminal};
    let mark = |marks: &[(&str, &str)]| {
        // The starter is alive and not known.
        let (cargo, chain) = line(&[("sh", &["sh", "-c", "x"]), ("launcher", &["launcher"])]);
        let origin = origin(&cargo, &chain, || set(marks));
        assert_eq!(origin.pid, None);
        (origin.kind, origin.name)
    };
    for (marks, kind, name) in [
        (&[("CODEX_SANDBOX", "seatbelt")][..], Agent, Some("Codex")),
        (
            &[("CURSOR_AGENT", "1"), ("TERM_PROGRAM", "vscode")],
            Agent,
            Some("Cursor Agent"),
        ),
        (&[("GEMINI_CLI", "1"), ("CI", "true")], Agent, Some("Gemini CLI")),
        (&[("AGENT", "goose")], Agent, Some("Goose")),
        (&[("AI_AGENT", "somebody new")], Agent, None),
        (&[("VSCODE_PID", "4711")], Editor, Some("VS Code")),
        (
            &[("GITHUB_ACTIONS", "true"), ("CI", "true")],
            Ci,
            Some("GitHub Actions"),
        ),
        (&[("CI", "true")], Ci, None),
        (
            &[("CI", "false"), ("TMUX", "/tmp/tmux-1000/default,1,0")],
            Terminal,
            Some("tmux"),
        ),
        (&[("TERM_PROGRAM", "ghostty")], Terminal, Some("Ghostty")),
        (&[("TERM_PROGRAM", "S3CRET")], Terminal, None),
        (&[], OriginKind::Unknown, None),
        (&[("AGENT", "x"), ("CI", "0")], OriginKind::Unknown, None),
    ] {
        assert_eq!(mark(marks), (kind, name.map(str::to_owned)), "{marks:?}");
    }
}

#[test]
fn a_program_with_windows_is_no_service() {
    let (cargo, mut chain) = line(&[("Thing", &["Thing"])]);
    chain[0].exe = Some(PathBuf::from("/Applications/Thing.app/Contents/MacOS/Thing"));
    chain[0].session = 99;
    assert_eq!(origin(&cargo, &chain, || set(&[])), Origin::UNKNOWN);
}

#[test]
fn in_a_container_the_first_process_can_be_the_starter() {
    let first = |name: &str, argv: &[&str]| {
        let mut first = process(1, 0, name, argv);
        (first.session, first.group) = (1, 1);
        first
    };
    let of = |first: Process| origin(&cargo(1), &[first], || set(&[]));
    assert_eq!(of(first("bash", &["bash"])), told(OriginKind::Terminal, "bash", 1));
    assert_eq!(of(first("sh", &["sh", "-c", "cargo b"])), Origin::UNKNOWN);
    assert_eq!(of(first("codex", &["codex"])), told(OriginKind::Agent, "Codex", 1));
    assert_eq!(
        of(first("sleep", &["sleep", "infinity"])),
        Origin::new(OriginKind::Orphan, None, None)
    );
    // Started from outside of the container: no parent.
    assert_eq!(origin(&cargo(0), &[], || set(&[])), Origin::UNKNOWN);
}

#[test]
fn a_broken_chain_is_not_an_orphan() {
    assert_eq!(origin(&cargo(77), &[], || set(&[])), Origin::UNKNOWN);
    let shell = process(99, 77, "sh", &["sh", "-c", "x"]);
    assert_eq!(origin(&cargo(99), &[shell], || set(&[])), Origin::UNKNOWN);
}

#[test]
fn kinds_are_written_as_documented() {
    for (kind, json) in [
        (OriginKind::Terminal, "\"terminal\""),
        (OriginKind::Ci, "\"ci\""),
        (OriginKind::Orphan, "\"orphan\""),
    ] {
        assert_eq!(serde_json::to_string(&kind).unwrap(), json);
    }
}

#[test]
fn arguments_are_read_where_they_can_tell() {
    for (short, exe, needed) in [
        ("cargo", "/home/me/.rustup/toolchains/stable/bin/cargo", false),
        ("tmux", "/usr/bin/tmux", false),
        // Cut to 15 bytes.
        ("my-build-superv", "/opt/my-build-supervisor", false),
        ("my-build-super", "/opt/my-build-supervisor", true),
        ("zsh", "/bin/zsh", true),
        ("fish", "/usr/bin/fish", true),
        ("node", "/usr/bin/node", true),
        ("python3.12", "/usr/bin/python3.12", true),
        ("java", "/opt/jdk/bin/java", true),
        // A script, a thread that named itself, a link, and a program that NixOS wrapped.
        ("aider", "/usr/bin/python3.12", true),
        ("MainThread", "/usr/bin/node", true),
        ("sh", "/usr/bin/busybox", true),
        (".nvim-wrapped", "/nix/store/x/bin/.nvim-wrapped", true),
        ("tmux: server", "/usr/bin/tmux", true),
    ] {
        assert_eq!(needs_arguments(short, Some(exe.as_ref())), needed, "{short} {exe}");
    }
    assert!(needs_arguments("init", None), "another user's");
}

/// Any process whose names look a little like known ones.
fn any_process() -> impl Strategy<Value = Process> {
    let word = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20).prop_map(OsString::from_vec),
        prop::sample::select(vec![
            "bash",
            "-zsh",
            "-c",
            "sh",
            "node",
            "/x/claude",
            "code",
            "cargo",
            "systemd",
            "--",
            "-",
            "",
            "/",
            "-lc",
            "S3CRET",
        ])
        .prop_map(OsString::from),
    ];
    let argv = prop::collection::vec(word.clone(), 0..5);
    (
        0..4_u32,
        0..4_u32,
        0..4_u32,
        any::<bool>(),
        ".{0,16}",
        proptest::option::of(word),
        argv,
    )
        .prop_map(|(pid, parent, session, has_terminal, name, exe, argv)| Process {
            session,
            has_terminal,
            exe: exe.map(PathBuf::from),
            argv,
            ..process(pid, parent, &name, &[])
        })
}

proptest! {
    #[test]
    fn arguments_that_need_not_be_read_change_nothing(
        name in prop::sample::select(vec![
            "bash", "busybox", "cargo", "claude", "code", "cron", "fish", "java", "make", "node", "perl", "python3.12",
            "rust-analyzer", "sh", "status", "systemd", "tini", "tmux", "uv", "zed-editor-of-the-future",
        ]),
        before in prop::sample::select(vec!["", "-", "/usr/bin/"]),
        words in prop::collection::vec(prop::sample::select(vec![
            "-c", "-i", "--", "/x/claude", "/opt/RustRover/lib", "agent.jar", "codex.js", "/@openai/codex/", "supervisord",
        ]), 0..4),
        pid in 1..3_u32,
    ) {
        let exe = PathBuf::from(format!("/opt/bin/{name}"));
        let short = &name[..name.len().min(15)];
        let own = format!("{before}{name}");
        let with = process(pid, 1, short, &[&[own.as_str()], words.as_slice()].concat());
        let with = Process { exe: Some(exe), ..with };
        let without = Process { argv: Vec::new(), ..with.clone() };
        if !needs_arguments(short, with.exe.as_deref()) {
            prop_assert_eq!(decide(&with), decide(&without));
            prop_assert_eq!(is_manager(&with), is_manager(&without));
            prop_assert_eq!(programs::is_wrapper(&with), programs::is_wrapper(&without));
        }
    }

    #[test]
    fn nothing_panics_and_nothing_of_the_processes_goes_out(
        process in any_process(),
        ancestors in prop::collection::vec(any_process(), 0..5),
        marks in prop::collection::btree_map(prop::sample::select(MARKS).prop_map(str::to_owned), "S3CRET.{0,9}|", 0..4),
    ) {
        let origin = origin(&process, &ancestors, || marks);
        let shown = format!("{origin:?}");
        prop_assert!(!shown.contains("S3C"));
        if origin.kind == OriginKind::Unknown {
            prop_assert_eq!(origin, Origin::UNKNOWN);
        }
    }
}
