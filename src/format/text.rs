//! Long texts, `"""…"""`: their lines move with what is around them.
//!
//! Comes in: a text as written. Goes out: the same text with other indentation. What the text means stays the same: the
//! language takes off what all of its lines have in common (`src/check/build/text.rs` says which lines count), so this
//! counts the same lines. A text with tabs is left alone, as nobody can say how wide they are.

/// The text with its lines indented one step deeper than `indent`, and its closing quotes at `indent`.
///
/// Left as it is: a text that begins or ends beside its quotes, one with tabs in front, one whose lines have holes in front.
pub(super) fn indented(text: &str, indent: usize) -> String {
    let moved = || {
        let inner = text.strip_prefix("\"\"\"")?.strip_suffix("\"\"\"")?;
        let mut lines: Vec<&str> = inner.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
        let (first, last) = (*lines.first()?, *lines.last()?);
        if lines.len() < 3 || !is_blank(first) || !is_blank(last) {
            return None;
        }
        lines.remove(0);
        lines.pop();
        let full = || lines.iter().filter(|l| !is_blank(l));
        if full().any(|l| l.trim_start_matches(' ').starts_with('\t')) || inner.contains('\r') {
            return None;
        }
        let common = full().map(|l| l.len() - l.trim_start_matches(' ').len()).min()?;
        let (outer, step) = (" ".repeat(indent), " ".repeat(indent + super::INDENT as usize));
        let mut out = String::from("\"\"\"\n");
        for line in &lines {
            if !is_blank(line) {
                out.push_str(&step);
                out.push_str(line.get(common..)?);
            }
            out.push('\n');
        }
        out.push_str(&outer);
        out.push_str("\"\"\"");
        Some(out)
    };
    moved().unwrap_or_else(|| text.to_owned())
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|b| b == b' ' || b == b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_move_together() {
        assert_eq!(indented("\"\"\"\n  a\n    b\n\n  c\n \"\"\"", 2), "\"\"\"\n    a\n      b\n\n    c\n  \"\"\"");
    }

    #[test]
    fn what_cannot_move_stays() {
        for text in
            ["\"\"\"a\n b\n\"\"\"", "\"\"\"\n\ta\n\"\"\"", "\"\"\"\n a\n b\"\"\"", "\"\"\"a\"\"\"", "\"\"\"\n\"\"\""]
        {
            assert_eq!(indented(text, 4), text);
        }
    }
}
