//! Values of a type: what the catalogue and the library declare, targets, faults and metrics with their parameters, units.

use super::{Asked, Kind};
use crate::check::program::{ExprKind, Item, ItemKind, RecordWord};
use crate::check::scope::{DeclId, Def};
use crate::check::stdlib;
use crate::diagnostic::Edit;
use crate::ide::functions::FUNCTIONS;
use crate::ide::hover::{fault_markdown, item_markdown};
use crate::ide::outline;
use crate::syntax::SyntaxToken;
use crate::types::{TargetKind, Type, UNITS, UnitOf};

impl Asked<'_> {
    /// Values of a type.
    pub(super) fn values(&mut self, wanted: &Type, before: Option<&SyntaxToken>) {
        let node = before.and_then(outline::around);
        if let Some(node) = &node {
            for (name, ty) in self.locals(node) {
                let rank = if ty == *wanted.base() { 0 } else { 5 };
                self.put(&name, Kind::Local, rank, &ty.to_string(), "", name.clone());
            }
        }
        match wanted.base() {
            Type::Optional(inner) => {
                self.put("none", Kind::Word, 6, "", "No value.", "none".to_owned());
                self.values(&inner.clone(), None);
            }
            Type::List(inner) => {
                let inner = inner.clone();
                if !self.head.trim_end().ends_with(['[', ',']) {
                    self.put("[ ]", Kind::Snippet, 0, &wanted.to_string(), "A list.", "[${1}]".to_owned());
                }
                self.values(&inner, None);
            }
            Type::Enum(words) => {
                for word in words.clone().iter() {
                    self.put(word, Kind::Word, 0, "", "", word.to_string());
                }
            }
            Type::Bool => {
                for word in ["true", "false"] {
                    self.put(word, Kind::Word, 0, "", "", word.to_owned());
                }
            }
            Type::Service => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Service, _))),
            Type::Team => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Team, _))),
            Type::Cluster => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Cluster, _))),
            Type::Slo => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Slo, _))),
            Type::Incident => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Incident, _))),
            Type::Environment => self.environments(),
            Type::Target(kind) => self.targets(*kind),
            Type::Selector(TargetKind::Pods) => self.put(
                "pods",
                Kind::Function,
                0,
                "",
                "Ready pods that fit.",
                "pods(namespace: \"${1}\", labels: { ${2:app}: \"${3}\" })".to_owned(),
            ),
            Type::Sampled(_) => self.measures(),
            Type::Duration => {
                for (text, doc) in [("30s", "30 seconds"), ("1m", "a minute"), ("5m", "5 minutes"), ("1h", "an hour")] {
                    self.put(text, Kind::Unit, 4, doc, "", text.to_owned());
                }
            }
            Type::Secret => self.put(
                "secret",
                Kind::Function,
                0,
                "",
                "A value that is resolved at run time only.",
                "secret(\"${1}\")".to_owned(),
            ),
            Type::Fault => {
                for word in ["experiment", "fault"] {
                    self.put(word, Kind::Word, 0, "", "What the rule is about.", word.to_owned());
                }
            }
            Type::Any => self.visible(),
            _ => self.declared(|kind| matches!(kind, ItemKind::Let(_))),
        }
        for function in FUNCTIONS.iter().filter(|f| f.fits(wanted)) {
            let label = function.label().0;
            self.put(function.name, Kind::Function, 4, &label, function.about, function.insert.to_owned());
        }
    }

    /// Every visible name.
    pub(super) fn visible(&mut self) {
        let Some(scope) = self.program.scopes.files.get(self.file) else { return };
        for (name, (def, _)) in &scope.names {
            match def {
                Def::Decl(id) => self.put_decl(*id, name, 2, Vec::new()),
                Def::Module(_) | Def::Std => self.put(name, Kind::Module, 3, "", "", name.to_string()),
                Def::Lost => {}
            }
        }
        for name in ["services", "environment", "cluster"] {
            self.put(name, Kind::Word, 4, "", "", name.to_owned());
        }
    }

    /// What is declared and fits: visible here, or elsewhere with the import that it needs.
    pub(super) fn declared(&mut self, fits: impl Fn(&ItemKind) -> bool) {
        let all: Vec<(DeclId, &Item)> = self.program.own_decls().filter(|(_, item)| fits(&item.kind)).collect();
        for (id, item) in all {
            if item.name.text.is_empty() {
                continue;
            }
            match self.visible_name(id) {
                Some(name) => self.put_decl(id, &name, 0, Vec::new()),
                None => {
                    let also = self.import_of(id);
                    self.put_decl(id, &item.name.text, 1, also);
                }
            }
        }
    }

    /// Offers something declared, under a name that is visible or becomes so.
    pub(super) fn put_decl(&mut self, id: DeclId, name: &str, rank: u8, also: Vec<Edit>) {
        let item = self.program.item(id);
        let detail = detail_of(item);
        let doc = item_markdown(self.workspace, id);
        let insert = match &item.kind {
            ItemKind::Metric(_) | ItemKind::Scenario(..) | ItemKind::Fault(_) => self.call_snippet(id, name),
            _ => name.to_owned(),
        };
        let kind = match &item.kind {
            ItemKind::Metric(_) | ItemKind::Scenario(..) | ItemKind::Fault(_) => Kind::Function,
            _ => Kind::Value,
        };
        self.put_with(name, kind, rank, &detail, &doc, insert, also);
    }

    /// The name under which a declaration is visible in this file.
    pub(super) fn visible_name(&self, id: DeclId) -> Option<String> {
        let scope = self.program.scopes.files.get(self.file)?;
        scope.names.iter().find(|(_, (def, _))| *def == Def::Decl(id)).map(|(name, _)| name.to_string())
    }

    /// `name(${1}, needed: ${2})`: the parameters without a default.
    pub(super) fn call_snippet(&self, id: DeclId, name: &str) -> String {
        let signature = self.program.signature(id);
        let mut parts = Vec::new();
        for (index, param) in signature.params.iter().enumerate() {
            if signature.default_of(self.program, id, param).is_some() {
                continue;
            }
            let place = index + 1;
            parts.push(match (index, param.ty.base()) {
                (0, Type::Target(kind)) => format!("${{{place}:one of }}${{{}:{}}}", place + 50, kind.noun(2)),
                (0, _) => format!("${{{place}:{}}}", param.name),
                _ => format!("{}: ${{{place}{}}}", param.name, example(&param.ty)),
            });
        }
        format!("{name}({})", parts.join(", "))
    }

    /// The environments.
    pub(super) fn environments(&mut self) {
        for environment in &self.program.environments.clone() {
            let doc = item_markdown(self.workspace, environment.decl);
            self.put(&environment.name, Kind::Value, 0, "environment", &doc, environment.name.to_string());
        }
    }

    /// Quantities of selectors.
    pub(super) fn targets(&mut self, kind: TargetKind) {
        if kind == TargetKind::Clusters {
            for environment in &self.program.environments.clone() {
                for quantity in ["one of", "all of"] {
                    let text = format!("{quantity} {}.clusters", environment.name);
                    self.put(&text, Kind::Value, 0, "clusters", "", text.clone());
                }
            }
            return;
        }
        let selector = match kind {
            TargetKind::Pods => "pods",
            TargetKind::Nodes => "nodes",
            TargetKind::Zones => "zones",
            TargetKind::Workloads => "workloads",
            TargetKind::Endpoints => "endpoints",
            TargetKind::Processes => "processes",
            _ => "instances",
        };
        let of: Vec<(DeclId, Option<String>)> = self
            .program
            .services()
            .filter(|id| matches!(&self.program.item(*id).kind, ItemKind::Record(_, fields) if fields.iter().any(|f| f.key.text == "pods")))
            .map(|id| (id, self.visible_name(id)))
            .collect();
        for (id, visible) in of {
            let (rank, also) = if visible.is_some() { (0, Vec::new()) } else { (2, self.import_of(id)) };
            let name = visible.unwrap_or_else(|| self.program.item(id).name.text.to_string());
            let doc = item_markdown(self.workspace, id);
            for (label, insert) in [
                (format!("one of {name}.{selector}"), format!("one of {name}.{selector}")),
                (format!("50% of {name}.{selector}"), format!("${{1:50}}% of {name}.{selector}")),
                (format!("all of {name}.{selector}"), format!("all of {name}.{selector}")),
            ] {
                self.put_with(&label, Kind::Value, rank, "", &doc, insert, also.clone());
            }
        }
    }

    /// Metrics, the library's probes and what an objective says.
    pub(super) fn measures(&mut self) {
        self.declared(|kind| matches!(kind, ItemKind::Metric(_)));
        self.of_modules(|kind| matches!(kind, ItemKind::Metric(_)));
        let slos: Vec<(DeclId, &Item)> = self
            .program
            .own_decls()
            .filter(|(_, item)| matches!(item.kind, ItemKind::Record(RecordWord::Slo, _)))
            .collect();
        for (id, item) in slos {
            let visible = self.visible_name(id);
            let also = if visible.is_some() { Vec::new() } else { self.import_of(id) };
            let name = format!("{}.budget-left", visible.as_deref().unwrap_or(&item.name.text));
            self.put_with(&name, Kind::Value, 2, "Percent", &item_markdown(self.workspace, id), name.clone(), also);
        }
        self.put(
            "refuted",
            Kind::Word,
            4,
            "Bool",
            "Whether an expectation or a check was refuted.",
            "refuted".to_owned(),
        );
    }

    /// Faults with their parameters, and how they end.
    pub(super) fn faults(&mut self) {
        let own: Vec<(DeclId, &Item)> =
            self.program.own_decls().filter(|(_, item)| matches!(item.kind, ItemKind::Fault(_))).collect();
        for (id, item) in own {
            let visible = self.visible_name(id);
            let also = if visible.is_some() { Vec::new() } else { self.import_of(id) };
            let name = visible.unwrap_or_else(|| item.name.text.to_string());
            self.put_fault(id, &name, 0, also);
        }
        self.of_modules(|kind| matches!(kind, ItemKind::Fault(_)));
    }

    /// Offers a fault with its parameters.
    pub(super) fn put_fault(&mut self, id: DeclId, name: &str, rank: u8, also: Vec<Edit>) {
        let ItemKind::Fault(fault) = &self.program.item(id).kind else { return };
        let lasts = fault
            .fields
            .iter()
            .any(|f| f.key.text == "effect" && matches!(&f.value.kind, ExprKind::Name(n) if n == "lasting"));
        let doc = self.sheet(id).map(|sheet| fault_markdown(&sheet)).unwrap_or_default();
        let call = self.call_snippet(id, name);
        let insert = if lasts { format!("{call} for ${{99:5m}}") } else { call };
        let detail = crate::check::title(&self.program.item(id).doc);
        self.put_with(name, Kind::Function, rank, &detail, &doc, insert, also);
    }

    /// What the modules of the library declare, with the import where it is missing.
    pub(super) fn of_modules(&mut self, fits: impl Fn(&ItemKind) -> bool) {
        for module in stdlib::modules() {
            let path = stdlib::module_path(module);
            let Some(index) = self.program.files.iter().position(|f| f.path == path) else { continue };
            let visible = self.module_name(index);
            let also = if visible.is_some() { Vec::new() } else { self.import_module(module) };
            let rank = if visible.is_some() { 1 } else { 4 };
            let prefix = visible.unwrap_or_else(|| module.to_owned());
            let ids: Vec<DeclId> =
                self.program.decls_of(index).filter(|(_, i)| fits(&i.kind)).map(|(id, _)| id).collect();
            for id in ids {
                let item = self.program.item(id);
                let name = format!("{prefix}.{}", item.name.text);
                match &item.kind {
                    ItemKind::Fault(_) => self.put_fault(id, &name, rank, also.clone()),
                    _ => self.put_decl(id, &name, rank, also.clone()),
                }
            }
        }
    }

    /// Under which name a module of the library is visible.
    pub(super) fn module_name(&self, module: usize) -> Option<String> {
        let scope = self.program.scopes.files.get(self.file)?;
        scope.names.iter().find(|(_, (def, _))| *def == Def::Module(module)).map(|(name, _)| name.to_string())
    }

    /// Units that fit behind a number.
    pub(super) fn units(&mut self, before: Option<&SyntaxToken>) {
        let digits: String = self.typed.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '_' | '.')).collect();
        let node = before.and_then(outline::around);
        let wanted = node.and_then(|n| self.wanted(&n)).map(|ty| ty.base().clone());
        let wanted = match wanted {
            Some(Type::Sampled(_)) => self.measured(),
            other => other,
        };
        let of = match &wanted {
            Some(Type::Duration | Type::Offset) => Some(UnitOf::Duration),
            Some(Type::Percent | Type::Target(_)) => Some(UnitOf::Percent),
            Some(Type::Bytes) => Some(UnitOf::Bytes),
            Some(Type::Bitrate) => Some(UnitOf::Bitrate),
            Some(Type::Cores) => Some(UnitOf::Cores),
            Some(Type::Rate) => Some(UnitOf::Rate),
            Some(Type::Int | Type::Number) => return,
            _ => None,
        };
        for unit in UNITS.iter().filter(|u| of.is_none_or(|of| u.of == of)) {
            let label = format!("{digits}{}", unit.text);
            let what = match unit.of {
                UnitOf::Duration => "Duration",
                UnitOf::Percent => "Percent",
                UnitOf::Bytes => "Bytes",
                UnitOf::Bitrate => "Bitrate: bits, not bytes",
                UnitOf::Cores => "Cores",
                UnitOf::Rate => "Rate",
            };
            self.put(&label, Kind::Unit, 0, what, "", label.clone());
        }
        if matches!(wanted, Some(Type::Target(_))) {
            let label = format!("{digits}% of ");
            self.put(&label, Kind::Snippet, 0, "a share of a selector", "", label.clone());
        }
    }
}

/// What a parameter's placeholder shows.
fn example(ty: &Type) -> String {
    match ty.base() {
        Type::Duration => ":100ms".to_owned(),
        Type::Percent => ":10%".to_owned(),
        Type::Bytes => ":256MiB".to_owned(),
        Type::Bitrate => ":1Mbit/s".to_owned(),
        Type::Int => ":1".to_owned(),
        Type::String | Type::Url | Type::Host => ":\"\"".to_owned(),
        Type::Enum(words) => format!("|{}|", words.join(",")),
        _ => String::new(),
    }
}

/// A few words on what is declared.
pub(super) fn detail_of(item: &Item) -> String {
    crate::check::evaluate::word_of(&item.kind).to_owned()
}
