//! The model becomes an icon with a menu. Only what changed is set: each call costs the desktop a redraw.
//!
//! While the menu is open no row comes or goes: texts change in place, a choice that means nothing any more is greyed out, and
//! the rest waits until the menu is closed.

mod items;

use tray_icon::menu::{Menu, MenuId};
use tray_icon::{BadIcon, Icon, TrayIcon};

use self::items::{Level, Shown};
use crate::event_loop::platform;
use crate::icon::{SIZE, Shape};
use crate::menu::{Action, Model};

/// The icon or its menu could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Tray(#[from] tray_icon::Error),
    #[error(transparent)]
    Menu(#[from] tray_icon::menu::Error),
    #[error(transparent)]
    Icon(#[from] BadIcon),
    #[error(transparent)]
    Picture(#[from] png::DecodingError),
}

/// The icon with its menu.
pub(crate) struct View {
    tray: TrayIcon,
    menu: Menu,
    rows: Vec<Shown>,
    shown: Model,
    /// What is to be shown when the menu is closed.
    pending: Option<Model>,
}

impl View {
    /// Puts the icon up.
    pub(crate) fn new(model: Model) -> Result<Self, Error> {
        let menu = Menu::new();
        let mut rows = Vec::new();
        items::show(Level::Root(&menu), &mut rows, &model.rows)?;
        let tray = platform::builder(icon(model.icon)?)
            .with_menu(Box::new(menu.clone()))
            .with_tooltip(platform::tooltip(&model.tooltip))
            .build()?;
        let view = Self {
            tray,
            menu,
            rows,
            shown: model,
            pending: None,
        };
        platform::set_title(&view.tray, view.shown.title.as_deref());
        Ok(view)
    }

    /// Shows a model, as far as that can be while the menu is open.
    pub(crate) fn show(&mut self, model: Model, menu_is_open: bool) -> Result<(), Error> {
        if model.icon != self.shown.icon {
            platform::set_icon(&self.tray, icon(model.icon)?)?;
        }
        if model.title != self.shown.title {
            platform::set_title(&self.tray, model.title.as_deref());
        }
        if model.tooltip != self.shown.tooltip {
            self.tray.set_tooltip(Some(platform::tooltip(&model.tooltip)))?;
        }
        self.pending = None;
        if menu_is_open && !items::has_rows_for(&self.rows, &model.rows) {
            items::refresh(&mut self.rows, &model.rows);
            self.pending = Some(model.clone());
        } else {
            items::show(Level::Root(&self.menu), &mut self.rows, &model.rows)?;
        }
        self.shown = model;
        Ok(())
    }

    /// The menu is closed: what had to wait for that is shown.
    pub(crate) fn closed(&mut self) -> Result<(), Error> {
        match self.pending.take() {
            Some(model) => Ok(items::show(Level::Root(&self.menu), &mut self.rows, &model.rows)?),
            None => Ok(()),
        }
    }

    /// What the row with an id is for, if it can be chosen. Over D-Bus a disabled row can be "clicked" too.
    pub(crate) fn chosen(&self, id: &MenuId) -> Option<Action> {
        items::chosen(&self.rows, id)
    }
}

fn icon(shape: Shape) -> Result<Icon, Error> {
    Ok(Icon::from_rgba(shape.rgba(platform::colour(shape))?, SIZE, SIZE)?)
}
