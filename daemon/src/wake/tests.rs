use std::fs::{File, OpenOptions};

use super::*;

fn wait_for(receiver: &mut mpsc::Receiver<FileEvent>, wanted: &FileEvent) {
    while receiver.blocking_recv().expect("the watch lives") != *wanted {}
}

/// Has these watched and no others, and waits until they are.
fn set(watch: &mut FileWatch, wanted: &BTreeSet<PathBuf>) -> Refused {
    if !watch.set(wanted, &BTreeSet::new()) {
        return Refused::default();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(watch.done()).expect("lives")
}

fn open(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .expect("opens")
}

#[test]
fn system_events_and_what_they_mean() {
    use notify::event::{DataChange, Flag, MetadataKind, RemoveKind, RenameMode};
    let lock = Path::new("/home/me/.cargo/.package-cache");
    let other = Path::new("/home/me/.cargo/registry/cache/x/serde-1.0.0.crate");
    let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
    let closed = |mode| EventKind::Access(AccessKind::Close(mode));
    let changed = |path: &Path| vec![FileEvent::Changed(path.parent().expect("has one").to_owned())];
    let went = |path: &Path| [changed(path), vec![FileEvent::Gone(path.to_owned())]].concat();
    for (kind, path, meant) in [
        (opened, lock, vec![FileEvent::Opened(lock.to_owned())]),
        (opened, other, vec![]),
        (
            closed(AccessMode::Write),
            lock,
            vec![FileEvent::Closed(lock.to_owned())],
        ),
        (closed(AccessMode::Read), lock, vec![]),
        (
            EventKind::Create(CreateKind::File),
            lock,
            vec![FileEvent::Opened(lock.to_owned())],
        ),
        (EventKind::Create(CreateKind::File), other, changed(other)),
        (EventKind::Remove(RemoveKind::File), lock, changed(lock)),
        (EventKind::Remove(RemoveKind::Folder), other, went(other)),
        (
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
            other,
            went(other),
        ),
        (EventKind::Modify(ModifyKind::Data(DataChange::Any)), other, vec![]),
        (
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
            other,
            vec![],
        ),
    ] {
        let event = notify::Event::new(kind).add_path(path.to_owned());
        assert_eq!(meanings(&event), meant, "{kind:?} of {}", path.display());
    }
    let overflow = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
    assert_eq!(meanings(&overflow), [FileEvent::Lost]);
}

#[test]
fn opening_and_closing_is_told() {
    let place = tempfile::tempdir().expect("makes a folder");
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    let wanted = BTreeSet::from([place.path().to_owned()]);
    let refused = set(&mut watch, &wanted);
    assert!(refused.folders.is_empty() && refused.has_new);
    assert!(!set(&mut watch, &wanted).has_new, "and what is watched stays so");
    let lock = place.path().join(".package-cache");
    let file = open(&lock);
    wait_for(&mut events, &FileEvent::Opened(lock.clone()));
    drop(file);
    wait_for(&mut events, &FileEvent::Closed(lock));
}

#[test]
fn a_folder_with_two_names_is_watched_once_until_both_go() {
    let place = tempfile::tempdir().expect("makes a folder");
    let place = place.path().canonicalize().expect("is there");
    let (real, link) = (place.join("real"), place.join("link"));
    std::fs::create_dir(&real).expect("makes it");
    std::os::unix::fs::symlink(&real, &link).expect("links");
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    set(&mut watch, &BTreeSet::from([real.clone(), link.clone()]));
    set(&mut watch, &BTreeSet::from([link]));
    let lock = real.join(".package-cache");
    drop(open(&lock));
    wait_for(&mut events, &FileEvent::Closed(lock));
}

/// As `cargo clean` and the next build do it. The new folder may have the number of the old one.
#[test]
fn a_folder_that_was_made_again_is_watched_again() {
    let place = tempfile::tempdir().expect("makes a folder");
    let place = place.path().canonicalize().expect("is there");
    let folder = place.join("target/debug");
    let wanted = BTreeSet::from([folder.clone()]);
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    let lock = folder.join(".cargo-lock");
    assert!(set(&mut watch, &wanted).has_new);
    assert!(watch.stands_in(&place), "until it is made");
    for round in 0..5 {
        std::fs::create_dir_all(&folder).expect("makes it");
        wait_for(&mut events, &FileEvent::Changed(place.clone()));
        assert!(set(&mut watch, &wanted).has_new, "round {round}");
        assert!(!watch.stands_in(&place));
        drop(open(&lock));
        wait_for(&mut events, &FileEvent::Closed(lock.clone()));
        if round % 2 == 0 {
            std::fs::remove_dir_all(place.join("target")).expect("removes");
            wait_for(&mut events, &FileEvent::Gone(folder.clone()));
        } else {
            // Another one takes its name without its going being told first.
            std::fs::rename(place.join("target"), place.join(format!("old-{round}"))).expect("renames");
        }
        watch.forget(&folder);
        set(&mut watch, &wanted);
        assert!(watch.stands_in(&place));
    }
}

#[test]
fn a_folder_that_took_anothers_name_is_told_apart_without_an_event() {
    let place = tempfile::tempdir().expect("makes a folder");
    let place = place.path().canonicalize().expect("is there");
    let folder = place.join("debug");
    let wanted = BTreeSet::from([folder.clone()]);
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    for _ in 0..5 {
        std::fs::create_dir(&folder).expect("makes it");
        assert!(set(&mut watch, &wanted).has_new);
        let lock = folder.join(".cargo-lock");
        drop(open(&lock));
        wait_for(&mut events, &FileEvent::Closed(lock));
        std::fs::remove_dir_all(&folder).expect("removes");
    }
}

#[test]
fn a_storm_is_told_once_and_then_dropped() {
    let place = tempfile::tempdir().expect("makes a folder");
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    set(&mut watch, &BTreeSet::from([place.path().to_owned()]));
    let lock = place.path().join(".package-cache");
    let storm = FileEvent::Storm(place.path().to_owned());
    loop {
        drop(open(&lock));
        if std::iter::from_fn(|| events.try_recv().ok()).any(|event| event == storm) {
            return;
        }
    }
}
