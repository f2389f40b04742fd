//! Any bytes give a tree whose text is the source, and diagnostics that point into it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perturb::source::FileId;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let parse = perturb::syntax::parse(FileId(0), &text);
    assert!(parse.syntax().text() == *text, "the tree has lost or made up text");
    for diagnostic in &parse.diagnostics {
        let span = diagnostic.span;
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{diagnostic:?} points beside the text");
    }
});
