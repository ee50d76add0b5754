use super::{Measured, failure};
use crate::os::macos::layout::{FWASLOCKED, FWRITE, S_IFREG};
use crate::os::macos::tables::{Held, Vnode};
use crate::os::{FileId, Mode};

fn as_expected() -> Measured {
    let file = FileId { dev: 1, ino: 2 };
    let before = Vnode {
        file,
        open_flags: FWRITE | 1,
        status: 0,
        mode: S_IFREG | 0o600,
        links: 0,
    };
    let locked = Vnode {
        open_flags: before.open_flags | FWASLOCKED,
        ..before
    };
    Measured {
        unique_id_size: 56,
        unique_id: 900,
        parent_unique_id: 3,
        told: (42, 7, 501),
        known: (42, 7, 501),
        file,
        vnodes: [before, locked, locked],
        beside: Vnode {
            open_flags: 0x8001,
            ..before
        },
        held: [Held::Free, Held::Flock(Mode::Exclusive), Held::Free],
        release_noted: true,
    }
}

#[test]
fn a_kernel_as_expected() {
    assert_eq!(failure(&as_expected()), None);
}

#[test]
fn each_thing_that_is_different_is_found() {
    type Change = fn(&mut Measured);
    let changes: &[(Change, &str)] = &[
        (|m| m.unique_id_size = 48, "size"),
        (|m| m.unique_id = 0, "makes no sense"),
        (|m| m.parent_unique_id = 901, "makes no sense"),
        (|m| m.told.0 = 1, "laid out"),
        (|m| m.told.2 = 0, "laid out"),
        (|m| m.file.ino = 3, "another file"),
        (|m| m.beside.file.dev = 3, "another file"),
        (|m| m.vnodes[0].mode = 0, "open flags"),
        (|m| m.beside.open_flags = 1, "open flags"),
        (|m| m.vnodes[0].open_flags |= FWASLOCKED, "without a lock"),
        (|m| m.vnodes[1].open_flags &= !FWASLOCKED, "not set by a lock"),
        (|m| m.beside.open_flags |= FWASLOCKED, "locked nothing"),
        (|m| m.vnodes[2].links = 1, "deleted"),
        (|m| m.held[0] = Held::Flock(Mode::Shared), "F_GETLK"),
        (|m| m.held[1] = Held::Free, "F_GETLK"),
        (|m| m.held[1] = Held::Posix(Mode::Exclusive, 42), "F_GETLK"),
        (|m| m.held[2] = Held::Flock(Mode::Exclusive), "F_GETLK"),
        (|m| m.release_noted = false, "release"),
    ];
    for (number, (change, part)) in changes.iter().enumerate() {
        let mut measured = as_expected();
        change(&mut measured);
        let found = failure(&measured).unwrap_or_default();
        assert!(found.contains(part), "{number}: {found} has no {part}");
    }
}
