use proptest::prelude::*;

use super::{bsd_info, c, fd_info, vnode_fd_info, vnode_fd_info_with_path};

#[test]
fn the_c_file_is_what_the_table_renders() {
    let rendered = c::render();
    if std::env::var_os("UPDATE_LAYOUT_C").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/os/macos/layout.c");
        std::fs::write(path, &rendered).unwrap();
        return;
    }
    assert!(
        rendered == include_str!("../layout.c"),
        "layout.c is not what layout.rs says; run this test with UPDATE_LAYOUT_C=1"
    );
}

#[test]
fn the_answer_with_a_path_begins_as_the_one_without() {
    assert_eq!(
        vnode_fd_info::OPEN_FLAGS.offset,
        vnode_fd_info_with_path::OPEN_FLAGS.offset
    );
    assert_eq!(vnode_fd_info::STATUS.offset, vnode_fd_info_with_path::STATUS.offset);
    assert_eq!(vnode_fd_info::DEV.offset, vnode_fd_info_with_path::DEV.offset);
    assert_eq!(vnode_fd_info::LINKS.offset, vnode_fd_info_with_path::LINKS.offset);
    assert_eq!(vnode_fd_info::INO.offset, vnode_fd_info_with_path::INO.offset);
    assert_eq!(vnode_fd_info::MODE.offset, vnode_fd_info_with_path::MODE.offset);
}

#[test]
fn a_field_reads_its_own_bytes() {
    let mut bytes = [0_u8; fd_info::SIZE];
    fd_info::FD.write(&mut bytes, -2);
    fd_info::TYPE.write(&mut bytes, 7);
    assert_eq!(fd_info::FD.read(&bytes), Some(-2));
    assert_eq!(fd_info::TYPE.read(&bytes), Some(7));
    assert_eq!(fd_info::TYPE.read(&bytes[..7]), None, "cut");
}

#[test]
fn a_text_ends_at_its_nul_or_with_its_room() {
    let mut bytes = [0_u8; bsd_info::SIZE];
    bsd_info::NAME.write_text(&mut bytes, b"cargo");
    assert_eq!(bsd_info::NAME.text(&bytes), Some(&b"cargo"[..]));
    bsd_info::NAME.write_text(&mut bytes, b"sixteen letters.");
    assert_eq!(bsd_info::NAME.text(&bytes), Some(&b"sixteen letters."[..]));
    assert_eq!(bsd_info::NAME.text(&bytes[..50]), None, "cut");
}

proptest! {
    #[test]
    fn no_bytes_are_too_many_or_too_few(bytes in proptest::collection::vec(any::<u8>(), 0..1400)) {
        let _: Option<u64> = vnode_fd_info::INO.read(&bytes);
        let text = vnode_fd_info_with_path::PATH.text(&bytes);
        prop_assert_eq!(text.is_some(), bytes.len() >= vnode_fd_info_with_path::SIZE);
    }
}
