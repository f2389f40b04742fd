//! What a bare name stands for, in the light of the type that is wanted.

use smol_str::SmolStr;

use super::{Evaluator, FactsOf, Val};
use crate::check::program::{Expr, ExprKind, ItemKind, Path};
use crate::check::scope::{DeclId, Def, PREDEFINED, declared_elsewhere};
use crate::check::stdlib;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::types::{Type, Value};

impl Evaluator<'_> {
    /// The value of a bare name.
    pub(super) fn name(&mut self, name: &SmolStr, span: Span, want: &Type) -> Val {
        if let Some(word) = self.word(name, want) {
            return word;
        }
        if let Some((_, value, _)) = self.frame.locals.iter().rev().find(|(n, ..)| n == name) {
            return value.clone();
        }
        if let Some((def, _)) = self.scope().names.get(name) {
            return self.def(*def);
        }
        if let Some(value) = self.predefined(name) {
            return value;
        }
        self.report(self.unknown_name(name, span, want));
        Val::error()
    }

    /// The name as a word of what is wanted.
    fn word(&self, name: &SmolStr, want: &Type) -> Option<Val> {
        match want {
            Type::Enum(words) => words.contains(name).then(|| Val::Plain(Value::Word(name.clone()))),
            Type::Environment => self.program.environment_named(name).map(Val::Decl),
            Type::Optional(inner) | Type::InRange(inner, _) => self.word(name, inner),
            _ => None,
        }
    }

    /// The value of what a name stands for.
    pub(super) fn def(&mut self, def: Def) -> Val {
        match def {
            Def::Decl(id) => self.declared(id),
            Def::Lost => Val::error(),
            module => Val::Module(module),
        }
    }

    /// The value of a declaration: a `let`'s value, anything else itself.
    pub fn declared(&mut self, id: DeclId) -> Val {
        self.named.insert(id);
        let item = self.program.item(id);
        let ItemKind::Let(value) = &item.kind else { return Val::Decl(id) };
        let outer = self.deepest;
        if let Some(known) = self.lets.get(&id).cloned() {
            self.stands_behind(id, outer);
            return known;
        }
        self.deepest = 0;
        let file = self.program.file_of(id);
        let make = |ev: &mut Self| ev.within(file, Vec::new(), |ev| ev.value(value, &Type::Any));
        let Some(result) = self.making(id, None, make) else { return Val::error() };
        self.stands_behind(id, outer);
        self.lets.insert(id, result.clone());
        result
    }

    fn predefined(&mut self, name: &str) -> Option<Val> {
        match name {
            "services" => Some(Val::list(self.program.services().map(Val::Decl))),
            "environment" => Some(match self.place {
                Some(place) => Val::Decl(self.program.environment(place).decl),
                None => Val::Unknown(Type::Environment),
            }),
            "cluster" => Some(match self.place {
                Some(place) => Val::Decl(self.program.cluster(place).decl),
                None => Val::Unknown(Type::Cluster),
            }),
            "experiment" if self.policy.is_some() => Some(Val::Facts(FactsOf::Experiment)),
            "fault" if self.policy.is_some() => Some(Val::Facts(FactsOf::Fault)),
            _ => None,
        }
    }

    /// What a path of names stands for: `network.delay`.
    pub fn path(&mut self, path: &Path) -> Val {
        let mut names = path.names.iter();
        // A path has at least one name.
        let Some(first) = names.next() else { return Val::error() };
        let mut value = self.name(&first.text, first.span, &Type::Any);
        for name in names {
            value = self.member(value, name, first.span.to(name.span), &Type::Any);
        }
        value
    }

    pub(super) fn unknown_name(&self, name: &str, span: Span, want: &Type) -> Diagnostic {
        let words = words_of(want);
        if let Some(words) = &words {
            let diagnostic =
                Diagnostic::new(Code::UNKNOWN_WORD, span, format!("`{name}` is none of the words that fit here"))
                    .help(format!("write one of {}", listed(words)));
            return match nearest(name, words.iter().map(SmolStr::as_str)) {
                Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), span, near),
                None => diagnostic,
            };
        }
        let diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, span, format!("nothing here is named `{name}`"));
        let environments: Vec<SmolStr> = match want {
            Type::Environment => self.program.environments.iter().map(|e| e.name.clone()).collect(),
            _ => Vec::new(),
        };
        let visible = self.visible().chain(environments.iter().map(SmolStr::as_str));
        // What has this very name is meant more probably than what is spelled alike.
        if let Some(path) = declared_elsewhere(&self.program.files, name, self.frame.file) {
            return diagnostic.help(format!("`{path}` declares it: import it with `import \"{path}\".{{{name}}}`"));
        }
        if stdlib::modules().any(|m| m == name) {
            return diagnostic.help(format!("it is a module of the standard library: `import std.{{{name}}}`"));
        }
        if let Some(near) = nearest(name, visible) {
            return diagnostic.choice(format!("did you mean `{near}`?"), span, near);
        }
        if is_text(want) {
            return in_quotes(diagnostic, name, span);
        }
        if let Some((near, path)) = self.near_elsewhere(name) {
            return diagnostic
                .help(format!("did you mean `{near}`? `{path}` declares it: `import \"{path}\".{{{near}}}`"));
        }
        if let Some(near) = nearest(name, stdlib::modules()) {
            return diagnostic.help(format!("did you mean the module `{near}`? `import std.{{{near}}}`"));
        }
        diagnostic.help("declare it in this file, or import it")
    }

    /// `com.shop.Client`, `java.io.IOException("broken pipe")` where a text is wanted: what is meant is that text.
    pub(super) fn bare_text(&self, expr: &Expr, want: &Type) -> Option<Diagnostic> {
        if !is_text(want) || !matches!(expr.kind, ExprKind::Member { .. } | ExprKind::Call { .. }) {
            return None;
        }
        let (root, text) = written(expr)?;
        let is_known = self.visible().any(|name| name == root)
            || self.policy.is_some() && ["experiment", "fault"].contains(&root.as_str());
        if is_known {
            return None;
        }
        // What is spelled like something that is here, or is elsewhere, has a better help.
        let is_meant = nearest(root, self.visible()).is_some()
            || stdlib::modules().any(|m| m == root.as_str())
            || declared_elsewhere(&self.program.files, root, self.frame.file).is_some();
        if is_meant {
            return None;
        }
        let diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, expr.span, format!("nothing here is named `{root}`"));
        Some(in_quotes(diagnostic, &text, expr.span))
    }

    /// The names that may be used here as they are.
    fn visible(&self) -> impl Iterator<Item = &str> {
        let locals = self.frame.locals.iter().map(|(n, ..)| n.as_str());
        locals.chain(self.scope().names.keys().map(SmolStr::as_str)).chain(PREDEFINED.iter().copied())
    }

    /// A name like this one that another file of the project declares, and that file.
    fn near_elsewhere(&self, name: &str) -> Option<(&str, &str)> {
        let own = self.program.own_decls().filter(|(id, _)| self.program.file_of(*id) != self.frame.file);
        let near = nearest(name, own.map(|(_, item)| item.name.text.as_str()))?;
        let path = declared_elsewhere(&self.program.files, near, self.frame.file)?;
        Some((near, path))
    }
}

/// The words of a type that is an enumeration.
pub(super) fn words_of(want: &Type) -> Option<Vec<SmolStr>> {
    match want {
        Type::Enum(words) => Some(words.to_vec()),
        Type::Optional(inner) | Type::InRange(inner, _) => words_of(inner),
        _ => None,
    }
}

/// `a`, `b` or `c`.
pub fn listed<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{}`", only.as_ref()),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|w| format!("`{}`", w.as_ref())).collect();
            format!("{} or `{}`", most.join(", "), last.as_ref())
        }
    }
}

/// Whether a text is wanted.
fn is_text(want: &Type) -> bool {
    match want.base() {
        Type::String | Type::Url | Type::Host => true,
        Type::Optional(inner) => is_text(inner),
        _ => false,
    }
}

fn in_quotes(diagnostic: Diagnostic, text: &str, span: Span) -> Diagnostic {
    let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    diagnostic.help("text stands in quotes; a name without quotes has to be declared or imported").choice(
        format!("write `{quoted}`"),
        span,
        quoted,
    )
}

/// The first name of a path or of the call of one, and the whole as it was written.
fn written(expr: &Expr) -> Option<(&SmolStr, String)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((name, name.to_string())),
        ExprKind::Member { base, name, optional: false } => {
            written(base).map(|(root, text)| (root, format!("{text}.{}", name.text)))
        }
        ExprKind::Call { callee, args } => {
            let (root, text) = written(callee)?;
            let all: Option<Vec<String>> = args
                .iter()
                .map(|arg| match (&arg.name, &arg.value.kind) {
                    (None, ExprKind::Literal(Value::String(text))) => Some(format!("\"{text}\"")),
                    (None, ExprKind::Literal(value)) => Some(value.to_string()),
                    _ => None,
                })
                .collect();
            Some((root, format!("{text}({})", all?.join(", "))))
        }
        _ => None,
    }
}
