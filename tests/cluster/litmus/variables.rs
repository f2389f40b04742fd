//! What litmus-go makes of every variable that is emitted: the model of `variables.txt`, applied.
//!
//! litmus-go drops the errors of its parsers: a value that it cannot read is 0 or false, and the fault reports success
//! without having done anything. So each value must be one that its reader takes for just what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use perturb::plan::EngineName;
use serde_json::Value as Json;

use crate::emitted;
use crate::engine_schemas::shared::shared;
use crate::support::created;

/// How a variable is read.
#[derive(Debug, Clone)]
enum Reader {
    Int(RangeInclusive<i64>),
    Float(RangeInclusive<i64>),
    Words(Vec<String>),
    Csv,
    Codes,
    Labels,
    Taints,
    JsonList,
    JsonMap,
    Ports,
    Amount(&'static [&'static str]),
    Path,
    Image,
    Text,
    Unread,
}

/// Statuses that the HTTP proxy knows; with any other the experiment ends with an error.
const CODES: [u32; 18] = [200, 201, 202, 204, 300, 301, 302, 304, 307, 400, 401, 403, 404, 500, 501, 502, 503, 504];

fn readers() -> BTreeMap<String, Reader> {
    let text = include_str!("variables.txt");
    let mut readers = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())) {
        let line = line.split(" ;").next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((name, [reader, arguments @ ..])) = words.split_first() else { continue };
        if !name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
            continue;
        }
        let range = || {
            let (least, most) = arguments.first().and_then(|a| a.split_once("..")).expect("A..B");
            least.parse().unwrap()..=most.parse().unwrap()
        };
        let words = |list: &[&str]| Reader::Words(list.iter().map(|w| (*w).to_owned()).collect());
        let reader = match *reader {
            "int" | "span" => Reader::Int(range()),
            "percent" => Reader::Int(0..=100),
            "float" => Reader::Float(range()),
            "bool" => words(&["true", "false"]),
            "switch" => words(&["enable", "disable"]),
            "words" => words(arguments),
            "csv" => Reader::Csv,
            "codes" => Reader::Codes,
            "labels" => Reader::Labels,
            "taints" => Reader::Taints,
            "json-list" => Reader::JsonList,
            "json-map" => Reader::JsonMap,
            "ports" => Reader::Ports,
            "tc-rate" => Reader::Amount(&["bit", "kbit", "mbit", "gbit", "tbit"]),
            "tc-size" => Reader::Amount(&["b", "kb", "mb", "gb", "k", "m", "g"]),
            "path" => Reader::Path,
            "image" => Reader::Image,
            "text" => Reader::Text,
            "unread" => Reader::Unread,
            other => panic!("variables.txt: {name}: no reader `{other}`"),
        };
        assert!(readers.insert((*name).to_owned(), reader).is_none(), "variables.txt has {name} twice");
    }
    readers
}

/// `strconv.Atoi` with its error dropped.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.strip_prefix('+').unwrap_or(text).parse().unwrap_or(0)
}

/// Why a reader would take a text for something else than it says.
fn misread(reader: &Reader, text: &str) -> Option<String> {
    let items = || text.split(',');
    let is_token = |t: &str| !t.is_empty() && !t.contains(char::is_whitespace) && !t.contains(['\'', '"', '`', '$']);
    let is_label = |t: &str| t.split_once('=').is_some_and(|(k, v)| is_token(k) && is_token(v)) && !t.contains(',');
    let wrong = match reader {
        Reader::Int(range) => {
            let read = atoi(text);
            read.to_string() != text || !range.contains(&read)
        }
        Reader::Float(range) => {
            let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            !plain || !text.parse::<f64>().is_ok_and(|x| x >= *range.start() as f64 && x <= *range.end() as f64)
        }
        Reader::Words(words) => !words.iter().any(|w| w == text),
        Reader::Csv => !items().all(is_token),
        Reader::Codes => !items().all(|t| t.parse().is_ok_and(|code| CODES.contains(&code))),
        Reader::Labels => !is_label(text),
        Reader::Taints => !items().all(is_token),
        Reader::JsonList => !serde_json::from_str::<Vec<String>>(text)
            .is_ok_and(|all| !all.is_empty() && all.iter().all(|t| is_token(t))),
        Reader::JsonMap => {
            text.contains('\'') || !serde_json::from_str::<BTreeMap<String, String>>(text).is_ok_and(|m| !m.is_empty())
        }
        Reader::Ports => !(text.starts_with('{') && text.ends_with('}')),
        Reader::Amount(units) => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            !units.contains(&&text[digits.len()..]) || digits.parse::<u64>().map_or(true, |n| n == 0)
        }
        Reader::Path => !text.starts_with('/') || !is_token(text),
        Reader::Image => !is_token(text),
        Reader::Text => text.is_empty() || text.contains(['\n', '`']),
        Reader::Unread => true,
    };
    wrong.then(|| format!("`{text}` is not what {reader:?} reads"))
}

/// Two variables for one thing: the first wins unless it is exactly `0`, and with neither nothing happens.
const ALTERNATIVES: [(&str, &str); 3] = [
    ("FILESYSTEM_UTILIZATION_PERCENTAGE", "FILESYSTEM_UTILIZATION_BYTES"),
    ("MEMORY_CONSUMPTION_PERCENTAGE", "MEMORY_CONSUMPTION_MEBIBYTES"),
    ("EPHEMERAL_STORAGE_MEBIBYTES", "FILL_PERCENTAGE"),
];

/// Variables that we write for every fault of the hub; the few faults that do not read one of them ignore it.
const EVERYWHERE: [&str; 6] =
    ["CHAOS_INTERVAL", "DEFAULT_HEALTH_CHECK", "LIB_IMAGE", "PODS_AFFECTED_PERC", "SEQUENCE", "TARGET_CONTAINER"];

/// Variables that say what is hit, where that is no pod.
const TARGETS: [&str; 15] = [
    "TARGET_NODE",
    "TARGET_NODES",
    "NODE_LABEL",
    "EC2_INSTANCE_ID",
    "EC2_INSTANCE_TAG",
    "EBS_VOLUME_ID",
    "EBS_VOLUME_TAG",
    "RDS_INSTANCE_IDENTIFIER",
    "AZURE_INSTANCE_NAMES",
    "VIRTUAL_DISK_NAMES",
    "VM_INSTANCE_NAMES",
    "INSTANCE_LABEL",
    "DISK_VOLUME_NAMES",
    "DISK_VOLUME_LABEL",
    "APP_VM_MOIDS",
];

/// An engine with the experiment that it names.
struct Engine {
    from: String,
    json: Json,
    experiment: Json,
}

/// Every engine that is emitted, also by a step of a workflow.
fn engines() -> Vec<Engine> {
    let litmus = || emitted::all().iter().filter(|e| e.engine == EngineName::Litmus);
    let experiments: BTreeMap<&str, &Json> = litmus()
        .filter(|e| e.json["kind"] == "ChaosExperiment")
        .map(|e| (e.json["metadata"]["name"].as_str().unwrap(), &e.json))
        .collect();
    let all = litmus().flat_map(|e| {
        let own = (e.json["kind"] == "ChaosEngine").then(|| e.json.clone());
        own.into_iter().chain(created(&e.json)).map(|json| (e.from.clone(), json))
    });
    let engines: Vec<Engine> = all
        .filter(|(_, json)| json["kind"] == "ChaosEngine")
        .map(|(from, json)| {
            let listed = json["spec"]["experiments"].as_array().expect("experiments");
            assert_eq!(listed.len(), 1, "{from}: only the first experiment of an engine counts everywhere");
            let name = listed[0]["name"].as_str().expect("a name");
            let experiment = (*experiments.get(name).unwrap_or_else(|| panic!("{from}: no experiment {name}"))).clone();
            Engine { from, json, experiment }
        })
        .collect();
    assert!(engines.len() > 30, "only {} engines", engines.len());
    engines
}

fn variables(list: &Json) -> Vec<(String, String)> {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    // A value from a secret is the cluster's.
    all.iter().filter_map(|v| Some((v["name"].as_str()?.to_owned(), v["value"].as_str()?.to_owned()))).collect()
}

impl Engine {
    /// The engine's beat the experiment's.
    fn env(&self) -> BTreeMap<String, String> {
        let mut all = variables(&self.experiment["spec"]["definition"]["env"]);
        all.extend(variables(&self.json["spec"]["experiments"][0]["spec"]["components"]["env"]));
        all.into_iter().collect()
    }

    /// Whether its code is litmus-go's. A private hub's is its owner's matter.
    fn is_hubs(&self) -> bool {
        let image = self.experiment["spec"]["definition"]["image"].as_str().expect("an image");
        image.contains("litmuschaos/go-runner")
    }

    /// The code path: `-name X` of the experiment's arguments.
    fn code(&self) -> String {
        let arguments = self.experiment["spec"]["definition"]["args"].to_string();
        let (_, name) = arguments.split_once("-name ").unwrap_or_else(|| panic!("{}: {arguments}", self.from));
        name.split(['"', ' ']).next().unwrap_or_default().to_owned()
    }
}

/// What the hub and the code know of each code path, if the hub's list is there.
fn hub(test: &str) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let text = std::fs::read_to_string(shared(test)?.join("reference/litmus-faults.json")).expect("the hub's faults");
    let faults: BTreeMap<String, Json> = serde_json::from_str(&text).expect("JSON");
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, fault) in &faults {
        let arguments = fault["args"].to_string();
        let code = arguments.split_once("-name ").map_or(name.as_str(), |(_, c)| c.split(['"', ' ']).next().unwrap());
        let entry = known.entry(code.to_owned()).or_default();
        for list in ["env", "goOnlyEnv"] {
            entry.extend(fault[list].as_object().into_iter().flatten().map(|(variable, _)| variable.clone()));
        }
    }
    assert!(known.len() > 40, "only {} code paths", known.len());
    Some(known)
}

#[test]
fn every_variable_is_what_litmus_reads() {
    let readers = readers();
    let hub = hub("every_variable_is_what_litmus_reads");
    let (mut wrong, mut read) = (BTreeSet::new(), BTreeSet::new());
    for engine in engines().into_iter().filter(Engine::is_hubs) {
        let (env, code) = (engine.env(), engine.code());
        let known = hub.as_ref().and_then(|hub| hub.get(&code));
        for (name, value) in &env {
            let Some(reader) = readers.get(name) else {
                wrong.insert(format!("{}: `{name}` is not in variables.txt", engine.from));
                continue;
            };
            if let Some(said) = misread(reader, value) {
                wrong.insert(format!("{}: {name}: {said}", engine.from));
            }
            if known.is_some_and(|known| !known.contains(name)) && !EVERYWHERE.contains(&name.as_str()) {
                wrong.insert(format!("{code}: no code reads `{name}`"));
            }
            read.insert(name.clone());
        }
        for (first, second) in ALTERNATIVES {
            let (a, b) = (env.get(first), env.get(second));
            if a.is_some() && b.is_some() && a.is_none_or(|v| v != "0") && b.is_none_or(|v| v != "0") {
                wrong.insert(format!("{}: both {first} and {second}", engine.from));
            }
        }
        if env.get("SEQUENCE").is_some_and(|order| order != "parallel") {
            wrong.insert(format!("{}: it would last once for each pod", engine.from));
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read.len() > 20, "only {read:?}");
}

#[test]
fn every_variable_of_the_hub_has_a_reader() {
    let Some(hub) = hub("every_variable_of_the_hub_has_a_reader") else { return };
    let readers = readers();
    let missing: BTreeSet<&String> = hub.values().flatten().filter(|name| !readers.contains_key(*name)).collect();
    assert!(missing.is_empty(), "variables.txt lacks {missing:?}");
}

#[test]
fn the_model_reads_as_litmus_does() {
    let number = Reader::Int(0..=100);
    for wrong in ["30s", "1.5", "", "abc", "101", "-1", "+5", " 5", "10-20"] {
        assert!(misread(&number, wrong).is_some(), "{wrong}");
    }
    assert!(misread(&number, "0").is_none() && misread(&number, "100").is_none());
    assert!(misread(&Reader::Csv, "a, b").is_some() && misread(&Reader::Csv, "a,b").is_none());
    assert!(misread(&Reader::Codes, "418").is_some() && misread(&Reader::Codes, "500,503").is_none());
    assert!(
        misread(&Reader::JsonList, "a.example").is_some() && misread(&Reader::JsonList, "[\"a.example\"]").is_none()
    );
    assert!(misread(&Reader::Amount(&["mbit"]), "1.5mbit").is_some());
}

#[test]
fn every_engine_has_a_target() {
    let mut wrong = BTreeSet::new();
    for engine in engines() {
        let spec = &engine.json["spec"];
        let named = |item: &Json| {
            let filled = |key: &str| item[key].as_str().is_some_and(|text| !text.is_empty());
            filled("namespace") && (filled("names") || filled("labels"))
        };
        let selected = ["pods", "workloads"]
            .iter()
            .any(|kind| spec["selectors"][kind].as_array().is_some_and(|all| !all.is_empty() && all.iter().all(named)));
        let env = engine.env();
        if !selected && !TARGETS.iter().any(|name| env.get(*name).is_some_and(|v| !v.is_empty())) {
            wrong.insert(engine.from);
        }
    }
    assert!(wrong.is_empty(), "these would hit whatever they find: {wrong:#?}");
}

#[test]
fn every_probe_has_a_name_of_its_own() {
    let mut probes = 0;
    for engine in engines() {
        let mut names = BTreeSet::new();
        for probe in engine.json["spec"]["experiments"][0]["spec"]["probe"].as_array().into_iter().flatten() {
            let properties = &probe["runProperties"];
            assert!(names.insert(probe["name"].as_str().expect("a name")), "{}: {}", engine.from, probe["name"]);
            assert!(properties.get("initialDelay").is_none(), "{}: ends the probe at once", engine.from);
            // An HTTP probe waits its interval after a success as well.
            let lasts = matches!(probe["mode"].as_str(), Some("Continuous" | "OnChaos"));
            if lasts && probe["type"] != "httpProbe" {
                let pause = properties["probePollingInterval"].as_str().unwrap_or_default();
                assert!(!pause.is_empty() && !pause.starts_with('0'), "{}: a busy loop", engine.from);
            }
            probes += 1;
        }
    }
    assert!(probes > 100, "only {probes}");
}
