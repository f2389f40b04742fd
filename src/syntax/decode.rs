//! Bytes to text. Comes in: what a file holds. Goes out: its text, and what is wrong with its bytes, once for each cause.
//!
//! Offsets in the text are offsets in the file, unless bytes that are not UTF-8 had to be replaced: the mark, the NULs and the
//! carriage returns that are reported stay in the text, where the grammar takes them for blanks and line ends.

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};
use crate::source::{FileId, Span};

/// More is not parsed: nobody wrote it, and a tree takes a multiple of it in memory.
pub const LARGEST_TEXT: usize = 64 * 1024 * 1024;

/// A longer line cannot be reviewed.
pub const LONGEST_LINE: usize = 100_000;

/// A fix with more edits than this would be larger than the file.
const MOST_EDITS: usize = 10_000;

const MARK: &str = "\u{FEFF}";

/// The text of a file's bytes. Never fails: what cannot be text is replaced, or left out as a whole, and reported.
///
/// # Errors (as diagnostics)
/// The codes P0002 to P0007.
#[must_use]
pub fn decode(file: FileId, bytes: &[u8]) -> (String, Vec<Diagnostic>) {
    if bytes.len() > LARGEST_TEXT {
        let message = format!("this file has {} bytes, and a source has {LARGEST_TEXT} at most", bytes.len());
        let diagnostic = Diagnostic::new(Code::FILE_TOO_LARGE, Span::new(file, 0, 0), message)
            .help("split it by what it is about, or leave it out with `exclude` in `perturb.toml`");
        return (String::new(), vec![diagnostic]);
    }
    if let Some((text, order)) = utf16(bytes) {
        let diagnostic =
            Diagnostic::new(Code::INVALID_UTF8, Span::new(file, 0, 0), format!("this file is UTF-16 ({order})"))
                .why("sources are UTF-8, so that they read the same for everybody")
                .help("save it as UTF-8, without a byte-order mark");
        return (text, vec![diagnostic]);
    }
    let mut found = Vec::new();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if bytes.contains(&0) => {
            let diagnostic =
                Diagnostic::new(Code::INVALID_UTF8, Span::new(file, 0, 0), "this file holds no text but other bytes")
                    .help("check the path, or leave it out with `exclude` in `perturb.toml`");
            return (String::new(), vec![diagnostic]);
        }
        Err(error) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            found.push(not_utf8(file, bytes, error.valid_up_to(), &text));
            text
        }
    };
    found.extend(byte_order_mark(file, &text));
    found.extend(nul_bytes(file, &text));
    found.extend(carriage_returns(file, &text));
    found.extend(long_line(file, &text));
    (text, found)
}

/// A text of two bytes a letter, with the order that its mark tells.
fn utf16(bytes: &[u8]) -> Option<(String, &'static str)> {
    let (rest, join, order): (_, fn([u8; 2]) -> u16, _) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (rest, u16::from_le_bytes, "little endian"),
        [0xFE, 0xFF, rest @ ..] => (rest, u16::from_be_bytes, "big endian"),
        _ => return None,
    };
    let units = rest.chunks_exact(2).filter_map(|pair| Some(join(pair.try_into().ok()?)));
    let letters = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
    Some((letters.collect(), order))
}

fn not_utf8(file: FileId, bytes: &[u8], at: usize, text: &str) -> Diagnostic {
    let more = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count().saturating_sub(1);
    let byte = bytes.get(at).copied().unwrap_or_default();
    let others = match more {
        0 => String::new(),
        1 => ", nor is one more".to_owned(),
        more => format!(", nor are {more} more"),
    };
    // What stands before it is UTF-8, so it lies at the same place in the text.
    let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |letter| at + letter.len_utf8());
    Diagnostic::new(
        Code::INVALID_UTF8,
        Span::new(file, at as u32, end as u32),
        format!("the byte 0x{byte:02X} is not UTF-8{others}"),
    )
    .why("who opens the file with another encoding sees another letter")
    .help("save the file as UTF-8")
}

fn byte_order_mark(file: FileId, text: &str) -> Option<Diagnostic> {
    let mark = Span::new(file, 0, MARK.len() as u32);
    text.starts_with(MARK).then(|| {
        Diagnostic::new(Code::BYTE_ORDER_MARK, mark, "this file begins with a byte-order mark")
            .why("UTF-8 needs none, and tools that join or compare files trip over it")
            .help("save it as UTF-8 without the mark")
            .fix("leave out the mark", mark, "")
    })
}

fn nul_bytes(file: FileId, text: &str) -> Option<Diagnostic> {
    let first = text.find('\0')?;
    let count = text.bytes().filter(|byte| *byte == 0).count();
    let message = if count == 1 { "a NUL byte".to_owned() } else { format!("the first of {count} NUL bytes") };
    let diagnostic = Diagnostic::new(Code::NUL_BYTE, Span::new(file, first as u32, first as u32 + 1), message)
        .why("tools written in C take it for the end of the text")
        .help("leave it out; if there are many, the file was damaged or saved in another encoding");
    let places = text.match_indices('\0').map(|(at, _)| at);
    Some(if count > MOST_EDITS {
        diagnostic
    } else {
        diagnostic.with_fix(without(file, "leave out the NUL bytes", places))
    })
}

fn carriage_returns(file: FileId, text: &str) -> Option<Diagnostic> {
    let first = text.find('\r')?;
    let count = text.bytes().filter(|byte| *byte == b'\r').count();
    let found = |what: &str| Diagnostic::new(Code::CARRIAGE_RETURN, Span::new(file, first as u32, first as u32), what);
    // A carriage return alone ends a line, too, and must leave one.
    let alone = text.match_indices('\r').any(|(at, _)| !text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')));
    let diagnostic = if alone {
        found("this file has carriage returns without a line feed behind them")
            .why("each ends a line here, and most tools show them as nothing, or write the next line over this one")
            .help("put a line feed in the place of each")
    } else {
        found("the lines of this file end as on Windows")
            .why("they mean the same, but every line of a diff looks changed where a tool writes the other kind")
            .help("save it with line feeds alone; `*.chaos text eol=lf` in `.gitattributes` keeps it so")
    };
    let places = text.match_indices('\r').map(|(at, _)| at);
    let fixable = !alone && count <= MOST_EDITS;
    Some(if fixable {
        diagnostic.with_fix(without(file, "leave out the carriage returns", places))
    } else {
        diagnostic
    })
}

fn long_line(file: FileId, text: &str) -> Option<Diagnostic> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.len() > LONGEST_LINE {
            let message = format!("this line has {} bytes", line.len());
            return Some(
                Diagnostic::new(Code::LONG_LINE, Span::new(file, start as u32, start as u32), message)
                    .why("nobody can review it, and editors and diffs show it badly")
                    .help("break it behind commas and brackets; a long text stands in `\"\"\"…\"\"\"`"),
            );
        }
        start += line.len();
    }
    None
}

/// Leaves out the bytes at these places.
fn without(file: FileId, title: &str, places: impl Iterator<Item = usize>) -> Fix {
    let edit = |at: usize| Edit { span: Span::new(file, at as u32, at as u32 + 1), text: String::new() };
    Fix { title: title.to_owned(), edits: places.map(edit).collect(), applicability: Applicability::Certain }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileId = FileId(0);

    fn codes(bytes: &[u8]) -> Vec<Code> {
        decode(FILE, bytes).1.iter().map(|d| d.code).collect()
    }

    #[test]
    fn plain_text_is_itself() {
        let text = "team platform { contact: \"#café\" }\n";
        assert_eq!(decode(FILE, text.as_bytes()), (text.to_owned(), vec![]));
        assert_eq!(decode(FILE, b""), (String::new(), vec![]));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_said_once() {
        let (text, found) = decode(FILE, b"// caf\xE9, \xE9 and \xE9\nlet a = 5m\n");
        assert_eq!(text, "// caf\u{FFFD}, \u{FFFD} and \u{FFFD}\nlet a = 5m\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "the byte 0xE9 is not UTF-8, nor are 2 more");
        assert_eq!((found[0].span.start, found[0].span.end), (6, 9));
    }

    #[test]
    fn utf16_is_read_all_the_same() {
        for (mark, bytes) in [([0xFF, 0xFE], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xFE, 0xFF], u16::to_be_bytes)]
        {
            let written: Vec<u8> = mark.into_iter().chain("let a = 5m\n".encode_utf16().flat_map(bytes)).collect();
            let (text, found) = decode(FILE, &written);
            assert_eq!(text, "let a = 5m\n");
            assert_eq!(found[0].code, Code::INVALID_UTF8);
        }
    }

    #[test]
    fn what_is_no_text_is_not_parsed() {
        let (text, found) = decode(FILE, b"\x7fELF\x02\x01\x01\0\0\xff\xfe");
        assert_eq!((text.as_str(), found.len()), ("", 1));
    }

    #[test]
    fn marks_nuls_and_carriage_returns_stay_in_the_text() {
        let text = "\u{FEFF}let a =\0 5m\r\n";
        let (same, found) = decode(FILE, text.as_bytes());
        assert_eq!(same, text);
        assert_eq!(
            found.iter().map(|d| d.code).collect::<Vec<_>>(),
            [Code::BYTE_ORDER_MARK, Code::NUL_BYTE, Code::CARRIAGE_RETURN]
        );
        assert!(crate::syntax::parse(FILE, &same).diagnostics.is_empty());
    }

    #[test]
    fn a_carriage_return_alone_is_not_taken_out() {
        let (_, found) = decode(FILE, b"let a = 5m\rlet b = 5m\r\n");
        assert_eq!(found[0].code, Code::CARRIAGE_RETURN);
        assert!(found[0].fixes.is_empty());
        // To save it with line feeds alone would join the two lines.
        assert_eq!(found[0].help.as_deref(), Some("put a line feed in the place of each"));
    }

    #[test]
    fn long_lines_are_said_once_and_large_files_are_not_parsed() {
        let long = format!("// {}\n", "x".repeat(LONGEST_LINE));
        assert_eq!(codes(long.repeat(2).as_bytes()), [Code::LONG_LINE]);
        assert_eq!(codes("x".repeat(LONGEST_LINE).as_bytes()), []);
        assert_eq!(codes(&vec![b'\n'; LARGEST_TEXT + 1]), [Code::FILE_TOO_LARGE]);
        assert_eq!(codes(&vec![b'\n'; LARGEST_TEXT]), []);
    }
}
