//! What stands between two tokens of one line, and which nodes never stand on one.
//!
//! Comes in: kinds of tokens and of the nodes around them. Goes out: yes or no. The rules of `docs/format.md`.

use crate::syntax::SyntaxKind;

/// A token with what decides about the blanks around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'t> {
    pub kind: SyntaxKind,
    pub text: &'t str,
    /// The node that it is right inside of.
    pub parent: SyntaxKind,
    /// Whether it is the first token of that node.
    pub is_first: bool,
}

/// Whether a blank stands between two tokens of one line. Commas are decided elsewhere.
pub(super) fn is_spaced(last: Place<'_>, next: Place<'_>) -> bool {
    use SyntaxKind as K;
    match last.kind {
        K::LeftParen | K::LeftBracket | K::HoleStart | K::Dot | K::QuestionDot => return false,
        K::LeftBrace if last.parent == K::ImportNames => return false,
        K::LeftBrace if next.kind == K::RightBrace => return false,
        K::Quote if last.is_first => return false,
        K::TextPart => return false,
        K::RightBrace if last.parent == K::Hole => return false,
        K::Operator if last.text == ".." || last.parent == K::SignExpr => return false,
        _ => {}
    }
    match next.kind {
        K::Colon | K::RightParen | K::RightBracket | K::Dot | K::QuestionDot | K::Question => false,
        K::TextPart | K::HoleStart => false,
        K::Quote => next.is_first,
        K::LeftParen => !matches!(next.parent, K::Args | K::Params),
        K::RightBrace => !matches!(next.parent, K::ImportNames | K::Hole),
        K::Operator => next.text != "..",
        _ => true,
    }
}

/// Whether its members are separated by commas or line ends.
pub(super) fn is_bracket(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(kind, K::Block | K::Params | K::Args | K::List | K::Arms | K::ImportNames)
}

/// Whether a comma stands behind each member that has a line of its own. In braces the line end is enough.
pub(super) fn has_commas(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(kind, K::Params | K::Args | K::List | K::ImportNames)
}

/// Whether a block always has a line for each member: blocks of statements, however short.
pub(super) fn is_always_broken(kind: SyntaxKind, parent: Option<SyntaxKind>, members: u32) -> bool {
    use SyntaxKind as K;
    let Some(parent) = parent.filter(|_| kind == K::Block && members > 0) else { return false };
    match parent {
        K::Experiment | K::Scenario | K::Fault | K::Verify | K::Policy | K::Gameday => true,
        K::With | K::Each | K::Parallel | K::Sequence => true,
        // One guard or one step is read well beside its word.
        K::Section => members > 1,
        _ => false,
    }
}

/// What may go to a line of its own behind a line that is too long.
pub(super) fn is_tail(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(kind, K::Within | K::Hold | K::Phase | K::Because)
}
