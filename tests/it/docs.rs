//! The blocks of the reference and of the README are compiled, each in the surroundings that its kind says.

use std::fmt::Write as _;
use std::process::Command;

use crate::support::{Block, blocks, chaos_files, compile, hold, read, root};

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

/// The files of `examples/`, but for these.
fn examples_without(left_out: &[&str]) -> Vec<(String, String)> {
    let mut files = chaos_files("examples");
    files.retain(|(path, _)| !left_out.contains(&path.as_str()));
    files
}

#[test]
fn the_experiment_of_the_readme_compiles() {
    let page = blocks(&read("README.md"));
    let block = page.iter().find(|b| b.info == "chaos").expect("the README has an experiment");
    let text = format!(
        "import std.{{network}}\nimport \"catalogue.chaos\".{{checkout, ledger, ledgers, pm-2022-031}}\n\
         import \"measures.chaos\".{{success-rate, p99}}\n{}",
        block.text
    );
    // It is the first example, a little shorter: both have one name.
    let mut files = examples_without(&["slow-dependency.chaos", "gameday-ledger.chaos"]);
    files.push(("readme.chaos".into(), text));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(compile(&files).errors(), "");
}

#[test]
fn the_refusal_in_the_readme_is_a_real_one() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in examples_without(&[]) {
        std::fs::write(folder.path().join(path), text).unwrap();
    }
    std::fs::write(folder.path().join("perturb.toml"), read("examples/perturb.toml")).unwrap();
    let good = read("examples/slow-dependency.chaos");
    let bad = good.replace(
        "network.delay(50% of ledger.pods, latency: 300ms, jitter: 50ms) for 5m",
        "network.delay(ledger.pods, latency: 300) for 5m",
    );
    assert_ne!(good, bad);
    std::fs::write(folder.path().join("slow-dependency.chaos"), bad).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_perturb"))
        .args(["check", "slow-dependency.chaos", "--color", "never"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = told.trim().lines().map(str::trim_end).collect();
    hold("README.md", "refused", &format!("```text\n{}\n```\n", lines.join("\n")));
}

/// Lines that say something: neither blank nor a comment.
fn lines_that_count(text: &str, comment: &str) -> usize {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(comment)).count()
}

/// The manifests of an experiment in staging; `None` if the engine cannot express it.
fn manifests(experiment: &str, engine: &str) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_perturb"))
        .args(["compile", "examples", "--only", experiment, "--engine", engine, "--in", "staging", "-o", "-"])
        .current_dir(root())
        .output()
        .unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_readme_counts_lines_honestly() {
    let mut table = String::from(
        "| experiment | Perturb | Chaos Mesh: the Workflow | with its gate and permissions | Litmus |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
    );
    for (file, experiment) in [
        ("slow-dependency", "checkout-survives-slow-ledger"),
        ("dependency-gone", "checkout-accepts-without-ledger"),
        ("partition", "checkout-ledger-partition"),
        ("bank-dns", "bank-a-name-lost"),
        ("kafka-leader", "kafka-elects-a-leader"),
    ] {
        let ours = lines_that_count(&read(&format!("examples/{file}.chaos")), "//");
        let mesh = manifests(experiment, "chaos-mesh");
        let workflow = mesh.as_ref().and_then(|yaml| yaml.split("---\n").find(|d| d.contains("\nkind: Workflow\n")));
        let count = |yaml: Option<&str>| yaml.map_or("refused".into(), |y| lines_that_count(y, "#").to_string());
        let litmus = manifests(experiment, "litmus");
        let _ = writeln!(
            table,
            "| [{file}](examples/{file}.chaos) | {ours} | {} | {} | {} |",
            count(workflow),
            count(mesh.as_deref()),
            count(litmus.as_deref())
        );
    }
    hold("README.md", "lines", &table);
}

#[test]
fn the_settings_of_the_reference_are_known() {
    let page = blocks(&read("docs/language.md"));
    let settings = page.iter().find(|b| b.info == "toml").expect("the reference shows a `perturb.toml`");
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in examples_without(&[]) {
        std::fs::write(folder.path().join(path), text).unwrap();
    }
    std::fs::write(folder.path().join("perturb.toml"), &settings.text).unwrap();
    // The file of signers that it names is there in such a project.
    std::fs::create_dir(folder.path().join("approvers")).unwrap();
    std::fs::write(folder.path().join("approvers/platform"), "").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_perturb")).args(["check", "."]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_path_on_the_map_for_contributors_exists() {
    let page = read("docs/ARCHITECTURE.md");
    assert!(page.lines().count() < 200, "the map is too long to be read");
    let tops = ["src/", "tests/", "docs/", "stdlib/", "grammar/", "benches/", "fuzz/", "editors/"];
    let mut missing = Vec::new();
    for quoted in page.split('`').skip(1).step_by(2) {
        // Names in capitals stand for any name.
        let placeholder =
            quoted.contains("NAME") || quoted.contains("NNN") || quoted.contains("MODULE") || quoted.contains('*');
        if tops.iter().any(|top| quoted.starts_with(top)) && !placeholder && !root().join(quoted).exists() {
            missing.push(quoted);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_link_of_our_pages_leads_somewhere() {
    let mut broken = Vec::new();
    for page in ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/language.md", "docs/gitops.md"] {
        let folder = root().join(page).parent().unwrap().to_path_buf();
        for link in read(page).split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !folder.join(path).exists() {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}
