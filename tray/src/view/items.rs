//! The rows of a model as items of a menu.

use tray_icon::menu::{CheckMenuItem, IsMenuItem, Menu, MenuId, MenuItem, PredefinedMenuItem, Result, Submenu};

use crate::menu::{Action, Kind, Row};

/// A menu, or one inside of it.
#[derive(Clone, Copy)]
pub(super) enum Level<'a> {
    Root(&'a Menu),
    Group(&'a Submenu),
}

impl Level<'_> {
    fn insert(self, item: &dyn IsMenuItem, place: usize) -> Result<()> {
        match self {
            Self::Root(menu) => menu.insert(item, place),
            Self::Group(menu) => menu.insert(item, place),
        }
    }

    fn remove(self, item: &dyn IsMenuItem) -> Result<()> {
        match self {
            Self::Root(menu) => menu.remove(item),
            Self::Group(menu) => menu.remove(item),
        }
    }
}

/// A row with the item that shows it.
pub(super) struct Shown {
    row: Row,
    item: Item,
}

enum Item {
    Plain(MenuItem),
    Check(CheckMenuItem),
    Separator(PredefinedMenuItem),
    Group(Submenu, Vec<Shown>),
}

impl Shown {
    fn new(row: &Row) -> Result<Self> {
        let label = label(&row.text);
        let item = match &row.kind {
            Kind::Text => Item::Plain(MenuItem::new(label, false, None)),
            Kind::Choice(_) => Item::Plain(MenuItem::new(label, true, None)),
            Kind::Check { on, action } => Item::Check(CheckMenuItem::new(label, action.is_some(), *on, None)),
            Kind::Separator => Item::Separator(PredefinedMenuItem::separator()),
            Kind::Group(rows) => {
                let menu = Submenu::new(label, true);
                let mut shown = Vec::new();
                show(Level::Group(&menu), &mut shown, rows)?;
                Item::Group(menu, shown)
            }
        };
        Ok(Self { row: row.clone(), item })
    }

    fn item(&self) -> &dyn IsMenuItem {
        match &self.item {
            Item::Plain(item) => item,
            Item::Check(item) => item,
            Item::Separator(item) => item,
            Item::Group(item, _) => item,
        }
    }

    /// Whether the item can show a row too.
    fn is_of_the_kind_of(&self, row: &Row) -> bool {
        matches!(
            (&self.item, &row.kind),
            (Item::Plain(_), Kind::Text | Kind::Choice(_))
                | (Item::Check(_), Kind::Check { .. })
                | (Item::Separator(_), Kind::Separator)
                | (Item::Group(..), Kind::Group(_))
        )
    }

    /// Shows another row of the same kind; what is in a group is shown by its own.
    fn set(&mut self, row: &Row) {
        if self.row == *row {
            return;
        }
        let text = (self.row.text != row.text).then(|| label(&row.text));
        match (&self.item, &row.kind) {
            (Item::Plain(item), kind) => {
                set_text(text, |text| item.set_text(text));
                let enabled = matches!(kind, Kind::Choice(_));
                if enabled != matches!(self.row.kind, Kind::Choice(_)) {
                    item.set_enabled(enabled);
                }
            }
            (Item::Check(item), Kind::Check { on, action }) => {
                set_text(text, |text| item.set_text(text));
                if item.is_checked() != *on {
                    item.set_checked(*on);
                }
                if item.is_enabled() != action.is_some() {
                    item.set_enabled(action.is_some());
                }
            }
            (Item::Group(menu, _), _) => set_text(text, |text| menu.set_text(text)),
            _ => {}
        }
        self.row = row.clone();
    }

    fn action(&self) -> Option<Action> {
        match self.row.kind {
            Kind::Choice(action) => Some(action),
            Kind::Check { action, .. } => action,
            _ => None,
        }
    }
}

fn set_text(text: Option<String>, set: impl FnOnce(String)) {
    if let Some(text) = text {
        set(text);
    }
}

/// Shows rows. Those at the beginning and at the end that can stay do; what is between them comes and goes one by one: a menu
/// that is made anew closes under the pointer.
pub(super) fn show(level: Level<'_>, shown: &mut Vec<Shown>, rows: &[Row]) -> Result<()> {
    let same = |(shown, row): &(&Shown, &Row)| shown.is_of_the_kind_of(row) && shown.row.key == row.key;
    let most = shown.len().min(rows.len());
    let before = shown.iter().zip(rows).take_while(same).count();
    let ends = shown.iter().rev().zip(rows.iter().rev());
    let after = ends.take(most - before).take_while(same).count();

    let (old, new) = (shown.len() - before - after, rows.len() - before - after);
    // Where the kinds agree, the item shows another row.
    let kept = shown[before..before + old].iter().zip(&rows[before..before + new]);
    let kept = before + kept.take_while(|(shown, row)| shown.is_of_the_kind_of(row)).count();
    for gone in shown.drain(kept..before + old).rev() {
        level.remove(gone.item())?;
    }
    for (place, row) in rows.iter().enumerate().take(before + new).skip(kept) {
        let item = Shown::new(row)?;
        level.insert(item.item(), place)?;
        shown.insert(place, item);
    }
    for (shown, row) in shown.iter_mut().zip(rows) {
        shown.set(row);
        if let (Item::Group(menu, inner), Kind::Group(rows)) = (&mut shown.item, &row.kind) {
            show(Level::Group(menu), inner, rows)?;
        }
    }
    Ok(())
}

/// Whether rows can be shown without one coming, going or turning into another one.
pub(super) fn has_rows_for(shown: &[Shown], rows: &[Row]) -> bool {
    shown.len() == rows.len()
        && shown.iter().zip(rows).all(|(shown, row)| {
            let inside = match (&shown.item, &row.kind) {
                (Item::Group(_, inner), Kind::Group(rows)) => has_rows_for(inner, rows),
                _ => true,
            };
            shown.row.key == row.key && shown.is_of_the_kind_of(row) && inside
        })
}

/// Has the rows that are shown say what is so now, each where it is. A choice that is no more is greyed out.
pub(super) fn refresh(shown: &mut [Shown], rows: &[Row]) {
    for shown in shown {
        let now = rows
            .iter()
            .find(|row| row.key == shown.row.key && shown.is_of_the_kind_of(row));
        match now {
            Some(row) => shown.set(row),
            None if matches!(shown.row.kind, Kind::Choice(_)) => {
                let gone = Row {
                    kind: Kind::Text,
                    ..shown.row.clone()
                };
                shown.set(&gone);
            }
            None => {}
        }
        if let Item::Group(_, inner) = &mut shown.item {
            let rows = match now.map(|row| &row.kind) {
                Some(Kind::Group(rows)) => rows.as_slice(),
                _ => &[],
            };
            refresh(inner, rows);
        }
    }
}

/// What the row with an id is for.
pub(super) fn chosen(shown: &[Shown], id: &MenuId) -> Option<Action> {
    shown.iter().find_map(|shown| match &shown.item {
        Item::Plain(item) if item.id() == id => shown.action(),
        Item::Check(item) if item.id() == id => {
            // The click has switched it already; it shows what is so, not what was wished.
            if let Kind::Check { on, .. } = shown.row.kind {
                item.set_checked(on);
            }
            shown.action()
        }
        Item::Group(_, inner) => chosen(inner, id),
        _ => None,
    })
}

/// A text as the name of a row, where `&` would underline the next character.
fn label(text: &str) -> String {
    text.replace('&', "&&")
}

#[cfg(test)]
mod tests;
