//! Views of blocks and what stands in them: fields, lines, steps, sections, and the tails of lines.

use super::expr::{Args, Expr, Text};
use super::{View, child, has_keyword, token, tokens, view};
use crate::syntax::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

view! {
    /// `{ … }`
    Block, Block
}

impl Block {
    /// What stands in it, in order; what does not belong there is left out.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        self.0.children().filter_map(Member::cast)
    }
}

/// A field, a section or a line of a block.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Member {
    /// `key: value`
    Field(Field),
    /// `hypothesis { … }`, `guard { … }`, `method { … }`, `agenda { … }`, `engine N { … }`
    Section(Section),
    /// Anything else.
    Line(Line),
}

impl Member {
    fn cast(node: SyntaxNode) -> Option<Self> {
        match node.kind() {
            SyntaxKind::Field => Some(Self::Field(Field(node))),
            SyntaxKind::Section | SyntaxKind::Engine => Some(Self::Section(Section(node))),
            kind if kind >= SyntaxKind::Let && kind <= SyntaxKind::Inject && kind != SyntaxKind::Over => {
                Some(Self::Line(Line(node)))
            }
            _ => None,
        }
    }
}

view! {
    /// `key: value`
    Field, Field
}

/// The key of a field or argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A word.
    Word(SyntaxToken),
    /// A text in quotes.
    Quoted(Text, SyntaxNode),
}

impl Key {
    /// The key of a node that may have one.
    #[must_use]
    pub fn of(node: &SyntaxNode) -> Option<Self> {
        token(node, SyntaxKind::Word).map(Self::Word).or_else(|| {
            let quoted = node.children().find(|c| c.kind() == SyntaxKind::QuotedKey)?;
            Some(Self::Quoted(child(&quoted)?, quoted))
        })
    }
}

impl Field {
    /// Its key.
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

/// A section, `engine N { … }` among them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Section(SyntaxNode);

impl Section {
    /// The node.
    #[must_use]
    pub fn syntax(&self) -> &SyntaxNode {
        &self.0
    }

    /// `hypothesis`, `guard`, `method`, `agenda`, `engine`
    #[must_use]
    pub fn word(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Keyword)
    }

    /// The engine's name.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Word)
    }

    /// Its braces.
    #[must_use]
    pub fn block(&self) -> Option<Block> {
        child(&self.0)
    }
}

/// A line: what its word says is its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line(SyntaxNode);

impl Line {
    /// The view of a line's node, `let` among them.
    #[must_use]
    pub fn cast(node: SyntaxNode) -> Option<Self> {
        match Member::cast(node)? {
            Member::Line(line) => Some(line),
            _ => None,
        }
    }

    /// The node.
    #[must_use]
    pub fn syntax(&self) -> &SyntaxNode {
        &self.0
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> SyntaxKind {
        self.0.kind()
    }

    /// The keyword that opens it; an injection has none.
    #[must_use]
    pub fn word(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Keyword)
    }

    /// The name that it declares, or the class of a `recovery`.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Word)
    }

    /// All words that stand in it directly: the days of `only on`.
    pub fn words(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::Word)
    }

    /// All numbers that stand in it directly: the clocks of `only on`, the dates of `never on`.
    pub fn numbers(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::Number)
    }

    /// Its expression: the condition, the value, the length.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        self.0.children().find_map(Expr::cast)
    }

    /// Its texts, in order.
    pub fn texts(&self) -> impl Iterator<Item = Text> {
        super::children(&self.0)
    }

    /// `F(…)`
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        child(&self.0)
    }

    /// What is run, or who is asked.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        child(&self.0)
    }

    /// The arguments of `run`.
    #[must_use]
    pub fn args(&self) -> Option<Args> {
        child(&self.0)
    }

    /// `x in L` of `for each`.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        child(&self.0)
    }

    /// Its braces.
    #[must_use]
    pub fn block(&self) -> Option<Block> {
        child(&self.0)
    }

    /// What follows: `within`, `for`, `because`, ….
    pub fn tails(&self) -> impl Iterator<Item = Tail> {
        self.0.children().filter_map(Tail::cast)
    }
}

view! {
    /// `path(args)` where a fault or scenario is named.
    Call, Call
}

impl Call {
    /// What is called.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        child(&self.0)
    }

    /// Its arguments.
    #[must_use]
    pub fn args(&self) -> Option<Args> {
        child(&self.0)
    }
}

view! {
    /// `a.b.c`
    Path, Path
}

impl Path {
    /// Its names.
    pub fn names(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::Word)
    }
}

view! {
    /// `x in L where C`
    Over, Over
}

impl Over {
    /// The name that each member gets.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Word)
    }

    /// The list, then the condition behind `where`.
    pub fn exprs(&self) -> impl Iterator<Item = Expr> {
        self.0.children().filter_map(Expr::cast)
    }

    /// Whether there is a `where`.
    #[must_use]
    pub fn has_where(&self) -> bool {
        has_keyword(&self.0, "where")
    }
}

/// What follows a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tail {
    /// `within D`
    Within(SyntaxNode),
    /// `for D`
    Hold(SyntaxNode),
    /// `for each x in L`
    ForEach(SyntaxNode),
    /// `but …`, `only during faults`, `except during faults`
    Phase(SyntaxNode),
    /// `because "…"`
    Because(SyntaxNode),
}

impl Tail {
    fn cast(node: SyntaxNode) -> Option<Self> {
        Some(match node.kind() {
            SyntaxKind::Within => Self::Within(node),
            SyntaxKind::Hold => Self::Hold(node),
            SyntaxKind::ForEach => Self::ForEach(node),
            SyntaxKind::Phase => Self::Phase(node),
            SyntaxKind::Because => Self::Because(node),
            _ => return None,
        })
    }

    /// The node.
    #[must_use]
    pub fn syntax(&self) -> &SyntaxNode {
        match self {
            Self::Within(n) | Self::Hold(n) | Self::ForEach(n) | Self::Phase(n) | Self::Because(n) => n,
        }
    }

    /// Its expression or text.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        self.syntax().children().find_map(Expr::cast)
    }

    /// `x in L` of `for each`.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        child(self.syntax())
    }
}
