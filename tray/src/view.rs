//! The model becomes an icon with a menu. Only what changed is set: each call costs the desktop a redraw.

use tray_icon::menu::{Menu, MenuItem, PredefinedMenuItem};
use tray_icon::{BadIcon, Icon, TrayIcon, TrayIconBuilder};

use crate::icon::{SIZE, Shape};
use crate::menu::Model;

/// The id of the one row that does something.
pub(crate) const QUIT: &str = "quit";

/// What comes before the rows of a model: the headline.
const ROWS_BEGIN: usize = 1;

/// The icon or its menu could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Tray(#[from] tray_icon::Error),
    #[error(transparent)]
    Menu(#[from] tray_icon::menu::Error),
    #[error(transparent)]
    Icon(#[from] BadIcon),
}

/// The icon with its menu: the headline, the rows, a separator, `Quit`.
///
/// The menu is made once. Texts change in place, and rows come and go at the end of their list only, one by one: a menu
/// that is made anew closes under the pointer.
pub(crate) struct View {
    tray: TrayIcon,
    menu: Menu,
    headline: MenuItem,
    rows: Vec<MenuItem>,
    shown: Model,
}

impl View {
    /// Puts the icon up.
    pub(crate) fn new(model: Model) -> Result<Self, Error> {
        let menu = Menu::new();
        let headline = text_row(&model.headline);
        menu.append(&headline)?;
        let rows: Vec<MenuItem> = model.rows.iter().map(|row| text_row(row)).collect();
        for row in &rows {
            menu.append(row)?;
        }
        menu.append(&PredefinedMenuItem::separator())?;
        menu.append(&MenuItem::with_id(QUIT, "Quit", true, None))?;
        let tray = builder(icon(model.icon)?)
            .with_menu(Box::new(menu.clone()))
            .with_tooltip(tooltip(&model.tooltip))
            .build()?;
        Ok(Self {
            tray,
            menu,
            headline,
            rows,
            shown: model,
        })
    }

    /// What it shows.
    #[cfg(target_os = "linux")]
    pub(crate) fn shown(&self) -> &Model {
        &self.shown
    }

    /// Whether a model can be shown without a row coming or going.
    #[cfg(target_os = "macos")]
    pub(crate) fn has_rows_for(&self, model: &Model) -> bool {
        self.rows.len() == model.rows.len()
    }

    /// Shows a model.
    pub(crate) fn show(&mut self, model: Model) -> Result<(), Error> {
        if model.icon != self.shown.icon {
            set_icon(&self.tray, icon(model.icon)?)?;
        }
        if model.tooltip != self.shown.tooltip {
            self.tray.set_tooltip(Some(tooltip(&model.tooltip)))?;
        }
        if model.headline != self.shown.headline {
            self.headline.set_text(label(&model.headline));
        }
        let texts = self.rows.iter().zip(&self.shown.rows).zip(&model.rows);
        for ((row, _), new) in texts.filter(|((_, old), new)| old != new) {
            row.set_text(label(new));
        }
        for row in self.rows.drain(model.rows.len().min(self.rows.len())..).rev() {
            self.menu.remove(&row)?;
        }
        for text in &model.rows[self.rows.len()..] {
            let row = text_row(text);
            self.menu.insert(&row, ROWS_BEGIN + self.rows.len())?;
            self.rows.push(row);
        }
        self.shown = model;
        Ok(())
    }
}

/// A row to be read, not chosen.
fn text_row(text: &str) -> MenuItem {
    MenuItem::new(label(text), false, None)
}

/// A text as the name of a row, where `&` would underline the next character.
fn label(text: &str) -> String {
    text.replace('&', "&&")
}

fn icon(shape: Shape) -> Result<Icon, Error> {
    Ok(Icon::from_rgba(shape.rgba(colour(shape)), SIZE, SIZE)?)
}

#[cfg(target_os = "macos")]
mod platform {
    use super::{Icon, Shape, TrayIcon, TrayIconBuilder};

    /// Where the user drags the icon is remembered under this name. The system's own name for it is shared with other
    /// programs, and has made icons vanish.
    const AUTOSAVE_NAME: &str = "lockwatch";

    pub(super) fn builder(icon: Icon) -> TrayIconBuilder {
        TrayIconBuilder::new()
            .with_autosave_name(AUTOSAVE_NAME)
            .with_icon_templated(icon)
    }

    pub(super) fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
        tray.set_icon_templated(Some(icon))
    }

    /// None: the menu bar paints the shape itself.
    pub(super) fn colour(_: Shape) -> [u8; 3] {
        [0; 3]
    }

    pub(super) fn tooltip(text: &str) -> String {
        text.to_owned()
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use super::{Icon, Shape, TrayIcon, TrayIconBuilder};

    pub(super) fn builder(icon: Icon) -> TrayIconBuilder {
        // The desktop remembers by the id whether the icon is to be hidden. The title is what a screen reader says.
        TrayIconBuilder::new()
            .with_id("lockwatch")
            .with_title("lockwatch")
            .with_icon(icon)
    }

    pub(super) fn set_icon(tray: &TrayIcon, icon: Icon) -> tray_icon::Result<()> {
        tray.set_icon(Some(icon))
    }

    /// One that can be seen on a dark panel and on a light one. It repeats what the shape says.
    pub(super) fn colour(shape: Shape) -> [u8; 3] {
        match shape {
            Shape::Free | Shape::Held => [0x80, 0x80, 0x80],
            Shape::Contended => [0xd0, 0x7a, 0x00],
            Shape::Stuck => [0xe0, 0x3c, 0x31],
        }
    }

    /// Some desktops read a tooltip as HTML, some do not: so what would be a tag there becomes what looks alike.
    pub(super) fn tooltip(text: &str) -> String {
        text.replace('<', "‹").replace('>', "›")
    }
}

use platform::{builder, colour, set_icon, tooltip};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ampersand_underlines_nothing() {
        assert_eq!(label("cargo run -- a&b && c"), "cargo run -- a&&b &&&& c");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_makes_no_html() {
        assert_eq!(tooltip("cargo <b>x</b> & y"), "cargo ‹b›x‹/b› & y");
    }
}
