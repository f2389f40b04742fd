//! `--in ENVIRONMENT[/CLUSTER]`: which of the places where an experiment may run are meant.
//!
//! Pure. Comes in: what was asked for, and the places that there are. Goes out: those that are meant, or why there are none.

use super::exit::Failure;
use crate::lower::PlaceRef;
pub(super) use crate::lower::place::{Wanted, find};

/// The one place of an experiment that is meant, of all that it may run at.
///
/// # Errors
/// It may not run there, or several are meant. That the place is there at all, [`find`] says before.
pub(super) fn of<'a>(experiment: &str, wanted: Option<&Wanted>, may: &'a [PlaceRef]) -> Result<&'a PlaceRef, Failure> {
    match wanted {
        Some(wanted) if !may_run(wanted, may) => Err(not_there(&[(experiment, may)], wanted)),
        _ => one(wanted, may),
    }
}

/// Whether what may run at these places may run where it is meant to.
pub(super) fn may_run(wanted: &Wanted, may: &[PlaceRef]) -> bool {
    may.iter().any(|place| wanted.is(place))
}

/// None of these experiments may run there.
pub(super) fn not_there(experiments: &[(&str, &[PlaceRef])], wanted: &Wanted) -> Failure {
    let names: Vec<String> = experiments.iter().map(|(name, _)| format!("`{name}`")).collect();
    let may = experiments.iter().map(|(name, places)| {
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        let places = if places.is_empty() { "nowhere".to_owned() } else { format!("at {}", places.join(", ")) };
        format!("`{name}` {places}")
    });
    let may: Vec<String> = may.collect();
    Failure::new(format!("{} may not run at {wanted}", names.join(", ")))
        .help(format!("`environments` of an experiment and `in` of a verify say where it may: {}", may.join("; ")))
}

/// The one place that is meant.
///
/// # Errors
/// None or several are.
pub(super) fn one<'a>(wanted: Option<&Wanted>, all: &'a [PlaceRef]) -> Result<&'a PlaceRef, Failure> {
    let meant = match wanted {
        Some(wanted) => find(wanted, all)?,
        None => all.iter().collect(),
    };
    match meant.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::new("there is no place to run at")
            .help("declare a cluster and an environment: `environment staging { clusters: [stg-1] }`")),
        several => {
            let list: Vec<String> = several.iter().map(|p| format!("--in {p}")).collect();
            let asked = wanted.map_or_else(String::new, |w| format!(" in `{w}`"));
            Err(Failure::new(format!("there are several places{asked}, and one is compiled for at a time"))
                .help(format!("say which: {}", list.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<PlaceRef> {
        [("staging", "stg-1"), ("production", "jkt-1"), ("production", "sin-1")]
            .map(|(e, c)| PlaceRef { environment: e.into(), cluster: c.into() })
            .into()
    }

    fn said(wanted: Option<&str>) -> Result<String, String> {
        let all = places();
        one(wanted.map(Wanted::parse).as_ref(), &all)
            .map(ToString::to_string)
            .map_err(|f| format!("{} | {}", f.message, f.help.unwrap_or_default()))
    }

    #[test]
    fn one_place_is_found_by_environment_or_in_full() {
        assert_eq!(said(Some("staging")), Ok("staging/stg-1".to_owned()));
        assert_eq!(said(Some("production/sin-1")), Ok("production/sin-1".to_owned()));
    }

    #[test]
    fn none_and_several_are_explained() {
        assert_eq!(
            said(Some("production")).unwrap_err(),
            "there are several places in `production`, and one is compiled for at a time | \
             say which: --in production/jkt-1, --in production/sin-1"
        );
        assert_eq!(
            said(Some("stagin")).unwrap_err(),
            "there is no environment `stagin` | did you mean `staging`? there are: production, staging"
        );
        assert_eq!(
            said(Some("production/jk-1")).unwrap_err(),
            "there is no cluster of `production` named `jk-1` | did you mean `jkt-1`? there are: jkt-1, sin-1"
        );
        assert!(said(None).unwrap_err().starts_with("there are several places, and"));
    }
}
