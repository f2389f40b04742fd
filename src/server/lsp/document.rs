//! A document that is open: its text as the editor has it. Pure.

use gen_lsp_types::TextDocumentContentChangeEvent;

use super::position::Encoding;
use crate::source::{FileId, SourceFile, SourceMap};

/// A document that is open.
#[derive(Debug, Clone)]
pub struct Document {
    /// As the editor counts.
    pub version: i32,
    /// The folder of its project.
    pub project: std::path::PathBuf,
    /// Its path in the project; `std/network.chaos` for a module of the library.
    pub path: String,
    map: SourceMap,
}

impl Document {
    /// A document as it was opened.
    pub fn new(version: i32, project: std::path::PathBuf, path: String, text: String) -> Self {
        let mut map = SourceMap::default();
        map.add(path.as_str(), text);
        Self { version, project, path, map }
    }

    /// Its text with its lines.
    pub fn source(&self) -> &SourceFile {
        self.map.file(FileId(0))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.source().text
    }

    /// Changes it, one change after the other.
    pub fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>, encoding: Encoding) {
        self.version = version;
        for change in changes {
            let text = match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => whole.text,
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let source = self.source();
                    let start = encoding.offset(source, part.range.start) as usize;
                    let end = (encoding.offset(source, part.range.end) as usize).max(start);
                    let (head, tail) = (source.text.get(..start), source.text.get(end..));
                    format!("{}{}{}", head.unwrap_or(""), part.text, tail.unwrap_or(""))
                }
            };
            self.map.replace(FileId(0), text);
        }
    }
}
