//! Whose ticket comes first.

use proptest::prelude::*;

use super::folders::BuildFolder;
use super::ticket::Ticket;
use super::*;

fn process(pid: u32) -> ProcessId {
    ProcessId { pid, start: 1 }
}

fn needs() -> Needs {
    Needs {
        is_cargo: true,
        cargo_home: Some("/home/.cargo".into()),
        compiles: true,
        folders: vec![
            BuildFolder::Profile("/w/target/debug".into()),
            BuildFolder::Whole("/w/all".into()),
        ],
        is_sure: true,
    }
}

fn entry(arrival: u64, phase: Phase, folder: &str) -> Entry {
    Entry {
        ticket: Ticket {
            arrival,
            process: process(u32::try_from(arrival).expect("is small")),
            phase,
        },
        folders: vec![BuildFolder::Profile(folder.into())],
    }
}

#[test]
fn whose_ticket_is_in_front() {
    let own = entry(5, Phase::Waiting, "/w/target/debug");
    let (debug, release) = ("/w/target/debug", "/w/target/release");
    for (other, with_own, without) in [
        (entry(4, Phase::Waiting, debug), true, true),
        (entry(6, Phase::Waiting, debug), false, true),
        (entry(4, Phase::Started(9), debug), true, true),
        // It went first while this one was stopped.
        (entry(6, Phase::Started(9), debug), true, true),
        (entry(4, Phase::Waiting, release), false, false),
    ] {
        assert_eq!(is_in_front(&other, Some(&own), &needs()), with_own, "{other:?}");
        assert_eq!(is_in_front(&other, None, &needs()), without, "{other:?}");
    }
}

proptest! {
    /// Of any crowd of waiting tickets exactly one has nobody in front among those that share its folder: the first that came.
    #[test]
    fn the_queue_has_one_head_for_each_folder(arrivals in prop::collection::btree_set(1u64..1000, 1..40), picks in prop::collection::vec(0usize..3, 40)) {
        let folders = ["/a", "/b", "/c"];
        let entries: Vec<Entry> = arrivals.iter().zip(&picks).map(|(at, pick)| entry(*at, Phase::Waiting, folders[*pick])).collect();
        for folder in folders {
            let mine: Vec<&Entry> = entries.iter().filter(|entry| entry.folders[0].path() == Path::new(folder)).collect();
            let heads: Vec<u64> = mine.iter().filter(|own| {
                let needs = Needs { folders: own.folders.clone(), ..needs() };
                !entries.iter().any(|other| other != **own && is_in_front(other, Some(own), &needs))
            }).map(|own| own.ticket.arrival).collect();
            let first: Vec<u64> = mine.iter().map(|entry| entry.ticket.arrival).take(1).collect();
            prop_assert_eq!(heads, first);
        }
    }
}
