//! Durations, paths and counts as people read them. Pure.

use jiff::Timestamp;

/// `4s`, `2m 13s`, `1h 05m`, `3d 4h`: the two largest units, the smaller one with its leading zero where it is minutes.
pub(super) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// How long ago something was, 0 where the clock was set back since.
pub(super) fn since(then: Timestamp, now: Timestamp) -> String {
    let milliseconds = now.as_millisecond() - then.as_millisecond();
    duration(milliseconds.max(0).unsigned_abs())
}

/// A path with the home directory as `~`.
pub(super) fn path(path: &str, home: Option<&str>) -> String {
    let short = home
        .filter(|home| home.len() > 1)
        .and_then(|home| path.strip_prefix(home.trim_end_matches('/')));
    match short {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// `1 process`, `2 processes`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A text cut to so many characters, the last one `…` where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The text in lines of at most so many characters, broken at blanks; a longer word has a line of its own.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (milliseconds, text) in [
            (0, "0s"),
            (999, "0s"),
            (4_000, "4s"),
            (133_000, "2m 13s"),
            (3_600_000 + 5 * 60_000, "1h 05m"),
            (3 * 86_400_000 + 4 * 3_600_000, "3d 4h"),
        ] {
            assert_eq!(duration(milliseconds), text);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_negative_age() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(since(Timestamp::MAX, now), "0s");
    }

    #[test]
    fn paths() {
        let home = Some("/home/me");
        for (long, short) in [
            ("/home/me/src/x", "~/src/x"),
            ("/home/me", "~"),
            ("/home/melanie/x", "/home/melanie/x"),
            ("/srv", "/srv"),
        ] {
            assert_eq!(path(long, home), short);
        }
        assert_eq!(path("/x", Some("/")), "/x");
    }

    #[test]
    fn wrapping_breaks_at_blanks() {
        for (text, width, lines) in [
            ("", 5, vec![""]),
            ("ein Wort", 8, vec!["ein Wort"]),
            ("ein Wort", 7, vec!["ein", "Wort"]),
            ("größer als", 6, vec!["größer", "als"]),
            ("/a/long/path x", 4, vec!["/a/long/path", "x"]),
        ] {
            assert_eq!(wrap(text, width), lines);
        }
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer", 4), "grö…");
        assert_eq!(cut("x", 0), "…");
    }
}
