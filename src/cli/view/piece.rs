//! Lines of text with their styles, measured and cut as a terminal shows them.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a piece of a line says, for those who see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As all text.
    Plain,
    /// Of less weight.
    Dim,
    /// What a reader looks for first.
    Bold,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Something is injected.
    Hot,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Hot => "33",
        }
    }
}

/// A line, piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row(Vec<(Style, String)>);

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The text in exactly so many columns: what is longer ends in `…`, what is shorter is filled up.
pub(super) fn cell(text: &str, width: usize, unicode: bool) -> String {
    let mut cut = cut(text, width, unicode);
    cut.push_str(&" ".repeat(width.saturating_sub(columns(&cut))));
    cut
}

/// The text in at most so many columns.
pub(super) fn cut(text: &str, width: usize, unicode: bool) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mark = mark(width, unicode);
    let mut out = beginning(text, width.saturating_sub(columns(mark)));
    out.push_str(mark);
    out
}

/// What says that a text goes on.
fn mark(width: usize, unicode: bool) -> &'static str {
    match (width, unicode) {
        (0, _) => "",
        (_, true) => "…",
        (_, false) => "~",
    }
}

fn beginning(text: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    text.chars().take_while(fits).collect()
}

impl Row {
    /// With one more piece, without what would move the cursor.
    pub(super) fn with(mut self, style: Style, text: impl Into<String>) -> Self {
        let text: String = text.into();
        self.0.push((style, text.chars().filter(|c| !c.is_control()).collect()));
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| columns(text)).sum()
    }

    /// In at most so many columns.
    pub(super) fn fit(self, width: usize, unicode: bool) -> Self {
        if self.width() <= width {
            return self;
        }
        let mark = mark(width, unicode);
        let mut left = width.saturating_sub(columns(mark));
        let mut pieces = Vec::new();
        for (style, text) in self.0 {
            let mut begun = beginning(&text, left);
            left -= columns(&begun);
            let is_whole = begun == text;
            if !is_whole {
                begun.push_str(mark);
            }
            pieces.push((style, begun));
            if !is_whole {
                break;
            }
        }
        Self(pieces)
    }

    /// As it is written to the terminal.
    pub(super) fn text(&self, color: bool) -> String {
        let mut out = String::new();
        for (style, text) in &self.0 {
            let code = style.code();
            if color && !code.is_empty() && !text.trim().is_empty() {
                out.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m"));
            } else {
                out.push_str(text);
            }
        }
        if color { out } else { out.trim_end().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_what_a_terminal_shows() {
        assert_eq!(cut("checkout", 8, true), "checkout");
        assert_eq!(cut("checkout", 5, true), "chec…");
        assert_eq!(cut("checkout", 0, true), "");
        assert_eq!(cut("価格サービス", 6, true), "価格…");
        assert_eq!(cell("ab", 4, true), "ab  ");
        let row = || Row::default().with(Style::Bold, "checkout").with(Style::Plain, " is slow");
        assert_eq!(row().fit(80, true).text(false), "checkout is slow");
        assert_eq!(row().fit(10, true).text(false), "checkout …");
        assert_eq!(row().fit(8, true).text(false), "checkou…");
        assert_eq!(row().fit(4, false).text(false), "che~");
        // Samples and people's words are not ours.
        assert_eq!(Row::default().with(Style::Plain, "a\u{1b}[2Jb\nc").text(false), "a[2Jbc");
        assert_eq!(row().text(true), "\u{1b}[1mcheckout\u{1b}[0m is slow");
        for width in 0..20 {
            assert!(row().fit(width, true).width() <= width, "{width}");
        }
    }
}
