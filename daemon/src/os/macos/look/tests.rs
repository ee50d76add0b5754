use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Looker;
use crate::os::Mode::{self, Exclusive, Shared};
use crate::os::macos::tables::{Held, Listed};
use crate::os::{Claim, FileId, Interest, LockTable, LookError, Note, Precision};
use crate::process::Pid;

mod world;

use world::{Made, OWN, World, look};

/// A lock file that is known, number 1.
const LOCK: &str = "/Users/me/.cargo/.cargo-lock";

/// A made system with the known lock file, held in a mode.
fn locked(how: Mode) -> Made {
    let made = Made::default();
    made.world().file(1, LOCK);
    made.world().lock(1, how);
    made
}

fn pids(claims: &[Claim]) -> Vec<Pid> {
    claims.iter().map(|claim| claim.process.pid).collect()
}

/// The holders and waiters of the one file in use.
fn parts(table: &LockTable) -> (Vec<Pid>, Vec<Pid>) {
    let [file] = table.files.as_slice() else {
        panic!("{table:?}")
    };
    (pids(&file.holders), pids(&file.waiters))
}

#[track_caller]
fn assert_exact(table: &LockTable) {
    assert_eq!(
        (table.precision, table.notes.as_slice()),
        (Precision::Exact, [].as_slice())
    );
}

#[track_caller]
fn assert_noted(table: &LockTable, note: &Note) {
    assert!(table.notes.contains(note), "{table:?}");
    assert_eq!(table.precision, Precision::Inferred, "{table:?}");
}

fn look_once(made: &Made) -> LockTable {
    look(&mut made.looker(), &[LOCK])
}

#[test]
fn a_holder() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "zsh");
    let table = look_once(&made);
    assert_exact(&table);
    let file = &table.files[0];
    assert_eq!(file.path, Path::new(LOCK));
    assert_eq!(file.file, FileId { dev: 1, ino: 1 });
    assert!(!file.deleted && !file.other_mount_namespace);
    assert_eq!(file.holders[0].mode, Some(Exclusive));
    assert_eq!((file.holders[0].process.pid, file.holders[0].process.start), (10, 100));
    assert!(file.waiters.is_empty());
    assert_eq!(made.world().paused, Duration::ZERO, "one look was enough");
}

#[test]
fn nothing_locked() {
    let made = Made::default();
    made.world().file(1, LOCK);
    made.world().program(10, "cargo").locked(1);
    let table = look(&mut made.looker(), &[LOCK, "/nowhere/.cargo-lock"]);
    assert_eq!(table.files, [], "unlocked and not closed yet");
    assert_exact(&table);
}

#[test]
fn a_waiter_is_told_by_a_second_look() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").waits(1);
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![10], vec![11]));
    assert_eq!(table.files[0].waiters[0].mode, None);
    assert_eq!(made.world().paused, Duration::from_millis(50));
}

#[test]
fn who_only_opened_the_file_does_not_wait() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").waits(1);
    made.world()
        .at_pause
        .push_back(Box::new(|world| world.get(11).files.clear()));
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![10], vec![]));
}

#[test]
fn who_came_during_the_second_look_is_told_by_the_next() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").waits(1);
    made.world().at_pause.push_back(Box::new(|world| {
        world.program(12, "cargo").waits(1);
    }));
    let mut looker = made.looker();
    assert_eq!(parts(&look(&mut looker, &[LOCK])), (vec![10], vec![11]));
    made.world().now += Duration::from_millis(50);
    made.world().paused = Duration::ZERO;
    assert_eq!(parts(&look(&mut looker, &[LOCK])), (vec![10], vec![11, 12]));
    assert_eq!(made.world().paused, Duration::ZERO, "the looks before are remembered");
}

#[test]
fn a_waiter_that_gets_the_lock_meanwhile_holds_it() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").waits(1);
    made.world().program(12, "cargo").waits(1);
    made.world()
        .at_pause
        .push_back(Box::new(|world| world.hand_over(1, 10, 11)));
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![11], vec![12]));
}

#[test]
fn nobody_waits_for_a_free_lock() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").waits(1);
    made.world().at_pause.push_back(Box::new(|world| {
        world.locks.clear();
        world.get(10).files.clear();
    }));
    let table = look_once(&made);
    assert_eq!(table.files, []);
    assert_exact(&table);
}

#[test]
fn shared_holders_and_one_who_waits_for_them() {
    let made = locked(Shared);
    made.world().program(12, "cargo").waits(1);
    made.world().program(11, "cargo").locked(1);
    made.world().program(10, "cargo").locked(1);
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![10, 11], vec![12]));
    assert!(table.files[0].holders.iter().all(|claim| claim.mode == Some(Shared)));
}

#[test]
fn an_inherited_descriptor_is_the_parents() {
    let made = locked(Exclusive);
    made.world().program(11, "cargo").child_of(10).inherited(1);
    made.world().program(10, "cargo").inherited(1);
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![10], vec![]));
}

#[test]
fn nobody_found() {
    let made = locked(Exclusive);
    made.world().program(11, "cargo").waits(1);
    let table = look_once(&made);
    assert_noted(&table, &Note::NobodyFound { path: LOCK.into() });
    assert_eq!(parts(&table), (vec![], vec![11]));
}

#[test]
fn a_lock_of_another_user() {
    let other = |name: &str| Listed {
        pid: 70,
        parent: 1,
        uid: 0,
        started: (1, 0),
        name: name.to_owned(),
    };
    let note = Note::OtherUser {
        path: LOCK.into(),
        pid: None,
    };
    let made = locked(Exclusive);
    made.world().others.push(other("launchd"));
    assert_noted(&look_once(&made), &Note::NobodyFound { path: LOCK.into() });
    made.world().others.push(other("cargo"));
    assert_noted(&look_once(&made), &note);
    made.world().others.clear();
    made.world().program(10, "cargo").is_denied = true;
    assert_noted(&look_once(&made), &note);
}

#[test]
fn a_posix_lock_has_a_name() {
    let made = locked(Exclusive);
    made.world().program(10, "flocker");
    made.world().locks.insert(1, Held::Posix(Exclusive, 10));
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![10], vec![]));

    let root = Listed {
        pid: 70,
        parent: 1,
        uid: 0,
        started: (1, 0),
        name: "flocker".to_owned(),
    };
    made.world().others.push(root);
    made.world().locks.insert(1, Held::Posix(Exclusive, 70));
    let table = look_once(&made);
    assert_eq!(parts(&table), (vec![70], vec![]));
    assert_eq!(
        table.notes,
        [Note::OtherUser {
            path: LOCK.into(),
            pid: Some(70)
        }]
    );
    assert_eq!(table.precision, Precision::Exact, "the kernel itself says it");
}

#[test]
fn two_where_one_can_be() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").locked(1);
    let table = look_once(&made);
    assert_noted(
        &table,
        &Note::Ambiguous {
            path: LOCK.into(),
            pids: vec![10, 11],
        },
    );
    assert_eq!(parts(&table), (vec![10, 11], vec![]));
}

#[test]
fn two_where_one_is_about_to_close() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").locked(1);
    made.world()
        .at_pause
        .push_back(Box::new(|world| world.get(10).files.clear()));
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![11], vec![]));
    assert_eq!(made.world().paused, Duration::from_millis(2));
}

#[test]
fn a_change_between_the_questions_makes_another_look() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo");
    // The state is the same before and after: only the noted release tells.
    made.world()
        .at_scan
        .push_back(Box::new(|world| world.hand_over(1, 10, 11)));
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![11], vec![]));
    assert_eq!(made.world().paused, Duration::from_millis(2));
}

#[test]
fn a_lock_taken_between_the_questions() {
    let made = Made::default();
    made.world().file(1, LOCK);
    made.world().program(10, "cargo");
    made.world().at_scan.push_back(Box::new(|world| {
        world.lock(1, Exclusive);
        world.get(10).locked(1);
    }));
    let table = look_once(&made);
    assert_exact(&table);
    assert_eq!(parts(&table), (vec![10], vec![]));
}

#[test]
fn a_lock_that_never_rests_is_not_exact() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo");
    for number in 0..10 {
        let (from, to) = if number % 2 == 0 { (10, 11) } else { (11, 10) };
        made.world()
            .at_scan
            .push_back(Box::new(move |world| world.hand_over(1, from, to)));
    }
    let table = look_once(&made);
    let [Note::Ambiguous { pids, .. }] = table.notes.as_slice() else {
        panic!("{table:?}")
    };
    assert_eq!(pids, &[11], "as the last reading shows it");
    assert_eq!(table.precision, Precision::Inferred);
    assert_eq!(made.world().at_scan.len(), 5, "it is tried five times");
    assert_eq!(made.world().paused, Duration::from_millis(2 + 4 + 5 + 5));
}

#[test]
fn a_holder_of_any_name_in_an_unknown_place() {
    let made = Made::default();
    let path = "/Users/me/src/a/target/debug/.cargo-lock";
    made.world().file(1, path);
    made.world().lock(1, Shared);
    made.world().file(2, "/Users/me/mail.db");
    made.world().lock(2, Exclusive);
    made.world().program(10, "my-build-tool").locked(1);
    made.world().program(11, "another").waits(1);
    made.world().program(12, "mail").locked(2);
    let mut looker = made.looker();
    let table = look(&mut looker, &[]);
    assert_exact(&table);
    assert_eq!(table.files[0].path, Path::new(path));
    assert_eq!(parts(&table), (vec![10], vec![11]));
    assert_eq!(
        made.world().opened,
        [PathBuf::from(path)],
        "what is no lock of Cargo's is not touched"
    );

    made.world().paused = Duration::ZERO;
    assert_eq!(parts(&look(&mut looker, &[])), (vec![10], vec![11]));
    assert_eq!(made.world().paused, Duration::ZERO, "it is known now");
}

#[test]
fn a_waiter_without_a_visible_holder_in_an_unknown_place() {
    let made = Made::default();
    let path = "/opt/shared/target/.cargo-lock";
    made.world().file(1, path);
    made.world().lock(1, Exclusive);
    made.world().program(10, "cargo").waits(1);
    let table = look(&mut made.looker(), &[]);
    assert_noted(&table, &Note::NobodyFound { path: path.into() });
    assert_eq!(parts(&table), (vec![], vec![10]));
}

#[test]
fn our_own_descriptors_and_those_for_events_do_not_count() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(OWN, "lockwatch").waits(1);
    made.world().program(12, "lockwatch").watches(1);
    let table = look_once(&made);
    assert_eq!(parts(&table), (vec![10], vec![]));
    assert_eq!(made.world().paused, Duration::ZERO);
    assert!(!made.world().read.contains(&OWN));
}

#[test]
fn guarded_files_are_never_opened() {
    let path = "/Users/me/Documents/a/target/debug/.cargo-lock";
    let made = Made::default();
    made.world().file(1, path);
    made.world().lock(1, Exclusive);
    made.world().links.insert("/Users/me/src".into(), "Documents".into());
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").waits(1);
    let table = look(&mut made.looker(), &[path, "/Users/me/src/a/target/debug/.cargo-lock"]);
    assert_eq!(table.notes, [Note::PrivacyGuarded { path: path.into() }]);
    assert_eq!(table.precision, Precision::Inferred);
    assert_eq!(parts(&table), (vec![10], vec![11]));
    assert_eq!(table.files[0].holders[0].mode, None);
    let world = made.world();
    assert_eq!(world.opened, [] as [PathBuf; 0]);
    assert!(
        !world
            .links_read
            .iter()
            .any(|path| path.starts_with("/Users/me/Documents")),
        "{:?}",
        world.links_read
    );
}

#[test]
fn whoever_was_read_before_the_file_was_found_is_read_again() {
    let made = Made::default();
    made.world().file(1, "/Users/me/Documents/.cargo-lock");
    made.world().program(9, "tool").waits(1);
    made.world().program(10, "tool").locked(1);
    let table = look(&mut made.looker(), &[]);
    assert_eq!(parts(&table), (vec![10], vec![9]));
}

#[test]
fn a_guarded_file_that_somebody_waits_for() {
    let path = "/Users/me/Documents/.cargo-lock";
    let made = Made::default();
    made.world().file(1, path);
    made.world().program(11, "cargo").waits(1);
    let table = look(&mut made.looker(), &[]);
    assert_noted(&table, &Note::PrivacyGuarded { path: path.into() });
    assert_noted(&table, &Note::NobodyFound { path: path.into() });
    assert_eq!(parts(&table), (vec![], vec![11]));
    made.world()
        .at_pause
        .push_back(Box::new(|world| world.get(11).files.clear()));
    assert_eq!(look(&mut made.looker(), &[]).files, [], "it only opened it");
}

#[test]
fn a_deleted_file() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().files.get_mut(&1).unwrap().1 = 0;
    let mut looker = made.looker();
    let table = look(&mut looker, &[LOCK]);
    assert!(table.files[0].deleted);
    assert_eq!(parts(&table), (vec![10], vec![]));
    let [Note::Unreadable { path, error }] = table.notes.as_slice() else {
        panic!("{table:?}")
    };
    assert_eq!(path, Path::new(LOCK));
    assert!(error.contains("deleted"), "{error}");
    assert_eq!(table.precision, Precision::Inferred);

    // A kernel that has no path for it any more: the name of the look before counts.
    made.world().files.get_mut(&1).unwrap().0 = PathBuf::new();
    let table = look(&mut looker, &[LOCK]);
    assert_eq!(table.files[0].path, Path::new(LOCK));
    assert!(table.files[0].deleted);
}

#[test]
fn a_deleted_file_and_its_successor_are_two() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().files.get_mut(&1).unwrap().1 = 0;
    made.world().file(2, LOCK);
    made.world().lock(2, Exclusive);
    made.world().program(11, "cargo").locked(2);
    let table = look_once(&made);
    let found: Vec<_> = table
        .files
        .iter()
        .map(|file| (file.file.ino, file.deleted, pids(&file.holders)))
        .collect();
    assert_eq!(found, [(1, true, vec![10]), (2, false, vec![11])]);
}

#[test]
fn a_file_of_another_name_now() {
    let made = Made::default();
    made.world().file(1, LOCK);
    made.world().file(2, LOCK);
    made.world().lock(2, Exclusive);
    made.world().program(10, "cargo").locked(2);
    let table = look(&mut made.looker(), &[]);
    assert_eq!(parts(&table), (vec![10], vec![]));
    assert_eq!(table.precision, Precision::Inferred);
}

#[test]
fn a_known_path_through_a_link() {
    let made = locked(Exclusive);
    made.world().links.insert("/home".into(), "/Users".into());
    made.world().program(10, "cargo").locked(1);
    let table = look(&mut made.looker(), &["/home/me/.cargo/.cargo-lock", LOCK]);
    assert_exact(&table);
    assert_eq!(
        table.files[0].path,
        Path::new(LOCK),
        "as the holder's descriptor shows it"
    );
}

#[test]
fn a_file_that_cannot_be_opened() {
    let made = locked(Exclusive);
    made.world().unreadable.insert(LOCK.into());
    made.world().program(10, "cargo").locked(1);
    let table = look_once(&made);
    let [Note::Unreadable { path, .. }] = table.notes.as_slice() else {
        panic!("{table:?}")
    };
    assert_eq!(path, Path::new(LOCK));
    assert_eq!(parts(&table), (vec![10], vec![]));
    assert_eq!(table.files[0].holders[0].mode, None, "the kernel was not asked");
}

#[test]
fn processes_end_while_they_are_read() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "cargo").locked(1);
    let mut looker = made.looker();
    // Between the question about the lock and the reading of the file tables.
    made.world().at_scan.push_back(Box::new(|world: &mut World| {
        world.programs.retain(|one| one.listed.pid != 11);
    }));
    assert_eq!(parts(&look(&mut looker, &[LOCK])), (vec![10], vec![]));
}

#[test]
fn a_number_that_goes_to_another_process_while_it_is_read() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1).is_replaced = true;
    assert_noted(&look_once(&made), &Note::NobodyFound { path: LOCK.into() });
}

#[test]
fn only_locked_files_stay_open_and_not_for_longer_than_a_look() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    let free: Vec<String> = (2..50)
        .map(|number| format!("/Users/me/{number}/.cargo-lock"))
        .collect();
    for (number, path) in (2..).zip(&free) {
        made.world().file(number, path);
    }
    let known: Vec<&str> = free.iter().map(String::as_str).chain([LOCK]).collect();
    assert_eq!(parts(&look(&mut made.looker(), &known)), (vec![10], vec![]));
    let world = made.world();
    assert_eq!((world.opened.len(), world.most_asked, world.asked), (49, 1, 0));
}

#[test]
fn without_a_list_of_processes_there_is_no_look() {
    let made = locked(Exclusive);
    made.world().cannot_list = true;
    let interest = Interest {
        is_lock: &|_| false,
        known: &[],
    };
    let failed = made.looker().locks(&interest);
    assert!(matches!(failed, Err(LookError::Processes(_))), "{failed:?}");
}

/// Gives the hanging thread time to notice that its server answers again.
fn let_go(made: &Made, looker: &mut Looker<Made>) -> LockTable {
    made.world().hanging.clear();
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        made.world().now += Duration::from_secs(2);
        let table = look(looker, &[LOCK]);
        if table.notes.is_empty() || Instant::now() > end {
            return table;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_that_does_not_answer_costs_no_more_than_the_limit() {
    let made = locked(Exclusive);
    // Listed first, but Cargo's processes are read first.
    made.world().program(5, "backup").waits(1);
    made.world().program(10, "cargo").locked(1);
    made.world().hanging.insert(5);
    let mut looker = made.looker_within(Duration::from_millis(600));
    let note = Note::ScanTimedOut { limit_ms: 600 };
    let table = look(&mut looker, &[LOCK]);
    assert_noted(&table, &note);
    assert_eq!(parts(&table), (vec![10], vec![]));

    // The next look leaves that process out, and is complete but for it.
    made.world().read.clear();
    made.world().now += Duration::from_secs(10);
    let begin = Instant::now();
    assert_noted(&look(&mut looker, &[LOCK]), &note);
    assert!(begin.elapsed() < Duration::from_millis(600), "it did not wait again");
    assert_eq!(made.world().read, [10]);

    let table = let_go(&made, &mut looker);
    assert_exact(&table);
    assert_eq!(parts(&table).0, [10]);
}

#[test]
fn what_took_too_long_is_not_tried_again_in_the_same_look() {
    let made = locked(Exclusive);
    made.world().program(4, "browser");
    made.world().program(5, "backup").waits(1);
    made.world().hanging.insert(5);
    let table = look(&mut made.looker_within(Duration::from_millis(100)), &[LOCK]);
    assert_noted(&table, &Note::ScanTimedOut { limit_ms: 100 });
    assert_noted(&table, &Note::NobodyFound { path: LOCK.into() });
    let mut world = made.world();
    assert_eq!(world.read, [4, 5]);
    world.hanging.clear();
}

#[test]
fn only_so_many_threads_hang() {
    let made = locked(Exclusive);
    let mut looker = made.looker_within(Duration::from_millis(40));
    for pid in 1..=6 {
        made.world().program(pid, "backup").waits(1);
        made.world().hanging.insert(pid);
    }
    for _ in 0..6 {
        made.world().now += Duration::from_secs(10);
        assert_noted(&look(&mut looker, &[LOCK]), &Note::ScanTimedOut { limit_ms: 40 });
    }
    let read: std::collections::BTreeSet<Pid> = made.world().read.iter().copied().collect();
    assert_eq!(read.len(), 4, "{read:?}");
    made.world().hanging.clear();
}

#[test]
fn strangers_are_read_again_only_after_a_while() {
    let made = locked(Exclusive);
    made.world().program(10, "cargo").locked(1);
    made.world().program(11, "browser");
    let mut looker = made.looker();
    let read = |looker: &mut Looker<Made>, later: u64| {
        made.world().now += Duration::from_millis(later);
        made.world().read.clear();
        let table = look(looker, &[LOCK]);
        (parts(&table).0, made.world().read.clone())
    };
    assert_eq!(read(&mut looker, 0), (vec![10], vec![10, 11]));
    assert_eq!(read(&mut looker, 250), (vec![10], vec![10]));
    made.world().program(12, "editor");
    assert_eq!(read(&mut looker, 250), (vec![10], vec![10, 12]), "a new process");
    made.world().get(12).listed.name = "cargo-in-a-shell".to_owned();
    assert_eq!(
        read(&mut looker, 250).1,
        [10, 12],
        "another program in the same process"
    );
    assert_eq!(read(&mut looker, 2000).1, [10, 12, 11], "time for all");
    made.world().hand_over(1, 10, 11);
    let (holders, pids) = read(&mut looker, 250);
    assert_eq!(holders, [11], "nobody near holds it, so all are read");
    assert!(pids.contains(&11));
    made.world().paused = Duration::ZERO;
    let (holders, _) = read(&mut looker, 250);
    assert_eq!(
        (holders, made.world().paused),
        (vec![11], Duration::ZERO),
        "it is near now"
    );
}
