//! The disk image for macOS: the app, and beside it the way to where it belongs.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{name, stage};
use crate::command::run;
use crate::programs::Programs;
use crate::tree::Item;
use crate::{Error, bundle, sign};

/// Writes `NAME.dmg` into a folder. It is signed where an identity is given (see [`sign`]).
pub(super) fn write(programs: &Programs, target: &str, folder: &Path) -> Result<PathBuf, Error> {
    let stage = stage("dmg")?;
    let app = stage.join(bundle::NAME);
    bundle::app(programs)?.write(&app)?;
    sign::app(&app)?;
    let link = stage.join("Applications");
    Item::Link("/Applications".into())
        .write(&link)
        .map_err(super::unwritten(&link))?;
    let image = folder.join(format!("{}.dmg", name(target)));
    let mut hdiutil = Command::new("hdiutil");
    hdiutil
        .args([
            "create",
            "-volname",
            "Lockwatch",
            "-fs",
            "APFS",
            "-format",
            "ULFO",
            "-ov",
            "-srcfolder",
        ])
        .arg(&stage)
        .arg(&image);
    run(
        &mut hdiutil,
        "a disk image is made on a Mac; leave it out with `--archive-only`",
    )?;
    sign::image(&image)?;
    Ok(image)
}
