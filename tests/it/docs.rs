//! The blocks of the reference and of the README are compiled, each in the surroundings that its kind says.

use crate::support::{Block, blocks, compile, read};

/// The reference's catalogue: the other blocks stand beside it.
fn catalogue(page: &[Block]) -> String {
    page.iter().find(|b| b.info == "chaos catalogue").expect("the reference has a catalogue").text.clone()
}

const HYPOTHESIS: &str = "hypothesis { expect success: success-rate(checkout) >= 99%, recovery automatic within 5m }";
const GUARD: &str = "guard { abort when success-rate(checkout, over: 15s) < 95% for 10s }";
const METHOD: &str = "method { network.delay(one of checkout.pods, latency: 100ms) for 10m }";

/// The files that a block is compiled as; `None` if it is no Perturb.
fn files(block: &Block, catalogue: &str) -> Option<Vec<(&'static str, String)>> {
    let experiment = |hypothesis: &str, guard: &str, method: &str| {
        format!("{catalogue}\nexperiment a-block {{\nservice: checkout\n{hypothesis}\n{guard}\n{method}\n}}\n")
    };
    let text = &block.text;
    let one = match block.info.as_str() {
        "chaos catalogue" | "chaos file" => text.clone(),
        "chaos" | "chaos wrong" => format!("{catalogue}\n{text}"),
        "chaos hypothesis" => experiment(&format!("hypothesis {{\n{text}}}"), GUARD, METHOD),
        "chaos guard" => experiment(HYPOTHESIS, &format!("guard {{\n{text}}}"), METHOD),
        "chaos method" | "chaos wrong-method" => experiment(HYPOTHESIS, GUARD, &format!("method {{\n{text}}}")),
        "chaos import" => return Some(vec![("block.chaos", text.clone()), ("catalogue.chaos", catalogue.to_owned())]),
        other => {
            assert!(!other.starts_with("chaos"), "line {}: no test knows what to do with `{other}`", block.line);
            return None;
        }
    };
    Some(vec![("block.chaos", one)])
}

#[test]
fn every_block_of_the_reference_compiles_or_is_refused_as_it_says() {
    let page = blocks(&read("docs/language.md"));
    let catalogue = catalogue(&page);
    let mut wrong = String::new();
    let mut seen = 0;
    for block in &page {
        let Some(files) = files(block, &catalogue) else { continue };
        seen += 1;
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let errors = compile(&files).errors();
        let wants_errors = block.info.starts_with("chaos wrong");
        if wants_errors == errors.is_empty() {
            let what = if wants_errors { "is not refused" } else { "does not compile" };
            wrong.push_str(&format!("docs/language.md:{} ({}) {what}\n{errors}\n", block.line, block.info));
        }
    }
    assert!(seen > 30, "only {seen} blocks found");
    assert!(wrong.is_empty(), "{wrong}");
}
