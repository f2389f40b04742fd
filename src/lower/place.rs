//! A place as people write it, `ENVIRONMENT[/CLUSTER]`: which of the places where an experiment may run are meant.
//!
//! Comes in: what was asked for, and the places that there are. Goes out: those that are meant, or what is not there.

use std::collections::BTreeSet;

use super::PlaceRef;
use crate::diagnostic::{Code, Diagnostic, Unknown};
use crate::source::Span;

/// `ENVIRONMENT` or `ENVIRONMENT/CLUSTER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    environment: String,
    cluster: Option<String>,
}

impl Wanted {
    /// Reads what was asked for.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('/') {
            Some((environment, cluster)) => {
                Self { environment: environment.to_owned(), cluster: Some(cluster.to_owned()) }
            }
            None => Self { environment: text.to_owned(), cluster: None },
        }
    }

    /// Whether a place is meant.
    #[must_use]
    pub fn is(&self, place: &PlaceRef) -> bool {
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
/// There is no such environment or cluster.
pub fn find<'a>(wanted: &Wanted, all: &'a [PlaceRef]) -> Result<Vec<&'a PlaceRef>, Unknown> {
    let meant: Vec<&PlaceRef> = all.iter().filter(|p| wanted.is(p)).collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let environments: BTreeSet<String> = all.iter().map(|p| p.environment.to_string()).collect();
    if let (Some(cluster), true) = (&wanted.cluster, environments.contains(&wanted.environment)) {
        let of = all.iter().filter(|p| wanted.environment == p.environment);
        let clusters: Vec<String> = of.map(|p| p.cluster.to_string()).collect();
        return Err(Unknown::new(&format!("cluster of `{}` named", wanted.environment), cluster, &clusters));
    }
    let known: Vec<String> = environments.into_iter().collect();
    Err(Unknown::new("environment", &wanted.environment, &known))
}

/// What is wrong with the place that `perturb.toml` asks for, if nothing declares it.
#[must_use]
pub fn check(text: &str, span: Span, all: &[PlaceRef]) -> Option<Diagnostic> {
    let unknown = find(&Wanted::parse(text), all).err()?;
    Some(Diagnostic::new(Code::PROJECT_UNKNOWN_PLACE, span, unknown.message).help(unknown.help))
}
