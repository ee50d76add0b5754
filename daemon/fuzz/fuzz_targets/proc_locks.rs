//! The kernel's table of locks: its lines, any bytes in any windows, and a table as the kernel gives it.
#![no_main]

use std::cell::Cell;
use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use lockwatch::os::Mode;
use lockwatch::os::fuzzing::{File, Flock, Line, lock_line, lock_table};

/// What the kernel gives at a time.
const PAGE: usize = 4096;

/// Four tries of 4,096 windows: whatever the table does, a look comes to its end.
const MOST_READS: usize = 4 * 4096;

fuzz_target!(|table: &[u8]| {
    let lines: Vec<&[u8]> = table.split(|byte| *byte == b'\n').collect();
    for line in &lines {
        check_line(line);
    }
    any_bytes_in_any_windows(table);
    let records = records(table);
    a_quiet_table_is_read_whole(&records);
    nothing_is_made_up_while_it_changes(&records, table);
});

fn check_line(line: &[u8]) {
    let Line::Flock(flock) = lock_line(line) else {
        return;
    };
    assert!(flock.pid > 0);
    let words: Vec<&[u8]> = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(flock.waits, words[1] == b"->");
    assert_eq!(words[1 + usize::from(flock.waits)], b"FLOCK");
    for depth in [0, 1, 40] {
        assert_eq!(
            lock_line(print(1, depth, &flock).trim_end().as_bytes()),
            Line::Flock(flock)
        );
    }
}

/// A line as the kernel prints it, `lock_get_status` in Linux' `fs/locks.c`.
fn print(number: usize, depth: usize, flock: &Flock) -> String {
    let arrow = if flock.waits {
        format!("{:>1$} ", "->", depth + 2)
    } else {
        String::new()
    };
    let mode = match flock.mode {
        Mode::Exclusive => "WRITE",
        Mode::Shared => "READ",
    };
    let File { major, minor, ino } = flock.file;
    format!(
        "{number}: {arrow}FLOCK  ADVISORY  {mode} {} {major:02x}:{minor:02x}:{ino} 0 EOF\n",
        flock.pid
    )
}

/// The windows are as long as the bytes in them say.
fn any_bytes_in_any_windows(table: &[u8]) {
    let reads = Cell::new(0_usize);
    let result = lock_table(|buffer, offset| {
        reads.set(reads.get() + 1);
        assert!(reads.get() <= MOST_READS, "it comes to an end");
        let rest = &table[table.len().min(usize::try_from(offset).expect("small"))..];
        let most = rest.first().map_or(0, |byte| 1 + usize::from(*byte) * 32);
        let length = rest.len().min(most);
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    });
    let (flocks, unknown) = result.expect("no read has failed");
    assert_distinct(&flocks);
    // Each of the 120 characters can become an escape.
    assert!(unknown.is_none_or(|line| line.len() <= 120 * 10 && !line.chars().any(char::is_control)));
}

/// The flocks of the input's lines, each holder with the waiters behind it; a waiter without a holder becomes one. Each is
/// there once, as in the kernel's table but for a file that one process has locked twice in shared mode.
fn records(table: &[u8]) -> Vec<Vec<Flock>> {
    let mut seen = HashSet::new();
    let mut records: Vec<Vec<Flock>> = Vec::new();
    for line in table.split(|byte| *byte == b'\n') {
        let Line::Flock(flock) = lock_line(line) else {
            continue;
        };
        let waits = flock.waits && !records.is_empty();
        let flock = Flock { waits, ..flock };
        if !seen.insert(flock) {
            continue;
        }
        match records.last_mut() {
            Some(record) if waits => record.push(flock),
            _ => records.push(vec![flock]),
        }
    }
    records
}

/// The records as text, each with its number; printed once, for most of the time would go into it.
fn printed(records: &[Vec<Flock>]) -> Vec<String> {
    let print_one = |(index, record): (usize, &Vec<Flock>)| {
        let lines = record.iter().enumerate();
        lines.map(|(depth, flock)| print(index + 1, depth, flock)).collect()
    };
    records.iter().enumerate().map(print_one).collect()
}

/// Gives records as the kernel does (`fs/seq_file.c`, `seq_read_iter`): the rest of the one in which the read begins, then one
/// whatever its size, then what fits into the page.
fn give<T: AsRef<str>>(records: &[T], buffer: &mut [u8], offset: u64) -> usize {
    let offset = usize::try_from(offset).expect("small");
    let (mut out, mut fill, mut position) = (Vec::new(), 0, 0);
    for text in records.iter().map(|record| record.as_ref().as_bytes()) {
        let begin = position;
        position += text.len();
        if position <= offset {
            continue;
        }
        if begin < offset {
            out.extend_from_slice(&text[offset - begin..]);
            continue;
        }
        if fill > 0 && fill + text.len() > PAGE {
            break;
        }
        fill += text.len();
        out.extend_from_slice(text);
    }
    let length = out.len().min(buffer.len());
    buffer[..length].copy_from_slice(&out[..length]);
    length
}

fn a_quiet_table_is_read_whole(records: &[Vec<Flock>]) {
    let table = printed(records);
    let (flocks, unknown) = lock_table(|buffer, offset| Ok(give(&table, buffer, offset))).expect("no read has failed");
    assert_eq!(flocks, records.concat());
    assert_eq!(unknown, None);
}

/// Before each read the bytes of the input say which record goes, and which of those that went comes back at the front.
fn nothing_is_made_up_while_it_changes(records: &[Vec<Flock>], changes: &[u8]) {
    let all: HashSet<Flock> = records.concat().into_iter().collect();
    let table = printed(records);
    let now = Cell::new((table.iter().collect::<Vec<&String>>(), Vec::new()));
    let reads = Cell::new(0_usize);
    let result = lock_table(|buffer, offset| {
        let (mut here, mut gone) = now.take();
        let at = reads.replace(reads.get() + 1);
        let byte = changes.get(at % changes.len().max(1)).copied().map_or(0, usize::from);
        if byte % 3 == 1 && !here.is_empty() {
            gone.push(here.remove(byte % here.len()));
        } else if byte % 3 == 2 {
            here.splice(0..0, gone.pop());
        }
        let length = give(&here, buffer, offset);
        now.set((here, gone));
        Ok(length)
    });
    let (flocks, _) = result.expect("no read has failed");
    assert_distinct(&flocks);
    // A window that begins within a line gives a rest of it, which must not be taken for a whole one.
    assert!(flocks.iter().all(|flock| all.contains(flock)));
}

fn assert_distinct(flocks: &[Flock]) {
    let distinct: HashSet<&Flock> = flocks.iter().collect();
    assert_eq!(distinct.len(), flocks.len(), "none twice");
}
