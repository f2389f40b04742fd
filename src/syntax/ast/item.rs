//! Views of the file, its items and imports.

use super::expr::Text;
use super::line::{Block, Call, Path};
use super::types::{Params, TypeRef};
use super::{View, child, children, token, tokens, view};
use crate::syntax::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

view! {
    /// The whole file.
    File, File
}

impl File {
    /// The view of a root; a tree's root is always a file.
    pub(crate) fn of_root(node: SyntaxNode) -> Self {
        Self(node)
    }

    /// The `//!` lines.
    pub fn docs(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::FileDoc)
    }

    /// Items, imports among them, in order.
    pub fn items(&self) -> impl Iterator<Item = Item> {
        children(&self.0)
    }
}

view! {
    /// An item with the comments that document it.
    Item, Item
}

impl Item {
    /// The `///` lines.
    pub fn docs(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::DocComment)
    }

    /// What it declares.
    #[must_use]
    pub fn declaration(&self) -> Option<Declaration> {
        self.0.children().find_map(Declaration::cast)
    }
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Declaration {
    /// `import …`
    Import(Import),
    /// `let N = …`
    Let(SyntaxNode),
    /// `team N { … }` and the other records.
    Record(RecordItem),
    /// `metric N(…): T { … }`
    Metric(Metric),
    /// `fault N(…) { … }`
    Fault(Fault),
    /// `scenario N(…) { … }`
    Scenario(Scenario),
    /// `experiment N …`
    Experiment(Experiment),
    /// `verify N { … }`
    Verify(Verify),
    /// `policy N { … }`
    Policy(Policy),
    /// `gameday N { … }`
    Gameday(Gameday),
}

impl Declaration {
    fn cast(node: SyntaxNode) -> Option<Self> {
        Some(match node.kind() {
            SyntaxKind::Import => Self::Import(Import(node)),
            SyntaxKind::Let => Self::Let(node),
            SyntaxKind::RecordItem => Self::Record(RecordItem(node)),
            SyntaxKind::Metric => Self::Metric(Metric(node)),
            SyntaxKind::Fault => Self::Fault(Fault(node)),
            SyntaxKind::Scenario => Self::Scenario(Scenario(node)),
            SyntaxKind::Experiment => Self::Experiment(Experiment(node)),
            SyntaxKind::Verify => Self::Verify(Verify(node)),
            SyntaxKind::Policy => Self::Policy(Policy(node)),
            SyntaxKind::Gameday => Self::Gameday(Gameday(node)),
            _ => return None,
        })
    }

    /// The node.
    #[must_use]
    pub fn syntax(&self) -> &SyntaxNode {
        match self {
            Self::Import(v) => v.syntax(),
            Self::Let(node) => node,
            Self::Record(v) => v.syntax(),
            Self::Metric(v) => v.syntax(),
            Self::Fault(v) => v.syntax(),
            Self::Scenario(v) => v.syntax(),
            Self::Experiment(v) => v.syntax(),
            Self::Verify(v) => v.syntax(),
            Self::Policy(v) => v.syntax(),
            Self::Gameday(v) => v.syntax(),
        }
    }

    /// The declared name; imports have none.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        match self {
            Self::Import(_) => None,
            other => token(other.syntax(), SyntaxKind::Word),
        }
    }
}

view! {
    /// `import std.{a, b}`
    Import, Import
}

impl Import {
    /// `std.network`
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        child(&self.0)
    }

    /// `"catalogue.chaos"`
    #[must_use]
    pub fn text(&self) -> Option<Text> {
        child(&self.0)
    }

    /// The names in braces; `None` without braces.
    #[must_use]
    pub fn names(&self) -> Option<Vec<SyntaxToken>> {
        let names = self.0.children().find(|c| c.kind() == SyntaxKind::ImportNames)?;
        Some(tokens(&names, SyntaxKind::Word).collect())
    }

    /// The node of `as name`.
    #[must_use]
    pub fn alias(&self) -> Option<SyntaxNode> {
        self.0.children().find(|c| c.kind() == SyntaxKind::ImportAs)
    }
}

view! {
    /// `team N { … }` and the other records.
    RecordItem, RecordItem
}

impl RecordItem {
    /// `team`, `service`, ….
    #[must_use]
    pub fn word(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Keyword)
    }
}

view! {
    /// `metric N(…): T { … }`
    Metric, Metric
}

impl Metric {
    /// What a sample is.
    #[must_use]
    pub fn ty(&self) -> Option<TypeRef> {
        child(&self.0)
    }
}

view! {
    /// `fault N(…) { … }`
    Fault, Fault
}

view! {
    /// `scenario N(…) { … }`
    Scenario, Scenario
}

view! {
    /// `experiment N { … }` or `experiment N = …`
    Experiment, Experiment
}

impl Experiment {
    /// `= scenario(…)`
    #[must_use]
    pub fn made_from(&self) -> Option<MadeFrom> {
        child(&self.0)
    }
}

view! {
    /// `= scenario(…)`
    MadeFrom, MadeFrom
}

impl MadeFrom {
    /// The scenario with its arguments.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        child(&self.0)
    }
}

view! {
    /// `verify N { … }`
    Verify, Verify
}

view! {
    /// `policy N { … }`
    Policy, Policy
}

view! {
    /// `gameday N { … }`
    Gameday, Gameday
}

/// What items share.
macro_rules! has_block {
    ($($name:ident)+) => {$(
        impl $name {
            /// Its braces.
            #[must_use]
            pub fn block(&self) -> Option<Block> {
                child(&self.0)
            }
        }
    )+};
}
has_block! { RecordItem Metric Fault Scenario Experiment Verify Policy Gameday }

/// What declarations with parameters share.
macro_rules! has_params {
    ($($name:ident)+) => {$(
        impl $name {
            /// Its parameters.
            #[must_use]
            pub fn params(&self) -> Option<Params> {
                child(&self.0)
            }
        }
    )+};
}
has_params! { Metric Fault Scenario }
