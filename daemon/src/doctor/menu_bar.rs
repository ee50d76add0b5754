//! The icon in the menu bar of macOS 26, which the user can switch off for each app, and which some apps never get.

use std::path::Path;

use super::Check;
use crate::process;

/// Where macOS says which one it is.
const SYSTEM_VERSION: &str = "/System/Library/CoreServices/SystemVersion.plist";
/// The first with `Allow in the Menu Bar`.
const FIRST: u32 = 26;

pub(super) fn checks() -> Vec<Check> {
    let told = std::fs::read_to_string(Path::new(SYSTEM_VERSION)).ok();
    let major = told.as_deref().and_then(major);
    let is_running = || !process::named(|name| name == "lockwatch-tray").is_empty();
    match major {
        Some(major) if major >= FIRST && is_running() => vec![Check::not_made(
            "the icon in the menu bar",
            &"macOS does not tell programs whether it shows an icon; if it is missing, switch lockwatch on under System Settings, \
             Menu Bar: open x-apple.systempreferences:com.apple.MenuBarSettings",
        )],
        _ => Vec::new(),
    }
}

/// The first number of the version in the property list.
fn major(plist: &str) -> Option<u32> {
    let (_, after) = plist.split_once("<key>ProductVersion</key>")?;
    let (_, value) = after.split_once("<string>")?;
    value.split(['.', '<']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        let plist = |version: &str| {
            format!(
                "<dict>\n\t<key>ProductName</key>\n\t<string>macOS</string>\n\t<key>ProductVersion</key>\n\t<string>{version}</string>\n</dict>"
            )
        };
        assert_eq!(major(&plist("26.1")), Some(26));
        assert_eq!(major(&plist("14.7.2")), Some(14));
        assert_eq!(major("<dict></dict>"), None);
    }
}
