//! A reading of `/proc/locks` that loses no steady lock.
//!
//! The kernel hands the table out a page at a time and lets go of it between two pages. A plain read goes on at the
//! n-th lock, so where earlier locks came or went meanwhile, it skips some or shows some twice. A `pread` goes on at
//! the n-th *byte* instead (Linux' `fs/seq_file.c`, `traverse`), so each window here begins half a page before the last
//! one's end. Locks are only ever added at the front of a processor's list and never change places, so one line seen
//! in both windows proves that no lock behind it was passed over. A process that unlocks and locks again can move its
//! line to another processor's list and so counterfeit that proof once; the table is therefore read twice and the
//! readings are put together. A line too many does no harm: the holders are confirmed one by one afterwards.

use std::collections::HashSet;
use std::io;

use super::lock_line::{self, Flock, Line};

/// Something that can be read at a byte position: the opened table, or a made one.
pub(super) trait ReadAt {
    /// Reads bytes from `offset` on; 0 says that there are no more.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// What the table said.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The flocks, none twice, in the order of the table.
    pub(super) flocks: Vec<Flock>,
    /// A line that was not understood, the first of them.
    pub(super) unknown: Option<String>,
    seen: HashSet<Flock>,
}

/// How much of a window the next one repeats, in bytes: some thirty lines. Between two windows (some ten microseconds)
/// more locks than that would have to go for the windows not to meet.
const OVERLAP: usize = 2048;

/// A page is what the kernel gives at a time, unless one lock with its waiters needs more: a thousand waiters, each
/// indented by one blank more, are half a megabyte. Only a table that fills the small buffer needs the large one: asking
/// for that costs 13 µs of memory that has to be found, and in a process that looks again up to 0.5 ms of making it empty.
const SMALL_BUFFER: usize = 8 << 10;
const BUFFER: usize = 1 << 20;

/// What the table is read into. It stays large for as long as the table needs that: for a reading that does not fit, the
/// kernel makes all lines, and makes them again for the larger buffer.
#[derive(Debug)]
pub(super) struct Buffer(Vec<u8>);

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![0; SMALL_BUFFER])
    }
}

/// How often windows that do not meet are read again. Reached only where thousands of locks come and go in a
/// millisecond; what was read then is used as it is.
const TRIES: usize = 4;

/// How often a pass goes back by [`OVERLAP`] because the table grew so much shorter meanwhile that two windows do not meet.
const STEPS_BACK: usize = 16;

/// No table has more windows than this (8 MB); a longer one grows as fast as it is read.
const WINDOWS: usize = 4096;

/// Reads the whole table, twice at least: while the kernel makes its buffer larger for a lock with many waiters, it lets
/// go of the table and goes on at the lock's *number*, so that one that moved up meanwhile is skipped. In the second pass
/// the buffer is large enough.
pub(super) fn read(table: &impl ReadAt, Buffer(buffer): &mut Buffer) -> io::Result<Reading> {
    let mut reading = Reading::default();
    let mut most = 0;
    let mut good = 0;
    for _ in 0..TRIES {
        let before = reading.flocks.len();
        let fit = read_once(table, buffer, &mut most, &mut reading)?;
        let nothing_new = before == reading.flocks.len();
        good += usize::from(fit != Fit::Missed);
        if good >= 2 && (nothing_new || fit == Fit::Met) {
            break;
        }
    }
    if most < SMALL_BUFFER {
        buffer.truncate(SMALL_BUFFER);
        buffer.shrink_to_fit();
    }
    Ok(reading)
}

/// How well the windows of one pass went together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// To the byte: nothing changed.
    Exact,
    /// Something changed, and each window had a line of the one before.
    Met,
    /// Two windows had no line in common: locks may have been passed over.
    Missed,
}

fn read_once(table: &impl ReadAt, buffer: &mut Vec<u8>, most: &mut usize, reading: &mut Reading) -> io::Result<Fit> {
    let mut fit = Fit::Exact;
    let mut offset = 0;
    // The window before, and how much of its end the next one is to repeat.
    let (mut last, mut repeat) = (Vec::new(), 0);
    let (mut at_last_line, mut steps_back) = (false, STEPS_BACK);
    for _ in 0..WINDOWS {
        let length = read_at(table, buffer, offset)?;
        *most = length.max(*most);
        let window = &buffer[..length];
        for line in whole_lines(window, offset > 0) {
            reading.add(line);
        }
        if offset > 0 {
            let here = fit_of(&last, repeat, window);
            if here == Fit::Missed && steps_back > 0 {
                steps_back -= 1;
                (fit, offset) = (fit.max(Fit::Met), offset.saturating_sub(OVERLAP));
                (repeat, at_last_line) = (0, false);
                continue;
            }
            fit = fit.max(here);
        }
        // The end shows as a window that goes no further than the one before. But a lock with so many waiters that it
        // does not fit into the page behind others ends a window too. Behind a line that is cut it is given in full,
        // so that the end is sure only where nothing follows the last line. A window that would be repeated as a whole is
        // asked for that at once.
        let is_small = length <= OVERLAP && end_of_lines(window) == length;
        repeat = if length > repeat && !is_small {
            at_last_line = false;
            // What is cut at the end, with the line end before it, and not the whole window.
            OVERLAP.max(length - end_of_lines(window) + 1).min(length - 1)
        } else if at_last_line && length <= repeat || length == 0 {
            return Ok(fit);
        } else {
            at_last_line = true;
            within_last_line(window)
        };
        last.clear();
        last.extend_from_slice(window);
        offset += length - repeat;
    }
    Ok(Fit::Missed)
}

fn read_at(table: &impl ReadAt, buffer: &mut Vec<u8>, offset: usize) -> io::Result<usize> {
    loop {
        match table.read_at(buffer, offset as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(length) if length == buffer.len() && length < BUFFER => *buffer = vec![0; BUFFER],
            result => return result,
        }
    }
}

/// The lines of a window that are whole. Where it does not begin at the table's begin, the first may be cut.
fn whole_lines(window: &[u8], cut_at_front: bool) -> impl Iterator<Item = &[u8]> {
    window[..end_of_lines(window)]
        .split(|byte| *byte == b'\n')
        .skip(usize::from(cut_at_front))
        .filter(|line| !line.is_empty())
}

fn end_of_lines(window: &[u8]) -> usize {
    window.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

/// The length of the last line with its end, less one: a read that begins within a line gives its rest and the next
/// lock, where one that begins at a lock gives that and what fits behind it.
fn within_last_line(window: &[u8]) -> usize {
    window.len() - end_of_lines(&window[..window.len() - 1]) - 1
}

fn fit_of(last: &[u8], repeat: usize, window: &[u8]) -> Fit {
    if repeat > 0 && window.starts_with(&last[last.len() - repeat..]) {
        return Fit::Exact;
    }
    let known: HashSet<&[u8]> = whole_lines(last, true).map(unnumbered).collect();
    if whole_lines(window, true).any(|line| known.contains(unnumbered(line))) {
        Fit::Met
    } else {
        Fit::Missed
    }
}

/// A line without its number, which is only its place in the table.
fn unnumbered(line: &[u8]) -> &[u8] {
    match line.iter().position(|byte| *byte == b':') {
        Some(colon) => &line[colon + 1..],
        None => line,
    }
}

impl Reading {
    fn add(&mut self, line: &[u8]) {
        match lock_line::parse(line) {
            Line::Flock(flock) => {
                if self.seen.insert(flock) {
                    self.flocks.push(flock);
                }
            }
            Line::Irrelevant => {}
            Line::Unknown => {
                self.unknown.get_or_insert_with(|| {
                    let line = String::from_utf8_lossy(line);
                    crate::text::escape(line.chars().take(120).collect::<String>().as_ref())
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
