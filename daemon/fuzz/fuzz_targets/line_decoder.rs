//! Bytes in pieces against the same bytes whole, and both against a plain splitting by hand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockwatch::protocol::line::{Line, LineDecoder};

/// In an input a `|` is where one piece ends and the next begins; its first byte is the bound.
const CUT: u8 = b'|';

fuzz_target!(|input: &[u8]| {
    let Some((limit, text)) = input.split_first() else {
        return;
    };
    let limit = usize::from(*limit);
    let whole: Vec<u8> = text.iter().copied().filter(|byte| *byte != CUT).collect();
    let expected = by_hand(limit, &whole);
    assert_eq!(lines(limit, text.split(|byte| *byte == CUT)), expected, "in pieces");
    assert_eq!(lines(limit, [whole.as_slice()]), expected, "whole");
    assert_eq!(lines(limit, whole.chunks(1)), expected, "byte by byte");
});

fn lines<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Line> {
    let mut decoder = LineDecoder::new(limit);
    let mut found = Vec::new();
    for mut piece in pieces {
        while let Some(line) = decoder.take(&mut piece) {
            assert!(fits(&line, limit));
            found.push(line);
        }
        assert!(piece.is_empty(), "all of a piece is taken");
    }
    let begun = decoder.is_within_a_line();
    let rest = decoder.rest();
    assert!(rest.is_none() || begun);
    assert!(!decoder.is_within_a_line());
    found.extend(rest.inspect(|line| assert!(fits(line, limit))));
    found
}

fn fits(line: &Line, limit: usize) -> bool {
    matches!(line, Line::Whole(bytes) if bytes.len() <= limit) || *line == Line::TooLong
}

fn by_hand(limit: usize, bytes: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| {
            if line.len() > limit {
                Line::TooLong
            } else {
                Line::Whole(line.to_vec())
            }
        })
        .collect();
    // Behind the last end of a line nothing came.
    lines.pop_if(|last| *last == Line::Whole(Vec::new()));
    lines
}
