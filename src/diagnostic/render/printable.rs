//! Text that a terminal shows as it is: no escape codes out of the user's files, no tricks with the direction of writing.
//!
//! Comes in: any text. Goes out: text without control and bidirectional characters. Whoever could put an escape sequence
//! into a `.chaos` file could otherwise write anything onto the terminal of who checks it.

use std::borrow::Cow;

/// Whether a terminal would do something with the character other than show it.
fn acts(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text with such characters replaced by others of the same length in UTF-8, so that offsets stay right.
pub(super) fn same_length(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| acts(c) && c != '\r') && !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut letters = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        let ends_line = letter == '\r' && letters.peek() == Some(&'\n');
        out.push(match letter.len_utf8() {
            _ if ends_line || !acts(letter) => letter,
            1 => '?',
            2 => '·',
            _ => '\u{fffd}',
        });
    }
    Cow::Owned(out)
}

/// The text with such characters written out: `\u{1b}`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if acts(letter) {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

/// The text in lines of at most `room` characters, broken at spaces; its own line ends stay. A longer word stays whole.
#[must_use]
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ') {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > room {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_gets_through() {
        let text = "a\u{1b}[31m\0b\r\nc\rd\u{85}\u{202e}e\té";
        let shown = same_length(text);
        assert_eq!(shown, "a?[31m?b\r\nc?d·\u{fffd}e\té");
        assert_eq!(shown.len(), text.len());
        assert_eq!(visible("x\u{1b}y"), "x\\u{1b}y");
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("muchtoolongaword b\nc", 4), ["muchtoolongaword", "b", "c"]);
    }
}
