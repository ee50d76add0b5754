//! `/proc/PID/cmdline` and `/proc/PID/environ`: strings, each with a NUL at its end. They are the memory of that process,
//! which may write there whatever it likes. Pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The arguments, the program's own name first. A program that wrote a title over them may have left out the last NUL.
pub(super) fn arguments(cmdline: &[u8]) -> Vec<OsString> {
    let text = cmdline.strip_suffix(&[0]).unwrap_or(cmdline);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|byte| *byte == 0)
        .map(|part| OsStr::from_bytes(part).to_owned())
        .collect()
}

/// The named variables, those that are set and are UTF-8. Of a variable that is set twice, getenv(3) finds the first.
pub(super) fn variables(environ: &[u8], names: &[&str]) -> BTreeMap<String, String> {
    let pairs = environ.split(|byte| *byte == 0).filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        names.contains(&name).then(|| (name.to_owned(), value.to_owned()))
    });
    let mut found = BTreeMap::new();
    for (name, value) in pairs {
        found.entry(name).or_insert(value);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_end_with_a_nul_each() {
        for (cmdline, expected) in [
            (&b""[..], &[][..]),
            (b"\0", &[]),
            (b"cargo\0build\0", &["cargo", "build"]),
            (b"cargo\0\0b\0", &["cargo", "", "b"]),
            (b"cargo\0\0", &["cargo", ""]),
            (b"nginx: worker process", &["nginx: worker process"]),
        ] {
            assert_eq!(arguments(cmdline), expected);
        }
    }

    #[test]
    fn the_variables_that_are_asked_for() {
        let environ = b"A=1\0BB=x=y\0A=2\0junk\0C=\0D=\xff\0\0E=5";
        let found = variables(environ, &["A", "BB", "C", "D", "E", "junk", "F"]);
        let pairs: Vec<_> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("A", "1"), ("BB", "x=y"), ("C", ""), ("E", "5")]);
        assert!(variables(environ, &[]).is_empty());
    }
}
