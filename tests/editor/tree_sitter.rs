//! The tree-sitter grammar and ours: one language.
//!
//! Comes in: every `.chaos` file of the repository. Goes out: for a file without mistakes the same tree, node for node and byte for
//! byte; for any other an error there, too.

use std::path::{Path, PathBuf};

use perturb::diagnostic::Code;
use perturb::source::FileId;
use perturb::syntax::{self, SyntaxElement, SyntaxKind};
use tree_sitter::{InputEdit, Node, Parser, Point, Tree};

use crate::incremental::{Random, edit, edits, seed};
use crate::{has, root};

/// A node: how deep it is, what it is, where it is.
type Place = (usize, String, usize, usize);

fn parser() -> Parser {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_perturb::LANGUAGE.into()).unwrap();
    parser
}

pub fn tree(text: &str) -> Tree {
    parser().parse(text, None).unwrap()
}

/// Every text in the language that the repository keeps.
pub fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = ["examples", "stdlib", "tests/corpus"].iter().map(|f| root().join(f)).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "chaos" || e == "formatted") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `CompareExpr` as tree-sitter spells it.
fn snake(kind: SyntaxKind) -> String {
    let mut out = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn blanks_at_end(text: &str) -> usize {
    text.len() - text.trim_end().len()
}

/// What our tree says: nodes and the tokens that are not signs, and the comments, which stand wherever they like.
fn ours(element: &SyntaxElement, text: &str, depth: usize, nodes: &mut Vec<Place>, comments: &mut Vec<Place>) {
    let (kind, range) = (element.kind(), element.text_range());
    // An import has the blanks behind it, which no reader sees.
    let blanks = if kind == SyntaxKind::Import { blanks_at_end(&text[range]) } else { 0 };
    let place = |depth| (depth, snake(kind), usize::from(range.start()), usize::from(range.end()) - blanks);
    match element {
        SyntaxElement::Token(_) if kind == SyntaxKind::Whitespace => {}
        SyntaxElement::Token(_) if kind.is_trivia() => comments.push(place(0)),
        SyntaxElement::Token(_) => {
            if matches!(kind, SyntaxKind::Word | SyntaxKind::Number | SyntaxKind::TextPart) {
                nodes.push(place(depth));
            }
        }
        SyntaxElement::Node(node) => {
            // An item is what stands behind its comments.
            let is_shown = kind != SyntaxKind::Item;
            if is_shown {
                nodes.push(place(depth));
            }
            for child in node.children_with_tokens() {
                ours(&child, text, depth + usize::from(is_shown), nodes, comments);
            }
        }
    }
}

/// The same of a tree of tree-sitter.
fn theirs(node: Node, depth: usize, nodes: &mut Vec<Place>, comments: &mut Vec<Place>) {
    let place = |depth| (depth, node.kind().to_owned(), node.start_byte(), node.end_byte());
    match node.kind() {
        "comment" | "doc_comment" | "file_doc" => comments.push(place(0)),
        // What is special in a text and signs that the scanner finds have nodes for their colour alone.
        "escape" | "operator" => {}
        _ if !node.is_named() => {}
        _ => {
            nodes.push(place(depth));
            for child in node.children(&mut node.walk()) {
                theirs(child, depth + 1, nodes, comments);
            }
        }
    }
}

/// The first node that only one of them has, with its line.
fn difference(text: &str, tree: &Tree) -> Option<String> {
    let parse = syntax::parse(FileId(0), text);
    let (mut a, mut a_comments, mut b, mut b_comments) = (vec![], vec![], vec![], vec![]);
    ours(&SyntaxElement::Node(parse.syntax()), text, 0, &mut a, &mut a_comments);
    theirs(tree.root_node(), 0, &mut b, &mut b_comments);
    // A file is all of its text, or what stands between the blanks at its ends.
    a.remove(0);
    b.remove(0);
    let show = |place: Option<&Place>| {
        place.map_or("nothing".to_owned(), |(depth, kind, start, end)| {
            let line = text[..*start].matches('\n').count() + 1;
            format!("`{kind}` {start}..{end} at depth {depth}, line {line}: {:?}", &text[*start..*end])
        })
    };
    for (a, b) in [(a, b), (a_comments, b_comments)] {
        if let Some(at) = (0..a.len().max(b.len())).find(|at| a.get(*at) != b.get(*at)) {
            return Some(format!("ours: {}\n  tree-sitter's: {}", show(a.get(at)), show(b.get(at))));
        }
    }
    None
}

fn first_error(node: Node) -> Option<String> {
    if node.is_error() || node.is_missing() {
        let place = node.start_position();
        return Some(format!("{} in line {}", node.to_sexp(), place.row + 1));
    }
    node.children(&mut node.walk()).find_map(first_error)
}

/// How the two do not agree about a text.
#[derive(Debug)]
#[expect(dead_code, reason = "what is in there is shown where a test fails")]
enum Disagreement {
    /// There is a mistake, and tree-sitter finds none.
    Accepted,
    /// There is no mistake, and tree-sitter finds one.
    Refused(String),
    /// The trees differ.
    Differs(String),
}

fn disagreement(text: &str) -> Option<Disagreement> {
    let mistakes = syntax::parse(FileId(0), text).diagnostics;
    // The one thing that is no matter of grammar: how deep our own tree may become.
    if mistakes.iter().any(|d| d.code == Code::TOO_DEEP) {
        return None;
    }
    let tree = tree(text);
    match (mistakes.is_empty(), first_error(tree.root_node())) {
        (false, Some(_)) => None,
        (false, None) => Some(Disagreement::Accepted),
        (true, Some(error)) => Some(Disagreement::Refused(error)),
        (true, None) => difference(text, &tree).map(Disagreement::Differs),
    }
}

pub fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

#[test]
fn both_parsers_agree_on_every_file() {
    let files = files();
    assert!(files.len() > 250, "where are the files?");
    let found: Vec<String> = files
        .iter()
        .filter_map(|path| disagreement(&read(path)).map(|what| format!("{}: {what:?}", path.display())))
        .collect();
    assert!(found.is_empty(), "{} of {} files:\n{}", found.len(), files.len(), found.join("\n"));
}

/// The blocks in the language of all pages.
fn blocks() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join("docs")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                let page = std::fs::read_to_string(&path).unwrap();
                let mut rest = page.as_str();
                while let Some((_, behind)) = rest.split_once("\n```chaos") {
                    let Some((_, text)) = behind.split_once('\n') else { break };
                    let Some((text, behind)) = text.split_once("\n```") else { break };
                    found.push((path.display().to_string(), format!("{text}\n")));
                    rest = behind;
                }
            }
        }
    }
    found
}

#[test]
fn both_parsers_agree_on_the_blocks_of_every_page() {
    let found: Vec<String> =
        blocks().iter().filter_map(|(n, t)| disagreement(t).map(|what| format!("{n}: {what:?}\n{t}"))).collect();
    assert!(found.is_empty(), "{} of {}:\n{}", found.len(), blocks().len(), found.join("\n"));
}

/// A file that fits is edited once, at random: what still fits does in both, and is the same tree.
#[test]
fn both_parsers_agree_on_what_fits_after_an_edit() {
    let fits = |text: &String| syntax::parse(FileId(0), text).diagnostics.is_empty();
    let texts: Vec<String> = files().iter().map(|path| read(path)).filter(fits).collect();
    let mut random = Random(seed().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (edits, mut lenient) = (edits(), 0);
    for step in 1..=edits {
        let before = &texts[random.below(texts.len())];
        let text = edit(&mut random, before);
        match disagreement(&text) {
            None => {}
            Some(Disagreement::Accepted) => lenient += 1,
            Some(what) => panic!("edit {step}: {what:?}\n{text}"),
        }
    }
    // It lets a line end within a line that we do not: 1 of 800 when this was written.
    println!("{edits} edits, {lenient} mistakes that tree-sitter accepts");
    assert!(lenient * 200 <= edits + 200, "tree-sitter accepts {lenient} mistakes of {edits} edits");
}

/// The edit that makes one text of another, as an editor tells the parser.
fn input_edit(before: &str, after: &str) -> InputEdit {
    let head = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - head;
    let tail = before.bytes().rev().zip(after.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    let point = |text: &str, at: usize| {
        let before = &text.as_bytes()[..at];
        let row = before.iter().filter(|b| **b == b'\n').count();
        Point::new(row, at - before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1))
    };
    let (old_end, new_end) = (before.len() - tail, after.len() - tail);
    InputEdit {
        start_byte: head,
        old_end_byte: old_end,
        new_end_byte: new_end,
        start_position: point(before, head),
        old_end_position: point(before, old_end),
        new_end_position: point(after, new_end),
    }
}

/// An editor parses only what an edit may concern: the scanner must not have looked further than it says.
#[test]
fn a_tree_that_is_edited_is_the_tree_of_the_text() {
    let texts: Vec<String> = files().iter().map(|path| read(path)).collect();
    let mut random = Random(seed().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut parser = parser();
    let mut compared = 0;
    for step in 1..=edits() / 4 {
        let text = &texts[random.below(texts.len())];
        let (mut before, mut old) = (text.clone(), parser.parse(text, None).unwrap());
        for _ in 0..4 {
            let after = edit(&mut random, &before);
            old.edit(&input_edit(&before, &after));
            old = parser.parse(&after, Some(&old)).unwrap();
            let fresh = parser.parse(&after, None).unwrap();
            // How a parser recovers from an error depends on where it comes from.
            if !fresh.root_node().has_error() {
                compared += 1;
                assert!(nodes(&old) == nodes(&fresh), "step {step}:\n{before}\n-->\n{after}");
            }
            before = after;
        }
    }
    assert!(compared * 5 > edits(), "only {compared} were compared");
}

fn nodes(tree: &Tree) -> (Vec<Place>, Vec<Place>) {
    let (mut nodes, mut comments) = (Vec::new(), Vec::new());
    theirs(tree.root_node(), 0, &mut nodes, &mut comments);
    (nodes, comments)
}

/// The generated parser is kept, as is usual, so that an editor needs a C compiler alone.
#[test]
fn what_is_generated_is_of_this_grammar() {
    if !has("node", "--version") {
        return;
    }
    let ours = root().join("editors/tree-sitter-perturb");
    let new = tempfile::tempdir().unwrap();
    std::fs::copy(ours.join("grammar.js"), new.path().join("grammar.js")).unwrap();
    std::fs::copy(ours.join("tree-sitter.json"), new.path().join("tree-sitter.json")).unwrap();
    let made = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--locked", "--quiet", "--manifest-path"])
        .arg(ours.join("generate/Cargo.toml"))
        .arg("--target-dir")
        .arg(root().join("target/generate"))
        .arg("--")
        .arg(new.path())
        .status()
        .unwrap();
    assert!(made.success(), "the grammar cannot be made into a parser");
    let names = ["parser.c", "grammar.json", "node-types.json", "tree_sitter/parser.h", "tree_sitter/alloc.h"];
    for name in names.into_iter().chain(["tree_sitter/array.h"]) {
        let text = read(&new.path().join("src").join(name));
        let kept = ours.join("src").join(name);
        if std::env::var_os("PERTURB_BLESS").is_some() {
            std::fs::write(&kept, &text).unwrap();
        }
        assert!(read(&kept) == text, "src/{name} is not of this grammar.js: PERTURB_BLESS=1 generates it");
    }
}
