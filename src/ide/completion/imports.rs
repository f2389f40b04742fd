//! Imports: names in their braces, and the import that a completion needs.

use super::values::detail_of;
use super::{Asked, Kind};
use crate::check::Imported;
use crate::check::program::{ImportFrom, ImportTake};
use crate::check::scope::DeclId;
use crate::diagnostic::Edit;
use crate::ide::hover::item_markdown;
use crate::source::Span;
use crate::syntax::{SyntaxKind, SyntaxNode};

impl Asked<'_> {
    /// The edit that makes a declaration of another file visible.
    pub(super) fn import_of(&self, id: DeclId) -> Vec<Edit> {
        let target = self.program.file_of(id);
        let name = self.program.item(id).name.text.to_string();
        let path = relative(self.workspace.path(self.file), self.workspace.path(target));
        self.import_edit(&|from| matches!(from, ImportFrom::File(..)), Some(target), &format!("\"{path}\""), &name)
    }

    pub(super) fn import_module(&self, module: &str) -> Vec<Edit> {
        let is_std = |from: &ImportFrom| matches!(from, ImportFrom::Std(path) if path.names.len() == 1);
        self.import_edit(&is_std, None, "std", module)
    }

    /// Adds a name to an import that is there, or an import behind the last one.
    pub(super) fn import_edit(
        &self,
        fits: &dyn Fn(&ImportFrom) -> bool,
        target: Option<usize>,
        from: &str,
        name: &str,
    ) -> Vec<Edit> {
        let Some(loaded) = self.program.files.get(self.file) else { return Vec::new() };
        for (import, imported) in loaded.file.imports.iter().zip(&loaded.imports) {
            let of_target = target.is_none_or(|t| *imported == Some(Imported::File(t)));
            if let (true, true, ImportTake::Names(names)) = (fits(&import.from), of_target, &import.take)
                && let Some(last) = names.last()
            {
                return vec![Edit { span: last.span.after(), text: format!(", {name}") }];
            }
        }
        let line = format!("import {from}.{{{name}}}\n");
        match loaded.file.imports.last() {
            Some(last) => vec![Edit { span: last.span.after(), text: format!("\n{}", line.trim_end()) }],
            None => {
                let at = loaded.file.items.first().map_or(0, |item| item.span.start);
                let at = loaded.text.get(..at as usize).and_then(|t| t.rfind("\n\n")).map_or(0, |n| n as u32 + 2);
                vec![Edit { span: Span::new(loaded.file.id, at, at), text: format!("{line}\n") }]
            }
        }
    }

    /// Names in the braces of an import.
    pub(super) fn imports(&mut self, node: &SyntaxNode) -> bool {
        let Some(import) = node.ancestors().find(|n| n.kind() == SyntaxKind::Import) else { return false };
        if u32::from(import.text_range().end()) < self.replace.start && self.begins_line() {
            return false;
        }
        let start = u32::from(import.text_range().start());
        let Some(loaded) = self.program.files.get(self.file) else { return true };
        let at = loaded
            .file
            .imports
            .iter()
            .position(|i| i.span.start >= start.saturating_sub(1) && i.span.start <= start + 1);
        let Some(at) = at else { return true };
        let taken: Vec<String> = match loaded.file.imports.get(at).map(|i| &i.take) {
            Some(ImportTake::Names(names)) => names.iter().map(|n| n.text.to_string()).collect(),
            _ => Vec::new(),
        };
        match loaded.imports.get(at).copied().flatten() {
            Some(Imported::Std) => {
                self.modules();
                self.found.retain(|c| !taken.contains(&c.label));
            }
            Some(Imported::File(file)) => {
                let ids: Vec<(DeclId, String)> = self
                    .program
                    .decls_of(file)
                    .filter(|(_, item)| !taken.contains(&item.name.text.to_string()))
                    .map(|(id, item)| (id, item.name.text.to_string()))
                    .collect();
                for (id, name) in ids {
                    let (detail, doc) = (detail_of(self.program.item(id)), item_markdown(self.workspace, id));
                    self.put(&name, Kind::Value, 0, &detail, &doc, name.clone());
                }
            }
            None => {
                self.put("std", Kind::Module, 0, "", "The standard library: faults and probes.", "std".to_owned());
            }
        }
        true
    }
}

/// How a file would write another's path.
pub(super) fn relative(from: &str, to: &str) -> String {
    let folder: Vec<&str> = from.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
    let parts: Vec<&str> = to.split('/').collect();
    let shared = folder.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let up = "../".repeat(folder.len() - shared);
    format!("{up}{}", parts.get(shared..).unwrap_or_default().join("/"))
}
