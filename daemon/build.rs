//! Links the part of the C compiler's runtime that unwinds into the program, where it is there in that form.
//!
//! Rust takes it from `libgcc_s.so.1` on Linux with glibc. Loading that library and running its constructor, which asks
//! the processor what it is (and so leaves a virtual machine), takes a tenth of the time of a `lockwatch status`. Where
//! anything is missing, nothing is said to Cargo and the program is built as ever.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CC");
    if let Some(folder) = is_wanted().then(folder).flatten() {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:+whole-archive,-bundle=gcc_eh");
    }
}

/// Whether the program is for this very system, and takes the runtime from a shared library.
fn is_wanted() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var_os("HOST") == env::var_os("TARGET")
        && !features.split(',').any(|feature| feature == "crt-static")
}

/// The folder of `libgcc_eh.a`, as the C compiler that links the program tells it.
fn folder() -> Option<PathBuf> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .arg("-print-file-name=libgcc_eh.a")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    // A file that the compiler does not have it names without a folder.
    let file = Path::new(text.trim_end());
    (file.is_absolute() && file.is_file()).then(|| file.parent().map(Path::to_owned))?
}
