//! What is special about an icon on Linux.

use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use crate::icon::Shape;

pub(crate) fn builder(icon: Icon) -> TrayIconBuilder {
    // The desktop remembers by the id whether the icon is to be hidden. The title is what a screen reader says.
    TrayIconBuilder::new()
        .with_id("lockwatch")
        .with_title("lockwatch")
        .with_icon(icon)
}

pub(crate) fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
    tray.set_icon(Some(icon))
}

/// Nothing: there is no room beside an icon.
pub(crate) fn set_title(_: &TrayIcon, _: Option<&str>) {}

/// One that can be seen on a dark panel and on a light one. It repeats what the shape says.
pub(crate) fn colour(shape: Shape) -> [u8; 3] {
    match shape {
        Shape::Free | Shape::Held => [0x80, 0x80, 0x80],
        Shape::Waits => [0xd0, 0x7a, 0x00],
        Shape::Stuck => [0xe0, 0x3c, 0x31],
    }
}

/// Some desktops read a tooltip as HTML, some do not: so what would be a tag there becomes what looks alike.
pub(crate) fn tooltip(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_no_html() {
        assert_eq!(tooltip("cargo <b>x</b> & y"), "cargo ‹b›x‹/b› & y");
    }
}
