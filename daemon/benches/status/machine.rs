//! The facts about the machine without which the numbers say nothing.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};

/// Its cores, kernel, load and tools, a few lines.
pub(crate) fn facts(load_before: &str, locks_before: usize) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let kernel = read("/proc/sys/kernel/osrelease");
    let kilobytes = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let memory = kilobytes.unwrap_or(0) / (1 << 20);
    let mut text = format!("machine   {cores} cores ({cpu}), {memory} GiB, Linux {kernel}\n");
    // A String takes all that is written to it.
    let _ = writeln!(
        text,
        "load      {load_before} before, {} after (1, 5, 15 minutes)",
        load_average()
    );
    let _ = writeln!(
        text,
        "locks     {locks_before} of other programs before, {} after",
        locks()
    );
    let _ = writeln!(text, "lockwatch {}", env!("CARGO_PKG_VERSION"));
    for (name, option) in [("lslocks", "--version"), ("fuser", "--version"), ("lsof", "-v")] {
        let _ = writeln!(
            text,
            "{name:<9} {}",
            version(name, option).unwrap_or_else(|| "not installed".to_owned())
        );
    }
    text
}

/// How many processes want to run, as the kernel counts them: over 1, 5 and 15 minutes.
pub(crate) fn load_average() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// How many lines the kernel's table of locks has. Locks of other programs cost every tool time, and are to be few.
pub(crate) fn locks() -> usize {
    read("/proc/locks").lines().count()
}

/// All processes of the machine.
pub(crate) fn processes() -> usize {
    let Ok(folder) = fs::read_dir("/proc") else {
        return 0;
    };
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    folder
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_process))
        .count()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// What a tool says of its version: a line of either output with a number that has a dot.
fn version(program: &str, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let has_version = |line: &&str| {
        line.split('.')
            .skip(1)
            .any(|part| part.starts_with(|c: char| c.is_ascii_digit()))
    };
    Some(text.lines().find(has_version)?.trim().to_owned())
}
