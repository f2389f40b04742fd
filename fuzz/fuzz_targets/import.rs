//! Any bytes are imported or refused, without a panic or a hang, and twice the same; what comes out has no syntax error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perturb::import::{Given, Options, import};

fuzz_target!(|bytes: &[u8]| {
    let given = [Given { name: "fuzz.yaml".into(), bytes: bytes.to_vec() }];
    for lossy in [false, true] {
        let options = Options { lossy, together: true };
        let (first, second) = (import(&given, options), import(&given, options));
        assert_eq!(first.diagnostics, second.diagnostics, "the same bytes give the same diagnostics");
        assert_eq!(first.files, second.files, "the same bytes give the same files");
        assert_eq!(first.files.is_empty(), first.diagnostics.iter().any(perturb::diagnostic::Diagnostic::is_error));
        for (path, text) in &first.files {
            let parse = perturb::syntax::parse(perturb::source::FileId(0), text);
            assert!(parse.diagnostics.is_empty(), "{path}: {text}\n{:?}", parse.diagnostics);
            assert_eq!(text.matches("// lost:").count() >= first.counts.lost, true, "{text}");
        }
    }
});
