use std::collections::BTreeMap;

use super::{Candidate, Doubt, Evidence, Judgement, judge, possible_waiters};
use crate::os::Mode::{self, Exclusive, Shared};
use crate::os::macos::tables::Held;
use crate::process::{Pid, ProcessId};

fn process(pid: Pid) -> ProcessId {
    ProcessId {
        pid,
        start: u64::from(pid) * 10,
    }
}

fn locked(pid: Pid) -> Candidate {
    Candidate {
        process: process(pid),
        fd: 3,
        was_locked: true,
        is_shared: false,
    }
}

fn open(pid: Pid) -> Candidate {
    Candidate {
        was_locked: false,
        ..locked(pid)
    }
}

fn inherited(pid: Pid) -> Candidate {
    Candidate {
        is_shared: true,
        ..locked(pid)
    }
}

const EX: Option<Held> = Some(Held::Flock(Exclusive));
const SH: Option<Held> = Some(Held::Flock(Shared));

fn judge_quiet(held: Option<Held>, candidates: &[Candidate], parents: &[(Pid, Pid)]) -> Judgement {
    let parents: BTreeMap<Pid, Pid> = parents.iter().copied().collect();
    judge(&Evidence {
        before: held,
        after: held,
        released: false,
        candidates,
        posix_owner: None,
        parents: &parents,
    })
}

fn pids(judgement: &Judgement) -> Vec<Pid> {
    judgement.holders.iter().map(|claim| claim.process.pid).collect()
}

/// What the kernel says, who has it open, who is whose parent; then the holders and the doubt.
type Case = (
    &'static str,
    Option<Held>,
    Vec<Candidate>,
    Vec<(Pid, Pid)>,
    Vec<Pid>,
    Option<Doubt>,
);

#[test]
fn file_tables_and_the_kernel_together_name_the_holders() {
    let second = Candidate { fd: 4, ..inherited(1) };
    let cases: Vec<Case> = vec![
        ("one holder", EX, vec![locked(1)], vec![], vec![1], None),
        (
            "a holder and two who wait",
            EX,
            vec![open(2), locked(1), open(3)],
            vec![],
            vec![1],
            None,
        ),
        (
            "shared holders",
            SH,
            vec![locked(2), locked(1), open(3)],
            vec![],
            vec![1, 2],
            None,
        ),
        ("nobody", EX, vec![open(2)], vec![], vec![], Some(Doubt::Nobody)),
        ("nobody shared", SH, vec![], vec![], vec![], Some(Doubt::Nobody)),
        (
            "two, but one can be",
            EX,
            vec![locked(1), locked(2)],
            vec![],
            vec![1, 2],
            Some(Doubt::Ambiguous),
        ),
        (
            "inherited by a child",
            EX,
            vec![inherited(2), inherited(1)],
            vec![(2, 1)],
            vec![1],
            None,
        ),
        (
            "inherited by a grandchild",
            EX,
            vec![inherited(1), inherited(2), inherited(3)],
            vec![(2, 1), (3, 2)],
            vec![1],
            None,
        ),
        (
            "inherited by siblings",
            EX,
            vec![inherited(2), inherited(3)],
            vec![(2, 1), (3, 1)],
            vec![2, 3],
            { Some(Doubt::Ambiguous) },
        ),
        (
            "one of them not shared",
            EX,
            vec![inherited(1), locked(2)],
            vec![(2, 1)],
            vec![1, 2],
            { Some(Doubt::Ambiguous) },
        ),
        (
            "shared with one not seen",
            EX,
            vec![inherited(1)],
            vec![],
            vec![1],
            Some(Doubt::Ambiguous),
        ),
        (
            "a duplicate of its own",
            EX,
            vec![inherited(1), second],
            vec![],
            vec![1],
            None,
        ),
        (
            "parents in a circle",
            EX,
            vec![inherited(1), inherited(2)],
            vec![(2, 3), (3, 2)],
            vec![1, 2],
            { Some(Doubt::Ambiguous) },
        ),
        (
            "unlocked, not closed yet",
            Some(Held::Free),
            vec![locked(1)],
            vec![],
            vec![],
            None,
        ),
        (
            "not asked",
            None,
            vec![locked(1), open(2)],
            vec![],
            vec![1],
            Some(Doubt::Unasked),
        ),
    ];
    for (name, held, candidates, parents, holders, doubt) in cases {
        let judgement = judge_quiet(held, &candidates, &parents);
        assert_eq!(pids(&judgement), holders, "{name}");
        assert_eq!(judgement.doubt, doubt, "{name}");
        assert_eq!(judgement.free, held == Some(Held::Free), "{name}");
        let mode: Option<Mode> = held.and_then(Held::mode);
        assert!(judgement.holders.iter().all(|claim| claim.mode == mode), "{name}");
    }
}

#[test]
fn a_change_between_the_two_questions_is_a_doubt() {
    let parents = BTreeMap::new();
    let candidates = [locked(1)];
    let changed = |before, after, released| {
        let evidence = Evidence {
            before,
            after,
            released,
            candidates: &candidates,
            posix_owner: None,
            parents: &parents,
        };
        judge(&evidence).doubt
    };
    assert_eq!(changed(EX, EX, false), None);
    assert_eq!(changed(EX, EX, true), Some(Doubt::Changed), "released and taken again");
    assert_eq!(changed(SH, EX, false), Some(Doubt::Changed));
    assert_eq!(
        changed(Some(Held::Free), EX, false),
        Some(Doubt::Changed),
        "taken meanwhile"
    );
    assert_eq!(changed(None, EX, false), Some(Doubt::Changed), "not asked before");
    assert_eq!(changed(EX, Some(Held::Free), true), None, "free now, whatever was");
}

#[test]
fn the_kernel_names_the_owner_of_a_posix_lock() {
    let parents = BTreeMap::new();
    let with = |mode, posix_owner, candidates: &[Candidate]| {
        let held = Some(Held::Posix(mode, 7));
        judge(&Evidence {
            before: held,
            after: held,
            released: false,
            candidates,
            posix_owner,
            parents: &parents,
        })
    };
    let exclusive = with(Exclusive, Some(process(7)), &[locked(1)]);
    assert_eq!((pids(&exclusive), exclusive.doubt), (vec![7], None));
    let shared = with(Shared, Some(process(7)), &[locked(1)]);
    assert_eq!((pids(&shared), shared.doubt), (vec![1, 7], None));
    let gone = with(Exclusive, None, &[]);
    assert_eq!((pids(&gone), gone.doubt), (vec![], Some(Doubt::Nobody)));
}

#[test]
fn a_holder_does_not_wait_for_itself() {
    let candidates = [locked(1), Candidate { fd: 9, ..open(1) }, open(2)];
    let judgement = judge_quiet(EX, &candidates, &[]);
    let waiting: Vec<Pid> = possible_waiters(&candidates, &judgement.holders)
        .map(|candidate| candidate.process.pid)
        .collect();
    assert_eq!(waiting, [2]);
}
