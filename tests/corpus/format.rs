//! The formatter. `format/NAME.chaos` is formatted as `format/NAME.formatted` says, and every file of the repository is under
//! its laws: what is formatted stays as it is, nothing is lost, no layout before shows in the layout after.
//!
//! The laws also hold for what somebody is typing (every prefix that ends with a line) and, where a file fits the grammar, for
//! the same words in other layouts.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use perturb::format::{format, is_same};
use perturb::source::FileId;
use perturb::syntax::{self, SyntaxKind};

use crate::cases::{files_below, root};

/// How many prefixes of a file are tried.
const PREFIXES: usize = 7;

/// One test a case, one a file.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in files_below("tests/corpus/format", "chaos") {
        let name = path.file_stem().expect("a listed file has a name").to_string_lossy().into_owned();
        trials.push(Trial::test(format!("format/{name}"), move || case(&path)));
    }
    for path in ["tests/corpus", "examples", "stdlib"].map(|folder| files_below(folder, "chaos")).concat() {
        let name = path.strip_prefix(root()).expect("in the repository").display().to_string();
        trials.push(Trial::test(format!("law/format/{name}"), move || laws(&path)));
    }
    for folder in ["examples", "stdlib"] {
        for path in files_below(folder, "chaos") {
            let name = path.strip_prefix(root()).expect("in the repository").display().to_string();
            trials.push(Trial::test(format!("formatted/{name}"), move || is_formatted(&path)));
        }
    }
    trials
}

fn formatted(text: &str) -> String {
    format(&syntax::parse(FileId(0), text), text).text
}

fn case(path: &Path) -> Result<(), Failed> {
    let after = formatted(&std::fs::read_to_string(path)?);
    let wanted = path.with_extension("formatted");
    if std::fs::read_to_string(&wanted).is_ok_and(|w| w == after) {
        return Ok(());
    }
    if std::env::var_os("PERTURB_BLESS").is_some() {
        std::fs::write(&wanted, after)?;
        return Ok(());
    }
    Err(format!("not what {} says:\n{after}", wanted.display()).into())
}

fn is_formatted(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    if formatted(&text) == text {
        Ok(())
    } else {
        Err("not formatted: `perturb fmt examples examples/quickstart stdlib`".into())
    }
}

fn laws(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let ends = text.char_indices().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
    // Some of them: in a debug build each costs milliseconds.
    let step = (text.lines().count() / PREFIXES).max(1);
    for prefix in ends.step_by(step).chain([text.len()]).filter_map(|end| text.get(..end)) {
        hold(prefix)?;
        // Half a line, as it is typed.
        let half = prefix.len() - prefix.len().min(9);
        hold(prefix.get(..half).unwrap_or(""))?;
    }
    if !syntax::parse(FileId(0), &text).diagnostics.is_empty() {
        return Ok(());
    }
    hold(&remarked(&text))?;
    let wanted = formatted(&text);
    for (what, other) in
        [("without indentation", dense(&text)), ("with commas", joined(&text)), ("broken up", broken(&text))]
    {
        if !syntax::parse(FileId(0), &other).diagnostics.is_empty() {
            return Err(format!("{what}, the text does not fit the grammar: the test is wrong\n{other}").into());
        }
        if formatted(&other) != wanted {
            let found = formatted(&other);
            return Err(format!("{what}, the layout is another:\n{}", difference(&wanted, &found)).into());
        }
    }
    Ok(())
}

fn hold(text: &str) -> Result<(), Failed> {
    let once = formatted(text);
    let twice = formatted(&once);
    if once != twice {
        return Err(format!("formatted twice, it differs:\n{}\nof\n{text}", difference(&once, &twice)).into());
    }
    if !is_same(text, &once) {
        return Err(format!("formatted, it does not say the same:\n{}", difference(text, &once)).into());
    }
    if once.lines().any(|line| line.ends_with(' ')) && !text.lines().any(|line| line.ends_with(' ')) {
        return Err(format!("a line ends with a blank:\n{once}").into());
    }
    Ok(())
}

fn difference(before: &str, after: &str) -> String {
    let at = before.lines().zip(after.lines()).position(|(a, b)| a != b).unwrap_or(0);
    let from = |text: &str| text.lines().skip(at.saturating_sub(2)).take(6).collect::<Vec<_>>().join("\n");
    format!("line {}\n-----\n{}\n-----\n{}\n-----", at + 1, from(before), from(after))
}

/// The tokens of a text that fits the grammar, with the kind of the node around each.
fn tokens(text: &str) -> Vec<(SyntaxKind, SyntaxKind, String)> {
    let root = syntax::parse(FileId(0), text).syntax();
    let all = root.descendants_with_tokens().filter_map(|e| e.into_token());
    all.map(|t| (t.kind(), t.parent().map_or(SyntaxKind::File, |p| p.kind()), t.text().to_owned())).collect()
}

fn is_text(parent: SyntaxKind) -> bool {
    matches!(parent, SyntaxKind::Text | SyntaxKind::Hole)
}

/// A comment at the end of every line that is not inside of a text.
fn remarked(text: &str) -> String {
    let part =
        |(index, part): (usize, &str)| if index % 2 == 1 { part.to_owned() } else { part.replace('\n', " // why\n") };
    text.split("\"\"\"").enumerate().map(part).collect::<Vec<_>>().join("\"\"\"")
}

/// Lines begin at the margin, and blanks are doubled.
fn dense(text: &str) -> String {
    let all = tokens(text);
    let spread = |(kind, parent, text): &(SyntaxKind, SyntaxKind, String)| match kind {
        SyntaxKind::Whitespace if is_text(*parent) => text.clone(),
        SyntaxKind::Whitespace if text.contains('\n') => "\n".repeat(text.matches('\n').count()),
        SyntaxKind::Whitespace => "  ".to_owned(),
        _ => text.clone(),
    };
    all.iter().map(spread).collect()
}

/// Members of a block stand on one line, with commas, where no comment or blank line is between them.
fn joined(text: &str) -> String {
    let all = tokens(text);
    let mut out = String::new();
    for (index, (kind, parent, text)) in all.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|i| all.get(i)).map_or(SyntaxKind::Comma, |t| t.0);
        let behind = all.get(index + 1).map_or(SyntaxKind::Comma, |t| t.0);
        let in_block = matches!(parent, SyntaxKind::Block | SyntaxKind::Arms);
        let one_line_end = *kind == SyntaxKind::Whitespace && text.matches('\n').count() == 1;
        let is_edge = before.is_trivia()
            || behind.is_trivia()
            || matches!(before, SyntaxKind::Comma | SyntaxKind::LeftBrace)
            || behind == SyntaxKind::RightBrace;
        if in_block && one_line_end && !is_edge { out.push_str(", ") } else { out.push_str(text) }
    }
    out
}

/// A line end behind every comma and opening bracket.
fn broken(text: &str) -> String {
    let all = tokens(text);
    let mut out = String::new();
    // In a `${…}` there is one line.
    let mut holes = 0_i32;
    for (index, (kind, parent, text)) in all.iter().enumerate() {
        let behind = all.get(index + 1).map_or("\n", |t| t.2.as_str());
        let around = all.get(index + 1).map_or(SyntaxKind::File, |t| t.1);
        let is_bracket =
            matches!(kind, SyntaxKind::Comma | SyntaxKind::LeftBrace | SyntaxKind::LeftParen | SyntaxKind::LeftBracket);
        out.push_str(text);
        let in_type = matches!(parent, SyntaxKind::TypeRef);
        // A comment behind a bracket or comma stays on its line.
        let is_comment = behind.trim_start_matches(' ').starts_with("//")
            || all.get(index + 2).is_some_and(|t| t.0.is_trivia() && t.0 != SyntaxKind::Whitespace);
        match kind {
            SyntaxKind::HoleStart => holes += 1,
            SyntaxKind::RightBrace if *parent == SyntaxKind::Hole => holes -= 1,
            _ => {}
        }
        let is_free = !is_text(*parent) && !is_text(around) && holes == 0 && !in_type;
        if is_bracket && is_free && !behind.contains('\n') && !is_comment {
            out.push('\n');
        }
    }
    out
}
