//! The app as macOS would read it: written, and read back.

use plist::{Dictionary, Value};

use super::*;

fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("is made");
    let path = folder.path().join(NAME);
    app(&Programs::made())
        .expect("is made")
        .write(&path)
        .expect("is written");
    (folder, path)
}

fn property_list(path: &Path) -> Dictionary {
    Value::from_file(path)
        .expect("is read")
        .into_dictionary()
        .expect("is one")
}

fn text<'a>(list: &'a Dictionary, key: &str) -> &'a str {
    list.get(key)
        .and_then(Value::as_string)
        .unwrap_or_else(|| panic!("{key} is missing"))
}

#[test]
fn what_the_app_says_about_itself_is_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, app) = written();
    let info = property_list(&app.join("Contents/Info.plist"));
    assert_eq!(text(&info, "CFBundleIdentifier"), IDENTIFIER);
    assert_eq!(text(&info, "CFBundleShortVersionString"), env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&info, "LSMinimumSystemVersion"), "14.0");
    assert_eq!(info.get("LSUIElement"), Some(&Value::Boolean(true)));
    let started = text(&info, "CFBundleExecutable");
    assert_eq!(started, "lockwatch-tray");
    for program in [started, "lockwatch"] {
        let metadata = std::fs::metadata(app.join(PROGRAMS).join(program)).expect("is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o755, "{program}");
    }
    let icon = std::fs::read(app.join("Contents/Resources").join(text(&info, "CFBundleIconFile")));
    let family = icns::IconFamily::read(std::io::Cursor::new(icon.expect("is there"))).expect("is an icon");
    let widths: std::collections::BTreeSet<u32> =
        family.available_icons().iter().map(|one| one.pixel_width()).collect();
    assert_eq!(
        widths.into_iter().collect::<Vec<_>>(),
        [16, 32, 64, 128, 256, 512, 1024]
    );
    assert_eq!(
        std::fs::read(app.join("Contents/PkgInfo")).expect("is there"),
        b"APPL????"
    );
}

#[test]
fn both_agents_start_programs_of_the_app() {
    let (_folder, app) = written();
    for (name, program) in [
        ("com.example.lockwatch", "lockwatch"),
        ("com.example.lockwatch.tray", "lockwatch-tray"),
    ] {
        let agent = property_list(&app.join(format!("Contents/Library/LaunchAgents/{name}.plist")));
        assert_eq!(text(&agent, "Label"), name);
        let inside = text(&agent, "BundleProgram");
        assert_eq!(inside, format!("Contents/MacOS/{program}"));
        assert!(app.join(inside).is_file());
        let arguments = agent
            .get("ProgramArguments")
            .and_then(Value::as_array)
            .expect("is there");
        assert_eq!(arguments.first().and_then(Value::as_string), Some(inside));
        let owners = agent
            .get("AssociatedBundleIdentifiers")
            .and_then(Value::as_array)
            .expect("is there");
        assert_eq!(owners, &[Value::from(IDENTIFIER)], "Login Items shows the app");
    }
}
