//! One line of the kernel's lock table, and the `lock:` lines of a descriptor's `fdinfo`. Both are printed by
//! `lock_get_status` in Linux' `fs/locks.c`. Pure.

use crate::os::Mode;
use crate::process::Pid;

/// The file of a lock as the kernel prints it, `MAJOR:MINOR:INODE`.
///
/// The device is the superblock's. On btrfs and overlayfs it is not the one that `stat` tells and not unique, so a key
/// is only ever compared with another key, never with a [`FileId`](crate::os::FileId).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    major: u32,
    minor: u32,
    pub(super) ino: u64,
}

#[cfg(fuzzing)]
impl Key {
    /// The two numbers of the device.
    pub(super) fn device(self) -> (u32, u32) {
        (self.major, self.minor)
    }
}

/// What a line says about a lock of flock(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Flock {
    /// Whether it is waited for (`->`) instead of held.
    pub(super) waits: bool,
    pub(super) mode: Mode,
    /// The process that took the lock or asks for it, in the PID namespace of the `/proc` that was read. It may have
    /// ended since, and its number may have been given to another.
    pub(super) pid: Pid,
    pub(super) key: Key,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Flock(Flock),
    /// A lock of another kind (POSIX, lease …), or one without a process or a file that we could look at.
    Irrelevant,
    /// Not a line as any kernel that we know prints it.
    Unknown,
}

/// The kinds of lock that are not flock(2)'s, as Linux names them.
const OTHER_KINDS: [&[u8]; 7] = [
    b"POSIX", b"ACCESS", b"OFDLCK", b"LEASE", b"DELEG", b"LAYOUT", b"UNKNOWN",
];

/// Reads one line of `/proc/locks`, or what follows `lock:` in `fdinfo`. Waiters nest: the kernel indents each level by
/// one more blank before the `->`, a thousand deep for a thousand waiters, so any number of blanks separates two words.
pub(super) fn parse(line: &[u8]) -> Line {
    parse_known(line).unwrap_or(Line::Unknown)
}

fn parse_known(line: &[u8]) -> Option<Line> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let number = words.next()?.strip_suffix(b":")?;
    if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut kind = words.next()?;
    let waits = kind == b"->";
    if waits {
        kind = words.next()?;
    }
    if OTHER_KINDS.contains(&kind) {
        return Some(Line::Irrelevant);
    }
    if kind != b"FLOCK" {
        return None;
    }
    let _advisory = words.next()?;
    let mode = match words.next()? {
        b"WRITE" => Mode::Exclusive,
        b"READ" => Mode::Shared,
        // A lock that is being released, or one of the old mandatory kind.
        b"UNLCK" | b"RW" | b"NONE" => return Some(Line::Irrelevant),
        _ => return None,
    };
    let pid: i64 = text(words.next()?)?.parse().ok()?;
    let file = words.next()?;
    if file.starts_with(b"<none>") {
        return Some(Line::Irrelevant);
    }
    let key = parse_key(file)?;
    // 0: a process outside our PID namespace. Negative: none (a lock of the kernel's own).
    match Pid::try_from(pid) {
        Ok(pid) if pid > 0 => Some(Line::Flock(Flock { waits, mode, pid, key })),
        _ => Some(Line::Irrelevant),
    }
}

fn parse_key(word: &[u8]) -> Option<Key> {
    let mut parts = text(word)?.split(':');
    let key = Key {
        major: u32::from_str_radix(parts.next()?, 16).ok()?,
        minor: u32::from_str_radix(parts.next()?, 16).ok()?,
        ino: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(key)
}

fn text(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

/// The flocks that a descriptor holds, by the text of its `fdinfo`. `fs/locks.c`, `show_fd_locks`: only locks of this
/// very open file are listed, and only held ones.
pub(super) fn held_by_descriptor(fdinfo: &[u8]) -> impl Iterator<Item = (Mode, Key)> {
    fdinfo
        .split(|byte| *byte == b'\n')
        .filter_map(|line| match parse(line.strip_prefix(b"lock:")?) {
            Line::Flock(flock) if !flock.waits => Some((flock.mode, flock.key)),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flock(line: &str) -> Flock {
        match parse(line.as_bytes()) {
            Line::Flock(flock) => flock,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_holder_line() {
        let held = flock("7: FLOCK  ADVISORY  WRITE 4711 fe:00:131074 0 EOF");
        assert_eq!((held.waits, held.mode, held.pid), (false, Mode::Exclusive, 4711));
        assert_eq!(
            held.key,
            Key {
                major: 0xfe,
                minor: 0,
                ino: 131_074
            }
        );
    }

    #[test]
    fn waiters_at_any_depth_are_waiters() {
        for depth in [1, 2, 3, 40, 1000] {
            let line = format!(
                "7:{:>width$} FLOCK  ADVISORY  READ 4800 00:2e:9 0 EOF",
                "->",
                width = depth + 2
            );
            let waiter = flock(&line);
            assert_eq!(
                (waiter.waits, waiter.mode, waiter.pid),
                (true, Mode::Shared, 4800),
                "{line}"
            );
        }
    }

    #[test]
    fn locks_of_other_kinds_are_passed_over() {
        for line in [
            "1: POSIX  ADVISORY  READ 533 fe:00:2 128 128",
            "1: OFDLCK ADVISORY  WRITE -1 fe:00:2 0 EOF",
            "3: -> POSIX  ADVISORY  WRITE 533 fe:00:2 0 EOF",
            "1: LEASE  ACTIVE    READ 90 fe:00:2 0 EOF",
            "1: DELEG  ACTIVE    READ 90 fe:00:2 0 EOF",
            "2: FLOCK  ADVISORY  WRITE 533 <none>:0 0 EOF",
            "2: FLOCK  ADVISORY  WRITE 0 fe:00:2 0 EOF",
            "2: FLOCK  ADVISORY  WRITE -1 fe:00:2 0 EOF",
        ] {
            assert_eq!(parse(line.as_bytes()), Line::Irrelevant, "{line}");
        }
    }

    #[test]
    fn lines_never_seen_before_are_said_to_be_unknown() {
        for line in [
            "",
            "garbage",
            "1:",
            "x: FLOCK  ADVISORY  WRITE 533 fe:00:2 0 EOF",
            "1: QUANTUM ADVISORY  WRITE 533 fe:00:2 0 EOF",
            "1: FLOCK  ADVISORY  SUPERPOSED 533 fe:00:2 0 EOF",
            "1: FLOCK  ADVISORY  WRITE pid fe:00:2 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 533 fe:00 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 533 fe:00:2:3 0 EOF",
        ] {
            assert_eq!(parse(line.as_bytes()), Line::Unknown, "{line}");
        }
    }

    #[test]
    fn fdinfo_names_the_locks_of_its_descriptor() {
        let fdinfo = b"pos:\t0\nflags:\t02100002\nmnt_id:\t23\nino:\t9\n\
            lock:\t1: FLOCK  ADVISORY  WRITE 4711 fe:00:9 0 EOF\n\
            lock:\t2: POSIX  ADVISORY  WRITE 4711 fe:00:9 0 EOF\n";
        let held: Vec<_> = held_by_descriptor(fdinfo).collect();
        assert_eq!(
            held,
            [(
                Mode::Exclusive,
                Key {
                    major: 0xfe,
                    minor: 0,
                    ino: 9
                }
            )]
        );
        assert_eq!(held_by_descriptor(b"pos:\t0\n").count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line);
            let _ = held_by_descriptor(&line).count();
        }

        #[test]
        fn any_words_are_taken(line in "[0-9]{1,3}: (-> )?(FLOCK|POSIX|X) +[A-Z]{0,9} +(READ|WRITE|RW|X) +-?[0-9]{1,12} [0-9a-f<>:]{0,30} 0 EOF") {
            let _ = parse(line.as_bytes());
        }
    }
}
