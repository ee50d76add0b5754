//! What is installed, and where.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use etcetera::base_strategy::Xdg;
use lockwatch::folders::{FoldersError, Layout};

use crate::programs::{LOCKWATCH, Programs, workspace};
use crate::share::{desktop, pages_and_completions};
use crate::tree::{Item, Tree};
use crate::{Error, bundle, sign};

/// The folders of this user.
#[derive(Clone, Debug)]
pub(super) struct Places {
    home: PathBuf,
    /// `$XDG_DATA_HOME` or its default: the shells and `man` look there on both systems.
    share: PathBuf,
    layout: Layout,
}

impl Places {
    pub(super) fn from_env(layout: Layout) -> Result<Self, Error> {
        let xdg = Xdg::new().map_err(|_| FoldersError::NoHome)?;
        Ok(Self {
            home: xdg.home_dir().to_owned(),
            share: xdg.data_dir(),
            layout,
        })
    }

    /// Where `lockwatch` is found by a shell.
    pub(super) fn bin(&self) -> PathBuf {
        self.home.join(".local/bin")
    }

    fn app(&self) -> PathBuf {
        self.home.join("Applications").join(bundle::NAME)
    }

    /// The folder of both programs.
    pub(super) fn programs(&self) -> PathBuf {
        match self.layout {
            Layout::Apple => self.app().join(bundle::PROGRAMS),
            Layout::Xdg => self.bin(),
        }
    }

    /// The file that says what was installed.
    pub(super) fn record(&self) -> PathBuf {
        self.share.join("lockwatch/installed.json")
    }

    /// All files by their whole paths.
    pub(super) fn content(&self, programs: &Programs) -> Result<Tree, Error> {
        match self.layout {
            Layout::Apple => Ok(self.apple(signed(programs)?)),
            Layout::Xdg => Ok(self.xdg(programs)),
        }
    }

    fn apple(&self, app: Tree) -> Tree {
        let mut tree = Tree::default();
        tree.add_tree(self.app(), app);
        tree.add(self.bin().join(LOCKWATCH), Item::Link(self.programs().join(LOCKWATCH)));
        tree.add_tree(&self.share, pages_and_completions());
        tree
    }

    fn xdg(&self, programs: &Programs) -> Tree {
        let mut tree = Tree::default();
        tree.add_tree(self.bin(), programs.tree());
        tree.add_tree(&self.share, pages_and_completions());
        tree.add_tree(&self.share, desktop());
        tree
    }
}

/// The app with its signature. It is signed in a folder of its own, so that what runs is never half signed.
fn signed(programs: &Programs) -> Result<Tree, Error> {
    let folder = workspace().join("target/package/app");
    let app = folder.join(bundle::NAME);
    match std::fs::remove_dir_all(&app) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::Remove { path: app, source });
        }
        _ => {}
    }
    bundle::app(programs)?.write(&app)?;
    sign::app(&app)?;
    Tree::read(&app)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn places(layout: Layout) -> Places {
        Places {
            home: "/home/me".into(),
            share: "/home/me/.local/share".into(),
            layout,
        }
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.iter().map(|(path, _)| path.to_str().expect("is plain")).collect()
    }

    #[test]
    fn on_linux_all_is_under_dot_local() {
        let tree = places(Layout::Xdg).xdg(&Programs::made());
        let paths = paths(&tree);
        assert!(
            paths.iter().all(|path| path.starts_with("/home/me/.local/")),
            "{paths:?}"
        );
        for expected in [
            "bin/lockwatch",
            "bin/lockwatch-tray",
            "share/applications/com.example.lockwatch.desktop",
            "share/bash-completion/completions/lockwatch",
            "share/fish/vendor_completions.d/lockwatch.fish",
            "share/icons/hicolor/scalable/apps/com.example.lockwatch.svg",
            "share/man/man1/lockwatch-status.1",
            "share/man/man1/lockwatch-tray.1",
            "share/zsh/site-functions/_lockwatch",
        ] {
            assert!(
                paths.contains(&format!("/home/me/.local/{expected}").as_str()),
                "{expected}"
            );
        }
    }

    #[test]
    fn on_a_mac_the_app_has_the_programs_and_the_shell_a_link() {
        let places = places(Layout::Apple);
        let tree = places.apple(bundle::app(&Programs::made()).expect("is made"));
        let programs = Path::new("/home/me/Applications/Lockwatch.app/Contents/MacOS");
        assert_eq!(places.programs(), programs);
        let link = tree
            .iter()
            .find(|(path, _)| *path == Path::new("/home/me/.local/bin/lockwatch"));
        assert_eq!(link.expect("is there").1, &Item::Link(programs.join("lockwatch")));
        for name in ["lockwatch", "lockwatch-tray"] {
            assert!(tree.iter().any(|(path, _)| path == programs.join(name)), "{name}");
        }
        assert!(!paths(&tree).iter().any(|path| path.contains("/applications/")));
    }
}
