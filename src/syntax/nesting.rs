//! How deeply brackets are nested, before pest runs: its rules call each other, and a stack ends somewhere.
//!
//! Comes in: any text. Goes out: the place of the first bracket that is too deep. One pass, a stack of at most
//! [`DEEPEST`] entries; must never recurse. It has to know texts and comments, as brackets in them are none.

/// How many brackets may be open at once. The grammar's rule `deeper` has the same bound, for the brackets of a broken text that
/// are not what they look like here.
pub const DEEPEST: usize = 64;

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Bracket,
    /// `${` in a `"` text.
    LineHole,
    /// `${` in a `"""` text.
    BlockHole,
}

/// The byte of the first bracket with [`DEEPEST`] open ones around it.
pub fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' => {
                open.push(Open::Bracket);
                if open.len() > DEEPEST {
                    return Some(at);
                }
                at += 1;
            }
            b')' | b']' => {
                // A closing bracket never closes a `${`.
                if open.last() == Some(&Open::Bracket) {
                    open.pop();
                }
                at += 1;
            }
            b'}' => match open.pop() {
                // The text around the hole goes on. It can open another, but that only takes the place of this one.
                Some(Open::LineHole) => at = text_end(bytes, at + 1, false, &mut open),
                Some(Open::BlockHole) => at = text_end(bytes, at + 1, true, &mut open),
                Some(Open::Bracket) | None => at += 1,
            },
            b'"' => {
                let long = bytes.get(at..at + 3) == Some(b"\"\"\"");
                at = text_end(bytes, at + if long { 3 } else { 1 }, long, &mut open);
                if open.len() > DEEPEST {
                    return Some(at.saturating_sub(2));
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = comment_end(bytes, at + 2),
            b'#' => at = line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = line_end(bytes, at),
            b'\n' | b'\r' => {
                // A `${` of a `"` text does not outlive its line.
                while open.last() == Some(&Open::LineHole) {
                    open.pop();
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes
        .get(from..)
        .and_then(|rest| rest.iter().position(|b| matches!(b, b'\n' | b'\r')))
        .map_or(bytes.len(), |n| from + n)
}

fn comment_end(bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).and_then(|rest| rest.windows(2).position(|w| w == b"*/")).map_or(bytes.len(), |n| from + n + 2)
}

/// Goes on in a text up to behind its end or into its next `${`.
fn text_end(bytes: &[u8], from: usize, long: bool, open: &mut Vec<Open>) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if !long => at += 2,
            b'$' if bytes.get(at..at + 3) == Some(b"$${") => at += 3,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                open.push(if long { Open::BlockHole } else { Open::LineHole });
                return at + 2;
            }
            b'"' if long && bytes.get(at..at + 3) == Some(b"\"\"\"") => return at + 3,
            b'"' if !long => return at + 1,
            b'\n' | b'\r' if !long => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::DEEPEST;

    #[test]
    fn the_grammar_goes_as_deep() {
        let grammar = include_str!("../../grammar/chaos.pest");
        assert!(grammar.contains(&format!("deeper      = _{{ !PEEK[{DEEPEST}..] ~ PUSH(\"\") }}")));
        let (in_, out) = (grammar.matches(" ~ deeper ~ ").count(), grammar.matches(" ~ DROP").count());
        assert_eq!(in_, out, "a rule goes in and not out");
    }
}
