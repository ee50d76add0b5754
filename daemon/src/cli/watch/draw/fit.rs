//! Text in so many columns. A character may take two of them, or none. Pure.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// How many columns a text takes: as it is drawn, each character that a reader sees for itself.
pub(super) fn columns(text: &str) -> usize {
    graphemes(text).iter().map(|(_, width)| width).sum()
}

/// The characters as a reader sees them, with their columns; none that controls the terminal.
fn graphemes(text: &str) -> Vec<(String, usize)> {
    let width = |symbol: &str| Span::raw(symbol).width();
    let span = Span::raw(text);
    let graphemes = span.styled_graphemes(Style::new());
    graphemes
        .map(|one| (one.symbol.to_owned(), width(one.symbol)))
        .collect()
}

/// What of the text is in its first columns.
fn begin(text: &str, width: usize) -> String {
    let mut used = 0;
    let mut fits = |columns: usize| {
        used += columns;
        used <= width
    };
    let graphemes = graphemes(text).into_iter();
    graphemes
        .take_while(|(_, columns)| fits(*columns))
        .map(|(symbol, _)| symbol)
        .collect()
}

/// The text in at most so many columns, the last one `…` where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    width
        .checked_sub(1)
        .map_or_else(String::new, |room| begin(text, room) + "…")
}

/// The text in exactly so many columns.
pub(super) fn fill(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let gap = width.saturating_sub(columns(&text));
    text.extend(std::iter::repeat_n(' ', gap));
    text
}

/// The text in lines of at most so many columns, broken at blanks where it can be.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = columns(word);
        if used > 0 && used + 1 + length <= width {
            used += 1;
            push(&mut lines, " ");
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        for (symbol, step) in graphemes(word) {
            // Some take three columns and more, with all their marks.
            let (symbol, step) = if step > width {
                ("…".to_owned(), 1)
            } else {
                (symbol, step)
            };
            if used + step > width {
                lines.push(String::new());
                used = 0;
            }
            used += step;
            push(&mut lines, &symbol);
        }
    }
    lines
}

/// The text in so many lines at most, the last one with `…` where something is missing.
pub(super) fn wrap_at_most(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut wrapped = wrap(text, width);
    if wrapped.len() > lines {
        let rest = wrapped.split_off(lines.saturating_sub(1)).join(" ");
        wrapped.extend((lines > 0).then(|| cut(&rest, width)));
    }
    wrapped
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

/// How many columns a line takes.
pub(super) fn line_columns(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| columns(&span.content)).sum()
}

/// A line in at most so many columns, the last one `…` where something is missing.
pub(super) fn cut_line(line: Line<'static>, width: usize) -> Line<'static> {
    if line_columns(&line) <= width {
        return line;
    }
    let Some(mut room) = width.checked_sub(1) else {
        return Line::default();
    };
    let mut cut: Vec<Span<'static>> = Vec::new();
    for span in line.spans {
        let length = columns(&span.content);
        if length > room {
            cut.push(Span::styled(begin(&span.content, room) + "…", span.style));
            break;
        }
        room -= length;
        cut.push(span);
    }
    Line::from(cut).style(line.style)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cutting_counts_columns() {
        for (text, width, short) in [
            ("größer", 6, "größer"),
            ("größer", 4, "grö…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("日本語", 1, "…"),
            ("e\u{301}a", 2, "e\u{301}a"),
            ("x", 0, ""),
        ] {
            assert_eq!(cut(text, width), short);
        }
        assert_eq!(fill("日本語", 5), "日本…");
        assert_eq!(fill("日本語", 4), "日… ");
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a abcdef", 3), ["a", "abc", "def"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("a\u{1b164}\u{9c7}", 2), ["a…"], "one character in three columns");
        assert_eq!(wrap_at_most("one two three", 7, 2), ["one two", "three"]);
        assert_eq!(wrap_at_most("one two three", 7, 1), ["one tw…"]);
        assert!(wrap_at_most("one two three", 7, 0).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_room(text in "\\PC{0,40}", width in 0_usize..50) {
            prop_assert!(columns(&cut(&text, width)) <= width);
            prop_assert_eq!(columns(&fill(&text, width)), width);
            for line in wrap(&text, width) {
                prop_assert!(columns(&line) <= width.max(2), "{:?}", line);
            }
            let (one, other) = text.split_at(text.floor_char_boundary(text.len() / 2));
            let line = cut_line(Line::from(vec![Span::raw(one.to_owned()), Span::raw(other.to_owned())]), width);
            prop_assert!(line_columns(&line) <= width, "{:?}", line);
        }
    }
}
