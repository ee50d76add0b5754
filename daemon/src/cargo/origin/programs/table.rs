//! The table itself.

use crate::cargo::origin::OriginKind::{self, Agent, Ci, Editor, Service, Terminal};

/// A program that decides where a Cargo comes from.
pub(super) struct Program {
    pub(super) kind: OriginKind,
    pub(super) name: &'static str,
    pub(super) by: &'static [By],
}

/// How a program is recognised.
pub(super) enum By {
    /// Its name is this: the file, the name it gives itself, or the kernel's short name, which is cut.
    Name(&'static str),
    /// Its name begins with this.
    Begin(&'static str),
    /// The path of its file has this in it.
    Path(&'static str),
    /// It is an interpreter, and the script that it runs has this name, without an extension.
    Script(&'static str),
    /// It is an interpreter or a virtual machine, and one of its first arguments has this in it.
    Argument(&'static str),
}
use By::{Argument, Begin, Name, Path as In, Script};

const fn program(kind: OriginKind, name: &'static str, by: &'static [By]) -> Program {
    Program { kind, name, by }
}

/// The programs, each as its own documentation or packages name it. Agents come before editors: some agents lie in an
/// editor's folder.
pub(super) static PROGRAMS: &[Program] = &[
    // The language server first: it is what starts Cargo, and the editor above it can be any.
    program(
        Editor,
        "rust-analyzer",
        &[Begin("rust-analyzer"), Name("ra-multiplex"), Name("lspmux")],
    ),
    program(
        Agent,
        "Claude Code",
        &[
            Name("claude"),
            In("/claude/versions/"),
            Script("claude"),
            Argument("/@anthropic-ai/claude-code"),
            Script("claude-code-acp"),
            Name("claude-code-acp"),
        ],
    ),
    program(
        Agent,
        "Codex",
        &[
            Name("codex"),
            Begin("codex-"),
            Script("codex"),
            Argument("/@openai/codex/"),
        ],
    ),
    program(
        Agent,
        "Cursor Agent",
        &[
            Name("cursor-agent"),
            In("/cursor-agent/versions/"),
            Script("cursor-agent"),
        ],
    ),
    program(
        Agent,
        "Gemini CLI",
        &[Name("gemini"), Script("gemini"), Argument("/@google/gemini-cli")],
    ),
    program(
        Agent,
        "Qwen Code",
        &[Name("qwen"), Script("qwen"), Argument("/@qwen-code/")],
    ),
    program(Agent, "aider", &[Name("aider"), Script("aider")]),
    program(
        Agent,
        "opencode",
        &[Name("opencode"), Script("opencode"), Argument("/opencode-ai/")],
    ),
    program(Agent, "Goose", &[Name("goose"), Name("goosed")]),
    program(
        Agent,
        "Amp",
        &[
            Name("amp"),
            Script("amp"),
            Argument("/@sourcegraph/amp"),
            Argument("/@ampcode/"),
        ],
    ),
    program(
        Agent,
        "Copilot CLI",
        &[Name("copilot"), Script("copilot"), Argument("/@github/copilot/")],
    ),
    program(Agent, "Crush", &[Name("crush")]),
    program(Agent, "Auggie", &[Name("auggie"), Script("auggie")]),
    program(Agent, "Cline", &[Name("cline"), Script("cline")]),
    program(Agent, "Droid", &[Name("droid")]),
    program(Agent, "Kiro CLI", &[Name("kiro-cli"), Begin("kiro-cli-")]),
    program(Agent, "Amazon Q", &[Name("qchat")]),
    program(Agent, "Junie", &[Name("junie"), Script("junie")]),
    program(Agent, "OpenHands", &[Name("openhands"), Script("openhands")]),
    program(Agent, "Kimi CLI", &[Name("kimi"), Script("kimi")]),
    program(
        Editor,
        "Cursor",
        &[
            Name("cursor"),
            Name("Cursor"),
            Begin("Cursor Helper"),
            In("/Cursor.app/"),
            In("/.cursor-server/"),
        ],
    ),
    program(
        Editor,
        "Windsurf",
        &[
            Name("windsurf"),
            Name("Windsurf"),
            Begin("Windsurf Helper"),
            In("/Windsurf.app/"),
            In("/.windsurf-server/"),
        ],
    ),
    program(
        Editor,
        "VSCodium",
        &[
            Name("codium"),
            Begin("VSCodium"),
            In("/VSCodium.app/"),
            In("/.vscodium-server/"),
        ],
    ),
    program(
        Editor,
        "VS Code",
        &[
            Name("code"),
            Name("code-insiders"),
            Name("code-oss"),
            Name("code-server"),
            Name("Code"),
            // macOS: `Code Helper`, `Code Helper (Plugin)`, `Code - Insiders Helper`.
            Begin("Code Helper"),
            Begin("Code - "),
            In("/Visual Studio Code"),
            In("/.vscode-server"),
            In("/code-server/lib/"),
        ],
    ),
    program(Editor, "Kiro", &[In("/Kiro.app/"), Begin("Kiro Helper")]),
    program(Editor, "Antigravity", &[Name("antigravity"), In("/Antigravity.app/")]),
    program(Editor, "Trae", &[Name("trae"), In("/Trae.app/")]),
    program(
        Editor,
        "Zed",
        &[
            Name("zed"),
            Name("zed-editor"),
            Name("zeditor"),
            Name("Zed"),
            Begin("zed-remote-server"),
            In("/Zed.app/"),
            In("/Zed Preview.app/"),
        ],
    ),
    program(
        Editor,
        "RustRover",
        &[
            Name("rustrover"),
            Name("rustrover.sh"),
            In("/RustRover"),
            In("/rustrover/bin/"),
            In("/rustrover/jbr/"),
            Argument("/RustRover"),
        ],
    ),
    program(
        Editor,
        "CLion",
        &[Name("clion"), Name("clion.sh"), In("/CLion"), In("/clion/bin/")],
    ),
    program(
        Editor,
        "IntelliJ IDEA",
        &[Name("idea"), Name("idea.sh"), In("/IntelliJ IDEA"), In("/idea-I")],
    ),
    program(Editor, "Fleet", &[In("/Fleet.app/")]),
    program(Editor, "Neovim", &[Name("nvim"), Name("neovide"), Name("nvim-qt")]),
    program(
        Editor,
        "Vim",
        &[
            Name("vim"),
            Begin("vim."),
            Name("vi"),
            Name("gvim"),
            Name("MacVim"),
            Name("Vim"),
        ],
    ),
    program(
        Editor,
        "Emacs",
        &[Name("emacs"), Begin("emacs-"), Name("Emacs"), Begin("Emacs-")],
    ),
    program(Editor, "Helix", &[Name("hx"), Name("helix")]),
    program(
        Editor,
        "Sublime Text",
        &[Name("sublime_text"), Begin("plugin_host"), In("/Sublime Text.app/")],
    ),
    program(Editor, "Lapce", &[Name("lapce"), Begin("lapce-proxy")]),
    program(Editor, "Kakoune", &[Name("kak"), Name("kak-lsp"), Name("kakoune-lsp")]),
    program(Editor, "Kate", &[Name("kate")]),
    program(Editor, "GNOME Builder", &[Name("gnome-builder")]),
    program(Editor, "Qt Creator", &[Name("qtcreator"), Name("Qt Creator")]),
    program(
        Editor,
        "Xcode",
        &[
            Name("Xcode"),
            Name("XCBBuildService"),
            Name("SWBBuildService"),
            Name("xcodebuild"),
        ],
    ),
    program(Editor, "Nova", &[In("/Nova.app/")]),
    program(
        Ci,
        "GitHub Actions",
        &[Begin("Runner.Worker"), Begin("Runner.Listener")],
    ),
    program(Ci, "Azure Pipelines", &[Name("Agent.Worker"), Name("Agent.Listener")]),
    program(Ci, "GitLab CI", &[Begin("gitlab-runner")]),
    program(Ci, "Gitea Actions", &[Name("act_runner")]),
    program(Ci, "Forgejo Actions", &[Name("forgejo-runner")]),
    program(Ci, "act", &[Name("act")]),
    program(Ci, "Buildkite", &[Name("buildkite-agent")]),
    program(Ci, "CircleCI", &[Name("circleci-agent"), Name("circleci-runner")]),
    program(Ci, "Woodpecker", &[Name("woodpecker-agent"), Name("plugin-work")]),
    program(Ci, "Drone", &[Begin("drone-runner"), Name("drone-agent")]),
    program(
        Ci,
        "Jenkins",
        &[Argument("remoting.jar"), Argument("agent.jar"), Argument("jenkins.war")],
    ),
    program(
        Ci,
        "TeamCity",
        &[Argument("jetbrains.buildServer.agent"), Argument("/buildAgent/")],
    ),
    program(Ci, "Hercules CI", &[Begin("hercules-ci-agent")]),
    program(
        Service,
        "cron",
        &[Name("cron"), Name("crond"), Name("anacron"), Name("fcron"), Name("atd")],
    ),
    program(Service, "supervisord", &[Name("supervisord"), Script("supervisord")]),
    program(Service, "s6", &[Name("s6-supervise")]),
    program(Service, "runit", &[Name("runsv")]),
    program(Service, "daemontools", &[Name("supervise")]),
    program(Service, "OpenRC", &[Name("supervise-daemon")]),
    program(Service, "containerd", &[Begin("containerd-shim")]),
    program(Service, "conmon", &[Name("conmon")]),
    program(Terminal, "tmux", &[Name("tmux"), Begin("tmux:")]),
    program(Terminal, "screen", &[Name("screen"), Name("SCREEN")]),
    program(Terminal, "zellij", &[Name("zellij")]),
    program(
        Terminal,
        "ssh",
        &[
            Name("sshd"),
            Begin("sshd-"),
            Begin("sshd:"),
            Name("dropbear"),
            Name("mosh-server"),
        ],
    ),
    program(Terminal, "login", &[Name("login")]),
    program(Terminal, "Terminal", &[In("/Terminal.app/")]),
    program(Terminal, "iTerm2", &[Name("iTerm2"), Begin("iTermServer")]),
    program(Terminal, "Alacritty", &[Name("alacritty")]),
    program(Terminal, "kitty", &[Name("kitty")]),
    program(Terminal, "WezTerm", &[Begin("wezterm")]),
    program(Terminal, "Ghostty", &[Name("ghostty")]),
    program(Terminal, "Warp", &[Name("warp-terminal"), In("/Warp.app/")]),
    program(Terminal, "foot", &[Name("foot")]),
    program(
        Terminal,
        "GNOME Terminal",
        &[Name("gnome-terminal-server"), Name("kgx"), Begin("ptyxis")],
    ),
    program(Terminal, "Konsole", &[Name("konsole")]),
    program(Terminal, "xterm", &[Name("xterm"), Name("urxvt"), Name("rxvt")]),
];

/// The managers of services and the small programs that stand in for one in a container: whoever loses its parent
/// becomes their child.
pub(super) const MANAGERS: &[&str] = &[
    "systemd",
    "launchd",
    "init",
    "openrc-init",
    "runit",
    "runsvdir",
    "s6-svscan",
    "dinit",
    "shepherd",
    "tini",
    "dumb-init",
    "docker-init",
    "podman-init",
    "catatonit",
];

/// Shells that people type into.
pub(super) const SHELLS: &[&str] = &[
    "bash", "zsh", "fish", "sh", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "tcsh", "csh", "nu", "xonsh", "elvish",
    "pwsh", "osh", "ysh", "brush", "busybox",
];

/// Options of shells that take the next argument as their value and say nothing about a script.
pub(super) const SHELL_OPTIONS: &[&str] = &[
    "--rcfile",
    "--init-file",
    "-o",
    "+o",
    "-O",
    "+O",
    "--init-command",
    "-C",
    "--config",
    "--env-config",
    "--features",
    "--profile",
];

/// Programs that run another for somebody else, so that they decide nothing.
pub(super) const WRAPPERS: &[&str] = &[
    "cargo",
    "rustup",
    "rustc",
    "clippy-driver",
    "sccache",
    "make",
    "gmake",
    "ninja",
    "cmake",
    "just",
    "task",
    "node",
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "bun",
    "deno",
    "python",
    "python3",
    "ruby",
    "perl",
    "nix",
    "nix-shell",
    "nix-build",
    "sudo",
    "doas",
    "su",
    "runuser",
    "setpriv",
    "env",
    "time",
    "nice",
    "ionice",
    "chrt",
    "taskset",
    "xargs",
    "parallel",
    "watch",
    "watchexec",
    "entr",
    "bacon",
    "timeout",
    "nohup",
    "setsid",
    "stdbuf",
    "script",
    "unbuffer",
    "flock",
    "git",
    "pre-commit",
    "lefthook",
    "direnv",
    "mise",
    "devbox",
    "hyperfine",
    "strace",
    "gdb",
    "lldb",
    "perf",
    "systemd-run",
    "systemd-inhibit",
    "caffeinate",
    "lockwatch",
];
