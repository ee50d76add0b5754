use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What happens to the records before the n-th read.
type Change = dyn Fn(usize, &mut Vec<Vec<u32>>);

/// A table that behaves like the kernel's (`fs/seq_file.c`, `seq_read_iter`): a read goes on at a byte, gives whole records
/// until a page is full, and between two reads the locks change.
struct Made {
    /// Each record: a holder and its waiters.
    records: RefCell<Vec<Vec<u32>>>,
    page: usize,
    reads: Cell<usize>,
    change: Box<Change>,
}

impl Made {
    fn new(records: Vec<Vec<u32>>, change: impl Fn(usize, &mut Vec<Vec<u32>>) + 'static) -> Self {
        Self {
            records: RefCell::new(records),
            page: 4096,
            reads: Cell::new(0),
            change: Box::new(change),
        }
    }

    fn text(number: usize, record: &[u32]) -> String {
        let line = |(depth, pid): (usize, &u32)| {
            let arrow = if depth == 0 {
                String::new()
            } else {
                format!("{:>1$} ", "->", depth + 1)
            };
            format!(
                "{number}: {arrow}FLOCK  ADVISORY  WRITE {pid} fe:00:{} 0 EOF\n",
                record[0]
            )
        };
        record.iter().enumerate().map(line).collect()
    }
}

impl ReadAt for Made {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut records = self.records.borrow_mut();
        (self.change)(self.reads.get(), &mut records);
        self.reads.set(self.reads.get() + 1);
        let offset = usize::try_from(offset).expect("small");
        let mut position = 0;
        // What is left of the record that the read begins in; then one record whatever its size; then what fits.
        let (mut out, mut fill) = (Vec::new(), 0);
        for (index, record) in records.iter().enumerate() {
            let text = Self::text(index + 1, record);
            let begin = position;
            position += text.len();
            if position <= offset {
                continue;
            }
            if begin < offset {
                out.extend_from_slice(&text.as_bytes()[offset - begin..]);
                continue;
            }
            if fill > 0 && fill + text.len() > self.page {
                break;
            }
            fill += text.len();
            out.extend_from_slice(text.as_bytes());
        }
        let length = out.len().min(buffer.len());
        buffer[..length].copy_from_slice(&out[..length]);
        Ok(length)
    }
}

/// A table that gives as much as there is room for.
struct Text(Vec<u8>);

impl ReadAt for Text {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = &self.0[self.0.len().min(usize::try_from(offset).expect("small"))..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

fn read_afresh(table: &impl ReadAt) -> io::Result<Reading> {
    read(table, &mut Buffer::default())
}

fn holders(reading: &Reading) -> Vec<u32> {
    reading
        .flocks
        .iter()
        .filter(|flock| !flock.waits)
        .map(|flock| flock.pid)
        .collect()
}

#[test]
fn the_buffer_is_large_only_while_the_table_is() {
    let mut buffer = Buffer::default();
    let many = (1..2000).map(|pid| format!("1: FLOCK  ADVISORY  WRITE {pid} 00:30:77 0 EOF\n"));
    read(&Text(many.collect::<String>().into()), &mut buffer).expect("reads");
    assert_eq!(buffer.0.len(), BUFFER);
    read(
        &Text(b"1: FLOCK  ADVISORY  WRITE 7 00:30:77 0 EOF\n".to_vec()),
        &mut buffer,
    )
    .expect("reads");
    assert_eq!(buffer.0.capacity(), SMALL_BUFFER);
}

#[test]
fn an_empty_table() {
    let reading = read_afresh(&Made::new(vec![], |_, _| {})).expect("reads");
    assert!(reading.flocks.is_empty());
}

#[test]
fn a_quiet_table_is_read_twice() {
    let table = Made::new((1..=300).map(|pid| vec![pid]).collect(), |_, _| {});
    let reading = read_afresh(&table).expect("reads");
    assert_eq!(holders(&reading), (1..=300).collect::<Vec<_>>());
    // 300 lines are 14 KB: a page first, and half a page more with each further read.
    assert!(table.reads.get() < 18, "{} reads", table.reads.get());
}

#[test]
fn three_thousand_waiters_nested_in_each_other() {
    let table = Made::new(vec![vec![1, 2], (10..3010).collect(), vec![5]], |_, _| {});
    let reading = read_afresh(&table).expect("reads");
    assert_eq!(holders(&reading), [1, 10, 5]);
    assert_eq!(reading.flocks.len(), 3003);
}

#[test]
fn a_record_that_does_not_fit_into_the_page_is_not_the_end() {
    for small in 0..5 {
        let mut records: Vec<Vec<u32>> = (1..=small).map(|pid| vec![pid]).collect();
        records.extend([
            (100..300).collect(),
            vec![51],
            vec![52],
            (300..500).collect(),
            vec![53],
            vec![54],
        ]);
        let reading = read_afresh(&Made::new(records, |_, _| {})).expect("reads");
        assert_eq!(
            holders(&reading),
            (1..=small).chain([100, 51, 52, 300, 53, 54]).collect::<Vec<_>>()
        );
        assert_eq!(reading.flocks.len(), small as usize + 404);
    }
}

#[test]
fn a_plain_reading_on_would_lose_a_lock_where_this_does_not() {
    // After the first page the two locks at the front go: by number, the reading would go on two locks too far.
    let table = Made::new((1..=300).map(|pid| vec![pid]).collect(), |read, records| {
        if read == 1 {
            records.drain(..2);
        }
    });
    let seen: BTreeSet<u32> = holders(&read_afresh(&table).expect("reads")).into_iter().collect();
    assert_eq!(seen, (1..=300).collect());
}

#[test]
fn a_record_that_was_skipped_while_the_buffer_grew_is_seen_in_the_second_pass() {
    struct Skipping(Made);
    impl ReadAt for Skipping {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if self.0.reads.get() == 0 {
                self.0.reads.set(1);
                return Ok(0);
            }
            self.0.read_at(buffer, offset)
        }
    }
    let table = Skipping(Made::new(vec![(10..300).collect()], |_, _| {}));
    assert_eq!(holders(&read_afresh(&table).expect("reads")), [10]);
}

#[test]
fn an_unknown_line_is_kept_for_the_note() {
    let reading = read_afresh(&Text(
        b"1: FLOCK  ADVISORY  WRITE 7 fe:00:9 0 EOF\n2: NEWLOCK \x1b[31m\n".to_vec(),
    ))
    .expect("reads");
    assert_eq!(holders(&reading), [7]);
    assert_eq!(reading.unknown.as_deref(), Some("2: NEWLOCK \\u{1b}[31m"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Steady locks stay in their order; others come and go at the front and in between, between any two reads.
    #[test]
    fn steady_locks_are_seen_once_whatever_comes_and_goes(
        steady in 1_usize..200,
        crowds in proptest::collection::vec(0_usize..150, 1..5),
        // A read takes some ten microseconds: between most two nothing changes, and then a dozen locks at once. Long
        // enough not to come around in step with the reads.
        churn in proptest::collection::vec(
            prop_oneof![2 => Just((0, 0)), 1 => (0_usize..12, 0_usize..12)],
            499,
        ),
    ) {
        // Every seventh has a crowd of waiters.
        let record = |place: usize| {
            let waiters = if place % 7 == 3 { crowds[place % crowds.len()] } else { 0 };
            let pid = u32::try_from(place).expect("small");
            std::iter::once(pid).chain((1..).take(waiters).map(|waiter| 10_000 + waiter)).collect::<Vec<u32>>()
        };
        let all = steady + (1..=steady).map(|place| record(place).len() - 1).sum::<usize>();
        let table = Made::new((1..=steady).map(record).collect(), move |read, records| {
            let (removed, added) = churn[read % churn.len()];
            for _ in 0..removed {
                if let Some(place) = records.iter().position(|record| record[0] >= 100_000) {
                    records.remove(place);
                }
            }
            let room = 60_usize.saturating_sub(records.iter().filter(|record| record[0] >= 100_000).count());
            for pid in 0..added.min(room) {
                records.insert(0, vec![u32::try_from(100_000 + read * 100 + pid).expect("small")]);
            }
        });
        let reading = read_afresh(&table).expect("reads");
        let steady_seen: Vec<u32> = holders(&reading).into_iter().filter(|pid| *pid < 100_000).collect();
        let unique: BTreeSet<u32> = steady_seen.iter().copied().collect();
        prop_assert_eq!(unique.len(), steady_seen.len(), "none twice");
        prop_assert_eq!(unique.len(), steady, "none lost");
        let steady_lines = reading.flocks.iter().filter(|flock| flock.pid < 100_000).count();
        prop_assert_eq!(steady_lines, all, "no waiter lost");
    }

    #[test]
    fn any_text_is_taken(text in proptest::collection::vec(any::<u8>(), 0..9000)) {
        struct Pages(Vec<u8>);
        impl ReadAt for Pages {
            fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
                let rest = &self.0[self.0.len().min(usize::try_from(offset).expect("small"))..];
                let length = rest.len().min(4096);
                buffer[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            }
        }
        read_afresh(&Pages(text)).expect("reads");
    }
}
