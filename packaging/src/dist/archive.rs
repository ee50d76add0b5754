//! The archive, under the name and with the inside that `cargo binstall` is told about in `daemon/Cargo.toml`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::{name, source_file, time, unwritten};
use crate::programs::Programs;
use crate::tree::{Item, Tree};
use crate::{Error, completions, man};

/// What is put beside the programs on every system, by its path in the source.
const DOCUMENTS: [(&str, &str); 6] = [
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("config.example.toml", "packaging/config.example.toml"),
    ("protocol.md", "daemon/protocol.md"),
];

/// Writes `NAME.tar.gz` into a folder.
pub(super) fn write(programs: &Programs, target: &str, folder: &Path) -> Result<PathBuf, Error> {
    let name = name(target);
    let path = folder.join(format!("{name}.tar.gz"));
    let mut tree = Tree::default();
    tree.add_tree(&name, content(programs)?);
    let file = File::create(&path).map_err(unwritten(&path))?;
    packed(&tree, time(), file).map_err(unwritten(&path))?;
    Ok(path)
}

fn content(programs: &Programs) -> Result<Tree, Error> {
    let mut tree = programs.tree();
    for (name, path) in DOCUMENTS {
        tree.add(name, Item::File(source_file(path)?));
    }
    tree.add_tree("man", man::pages());
    tree.add_tree("completions", completions::scripts());
    Ok(tree)
}

/// Writes a tree so that the same one gives the same bytes: one order, one time, no user.
fn packed(tree: &Tree, time: u64, file: impl Write) -> std::io::Result<()> {
    // The time of a gzip file has 32 bits, and its absence is 0.
    let gzip = GzBuilder::new().mtime(0).write(file, Compression::best());
    let mut archive = Builder::new(gzip);
    for (path, item) in tree.iter() {
        let mut header = Header::new_ustar();
        header.set_mode(item.mode());
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        match item {
            Item::File(content) | Item::Program(content) => {
                header.set_size(content.len() as u64);
                archive.append_data(&mut header, path, content.as_slice())?;
            }
            Item::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, path, target)?;
            }
        }
    }
    archive.into_inner()?.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn an_archive_is_the_same_each_time_and_says_nothing_about_who_made_it() {
        let mut tree = Tree::default();
        tree.add("a/file", Item::File(b"text".to_vec()));
        tree.add("a/link", Item::Link("file".into()));
        tree.add("a/program", Item::Program(b"bytes".to_vec()));
        let packed = || {
            let mut bytes = Vec::new();
            packed(&tree, 1_700_000_000, &mut bytes).expect("memory can be written to");
            bytes
        };
        let bytes = packed();
        assert_eq!(bytes, packed());
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let mut found = Tree::default();
        for entry in archive.entries().expect("is an archive") {
            let mut entry = entry.expect("is read");
            let header = entry.header();
            let owner = (header.uid().expect("is set"), header.gid().expect("is set"));
            assert_eq!((owner, header.mtime().expect("is set")), ((0, 0), 1_700_000_000));
            let (path, mode) = (
                entry.path().expect("has one").into_owned(),
                header.mode().expect("is set"),
            );
            let mut content = Vec::new();
            let item = if let Some(target) = entry.link_name().expect("is read") {
                Item::Link(target.into_owned())
            } else {
                entry.read_to_end(&mut content).expect("is read");
                if mode == 0o755 {
                    Item::Program(content)
                } else {
                    Item::File(content)
                }
            };
            found.add(path, item);
        }
        assert_eq!(found, tree);
    }
}
