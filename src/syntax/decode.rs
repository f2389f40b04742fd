//! x
use crate::diagnostic::Diagnostic;
use crate::source::FileId;
/// x
pub fn decode(_file: FileId, bytes: &[u8]) -> (String, Vec<Diagnostic>) {
    (String::from_utf8_lossy(bytes).into_owned(), Vec::new())
}
