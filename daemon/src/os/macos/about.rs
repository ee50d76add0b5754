//! What the kernel tells about one process, from its bytes.

use jiff::Timestamp;

use super::layout;
use crate::process::{Pid, RunState};

#[cfg(test)]
mod tests;

/// What both ways of asking about a process tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basics {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    pub(super) uid: u32,
    pub(super) state: RunState,
    pub(super) has_terminal: bool,
    pub(super) started_at: Option<Timestamp>,
    pub(super) name: String,
}

impl Basics {
    /// From the answer to `PROC_PIDTBSDINFO`, which the kernel gives for our own user's processes. `None` where it was
    /// cut.
    pub(super) fn from_bsd_info(bytes: &[u8]) -> Option<Self> {
        use layout::bsd_info as b;
        let traced = b::FLAGS.read(bytes)? & layout::PROC_FLAG_TRACED != 0;
        let seconds = i64::try_from(b::START_SECONDS.read(bytes)?).ok();
        let micros = i32::try_from(b::START_MICROSECONDS.read(bytes)?).ok();
        Some(Self {
            pid: b::PID.read(bytes)?,
            parent: b::PARENT.read(bytes)?,
            group: b::GROUP.read(bytes)?,
            uid: b::UID.read(bytes)?,
            state: run_state(b::STATUS.read(bytes)?, traced),
            has_terminal: b::TERMINAL.read(bytes)? != layout::NODEV.cast_unsigned(),
            started_at: started_at(seconds, micros),
            name: String::from_utf8_lossy(b::NAME.text(bytes)?).into_owned(),
        })
    }

    /// From the answer to `sysctl` with `KERN_PROC_PID`, which the kernel gives for everybody's. `None` where it was cut
    /// or is empty, as it is for a process that is gone.
    pub(super) fn from_kinfo(bytes: &[u8]) -> Option<Self> {
        use layout::kinfo_proc as k;
        let traced = k::FLAGS.read(bytes)? & layout::P_TRACED != 0;
        let pid_of = |number: i32| Pid::try_from(number).unwrap_or(0);
        Some(Self {
            pid: pid_of(k::PID.read(bytes)?),
            parent: pid_of(k::PARENT.read(bytes)?),
            group: pid_of(k::GROUP.read(bytes)?),
            uid: k::UID.read(bytes)?,
            state: run_state(u32::from(k::STATUS.read(bytes)?), traced),
            has_terminal: k::TERMINAL.read(bytes)? != layout::NODEV.cast_unsigned(),
            started_at: started_at(k::START_SECONDS.read(bytes), k::START_MICROSECONDS.read(bytes)),
            name: String::from_utf8_lossy(k::NAME.text(bytes)?).into_owned(),
        })
    }
}

/// XNU says `SRUN` of a sleeping process too, and `SSTOP` of one that a signal stopped as well as of one that its tracer
/// did.
fn run_state(status: u32, traced: bool) -> RunState {
    match status {
        layout::SZOMB => RunState::Zombie,
        layout::SSTOP if traced => RunState::Traced,
        layout::SSTOP => RunState::Stopped,
        _ => RunState::Alive,
    }
}

fn started_at(seconds: Option<i64>, micros: Option<i32>) -> Option<Timestamp> {
    let seconds = seconds.filter(|seconds| *seconds > 0)?;
    Timestamp::new(seconds, micros?.checked_mul(1000)?).ok()
}

/// A number for this run of the machine from `kern.bootsessionuuid`, which is made anew at each boot: both halves of it
/// in one. `None` where the text is no UUID.
pub(super) fn boot_id(uuid: &str) -> Option<u64> {
    let digits: String = uuid.chars().filter(|letter| *letter != '-').collect();
    let bits = u128::from_str_radix(&digits, 16).ok()?;
    let (high, low) = (u64::try_from(bits >> 64), u64::try_from(bits & u128::from(u64::MAX)));
    (digits.len() == 32).then_some(high.ok()? ^ low.ok()?)
}
