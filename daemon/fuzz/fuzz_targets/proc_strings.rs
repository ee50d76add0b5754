//! `/proc/PID/cmdline` and `/proc/PID/environ`: what a process put there, and what lies around the variable that is asked for.
#![no_main]

use std::os::unix::ffi::OsStrExt as _;

use libfuzzer_sys::fuzz_target;
use lockwatch::os::fuzzing::{arguments, variables};

const NAMES: &[&str] = &["CARGO_HOME", "A", "B", "CLAUDECODE"];

fuzz_target!(|input: &[u8]| {
    // Seeds are text, so there a line end stands for the NUL.
    let text: Vec<u8> = input
        .iter()
        .map(|byte| if *byte == b'\n' { 0 } else { *byte })
        .collect();

    let arguments = arguments(&text);
    let bytes: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
    assert!(bytes.iter().all(|word| !word.contains(&0)));
    assert_eq!(
        bytes.join(&0),
        text.strip_suffix(&[0]).unwrap_or(&text),
        "nothing is lost"
    );

    let found = variables(&text, NAMES);
    for (name, value) in &found {
        assert!(NAMES.contains(&name.as_str()) && !value.contains('\0'));
        let pair = format!("{name}={value}");
        assert!(
            text.split(|byte| *byte == 0).any(|part| part == pair.as_bytes()),
            "{pair}"
        );
    }
    let first = variables(&[b"A=first\0", text.as_slice()].concat(), NAMES);
    assert_eq!(first.get("A").map(String::as_str), Some("first"));
    let last = variables(&[text.as_slice(), b"\0A=last\0"].concat(), NAMES);
    assert_eq!(last.get("A").map_or("last", String::as_str), last["A"]);
    assert_eq!(last.get("A"), found.get("A").or(Some(&"last".to_owned())));
});
