//! Texts: values and keys of labels, namespaces, paths of imports.

use std::collections::BTreeSet;

use super::imports::relative;
use super::{Asked, Kind};
use crate::check::Program;
use crate::check::program::{Expr, ExprKind, Field, ItemKind};
use crate::ide::outline;
use crate::ide::snippet::escape;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};
use crate::types::Value;

impl Asked<'_> {
    /// The keys that labels have elsewhere.
    pub(super) fn keys_of_record(&mut self, block: &SyntaxNode) {
        let is_labels = block.ancestors().any(|n| outline::key(&n).as_deref() == Some("labels"));
        if is_labels {
            let keys: BTreeSet<String> = labels(self.program).into_iter().map(|(key, _)| key).collect();
            for key in keys {
                self.put(&key, Kind::Field, 0, "label", "", format!("{}: \"${{1}}\"", escape(&key)));
            }
        }
    }

    /// The value of a label, a path of an import.
    pub(super) fn text_value(&mut self, token: &SyntaxToken) {
        let Some(text) = token.parent() else { return };
        let start = u32::from(text.text_range().start()) + 1;
        self.replace.start = start.min(self.replace.end);
        let field =
            text.ancestors().find(|n| matches!(n.kind(), SyntaxKind::Field | SyntaxKind::Arg | SyntaxKind::Import));
        let Some(field) = field else { return };
        if field.kind() == SyntaxKind::Import {
            let own = self.workspace.path(self.file).to_owned();
            let others: Vec<String> = self
                .program
                .files
                .iter()
                .filter(|f| !f.is_std() && f.path != own)
                .map(|f| relative(&own, &f.path))
                .collect();
            for path in others {
                self.put(&path, Kind::Module, 0, "", "", escape(&path));
            }
            return;
        }
        let Some(key) = outline::key(&field) else { return };
        let in_labels = field.ancestors().skip(1).any(|n| outline::key(&n).as_deref() == Some("labels"));
        let values: BTreeSet<String> = if in_labels {
            labels(self.program).into_iter().filter(|(k, _)| *k == key).map(|(_, value)| value).collect()
        } else if key == "namespace" {
            namespaces(self.program)
        } else {
            return;
        };
        for value in values {
            self.put(&value, Kind::Word, 0, &format!("{key} elsewhere"), "", escape(&value));
        }
    }
}

/// Every label that the project's services name.
fn labels(program: &Program) -> Vec<(String, String)> {
    let mut found = Vec::new();
    selectors(program, &mut |fields| {
        for label in fields.iter().filter(|f| f.key.text == "labels") {
            let ExprKind::Record(entries) = &label.value.kind else { continue };
            for entry in entries {
                if let ExprKind::Literal(Value::String(text)) = &entry.value.kind {
                    found.push((entry.key.text.to_string(), text.to_string()));
                }
            }
        }
    });
    found
}

fn namespaces(program: &Program) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    selectors(program, &mut |fields| {
        for field in fields.iter().filter(|f| f.key.text == "namespace") {
            if let ExprKind::Literal(Value::String(text)) = &field.value.kind {
                found.insert(text.to_string());
            }
        }
    });
    found
}

/// Calls `f` with the arguments, as fields, of every `pods(…)` of a service.
fn selectors(program: &Program, f: &mut impl FnMut(&[Field])) {
    for (_, item) in program.own_decls() {
        let ItemKind::Record(_, fields) = &item.kind else { continue };
        for Field { value: Expr { kind, .. }, .. } in fields {
            if let ExprKind::Call { args, .. } = kind {
                let as_fields: Vec<Field> = args
                    .iter()
                    .filter_map(|a| Some(Field { key: a.name.clone()?, value: a.value.clone(), span: a.span }))
                    .collect();
                f(&as_fields);
            }
        }
    }
}
