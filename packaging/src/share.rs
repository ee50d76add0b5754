//! What belongs to the programs under a folder `share`: man pages, completions, and on Linux what a desktop shows.

use crate::bundle::{DRAWING, IDENTIFIER};
use crate::tree::{Item, Tree};
use crate::{completions, man};

/// The tray has no definition that a page could be made of without starting it.
const TRAY_PAGE: &str = include_str!("../app/lockwatch-tray.1");
const DESKTOP_ENTRY: &str = include_str!("../app/com.example.lockwatch.desktop");

/// Man pages and completions, for any system.
pub(crate) fn pages_and_completions() -> Tree {
    let mut share = completions::share();
    share.add_tree("man/man1", man::pages());
    share.add("man/man1/lockwatch-tray.1", text(TRAY_PAGE));
    share
}

/// What lets the tray be found and started in a desktop's menu of programs.
pub(crate) fn desktop() -> Tree {
    let mut share = Tree::default();
    share.add(format!("applications/{IDENTIFIER}.desktop"), text(DESKTOP_ENTRY));
    let icon = format!("icons/hicolor/scalable/apps/{IDENTIFIER}.svg");
    share.add(icon, text(DRAWING));
    share
}

/// A file of this text.
pub(crate) fn text(text: &str) -> Item {
    Item::File(text.as_bytes().to_vec())
}
