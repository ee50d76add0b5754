//! Names from outside: what is shown has nothing in it that acts on a terminal or on the order of the text.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use libfuzzer_sys::fuzz_target;
use lockwatch::text::escape;

fuzz_target!(|name: &[u8]| {
    let shown = escape(OsStr::from_bytes(name));
    assert!(!shown.chars().any(is_unsafe), "{shown:?}");
    assert_eq!(escape(shown.as_ref()), shown, "safe text stays as it is");
    if let Ok(text) = std::str::from_utf8(name) {
        assert_eq!(shown == text, !text.chars().any(is_unsafe));
        // What was safe is still there, in its order.
        let mut left = shown.chars();
        assert!(
            text.chars()
                .filter(|c| !is_unsafe(*c))
                .all(|c| left.any(|shown| shown == c))
        );
    }
});

/// The control characters, those of the order of text (Unicode UAX #9, section 2), and those that separate lines.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069
        )
}
