//! Views of expressions, arguments and texts.

use super::line::{Block, Key};
use super::{View, child, children, token, tokens, view};
use crate::syntax::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

/// An expression. [`Expr::form`] says which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expr(SyntaxNode);

/// The forms of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExprForm {
    /// A bare name, `true`, `none` among them.
    Name,
    /// A number with its unit, a date.
    Number,
    /// A text.
    Text,
    /// `[a, b]`
    List,
    /// `{ key: value }`
    Record,
    /// `( expr )`
    Group,
    /// `match x { … }`
    Match,
    /// `a.b`, `a?.b`
    Member,
    /// `a(…)`
    Call,
    /// `-d`
    Sign,
    /// `not a`
    Not,
    /// `a and b`
    And,
    /// `a or b`
    Or,
    /// `a < b`
    Compare,
    /// `a in L`
    In,
    /// `a..b`
    Range,
    /// `a + b`
    Arithmetic,
    /// `N of S`
    Share,
    /// `a as ms`
    Convert,
    /// Wrong, and reported.
    Wrong,
}

impl Expr {
    /// The view, if the node is an expression, or stands where one is missing or wrong.
    #[must_use]
    pub fn cast(node: SyntaxNode) -> Option<Self> {
        Self::form_of(node.kind()).is_some().then_some(Self(node))
    }

    fn form_of(kind: SyntaxKind) -> Option<ExprForm> {
        Some(match kind {
            SyntaxKind::NameExpr => ExprForm::Name,
            SyntaxKind::NumberExpr | SyntaxKind::SpacedNumber => ExprForm::Number,
            SyntaxKind::Text => ExprForm::Text,
            SyntaxKind::List | SyntaxKind::DashList => ExprForm::List,
            SyntaxKind::Block => ExprForm::Record,
            SyntaxKind::Group => ExprForm::Group,
            SyntaxKind::Match => ExprForm::Match,
            SyntaxKind::MemberExpr => ExprForm::Member,
            SyntaxKind::CallExpr => ExprForm::Call,
            SyntaxKind::SignExpr => ExprForm::Sign,
            SyntaxKind::NotExpr => ExprForm::Not,
            SyntaxKind::AndExpr => ExprForm::And,
            SyntaxKind::OrExpr => ExprForm::Or,
            SyntaxKind::CompareExpr => ExprForm::Compare,
            SyntaxKind::InExpr => ExprForm::In,
            SyntaxKind::RangeExpr => ExprForm::Range,
            SyntaxKind::ArithmeticExpr => ExprForm::Arithmetic,
            SyntaxKind::ShareExpr => ExprForm::Share,
            SyntaxKind::ConvertExpr => ExprForm::Convert,
            SyntaxKind::AssignExpr => ExprForm::Wrong,
            _ => return None,
        })
    }

    /// The node.
    #[must_use]
    pub fn syntax(&self) -> &SyntaxNode {
        &self.0
    }

    /// Which form it has.
    #[must_use]
    pub fn form(&self) -> ExprForm {
        Self::form_of(self.0.kind()).unwrap_or(ExprForm::Wrong)
    }

    /// Its operands, elements or parts, in order. `None` for one that is missing or wrong.
    pub fn operands(&self) -> impl Iterator<Item = Option<Expr>> {
        self.0.children().filter_map(|node| match node.kind() {
            SyntaxKind::Missing | SyntaxKind::Error => Some(None),
            _ => Expr::cast(node).map(Some),
        })
    }

    /// The operator; for `by` the first of two.
    #[must_use]
    pub fn operator(&self) -> Option<SyntaxToken> {
        self.0
            .children_with_tokens()
            .filter_map(rowan::NodeOrToken::into_token)
            .find(|t| matches!(t.kind(), SyntaxKind::Operator | SyntaxKind::Keyword | SyntaxKind::Equals))
    }

    /// The name itself, or the one behind a dot.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Word)
    }

    /// Whether the dot is `?.`.
    #[must_use]
    pub fn is_optional_member(&self) -> bool {
        token(&self.0, SyntaxKind::QuestionDot).is_some()
    }

    /// The arguments of a call.
    #[must_use]
    pub fn args(&self) -> Option<Args> {
        child(&self.0)
    }

    /// The braces of a record.
    #[must_use]
    pub fn block(&self) -> Option<Block> {
        Block::cast(self.0.clone())
    }

    /// The view of a text.
    #[must_use]
    pub fn text(&self) -> Option<Text> {
        Text::cast(self.0.clone())
    }

    /// The arms of a `match`.
    pub fn arms(&self) -> impl Iterator<Item = Arm> {
        self.0
            .children()
            .filter(|c| c.kind() == SyntaxKind::Arms)
            .flat_map(|arms| arms.children().filter_map(Arm::cast))
    }
}

view! {
    /// `(a, n: b)`
    Args, Args
}

impl Args {
    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = Arg> {
        children(&self.0)
    }
}

view! {
    /// `n: b`
    Arg, Arg
}

impl Arg {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Key::of(&self.0)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        self.0.children().find_map(Expr::cast)
    }
}

view! {
    /// `a | b: expr`
    Arm, Arm
}

impl Arm {
    /// Its words.
    pub fn words(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::Word)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        self.0.children().find_map(Expr::cast)
    }
}

view! {
    /// `"…"` or `"""…"""`
    Text, Text
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextPiece {
    /// Characters as written, escapes and all.
    Part(SyntaxToken),
    /// `${expr}`; `None`: the expression is missing.
    Hole(SyntaxNode, Option<Expr>),
}

impl Text {
    /// Whether it is `"""…"""`.
    #[must_use]
    pub fn is_block(&self) -> bool {
        token(&self.0, SyntaxKind::Quote).is_some_and(|q| q.text() == "\"\"\"")
    }

    /// Its parts, in order.
    pub fn pieces(&self) -> impl Iterator<Item = TextPiece> {
        self.0.children_with_tokens().filter_map(|element| match element {
            rowan::NodeOrToken::Token(t) if t.kind() == SyntaxKind::TextPart => Some(TextPiece::Part(t)),
            rowan::NodeOrToken::Node(n) if n.kind() == SyntaxKind::Hole => {
                let expr = n.children().find_map(Expr::cast);
                Some(TextPiece::Hole(n, expr))
            }
            _ => None,
        })
    }
}
