//! A node as JSON text: what Argo creates in a step is a manifest inside of a manifest, and JSON is YAML that no reader
//! can take for anything else.
//!
//! Indented by two, so that a difference reads line by line, and so that two closing braces never meet (Argo looks for
//! `{{`). Must never change a value: strings are escaped as JSON says and nothing else.

use crate::manifest::Node;

/// The text of a node, without a final line break.
pub(super) fn text(node: &Node<'_>) -> String {
    let mut out = String::with_capacity(1024);
    write(node, 0, &mut out);
    out
}

fn write(node: &Node<'_>, depth: usize, out: &mut String) {
    match node {
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Int(value) => out.push_str(&value.to_string()),
        Node::Text(value) => string(value, out),
        Node::List([]) => out.push_str("[]"),
        Node::Map([]) => out.push_str("{}"),
        Node::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                line(i, depth + 1, out);
                write(item, depth + 1, out);
            }
            end(depth, ']', out);
        }
        Node::Map(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                line(i, depth + 1, out);
                string(key, out);
                out.push_str(": ");
                write(value, depth + 1, out);
            }
            end(depth, '}', out);
        }
    }
}

fn line(index: usize, depth: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    indent(depth, out);
}

fn end(depth: usize, bracket: char, out: &mut String) {
    indent(depth, out);
    out.push(bracket);
}

fn indent(depth: usize, out: &mut String) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Arena;

    #[test]
    fn is_json_with_the_same_values() {
        let arena = Arena::new();
        let nasty = "a\"b\\c\nd\te\u{1}ü";
        let node = arena.map([
            ("text", arena.text(nasty)),
            ("list", arena.list([Node::Int(-3), Node::Bool(true), arena.list([])])),
            ("map", arena.map([("inner", arena.map([]))])),
        ]);
        let json: serde_json::Value = serde_json::from_str(&text(&node)).unwrap();
        assert_eq!(json, serde_json::json!({ "text": nasty, "list": [-3, true, []], "map": { "inner": {} } }));
        assert!(!text(&node).contains("}}"));
    }
}
