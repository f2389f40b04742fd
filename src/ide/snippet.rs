//! Snippets: text with places to fill in, and the same as plain text for editors that know no snippets.

/// The text with its placeholders' contents in their place.
#[must_use]
pub fn plain(snippet: &str) -> String {
    let mut out = String::new();
    let mut rest = snippet;
    while let Some(at) = rest.find("${") {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let inside = behind.strip_prefix("${").unwrap_or(behind);
        let end = closing(inside);
        let (inside, after) = inside.split_at(end);
        let content = inside.trim_start_matches(|c: char| c.is_ascii_digit());
        match content.strip_prefix('|') {
            Some(choices) => out.push_str(choices.split(',').next().unwrap_or("")),
            None => out.push_str(content.strip_prefix(':').unwrap_or("")),
        }
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    out.push_str(rest);
    out.replace("\\$", "$").replace("\\}", "}")
}

/// Where the `}` is that closes a placeholder, with the braces in it.
fn closing(inside: &str) -> usize {
    let mut depth = 0;
    for (index, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => return index,
            '}' => depth -= 1,
            _ => {}
        }
    }
    inside.len()
}

/// A text as it stands, for a snippet.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}")
}

/// Every line but the first as deep as the first.
#[must_use]
pub fn indented(snippet: &str, indent: &str) -> String {
    snippet.replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_their_contents() {
        assert_eq!(plain("wait ${1:1m}"), "wait 1m");
        assert_eq!(plain("tier: ${3|critical,high|} {${0}}"), "tier: critical {}");
        assert_eq!(plain("import ${1:std.{network, probe}}"), "import std.{network, probe}");
        assert_eq!(plain("q: \"\\${of.name}\""), "q: \"${of.name}\"");
    }
}
