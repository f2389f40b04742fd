//! Patterns: regular expressions, searched for in linear time whatever they say, so that no pattern can hold up who looks.
//!
//! The dialect is that of Rust's `regex`: without look-around and without references back.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// A pattern that is larger than this when it is made ready says more than a person can have meant.
const MOST_BYTES: usize = 1024 * 1024;

/// A pattern that can be searched for.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    /// In words: "unclosed group".
    pub reason: String,
    /// Where in the text, if it is at one place.
    pub at: Option<Range<usize>>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, BadPattern> {
        if let Err(error) = regex_syntax::Parser::new().parse(text) {
            return Err(bad(&error));
        }
        RegexBuilder::new(text).size_limit(MOST_BYTES).build().map(Self).map_err(|error| BadPattern {
            reason: match error {
                regex::Error::CompiledTooBig(_) => "it stands for too much: repeat less".to_owned(),
                other => other.to_string(),
            },
            at: None,
        })
    }

    /// Whether it is anywhere in a text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// How many groups it has that keep what they find.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// What its first group finds, where it is first in a text.
    #[must_use]
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        Some(self.0.captures(text)?.get(1)?.as_str())
    }
}

fn bad(error: &regex_syntax::Error) -> BadPattern {
    let (reason, at) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), Some(error.span())),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(error.span())),
        other => (other.to_string(), None),
    };
    BadPattern { reason, at: at.map(|span| span.start.offset..span.end.offset).filter(|at| !at.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, reason, at) in [
            ("a(b", "unclosed group", Some(1..2)),
            ("a[b", "unclosed character class", Some(1..2)),
            ("*", "repetition operator missing expression", None),
            ("é(?=x)", "look-around, including look-ahead and look-behind, is not supported", Some(2..5)),
            (r"(a)\1", "backreferences are not supported", Some(3..5)),
            (r"\p{Nope}", "Unicode property not found", Some(0..8)),
        ] {
            assert_eq!(Pattern::read(text).unwrap_err(), BadPattern { reason: reason.to_owned(), at }, "{text}");
        }
        let large = Pattern::read(r"(\w{500}){500}").unwrap_err();
        assert!(large.reason.contains("too much") && large.at.is_none(), "{large:?}");
    }

    #[test]
    fn what_its_group_finds_is_the_first() {
        let pattern = Pattern::read(r"queue: (\d+)").unwrap();
        assert_eq!(pattern.groups(), 1);
        assert_eq!(pattern.find("queue: 17, queue: 18"), Some("17"));
        assert_eq!(pattern.find("queue: none"), None);
        assert!(pattern.is_in("a queue: 17") && !pattern.is_in("queue: none"));
    }

    /// A pattern on which those that look back take longer than anybody lives.
    #[test]
    fn no_pattern_takes_more_than_linear_time() {
        let pattern = Pattern::read("(a*)*b").unwrap();
        assert!(!pattern.is_in(&"a".repeat(1_000_000)));
    }
}
