//! What requests cost: the table in infra/OPERATIONS.md, made of what the ledger counts, what the benchmark measured and what AWS charges.

use acceptance::World;
use palisade_core::event::{EventKind, Severity};
use palisade_local::Entry;
use palisade_local::template::template;
use serde::Deserialize;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const NEW: &str = "Violet-Kettle-9-harbour";
const DOCUMENT: &str = include_str!("../../infra/OPERATIONS.md");
const MEASURED: &str = include_str!("../../infra/bench/results.csv");

#[derive(Deserialize)]
struct Prices {
    as_of: String,
    region: String,
    per_million: PerMillion,
    lambda_gb_second_arm64: f64,
    log_gigabyte: f64,
    monthly: Monthly,
    assumed: Assumed,
}

#[derive(Deserialize)]
struct PerMillion {
    read_unit: f64,
    write_unit: f64,
    lambda_request: f64,
    http_api_request: f64,
}

#[derive(Deserialize)]
struct Monthly {
    alarm: f64,
    metric: f64,
    key: f64,
    secret: f64,
}

#[derive(Deserialize)]
struct Assumed {
    dynamodb_round_trip_ms: f64,
    lambda_log_lines_bytes: f64,
}

fn prices() -> Prices {
    serde_json::from_str(include_str!("../../infra/prices.json")).expect("prices")
}

/// A column of the benchmark's results for `flow`.
fn measured(flow: &str, column: &str) -> f64 {
    let mut lines = MEASURED.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().and_then(|head| head.iter().position(|name| *name == column)).expect("a column");
    lines.find(|cells| cells[0] == flow).and_then(|cells| cells[place].parse().ok()).expect("a measure")
}

/// The memory of `function`, in MB, as deployed.
fn memory(function: &str) -> f64 {
    let template = template();
    let resources = template["Resources"].as_object().expect("resources");
    let found = resources.values().find(|resource| resource["Metadata"]["BuildProperties"]["Binary"] == function);
    let own = &found.expect("the function")["Properties"]["MemorySize"];
    own.as_f64().or_else(|| template["Globals"]["Function"]["MemorySize"].as_f64()).expect("a size")
}

/// The memory that comes with one whole vCPU, in MB (AWS Lambda developer guide, "Configure Lambda function memory").
const WHOLE_CORE_MB: f64 = 1_769.0;

/// The milliseconds that are paid for one request of `flow`.
fn billed(flow: &str, entry: &Entry) -> f64 {
    let waits = f64::from(u32::try_from(entry.depth).expect("few")) * prices().assumed.dynamodb_round_trip_ms;
    (measured(flow, "processor_ms") * (WHOLE_CORE_MB / memory(&entry.function)).max(1.0) + waits).ceil()
}

/// The line of the table for `flow`, which cost what `entry` says, and the dollars for a million of it.
fn line(flow: &str, entry: &Entry, through_the_api: bool) -> (String, f64) {
    let (prices, memory, billed) = (prices(), memory(&entry.function), billed(flow, entry));
    let api = if through_the_api { prices.per_million.http_api_request } else { 0.0 };
    let lambda = prices.per_million.lambda_request + billed / 1_000.0 * memory / 1_024.0 * prices.lambda_gb_second_arm64 * 1e6;
    let units = entry.read_units() * prices.per_million.read_unit + entry.write_units() * prices.per_million.write_unit;
    let log = (measured(flow, "log_bytes") + prices.assumed.lambda_log_lines_bytes) / 1e9 * 1e6 * prices.log_gigabyte;
    let sum = api + lambda + units + log;
    let (reads, writes, depth, hashes) = (entry.read_units(), entry.write_units(), entry.depth, entry.hashes);
    let counted = format!("| {flow} | {reads} | {writes} | {depth} | {hashes} | {billed}");
    (format!("{counted} | {api:.2} | {lambda:.2} | {units:.2} | {log:.2} | {sum:.2} |"), sum)
}

/// The line of the limits for so many logins a second, each of which cost what `entry` says and so many dollars a million.
fn limits(rate: u32, entry: &Entry, million: f64) -> String {
    let rate = f64::from(rate);
    let of_counters: f64 = entry.calls.iter().filter(|call| call.table == "counters").map(|call| call.write_units).sum();
    let environments = (rate * billed("login", entry) / 1_000.0).ceil();
    let megabytes = rate * (measured("login", "log_bytes") + prices().assumed.lambda_log_lines_bytes) / 1e6;
    let (reads, writes, hour) = (rate * entry.read_units(), rate * entry.write_units(), rate * 3_600.0 / 1e6 * million);
    format!("| {rate} | {environments} | {reads} | {writes} | {} | {megabytes:.2} | {hour:.2} |", rate * of_counters)
}

fn last(world: &World, function: &str) -> Entry {
    let entries = world.stack().ledger().entries();
    entries.into_iter().rev().find(|entry| entry.function == function).expect("a request")
}

#[tokio::test]
async fn r65_the_table_of_costs_is_what_the_ledger_counts_the_benchmark_measured_and_aws_charges() {
    let world = World::builder().real_hashes().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let mut lines = Vec::new();

    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200);
    let login = last(&world, "login");
    lines.push(line("login", &login, true));
    assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
    lines.push(line("wrong-password", &last(&world, "login"), true));

    let guesser = world.stranger();
    for n in 0..6 {
        guesser.login(&format!("name-{n}@example.com"), "wrong").await;
    }
    assert_eq!(guesser.login("alice@example.com", "wrong").await.status(), 429);
    lines.push(line("refusal", &last(&world, "login"), true));

    let owner = reply.session();
    assert_eq!(owner.get("/protected").await.status(), 200);
    lines.push(line("validation", &last(&world, "session-validation"), false));

    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(owner.post("/password/change", &body).await.status(), 200);
    lines.push(line("password-change", &last(&world, "password-change"), true));
    let body = json!({ "email": "new@example.com", "password": NEW });
    assert_eq!(world.stranger().post("/signup", &body).await.status(), 202);
    lines.push(line("sign-up", &last(&world, "signup"), true));
    assert_eq!(world.stranger().post("/breach-check", &json!({ "password": "password" })).await.status(), 200);
    lines.push(line("breach-check", &last(&world, "breach-check"), true));

    let million = lines[0].1;
    let lines = lines.into_iter().map(|(line, _)| line);
    let lines: Vec<String> = lines.chain([10, 1_000, 50_000].map(|rate| limits(rate, &login, million))).collect();
    // Each line, and no other that begins like one.
    let kinds: Vec<&str> = lines.iter().map(|line| line.split(" | ").next().expect("a cell")).collect();
    let is_one = |line: &&str| kinds.iter().any(|kind| line.split(" | ").next() == Some(kind)) && line.matches('|').count() != 10;
    let there: Vec<&str> = DOCUMENT.lines().filter(is_one).collect();
    assert_eq!(there, lines, "infra/OPERATIONS.md should say\n{}", lines.join("\n"));
}

#[test]
fn r65_what_is_paid_every_month_and_the_date_of_the_prices_are_those_of_the_data() {
    let prices = prices();
    let template = template();
    let resources = template["Resources"].as_object().expect("resources");
    let of = |kind: &str| resources.values().filter(|resource| resource["Type"] == kind).count();
    let count = |number: usize| f64::from(u32::try_from(number).expect("few"));
    let metrics = EventKind::ALL.iter().filter(|kind| kind.severity() > Severity::Info).count();
    // An alarm on an expression is paid for each metric in it.
    let alarms = resources.values().filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
    let metrics_of = |alarm: &Value| {
        let metrics = alarm["Properties"]["Metrics"].as_array();
        metrics.map_or(1, |metrics| metrics.iter().filter(|metric| metric["MetricStat"].is_object()).count())
    };
    let sum = count(alarms.map(metrics_of).sum()) * prices.monthly.alarm
        + count(of("AWS::SecretsManager::Secret")) * prices.monthly.secret
        + count(of("AWS::KMS::Key")) * prices.monthly.key;
    let most = sum + count(metrics) * prices.monthly.metric;
    // Count, latency, integration latency, 4xx, 5xx and data, for each route.
    let of_routes = count(6 * palisade_core::route::ROUTES.len()) * prices.monthly.metric;
    let sentence = format!(
        "{sum:.2} dollars a month for alarms, key and secrets, and up to {most:.2} with a metric for each of the {metrics} events from a warning up, if all of them happen"
    );
    assert!(DOCUMENT.contains(&sentence), "{sentence}");
    let sentence = format!("{of_routes:.2} with the API's metrics of every route");
    assert!(DOCUMENT.contains(&sentence), "{sentence}");
    let date = format!("Prices of {} in {}", prices.as_of, prices.region);
    assert!(DOCUMENT.contains(&date), "{date}");
    let assumed = format!("{} ms for a round trip to DynamoDB", prices.assumed.dynamodb_round_trip_ms);
    assert!(DOCUMENT.contains(&assumed), "{assumed}");
}

#[test]
fn the_committed_results_hold_what_is_promised_and_stand_in_the_document() {
    for line in MEASURED.lines() {
        assert!(DOCUMENT.contains(&format!("| {} |", line.replace(',', " | "))), "{line}");
    }
    let flows = MEASURED.lines().skip(1).filter_map(|line| line.split(',').next()).filter(|flow| !flow.starts_with("echo"));
    for flow in flows {
        assert!(measured(flow, "init_ms") <= 3.0 * measured("echo", "init_ms"), "{flow}");
    }
    assert!(measured("login", "first_ms") <= 1.5 * measured("echo-hash", "first_ms") && measured("login", "peak_mib") <= 48.0);
}

#[test]
fn every_function_is_in_the_results_of_the_benchmark() {
    for resource in template()["Resources"].as_object().expect("resources").values() {
        let Value::String(function) = &resource["Metadata"]["BuildProperties"]["Binary"] else { continue };
        assert!(MEASURED.lines().any(|line| line.split(',').nth(1) == Some(function)), "{function}");
    }
}
