//! What each word of a file is, for its colour.

use super::Workspace;
use super::names::{self, Symbol};
use crate::check::program::{ItemKind, RecordWord};
use crate::source::Span;
use crate::syntax::{SyntaxKind, SyntaxToken};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TokenKind {
    /// A word of the language.
    Keyword,
    /// A comment.
    Comment,
    /// A piece of text.
    Text,
    /// A number with its unit.
    Number,
    /// A sign between operands.
    Operator,
    /// A module.
    Namespace,
    /// A type.
    Type,
    /// A fault, a metric, a scenario.
    Function,
    /// A parameter.
    Parameter,
    /// A local name.
    Variable,
    /// A field or an argument's name.
    Property,
    /// A declared thing.
    Class,
    /// A word of an enumeration.
    EnumMember,
}

impl TokenKind {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Keyword,
        Self::Comment,
        Self::Text,
        Self::Number,
        Self::Operator,
        Self::Namespace,
        Self::Type,
        Self::Function,
        Self::Parameter,
        Self::Variable,
        Self::Property,
        Self::Class,
        Self::EnumMember,
    ];
}

/// A token with what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Where; never over a line end.
    pub span: Span,
    /// What.
    pub kind: TokenKind,
    /// Whether a name is declared here.
    pub declares: bool,
    /// Whether it is of the standard library.
    pub of_library: bool,
}

/// The tokens of a file, in order.
#[must_use]
pub fn tokens(workspace: &Workspace, file: usize) -> Vec<Token> {
    let program = workspace.program();
    let id = workspace.id(file);
    let names = names::occurrences(program, file);
    let mut found = Vec::new();
    let root = workspace.parse(file).syntax();
    for token in root.descendants_with_tokens().filter_map(|e| e.into_token()) {
        let range = token.text_range();
        let span = Span::new(id, range.start().into(), range.end().into());
        let name = names.binary_search_by_key(&span.start, |o| o.span.start).ok().and_then(|i| names.get(i));
        let (kind, declares, of_library) = match (name.filter(|o| o.span == span), kind_of(&token)) {
            (Some(occurrence), _) => {
                let (kind, of_library) = of_symbol(workspace, occurrence.symbol);
                (kind, occurrence.declares, of_library)
            }
            (None, Some(kind)) => (kind, false, false),
            (None, None) => continue,
        };
        // A text or comment over several lines is one token a line.
        let mut start = span.start;
        for line in token.text().split_inclusive('\n') {
            let shown = line.trim_end_matches(['\n', '\r']);
            if !shown.is_empty() {
                let span = Span::new(id, start, start + shown.len() as u32);
                found.push(Token { span, kind, declares, of_library });
            }
            start += line.len() as u32;
        }
    }
    found
}

fn kind_of(token: &SyntaxToken) -> Option<TokenKind> {
    let parent = token.parent().map(|p| p.kind());
    Some(match token.kind() {
        SyntaxKind::Keyword => TokenKind::Keyword,
        SyntaxKind::Comment | SyntaxKind::DocComment | SyntaxKind::FileDoc => TokenKind::Comment,
        SyntaxKind::TextPart | SyntaxKind::Quote => TokenKind::Text,
        SyntaxKind::Number => TokenKind::Number,
        SyntaxKind::Operator => TokenKind::Operator,
        SyntaxKind::Word => match parent {
            Some(SyntaxKind::TypeRef) if token.text().starts_with(|c: char| c.is_ascii_uppercase()) => TokenKind::Type,
            Some(SyntaxKind::TypeRef | SyntaxKind::Arm | SyntaxKind::NameExpr | SyntaxKind::Recovery) => {
                TokenKind::EnumMember
            }
            Some(SyntaxKind::Field | SyntaxKind::Arg | SyntaxKind::MemberExpr) => TokenKind::Property,
            Some(SyntaxKind::Expect | SyntaxKind::Check) => TokenKind::Variable,
            _ => return None,
        },
        _ => return None,
    })
}

fn of_symbol(workspace: &Workspace, symbol: Symbol) -> (TokenKind, bool) {
    let program = workspace.program();
    let is_std = |file: usize| program.files.get(file).is_some_and(|f| f.is_std());
    match symbol {
        Symbol::Decl(id) => {
            let kind = match &program.item(id).kind {
                ItemKind::Let(_) => TokenKind::Variable,
                ItemKind::Metric(_) | ItemKind::Fault(_) | ItemKind::Scenario(..) => TokenKind::Function,
                ItemKind::Record(RecordWord::Environment, _) => TokenKind::EnumMember,
                _ => TokenKind::Class,
            };
            (kind, is_std(program.file_of(id)))
        }
        Symbol::Param(id, _) => (TokenKind::Parameter, is_std(program.file_of(id))),
        Symbol::Local(_) => (TokenKind::Variable, false),
        Symbol::Module(file) => (TokenKind::Namespace, is_std(file)),
        Symbol::Std => (TokenKind::Namespace, true),
    }
}
