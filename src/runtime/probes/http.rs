//! Sources that are asked by one GET: a status, a time, a number in a JSON document, a page of metrics.

use std::time::Instant;

use reqwest::redirect::{Action, Attempt, Policy};
use smol_str::SmolStr;

use super::{Missing, Prober, convert};
use crate::plan::{HttpAnswer, MetricUnit, SentHeader, SentText, Stream};
use crate::runtime::machine::Answer;
use crate::source::disk;
use crate::types::{Decimal, Pattern, Value};

/// More than this is no answer that a probe should read.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Who makes requests. Both keep connections, follow redirects, and ask directly: what a proxy of the environment answers is not
/// what the service does.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    /// For most requests.
    open: reqwest::Client,
    /// For those with a secret in a header of its own. Redirected to another server, all headers would go there but those that
    /// the library knows to be secret.
    discreet: reqwest::Client,
}

/// Clients that trust the system's authorities and these.
pub(super) fn clients(authorities: &[Vec<u8>]) -> Result<Clients, Missing> {
    // Another part may have chosen already: then that holds.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut more = Vec::new();
    for pem in authorities {
        let parsed = reqwest::Certificate::from_pem_bundle(pem);
        more.extend(parsed.map_err(|_| Missing::new("a certificate authority cannot be read"))?);
    }
    let client = |redirects: Policy| {
        reqwest::Client::builder()
            .no_proxy()
            .user_agent(concat!("perturb/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(more.clone())
            .redirect(redirects)
            .build()
            .map_err(|error| Missing(format!("cannot make requests: {error}")))
    };
    Ok(Clients { open: client(Policy::default())?, discreet: client(Policy::custom(at_the_same_server))? })
}

fn at_the_same_server(attempt: Attempt<'_>) -> Action {
    match attempt.previous().first() {
        Some(asked) if asked.origin() == attempt.url().origin() => Policy::default().redirect(attempt),
        _ => attempt.error("it redirects to another server, and the secret is for the first alone"),
    }
}

/// What went wrong, without the address, which may hold a password.
pub fn reason(error: reqwest::Error) -> Missing {
    let error = error.without_url();
    let words = disk::cause(&error);
    Missing(if error.is_connect() { format!("no connection: {words}") } else { words })
}

/// One GET.
#[derive(Clone, Copy)]
pub(super) struct Get<'s> {
    pub url: &'s str,
    /// The name of the secret with its bearer token.
    pub token: Option<&'s SmolStr>,
    pub headers: &'s [SentHeader],
}

impl Prober {
    pub(super) fn get(&self, what: Get<'_>) -> Result<reqwest::RequestBuilder, Missing> {
        let clients = self.clients.as_ref().map_err(Clone::clone)?;
        let is_discreet = what.headers.iter().any(|header| matches!(header.value, SentText::Secret(_)));
        let mut request = if is_discreet { &clients.discreet } else { &clients.open }.get(what.url);
        if let Some(name) = what.token {
            request = request.header(reqwest::header::AUTHORIZATION, self.secrets.secret(name)?.bearer()?);
        }
        for header in what.headers {
            request = match &header.value {
                SentText::Text(text) => request.header(header.name.as_str(), text.as_str()),
                SentText::Secret(name) => request.header(header.name.as_str(), self.secrets.secret(name)?.whole()?),
            };
        }
        Ok(request)
    }

    /// What an answer is, as a value of the stream's type.
    pub(super) async fn http(&self, what: Get<'_>, answer: &HttpAnswer, stream: &Stream) -> Result<Answer, Missing> {
        let request = self.get(what)?;
        let began = Instant::now();
        let response = match request.send().await {
            Ok(response) => response,
            // No answer at all is an answer to "is it well?".
            Err(error) if *answer == HttpAnswer::Ok && !error.is_builder() => {
                return convert::refusal(reason(error).0, &stream.of_type);
            }
            Err(error) => return Err(reason(error)),
        };
        let status = response.status();
        match answer {
            HttpAnswer::Status => {
                // The rest of the answer is read, so that its connection can be used again.
                let _ = body(response).await;
                convert::value(Decimal::from(status.as_u16()), MetricUnit::Count, &stream.of_type).map(Answer::from)
            }
            HttpAnswer::Ok if !status.is_success() => convert::refusal(is_status(status), &stream.of_type),
            HttpAnswer::Ok => match body(response).await {
                Ok(_) => convert::truth(true, &stream.of_type).map(Answer::from),
                Err(Missing(why)) => convert::refusal(why, &stream.of_type),
            },
            HttpAnswer::Time => {
                body(response).await?;
                convert::duration(began.elapsed(), &stream.of_type).map(Answer::from)
            }
            HttpAnswer::Body { pattern } => {
                found(Some(text_of(response).await?), Some(pattern), stream).await.map(Answer::from)
            }
            HttpAnswer::Header { name, pattern } => {
                let said = header(&response, name)?;
                let _ = body(response).await;
                match (said, is_truth(stream)) {
                    (None, false) => Err(Missing(format!("the answer has no header `{name}`"))),
                    (said, _) => found(said, pattern.as_ref(), stream).await.map(Answer::from),
                }
            }
        }
    }

    /// The text of an answer that is well.
    pub(super) async fn text(&self, what: Get<'_>) -> Result<String, Missing> {
        let response = self.get(what)?.send().await.map_err(reason)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Missing(is_status(status)));
        }
        text_of(response).await
    }

    /// A number in a JSON document; `true` is 1.
    pub(super) async fn json(&self, what: Get<'_>, pointer: &str) -> Result<Decimal, Missing> {
        let text = self.text(what).await?;
        let document: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| Missing(format!("the answer is no JSON: {error}")))?;
        match document.pointer(pointer) {
            Some(serde_json::Value::Number(number)) => convert::number(&number.to_string()),
            Some(serde_json::Value::String(text)) => convert::number(text),
            Some(serde_json::Value::Bool(so)) => Ok(Decimal::from(u8::from(*so))),
            Some(_) => Err(Missing(format!("at `{pointer}` there is no number"))),
            None => Err(Missing(format!("there is nothing at `{pointer}`"))),
        }
    }
}

fn is_status(status: reqwest::StatusCode) -> String {
    format!("the answer is {status}")
}

fn is_truth(stream: &Stream) -> bool {
    stream.of_type == "Bool"
}

/// What a pattern finds in what was said: for a Bool whether it finds anything, else the number in its group. Without a pattern
/// all of it counts.
async fn found(said: Option<String>, pattern: Option<&SmolStr>, stream: &Stream) -> Result<Value, Missing> {
    let Some(said) = said else { return convert::truth(false, &stream.of_type) };
    let Some(pattern) = pattern else {
        return match is_truth(stream) {
            true => convert::truth(true, &stream.of_type),
            false => convert::value(convert::number(&said)?, stream.unit, &stream.of_type),
        };
    };
    let read = Pattern::read(pattern).map_err(|bad| Missing(format!("`{pattern}` is no pattern: {}", bad.reason)))?;
    // Linear time, but in up to 16 MB: not where others are answered.
    let search = move || (read.is_in(&said), read.find(&said).map(str::to_owned));
    let (is_in, number) = tokio::task::spawn_blocking(search)
        .await
        .map_err(|error| Missing(format!("the search for a pattern ended early: {error}")))?;
    match number {
        _ if is_truth(stream) => convert::truth(is_in, &stream.of_type),
        Some(number) => convert::value(convert::number(&number)?, stream.unit, &stream.of_type),
        None => Err(Missing(format!("`{pattern}` finds nothing in the answer"))),
    }
}

/// All that an answer says under the name of a header, as one text; `None`: it is not there.
fn header(response: &reqwest::Response, name: &str) -> Result<Option<String>, Missing> {
    let said = response.headers().get_all(name).iter().map(|value| value.to_str());
    let said: Vec<&str> =
        said.collect::<Result<_, _>>().map_err(|_| Missing(format!("the header `{name}` is no text")))?;
    Ok((!said.is_empty()).then(|| said.join(", ")))
}

/// The body of an answer, whatever its status.
async fn text_of(response: reqwest::Response) -> Result<String, Missing> {
    // Nobody asked for it: what comes compressed all the same is told by its name.
    let encoding = response.headers().get(reqwest::header::CONTENT_ENCODING).and_then(|v| v.to_str().ok());
    if let Some(encoding) = encoding.filter(|encoding| *encoding != "identity") {
        return Err(Missing(format!("the answer is compressed (`{encoding}`), which was not asked for")));
    }
    String::from_utf8(body(response).await?).map_err(|_| Missing::new("the answer is no text"))
}

async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, Missing> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(reason)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MOST_BYTES {
            return Err(Missing(format!("the answer is larger than {MOST_BYTES} bytes")));
        }
    }
    Ok(bytes)
}
