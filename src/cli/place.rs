//! `--in ENVIRONMENT[/CLUSTER]`: which of the places where an experiment may run are meant.
//!
//! Pure. Comes in: what was asked for, and the places that there are. Goes out: those that are meant, or why there are none.

use std::collections::BTreeSet;

use super::exit::Failure;
use crate::lower::PlaceRef;

/// `ENVIRONMENT` or `ENVIRONMENT/CLUSTER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    environment: String,
    cluster: Option<String>,
}

impl Wanted {
    /// Reads what was asked for.
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('/') {
            Some((environment, cluster)) => {
                Self { environment: environment.to_owned(), cluster: Some(cluster.to_owned()) }
            }
            None => Self { environment: text.to_owned(), cluster: None },
        }
    }

    /// Whether a place is meant.
    pub(super) fn is(&self, place: &PlaceRef) -> bool {
        self.environment == place.environment && self.cluster.as_deref().is_none_or(|c| c == place.cluster)
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.environment)?;
        self.cluster.as_ref().map_or(Ok(()), |cluster| write!(f, "/{cluster}"))
    }
}

/// The places of `all` that are meant.
///
/// # Errors
/// There is no such environment or cluster: did you mean, and the list.
pub(super) fn find<'a>(wanted: &Wanted, all: &'a [PlaceRef]) -> Result<Vec<&'a PlaceRef>, Failure> {
    let meant: Vec<&PlaceRef> = all.iter().filter(|p| wanted.is(p)).collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let environments: BTreeSet<String> = all.iter().map(|p| p.environment.to_string()).collect();
    if let (Some(cluster), true) = (&wanted.cluster, environments.contains(&wanted.environment)) {
        let of = all.iter().filter(|p| wanted.environment == p.environment);
        let clusters: Vec<String> = of.map(|p| p.cluster.to_string()).collect();
        return Err(Failure::unknown(&format!("cluster of `{}` named", wanted.environment), cluster, &clusters));
    }
    let known: Vec<String> = environments.into_iter().collect();
    Err(Failure::unknown("environment", &wanted.environment, &known))
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
