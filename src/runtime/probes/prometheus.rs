//! An instant query: exactly one series, or no sample.

use smol_str::SmolStr;

use super::http::Get;
use super::{Missing, Prober, convert, http};
use crate::types::Decimal;

impl Prober {
    pub(super) async fn prometheus(&self, server: Option<&SmolStr>, query: &str) -> Result<Decimal, Missing> {
        let Some(server) = server else { return Err(Missing::new("this cluster declares no `prometheus`")) };
        let url = format!("{}/api/v1/query", server.trim_end_matches('/'));
        let url = reqwest::Url::parse_with_params(&url, [("query", query)])
            .map_err(|error| Missing(format!("the server's address cannot be used: {error}")))?;
        let response = self
            .get(Get { url: url.as_str(), token: self.token.as_ref(), headers: &[] })?
            .send()
            .await
            .map_err(http::reason)?;
        let status = response.status();
        let text = response.text().await.map_err(http::reason)?;
        let answer: serde_json::Value = serde_json::from_str(&text)
            .map_err(|_| Missing(format!("the answer is {status}, and no answer of Prometheus")))?;
        result(&answer)
    }
}

/// The one number of an answer.
pub fn result(answer: &serde_json::Value) -> Result<Decimal, Missing> {
    let text = |pointer: &str| answer.pointer(pointer).and_then(serde_json::Value::as_str);
    if text("/status") != Some("success") {
        return Err(Missing(format!(
            "Prometheus refuses the query: {}",
            text("/error").unwrap_or("it does not say why")
        )));
    }
    let value = match text("/data/resultType") {
        Some("scalar") => answer.pointer("/data/result/1"),
        Some("vector") => match answer.pointer("/data/result").and_then(serde_json::Value::as_array).map(Vec::as_slice)
        {
            Some([one]) => one.pointer("/value/1"),
            Some([]) => return Err(Missing::new("no series: nothing was measured, or nothing is called so")),
            Some(many) => {
                return Err(Missing(format!(
                    "{} series, and one is wanted: aggregate them, for example with `sum`",
                    many.len()
                )));
            }
            None => None,
        },
        Some(other) => return Err(Missing(format!("the query gives a {other}, and one number is wanted"))),
        None => None,
    };
    match value.and_then(serde_json::Value::as_str) {
        Some(number) => convert::number(number),
        None => Err(Missing::new("the answer is none of Prometheus")),
    }
}
