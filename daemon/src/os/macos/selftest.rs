//! Whether this kernel shows locks as the algorithm expects it: what was measured on a private file and on our own
//! process, judged.

use super::tables::{Held, Vnode};
use crate::os::{FileId, Mode};
use crate::process::Pid;

#[cfg(test)]
mod tests;

/// What was seen of our own process and of a private file that it locked through one of two descriptors.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// How many bytes the kernel wrote for the unique id.
    pub(super) unique_id_size: usize,
    pub(super) unique_id: u64,
    /// That of our parent: it began before us, and the numbers go up.
    pub(super) parent_unique_id: u64,
    /// Our process number, parent and user as `PROC_PIDTBSDINFO` tells them.
    pub(super) told: (Pid, Pid, u32),
    /// The same as the system calls tell them that are for that.
    pub(super) known: (Pid, Pid, u32),
    /// The file by `fstat`.
    pub(super) file: FileId,
    /// The locking descriptor before, during and after the lock.
    pub(super) vnodes: [Vnode; 3],
    /// The second descriptor, opened for events, during the lock.
    pub(super) beside: Vnode,
    /// What `F_GETLK` says through the second descriptor before, during and after the lock.
    pub(super) held: [Held; 3],
    /// Whether the release was noted.
    pub(super) release_noted: bool,
}

/// What is not as expected, in words; `None` where all is.
pub(super) fn failure(measured: &Measured) -> Option<&'static str> {
    use super::layout::unique_id_info;
    let m = measured;
    let [before, locked, after] = &m.vnodes;
    let checks = [
        (
            m.unique_id_size == unique_id_info::SIZE,
            "the unique process id has another size",
        ),
        (
            m.unique_id != 0 && m.parent_unique_id < m.unique_id,
            "the unique process id makes no sense",
        ),
        (m.told == m.known, "process information is laid out differently"),
        (
            m.vnodes.iter().chain([&m.beside]).all(|one| one.file == m.file),
            "the file table names another file than fstat",
        ),
        (
            before.is_regular() && before.is_writable() && m.beside.is_for_events(),
            "the file table shows other open flags",
        ),
        (!before.was_locked(), "the lock mark is set without a lock"),
        (locked.was_locked(), "the lock mark is not set by a lock"),
        (
            !m.beside.was_locked(),
            "the lock mark is set on a descriptor that locked nothing",
        ),
        (after.links == 0, "a deleted file does not show as one"),
        (
            m.held == [Held::Free, Held::Flock(Mode::Exclusive), Held::Free],
            "F_GETLK does not see a lock by flock",
        ),
        (m.release_noted, "the release of a lock is not noted"),
    ];
    checks.iter().find(|(passed, _)| !passed).map(|(_, part)| *part)
}
