//! What a probe of Litmus asks, as a condition of the language.
//!
//! Comes in: the probe's inputs. Goes out: what holds, and its opposite; where the library has no such metric, a metric of
//! the catalogue is declared. A probe that changes something, or means more than one number, is refused.
//!
//! | probe | becomes |
//! | --- | --- |
//! | httpProbe, GET | a metric of its status; `probe.http-status` where the times are the library's |
//! | cmdProbe in Litmus' own pod | a metric that runs the command: its number, or whether its text is the one meant |
//! | promProbe | a metric of the query, asked at the cluster's Prometheus |
//! | k8sProbe, pods `present` | `probe.ready-pods` |

use super::super::context::{Context, Unsayable};
use super::super::draft::{Metric, Service, kebab};
use super::super::print::quoted;
use super::super::selector::service_name;
use super::super::spelling::number;
use super::super::yaml::Node;
use crate::analysis::ranges;
use crate::types::{Decimal, Duration};

/// A condition.
pub(super) struct Question {
    /// It holds.
    pub holds: String,
    /// Its opposite.
    pub fails: String,
    /// Where the two differ a little.
    pub comment: Option<String>,
}

/// How often and how long is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Between two samples, where that is said.
    pub every: Option<Duration>,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl Times {
    /// What `metric` takes where nothing is said.
    const DEFAULT: Duration = Duration::from_secs(5);

    fn are_default(self) -> bool {
        self.every.is_none_or(|e| e == Self::DEFAULT) && self.timeout == Self::DEFAULT
    }
}

/// What a probe asks.
pub(super) fn question(cx: &mut Context<'_>, probe: &Node, times: Times) -> Result<Question, Unsayable> {
    let kind = probe.word("type");
    let at = probe.get("type").map_or(probe.span, |n| n.span);
    let key = format!("{kind}/inputs");
    let inputs = || {
        probe.get(&key).ok_or_else(|| {
            Unsayable::new(probe.span, format!("the probe `{}` has no `{key}`", probe.word("name")))
                .why("Litmus ends with an error where it would ask")
                .wrong()
        })
    };
    match kind {
        "httpProbe" => http(cx, probe, inputs()?, times),
        "cmdProbe" => command(cx, probe, inputs()?, times),
        "promProbe" => prometheus(cx, probe, inputs()?, times),
        "k8sProbe" => kubernetes(cx, inputs()?),
        _ => Err(Unsayable::new(at, format!("there is no `{kind}`"))
            .why("Litmus has no code for it")
            .help("the types are httpProbe, cmdProbe, promProbe and k8sProbe")
            .wrong()),
    }
}

/// A metric for one probe.
fn metric(probe: &Node, ty: &'static str, source: String, times: Times) -> Metric {
    let name = kebab(probe.word("name"));
    let doc = format!("What Litmus' {} `{}` asks.", probe.word("type"), probe.word("name"));
    Metric { name, doc, ty, source, window: None, every: times.every, timeout: times.timeout }
}

fn http(cx: &mut Context<'_>, probe: &Node, inputs: &Node, times: Times) -> Result<Question, Unsayable> {
    if let Some(post) = inputs.at(&["method", "post"]) {
        return Err(Unsayable::new(post.span, "a probe by POST has no equivalent").why("metrics send a plain GET"));
    }
    if let Some(skip) = inputs.get("insecureSkipVerify").filter(|n| n.scalar() == Some("true")) {
        return Err(Unsayable::new(skip.span, "`insecureSkipVerify` has no equivalent")
            .why("a server whose certificate nobody can check may be any server")
            .help("ask by a name that its certificate has"));
    }
    if let Some(old) = inputs.entry("responseTimeout") {
        cx.note(old.at, "`responseTimeout` is not read by Litmus either: `probeTimeout` counts");
    }
    let url = inputs.get("url").ok_or_else(|| Unsayable::new(inputs.span, "this probe has no `url`").wrong())?;
    let get = inputs.at(&["method", "get"]);
    let get = get.ok_or_else(|| Unsayable::new(inputs.span, "this probe has no `get`").wrong())?;
    let text = untemplated(url)?;
    if !(text.starts_with("http://") || text.starts_with("https://")) {
        return Err(Unsayable::new(url.span, format!("{} is no URL that a probe could ask", url.describe())).wrong());
    }
    let status = |n: &Decimal| n.fract().is_zero() && *n >= Decimal::from(100) && *n <= Decimal::from(599);
    let code = get.get("responseCode");
    let comparison = Comparison::of(get, get.get("criteria"), code, &status, "a status from 100 to 599")?;
    if times.are_default() {
        return Ok(comparison.of_metric(&format!("probe.http-status({})", quoted(text))));
    }
    let source = format!("http: {{ url: {}, answer: status }}", quoted(text));
    let metric = metric(probe, "Int", source, times);
    Ok(comparison.of_metric(&format!("{}()", cx.draft.metric(metric))))
}

fn command(cx: &mut Context<'_>, probe: &Node, inputs: &Node, times: Times) -> Result<Question, Unsayable> {
    if let Some(source) = inputs.get("source").filter(|n| !n.is_empty()) {
        if source.scalar().is_some() {
            return Err(Unsayable::new(source.span, format!("`source` is {}, and no pod", source.describe()))
                .why("the API server refuses it since Litmus 2")
                .help("leave it out: then the command runs in Litmus' own pod")
                .wrong());
        }
        return Err(Unsayable::new(source.span, "a command in a pod of its own image has no equivalent")
            .why("a metric runs its program where Perturb runs")
            .help("declare a `metric` with a `command` that is there"));
    }
    let node = inputs.get("command");
    let node = node.ok_or_else(|| Unsayable::new(inputs.span, "this probe has no `command`").wrong())?;
    let text = untemplated(node)?.trim();
    let comparator = inputs.get("comparator");
    let comparator = comparator.ok_or_else(|| Unsayable::new(inputs.span, "this probe has no `comparator`").wrong())?;
    let (criteria, wanted) = (comparator.get("criteria"), comparator.get("value"));
    let shell = |line: &str, answer: &str| {
        format!("command: {{ run: [\"/bin/sh\", \"-c\", {}], answer: {answer} }}", quoted(line))
    };
    let comment = Some("The command runs where Perturb runs, not in Litmus' pod.".to_owned());
    let kind = comparator.word("type").to_ascii_lowercase();
    let ty = match kind.as_str() {
        "int" => "Int",
        "float" => "Number",
        "string" => {
            let line = text_test(text, comparator, criteria, wanted)?;
            let metric = metric(probe, "Bool", shell(&line, "ok"), times);
            let call = format!("{}()", cx.draft.metric(metric));
            return Ok(Question { fails: format!("not {call}"), holds: call, comment });
        }
        _ => {
            let at = comparator.get("type").map_or(comparator.span, |n| n.span);
            return Err(Unsayable::new(at, format!("there is no comparison by `{kind}`"))
                .why("the probe ends with an error each time")
                .help("the types are int, float and string")
                .wrong());
        }
    };
    let fits = |n: &Decimal| ty == "Number" || n.fract().is_zero();
    let what = if ty == "Int" { "a whole number" } else { "a number" };
    let comparison = Comparison::of(comparator, criteria, wanted, &fits, what)?;
    let metric = metric(probe, ty, shell(text, "output"), times);
    let call = format!("{}()", cx.draft.metric(metric));
    Ok(Question { comment, ..comparison.of_metric(&call) })
}

/// A line of shell that succeeds if the command does and what it prints is the text that is meant.
fn text_test(
    command: &str,
    comparator: &Node,
    criteria: Option<&Node>,
    wanted: Option<&Node>,
) -> Result<String, Unsayable> {
    let at = wanted.map_or(comparator.span, |n| n.span);
    let value = wanted.and_then(Node::scalar).unwrap_or_default();
    if value.contains(',') {
        return Err(Unsayable::new(at, "a text with a comma in it")
            .why("Litmus takes it for a list and compares with nothing: `equal` never holds, `contains` always does")
            .wrong());
    }
    let value = format!("'{}'", value.replace('\'', "'\\''"));
    // A command on lines of its own may end in a comment.
    let said = format!("said=$({command}\n)");
    let mut word = criteria.and_then(Node::scalar).unwrap_or_default().to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    match word.as_str() {
        "equal" => Ok(format!("{said} && test \"$said\" = {value}")),
        "notEqual" => Ok(format!("{said} && test \"$said\" != {value}")),
        "contains" => Ok(format!("{said} && case \"$said\" in *{value}*) ;; *) false ;; esac")),
        "matches" | "notMatches" => {
            let at = criteria.map_or(comparator.span, |n| n.span);
            Err(Unsayable::new(at, format!("`{word}` has no equivalent"))
                .why("it wants a regular expression of Go's, which no tool of the shell reads alike")
                .help("let the command itself compare, and print a number"))
        }
        _ => Err(no_criterion(comparator, criteria)),
    }
}

fn prometheus(cx: &mut Context<'_>, probe: &Node, inputs: &Node, times: Times) -> Result<Question, Unsayable> {
    let Some(node) = inputs.get("query").filter(|n| !n.is_empty()) else {
        let at = inputs.get("queryPath").map_or(inputs.span, |n| n.span);
        return Err(Unsayable::new(at, "a query in a file of the probe's pod has no equivalent")
            .why("what it asks does not stand in the manifest")
            .help("write it as `query`"));
    };
    let query = unquoted_by_shell(node)?;
    let endpoint = inputs.get("endpoint");
    let endpoint = endpoint.ok_or_else(|| Unsayable::new(inputs.span, "this probe has no `endpoint`").wrong())?;
    let server = untemplated(endpoint)?.trim().to_owned();
    if !(server.starts_with("http://") || server.starts_with("https://")) {
        return Err(Unsayable::new(endpoint.span, format!("{} is no URL of a Prometheus", endpoint.describe())).wrong());
    }
    let comparator = inputs.get("comparator");
    let comparator = comparator.ok_or_else(|| Unsayable::new(inputs.span, "this probe has no `comparator`").wrong())?;
    let (criteria, wanted) = (comparator.get("criteria"), comparator.get("value"));
    let comparison = Comparison::of(comparator, criteria, wanted, &|_| true, "a number")?;
    match &cx.draft.prometheus {
        Some(known) if *known != server => {
            return Err(Unsayable::new(endpoint.span, format!("a second Prometheus, beside `{known}`"))
                .why("a cluster has one Prometheus, and every metric is asked there")
                .help("import what asks the other one by itself"));
        }
        _ => cx.draft.prometheus = Some(server),
    }
    let window = ranges(&query).into_iter().max();
    let metric = metric(probe, "Number", format!("prometheus: {}", quoted(&query)), times);
    let name = cx.draft.metric(Metric { window, ..metric });
    Ok(comparison.of_metric(&format!("{name}()")))
}

/// A query as `sh` gives it to the program: Litmus puts it between double quotes.
fn unquoted_by_shell(node: &Node) -> Result<String, Unsayable> {
    let text = node.scalar().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next_if(|next| matches!(next, '"' | '$' | '`' | '\\')) {
                Some(next) => out.push(next),
                None => out.push('\\'),
            },
            '"' | '$' | '`' => {
                return Err(Unsayable::new(node.span, format!("a bare `{letter}` in a query"))
                    .why("Litmus puts the query between double quotes of a shell, which takes this for its own")
                    .help(format!("write `\\{letter}`"))
                    .wrong());
            }
            other => out.push(other),
        }
    }
    Ok(out.trim().to_owned())
}

fn kubernetes(cx: &mut Context<'_>, inputs: &Node) -> Result<Question, Unsayable> {
    let operation = inputs.word("operation");
    let at = inputs.get("operation").map_or(inputs.span, |n| n.span);
    match operation {
        "present" => {}
        "absent" => {
            return Err(Unsayable::new(at, "that something is absent has no equivalent")
                .why("metrics count pods that are ready, and a pod that is not ready is not gone")
                .help("declare a `metric` with a `command` that counts it"));
        }
        "create" | "delete" => {
            return Err(Unsayable::new(at, format!("a probe that does `{operation}` has no equivalent"))
                .why("what is asked must not change what it asks about, and nothing would undo it"));
        }
        other => {
            return Err(Unsayable::new(at, format!("there is no operation `{other}`"))
                .why("the probe ends with an error each time")
                .help("the operations are present, absent, create and delete")
                .wrong());
        }
    }
    let resource = inputs.word("resource");
    if resource != "pods" || !inputs.word("group").is_empty() {
        let at = inputs.get("resource").map_or(inputs.span, |n| n.span);
        return Err(Unsayable::new(at, format!("whether `{resource}` are there has no equivalent"))
            .why("metrics count the ready pods of a service")
            .help("ask for the pods behind them, or declare a `metric` with a `command`"));
    }
    let text = |key: &str| inputs.get(key).map_or(Ok(""), untemplated);
    let fields = text("fieldSelector")?;
    if !["", "status.phase=Running", "status.phase==Running"].contains(&fields) {
        let at = inputs.get("fieldSelector").map_or(inputs.span, |n| n.span);
        return Err(Unsayable::new(at, format!("the fields `{fields}` have no equivalent"))
            .why("metrics count the ready pods of a service"));
    }
    let namespace = text("namespace")?;
    if namespace.is_empty() {
        return Err(Unsayable::new(inputs.span, "pods of every namespace have no equivalent")
            .why("a service is the pods of one namespace")
            .help("name the `namespace`"));
    }
    let mut service = Service { namespaces: vec![namespace.to_owned()], ..Service::default() };
    let names: Vec<String> =
        text("resourceNames")?.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect();
    let count = names.len().max(1);
    if let Some(first) = names.first() {
        service.name.clone_from(first);
        service.names = names;
    } else {
        let labels = text("labelSelector")?;
        let at = inputs.get("labelSelector").map_or(inputs.span, |n| n.span);
        for label in labels.split(',').map(str::trim).filter(|l| !l.is_empty()) {
            let Some((key, value)) = label.split_once('=').filter(|(key, _)| !key.ends_with('!')) else {
                return Err(Unsayable::new(at, format!("the selector `{label}` has no equivalent"))
                    .why("a service is the pods with certain labels"));
            };
            service.labels.push((key.trim().to_owned(), value.trim_start_matches('=').trim().to_owned()));
        }
        if service.labels.is_empty() {
            return Err(Unsayable::new(at, "all pods of a namespace have no equivalent")
                .why("one pod of anything would do")
                .help("select by a label"));
        }
        service.name = service_name(&service);
    }
    let there = inputs.get("operation").map_or(inputs.span, |n| n.span);
    cx.differs(
        there,
        "`present` is imported as *ready*",
        "Litmus asks whether pods are there, ready or not; what is measured here is how many are ready",
        "if pods that are not ready should count as well, declare a `metric` with a `command` that counts them",
    );
    let call = format!("probe.ready-pods({})", cx.draft.service(&service));
    Ok(Question {
        holds: format!("{call} >= {count}"),
        fails: format!("{call} < {count}"),
        comment: Some("Litmus asked for pods that are there, ready or not; this wants them ready.".to_owned()),
    })
}

/// A text that Litmus does not change before it uses it.
fn untemplated(node: &Node) -> Result<&str, Unsayable> {
    let text = node.scalar().unwrap_or_default();
    if text.contains("{{") {
        return Err(Unsayable::new(node.span, format!("{} is a template", node.describe()))
            .why("what other probes printed is put in at run time, and is not in the manifest"));
    }
    Ok(text)
}

/// How a number is compared.
enum Comparison {
    /// `>= 100`, and its opposite.
    Than(&'static str, &'static str, Decimal),
    /// One of these.
    Among(Vec<Decimal>),
    /// Both ends included.
    Between(Decimal, Decimal),
}

impl Comparison {
    fn of(
        inputs: &Node,
        criteria: Option<&Node>,
        wanted: Option<&Node>,
        fits: &dyn Fn(&Decimal) -> bool,
        what: &str,
    ) -> Result<Self, Unsayable> {
        let at = wanted.map_or(inputs.span, |n| n.span);
        let text = wanted.and_then(Node::scalar).unwrap_or_default();
        let one = |text: &str| {
            // What stands in a list is not trimmed, and what is no number is 0.
            number(text).filter(|n| text.trim() == text && fits(n)).ok_or_else(|| {
                Unsayable::new(at, format!("`{text}` is not {what}")).why("Litmus reads 0 instead").wrong()
            })
        };
        let word = criteria.and_then(Node::scalar).unwrap_or_default();
        let (word, opposite) = match word {
            "==" => ("==", "!="),
            "!=" => ("!=", "=="),
            "<" => ("<", ">="),
            ">" => (">", "<="),
            "<=" => ("<=", ">"),
            ">=" => (">=", "<"),
            "oneOf" | "OneOf" => {
                let all: Vec<Decimal> = text.split(',').map(one).collect::<Result<_, _>>()?;
                if all.len() < 2 {
                    return Err(Unsayable::new(at, "`oneOf` with one member")
                        .why("Litmus never finds it")
                        .help("write `==`")
                        .wrong());
                }
                return Ok(Self::Among(all));
            }
            "between" | "Between" => {
                return match text.split_once(',') {
                    Some((low, high)) => Ok(Self::Between(one(low)?, one(high)?)),
                    None => Err(Unsayable::new(at, "`between` wants two numbers").wrong()),
                };
            }
            _ => return Err(no_criterion(inputs, criteria)),
        };
        Ok(Self::Than(word, opposite, one(text)?))
    }

    fn of_metric(&self, call: &str) -> Question {
        let (holds, fails) = match self {
            Self::Than(word, opposite, n) => {
                let n = n.normalize();
                (format!("{call} {word} {n}"), format!("{call} {opposite} {n}"))
            }
            Self::Among(all) => {
                let all: Vec<String> = all.iter().map(|n| n.normalize().to_string()).collect();
                let all = all.join(", ");
                (format!("{call} in [{all}]"), format!("{call} not in [{all}]"))
            }
            Self::Between(low, high) => {
                let (low, high) = (low.normalize(), high.normalize());
                (format!("{call} >= {low} and {call} <= {high}"), format!("{call} < {low} or {call} > {high}"))
            }
        };
        Question { holds, fails, comment: None }
    }
}

fn no_criterion(inputs: &Node, criteria: Option<&Node>) -> Unsayable {
    let at = criteria.map_or(inputs.span, |n| n.span);
    let word = criteria.and_then(Node::scalar).unwrap_or_default();
    Unsayable::new(at, format!("there is no criterion `{word}`")).why("the probe ends with an error each time").wrong()
}
