//! What holds of the parser, over the examples: every text has its tree, and one mistake stays one mistake.
//!
//! Comes in: the examples, cut off at every letter or without one of their tokens; texts that nobody would write. Goes out:
//! the first that loses text, tells one mistake three times, damages an item beside it, or takes more than its share of time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use perturb::check;
use perturb::diagnostic::render::{Format, Look, render};
use perturb::diagnostic::{Code, Diagnostic};
use perturb::source::{FileId, Memory};
use perturb::syntax::ast::View as _;
use perturb::syntax::{self, SyntaxNode};
use rayon::prelude::*;

use crate::support::chaos_files;

const FILE: FileId = FileId(0);

/// The items of a text, with what documents them.
fn items(text: &str) -> Vec<String> {
    syntax::parse(FILE, text).file().items().map(|item| item.syntax().text().to_string()).collect()
}

/// Every item of the examples, with the one before and the one behind it: what must stay as it is.
fn windows() -> Vec<(String, [String; 3])> {
    let mut found = Vec::new();
    for (path, text) in chaos_files("examples") {
        let items = items(&text);
        for at in 0..items.len() {
            let beside = |at: Option<usize>| at.and_then(|i| items.get(i)).cloned().unwrap_or_default();
            found.push((path.clone(), [beside(at.checked_sub(1)), items[at].clone(), beside(at.checked_add(1))]));
        }
    }
    assert!(found.len() > 100, "only {} items", found.len());
    found
}

#[test]
fn every_prefix_of_an_item_has_its_tree() {
    windows().into_par_iter().for_each(|(path, [_, item, _])| {
        for (end, _) in item.char_indices() {
            let prefix = &item[..end];
            assert_eq!(syntax::parse(FILE, prefix).syntax().text(), prefix, "{path}");
        }
    });
}

/// The tokens of a text that mean something, as ranges.
pub fn tokens(root: &SyntaxNode) -> Vec<(usize, usize)> {
    root.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia())
        .map(|token| (token.text_range().start().into(), token.text_range().end().into()))
        .collect()
}

/// What a text without a token breaks of the law.
fn without(path: &str, [before, item, behind]: &[String; 3], (start, end): (usize, usize)) -> Option<String> {
    let text = format!("{before}\n{}{}\n{behind}", &item[..start], &item[end..]);
    let parse = syntax::parse(FILE, &text);
    let mut told = parse.diagnostics.clone();
    let (file, more) = check::build::build(FILE, &parse);
    told.extend(more);
    let whole: Vec<String> = parse.file().items().map(|item| item.syntax().text().to_string()).collect();
    let line_start = item[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = item[end..].find('\n').map_or(item.len(), |at| end + at);
    let line = format!("{}⌫{}", &item[line_start..start], &item[end..line_end]);
    let what = || format!("{path}: without `{}`: {}", &item[start..end], line.trim());
    if told.len() > 2 {
        let said: Vec<String> = told.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
        return Some(format!("{}\n  tells one mistake {} times:\n    {}", what(), told.len(), said.join("\n    ")));
    }
    for beside in [before, behind] {
        if !beside.is_empty() && !whole.contains(beside) {
            let first = beside.lines().find(|line| !line.starts_with("//")).unwrap_or_default();
            return Some(format!("{}\n  damages the item `{first}`", what()));
        }
    }
    let names =
        |text: &String| file.items.iter().any(|i| !i.name.text.is_empty() && text.contains(i.name.text.as_str()));
    (!behind.is_empty() && !behind.starts_with("import") && !names(behind))
        .then(|| format!("{}\n  loses the item behind", what()))
}

#[test]
fn one_token_less_is_one_mistake_and_leaves_the_items_beside_it() {
    let broken: Vec<String> = windows()
        .into_par_iter()
        .flat_map_iter(|(path, window)| {
            let all = tokens(&syntax::parse(FILE, &window[1]).syntax());
            all.into_iter().filter_map(|token| without(&path, &window, token)).collect::<Vec<_>>()
        })
        .collect();
    assert!(
        broken.is_empty(),
        "{} texts break the law:\n{}",
        broken.len(),
        broken[..broken.len().min(8)].join("\n----\n")
    );
}

#[test]
fn a_key_in_quotes_holds_no_hole() {
    let found = |key: &str| {
        let parse = syntax::parse(FILE, &format!("let a = json({{ \"{key}\": \"x\" }})\n"));
        parse.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    assert_eq!(found("$ref"), []);
    assert_eq!(found("$${b}"), []);
    assert_eq!(found("${b}"), [Code::SYNTAX]);
}

/// The time that this thread has had a processor, so that a busy machine changes nothing; elsewhere than on Linux the clock.
fn spent() -> Duration {
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = of_thread.ok().and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| started().elapsed(), Duration::from_nanos)
}

/// When the first of these tests asked.
fn started() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Everything that is said of a text, as people read it, and how long that took.
fn told(text: &[u8]) -> (Vec<Diagnostic>, String, Duration) {
    let started = spent();
    let checked = check::check(&Memory::new([("a.chaos", text.to_vec())]), &["a.chaos".to_owned()]);
    let shown = render(Format::Human, &checked.diagnostics, &checked.sources, &Look::default());
    (checked.diagnostics, shown, spent().saturating_sub(started))
}

/// A text that nobody would write, of about so many bytes; and what must be said of it.
type Hostile = (&'static str, fn(usize) -> Vec<u8>, &'static [Code]);
/// The same, of which only that something is wrong must be said.
type Hidden = (&'static str, fn(usize) -> Vec<u8>);

fn repeated(before: &str, part: &str, behind: &str, size: usize) -> Vec<u8> {
    format!("{before}{}{behind}", part.repeat(size / part.len())).into_bytes()
}

const HOSTILE: &[Hostile] = &[
    ("open parentheses", |n| repeated("let a = ", "(", "", n), &[Code::LONG_LINE, Code::TOO_DEEP]),
    ("open brackets of all kinds", |n| repeated("let a = ", "[{(\n", "", n), &[Code::TOO_DEEP]),
    ("closed parentheses", |n| repeated("let a = ", ")", "", n), &[Code::LONG_LINE, Code::MISSING_VALUE]),
    ("one long comment", |n| repeated("// ", "x", "\n", n), &[Code::LONG_LINE]),
    ("one long text", |n| repeated("let a = \"", "x", "\"\n", n), &[Code::LONG_LINE]),
    ("one long name", |n| repeated("let ", "x", " = 5m\n", n), &[Code::LONG_LINE]),
    (
        "one long name without its block",
        |n| repeated("experiment ", "x", "\n", n),
        &[Code::LONG_LINE, Code::MISSING_BLOCK],
    ),
    ("one long number", |n| repeated("let a = ", "9", "\n", n), &[Code::LONG_LINE, Code::NUMBER_TOO_LARGE]),
    ("points in a number", |n| repeated("let a = ", "1.", "1\n", n), &[Code::LONG_LINE, Code::BAD_NUMBER]),
    ("a long unit", |n| repeated("let a = 5", "q", "\n", n), &[Code::LONG_LINE, Code::UNKNOWN_UNIT]),
    ("one long sum", |n| repeated("let a = 1", " + 1", "\n", n), &[Code::LONG_LINE, Code::TOO_DEEP]),
    ("a text that never ends", |n| repeated("let a = \"\"\"", "some text\n", "", n), &[Code::UNCLOSED_TEXT]),
    ("a line of text that never ends", |n| repeated("let a = \"", "x", "", n), &[Code::LONG_LINE, Code::UNCLOSED_TEXT]),
    ("a comment that never ends", |n| repeated("/*", "some text\n", "", n), &[Code::UNCLOSED_COMMENT]),
    ("holes in holes", |n| repeated("let a = \"", "${", "\n", n), &[Code::LONG_LINE, Code::TOO_DEEP]),
    ("NUL bytes", |n| repeated("let a =", "\0", " 5m\n", n), &[Code::LONG_LINE, Code::NUL_BYTE]),
    (
        "no UTF-8 in a comment",
        |n| [b"// ", vec![0xE9; n].as_slice(), b"\n"].concat(),
        &[Code::INVALID_UTF8, Code::LONG_LINE],
    ),
    ("no text", |n| (0..n).map(|at| (at % 256) as u8).collect(), &[Code::INVALID_UTF8]),
    ("a mark", |n| repeated("\u{FEFF}", "// x\n", "", n), &[Code::BYTE_ORDER_MARK]),
    ("line ends of Windows", |n| repeated("", "// x\r\n", "", n), &[Code::CARRIAGE_RETURN]),
    ("line ends of old", |n| repeated("", "// x\r", "", n), &[Code::CARRIAGE_RETURN, Code::LONG_LINE]),
];

/// Brackets that a first look at the text takes for something else, so that only the grammar can bound how deeply they nest.
const HIDDEN: &[Hidden] = &[
    ("behind a text that never ends", |n| repeated("team a { oncall: \"\"\"\nteam b {\n oncall: ", "(", "", n)),
    ("behind a quoted comment sign", |n| repeated("let a = '#'", "(", "", n)),
    ("behind a comment in what is skipped", |n| repeated("team b {\n oncall: ) # , a: ", "(", "", n)),
    ("in a comment in what is skipped", |n| repeated("team b {\n oncall: ) { // ", "{", "", n)),
    ("closed by what is skipped", |n| repeated("team b {\n oncall: ", "({x: 1 $)), y: ", "", n)),
    ("closed by what is quoted", |n| repeated("experiment b {\n", "with x( '}) ' ) { ", "", n)),
];

#[test]
fn no_stack_ends_in_brackets_that_are_hidden() {
    for (name, text) in HIDDEN {
        let (found, _, _) = told(&text(SIZE));
        assert!(found.iter().any(|d| d.code != Code::LONG_LINE), "brackets {name}: nothing is wrong with them");
    }
}

/// Enough for a line to be too long.
const SIZE: usize = 120_000;

#[test]
fn each_hostile_text_has_its_own_diagnostics_and_few_words() {
    let broken: Vec<String> = HOSTILE
        .par_iter()
        .filter_map(|(name, text, wanted)| {
            let (found, shown, _) = told(&text(SIZE));
            let codes: BTreeSet<Code> = found.iter().map(|d| d.code).collect();
            if codes == wanted.iter().copied().collect() && found.len() == wanted.len() && shown.len() < 8_000 {
                return None;
            }
            let start: String = shown.chars().take(2_000).collect();
            Some(format!("{name}: {} diagnostics in {} bytes, {codes:?}\n{start}", found.len(), shown.len()))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Lines that each use the line before or behind them: `let a1 = …a0…`.
fn lines(count: usize, first: &str, line: impl Fn(usize) -> String) -> Vec<u8> {
    let rest: String = (1..=count).map(|n| format!("let a{n} = {}\n", line(n))).collect();
    format!("let a0 = {first}\n{rest}").into_bytes()
}

#[test]
fn values_that_are_made_of_others_end() {
    const MOST: usize = 256;
    let behind = |n: usize| format!("a{}", n - 1);
    // The other way round: the first needs the last.
    let before =
        |count: usize| lines(count, "a1", move |n| if n == count { "1".into() } else { format!("a{}", n + 1) });
    let texts: [(&str, Vec<u8>, &[Code]); 8] = [
        (
            "doubled texts",
            lines(60, "\"0123456789\"", |n| format!("\"${{a{0}}}${{a{0}}}\"", n - 1)),
            &[Code::TEXT_TOO_LONG],
        ),
        ("doubled lists", lines(60, "[1, 2, 3]", |n| format!("a{0} + a{0}", n - 1)), &[Code::TOO_MANY_MEMBERS]),
        ("as many behind one another as may be", lines(MOST - 1, "1", behind), &[]),
        ("the same the other way round", before(MOST - 1), &[]),
        ("one more", lines(MOST, "1", behind), &[Code::BEHIND_TOO_MANY]),
        ("one more the other way round", before(MOST), &[Code::BEHIND_TOO_MANY]),
        ("a great many", lines(20_000, "1", behind), &[Code::BEHIND_TOO_MANY]),
        ("in many brackets", lines(MOST - 1, "1", |n| format!("{}a{}{}", "(".repeat(60), n - 1, ")".repeat(60))), &[]),
    ];
    for (name, text, wanted) in texts {
        let codes: Vec<Code> = told(&text).0.iter().map(|d| d.code).collect();
        assert_eq!(codes, wanted, "{name}");
    }
}

/// Four times the text may take four times as long, and not sixteen times.
#[test]
fn hostile_texts_take_time_in_proportion() {
    let plain = HOSTILE.iter().map(|(name, text, _)| (name, text));
    for (name, text) in plain.chain(HIDDEN.iter().map(|(name, text)| (name, text))) {
        let best = |size: usize| {
            let text = text(size);
            (0..3).map(|_| told(&text).2).min().unwrap_or_default().max(Duration::from_micros(500))
        };
        let (small, large) = (best(SIZE), best(4 * SIZE));
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        assert!(ratio < 10.0, "{name}: four times as long takes {ratio:.1} times as much ({small:?}, {large:?})");
    }
}
