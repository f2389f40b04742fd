//! Views of parameters and types.

use super::expr::Expr;
use super::{View, child, children, token, tokens, view};
use crate::syntax::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

view! {
    /// `(name: type = default, …)`
    Params, Params
}

impl Params {
    /// The parameters.
    pub fn params(&self) -> impl Iterator<Item = Param> {
        children(&self.0)
    }
}

view! {
    /// `name: type = default`
    Param, Param
}

impl Param {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Word)
    }

    /// Its type.
    #[must_use]
    pub fn ty(&self) -> Option<TypeRef> {
        child(&self.0)
    }

    /// Its default.
    #[must_use]
    pub fn default(&self) -> Option<Expr> {
        self.0.children().find_map(Expr::cast)
    }
}

view! {
    /// A type as written.
    TypeRef, TypeRef
}

impl TypeRef {
    /// The type in `[ ]`.
    #[must_use]
    pub fn element(&self) -> Option<TypeRef> {
        child(&self.0)
    }

    /// Whether it is a list, whatever is in it.
    #[must_use]
    pub fn is_list(&self) -> bool {
        token(&self.0, SyntaxKind::LeftBracket).is_some()
    }

    /// Its name, or its words.
    pub fn words(&self) -> impl Iterator<Item = SyntaxToken> {
        tokens(&self.0, SyntaxKind::Word)
    }

    /// Whether it is `a | b`.
    #[must_use]
    pub fn is_choice(&self) -> bool {
        token(&self.0, SyntaxKind::Pipe).is_some()
    }

    /// The range behind `in`.
    #[must_use]
    pub fn bounds(&self) -> Option<Expr> {
        self.0.children().find_map(Expr::cast)
    }

    /// Whether a `?` follows.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        token(&self.0, SyntaxKind::Question).is_some()
    }
}
