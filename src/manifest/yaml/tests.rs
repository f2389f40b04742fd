//! What is written is read back as the same thing: by two YAML 1.2 parsers, and by the rules of YAML 1.1.

use proptest::prelude::*;
use regex::Regex;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;

use super::super::{Arena, Node};
use super::{Stream, Style, style, write};

/// A manifest that owns its parts, for generators.
#[derive(Debug, Clone)]
enum Tree {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn node<'a>(&'a self, arena: &'a Arena) -> Node<'a> {
        match self {
            Tree::Bool(value) => Node::Bool(*value),
            Tree::Int(value) => Node::Int(*value),
            Tree::Text(value) => Node::Text(value),
            Tree::List(items) => arena.list(items.iter().map(|item| item.node(arena)).collect::<Vec<_>>()),
            Tree::Map(entries) => {
                arena.map(entries.iter().map(|(key, value)| (key.as_str(), value.node(arena))).collect::<Vec<_>>())
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Tree::Bool(value) => Value::from(*value),
            Tree::Int(value) => Value::from(*value),
            Tree::Text(value) => Value::from(value.as_str()),
            Tree::List(items) => items.iter().map(Tree::json).collect(),
            Tree::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), value.json())).collect(),
        }
    }

    fn yaml(&self) -> String {
        let mut out = String::new();
        write(&self.node(&Arena::new()), &mut out);
        out
    }
}

fn saphyr_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => Value::from(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::String(value)) => Value::from(value.as_ref()),
        Yaml::Sequence(items) => items.iter().map(saphyr_json).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str().expect("keys are texts").to_owned(), saphyr_json(value)))
            .collect(),
        other => panic!("read back as something that is never written: {other:?}"),
    }
}

/// Lengths that are interesting, texts that are traps, and the characters of which traps are made.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9./-]{0,12}",
        3 => proptest::sample::select(TRAPS).prop_map(str::to_owned),
        3 => proptest::collection::vec(proptest::sample::select(PIECES), 0..8).prop_map(|parts| parts.concat()),
        3 => "[ -~]{0,12}",
        1 => "\\PC{0,12}",
        1 => proptest::collection::vec(any::<char>(), 0..6).prop_map(|all| all.into_iter().collect()),
        1 => "[a-z ]{120,1200}",
        2 => proptest::collection::vec("[ -~]{0,10}", 1..5).prop_map(|lines| lines.join("\n")),
    ]
}

const TRAPS: &[&str] = &[
    "+-0",
    "++1",
    "-+.5",
    "",
    " ",
    "~",
    "null",
    "Null",
    "NULL",
    "y",
    "Y",
    "n",
    "N",
    "yes",
    "Yes",
    "YES",
    "no",
    "on",
    "On",
    "OFF",
    "off",
    "true",
    "TRUE",
    "False",
    "0",
    "-1",
    "+1",
    "010",
    "0o10",
    "0x1F",
    "0b101",
    "1_000",
    "1,000",
    "12:30",
    "190:20:30",
    "12:30:45.5",
    "1.5",
    "1e3",
    "1E+3",
    "-.5",
    ".5",
    ".",
    "..",
    "...",
    "10.0.0.1",
    "1.2.3",
    ".inf",
    "-.INF",
    "+.Inf",
    ".nan",
    ".NaN",
    "inf",
    "nan",
    "Infinity",
    "2022-03-14",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "=",
    "<<",
    "-",
    "- a",
    "--",
    "---",
    "--- a",
    "...a",
    "?",
    "? a",
    "?a",
    ":",
    ": a",
    ":a",
    "a: b",
    "a:b",
    "a:",
    "a #b",
    "a#b",
    "#a",
    " a",
    "a ",
    "\ta",
    "a\tb",
    "a\t",
    "\n",
    "a\n",
    "a\n\n",
    "\na",
    " a\nb",
    "a\n b",
    "a \nb",
    "a\n\nb\n",
    "a\r\nb",
    "a\rb",
    "\u{85}",
    "a\u{85}b",
    "\u{2028}",
    "a\u{2029}b",
    "\u{FEFF}a",
    "a\u{FEFF}",
    "\u{A0}a",
    "\0",
    "\u{7}",
    "\u{1B}[0m",
    "\u{7F}",
    "\u{9F}",
    "é",
    "日本",
    "💥",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{200B}",
    "*a",
    "&a",
    "!a",
    "!!str a",
    "%a",
    "@a",
    "`a",
    "|",
    ">",
    "| a",
    "'a'",
    "\"a\"",
    "a'b",
    "a\"b",
    "\\",
    "a\\nb",
    "[a]",
    "{a}",
    "{}",
    "[]",
    "a, b",
    "a]",
    "# a\nb",
    "- a\nb",
    "a: b\nc: d",
    "---\na",
    "a\n---\nb",
    "...\na",
    "a\n# b",
    "300ms",
    "50%",
    "0.5",
    "100m",
    "64Mi",
    "1h30m",
    "%",
    "$(A)",
    "${A}",
    "/healthz",
    "a/b",
    "a|b",
    "a>b",
    "a=~\"b.*\"",
    "sum(rate(x{a=\"b\"}[1m])) / 2",
    "@every 5m",
    "0 10 * * tue",
    "* * * * *",
    "http://a.example:80/b?c=d#e",
    "a,b",
    "x y",
    "n o",
];

const PIECES: &[&str] = &[
    " ", "\n", ":", "#", "-", ".", "0", "1", "9", "_", "e", "E", "x", "o", "+", "y", "n", "a", "'", "\"", "\\", ",",
    "[", "]", "{", "}", "&", "*", "!", "|", ">", "%", "@", "`", "?", "~", "=", "<", "\t", "\r", "é", "\u{85}",
    "\u{2028}", "\u{FEFF}", "\0", "  ", "\n\n",
];

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Tree::Bool),
        1 => any::<i64>().prop_map(Tree::Int),
        6 => text().prop_map(Tree::Text),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Tree::List),
            proptest::collection::btree_map(text(), inner, 0..5).prop_map(|all| Tree::Map(all.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_parsers_read_what_was_written(tree in tree()) {
        let yaml = tree.yaml();
        let read: Value = serde_saphyr::from_str(&yaml).map_err(|e| TestCaseError::fail(format!("{e}\n{yaml}")))?;
        prop_assert_eq!(&read, &tree.json(), "serde-saphyr reads something else:\n{}", yaml);
        let read = Yaml::load_from_str(&yaml).map_err(|e| TestCaseError::fail(format!("{e}\n{yaml}")))?;
        prop_assert_eq!(read.len(), 1, "not one document:\n{}", yaml);
        prop_assert_eq!(saphyr_json(&read[0]), tree.json(), "saphyr reads something else:\n{}", yaml);
    }

    #[test]
    fn a_stream_is_its_documents(trees in proptest::collection::vec(tree(), 1..5)) {
        let (arena, mut out, mut stream) = (Arena::new(), String::new(), Stream::default());
        for tree in &trees {
            stream.document(&tree.node(&arena), &mut out);
        }
        prop_assert_eq!(stream.documents(), trees.len());
        let read = Yaml::load_from_str(&out).map_err(|e| TestCaseError::fail(format!("{e}\n{out}")))?;
        let read: Vec<Value> = read.iter().map(saphyr_json).collect();
        let meant: Vec<Value> = trees.iter().map(Tree::json).collect();
        prop_assert_eq!(read, meant, "{}", out);
    }

    #[test]
    fn what_is_plain_is_text_in_yaml_1_1(text in text()) {
        prop_assert!(style(&text) != Style::Plain || yaml_1_1(&text) == "str", "plain, and {}: {text:?}", yaml_1_1(&text));
    }

    #[test]
    fn numbers_and_dates_of_yaml_1_1_are_never_plain(text in number_of_yaml_1_1()) {
        prop_assert_ne!(style(&text), Style::Plain, "{:?}", text);
    }
}

/// The types of YAML 1.1 by the patterns that yaml.org/type prints for each, with the canonical forms it adds in words.
const YAML_1_1: &[(&str, &str)] = &[
    ("null", r"~|null|Null|NULL|"),
    ("bool", r"y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"),
    ("int 2", r"[-+]?0b[0-1_]+"),
    ("int 8", r"[-+]?0[0-7_]+"),
    ("int 10", r"[-+]?(0|[1-9][0-9_]*)"),
    ("int 16", r"[-+]?0x[0-9a-fA-F_]+"),
    ("int 60", r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+"),
    ("float 10", r"[-+]?([0-9][0-9_]*)?\.[0-9.]*([eE][-+][0-9]+)?"),
    ("float 60", r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*"),
    ("float inf", r"[-+]?\.(inf|Inf|INF)"),
    ("float nan", r"\.(nan|NaN|NAN)"),
    ("timestamp date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    (
        "timestamp",
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?",
    ),
    ("merge", r"<<"),
    ("value", r"="),
    // Beyond the letter of YAML 1.1: what its readers (PyYAML, Go's yaml.v2, SnakeYAML) and YAML 1.2 take as well.
    ("int 8 of 1.2", r"[-+]?0o[0-7_]+"),
    ("float without a point", r"[-+]?[0-9][0-9_]*([eE][-+]?[0-9]+)?"),
    ("float with an exponent", r"[-+]?([0-9][0-9_]*)?\.[0-9_]*([eE][-+]?[0-9]+)?"),
];

fn yaml_1_1(text: &str) -> &'static str {
    use std::sync::LazyLock;
    static RULES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
        let rule = |(name, pattern): &(&'static str, &str)| {
            (*name, Regex::new(&format!("^(?:{pattern})$")).expect("the patterns above are right"))
        };
        YAML_1_1.iter().map(rule).collect()
    });
    RULES.iter().find(|(_, rule)| rule.is_match(text)).map_or("str", |(name, _)| name)
}

fn number_of_yaml_1_1() -> impl Strategy<Value = String> {
    proptest::sample::select(YAML_1_1)
        .prop_flat_map(|(_, pattern)| proptest::string::string_regex(pattern).expect("the patterns above are right"))
}

#[test]
fn every_trap_is_read_back_where_it_can_stand() {
    for trap in TRAPS {
        let text = || Tree::Text((*trap).to_owned());
        for tree in [
            text(),
            Tree::List(vec![text(), text()]),
            Tree::Map(vec![
                ("a".to_owned(), text()),
                ((*trap).to_owned(), Tree::List(vec![text()])),
                ("b".to_owned(), text()),
            ]),
            Tree::List(vec![Tree::List(vec![text()]), Tree::Map(vec![((*trap).to_owned(), text())])]),
        ] {
            let yaml = tree.yaml();
            let read: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|e| panic!("{trap:?}: {e}\n{yaml}"));
            assert_eq!(read, tree.json(), "{trap:?}\n{yaml}");
            let read = Yaml::load_from_str(&yaml).unwrap_or_else(|e| panic!("{trap:?}: {e}\n{yaml}"));
            assert_eq!(saphyr_json(&read[0]), tree.json(), "{trap:?}\n{yaml}");
        }
    }
}

#[test]
fn common_texts_stay_plain() {
    for text in [
        "300ms",
        "50%",
        "64Mi",
        "100m",
        "1h30m",
        "/healthz",
        "http://a.example:80/b?c=d#e",
        "$(A)",
        "a,b",
        "pay",
        "none",
        "online",
        "a: b".trim_start_matches("a: "),
        "chaos-mesh.org/v1alpha1",
        "app.kubernetes.io/name",
        "fixed-percent",
        "sum(rate(x{a=\"b\"}[1m])) / 2",
        "Europe/Berlin",
        "--verbose",
        "-c",
        "日本",
    ] {
        assert_eq!(style(text), Style::Plain, "{text:?}");
    }
}

#[test]
fn printed_as_kubectl_does() {
    let arena = Arena::new();
    let text = Node::Text;
    let port = arena.map([("containerPort", Node::Int(8080)), ("name", text("http"))]);
    let container = arena.map([
        ("name", text("gate")),
        ("args", arena.list([text("--on"), text("on"), text("12:30")])),
        ("ports", arena.list([port, port])),
        ("script", text("set -e\nexit 0\n")),
        ("matrix", arena.list([arena.list([Node::Int(-1), Node::Int(i64::MIN)]), arena.list([])])),
        ("empty", arena.map([])),
    ]);
    let document = arena.map([("kind", text("Pod")), ("spec", arena.map([("containers", arena.list([container]))]))]);
    let mut out = String::new();
    write(&document, &mut out);
    let expected = r#"kind: Pod
spec:
  containers:
  - name: gate
    args:
    - --on
    - "on"
    - "12:30"
    ports:
    - containerPort: 8080
      name: http
    - containerPort: 8080
      name: http
    script: |
      set -e
      exit 0
    matrix:
    - - -1
      - -9223372036854775808
    - []
    empty: {}
"#;
    assert_eq!(out, expected);
}

#[test]
fn a_key_too_long_for_its_line_is_still_a_key() {
    let key = "k".repeat(5_000);
    let tree = Tree::List(vec![Tree::Map(vec![
        (key.clone(), Tree::List(vec![Tree::Int(1)])),
        (format!("{key}\n2"), Tree::Map(vec![(format!("{key} 3"), Tree::Text("a\nb".to_owned()))])),
    ])]);
    let read: Value = serde_saphyr::from_str(&tree.yaml()).expect("it is YAML");
    assert_eq!(read, tree.json());
    let yaml = tree.yaml();
    let read = Yaml::load_from_str(&yaml).expect("it is YAML");
    assert_eq!(saphyr_json(&read[0]), tree.json());
}
