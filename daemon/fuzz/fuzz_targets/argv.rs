//! A process's arguments: what is shown has no secret in it and nothing that acts on a terminal, and is bounded.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use lockwatch::cargo::command::{Invocation, read};

/// Inputs that have a part of this themselves are passed over: libFuzzer reads it out of the comparisons.
const SECRET: &str = "Zq7hXw2kSECRETv9Lm4";

/// So many bytes of the secret in a row are a leak.
const LEAK: usize = 6;

/// A literal around [`SECRET`]; `concat!` takes literals only.
macro_rules! concat_secret {
    ($before:literal) => {
        concat_secret!($before, "")
    };
    ($before:literal, $after:literal) => {
        concat!($before, "Zq7hXw2kSECRETv9Lm4", $after)
    };
}

/// How a secret can stand among the arguments, whatever stands around it: as words of their own, or within a word.
const FORMS: &[&[&str]] = &[
    &["--token", SECRET],
    &["--registry-token", SECRET],
    &["cargo", "login", SECRET],
    &["Authorization:", SECRET],
    &[concat_secret!("--token=")],
    &[concat_secret!("CARGO_REGISTRY_TOKEN=")],
    &[concat_secret!("registries.mine.token = \"")],
    &[concat_secret!("Authorization: Bearer ")],
    &[concat_secret!("sh -c cargo publish --token ")],
    &[concat_secret!("cargo login ")],
    &[concat_secret!("https://me:", "@localhost/")],
    &[concat_secret!("https://", "@localhost/")],
];

fuzz_target!(|input: &[u8]| {
    if input
        .windows(LEAK)
        .any(|part| SECRET.as_bytes().windows(LEAK).any(|secret| secret == part))
    {
        return;
    }
    // Seeds are text, so there a line end stands for the NUL.
    let words: Vec<OsString> = input
        .split(|byte| matches!(byte, 0 | b'\n'))
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect();
    let exe = words.last().map(Path::new);
    check(&read(&words, None, "cargo"));
    check(&read(&words, exe, "x"));
    check(&read(&[], exe, &String::from_utf8_lossy(input)));

    let place = input.len() % (words.len() + 1);
    for form in FORMS {
        let mut words = words.clone();
        words.splice(place..place, form.iter().map(OsString::from));
        check(&read(&words, None, "cargo"));
    }
    // And within a longer argument: a script in `sh -c`, a URL in a text.
    for form in FORMS {
        let script = [input, b" ", form.join(" ").as_bytes(), b" ", input].concat();
        check(&read(
            &["sh".into(), "-c".into(), OsStr::from_bytes(&script).into()],
            None,
            "sh",
        ));
    }
});

fn check(invocation: &Invocation) {
    let all = format!("{invocation:?}");
    let leaks = SECRET
        .as_bytes()
        .windows(LEAK)
        .any(|part| all.as_bytes().windows(LEAK).any(|shown| shown == part));
    assert!(!leaks, "{all}");
    let Invocation {
        command, argv, program, ..
    } = invocation;
    assert!(command.chars().count() <= 120, "{command}");
    assert!(argv.iter().map(|word| word.len() + 1).sum::<usize>() <= 4096);
    let shown = argv
        .iter()
        .chain([command])
        .map(String::as_str)
        .chain(program.subcommand());
    for text in shown {
        assert!(!text.chars().any(acts_on_the_terminal), "{text:?}");
    }
}

fn acts_on_the_terminal(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
