//! The server as a process: what it says on its standard output, in which order, and what it never says.

use serde_json::{Value, json};

use crate::client::{Client, position, uri};
use crate::project;

#[test]
fn an_error_comes_and_goes_with_the_text() {
    let folder = project();
    let path = folder.path().join("slow-dependency.chaos");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut client = Client::start(folder.path());
    client.open(&path, &text);
    assert_eq!(client.findings(&path, 1), Vec::<Value>::new());
    client.change(&path, 2, &text.replace("latency: 300ms", "latency: 300"));
    let found = client.findings(&path, 2);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["code"], "P0202");
    assert_eq!(found[0]["range"]["start"], position(&text, "latency: 300ms", "latency: ".len()));
    client.change(&path, 3, &text);
    assert_eq!(client.findings(&path, 3), Vec::<Value>::new());
    assert_eq!(client.end(), Some(0));
}

#[test]
fn other_files_are_told_of_an_edit_too() {
    let folder = project();
    let catalogue = folder.path().join("catalogue.chaos");
    let text = std::fs::read_to_string(&catalogue).unwrap();
    let mut client = Client::start(folder.path());
    client.open(&catalogue, &text);
    assert_eq!(client.findings(&catalogue, 1), Vec::<Value>::new());
    client.change(&catalogue, 2, &text.replace("service kafka {", "service queue {"));
    let other = uri(&folder.path().join("kafka-leader.chaos"));
    let has_findings = |client: &Client| {
        let told = client.told.get(&other).and_then(|told| told["diagnostics"].as_array());
        told.is_some_and(|all| !all.is_empty())
    };
    while !has_findings(&client) {
        client.receive();
    }
    client.change(&catalogue, 3, &text);
    while has_findings(&client) {
        client.receive();
    }
}

#[test]
fn files_that_change_on_the_disk_count() {
    let folder = project();
    let path = folder.path().join("kafka-leader.chaos");
    let text = std::fs::read_to_string(&path).unwrap();
    let watches = json!({ "didChangeWatchedFiles": { "dynamicRegistration": true } });
    let mut client = Client::start_with(folder.path(), json!({ "workspace": watches }));
    client.open(&path, &text);
    assert_eq!(client.findings(&path, 1), Vec::<Value>::new());
    let catalogue = folder.path().join("catalogue.chaos");
    let changed = std::fs::read_to_string(&catalogue).unwrap().replace("service kafka {", "service queue-of-events {");
    std::fs::write(&catalogue, changed).unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri(&catalogue), "type": 2 }] }));
    let uri = uri(&path);
    while client.told[&uri]["diagnostics"].as_array().is_some_and(Vec::is_empty) {
        client.receive();
    }
    assert_eq!(client.told[&uri]["diagnostics"][0]["code"], "P0101");
}

#[test]
fn a_request_that_was_cancelled_or_is_stale_gets_no_answer_but_that() {
    let folder = project();
    let path = folder.path().join("slow-dependency.chaos");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut client = Client::start(folder.path());
    client.open(&path, &text);
    client.findings(&path, 1);
    // A long row at once, so that the cancellation is there before the last is dealt with.
    let ask = json!({ "textDocument": { "uri": uri(&path) }, "position": position(&text, "network.delay", 9) });
    let asked: Vec<i64> = (0..200).map(|_| client.ask("textDocument/hover", ask.clone())).collect();
    for id in &asked {
        client.notify("$/cancelRequest", json!({ "id": id }));
    }
    let answers: Vec<_> = asked.iter().map(|id| client.answer(*id)).collect();
    let cancelled = answers.iter().filter(|a| a.as_ref().is_err_and(|e| e["code"] == -32800)).count();
    assert!(cancelled > 0, "none of 200 was cancelled");
    let asked: Vec<i64> = (0..200).map(|_| client.ask("textDocument/hover", ask.clone())).collect();
    client.change(&path, 2, &format!("// one line more\n{text}"));
    let answers: Vec<_> = asked.iter().map(|id| client.answer(*id)).collect();
    for answer in &answers {
        match answer {
            // Answered before the change was there: its place is that of the old text.
            Ok(found) => assert_eq!(found["range"]["start"], position(&text, "network.delay", "network.".len())),
            Err(error) => assert_eq!(error["code"], -32801, "{error}"),
        }
    }
    assert!(answers.iter().any(Result::is_err), "none of 200 was stale");
}

#[test]
fn columns_are_counted_as_the_client_asks() {
    let folder = project();
    let path = folder.path().join("odd.chaos");
    let text = "// 😀\nimport std.{network}\nlet a = \"😀😀\" + missing\n";
    for (encodings, column) in [(json!(["utf-8", "utf-16"]), 21), (json!(["utf-16"]), 17), (Value::Null, 17)] {
        let mut client = Client::start_with(folder.path(), json!({ "general": { "positionEncodings": encodings } }));
        let said = if column == 21 { "utf-8" } else { "utf-16" };
        assert_eq!(client.capabilities["capabilities"]["positionEncoding"], said);
        client.open(&path, text);
        let found = client.findings(&path, 1);
        assert!(found.iter().any(|d| d["range"]["start"] == json!({ "line": 2, "character": column })), "{found:#?}");
    }
}

#[test]
fn a_file_of_no_project_and_odd_messages_are_borne() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alone.chaos");
    let mut client = Client::start(folder.path());
    assert_eq!(client.request("textDocument/unheard-of", json!({})).unwrap_err()["code"], -32601);
    assert_eq!(
        client.request("textDocument/hover", json!({ "textDocument": { "uri": "untitled:1" }, "position": 3 })),
        Ok(Value::Null)
    );
    client.notify("textDocument/didChange", json!({ "textDocument": 7 }));
    client.notify("$/unheard-of", json!([1, 2]));
    client.open(&path, "team platform { contact: \"#p\" }\nteam platform { contact: \"#q\" }\n");
    let found = client.findings(&path, 1);
    assert_eq!(found[0]["code"], "P0105");
    assert_eq!(found[0]["relatedInformation"][0]["message"], "first here");
    // A position behind the end of the text is its end.
    let far = json!({ "textDocument": { "uri": uri(&path) }, "position": { "line": 99, "character": 99 } });
    for method in [
        "hover",
        "completion",
        "signatureHelp",
        "definition",
        "documentHighlight",
        "prepareRename",
        "prepareCallHierarchy",
    ] {
        let _ = client.request(&format!("textDocument/{method}"), far.clone());
    }
    assert_eq!(client.vanish(), Some(1));
}

#[test]
fn half_typed_text_is_completed_everywhere_without_a_panic() {
    let folder = project();
    let path = folder.path().join("slow-dependency.chaos");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut client = Client::start(folder.path());
    client.open(&path, &text);
    let document = json!({ "uri": uri(&path) });
    let ends: Vec<usize> = (0..text.len()).filter(|i| text.is_char_boundary(*i)).step_by(23).collect();
    for (version, end) in (2..).zip(ends) {
        let head = &text[..end];
        client.change(&path, version, head);
        client.findings(&path, version);
        let at = json!({ "line": head.matches('\n').count(), "character": head.rsplit('\n').next().unwrap().encode_utf16().count() });
        for method in ["completion", "hover", "signatureHelp", "definition"] {
            let answer =
                client.request(&format!("textDocument/{method}"), json!({ "textDocument": document, "position": at }));
            assert!(answer.is_ok(), "{method} at {end}: {answer:?}");
        }
        for method in ["documentSymbol", "foldingRange", "semanticTokens/full", "codeLens", "documentLink"] {
            let answer = client.request(&format!("textDocument/{method}"), json!({ "textDocument": document }));
            assert!(answer.is_ok(), "{method} at {end}: {answer:?}");
        }
    }
}

#[test]
fn a_place_of_the_settings_that_nothing_declares_is_told_and_goes() {
    let folder = project();
    let settings = folder.path().join("perturb.toml");
    std::fs::write(&settings, "[compile]\nplace = \"stagin\"\n").unwrap();
    let path = folder.path().join("environments.chaos");
    let text = std::fs::read_to_string(&path).unwrap();
    let watches = json!({ "didChangeWatchedFiles": { "dynamicRegistration": true } });
    let mut client = Client::start_with(folder.path(), json!({ "workspace": watches }));
    let about = uri(&settings);
    let told = |client: &mut Client, wanted: &[&str]| loop {
        let found = client.told.get(&about).map(|told| told["diagnostics"].as_array().unwrap().clone());
        let found = found.unwrap_or_default();
        if found.iter().map(|d| d["code"].as_str().unwrap()).eq(wanted.iter().copied()) {
            return found;
        }
        client.receive();
    };
    client.open(&path, &text);
    let found = told(&mut client, &["P0706"]);
    assert_eq!(found[0]["range"]["start"], json!({ "line": 1, "character": 8 }));
    assert!(found[0]["message"].as_str().unwrap().contains("did you mean `staging`?"), "{found:#?}");
    // An environment of that name, in the editor alone; and gone again.
    let declared = format!("{text}\nenvironment stagin {{ clusters: [dev-1] }}\n");
    client.change(&path, 2, &declared);
    told(&mut client, &[]);
    client.change(&path, 3, &text);
    told(&mut client, &["P0706"]);
    // The settings name another.
    std::fs::write(&settings, "[compile]\nplace = \"staging\"\n").unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": about, "type": 2 }] }));
    told(&mut client, &[]);
    // And so is what is wrong with them by themselves, once it is mended.
    std::fs::write(&settings, "[compile]\nplaec = \"staging\"\n").unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": about, "type": 2 }] }));
    told(&mut client, &["P0702"]);
    std::fs::write(&settings, "").unwrap();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": about, "type": 2 }] }));
    told(&mut client, &[]);
    assert_eq!(client.end(), Some(0));
}
