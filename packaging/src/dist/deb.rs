//! The package for Debian and Ubuntu. What goes into it is laid out under `target/package/deb`, and `cargo deb` packs that by
//! the metadata in `daemon/Cargo.toml`.

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;

use super::{source_file, stage, time};
use crate::Error;
use crate::command::run;
use crate::programs::{Programs, cargo, workspace};
use crate::share::{desktop, pages_and_completions, text};
use crate::tree::{Item, Tree};

/// Where completions of packages lie on Debian; everywhere else they are where [`crate::completions::share`] has them.
const ZSH: (&str, &str) = ("zsh/site-functions/_lockwatch", "zsh/vendor-completions/_lockwatch");

/// The units of the user's manager.
const UNITS: [(&str, &str); 2] = [
    ("lockwatch.service", include_str!("../../systemd/lockwatch.service")),
    (
        "lockwatch-tray.service",
        include_str!("../../systemd/lockwatch-tray.service"),
    ),
];

/// Writes `lockwatch_VERSION_ARCHITECTURE.deb` into a folder.
pub(super) fn write(programs: &Programs, folder: &Path) -> Result<PathBuf, Error> {
    content(programs)?.write(&stage("deb")?)?;
    let mut command = Command::new(cargo());
    command
        .current_dir(workspace())
        .env("SOURCE_DATE_EPOCH", time().to_string())
        .args([
            "deb",
            "--package",
            "lockwatch",
            "--no-build",
            "--no-strip",
            "--locked",
            "--output",
        ])
        .arg(folder);
    let printed = run(
        &mut command,
        "install cargo-deb with `cargo install cargo-deb --locked`, or leave the package out with `--archive-only`",
    )?;
    let made = printed
        .lines()
        .map(Path::new)
        .find(|path| path.extension().is_some_and(|end| end == "deb"));
    made.map(Path::to_owned).ok_or(Error::Unknown {
        what: "where `cargo deb` has written the package",
        way_out: "this was made for cargo-deb 3",
    })
}

/// All files of the package by their paths in the system, and the changelog in the form of Debian's.
fn content(programs: &Programs) -> Result<Tree, Error> {
    let mut tree = Tree::default();
    tree.add_tree("usr/bin", programs.tree());
    let (usual, here) = ZSH;
    let share = pages_and_completions();
    for (path, item) in share.iter() {
        let path = if path == Path::new(usual) {
            Path::new(here)
        } else {
            path
        };
        tree.add(Path::new("usr/share").join(path), item.clone());
    }
    tree.add_tree("usr/share", desktop());
    for (name, unit) in UNITS {
        tree.add(format!("usr/lib/systemd/user/{name}"), text(unit));
    }
    let documents = "usr/share/doc/lockwatch";
    for (name, path) in [("README.md", "README.md"), ("protocol.md", "daemon/protocol.md")] {
        tree.add(format!("{documents}/{name}"), Item::File(source_file(path)?));
    }
    let example = Item::File(source_file("packaging/config.example.toml")?);
    tree.add(format!("{documents}/examples/config.toml"), example);
    tree.add("changelog", text(&changelog(time())));
    Ok(tree)
}

/// What `apt changelog` shows. The changes themselves stand in `CHANGELOG.md`.
fn changelog(time: u64) -> String {
    let time = i64::try_from(time)
        .ok()
        .and_then(|time| Timestamp::from_second(time).ok());
    let date = time.unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!(
        "lockwatch ({}) unstable; urgency=medium\n\n  * The changes are in CHANGELOG.md of the source.\n\n -- {MAINTAINER}  {date}\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// As in `daemon/Cargo.toml`.
const MAINTAINER: &str = "The lockwatch developers <lockwatch@example.com>";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn metadata() -> toml::Table {
        let manifest = source_file("daemon/Cargo.toml").expect("is there");
        let manifest: toml::Table = String::from_utf8(manifest).expect("is text").parse().expect("is TOML");
        manifest["package"]["metadata"]["deb"]
            .as_table()
            .expect("is there")
            .clone()
    }

    /// Each file is packed once, where it was laid out, with its mode; and no line of the metadata is for nothing.
    #[test]
    fn the_metadata_packs_what_is_laid_out() {
        let content = content(&Programs::made()).expect("is made");
        let metadata = metadata();
        let mut found: BTreeMap<&Path, usize> = content.iter().map(|(path, _)| (path, 0)).collect();
        found.remove(Path::new("changelog"));
        for asset in metadata["assets"].as_array().expect("is a list") {
            let words: Vec<&str> = asset
                .as_array()
                .expect("is a list")
                .iter()
                .filter_map(toml::Value::as_str)
                .collect();
            let [from, to, mode] = words.as_slice() else {
                panic!("{words:?}")
            };
            let from = Path::new(from.strip_prefix("../target/package/deb/").expect("is laid out"));
            let end = from
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.strip_prefix('*'));
            let end = end.expect("all, or all with an end");
            assert_eq!(from.parent(), Path::new(to).components().as_path().into());
            let packed = content.iter().filter(|(path, _)| {
                path.parent() == from.parent() && path.to_str().is_some_and(|path| path.ends_with(end))
            });
            let mut count = 0;
            for (path, item) in packed {
                assert_eq!(format!("{:o}", item.mode()), *mode, "{}", path.display());
                *found.get_mut(path).expect("is there") += 1;
                count += 1;
            }
            assert!(count > 0, "{} packs nothing", from.display());
        }
        let wrong: Vec<_> = found.into_iter().filter(|(_, times)| *times != 1).collect();
        assert_eq!(wrong, []);
        assert_eq!(metadata["changelog"].as_str(), Some("../target/package/deb/changelog"));
    }

    #[test]
    fn the_changelog_is_one_of_debians() {
        let text = changelog(1_700_000_000);
        let expected = "  * The changes are in CHANGELOG.md of the source.";
        let lines: Vec<&str> = text.lines().collect();
        let maintainer = metadata()["maintainer"].as_str().expect("is text").to_owned();
        assert_eq!(
            lines,
            [
                format!("lockwatch ({}) unstable; urgency=medium", env!("CARGO_PKG_VERSION")).as_str(),
                "",
                expected,
                "",
                format!(" -- {maintainer}  Tue, 14 Nov 2023 22:13:20 +0000").as_str(),
            ]
        );
    }
}
