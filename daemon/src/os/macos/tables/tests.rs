use std::io;
use std::path::PathBuf;

use proptest::prelude::*;

use super::{
    Held, Listed, Vnode, is_cargo_like, parse_descriptors, parse_processes, parse_sockets, parse_vnode,
    parse_vnode_path, read_whole,
};
use crate::os::macos::layout::{self, fd_info, kinfo_proc, vnode_fd_info, vnode_fd_info_with_path};
use crate::os::{FileId, Mode};

fn kinfo(pid: i32, parent: i32, status: u32, name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; kinfo_proc::SIZE];
    kinfo_proc::START_SECONDS.write(&mut bytes, 1_700_000_000);
    kinfo_proc::START_MICROSECONDS.write(&mut bytes, 5);
    kinfo_proc::STATUS.write(&mut bytes, u8::try_from(status).unwrap());
    kinfo_proc::PID.write(&mut bytes, pid);
    kinfo_proc::PARENT.write(&mut bytes, parent);
    kinfo_proc::UID.write(&mut bytes, 501);
    kinfo_proc::NAME.write_text(&mut bytes, name);
    bytes
}

#[test]
fn a_list_of_processes() {
    let mut bytes = kinfo(7, 1, 2, b"cargo");
    bytes.extend(kinfo(8, 7, layout::SZOMB, b"ended"));
    bytes.extend(kinfo(9, -1, 4, b"sixteen letters."));
    bytes.extend([0; 100]);
    let listed = |pid, parent, name: &str| Listed {
        pid,
        parent,
        uid: 501,
        started: (1_700_000_000, 5),
        name: name.to_owned(),
    };
    let expected = [listed(7, 1, "cargo"), listed(9, 0, "sixteen letters.")];
    assert_eq!(parse_processes(&bytes), expected);
}

#[test]
fn a_list_of_descriptors() {
    let one = |fd, kind| {
        let mut bytes = vec![0; fd_info::SIZE];
        fd_info::FD.write(&mut bytes, fd);
        fd_info::TYPE.write(&mut bytes, kind);
        bytes
    };
    let bytes = [one(0, 1), one(4, 2), one(5, 1), vec![0; 3]].concat();
    assert_eq!(parse_descriptors(&bytes), [0, 5]);
    assert_eq!(parse_sockets(&bytes), [4]);
}

#[test]
fn an_open_file() {
    let mut bytes = vec![0; vnode_fd_info_with_path::SIZE];
    vnode_fd_info::OPEN_FLAGS.write(&mut bytes, layout::FWASLOCKED | layout::FWRITE | 1);
    vnode_fd_info::STATUS.write(&mut bytes, layout::PROC_FP_SHARED);
    vnode_fd_info::DEV.write(&mut bytes, u32::MAX);
    vnode_fd_info::MODE.write(&mut bytes, layout::S_IFREG | 0o644);
    vnode_fd_info::LINKS.write(&mut bytes, 1);
    vnode_fd_info::INO.write(&mut bytes, 42);
    vnode_fd_info_with_path::PATH.write_text(&mut bytes, b"/a/.cargo-lock");
    let (vnode, path) = parse_vnode_path(&bytes).unwrap();
    assert_eq!(path, PathBuf::from("/a/.cargo-lock"));
    assert_eq!(
        vnode.file,
        FileId {
            dev: 0xffff_ffff,
            ino: 42
        }
    );
    assert!(vnode.was_locked() && vnode.is_shared() && vnode.is_writable() && vnode.is_regular());
    assert!(!vnode.is_for_events());
    assert_eq!(vnode.links, 1);
    assert_eq!(parse_vnode(&bytes[..vnode_fd_info::SIZE]), Some(vnode));
    let ours = Vnode {
        open_flags: 0x8001,
        status: 2,
        mode: 0o020_644,
        ..vnode
    };
    assert!(ours.is_for_events());
    assert!(!ours.was_locked() && !ours.is_shared() && !ours.is_writable() && !ours.is_regular());
}

#[test]
fn the_answers_to_getlk() {
    let cases = [
        (layout::F_UNLCK, 0, Some(Held::Free)),
        (layout::F_UNLCK, -1, Some(Held::Free)),
        (layout::F_WRLCK, -1, Some(Held::Flock(Mode::Exclusive))),
        (layout::F_RDLCK, -1, Some(Held::Flock(Mode::Shared))),
        (layout::F_WRLCK, 42, Some(Held::Posix(Mode::Exclusive, 42))),
        (layout::F_RDLCK, 42, Some(Held::Posix(Mode::Shared, 42))),
        (layout::F_WRLCK, 0, None),
        (9, -1, None),
    ];
    for (kind, pid, held) in cases {
        assert_eq!(Held::from_answer(kind, pid), held, "{kind} {pid}");
    }
}

#[test]
fn names_like_cargos() {
    for name in [
        "cargo",
        "cargo-clippy",
        "rustc",
        "rustdoc",
        "clippy-driver",
        "rust-analyzer",
        "rust-analyzer-pr",
    ] {
        assert!(is_cargo_like(name), "{name}");
    }
    for name in ["rustc2", "rustup", "zsh", "xcargo", ""] {
        assert!(!is_cargo_like(name), "{name}");
    }
}

/// A list that is cut without a word where the buffer is too small.
fn silent(list: &[u8]) -> impl FnMut(&mut [u8]) -> io::Result<usize> {
    |buffer| {
        let size = list.len().min(buffer.len());
        buffer[..size].copy_from_slice(&list[..size]);
        Ok(size)
    }
}

#[test]
fn a_list_that_grows_or_fails() {
    let mut room = 4;
    let grown = read_whole(4, |buffer| {
        assert!(buffer.len() >= room);
        room = buffer.len();
        buffer.fill(1);
        Ok(if buffer.len() < 16 { buffer.len() } else { 11 })
    });
    assert_eq!(grown.unwrap(), vec![1; 11]);
    let failed = read_whole(4, |_| Err(io::Error::from_raw_os_error(3)));
    assert_eq!(failed.unwrap_err().raw_os_error(), Some(3));
    assert_eq!(read_whole(0, silent(&[])).unwrap(), Vec::<u8>::new());
    assert_eq!(
        read_whole(4, |_| Ok(usize::MAX)).unwrap().len(),
        64 << 20,
        "a count beyond the buffer ends too"
    );
}

proptest! {
    #[test]
    fn a_list_of_any_length_is_read_whole(list in proptest::collection::vec(any::<u8>(), 0..300), guess in 0_usize..64) {
        prop_assert_eq!(read_whole(guess, silent(&list)).unwrap(), list);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(parse_processes(&bytes).len() <= bytes.len() / kinfo_proc::SIZE);
        prop_assert!(parse_descriptors(&bytes).len() <= bytes.len() / fd_info::SIZE);
        prop_assert_eq!(parse_vnode(&bytes).is_some(), bytes.len() >= 40);
        prop_assert_eq!(parse_vnode_path(&bytes).is_some(), bytes.len() >= vnode_fd_info_with_path::SIZE);
    }
}
