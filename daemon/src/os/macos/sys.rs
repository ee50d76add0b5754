//! The system calls, each in as little code as it takes. The only `unsafe` for macOS.
#![expect(
    unsafe_code,
    reason = "libproc, sysctl and kqueue have no safe interface among the crates in use"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FileType, OFlags};

use super::layout;
use super::tables::{
    Held, Listed, Mount, Tables, Vnode, Whose, parse_descriptors, parse_processes, parse_vnode, parse_vnode_path,
    path_of, read_whole,
};
use crate::os::FileId;
use crate::process::Pid;

mod effort;
mod measure;
mod signal;
#[cfg(test)]
mod tests;

pub use effort::awake;
pub(super) use effort::{connections, reads_terminal, work};
pub(super) use measure::measure;
pub(super) use signal::{children, signal};

/// The system that we run on.
#[derive(Debug)]
pub(super) struct Darwin {
    began: Instant,
}

impl Darwin {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }
}

/// A file open for asking about its lock.
pub(super) struct Asked {
    file: OwnedFd,
    /// Notes the releases, once armed.
    queue: Option<OwnedFd>,
}

impl AsFd for Asked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<Asked> for OwnedFd {
    fn from(asked: Asked) -> Self {
        asked.file
    }
}

impl Tables for Darwin {
    type File = Asked;

    fn own_pid(&self) -> Pid {
        std::process::id()
    }

    fn mounts(&self) -> Vec<Mount> {
        mounts().unwrap_or_default()
    }

    fn read_link(&self, path: &Path) -> Option<PathBuf> {
        std::fs::read_link(path).ok()
    }

    fn processes(&self, whose: Whose) -> io::Result<Vec<Listed>> {
        let own = rustix::process::geteuid().as_raw();
        let what = match whose {
            Whose::Own => (layout::KERN_PROC_UID, own.cast_signed()),
            Whose::Others => (layout::KERN_PROC_ALL, 0),
        };
        let mut processes = parse_processes(&kinfo(what.0, what.1)?);
        processes.retain(|one| (one.uid == own) == (whose == Whose::Own));
        Ok(processes)
    }

    fn unique_id(&self, pid: Pid) -> io::Result<u64> {
        let mut bytes = [0; layout::unique_id_info::SIZE];
        let size = pid_info(pid, layout::PROC_PIDUNIQIDENTIFIERINFO, ENDED_TOO, &mut bytes)?;
        let id = layout::unique_id_info::UNIQUE_ID.read(whole(&bytes, size)?);
        id.filter(|id| *id != 0).ok_or_else(cut)
    }

    fn descriptors(&self, pid: Pid) -> io::Result<Vec<i32>> {
        const FIRST_GUESS: usize = 512 * layout::fd_info::SIZE;
        let bytes = read_whole(FIRST_GUESS, |buffer| pid_info(pid, layout::PROC_PIDLISTFDS, 0, buffer))?;
        Ok(parse_descriptors(&bytes))
    }

    fn vnode(&self, pid: Pid, fd: i32) -> io::Result<Vnode> {
        let mut bytes = [0; layout::vnode_fd_info::SIZE];
        let size = fd_info(pid, fd, layout::PROC_PIDFDVNODEINFO, &mut bytes)?;
        parse_vnode(whole(&bytes, size)?).ok_or_else(cut)
    }

    fn vnode_path(&self, pid: Pid, fd: i32) -> io::Result<(Vnode, PathBuf)> {
        let mut bytes = [0; layout::vnode_fd_info_with_path::SIZE];
        let size = fd_info(pid, fd, layout::PROC_PIDFDVNODEPATHINFO, &mut bytes)?;
        parse_vnode_path(whole(&bytes, size)?).ok_or_else(cut)
    }

    fn open(&self, path: &Path) -> io::Result<(Asked, FileId)> {
        // Without NONBLOCK the open of a FIFO waits for its other end.
        let flags = OFlags::CLOEXEC | OFlags::NONBLOCK | darwin_flags();
        let file = rustix::fs::open(path, flags, rustix::fs::Mode::empty())?;
        let id = regular_file_id(file.as_fd())?;
        Ok((Asked { file, queue: None }, id))
    }

    fn held(&self, asked: &Asked) -> io::Result<Held> {
        held(asked.file.as_fd())
    }

    fn arm(&self, asked: &mut Asked) -> io::Result<()> {
        if asked.queue.is_none() {
            let queue = kqueue()?;
            change(queue.as_fd(), Event::releases(asked.file.as_fd()))?;
            asked.queue = Some(queue);
        }
        Ok(())
    }

    fn released(&self, asked: &Asked) -> io::Result<bool> {
        match &asked.queue {
            Some(queue) => {
                let event = next_event(queue.as_fd())?;
                Ok(event.is_some_and(|event| event.filter_flags & layout::NOTE_FUNLOCK != 0))
            }
            None => Ok(false),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The time since boot, the machine's sleep included, and not changed by setting the clock: `CLOCK_MONOTONIC_RAW` is
/// `mach_continuous_time` (Libc, `gen/clock_gettime.c`).
pub fn since_boot() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written to `time` alone.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_RAW, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok().filter(|_| result == 0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    seconds.map_or(Duration::ZERO, |seconds| Duration::new(seconds, nanoseconds))
}

fn darwin_flags() -> OFlags {
    OFlags::from_bits_retain((layout::O_EVTONLY | layout::O_NOFOLLOW_ANY).cast_unsigned())
}

/// Which file this is, as the file tables name it: the device number is 32 bits there.
fn regular_file_id(file: BorrowedFd<'_>) -> io::Result<FileId> {
    let stat = rustix::fs::fstat(file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(FileId {
        dev: u64::from(stat.st_dev.cast_unsigned()),
        ino: stat.st_ino,
    })
}

/// An answer of another length than that which this was written for.
fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the system answered with another structure than is known",
    )
}

/// The buffer, if the answer fills it.
fn whole(buffer: &[u8], written: usize) -> io::Result<&[u8]> {
    if written == buffer.len() {
        Ok(buffer)
    } else {
        Err(cut())
    }
}

fn raw(pid: Pid) -> io::Result<i32> {
    i32::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))
}

fn length(buffer: &[u8]) -> i32 {
    i32::try_from(buffer.len()).unwrap_or(i32::MAX)
}

/// The argument of those questions that also answer for a process that has ended and is not reaped (`proc_pidinfo`,
/// XNU, `bsd/kern/proc_info.c`).
const ENDED_TOO: u64 = 1;

/// libproc says 0 for an error and for nothing to tell, so `errno` must be clear before.
fn clear_errno() {
    // SAFETY: `__error` has no precondition.
    let errno = unsafe { libc::__error() };
    // SAFETY: it is the address of this thread's `errno`, valid and ours as long as the thread runs.
    unsafe { *errno = 0 };
}

fn libproc_result(written: i32) -> io::Result<usize> {
    match usize::try_from(written) {
        Ok(written) if written > 0 => Ok(written),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(0) => Ok(0),
            error => Err(error),
        },
    }
}

/// Asks about a process; says how many bytes were written.
fn pid_info(pid: Pid, flavor: i32, argument: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let (pid, size) = (raw(pid)?, length(buffer));
    clear_errno();
    // SAFETY: the kernel writes at most `size` bytes, which is no more than the buffer has.
    let written = unsafe { libc::proc_pidinfo(pid, flavor, argument, buffer.as_mut_ptr().cast(), size) };
    libproc_result(written)
}

/// Asks about a descriptor of a process; says how many bytes were written.
fn fd_info(pid: Pid, fd: RawFd, flavor: i32, buffer: &mut [u8]) -> io::Result<usize> {
    let (pid, size) = (raw(pid)?, length(buffer));
    clear_errno();
    // SAFETY: the kernel writes at most `size` bytes, which is no more than the buffer has.
    let written = unsafe { libc::proc_pidfdinfo(pid, fd, flavor, buffer.as_mut_ptr().cast(), size) };
    libproc_result(written)
}

/// The program file of a process, anybody's.
pub(super) fn program(pid: Pid) -> Option<PathBuf> {
    let mut buffer = [0_u8; layout::PROC_PIDPATHINFO_MAXSIZE as usize];
    let pid = raw(pid).ok()?;
    // SAFETY: the kernel writes at most as many bytes as it is told, which is what the buffer has.
    let written = unsafe { libc::proc_pidpath(pid, buffer.as_mut_ptr().cast(), layout::PROC_PIDPATHINFO_MAXSIZE) };
    let written = usize::try_from(written).ok().filter(|size| *size > 0)?;
    buffer.get(..written).map(path_of)
}

/// The answer to `PROC_PIDTBSDINFO`.
pub(super) fn bsd_info(pid: Pid) -> io::Result<[u8; layout::bsd_info::SIZE]> {
    let mut bytes = [0; layout::bsd_info::SIZE];
    let size = pid_info(pid, layout::PROC_PIDTBSDINFO, ENDED_TOO, &mut bytes)?;
    whole(&bytes, size)?;
    Ok(bytes)
}

/// The working directory of a process.
pub(super) fn working_directory(pid: Pid) -> Option<PathBuf> {
    let mut bytes = vec![0; layout::vnode_path_info::SIZE];
    let size = pid_info(pid, layout::PROC_PIDVNODEPATHINFO, 0, &mut bytes).ok()?;
    let path = layout::vnode_path_info::CWD.text(whole(&bytes, size).ok()?)?;
    (!path.is_empty()).then(|| path_of(path))
}

/// The answer to `sysctl` with `KERN_PROC` and these two numbers.
pub(super) fn kinfo(what: i32, which: i32) -> io::Result<Vec<u8>> {
    const FIRST_GUESS: usize = 700 * layout::kinfo_proc::SIZE;
    let guess = if what == layout::KERN_PROC_PID {
        2 * layout::kinfo_proc::SIZE
    } else {
        FIRST_GUESS
    };
    let name = [layout::CTL_KERN, layout::KERN_PROC, what, which];
    read_whole(guess, |buffer| {
        let room = buffer.len();
        match sysctl(&name, Some(buffer)) {
            // A list for which there is no room is an error here, and not cut.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Ok(room),
            other => other,
        }
    })
}

/// The answer to `sysctl` with `KERN_PROCARGS2`, and the room that there was for it.
pub(super) fn arguments(pid: Pid) -> io::Result<(Vec<u8>, usize)> {
    // The program can exec another one between the two questions.
    const SPARE: usize = 4096;
    let name = [layout::CTL_KERN, layout::KERN_PROCARGS2, raw(pid)?];
    let needed = sysctl(&name, None)?.saturating_add(SPARE);
    let room = needed.min(layout::ARG_MAX + size_of::<i32>());
    let mut bytes = vec![0; room];
    let written = sysctl(&name, Some(&mut bytes))?;
    bytes.truncate(written);
    Ok((bytes, room))
}

/// Asks the kernel for a value; says how many bytes it has written, or without a buffer how many it would.
fn sysctl(name: &[i32], buffer: Option<&mut [u8]>) -> io::Result<usize> {
    // The parameter is not declared constant, so it gets a copy of its own.
    let mut name = name.to_vec();
    let count = u32::try_from(name.len()).unwrap_or(u32::MAX);
    let (pointer, mut size) = match buffer {
        Some(buffer) => (buffer.as_mut_ptr(), buffer.len()),
        None => (std::ptr::null_mut(), 0),
    };
    // SAFETY: `name` has `count` numbers, `size` is the length of the buffer at `pointer` or both are nothing, and no new
    // value is set.
    let result = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            count,
            pointer.cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    if result == 0 {
        Ok(size)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The text of `kern.bootsessionuuid`.
pub(super) fn boot_session() -> io::Result<String> {
    let mut buffer = [0_u8; 64];
    let mut size = buffer.len();
    // SAFETY: the name ends with a NUL, `size` is the length of the buffer, and no new value is set.
    let result = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            buffer.as_mut_ptr().cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let text = buffer.get(..size).ok_or_else(cut)?;
    let text = text.split(|byte| *byte == 0).next().unwrap_or(&[]);
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Which lock would be in the way of an exclusive one on the whole file. It takes none, and needs no right to the file
/// but the open descriptor (`sys_fcntl_nocancel`, XNU, `bsd/kern/kern_descrip.c`).
fn held(file: BorrowedFd<'_>) -> io::Result<Held> {
    let mut lock = libc::flock {
        l_start: 0,
        l_len: 0,
        l_pid: 0,
        l_type: layout::F_WRLCK,
        l_whence: 0,
    };
    // SAFETY: the descriptor is open, and F_GETLK reads and writes one `flock`, which `lock` is.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), layout::F_GETLK, &raw mut lock) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Held::from_answer(lock.l_type, lock.l_pid).ok_or_else(cut)
}

pub(super) fn kqueue() -> io::Result<OwnedFd> {
    // SAFETY: it has no precondition.
    let queue = unsafe { libc::kqueue() };
    if queue < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is a new descriptor that nobody else has.
    let queue = unsafe { OwnedFd::from_raw_fd(queue) };
    rustix::io::fcntl_setfd(&queue, rustix::io::FdFlags::CLOEXEC)?;
    Ok(queue)
}

/// What a kqueue is to tell, or tells: [`layout::kevent64`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Event {
    /// A descriptor, a process, or the number of a timer.
    pub(super) ident: u64,
    pub(super) filter: i16,
    pub(super) flags: u16,
    pub(super) filter_flags: u32,
    pub(super) data: i64,
    /// What [`layout::NOTE_LEEWAY`] announces.
    pub(super) leeway: u64,
}

impl Event {
    /// The releases of a file's lock.
    pub(super) fn releases(file: BorrowedFd<'_>) -> Self {
        Self {
            ident: file.as_raw_fd().unsigned_abs().into(),
            filter: layout::EVFILT_VNODE,
            flags: layout::EV_ADD | layout::EV_CLEAR,
            filter_flags: layout::NOTE_FUNLOCK,
            ..Self::default()
        }
    }

    fn raw(self) -> libc::kevent64_s {
        libc::kevent64_s {
            ident: self.ident,
            filter: self.filter,
            flags: self.flags,
            fflags: self.filter_flags,
            data: self.data,
            udata: 0,
            ext: [0, self.leeway],
        }
    }
}

/// Tells a kqueue what it is to tell.
pub(super) fn change(queue: BorrowedFd<'_>, event: Event) -> io::Result<()> {
    let change = event.raw();
    // SAFETY: one change is read from `change`, no event is written, and there is no time limit to read.
    let result = unsafe {
        libc::kevent64(
            queue.as_raw_fd(),
            &raw const change,
            1,
            std::ptr::null_mut(),
            0,
            0,
            std::ptr::null(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Takes an event from a kqueue, if there is one.
pub(super) fn next_event(queue: BorrowedFd<'_>) -> io::Result<Option<Event>> {
    let mut event = Event::default().raw();
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: no change is read, at most one event is written to `event`, and the time limit is a valid one.
    let count = unsafe {
        libc::kevent64(
            queue.as_raw_fd(),
            std::ptr::null(),
            0,
            &raw mut event,
            1,
            0,
            &raw const at_once,
        )
    };
    if count < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((count > 0).then_some(Event {
        ident: event.ident,
        filter: event.filter,
        flags: event.flags,
        filter_flags: event.fflags,
        data: event.data,
        leeway: event.ext[1],
    }))
}

fn mounts() -> io::Result<Vec<Mount>> {
    // SAFETY: without a buffer nothing is written; the number of file systems is returned.
    let count = unsafe { libc::getfsstat(std::ptr::null_mut(), 0, layout::MNT_NOWAIT) };
    // Some may be mounted between the two questions.
    let room = usize::try_from(count).map_err(|_| io::Error::last_os_error())? + 8;
    // SAFETY: the struct is of numbers alone, and zero is a value of each.
    let none = unsafe { std::mem::zeroed::<libc::statfs>() };
    let mut found = vec![none; room];
    let size = i32::try_from(room * size_of::<libc::statfs>()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `size` bytes, which is what the buffer has.
    let count = unsafe { libc::getfsstat(found.as_mut_ptr(), size, layout::MNT_NOWAIT) };
    found.truncate(usize::try_from(count).map_err(|_| io::Error::last_os_error())?);
    Ok(found.iter().map(mount).collect())
}

fn mount(found: &libc::statfs) -> Mount {
    let name = found.f_mntonname.iter().map(|byte| byte.cast_unsigned());
    let name: Vec<u8> = name.take_while(|byte| *byte != 0).collect();
    let flags = found.f_flags;
    Mount {
        on: path_of(&name),
        fixed: flags & layout::MNT_LOCAL != 0 && flags & layout::MNT_REMOVABLE == 0,
    }
}
