//! The four shapes of the icon, told apart without colour. They are drawn in `tray/icons`; `cargo xtask icons` makes the
//! pictures of the drawings.

/// The width and height in pixels: the menu bar of a Mac is 22 points high, and a point has two pixels there.
pub(crate) const SIZE: u32 = 44;

/// What the icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// No lock is held: an open lock, in outline.
    Free,
    /// One is, and nobody waits: a closed lock.
    Held,
    /// Somebody waits: a closed lock, and a queue of three dots beside it.
    Waits,
    /// A holder is stuck, or the locks cannot be seen: a stop sign.
    Stuck,
}

impl Shape {
    /// The pixels from the top left, four bytes each, in one colour.
    pub(crate) fn rgba(self, colour: [u8; 3]) -> Result<Vec<u8>, png::DecodingError> {
        let picture: &[u8] = match self {
            Self::Free => include_bytes!("../icons/free@2x.png"),
            Self::Held => include_bytes!("../icons/held@2x.png"),
            Self::Waits => include_bytes!("../icons/waits@2x.png"),
            Self::Stuck => include_bytes!("../icons/stuck@2x.png"),
        };
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info()?;
        let mut pixels = vec![0; (SIZE * SIZE * 4) as usize];
        reader.next_frame(&mut pixels)?;
        for pixel in pixels.chunks_exact_mut(4) {
            pixel[..3].copy_from_slice(&colour);
        }
        Ok(pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Shape; 4] = [Shape::Free, Shape::Held, Shape::Waits, Shape::Stuck];

    fn pixels(shape: Shape) -> Vec<u8> {
        shape.rgba([1, 2, 3]).expect("is a picture")
    }

    fn opacities(shape: Shape) -> Vec<u8> {
        pixels(shape).into_iter().skip(3).step_by(4).collect()
    }

    #[test]
    fn it_has_four_bytes_for_each_pixel() {
        for shape in ALL {
            assert_eq!(pixels(shape).len(), (SIZE * SIZE * 4) as usize);
            assert!(pixels(shape).chunks(4).all(|pixel| pixel.starts_with(&[1, 2, 3])));
        }
    }

    /// A difference that a person sees: in a tenth of all pixels at least, and not by a shade.
    #[test]
    fn the_shapes_differ_without_colour() {
        for (place, one) in ALL.into_iter().enumerate() {
            for other in &ALL[place + 1..] {
                let pairs = opacities(one).into_iter().zip(opacities(*other));
                let differing = pairs.filter(|(one, other)| one.abs_diff(*other) > 128).count();
                assert!(
                    differing * 10 > (SIZE * SIZE) as usize,
                    "{one:?} and {other:?} differ in {differing} pixels"
                );
            }
        }
    }

    #[test]
    fn the_border_is_clear() {
        for shape in ALL {
            let opacities = opacities(shape);
            let side = SIZE as usize;
            for (place, opacity) in opacities.iter().enumerate() {
                let (x, y) = (place % side, place / side);
                if [x, y].iter().any(|at| *at < 3 || *at >= side - 3) {
                    assert_eq!(*opacity, 0, "{shape:?} at {x}, {y}");
                }
            }
            assert!(opacities.contains(&255), "{shape:?}");
        }
    }
}
