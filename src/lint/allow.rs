//! `// perturb: allow(P0910) reason`: findings that somebody looked at. P0900 to P0902 are about these comments themselves.
//!
//! On a line of its own it holds for what follows: an item, a line of a block, with all that is inside. Behind something it
//! holds for that line. Without a reason it allows nothing, as nobody could tell later whether it still should; and one
//! that silences nothing is told, so that it does not wait for the next mistake.

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix, Level, nearest};
use crate::source::Span;
use crate::syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};

use super::tree::{token_span, tokens, whole_lines};
use super::{File, Levels, Project};

/// A comment that allows something.
struct Allow {
    codes: Vec<Code>,
    /// The comment.
    place: Span,
    /// Where findings are silenced.
    region: Span,
    used: Vec<Code>,
}

/// Takes away what is allowed, and adds what is wrong with the comments that allow.
pub(super) fn silence(project: &Project<'_>, found: Vec<Diagnostic>, levels: &Levels) -> Vec<Diagnostic> {
    let mut about = Vec::new();
    let mut allows: Vec<Allow> = project.files.iter().flat_map(|file| in_file(file, &mut about)).collect();
    let mut left: Vec<Diagnostic> = found.into_iter().filter(|d| !is_allowed(d, &mut allows)).collect();
    for allow in &allows {
        let file = project.files.iter().find(|f| f.id == allow.place.file);
        let is_on = |code: &&Code| levels.get(code) != Some(&Level::Off);
        for code in allow.codes.iter().filter(|code| !allow.used.contains(code)).filter(is_on) {
            about.push(without_effect(file, allow, *code));
        }
    }
    left.append(&mut about);
    left
}

fn is_allowed(found: &Diagnostic, allows: &mut [Allow]) -> bool {
    let mut is_allowed = false;
    for allow in allows.iter_mut() {
        let inside =
            allow.region.file == found.span.file && (allow.region.start..allow.region.end).contains(&found.span.start);
        if inside && allow.codes.contains(&found.code) {
            allow.used.push(found.code);
            is_allowed = true;
        }
    }
    is_allowed
}

fn without_effect(file: Option<&File<'_>>, allow: &Allow, code: Code) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::ALLOW_WITHOUT_EFFECT, allow.place, format!("there is nothing of {code} here to allow"))
            .why("what is mended should not stay allowed: the next such mistake would go unseen")
            .help(format!("leave {code} out"));
    // With others beside it, the comment stays.
    let lines = file.filter(|_| allow.codes.len() == 1).and_then(|f| whole_lines(f.text, allow.place));
    match lines {
        Some(span) => diagnostic.with_fix(Fix {
            title: "leave the comment out".into(),
            edits: vec![Edit { span, text: String::new() }],
            applicability: Applicability::Certain,
        }),
        None => diagnostic,
    }
}

fn in_file(file: &File<'_>, about: &mut Vec<Diagnostic>) -> Vec<Allow> {
    if !file.text.contains("perturb:") {
        return Vec::new();
    }
    let root = file.parse.syntax();
    let comments: Vec<SyntaxToken> = tokens(&root).filter(|t| t.kind() == SyntaxKind::Comment).collect();
    comments.iter().filter_map(|comment| of_comment(file, comment, about)).collect()
}

fn of_comment(file: &File<'_>, comment: &SyntaxToken, about: &mut Vec<Diagnostic>) -> Option<Allow> {
    let said = comment.text().strip_prefix("//")?.trim().strip_prefix("perturb:")?.trim();
    let place = token_span(file.id, comment);
    let Some((codes, reason)) = said.strip_prefix("allow(").and_then(|rest| rest.split_once(')')) else {
        about.push(
            Diagnostic::new(Code::UNKNOWN_ALLOW, place, "this comment speaks to perturb, and is not understood")
                .help("write `// perturb: allow(P0910) reason`"),
        );
        return None;
    };
    let mut known = Vec::new();
    for word in codes.split(',').map(str::trim) {
        match Code::parse(word).filter(|code| code.is_rule()) {
            Some(code) => known.push(code),
            None => about.push(unknown(place, word)),
        }
    }
    if reason.trim().trim_start_matches([':', '-', '–']).trim().is_empty() {
        about.push(
            Diagnostic::new(Code::ALLOW_WITHOUT_REASON, place, "this allows something and does not say why")
                .label("so it allows nothing")
                .why("without the reason nobody can tell later whether it still holds")
                .help("write the reason behind the bracket: `// perturb: allow(P0910) drawn for the journal only`"),
        );
        return None;
    }
    (!known.is_empty()).then(|| Allow { codes: known, place, region: region(file, comment), used: Vec::new() })
}

fn unknown(place: Span, word: &str) -> Diagnostic {
    let names: Vec<String> = super::codes().filter(|c| c.is_rule()).map(|c| c.to_string()).collect();
    let diagnostic = Diagnostic::new(Code::UNKNOWN_ALLOW, place, format!("there is no rule `{word}` to allow"))
        .why("errors and warnings of `perturb check` cannot be allowed: they are mended");
    match nearest(word, names.iter().map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`? docs/lint.md lists the rules")),
        None => diagnostic.help("docs/lint.md lists the rules"),
    }
}

/// Where a comment silences: its line, or what follows it.
fn region(file: &File<'_>, comment: &SyntaxToken) -> Span {
    let place = token_span(file.id, comment);
    if whole_lines(file.text, place).is_none() {
        let head = file.text.get(..place.start as usize).unwrap_or("");
        let start = head.rfind('\n').map_or(0, |at| at + 1) as u32;
        return Span { start, ..place };
    }
    let following = std::iter::successors(comment.next_token(), SyntaxToken::next_token);
    let Some(first) = following.into_iter().find(|t| !t.kind().is_trivia()) else { return place };
    let begins = |node: &SyntaxNode| {
        let mut own = node.descendants_with_tokens().filter_map(SyntaxElement::into_token);
        node.kind() != SyntaxKind::File && own.find(|t| !t.kind().is_trivia()).is_some_and(|t| t == first)
    };
    match first.parent_ancestors().filter(begins).last() {
        Some(node) => Span { end: node.text_range().end().into(), ..place },
        None => Span { end: first.text_range().end().into(), ..place },
    }
}
