//! What of the processes this one cannot see.

use std::path::Path;

use crate::os::Blind;

/// What keeps us from seeing all processes and locks.
pub fn blind_spots() -> Vec<Blind> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found = Vec::new();
    if !super::in_first_pid_namespace() {
        found.push(Blind::PidNamespace);
    }
    // root sees all the same.
    if hides_processes(&mounts) && !rustix::process::geteuid().is_root() {
        found.push(Blind::HiddenProcesses);
    }
    let own = Path::new("/proc/self/task").join(std::process::id().to_string());
    if own.exists() && !own.join("children").exists() {
        found.push(Blind::NoLists);
    }
    found
}

/// Whether `/proc` is mounted with `hidepid`, so that another user's processes are not seen (proc(5)).
fn hides_processes(mountinfo: &str) -> bool {
    // `… MOUNT_POINT OPTIONS … - KIND SOURCE SUPER_OPTIONS`. The last mount of a place is the one that is seen.
    let proc = mountinfo.lines().rev().find_map(|line| {
        let (place, options) = line.split_once(" - ")?;
        (place.split(' ').nth(4)? == "/proc" && options.starts_with("proc ")).then_some(options)
    });
    let value = proc.and_then(|options| {
        options
            .split([' ', ','])
            .find_map(|option| option.strip_prefix("hidepid="))
    });
    value.is_some_and(|value| !matches!(value, "0" | "off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidepid_is_read_from_the_mount_that_is_seen() {
        let line = |options: &str| format!("22 28 0:20 / /proc rw,nosuid - proc proc {options}\n");
        for (mounts, hides) in [
            (line("rw"), false),
            (line("rw,hidepid=2"), true),
            (line("rw,gid=4,hidepid=invisible"), true),
            (line("rw,hidepid=0"), false),
            (line("rw,hidepid=off"), false),
            (line("rw,hidepid=2") + &line("rw"), false),
            ("30 28 0:20 / /mnt/proc rw - proc proc rw,hidepid=2\n".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(hides_processes(&mounts), hides, "{mounts}");
        }
    }
}
