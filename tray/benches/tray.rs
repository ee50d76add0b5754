//! What the tray costs: resident memory and wake-ups while nothing happens, and memory over ten thousand changes. Run it by
//! `packaging/bench/tray.sh`.
//!
//! The tray is the real program on a session bus of its own. The daemon is played: it is silent as long as that is measured, and
//! sends as many changes as are wanted. This program is its own helper too: started as `tray bus …` it is the bus.

#[cfg(target_os = "linux")]
#[path = "tray/daemon.rs"]
mod daemon;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/dbus/helper.rs"]
mod helper;
#[cfg(target_os = "linux")]
#[path = "tray/measure.rs"]
mod measure;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|role| role == "bus") {
        helper::bus(&arguments.next().expect("an address"));
        return std::process::ExitCode::SUCCESS;
    }
    measure::all()
}

/// The bus is Linux's.
#[cfg(not(target_os = "linux"))]
fn main() {}
