//! Names of processes and folders, of a length that fits in a menu. The state has made them safe to show; here they are
//! kept from disturbing the sentence that they stand in.

use lockwatch::state::{Lock, Process};

/// The longest command, in characters.
const MAX_COMMAND: usize = 36;
/// The longest folder.
const MAX_FOLDER: usize = 40;
/// The longest line of a text.
const MAX_LINE: usize = 80;

/// `cargo check (pid 4711)`.
pub(super) fn process(process: &Process) -> String {
    format!(
        "{} (pid {})",
        isolated(shortened(&process.command, MAX_COMMAND)),
        process.pid
    )
}

/// The folder that a lock protects, the home directory as `~`. Of a long one the end is shown, which tells more.
pub(super) fn place(lock: &Lock, home: Option<&str>) -> String {
    folder(lock.place(), home)
}

/// A folder, the home directory as `~`.
pub(super) fn folder(path: &str, home: Option<&str>) -> String {
    let folder = with_tilde(path, home);
    let length = folder.chars().count();
    if length <= MAX_FOLDER {
        return isolated(folder);
    }
    let end: String = folder.chars().skip(length - MAX_FOLDER + 1).collect();
    isolated(format!("…{end}"))
}

/// A text in lines, because a menu does not wrap its rows.
pub(super) fn lines(note: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut words = note.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let word = match words.next_if(|unit| word.ends_with(|c: char| c.is_ascii_digit()) && is_unit(unit)) {
            Some(unit) => format!("{word} {unit}"),
            None => word.to_owned(),
        };
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= MAX_LINE => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(shortened(&word, MAX_LINE)),
        }
    }
    lines.into_iter().map(isolated).collect()
}

/// Whether a word stays on one line with the number before it.
fn is_unit(word: &str) -> bool {
    let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
    matches!(bare, "ms" | "s" | "min" | "h" | "d" | "bytes" | "KiB" | "MiB")
}

fn with_tilde(path: &str, home: Option<&str>) -> String {
    let rest = home
        .filter(|home| home.len() > 1)
        .and_then(|home| path.strip_prefix(home.trim_end_matches('/')));
    match rest {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// The first characters, the last one `…` where something is missing.
fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A name with right-to-left letters between U+2068 and U+2069, so that it does not turn around the words, numbers and
/// brackets beside it (Unicode UAX #9, section 2.4).
fn isolated(name: String) -> String {
    if name.chars().any(is_right_to_left) {
        format!("\u{2068}{name}\u{2069}")
    } else {
        name
    }
}

/// The blocks that UAX #9 sets aside for right-to-left scripts, and the presentation forms of their letters.
fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use lockwatch::cargo::lock_kind::LockKind;

    use super::*;
    use crate::menu::tests::lock;

    #[test]
    fn the_folder_of_a_lock() {
        for (kind, path, folder) in [
            (LockKind::PackageCache, "/home/me/.cargo/.package-cache", "~/.cargo"),
            (LockKind::PackageCache, "/srv/cargo/.package-cache", "/srv/cargo"),
            (LockKind::InstallMetadata, "/.crates.toml", ""),
            (
                LockKind::BuildDir,
                "/home/me/src/parity/target/debug/.cargo-lock",
                "~/src/parity",
            ),
            (
                LockKind::BuildDir,
                "/home/me/target/x/target/wasm32-wasip1/debug/.cargo-lock",
                "~/target/x",
            ),
            (LockKind::BuildUnit, "/home/me/p/target/debug/build/x/0f/.lock", "~/p"),
            (
                LockKind::BuildDir,
                "/home/melanie/p/target/.cargo-lock",
                "/home/melanie/p",
            ),
            (
                LockKind::ArtifactDir,
                "/var/cache/build/debug/.cargo-artifact-lock",
                "/var/cache/build",
            ),
            (LockKind::BuildDir, "/target/debug/.cargo-lock", "/target"),
            (LockKind::BuildDir, "/debug/.cargo-lock", "/debug"),
            (LockKind::BuildDir, ".cargo-lock", ""),
        ] {
            assert_eq!(place(&lock(kind, path), Some("/home/me")), folder, "{path}");
        }
        assert_eq!(
            place(&lock(LockKind::PackageCache, "/x/.package-cache"), Some("/")),
            "/x"
        );
        assert_eq!(
            place(
                &lock(LockKind::PackageCache, "/home/me/.package-cache"),
                Some("/home/me/")
            ),
            "~"
        );
    }

    #[test]
    fn of_a_long_folder_the_end_is_shown() {
        let path = format!("/{}/parity/target/debug/.cargo-lock", "ü".repeat(200));
        let shown = place(&lock(LockKind::BuildDir, &path), None);
        assert_eq!(shown, format!("…{}/parity", "ü".repeat(MAX_FOLDER - 8)));
    }

    #[test]
    fn a_note_is_wrapped_between_words() {
        let (words, word) = (vec!["größer"; 24].join(" "), "x".repeat(200));
        for note in ["", "short", "a  b\u{a0}", &words, &word] {
            let lines = lines(note);
            assert!(lines.iter().all(|line| line.chars().count() <= MAX_LINE), "{lines:?}");
            if note != word {
                assert_eq!(lines.join(" "), note.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        assert_eq!(lines(&words).len(), 3);
        assert_eq!(lines(&word).len(), 1);
    }

    #[test]
    fn a_number_stays_with_its_unit() {
        let begin = "x".repeat(MAX_LINE - "in the last 10".len());
        for unit in ["s", "min;", "MiB,"] {
            let lines = lines(&format!("{begin} in the last 10 {unit}"));
            assert_eq!(lines[1], format!("10 {unit}"), "{lines:?}");
        }
    }

    #[test]
    fn shortening_counts_characters() {
        for (text, limit, short) in [
            ("größer", 6, "größer"),
            ("größer", 4, "grö…"),
            ("x", 0, "…"),
            ("", 3, ""),
        ] {
            assert_eq!(shortened(text, limit), short);
        }
    }

    #[test]
    fn only_right_to_left_letters_are_set_apart() {
        for (name, is) in [
            ("naïve 日本語 🦀 (x)", false),
            ("שלום", true),
            ("cargo run --bin مرحبا", true),
            ("\u{10d00}", true),
        ] {
            let shown = isolated(name.to_owned());
            assert_eq!(shown != name, is, "{name}");
            assert_eq!(shown.trim_matches(['\u{2068}', '\u{2069}']), name);
        }
    }
}
