//! JUnit XML: what CI systems read. Only `confirmed` is green: a run that proved nothing is an error, not a pass.

use std::fmt::Write as _;

use crate::plan::Plan;
use crate::runtime::machine::{Outcome, Subject, Verdict};

/// Runs, a suite for each.
pub(super) fn of_runs<'r>(runs: impl IntoIterator<Item = (&'r Plan, &'r str, &'r Outcome)>) -> String {
    whole(runs.into_iter().map(|(plan, id, outcome)| of_run(plan, id, outcome)).collect())
}

/// One run: a case for each expectation, each check, the recovery and the undo.
fn of_run(plan: &Plan, id: &str, outcome: &Outcome) -> String {
    let mut cases: Vec<(String, Vec<&crate::runtime::machine::Reason>)> = Vec::new();
    let about = |subject: Subject| outcome.reasons.iter().filter(move |r| r.subject == subject).collect::<Vec<_>>();
    for expectation in &plan.expectations {
        cases.push((format!("expect {}", expectation.name), about(Subject::Expectation(expectation.name.clone()))));
    }
    cases.push(("recovery".to_owned(), about(Subject::Recovery)));
    let rest = outcome.reasons.iter().filter(|r| !matches!(r.subject, Subject::Expectation(_) | Subject::Recovery));
    cases.push(("run".to_owned(), rest.collect()));
    let text: Vec<String> =
        cases.iter().map(|(name, reasons)| case(&plan.name, name, reasons, outcome.verdict)).collect();
    let suite = format!("{} at {}", plan.name, plan.place);
    let mut out = head(&suite, &text);
    let _ = writeln!(out, "    <properties>");
    for (name, value) in [("run", id), ("digest", plan.digest.as_str()), ("verdict", outcome.verdict.text())] {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escaped(value));
    }
    let _ = writeln!(out, "    </properties>");
    finish(out, &text)
}

fn case(class: &str, name: &str, reasons: &[&crate::runtime::machine::Reason], verdict: Verdict) -> String {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
    let said: Vec<&str> = reasons.iter().map(|r| r.text.as_str()).collect();
    let said = escaped(&said.join("; "));
    match reasons.iter().map(|r| r.verdict).min() {
        None if verdict == Verdict::NotRun => format!("{head}><skipped message=\"not run\"/></testcase>\n"),
        None => format!("{head}/>\n"),
        Some(Verdict::Refuted) => format!("{head}><failure message=\"{said}\"/></testcase>\n"),
        Some(Verdict::NotRun) => format!("{head}><skipped message=\"{said}\"/></testcase>\n"),
        Some(other) => format!("{head}><error type=\"{other}\" message=\"{said}\"/></testcase>\n"),
    }
}

/// Cases of `perturb test`: each with what is wrong, if anything is.
pub(super) fn of_cases(suite: &str, cases: &[(String, Vec<String>)]) -> String {
    let text: Vec<String> = cases
        .iter()
        .map(|(name, wrong)| {
            let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(suite), escaped(name));
            match wrong.as_slice() {
                [] => format!("{head}/>\n"),
                wrong => format!("{head}><failure message=\"{}\"/></testcase>\n", escaped(&wrong.join("; "))),
            }
        })
        .collect();
    whole(finish(head(suite, &text), &text))
}

fn head(suite: &str, cases: &[String]) -> String {
    let count = |word: &str| cases.iter().filter(|c| c.contains(word)).count();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" \
         errors=\"{}\" skipped=\"{}\">\n",
        escaped(suite),
        cases.len(),
        count("<failure"),
        count("<error"),
        count("<skipped")
    )
}

fn finish(mut out: String, cases: &[String]) -> String {
    cases.iter().for_each(|case| out.push_str(case));
    out.push_str("  </testsuite>\n");
    out
}

/// Suites as a file.
fn whole(suites: String) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

/// Text for an attribute. What XML 1.0 cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_confirmed_is_green() {
        let plan = crate::plan::sample::tour();
        let outcome = |verdict: Verdict| Outcome {
            verdict,
            ended_by: crate::runtime::machine::EndedBy::Completed,
            reasons: if verdict == Verdict::Confirmed {
                vec![]
            } else {
                vec![crate::runtime::machine::Reason {
                    verdict,
                    at: crate::types::Duration::ZERO,
                    subject: Subject::Run,
                    text: "a < b & \"c\"".into(),
                }]
            },
            declared: plan.recovery.class,
            observed: crate::runtime::machine::Observed::NotObserved,
            left: vec![],
            injected: 0,
            stops_series: false,
        };
        let green = |verdict| {
            let text = of_run(&plan, "r", &outcome(verdict));
            !text.contains("<failure") && !text.contains("<error ") && !text.contains("<skipped")
        };
        for verdict in Verdict::ALL {
            assert_eq!(green(verdict), verdict == Verdict::Confirmed, "{verdict}");
        }
        assert!(of_run(&plan, "r", &outcome(Verdict::Aborted)).contains("a &lt; b &amp; &quot;c&quot;"));
    }
}
