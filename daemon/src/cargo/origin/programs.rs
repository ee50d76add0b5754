//! The programs that are known to start Cargo: how they are recognised.

mod table;

use std::ffi::OsStr;
use std::path::Path;

use super::OriginKind;
use crate::process::Process;

use table::{By, MANAGERS, PROGRAMS, SHELL_OPTIONS, SHELLS, WRAPPERS};

/// Whether the arguments of a process can tell more about what program it is than its short name and its file do: where
/// the two differ (a script, a link), where one is not known, where it is an interpreter or a shell, and where the file is
/// hidden behind a script that gives its own name on (NixOS and Guix wrap programs so). Any other program's own name for
/// itself is the same name once more.
pub(super) fn told_by_arguments(short: &str, exe: Option<&Path>) -> bool {
    let Some(file) = exe.and_then(Path::file_name).map(OsStr::as_encoded_bytes) else {
        return true;
    };
    let short = short.as_bytes();
    let is_one_name = file == short || short.len() >= SHORT_NAME && file.starts_with(short);
    !is_one_name
        || file.starts_with(b".")
        || is_interpreter(file)
        || SHELLS.iter().any(|shell| shell.as_bytes() == file)
}

/// What a known program decides: its kind and name.
pub(super) fn known(process: &Process) -> Option<(OriginKind, &'static str)> {
    let features = Features::of(process);
    let found = PROGRAMS
        .iter()
        .find(|program| program.by.iter().any(|by| by.matches(&features)));
    found.map(|program| (program.kind, program.name))
}

/// The name of the shell, where a person types into it: it has a terminal, and is given neither a command nor a
/// script.
pub(super) fn interactive_shell(process: &Process) -> Option<&'static str> {
    let shell = listed(process, SHELLS)?;
    (process.has_terminal && reads_from_person(process)).then_some(shell)
}

/// Whether it is a shell.
pub(super) fn is_shell(process: &Process) -> bool {
    listed(process, SHELLS).is_some()
}

/// The name of the manager of services that a process is.
pub(super) fn manager(process: &Process) -> Option<&'static str> {
    listed(process, MANAGERS)
}

/// Whether a process only runs another one for somebody: a tool, or a shell with a command or a script.
pub(super) fn is_wrapper(process: &Process) -> bool {
    let is_cargo_command = names(process).any(|name| {
        // `python3.12` and the like.
        name.starts_with(b"cargo-") || name.starts_with(b"python3.")
    });
    is_cargo_command || listed(process, WRAPPERS).is_some() || listed(process, SHELLS).is_some()
}

/// Whether it is a program with windows on macOS: launchd starts it, and it is no service for that.
pub(super) fn is_mac_app(process: &Process) -> bool {
    let exe = process.exe.as_deref().map_or(&[][..], bytes);
    contains(exe, b".app/Contents/MacOS/")
}

/// The first name of a process that is in the list.
fn listed(process: &Process, list: &[&'static str]) -> Option<&'static str> {
    let position = |name: &[u8]| list.iter().find(|listed| listed.as_bytes() == name);
    names(process).find_map(position).copied()
}

/// The names of a process: its file, the kernel's short name, and the name it gives itself.
fn names(process: &Process) -> impl Iterator<Item = &[u8]> {
    let exe = process.exe.as_deref().and_then(Path::file_name);
    let own = process.argv.first().map(|own| basename(own));
    // A login shell has a dash before its name.
    let own = own.map(|own| own.strip_prefix(b"-").unwrap_or(own));
    let short = process.name.as_bytes();
    [exe.map(OsStr::as_encoded_bytes), Some(short), own]
        .into_iter()
        .flatten()
}

/// How long the kernel's short name is at most: 15 bytes on Linux. The 16 of macOS show up to one more.
const SHORT_NAME: usize = 15;

/// What the table compares, taken from a process once: it has some eighty programs, and a look some ten ancestors.
struct Features<'a> {
    names: Vec<&'a [u8]>,
    /// The kernel's short name, where it may be the begin of a longer one.
    cut_name: Option<&'a [u8]>,
    exe: &'a [u8],
    script: Option<&'a [u8]>,
    /// The arguments that can name what an interpreter runs; none for other programs.
    arguments: Vec<&'a [u8]>,
}

impl<'a> Features<'a> {
    fn of(process: &'a Process) -> Self {
        let short = process.name.as_bytes();
        let arguments = process.argv.iter().skip(1).take(ARGUMENTS);
        let runs_scripts = runs_scripts(process);
        Self {
            names: names(process).collect(),
            cut_name: (short.len() >= SHORT_NAME).then_some(short),
            exe: process.exe.as_deref().map_or(&[], bytes),
            script: runs_scripts.then(|| script(process)).flatten(),
            arguments: arguments
                .filter(|_| runs_scripts)
                .map(|word| word.as_encoded_bytes())
                .collect(),
        }
    }

    fn is_cut_from(&self, name: &str) -> bool {
        self.cut_name.is_some_and(|short| name.as_bytes().starts_with(short))
    }
}

impl By {
    fn matches(&self, features: &Features<'_>) -> bool {
        match self {
            Self::Name(name) => features.is_cut_from(name) || features.names.contains(&name.as_bytes()),
            Self::Begin(begin) => {
                features.is_cut_from(begin) || features.names.iter().any(|own| own.starts_with(begin.as_bytes()))
            }
            Self::Path(part) => contains(features.exe, part.as_bytes()),
            Self::Script(name) => features.script == Some(name.as_bytes()),
            Self::Argument(part) => features.arguments.iter().any(|word| contains(word, part.as_bytes())),
        }
    }
}

/// How many arguments of an interpreter are looked at: Java's class path and options come first.
const ARGUMENTS: usize = 40;

/// Whether the process runs a program that is named in its arguments.
fn runs_scripts(process: &Process) -> bool {
    names(process).any(is_interpreter)
}

fn is_interpreter(name: &[u8]) -> bool {
    // Electron editors run their extensions' scripts with a copy of themselves; those are known by their own names.
    const INTERPRETERS: &[&[u8]] = &[
        b"node", b"bun", b"deno", b"python", b"java", b"ruby", b"bash", b"sh", b"dash", b"zsh", b"uv",
    ];
    INTERPRETERS.iter().any(|interpreter| is_version_of(name, interpreter))
}

/// Whether a program is this one, or a version of it: `python3.12`.
fn is_version_of(name: &[u8], program: &[u8]) -> bool {
    let version = name.strip_prefix(program);
    version.is_some_and(|version| version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
}

/// The name of the script that an interpreter runs, without its extension.
fn script(process: &Process) -> Option<&[u8]> {
    let mut words = process.argv.iter().skip(1).map(|word| word.as_encoded_bytes());
    let word = words.find(|word| !word.starts_with(b"-"))?;
    let name = word.rsplit(|byte| *byte == b'/').next()?;
    Some(
        [&b".js"[..], b".mjs", b".cjs", b".py"]
            .iter()
            .find_map(|end| name.strip_suffix(*end))
            .unwrap_or(name),
    )
}

/// Whether a shell takes its commands from a person, as far as its arguments say.
fn reads_from_person(shell: &Process) -> bool {
    // Without arguments nothing is known: every shell has its own name at least.
    if shell.argv.is_empty() {
        return false;
    }
    let mut words = shell.argv.iter().skip(1);
    while let Some(word) = words.next() {
        let word = word.as_encoded_bytes();
        if SHELL_OPTIONS.iter().any(|option| option.as_bytes() == word) {
            words.next();
        } else if takes_command(word) || !word.starts_with(b"-") && !word.starts_with(b"+") {
            return false;
        }
    }
    true
}

/// Whether an option gives a shell a command, or has it read commands that nobody types: `-c`, `-lc`, `-s`.
fn takes_command(option: &[u8]) -> bool {
    if option.starts_with(b"--") {
        return [&b"--command"[..], b"--commands", b"--command="]
            .iter()
            .any(|name| option.starts_with(name));
    }
    // pwsh writes its options in words.
    let is_cluster = option.starts_with(b"-") && option.len() <= 6;
    let letters = option.get(1..).filter(|_| is_cluster).unwrap_or_default();
    letters.contains(&b'c')
        || letters.contains(&b's') && !letters.contains(&b'i')
        || option.eq_ignore_ascii_case(b"-command")
        || option.eq_ignore_ascii_case(b"-file")
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn basename(path: &OsStr) -> &[u8] {
    let path = path.as_encoded_bytes();
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether a text has a part in it. Not by memchr: it asks the processor first what it can do, and in a virtual machine
/// the answer takes 40 µs, more than to judge all ancestors.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else {
        return true;
    };
    let mut places = text.iter().enumerate();
    places.any(|(place, byte)| byte == first && text[place + 1..].starts_with(rest))
}
