//! `/proc/PID/stat`: any line, and any short name in a line as the kernel prints it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockwatch::os::fuzzing::{Stat, stat};
use lockwatch::process::RunState;

fuzz_target!(|text: &[u8]| {
    if let Some(read) = stat(text) {
        assert!(text.windows(read.comm.len().max(1)).any(|part| part == read.comm) || read.comm.is_empty());
        assert_eq!(stat(&print(&read)), Some(read));
    }
    let named = Stat {
        pid: 4711,
        comm: text.to_vec(),
        state: RunState::Traced,
        parent_group_session: [1, u32::MAX, 0],
        has_terminal: true,
        start: u64::MAX,
    };
    assert_eq!(stat(&print(&named)), Some(named));
});

/// As the kernel prints it, `do_task_stat` in Linux' `fs/proc/array.c`.
fn print(stat: &Stat) -> Vec<u8> {
    let letter = match stat.state {
        RunState::Alive => "S",
        RunState::Stopped => "T",
        RunState::Traced => "t",
        RunState::Zombie => "Z",
    };
    let [parent, group, session] = stat.parent_group_session;
    let terminal = if stat.has_terminal { -34816 } else { 0 };
    let rest = format!(
        ") {letter} {parent} {group} {session} {terminal} -1 4194304 1 0 0 0 5 3 0 0 20 0 9 0 {} 1 2 3\n",
        stat.start
    );
    [format!("{} (", stat.pid).as_bytes(), &stat.comm, rest.as_bytes()].concat()
}
