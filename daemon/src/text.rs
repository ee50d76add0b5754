//! Names from outside, made safe to show.
//!
//! A path or an argument can hold any bytes. On a terminal a control character can move the cursor or change the
//! window title, and a bidirectional override can make one name look like another. Here such characters become
//! escapes that can be read; everything else stays as it is.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

/// The text with control characters, bidirectional overrides, line separators and invalid UTF-8 as escapes: `\n`,
/// `\t`, `\u{1b}`, `\xff`.
///
/// A backslash in the name itself stays one backslash: this is for people to read, not to be undone.
pub fn escape(text: &OsStr) -> String {
    if let Some(text) = text.to_str()
        && !text.chars().any(is_unsafe)
    {
        return text.to_owned();
    }
    let text = to_utf8(text);
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The text with only invalid UTF-8 as escapes, for reading; what is shown must go through [`escape`].
pub(crate) fn to_utf8(text: &OsStr) -> Cow<'_, str> {
    if let Some(text) = text.to_str() {
        return Cow::Borrowed(text);
    }
    let mut valid = String::new();
    for chunk in text.as_encoded_bytes().utf8_chunks() {
        valid.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            _ = write!(valid, "\\x{byte:02x}");
        }
    }
    Cow::Owned(valid)
}

/// The same for a path.
pub fn escape_path(path: &Path) -> String {
    escape(path.as_os_str())
}

/// A path as a word of a shell's command.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", escape_path(path).replace('\'', r"'\''"))
}

/// The first characters of a text, with `…` as the last one where something is cut off: never more than `limit`.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let Some((last, _)) = text.char_indices().nth(limit.saturating_sub(1)) else {
        return text.to_owned();
    };
    if text[last..].chars().nth(1).is_none() {
        return text.to_owned();
    }
    let mut short = text[..last].to_owned();
    short.push('…');
    short
}

/// Whether a character acts on the terminal or on the order of the text instead of showing as itself.
fn is_unsafe(c: char) -> bool {
    // The bidirectional controls are those of Unicode UAX #9, section 2; U+2028 and U+2029 separate lines.
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        escape(OsStr::from_bytes(bytes))
    }

    #[test]
    fn harmless_text_is_unchanged() {
        for text in ["", "cargo", "/home/Zoë/src/日本語/\\x", "a b'c\"d", "naïve 🦀"] {
            assert_eq!(escaped(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        for (bytes, shown) in [
            (&b"a\nb\tc\rd"[..], "a\\nb\\tc\\rd"),
            (b"\x1b[31mred", "\\u{1b}[31mred"),
            (b"\x00\x7f", "\\u{0}\\u{7f}"),
            ("\u{9b}".as_bytes(), "\\u{9b}"),
            ("x\u{202e}cod.exe".as_bytes(), "x\\u{202e}cod.exe"),
            ("\u{2066}\u{200f}\u{2028}".as_bytes(), "\\u{2066}\\u{200f}\\u{2028}"),
            (b"ok\xff\xfe.lock", "ok\\xff\\xfe.lock"),
            (b"\xe2\x82", "\\xe2\\x82"),
        ] {
            assert_eq!(escaped(bytes), shown);
        }
        assert_eq!(escape_path(Path::new("/tmp/a\nb")), "/tmp/a\\nb");
    }

    #[test]
    fn shortening_counts_characters_and_marks_the_cut() {
        for (text, limit, short) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöüß", 3, "äö…"),
            ("", 3, ""),
            ("ab", 1, "…"),
        ] {
            assert_eq!(shorten(text, limit), short);
        }
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let shown = escaped(&bytes);
            prop_assert!(!shown.chars().any(is_unsafe));
        }

        #[test]
        fn escaping_twice_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let once = escaped(&bytes);
            prop_assert_eq!(escaped(once.as_bytes()), once);
        }
    }
}
