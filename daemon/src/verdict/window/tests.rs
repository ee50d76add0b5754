use proptest::prelude::*;

use super::*;
use crate::process::Pid;

const HOLDER: Pid = 10;

/// As the made kernel has it for a process that began a minute ago.
pub(crate) fn id(pid: Pid) -> ProcessId {
    ProcessId { pid, start: 999_940 }
}

pub(crate) fn member(parent: Pid, name: &str, cpu: u64) -> Member {
    Member {
        parent,
        name: name.to_owned(),
        kind: Kind::of(name),
        state: RunState::Alive,
        work: crate::work::Work {
            cpu: Duration::from_millis(cpu),
            disk: 0,
        },
        reads_terminal: false,
    }
}

/// A sample of a cargo and its descendants, so many seconds after the first.
pub(crate) fn sample(at: u64, cpu: u64, others: &[(Pid, Member)]) -> Sample {
    let mut members: Members = others.iter().map(|(pid, member)| (id(*pid), member.clone())).collect();
    members.insert(id(HOLDER), member(1, "cargo", cpu));
    Sample {
        at: Duration::from_secs(1000 + at),
        members,
        received: Received::Bytes(BTreeMap::new()),
        registry_files: 0,
        output: None,
    }
}

pub(crate) fn window() -> Window {
    Window::new(Thresholds::default(), Duration::from_secs(2))
}

/// What moved in the window.
fn recent(samples: impl IntoIterator<Item = Sample>) -> Option<Effort> {
    let mut window = window();
    samples.into_iter().for_each(|sample| window.push(sample));
    window.recent()
}

#[test]
fn one_sample_shows_nothing() {
    assert_eq!(recent([sample(0, 90_000, &[])]), None);
}

#[test]
fn processor_time_counts_from_one_part_in_a_hundred_on() {
    assert_eq!(recent([sample(0, 0, &[]), sample(2, 90, &[])]), None);
    let effort = recent([sample(0, 0, &[]), sample(2, 100, &[])]).expect("moves");
    assert_eq!(effort.total_cpu(), Duration::from_millis(100));
    // A tick now and then never adds up to work.
    assert_eq!(recent((0..500).map(|step| sample(step * 2, step * 10, &[]))), None);
    // So much in each sample does.
    assert!(recent((0..20).map(|step| sample(step * 2, step * 20, &[]))).is_some());
}

#[test]
fn what_a_child_used_counts_once() {
    let before = sample(0, 100, &[(11, member(HOLDER, "rustc", 5_000))]);
    // The child has ended, and its parent has waited for it.
    assert_eq!(recent([before.clone(), sample(2, 5_100, &[])]), None);
    let effort = recent([before, sample(2, 5_400, &[])]).expect("moves");
    assert_eq!(
        effort.total_cpu(),
        Duration::from_millis(300),
        "what it used since it was sampled"
    );
}

#[test]
fn a_grandchild_hands_on_to_who_is_left() {
    let tree = [(11, member(HOLDER, "build-script-bu", 10)), (12, member(11, "cc", 700))];
    assert_eq!(recent([sample(0, 0, &tree), sample(2, 710, &[])]), None);
    let shell = [(11, member(HOLDER, "build-script-bu", 710))];
    assert_eq!(recent([sample(0, 0, &tree), sample(2, 0, &shell)]), None);
}

#[test]
fn a_new_process_counts_whole() {
    let new = [(11, member(HOLDER, "rustc", 300))];
    let effort = recent([sample(0, 0, &[]), sample(2, 0, &new)]).expect("moves");
    assert_eq!(effort.cpu_of(Kind::Compiler), Duration::from_millis(300));
}

/// Leaves a trace of work in a sample.
type Leave = fn(&mut Sample);

#[test]
fn each_trace_counts() {
    let connections = |bytes| Received::Bytes(BTreeMap::from([(7, bytes)]));
    let traces: [(&str, Leave); 3] = [
        ("disk", |sample| {
            sample.members.get_mut(&id(HOLDER)).expect("is there").work.disk = 1;
        }),
        ("files", |sample| sample.registry_files = 1),
        ("output", |sample| sample.output = Some(Duration::from_secs(1))),
    ];
    for (name, leave) in traces {
        let mut after = sample(2, 0, &[]);
        leave(&mut after);
        assert!(recent([sample(0, 0, &[]), after.clone()]).is_some(), "{name}");
        let mut before = sample(0, 0, &[]);
        leave(&mut before);
        assert!(recent([before, after]).is_none(), "{name} that was there before");
    }
    let received = |at, bytes| Sample {
        received: connections(bytes),
        ..sample(at, 0, &[])
    };
    assert!(
        recent([sample(0, 0, &[]), received(2, 1)]).is_some(),
        "a new connection"
    );
    assert!(recent([received(0, 5), received(2, 6)]).is_some());
    assert!(recent([received(0, 5), received(2, 5)]).is_none());
    assert!(recent([received(0, 5), sample(2, 0, &[])]).is_none(), "a closed one");
}

#[test]
fn what_moved_is_forgotten_after_its_time() {
    let mut window = window();
    window.push(sample(0, 0, &[]));
    window.push(sample(2, 2_000, &[]));
    for at in [4, 6, 8, 10] {
        window.push(sample(at, 2_000, &[]));
        assert!(window.recent().is_some(), "after {at} s");
    }
    window.push(sample(12, 2_000, &[]));
    assert!(window.recent().is_none());
    assert_eq!(window.idle(), Duration::from_secs(10));
}

#[test]
fn a_gap_empties_it() {
    let mut window = window();
    window.push(sample(0, 0, &[]));
    window.push(sample(2, 0, &[]));
    window.push(sample(8, 0, &[]));
    assert_eq!(window.idle(), Duration::from_secs(8), "three periods are none");
    window.push(sample(15, 5_000, &[]));
    assert_eq!((window.idle(), window.recent()), (Duration::ZERO, None));
    window.push(sample(14, 9_000, &[]));
    assert_eq!(window.idle(), Duration::ZERO, "time goes forward");
}

proptest! {
    /// The processor time that is found is never more than what the processes used in all, however they come and go.
    #[test]
    fn processor_time_is_never_made_up(
        course in proptest::collection::vec((0..200_u64, any::<bool>(), 0..200_u64), 1..40)
    ) {
        let mut steps = Vec::new();
        let (mut own, mut child, mut lives) = (0, 0, false);
        let mut found = Duration::ZERO;
        for (at, (cpu, toggles, of_child)) in course.into_iter().enumerate() {
            own += cpu;
            if lives {
                child += of_child;
            }
            if toggles && lives {
                own += child; // it ends, and its parent waits for it
                (child, lives) = (0, false);
            } else if toggles {
                lives = true;
            }
            let others: Vec<_> = lives.then(|| (11, member(HOLDER, "rustc", child))).into_iter().collect();
            steps.push(sample(at as u64 * 2, own, &others));
        }
        for pair in steps.windows(2) {
            found += Effort::between(&pair[0], &pair[1]).total_cpu();
        }
        prop_assert!(found <= Duration::from_millis(own + child));
    }

    #[test]
    fn it_stays_small(count in 1..400_u64) {
        let mut window = window();
        for step in 0..count {
            window.push(sample(step * 2, step * 1000, &[]));
        }
        prop_assert!(window.steps.len() <= 6);
    }
}
