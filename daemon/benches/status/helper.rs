//! What a helper process does: opens files or takes a lock, says so with one byte on its standard output, and ends when
//! its standard input does, so that none outlives the benchmark, however that ends.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use rustix::fs::FlockOperation;

/// The helper is as it should be.
pub(crate) const READY: u8 = b'+';
/// The helper could not do what it was told.
const FAILED: u8 = b'-';

/// Runs the helper whose name comes first.
pub(crate) fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    let done = match name.to_str() {
        Some("files") => files(&arguments),
        Some("lock") => lock(&arguments),
        _ => Err(io::Error::other("no such helper")),
    };
    match done {
        Ok(kept) => {
            say(READY);
            until_told();
            drop(kept);
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(
                io::stderr().lock(),
                "status helper {}: {error}",
                name.display()
            ));
            say(FAILED);
            ExitCode::FAILURE
        }
    }
}

/// `files COUNT FOLDER`: has COUNT files of the folder open.
fn files(arguments: &[OsString]) -> io::Result<Vec<File>> {
    let [count, folder] = arguments else {
        return Err(io::Error::other("needs a count and a folder"));
    };
    let count: u32 = count
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or(io::ErrorKind::InvalidInput)?;
    (0..count)
        .map(|number| open(&Path::new(folder).join(number.to_string())))
        .collect()
}

/// `lock PATH`: takes the lock alone, and keeps it.
fn lock(arguments: &[OsString]) -> io::Result<Vec<File>> {
    let [path] = arguments else {
        return Err(io::Error::other("needs a path"));
    };
    let file = open(path.as_ref())?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    Ok(vec![file])
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn say(byte: u8) {
    let mut out = io::stdout().lock();
    // The benchmark may have ended: then there is nobody to tell.
    drop(out.write_all(&[byte]).and_then(|()| out.flush()));
}

/// Waits for the end of standard input, which comes at the latest with the end of the benchmark.
fn until_told() {
    let mut rest = [0; 16];
    while io::stdin().lock().read(&mut rest).is_ok_and(|length| length > 0) {}
}
