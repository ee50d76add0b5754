//! The icon of the app in all sizes that macOS asks for, in one `.icns` file.

use std::io::Cursor;

use icns::{IconFamily, IconType, Image};

use crate::Error;
use crate::icons::render;

/// The sizes, as `iconutil` of macOS makes them from an icon set. The small two are stored as macOS has done longest, because
/// it does not show them as PNG everywhere.
const SIZES: [IconType; 10] = [
    IconType::RGB24_16x16,
    IconType::RGBA32_16x16_2x,
    IconType::RGB24_32x32,
    IconType::RGBA32_32x32_2x,
    IconType::RGBA32_128x128,
    IconType::RGBA32_128x128_2x,
    IconType::RGBA32_256x256,
    IconType::RGBA32_256x256_2x,
    IconType::RGBA32_512x512,
    IconType::RGBA32_512x512_2x,
];

/// The icon, from its drawing.
pub(super) fn icns(svg: &str) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Icon(error.to_string());
    let mut family = IconFamily::new();
    for size in SIZES {
        let png = render(svg, size.pixel_width()).map_err(|error| failed(&error))?;
        let image = Image::read_png(Cursor::new(png)).map_err(|error| failed(&error))?;
        family
            .add_icon_with_type(&image, size)
            .map_err(|error| failed(&error))?;
    }
    let mut bytes = Vec::new();
    family.write(&mut bytes).map_err(|error| failed(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_is_the_drawing() {
        let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><path fill="#f00" d="M0 0h2v1H0Z"/></svg>"##;
        let family = IconFamily::read(Cursor::new(icns(svg).expect("is drawn"))).expect("is an icon");
        for size in SIZES {
            let image = family.get_icon_with_type(size).expect("is there");
            let (wide, high) = (size.pixel_width(), size.pixel_height());
            assert_eq!((image.width(), image.height()), (wide, high));
            // Red above, nothing below.
            let image = image.convert_to(icns::PixelFormat::RGBA);
            let (first, last) = (&image.data()[..4], &image.data()[image.data().len() - 4..]);
            assert_eq!((first, last[3]), (&[255, 0, 0, 255][..], 0), "{size:?}");
        }
    }

    #[test]
    fn what_is_no_drawing_is_said() {
        let error = icns("no drawing").expect_err("is none").to_string();
        assert!(error.starts_with("the drawing of the app's icon is no SVG"), "{error}");
    }
}
