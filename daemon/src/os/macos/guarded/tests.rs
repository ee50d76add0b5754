use std::cell::RefCell;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::Guard;
use crate::os::macos::tables::Mount;

fn guard() -> Guard {
    let mount = |on: &str, fixed| Mount { on: on.into(), fixed };
    let mounts = vec![
        mount("/", true),
        mount("/System/Volumes/Data", true),
        mount("/System/Volumes/Data/net/build", false),
        mount("/net/build/local", true),
    ];
    Guard::new(Some(Path::new("/opt/me")), mounts)
}

#[test]
fn guarded_folders() {
    let guard = guard();
    let guarded = [
        "/Users/me/Desktop/a/target/debug/.cargo-lock",
        "/Users/me/Documents",
        "/Users/me/Downloads/a",
        "/Users/me/.Trash/a",
        "/Users/me/Library/Mobile Documents/com~apple~CloudDocs/a",
        "/Users/me/Library/CloudStorage/a",
        "/Users/me/Library/Containers/a",
        "/Users/me/Library/Group Containers/a",
        "/users/ME/documents/a",
        "/System/Volumes/Data/Users/me/Documents/a",
        "/opt/me/Documents/a",
        "/Volumes/Stick/a",
        "/net/build/a",
    ];
    for path in guarded {
        assert!(guard.is_guarded(Path::new(path)), "{path}");
    }
    let open = [
        "/",
        "/Users/me/.cargo/.package-cache",
        "/Users/me/src/Documents/a",
        "/Users/me/Documents2/a",
        "/Users/me/Library/Caches/a",
        "/Users/Documents",
        "/opt/me/src/a",
        "/opt/you/Documents/a",
        "/private/tmp/Desktop/a",
        "/net/build/local/a",
        "/network/a",
    ];
    for path in open {
        assert!(!guard.is_guarded(Path::new(path)), "{path}");
    }
}

/// Links by their paths, and which paths were asked about.
fn resolve(path: &str, links: &[(&str, &str)]) -> (Option<PathBuf>, Vec<PathBuf>) {
    let asked = RefCell::new(Vec::new());
    let resolved = guard().resolve(Path::new(path), |path| {
        asked.borrow_mut().push(path.to_owned());
        let link = links.iter().find(|(name, _)| Path::new(name) == path)?;
        Some(PathBuf::from(link.1))
    });
    (resolved, asked.into_inner())
}

#[test]
fn links_are_followed_up_to_the_border() {
    let links = [
        ("/tmp", "private/tmp"),
        ("/Users/me/src", "Documents/src"),
        ("/Users/me/up", "../../opt/./x"),
        ("/Users/me/loop", "loop"),
    ];
    let resolved = |path| resolve(path, &links).0;
    assert_eq!(resolved("/tmp/a"), Some("/private/tmp/a".into()));
    assert_eq!(resolved("/Users/me/up/a/../b"), Some("/opt/x/b".into()));
    assert_eq!(resolved("/../a"), Some("/a".into()));
    assert_eq!(resolved("/Users/me/loop"), None);
    assert_eq!(resolved("a"), None);
    let (target, asked) = resolve("/Users/me/src/a/target", &links);
    assert_eq!(target, None);
    assert!(!asked.iter().any(|path| guard().is_guarded(path)), "{asked:?}");
}

proptest! {
    #[test]
    fn what_resolves_is_not_guarded(path in "(/(Users|me|Documents|a|\\.\\.|\\.)){0,6}", link in "(/?(Users|me|Documents|a|\\.\\.)){0,3}") {
        let link = PathBuf::from(link);
        let resolved = guard().resolve(Path::new(&path), |at| at.ends_with("a").then(|| link.clone()));
        if let Some(resolved) = resolved {
            prop_assert!(!guard().is_guarded(&resolved));
            prop_assert!(resolved.is_absolute());
        }
    }
}
