//! What wakes lockwatch: the release of a lock, and the end of a process.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;

use lockwatch::os::{Bell, Ring};
use lockwatch::process::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::actors::{How, Locker, Place, until};

/// Waits until the bell has rung for this. It sleeps meanwhile, so that it is the event that ends the wait.
fn rings(bell: &mut Bell, expected: Ring) {
    until("the event", || {
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        let rang = poll(&mut [PollFd::new(&bell.as_fd(), PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(rang, 1, "nothing has rung for half a minute");
        bell.rings().contains(&expected).then_some(())
    });
}

/// A bell for the releases of a lock, after the ring that it begins with.
fn bell_for(place: &Place) -> Bell {
    let mut bell = Bell::new().unwrap();
    let rings = bell.follow(&[], &BTreeSet::from([place.lock.clone()]));
    assert_eq!(rings, [Ring::Released], "the file could be opened for events");
    assert_eq!(bell.rings(), BTreeSet::new(), "nothing was released yet");
    bell
}

#[test]
fn a_release_by_unlock_is_told() {
    let place = Place::new();
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    let mut bell = bell_for(&place);
    locker.obeys("unlock");
    rings(&mut bell, Ring::Released);
}

#[test]
fn a_release_by_close_is_told() {
    let place = Place::new();
    let mut locker = Locker::holding(&place.lock, How::Shared);
    let mut bell = bell_for(&place);
    locker.obeys("close");
    rings(&mut bell, Ring::Released);
}

#[test]
fn a_release_by_kill_is_told() {
    let place = Place::new();
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    let mut bell = bell_for(&place);
    locker.kill();
    rings(&mut bell, Ring::Released);
}

#[test]
fn taking_a_lock_and_waiting_for_it_are_not_told() {
    let place = Place::new();
    let mut bell = bell_for(&place);
    let holder = Locker::holding(&place.lock, How::Exclusive);
    let waiter = Locker::asking(&place.lock, How::Exclusive);
    assert_eq!(bell.rings(), BTreeSet::new());
    drop((waiter, holder));
}

#[test]
fn the_end_of_a_process_is_told() {
    let place = Place::new();
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    let mut bell = Bell::new().unwrap();
    assert_eq!(bell.follow(&[locker.pid()], &BTreeSet::new()), []);
    locker.kill();
    rings(&mut bell, Ring::Exited(locker.pid()));
}

/// Holders are nobody's children of lockwatch's.
#[test]
fn the_end_of_a_process_that_is_not_a_child_is_told() {
    // The shell leaves a process behind that is launchd's then. It ends when nobody can write to it any more.
    let mut shell = std::process::Command::new("/bin/sh")
        .args(["-c", "exec 3<&0; /bin/cat <&3 >/dev/null & echo $!"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let end = shell.stdin.take();
    let output = shell.wait_with_output().unwrap();
    let pid: Pid = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    let mut bell = Bell::new().unwrap();
    assert_eq!(bell.follow(&[pid], &BTreeSet::new()), [], "it runs");
    drop(end);
    rings(&mut bell, Ring::Exited(pid));
}

#[test]
fn who_has_ended_before_is_told_at_once() {
    let place = Place::new();
    let mut locker = Locker::holding(&place.lock, How::Exclusive);
    locker.kill();
    locker.ended_by();
    let mut bell = Bell::new().unwrap();
    let rings = bell.follow(&[locker.pid()], &BTreeSet::new());
    assert_eq!(rings, [Ring::Exited(locker.pid())]);
}
