//! Values of the language as the strings that Litmus parses.
//!
//! Comes in: the `env` of a litmus body, evaluated. Goes out: name and text of each variable. Must never print a
//! quantity with its unit: litmus-go reads numbers with `strconv.Atoi` and drops the error, so that `30s`, `300ms` and
//! `12.5` are all 0, and the fault reports success without having done anything (`pkg/generic/*/environment`).

use crate::types::{Decimal, Value, decimal_text};

/// Set by the engine for every fault; a body that sets one of them would defeat it.
const OURS: [&str; 14] = [
    "TOTAL_CHAOS_DURATION",
    "RAMP_TIME",
    "SEQUENCE",
    "RANDOMNESS",
    "DEFAULT_HEALTH_CHECK",
    "PODS_AFFECTED_PERC",
    "TARGET_PODS",
    "NODES_AFFECTED_PERC",
    "TARGET_NODE",
    "TARGET_NODES",
    "NODE_LABEL",
    "APP_AFFECT_PERC",
    "STATUS_CHECK_DELAY",
    "STATUS_CHECK_TIMEOUT",
];

/// Injected by chaos-runner; the engine's env would overwrite them (`litmus` runner, env precedence), INSTANCE_ID would
/// rename the result.
const RUNNERS: [&str; 14] = [
    "CHAOSENGINE",
    "TARGETS",
    "CHAOS_NAMESPACE",
    "AUXILIARY_APPINFO",
    "CHAOS_UID",
    "EXPERIMENT_NAME",
    "LIB_IMAGE_PULL_POLICY",
    "TERMINATION_GRACE_PERIOD_SECONDS",
    "CHAOS_SERVICE_ACCOUNT",
    "JOB_CLEANUP_POLICY",
    "POD_NAME",
    "INSTANCE_ID",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "TRACE_PARENT",
];

/// Whether a body may not set this variable, and why.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    if OURS.contains(&name) {
        Some("Perturb sets it from the step, its target and its time")
    } else if RUNNERS.contains(&name) {
        Some("the runner of Litmus sets it, and this value would take its place")
    } else {
        None
    }
}

/// Whether the API server takes it for the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text of a value, `None` if it is absent, or why Litmus would misread it.
pub(super) fn text(value: &Value) -> Result<Option<String>, String> {
    if value.is_absent() {
        return Ok(None);
    }
    match value {
        Value::Bool(b) => Ok(Some(b.to_string())),
        Value::Int(n) => Ok(Some(n.to_string())),
        // To litmus-go an empty variable is one that is not there.
        Value::String(t) if t.is_empty() => Ok(None),
        Value::Number(n) => number(*n).map(Some),
        // To litmus-go an empty variable is one that is not set, and takes its default.
        Value::String(t) if t.is_empty() => Ok(None),
        Value::String(t) | Value::Word(t) | Value::Url(t) | Value::Host(t) | Value::Date(t) => {
            plain(t).map(|t| Some(t.to_owned()))
        }
        Value::Duration(_)
        | Value::Offset(_)
        | Value::Percent(_)
        | Value::Bytes(_)
        | Value::Bitrate(_)
        | Value::Cores(_)
        | Value::Rate(_) => {
            Err(format!("Litmus reads `{value}` as 0: write the value `as` a unit, such as {}", unit(value)))
        }
        Value::List(_) => Err("a variable holds one text: write `join(…, with: \",\")`".to_owned()),
        Value::Record(_) => Err("a variable holds one text, not a map".to_owned()),
        Value::Secret(_) => Err("a secret would stand in the manifest for everyone to read".to_owned()),
        Value::Draw(_) => Err("Litmus draws its targets itself, so they have no text".to_owned()),
        Value::Declared(_) => Err("a declared thing has no text of its own: name one of its fields".to_owned()),
        Value::None => Ok(None),
    }
}

fn number(number: Decimal) -> Result<String, String> {
    if number.is_integer() {
        return Ok(decimal_text(number));
    }
    Err(format!(
        "Litmus reads `{0}` as 0: round it, or, if this variable really takes a fraction, write it as text: `\"{0}\"`",
        decimal_text(number)
    ))
}

/// Faults paste their variables into `bash -c "sudo nsenter …"` in a privileged pod: what a shell would run is refused.
fn plain(text: &str) -> Result<&str, String> {
    let runs = text.contains('`') || text.contains("$(") || text.contains("${");
    if runs {
        return Err(
            "Litmus pastes this text into a shell in a privileged pod, which would run what is in it".to_owned()
        );
    }
    if text.chars().any(|c| c.is_control()) {
        return Err(
            "Litmus pastes this text into one line of a shell, and it holds a line end or control character".to_owned()
        );
    }
    if text.contains("{{") {
        return Err("Argo would put a value of its own in place of `{{…}}`".to_owned());
    }
    Ok(text)
}

fn unit(value: &Value) -> &'static str {
    match value {
        Value::Duration(_) | Value::Offset(_) => "`as ms`",
        Value::Percent(_) => "`as percent`",
        Value::Bytes(_) => "`as bytes`",
        Value::Bitrate(_) => "`as bits`",
        Value::Cores(_) => "`as cores`",
        _ => "`as number`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Go's `strconv.Atoi` gives, with the error dropped, as litmus-go has it.
    fn atoi(text: &str) -> i64 {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return 0;
        }
        text.strip_prefix('+').unwrap_or(text).parse().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn what_is_printed_for_a_number_is_that_number_to_atoi(n: i64, zeros in 0u32..5) {
            prop_assert_eq!(atoi(&text(&Value::Int(n)).unwrap().unwrap()), n);
            let mut scaled = Decimal::from(n / 100_000);
            scaled.rescale(zeros);
            let number = Value::Number(scaled);
            prop_assert_eq!(atoi(&text(&number).unwrap().unwrap()), n / 100_000);
        }

        #[test]
        fn a_fraction_is_refused_never_zero(n in -1_000_000i64..1_000_000, scale in 1u32..6) {
            let number = Decimal::new(n, scale);
            match text(&Value::Number(number)) {
                Ok(Some(printed)) => prop_assert_eq!(Decimal::from(atoi(&printed)), number.normalize()),
                Ok(None) => prop_assert!(false),
                Err(_) => prop_assert!(!number.is_integer()),
            }
        }

        #[test]
        fn a_duration_never_reaches_litmus(nanos in 0..=i64::MAX as u64) {
            prop_assert!(text(&Value::Duration(crate::types::Duration::from_nanos(nanos).unwrap())).is_err());
        }
    }

    #[test]
    fn quantities_say_what_to_write() {
        let delay = Value::Duration("300ms".parse().unwrap());
        assert!(text(&delay).unwrap_err().contains("reads `300ms` as 0"));
        assert!(text(&Value::Percent("10%".parse().unwrap())).unwrap_err().contains("`as percent`"));
        assert_eq!(text(&Value::Bool(true)).unwrap().unwrap(), "true");
        assert_eq!(text(&Value::None).unwrap(), None);
        assert_eq!(text(&Value::List(vec![])).unwrap(), None);
        assert_eq!(text(&Value::String("".into())).unwrap(), None);
        assert!(text(&Value::Secret("token".into())).is_err());
    }

    #[test]
    fn what_a_shell_would_run_is_refused() {
        for bad in ["$(reboot)", "a`b`", "${HOME}", "a\nb", "{{workflow.uid}}"] {
            assert!(text(&Value::String(bad.into())).is_err(), "{bad}");
        }
        assert!(text(&Value::String("[\"a.example\",\"b.example\"]".into())).is_ok());
    }
}
