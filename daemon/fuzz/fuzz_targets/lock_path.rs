//! Paths of open files: which lock file of Cargo's they name, and what it is called.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use lockwatch::cargo::lock_kind::{LockKind, Name, Place, meanings, recognise};
use lockwatch::os::Mode;

fuzz_target!(|path: &[u8]| {
    let text = String::from_utf8_lossy(path);
    for (file, usage) in meanings(&text) {
        assert!(file.uses.iter().any(|other| std::ptr::eq(other, usage)));
    }
    if let Ok(kind) = text.parse::<LockKind>() {
        assert_eq!(kind.name(), text);
    }
    let version = text.parse().ok();

    let path = Path::new(OsStr::from_bytes(path));
    for is_home in [true, false] {
        let Some(file) = recognise(path, &|_| is_home) else {
            continue;
        };
        if let Name::Is(name) = file.name {
            assert_eq!(
                path.as_os_str().as_bytes().rsplit(|byte| *byte == b'/').next(),
                Some(name.as_bytes())
            );
        }
        let needs_home = matches!(file.place, Place::CargoHome | Place::CargoHomeSubfolder(_));
        assert!(is_home || !needs_home);
        for mode in [None, Some(Mode::Shared), Some(Mode::Exclusive)] {
            let label = file.label(path, mode, version, None);
            assert!(!label.chars().any(char::is_control), "{label:?}");
        }
        // A lock is known by its own folders: what stands before them changes nothing.
        let deeper = [b"/srv/x/".as_slice(), path.as_os_str().as_bytes()].concat();
        let below = recognise(Path::new(OsStr::from_bytes(&deeper)), &|_| is_home);
        assert!(below.is_some());
    }
});
