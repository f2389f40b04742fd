//! What each question is answered with, on the examples.

use perturb::ide::{
    Workspace, actions, calls, completion, definition, folding, hints, hover, links, names, rename, selection,
    signature, symbols, tokens,
};
use perturb::source::{Memory, Span};

use crate::chaos_files;

/// The examples, with another text in place of one.
fn workspace(path: &str, edit: impl Fn(&str) -> String) -> (Workspace, usize) {
    let mut files = chaos_files("examples");
    for (name, text) in &mut files {
        if name == path {
            *text = edit(&crate::with_room(text));
        }
    }
    let sources = Memory::new(files.iter().map(|(p, t)| (p.as_str(), t.as_str())));
    let roots: Vec<String> = files.iter().map(|(p, _)| p.clone()).collect();
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    let file = workspace.file(path).unwrap();
    (workspace, file)
}

fn slow() -> (Workspace, usize) {
    workspace("slow-dependency.chaos", str::to_owned)
}

fn offset(workspace: &Workspace, file: usize, at: &str, more: usize) -> u32 {
    (workspace.text(file).find(at).unwrap_or_else(|| panic!("`{at}` is not there")) + more) as u32
}

/// What is offered at `¦` in the text that `edit` makes.
fn offered(path: &str, at: &str, typed: &str) -> Vec<completion::Completion> {
    let (workspace, file) = workspace(path, |text| {
        assert!(text.contains(at), "`{at}` is not there");
        text.replacen(at, &format!("{at}{typed}"), 1)
    });
    let offset = offset(&workspace, file, at, at.len() + typed.len());
    completion::complete(&workspace, file, offset)
}

fn labels(found: &[completion::Completion]) -> Vec<&str> {
    found.iter().map(|c| c.label.as_str()).collect()
}

const SLOW: &str = "slow-dependency.chaos";

#[test]
fn faults_come_with_their_parameters_and_modules_with_their_import() {
    let found = offered(SLOW, "for 5m\n", "    ");
    let delay = found.iter().find(|c| c.label == "network.delay").unwrap();
    assert_eq!(delay.insert, "network.delay(${1:one of }${51:pods}, latency: ${2:100ms}) for ${99:5m}");
    assert!(delay.doc.contains("**litmus**: without `direction`, `peer`"), "{}", delay.doc);
    assert!(delay.also.is_empty());
    let full = found.iter().find(|c| c.label == "disk.full").unwrap();
    assert_eq!(full.also[0].text, ", disk");
    for word in ["wait", "with", "check", "parallel", "let"] {
        assert!(labels(&found).contains(&word), "{word}");
    }
}

#[test]
fn fields_that_are_given_are_not_offered() {
    let found = offered(SLOW, "[pm-2022-031]\n", "  ");
    let labels = labels(&found);
    assert!(labels.contains(&"baseline") && labels.contains(&"environments"), "{labels:?}");
    assert!(!labels.contains(&"service") && !labels.contains(&"method"), "{labels:?}");
}

#[test]
fn values_are_of_the_type_that_is_wanted() {
    assert_eq!(labels(&offered(SLOW, "jitter: 50ms", ", direction: ")), ["both", "incoming", "outgoing"]);
    assert_eq!(labels(&offered(SLOW, "[pm-2022-031", ", ")), ["pm-2022-031", "pm-2023-007"]);
    let arguments = offered(SLOW, "jitter: 50ms", ", ");
    assert_eq!(labels(&arguments)[0], "correlation");
    assert!(labels(&arguments).contains(&"direction") && !labels(&arguments).contains(&"jitter"));
    assert!(labels(&offered(SLOW, "approval by ", "l")).contains(&"platform"));
    let offered = offered(SLOW, "  hypothesis {\n", "    expect fast: ");
    assert!(labels(&offered).starts_with(&["p99", "success-rate"]), "{:?}", labels(&offered));
    assert!(labels(&offered).contains(&"checkout-availability.budget-left"));
}

#[test]
fn units_fit_the_parameter() {
    let found = offered(SLOW, "jitter: 50ms", ", correlation: 3");
    assert_eq!(labels(&found), ["3%"]);
    let found = offered(SLOW, "  hypothesis {\n", "    expect fast: p99(checkout) < 300");
    assert_eq!(labels(&found), ["300d", "300h", "300m", "300ms", "300s", "300us"]);
}

#[test]
fn members_modules_and_imports_are_known() {
    assert!(labels(&offered(SLOW, "  method {\n", "    let x = one of ledger.")).contains(&"zones"));
    assert!(labels(&offered(SLOW, "  method {\n", "    network.")).contains(&"partition"));
    assert!(labels(&offered(SLOW, "import std.{network", ", ")).contains(&"pod"));
    let found = offered(SLOW, "pm-2022-031", ", ");
    assert!(labels(&found).contains(&"token") && !labels(&found).contains(&"ledger"), "{:?}", labels(&found));
}

#[test]
fn labels_that_others_have_are_offered() {
    let found = offered("catalogue.chaos", "service token ", "");
    assert!(!found.is_empty());
    let (workspace, file) =
        workspace("catalogue.chaos", |text| text.replace("labels: { app: \"token\" }", "labels: { app: \"\" }"));
    let at = offset(&workspace, file, "labels: { app: \"\"", "labels: { app: \"".len());
    let found = completion::complete(&workspace, file, at);
    assert!(labels(&found).contains(&"ledger-db"), "{:?}", labels(&found));
}

#[test]
fn nothing_is_offered_in_comments() {
    assert_eq!(labels(&offered(SLOW, "// the pods that", " a")), Vec::<&str>::new());
}

#[test]
fn hover_tells_engines_worst_case_and_sentences() {
    let (workspace, file) = slow();
    let at = |text: &str, more| hover::hover(&workspace, file, offset(&workspace, file, text, more)).unwrap().markdown;
    let fault = at("network.delay", 9);
    assert!(fault.contains("fault network.delay(on: Pods,") && fault.contains("not if `jitter > latency`"), "{fault}");
    let experiment = at("checkout-survives", 3);
    assert!(experiment.contains("at most 8m30s in all, at most 33.3% of a service at once"), "{experiment}");
    assert!(experiment.contains("it is compiled for chaos-mesh."), "{experiment}");
    assert!(at("jitter: 50ms", 2).contains("jitter: Duration in 0s..1m = 0ms"));
    assert!(at("success-rate(checkout) >=", 2).contains("- unit: `ratio`"));
    assert!(at("learned-from", 2).contains("The incidents behind it"));
    assert!(at("300ms", 1).contains("a Duration"));
}

#[test]
fn hover_tells_of_every_place_once() {
    let shown = |edit: &dyn Fn(&str) -> String| {
        let (workspace, file) = workspace(SLOW, edit);
        let at = offset(&workspace, file, "experiment checkout", "experiment ".len());
        hover::hover(&workspace, file, at).unwrap().markdown
    };
    // The same at several of them: said once. Staging has Litmus, too.
    let all = shown(&str::to_owned);
    let places = "At `dev/dev-1`, `production/jkt-1`, `production/sin-1`: at most 8m30s in all";
    assert!(all.contains(places), "{all}");
    assert!(all.contains("At `staging/stg-1`: at most 8m30s in all"), "{all}");
    assert_eq!(all.matches("In detail, at `dev/dev-1`:\n\n**").count(), 1, "{all}");
    assert_eq!(all.matches("**Recovery**").count(), 1, "{all}");
    // Another time in production; and there, one that its policy does not allow.
    let wait = |text: &str, production| {
        let wait = format!("wait match environment {{ dev | staging: 1m, production: {production} }}");
        text.replace("  method {\n", &format!("  method {{\n    {wait}\n"))
    };
    let differ = shown(&|text| wait(text, "10s"));
    assert!(differ.contains("At `dev/dev-1`: at most 9m30s"), "{differ}");
    assert!(differ.contains("At `staging/stg-1`: at most 9m30s"), "{differ}");
    assert!(differ.contains("At `production/jkt-1`, `production/sin-1`: at most 8m40s"), "{differ}");
    let refused = shown(&|text| wait(text, "2m"));
    assert!(
        refused.contains("At `production/jkt-1`, `production/sin-1`: it cannot run; the findings say why."),
        "{refused}"
    );
    // What is wrong at the first place hides nothing of the others, neither here nor at a line.
    let broken = |text: &str| wait(text, "10s").replace("dev | staging: 1m", "dev: 0s, staging: 1m");
    assert!(shown(&broken).contains("In detail, at `staging/stg-1`:"), "{}", shown(&broken));
    let (workspace, file) = workspace(SLOW, broken);
    let line = hover::hover(&workspace, file, offset(&workspace, file, "recovery automatic", 2)).unwrap().markdown;
    assert!(line.contains("declared `automatic`"), "{line}");
}

#[test]
fn definitions_lead_into_other_files_and_the_library() {
    let (workspace, file) = slow();
    let at = |text: &str, more| definition::definition(&workspace, file, offset(&workspace, file, text, more)).unwrap();
    let delay = at("network.delay", 9);
    assert_eq!(delay.path, "std/network.chaos");
    assert_eq!(workspace.sources().text(delay.span), "delay");
    let ledger = at("ledger.pods", 2);
    assert_eq!((ledger.path.as_str(), workspace.sources().text(ledger.span)), ("catalogue.chaos", "ledger"));
    assert_eq!(at("\"catalogue.chaos\"", 3).path, "catalogue.chaos");
    assert_eq!(workspace.sources().text(at("jitter: 50ms", 2).span), "jitter");
}

#[test]
fn every_name_of_the_examples_that_is_declared_is_found() {
    let (workspace, _) = slow();
    for (id, item) in workspace.program().own_decls() {
        let file = workspace.program().file_of(id);
        let found = names::at(workspace.program(), file, item.name.span.start).unwrap();
        assert_eq!(found.symbol, names::Symbol::Decl(id), "{}", item.name.text);
    }
}

#[test]
fn a_renamed_service_leaves_the_project_as_clean_as_it_was() {
    for (path, at, new) in [
        ("catalogue.chaos", "service ledger {", "general-ledger"),
        ("catalogue.chaos", "team ledgers", "book-keepers"),
        ("catalogue.chaos", "incident pm-2022-031", "pm-slow-ledger"),
        ("measures.chaos", "metric success-rate", "share-of-successes"),
        ("environments.chaos", "environment staging", "rehearsal"),
    ] {
        let (workspace, file) = workspace(path, str::to_owned);
        let more = at.find(' ').unwrap() + 2;
        let places = rename::rename(&workspace, file, offset(&workspace, file, at, more), new).unwrap();
        let mut files = chaos_files("examples");
        for (name, text) in &mut files {
            let mut spans: Vec<Span> = places.iter().filter(|p| p.path == *name).map(|p| p.span).collect();
            spans.sort();
            for span in spans.into_iter().rev() {
                text.replace_range(span.start as usize..span.end as usize, new);
            }
        }
        let sources = Memory::new(files.iter().map(|(p, t)| (p.as_str(), t.as_str())));
        let roots: Vec<String> = files.iter().map(|(p, _)| p.clone()).collect();
        let mut after = Workspace::open(&sources, &roots);
        after.judge_all();
        assert_eq!(codes(&after), codes(&workspace), "{at} → {new}");
    }
}

/// The codes of all findings, with the file of each.
fn codes(workspace: &Workspace) -> Vec<(String, String)> {
    let files = workspace.program().files.iter();
    let found = files
        .flat_map(|f| workspace.found(f.file.id).into_iter().map(move |d| (f.path.to_string(), d.code.to_string())));
    found.collect()
}

#[test]
fn what_cannot_be_renamed_says_why() {
    let (workspace, file) = slow();
    let at = |text: &str, more| offset(&workspace, file, text, more);
    let why = |offset, new| rename::rename(&workspace, file, offset, new).unwrap_err();
    assert!(why(at("network.delay", 9), "lag").contains("standard library"));
    assert!(why(at("ledger.pods", 2), "Ledger").contains("is no name"));
    assert!(why(at("ledger.pods", 2), "checkout").contains("has a `checkout` already"));
    assert!(why(at("ledger.pods", 2), "services").contains("a word of the language"));
    assert!(why(at("for 5m", 5), "x").contains("no name here"));
}

#[test]
fn signature_help_knows_which_parameter_is_written() {
    let (workspace, file) = slow();
    let help = |text: &str, more| signature::help(&workspace, file, offset(&workspace, file, text, more)).unwrap();
    assert_eq!(help("network.delay(", 14).active, Some(0));
    let jitter = help("jitter: 50ms", 9);
    assert_eq!(jitter.active, Some(2));
    let (start, end, about) = &jitter.params[2];
    assert!(jitter.label[*start as usize..*end as usize].starts_with("jitter: Duration"), "{about}");
}

#[test]
fn hints_tell_when_steps_end_and_how_many_a_share_is() {
    let (workspace, file) = slow();
    let all = Span::new(workspace.id(file), 0, workspace.text(file).len() as u32);
    let found: Vec<String> = hints::hints(&workspace, file, all).into_iter().map(|h| h.text).collect();
    assert_eq!(found, ["1 of 3", "ends at 5m–6m"]);
}

#[test]
fn a_service_knows_who_hits_it() {
    let (workspace, file) = workspace("catalogue.chaos", str::to_owned);
    let node = calls::prepare(&workspace, file, offset(&workspace, file, "service ledger {", 9)).unwrap();
    let found = calls::hit_by(&workspace, &node.name);
    assert!(found.iter().any(|(n, _)| n.name == "checkout-survives-slow-ledger"), "{found:#?}");
    let back = calls::hits(
        &workspace,
        &found.iter().find(|(n, _)| n.name == "checkout-survives-slow-ledger").unwrap().0.place,
    );
    assert_eq!(back[0].0.name, "ledger");
}

#[test]
fn every_certain_fix_is_one_action_and_all_of_them_another() {
    let (workspace, file) =
        workspace(SLOW, |text| text.replace("service:  ", "service = ").replace("learned-from:", "learned-from ="));
    let all = Span::new(workspace.id(file), 0, workspace.text(file).len() as u32);
    let found = actions::actions(&workspace, file, all);
    assert!(found.iter().filter(|a| a.is_certain).count() >= 2, "{found:#?}");
    let fix = actions::fix_all(&workspace, file).unwrap();
    let mut text = workspace.text(file).to_owned();
    for edit in fix.edits.iter().rev() {
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    assert!(!text.contains("service =") && !text.contains("learned-from ="), "{text}");
}

#[test]
fn outlines_folds_selections_links_and_tokens_cover_the_file() {
    let (workspace, file) = slow();
    let outline = symbols::of_file(&workspace, file);
    assert_eq!(outline[0].name, "checkout-survives-slow-ledger");
    assert_eq!(outline[0].parts.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["hypothesis", "guard", "method"]);
    assert_eq!(symbols::of_project(&workspace, "ckslow")[0].0.name, "checkout-survives-slow-ledger");
    let folds = folding::folds(&workspace, file);
    assert!(folds.iter().any(|(_, kind)| *kind == folding::FoldKind::Imports));
    let grown = selection::ranges(&workspace, file, offset(&workspace, file, "300ms", 1));
    let texts: Vec<&str> = grown.iter().map(|s| workspace.sources().text(*s)).collect();
    assert_eq!(texts[0], "300ms");
    assert!(texts.contains(&"latency: 300ms"), "{texts:?}");
    assert!(grown.windows(2).all(|pair| pair[1].start <= pair[0].start && pair[0].end <= pair[1].end));
    let (workspace, file) = self::workspace("catalogue.chaos", str::to_owned);
    assert!(
        links::links(&workspace, file)
            .iter()
            .any(|(_, t)| *t == links::Target::Url("https://wiki.example/pm/2022-031".into()))
    );
    let tokens = tokens::tokens(&workspace, file);
    assert!(
        tokens.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start),
        "tokens come in order and do not meet"
    );
    assert!(tokens.iter().all(|t| !workspace.sources().text(t.span).contains('\n')));
}

#[test]
fn functions_that_are_built_in_are_offered_explained_and_helped_with() {
    let path = "own-fault.chaos";
    let found = offered(path, "forbid ", "");
    let begins = found.iter().find(|c| c.label == "begins").unwrap_or_else(|| panic!("{:?}", labels(&found)));
    assert_eq!(begins.detail, "begins(text: String, with: String): Bool");
    assert!(begins.insert.starts_with("begins(${1"), "{}", begins.insert);
    let (workspace, file) = workspace(path, |text| text.replacen("forbid ", "forbid begins(name, with: ) or ", 1));
    let help = signature::help(&workspace, file, offset(&workspace, file, "with: ", 6)).unwrap();
    assert_eq!((help.label.as_str(), help.active), ("begins(text: String, with: String): Bool", Some(1)));
    let hover = hover::hover(&workspace, file, offset(&workspace, file, "begins(", 1)).unwrap();
    assert!(hover.markdown.contains("Whether a text begins with another"), "{}", hover.markdown);
}
