//! What a process runs, from its arguments: which of Rust's programs it is, a short text for people, and the
//! arguments without their secrets.

mod secrets;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::cargo::lock_kind::{CargoVersion, full_name, is_unit_hash, leading_version};
use crate::text;

/// How many bytes of arguments are kept, each counted with the zero byte that ends it in the kernel.
const ARGV_LIMIT: usize = 4096;

/// How many characters [`Invocation::command`] has at most.
const COMMAND_LIMIT: usize = 120;

/// What a process runs. Nothing in it is secret, and nothing in it acts on a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The program.
    pub program: Program,
    /// What it does, short and for people: `cargo build --release`, `cargo clippy`, `rustc serde`,
    /// `build script of ring`. At most 120 characters.
    pub command: String,
    /// The arguments, the program's own name first, with secrets masked and control characters escaped.
    pub argv: Vec<String>,
    /// Whether `argv` was cut.
    pub argv_truncated: bool,
}

/// The programs that have to do with a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Cargo itself, or a program that adds a command to it (`cargo-foo`).
    Cargo {
        /// The command, by its full name: `build` for `cargo b`. `None` where there is none, as in
        /// `cargo --version`, and where the arguments are not known.
        subcommand: Option<String>,
    },
    /// The compiler.
    Rustc,
    /// The documentation tool.
    Rustdoc,
    /// The compiler in the form that `cargo clippy` uses.
    ClippyDriver,
    /// A compiled `build.rs`.
    BuildScript,
    /// A linker, or a C compiler that links for rustc.
    Linker,
    /// rust-analyzer, or one of its helpers.
    RustAnalyzer,
    /// Anything else.
    Other,
}

impl Program {
    /// Whether it is Cargo or one of its added commands.
    pub fn is_cargo(&self) -> bool {
        matches!(self, Self::Cargo { .. })
    }

    /// Whether it is one of the programs that do a build's work under its own name: Cargo, rustc, rustdoc,
    /// clippy-driver, build scripts.
    pub fn is_rust_tool(&self) -> bool {
        match self {
            Self::Cargo { .. } | Self::Rustc | Self::Rustdoc | Self::ClippyDriver | Self::BuildScript => true,
            Self::Linker | Self::RustAnalyzer | Self::Other => false,
        }
    }

    /// The command of a Cargo.
    pub fn subcommand(&self) -> Option<&str> {
        match self {
            Self::Cargo { subcommand } => subcommand.as_deref(),
            _ => None,
        }
    }
}

/// Reads what a process runs. `name` is the kernel's short name, used where nothing else is known.
pub fn read(argv: &[OsString], exe: Option<&Path>, name: &str) -> Invocation {
    let words = shown_words(argv);
    let raw = parse(&words, exe, name);
    let login = raw.program.subcommand() == Some("login");
    // Parsed again without the secrets, so that none can come into the text by another way.
    let masked = secrets::mask(&words, login.then_some(raw.rest));
    let parsed = parse(&masked, exe, name);
    let command = describe(&parsed, &masked);
    let shown = masked.iter().map(|word| text::escape(OsStr::new(word)));
    let (kept, cut) = cut(shown);
    Invocation {
        program: parsed.program,
        command: text::shorten(&command, COMMAND_LIMIT),
        argv_truncated: cut || kept.len() < argv.len() || words.iter().any(|word| word.len() > secrets::WINDOW),
        argv: kept,
    }
}

/// The arguments that can be shown at all, as far as bytes go: what comes after the limit cannot change what comes
/// before it.
fn shown_words(argv: &[OsString]) -> Vec<String> {
    let mut bytes = 0;
    let fits = argv.iter().take_while(|word| {
        let before = bytes;
        bytes += word.len() + 1;
        before < ARGV_LIMIT
    });
    fits.map(|word| text::to_utf8(word).into_owned()).collect()
}

/// Keeps as many bytes as are allowed; whether something was cut off.
fn cut(words: impl Iterator<Item = String>) -> (Vec<String>, bool) {
    let mut left = ARGV_LIMIT;
    let mut kept = Vec::new();
    for mut word in words {
        if left == 0 {
            return (kept, true);
        }
        let whole = word.len() < left;
        if !whole {
            word.truncate(word.floor_char_boundary(left - 1));
        }
        left = left.saturating_sub(word.len() + 1);
        kept.push(word);
        if !whole {
            return (kept, true);
        }
    }
    (kept, false)
}

/// What the arguments say.
struct Parsed {
    program: Program,
    /// What the short text begins with: `cargo build`, `rustc serde`.
    title: String,
    /// Where the arguments begin that follow the title.
    rest: usize,
}

/// Finds out which program it is. Its own name for itself comes first: a program that stands in for Cargo (rustup's
/// proxy, a distribution's `cargo-1.85`, a wrapper of Nix) has another file name.
fn parse(words: &[String], exe: Option<&Path>, name: &str) -> Parsed {
    let own = words.first().map(|word| basename(word));
    let file = exe.and_then(Path::file_name).map(text::escape);
    let script = own.filter(|own| is_interpreter(own)).and_then(|_| script(words));
    let candidates = [
        own.map(|own| (own, 1)),
        script.map(|index| (basename(&words[index]), index + 1)),
        file.as_deref().map(|file| (file, 1)),
        words.is_empty().then_some((name, 1)),
    ];
    for (candidate, rest) in candidates.into_iter().flatten() {
        if let Some(parsed) = known(candidate, words, rest, exe) {
            return parsed;
        }
    }
    let (title, rest) = match (script, own) {
        (Some(index), Some(own)) => (format!("{own} {}", basename(&words[index])), index + 1),
        (None, Some(own)) if !own.is_empty() => (own.to_owned(), 1),
        _ => (file.unwrap_or_else(|| name.to_owned()), 1),
    };
    Parsed {
        program: if links(words) { Program::Linker } else { Program::Other },
        title,
        rest,
    }
}

/// Reads the arguments of a program that is known by its name; they begin at `rest`.
fn known(name: &str, words: &[String], rest: usize, exe: Option<&Path>) -> Option<Parsed> {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    // Nix: `.cargo-wrapped` is what its script `cargo` starts.
    let name = name
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix("-wrapped"))
        .unwrap_or(name);
    let tool = |program, tool: &str| Parsed {
        program,
        title: crate_name(words).map_or_else(|| tool.to_owned(), |name| format!("{tool} {name}")),
        // The arguments of a compiler fill a screen and say little more than the crate.
        rest: if crate_name(words).is_some() { words.len() } else { rest },
    };
    Some(match name {
        "rustc" => tool(Program::Rustc, name),
        "rustdoc" => tool(Program::Rustdoc, name),
        "clippy-driver" => tool(Program::ClippyDriver, name),
        _ if is_cargo(name) => cargo(words, rest),
        _ if name.starts_with("cargo-credential-") => return None,
        _ if name.starts_with("cargo-") => added_command(name, words, rest),
        // The kernel's short name is cut to 15 bytes.
        _ if name.starts_with("build-script-") || name.starts_with("build_script_") => Parsed {
            program: Program::BuildScript,
            title: build_script(words, exe),
            rest,
        },
        _ if name.starts_with("rust-analyzer") => Parsed {
            program: Program::RustAnalyzer,
            title: name.to_owned(),
            rest,
        },
        _ if is_linker(name) => Parsed {
            program: Program::Linker,
            title: name.to_owned(),
            rest: words.len(),
        },
        _ => return None,
    })
}

/// Whether it is Cargo itself; distributions add the version (`cargo-1.85`).
fn is_cargo(name: &str) -> bool {
    name == "cargo" || name.strip_prefix("cargo-").and_then(leading_version).is_some()
}

/// Reads the arguments of Cargo itself.
fn cargo(words: &[String], rest: usize) -> Parsed {
    let Some(index) = subcommand(words, rest) else {
        return Parsed {
            program: Program::Cargo { subcommand: None },
            title: "cargo".to_owned(),
            rest,
        };
    };
    let name = full_name(&words[index]);
    Parsed {
        program: Program::Cargo {
            subcommand: Some(name)
                .filter(|name| !name.contains(secrets::MASK))
                .map(|name| text::escape(OsStr::new(name))),
        },
        title: format!("cargo {name}"),
        rest: index + 1,
    }
}

/// Reads the arguments of `cargo-foo`. Cargo starts it as `cargo-foo foo …`; a user can start it without the `foo`.
fn added_command(program: &str, words: &[String], rest: usize) -> Parsed {
    let name = &program["cargo-".len()..];
    let repeated = words.get(rest).is_some_and(|word| word == name);
    Parsed {
        program: Program::Cargo {
            subcommand: Some(text::escape(OsStr::new(name))),
        },
        title: format!("cargo {name}"),
        rest: rest + usize::from(repeated),
    }
}

/// Cargo's options that may stand before the command and take the next argument as their value (`cli()` in
/// `src/bin/cargo/cli.rs`).
const GLOBAL_WITH_VALUE: &[&str] = &["--color", "--config", "-C", "-Z", "--explain"];

/// Where the command stands in the arguments of Cargo, which begin at `from`.
fn subcommand(words: &[String], from: usize) -> Option<usize> {
    let mut index = from;
    // rustup takes the toolchain away before Cargo sees it, but not while it installs one.
    if words.get(index).is_some_and(|word| word.starts_with('+')) {
        index += 1;
    }
    while let Some(word) = words.get(index) {
        if !word.starts_with('-') {
            return Some(index);
        }
        index += 1 + usize::from(GLOBAL_WITH_VALUE.contains(&word.as_str()));
    }
    None
}

/// The crate that a compiler compiles.
fn crate_name(words: &[String]) -> Option<&str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--crate-name" {
            return words.next().map(String::as_str);
        }
        if let Some(name) = word.strip_prefix("--crate-name=") {
            return Some(name);
        }
    }
    None
}

/// The text for a build script. It lies at `build/<package>-<hash>/build-script-build`, and in the layout of Cargo
/// 1.100 under `build/<package>/<hash>/`.
fn build_script(words: &[String], exe: Option<&Path>) -> String {
    let path = exe.map(text::escape_path).or_else(|| words.first().cloned());
    let package = path.as_deref().and_then(package_of_build_script);
    package.map_or_else(
        || "build script".to_owned(),
        |package| format!("build script of {package}"),
    )
}

/// The package to which the build script at this path belongs.
fn package_of_build_script(path: &str) -> Option<&str> {
    let mut folders = path.rsplit('/').skip(1).peekable();
    while let Some(folder) = folders.next() {
        let above = folders.peek().copied()?;
        if is_unit_hash(folder.as_bytes()) && above != "build" {
            return Some(above).filter(|package| !package.is_empty());
        }
        if above == "build"
            && let Some((package, hash)) = folder.rsplit_once('-')
            && is_unit_hash(hash.as_bytes())
        {
            return Some(package).filter(|package| !package.is_empty());
        }
    }
    None
}

/// Whether a program of this name does nothing but link.
fn is_linker(name: &str) -> bool {
    matches!(
        name,
        "ld" | "ld64"
            | "ld.lld"
            | "ld64.lld"
            | "lld"
            | "rust-lld"
            | "wasm-ld"
            | "mold"
            | "ld.mold"
            | "sold"
            | "wild"
            | "gold"
            | "ld.gold"
            | "ld.bfd"
            | "ld-classic"
            | "ld-prime"
            | "collect2"
    )
}

/// Whether rustc's objects are among the arguments: rustc links through the C compiler, and puts the arguments into a
/// file `linker-arguments` where they are too many.
fn links(words: &[String]) -> bool {
    words.iter().any(|word| {
        word.ends_with(".rcgu.o")
            || word.ends_with("/symbols.o")
            || word.starts_with('@') && word.ends_with("linker-arguments")
    })
}

/// Whether a program of this name runs a script that is named in its arguments.
fn is_interpreter(name: &str) -> bool {
    let name = name.strip_prefix('-').unwrap_or(name);
    let without_version = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(
        without_version,
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "fish" | "python" | "node" | "ruby" | "perl" | "bun" | "deno"
    )
}

/// Where the script stands among the arguments of an interpreter: the first that is no option, and only where no
/// option can have taken it for its value.
fn script(words: &[String]) -> Option<usize> {
    let word = words.get(1)?;
    (!word.is_empty() && !word.starts_with('-') && !word.starts_with('+')).then_some(1)
}

/// The last part of a path.
fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The short text, from arguments without secrets.
fn describe(parsed: &Parsed, masked: &[String]) -> String {
    let mut command = parsed.title.clone();
    for word in masked.iter().skip(parsed.rest) {
        // Longer than can be shown, also after some characters have become escapes.
        if command.len() > 4 * COMMAND_LIMIT {
            break;
        }
        let quote = if word.is_empty() || word.contains(' ') { "'" } else { "" };
        command.extend([" ", quote, word, quote]);
    }
    text::escape(OsStr::new(&command))
}

/// The beginning of [`Invocation::command`] that names it in a sentence: `cargo build` of `cargo build --release`.
pub fn short(command: &str) -> &str {
    let is_cargo = command.starts_with("cargo ");
    let end = command.match_indices(' ').nth(1).filter(|_| is_cargo);
    end.map_or(command, |(place, _)| &command[..place])
}

/// The toolchain of rustup to which a program belongs: `…/toolchains/<toolchain>/bin/<program>`.
pub fn toolchain(exe: &Path) -> Option<String> {
    let bin = exe.parent()?;
    let toolchain = bin.parent()?;
    let is_rustups = bin.file_name()? == "bin" && toolchain.parent()?.file_name()? == "toolchains";
    is_rustups.then(|| toolchain.file_name().map(text::escape)).flatten()
}

/// The version of the Cargo in a toolchain, where its name says it: `1.95.0-x86_64-unknown-linux-gnu`. `stable` and
/// `nightly` say none.
pub fn toolchain_version(toolchain: &str) -> Option<CargoVersion> {
    leading_version(toolchain)
}
