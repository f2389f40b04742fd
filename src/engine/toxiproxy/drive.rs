//! The engine as a [`Driver`].

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use smol_str::{SmolStr, format_smolstr};

use crate::engine::drive::{Confirmation, DriveError, Driver, Injection, Target, UndoRecord, Was, named_after};
use crate::plan::{EngineName, Plan, Selector};
use crate::source::disk::cause;
use crate::types::{Decimal, Entry, Value};

/// Where Toxiproxy's API is if the cluster does not say.
pub const SERVER: &str = "http://127.0.0.1:8474";
/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The form of [`Undo`].
const FORM: u32 = 1;

/// What an undo needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Undo {
    /// The API.
    server: String,
    /// The toxic, which is called the same on each proxy.
    toxic: String,
    /// The proxies.
    proxies: Vec<String>,
    /// Where they listen, as seen from here. Toxics are in the server's memory and nowhere else: where neither the API nor
    /// the proxies are there any more, neither is the toxic.
    #[serde(default)]
    listens: Vec<String>,
}

/// A Toxiproxy server.
#[derive(Debug)]
pub struct ToxiproxyDriver {
    client: Result<reqwest::Client, String>,
}

impl Default for ToxiproxyDriver {
    fn default() -> Self {
        Self::new()
    }
}

/// What the server said.
struct Answer {
    status: u16,
    body: Json,
}

impl ToxiproxyDriver {
    /// The server is named by the plan's cluster.
    #[must_use]
    pub fn new() -> Self {
        // Another part may have chosen already: then that holds.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        // No connection is kept: one to a server that was started again meanwhile is no answer of that server.
        let client = builder.pool_max_idle_per_host(0).build().map_err(|error| error.to_string());
        Self { client }
    }

    async fn ask(&self, method: reqwest::Method, url: &str, body: Option<&Json>) -> Result<Answer, DriveError> {
        let what = || format!("asking Toxiproxy at {url}");
        let client =
            self.client.as_ref().map_err(|reason| DriveError::Final { what: what(), reason: reason.clone() })?;
        // Toxiproxy refuses what looks like a browser; any other name will do.
        let mut request = client.request(method, url).header("user-agent", "perturb");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let passing = |error: reqwest::Error| DriveError::Passing { what: what(), reason: cause(&error.without_url()) };
        let response = request.send().await.map_err(passing)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(passing)?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Json::Null) })
    }

    /// Every proxy of a server, by name.
    async fn proxies(&self, server: &str) -> Result<BTreeMap<String, Json>, DriveError> {
        let url = format!("{server}/proxies");
        let answer = self.ask(reqwest::Method::GET, &url, None).await?;
        match (answer.status, answer.body) {
            (200, Json::Object(all)) => Ok(all.into_iter().collect()),
            (status, _) => Err(DriveError::Final {
                what: format!("asking {url}"),
                reason: format!("the answer is {status}, and no list of proxies: is this Toxiproxy's API?"),
            }),
        }
    }

    /// The toxic of this name on a proxy; `None`: it is not there, or the proxy is not.
    async fn toxic(&self, server: &str, proxy: &str, toxic: &str) -> Result<Option<Json>, DriveError> {
        let url = address(server, proxy, Some(toxic));
        let answer = self.ask(reqwest::Method::GET, &url, None).await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(refused(&url, status, &answer.body)),
        }
    }

    fn undo_of(record: &UndoRecord) -> Result<Undo, DriveError> {
        let wrong =
            |reason: String| DriveError::Final { what: format!("reading the undo of `{}`", record.injection), reason };
        if record.form != FORM {
            return Err(wrong(format!("its form {} is of a later version of Perturb", record.form)));
        }
        serde_json::from_value(record.data.clone()).map_err(|error| wrong(error.to_string()))
    }
}

/// The address of a proxy's toxics, or of one of them.
fn address(server: &str, proxy: &str, toxic: Option<&str>) -> String {
    let Ok(mut url) = reqwest::Url::parse(server) else { return format!("{server}/proxies/{proxy}/toxics") };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["proxies", proxy, "toxics"]);
        path.extend(toxic);
    }
    url.to_string()
}

fn refused(url: &str, status: u16, body: &Json) -> DriveError {
    let said = body.get("error").or_else(|| body.get("title")).and_then(Json::as_str).unwrap_or("it does not say why");
    let (what, reason) = (format!("asking Toxiproxy at {url}"), format!("the answer is {status}: {said}"));
    // A server in trouble may answer a moment later; one that understood and refuses will not.
    if status >= 500 { DriveError::Passing { what, reason } } else { DriveError::Final { what, reason } }
}

/// Whether a proxy, as the server lists it, has a toxic of this name.
fn has_toxic(proxy: &Json, name: &str) -> bool {
    let toxics = proxy.get("toxics").and_then(Json::as_array);
    toxics.is_some_and(|all| all.iter().any(|toxic| toxic.get("name").and_then(Json::as_str) == Some(name)))
}

fn is_on(proxies: &BTreeMap<String, Json>, name: &str) -> bool {
    proxies.get(name).is_some_and(|proxy| proxy.get("enabled").and_then(Json::as_bool) == Some(true))
}

/// Why nothing can be put on a proxy.
fn why_not(proxies: &BTreeMap<String, Json>, name: &str) -> String {
    if proxies.contains_key(name) {
        return format!("the proxy `{name}` is switched off");
    }
    let all: Vec<String> = proxies.keys().map(|known| format!("`{known}`")).collect();
    match all.as_slice() {
        [] => format!("Toxiproxy has no proxy `{name}`, and no other"),
        known => format!("Toxiproxy has no proxy `{name}`; it has {}", known.join(", ")),
    }
}

/// Whether the toxic is on each of its proxies, as the server lists them.
fn seen(record: &Undo, proxies: &BTreeMap<String, Json>) -> Confirmation {
    for proxy in &record.proxies {
        let Some(state) = proxies.get(proxy) else {
            return Confirmation::NotSeen(format!("Toxiproxy has no proxy `{proxy}` any more"));
        };
        if !is_on(proxies, proxy) {
            return Confirmation::NotSeen(why_not(proxies, proxy));
        }
        if !has_toxic(state, &record.toxic) {
            return Confirmation::NotSeen(format!("the toxic is not on `{proxy}`"));
        }
    }
    Confirmation::There(format!("Toxiproxy has the toxic on {}", record.proxies.join(", ")))
}

/// Where a proxy listens, as seen from here: an address that stands for all of the server's is reached where its API is.
fn listens(server: &str, proxy: &Json) -> Option<String> {
    let (host, port) = proxy.get("listen")?.as_str()?.rsplit_once(':')?;
    let of_api = || reqwest::Url::parse(server).ok()?.host_str().map(str::to_owned);
    let host = match host {
        "" | "0.0.0.0" | "[::]" => of_api()?,
        own => own.to_owned(),
    };
    Some(format!("{host}:{port}"))
}

/// Whether nobody listens at an address: that is refused at once. What is merely silent may be there.
async fn is_gone(address: &str) -> bool {
    let connected = tokio::time::timeout(TIMEOUT, tokio::net::TcpStream::connect(address)).await;
    matches!(connected, Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// Whether the server's process is gone, with all that was in its memory.
async fn server_is_gone(record: &Undo) -> bool {
    let api = reqwest::Url::parse(&record.server).ok();
    let api = api.as_ref().and_then(|u| Some(format!("{}:{}", u.host_str()?, u.port_or_known_default()?)));
    let Some(api) = api.filter(|_| !record.listens.is_empty()) else { return false };
    for address in std::iter::once(&api).chain(&record.listens) {
        if !is_gone(address).await {
            return false;
        }
    }
    true
}

fn server_of(plan: &Plan) -> String {
    plan.place.cluster.toxiproxy.as_deref().unwrap_or(SERVER).trim_end_matches('/').to_owned()
}

/// A number of the language as one of JSON; whole where it is whole, as Toxiproxy's own fields are.
fn number(number: Decimal) -> Json {
    use rust_decimal::prelude::ToPrimitive;
    let whole = number.fract().is_zero().then(|| number.to_i64()).flatten();
    whole.map_or_else(|| number.to_f64().map_or(Json::Null, |n| json!(n)), |n| json!(n))
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Int(n) => json!(n),
        Value::Number(n) => number(*n),
        Value::Bool(b) => json!(b),
        Value::Record(entries) => {
            Json::Object(entries.iter().map(|e| (e.key.to_string(), json_of(&e.value))).collect())
        }
        other => other.as_text().map_or(Json::Null, |text| json!(text)),
    }
}

/// The toxic of a body.
fn toxic_of(body: &[Entry], name: &str) -> Result<Json, String> {
    let get = |key: &str| body.iter().find(|e| e.key == key).map(|e| &e.value);
    let kind = get("toxic").and_then(Value::as_text).ok_or("the body names no `toxic`")?;
    let stream = get("stream").and_then(Value::as_text).unwrap_or("downstream");
    if !matches!(stream, "upstream" | "downstream") {
        return Err(format!("there is no stream `{stream}`"));
    }
    let toxicity = get("toxicity").map_or_else(|| json!(1), json_of);
    let attributes = get("attributes").map_or_else(|| json!({}), json_of);
    Ok(json!({ "name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes }))
}

#[async_trait::async_trait]
impl Driver for ToxiproxyDriver {
    fn engine(&self) -> EngineName {
        EngineName::Toxiproxy
    }

    async fn ready(&self, plan: &Plan) -> Result<(), DriveError> {
        self.proxies(&server_of(plan)).await.map(|_| ())
    }

    async fn candidates(
        &self,
        plan: &Plan,
        selector: &Selector,
        drawn: &BTreeMap<u32, Vec<Target>>,
    ) -> Result<Vec<Target>, DriveError> {
        let Selector::Processes(of) = selector else {
            return Err(DriveError::Final {
                what: format!("looking for {}", selector.kind().noun(2)),
                reason: "Toxiproxy stands before processes that a service declares, and before nothing else".into(),
            });
        };
        let server = server_of(plan);
        let proxies = self.proxies(&server).await?;
        let hit: Vec<&SmolStr> = of.except.iter().filter_map(|d| drawn.get(d)).flatten().map(|t| &t.id).collect();
        let replicas = plan.services.get(&of.service).map(|s| s.local.as_slice()).unwrap_or_default();
        let named: Vec<_> = replicas
            .iter()
            .filter(|r| of.names.is_empty() || of.names.contains(&r.name))
            .filter_map(|r| Some((r, r.path.as_ref()?.proxy.clone()?)))
            .collect();
        if !named.is_empty() && !named.iter().any(|(_, proxy)| is_on(&proxies, proxy)) {
            let reason = named.iter().map(|(_, proxy)| why_not(&proxies, proxy)).collect::<Vec<_>>().join("; ");
            return Err(DriveError::Final {
                what: format!("looking for a proxy of `{}` at {server}", of.service),
                reason,
            });
        }
        let mut found: Vec<Target> = named
            .into_iter()
            .filter(|(_, proxy)| is_on(&proxies, proxy))
            .map(|(replica, proxy)| Target {
                id: format_smolstr!("toxiproxy:{server}/{proxy}"),
                service: Some(of.service.clone()),
                facts: BTreeMap::from([
                    ("service".into(), of.service.clone()),
                    ("name".into(), replica.name.clone()),
                    ("server".into(), server.as_str().into()),
                    ("proxy".into(), proxy),
                ]),
            })
            .filter(|t| !hit.contains(&&t.id))
            .collect();
        found.sort();
        Ok(found)
    }

    fn exclusive(&self, target: &Target) -> Vec<String> {
        if target.id.starts_with("toxiproxy:") { vec![target.id.to_string()] } else { Vec::new() }
    }

    async fn prepare(&self, injection: &Injection) -> Result<UndoRecord, DriveError> {
        let wrong = |reason: String| DriveError::Final { what: format!("preparing `{}`", injection.fault), reason };
        let name = named_after(&injection.id, '-');
        let toxic = format!("perturb-{name}");
        toxic_of(&injection.body, &toxic).map_err(wrong)?;
        let fact = |t: &Target, key: &str| t.facts.get(key).map(SmolStr::to_string);
        let proxies = injection.targets.iter().map(|t| fact(t, "proxy")).collect::<Option<Vec<_>>>();
        let server = injection.targets.first().and_then(|t| fact(t, "server"));
        let (Some(server), Some(proxies)) = (server, proxies) else {
            return Err(wrong("the targets are not what this engine found".to_owned()));
        };
        let known = self.proxies(&server).await?;
        let mut places = Vec::new();
        for proxy in &proxies {
            // What is called so before we put it there is somebody else's: it could be neither told from ours nor put back.
            let Some(state) = known.get(proxy) else { continue };
            if has_toxic(state, &toxic) {
                return Err(wrong(format!(
                    "`{proxy}` has a toxic `{toxic}` already, and it is not ours: remove it first"
                )));
            }
            places.extend(listens(&server, state));
        }
        let data = serde_json::to_value(Undo { server, toxic, proxies, listens: places })
            .map_err(|error| wrong(error.to_string()))?;
        Ok(UndoRecord { engine: EngineName::Toxiproxy, injection: injection.id.clone(), form: FORM, data })
    }

    async fn inject(&self, injection: &Injection, undo: &UndoRecord) -> Result<(), DriveError> {
        let record = Self::undo_of(undo)?;
        let toxic = toxic_of(&injection.body, &record.toxic)
            .map_err(|reason| DriveError::Final { what: format!("injecting `{}`", injection.fault), reason })?;
        for proxy in &record.proxies {
            let url = address(&record.server, proxy, None);
            let answer = self.ask(reqwest::Method::POST, &url, Some(&toxic)).await?;
            match answer.status {
                200 => {}
                // It is there: this call was made before.
                409 if self.toxic(&record.server, proxy, &record.toxic).await?.is_some() => {}
                status => return Err(refused(&url, status, &answer.body)),
            }
        }
        Ok(())
    }

    async fn confirm(&self, _injection: &Injection, undo: &UndoRecord) -> Result<Confirmation, DriveError> {
        let record = Self::undo_of(undo)?;
        let proxies = self.proxies(&record.server).await?;
        Ok(seen(&record, &proxies))
    }

    async fn vanished(&self, undo: &UndoRecord) -> Option<String> {
        let record = Self::undo_of(undo).ok()?;
        match self.proxies(&record.server).await {
            Ok(proxies) => match seen(&record, &proxies) {
                Confirmation::NotSeen(why) => Some(why),
                Confirmation::There(_) => None,
            },
            // One that is slow or refuses to answer may have it still.
            Err(_) => server_is_gone(&record).await.then(|| "Toxiproxy has ended, and its toxics with it".to_owned()),
        }
    }

    fn by_hand(&self, undo: &UndoRecord) -> Vec<String> {
        let Ok(record) = Self::undo_of(undo) else { return Vec::new() };
        let url = |proxy: &String| address(&record.server, proxy, Some(&record.toxic));
        record.proxies.iter().map(|proxy| format!("curl -A perturb -X DELETE {}", url(proxy))).collect()
    }

    async fn undo(&self, undo: &UndoRecord) -> Result<Was, DriveError> {
        let record = Self::undo_of(undo)?;
        match self.take_out(&record, undo).await {
            Err(DriveError::Passing { .. }) if server_is_gone(&record).await => {
                Ok(Was::GoneBefore("the Toxiproxy server is gone".to_owned()))
            }
            done => done,
        }
    }
}

impl ToxiproxyDriver {
    async fn take_out(&self, record: &Undo, undo: &UndoRecord) -> Result<Was, DriveError> {
        let mut was = Was::AsLeft;
        for proxy in record.proxies.iter().rev() {
            let url = address(&record.server, proxy, Some(&record.toxic));
            let answer = self.ask(reqwest::Method::DELETE, &url, None).await?;
            if !matches!(answer.status, 200 | 204 | 404) {
                return Err(refused(&url, answer.status, &answer.body));
            }
            if answer.status == 404 {
                was = Was::GoneBefore(format!("the toxic was no longer on `{proxy}`"));
            }
            if self.toxic(&record.server, proxy, &record.toxic).await?.is_some() {
                let what = format!("undoing `{}`", undo.injection);
                return Err(DriveError::Passing { what, reason: format!("the toxic is still on `{proxy}`") });
            }
        }
        Ok(was)
    }
}
