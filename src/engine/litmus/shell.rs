//! Text between a manifest and a shell.
//!
//! Litmus runs a promProbe as `/bin/sh -c 'promql --host E "QUERY" --output csv'` (litmus-go `pkg/probe/promProbe.go`):
//! the query stands between double quotes, the endpoint bare. Must never let a shell change a query or run part of it.

use super::condition::{Judgement, Sample, count_ready};
use crate::types::Duration;

/// The text as it must stand between double quotes of `sh`, so that the program sees the text itself.
pub(super) fn in_double_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '"' | '$' | '`' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The text as one word of `sh`.
pub(super) fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Whether a URL can stand bare in a command line: nothing in it means anything to a shell.
pub(super) fn is_bare(url: &str) -> bool {
    !url.is_empty() && url.chars().all(|c| c.is_ascii_alphanumeric() || ":/._-@%+,".contains(c))
}

/// A script that waits until a judgement holds, for `seconds` at most; without `patient` the first valid sample decides.
///
/// What is no number is no sample: it is asked again. Exit 0: it holds; 1: it does not. `timeout`, `awk`, `promql`,
/// `kubectl` and `curl` are in the runner image.
pub(super) fn check(name: &str, text: &str, judgement: &Judgement<'_>, seconds: u64, patient: bool) -> String {
    let every = judgement.stream.every.as_secs_ceil().max(1);
    let verdict = if patient { "" } else { "  [ $? -eq 1 ] && break\n" };
    let failed = word(&format!("check {name}: {text} does not hold"));
    format!(
        "sample() {{\n{}\n}}\n\
         judge() {{\n  awk -v value=\"$1\" 'BEGIN {{\n    if (value !~ /^[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$/) exit 2\n    \
         exit !({})\n  }}'\n}}\n\
         end=$(( $(date +%s) + {seconds} ))\n\
         while true; do\n  value=$(sample) || value=\n  judge \"$value\" && exit 0\n{verdict}  \
         [ \"$(date +%s)\" -ge \"$end\" ] && break\n  sleep {every}\ndone\n\
         printf '%s\\n' {failed} >&2\nexit 1\n",
        sample(&judgement.sample, judgement.stream.timeout),
        in_awk(judgement),
    )
}

fn sample(sample: &Sample<'_>, timeout: Duration) -> String {
    let limit = timeout.as_secs_ceil().max(1);
    match sample {
        Sample::Prometheus { endpoint, query } => format!(
            "  out=$(timeout {limit} promql --host {endpoint} \"{}\" --output csv) || return 1\n  \
             printf '%s\\n' \"$out\" | awk -F, 'NR == 1 {{ for (i = 1; i <= NF; i++) if (tolower($i) == \"value\") column = i }}\n    \
             NR == 2 {{ value = $column }}\n    END {{ if (NR != 2 || !column) exit 1; print value }}'",
            in_double_quotes(query)
        ),
        Sample::Http { url } => {
            format!(
                "  curl --silent --output /dev/null --location --max-time {limit} --write-out '%{{http_code}}' {}",
                word(url)
            )
        }
        Sample::ReadyPods { namespace, labels } => {
            format!("  timeout {limit} sh -c {}", word(&count_ready(namespace, labels)))
        }
    }
}

fn in_awk(judgement: &Judgement<'_>) -> String {
    match judgement.value.split_once(',') {
        Some((least, greatest)) => format!("value + 0 >= {least} && value + 0 <= {greatest}"),
        None => format!("value + 0 {} {}", judgement.criteria, judgement.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `sh` makes of the inside of double quotes (POSIX 2.2.3), or `None` if it would expand or end them.
    fn read_back(text: &str) -> Option<String> {
        let mut out = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' | '$' | '`' => return None,
                '\\' => match chars.next() {
                    Some(next @ ('"' | '$' | '`' | '\\')) => out.push(next),
                    Some('\n') => {}
                    Some(next) => {
                        out.push('\\');
                        out.push(next);
                    }
                    None => return None,
                },
                c => out.push(c),
            }
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn a_shell_gives_the_query_back(query in ".*") {
            prop_assert_eq!(read_back(&in_double_quotes(&query)), Some(query));
        }

        #[test]
        fn what_a_shell_reads_special_is_quoted(query in "[\"$`\\\\\n{}'a!]*") {
            prop_assert_eq!(read_back(&in_double_quotes(&query)), Some(query));
        }
    }

    #[test]
    fn endpoints_stand_bare_or_not_at_all() {
        assert!(is_bare("http://prometheus.observability.svc:9090"));
        for bad in ["http://a b", "http://a;reboot", "http://a?x=$(id)", "http://a&b", ""] {
            assert!(!is_bare(bad), "{bad}");
        }
        assert_eq!(word("it's"), "'it'\\''s'");
    }
}
