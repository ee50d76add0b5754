//! `Info.plist`: what macOS reads before it starts the app.

use plist::{Dictionary, Value};

use super::IDENTIFIER;
use crate::Error;
use crate::programs::TRAY;

/// The file with the icon, under `Resources`.
pub(super) const ICON: &str = "Lockwatch.icns";

/// The keys are described in Apple's "Information Property List".
pub(super) fn property_list() -> Result<Vec<u8>, Error> {
    let version = env!("CARGO_PKG_VERSION");
    let texts = [
        ("CFBundleDevelopmentRegion", "en"),
        ("CFBundleDisplayName", "Lockwatch"),
        ("CFBundleExecutable", TRAY),
        ("CFBundleIconFile", ICON),
        ("CFBundleIdentifier", IDENTIFIER),
        ("CFBundleInfoDictionaryVersion", "6.0"),
        ("CFBundleName", "Lockwatch"),
        ("CFBundlePackageType", "APPL"),
        ("CFBundleShortVersionString", version),
        ("CFBundleVersion", version),
        ("LSApplicationCategoryType", "public.app-category.developer-tools"),
        // That of MACOSX_DEPLOYMENT_TARGET in the workflows.
        ("LSMinimumSystemVersion", "14.0"),
        ("NSHumanReadableCopyright", "MIT OR Apache-2.0"),
    ];
    let switches = [
        ("LSUIElement", true),             // in the menu bar, not in the Dock
        ("NSHighResolutionCapable", true), // without it the menu is drawn with half of the pixels
        // The system ends apps without windows when memory is short, or at log-out without a word.
        ("NSSupportsAutomaticTermination", false),
        ("NSSupportsSuddenTermination", false),
    ];
    let texts = texts.map(|(key, text)| (key.to_owned(), Value::from(text)));
    let switches = switches.map(|(key, on)| (key.to_owned(), Value::from(on)));
    let dictionary: Dictionary = texts.into_iter().chain(switches).collect();
    written(&Value::from(dictionary), "Info.plist")
}

/// A property list as XML.
pub(super) fn written(value: &Value, name: &'static str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    value
        .to_writer_xml(&mut bytes)
        .map_err(|source| Error::PropertyList { name, source })?;
    bytes.push(b'\n');
    Ok(bytes)
}
