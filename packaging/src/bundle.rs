//! Lockwatch.app, as a tree of files. On a Mac it is signed after it was written (see [`crate::sign`]).

mod agents;
mod icon;
mod info;

use std::path::{Path, PathBuf};

use lockwatch::folders::Layout;
use lockwatch::os::LAYOUT;

use crate::programs::{Build, Programs, Source, workspace};
use crate::tree::{Item, Tree};
use crate::{Error, sign};

/// The name of the folder.
pub(crate) const NAME: &str = "Lockwatch.app";
/// What macOS knows the app by.
pub(crate) const IDENTIFIER: &str = "com.example.lockwatch";
/// Where the programs are inside of it.
pub(crate) const PROGRAMS: &str = "Contents/MacOS";
/// The drawing of the icon.
pub(crate) const DRAWING: &str = include_str!("../app/lockwatch.svg");

/// All of the app but its signature, by paths inside of it.
pub(crate) fn app(programs: &Programs) -> Result<Tree, Error> {
    let mut contents = Tree::default();
    contents.add("Info.plist", Item::File(info::property_list()?));
    contents.add("PkgInfo", Item::File(b"APPL????".to_vec()));
    contents.add_tree("MacOS", programs.tree());
    contents.add(format!("Resources/{}", info::ICON), Item::File(icon::icns(DRAWING)?));
    contents.add_tree("Library/LaunchAgents", agents::property_lists()?);
    let mut app = Tree::default();
    app.add_tree("Contents", contents);
    Ok(app)
}

/// Writes the app into a folder, and signs it where this is a Mac.
pub(crate) fn write(source: &Source, folder: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let folder = folder.map_or_else(|| workspace().join("target"), Path::to_owned);
    let app_folder = folder.join(NAME);
    let written = app(&source.programs(Build::Here)?)?.write(&app_folder)?;
    if LAYOUT == Layout::Apple {
        sign::app(&app_folder)?;
    }
    Ok(written)
}

#[cfg(test)]
mod tests;
