use std::fs::{File, OpenOptions};

use super::*;

fn wait_for(receiver: &mut mpsc::Receiver<FileEvent>, wanted: &FileEvent) {
    while receiver.blocking_recv().expect("the watch lives") != *wanted {}
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
        (
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            other,
            changed(other),
        ),
        (
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            other,
            changed(other),
        ),
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
    let wanted = BTreeSet::from([place.path().to_owned(), place.path().join("none")]);
    assert!(watch.set(&wanted).is_empty());
    assert!(watch.is_watched(place.path()) && !watch.is_watched(&place.path().join("none")));
    watch.set(&wanted); // nothing is new, and what is watched stays so
    let lock = place.path().join(".package-cache");
    let file = open(&lock);
    wait_for(&mut events, &FileEvent::Opened(lock.clone()));
    drop(file);
    wait_for(&mut events, &FileEvent::Closed(lock));
}

#[test]
fn a_folder_that_was_made_again_is_watched_again() {
    let place = tempfile::tempdir().expect("makes a folder");
    let folder = place.path().join("cargo");
    let wanted = BTreeSet::from([folder.clone()]);
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    let lock = folder.join(".package-cache");
    for _ in 0..3 {
        std::fs::create_dir(&folder).expect("makes it");
        watch.set(&wanted);
        drop(open(&lock));
        wait_for(&mut events, &FileEvent::Closed(lock.clone()));
        // Under another name it stays watched by the system, which is of no use.
        std::fs::rename(&folder, place.path().join("old")).expect("renames");
        std::fs::create_dir(&folder).expect("makes another");
        watch.set(&wanted);
        drop(open(&lock));
        wait_for(&mut events, &FileEvent::Closed(lock.clone()));
        for name in ["old", "cargo"] {
            std::fs::remove_dir_all(place.path().join(name)).expect("removes");
        }
        watch.set(&wanted);
        assert!(!watch.is_watched(&folder));
    }
}

#[test]
fn a_storm_is_told_once_and_then_dropped() {
    let place = tempfile::tempdir().expect("makes a folder");
    let (mut watch, mut events) = FileWatch::new().expect("watches");
    watch.set(&BTreeSet::from([place.path().to_owned()]));
    let lock = place.path().join(".package-cache");
    let storm = FileEvent::Storm(place.path().to_owned());
    loop {
        drop(open(&lock));
        if std::iter::from_fn(|| events.try_recv().ok()).any(|event| event == storm) {
            return;
        }
    }
}
