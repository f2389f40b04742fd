//! Where in the tree an offset is: the block, the field, the call around it.
//!
//! Comes in: a tree and an offset. Goes out: what the innermost brackets belong to. Half-typed text is the usual case, so
//! what counts is the last token before the offset, not the node that would hold what is typed next.

use super::words::In;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// The last token before an offset that is neither blank nor comment.
#[must_use]
pub fn before(root: &SyntaxNode, offset: u32) -> Option<SyntaxToken> {
    let mut token = root.token_at_offset(offset.into()).left_biased();
    while let Some(found) = token {
        let is_blank = matches!(
            found.kind(),
            SyntaxKind::Whitespace | SyntaxKind::Comment | SyntaxKind::DocComment | SyntaxKind::FileDoc
        );
        if !is_blank && u32::from(found.text_range().end()) <= offset && !found.text_range().is_empty() {
            return Some(found);
        }
        token = found.prev_token();
    }
    None
}

/// The innermost node around what would be typed behind `token`: brackets that it closes are left behind.
#[must_use]
pub fn around(token: &SyntaxToken) -> Option<SyntaxNode> {
    let parent = token.parent()?;
    let closes = matches!(token.kind(), SyntaxKind::RightBrace | SyntaxKind::RightParen | SyntaxKind::RightBracket);
    if closes { parent.parent() } else { Some(parent) }
}

/// What the block around a node is: where its lines and fields are looked up.
#[must_use]
pub fn block_of(node: &SyntaxNode) -> Option<(In, SyntaxNode)> {
    let block = node.ancestors().find(|n| n.kind() == SyntaxKind::Block || n.kind() == SyntaxKind::File)?;
    if block.kind() == SyntaxKind::File {
        return Some((In::File, block));
    }
    let owner = block.parent()?;
    let place = match owner.kind() {
        SyntaxKind::Experiment | SyntaxKind::Scenario => In::Body,
        SyntaxKind::Section => match word(&owner).as_deref() {
            Some("hypothesis") => In::Hypothesis,
            Some("guard") => In::Guard,
            Some("agenda") => In::Agenda,
            _ => In::Method,
        },
        SyntaxKind::Engine => In::Engine,
        SyntaxKind::With | SyntaxKind::Parallel | SyntaxKind::Sequence | SyntaxKind::Each | SyntaxKind::Inject => {
            In::Method
        }
        SyntaxKind::Verify => In::Verify,
        SyntaxKind::Policy => In::Policy,
        SyntaxKind::Gameday => In::Gameday,
        SyntaxKind::Fault => In::Fault,
        SyntaxKind::Metric => In::Metric,
        SyntaxKind::RecordItem => In::Record(record_word(&word(&owner)?)?),
        // A record as a value.
        _ => return None,
    };
    Some((place, block))
}

fn record_word(word: &str) -> Option<&'static str> {
    ["team", "service", "cluster", "environment", "slo", "incident"].into_iter().find(|w| *w == word)
}

/// The keyword that opens a node.
#[must_use]
pub fn word(node: &SyntaxNode) -> Option<String> {
    let keyword = node.children_with_tokens().find(|e| e.kind() == SyntaxKind::Keyword)?;
    keyword.as_token().map(|t| t.text().to_owned())
}

/// The text of a field's or argument's key.
#[must_use]
pub fn key(node: &SyntaxNode) -> Option<String> {
    let first = node.children_with_tokens().find(|e| matches!(e.kind(), SyntaxKind::Word | SyntaxKind::QuotedKey))?;
    let is_key = node.children_with_tokens().any(|e| e.kind() == SyntaxKind::Colon);
    let text = match (first.as_token(), first.as_node()) {
        (Some(token), _) => token.text().to_owned(),
        (_, Some(node)) => node.text().to_string().trim_matches('"').to_owned(),
        _ => return None,
    };
    is_key.then_some(text)
}

/// What is called by the `Args` node: `network.delay`.
#[must_use]
pub fn callee(args: &SyntaxNode) -> Option<String> {
    let parent = args.parent()?;
    let text: String = match parent.kind() {
        SyntaxKind::Call | SyntaxKind::CallExpr | SyntaxKind::Run => {
            let before = parent.children().take_while(|c| c != args);
            before.map(|c| c.text().to_string()).collect()
        }
        _ => return None,
    };
    Some(text.trim().to_owned())
}
