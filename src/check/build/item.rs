//! The file and its items. Comes in: views of items. Goes out: `program::Item` and `program::Import`.

use super::Builder;
use super::place::Place;
use crate::check::program::{
    EngineBody, Expr, FaultItem, Field, File, Gameday, Gap, Import, ImportFrom, ImportTake, Instance, Item, ItemKind,
    Metric, Param, Path, Policy, RecordWord, TypeExpr, TypeExprKind, Verify,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{self, Declaration, View as _};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

impl Builder {
    pub(super) fn file(&mut self, view: &ast::File) -> File {
        let doc = docs(view.docs(), "//!");
        let mut file =
            File { id: self.file, doc, imports: Vec::new(), items: Vec::new(), gaps: Vec::new(), shaken: Vec::new() };
        for item in view.items() {
            match item.declaration() {
                Some(Declaration::Import(import)) => file.imports.extend(self.import(&import)),
                Some(declaration) => {
                    let doc = docs(item.docs(), "///");
                    file.items.push(self.item(doc, &declaration));
                }
                None => {}
            }
        }
        file
    }

    pub(super) fn gaps(&self, view: &ast::File) -> Vec<Gap> {
        let blocks =
            view.syntax().descendants().filter(|node| node.kind() == SyntaxKind::Block && ast::is_broken(node));
        blocks.filter_map(|node| Some(Gap { owner: self.span(&node.parent()?), block: self.span(&node) })).collect()
    }

    fn import(&mut self, view: &ast::Import) -> Option<Import> {
        let span = self.span(view.syntax());
        let from = match (view.path(), view.text()) {
            (Some(path), _) => ImportFrom::Std(self.path(&path)),
            (None, Some(text)) => {
                let place = self.span(text.syntax());
                ImportFrom::File(self.plain_text(&text)?, place)
            }
            (None, None) => return None,
        };
        let take = match view.names() {
            Some(names) => ImportTake::Names(names.iter().map(|n| self.word(n)).collect()),
            None => {
                let alias = view.alias().map(|node| self.declared(ast::token(&node, SyntaxKind::Word), &node));
                ImportTake::Whole(alias.filter(|name| !name.text.is_empty()))
            }
        };
        Some(Import { from, span, take })
    }

    pub(super) fn path(&mut self, view: &ast::Path) -> Path {
        Path { names: view.names().map(|n| self.word(&n)).collect(), span: self.span(view.syntax()) }
    }

    fn item(&mut self, doc: String, view: &Declaration) -> Item {
        let node = view.syntax();
        let span = self.span(node);
        let name = self.declared(view.name(), node);
        let kind = match view {
            // Imports are taken out before; a `let` without more is the same as none.
            Declaration::Import(_) => ItemKind::Let(self.wrong(node)),
            Declaration::Let(node) => ItemKind::Let(self.child_expr(node)),
            Declaration::Record(record) => {
                let word = record.word().as_ref().map_or(RecordWord::Team, record_word);
                ItemKind::Record(word, self.fields(record.block(), Place::Record(word)))
            }
            Declaration::Metric(metric) => ItemKind::Metric(Metric {
                params: self.params(metric.params()),
                ty: self.metric_type(metric),
                fields: self.fields(metric.block(), Place::Metric),
            }),
            Declaration::Fault(fault) => ItemKind::Fault(self.fault(fault)),
            Declaration::Scenario(scenario) => {
                let params = self.params(scenario.params());
                ItemKind::Scenario(params, self.body(scenario.block(), Place::Body))
            }
            Declaration::Experiment(experiment) => self.experiment(experiment),
            Declaration::Verify(verify) => ItemKind::Verify(self.verify(verify)),
            Declaration::Policy(policy) => ItemKind::Policy(self.policy(policy)),
            Declaration::Gameday(gameday) => ItemKind::Gameday(self.gameday(gameday)),
        };
        Item { name, doc, kind, span }
    }

    fn experiment(&mut self, view: &ast::Experiment) -> ItemKind {
        let Some(made_from) = view.made_from() else {
            return ItemKind::Experiment(self.body(view.block(), Place::Body));
        };
        let body = view.block().map(|block| self.body(Some(block), Place::Body));
        match made_from.call() {
            Some(call) => ItemKind::Instance(Instance { call: self.call(&call), body }),
            // What it is made from is missing and reported; what it adds is kept.
            None => ItemKind::Experiment(body.unwrap_or_default()),
        }
    }

    fn metric_type(&mut self, view: &ast::Metric) -> TypeExpr {
        if let Some(ty) = view.ty() {
            return self.type_expr(&ty);
        }
        let node = view.syntax();
        if !ast::is_broken(node) {
            let place = view.params().map_or_else(|| self.span(node), |p| self.span(p.syntax()));
            self.report(
                Diagnostic::new(Code::MISSING_VALUE, place.after(), "the type of the metric is missing")
                    .why("the type says what its samples may be compared with")
                    .help("write it behind the parameters: `metric p99(of: Service): Duration { … }`"),
            );
        }
        TypeExpr { kind: TypeExprKind::Error, span: self.span(node).before() }
    }

    fn fault(&mut self, view: &ast::Fault) -> FaultItem {
        let params = self.params(view.params());
        let mut out = FaultItem { params, fields: Vec::new(), engines: Vec::new() };
        for member in view.block().iter().flat_map(ast::Block::members) {
            match member {
                ast::Member::Field(field) => out.fields.extend(self.field(&field)),
                ast::Member::Section(section) if Place::Fault.holds_section(&section) => {
                    out.engines.push(self.engine(&section));
                }
                other => self.misplaced(&other, Place::Fault),
            }
        }
        out
    }

    fn engine(&mut self, view: &ast::Section) -> EngineBody {
        let node = view.syntax();
        let mut out = EngineBody {
            engine: self.declared(view.name(), node),
            fields: Vec::new(),
            rules: Vec::new(),
            span: self.span(node),
        };
        for member in view.block().iter().flat_map(ast::Block::members) {
            match member {
                ast::Member::Field(field) => out.fields.extend(self.field(&field)),
                ast::Member::Line(line) if Place::Engine.holds_line(line.kind()) => out.rules.push(self.demand(&line)),
                other => self.misplaced(&other, Place::Engine),
            }
        }
        out
    }

    fn verify(&mut self, view: &ast::Verify) -> Verify {
        let mut out = Verify { fields: Vec::new(), every: Vec::new(), runs: Vec::new() };
        for member in view.block().iter().flat_map(ast::Block::members) {
            match member {
                ast::Member::Field(field) => out.fields.extend(self.field(&field)),
                ast::Member::Line(line) => match line.kind() {
                    SyntaxKind::Every => out.every.extend(self.every(&line)),
                    SyntaxKind::Run => out.runs.extend(self.run(&line)),
                    _ => self.misplaced(&ast::Member::Line(line), Place::Verify),
                },
                other => self.misplaced(&other, Place::Verify),
            }
        }
        out
    }

    fn policy(&mut self, view: &ast::Policy) -> Policy {
        let mut out = Policy { fields: Vec::new(), rules: Vec::new(), hours: Vec::new(), approvals: Vec::new() };
        for member in view.block().iter().flat_map(ast::Block::members) {
            match member {
                ast::Member::Field(field) => out.fields.extend(self.field(&field)),
                ast::Member::Line(line) => match line.kind() {
                    SyntaxKind::Demand => out.rules.push(self.demand(&line)),
                    SyntaxKind::Hours | SyntaxKind::Never => {
                        out.hours.extend(self.hours(&line));
                    }
                    SyntaxKind::Approval => out.approvals.push(self.approval(&line)),
                    _ => self.misplaced(&ast::Member::Line(line), Place::Policy),
                },
                other => self.misplaced(&other, Place::Policy),
            }
        }
        out
    }

    fn gameday(&mut self, view: &ast::Gameday) -> Gameday {
        let mut out = Gameday { fields: Vec::new(), agendas: Vec::new() };
        for member in view.block().iter().flat_map(ast::Block::members) {
            match member {
                ast::Member::Field(field) => out.fields.extend(self.field(&field)),
                ast::Member::Section(section) if Place::Gameday.holds_section(&section) => {
                    out.agendas.extend(section.block().map(|block| self.steps(&block, Place::Agenda)));
                }
                other => self.misplaced(&other, Place::Gameday),
            }
        }
        out
    }

    /// The fields of a block that holds nothing else.
    pub(super) fn fields(&mut self, block: Option<ast::Block>, place: Place) -> Vec<Field> {
        let mut out = Vec::new();
        for member in block.iter().flat_map(ast::Block::members) {
            match member {
                ast::Member::Field(field) => out.extend(self.field(&field)),
                other => self.misplaced(&other, place),
            }
        }
        out
    }

    pub(super) fn field(&mut self, view: &ast::Field) -> Option<Field> {
        let node = view.syntax();
        let key = self.key(&view.key()?);
        let value = self.child_expr(node);
        Some(Field { key, value, span: self.span(node) })
    }

    fn params(&mut self, view: Option<ast::Params>) -> Vec<Param> {
        view.iter().flat_map(ast::Params::params).filter_map(|param| self.param(&param)).collect()
    }

    fn param(&mut self, view: &ast::Param) -> Option<Param> {
        let node = view.syntax();
        let token = view.name()?;
        let name = self.declared(Some(token), node);
        let ty = match view.ty() {
            Some(ty) => self.type_expr(&ty),
            None => TypeExpr { kind: TypeExprKind::Error, span: name.span.after() },
        };
        let default = view.default().map(|value| self.expr(&value));
        Some(Param { name, ty, default, span: self.span(node) })
    }

    fn type_expr(&mut self, view: &ast::TypeRef) -> TypeExpr {
        let span = self.span(view.syntax());
        let words: Vec<SyntaxToken> = view.words().collect();
        let kind = match (view.is_list(), words.as_slice()) {
            (true, _) => match view.element() {
                Some(element) => TypeExprKind::List(Box::new(self.type_expr(&element))),
                None => TypeExprKind::Error,
            },
            (false, [word]) if !view.is_choice() && word.text().starts_with(|c: char| c.is_ascii_uppercase()) => {
                let range = view.bounds().map(|bounds| Box::new(self.expr(&bounds)));
                TypeExprKind::Named(self.word(word), range)
            }
            (false, []) => TypeExprKind::Error,
            // A single small word is an enumeration of one, or a type in the wrong case: names are told apart later.
            (false, [word]) if !view.is_choice() => TypeExprKind::Named(self.word(word), None),
            (false, words) => TypeExprKind::Words(words.iter().map(|w| self.word(w)).collect()),
        };
        let ty = TypeExpr { kind, span };
        if view.is_optional() { TypeExpr { kind: TypeExprKind::Optional(Box::new(ty)), span } } else { ty }
    }

    /// The expression that a node holds, or an error in its place.
    pub(super) fn child_expr(&mut self, node: &SyntaxNode) -> Expr {
        match node.children().find_map(ast::Expr::cast) {
            Some(value) => self.expr(&value),
            None => self.wrong(node),
        }
    }
}

fn record_word(token: &SyntaxToken) -> RecordWord {
    match token.text() {
        "service" => RecordWord::Service,
        "cluster" => RecordWord::Cluster,
        "environment" => RecordWord::Environment,
        "slo" => RecordWord::Slo,
        "incident" => RecordWord::Incident,
        // The grammar lets no other word through.
        _ => RecordWord::Team,
    }
}

/// The text of comments: without their slashes and one blank.
fn docs(lines: impl Iterator<Item = SyntaxToken>, slashes: &str) -> String {
    let mut out = String::new();
    for (index, line) in lines.enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let text = line.text().strip_prefix(slashes).unwrap_or_default();
        out.push_str(text.strip_prefix(' ').unwrap_or(text).trim_end());
    }
    out
}
