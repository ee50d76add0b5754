//! Finds Cargo's lines about locks in a text that a person has pasted: colours, several lines, line ends of other systems,
//! quotes around it, and a line that a narrow terminal has broken in two. Pure.

use crate::cargo::lock_kind;

/// What stands before the words in every Cargo since 1.9, in whatever case.
pub const MARK: &str = "waiting for file lock on ";

/// So many different messages of one text are kept.
const KEPT: usize = 20;

/// What a message says after [`MARK`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The words.
    pub words: String,
    /// How often the text has it.
    pub times: usize,
}

/// The different messages of a text, in the order in which they come first. A text of one line may be the words alone.
pub fn find(text: &str) -> Vec<Message> {
    let text = anstream::adapter::strip_str(text).to_string();
    // Cargo's progress bar goes back to the begin of its line by a carriage return.
    let lines: Vec<&str> = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let mut found: Vec<Message> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let Some(rest) = after_mark(line) else { continue };
        let words = words(rest, lines.get(place + 1).copied());
        if let Some(known) = found.iter_mut().find(|message| message.words == words) {
            known.times += 1;
        } else if found.len() < KEPT {
            found.push(Message { words, times: 1 });
        }
    }
    if let ([], [line]) = (found.as_slice(), lines.as_slice()) {
        let words = bare(line);
        if is_known(words) {
            found.push(Message {
                words: words.to_owned(),
                times: 1,
            });
        }
    }
    found
}

/// What follows the mark.
fn after_mark(line: &str) -> Option<&str> {
    // ASCII letters alone change: every place in the line stays what it was.
    let at = line.to_ascii_lowercase().rfind(MARK.trim_end())?;
    Some(line[at + MARK.trim_end().len()..].trim_start())
}

/// The words of a message, of which the rest of the line and the next line are given.
fn words(rest: &str, next: Option<&str>) -> String {
    let words = bare(rest);
    if is_known(words) {
        return words.to_owned();
    }
    let joined = next
        .filter(|next| after_mark(next).is_none())
        .map(|next| format!("{words} {}", bare(next)).trim_start().to_owned());
    joined
        .filter(|joined| is_known(joined))
        .unwrap_or_else(|| words.to_owned())
}

/// The text without what others put around it: quotes, and what a JSON text has for the end of the line.
fn bare(text: &str) -> &str {
    let end = text.find(['"', '`', '\\']).filter(|end| *end > 0).unwrap_or(text.len());
    let text = text[..end].trim_start_matches(['"', '`', '\'']).trim();
    if is_known(text) {
        return text;
    }
    text.trim_end_matches(['.', ',', ';', ':', '!', '…', '\'', '>'])
        .trim_end()
}

fn is_known(words: &str) -> bool {
    lock_kind::meanings(words).next().is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<(String, usize)> {
        find(text)
            .into_iter()
            .map(|message| (message.words, message.times))
            .collect()
    }

    #[test]
    fn messages_are_found_as_people_paste_them() {
        for (text, words) in [
            ("    Blocking waiting for file lock on package cache", "package cache"),
            (
                "Blocking waiting for file lock on build directory\r\n",
                "build directory",
            ),
            (
                "\u{1b}[1m\u{1b}[36m    Blocking\u{1b}[0m waiting for file lock on \u{1b}[1mpackage cache\u{1b}[0m\n",
                "package cache",
            ),
            ("> BLOCKING WAITING FOR FILE LOCK ON build directory", "build directory"),
            (
                "2026-05-01T10:00:00Z [INFO] Blocking waiting for file lock on the registry index",
                "the registry index",
            ),
            ("\"Blocking waiting for file lock on crate metadata\"", "crate metadata"),
            (
                "{\"message\":\"    Blocking waiting for file lock on artifact directory\\n\"}",
                "artifact directory",
            ),
            (
                "It says `Blocking waiting for file lock on build directory`.",
                "build directory",
            ),
            (
                "Blocking waiting for file lock on credentials' config file.",
                "credentials' config file",
            ),
            (
                "Blocking waiting for file lock on build\n  directory",
                "build directory",
            ),
            (
                "Blocking waiting for file lock on\nshared package cache",
                "shared package cache",
            ),
            ("Blocking waiting for file lock on package cache…", "package cache"),
            (
                "Blocking waiting for file lock on build directory (/p/target/debug/.cargo-build-lock)",
                "build directory (/p/target/debug/.cargo-build-lock)",
            ),
            (
                "Blocking waiting for file lock on hello (3403525dd0384e50)",
                "hello (3403525dd0384e50)",
            ),
            ("Blocking waiting for file lock on vet store", "vet store"),
            ("package cache", "package cache"),
            ("'build directory'", "build directory"),
        ] {
            assert_eq!(all(text), [(words.to_owned(), 1)], "{text:?}");
        }
    }

    #[test]
    fn a_log_has_several() {
        let log = "   Compiling a v0.1.0\r\n    Blocking waiting for file lock on package cache\r\n\
                   Blocking waiting for file lock on build directory\r\n    Blocking waiting for file lock on package cache\r\n";
        assert_eq!(
            all(log),
            [("package cache".to_owned(), 2), ("build directory".to_owned(), 1)]
        );
    }

    #[test]
    fn words_alone_count_only_where_they_are_all() {
        for text in [
            "",
            "\r\n",
            "error: nothing",
            "package cache\nbuild directory",
            "cargo build",
        ] {
            assert_eq!(all(text), [], "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in any::<String>(), tail in ".{0,30}") {
            drop(find(&text));
            prop_assert!(find(&[&text, "\n", MARK, &tail].concat()).len() <= KEPT);
        }
    }
}
