//! Files that are damaged, of another version or gone, folders that are none, disks that are full.

use super::*;
use crate::history::pending::LIMIT;

type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

/// A history with some pages, closed.
fn filled(desk: &Desk) {
    let mut recorder = desk.open(0);
    for pid in 0..200 {
        let one = hold(&cache(), &build(pid), 0, false);
        recorder.record(&[Change::Freed(one, HoldEnd::Released)], &moment(1_000));
    }
}

fn free(recorder: &mut Recorder, pid: u32, at: u64) {
    let one = hold(&cache(), &build(pid), at - 100, false);
    recorder.record(&[Change::Freed(one, HoldEnd::Released)], &moment(at));
}

fn problem(recorder: &Recorder) -> String {
    recorder.problem().expect("has one")
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    let foreign = |content: &mut Vec<u8>| {
        let file = tempfile::NamedTempFile::new().expect("makes a file");
        let other = Connection::open(file.path()).expect("opens");
        other.execute_batch("CREATE TABLE t (a)").expect("is SQL");
        other.close().expect("closes");
        *content = std::fs::read(file.path()).expect("reads");
    };
    let damages: [(&str, Damage<'_>); 7] = [
        ("random bytes", &|content| {
            let mut seed = 1_u32;
            content.fill_with(|| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            });
        }),
        ("no header", &|content| content[..100].fill(0)),
        ("cut off in a page", &|content| content.truncate(5_000)),
        ("cut off in the header", &|content| content.truncate(50)),
        ("a text", &|content| *content = b"not a database\n".repeat(500)),
        ("a page of zeros", &|content| content[8_192..12_288].fill(0)),
        ("another program's", &foreign),
    ];
    for (name, damage) in damages {
        let desk = Desk::new();
        filled(&desk);
        let mut content = std::fs::read(desk.path()).expect("reads");
        damage(&mut content);
        std::fs::write(desk.path(), &content).expect("writes");

        let mut recorder = desk.open(2_000);
        let said = problem(&recorder);
        assert!(
            said.contains("history.damaged-20261122T200002Z.db, and a new one was begun"),
            "{name}: {said}"
        );
        free(&mut recorder, 1, 3_000);
        assert_eq!(desk.rows(HOLDS), ["1 100 0 released"], "{name}");
        let aside = desk.path().with_file_name("history.damaged-20261122T200002Z.db");
        assert!(std::fs::read(aside).expect("is there") == content, "{name}");
        // It is said for a day.
        recorder.checkpoint([].into_iter(), [].into_iter(), &moment(25 * 3_600_000));
        assert_eq!(recorder.problem(), None, "{name}");
    }
}

#[test]
fn a_file_that_is_damaged_while_it_is_written_is_set_aside_too_and_loses_nothing_more() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let lasting = hold(&cache(), &check(1), 0, true);
    recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(60_000));
    recorder.remember_place(Path::new("/srv/target"), &moment(60_000));
    let File::Open(connection, _) = &recorder.file else {
        panic!("is open: {:?}", recorder.problem());
    };
    // SQLite's own back door for making a damaged database.
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_master SET rootpage = 999 WHERE name IN ('holds', 'holds_key', 'holds_end');
             PRAGMA writable_schema = RESET;",
        )
        .expect("is SQL");
    free(&mut recorder, 2, 61_000);
    let said = problem(&recorder);
    assert!(said.contains("was set aside as"), "{said}");
    assert_eq!(desk.rows(HOLDS), ["2 100 0 released"]);
    // What lasts gets its row in the new file, and the places are known there too.
    recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(62_000));
    assert_eq!(desk.rows(HOLDS), ["1 62000 1 -", "2 100 0 released"]);
    drop(recorder);
    assert_eq!(desk.open(63_000).places(), [PathBuf::from("/srv/target")]);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let desk = Desk::new();
    filled(&desk);
    let connection = Connection::open(desk.path()).expect("opens");
    connection.pragma_update(None, "user_version", 99).expect("is SQL");
    connection.close().expect("closes");
    let content = std::fs::read(desk.path()).expect("reads");

    let mut recorder = desk.open(2_000);
    let lasting = hold(&cache(), &check(1), 0, true);
    recorder.record(&[Change::Took(lasting.clone())], &moment(2_000));
    free(&mut recorder, 7, 3_000);
    recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(60_000));
    recorder.remember_place(Path::new("/srv"), &moment(60_000));
    recorder.prune(&moment(60_000));
    assert_eq!(recorder.places(), [PathBuf::from("/srv")]);
    let said = problem(&recorder);
    assert!(
        said.contains("newer lockwatch (form 99, this one knows 2) and is left alone"),
        "{said}"
    );
    assert!(recorder.pending.holds.is_empty() && recorder.current.is_empty());
    drop(recorder);
    assert!(std::fs::read(desk.path()).expect("reads") == content);
}

#[test]
fn a_folder_that_cannot_be_made_is_waited_for() {
    let desk = Desk::new();
    let in_the_way = desk.folder.path().join("state");
    std::fs::write(&in_the_way, "a file").expect("writes");
    let mut recorder = desk.open(0);
    free(&mut recorder, 1, 1_000);
    let said = problem(&recorder);
    assert!(
        said.contains("cannot be written (") && said.ends_with("kept in memory until it can"),
        "{said}"
    );
    std::fs::remove_file(&in_the_way).expect("removes");
    free(&mut recorder, 2, 2_000);
    assert!(recorder.problem().is_some(), "it is not tried with every look");
    free(&mut recorder, 3, 10_000);
    assert_eq!(desk.rows(HOLDS).len(), 3);
    assert_eq!(recorder.problem(), None);
}

#[test]
fn what_was_left_open_in_a_file_that_could_not_be_opened_at_first_ends_there() {
    let desk = Desk::new();
    let left = hold(&cache(), &check(1), 0, true);
    let waited = wait(&cache(), &build(2), &[(10, Some(&left))]);
    let mut recorder = desk.open(0);
    recorder.checkpoint([&left].into_iter(), [&waited].into_iter(), &moment(60_000));
    recorder.remember_place(Path::new("/srv/target"), &moment(60_000));
    drop(recorder);
    let (file, away) = (desk.path(), desk.path().with_extension("away"));
    std::fs::rename(&file, &away).expect("moves");
    std::fs::create_dir(&file).expect("is in the way");

    let mut recorder = desk.open(70_000);
    assert_eq!(recorder.left_open(), []);
    recorder.remember_place(Path::new("/srv/other"), &moment(70_000));
    std::fs::remove_dir(&file).expect("removes");
    std::fs::rename(&away, &file).expect("moves");
    free(&mut recorder, 3, 80_000);
    assert_eq!(desk.rows(HOLDS), ["1 60000 1 unseen", "3 100 0 released"]);
    assert_eq!(desk.rows(WAITS), ["2 59990 unseen 1"]);
    assert_eq!(recorder.places().len(), 2);
    assert_eq!(recorder.left_open(), []);
}

#[test]
fn a_folder_in_the_place_of_the_file_keeps_its_mode() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path()).expect("makes it");
    let before = mode(&desk.path());
    let recorder = desk.open(0);
    assert!(problem(&recorder).contains("cannot be written"));
    assert_eq!(mode(&desk.path()), before);
}

fn pages(recorder: &Recorder, more: Option<i64>) {
    let (File::Open(connection, _)
    | File::Unavailable {
        open: Some((connection, _)),
        ..
    }) = &recorder.file
    else {
        panic!("is open: {:?}", recorder.problem());
    };
    let now: i64 = connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .expect("is SQL");
    let limit = more.map_or(1 << 30, |more| now + more);
    connection
        .pragma_update_and_check(None, "max_page_count", limit, |_| Ok(()))
        .expect("is SQL");
}

#[test]
fn a_full_disk_loses_nothing_that_ended() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let lasting = hold(&cache(), &check(9_999), 0, true);
    recorder.record(&[Change::Took(lasting.clone())], &moment(0));
    pages(&recorder, Some(2));
    let mut said = Vec::new();
    for number in 1..=3_000_u32 {
        free(&mut recorder, number, 1_000 + 20 * u64::from(number));
        said.extend(recorder.problem());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "it says one thing all the time: {said:?}");
    assert!(
        said[0].contains("(no room on the disk); what ends meanwhile is kept in memory until it can"),
        "{said:?}"
    );
    let written = desk.rows(HOLDS).len();
    assert!(written > 0 && written < 2_000, "{written}");
    for minute in 2..10 {
        recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(60_000 * minute));
    }
    assert_eq!(
        recorder.pending.holds.len() + written,
        3_001,
        "what lasts takes one place"
    );
    pages(&recorder, None);
    recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(600_000));
    assert_eq!(recorder.problem(), None);
    assert_eq!(
        desk.rows("SELECT count(*), count(DISTINCT pid), count(end_ms) FROM holds"),
        ["3001 3001 3000"]
    );
}

#[test]
fn more_than_memory_keeps_is_counted_as_lost() {
    let desk = Desk::new();
    let in_the_way = desk.folder.path().join("state");
    std::fs::write(&in_the_way, "a file").expect("writes");
    let mut recorder = desk.open(0);
    let ended = |number: usize| {
        let begin = number as u64;
        Change::Freed(
            hold(&cache(), &build(u32::try_from(number).expect("small")), begin, true),
            HoldEnd::Released,
        )
    };
    let changes: Vec<Change> = (0..LIMIT + 500).map(ended).collect();
    recorder.record(&changes, &moment(100_000));
    assert!(problem(&recorder).ends_with("kept in memory, and the oldest of it is lost"));
    std::fs::remove_file(&in_the_way).expect("removes");
    recorder.checkpoint([].into_iter(), [].into_iter(), &moment(200_000));
    assert_eq!(
        problem(&recorder),
        "500 entries of the history were lost while it could not be written"
    );
    assert_eq!(
        desk.rows("SELECT count(*), min(pid) FROM holds"),
        [format!("{LIMIT} 500")]
    );
}

#[test]
fn somebody_else_who_writes_is_waited_for() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let other = Connection::open(desk.path()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("is SQL");
    free(&mut recorder, 1, 1_000);
    assert!(problem(&recorder).contains("another program writes to it"));
    other.execute_batch("ROLLBACK").expect("is SQL");
    recorder.checkpoint([].into_iter(), [].into_iter(), &moment(60_000));
    assert_eq!(recorder.problem(), None);
    assert_eq!(desk.rows(HOLDS), ["1 100 0 released"]);
}

#[test]
fn a_file_that_was_deleted_is_begun_anew() {
    let desk = Desk::new();
    let mut recorder = desk.open(0);
    let lasting = hold(&cache(), &check(1), 0, true);
    recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(60_000));
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(aside::with_suffix(&desk.path(), suffix)).expect("removes");
    }
    recorder.checkpoint([&lasting].into_iter(), [].into_iter(), &moment(120_000));
    free(&mut recorder, 2, 121_000);
    assert_eq!(recorder.problem(), None);
    assert_eq!(desk.rows(HOLDS), ["1 120000 1 -", "2 100 0 released"]);
}
