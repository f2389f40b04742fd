//! YAML with places: bytes in, documents whose every node knows where it stands, their comments, and what was wrong.
//!
//! Scalars mean what they mean to Kubernetes (`sigs.k8s.io/yaml`: `yes` is true). Any bytes give documents or a diagnostic,
//! never a panic or a hang: the text, its depth and what its aliases stand for are bounded. A document that cannot be read
//! is left out; what stands before it is kept.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Nodes inside each other; manifests have about twenty.
const DEEPEST: usize = 100;
/// Nodes of one file, what aliases stand for included ("billion laughs"); the largest real manifest has some ten thousand.
const MOST_NODES: usize = 400_000;

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `null`, `~`, nothing.
    Null,
    /// `true`, `no`.
    Bool(bool),
    /// A number, in the text of the node.
    Number,
    /// Text.
    Text,
    /// `[a, b]`, or lines with dashes.
    List(Vec<Node>),
    /// `key: value`.
    Map(Vec<Entry>),
}

/// `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: Span,
    /// The value.
    pub value: Node,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Where it stands; for a map or list from its first to its last member.
    pub span: Span,
    /// What it holds.
    pub value: Value,
    /// The text of a scalar.
    pub text: String,
}

/// `# …`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comment {
    /// From its `#` to the line's end.
    pub span: Span,
    /// Without `#` and one blank.
    pub text: String,
    /// Whether nothing stands before it on its line.
    pub alone: bool,
}

/// The comments of one member of a list: those above it and inside of it, and behind it on its line. `floor` is where the
/// list begins.
pub(super) fn comments_of(all: &[Comment], items: &[Node], index: usize, floor: u32) -> Vec<String> {
    let Some(item) = items.get(index) else { return Vec::new() };
    let above = index.checked_sub(1).and_then(|i| items.get(i)).map_or(floor, |n| n.span.end);
    let next = items.get(index + 1).map_or(u32::MAX, |n| n.span.start);
    let is_its = |c: &&Comment| match c.alone {
        true => (above..item.span.end).contains(&c.span.start),
        // Behind the last member there may be anything, but not on its line.
        false => (item.span.start..next.min(item.span.end.saturating_add(WIDEST_GAP))).contains(&c.span.start),
    };
    all.iter().filter(is_its).map(|c| c.text.clone()).filter(|t| !t.is_empty()).collect()
}

/// Blanks between a value and the comment behind it.
const WIDEST_GAP: u32 = 60;

/// One document of a file.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// Its root.
    pub root: Node,
    /// The comments from the end of the document before to the end of this one.
    pub comments: Vec<Comment>,
}

impl Node {
    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The members of a list; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value).filter(|n| n.value != Value::Null)
    }

    /// A field with its key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key == key)
    }

    /// The field at the end of a path.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of a scalar that is there.
    pub(super) fn scalar(&self) -> Option<&str> {
        match self.value {
            Value::Text | Value::Number | Value::Bool(_) => Some(&self.text),
            _ => None,
        }
    }

    /// The text of a field.
    pub(super) fn word(&self, key: &str) -> &str {
        self.get(key).and_then(Node::scalar).unwrap_or_default()
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Bool(_) | Value::Number | Value::Text => format!("`{}`", short(&self.text)),
        }
    }

    /// Whether it holds nothing: null, an empty text, list or map.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Text => self.text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            Value::Bool(_) | Value::Number => false,
        }
    }
}

/// A text that fits into a message.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(60).collect();
    if cut.len() < text.trim_end().len() { format!("{cut}…") } else { cut }
}

/// Reads all documents of a text (as UTF-8, without a byte-order mark: what the file id's text is).
pub(super) fn read(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Document> {
    let places = Places::new(file, text);
    let mut reader =
        Reader { text, places: &places, open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, scalars: Vec::new() };
    let mut roots = Vec::new();
    let mut parser = Parser::new_from_str(text).keep_tags(false);
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                let at = places.span(error.marker().index(), error.marker().index());
                // The parser reads ahead, and has a limit of its own for what is in brackets.
                let before = text.get(..at.start as usize).unwrap_or(text);
                let why = if brackets(before) > DEEPEST { too_deep() } else { error.info().to_owned() };
                diagnostics.push(not_yaml(at, &why));
                break;
            }
        };
        let span = places.span(span.start.index(), span.end.index());
        match reader.take(event, span) {
            Ok(Some(root)) => roots.push(root),
            Ok(None) => {}
            Err(why) => {
                diagnostics.push(not_yaml(span, &why));
                break;
            }
        }
    }
    let scalars = reader.scalars;
    split(roots, comments(file, text, &scalars))
}

fn not_yaml(at: Span, why: &str) -> Diagnostic {
    Diagnostic::new(Code::IMPORT_YAML, at, format!("this is not YAML: {why}"))
        .why("what stands behind this place cannot be read")
        .help("mend it, or import the other files without this one")
}

fn too_deep() -> String {
    format!("more than {DEEPEST} lists and maps inside each other")
}

/// How many brackets are open at a text's end, those in quotes and comments included: for a message alone.
fn brackets(text: &str) -> usize {
    text.chars().fold(0usize, |open, c| match c {
        '[' | '{' => open + 1,
        ']' | '}' => open.saturating_sub(1),
        _ => open,
    })
}

/// From the parser's characters to bytes.
struct Places {
    file: FileId,
    /// The byte of each character; empty where all are ASCII.
    bytes: Vec<u32>,
    end: u32,
}

impl Places {
    fn new(file: FileId, text: &str) -> Self {
        let bytes =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(byte, _)| byte as u32).collect() };
        Self { file, bytes, end: text.len() as u32 }
    }

    fn byte(&self, character: usize) -> u32 {
        let byte = if self.bytes.is_empty() {
            u32::try_from(character).unwrap_or(self.end)
        } else {
            self.bytes.get(character).copied().unwrap_or(self.end)
        };
        byte.min(self.end)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let start = self.byte(start);
        Span::new(self.file, start, self.byte(end).max(start))
    }
}

/// A list or map that is being read.
struct Open {
    anchor: usize,
    node: Node,
    /// The key whose value comes next.
    key: Option<(String, Span)>,
    /// How many nodes it holds, for aliases.
    size: usize,
}

struct Reader<'t> {
    text: &'t str,
    places: &'t Places,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    /// Where scalars stand: a `#` in them begins no comment.
    scalars: Vec<Span>,
}

impl Reader<'_> {
    /// One event; a document's root where one is complete.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Option<Node>, String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.own(span, style);
                self.scalars.push(span);
                let value = scalar(&text, style, tag.as_deref());
                self.complete(Node { span, value, text: text.into_owned() }, 1, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Value::List(Vec::new()), anchor, span),
            Event::MappingStart(anchor, _) => self.begin(Value::Map(Vec::new()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    if matches!(open.node.value, Value::Map(_)) && open.key.is_some() {
                        return Err("a key has no value".to_owned());
                    }
                    let end = span.end.max(open.node.span.end).min(self.places.end);
                    let last = last_end(&open.node).unwrap_or(end);
                    let node =
                        Node { span: Span { end: last.max(open.node.span.start), ..open.node.span }, ..open.node };
                    self.complete(node, open.size, open.anchor)
                }
                None => Ok(None),
            },
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err("an alias of something that is not complete".to_owned());
                };
                self.complete(Node { span, ..node }, size, 0)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The place of a quoted scalar: the parser's may go on to the next token, over blanks and a comment.
    fn own(&self, span: Span, style: ScalarStyle) -> Span {
        let quote = match style {
            ScalarStyle::SingleQuoted => '\'',
            ScalarStyle::DoubleQuoted => '"',
            _ => return span,
        };
        let Some(text) = self.text.get(span.start as usize..) else { return span };
        let mut escaped = false;
        let mut letters = text.char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            if escaped {
                escaped = false;
            } else if letter == '\\' && quote == '"' {
                escaped = true;
            } else if letter == quote {
                // Two single quotes are one.
                if quote == '\'' && letters.next_if(|(_, next)| *next == quote).is_some() {
                    continue;
                }
                return Span { end: span.start.saturating_add(at as u32 + 1).min(span.end), ..span };
            }
        }
        span
    }

    fn begin(&mut self, value: Value, anchor: usize, span: Span) -> Result<Option<Node>, String> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep());
        }
        let node = Node { span, value, text: String::new() };
        self.open.push(Open { anchor, node, key: None, size: 1 });
        Ok(None)
    }

    /// A node that is whole goes into what is open around it.
    fn complete(&mut self, node: Node, size: usize, anchor: usize) -> Result<Option<Node>, String> {
        self.nodes += size;
        if self.nodes > MOST_NODES {
            return Err(format!("more than {MOST_NODES} values, what aliases stand for included"));
        }
        if anchor > 0 {
            // An anchor costs a copy, so it counts as one.
            self.nodes += size;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else { return Ok(Some(node)) };
        open.size += size;
        match (&mut open.node.value, open.key.take()) {
            (Value::Map(entries), Some((key, at))) => {
                if entries.iter().any(|e| e.key == key) {
                    return Err(format!("the key `{}` stands here twice", short(&key)));
                }
                entries.push(Entry { key, at, value: node });
            }
            (Value::Map(_), None) => match node.value {
                Value::List(_) | Value::Map(_) => return Err("a list or map as a key".to_owned()),
                _ => open.key = Some((node.text, node.span)),
            },
            (Value::List(items), _) => items.push(node),
            _ => {}
        }
        Ok(None)
    }
}

/// The end of the last member: block collections end where the next token begins, which is far below.
fn last_end(node: &Node) -> Option<u32> {
    match &node.value {
        Value::List(items) => items.last().map(|n| n.span.end),
        Value::Map(entries) => entries.last().map(|e| e.value.span.end.max(e.at.end)),
        _ => None,
    }
}

/// What a scalar means to Kubernetes.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|t| t.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return Value::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ if is_number(text) => Value::Number,
        _ => Value::Text,
    }
}

/// Digits with a sign, a point, an exponent; `0x1f` and `0o17`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = digits.strip_prefix("0x") {
        return !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit());
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return !octal.is_empty() && octal.chars().all(|c| c.is_digit(8));
    }
    let (number, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !exponent.is_empty()
        && all_digits(exponent)
}

/// The comments of a text: a `#` at a line's begin or behind a blank, outside of every scalar.
fn comments(file: FileId, text: &str, scalars: &[Span]) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut start = 0usize;
    // Scalars come in the order of their places, but for those of aliases, which have none of their own.
    let mut next = 0usize;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let mut blank = true;
        for (index, letter) in content.char_indices() {
            let at = (start + index) as u32;
            while scalars.get(next).is_some_and(|s| s.end <= at) {
                next += 1;
            }
            let inside = scalars.get(next).is_some_and(|s| s.start <= at);
            if letter == '#' && blank && !inside {
                let text = content.get(index + 1..).unwrap_or_default().trim_start_matches('#');
                let text = text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned();
                let alone = content.get(..index).is_some_and(|before| before.trim().is_empty());
                found.push(Comment { span: Span::new(file, at, (start + content.len()) as u32), text, alone });
                break;
            }
            blank = letter == ' ' || letter == '\t';
        }
        start += line.len();
    }
    found
}

/// Gives each document the comments up to its end; the last one those behind it too.
fn split(roots: Vec<Node>, comments: Vec<Comment>) -> Vec<Document> {
    let mut comments = comments.into_iter().peekable();
    let last = roots.len().saturating_sub(1);
    roots
        .into_iter()
        .enumerate()
        .map(|(index, root)| {
            let mut own = Vec::new();
            while let Some(comment) = comments.next_if(|c| index == last || c.span.start < root.span.end) {
                own.push(comment);
            }
            Document { root, comments: own }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(text: &str) -> Vec<Document> {
        let mut found = Vec::new();
        let documents = read(FileId(0), text, &mut found);
        assert!(found.is_empty(), "{found:?}");
        documents
    }

    fn wrong(text: &str) -> String {
        let mut found = Vec::new();
        read(FileId(0), text, &mut found);
        found.first().map(|d| d.message.clone()).unwrap_or_default()
    }

    #[test]
    fn every_node_knows_its_place() {
        let text = "# head\na: é\nb:\n  - c: '1'  # tail\n    d: 2\n---\ne: |\n  # no comment\n  x\n";
        let documents = ok(text);
        assert_eq!(documents.len(), 2);
        let root = &documents[0].root;
        let d = root.get("b").unwrap().items()[0].get("d").unwrap();
        assert_eq!(&text[d.span.start as usize..d.span.end as usize], "2");
        assert_eq!(d.value, Value::Number);
        assert_eq!(root.get("b").unwrap().items()[0].get("c").unwrap().value, Value::Text);
        let comments: Vec<&str> = documents[0].comments.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(comments, ["head", "tail"]);
        assert_eq!(documents[1].comments, []);
        assert_eq!(documents[1].root.word("e"), "# no comment\nx\n");
    }

    #[test]
    fn a_comment_behind_a_quoted_value_is_one() {
        for text in [
            "- a: '1' # x\n- b\n",
            "a: \"q\\\" #\" # x\n",
            "a: 'it''s # '  # x\nb: 1\n",
            "- {a: 'x'} # x\n- b: |\n    # no\n",
        ] {
            let comments: Vec<String> = ok(text)[0].comments.iter().map(|c| c.text.clone()).collect();
            assert_eq!(comments, ["x"], "{text}");
        }
    }

    #[test]
    fn scalars_are_those_of_kubernetes() {
        let of = |text: &str| ok(&format!("a: {text}"))[0].root.entries()[0].value.value.clone();
        assert_eq!(of("yes"), Value::Bool(true));
        assert_eq!(of("'yes'"), Value::Text);
        assert_eq!(of("1e3"), Value::Number);
        assert_eq!(of("1.2.3"), Value::Text);
        assert_eq!(of("~"), Value::Null);
        assert_eq!(of("10ms"), Value::Text);
        assert_eq!(of("inf"), Value::Text);
    }

    #[test]
    fn laughs_and_depths_are_refused() {
        let mut laughs = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (name, of) in ('b'..='z').zip('a'..='y') {
            laughs.push_str(&format!(
                "{name}: &{name} [*{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}]\n"
            ));
        }
        assert!(wrong(&laughs).contains("aliases"), "{}", wrong(&laughs));
        assert!(wrong(&"[".repeat(100_000)).contains("inside each other"));
        assert!(wrong(&"- ".repeat(100_000)).contains("inside each other"));
        assert!(wrong("a: 1\na: 2\n").contains("twice"));
        assert!(wrong("a: &x [*x]").contains("alias"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a:#&*\\[\\]{}|>'\" \n\té!%,?]{0,60}") {
            let mut found = Vec::new();
            for document in read(FileId(0), &text, &mut found) {
                prop_assert!(document.root.span.end as usize <= text.len());
                prop_assert!(text.get(document.root.span.start as usize..document.root.span.end as usize).is_some());
            }
        }
    }
}
