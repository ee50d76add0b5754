//! Files of root's among a user's, as a `sudo cargo` leaves them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::{Check, Finding, Place};
use crate::text;

/// So many files are looked at in each place: the folders that Cargo makes, not all that is in them.
const LOOKED_AT: usize = 20_000;
/// How deep: `registry/cache/<registry>/<crate>`, `target/<triple>/<profile>/<file>`.
const DEPTH: usize = 4;

/// Files whose owner is not the one of the place.
#[derive(Debug, Default)]
struct Strangers {
    first: Option<(PathBuf, u32)>,
    count: usize,
    looked_at: usize,
}

pub(super) fn checks(places: &[Place]) -> Vec<Check> {
    let existing = places.iter().filter(|place| place.path.exists());
    existing.map(of_place).collect()
}

fn of_place(place: &Place) -> Check {
    let name = format!("owners of the files in {}", text::escape_path(&place.path));
    let own = rustix::process::geteuid();
    let owner = match place.base.metadata() {
        // root looks for another user: `sudo lockwatch doctor`.
        Ok(found) if own.is_root() => found.uid(),
        Ok(_) => own.as_raw(),
        Err(error) => return Check::not_made(name, &format!("{}: {error}", text::escape_path(&place.base))),
    };
    let mut strangers = Strangers::default();
    strangers.look(&place.path, owner, own.is_root(), DEPTH);
    Check::of(name, finding(place, owner, &strangers).into_iter().collect())
}

impl Strangers {
    /// Who can write to everything is shown what is root's; anybody else what he cannot write to. Cargo homes that several
    /// users share on purpose (of the images of Docker) are no finding.
    fn look(&mut self, path: &Path, owner: u32, by_root: bool, depth: usize) {
        self.looked_at += 1;
        let Ok(found) = path.symlink_metadata() else { return };
        let is_in_the_way = || {
            let kept_out = || rustix::fs::access(path, Access::WRITE_OK).is_err();
            if by_root {
                found.uid() == 0
            } else {
                !found.is_symlink() && kept_out()
            }
        };
        if found.uid() != owner && is_in_the_way() {
            self.count += 1;
            self.first.get_or_insert_with(|| (path.to_owned(), found.uid()));
        }
        if !found.is_dir() || depth == 0 || self.looked_at > LOOKED_AT {
            return;
        }
        for entry in path.read_dir().into_iter().flatten().flatten() {
            self.look(&entry.path(), owner, by_root, depth - 1);
        }
    }
}

fn finding(place: &Place, owner: u32, strangers: &Strangers) -> Option<Finding> {
    let (path, stranger) = strangers.first.as_ref()?;
    let who = |uid: u32| {
        if uid == 0 {
            "root".to_owned()
        } else {
            format!("user {uid}")
        }
    };
    let others = match strangers.count {
        1 => String::new(),
        number => format!(", and so do {} more files of those looked at", number - 1),
    };
    Some(Finding {
        id: if *stranger == 0 { "root-owned" } else { "other-owner" }.to_owned(),
        what: format!(
            "{}: {} belongs to {}, and the folder around it to {}{others}",
            place.name,
            text::escape_path(path),
            who(*stranger),
            who(owner)
        ),
        why: if *stranger == 0 {
            "most likely a `sudo cargo` made it; your own cargo fails on it with \"Permission denied\""
        } else {
            "your own cargo fails on it with \"Permission denied\""
        }
        .to_owned(),
        mend: format!("sudo chown -R {owner} {}", text::quoted(&place.path)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_ones_own_are_fine_and_those_of_root_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("target");
        std::fs::create_dir_all(target.join("debug/deps")).expect("makes it");
        std::fs::write(target.join("debug/.cargo-lock"), "").expect("writes");
        let place = Place {
            name: "the target folder",
            path: target.clone(),
            base: folder.path().to_owned(),
        };
        assert_eq!(of_place(&place).findings(), []);
        let strangers = Strangers {
            first: Some((target.join("debug"), 0)),
            count: 4,
            looked_at: 9,
        };
        let found = finding(&place, 1000, &strangers).expect("is found");
        assert!(
            found
                .what
                .contains("/debug belongs to root, and the folder around it to user 1000, and so do 3 more files"),
            "{found:?}"
        );
        if !rustix::process::geteuid().is_root() {
            return; // only root can give files away
        }
        std::os::unix::fs::chown(folder.path(), Some(64_001), None).expect("gives it away");
        std::os::unix::fs::chown(&target, Some(64_001), None).expect("gives it away");
        let check = of_place(&place);
        let [found] = check.findings() else { panic!("{check:?}") };
        assert_eq!(found.id, "root-owned");
        assert!(found.mend.starts_with("sudo chown -R 64001 '"), "{found:?}");
        assert!(found.why.contains("sudo cargo"), "{found:?}");
    }
}
