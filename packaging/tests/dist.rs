//! `cargo xtask bundle` and `dist`, with made programs; tools of macOS are played.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A place with made programs, and tools that write down how they were called. `hdiutil` makes its last argument.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("is made"));
        for folder in ["programs", "tools"] {
            fs::create_dir(place.path(folder)).expect("is made");
        }
        for name in ["lockwatch", "lockwatch-tray"] {
            script(&place.path("programs").join(name), "#!/bin/sh\n");
        }
        let tool = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$TOLD\"\n";
        script(&place.path("tools/codesign"), tool);
        let hdiutil = format!("{tool}for last; do :; done\necho image >\"$last\"\n");
        script(&place.path("tools/hdiutil"), &hdiutil);
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn xtask(&self, arguments: &[&str], identity: &str) -> Output {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let tools = std::iter::once(self.path("tools")).chain(std::env::split_paths(&path));
        let output = Command::new(env!("CARGO_BIN_EXE_lockwatch-packaging"))
            .args(arguments)
            .arg("--programs")
            .arg(self.path("programs"))
            .arg("--out")
            .arg(self.path("out"))
            .env("PATH", std::env::join_paths(tools).expect("a list"))
            .env("TOLD", self.path("told"))
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .env("LOCKWATCH_SIGN_IDENTITY", identity)
            .output()
            .expect("runs");
        assert!(output.status.success(), "{output:?}");
        output
    }

    fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.path("told")).unwrap_or_default();
        drop(fs::remove_file(self.path("told")));
        told.lines().map(str::to_owned).collect()
    }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("is set");
}

/// The paths in an archive of this name, and the modes of their files.
fn content(archive: &Path) -> BTreeSet<(String, u32)> {
    let file = GzDecoder::new(File::open(archive).expect("is there"));
    let mut archive = tar::Archive::new(file);
    let entries = archive.entries().expect("is an archive");
    entries
        .map(|entry| {
            let entry = entry.expect("is read");
            let path = entry.path().expect("has one").display().to_string();
            (path, entry.header().mode().expect("has one"))
        })
        .collect()
}

#[test]
fn the_archive_has_the_names_that_binstall_is_told() {
    let place = Place::new();
    let target = "x86_64-unknown-linux-gnu";
    place.xtask(&["dist", "--archive-only", "--target", target], "");
    let archive = place.path("out").join(format!("lockwatch-v{VERSION}-{target}.tar.gz"));
    let found = content(&archive);
    for manifest in ["daemon", "tray"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(manifest)
            .join("Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(path).expect("is there").parse().expect("is TOML");
        let package = &manifest["package"];
        let binstall = &package["metadata"]["binstall"];
        let filled_in = |key: &str| {
            let text = binstall[key].as_str().expect("is text");
            text.replace("{ version }", VERSION)
                .replace("{ target }", target)
                .replace("{ archive-suffix }", ".tar.gz")
                .replace("{ bin }", package["name"].as_str().expect("is text"))
                .replace("{ binary-ext }", "")
        };
        let name = archive.file_name().expect("has one").to_string_lossy();
        assert!(
            filled_in("pkg-url").ends_with(&format!("/v{VERSION}/{name}")),
            "{}",
            filled_in("pkg-url")
        );
        assert!(found.contains(&(filled_in("bin-dir"), 0o755)), "{found:?}");
    }
    let top = format!("lockwatch-v{VERSION}-{target}");
    for file in [
        "README.md",
        "LICENSE-MIT",
        "man/lockwatch.1",
        "completions/_lockwatch",
        "config.example.toml",
    ] {
        assert!(found.contains(&(format!("{top}/{file}"), 0o644)), "{file}");
    }
}

#[test]
fn the_same_source_gives_the_same_archive_and_its_checksum() {
    let place = Place::new();
    let name = format!("lockwatch-v{VERSION}-x86_64-unknown-linux-gnu.tar.gz");
    let made = || {
        place.xtask(&["dist", "--archive-only", "--target", "x86_64-unknown-linux-gnu"], "");
        let mut bytes = Vec::new();
        let mut file = File::open(place.path("out").join(&name)).expect("is there");
        file.read_to_end(&mut bytes).expect("is read");
        bytes
    };
    assert_eq!(made(), made());
    // In the form that the system's own program checks.
    let checked = Command::new("shasum")
        .args(["-a", "256", "--check"])
        .arg(format!("{name}.sha256"))
        .current_dir(place.path("out"))
        .output();
    let checked = checked.or_else(|_| {
        Command::new("sha256sum")
            .arg("--check")
            .arg(format!("{name}.sha256"))
            .current_dir(place.path("out"))
            .output()
    });
    assert!(checked.expect("one of them is there").status.success());
}

#[test]
fn a_disk_image_has_the_signed_app() {
    let place = Place::new();
    let dist = ["dist", "--target", "aarch64-apple-darwin"];
    place.xtask(&dist, "");
    let told = place.told();
    let [inner, app, verify, image] = told.as_slice() else {
        panic!("{told:#?}")
    };
    let ad_hoc = "codesign --force --sign - --options runtime --identifier com.example.lockwatch";
    assert!(
        inner.starts_with(&format!("{ad_hoc}.daemon /")) && inner.ends_with("/Lockwatch.app/Contents/MacOS/lockwatch"),
        "{inner}"
    );
    assert!(
        app.starts_with(&format!("{ad_hoc} /")) && app.ends_with("/Lockwatch.app"),
        "{app}"
    );
    assert!(verify.starts_with("codesign --verify --deep --strict /"), "{verify}");
    let name = format!("lockwatch-v{VERSION}-aarch64-apple-darwin.dmg");
    assert!(
        image.starts_with("hdiutil create -volname Lockwatch ") && image.ends_with(&name),
        "{image}"
    );
    // What the image is made of.
    let words: Vec<&str> = image.split(' ').collect();
    let folder = words
        .iter()
        .position(|word| *word == "-srcfolder")
        .and_then(|at| words.get(at + 1));
    let folder = Path::new(folder.expect("is named"));
    assert!(folder.join("Lockwatch.app/Contents/Info.plist").is_file());
    assert_eq!(
        fs::read_link(folder.join("Applications")).expect("is a link"),
        Path::new("/Applications")
    );
    assert!(place.path("out").join(format!("{name}.sha256")).is_file());

    // With an identity the image is signed too, and all bears Apple's time.
    place.xtask(&dist, "Developer ID Application: Somebody");
    let told = place.told();
    let signed = told
        .iter()
        .filter(|line| line.starts_with("codesign --force --sign Developer ID Application: Somebody --timestamp"));
    assert_eq!(signed.count(), 3, "{told:#?}");
    assert!(told.last().is_some_and(|line| line.ends_with(&name)), "{told:#?}");
}

#[test]
fn a_bundle_is_written_where_it_is_wanted() {
    let place = Place::new();
    let output = place.xtask(&["bundle"], "");
    let listed: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    let program = place.path("out/Lockwatch.app/Contents/MacOS/lockwatch-tray");
    assert!(listed.contains(&program.display().to_string()), "{listed:?}");
    assert!(program.is_file());
}
