//! x
use super::tree::Finding;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
/// x
pub fn diagnose(file: FileId, _text: &str, findings: Vec<Finding>) -> Vec<Diagnostic> {
    findings
        .into_iter()
        .map(|f| Diagnostic::new(Code::SYNTAX, Span::new(file, f.start, f.end), format!("{:?} {:?}", f.what, f.around)))
        .collect()
}
