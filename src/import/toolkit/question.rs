//! What a probe over HTTP asks, as a condition of the language.
//!
//! Comes in: the probe. Goes out: what holds. Where the library's metric would ask something else (in another time, with
//! headers), a metric of the catalogue is declared. Facts: chaostoolkit-lib 1.44, `hypothesis.py` and `provider/http.py`.
//!
//! | tolerance | becomes |
//! | --- | --- |
//! | a number, a list of numbers, a range of `status` | the status |
//! | a `regex` of the `body` | whether the pattern is in the body |
//! | a `jsonpath` of the `body`, a path of names, with a number or truth value to expect | the number at the pointer |

use smol_str::SmolStr;

use super::super::context::{Context, Unsayable};
use super::super::draft::{Metric, kebab};
use super::super::print::quoted;
use super::super::spelling::number;
use super::super::yaml::{Node, Value};
use super::mistake;
use crate::types::{Decimal, Duration, Pattern};

/// What a metric takes where nothing is said.
const TIMEOUT: Duration = Duration::from_millis(5000);

/// What of an answer counts: the field of the metric, its type, and the condition around its call.
struct Asked {
    source: &'static str,
    fields: String,
    ty: &'static str,
    before: &'static str,
    behind: String,
}

/// The condition of a probe; `None`: there is none, which is said.
pub(super) fn http(cx: &mut Context<'_>, probe: &Node, tolerance: &Node) -> Option<String> {
    let provider = probe.get("provider")?;
    let asked = match asked(cx, tolerance) {
        Some(Ok(asked)) => asked,
        Some(Err(what)) => return lost(cx, what),
        None => return None,
    };
    if let Err(what) = no_plain_get(provider) {
        return lost(cx, what);
    }
    let headers = match headers(cx, probe, provider) {
        Ok(headers) => headers,
        Err(what) => return lost(cx, what),
    };
    let url = provider.get("url").and_then(Node::scalar).unwrap_or_default();
    if url.split('/').nth(2).is_some_and(|host| host.contains('@')) {
        let at = provider.get("url").map_or(provider.span, |n| n.span);
        return lost(
            cx,
            Unsayable::new(at, "a URL with a password in it").why("what is in a URL is in every plan and journal"),
        );
    }
    let timeout = provider.get("timeout").and_then(|t| length(t.scalar()?)).unwrap_or(TIMEOUT);
    let Asked { source, fields, ty, before, behind } = asked;
    if headers.is_empty() && timeout == TIMEOUT && fields == "answer: status" {
        return Some(format!("{before}probe.http-status({}){behind}", quoted(url)));
    }
    let name = probe.word("name");
    let metric = Metric {
        name: kebab(name),
        doc: format!("What Chaos Toolkit's probe `{name}` asks."),
        ty,
        source: format!("{source}: {{ url: {}, {fields}{headers} }}", quoted(url)),
        window: None,
        every: None,
        timeout,
    };
    Some(format!("{before}{}(){behind}", cx.draft.metric(metric)))
}

fn lost(cx: &mut Context<'_>, what: Unsayable) -> Option<String> {
    super::super::chaos_mesh::lost(cx, what);
    None
}

fn length(text: &str) -> Option<Duration> {
    let millis = number(text)?.checked_mul(Decimal::from(1000))?;
    let millis: u64 = millis.fract().is_zero().then(|| millis.normalize().to_string().parse().ok())??;
    (millis > 0).then(|| Duration::from_nanos(millis.checked_mul(1_000_000)?))?
}

/// What would make the request another one than a GET of this address.
fn no_plain_get(provider: &Node) -> Result<(), Unsayable> {
    if let Some(method) = provider.get("method").filter(|m| !m.text.eq_ignore_ascii_case("GET")) {
        return Err(Unsayable::new(method.span, format!("a probe by {} has no equivalent", method.text))
            .why("metrics send a GET without a body"));
    }
    for (key, why) in [
        ("auth", "how it signs in is decided by code of Python; put what it sends into `headers`"),
        ("arguments", "write them into the URL"),
        ("expected_status", "one tolerance says what is expected"),
        ("max_retries", "a sample is one answer; that the first may be wrong is said by `within`"),
    ] {
        if let Some(entry) = provider.entry(key).filter(|entry| !entry.value.is_empty()) {
            return Err(Unsayable::new(entry.at, format!("`{key}` has no equivalent")).why(why));
        }
    }
    match provider.entry("verify_tls").filter(|entry| entry.value.scalar() == Some("false")) {
        Some(entry) => Err(Unsayable::new(entry.at, "`verify_tls: false` has no equivalent")
            .why("a server whose certificate nobody can check may be any server")),
        None => Ok(()),
    }
}

/// `, headers: { … }`. What may be secret becomes one, by name.
fn headers(cx: &mut Context<'_>, probe: &Node, provider: &Node) -> Result<String, Unsayable> {
    let Some(headers) = provider.get("headers").filter(|h| !h.is_empty()) else { return Ok(String::new()) };
    let mut all = Vec::new();
    for entry in headers.entries() {
        let Some(text) = entry.value.scalar() else {
            return Err(Unsayable::new(entry.value.span, format!("the header `{}` is no text", entry.key)));
        };
        let is_open = !text.contains("${")
            && !crate::check::evaluate::SECRET_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(&entry.key))
            && text.chars().all(|c| (' '..='~').contains(&c));
        let says = if is_open {
            quoted(text)
        } else {
            let secret = kebab(&format!("{} {}", probe.word("name"), entry.key));
            let variable = secret.to_ascii_uppercase().replace('-', "_");
            cx.differs(
                entry.value.span,
                format!("what the header `{}` says is imported as the secret `{secret}`", entry.key),
                "what may be secret stands in no text",
                &format!("give all that it says to the run: `PERTURB_SECRET_{variable}`"),
            );
            format!("secret({})", quoted(&secret))
        };
        all.push(format!("{}: {says}", quoted(&entry.key)));
    }
    Ok(format!(", headers: {{ {} }}", all.join(", ")))
}

/// What a tolerance wants of an answer; `None`: it is a mistake, which is said.
fn asked(cx: &mut Context<'_>, tolerance: &Node) -> Option<Result<Asked, Unsayable>> {
    let status =
        |behind: String| Asked { source: "http", fields: "answer: status".to_owned(), ty: "Int", before: "", behind };
    match &tolerance.value {
        Value::Number => match one_status(&tolerance.text) {
            Some(code) => Some(Ok(status(format!(" == {code}")))),
            None => {
                mistake(cx, tolerance.span, format!("{} is no status of HTTP", tolerance.describe()), "", "");
                None
            }
        },
        Value::Text => {
            let why = "the status is a number, and no number equals a text: the probe never holds";
            mistake(cx, tolerance.span, "a text is compared with the status", why, "write it without quotes");
            None
        }
        Value::List(items) => {
            let codes: Option<Vec<String>> = items.iter().map(|n| Some(one_status(n.scalar()?)?.to_string())).collect();
            Some(match codes.filter(|codes| !codes.is_empty()) {
                Some(codes) => Ok(status(format!(" in [{}]", codes.join(", ")))),
                None => Err(Unsayable::new(tolerance.span, "this tolerance has no equivalent")
                    .help("a list has statuses from 100 to 599")),
            })
        }
        Value::Map(_) => Some(match (tolerance.word("type"), tolerance.word("target")) {
            ("regex", "body") => pattern(cx, tolerance),
            ("jsonpath", "body") => at_pointer(tolerance),
            ("range", "status") => {
                let ends: Vec<_> = tolerance.get("range").map_or(&[][..], Node::items).iter().collect();
                match ends.as_slice() {
                    [low, high] => Ok(status(format!(" in {}..{}", low.text, high.text))),
                    _ => return None,
                }
            }
            _ => Err(no_equivalent(tolerance)),
        }),
        _ => Some(Err(no_equivalent(tolerance))),
    }
}

fn no_equivalent(tolerance: &Node) -> Unsayable {
    Unsayable::new(tolerance.span, "this tolerance has no equivalent")
        .help("a status can be said, several of them, a range of `status`, and a pattern or a number in the `body`")
}

fn one_status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|n| (100..=599).contains(n))
}

/// A pattern of Python's, which is not quite ours.
fn pattern(cx: &mut Context<'_>, tolerance: &Node) -> Result<Asked, Unsayable> {
    let Some(node) = tolerance.get("pattern") else { return Err(no_equivalent(tolerance)) };
    let text = node.scalar().unwrap_or_default();
    if text.contains("${") {
        return Err(
            Unsayable::new(node.span, "a variable in a pattern has no equivalent").help("write out what it stands for")
        );
    }
    if let Err(bad) = Pattern::read(text) {
        return Err(Unsayable::new(node.span, format!("this pattern has no equivalent: {}", bad.reason))
            .why("patterns are searched for in linear time, without look-around and references back"));
    }
    if text.ends_with('$') && !text.ends_with("\\$") {
        cx.differs(
            node.span,
            "`$` is imported as the end of the body",
            "in Python it also means the place before a last line end",
            "if the body ends with a line end, write `\\n?$`",
        );
    }
    let fields = format!("answer: body, pattern: {}", quoted(text));
    Ok(Asked { source: "http", fields, ty: "Bool", before: "", behind: String::new() })
}

/// A path of names and places that leads to one number or truth value.
fn at_pointer(tolerance: &Node) -> Result<Asked, Unsayable> {
    let path = tolerance.word("path");
    let expected = match tolerance.get("expect").map(|n| (n, &n.value)) {
        Some((_, Value::List(items))) => match items.as_slice() {
            [one] => Some(one),
            _ => None,
        },
        Some((one, _)) => Some(one),
        None => None,
    };
    let at = tolerance.get("path").map_or(tolerance.span, |n| n.span);
    let cannot = |what: &str| Unsayable::new(at, format!("this JSON path has no equivalent: {what}"));
    let pointer = pointer(path).ok_or_else(|| cannot("it may lead to several places"))?;
    if tolerance.get("count").is_some() {
        return Err(cannot("it counts what it finds"));
    }
    let expected = expected.ok_or_else(|| cannot("it expects no one value"))?;
    let text = expected.scalar().unwrap_or_default();
    let (ty, before, behind) = match &expected.value {
        Value::Bool(true) => ("Bool", "", String::new()),
        Value::Bool(_) => ("Bool", "not ", String::new()),
        Value::Number => {
            let number = number(text).ok_or_else(|| cannot("it expects no number"))?;
            (if number.fract().is_zero() { "Int" } else { "Number" }, "", format!(" == {}", number.normalize()))
        }
        _ => {
            return Err(
                cannot("a text is no measurement").help("search for it in the body: a tolerance of type `regex`")
            );
        }
    };
    Ok(Asked { source: "json", fields: format!("pointer: {}", quoted(&pointer)), ty, before, behind })
}

/// `$.a.b[0]` as `/a/b/0`.
fn pointer(path: &str) -> Option<SmolStr> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut pointer = String::new();
    while !rest.is_empty() {
        let (part, behind) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (part, behind) = inside.split_once(']')?;
                let name = part.strip_prefix(['\'', '"']).and_then(|p| p.strip_suffix(['\'', '"']));
                (name.or_else(|| part.chars().all(|c| c.is_ascii_digit()).then_some(part))?, behind)
            }
            None => {
                let name = rest.strip_prefix('.')?;
                name.split_at(name.find(['.', '[']).unwrap_or(name.len()))
            }
        };
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if part.is_empty() || !part.chars().all(is_plain) {
            return None;
        }
        pointer.push('/');
        pointer.push_str(part);
        rest = behind;
    }
    Some(pointer.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_names_is_a_pointer() {
        for (path, wanted) in [
            ("$.a.b", Some("/a/b")),
            ("$['a'][0].c-d", Some("/a/0/c-d")),
            ("$", Some("")),
            ("$..a", None),
            ("$.a[*]", None),
            ("$.a[?(@.b)]", None),
            ("a.b", None),
            ("$.a[0", None),
        ] {
            assert_eq!(pointer(path).as_deref(), wanted, "{path}");
        }
        assert_eq!(length("0.5").map(|d| d.to_string()).as_deref(), Some("500ms"));
        assert_eq!(length("0"), None);
    }
}
