//! Writes manifests as YAML that YAML 1.1 and YAML 1.2 readers read as the same thing.
//!
//! Comes in: a [`Node`]. Goes out: block style as `kubectl` prints it (two spaces, the dashes of a sequence under their
//! key), text plain where no reader of either version could take it for something else, a literal block (`|`) for lines,
//! double quotes otherwise. It never folds lines, never writes tags, anchors or comments, and never fails: every text
//! can be said in double quotes.
//!
//! A bulk compilation is mostly spent here, so a text is looked at once, by bytes, through a table, and copied whole.
//!
//! Facts: YAML 1.2.2 §5.1 (printable characters), §7.3 (plain scalars), §8.1 (literal blocks); yaml.org/type for what
//! YAML 1.1 makes of plain scalars (booleans, null, numbers, sexagesimals, dates, `=`, `<<`); YAML 1.1 §4.2 for
//! U+0085, U+2028 and U+2029 as line breaks. The Kubernetes API machinery, Argo CD and Flux read YAML 1.1.
//!
//! May use: nothing of ours but [`Node`].

use super::Node;

#[cfg(test)]
mod tests;

/// Writes one document, ended by a line break, behind what `out` holds already.
pub fn write(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Map(entries) if !entries.is_empty() => map(entries, 0, out),
        Node::List(items) if !items.is_empty() => list(items, 0, out),
        leaf => {
            scalar(leaf, 0, out);
            out.push('\n');
        }
    }
}

/// Writes documents one behind the other, with `---` between them.
///
/// The text may be taken out of `out` between two documents: what is separated is counted here, not seen there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stream {
    documents: usize,
}

impl Stream {
    /// Writes the next document behind what `out` holds already.
    pub fn document(&mut self, node: &Node<'_>, out: &mut String) {
        if self.documents > 0 {
            out.push_str("---\n");
        }
        self.documents += 1;
        write(node, out);
    }

    /// How many documents were written.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents
    }
}

/// Writes a mapping whose first key stands where `out` ends and whose others stand at column `indent`.
fn map(entries: &[(&str, Node<'_>)], indent: usize, out: &mut String) {
    for (position, (key, value)) in entries.iter().enumerate() {
        if position > 0 {
            spaces(indent, out);
        }
        self::key(key, indent, out);
        match value {
            Node::Map(inner) if !inner.is_empty() => {
                out.push_str(":\n");
                spaces(indent + 2, out);
                map(inner, indent + 2, out);
            }
            Node::List(items) if !items.is_empty() => {
                out.push_str(":\n");
                spaces(indent, out);
                list(items, indent, out);
            }
            leaf => {
                out.push_str(": ");
                scalar(leaf, indent + 2, out);
                out.push('\n');
            }
        }
    }
}

/// Writes a sequence whose first dash stands where `out` ends and whose others stand at column `indent`.
fn list(items: &[Node<'_>], indent: usize, out: &mut String) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            spaces(indent, out);
        }
        out.push_str("- ");
        match item {
            Node::Map(inner) if !inner.is_empty() => map(inner, indent + 2, out),
            Node::List(inner) if !inner.is_empty() => list(inner, indent + 2, out),
            leaf => {
                scalar(leaf, indent + 2, out);
                out.push('\n');
            }
        }
    }
}

/// The longest key, in bytes, that is written with its value on one line. YAML allows 1,024 characters.
const LONGEST_KEY: usize = 1_000;

/// Writes a key, without its colon: plain or in double quotes, in one line.
fn key(key: &str, indent: usize, out: &mut String) {
    let start = out.len();
    text(key, indent, out, false);
    if out.len() - start > LONGEST_KEY {
        out.insert_str(start, "? ");
        out.push('\n');
        spaces(indent, out);
    }
}

/// Writes what fits on a line (or in a literal block, its lines at column `indent`), without the final line break.
fn scalar(node: &Node<'_>, indent: usize, out: &mut String) {
    match node {
        Node::Bool(true) => out.push_str("true"),
        Node::Bool(false) => out.push_str("false"),
        Node::Int(value) => integer(*value, out),
        Node::Text(value) => text(value, indent, out, true),
        // Only empty ones come here.
        Node::List(_) => out.push_str("[]"),
        Node::Map(_) => out.push_str("{}"),
    }
}

/// Writes a whole number without the machinery of `format!`.
fn integer(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    let mut rest = value.unsigned_abs();
    // 2^63 has 19 digits.
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    for (position, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        first = position;
        if rest == 0 {
            break;
        }
    }
    out.push_str(digits.get(first..).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or("0"));
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Quoted,
    Literal,
}

fn text(value: &str, indent: usize, out: &mut String, may_have_lines: bool) {
    match style(value) {
        Style::Plain => out.push_str(value),
        Style::Literal if may_have_lines => literal(value, indent, out),
        Style::Literal | Style::Quoted => quoted(value, out),
    }
}

// What a byte may do to a text that is to be written plain. Bits, so that a text is one pass of `|`.
/// `:`, the end of a key if a blank or the end follows.
const COLON: u8 = 1;
/// `#`, a comment if a blank comes before.
const HASH: u8 = 2;
/// A blank: not first, not last.
const BLANK: u8 = 4;
/// A line break: a literal block, perhaps.
const BREAK: u8 = 8;
/// Part of a character beyond ASCII: it must be printable in both versions, and no blank of its own kind.
const WIDE: u8 = 16;
/// Only in double quotes: tabs (readers disagree on them), all other control characters.
const NEVER: u8 = 32;
/// Not as the first byte: indicators.
const INDICATOR: u8 = 64;
/// As the first byte it may begin something that is not a text: a number, a date, a truth, nothing, `=`, `<<`.
const RESOLVES: u8 = 128;

static BYTES: [u8; 256] = bytes();

const fn bytes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b':' => COLON | INDICATOR,
            b'#' => HASH | INDICATOR,
            b' ' => BLANK | INDICATOR,
            b'\n' => BREAK | INDICATOR,
            0x80..=0xFF => WIDE,
            0..=0x1F | 0x7F => NEVER | INDICATOR,
            b'?' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`' => INDICATOR,
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'~' | b'=' | b'<' => RESOLVES,
            // yes no on off true false null inf nan y n, and whatever their case
            b'y' | b'Y' | b'n' | b'N' | b'o' | b'O' | b't' | b'T' | b'f' | b'F' | b'i' | b'I' => RESOLVES,
            _ => 0,
        };
        byte += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    // A byte is always below 256.
    BYTES.get(byte as usize).copied().unwrap_or(NEVER)
}

fn style(value: &str) -> Style {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return Style::Quoted };
    let found =
        bytes.iter().fold(0, |found, byte| found | class(*byte)) & (COLON | HASH | BLANK | BREAK | WIDE | NEVER);
    if found & NEVER != 0 || (found & WIDE != 0 && !value.chars().all(is_plain_char)) {
        return Style::Quoted;
    }
    if found & BREAK != 0 {
        return if is_literal(value) { Style::Literal } else { Style::Quoted };
    }
    if class(*first) & INDICATOR != 0 || *last == b' ' {
        return Style::Quoted;
    }
    if found & COLON != 0 && (*last == b':' || bytes.windows(2).any(|pair| pair == b": ")) {
        return Style::Quoted;
    }
    if found & HASH != 0 && bytes.windows(2).any(|pair| pair == b" #") {
        return Style::Quoted;
    }
    if class(*first) & RESOLVES != 0 && resolves(value) {
        return Style::Quoted;
    }
    Style::Plain
}

/// Whether a character beyond ASCII may stand as it is: printable in both versions, and seen by whoever reads.
fn is_plain_char(character: char) -> bool {
    match character {
        // Checked by bytes already.
        '\0'..='\x7F' => true,
        // C1 controls, among them U+0085, a line break.
        '\u{80}'..='\u{9F}' => false,
        // The byte-order mark, and the two that are no characters.
        '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => false,
        // Line and paragraph separator, and every other blank: libraries trim them, people do not see them.
        other => !other.is_whitespace() && !is_invisible(other),
    }
}

/// Characters that change what is read without being seen: joiners, directions of writing.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
}

/// Whether a text of several lines is exactly what a literal block without an indentation number says.
///
/// The first line tells a reader how far the block is indented, so it must not be empty or begin with a blank; blanks at
/// the end of a line are quoted, since editors remove them.
fn is_literal(value: &str) -> bool {
    !value.starts_with([' ', '\n']) && !value.ends_with(' ') && !value.contains(" \n")
}

/// Whether a text that begins like a number, a date or a word of YAML could be read as one. Rather too often than not.
fn resolves(value: &str) -> bool {
    if value.starts_with("---") || value.starts_with("...") {
        return true;
    }
    // Any number of signs: `saphyr` reads `+-0` as a number.
    let unsigned = value.trim_start_matches(['+', '-']);
    match unsigned.as_bytes().first() {
        // `-`, and the dash of a sequence.
        None | Some(b' ') => true,
        // Numbers in every base, with `_` or `:` within, and dates with their times, are made of these alone. So are a
        // few that are none (`10.0.0.1` matches the pattern of a YAML 1.1 float, `1f` that of nothing).
        Some(b'0'..=b'9' | b'.') => unsigned.bytes().all(is_number_byte) || is_word(unsigned.trim_start_matches('.')),
        // One sign only: `--on` is an argument.
        _ => is_word(value.strip_prefix(['+', '-']).unwrap_or(value)),
    }
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'.' | b',' | b'_' | b':' | b'+' | b'-' | b' ' | b'x' | b'X'
        | b'o' | b'O' | b't' | b'T' | b'z' | b'Z')
}

/// Whether it is a word with a meaning of its own in one of the two versions, in any case.
fn is_word(value: &str) -> bool {
    const WORDS: [&str; 15] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", "inf", "nan", "infinity"];
    value.len() <= "infinity".len() && WORDS.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Writes lines as a literal block, without the last line break.
fn literal(value: &str, indent: usize, out: &mut String) {
    let body = match value.strip_suffix('\n') {
        None => {
            out.push_str("|-");
            value
        }
        Some(body) if !body.ends_with('\n') => {
            out.push('|');
            body
        }
        Some(body) => {
            out.push_str("|+");
            body
        }
    };
    // A document that is nothing but a block still indents it.
    let indent = indent.max(2);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            spaces(indent, out);
            out.push_str(line);
        }
    }
}

/// Writes a text in double quotes, on one line.
fn quoted(value: &str, out: &mut String) {
    out.push('"');
    let mut clean = 0;
    for (position, character) in value.char_indices() {
        let short = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\t' => "\\t",
            '\r' => "\\r",
            '\0' => "\\0",
            ' '..='~' => continue,
            other if other > '\u{7F}' && is_plain_char(other) => continue,
            _ => "",
        };
        out.push_str(value.get(clean..position).unwrap_or_default());
        if short.is_empty() {
            escape(character, out);
        } else {
            out.push_str(short);
        }
        clean = position + character.len_utf8();
    }
    out.push_str(value.get(clean..).unwrap_or_default());
    out.push('"');
}

/// Writes a character by its number.
fn escape(character: char, out: &mut String) {
    let number = character as u32;
    let (mark, digits) = match number {
        0..=0xFF => ("\\x", 2),
        0x100..=0xFFFF => ("\\u", 4),
        _ => ("\\U", 8),
    };
    out.push_str(mark);
    for position in (0..digits).rev() {
        out.push(char::from_digit(number >> (4 * position) & 0xF, 16).unwrap_or('0').to_ascii_uppercase());
    }
}

fn spaces(count: usize, out: &mut String) {
    const BLANKS: &str = "                                                                ";
    let mut left = count;
    while left > 0 {
        let some = left.min(BLANKS.len());
        out.push_str(BLANKS.get(..some).unwrap_or_default());
        left -= some;
    }
}
