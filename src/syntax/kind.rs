//! The kinds of nodes and tokens of the tree, and the tree's types.
//!
//! Comes in: nothing. Goes out: names that formatter, editor and builder share. Facts come from `grammar/chaos.pest`.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What a node or token of the tree is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum SyntaxKind {
            $($(#[$doc])* $name,)+
        }
        const ALL: &[SyntaxKind] = &[$(SyntaxKind::$name,)+];
    };
}

kinds! {
    // Tokens.
    /// Blanks and line ends.
    Whitespace,
    /// `// …`
    Comment,
    /// `/// …`
    DocComment,
    /// `//! …`
    FileDoc,
    /// A word that the grammar fixes: `experiment`, `within`, `and`.
    Keyword,
    /// Any other word.
    Word,
    /// A number with its unit, a date, a clock.
    Number,
    /// `"` or `"""`
    Quote,
    /// Characters of a text.
    TextPart,
    /// `${`
    HoleStart,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=`
    Equals,
    /// `.`
    Dot,
    /// `?.`
    QuestionDot,
    /// `?`
    Question,
    /// `|`
    Pipe,
    /// `==`, `+`, `..` and the other signs between operands.
    Operator,
    /// Text that does not belong where it stands.
    Unexpected,
    // Nodes.
    /// The whole file.
    File,
    /// An item with the comments that document it.
    Item,
    /// `import …`
    Import,
    /// `.{a, b}`
    ImportNames,
    /// `as name`
    ImportAs,
    /// `team N { … }` and the other records.
    RecordItem,
    /// `metric N(…): T { … }`
    Metric,
    /// `fault N(…) { … }`
    Fault,
    /// `scenario N(…) { … }`
    Scenario,
    /// `experiment N { … }` or `experiment N = …`
    Experiment,
    /// `= scenario(…)`
    MadeFrom,
    /// `verify N { … }`
    Verify,
    /// `policy N { … }`
    Policy,
    /// `gameday N { … }`
    Gameday,
    /// `(name: type = default, …)`
    Params,
    /// `name: type = default`
    Param,
    /// A type as written.
    TypeRef,
    /// `{ … }`: a block of lines, or the value `{ key: value }`.
    Block,
    /// `hypothesis { … }`, `guard { … }`, `method { … }`, `agenda { … }`
    Section,
    /// `engine N { … }`
    Engine,
    /// `key: value`
    Field,
    /// A key in quotes.
    QuotedKey,
    /// YAML's list, which is a mistake.
    DashList,
    /// `let N = …`
    Let,
    /// `expect N: …`
    Expect,
    /// `check N: …`
    Check,
    /// `recovery CLASS within D`
    Recovery,
    /// `abort when …`
    Abort,
    /// `only on …`
    Hours,
    /// `never on …`
    Never,
    /// `approval by …`
    Approval,
    /// `with F(…) { … }`
    With,
    /// `wait D`
    Wait,
    /// `parallel { … }`
    Parallel,
    /// `sequence { … }`
    Sequence,
    /// `for each … { … }`
    Each,
    /// `x in L where C`
    Over,
    /// `ask WHO "…" within D`
    Ask,
    /// `note …`
    Note,
    /// `run …`
    Run,
    /// `every "…" in "…"`
    Every,
    /// `require …` or `forbid …`
    Demand,
    /// `F(…) for D`
    Inject,
    /// `path(args)` where a fault or scenario is named.
    Call,
    /// `a.b.c`
    Path,
    /// `within D`
    Within,
    /// `for D`
    Hold,
    /// `for each …` behind a `run`
    ForEach,
    /// `but …`, `only during faults`, `except during faults`
    Phase,
    /// `because "…"`
    Because,
    /// `"…"` or `"""…"""`
    Text,
    /// `${expr}`
    Hole,
    /// `[a, b]`
    List,
    /// `(a, n: b)`
    Args,
    /// `n: b`
    Arg,
    /// `( expr )`
    Group,
    /// `match x { … }`
    Match,
    /// The braces of a `match`.
    Arms,
    /// `a | b: expr`
    Arm,
    /// A name as an expression.
    NameExpr,
    /// A number as an expression.
    NumberExpr,
    /// `5 m`, a mistake: one quantity all the same.
    SpacedNumber,
    /// `a.b`, `a?.b`
    MemberExpr,
    /// `a(…)`
    CallExpr,
    /// `-d`, `+d`
    SignExpr,
    /// `not a`
    NotExpr,
    /// `a and b and c`
    AndExpr,
    /// `a or b or c`
    OrExpr,
    /// `a < b`
    CompareExpr,
    /// `a in L`, `a not in L`
    InExpr,
    /// `a..b`, `a..b by c`
    RangeExpr,
    /// `a + b`, `a * b`
    ArithmeticExpr,
    /// `N of S`
    ShareExpr,
    /// `a as ms`
    ConvertExpr,
    /// `a = b`, a mistake.
    AssignExpr,
    /// What does not belong where it stands.
    Error,
    /// An empty node where a value, name or block is missing.
    Missing,
    /// An empty node where a sign or a fixed word is missing.
    MissingSign,
}

impl SyntaxKind {
    /// Whether it means nothing: blanks and comments.
    #[must_use]
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::Comment | Self::DocComment | Self::FileDoc)
    }

    /// Whether a node of this kind is an expression.
    #[must_use]
    pub fn is_expr(self) -> bool {
        matches!(self, Self::Text | Self::List | Self::Block | Self::DashList | Self::Group | Self::Match)
            || (self >= Self::NameExpr && self <= Self::AssignExpr)
    }
}

/// The language of the tree, as rowan wants it named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chaos {}

impl rowan::Language for Chaos {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        // Only kinds of the list are ever put into a tree.
        ALL.get(usize::from(raw.0)).copied().unwrap_or(SyntaxKind::Error)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of the tree.
pub type SyntaxNode = rowan::SyntaxNode<Chaos>;
/// A token of the tree.
pub type SyntaxToken = rowan::SyntaxToken<Chaos>;
/// A node or a token.
pub type SyntaxElement = rowan::SyntaxElement<Chaos>;
