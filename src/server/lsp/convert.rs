//! Answers of `ide` in the words of the protocol. Pure, but for the library's files, which are written when they are led to.

use std::collections::BTreeMap;

use gen_lsp_types::{
    Code, CodeDescription, CompletionItem, CompletionItemKind, CompletionItemTextEdit, Diagnostic as LspDiagnostic,
    DiagnosticRelatedInformation, DiagnosticSeverity, Documentation, InsertTextFormat, Location, MarkupContent,
    MarkupKind, Message, Range, SymbolKind, TextEdit, Uri,
};
use serde_json::{Value, json};

use super::capabilities::Client;
use super::library;
use super::project::Opened;
use super::uri;
use crate::check::stdlib;
use crate::diagnostic::{Diagnostic, Edit, Severity};
use crate::ide::completion::{Completion, Kind};
use crate::ide::symbols;
use crate::ide::{self, Place};
use crate::source::{SourceFile, Span};

/// A project's texts with how a client counts columns.
pub struct Convert<'a> {
    /// The project.
    pub project: &'a Opened,
    /// The client.
    pub client: Client,
    /// The addresses that the client itself gives to files.
    pub uris: &'a BTreeMap<String, Uri>,
}

impl Convert<'_> {
    /// The address of a file.
    pub fn uri(&self, path: &str) -> Uri {
        if let Some(known) = self.uris.get(path) {
            return known.clone();
        }
        if stdlib::is_module(path)
            && let Ok(file) = library::file(path)
        {
            return uri::of_path(&file);
        }
        uri::of_path(&self.project.path_of(path))
    }

    /// The text of a span.
    pub fn source(&self, span: Span) -> Option<&SourceFile> {
        self.project.workspace.sources().get(span.file)
    }

    /// The range of a span.
    pub fn range(&self, span: Span) -> Range {
        self.source(span).map_or_else(Range::default, |source| self.client.encoding.range(source, span))
    }

    /// The place of a span.
    pub fn location(&self, span: Span) -> Location {
        let path = self.source(span).map(|s| s.path.to_string()).unwrap_or_default();
        Location { uri: self.uri(&path), range: self.range(span) }
    }

    /// A place that `ide` gave.
    pub fn place(&self, place: &Place) -> Location {
        Location { uri: self.uri(&place.path), range: self.range(place.span) }
    }

    /// A replacement.
    pub fn edit(&self, edit: &Edit) -> TextEdit {
        TextEdit { range: self.range(edit.span), new_text: edit.text.clone() }
    }

    /// Replacements in any files, as a change of the workspace.
    pub fn workspace_edit(&self, edits: &[Edit]) -> Value {
        let mut changes: BTreeMap<String, Vec<TextEdit>> = BTreeMap::new();
        for edit in edits {
            let path = self.source(edit.span).map(|s| s.path.to_string()).unwrap_or_default();
            changes.entry(self.uri(&path).0).or_default().push(self.edit(edit));
        }
        json!({ "changes": changes })
    }

    /// A finding.
    pub fn diagnostic(&self, found: &Diagnostic) -> LspDiagnostic {
        let mut message = found.message.clone();
        if !found.label.is_empty() {
            message.push_str(&format!(": {}", found.label));
        }
        for line in [&found.why, &found.help].into_iter().flatten() {
            message.push('\n');
            message.push_str(line);
        }
        let related = found.labels.iter().map(|label| DiagnosticRelatedInformation {
            location: self.location(label.span),
            message: label.text.clone(),
        });
        let code = found.code.to_string();
        let href = format!("{}/blob/main/docs/errors/{code}.md", env!("CARGO_PKG_REPOSITORY"));
        LspDiagnostic {
            range: self.range(found.span),
            severity: Some(match found.severity {
                Severity::Error => DiagnosticSeverity::Error,
                Severity::Warning => DiagnosticSeverity::Warning,
            }),
            code: Some(Code::String(code)),
            code_description: Some(CodeDescription { href: Uri(href) }),
            source: Some("perturb".to_owned()),
            message: Message::String(message),
            related_information: (self.client.related && !found.labels.is_empty()).then(|| related.collect()),
            ..LspDiagnostic::default()
        }
    }

    /// A completion.
    pub fn completion(&self, found: &Completion) -> CompletionItem {
        let (text, format) = if self.client.snippets {
            (found.insert.clone(), InsertTextFormat::Snippet)
        } else {
            (ide::plain_snippet(&found.insert), InsertTextFormat::PlainText)
        };
        CompletionItem {
            label: found.label.clone(),
            kind: Some(match found.kind {
                Kind::Keyword => CompletionItemKind::Keyword,
                Kind::Field => CompletionItemKind::Field,
                Kind::Function => CompletionItemKind::Function,
                Kind::Module => CompletionItemKind::Module,
                Kind::Value => CompletionItemKind::Value,
                Kind::Word => CompletionItemKind::EnumMember,
                Kind::Unit => CompletionItemKind::Unit,
                Kind::Local => CompletionItemKind::Variable,
                Kind::Snippet => CompletionItemKind::Snippet,
            }),
            detail: (!found.detail.is_empty()).then(|| found.detail.clone()),
            documentation: (!found.doc.is_empty()).then(|| Documentation::MarkupContent(markdown(found.doc.clone()))),
            sort_text: Some(format!("{:02}{}", found.rank, found.label)),
            insert_text_format: Some(format),
            text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit {
                range: self.range(found.replace),
                new_text: text,
            })),
            additional_text_edits: (!found.also.is_empty()).then(|| found.also.iter().map(|e| self.edit(e)).collect()),
            ..CompletionItem::default()
        }
    }

    /// What a file declares.
    pub fn symbol(&self, found: &symbols::Symbol) -> Value {
        json!({
            "name": found.name,
            "detail": found.detail,
            "kind": symbol_kind(found.kind),
            "range": self.range(found.span),
            "selectionRange": self.range(found.name_span),
            "children": found.parts.iter().map(|part| self.symbol(part)).collect::<Vec<_>>(),
        })
    }
}

/// The picture of a symbol.
pub fn symbol_kind(kind: symbols::SymbolKind) -> SymbolKind {
    match kind {
        symbols::SymbolKind::Experiment => SymbolKind::Event,
        symbols::SymbolKind::Thing => SymbolKind::Object,
        symbols::SymbolKind::Function => SymbolKind::Function,
        symbols::SymbolKind::Value => SymbolKind::Constant,
        symbols::SymbolKind::Rule => SymbolKind::Interface,
        symbols::SymbolKind::Part => SymbolKind::Field,
    }
}

/// Markdown.
pub fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}
