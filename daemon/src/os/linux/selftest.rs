//! Whether this kernel shows locks as the detection expects it: measured on a file that has no name, and on our own process,
//! then judged. A kernel that only looks like Linux (gVisor and its like) may have a table of locks that is always empty.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

use rustix::fs::{FlockOperation, MemfdFlags};

use super::LOCKS;
use super::lock_line::{self, Flock};
use super::lock_table::{self, Buffer};
use crate::os::Mode;
use crate::process::Pid;

/// What was seen of one file before, during and after a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Measured {
    own: Pid,
    /// How the descriptor's `lock:` lines say that it is held.
    by_descriptor: [Vec<Mode>; 3],
    /// The entries of the table for the file that the descriptor names during the lock.
    in_table: [Vec<Flock>; 3],
    /// Whether a second descriptor was refused the lock meanwhile.
    keeps_others_out: bool,
}

/// What is not as expected, in words; `None` where all is.
pub(super) fn run() -> Option<String> {
    match measure() {
        Ok(measured) => failure(&measured).map(str::to_owned),
        Err(error) => Some(format!("it could not be run: {error}")),
    }
}

fn failure(measured: &Measured) -> Option<&'static str> {
    let Measured {
        own,
        by_descriptor,
        in_table,
        keeps_others_out,
    } = measured;
    let [before, locked, after] = by_descriptor;
    let [free, held, released] = in_table;
    let is_ours = |found: &[Flock]| {
        let [one] = found else { return false };
        one.pid == *own && one.mode == Mode::Exclusive && !one.waits
    };
    let checks = [
        (*keeps_others_out, "a lock does not keep others out"),
        (before.is_empty(), "a descriptor shows a lock without one"),
        (*locked == [Mode::Exclusive], "a descriptor does not show its lock"),
        (after.is_empty(), "a descriptor shows a lock that was released"),
        (free.is_empty(), "/proc/locks has a lock that was not taken"),
        (is_ours(held), "/proc/locks does not show a lock that is held"),
        (released.is_empty(), "/proc/locks has a lock that was released"),
    ];
    checks.iter().find(|(passed, _)| !passed).map(|(_, part)| *part)
}

/// Locks a file in memory, and looks at it in the two places that the detection reads.
fn measure() -> io::Result<Measured> {
    let file = File::from(rustix::fs::memfd_create("lockwatch-selftest", MemfdFlags::CLOEXEC)?);
    let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    let beside = File::open(&descriptor)?;
    let seen = || -> io::Result<(Vec<u8>, Vec<Flock>)> {
        let info = std::fs::read(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
        let table = lock_table::read(&File::open(LOCKS)?, &mut Buffer::default())?;
        Ok((info, table.flocks))
    };
    let before = seen()?;
    rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive)?;
    let locked = seen()?;
    let keeps_others_out = rustix::fs::flock(beside.as_fd(), FlockOperation::NonBlockingLockShared).is_err();
    rustix::fs::flock(file.as_fd(), FlockOperation::Unlock)?;
    let after = seen()?;
    let held = |(info, _): &(Vec<u8>, Vec<Flock>)| lock_line::held_by_descriptor(info).collect::<Vec<_>>();
    let modes = |seen: &(Vec<u8>, Vec<Flock>)| held(seen).into_iter().map(|(mode, _)| mode).collect();
    // How the kernel names the file is known from its descriptor alone, as in the detection.
    let key = held(&locked).first().map(|(_, key)| *key);
    let own = std::process::id();
    let entries = |(_, table): &(Vec<u8>, Vec<Flock>)| -> Vec<Flock> {
        let of_file = |flock: &&Flock| Some(flock.key) == key && flock.pid == own;
        table.iter().filter(of_file).copied().collect()
    };
    Ok(Measured {
        own,
        by_descriptor: [modes(&before), modes(&locked), modes(&after)],
        in_table: [entries(&before), entries(&locked), entries(&after)],
        keeps_others_out,
    })
}

#[cfg(test)]
mod tests {
    use super::super::System;
    use super::*;
    use crate::os::{Interest, Kernel as _, Note, Precision};

    #[test]
    fn this_kernel_passes() {
        assert_eq!(run(), None);
    }

    #[test]
    fn a_kernel_that_failed_is_told_by_every_look() {
        let mut system = System::tested();
        let interest = Interest {
            is_lock: &|_| false,
            known: &[],
        };
        let good = system.locks(&interest).expect("looks");
        assert!(
            !good
                .notes
                .iter()
                .any(|note| matches!(note, Note::SelfTestFailed { .. }))
        );
        system.failed = Some("/proc/locks does not show a lock that is held".to_owned());
        let bad = system.locks(&interest).expect("looks");
        assert_eq!(bad.precision, Precision::Inferred);
        let note = bad.notes.last().expect("is noted").to_string();
        assert!(
            note.contains("does not show a lock that is held") && note.contains("lockwatch doctor"),
            "{note}"
        );
    }

    #[test]
    fn what_is_otherwise_is_named() {
        type Change = fn(&mut Measured);

        let good = measure().expect("is measured");
        let cases: [(Change, &str); 7] = [
            (|m| m.keeps_others_out = false, "keep others out"),
            (|m| m.by_descriptor[0] = vec![Mode::Shared], "without one"),
            (|m| m.by_descriptor[1].clear(), "does not show its lock"),
            (
                |m| m.by_descriptor[2] = vec![Mode::Exclusive],
                "a descriptor shows a lock that was released",
            ),
            (|m| m.in_table[0] = m.in_table[1].clone(), "was not taken"),
            (|m| m.in_table[1].clear(), "does not show a lock that is held"),
            (
                |m| m.in_table[2] = m.in_table[1].clone(),
                "/proc/locks has a lock that was released",
            ),
        ];
        for (change, part) in cases {
            let mut bad = good.clone();
            change(&mut bad);
            let failure = failure(&bad).expect("is named");
            assert!(failure.contains(part), "{failure}");
        }
    }
}
