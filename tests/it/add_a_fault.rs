//! `docs/add-a-fault.md`, followed as a newcomer would: what stands on the page is typed, and what comes must be what it shows.

use std::path::Path;
use std::process::Command;

use crate::support::{blocks, read};

/// What a command says, on both streams.
fn said(folder: &Path, command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words.first(), Some(&"perturb"), "{command}");
    let ran = Command::new(env!("CARGO_BIN_EXE_perturb"))
        .args(words.get(1..).unwrap_or_default())
        .current_dir(folder)
        .output()
        .expect("perturb runs");
    let (out, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    format!("{out}{errors}")
}

#[test]
fn a_newcomer_who_follows_the_page_gets_what_it_shows() {
    let page = blocks(&read("docs/add-a-fault.md"));
    let chaos: Vec<&str> = page.iter().filter(|b| b.info == "chaos").map(|b| b.text.as_str()).collect();
    let [surroundings, fault] = chaos.as_slice() else { panic!("{} blocks to write", chaos.len()) };
    let written = format!("{surroundings}\n{fault}");
    let litmus = page.iter().find(|b| b.text.starts_with("  engine litmus {")).expect("a body for Litmus");
    let yaml = page.iter().find(|b| b.info == "yaml").expect("the part that matters");
    let mended = written.replace("header: {", "headers: {");
    assert_ne!(mended, written, "the slip is on the page");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("perturb.toml"), "").unwrap();
    let mut seen = 0;
    for block in page.iter().filter(|b| b.text.starts_with("$ perturb ")) {
        let (line, shown) = block.text.split_once('\n').expect("an output");
        let (command, why) = line.split_once('#').unwrap_or((line, ""));
        let text = match (seen, why) {
            (0 | 1, _) => written.clone(),
            (_, why) if why.contains("share: 50%") => mended.replace("port: 8080)", "port: 8080, share: 50%)"),
            (_, _) if command.contains("litmus") => mended.replace(
                "{ trailer: \"none\" } } }\n  }\n",
                &format!("{{ trailer: \"none\" }} }} }}\n  }}\n{}", litmus.text),
            ),
            _ => mended.clone(),
        };
        std::fs::write(folder.path().join("shop.chaos"), text).unwrap();
        let came = said(folder.path(), command.trim_start_matches("$ "));
        assert_eq!(came.trim_end(), shown.trim_end(), "docs/add-a-fault.md:{}", block.line);
        seen += 1;
    }
    assert_eq!(seen, 5, "commands on the page");

    std::fs::write(folder.path().join("shop.chaos"), mended).unwrap();
    let came = said(folder.path(), "perturb compile shop.chaos --engine chaos-mesh");
    assert!(came.contains(yaml.text.trim_end()), "{came}");
}
