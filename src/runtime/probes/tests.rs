//! What can be said without a server.

use std::time::{Duration, Instant};

use super::convert::{number, value};
use super::objective::{Asked, spent};
use super::prometheus::result;
use super::scrape::{History, read};
use crate::plan::{MetricUnit, ObjectiveFact, ScrapeAnswer};
use crate::types::{self, Decimal, Percent, Value};

fn decimal(text: &str) -> Decimal {
    number(text).unwrap()
}

#[test]
fn numbers_are_exact_and_finite() {
    assert_eq!(decimal("0.995").to_string(), "0.995");
    assert_eq!(decimal("1.5e-03").to_string(), "0.0015");
    assert_eq!(decimal("1e3").to_string(), "1000");
    assert!(decimal("0.33333333333333333333333333333333333").to_string().starts_with("0.3333"));
    for text in ["NaN", "+Inf", "-Inf", "", "x", "1 2", "1_2"] {
        assert!(number(text).is_err(), "{text}");
    }
}

#[test]
fn a_number_becomes_a_value_of_the_type_or_nothing() {
    let of = |n: &str, unit, ty| value(decimal(n), unit, ty);
    assert_eq!(of("0.995", MetricUnit::Ratio, "Percent"), Ok(Value::Percent("99.5%".parse::<Percent>().unwrap())));
    assert_eq!(of("99.5", MetricUnit::Percent, "Percent"), Ok(Value::Percent("99.5%".parse::<Percent>().unwrap())));
    assert_eq!(of("0.25", MetricUnit::S, "Duration"), Ok(Value::Duration(types::Duration::from_millis(250))));
    assert_eq!(of("250", MetricUnit::Ms, "Duration"), Ok(Value::Duration(types::Duration::from_millis(250))));
    assert_eq!(of("1", MetricUnit::Count, "Bool"), Ok(Value::Bool(true)));
    assert!(of("2", MetricUnit::Count, "Bool").is_err());
    assert!(of("1.5", MetricUnit::Count, "Int").is_err());
    assert!(of("-1", MetricUnit::S, "Duration").is_err());
    assert!(of("1", MetricUnit::Count, "Url").is_err());
}

#[test]
fn prometheus_gives_one_number_or_none() {
    let ask = |text: &str| result(&serde_json::from_str(text).unwrap());
    let vector =
        |series: &str| format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#);
    let one = r#"{"metric":{},"value":[1,"0.5"]}"#;
    assert_eq!(ask(&vector(one)), Ok(decimal("0.5")));
    assert!(ask(&vector("")).is_err() && ask(&vector(&format!("{one},{one}"))).is_err());
    assert_eq!(ask(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"4"]}}"#), Ok(decimal("4")));
    assert!(ask(r#"{"status":"error","error":"parse error"}"#).unwrap_err().0.contains("parse error"));
    assert!(ask("{}").is_err() && ask("[]").is_err());
}

#[test]
fn a_page_is_read_with_its_labels_whatever_is_in_them() {
    let page = "x{a=\"q\\\"}{,\",b=\"1\"} 2 1700000000\nx 3\nx_total 9\nx{a=\"broken} 1\nx{b=\"2\"} NaN\n";
    assert_eq!(read(page, "x").unwrap().values().filter(|value| value.is_ok()).count(), 2);
    assert!(read(page, "y").is_err() && read("", "x").is_err());
}

#[test]
fn a_value_is_that_of_one_series_and_no_page_is_too_much() {
    let page = "m{a=\"1\"} NaN\nm{a=\"2\"} 3\nh 7.9e28\nbig{a=\"1\"} 7.9e28\nbig{a=\"2\"} 7.9e28\n\
        b_bucket{le=\"7e28\"} 7.9e28\nb_bucket{le=\"+Inf\"} 7.9e28\n";
    let begin = Instant::now();
    let second = Duration::from_secs(1);
    let look = |name: &str, labels: &[(&str, &str)], answer| {
        let labels: Vec<_> = labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let mut history = History::default();
        // Whatever it was before.
        let _ = history.look(
            read(&page.replace(" 7.9e28", " -7.9e28"), name).unwrap(),
            &labels,
            &[],
            answer,
            Some(second),
            begin,
        );
        history.look(read(page, name).unwrap(), &labels, &[], answer, Some(second), begin + second)
    };
    assert_eq!(look("m", &[("a", "2")], ScrapeAnswer::Value), Ok(decimal("3")));
    let said = |answer: Result<Decimal, super::Missing>| answer.unwrap_err().0;
    assert!(said(look("m", &[], ScrapeAnswer::Value)).contains("2 series have these labels"));
    assert!(said(look("m", &[("a", "1")], ScrapeAnswer::Value)).contains("NaN"));
    assert!(said(look("m", &[("a", "3")], ScrapeAnswer::Value)).contains("no series"));
    for name in ["h", "big"] {
        for answer in [ScrapeAnswer::Increase, ScrapeAnswer::Rate, ScrapeAnswer::Share] {
            assert_eq!(said(look(name, &[], answer)), "the numbers are too large", "{name} {answer:?}");
        }
    }
    let quantile = ScrapeAnswer::Quantile("99%".parse().unwrap());
    assert_eq!(said(look("b", &[], quantile)), "the numbers are too large");
}

#[test]
fn what_others_say_cannot_move_a_cursor() {
    let said = super::Missing("`\u{1b}[2J\r\u{7}red` is no number".to_owned()).legible();
    assert_eq!(said.0, "`\\u{1b}[2J\\r\\u{7}red` is no number");
    assert_eq!(super::Missing("x".repeat(100_000)).legible().0.len(), 400);
}

#[test]
fn a_quantile_is_what_histogram_quantile_gives() {
    let page = |n: u32| {
        format!(
            "d_bucket{{le=\"0.1\"}} {}\nd_bucket{{le=\"0.5\"}} {}\nd_bucket{{le=\"1\"}} {}\nd_bucket{{le=\"+Inf\"}} {}\n",
            50 * n,
            90 * n,
            100 * n,
            100 * n
        )
    };
    let ask = |percent: &str| {
        let mut history = History::default();
        let begin = Instant::now();
        let window = Some(Duration::from_secs(10));
        let quantile = ScrapeAnswer::Quantile(percent.parse().unwrap());
        let first = read(&page(1), "d").unwrap();
        assert!(history.look(first, &[], &[], quantile, window, begin).is_err());
        let second = read(&page(2), "d").unwrap();
        history.look(second, &[], &[], quantile, window, begin + Duration::from_secs(10))
    };
    assert_eq!(ask("50%"), Ok(decimal("0.1")));
    assert_eq!(ask("70%"), Ok(decimal("0.3")));
    assert_eq!(ask("95%"), Ok(decimal("0.75")));
    assert_eq!(ask("100%"), Ok(decimal("1")));
}

#[test]
fn a_rate_divides_by_the_time_between_the_looks() {
    let mut history = History::default();
    let begin = Instant::now();
    let window = Some(Duration::from_secs(10));
    let mut look = |n: u32, after: u64| {
        let page = read(&format!("n {n}"), "n").unwrap();
        history.look(page, &[], &[], ScrapeAnswer::Rate, window, begin + Duration::from_secs(after))
    };
    assert!(look(0, 0).is_err() && look(50, 5).is_err());
    assert_eq!(look(100, 10), Ok(decimal("10")));
    assert_eq!(look(400, 15), Ok(decimal("35")));
    // A reset: 20 is growth from nothing.
    assert_eq!(look(20, 20), Ok(decimal("32")));
}

#[test]
fn budgets_are_computed_as_the_reference_says() {
    let asked = |what| Asked {
        what,
        unit: MetricUnit::Ratio,
        objective: decimal("99.9"),
        window: types::Duration::from_secs(30 * 86_400),
        over: Some(types::Duration::from_secs(3600)),
        running: Duration::from_secs(60),
    };
    let month = types::Duration::from_secs(30 * 86_400);
    let hour = types::Duration::from_secs(3600);
    assert_eq!(spent(decimal("0.9995"), &asked(ObjectiveFact::BudgetLeft), month), Some(decimal("50")));
    assert_eq!(spent(decimal("0.99"), &asked(ObjectiveFact::BurnRate), hour), Some(decimal("10")));
    let part = spent(decimal("0.99"), &asked(ObjectiveFact::BudgetSpent), hour).unwrap();
    assert_eq!(part.round_dp(4), decimal("1.3889"));
    // What is no share at all is no sample, and no panic.
    for what in [ObjectiveFact::BudgetLeft, ObjectiveFact::BurnRate, ObjectiveFact::BudgetSpent] {
        for measured in [Decimal::MIN, Decimal::MAX] {
            assert_eq!(spent(measured, &asked(what), month), None, "{what:?}");
        }
    }
}

#[test]
fn a_mounted_secret_is_a_folder_with_a_token() {
    use super::secret::{FromEnvironment, Secret, Secrets};
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mounted")).unwrap();
    std::fs::write(folder.path().join("mounted/token"), "abc\n").unwrap();
    std::fs::write(folder.path().join("plain"), "def\n").unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let secrets = FromEnvironment { folder: Some(folder.path().to_owned()) };
    assert_eq!(secrets.secret("mounted"), Ok(Secret::new("abc")));
    assert_eq!(secrets.secret("plain"), Ok(Secret::new("def")));
    for missing in ["empty", "nowhere"] {
        let reason = secrets.secret(missing).unwrap_err();
        assert!(reason.0.contains(missing) && reason.0.contains("PERTURB_SECRET_"), "{reason}");
    }
}
