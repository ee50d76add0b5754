use std::collections::BTreeMap;

use proptest::prelude::*;

use super::ProcArgs;

const NAMES: &[&str] = &["VSCODE_PID", "EMPTY", "ptr_munge"];

fn answer(argc: i32, strings: &[u8]) -> Vec<u8> {
    let mut bytes = argc.to_ne_bytes().to_vec();
    bytes.extend(strings);
    bytes
}

fn parse(bytes: &[u8]) -> Option<(Vec<String>, BTreeMap<String, String>)> {
    let parsed = ProcArgs::parse(bytes, bytes.len() + 1)?;
    let argv = parsed
        .argv()
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    Some((argv, parsed.environment(NAMES)))
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn arguments_and_named_variables() {
    // What the kernel answers; the arguments; the variables.
    type Case<'a> = (&'a str, Vec<u8>, &'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: Vec<Case<'_>> = vec![
        (
            "as usual",
            answer(
                2,
                b"/bin/cargo\0\0\0\0cargo\0build\0HOME=/\0VSCODE_PID=7\0SECRET=x\0\0ptr_munge=1\0",
            ),
            &["cargo", "build"],
            &[("VSCODE_PID", "7")],
        ),
        (
            "no padding",
            answer(1, b"/bin/sh\0sh\0VSCODE_PID=1\0"),
            &["sh"],
            &[("VSCODE_PID", "1")],
        ),
        (
            "an empty argument",
            answer(3, b"/a\0\0a\0\0b\0EMPTY=\0"),
            &["a", "", "b"],
            &[("EMPTY", "")],
        ),
        (
            "a value with =",
            answer(1, b"/a\0a\0VSCODE_PID=a=b\0"),
            &["a"],
            &[("VSCODE_PID", "a=b")],
        ),
        (
            "set twice",
            answer(1, b"/a\0a\0EMPTY=1\0EMPTY=2\0"),
            &["a"],
            &[("EMPTY", "1")],
        ),
        ("no environment", answer(2, b"/a\0a\0b\0"), &["a", "b"], &[]),
        (
            "a variable as an argument",
            answer(2, b"/a\0a\0VSCODE_PID=1\0"),
            &["a", "VSCODE_PID=1"],
            &[],
        ),
        ("fewer than it says", answer(9, b"/a\0a\0b\0"), &["a", "b"], &[]),
        ("the last one cut", answer(3, b"/a\0a\0b\0cut"), &["a", "b"], &[]),
        ("the last variable cut", answer(1, b"/a\0a\0VSCODE_PID=12"), &["a"], &[]),
        (
            "no arguments",
            answer(0, b"/a\0\0\0VSCODE_PID=1\0"),
            &[],
            &[("VSCODE_PID", "1")],
        ),
        ("a relative program", answer(1, b"./a\0a\0"), &["a"], &[]),
        ("a path alone", answer(1, b"/a\0"), &[], &[]),
        (
            "not UTF-8",
            answer(1, b"/a\0a\0VSCODE_PID=\xff\0"),
            &["a"],
            &[("VSCODE_PID", "\u{fffd}")],
        ),
    ];
    for (name, bytes, argv, environment) in cases {
        let (found_argv, found_environment) = parse(&bytes).expect(name);
        assert_eq!(found_argv, argv, "{name}");
        assert_eq!(found_environment, variables(environment), "{name}");
    }
}

#[test]
fn what_is_no_answer() {
    let whole = answer(1, b"/a\0a\0");
    assert!(parse(&[]).is_none());
    assert!(parse(&[1, 0, 0]).is_none(), "no argc");
    assert!(parse(&answer(1, b"")).is_none(), "no path");
    assert!(parse(&answer(1, b"\0\0a\0")).is_none(), "an empty path");
    assert!(parse(&answer(1, b"/a")).is_none(), "a path without an end");
    assert!(parse(&answer(-1, b"/a\0a\0")).is_none(), "a negative count");
    assert!(
        ProcArgs::parse(&whole, whole.len()).is_none(),
        "the tail, in a buffer that is full"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), room in 0_usize..400) {
        if let Some(args) = ProcArgs::parse(&bytes, room) {
            prop_assert!(args.argv().len() <= bytes.len());
            prop_assert!(args.environment(NAMES).keys().all(|name| NAMES.contains(&name.as_str())));
        }
    }

    #[test]
    fn what_was_written_is_read(argv in proptest::collection::vec("[a-z]{1,9}", 1..6), pid in "[0-9]{1,5}") {
        let strings = format!("/bin/x\0\0\0{}\0HOME=/\0VSCODE_PID={pid}\0\0junk\0", argv.join("\0"));
        let count = i32::try_from(argv.len()).unwrap();
        let (found, environment) = parse(&answer(count, strings.as_bytes())).unwrap();
        prop_assert_eq!(found, argv);
        prop_assert_eq!(environment, variables(&[("VSCODE_PID", &pid)]));
    }
}
