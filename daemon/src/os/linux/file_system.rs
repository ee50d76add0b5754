//! The kinds of file systems by the numbers that statfs(2) has for them.

use std::io;
use std::path::Path;

use crate::os::file_system::{self, FileSystem, Flock};

/// Number, name, and whether flock(2) keeps others out. From Linux' `include/uapi/linux/magic.h`, and for file systems that
/// are not in it from statfs(2).
const KINDS: &[(u32, &str, Flock)] = &[
    (0x6969, "nfs", Flock::NotTaken),
    (0x517b, "smb", Flock::Uncertain),
    (0xff53_4d42, "cifs", Flock::Uncertain),
    (0xfe53_4d42, "smb2", Flock::Uncertain),
    (0x5346_414f, "afs", Flock::Uncertain),
    (0x7375_7245, "coda", Flock::Uncertain),
    (0x0102_1997, "9p", Flock::Uncertain),
    (0x6573_5546, "fuse", Flock::Uncertain),
    (0x0bd0_0bd0, "lustre", Flock::Uncertain),
    (0x00c3_6400, "ceph", Flock::Uncertain),
    (0x4750_4653, "gpfs", Flock::Uncertain),
    (0x786f_4256, "vboxsf", Flock::Uncertain),
    (0xbacb_acbc, "vmhgfs", Flock::Uncertain),
    (0xef53, "ext4", Flock::Works),
    (0x5846_5342, "xfs", Flock::Works),
    (0x9123_683e, "btrfs", Flock::Works),
    (0x0102_1994, "tmpfs", Flock::Works),
    (0x794c_7630, "overlay", Flock::Works),
    (0x2fc1_2fc1, "zfs", Flock::Works),
    (0xf2f5_2010, "f2fs", Flock::Works),
    (0xca45_1a4e, "bcachefs", Flock::Works),
];

/// The file system of a folder.
pub fn file_system(path: &Path) -> io::Result<FileSystem> {
    let told = rustix::fs::statfs(path)?;
    // Some architectures have it signed, and some as 64 bits; the numbers have 32.
    let number = u32::try_from(i128::from(told.f_type) & 0xffff_ffff).unwrap_or_default();
    let (kind, flock) = by_number(number);
    file_system::of(path, kind, flock)
}

/// One that is not known is taken for one that works: most are.
fn by_number(number: u32) -> (String, Flock) {
    let known = KINDS.iter().find(|(known, ..)| *known == number);
    known.map_or_else(
        || (format!("{number:#x}"), Flock::Works),
        |(_, name, flock)| ((*name).to_owned(), *flock),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_their_numbers() {
        for (number, kind, flock) in [
            (0x6969, "nfs", Flock::NotTaken),
            (0xff53_4d42, "cifs", Flock::Uncertain),
            (0xef53, "ext4", Flock::Works),
            (0x1234_5678, "0x12345678", Flock::Works),
        ] {
            assert_eq!(by_number(number), (kind.to_owned(), flock));
        }
    }

    #[test]
    fn a_real_one_has_room() {
        let found = file_system(Path::new("/proc/self")).expect("is there");
        assert_eq!(found.flock, Flock::Works);
        let temp = file_system(&std::env::temp_dir()).expect("is there");
        assert!(temp.free_bytes > Some(0) && !temp.is_read_only, "{temp:?}");
    }
}
