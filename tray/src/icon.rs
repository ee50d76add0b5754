//! The four shapes of the icon, told apart without colour. Pure.
//!
//! They are drawn on a grid of whole numbers, [`FINE`] steps to a pixel, and a pixel is as opaque as many of its steps
//! are inside.

/// The width and height in pixels: the menu bar of a Mac is 22 points high, and a point has two pixels.
pub(crate) const SIZE: u32 = 44;

/// Steps to a pixel, in each direction.
const FINE: i32 = 4;

/// What the icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// No lock is held: an open lock, in outline.
    Free,
    /// One is, and nobody waits: a closed lock.
    Held,
    /// Somebody waits: a closed lock, and a queue of three dots beside it.
    Contended,
    /// A holder is stuck, or the locks cannot be seen: a stop sign.
    Stuck,
}

impl Shape {
    /// The pixels from the top left, four bytes each, in one colour.
    pub(crate) fn rgba(self, [red, green, blue]: [u8; 3]) -> Vec<u8> {
        let pixels = (0..SIZE.cast_signed()).flat_map(|y| (0..SIZE.cast_signed()).map(move |x| (x, y)));
        pixels
            .flat_map(|(x, y)| [red, green, blue, self.opacity(x, y)])
            .collect()
    }

    fn opacity(self, x: i32, y: i32) -> u8 {
        let steps = (0..FINE).flat_map(|down| (0..FINE).map(move |right| (x * FINE + right, y * FINE + down)));
        let inside = steps.filter(|(x, y)| self.contains(Point { x: *x, y: *y })).count();
        u8::try_from(inside * 255 / steps_in_a_pixel()).unwrap_or(u8::MAX)
    }

    fn contains(self, at: Point) -> bool {
        match self {
            Self::Free => open_lock(at),
            Self::Held => closed_lock(at),
            Self::Contended => closed_lock(at.moved(24, 0)) || queue(at),
            Self::Stuck => stop_sign(at),
        }
    }
}

/// A place on the fine grid: 176 steps wide and high.
#[derive(Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

impl Point {
    fn moved(self, right: i32, down: i32) -> Self {
        Self {
            x: self.x + right,
            y: self.y + down,
        }
    }

    /// Whether it is in the circle around another point.
    fn is_near(self, x: i32, y: i32, radius: i32) -> bool {
        (self.x - x).pow(2) + (self.y - y).pow(2) <= radius.pow(2)
    }

    /// Whether it is in a box with round corners.
    fn is_in(self, (left, top): (i32, i32), (right, bottom): (i32, i32), round: i32) -> bool {
        let (x, y) = (
            self.x.clamp(left + round, right - round),
            self.y.clamp(top + round, bottom - round),
        );
        self.is_near(x, y, round)
    }
}

fn steps_in_a_pixel() -> usize {
    FINE.unsigned_abs().pow(2) as usize
}

/// The bow of a lock: a half ring with straight legs down to `end`.
fn bow(at: Point, middle: i32, top: i32, legs_end: (i32, i32)) -> bool {
    let (outer, inner) = (34, 20);
    let centre = top + outer;
    let ring = at.y <= centre && at.is_near(middle, centre, outer) && !at.is_near(middle, centre, inner);
    let leg = |from: i32, end: i32| at.y >= centre && at.y <= end && (from..=from + outer - inner).contains(&at.x);
    ring || leg(middle - outer, legs_end.0) || leg(middle + inner, legs_end.1)
}

fn closed_lock(at: Point) -> bool {
    let body = at.is_in((36, 76), (140, 156), 12);
    let keyhole = at.is_near(88, 110, 11) || at.is_in((82, 108), (94, 136), 4);
    body && !keyhole || bow(at, 88, 20, (80, 80))
}

fn open_lock(at: Point) -> bool {
    let body = at.is_in((24, 76), (128, 156), 12) && !at.is_in((37, 89), (115, 143), 4);
    body || bow(at, 128, 20, (80, 78))
}

/// Three dots in a column at the right.
fn queue(at: Point) -> bool {
    [36, 88, 140].into_iter().any(|y| at.is_near(146, y, 16))
}

/// An octagon with an exclamation mark cut out.
fn stop_sign(at: Point) -> bool {
    let (x, y) = ((at.x - 88).abs(), (at.y - 88).abs());
    let octagon = x <= 72 && y <= 72 && x + y <= 102;
    let mark = at.is_in((79, 46), (97, 102), 9) || at.is_near(88, 124, 11);
    octagon && !mark
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Shape; 4] = [Shape::Free, Shape::Held, Shape::Contended, Shape::Stuck];

    fn opacities(shape: Shape) -> Vec<u8> {
        shape.rgba([0; 3]).into_iter().skip(3).step_by(4).collect()
    }

    #[test]
    fn it_has_four_bytes_for_each_pixel() {
        for shape in ALL {
            assert_eq!(shape.rgba([1, 2, 3]).len(), (SIZE * SIZE * 4) as usize);
            assert!(
                shape
                    .rgba([1, 2, 3])
                    .chunks(4)
                    .all(|pixel| pixel.starts_with(&[1, 2, 3]))
            );
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
