//! The arguments and the environment of a process, from what `sysctl` with `KERN_PROCARGS2` answers.
//!
//! `argc` as a C int, the path of the program, NULs up to the next address of a pointer's size, `argc` arguments, the
//! environment, and then strings of Apple's own (`sysctl_procargsx`, XNU, `bsd/kern/kern_sysctl.c`). It is the memory
//! of that process, which may write there whatever it likes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

#[cfg(test)]
mod tests;

/// The strings of an answer. Nothing is copied until it is asked for.
pub(super) struct ProcArgs<'a> {
    argc: usize,
    /// All that follows the program's path and the NULs behind it.
    strings: &'a [u8],
}

impl<'a> ProcArgs<'a> {
    /// Reads an answer in a buffer of `room` bytes. `None` where it is not one: too short, a negative number of
    /// arguments, no path at its begin, or no room left behind it. In a buffer that is too small the kernel puts the
    /// end of the strings and not their begin, and says nothing.
    pub(super) fn parse(answer: &'a [u8], room: usize) -> Option<Self> {
        if answer.len() >= room {
            return None;
        }
        let (argc, rest) = answer.split_first_chunk()?;
        let argc = usize::try_from(i32::from_ne_bytes(*argc)).ok()?;
        if matches!(rest.first(), None | Some(0)) {
            return None;
        }
        let path_end = rest.iter().position(|byte| *byte == 0)?;
        let padded = rest.get(path_end..)?;
        let begin = padded.iter().position(|byte| *byte != 0);
        Some(Self {
            argc,
            strings: begin.map_or(&[], |begin| padded.get(begin..).unwrap_or(&[])),
        })
    }

    /// The arguments, the program's own name first. Fewer than `argc` where the strings end before.
    pub(super) fn argv(&self) -> Vec<OsString> {
        strings(self.strings)
            .take(self.argc)
            .map(|text| OsStr::from_bytes(text).to_owned())
            .collect()
    }

    /// The named variables of the environment, those that are set; the first where one is set twice, as `getenv` takes
    /// it. A value that is not UTF-8 has replacement characters in it.
    pub(super) fn environment(&self, names: &[&str]) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        // An empty string ends the environment: Apple's own strings come next, and they are no variables.
        let variables = strings(self.strings)
            .skip(self.argc)
            .take_while(|text| !text.is_empty());
        for variable in variables {
            let mut parts = variable.splitn(2, |byte| *byte == b'=');
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
                continue;
            };
            if let Some(name) = names.iter().find(|wanted| wanted.as_bytes() == name) {
                found
                    .entry((*name).to_owned())
                    .or_insert_with(|| String::from_utf8_lossy(value).into_owned());
            }
        }
        found
    }
}

/// The strings that a NUL ends. A last one without is cut and does not count.
fn strings(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|text| text.strip_suffix(&[0]))
}
