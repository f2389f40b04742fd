//! Lines and columns of the protocol, and offsets. Pure.

use gen_lsp_types::{Position, Range};

use crate::source::{SourceFile, Span};

/// How columns are counted; what the client and the server agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, which every client knows.
    #[default]
    Utf16,
}

impl Encoding {
    fn width(self, letter: char) -> u32 {
        match self {
            Self::Utf8 => letter.len_utf8() as u32,
            Self::Utf16 => letter.len_utf16() as u32,
        }
    }

    /// The offset of a position; a line's end where the column is behind it, the text's end where the line is.
    pub fn offset(self, file: &SourceFile, position: Position) -> u32 {
        let start = file.line_start(position.line);
        let line = file.text.get(start as usize..).unwrap_or("");
        let (mut column, mut offset) = (0, start);
        for letter in line.chars() {
            if column >= position.character || letter == '\n' {
                break;
            }
            column += self.width(letter);
            offset += letter.len_utf8() as u32;
        }
        offset
    }

    /// The position of an offset.
    pub fn position(self, file: &SourceFile, offset: u32) -> Position {
        let offset = offset.min(file.text.len() as u32);
        let line = file.line_of(offset);
        let before = file.text.get(file.line_start(line) as usize..offset as usize).unwrap_or("");
        let character = match self {
            Self::Utf8 => before.len() as u32,
            Self::Utf16 if before.is_ascii() => before.len() as u32,
            Self::Utf16 => before.chars().map(|letter| self.width(letter)).sum(),
        };
        Position { line, character }
    }

    /// The range of a span.
    pub fn range(self, file: &SourceFile, span: Span) -> Range {
        Range { start: self.position(file, span.start), end: self.position(file, span.end) }
    }

    /// How long a span of one line is.
    pub fn length(self, file: &SourceFile, span: Span) -> u32 {
        let text = file.text.get(span.start as usize..span.end as usize).unwrap_or("");
        text.chars().map(|letter| self.width(letter)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    #[test]
    fn columns_are_counted_as_agreed() {
        let mut map = SourceMap::default();
        let id = map.add("a", "a\nüb😀c\r\nd");
        let file = map.file(id);
        for (encoding, column) in [(Encoding::Utf8, 7), (Encoding::Utf16, 4)] {
            let at = encoding.position(file, 9);
            assert_eq!((at.line, at.character), (1, column));
            assert_eq!(encoding.offset(file, at), 9);
        }
        let all = |encoding: Encoding| {
            (0..=file.text.len() as u32).all(|offset| {
                !file.text.is_char_boundary(offset as usize)
                    || encoding.offset(file, encoding.position(file, offset)) == offset
            })
        };
        assert!(all(Encoding::Utf8) && all(Encoding::Utf16));
        assert_eq!(Encoding::Utf16.offset(file, Position { line: 9, character: 9 }), file.text.len() as u32);
        assert_eq!(Encoding::Utf16.offset(file, Position { line: 0, character: 9 }), 1);
    }
}
