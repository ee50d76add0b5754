//! A lock file in the making: what the descriptors of its holders and waiters say about it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::os::linux::proc_dir::OpenFile;
use crate::os::{Claim, FileId, LockedFile, Mode};
use crate::process::{Pid, ProcessId};

/// A lock file in the making.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    pub(super) deleted: bool,
    /// The process in whose mount namespace the path was read.
    pub(super) named_by: Pid,
    pub(super) holders: BTreeMap<ProcessId, Mode>,
    pub(super) waiters: Vec<(ProcessId, Mode)>,
    /// Whether the lock is held through a descriptor that was inherited: then several may hold an exclusive lock.
    pub(super) inherited: bool,
}

impl Draft {
    pub(super) fn of(file: &OpenFile, pid: Pid) -> Self {
        Self {
            path: file.path.clone(),
            deleted: file.deleted,
            named_by: pid,
            holders: BTreeMap::new(),
            waiters: Vec::new(),
            inherited: false,
        }
    }

    pub(super) fn add_waiter(&mut self, process: ProcessId, mode: Mode) {
        if !self.waiters.contains(&(process, mode)) {
            self.waiters.push((process, mode));
        }
    }

    pub(super) fn has_too_many_holders(&self) -> bool {
        !self.inherited && self.holders.len() > 1 && self.holders.values().any(|mode| *mode == Mode::Exclusive)
    }

    pub(super) fn into_file(self, file: FileId, other_mount_namespace: bool) -> LockedFile {
        let claim = |(process, mode)| Claim {
            process,
            mode: Some(mode),
        };
        LockedFile {
            file,
            path: self.path,
            deleted: self.deleted,
            other_mount_namespace,
            waiters: self.waiters.into_iter().map(claim).collect(),
            holders: self.holders.into_iter().map(claim).collect(),
        }
    }
}

/// The mount namespaces of processes, each asked for once a look.
#[derive(Default)]
pub(super) struct MountNamespaces(HashMap<String, Option<PathBuf>>);

impl MountNamespaces {
    fn of(&mut self, pid: &str) -> Option<&PathBuf> {
        let read = || std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
        self.0.entry(pid.to_owned()).or_insert_with(read).as_ref()
    }

    /// Whether a process's path means something else, or nothing, where we stand.
    pub(super) fn is_elsewhere(&mut self, pid: Pid, path: &Path, file: FileId) -> bool {
        // Nearly always it is the same file here. To ask that is cheaper than to ask for two namespaces.
        if rustix::fs::stat(path).is_ok_and(|here| (here.st_dev, here.st_ino) == (file.dev, file.ino)) {
            return false;
        }
        let own = self.of("self").cloned();
        // One that cannot be read is that of a process which has ended meanwhile.
        let theirs = self.of(&pid.to_string());
        theirs.is_some() && theirs != own.as_ref()
    }
}
