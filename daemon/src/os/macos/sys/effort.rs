//! What a process has done so far.

use std::io;
use std::time::Duration;

use super::{Darwin, fd_info, length, libproc_result, pid_info, raw, whole};
use crate::os::macos::layout;
use crate::os::macos::tables::{Tables as _, parse_sockets, read_whole};
use crate::process::Pid;
use crate::work::Work;

/// A clock that stands still while the machine sleeps: `CLOCK_UPTIME_RAW` is `mach_absolute_time` (Libc,
/// `gen/clock_gettime.c`).
pub fn awake() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written to `time` alone.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_UPTIME_RAW, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok().filter(|_| result == 0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    seconds.map_or(Duration::ZERO, |seconds| Duration::new(seconds, nanoseconds))
}

/// The children of a process.
pub(in super::super) fn children(pid: Pid) -> Vec<Pid> {
    const FIRST_GUESS: usize = 64 * size_of::<Pid>();
    let list = |buffer: &mut [u8]| {
        super::clear_errno();
        // SAFETY: the kernel writes at most as many bytes as the buffer has.
        let written =
            unsafe { libc::proc_listpids(layout::PROC_PPID_ONLY, pid, buffer.as_mut_ptr().cast(), length(buffer)) };
        libproc_result(written)
    };
    let bytes = read_whole(FIRST_GUESS, list).unwrap_or_default();
    let numbers = bytes.chunks_exact(size_of::<Pid>());
    let pids = numbers.filter_map(|number| Some(Pid::from_ne_bytes(number.try_into().ok()?)));
    pids.filter(|pid| *pid != 0).collect()
}

/// Processor time, its own and that of the children it has waited for, and what the disk had to do.
pub(in super::super) fn work(pid: Pid) -> io::Result<Work> {
    use layout::rusage as r;
    let mut bytes = [0; r::SIZE];
    // SAFETY: the kernel writes the structure of this version, which is as large as the buffer.
    let result = unsafe { libc::proc_pid_rusage(raw(pid)?, layout::RUSAGE_INFO_V2, bytes.as_mut_ptr().cast()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let sum = |fields: &[&layout::Field<u64>]| {
        let values = fields.iter().filter_map(|field| field.read(&bytes));
        values.fold(0, u64::saturating_add)
    };
    let ticks = sum(&[
        &r::USER_TIME,
        &r::SYSTEM_TIME,
        &r::CHILD_USER_TIME,
        &r::CHILD_SYSTEM_TIME,
    ]);
    Ok(Work {
        cpu: of_ticks(ticks),
        disk: sum(&[&r::DISK_READ, &r::DISK_WRITTEN]),
    })
}

/// These times are in units of `mach_absolute_time` (XNU, `bsd/kern/kern_resource.c`, `gather_rusage_info`): a nanosecond on
/// Intel, some 42 on Apple's own processors.
#[expect(deprecated, reason = "the crate that succeeds this is for one number")]
fn of_ticks(ticks: u64) -> Duration {
    let mut base = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: it writes the two numbers, and cannot fail.
    unsafe {
        libc::mach_timebase_info(&raw mut base);
    }
    let nanoseconds = u128::from(ticks) * u128::from(base.numer) / u128::from(base.denom.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// Whether it has opened `/dev/tty` to read. A device is told by its mode first, which costs less than its path.
pub(in super::super) fn reads_terminal(pid: Pid) -> bool {
    const READS: u32 = 1; // `FREAD`, sys/fcntl.h
    let system = Darwin::new();
    let files = system.descriptors(pid).unwrap_or_default();
    let is_device = |fd: &i32| {
        let file = system.vnode(pid, *fd);
        file.is_ok_and(|file| file.open_flags & READS != 0 && u32::from(file.mode) & 0o170_000 == 0o020_000)
    };
    let mut devices = files.into_iter().filter(is_device);
    devices.any(|fd| {
        let named = system.vnode_path(pid, fd);
        named.is_ok_and(|(_, path)| path.as_os_str() == "/dev/tty")
    })
}

/// Its TCP connections, by numbers that are theirs for as long as they are open.
pub(in super::super) fn connections(pid: Pid) -> Vec<u64> {
    const FIRST_GUESS: usize = 512 * layout::fd_info::SIZE;
    let list = |buffer: &mut [u8]| pid_info(pid, layout::PROC_PIDLISTFDS, 0, buffer);
    let bytes = read_whole(FIRST_GUESS, list).unwrap_or_default();
    let sockets = parse_sockets(&bytes).into_iter();
    let open = sockets.filter(|fd| is_connection(pid, *fd).unwrap_or(false));
    open.map(|fd| u64::from(pid) << 32 | u64::from(fd.cast_unsigned()))
        .collect()
}

fn is_connection(pid: Pid, fd: i32) -> io::Result<bool> {
    use layout::socket_fd_info as s;
    let mut bytes = [0; s::SIZE];
    let size = fd_info(pid, fd, layout::PROC_PIDFDSOCKETINFO, &mut bytes)?;
    let bytes = whole(&bytes, size)?;
    let is_tcp = s::KIND.read(bytes) == Some(layout::SOCKINFO_TCP);
    let state = s::STATE.read(bytes).unwrap_or_default();
    Ok(is_tcp && state & layout::SOI_S_ISCONNECTED != 0)
}
