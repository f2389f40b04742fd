//! What a page says of runs that are not over, and of words that would be HTML.

use super::*;
use crate::plan::sample::tour;
use crate::runtime::journal::{JOURNAL_VERSION, Line, Owner};
use crate::types::Value;

fn row(owner: Owner) -> RunRow {
    RunRow {
        id: "20261129-101530-x-3f2a".into(),
        began: 0,
        experiment: "</title><script>alert('\"')</script>".into(),
        place: "staging/<b>".into(),
        text_digest: String::new(),
        verdict: None,
        owner,
    }
}

fn whole() -> Verified {
    Verified::Whole { lines: 0, digest: String::new() }
}

/// A run of this plan with these records.
fn entries(plan: &Plan, records: Vec<Record>) -> Vec<Entry> {
    let begun = Begun {
        journal: JOURNAL_VERSION,
        perturb: "0".into(),
        plan: serde_json::to_value(plan).unwrap(),
        digest: plan.digest.clone(),
        by: "<i>".into(),
        host: "&".into(),
        command: vec!["perturb".into(), "<img src=x>".into()],
        commit: None,
        place: None,
    };
    let records = records.into_iter().map(|record| Line::Record(Box::new(record)));
    let lines = std::iter::once(Line::Begun { begun: Box::new(begun) }).chain(records);
    let entry = |(seq, line)| Entry {
        seq,
        at: Duration::from_secs(u32::try_from(seq).unwrap()),
        wall: 0,
        writer: "runner".into(),
        line,
        digest: String::new(),
    };
    (1..).zip(lines).map(entry).collect()
}

#[test]
fn a_run_that_goes_on_is_not_called_broken_off() {
    let lives = page(&row(Owner::this()), &[], &whole());
    assert!(lives.contains("no verdict yet: it is still running") && !lives.contains("broken off"), "{lives}");
    let dead = Owner { boot: "another".into(), ..Owner::this() };
    let dead = page(&row(dead), &[], &whole());
    assert!(dead.contains("no verdict: it was broken off") && !dead.contains("still running"), "{dead}");
}

/// A page is opened by others, in a mail or from a build: nothing in it runs or is fetched, whoever chose the words.
#[test]
fn nothing_in_a_page_runs_or_is_fetched() {
    let mut plan = tour();
    plan.doc = "<script src=\"https://evil.example\"></script>".into();
    plan.streams[0].text = "p99(\"><svg onload=alert(1)>)".into();
    for expectation in &mut plan.expectations {
        expectation.text = "<style>@import 'https://evil.example'</style>".into();
    }
    let asked = Duration::ZERO;
    let missing = Some("<iframe>".to_owned());
    let value = Value::String("<b>\"".into());
    let sample = |value, missing| Record::Sample { stream: 0, asked, value, missing, because: None, judged: vec![] };
    let records = vec![
        Record::StepBegan { node: 1, text: "<object>".into() },
        sample(Some(value), None),
        sample(None, missing),
        Record::Note { who: Some("<u>".into()), words: "<link rel=stylesheet href=//evil.example>".into() },
    ];
    let html = page(&row(Owner::this()), &entries(&plan, records), &whole());
    // An attribute's value holds no quote of its own, so it goes whole.
    let bare = regex::Regex::new("=\"[^\"]*\"").unwrap().replace_all(&html, "=\"\"");
    let tags = regex::Regex::new("<([a-z0-9]+)([^>]*)>").unwrap();
    let ours = [
        "html",
        "meta",
        "title",
        "style",
        "h1",
        "h2",
        "p",
        "span",
        "table",
        "tr",
        "td",
        "th",
        "a",
        "figure",
        "figcaption",
        "svg",
        "rect",
        "path",
        "text",
        "polyline",
        "circle",
        "pre",
    ];
    for tag in tags.captures_iter(&bare) {
        assert!(ours.contains(&&tag[1]), "{}", &tag[0]);
        assert!(!tag[2].contains(" on") && !tag[2].contains("src="), "{}", &tag[0]);
    }
    let style = html.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).unwrap();
    assert!(!style.contains("@import") && !style.contains("url("), "{style}");
    assert_eq!(html.matches("<style>").count(), 1);
}
