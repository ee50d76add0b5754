use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::guard::folders::meet;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let state = place.path().join("state");
    (place, state)
}

fn process(pid: u32) -> ProcessId {
    ProcessId { pid, start: 7 }
}

fn debug() -> Vec<BuildFolder> {
    vec![BuildFolder::Profile("/w/target/debug".into())]
}

fn names(queue: &mut Queue) -> Vec<String> {
    queue
        .read()
        .expect("reads")
        .iter()
        .map(|entry| entry.ticket.to_string())
        .collect()
}

#[test]
fn a_ticket_comes_starts_is_seen_and_goes() {
    let (_place, state) = folder();
    let mut queue = Queue::open(&state, 1).expect("opens");
    let mut own = queue.come(process(2), &debug(), 100, &mut |_| false).expect("comes");
    let second = queue.come(process(3), &debug(), 100, &mut |_| false).expect("comes");
    assert_eq!(second.ticket.arrival, 101, "no two come at the same time");
    assert_eq!(names(&mut queue), ["100-2-7.waiting", "101-3-7.waiting"]);
    assert!(
        queue
            .start(&mut own, 150, &mut |others| others.len() == 1)
            .expect("starts")
    );
    assert_eq!(names(&mut queue), ["100-2-7.started-150", "101-3-7.waiting"]);
    // Another process reads what this one has written.
    let mut other = Queue::open(&state, 1).expect("opens");
    assert_eq!(other.read().expect("reads")[0].folders, debug());
    other.note_taken(&own.ticket);
    other.note_taken(&own.ticket);
    assert_eq!(names(&mut queue), ["100-2-7.taken-150", "101-3-7.waiting"]);
    other.remove(&queue.read().expect("reads")[0].ticket);
    assert_eq!(names(&mut queue), ["101-3-7.waiting"]);
}

#[test]
fn who_may_not_start_waits_on() {
    let (_place, state) = folder();
    let mut queue = Queue::open(&state, 1).expect("opens");
    let mut own = queue.come(process(2), &debug(), 100, &mut |_| false).expect("comes");
    assert!(!queue.start(&mut own, 150, &mut |_| false).expect("asks"));
    assert_eq!(names(&mut queue), ["100-2-7.waiting"]);
}

#[test]
fn a_ticket_that_was_taken_away_is_put_back() {
    let (_place, state) = folder();
    let mut queue = Queue::open(&state, 1).expect("opens");
    let mut own = queue.come(process(2), &debug(), 100, &mut |_| false).expect("comes");
    queue.remove(&own.ticket);
    assert!(queue.start(&mut own, 150, &mut |_| true).expect("starts"));
    assert_eq!(names(&mut queue), ["100-2-7.started-150"]);
}

#[test]
fn what_is_of_an_earlier_boot_or_no_ticket_is_not_counted() {
    let (_place, state) = folder();
    let mut before = Queue::open(&state, 1).expect("opens");
    before.come(process(2), &debug(), 100, &mut |_| false).expect("comes");
    let tickets = state.join("tickets");
    fs::write(tickets.join("5-5-5.waiting"), "nonsense").expect("writes");
    fs::write(tickets.join("precious"), "").expect("writes");
    let mut queue = Queue::open(&state, 2).expect("opens");
    assert_eq!(names(&mut queue), [""; 0]);
    let mut left: Vec<_> = fs::read_dir(&tickets)
        .expect("lists")
        .map(|file| file.expect("reads").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["precious", "queue"], "only tickets are removed");
}

#[test]
fn a_folder_that_cannot_be_used_is_said() {
    let (place, state) = folder();
    fs::write(&state, "").expect("writes");
    assert!(matches!(Queue::open(&state, 1), Err(QueueError::Folder(_))));
    drop(place);
}

#[test]
fn it_is_removed_once_nobody_of_it_lives() {
    use crate::os::System;

    let (_place, state) = folder();
    let mut kernel = System::new();
    let living = kernel.process(std::process::id(), Detail::Brief).expect("lives").id;
    let gone = ProcessId {
        start: living.start + 1,
        ..living
    };
    assert_eq!(Queue::clear(&state, &mut kernel).expect("clears"), None);
    assert!(!state.exists(), "nothing is made by it");

    let mut queue = Queue::open(&state, kernel.boot_id()).expect("opens");
    for process in [gone, living] {
        queue.come(process, &debug(), 100, &mut |_| false).expect("comes");
    }
    assert_eq!(Queue::clear(&state, &mut kernel).expect("clears"), Some(living));
    let entries = queue.read().expect("reads");
    assert_eq!(entries.len(), 2, "all of them are there still");
    queue.remove(&entries[1].ticket);
    let precious = state.join("tickets/precious");
    fs::write(&precious, "").expect("writes");
    assert_eq!(Queue::clear(&state, &mut kernel).expect("clears"), None);
    let left: Vec<_> = fs::read_dir(state.join("tickets"))
        .expect("lists")
        .map(|file| file.expect("reads").path())
        .collect();
    assert_eq!(left, std::slice::from_ref(&precious));
    fs::remove_file(precious).expect("is there");
    assert_eq!(Queue::clear(&state, &mut kernel).expect("clears"), None);
    assert!(!state.join("tickets").exists());
}

/// Who waited for the lock of a queue that was removed must not be let in beside one who has locked the new one.
#[test]
fn a_lock_that_was_removed_is_none() {
    let (_place, state) = folder();
    let queue = Queue::open(&state, 1).expect("opens");
    let before = queue.lock().expect("locks");
    assert!(queue.is_in_place(&before));
    fs::remove_file(state.join("tickets/queue")).expect("is there");
    assert!(!queue.is_in_place(&before));
    let now = queue.lock().expect("locks the new one");
    assert!(queue.is_in_place(&now) && !queue.is_in_place(&before));
}

/// Many come in the same moment, each with a queue of its own: one of them starts.
#[test]
fn of_many_at_once_one_starts() {
    let (_place, state) = folder();
    let started = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for pid in 1..=16 {
            let (state, started) = (&state, &started);
            scope.spawn(move || {
                let mut queue = Queue::open(state, 1).expect("opens");
                let mut free = |there: &[Entry]| !there.iter().any(|entry| meet(&entry.folders, &debug()));
                let own = queue.come(process(pid), &debug(), 100, &mut free).expect("comes");
                started.fetch_add(usize::from(own.ticket.phase != Phase::Waiting), Ordering::Relaxed);
            });
        }
    });
    assert_eq!(started.load(Ordering::Relaxed), 1);
    let mut queue = Queue::open(&state, 1).expect("opens");
    let arrivals: Vec<u64> = queue
        .read()
        .expect("reads")
        .iter()
        .map(|entry| entry.ticket.arrival)
        .collect();
    assert_eq!(arrivals, (100..116).collect::<Vec<_>>());
}
