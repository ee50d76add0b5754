//! The `lock:` lines of a descriptor's `fdinfo`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockwatch::os::Mode;
use lockwatch::os::fuzzing::{File, Line, held_by_descriptor, lock_line};

fuzz_target!(|fdinfo: &[u8]| {
    let lines = || fdinfo.split(|byte| *byte == b'\n');
    let by_hand: Vec<(Mode, File)> = lines()
        .filter_map(|line| match lock_line(line.strip_prefix(b"lock:")?) {
            Line::Flock(flock) if !flock.waits => Some((flock.mode, flock.file)),
            _ => None,
        })
        .collect();
    assert_eq!(held_by_descriptor(fdinfo), by_hand);

    // Whatever lines stand around it, a lock is seen, and at its place.
    let lock = File {
        major: 0xfe,
        minor: 0x1a,
        ino: 131_074,
    };
    let line: &[u8] = b"lock:\t1: FLOCK  ADVISORY  WRITE 4711 fe:1a:131074 0 EOF";
    let places = lines().count();
    let place = fdinfo.len() % (places + 1);
    let mut with: Vec<&[u8]> = lines().collect();
    with.insert(place, line);
    let before = with[..place].join(&b'\n');
    let expected: Vec<(Mode, File)> = [
        held_by_descriptor(&before),
        vec![(Mode::Exclusive, lock)],
        by_hand[held_by_descriptor(&before).len()..].to_vec(),
    ]
    .concat();
    assert_eq!(held_by_descriptor(&with.join(&b'\n')), expected);
});
