//! Drawings become pictures, by `cargo xtask icons`.
//!
//! The pictures of the tray's icons stand beside their drawings and are part of the source, so that building the tray takes no
//! renderer; a test holds them to the drawings.

use std::fs;
use std::path::{Path, PathBuf};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::Error;

/// What the icons are called, and the files with their drawings.
const DRAWINGS: [&str; 4] = ["free", "held", "waits", "stuck"];

/// The height of the menu bar's icons in points, and how many pixels a point has: on plain displays and on dense ones.
const POINTS: u32 = 22;
const DENSITIES: [(u32, &str); 2] = [(1, ""), (2, "@2x")];

/// Why a drawing cannot become a picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    /// It is no SVG, or one with something that is not understood.
    #[error("is no SVG that can be drawn ({0})")]
    Drawing(#[from] resvg::usvg::Error),
    /// There is no picture of this size.
    #[error("cannot be drawn with {0} pixels; between 1 and some thousand are possible")]
    Size(u32),
    /// It could not be written as PNG.
    #[error("cannot be written as PNG ({0})")]
    Png(String),
}

/// Draws a square SVG as a PNG that is `pixels` wide and high. What it does not paint is transparent.
pub(crate) fn render(svg: &str, pixels: u32) -> Result<Vec<u8>, RenderError> {
    let tree = Tree::from_str(svg, &Options::default())?;
    let mut picture = Pixmap::new(pixels, pixels).ok_or(RenderError::Size(pixels))?;
    let size = tree.size();
    #[expect(clippy::cast_precision_loss, reason = "pictures have some thousand pixels")]
    let (wide, high) = (pixels as f32 / size.width(), pixels as f32 / size.height());
    resvg::render(&tree, Transform::from_scale(wide, high), &mut picture.as_mut());
    picture
        .encode_png()
        .map_err(|error| RenderError::Png(error.to_string()))
}

/// Draws the tray's icons again, beside their drawings.
pub(crate) fn write(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut written = Vec::new();
    for name in DRAWINGS {
        for (path, picture) in pictures(folder, name)? {
            fs::write(&path, picture).map_err(|source| Error::Write {
                path: path.clone(),
                source,
            })?;
            written.push(path);
        }
    }
    Ok(written)
}

/// The pictures of one drawing, with the names of their files.
fn pictures(folder: &Path, name: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let path = folder.join(format!("{name}.svg"));
    let svg = fs::read_to_string(&path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    let draw = |(density, suffix)| {
        let picture = render(&svg, POINTS * density).map_err(|source| Error::Render {
            path: path.clone(),
            source,
        })?;
        Ok((folder.join(format!("{name}{suffix}.png")), picture))
    };
    DENSITIES.into_iter().map(draw).collect()
}

/// Where the tray's icons are, in this source tree.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tray/icons")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_are_those_of_the_drawings() {
        for name in DRAWINGS {
            for (path, picture) in pictures(&folder(), name).expect("is drawn") {
                let committed = fs::read(&path).expect("is there");
                assert!(
                    committed == picture,
                    "{} is not what its drawing says: run `cargo xtask icons`",
                    path.display()
                );
            }
        }
    }

    #[test]
    fn a_picture_has_the_size_that_was_wanted() {
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><path d="M0 0h1v1H0Z"/></svg>"#;
        let picture = Pixmap::decode_png(&render(svg, 8).expect("is drawn")).expect("is a picture");
        assert_eq!((picture.width(), picture.height()), (8, 8));
        let opacity = |x, y| picture.pixel(x, y).expect("is inside").alpha();
        assert_eq!(
            [opacity(0, 0), opacity(3, 3), opacity(4, 4), opacity(7, 0)],
            [255, 255, 0, 0]
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        assert!(matches!(render("no drawing", 8), Err(RenderError::Drawing(_))));
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>"#;
        assert!(matches!(render(svg, 0), Err(RenderError::Size(0))));
    }
}
