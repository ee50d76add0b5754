//! The measurements of the self-test.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;

use super::super::about::Basics;
use super::super::layout;
use super::super::selftest::Measured;
use super::super::tables::Tables as _;
use super::{Asked, Darwin, bsd_info, cut, pid_info};
use crate::os::FileId;

/// Measures on our own process and on a private file in the folder for temporary ones what
/// [`super::super::selftest::failure`] judges. The file has no name any more when this returns.
pub(in super::super) fn measure() -> io::Result<Measured> {
    let system = Darwin::new();
    let own = system.own_pid();
    let mut unique = [0; layout::unique_id_info::SIZE];
    let unique_id_size = pid_info(own, layout::PROC_PIDUNIQIDENTIFIERINFO, 0, &mut unique)?;
    let told = bsd_info(own)?;
    let told = Basics::from_bsd_info(&told).ok_or_else(cut)?;

    let (locking, mut beside, file) = private_file(&system)?;
    let locking_now = || system.vnode(own, locking.as_raw_fd());
    let (vnode_before, held_before) = (locking_now()?, system.held(&beside)?);
    system.arm(&mut beside)?;
    locking.try_lock()?;
    let (vnode_locked, held_locked) = (locking_now()?, system.held(&beside)?);
    let vnode_beside = system.vnode(own, beside.file.as_raw_fd())?;
    locking.unlock()?;
    Ok(Measured {
        unique_id_size,
        unique_id: layout::unique_id_info::UNIQUE_ID.read(&unique).unwrap_or(0),
        parent_unique_id: layout::unique_id_info::PARENT_UNIQUE_ID
            .read(&unique)
            .unwrap_or(u64::MAX),
        told: (told.pid, told.parent, told.uid),
        known: (
            own,
            std::os::unix::process::parent_id(),
            rustix::process::geteuid().as_raw(),
        ),
        file,
        vnodes: [vnode_before, vnode_locked, locking_now()?],
        beside: vnode_beside,
        held: [held_before, held_locked, system.held(&beside)?],
        release_noted: system.released(&beside)?,
    })
}

/// A new file without a name, open for locking and open for asking.
fn private_file(system: &Darwin) -> io::Result<(File, Asked, FileId)> {
    let folder = std::env::temp_dir().canonicalize()?;
    let unique = system.unique_id(system.own_pid())?;
    let path = folder.join(format!(".lockwatch-self-test-{unique}"));
    // Left by a run that was killed between the two lines below.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let locking = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    let beside = system.open(&path);
    std::fs::remove_file(&path)?;
    let (beside, file) = beside?;
    Ok((locking, beside, file))
}
