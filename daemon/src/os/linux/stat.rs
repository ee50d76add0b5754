//! `/proc/PID/stat`, one line of words. Pure.

use crate::process::{Pid, RunState};

/// The fields that we read, by their names in the manual (`man 5 proc_pid_stat`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: Pid,
    /// The short name, as the program set it.
    pub(super) comm: Vec<u8>,
    pub(super) state: RunState,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    pub(super) session: Pid,
    pub(super) has_terminal: bool,
    /// In clock ticks since boot.
    pub(super) start: u64,
    /// Processor time in clock ticks: its own, and that of the children that it has waited for (fields 14 to 17).
    pub(super) cpu: u64,
}

/// The process is ending (Linux' `include/linux/sched.h`). Its files are closed before it shows as a zombie
/// (`kernel/exit.c`, `do_exit`), and who looks in between would take it for one that let go of its locks and lives on.
const PF_EXITING: i64 = 0x4;

/// Reads the line. The short name stands in parentheses and may itself hold blanks and parentheses, so it ends at the
/// last one.
pub(super) fn parse(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let comm = text.get(open + 1..close)?.to_vec();
    let pid = std::str::from_utf8(&text[..open]).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(&text[close + 1..]).ok()?;
    // The words after the name, from field 3 on.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<i64>().ok();
    let is_exiting = number(9)? & PF_EXITING != 0;
    let state = match *fields.first()? {
        _ if is_exiting => RunState::Zombie,
        "T" => RunState::Stopped,
        "t" => RunState::Traced,
        "Z" | "X" | "x" => RunState::Zombie,
        _ => RunState::Alive,
    };
    // A process of another PID namespace has parent, group or session 0; none is negative but by a kernel's oddity.
    let pid_at = |field: usize| number(field).map(|value| Pid::try_from(value).unwrap_or(0));
    // The kernel prints the times of children as signed numbers.
    let ticks = |field: usize| number(field).map(|value| u64::try_from(value).unwrap_or(0));
    let times = [ticks(14)?, ticks(15)?, ticks(16)?, ticks(17)?];
    Some(Stat {
        pid,
        comm,
        state,
        parent: pid_at(4)?,
        group: pid_at(5)?,
        session: pid_at(6)?,
        has_terminal: number(7)? != 0,
        start: fields.get(22 - 3)?.parse().ok()?,
        cpu: times.into_iter().fold(0, u64::saturating_add),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REST: &str = "4700 4711 4690 34816 4711 4194304 1 0 0 0 5 3 0 0 20 0 9 0 88123 1 2 3 18446744073709551615";

    #[test]
    fn the_fields_that_are_read() {
        let stat = parse(format!("4711 (cargo) S {REST}\n").as_bytes()).expect("parses");
        assert_eq!(
            (stat.pid, stat.parent, stat.group, stat.session),
            (4711, 4700, 4711, 4690)
        );
        assert_eq!((stat.start, stat.has_terminal), (88123, true));
        assert_eq!(stat.cpu, 5 + 3);
        assert_eq!(
            (stat.state, stat.comm.as_slice()),
            (RunState::Alive, b"cargo".as_slice())
        );
    }

    #[test]
    fn who_is_ending_has_ended() {
        let ending = REST.replacen("4194304", "4194308", 1);
        let stat = parse(format!("4711 (cargo) R {ending}").as_bytes()).expect("parses");
        assert_eq!(stat.state, RunState::Zombie);
    }

    #[test]
    fn names_that_look_like_fields() {
        for name in ["a) R 1 1", "(((", "", "tmux: server", "\n", "\u{fffd}"] {
            let stat = parse(format!("9 ({name}) T {REST}").as_bytes()).expect(name);
            assert_eq!(stat.comm, name.as_bytes());
            assert_eq!((stat.state, stat.parent), (RunState::Stopped, 4700));
        }
    }

    #[test]
    fn states() {
        for (letter, state) in [
            ("R", RunState::Alive),
            ("D", RunState::Alive),
            ("t", RunState::Traced),
            ("Z", RunState::Zombie),
        ] {
            assert_eq!(
                parse(format!("9 (x) {letter} {REST}").as_bytes())
                    .expect("parses")
                    .state,
                state
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&text);
        }

        #[test]
        fn any_name_is_taken(name in proptest::collection::vec(any::<u8>(), 0..16)) {
            let line = [b"9 (", name.as_slice(), b") S ", REST.as_bytes()].concat();
            prop_assert_eq!(parse(&line).expect("parses").comm, name);
        }
    }
}
