//! Bytes from a terminal become keys. Pure.
//!
//! Read here and not by crossterm's reader, which goes on reading for ever where the terminal is closed or a sequence is
//! left half.

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Ctrl(char),
    Enter,
    Esc,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

const ESC: u8 = 0x1b;

/// No sequence of a terminal is longer; a longer one is thrown away.
const LONGEST: usize = 32;

/// What a terminal sends after ESC, by xterm's documentation ("PC-Style Function Keys"); vt and rxvt have other words for
/// Home and End.
const SEQUENCES: &[(&[u8], Key)] = &[
    (b"[A", Key::Up),
    (b"[B", Key::Down),
    (b"[C", Key::Right),
    (b"[D", Key::Left),
    (b"OA", Key::Up),
    (b"OB", Key::Down),
    (b"OC", Key::Right),
    (b"OD", Key::Left),
    (b"[5~", Key::PageUp),
    (b"[6~", Key::PageDown),
    (b"[H", Key::Home),
    (b"[F", Key::End),
    (b"OH", Key::Home),
    (b"OF", Key::End),
    (b"[1~", Key::Home),
    (b"[4~", Key::End),
    (b"[7~", Key::Home),
    (b"[8~", Key::End),
];

/// Puts bytes together.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// A sequence of which the end has not come yet, ESC first.
    begun: Vec<u8>,
}

impl Keys {
    /// The keys that are complete with these bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        bytes.iter().filter_map(|byte| self.take(*byte)).collect()
    }

    /// Whether a sequence has begun. Nothing but time tells the Esc key from it.
    pub(super) fn is_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// No more came for a while.
    pub(super) fn give_up(&mut self) -> Option<Key> {
        let begun = std::mem::take(&mut self.begun);
        (begun == [ESC]).then_some(Key::Esc)
    }

    fn take(&mut self, byte: u8) -> Option<Key> {
        if self.begun.is_empty() {
            if byte == ESC {
                self.begun.push(byte);
                return None;
            }
            return plain(byte);
        }
        self.begun.push(byte);
        match (self.begun.as_slice(), byte) {
            // Esc twice is Esc, and the second one may begin a sequence.
            ([ESC, ESC], _) => {
                self.begun.pop();
                Some(Key::Esc)
            }
            ([ESC, b'[' | b'O'], _) => None,
            // A parameter of a sequence (ECMA-48, section 5.4).
            ([ESC, b'[', ..], 0x20..=0x3f) if self.begun.len() < LONGEST => None,
            (sequence, _) => {
                let known = SEQUENCES.iter().find(|(tail, _)| *tail == &sequence[1..]);
                let key = known.map(|(_, key)| *key);
                self.begun.clear();
                key
            }
        }
    }
}

fn plain(byte: u8) -> Option<Key> {
    match byte {
        b'\r' | b'\n' => Some(Key::Enter),
        0x01..=0x1a => Some(Key::Ctrl(char::from(byte + b'a' - 1))),
        b' '..=b'~' => Some(Key::Char(char::from(byte))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_become_keys() {
        for (bytes, keys) in [
            (&b"qJ?"[..], &[Key::Char('q'), Key::Char('J'), Key::Char('?')][..]),
            (
                b"\x03\x1a\r\n",
                &[Key::Ctrl('c'), Key::Ctrl('z'), Key::Enter, Key::Enter],
            ),
            (b"\x1b[A\x1bOB\x1b[5~", &[Key::Up, Key::Down, Key::PageUp]),
            // Ctrl-Up, a mouse report, a key of Alt, and letters beyond ASCII mean nothing; what follows them is read.
            (b"\x1b[1;5Ax", &[Key::Char('x')]),
            (b"\x1b[<0;3;4Mx", &[Key::Char('x')]),
            (b"\x1bqx", &[Key::Char('x')]),
            ("äq".as_bytes(), &[Key::Char('q')]),
            (b"\x1b\x1b[A", &[Key::Esc, Key::Up]),
            (b"\x1b", &[]),
        ] {
            assert_eq!(Keys::default().read(bytes), keys, "{bytes:?}");
        }
    }

    #[test]
    fn a_lone_escape_is_the_key_when_nothing_follows() {
        let mut keys = Keys::default();
        assert!(keys.read(b"\x1b").is_empty() && keys.is_begun());
        assert_eq!(keys.give_up(), Some(Key::Esc));
        assert!(!keys.is_begun());
        assert!(keys.read(b"\x1b[").is_empty());
        assert_eq!(keys.give_up(), None, "half a sequence is no key");
        assert_eq!(keys.read(b"A"), [Key::Char('A')]);
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(bytes in prop::collection::vec(any::<u8>(), 0..80), cut in 0_usize..80) {
            let (one, other) = bytes.split_at(cut.min(bytes.len()));
            let mut keys = Keys::default();
            let mut cut = keys.read(one);
            cut.extend(keys.read(other));
            prop_assert_eq!(cut, Keys::default().read(&bytes));
            prop_assert!(keys.begun.len() < LONGEST);
        }
    }
}
