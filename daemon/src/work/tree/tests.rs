use super::*;
use crate::os::System;
use crate::os::made::Made;
use crate::process::{Detail, RunState};

fn holder(made: &mut Made) -> ProcessId {
    made.process(10, Detail::Brief).expect("is there").id
}

fn take(made: &mut Made) -> Sample {
    let holder = holder(made);
    sample(made, holder, Duration::from_secs(5), 3, None).expect("lives")
}

/// 10 is a cargo with a compiler and a build script, which has a compiler of its own.
fn build() -> Made {
    Made::default()
        .process(1, 0, "/sbin/init", 9000)
        .process(10, 1, "cargo build", 60)
        .process(11, 10, "rustc", 50)
        .process(12, 10, "build-script-build", 50)
        .process(13, 12, "cc", 40)
        .process(20, 1, "cargo check", 60)
}

#[test]
fn the_whole_tree_and_nothing_else() {
    let mut made = build()
        .work(11, 250, 4096)
        .reads_terminal(13)
        .with(12, |process| process.state = RunState::Stopped);
    let sample = take(&mut made);
    let found: Vec<(Pid, Kind, bool)> = sample
        .members
        .iter()
        .map(|(id, member)| (id.pid, member.kind, member.reads_terminal))
        .collect();
    assert_eq!(
        found,
        [
            (10, Kind::Cargo, false),
            (11, Kind::Compiler, false),
            (12, Kind::BuildScript, false),
            (13, Kind::BuildScript, true),
        ]
    );
    let member = |pid| sample.members.iter().find(|(id, _)| id.pid == pid).expect("is there").1;
    assert_eq!(member(11).work.cpu, Duration::from_millis(250));
    assert_eq!(member(11).work.disk, 4096);
    assert_eq!(member(12).name, "build script");
    assert_eq!(member(12).state, RunState::Stopped);
    assert_eq!((sample.at, sample.registry_files), (Duration::from_secs(5), 3));
    assert!(!sample.is_connected());
}

#[test]
fn a_child_is_not_older_than_its_parent() {
    let mut made = build().process(14, 10, "sh", 100);
    assert!(take(&mut made).members.keys().all(|id| id.pid != 14));
}

#[test]
fn sockets_of_the_tree() {
    let mut made = build()
        .socket(11, 7, Some(100))
        .socket(10, 8, Some(5))
        .socket(20, 9, Some(1));
    assert_eq!(
        take(&mut made).received,
        Received::Bytes(BTreeMap::from([(7, 100), (8, 5)]))
    );
    let mut contained = made.clone().elsewhere(11);
    assert_eq!(take(&mut contained).received, Received::Connections(2));
    let mut made = made.socket(10, 8, None);
    assert_eq!(take(&mut made).received, Received::Connections(2));
}

#[test]
fn whoever_has_ended_has_no_tree() {
    let mut made = build();
    let holder = holder(&mut made);
    let other = ProcessId {
        start: holder.start + 1,
        ..holder
    };
    assert!(sample(&mut made, other, Duration::ZERO, 0, None).is_none());
    let mut made = made.without(10);
    assert!(sample(&mut made, holder, Duration::ZERO, 0, None).is_none());
}

#[test]
fn the_real_kernel_counts_what_this_process_does() {
    let mut system = System::new();
    let own = system.process(std::process::id(), Detail::Brief).expect("this one").id;
    let mut cpu = || {
        let sample = sample(&mut system, own, Duration::ZERO, 0, None).expect("lives");
        sample.members[&own].work.cpu
    };
    let before = cpu();
    let mut number = 1_u64;
    while cpu() < before + Duration::from_millis(30) {
        for _ in 0..1_000_000 {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }
}
