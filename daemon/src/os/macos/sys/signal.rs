//! Signals by audit token, and the children of a process.

use std::io;

use super::{ENDED_TOO, clear_errno, cut, length, libproc_result, pid_info, raw, whole};
use crate::os::macos::layout;
use crate::os::macos::tables::read_whole;
use crate::os::{Signal, SignalError};
use crate::process::{Pid, ProcessId};

/// `audit_token_t` in `mach/message.h`: eight numbers, of which the kernel compares the process number and its version
/// (XNU, `bsd/kern/kern_proc.c`, `proc_find_audit_token`).
#[repr(C)]
pub(super) struct AuditToken([u32; 8]);

/// `int proc_signal_with_audittoken(audit_token_t *, int)` of libproc, since macOS 14.2: 0, or an error number.
pub(super) type SignalWithAuditToken = unsafe extern "C" fn(*mut AuditToken, libc::c_int) -> libc::c_int;

/// A program that becomes another one between the question and the signal has another version, and is asked again.
const ATTEMPTS: usize = 5;

/// The version changes with each process and each program that it becomes, so the kernel finds this very process or none.
/// Before macOS 14.2 there is a moment between the check and kill(2), in which the number would have to come round again:
/// macOS gives out 99,999 one after the other.
pub(in crate::os::macos) fn signal(process: ProcessId, signal: Signal) -> Result<(), SignalError> {
    let number = raw(process.pid)?;
    let signal = match signal {
        Signal::Terminate => libc::SIGTERM,
        Signal::Continue => libc::SIGCONT,
        Signal::Kill => libc::SIGKILL,
    };
    let by_token = signal_with_audit_token();
    for _ in 0..ATTEMPTS {
        let version = version_of(process)?;
        let Some(by_token) = by_token else {
            // SAFETY: kill(2) has no precondition.
            return match unsafe { libc::kill(number, signal) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error().into()),
            };
        };
        match signal_version(by_token, process.pid, version, signal) {
            0 => return Ok(()),
            libc::ESRCH => {}
            error => return Err(io::Error::from_raw_os_error(error).into()),
        }
    }
    Err(SignalError::Gone)
}

/// Signals the process of this number while it is of this version; 0, or an error number.
pub(super) fn signal_version(
    by_token: SignalWithAuditToken,
    pid: Pid,
    version: u32,
    signal: libc::c_int,
) -> libc::c_int {
    let mut token = AuditToken([0, 0, 0, 0, 0, pid, 0, version]);
    // SAFETY: the function has this signature, and reads the token, which is valid for the call.
    unsafe { by_token(&raw mut token, signal) }
}

/// The version of the program that the process runs, if it is this process.
pub(super) fn version_of(process: ProcessId) -> Result<u32, SignalError> {
    let mut bytes = [0; layout::unique_id_info::SIZE];
    let size = pid_info(process.pid, layout::PROC_PIDUNIQIDENTIFIERINFO, ENDED_TOO, &mut bytes)?;
    let bytes = whole(&bytes, size)?;
    if layout::unique_id_info::UNIQUE_ID.read(bytes) != Some(process.start) {
        return Err(SignalError::Gone);
    }
    let version = layout::unique_id_info::ID_VERSION.read(bytes).ok_or_else(cut)?;
    Ok(version.cast_unsigned())
}

/// Looked up while running, because a program that needs it does not start on an older macOS.
pub(super) fn signal_with_audit_token() -> Option<SignalWithAuditToken> {
    // SAFETY: the name ends with a NUL; it is searched in what is loaded, libproc is part of libSystem.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"proc_signal_with_audittoken".as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: the symbol is the function of this signature (`libproc.h`), and is there as long as the program runs.
    Some(unsafe { std::mem::transmute::<*mut libc::c_void, SignalWithAuditToken>(found) })
}

/// The children of a process, anybody's.
pub(in crate::os::macos) fn children(pid: Pid) -> io::Result<Vec<Pid>> {
    const FIRST_GUESS: usize = 64 * size_of::<Pid>();
    let parent = raw(pid)?;
    let bytes = read_whole(FIRST_GUESS, |buffer| {
        let size = length(buffer);
        clear_errno();
        // SAFETY: the kernel writes at most `size` bytes, which is no more than the buffer has.
        let count = unsafe { libc::proc_listchildpids(parent, buffer.as_mut_ptr().cast(), size) };
        // It counts numbers, not bytes (Libc, `libproc.c`).
        Ok(libproc_result(count)? * size_of::<Pid>())
    })?;
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().copied().map(Pid::from_ne_bytes).collect())
}
