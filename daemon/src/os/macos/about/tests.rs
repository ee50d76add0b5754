use jiff::Timestamp;
use proptest::prelude::*;

use super::{Basics, boot_id};
use crate::os::macos::layout::{self, bsd_info, kinfo_proc};
use crate::process::RunState;

fn bsd(status: u32, flags: u32) -> Vec<u8> {
    let mut bytes = vec![0; bsd_info::SIZE];
    bsd_info::FLAGS.write(&mut bytes, flags);
    bsd_info::STATUS.write(&mut bytes, status);
    bsd_info::PID.write(&mut bytes, 42);
    bsd_info::PARENT.write(&mut bytes, 7);
    bsd_info::UID.write(&mut bytes, 501);
    bsd_info::NAME.write_text(&mut bytes, b"cargo");
    bsd_info::GROUP.write(&mut bytes, 41);
    bsd_info::TERMINAL.write(&mut bytes, 0x1000_0003);
    bsd_info::START_SECONDS.write(&mut bytes, 1_700_000_000);
    bsd_info::START_MICROSECONDS.write(&mut bytes, 250_000);
    bytes
}

fn expected() -> Basics {
    Basics {
        pid: 42,
        parent: 7,
        group: 41,
        uid: 501,
        state: RunState::Alive,
        has_terminal: true,
        started_at: Some("2023-11-14T22:13:20.25Z".parse::<Timestamp>().unwrap()),
        name: "cargo".to_owned(),
    }
}

#[test]
fn a_process_of_ours() {
    assert_eq!(Basics::from_bsd_info(&bsd(2, 0)), Some(expected()));
    let mut bytes = bsd(2, 0);
    bsd_info::TERMINAL.write(&mut bytes, u32::MAX);
    bsd_info::START_SECONDS.write(&mut bytes, 0);
    let found = Basics::from_bsd_info(&bytes).unwrap();
    assert_eq!((found.has_terminal, found.started_at), (false, None));
}

#[test]
fn a_process_of_anybodys() {
    let mut bytes = vec![0; kinfo_proc::SIZE];
    kinfo_proc::START_SECONDS.write(&mut bytes, 1_700_000_000);
    kinfo_proc::START_MICROSECONDS.write(&mut bytes, 250_000);
    kinfo_proc::STATUS.write(&mut bytes, 2);
    kinfo_proc::PID.write(&mut bytes, 42);
    kinfo_proc::NAME.write_text(&mut bytes, b"cargo");
    kinfo_proc::UID.write(&mut bytes, 501);
    kinfo_proc::PARENT.write(&mut bytes, 7);
    kinfo_proc::GROUP.write(&mut bytes, 41);
    kinfo_proc::TERMINAL.write(&mut bytes, 0x1000_0003);
    assert_eq!(Basics::from_kinfo(&bytes), Some(expected()));
    kinfo_proc::STATUS.write(&mut bytes, 4);
    assert_eq!(Basics::from_kinfo(&bytes).unwrap().state, RunState::Stopped);
    kinfo_proc::FLAGS.write(&mut bytes, 0x4000 | layout::P_TRACED);
    assert_eq!(Basics::from_kinfo(&bytes).unwrap().state, RunState::Traced);
    assert_eq!(Basics::from_kinfo(&[]), None, "gone");
}

#[test]
fn run_states() {
    let cases = [
        (1, 0, RunState::Alive),
        (2, 0, RunState::Alive),
        (3, 0x80, RunState::Alive),
        (2, layout::PROC_FLAG_TRACED, RunState::Alive),
        (4, 0, RunState::Stopped),
        (4, 0x80, RunState::Stopped),
        (4, layout::PROC_FLAG_TRACED | 0x80, RunState::Traced),
        (5, 0, RunState::Zombie),
        (5, layout::PROC_FLAG_TRACED, RunState::Zombie),
    ];
    for (status, flags, state) in cases {
        assert_eq!(
            Basics::from_bsd_info(&bsd(status, flags)).unwrap().state,
            state,
            "{status} {flags}"
        );
    }
}

#[test]
fn a_boot_is_told_from_another() {
    let one = boot_id("0B4B8F9C-58B0-4A6B-9C0F-0123456789AB");
    assert_eq!(one, Some(0x0b4b_8f9c_58b0_4a6b ^ 0x9c0f_0123_4567_89ab));
    assert_ne!(one, boot_id("0B4B8F9C-58B0-4A6B-9C0F-0123456789AC"));
    for text in [
        "",
        "0B4B8F9C",
        "no uuid",
        "0B4B8F9C-58B0-4A6B-9C0F-0123456789AB0",
        "+B4B8F9C-58B0-4A6B-9C0F-0123456789A",
    ] {
        assert_eq!(boot_id(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700), text in ".{0,40}") {
        prop_assert_eq!(Basics::from_bsd_info(&bytes).is_some(), bytes.len() >= bsd_info::SIZE);
        prop_assert_eq!(Basics::from_kinfo(&bytes).is_some(), bytes.len() >= kinfo_proc::SIZE - 72);
        let _: Option<u64> = boot_id(&text);
    }
}
