//! One process's folder under `/proc`, opened once: whatever is read through it is of that very process. When it ends,
//! reads give `ESRCH`, also where its number has been given to another.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode as FileMode, OFlags, RawDir};

use super::lock_line::{self, Key};
use super::stat::{self, Stat};
use super::strings;
use crate::os::{FileId, Mode};
use crate::process::Pid;

/// An opened `/proc/PID`.
#[derive(Debug)]
pub(super) struct ProcDir(OwnedFd);

/// A descriptor of a process that has a file open which can be a lock file of Cargo's.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    pub(super) file: FileId,
    pub(super) deleted: bool,
    /// The lock that this descriptor holds.
    pub(super) held: Option<(Mode, Key)>,
}

/// What `stat` says of a process, for which its folder need not be opened: what is read at once is of one process.
pub(super) fn stat_of(pid: Pid) -> io::Result<Stat> {
    let mut text = [0; 2048];
    let length = File::open(format!("/proc/{pid}/stat"))?.read(&mut text)?;
    parse(&text[..length])
}

fn parse(text: &[u8]) -> io::Result<Stat> {
    stat::parse(text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected form of /proc/PID/stat"))
}

/// Seven numbers.
const IO_LIMIT: u64 = 4 << 10;
/// A command line is cut here; a linker's may be megabytes.
const ARGV_LIMIT: u64 = 64 << 10;
/// An environment is cut here.
const ENVIRON_LIMIT: u64 = 1 << 20;
/// An `fdinfo` is some hundred bytes; an epoll's with thousands of members is cut here.
const FDINFO_LIMIT: u64 = 64 << 10;
/// What the kernel puts behind the name of a file that has none any more.
const DELETED: &[u8] = b" (deleted)";

impl ProcDir {
    pub(super) fn open(pid: Pid) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(
            format!("/proc/{pid}"),
            flags,
            FileMode::empty(),
        )?))
    }

    /// The effective user, by the owner of the folder. A process that may not be traced (a setuid program, for one) shows
    /// as root's: for an unprivileged reader it is just as closed.
    pub(super) fn uid(&self) -> io::Result<u32> {
        Ok(rustix::fs::fstat(&self.0)?.st_uid)
    }

    pub(super) fn stat(&self) -> io::Result<Stat> {
        parse(&self.read("stat", 4096)?)
    }

    pub(super) fn argv(&self) -> Vec<OsString> {
        strings::arguments(&self.read("cmdline", ARGV_LIMIT).unwrap_or_default())
    }

    /// `NAME=value` of the whole environment. It never leaves this folder: [`super::System`] keeps the few values asked for.
    pub(super) fn environment(&self) -> Vec<u8> {
        self.read("environ", ENVIRON_LIMIT).unwrap_or_default()
    }

    pub(super) fn link(&self, name: &str) -> Option<PathBuf> {
        let target = rustix::fs::readlinkat(&self.0, name, Vec::new()).ok()?;
        let bytes = target.into_bytes();
        // A program file that was replaced while it runs (rustup update) keeps its path for us.
        let bytes = bytes
            .strip_suffix(DELETED)
            .map_or_else(|| bytes.clone(), <[u8]>::to_vec);
        Some(PathBuf::from(OsString::from_vec(bytes)))
    }

    /// The descriptors that have a file open for which `is_lock` holds.
    pub(super) fn open_locks(&self, is_lock: &dyn Fn(&Path) -> bool) -> io::Result<Vec<OpenFile>> {
        let mut found = Vec::new();
        let mut link = Vec::new();
        self.for_each_descriptor(|fds, name| {
            let Ok(target) = rustix::fs::readlinkat(fds, name, std::mem::take(&mut link)) else {
                return; // closed meanwhile
            };
            let bytes = target.into_bytes();
            let plain = bytes.strip_suffix(DELETED).unwrap_or(&bytes);
            // Sockets, pipes and the like have no path.
            if plain.first() == Some(&b'/') && is_lock(OsStr::from_bytes(plain).as_ref()) {
                // A name that went while another (a hard link) stays is marked as deleted too, and the file counts its links.
                let lost_its_name = plain.len() < bytes.len() && !is_lock(OsStr::from_bytes(&bytes).as_ref());
                found.extend(self.open_file(
                    fds,
                    name,
                    if lost_its_name { plain } else { &bytes },
                    plain,
                    lost_its_name,
                ));
            }
            link = bytes;
        })?;
        Ok(found)
    }

    fn open_file(
        &self,
        fds: BorrowedFd<'_>,
        name: &CStr,
        link: &[u8],
        plain: &[u8],
        lost_its_name: bool,
    ) -> Option<OpenFile> {
        // `fstat` through the descriptor: the file itself, whatever its path means by now or in our mount namespace.
        let stat = || rustix::fs::statat(fds, name, AtFlags::empty()).ok();
        let before = stat()?;
        let held = self.held(name).ok()?;
        if held.is_some() {
            // Was the number closed and opened again between the two, the lock may be another file's.
            let after = stat()?;
            if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino) {
                return None;
            }
        }
        let deleted = before.st_nlink == 0 || lost_its_name;
        let path = if deleted { plain } else { link };
        Some(OpenFile {
            path: PathBuf::from(OsStr::from_bytes(path)),
            file: FileId {
                dev: before.st_dev,
                ino: before.st_ino,
            },
            deleted,
            held,
        })
    }

    /// The lock that a descriptor holds, by its `fdinfo`; an error where the descriptor was closed.
    fn held(&self, name: &CStr) -> io::Result<Option<(Mode, Key)>> {
        let fdinfo = self.descriptor_info(name)?;
        Ok(lock_line::held_by_descriptor(&fdinfo).next())
    }

    /// The path of the descriptor, whatever its name, that holds the lock `key`. It tells a lock file of another program,
    /// which is no matter of ours, from a holder that the kernel's table names wrongly.
    pub(super) fn holder_of(&self, key: Key) -> io::Result<Option<PathBuf>> {
        let mut names = Vec::new();
        self.for_each_descriptor(|fds, name| {
            // On most file systems the number in the key is `stat`'s, which is cheaper to ask for than `fdinfo`.
            let stat = rustix::fs::statat(fds, name, AtFlags::empty());
            names.push((!stat.is_ok_and(|stat| stat.st_ino == key.ino), name.to_owned()));
        })?;
        names.sort_unstable();
        let holder = names.iter().find(|(_, name)| self.descriptor_holds(name, key));
        Ok(holder.and_then(|(_, name)| self.link(&format!("fd/{}", name.to_string_lossy()))))
    }

    fn descriptor_holds(&self, name: &CStr, key: Key) -> bool {
        self.held(name)
            .is_ok_and(|held| held.is_some_and(|(_, held)| held == key))
    }

    /// Goes through the open descriptors: the number as a name, and what it is a link to.
    pub(super) fn for_each_link(&self, mut visit: impl FnMut(&CStr, &[u8])) -> io::Result<()> {
        let mut link = Vec::new();
        self.for_each_descriptor(|fds, name| {
            if let Ok(target) = rustix::fs::readlinkat(fds, name, std::mem::take(&mut link)) {
                link = target.into_bytes();
                visit(name, &link);
            }
        })
    }

    /// The `fdinfo` of a descriptor.
    pub(super) fn descriptor_info(&self, name: &CStr) -> io::Result<Vec<u8>> {
        self.read_path(&[b"fdinfo/", name.to_bytes()].concat(), FDINFO_LIMIT)
    }

    /// What it had the disk do.
    pub(super) fn io(&self) -> io::Result<Vec<u8>> {
        self.read("io", IO_LIMIT)
    }

    /// Goes through the open descriptors, each by its number as a name in the folder `fd`.
    fn for_each_descriptor(&self, mut visit: impl FnMut(BorrowedFd<'_>, &CStr)) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fds = rustix::fs::openat(&self.0, "fd", flags, FileMode::empty())?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut entries = RawDir::new(&fds, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            if !entry.file_name().to_bytes().starts_with(b".") {
                visit(fds.as_fd(), entry.file_name());
            }
        }
        Ok(())
    }

    fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        self.read_path(name.as_bytes(), limit)
    }

    fn read_path(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.0, path, flags, FileMode::empty())?);
        // The kernel gives these files in one piece, so what leaves room in the buffer was all of it.
        let mut text = vec![0; 2048];
        let length = file.read(&mut text)?;
        text.truncate(length);
        if length == 2048 {
            file.take(limit).read_to_end(&mut text)?;
        }
        Ok(text)
    }
}
