//! What only people can answer, at a terminal or by what the command line says.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::approval::{Given, Signers, judge};
use super::keyboard::Keyboard;

use crate::plan::{Approval, Plan, Rule};
use crate::runtime::drive::{People, wall};
use crate::runtime::journal::{Journal, RunRow, Verified};
use crate::runtime::machine::{Question, Verdict};
use crate::types::Duration;

/// What was said before the run, in files.
#[derive(Debug, Clone)]
pub(super) struct Consent {
    pub given: Vec<Given>,
    pub signers: Signers,
}

/// The people at this terminal.
pub(super) struct AtTerminal {
    consent: Consent,
    journal: PathBuf,
    keyboard: Arc<Keyboard>,
}

impl AtTerminal {
    pub(super) fn new(consent: Consent, journal: PathBuf, keyboard: Arc<Keyboard>) -> Self {
        Self { consent, journal, keyboard }
    }
}

#[async_trait::async_trait]
impl People for AtTerminal {
    async fn approve(&self, plan: &Plan, approval: &Approval) -> Result<String, String> {
        let Consent { given, signers } = &self.consent;
        if let Some(judged) = judge(given, plan, &approval.team, signers, now()) {
            return judged;
        }
        if signers.are_named() {
            // A name that anybody can type proves nothing where keys do.
            return Err(
                "no signed approval was given: `perturb approve` writes what is signed, --approval FILE gives it"
                    .to_owned(),
            );
        }
        // Enough of it to be compared with what `perturb approve` shows, and not so much that nobody does.
        let digest: String = plan.digest.chars().take(19).collect();
        let text = format!("? {}: approve this plan ({digest}…)? Your name, or nothing to refuse: ", approval.team);
        match self.keyboard.line(text).await {
            Some(name) if !name.is_empty() => Ok(format!("{name} (at the terminal)")),
            Some(_) => Err("it was refused".to_owned()),
            None => Err("nobody is there to approve: give --approval FILE (`perturb approve` writes one)".to_owned()),
        }
    }

    async fn judge(&self, plan: &Plan, rule: &Rule) -> Result<String, String> {
        match confirmed_in(&rule.text) {
            Some((environment, within)) => self.confirmed(plan, &environment, within),
            None => Err(format!("nobody can judge it here; {}", rule.because)),
        }
    }

    fn are_there(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    async fn ask(&self, question: &Question) -> Option<(bool, String)> {
        let mut prompt = yes_or_no(&question.who, &question.text);
        loop {
            let said = self.keyboard.line(prompt).await?;
            if let Some(yes) = yes(&said) {
                return Some((yes, format!("{} (at the terminal)", question.who)));
            }
            prompt = not_understood(&said);
        }
    }

    async fn prompt(&self, question: &Question) -> Option<(String, String)> {
        let words = self.keyboard.line(for_words(&question.who, &question.text)).await?;
        Some((format!("{} (at the terminal)", question.who), words))
    }
}

impl AtTerminal {
    /// Whether this very text was confirmed there lately, as this journal says.
    fn confirmed(&self, plan: &Plan, environment: &str, within: Duration) -> Result<String, String> {
        let journal = Journal::open(&self.journal).map_err(|e| e.to_string())?;
        let runs = journal.runs().map_err(|e| e.to_string())?;
        let since = wall().saturating_sub(i64::try_from(within.as_nanos() / 1_000_000).unwrap_or(i64::MAX));
        let found = runs.into_iter().find(|run| {
            run.text_digest == plan.text_digest
                && run.place.split('/').next() == Some(environment)
                && run.verdict.as_deref() == Some(Verdict::Confirmed.text())
                && run.began >= since
        });
        let changed = |run: &RunRow| match journal.verify(&run.id) {
            Ok(Verified::Whole { .. }) => None,
            Ok(Verified::Changed { what, .. }) => Some(format!("the run {} was changed since: {what}", run.id)),
            Err(error) => Some(error.to_string()),
        };
        match found {
            Some(run) if changed(&run).is_some() => Err(changed(&run).unwrap_or_default()),
            Some(run) => Ok(format!("confirmed in {environment} by the run {}", run.id)),
            None => Err(format!("this text was not confirmed in {environment} within {within}, as this journal knows")),
        }
    }
}

/// `require experiment.confirmed-in(staging, within: 14d)`
fn confirmed_in(text: &str) -> Option<(String, Duration)> {
    let inner = text.strip_prefix("require experiment.confirmed-in(")?.strip_suffix(')')?;
    let (environment, within) = inner.split_once(',')?;
    Some((environment.trim().to_owned(), within.trim().strip_prefix("within:")?.trim().parse().ok()?))
}

/// How somebody is asked for a yes.
pub(super) fn yes_or_no(who: &str, question: &str) -> String {
    format!("? {who}: {question} (yes/no) ")
}

/// What an answer says; `None`: neither yes nor no. A slip of the finger should not end a run that took hours to get there, and
/// is no yes.
pub(super) fn yes(said: &str) -> Option<bool> {
    match said.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// How somebody is asked once more.
pub(super) fn not_understood(said: &str) -> String {
    match said.trim() {
        "" => "please type yes or no: ".to_owned(),
        said => format!("`{said}` is neither yes nor no; please type one of them: "),
    }
}

/// How somebody is asked for words.
pub(super) fn for_words(who: &str, prompt: &str) -> String {
    format!("… {who}: {prompt} ")
}

/// Now.
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(wall()).unwrap_or_default()
}

/// Asks at once, outside of a run.
pub(super) fn ask(prompt: &str) -> Option<String> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let _ = std::io::stderr().write_all(prompt.as_bytes());
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text).ok()?;
    (read > 0).then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_neither_yes_nor_no() {
        for (said, means) in [("y", Some(true)), (" YES", Some(true)), ("n", Some(false)), ("No ", Some(false))] {
            assert_eq!(yes(said), means, "{said}");
        }
        for said in ["", "yse", "yes please", "ok", "nope", "да"] {
            assert_eq!(yes(said), None, "{said}");
        }
    }

    #[test]
    fn the_rule_that_a_journal_can_judge_is_known() {
        let found = confirmed_in("require experiment.confirmed-in(staging, within: 14d)");
        assert_eq!(found, Some(("staging".to_owned(), "14d".parse().unwrap())));
        assert_eq!(confirmed_in("require experiment.blast-radius <= 34%"), None);
    }
}
