//! What is special about an icon in the menu bar of macOS.

use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use crate::icon::Shape;

/// Where the user drags the icon is remembered under this name. The system's own name for it is shared with other
/// programs, and has made icons vanish.
const AUTOSAVE_NAME: &str = "lockwatch";

pub(crate) fn builder(icon: Icon) -> TrayIconBuilder {
    TrayIconBuilder::new()
        .with_autosave_name(AUTOSAVE_NAME)
        .with_icon_templated(icon)
}

pub(crate) fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
    tray.set_icon_templated(Some(icon))
}

/// The text beside the icon.
pub(crate) fn set_title(tray: &TrayIcon, title: Option<&str>) {
    tray.set_title(title);
}

/// None: the menu bar paints the shape itself.
pub(crate) fn colour(_: Shape) -> [u8; 3] {
    [0; 3]
}

pub(crate) fn tooltip(text: &str) -> String {
    text.to_owned()
}
