//! What only a Mac can show: the kernel's word about locks and processes, through lockwatch's public library, and launchd.
//!
//! On another system this target is empty. The single calls are tested beside them, in `daemon/src/os/macos/sys`: which bit
//! a file table has, what `F_GETLK` answers, which token is stale. Here it is shown what lockwatch makes of that, with other
//! processes, on this machine's kernel. What needs a person in front of the screen is not tested: the questions that macOS
//! asks before a program may read a guarded folder.
#![cfg(target_os = "macos")]
#![expect(
    clippy::unwrap_used,
    reason = "what fails here ends the test, and the line says what it was"
)]

mod actors;
mod events;
mod identity;
mod launchd;
mod locks;
mod signals;
