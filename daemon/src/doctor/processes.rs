//! What keeps lockwatch from seeing processes: containers and mounts of `/proc`.

use super::{Check, Finding};
use crate::os::{Blind, Note};

pub(super) fn checks() -> Vec<Check> {
    let findings = crate::os::blind_spots().into_iter().map(finding).collect();
    vec![Check::of("sight of processes", findings)]
}

fn finding(blind: Blind) -> Finding {
    let (id, what, why, mend) = match blind {
        Blind::PidNamespace => (
            "pid-namespace",
            "this is a container with processes of its own".to_owned(),
            Note::PidNamespace.to_string(),
            "run lockwatch outside of the container, or start the container with `--pid=host`",
        ),
        Blind::HiddenProcesses => (
            "hidepid",
            "/proc is mounted with `hidepid`".to_owned(),
            "holders and waiters of other users are not seen, so a lock that they hold looks as if nobody held it"
                .to_owned(),
            "sudo mount -o remount,hidepid=0 /proc  # or be a member of the group that the mount names by `gid=`",
        ),
        Blind::NoLists => (
            "no-proc-children",
            "this kernel has no lists of children (CONFIG_PROC_CHILDREN)".to_owned(),
            "every look at a build's compilers must ask all processes for their parents, which takes much longer"
                .to_owned(),
            "use a kernel that is built with CONFIG_PROC_CHILDREN=y, as those of the distributions are",
        ),
    };
    Finding {
        id: id.to_owned(),
        what,
        why,
        mend: mend.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let ids: std::collections::BTreeSet<String> = [Blind::PidNamespace, Blind::HiddenProcesses, Blind::NoLists]
            .into_iter()
            .map(|blind| finding(blind).id)
            .collect();
        assert_eq!(ids.len(), 3);
    }
}
