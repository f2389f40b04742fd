//! Every name of a file, and what it stands for.
//!
//! Comes in: a program and one of its files. Goes out: each place where a name stands, with its meaning: what definition,
//! references, rename, hover and tokens are made of. It agrees with the evaluator, which looks for words of an enumeration
//! first, then for local names, then for those of the file.

use smol_str::SmolStr;

use crate::check::declared::fields_of;
use crate::check::program::{
    Arg, Block, Body, Call, Expr, ExprKind, Field, GuardBlock, HoursKind, Import, ImportFrom, ImportTake, Item,
    ItemKind, Name, Over, Param, Path, PhaseKind, Run, ShareQuantity, StepItemKind, TextPart, TypeExpr, TypeExprKind,
};
use crate::check::scope::{DeclId, Def};
use crate::check::{Imported, Program};
use crate::source::Span;
use crate::types::Type;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// A declaration.
    Decl(DeclId),
    /// A parameter of a declaration, by its place.
    Param(DeclId, usize),
    /// A `let`, a name of `for each`, the alias of an import: where it is declared.
    Local(Span),
    /// All of a file: an index into the program's files.
    Module(usize),
    /// All of the standard library.
    Std,
}

/// A place where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Where.
    pub span: Span,
    /// What it stands for.
    pub symbol: Symbol,
    /// Whether this is where it is declared.
    pub declares: bool,
}

/// Every name of a file that stands for something, in the order of the text.
#[must_use]
pub fn occurrences(program: &Program, file: usize) -> Vec<Occurrence> {
    let mut walk = Walk { program, file, locals: Vec::new(), found: Vec::new() };
    let Some(loaded) = program.files.get(file) else { return Vec::new() };
    for (import, target) in loaded.file.imports.iter().zip(&loaded.imports) {
        walk.import(import, *target);
    }
    for (id, item) in program.decls_of(file) {
        walk.item(id, item);
    }
    walk.found.sort_by_key(|o| (o.span, o.symbol));
    walk.found.dedup();
    walk.found
}

/// The name at an offset.
#[must_use]
pub fn at(program: &Program, file: usize, offset: u32) -> Option<Occurrence> {
    let touches = |o: &Occurrence| o.span.start <= offset && offset <= o.span.end && !o.span.is_empty();
    occurrences(program, file).into_iter().find(touches)
}

struct Walk<'p> {
    program: &'p Program,
    file: usize,
    locals: Vec<(SmolStr, Symbol)>,
    found: Vec<Occurrence>,
}

impl Walk<'_> {
    fn put(&mut self, span: Span, symbol: Symbol, declares: bool) {
        self.found.push(Occurrence { span, symbol, declares });
    }

    fn import(&mut self, import: &Import, target: Option<Imported>) {
        if let ImportFrom::Std(path) = &import.from {
            for (at, name) in path.names.iter().enumerate() {
                match (at, target) {
                    (0, _) if name.text == "std" => self.put(name.span, Symbol::Std, false),
                    (_, Some(Imported::File(file))) => self.put(name.span, Symbol::Module(file), false),
                    _ => {}
                }
            }
        }
        match &import.take {
            ImportTake::Whole(Some(alias)) => self.put(alias.span, Symbol::Local(alias.span), true),
            ImportTake::Whole(None) => {}
            ImportTake::Names(names) => {
                for name in names {
                    let symbol = match target {
                        Some(Imported::File(file)) => self.own_of(file, &name.text).map(Symbol::Decl),
                        Some(Imported::Std) => self.module(&name.text).map(Symbol::Module),
                        None => None,
                    };
                    if let Some(symbol) = symbol {
                        self.put(name.span, symbol, false);
                    }
                }
            }
        }
    }

    fn own_of(&self, file: usize, name: &str) -> Option<DeclId> {
        self.program.scopes.files.get(file)?.own.get(name).copied()
    }

    fn module(&self, name: &str) -> Option<usize> {
        let path = crate::check::stdlib::module_path(name);
        self.program.files.iter().position(|f| f.path == path)
    }

    /// What a bare name stands for.
    fn symbol(&self, name: &str) -> Option<Symbol> {
        if let Some((_, symbol)) = self.locals.iter().rev().find(|(n, _)| n == name) {
            return Some(*symbol);
        }
        let scope = self.program.scopes.files.get(self.file)?;
        if let Some((def, span)) = scope.names.get(name) {
            return Some(match *def {
                Def::Decl(id) => Symbol::Decl(id),
                _ if self.is_alias(*span) => Symbol::Local(*span),
                Def::Module(file) => Symbol::Module(file),
                Def::Std => Symbol::Std,
                Def::Lost => return None,
            });
        }
        self.program.environment_named(name).map(Symbol::Decl)
    }

    fn is_alias(&self, span: Span) -> bool {
        let imports = self.program.files.get(self.file).map_or(&[][..], |f| &f.file.imports);
        imports.iter().any(|i| matches!(&i.take, ImportTake::Whole(Some(alias)) if alias.span == span))
    }

    fn declare(&mut self, name: &Name, symbol: Symbol) {
        if name.text.is_empty() {
            return;
        }
        self.put(name.span, symbol, true);
        self.locals.push((name.text.clone(), symbol));
    }

    fn local(&mut self, name: &Name) {
        self.declare(name, Symbol::Local(name.span));
    }

    fn item(&mut self, id: DeclId, item: &Item) {
        if !item.name.text.is_empty() {
            self.put(item.name.span, Symbol::Decl(id), true);
        }
        self.locals.clear();
        match &item.kind {
            ItemKind::Let(value) => self.expr(value, None),
            ItemKind::Record(word, fields) => {
                for field in fields {
                    let spec = fields_of(*word).iter().find(|s| s.key == field.key.text);
                    self.expr(&field.value, spec.map(|s| &s.ty));
                }
            }
            ItemKind::Metric(metric) => {
                self.params(id, &metric.params);
                self.fields(&metric.fields);
            }
            ItemKind::Fault(fault) => {
                self.params(id, &fault.params);
                self.fields(&fault.fields);
                for body in &fault.engines {
                    self.fields(&body.fields);
                    for rule in &body.rules {
                        self.expr(&rule.condition, None);
                        self.expr(&rule.because, None);
                    }
                }
            }
            ItemKind::Scenario(params, body) => {
                self.params(id, params);
                self.body(body);
            }
            ItemKind::Experiment(body) => self.body(body),
            ItemKind::Instance(instance) => {
                self.call(&instance.call);
                if let Some(body) = &instance.body {
                    self.body(body);
                }
            }
            ItemKind::Verify(verify) => {
                self.fields(&verify.fields);
                verify.runs.iter().for_each(|run| self.run(run));
            }
            ItemKind::Policy(policy) => {
                self.fields(&policy.fields);
                for rule in &policy.rules {
                    self.expr(&rule.condition, None);
                    self.expr(&rule.because, None);
                }
                policy.approvals.iter().for_each(|a| self.expr(&a.by, None));
            }
            ItemKind::Gameday(gameday) => {
                self.fields(&gameday.fields);
                gameday.agendas.iter().for_each(|block| self.block(block));
            }
        }
    }

    fn params(&mut self, id: DeclId, params: &[Param]) {
        for (index, param) in params.iter().enumerate() {
            self.type_expr(&param.ty);
            if let Some(default) = &param.default {
                let signature = self.program.signature(id);
                self.expr(default, signature.params.get(index).map(|p| &p.ty));
            }
            self.declare(&param.name, Symbol::Param(id, index));
        }
    }

    fn type_expr(&mut self, ty: &TypeExpr) {
        match &ty.kind {
            TypeExprKind::Named(_, Some(range)) => self.expr(range, None),
            TypeExprKind::List(inner) | TypeExprKind::Optional(inner) => self.type_expr(inner),
            _ => {}
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        fields.iter().for_each(|field| self.expr(&field.value, word_field(&field.key.text).as_ref()));
    }

    fn body(&mut self, body: &Body) {
        self.fields(&body.fields);
        for item in &body.lets {
            self.expr(&item.value, None);
            self.local(&item.name);
        }
        for hypothesis in &body.hypotheses {
            for expect in &hypothesis.expects {
                self.expr(&expect.condition, None);
                self.maybe(expect.within.as_ref());
                if let Some(PhaseKind::But(_, bound)) = expect.phase.as_ref().map(|p| &p.kind) {
                    self.expr(bound, None);
                }
            }
            hypothesis.recoveries.iter().for_each(|r| self.maybe(r.within.as_ref()));
        }
        body.guards.iter().for_each(|guard| self.guard(guard));
        body.methods.iter().for_each(|block| self.block(block));
    }

    fn guard(&mut self, guard: &GuardBlock) {
        for abort in &guard.aborts {
            self.expr(&abort.condition, None);
            self.maybe(abort.hold.as_ref());
        }
        for hours in &guard.hours {
            if let HoursKind::Only { zone, .. } = &hours.kind {
                self.expr(zone, None);
            }
        }
        guard.approvals.iter().for_each(|a| self.expr(&a.by, None));
    }

    fn maybe(&mut self, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.expr(expr, None);
        }
    }

    fn block(&mut self, block: &Block) {
        let depth = self.locals.len();
        for step in &block.steps {
            match &step.kind {
                StepItemKind::Let(item) => {
                    self.expr(&item.value, None);
                    self.local(&item.name);
                }
                StepItemKind::Inject(call, hold) => {
                    self.call(call);
                    self.maybe(hold.as_ref());
                }
                StepItemKind::With(call, inner) => {
                    self.call(call);
                    self.block(inner);
                }
                StepItemKind::Wait(time) => self.expr(time, None),
                StepItemKind::Check { condition, within, .. } => {
                    self.expr(condition, None);
                    self.maybe(within.as_ref());
                }
                StepItemKind::Parallel(inner) | StepItemKind::Sequence(inner) => self.block(inner),
                StepItemKind::Each(over, inner) => {
                    let depth = self.locals.len();
                    self.over(over);
                    self.block(inner);
                    self.locals.truncate(depth);
                }
                StepItemKind::Ask { who, question, within } => {
                    self.expr(who, None);
                    self.expr(question, None);
                    self.maybe(within.as_ref());
                }
                StepItemKind::Note { who, text, within } => {
                    self.maybe(who.as_ref());
                    self.expr(text, None);
                    self.maybe(within.as_ref());
                }
                StepItemKind::Run(run) => self.run(run),
                StepItemKind::Error => {}
            }
        }
        self.locals.truncate(depth);
    }

    fn over(&mut self, over: &Over) {
        self.expr(&over.list, None);
        self.local(&over.name);
        self.maybe(over.condition.as_ref());
    }

    fn run(&mut self, run: &Run) {
        let depth = self.locals.len();
        if let Some(over) = &run.over {
            self.over(over);
        }
        let callee = self.path(&run.path);
        self.args(callee, run.args.as_deref().unwrap_or_default());
        self.locals.truncate(depth);
    }

    fn call(&mut self, call: &Call) {
        let callee = self.path(&call.path);
        self.args(callee, &call.args);
    }

    /// The names of a path; what the whole stands for.
    fn path(&mut self, path: &Path) -> Option<Symbol> {
        let mut names = path.names.iter();
        let first = names.next()?;
        let mut symbol = self.symbol(&first.text);
        if let Some(symbol) = symbol {
            self.put(first.span, symbol, false);
        }
        for name in names {
            symbol = symbol.and_then(|s| self.member(s, name));
        }
        symbol
    }

    /// What a name behind a dot stands for, if it is a declaration of a file.
    fn member(&mut self, base: Symbol, name: &Name) -> Option<Symbol> {
        let symbol = match self.module_of(base)? {
            Symbol::Module(file) => self.own_of(file, &name.text).map(Symbol::Decl),
            Symbol::Std => self.module(&name.text).map(Symbol::Module),
            _ => None,
        }?;
        self.put(name.span, symbol, false);
        Some(symbol)
    }

    /// The module behind a name, be it an alias.
    fn module_of(&self, symbol: Symbol) -> Option<Symbol> {
        let Symbol::Local(span) = symbol else { return Some(symbol) };
        let loaded = self.program.files.get(self.file)?;
        let of_alias = |take: &ImportTake| matches!(take, ImportTake::Whole(Some(alias)) if alias.span == span);
        let at = loaded.file.imports.iter().position(|i| of_alias(&i.take))?;
        match (*loaded.imports.get(at)?)? {
            Imported::File(file) => Some(Symbol::Module(file)),
            Imported::Std => Some(Symbol::Std),
        }
    }

    fn args(&mut self, callee: Option<Symbol>, args: &[Arg]) {
        let of = match callee {
            Some(Symbol::Decl(id)) => Some((id, self.program.signature(id))),
            _ => None,
        };
        for (at, arg) in args.iter().enumerate() {
            let param = of.as_ref().and_then(|(id, signature)| {
                let index = match &arg.name {
                    Some(name) => signature.params.iter().position(|p| p.name == name.text)?,
                    None => at,
                };
                Some((*id, index, signature.params.get(index)?.ty.clone()))
            });
            if let (Some(name), Some((id, index, _))) = (&arg.name, &param) {
                self.put(name.span, Symbol::Param(*id, *index), false);
            }
            self.expr(&arg.value, param.as_ref().map(|(_, _, ty)| ty));
        }
    }

    fn expr(&mut self, expr: &Expr, want: Option<&Type>) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Error => {}
            ExprKind::Name(name) => {
                self.bare(name, expr.span, want);
            }
            ExprKind::Text(parts) => parts.iter().for_each(|part| {
                if let TextPart::Expr(inner) = part {
                    self.expr(inner, None);
                }
            }),
            ExprKind::Member { .. } => {
                self.dotted(expr);
            }
            ExprKind::Call { callee, args } => {
                let callee = self.dotted(callee);
                self.args(callee, args);
            }
            ExprKind::List(items) => {
                let inner = want.and_then(element);
                items.iter().for_each(|item| self.expr(item, inner));
            }
            ExprKind::And(items) | ExprKind::Or(items) => items.iter().for_each(|item| self.expr(item, None)),
            ExprKind::Record(fields) => fields.iter().for_each(|f| self.expr(&f.value, None)),
            ExprKind::Sign { of, .. } | ExprKind::Convert { of, .. } => self.expr(of, None),
            ExprKind::Share { quantity, of } => {
                if let ShareQuantity::Of(n) = quantity {
                    self.expr(n, None);
                }
                self.expr(of, None);
            }
            ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                self.expr(left, None);
                self.expr(right, None);
            }
            ExprKind::Range { from, to, by } => {
                self.expr(from, None);
                self.expr(to, None);
                self.maybe(by.as_deref());
            }
            ExprKind::In { item, list, .. } => {
                self.expr(item, None);
                self.expr(list, None);
            }
            ExprKind::Not(inner) | ExprKind::Group(inner) => self.expr(inner, want),
            ExprKind::Match { on, arms } => {
                self.expr(on, None);
                let of_environment = matches!(&on.kind, ExprKind::Name(name) if name == "environment");
                for arm in arms {
                    for word in arm.words.iter().filter(|_| of_environment) {
                        if let Some(id) = self.program.environment_named(&word.text) {
                            self.put(word.span, Symbol::Decl(id), false);
                        }
                    }
                    self.expr(&arm.value, want);
                }
            }
        }
    }

    fn bare(&mut self, name: &SmolStr, span: Span, want: Option<&Type>) -> Option<Symbol> {
        if want.is_some_and(|ty| is_word(ty, name)) {
            return None;
        }
        let symbol = self.symbol(name)?;
        self.put(span, symbol, false);
        Some(symbol)
    }

    /// A name or names joined by dots; what the whole stands for.
    fn dotted(&mut self, expr: &Expr) -> Option<Symbol> {
        match &expr.kind {
            ExprKind::Name(name) => self.bare(name, expr.span, None),
            ExprKind::Member { base, name, .. } => {
                let base = self.dotted(base)?;
                self.member(base, name)
            }
            _ => {
                self.expr(expr, None);
                None
            }
        }
    }
}

/// The type of a field outside of records that takes a word.
fn word_field(key: &str) -> Option<Type> {
    let words: &[&str] = match key {
        "effect" => &["lasting", "instant"],
        "unit" => &["ratio", "percent", "s", "ms", "bytes", "per-second", "cores", "count"],
        _ => return None,
    };
    Some(Type::Enum(words.iter().map(|w| SmolStr::from(*w)).collect()))
}

fn element(ty: &Type) -> Option<&Type> {
    match ty.base() {
        Type::List(inner) => Some(inner),
        Type::Optional(inner) => element(inner),
        _ => None,
    }
}

fn is_word(ty: &Type, name: &SmolStr) -> bool {
    match ty.base() {
        Type::Enum(words) => words.contains(name),
        Type::Optional(inner) => is_word(inner, name),
        _ => false,
    }
}
