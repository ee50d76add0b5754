use std::collections::BTreeSet;

use tempfile::TempDir;

use super::*;

/// A home with something of somebody's own in it, and the record's place.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("is made"));
        fs::create_dir(home.path("bin")).expect("is made");
        fs::write(home.path("bin/own"), "of somebody").expect("is written");
        home
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn record(&self) -> PathBuf {
        self.path("data/lockwatch/installed.json")
    }

    fn tree(&self, items: &[(&str, Item)]) -> Tree {
        items
            .iter()
            .map(|(path, item)| (self.path(path), item.clone()))
            .collect()
    }

    fn place(&self, items: &[(&str, Item)]) -> Result<Placed, Error> {
        place(&self.tree(items), &self.record())
    }

    fn remove(&self) -> Removed {
        remove(&self.record()).expect("is removed")
    }

    /// All paths in it.
    fn all(&self) -> BTreeSet<String> {
        fn walk(top: &Path, folder: &Path, all: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).expect("is there") {
                let entry = entry.expect("is read");
                let path = entry.path();
                let name = path.strip_prefix(top).expect("is below");
                all.insert(name.display().to_string());
                if entry.file_type().expect("has one").is_dir() {
                    walk(top, &path, all);
                }
            }
        }
        let mut all = BTreeSet::new();
        walk(self.0.path(), self.0.path(), &mut all);
        all
    }
}

fn program(content: &str) -> Item {
    Item::Program(content.as_bytes().to_vec())
}

fn own() -> BTreeSet<String> {
    BTreeSet::from(["bin", "bin/own"].map(str::to_owned))
}

#[test]
fn what_is_placed_is_removed_and_nothing_else() {
    let home = Home::new();
    let items = [
        ("bin/lockwatch", program("one")),
        ("share/man/man1/lockwatch.1", Item::File(b"page".to_vec())),
        ("apps/link", Item::Link("../bin/lockwatch".into())),
    ];
    let placed = home.place(&items).expect("is placed");
    let expected = ["apps/link", "bin/lockwatch", "share/man/man1/lockwatch.1"].map(|path| home.path(path));
    assert_eq!((placed.written.as_slice(), placed.unchanged), (&expected[..], 0));
    // Once more: nothing is to be done.
    let again = home.place(&items).expect("is placed");
    let nothing = Placed {
        unchanged: 3,
        ..Placed::default()
    };
    assert_eq!(again, nothing);
    // Somebody else uses a folder that was made.
    fs::write(home.path("share/man/man1/other.1"), "").expect("is written");
    let removed = home.remove();
    assert_eq!((removed.removed.as_slice(), removed.left.len()), (&expected[..], 0));
    let mut rest = own();
    rest.extend(["share", "share/man", "share/man/man1", "share/man/man1/other.1"].map(str::to_owned));
    assert_eq!(home.all(), rest);
    // And once more.
    assert_eq!(home.remove(), Removed::default());
}

#[test]
fn an_older_version_is_replaced_and_what_it_had_more_is_removed() {
    let home = Home::new();
    let (old, new) = (program("old"), program("new"));
    home.place(&[("bin/lockwatch", old.clone()), ("old/helper", old)])
        .expect("is placed");
    let placed = home.place(&[("bin/lockwatch", new.clone())]).expect("is placed");
    assert_eq!(placed.written, [home.path("bin/lockwatch")]);
    assert_eq!(placed.removed, [home.path("old/helper")]);
    assert_eq!(Item::read(&home.path("bin/lockwatch")).expect("is read"), Some(new));
    home.remove();
    assert_eq!(home.all(), own());
}

#[test]
fn what_somebody_else_has_put_there_is_in_the_way_and_nothing_is_done() {
    let home = Home::new();
    let items = [("a/first", program("one")), ("bin/own", program("two"))];
    let error = home.place(&items).expect_err("is in the way").to_string();
    assert!(error.contains(&home.path("bin/own").display().to_string()), "{error}");
    assert_eq!(home.all(), own());
    // A folder is no better.
    let error = home.place(&[("bin", program("one"))]).expect_err("is in the way");
    assert!(matches!(error, Error::InTheWay { .. }), "{error}");
    assert_eq!(home.all(), own());
}

#[test]
fn what_was_there_and_is_the_same_stays_at_the_end() {
    let home = Home::new();
    let same = Item::File(b"of somebody".to_vec());
    let placed = home
        .place(&[("bin/own", same), ("bin/new", program("new"))])
        .expect("is placed");
    assert_eq!((placed.written.len(), placed.unchanged), (1, 1));
    home.remove();
    assert_eq!(home.all(), own());
}

#[test]
fn what_was_changed_since_is_left_and_said() {
    let home = Home::new();
    let items = [("bin/lockwatch", program("one")), ("bin/other", program("two"))];
    home.place(&items).expect("is placed");
    fs::write(home.path("bin/lockwatch"), "mine now").expect("is written");
    let error = home
        .place(&[("bin/lockwatch", program("three"))])
        .expect_err("is in the way");
    assert!(matches!(error, Error::InTheWay { .. }), "{error}");
    let removed = home.remove();
    assert_eq!(removed.left, [home.path("bin/lockwatch")]);
    assert_eq!(removed.removed, [home.path("bin/other")]);
    assert!(home.path("bin/lockwatch").exists());
}

/// The second file cannot be written: what is there by then is known, and is removed or brought to an end later.
#[test]
fn an_installation_that_was_cut_off_leaves_nothing_unknown() {
    for goes_on in [false, true] {
        let home = Home::new();
        let blocked = home.path("blocked");
        std::os::unix::fs::symlink("nowhere/at/all", &blocked).expect("is made");
        let (old, new) = (program("old"), program("new"));
        home.place(&[("bin/a", old), ("bin/c", new.clone())])
            .expect("is placed");
        let items = [
            ("bin/a", new.clone()),
            ("blocked/b", new.clone()),
            ("bin/c", new.clone()),
        ];
        let error = home.place(&items).expect_err("cannot be written");
        assert!(matches!(error, Error::Folder { .. }), "{error}");
        assert_eq!(Item::read(&home.path("bin/a")).expect("is read"), Some(new));
        fs::remove_file(&blocked).expect("is removed");
        if goes_on {
            assert_eq!(home.place(&items).expect("is placed").written, [home.path("blocked/b")]);
        }
        home.remove();
        assert_eq!(home.all(), own());
    }
}
