//! Sources that are asked by one GET: a status, a time, a number in a JSON document, a page of metrics.

use std::time::Instant;

use smol_str::SmolStr;

use super::{Missing, Prober, convert};
use crate::plan::HttpAnswer;
use crate::types::{Decimal, Value};

/// More than this is no answer that a probe should read.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A client that trusts the system's authorities and these. It keeps connections, follows redirects, and asks directly:
/// what a proxy of the environment answers is not what the service does.
pub fn client(authorities: &[Vec<u8>]) -> Result<reqwest::Client, Missing> {
    // Another part may have chosen already: then that holds.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut more = Vec::new();
    for pem in authorities {
        let parsed = reqwest::Certificate::from_pem_bundle(pem);
        more.extend(parsed.map_err(|_| Missing::new("a certificate authority cannot be read"))?);
    }
    reqwest::Client::builder()
        .no_proxy()
        .user_agent(concat!("perturb/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(more)
        .build()
        .map_err(|error| Missing(format!("cannot make requests: {error}")))
}

/// What went wrong, from the outside in, without the address: it may hold a password.
pub fn reason(error: reqwest::Error) -> Missing {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut inner = std::error::Error::source(&error);
    while let Some(error) = inner {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        inner = error.source();
    }
    Missing(text)
}

impl Prober {
    pub(super) fn get(&self, url: &str, token: Option<&SmolStr>) -> Result<reqwest::RequestBuilder, Missing> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let mut request = client.get(url);
        if let Some(name) = token {
            request = request.header(reqwest::header::AUTHORIZATION, self.secrets.secret(name)?.bearer()?);
        }
        Ok(request)
    }

    /// Status, time to the last byte, or whether it is 200 to 299.
    pub(super) async fn http(&self, url: &str, answer: HttpAnswer, token: Option<&SmolStr>) -> Result<Value, Missing> {
        let request = self.get(url, token)?;
        let began = Instant::now();
        let response = match request.send().await {
            Ok(response) => response,
            // No answer at all is an answer to "is it well?".
            Err(error) if answer == HttpAnswer::Ok && !error.is_builder() => return Ok(Value::Bool(false)),
            Err(error) => return Err(reason(error)),
        };
        let status = response.status();
        let read = body(response).await;
        let took = began.elapsed();
        match answer {
            HttpAnswer::Status => Ok(Value::Int(i64::from(status.as_u16()))),
            HttpAnswer::Ok => Ok(Value::Bool(status.is_success() && read.is_ok())),
            HttpAnswer::Time => read.and_then(|_| convert::duration(took, "Duration")),
        }
    }

    /// The text of an answer that is well.
    pub(super) async fn text(&self, url: &str, token: Option<&SmolStr>) -> Result<String, Missing> {
        let response = self.get(url, token)?.send().await.map_err(reason)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Missing(format!("the answer is {status}")));
        }
        // Nobody asked for it: what comes compressed all the same is told by its name.
        let encoding = response.headers().get(reqwest::header::CONTENT_ENCODING).and_then(|v| v.to_str().ok());
        if let Some(encoding) = encoding.filter(|encoding| *encoding != "identity") {
            return Err(Missing(format!("the answer is compressed (`{encoding}`), which was not asked for")));
        }
        String::from_utf8(body(response).await?).map_err(|_| Missing::new("the answer is no text"))
    }

    /// A number in a JSON document; `true` is 1.
    pub(super) async fn json(&self, url: &str, pointer: &str, token: Option<&SmolStr>) -> Result<Decimal, Missing> {
        let text = self.text(url, token).await?;
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
