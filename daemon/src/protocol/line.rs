//! Bytes become lines, and no line gets longer than its bound. Pure.

/// Takes bytes as they come and gives whole lines.
///
/// It never keeps more than the bound. Of a longer line it says so once, at the byte that is too many, and goes on behind
/// its end.
#[derive(Debug)]
pub struct LineDecoder {
    limit: usize,
    begun: Vec<u8>,
    skipping: bool,
}

/// What the bytes hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// A line with more bytes than the bound; it is skipped.
    TooLong,
}

impl LineDecoder {
    /// For lines of at most `limit` bytes, their ends not counted.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            begun: Vec::new(),
            skipping: false,
        }
    }

    /// Takes bytes off the front up to the end of the next line and gives it; none where they end before.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Option<Line> {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let fits = part.len() <= self.limit - self.begun.len();
            *bytes = end.map_or(&[], |end| &bytes[end + 1..]);
            if self.skipping {
                self.skipping = end.is_none();
            } else if !fits {
                self.begun = Vec::new();
                self.skipping = end.is_none();
                return Some(Line::TooLong);
            } else {
                self.begun.extend_from_slice(part);
                if end.is_some() {
                    return Some(Line::Whole(std::mem::take(&mut self.begun)));
                }
            }
        }
        None
    }

    /// What came after the last line's end, when no more comes: a last line may lack its end.
    pub fn rest(&mut self) -> Option<Line> {
        self.skipping = false;
        (!self.begun.is_empty()).then(|| Line::Whole(std::mem::take(&mut self.begun)))
    }

    /// Whether a line has begun and not ended, be it one that is skipped.
    pub fn is_within_a_line(&self) -> bool {
        self.skipping || !self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All lines of some bytes that come in the given pieces, and the most that was kept.
    fn lines<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Line>, usize) {
        let mut decoder = LineDecoder::new(limit);
        let (mut found, mut most) = (Vec::new(), 0);
        for mut piece in pieces {
            while let Some(line) = decoder.take(&mut piece) {
                found.push(line);
            }
            most = most.max(decoder.begun.len());
        }
        found.extend(decoder.rest());
        (found, most)
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    #[test]
    fn lines_and_what_is_too_long() {
        for (bytes, expected) in [
            ("", vec![]),
            ("a\n", vec![whole("a")]),
            ("a\nbc", vec![whole("a"), whole("bc")]),
            ("\n\n", vec![whole(""), whole("")]),
            ("abcd\n", vec![whole("abcd")]),
            ("abcde\nf\n", vec![Line::TooLong, whole("f")]),
            ("abcdefghi", vec![Line::TooLong]),
            ("abcdefghi\n\nj", vec![Line::TooLong, whole(""), whole("j")]),
        ] {
            assert_eq!(lines(4, [bytes.as_bytes()]).0, expected, "{bytes:?}");
        }
    }

    #[test]
    fn it_tells_that_a_line_has_begun() {
        let mut decoder = LineDecoder::new(2);
        for (bytes, within) in [
            ("", false),
            ("a", true),
            ("\n", false),
            ("abc", true),
            ("d", true),
            ("\n", false),
        ] {
            let mut bytes = bytes.as_bytes();
            while decoder.take(&mut bytes).is_some() {}
            assert_eq!(decoder.is_within_a_line(), within);
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines_and_keeps_no_more_than_the_bound(
            bytes in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..200),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
            limit in 0_usize..20,
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            let (split, most) = lines(limit, pieces);
            prop_assert!(most <= limit);
            prop_assert_eq!(&split, &lines(limit, [bytes.as_slice()]).0);
            let mut by_hand: Vec<Line> = bytes
                .split(|byte| *byte == b'\n')
                .map(|line| if line.len() > limit { Line::TooLong } else { Line::Whole(line.to_vec()) })
                .collect();
            // After the last end of a line nothing came.
            by_hand.pop_if(|last| *last == Line::Whole(Vec::new()));
            prop_assert_eq!(split, by_hand);
        }
    }
}
