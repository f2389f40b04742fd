//! One mistake is told once by all that `perturb check` does, not only by the parser.
//!
//! Comes in: the examples as one project, with one token less. Goes out: the texts of which more than two things are told.

use perturb::ide::Workspace;
use perturb::source::{FileId, Memory};
use perturb::syntax;
use rayon::prelude::*;

use crate::support::chaos_files;

/// What is told of each text that lacks one of its tokens, where that is more than two things.
fn told_more(path: &str, text: &str, sources: &Memory, roots: &[String]) -> Vec<String> {
    let mut workspace = Workspace::open(sources, roots);
    let mut more = Vec::new();
    for (start, end) in super::syntax::tokens(&syntax::parse(FileId(0), text).syntax()) {
        workspace.edit(sources, path, &format!("{}{}", &text[..start], &text[end..]));
        let Some(file) = workspace.file(path) else { continue };
        workspace.judge(file);
        let mut told = workspace.found(workspace.id(file));
        workspace.program().tell_names_once(&mut told);
        if told.len() > 2 {
            let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
            let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
            let said: Vec<String> = told.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
            more.push(format!(
                "{path}: without `{}`: {}⌫{}\n    {}",
                &text[start..end],
                &text[line_start..start],
                &text[end..line_end],
                said.join("\n    ")
            ));
        }
    }
    more
}

#[test]
fn one_token_less_is_told_at_most_twice() {
    let files = chaos_files("examples");
    let roots: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let sources = Memory::new(files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())));
    let more: Vec<String> =
        files.par_iter().flat_map_iter(|(path, text)| told_more(path, text, &sources, &roots)).collect();
    assert!(more.is_empty(), "{} texts break the law:\n{}", more.len(), more[..more.len().min(8)].join("\n----\n"));
}

/// What a list of findings says of each file of a project.
fn list(files: &[(&str, &str)]) -> Vec<String> {
    let sources = Memory::new(files.iter().map(|(path, text)| (*path, text.as_bytes())));
    let roots: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    let said = roots.iter().flat_map(|path| {
        let file = workspace.file(path).unwrap();
        let mut told = workspace.found(workspace.id(file));
        workspace.program().tell_names_once(&mut told);
        told.into_iter().map(move |d| format!("{path}: {} {} (+{})", d.code, d.message, d.labels.len()))
    });
    said.collect()
}

#[test]
fn who_imports_what_could_not_be_read_is_told_nothing() {
    let user = "import \"a.chaos\".{ops, checkout}\nslo s { of: checkout, owner: ops, indicator: 1, window: 28d }\n";
    let whole = "team ops { contact: \"#ops\" }\nservice checkout { owner: ops }\n";
    let mistakes = list(&[("a.chaos", whole), ("b.chaos", user)]);
    assert!(mistakes.iter().any(|said| said.starts_with("b.chaos")), "{mistakes:?}");
    let shaken = list(&[("a.chaos", &whole.replace("team ops", "ops")), ("b.chaos", user)]);
    assert!(shaken.iter().any(|said| said.starts_with("a.chaos: P0018")), "{shaken:?}");
    assert!(!shaken.iter().any(|said| said.contains("ops") && said.starts_with("b.chaos")), "{shaken:?}");
}

#[test]
fn a_file_that_is_not_there_is_told_once() {
    let said =
        list(&[("b.chaos", "import \"gone.chaos\".{ops, checkout}\nlet a = [ops, ops]\nlet b = checkout.owner\n")]);
    assert_eq!(said, ["b.chaos: P0102 there is no file `gone.chaos` (+0)"]);
}

#[test]
fn a_name_that_means_nothing_is_listed_once_with_all_its_places() {
    let said = list(&[("b.chaos", "let a = [nothing-here, nothing-here]\nlet b = nothing-here\nlet c = another\n")]);
    assert_eq!(
        said,
        [
            "b.chaos: P0101 nothing here is named `nothing-here` (+2)",
            "b.chaos: P0101 nothing here is named `another` (+0)"
        ]
    );
}

#[test]
fn a_name_that_means_nothing_in_a_thousand_places_is_a_short_finding() {
    let text: String = (0..1000).map(|i| format!("let a{i} = nothing-here\n")).collect();
    assert_eq!(list(&[("b.chaos", &text)]), ["b.chaos: P0101 nothing here is named `nothing-here` (+4)"]);
}

#[test]
fn unrelated_mistakes_of_a_shaken_file_are_told_all_the_same() {
    let said = list(&[(
        "b.chaos",
        "let a = [1, 2\nlet b = 5 parsecs\nlet c = 1s + 1%\nteam ops { contact: \"#ops\", colour: red }\nlet d = unheard-of\n",
    )]);
    let codes: Vec<&str> = said.iter().map(|said| &said[9..14]).collect();
    assert_eq!(codes.len(), 5, "{said:#?}");
}
