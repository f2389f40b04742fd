//! Probes against real servers and programs.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use perturb::plan::{
    CommandAnswer, DnsAnswer, HttpAnswer, KubernetesFact, MetricUnit, ProcessSelector, ScrapeAnswer, SentHeader,
    SentText, Source, Stream, TcpAnswer,
};
use perturb::runtime::probes::{Missing, Prober};
use perturb::types::{self, Percent, Value};

use crate::prometheus::program;
use crate::support::{Rig, exe, plan, port, until};

fn stream(source: Source, of_type: &str, unit: MetricUnit) -> Stream {
    // The span is where a plan came from, which is nowhere here.
    let mut stream: Stream =
        plan("a: { command: [\"sleep\", \"9\"] }", "process.kill(one of ledger.processes)").streams.remove(0);
    stream.source = source;
    stream.of_type = of_type.into();
    stream.unit = unit;
    stream.timeout = types::Duration::from_secs(3);
    stream
}

fn prober() -> Prober {
    Prober::new(Arc::new(BTreeMap::from([("key".to_owned(), "s3cr3t\n".to_owned())])))
}

/// The value of one sample, whatever it was made from.
async fn value(prober: &Prober, stream: &Stream) -> Result<Value, Missing> {
    prober.sample(stream).await.map(|answer| answer.value)
}

/// A server on a port that answers each request with what `answer` makes of its head.
fn server(answer: fn(&str) -> String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0u8; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                    head.extend_from_slice(&byte);
                }
                let _ = stream.write_all(answer(&String::from_utf8_lossy(&head)).as_bytes());
            });
        }
    });
    port
}

fn answered(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn percent(text: &str) -> Value {
    Value::Percent(text.parse::<Percent>().unwrap())
}

#[tokio::test]
async fn http_gives_status_time_and_whether_it_is_well() {
    let port = server(|head| {
        if head.starts_with("GET /slow") {
            std::thread::sleep(Duration::from_millis(200));
        }
        if head.starts_with("GET /hang") {
            std::thread::sleep(Duration::from_secs(20));
        }
        let well = !head.starts_with("GET /bad");
        answered(if well { "200 OK" } else { "503 Service Unavailable" }, "hello")
    });
    let ask = async |path: &str, answer: HttpAnswer, of_type: &str| {
        let url = format!("http://127.0.0.1:{port}{path}").into();
        value(
            &prober(),
            &stream(Source::Http { url, answer, token: None, headers: Vec::new() }, of_type, MetricUnit::S),
        )
        .await
    };
    assert_eq!(ask("/", HttpAnswer::Status, "Int").await, Ok(Value::Int(200)));
    assert_eq!(ask("/bad", HttpAnswer::Status, "Int").await, Ok(Value::Int(503)));
    assert_eq!(ask("/bad", HttpAnswer::Ok, "Bool").await, Ok(Value::Bool(false)));
    match ask("/slow", HttpAnswer::Time, "Duration").await {
        Ok(Value::Duration(d)) => assert!(d.as_nanos() >= 200_000_000, "{d}"),
        other => panic!("{other:?}"),
    }
    let began = Instant::now();
    let missing = ask("/hang", HttpAnswer::Status, "Int").await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(15) && missing.0.contains("no answer within 3s"), "{missing}");
    let gone = crate::support::port();
    let url: smol_str::SmolStr = format!("http://user:pass@127.0.0.1:{gone}/").into();
    let source = |answer| Source::Http { url: url.clone(), answer, token: None, headers: Vec::new() };
    let missing = value(&prober(), &stream(source(HttpAnswer::Status), "Int", MetricUnit::Count)).await.unwrap_err();
    assert!(!missing.0.contains("pass"), "{missing}");
    assert_eq!(
        value(&prober(), &stream(source(HttpAnswer::Ok), "Bool", MetricUnit::Count)).await,
        Ok(Value::Bool(false))
    );
}

/// What is silent is not well; how fast or with which status it would have answered, nobody knows.
#[tokio::test]
async fn who_takes_a_connection_and_never_answers_is_not_well() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ask = async |source: Source, of_type: &str| {
        let mut stream = stream(source, of_type, MetricUnit::S);
        stream.timeout = types::Duration::from_millis(300);
        value(&prober(), &stream).await
    };
    let http = |answer| Source::Http {
        url: format!("http://127.0.0.1:{port}/").into(),
        answer,
        token: None,
        headers: Vec::new(),
    };
    let silent = "no answer within 300ms";
    let began = Instant::now();
    assert_eq!(ask(http(HttpAnswer::Ok), "Bool").await, Ok(Value::Bool(false)));
    assert_eq!(ask(http(HttpAnswer::Ok), "Int").await, Ok(Value::Int(0)));
    assert!(began.elapsed() >= Duration::from_millis(600), "it waits for its time");
    assert_eq!(ask(http(HttpAnswer::Status), "Int").await.unwrap_err().0, silent);
    assert_eq!(ask(http(HttpAnswer::Time), "Duration").await.unwrap_err().0, silent);
    assert_eq!(ask(http(HttpAnswer::Body { pattern: "x".into() }), "Bool").await.unwrap_err().0, silent);
    assert_eq!(ask(http(HttpAnswer::Header { name: "x".into(), pattern: None }), "Bool").await.unwrap_err().0, silent);
    // A program that hangs, and a name server that says nothing.
    let hangs = Source::Command { command: vec!["sleep".into(), "60".into()], answer: CommandAnswer::Ok };
    assert_eq!(ask(hangs, "Bool").await, Ok(Value::Bool(false)));
    let mute = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = mute.local_addr().unwrap().to_string();
    let dns = |answer| Source::Dns { name: "there.test".into(), server: Some(server.as_str().into()), answer };
    assert_eq!(ask(dns(DnsAnswer::Ok), "Bool").await, Ok(Value::Bool(false)));
    assert_eq!(ask(dns(DnsAnswer::Addresses), "Int").await.unwrap_err().0, silent);
    drop(listener);
}

/// "It is not well" is half of what one asks then.
#[tokio::test]
async fn a_no_says_what_it_was_made_from() {
    let sick = server(|_| answered("503 Service Unavailable", "hello"));
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let (gone, silent) = (port(), mute.local_addr().unwrap().port());
    let http = |port: u16| Source::Http {
        url: format!("http://user:s3cr3t@127.0.0.1:{port}/").into(),
        answer: HttpAnswer::Ok,
        token: None,
        headers: Vec::new(),
    };
    let command = |words: &[&str]| Source::Command {
        command: words.iter().map(|w| (*w).into()).collect(),
        answer: CommandAnswer::Ok,
    };
    let dns = Source::Dns { name: "no.such.name.invalid".into(), server: None, answer: DnsAnswer::Ok };
    let tcp = Source::Tcp { address: format!("127.0.0.1:{gone}").into(), answer: TcpAnswer::Ok };
    let rows = [
        (http(sick), "the answer is 503 Service Unavailable"),
        (http(gone), "refused"),
        (http(silent), "no answer within 300ms"),
        (tcp, "refused"),
        (dns, "`no.such.name.invalid` is not found"),
        (command(&["sh", "-c", "exit 3"]), "`sh` failed with exit code 3"),
        (command(&["sh", "-c", "kill -9 $$"]), "`sh` was ended by a signal"),
        (command(&["sleep", "60"]), "no answer within 300ms"),
    ];
    for (source, why) in rows {
        let mut stream = stream(source, "Bool", MetricUnit::Count);
        stream.timeout = types::Duration::from_millis(if why.contains("within") { 300 } else { 3000 });
        let answer = prober().sample(&stream).await.unwrap();
        let because = answer.because.unwrap_or_default();
        assert_eq!(answer.value, Value::Bool(false), "{why}");
        assert!(because.contains(why) && !because.contains("s3cr3t"), "{because}, and not: {why}");
    }
    drop(mute);
}

#[tokio::test]
async fn a_pattern_is_searched_for_in_the_body_and_in_headers_whatever_the_status() {
    let port = server(|head| {
        if head.starts_with("GET /down") {
            let body = r#"{"status": "DOWN", "waiting": 1_7}"#;
            return format!(
                "HTTP/1.1 503 Down\r\nRetry-After: 30\r\nVia: a\r\nVia: b\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
        if head.starts_with("GET /packed") {
            return "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nup".to_owned();
        }
        answered("200 OK", "status: up\nwaiting: 17 of 90\n")
    });
    let ask = async |path: &str, answer: HttpAnswer, of_type: &str, unit: MetricUnit| {
        let url = format!("http://127.0.0.1:{port}{path}").into();
        value(&prober(), &stream(Source::Http { url, answer, token: None, headers: Vec::new() }, of_type, unit)).await
    };
    let count = MetricUnit::Count;
    let body = |pattern: &str| HttpAnswer::Body { pattern: pattern.into() };
    let header =
        |name: &str, pattern: Option<&str>| HttpAnswer::Header { name: name.into(), pattern: pattern.map(Into::into) };
    assert_eq!(ask("/", body("^status: (?:up|fine)$"), "Bool", count).await, Ok(Value::Bool(false)));
    assert_eq!(ask("/", body("(?m)^status: (?:up|fine)$"), "Bool", count).await, Ok(Value::Bool(true)));
    assert_eq!(ask("/down", body(r#""status":\s*"UP""#), "Bool", count).await, Ok(Value::Bool(false)));
    assert_eq!(ask("/down", body("DOWN"), "Bool", count).await, Ok(Value::Bool(true)));
    assert_eq!(ask("/", body("waiting: ([0-9]+)"), "Int", count).await, Ok(Value::Int(17)));
    assert_eq!(ask("/", body("waiting: ([0-9]+)"), "Percent", MetricUnit::Percent).await, Ok(percent("17%")));
    assert_eq!(ask("/down", header("retry-after", None), "Bool", count).await, Ok(Value::Bool(true)));
    assert_eq!(ask("/", header("retry-after", None), "Bool", count).await, Ok(Value::Bool(false)));
    let wait = ask("/down", header("Retry-After", None), "Duration", MetricUnit::S).await;
    assert_eq!(wait, Ok(Value::Duration(types::Duration::from_secs(30))));
    // What is said twice is one list.
    assert_eq!(ask("/down", header("via", Some("^a, b$")), "Bool", count).await, Ok(Value::Bool(true)));
    assert_eq!(ask("/down", header("retry-after", Some("([0-9])")), "Int", count).await, Ok(Value::Int(3)));
    for (path, answer, says) in [
        ("/", body("held: ([0-9]+)"), "finds nothing in the answer"),
        ("/down", body("waiting\": ([0-9_]+)"), "`1_7` is no number"),
        ("/", header("retry-after", None), "no header `retry-after`"),
        ("/", body("("), "is no pattern: unclosed group"),
        ("/packed", body("up"), "compressed (`br`)"),
    ] {
        let missing = ask(path, answer, "Int", count).await.unwrap_err();
        assert!(missing.0.contains(says), "{missing}");
    }
    // Without an answer there is nothing to search in: neither "it is there" nor "it is not".
    let gone = crate::support::port();
    let source = Source::Http {
        url: format!("http://127.0.0.1:{gone}/").into(),
        answer: body("up"),
        token: None,
        headers: Vec::new(),
    };
    assert!(value(&prober(), &stream(source, "Bool", count)).await.is_err());
}

#[tokio::test]
async fn headers_are_sent_and_secrets_among_them_to_this_server_alone() {
    let other = server(|head| answered("200 OK", &format!("other got {head}")));
    let port = server(|head| {
        let head = head.to_ascii_lowercase();
        if head.starts_with("get /away") {
            return "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:OTHER/\r\nContent-Length: 0\r\n\r\n"
                .replace("OTHER", &head.split(['?', ' ']).nth(2).unwrap_or_default().replace("other=", ""));
        }
        if head.starts_with("get /moved") {
            return "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_owned();
        }
        let may = head.contains("x-api-key: s3cr3t\r\n") && head.contains("accept: text/plain\r\n");
        answered(if may { "200 OK" } else { "401 Unauthorized" }, "7")
    });
    let ask = async |path: &str, key: SentText| {
        let source = Source::Http {
            url: format!("http://127.0.0.1:{port}{path}").into(),
            answer: HttpAnswer::Status,
            token: None,
            headers: vec![
                SentHeader { name: "Accept".into(), value: SentText::Text("text/plain".into()) },
                SentHeader { name: "X-Api-Key".into(), value: key },
            ],
        };
        value(&prober(), &stream(source, "Int", MetricUnit::Count)).await
    };
    assert_eq!(ask("/", SentText::Secret("key".into())).await, Ok(Value::Int(200)));
    assert_eq!(ask("/", SentText::Text("guess".into())).await, Ok(Value::Int(401)));
    assert_eq!(ask("/moved", SentText::Secret("key".into())).await, Ok(Value::Int(200)));
    let missing = ask("/", SentText::Secret("nobody".into())).await.unwrap_err();
    assert!(missing.0.contains("the secret `nobody` is not there"), "{missing}");
    // Another server does not get the secret; without one, redirects are followed anywhere.
    let away = format!("/away?other={other}");
    let refused = ask(&away, SentText::Secret("key".into())).await.unwrap_err();
    assert!(refused.0.contains("redirects to another server") && !refused.0.contains("s3cr3t"), "{refused}");
    assert_eq!(ask(&away, SentText::Text("guess".into())).await, Ok(Value::Int(200)));
}

#[tokio::test]
async fn json_is_read_at_its_pointer_with_the_secret_in_the_header_and_nowhere_else() {
    let port = server(|head| {
        let may = head.to_ascii_lowercase().contains("authorization: bearer s3cr3t\r\n");
        answered(
            if may { "200 OK" } else { "401 Unauthorized" },
            r#"{"a": {"rate": 0.995, "text": "x", "list": [1, 2e-3]}}"#,
        )
    });
    let ask = async |pointer: &str, token: Option<&str>| {
        let source = Source::Json {
            url: format!("http://127.0.0.1:{port}/").into(),
            pointer: pointer.into(),
            token: token.map(Into::into),
            headers: Vec::new(),
        };
        value(&prober(), &stream(source, "Percent", MetricUnit::Ratio)).await
    };
    assert_eq!(ask("/a/rate", Some("key")).await, Ok(percent("99.5%")));
    assert_eq!(ask("/a/list/1", Some("key")).await, Ok(percent("0.2%")));
    for (pointer, token, says) in [
        ("/a/rate", None, "401"),
        ("/a/rate", Some("other"), "the secret `other` is not there"),
        ("/b", Some("key"), "nothing at `/b`"),
        ("/a/text", Some("key"), "no number"),
        ("/a", Some("key"), "no number"),
    ] {
        let missing = ask(pointer, token).await.unwrap_err();
        assert!(missing.0.contains(says), "{missing}");
    }
    let secret = perturb::runtime::probes::secret::Secret::new("s3cr3t");
    assert_eq!(format!("{secret:?}"), "Secret(…)");
}

#[tokio::test]
async fn a_program_says_a_number_and_is_killed_with_its_children_when_its_time_is_over() {
    let ask = async |command: &[&str], answer: CommandAnswer, of_type: &str| {
        let command = command.iter().map(|w| (*w).into()).collect();
        value(&prober(), &stream(Source::Command { command, answer }, of_type, MetricUnit::Count)).await
    };
    assert_eq!(ask(&["sh", "-c", "echo hm; echo 17; echo"], CommandAnswer::Output, "Int").await, Ok(Value::Int(17)));
    assert_eq!(ask(&["sh", "-c", "exit 3"], CommandAnswer::Exit, "Int").await, Ok(Value::Int(3)));
    assert_eq!(ask(&["false"], CommandAnswer::Ok, "Bool").await, Ok(Value::Bool(false)));
    // Who says much is read to the end: not killed by a pipe that nobody reads, and not cut within its last number.
    let many = "i=0; while [ $i -lt 40000 ]; do echo 1234567; i=$((i+1)); done; echo 7654321";
    assert_eq!(ask(&["sh", "-c", many], CommandAnswer::Output, "Int").await, Ok(Value::Int(7_654_321)));
    assert_eq!(ask(&["sh", "-c", many], CommandAnswer::Ok, "Bool").await, Ok(Value::Bool(true)));
    let endless = ask(&["yes"], CommandAnswer::Output, "Int").await.unwrap_err();
    assert!(endless.0.contains("no answer within 3s"), "{endless}");
    assert!(ask(&["sh", "-c", "echo 1; exit 1"], CommandAnswer::Output, "Int").await.is_err());
    assert!(ask(&["no-such-program"], CommandAnswer::Ok, "Bool").await.is_err());
    let mark = format!("{}.25", 4000 + std::process::id() % 1000);
    let script = format!("sleep {mark} & sleep {mark}; echo 1");
    let began = Instant::now();
    let missing = ask(&["sh", "-c", &script], CommandAnswer::Output, "Int").await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20) && missing.0.contains("no answer within 3s"), "{missing}");
    until("no sleep is left", || {
        !perturb::engine::local::process::all().iter().any(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.starts_with("sleep") && line.contains(&mark))
        })
    })
    .await;
}

#[tokio::test]
async fn connections_and_names() {
    let open = server(|_| String::new());
    let tcp = async |port: u16, answer: TcpAnswer, of_type: &str| {
        let address = format!("127.0.0.1:{port}").into();
        value(&prober(), &stream(Source::Tcp { address, answer }, of_type, MetricUnit::S)).await
    };
    assert_eq!(tcp(open, TcpAnswer::Ok, "Bool").await, Ok(Value::Bool(true)));
    assert_eq!(tcp(port(), TcpAnswer::Ok, "Bool").await, Ok(Value::Bool(false)));
    assert!(matches!(tcp(open, TcpAnswer::Time, "Duration").await, Ok(Value::Duration(_))));
    let dns = async |name: &str, answer: DnsAnswer, of_type: &str| {
        let source = Source::Dns { name: name.into(), server: None, answer };
        value(&prober(), &stream(source, of_type, MetricUnit::Count)).await
    };
    assert_eq!(dns("localhost", DnsAnswer::Ok, "Bool").await, Ok(Value::Bool(true)));
    assert_eq!(dns("no.such.name.invalid", DnsAnswer::Ok, "Bool").await, Ok(Value::Bool(false)));

    // A name server that knows one name, and one code for all others.
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let own = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut buffer = [0u8; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = buffer[..length].to_vec();
            let known = question.windows(7).any(|w| w == b"\x05there\x04");
            let mut answer = question.clone();
            answer[2] = 0x81;
            answer[3] = if known { 0x80 } else { 0x82 };
            if known {
                answer[7] = 2;
                for last in [1u8, 2] {
                    answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, last]);
                }
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    let asked = async |name: &str, answer: DnsAnswer, of_type: &str| {
        let source = Source::Dns { name: name.into(), server: Some(own.as_str().into()), answer };
        value(&prober(), &stream(source, of_type, MetricUnit::Count)).await
    };
    assert_eq!(asked("there.test", DnsAnswer::Addresses, "Int").await, Ok(Value::Int(2)));
    assert_eq!(asked("gone.test", DnsAnswer::Ok, "Bool").await, Ok(Value::Bool(false)));
}

#[tokio::test]
async fn a_page_of_metrics_is_watched_over_its_window() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static TURN: AtomicU32 = AtomicU32::new(0);
    let port = server(|_| {
        let n = TURN.fetch_add(1, Ordering::SeqCst);
        // The counter is reset once, and goes on from 10.
        let ok = if n < 3 { 1000 + 100 * n } else { 10 };
        answered(
            "200 OK",
            &format!(
                "# HELP x y\nreqs{{app=\"shop\",code=\"ok\"}} {ok}\nreqs{{app=\"shop\",code=\"err\"}} 7\nheap 512\n"
            ),
        )
    });
    let prober = prober();
    let source = |name: &str, labels: &[(&str, &str)], among: &[(&str, &str)], answer| Source::Scrape {
        url: format!("http://127.0.0.1:{port}/metrics").into(),
        name: name.into(),
        labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        among: among.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        answer,
        token: None,
        headers: Vec::new(),
    };
    let heap = stream(source("heap", &[], &[], ScrapeAnswer::Value), "Int", MetricUnit::Count);
    assert_eq!(value(&prober, &heap).await, Ok(Value::Int(512)));
    let none = stream(source("nothing", &[], &[], ScrapeAnswer::Value), "Int", MetricUnit::Count);
    assert!(value(&prober, &none).await.unwrap_err().0.contains("no `nothing`"));
    TURN.store(0, Ordering::SeqCst);
    let mut grown = stream(source("reqs", &[("code", "ok")], &[], ScrapeAnswer::Increase), "Int", MetricUnit::Count);
    grown.window = Some(types::Duration::from_millis(300));
    assert!(value(&prober, &grown).await.unwrap_err().0.contains("was watched for"));
    let mut last = None;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(110)).await;
        last = Some(value(&prober, &grown).await);
    }
    // 1000 → 1100 → 1200 → (reset) 10; a slow machine looks at less of it.
    assert!(matches!(last, Some(Ok(Value::Int(10..=210)))), "{last:?}");
    let mut share = grown.clone();
    share.source = source("reqs", &[("code", "ok")], &[("app", "shop")], ScrapeAnswer::Share);
    share.of_type = "Percent".into();
    share.unit = MetricUnit::Ratio;
    tokio::time::sleep(Duration::from_millis(20)).await;
    match value(&prober, &share).await {
        // Every request in the window went well; the seven errors were before it.
        Ok(value) => assert_eq!(value, percent("100%")),
        Err(missing) => panic!("{missing}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_counted_as_ready_pods_are() {
    let rig = Rig::up(plan(
        "a: { command: [\"sleep\", \"1000\"] }, b: { command: [\"sleep\", \"1000\"], restart: false }",
        "pod.kill(all of ledger.pods(names: [\"b\"]))",
    ))
    .await;
    let of = ProcessSelector { service: "ledger".into(), ..ProcessSelector::default() };
    let ready = stream(Source::Processes { what: KubernetesFact::ReadyPods, of: of.clone() }, "Int", MetricUnit::Count);
    let rolled = stream(Source::Processes { what: KubernetesFact::RolledOut, of }, "Bool", MetricUnit::Count);
    let local = perturb::engine::local::drive::LocalDriver::at(rig.folder.path(), exe(), rig.driver.home().to_owned());
    let prober = prober().with_local(Arc::new(local));
    assert_eq!(value(&prober, &ready).await, Ok(Value::Int(2)));
    assert_eq!(value(&prober, &rolled).await, Ok(Value::Bool(true)));
    let (injection, undo) = rig.put_in(0).await;
    rig.seen(&injection, &undo).await;
    assert_eq!(value(&prober, &ready).await, Ok(Value::Int(1)));
    assert_eq!(value(&prober, &rolled).await, Ok(Value::Bool(false)));
}

/// Runs a server until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_gives_exactly_one_series_or_none() {
    let Some(program) = program("a_real_prometheus_gives_exactly_one_series_or_none") else { return };
    let folder = tempfile::tempdir().unwrap();
    let metrics = server(|_| answered("200 OK", "reqs{code=\"ok\"} 99\nreqs{code=\"err\"} 1\n"));
    let config = folder.path().join("prometheus.yml");
    std::fs::write(
        &config,
        format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs:\n- job_name: x\n  \
             static_configs: [{{ targets: [\"127.0.0.1:{metrics}\"] }}]\n"
        ),
    )
    .unwrap();
    let listen = port();
    let _server = Running(
        Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{listen}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let ask = async |query: &str, of_type: &str, unit: MetricUnit| {
        let source =
            Source::Prometheus { server: Some(format!("http://127.0.0.1:{listen}").into()), query: query.to_owned() };
        value(&prober(), &stream(source, of_type, unit)).await
    };
    let ratio = "sum(reqs{code=\"ok\"}) / sum(reqs)";
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match ask(ratio, "Percent", MetricUnit::Ratio).await {
            Ok(value) => {
                assert_eq!(value, percent("99%"));
                break;
            }
            Err(missing) => assert!(Instant::now() < end, "{missing}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ask("2 + 2", "Int", MetricUnit::Count).await, Ok(Value::Int(4)));
    for (query, says) in [
        ("reqs", "2 series"),
        ("nothing", "no series"),
        ("sum(reqs) / 0 - sum(reqs) / 0", "NaN"),
        ("sum(reqs) / 0", "+Inf"),
        ("sum(", "refuses the query"),
        ("reqs[1m]", "one number is wanted"),
    ] {
        let missing = ask(query, "Number", MetricUnit::Count).await.unwrap_err();
        assert!(missing.0.contains(says), "{query}: {missing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_checked_and_the_end_of_a_certificate_is_read() {
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(i64::try_from(now).unwrap() + 10 * 86_400).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0u8; 4096]).await;
                    let _ = stream.write_all(answered("200 OK", "hi").as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    let url: smol_str::SmolStr = format!("https://localhost:{port}/").into();
    let left = stream(Source::Tls { url: url.clone() }, "Duration", MetricUnit::S);
    match value(&prober(), &left).await {
        Ok(Value::Duration(d)) => {
            let days = d.as_nanos() / 1_000_000_000 / 3600;
            assert!((239..=240).contains(&days), "{d}");
        }
        other => panic!("{other:?}"),
    }
    let source = Source::Http { url, answer: HttpAnswer::Status, token: None, headers: Vec::new() };
    let status = stream(source, "Int", MetricUnit::Count);
    let missing = value(&prober(), &status).await.unwrap_err();
    assert!(missing.0.to_lowercase().contains("certificate"), "{missing}");
    let trusting = prober().trusting(&[certificate.pem().into_bytes()]);
    assert_eq!(value(&trusting, &status).await, Ok(Value::Int(200)));
}
