//! Secrets: a type whose text leaves it in one way only, into the header of a request.
//!
//! It has no `Display`, no `Serialize`, and a `Debug` that says nothing, so that it cannot reach a log, the journal, a plan or
//! an error; and it is never an argument of a program, which any user of the machine could read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::header::HeaderValue;

use super::Missing;

/// A secret's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text; blanks and line ends around it are not part of it, as files end with one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The header that shows it to a server. The value is marked, so that no library prints it either.
    pub(super) fn bearer(&self) -> Result<HeaderValue, Missing> {
        header(&format!("Bearer {}", self.0))
    }

    /// The same, of a header that says this and nothing else.
    pub(super) fn whole(&self) -> Result<HeaderValue, Missing> {
        header(&self.0)
    }
}

fn header(text: &str) -> Result<HeaderValue, Missing> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| Missing::new("the secret has signs that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where secrets come from.
pub trait Secrets: Send + Sync {
    /// The secret of a name.
    ///
    /// # Errors
    /// Where it was looked for.
    fn secret(&self, name: &str) -> Result<Secret, Missing>;
}

/// Secrets of the environment (`metrics-reader` is `PERTURB_SECRET_METRICS_READER`), then files of a folder: `FOLDER/NAME`, or
/// `FOLDER/NAME/token` where Kubernetes mounts a Secret of that name. Asked again each time, so that a rotated one is taken up.
#[derive(Debug, Clone, Default)]
pub struct FromEnvironment {
    /// The folder, if there is one.
    pub folder: Option<PathBuf>,
}

impl Secrets for FromEnvironment {
    fn secret(&self, name: &str) -> Result<Secret, Missing> {
        let variable = format!("PERTURB_SECRET_{}", name.to_ascii_uppercase().replace('-', "_"));
        if let Some(text) = std::env::var_os(&variable) {
            return match text.to_str() {
                Some(text) => Ok(Secret::new(text)),
                None => Err(Missing(format!("`{variable}` is no text"))),
            };
        }
        let Some(folder) = &self.folder else {
            return Err(Missing(format!("the secret `{name}` is not there: set `{variable}`")));
        };
        let named = folder.join(name);
        let file = if named.is_dir() { named.join("token") } else { named };
        std::fs::read_to_string(&file).map(|text| Secret::new(&text)).map_err(|error| {
            Missing(format!("the secret `{name}` is neither in `{variable}` nor in {}: {error}", file.display()))
        })
    }
}

/// Secrets that are given, for tests.
impl Secrets for BTreeMap<String, String> {
    fn secret(&self, name: &str) -> Result<Secret, Missing> {
        self.get(name).map(|text| Secret::new(text)).ok_or_else(|| Missing(format!("the secret `{name}` is not there")))
    }
}
