//! What a process has done so far: processor time, disk, and which sockets and terminals it has open.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::proc_dir::{self, ProcDir};
use super::stat::Stat;
use crate::process::Pid;

/// What one process tells.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) stat: Stat,
    /// Bytes read from and written to the disk; 0 where that may not be read.
    pub(super) disk: u64,
    /// The inode numbers of its sockets, of all kinds.
    pub(super) sockets: Vec<u64>,
    pub(super) reads_terminal: bool,
    /// Whether its sockets are of another network namespace (a container), of which nothing is told here.
    pub(super) is_elsewhere: bool,
}

pub(super) fn of(pid: Pid) -> io::Result<Told> {
    let folder = ProcDir::open(pid)?;
    let stat = folder.stat()?;
    let (mut sockets, mut reads_terminal) = (Vec::new(), false);
    // Another user's process tells nothing about its descriptors, and is judged by the rest.
    let _ = folder.for_each_link(|name, target| match target.strip_prefix(b"socket:[") {
        Some(rest) => sockets.extend(inode(rest)),
        None => reads_terminal |= target == b"/dev/tty" && may_read(&folder, name),
    });
    let network = |folder: &ProcDir| folder.link("ns/net");
    let is_elsewhere = !sockets.is_empty() && {
        let own = ProcDir::open(std::process::id()).ok().and_then(|own| network(&own));
        network(&folder) != own
    };
    let disk = folder.io().map_or(0, |text| disk(&text));
    Ok(Told {
        stat,
        disk,
        sockets,
        reads_terminal,
        is_elsewhere,
    })
}

/// The children of a process: each of its threads lists those that it has started (`fs/proc/array.c`,
/// `children_seq_show`). A list that is read while children end may lack one; the next reading has it.
pub(super) fn children(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let mut found = Vec::new();
    for thread in threads.into_iter().flatten().flatten() {
        let path: PathBuf = thread.path().join("children");
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && thread.path().exists() => return by_parent(pid),
            Err(_) => continue, // it has ended
        };
        found.extend(
            text.split_ascii_whitespace()
                .filter_map(|word| word.parse::<Pid>().ok()),
        );
    }
    found
}

/// The same in a kernel without `CONFIG_PROC_CHILDREN`: all processes are asked for their parent. That costs much more, but a
/// build whose compilers are not seen would seem to stand still.
fn by_parent(parent: Pid) -> Vec<Pid> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<Pid>().ok());
    pids.filter(|pid| proc_dir::stat_of(*pid).is_ok_and(|stat| stat.parent == parent))
        .collect()
}

/// The rest of `socket:[4711]`.
fn inode(rest: &[u8]) -> Option<u64> {
    std::str::from_utf8(rest.strip_suffix(b"]")?).ok()?.parse().ok()
}

/// `/dev/tty` opened for writing only is how a program shows its progress, and asks nothing.
fn may_read(folder: &ProcDir, name: &CStr) -> bool {
    folder.descriptor_info(name).is_ok_and(|text| is_readable(&text))
}

/// The `flags:` line of `/proc/PID/fdinfo/N` is octal; its last two bits are 1 where only writing is allowed (`O_ACCMODE`,
/// `include/uapi/asm-generic/fcntl.h`).
fn is_readable(text: &[u8]) -> bool {
    let flags = value(text, b"flags:").and_then(|word| u64::from_str_radix(word, 8).ok());
    flags.is_some_and(|flags| flags & 0o3 != 0o1)
}

/// `read_bytes` and `write_bytes` of `/proc/PID/io`: what the disk had to do, not what the page cache gave.
fn disk(text: &[u8]) -> u64 {
    let bytes = |name: &[u8]| value(text, name).and_then(|word| word.parse::<u64>().ok());
    let both = [bytes(b"read_bytes:"), bytes(b"write_bytes:")];
    both.into_iter().flatten().fold(0, u64::saturating_add)
}

/// The word behind a name at the begin of a line.
fn value<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let rest = lines.find_map(|line| line.strip_prefix(name))?;
    std::str::from_utf8(rest).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_disk_had_to_do() {
        let text =
            b"rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\nwrite_bytes: 512\ncancelled_write_bytes: 1\n";
        assert_eq!(disk(text), 4608);
        assert_eq!(disk(b"read_bytes: x\n"), 0);
        assert_eq!(disk(b""), 0);
    }

    #[test]
    fn flags_of_a_descriptor() {
        for (flags, readable) in [("0100000", true), ("0100001", false), ("0100002", true), ("x", false)] {
            let text = format!("pos:\t0\nflags:\t{flags}\nmnt_id:\t23\n");
            assert_eq!(is_readable(text.as_bytes()), readable, "{flags}");
        }
    }

    #[test]
    fn both_ways_find_a_child() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("starts");
        let own = std::process::id();
        let found = (
            children(own).contains(&child.id()),
            by_parent(own).contains(&child.id()),
        );
        child.kill().expect("is ours");
        child.wait().expect("ends");
        assert_eq!(found, (true, true));
    }

    #[test]
    fn the_number_of_a_socket() {
        assert_eq!(inode(b"4711]"), Some(4711));
        assert_eq!((inode(b"4711"), inode(b"]"), inode(b"-1]")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (disk(&text), is_readable(&text), inode(&text));
        }
    }
}
