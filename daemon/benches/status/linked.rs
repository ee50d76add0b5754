//! The program as a package for Linux has it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The flags that `cargo xtask dist` builds with; `packaging/src/programs.rs` says why.
const FLAGS: &str = include_str!("../../../packaging/linux.flags");

/// Builds it beside the one that cargo has built for this benchmark, and gives its path. The error says what is missing.
pub(crate) fn build(loaded: &Path) -> Result<PathBuf, String> {
    let host = host().ok_or("rustc does not name its target")?;
    let folder = loaded.ancestors().nth(2).ok_or("the target folder is not known")?;
    let flags = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        host.to_ascii_uppercase().replace(['-', '.'], "_")
    );
    // With a target named, the flags are for the program alone and not for what runs while it is built.
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "lockwatch",
            "--bin",
            "lockwatch",
        ])
        .args(["--target", &host, "--target-dir"])
        .arg(folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env(flags, FLAGS.trim())
        .stdin(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(folder.join(host).join("release/lockwatch")),
        Ok(_) => Err("it cannot be built here; the package libc6-dev or glibc-static is missing".to_owned()),
        Err(error) => Err(format!("cargo cannot be run: {error}")),
    }
}

/// The target that rustc builds for by itself.
fn host() -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output: io::Result<_> = Command::new(rustc).arg("-vV").output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
}
