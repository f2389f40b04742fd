//! The quickstart for real: processes, sockets, faults, and the verdicts that the README promises. A binary of its own, so that
//! nothing but itself is beside it.
#![cfg(unix)]

mod killed;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::RwLock;
use std::time::{Duration, Instant};

/// Who needs the machine alone writes; who bears company reads.
static MACHINE: RwLock<()> = RwLock::new(());

/// The quickstart on ports of its own, as others may run it on this machine at the same time.
fn quickstart(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    let mut ports: BTreeMap<String, (std::net::TcpListener, u16)> = BTreeMap::new();
    let pattern = regex::Regex::new(r"127\.0\.0\.1:(73\d\d)").unwrap();
    for file in std::fs::read_dir(from).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let text = pattern.replace_all(&text, |found: &regex::Captures<'_>| {
            let (_, port) = ports.entry(found[1].to_owned()).or_insert_with(|| {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let port = listener.local_addr().unwrap().port();
                (listener, port)
            });
            format!("127.0.0.1:{port}")
        });
        std::fs::write(to.join(file.file_name()), text.as_bytes()).unwrap();
    }
    assert_eq!(ports.len(), 11, "the quickstart's addresses are no longer where this test looks for them");
}

#[test]
fn the_quickstart_finds_the_weakness_and_confirms_the_repair() {
    let _alone = MACHINE.write();
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("quickstart");
    std::fs::create_dir(&project).unwrap();
    quickstart(&project);
    let junit = folder.path().join("junit.xml");
    let journal = folder.path().join("journal.db");
    let perturb = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_perturb"))
            .args(arguments)
            .current_dir(folder.path())
            .env("PERTURB_JOURNAL", &journal)
            .output()
            .unwrap();
        (run.status.code(), String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    let began = Instant::now();
    let (code, said, errors) = perturb(&["run", "quickstart", "--junit", junit.to_str().unwrap()]);
    let took = began.elapsed();
    let all = format!("{said}\n{errors}");
    // The worst of the two verdicts.
    assert_eq!(code, Some(1), "{all}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    let (broken, mended) =
        said.split_once("2 of 2: mended-shop-survives-slow-prices").unwrap_or_else(|| panic!("{all}"));
    assert!(broken.contains("refuted: `p95(shop) < 500ms` did not hold"), "{all}");
    assert!(mended.contains("network.delay is there: the proxy delayed"), "{all}");
    assert!(mended.contains("pod.kill is done: 1 process is gone"), "{all}");
    assert!(mended.contains("\nCONFIRMED\n"), "{all}");
    assert!(said.contains("1 confirmed, 1 refuted"), "{all}");
    let xml = std::fs::read_to_string(junit).unwrap();
    assert_eq!(xml.matches("<testsuite ").count(), 2, "{xml}");
    // What was expected, and what was seen.
    assert!(xml.contains("<failure message=\"`p95(shop) &lt; 500ms` did not hold (p95(shop) was "), "{xml}");
    // Each run is the same once more, record by record: `note:` would say where it is not.
    let (_, runs, _) = perturb(&["runs", "--json"]);
    let runs: Vec<serde_json::Value> = runs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for run in &runs {
        let (code, told, noted) = perturb(&["simulate", "--run", run["run"].as_str().unwrap()]);
        let refuted = run["verdict"] == "refuted";
        assert_eq!((code, noted.as_str()), (Some(i32::from(refuted)), ""), "{told}");
        assert_eq!(told.contains("▲ "), refuted, "{told}");
    }
    assert_eq!(runs.len(), 2);
    // The report of the broken one: what was found, when, against what, in one file that needs no other.
    let broken = runs.iter().find(|run| run["verdict"] == "refuted").unwrap()["run"].as_str().unwrap();
    let report = folder.path().join("report.html");
    perturb(&["report", broken, "-o", report.to_str().unwrap()]);
    let page = std::fs::read_to_string(report).unwrap();
    for wanted in [
        "<h2>Findings</h2>",
        "(declared: automatic within 10s)",
        "<h2>Timeline</h2>",
        ">network.delay on prices/a</text>",
        ">check replaced: probe.ready-pods(stock) &gt;= 2</text>",
        ">quick: 500ms</text>",
        "class=\"broke\"",
        "did not hold (p95(shop) was ",
        "<h2>Environment</h2>",
        "shop, of shop-team (#shop)",
        "none changed",
        "@media print",
    ] {
        assert!(page.contains(wanted), "no `{wanted}` in the report");
    }
    assert!(!page.contains("<script") && !page.contains("<link") && !page.contains("src="));
    for element in ["svg", "figure", "table", "text"] {
        let (opened, closed) = (format!("<{element}"), format!("</{element}>"));
        assert_eq!(page.matches(&opened).count(), page.matches(&closed).count(), "{element}");
    }
    // Nothing is left: neither in the journal nor on the machine.
    let (code, said, _) = perturb(&["recover"]);
    assert_eq!((code, said.as_str()), (Some(0), "0 undone, nothing is left\n"));
    let (_, status, _) = perturb(&["local", "status", "quickstart"]);
    assert_eq!(status, "nothing is running here\n");
}
