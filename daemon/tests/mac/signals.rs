//! A signal goes to one process and to no other.
#![expect(
    clippy::disallowed_methods,
    reason = "what the stop relies on is tested here, on processes of the test's own"
)]

use lockwatch::os::{Kernel as _, Signal, SignalError, System};
use lockwatch::process::{Detail, ProcessId};

use crate::actors::{How, Locker, Place};

fn id(system: &mut System, locker: &Locker) -> ProcessId {
    system.process(locker.pid(), Detail::Brief).unwrap().id
}

#[test]
fn the_process_that_is_meant_is_signalled() {
    let (place, mut system) = (Place::new(), System::new());
    for (signal, number) in [(Signal::Terminate, libc::SIGTERM), (Signal::Kill, libc::SIGKILL)] {
        let mut locker = Locker::holding(&place.lock, How::Exclusive);
        let process = id(&mut system, &locker);
        system.signal(process, signal).unwrap();
        assert_eq!(locker.ended_by(), Some(number));
        // Its number is free now.
        assert!(matches!(system.signal(process, signal), Err(SignalError::Gone)));
    }
}

/// The version in an audit token changes when a process becomes another program; it is still the same process.
#[test]
fn a_process_that_became_another_program_is_signalled() {
    let (place, mut system) = (Place::new(), System::new());
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    let before = id(&mut system, &locker);
    locker.becomes_another_program();
    assert_eq!(id(&mut system, &locker), before);
    system.signal(before, Signal::Terminate).unwrap();
    assert_eq!(locker.ended_by(), Some(libc::SIGTERM));
}

#[test]
fn another_process_of_the_same_number_is_not() {
    let (place, mut system) = (Place::new(), System::new());
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    let now = id(&mut system, &locker);
    let earlier = ProcessId {
        start: now.start - 1,
        ..now
    };
    assert!(matches!(system.signal(earlier, Signal::Kill), Err(SignalError::Gone)));
    locker.obeys("it lives");
}
