//! Signals through a descriptor of the process, which never means another one.

use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

use super::proc_dir::stat_of;
use crate::os::{Signal, SignalError};
use crate::process::ProcessId;

/// Opens the process, and only then reads when it began: as long as the start is the expected one, the descriptor is of that
/// process, whoever has its number later.
pub(super) fn send(process: ProcessId, signal: Signal) -> Result<(), SignalError> {
    let number = i32::try_from(process.pid).ok();
    let number = number
        .and_then(rustix::process::Pid::from_raw)
        .ok_or(SignalError::Gone)?;
    let descriptor = pidfd_open(number, PidfdFlags::empty()).map_err(std::io::Error::from)?;
    if stat_of(process.pid)?.start != process.start {
        return Err(SignalError::Gone);
    }
    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Continue => rustix::process::Signal::CONT,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    pidfd_send_signal(&descriptor, signal).map_err(std::io::Error::from)?;
    Ok(())
}
