//! The law of a workspace, at the real server: after random edits, typed as an editor types them, what was told is what a
//! fresh start says.
//!
//! `incremental.rs` holds the same inside of one process, with many more edits; here the changes go over the protocol, in
//! UTF-16, and what is compared is what a person sees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use perturb::ide::Workspace;
use perturb::lint::Levels;
use serde_json::{Value, json};

use crate::client::{Client, uri};
use crate::incremental::{Files, Random, edit, edits, memory, seed};
use crate::{chaos_files, project};

/// What is open: files that others import, files that import, one that nothing imports.
const OPEN: &[&str] = &["catalogue.chaos", "environments.chaos", "slow-dependency.chaos", "retry-storm.chaos"];

fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    json!({ "line": line, "character": before.rsplit('\n').next().unwrap().encode_utf16().count() })
}

/// What changes one text into another: the part between what both begin and end with.
fn change(before: &str, after: &str) -> Value {
    let mut start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    while !before.is_char_boundary(start) || !after.is_char_boundary(start) {
        start -= 1;
    }
    let most = before.len().min(after.len()) - start;
    let mut end = before.bytes().rev().zip(after.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    while !before.is_char_boundary(before.len() - end) || !after.is_char_boundary(after.len() - end) {
        end -= 1;
    }
    json!({
        "range": { "start": position(before, start), "end": position(before, before.len() - end) },
        "text": &after[start..after.len() - end],
    })
}

type Told = BTreeMap<String, BTreeSet<String>>;

/// What a fresh start says, by file.
fn fresh(files: &Files, folder: &Path) -> Told {
    let (sources, roots) = memory(files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.lint_with(Levels::new(), true);
    workspace.watch(&OPEN.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
    workspace.judge_all();
    while workspace.lint_one(&|path| folder.join(path).exists()) || workspace.learn_one() {}
    let mut told = Told::new();
    for file in workspace.program().files.iter().filter(|f| !f.is_std()) {
        let found = workspace.found(file.file.id);
        let show =
            |d: &perturb::diagnostic::Diagnostic| format!("{} {}", d.code, position(&file.text, d.span.start as usize));
        let found: BTreeSet<String> = found.iter().map(show).collect();
        if !found.is_empty() {
            told.insert(uri(&folder.join(file.path.as_str())), found);
        }
    }
    told
}

/// What the server has told.
fn told(client: &Client) -> Told {
    let show = |d: &Value| format!("{} {}", d["code"].as_str().unwrap(), d["range"]["start"]);
    let all = client.told.iter().map(|(uri, told)| {
        let found = told["diagnostics"].as_array().unwrap();
        (uri.clone(), found.iter().map(show).collect::<BTreeSet<String>>())
    });
    all.filter(|(_, found)| !found.is_empty()).collect()
}

#[test]
fn after_edits_the_server_has_told_what_a_fresh_start_says() {
    let folder = project();
    let original: Files = chaos_files("examples");
    let mut files = original.clone();
    let mut client = Client::start(folder.path());
    for path in OPEN {
        let text = &original.iter().find(|(p, _)| p == path).unwrap().1;
        client.open(&folder.path().join(path), text);
    }
    let mut random = Random(seed().wrapping_mul(0x2545_F491_4F6C_DD1D) | 1);
    let steps = (edits() / 20).max(40);
    for step in 1..=steps {
        let name = OPEN[random.below(OPEN.len())];
        let file = files.iter().position(|(path, _)| path == name).unwrap();
        let before = files[file].1.clone();
        let after = if random.below(3) == 0 { original[file].1.clone() } else { edit(&mut random, &before) };
        let identifier = json!({ "uri": uri(&folder.path().join(name)), "version": step + 1 });
        let params = json!({ "textDocument": identifier, "contentChanges": [change(&before, &after)] });
        client.notify("textDocument/didChange", params);
        files[file].1 = after;
        if !step.is_multiple_of(10) && step != steps {
            continue;
        }
        let wanted = fresh(&files, folder.path());
        while told(&client) != wanted {
            let is_more = client.try_receive();
            assert!(is_more, "seed {}, step {step}: {:#?}\na fresh start says {wanted:#?}", seed(), told(&client));
        }
    }
    assert_eq!(client.end(), Some(0));
}
