//! The rules of `lint` and the one layout, as an editor meets them: over the protocol, at the real server.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::{Client, position, uri};

const CATALOGUE: &str = "team t { contact: \"#t\" }\n\nservice shop {\n  owner: t, tier: high, replicas: 4\n  pods: pods(namespace: \"shop\", labels: { app: \"shop\" })\n}\n\n/// Share of good answers.\nmetric success(of: Service): Percent {\n  prometheus: \"good{app=\\\"${of.name}\\\"}\", unit: ratio, window: 1m\n}\n\ncluster c { context: \"c\", engines: [chaos-mesh], prometheus: \"http://p:9090\" }\nenvironment e { clusters: [c] }\n";

const EXPERIMENT: &str = r#"import "catalogue.chaos".{shop, success}
import std.{pod}

/// The shop bears that a pod is gone.
experiment shop-loses-a-pod {
  service: shop
  hypothesis {
    expect good: success(shop) >= 99%
    recovery automatic within 2m
  }
  method {
    let spare = one of shop.pods
    pod.kill(one of shop.pods)
  }
}
"#;

fn put(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Opens a file, and waits until what is told of it fits.
fn told(client: &mut Client, path: &Path, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    loop {
        let all = client.told.get(&uri(path)).and_then(|told| told["diagnostics"].as_array().cloned());
        if let Some(all) = all.filter(|all| fits(all)) {
            return all;
        }
        client.receive();
    }
}

fn codes(found: &[Value]) -> Vec<String> {
    found.iter().map(|d| d["code"].as_str().unwrap_or("").to_owned()).collect()
}

fn actions(client: &mut Client, path: &Path, only: &str) -> Vec<Value> {
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let params = json!({ "textDocument": { "uri": uri(path) }, "range": range, "context": { "diagnostics": [], "only": [only] } });
    client.request("textDocument/codeAction", params).unwrap().as_array().unwrap().clone()
}

/// The text after replacements of one document, sorted as the server gives them.
fn after(text: &str, edits: &[Value]) -> String {
    let offset = |at: &Value| {
        let (line, column) = (at["line"].as_u64().unwrap() as usize, at["character"].as_u64().unwrap() as usize);
        text.split_inclusive('\n').take(line).map(str::len).sum::<usize>() + column
    };
    let (mut out, mut done) = (String::new(), 0);
    for edit in edits {
        out.push_str(&text[done..offset(&edit["range"]["start"])]);
        out.push_str(edit["newText"].as_str().unwrap());
        done = offset(&edit["range"]["end"]);
    }
    out + &text[done..]
}

fn project(settings: &str, experiment: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = put(&[("perturb.toml", settings), ("catalogue.chaos", CATALOGUE), ("shop.chaos", experiment)]);
    let path = folder.path().join("shop.chaos");
    (folder, path)
}

#[test]
fn rules_are_told_with_a_link_and_their_fix_and_move_with_the_text() {
    let (folder, path) = project("", EXPERIMENT);
    let mut client = Client::start(folder.path());
    client.open(&path, EXPERIMENT);
    let found = told(&mut client, &path, |all| !all.is_empty());
    assert_eq!(codes(&found), ["P0910"], "{found:#?}");
    assert_eq!(found[0]["severity"], 2);
    assert_eq!(found[0]["range"]["start"], position(EXPERIMENT, "spare", 0));
    assert!(found[0]["codeDescription"]["href"].as_str().unwrap().ends_with("docs/errors/P0910.md"));
    // A line more above it: the very next findings have it at its new place.
    let longer = format!("// one line more\n{EXPERIMENT}");
    client.change(&path, 2, &longer);
    let found = client.findings(&path, 2);
    assert_eq!(
        (codes(&found), &found[0]["range"]["start"]),
        (vec!["P0910".to_owned()], &position(&longer, "spare", 0))
    );
    // Its fix is asked for at once, and fits the text of now.
    let fixes = actions(&mut client, &path, "quickfix");
    assert_eq!(fixes[0]["title"], "leave it out");
    let all = actions(&mut client, &path, "source.fixAll");
    assert_eq!(all.len(), 1, "{all:#?}");
    let mended = after(&longer, all[0]["edit"]["changes"][uri(&path)].as_array().unwrap());
    assert_eq!(mended, longer.replace("    let spare = one of shop.pods\n", ""));
    client.change(&path, 3, &mended);
    told(&mut client, &path, <[Value]>::is_empty);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn levels_and_allow_comments_hold_as_on_the_command_line() {
    for (settings, severity) in [("[lint]\nP0910 = \"error\"\n", 1), ("[lint]\nP0910 = \"warning\"\n", 2)] {
        let (folder, path) = project(settings, EXPERIMENT);
        let mut client = Client::start(folder.path());
        client.open(&path, EXPERIMENT);
        let found = told(&mut client, &path, |all| !all.is_empty());
        assert_eq!(found[0]["severity"], severity);
    }
    // What is off, or allowed with a reason, is not told: an error that comes later shows that nothing else did.
    let allowed =
        EXPERIMENT.replace("    let spare", "    // perturb: allow(P0910) drawn for the journal\n    let spare");
    for (settings, text) in [("[lint]\nP0910 = \"off\"\n", EXPERIMENT), ("", allowed.as_str())] {
        let (folder, path) = project(settings, text);
        let mut client = Client::start(folder.path());
        client.open(&path, text);
        let broken = text.replace("within 2m", "within 2");
        client.change(&path, 2, &broken);
        assert_eq!(codes(&told(&mut client, &path, |all| !all.is_empty())), ["P0202"]);
        client.change(&path, 3, text);
        told(&mut client, &path, <[Value]>::is_empty);
        assert!(actions(&mut client, &path, "quickfix").is_empty());
        assert_eq!(client.told[&uri(&path)]["diagnostics"], json!([]));
    }
    // The level is another one as soon as `perturb.toml` says so.
    let (folder, path) = project("", EXPERIMENT);
    let watches = json!({ "didChangeWatchedFiles": { "dynamicRegistration": true } });
    let mut client = Client::start_with(folder.path(), json!({ "workspace": watches }));
    client.open(&path, EXPERIMENT);
    told(&mut client, &path, |all| codes(all) == ["P0910"]);
    let settings = folder.path().join("perturb.toml");
    std::fs::write(&settings, "[lint]\nP0910 = \"error\"\n").unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri(&settings), "type": 2 }] }));
    told(&mut client, &path, |all| all.iter().any(|d| d["severity"] == 1));
}

#[test]
fn what_two_files_say_is_compared_over_the_project_and_told_in_what_is_open() {
    let other = EXPERIMENT.replace("experiment shop-loses-a-pod", "experiment shop-loses-one");
    let (folder, path) = project("", EXPERIMENT);
    let second = folder.path().join("shop2.chaos");
    std::fs::write(&second, &other).unwrap();
    let mut client = Client::start(folder.path());
    client.open(&second, &other);
    let found = told(&mut client, &second, |all| codes(all).contains(&"P0915".to_owned()));
    let same = found.iter().find(|d| d["code"] == "P0915").unwrap();
    assert_eq!(same["relatedInformation"][0]["location"]["uri"], uri(&path));
    // The other file is not open, and is not told of; it is once it is.
    assert!(!client.told.contains_key(&uri(&path)));
    client.open(&path, EXPERIMENT);
    told(&mut client, &path, |all| codes(all) == ["P0910"]);
    // It says something else now: so the second is no longer the same.
    client.change(&path, 2, &EXPERIMENT.replace("within 2m", "within 3m"));
    told(&mut client, &second, |all| codes(all) == ["P0910"]);
    // What is closed is not told of any more.
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(&second) } }));
    told(&mut client, &second, <[Value]>::is_empty);
}

#[test]
fn a_file_and_a_part_of_it_get_their_layout() {
    let untidy = EXPERIMENT.replace("  service: shop\n", "      service:   shop\n").replace("    let", "  let");
    let (folder, path) = project("", &untidy);
    let mut client = Client::start(folder.path());
    client.open(&path, &untidy);
    let document = json!({ "uri": uri(&path) });
    let options = json!({ "tabSize": 8, "insertSpaces": false });
    let whole =
        client.request("textDocument/formatting", json!({ "textDocument": document, "options": options })).unwrap();
    let formatted = after(&untidy, whole.as_array().unwrap());
    assert_eq!(formatted, EXPERIMENT);
    assert_eq!(whole.as_array().unwrap().len(), 2, "lines that do not differ are not replaced: {whole:#}");
    // The lines of the method alone.
    let range = json!({ "start": position(&untidy, "  method", 0), "end": position(&untidy, "pod.kill", 0) });
    let part = json!({ "textDocument": document, "range": range, "options": options });
    let part = client.request("textDocument/rangeFormatting", part).unwrap();
    let formatted = after(&untidy, part.as_array().unwrap());
    assert_eq!(formatted, untidy.replace("\n  let", "\n    let"));
    // Formatted it stays as it is; an item that does not fit stays as well.
    let broken = EXPERIMENT.replace("experiment", "experimnt");
    for (version, text) in [(2, EXPERIMENT), (3, broken.as_str())] {
        client.change(&path, version, text);
        let ask = json!({ "textDocument": document, "options": options });
        assert_eq!(client.request("textDocument/formatting", ask), Ok(json!([])));
    }
}
