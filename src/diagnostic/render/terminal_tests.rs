//! What a terminal shows, by example; and that no text and no place makes the drawing fail.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Code;

fn look() -> Look {
    Look { width: 80, ..Look::default() }
}

fn sources() -> (SourceMap, FileId, FileId) {
    let mut sources = SourceMap::default();
    let main = sources.add(
        "slow.chaos",
        "experiment slow {\n  service: checkout\n  method {\n    network.delay(one of ledger.pods, latency: 300) for 5m\n  }\n}\n",
    );
    let other = sources.add("catalogue.chaos", "/// Takes a payment.\nservice checkout { owner: platform }\n");
    (sources, main, other)
}

fn everything(main: FileId, other: FileId) -> Diagnostic {
    Diagnostic::new(Code::TYPE_MISMATCH, Span::new(main, 96, 99), "`300` is a bare number where a duration is wanted")
        .label("which unit?")
        .also(Span::new(main, 11, 15), "in this experiment")
        .also(Span::new(other, 29, 37), "declared here")
        .why("three hundred what? a unit is never guessed, as a factor of a thousand lies between the guesses")
        .help("write the unit behind the number, without a space")
        .choice("write `300ms`", Span::new(main, 96, 99), "300ms")
        .choice("write `300s`", Span::new(main, 96, 99), "300s")
}

#[test]
fn everything_that_a_diagnostic_has_is_shown() {
    let (sources, main, other) = sources();
    insta::assert_snapshot!(render(&[everything(main, other)], &sources, &look()));
}

#[test]
fn ascii_terminals_and_prefixes() {
    let (sources, main, _) = sources();
    let plain = Diagnostic::new(Code::SYNTAX, Span::new(main, 20, 27), "`service` is not expected here");
    let look = Look { unicode: false, prefix: "shop/".to_owned(), ..look() };
    insta::assert_snapshot!(render(&[plain], &sources, &look));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let (sources, main, other) = sources();
    let plain = render(&[everything(main, other)], &sources, &look());
    let colored = render(&[everything(main, other)], &sources, &Look { color: true, ..look() });
    assert!(!plain.contains('\u{1b}'));
    assert!(colored.contains("\u{1b}["));
}

#[test]
fn a_file_cannot_write_escape_codes_onto_the_terminal() {
    let mut sources = SourceMap::default();
    let file = sources.add("\u{1b}]0;x.chaos", "a \u{1b}[2J b\n");
    let evil = Diagnostic::new(Code::SYNTAX, Span::new(file, 0, 1), "`\u{1b}[2J`").label("\u{7}").help("\u{9b}2J");
    let text = render(&[evil], &sources, &look());
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{text:?}");
}

#[test]
fn a_line_of_megabytes_is_cut() {
    let mut sources = SourceMap::default();
    let file = sources.add("long.chaos", "x".repeat(3_000_000));
    let text =
        render(&[Diagnostic::new(Code::SYNTAX, Span::new(file, 1_500_000, 1_500_003), "`xxx`")], &sources, &look());
    assert!(text.len() < 2_000, "{}", text.len());
    assert!(text.contains("long.chaos:1:1500001"), "{text}");
}

#[test]
fn a_place_without_its_text_is_still_said() {
    let mut sources = SourceMap::default();
    let file = sources.add("gone.chaos", "");
    let text = render(&[Diagnostic::new(Code::SYNTAX, Span::new(file, 40, 50), "`xxx`")], &sources, &look());
    assert!(text.contains("`xxx`"), "{text}");
}

proptest! {
    #[test]
    fn no_text_and_no_place_makes_it_fail(
        text in "(?s)[ab{}é\u{1F600}\t\r\n\0\u{200d}]{0,60}",
        spans in proptest::collection::vec((0u32..80, 0u32..80), 1..5),
        width in 0usize..130,
    ) {
        let mut sources = SourceMap::default();
        let file = sources.add("a.chaos", text);
        let (first, rest) = spans.split_first().unwrap();
        let mut diagnostic = Diagnostic::new(Code::SYNTAX, Span::new(file, first.0, first.1), "message").label("here");
        for (start, end) in rest {
            diagnostic = diagnostic.also(Span::new(file, *start, *end), "there\nand there").choice("fix", Span::new(file, *start, *end), "x\ny");
        }
        let shown = render(&[diagnostic], &sources, &Look { width, ..look() });
        prop_assert!(shown.contains("message"));
        prop_assert!(!shown.contains("Failed to read"));
    }
}
