//! Marks that starters leave on what they start: environment variables and arguments.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use super::OriginKind;
use crate::process::Process;

/// The environment variables that [`origin`](super::origin()) wants to see of a process. None of them holds a secret,
/// and their values are only compared, never shown.
pub const MARKS: &[&str] = &[
    "RA_RUSTC_WRAPPER",
    "CARGO_LOG",
    "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS",
    "RUSTUP_TOOLCHAIN",
    "AMP_CURRENT_THREAD_ID",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "CODEX_CI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "QWEN_CODE",
    "OPENCODE",
    "COPILOT_CLI",
    "GOOSE_TERMINAL",
    "CRUSH",
    "AUGMENT_AGENT",
    "CLINE_ACTIVE",
    "PI_CODING_AGENT",
    "TRAE_AI_SHELL_ID",
    "ANTIGRAVITY_AGENT",
    "AGENT",
    "AI_AGENT",
    "VSCODE_PID",
    "NVIM",
    "INSIDE_EMACS",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "DRONE",
    "TRAVIS",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
    "CI",
    "TMUX",
    "SSH_CONNECTION",
    "TERM_PROGRAM",
];

/// What a variable's value must be to count.
#[derive(Clone, Copy)]
enum Value {
    /// Anything but empty.
    Set,
    /// This.
    Is(&'static str),
    /// A text that begins with this.
    Begins(&'static str),
    /// An absolute path.
    Path,
}

impl Value {
    fn matches(self, value: &str) -> bool {
        match self {
            Self::Set => !value.is_empty(),
            Self::Is(whole) => value == whole,
            Self::Begins(begin) => value.starts_with(begin),
            Self::Path => value.starts_with('/'),
        }
    }
}

/// One variable that tells who started a process.
struct Mark {
    variable: &'static str,
    value: Value,
    name: Option<&'static str>,
}

const fn mark(variable: &'static str, value: Value, name: &'static str) -> Mark {
    Mark {
        variable,
        value,
        name: Some(name),
    }
}

const RUST_ANALYZER: &str = "rust-analyzer";

/// What only rust-analyzer sets (`crates/project-model/src/build_dependencies.rs` and
/// `crates/rust-analyzer/src/flycheck.rs` there).
const SURELY_RUST_ANALYZER: &[Mark] = &[
    mark("RA_RUSTC_WRAPPER", Value::Set, RUST_ANALYZER),
    mark(
        "CARGO_LOG",
        Value::Is("cargo::core::compiler::fingerprint=info"),
        RUST_ANALYZER,
    ),
];

/// What coding agents set for the commands they run, by their own documentation and source. Amp sets Claude Code's
/// mark too, so it comes first. `AGENT` and `AI_AGENT` are meant for all of them to share.
const AGENTS: &[Mark] = &[
    mark("AMP_CURRENT_THREAD_ID", Value::Set, "Amp"),
    mark("CLAUDECODE", Value::Set, "Claude Code"),
    mark("CLAUDE_CODE_ENTRYPOINT", Value::Set, "Claude Code"),
    mark("CODEX_SANDBOX", Value::Set, "Codex"),
    mark("CODEX_THREAD_ID", Value::Set, "Codex"),
    mark("CODEX_CI", Value::Set, "Codex"),
    mark("CURSOR_AGENT", Value::Set, "Cursor Agent"),
    mark("GEMINI_CLI", Value::Set, "Gemini CLI"),
    mark("QWEN_CODE", Value::Set, "Qwen Code"),
    mark("OPENCODE", Value::Set, "opencode"),
    mark("COPILOT_CLI", Value::Set, "Copilot CLI"),
    mark("GOOSE_TERMINAL", Value::Set, "Goose"),
    mark("CRUSH", Value::Set, "Crush"),
    mark("AUGMENT_AGENT", Value::Set, "Auggie"),
    mark("CLINE_ACTIVE", Value::Set, "Cline"),
    mark("PI_CODING_AGENT", Value::Set, "Pi"),
    mark("TRAE_AI_SHELL_ID", Value::Set, "Trae"),
    mark("ANTIGRAVITY_AGENT", Value::Set, "Antigravity"),
    mark("AGENT", Value::Is("amp"), "Amp"),
    mark("AGENT", Value::Is("goose"), "Goose"),
    mark("AI_AGENT", Value::Begins("github_copilot"), "Copilot"),
    Mark {
        variable: "AI_AGENT",
        value: Value::Set,
        name: None,
    },
];

/// What editors set. rust-analyzer gives Cargo the toolchain by its path where the user sets none; others seldom do.
const EDITORS: &[Mark] = &[
    mark("RUSTUP_TOOLCHAIN", Value::Path, RUST_ANALYZER),
    mark("VSCODE_PID", Value::Set, "VS Code"),
    mark("NVIM", Value::Set, "Neovim"),
    mark("INSIDE_EMACS", Value::Set, "Emacs"),
];

/// What runners of continuous integration set, by their documentation. `CI` is common to nearly all.
const RUNNERS: &[Mark] = &[
    mark("GITHUB_ACTIONS", Value::Set, "GitHub Actions"),
    mark("GITLAB_CI", Value::Set, "GitLab CI"),
    mark("BUILDKITE", Value::Set, "Buildkite"),
    mark("CIRCLECI", Value::Set, "CircleCI"),
    mark("JENKINS_URL", Value::Set, "Jenkins"),
    mark("TEAMCITY_VERSION", Value::Set, "TeamCity"),
    mark("TF_BUILD", Value::Set, "Azure Pipelines"),
    mark("DRONE", Value::Set, "Drone"),
    mark("TRAVIS", Value::Set, "Travis CI"),
    mark("APPVEYOR", Value::Set, "AppVeyor"),
    mark("BITBUCKET_BUILD_NUMBER", Value::Set, "Bitbucket Pipelines"),
    mark("CI", Value::Is("woodpecker"), "Woodpecker"),
    Mark {
        variable: "CI",
        value: Value::Is("true"),
        name: None,
    },
    Mark {
        variable: "CI",
        value: Value::Is("1"),
        name: None,
    },
];

/// What terminals set. Every program started from one has it, so it counts only with a controlling terminal.
const TERMINALS: &[Mark] = &[
    mark("TMUX", Value::Set, "tmux"),
    mark("SSH_CONNECTION", Value::Set, "ssh"),
    mark("TERM_PROGRAM", Value::Is("vscode"), "VS Code"),
    mark("TERM_PROGRAM", Value::Is("zed"), "Zed"),
    mark("TERM_PROGRAM", Value::Is("iTerm.app"), "iTerm2"),
    mark("TERM_PROGRAM", Value::Is("Apple_Terminal"), "Terminal"),
    mark("TERM_PROGRAM", Value::Is("WezTerm"), "WezTerm"),
    mark("TERM_PROGRAM", Value::Is("ghostty"), "Ghostty"),
    mark("TERM_PROGRAM", Value::Is("WarpTerminal"), "Warp"),
    Mark {
        variable: "TERM_PROGRAM",
        value: Value::Set,
        name: None,
    },
];

/// The first of these marks that is set.
fn first<'a>(table: &'a [Mark], marks: &BTreeMap<String, String>) -> Option<&'a Mark> {
    let is_set = |mark: &&Mark| {
        let value = marks.get(mark.variable);
        value.is_some_and(|value| mark.value.matches(value))
    };
    table.iter().find(is_set)
}

/// The editor or agent whose marks a process bears.
pub(super) fn editor_or_agent(process: &Process, marks: &BTreeMap<String, String>) -> Option<&'static str> {
    editor_or_agent_mark(process, marks)?.1
}

/// Everything that the marks of a process tell, the surest first.
pub(super) fn all(process: &Process, marks: &BTreeMap<String, String>) -> Option<(OriginKind, Option<&'static str>)> {
    let of = |kind, table| first(table, marks).map(|mark: &Mark| (kind, mark.name));
    editor_or_agent_mark(process, marks)
        .or_else(|| of(OriginKind::Ci, RUNNERS))
        .or_else(|| {
            let has_terminal = process.has_terminal;
            has_terminal.then(|| of(OriginKind::Terminal, TERMINALS)).flatten()
        })
}

/// An agent's mark comes before the weaker ones of an editor: an agent can be started from one.
fn editor_or_agent_mark(
    process: &Process,
    marks: &BTreeMap<String, String>,
) -> Option<(OriginKind, Option<&'static str>)> {
    if first(SURELY_RUST_ANALYZER, marks).is_some() || has_compile_time_deps(process) {
        return Some((OriginKind::Editor, Some(RUST_ANALYZER)));
    }
    if let Some(mark) = first(AGENTS, marks) {
        return Some((OriginKind::Agent, mark.name));
    }
    if overrides_channel(process, marks) || has_flycheck_arguments(process) {
        return Some((OriginKind::Editor, Some(RUST_ANALYZER)));
    }
    first(EDITORS, marks).map(|mark| (OriginKind::Editor, mark.name))
}

/// Whether Cargo checks only what macros and build scripts need, which was made for rust-analyzer alone.
fn has_compile_time_deps(process: &Process) -> bool {
    has_argument(process, |word| word == "--compile-time-deps")
}

/// Whether a stable Cargo is told to take unstable options, as rust-analyzer does for `cargo metadata` and for
/// building build scripts. Cargo's own tests do so too.
fn overrides_channel(process: &Process, marks: &BTreeMap<String, String>) -> bool {
    marks.contains_key("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS")
        && has_argument(process, |word| word == "-Zunstable-options")
}

/// Whether Cargo is asked to report in JSON and to go on after errors: what a check on save wants.
fn has_flycheck_arguments(process: &Process) -> bool {
    let is_json = |word: &OsStr| word.as_encoded_bytes().starts_with(b"--message-format=json");
    has_argument(process, is_json) && has_argument(process, |word| word == "--keep-going")
}

fn has_argument(process: &Process, is_it: impl Fn(&OsStr) -> bool) -> bool {
    process.argv.iter().any(|word| is_it(word))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_variable_of_the_tables_is_asked_for_once() {
        let tables = [SURELY_RUST_ANALYZER, AGENTS, EDITORS, RUNNERS, TERMINALS];
        let mut used: BTreeSet<_> = tables.iter().copied().flatten().map(|mark| mark.variable).collect();
        used.insert("__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS");
        let asked: BTreeSet<_> = MARKS.iter().copied().collect();
        assert_eq!(used, asked);
        assert_eq!(asked.len(), MARKS.len());
    }
}
