//! `cargo local`: the whole system on this machine.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use palisade_core::settings::LogLevel;
use palisade_edge::telemetry;
use palisade_local::{BreachService, ClockMode, NewAccount, Options, Payload, PumpMode, Stack};
use serde_json::{Map, Value, json};
use tracing_subscriber::layer::SubscriberExt;

const DEMO: (&str, &str) = ("demo@example.com", "correct-Horse-7-battery");

/// Signs in with the same password and may see incidents.
const OPERATOR: &str = "operator@example.com";

/// Runs every function of Palisade behind a gateway on this machine, with DynamoDB in process.
///
/// Settings such as `PALISADE_LOGIN_FAILURES_PER_IP=3` are read from the environment, apart from keys, tables and endpoints.
#[derive(Parser)]
#[command(name = "cargo local")]
struct Arguments {
    /// The gateway's port; 0 picks a free one.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// The embedded DynamoDB's port; 0 picks a free one.
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// The offline breach service's port; 0 picks a free one.
    #[arg(long, default_value_t = 8001)]
    hibp_port: u16,
    /// The topics' port; 0 picks a free one.
    #[arg(long, default_value_t = 8002)]
    sns_port: u16,
    /// The mail service's port; 0 picks a free one.
    #[arg(long, default_value_t = 8003)]
    ses_port: u16,
    /// The webhook receiver's port; 0 picks a free one.
    #[arg(long, default_value_t = 8004)]
    webhook_port: u16,
    /// Where breaches are looked up: `offline` over the common-password list, `live` at the public service, or the URL of another.
    #[arg(long, default_value = "offline")]
    breach: BreachService,
    /// Keeps the data in this file; without it everything is forgotten at the end.
    #[arg(long)]
    db: Option<PathBuf>,
    /// Whose time it runs on; `manual` is moved by POST /__local/clock.
    #[arg(long, value_enum, default_value_t)]
    clock: ClockMode,
    /// The policy profile: `seed` or `nist`.
    #[arg(long)]
    policy: Option<String>,
    /// The form of the events: `v2` for an HTTP API, `rest` for a REST API.
    #[arg(long, value_enum, default_value_t)]
    payload: Payload,
}

#[tokio::main]
async fn main() -> ExitCode {
    log_to_standard_error();
    let arguments = Arguments::parse();
    let stack = match Stack::start(options(arguments)).await {
        Ok(stack) => stack,
        Err(error) => {
            tracing::error!(target: "palisade_local", "{error}");
            return ExitCode::FAILURE;
        }
    };
    let named = |name: &str| NewAccount { identifier: name.into(), password: Some(DEMO.1.into()), ..NewAccount::default() };
    for account in [named(DEMO.0), NewAccount { role: Some("staff".into()), ..named(OPERATOR) }] {
        // A database file may have it already.
        if let Err(error) = stack.ensure_account(account).await {
            tracing::error!(target: "palisade_local", "{error}");
            return ExitCode::FAILURE;
        }
    }
    if let Ok((settings, _)) = stack.operators() {
        telemetry::announce(&settings);
    }
    if greet(&stack).is_err() {
        return ExitCode::FAILURE;
    }
    drop(tokio::signal::ctrl_c().await);
    stack.stop().await;
    ExitCode::SUCCESS
}

fn options(arguments: Arguments) -> Options {
    let of_the_stack = ["PALISADE_SECRET", "PALISADE_IDENTITY_KEY", "PALISADE_TEST_DYNAMODB_URL"];
    let ours = |name: &str| name.starts_with("PALISADE_") && !name.starts_with("PALISADE_TABLE_") && !of_the_stack.contains(&name);
    let mut settings: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| ours(name))
        .collect();
    settings.extend(arguments.policy.map(|policy| ("PALISADE_POLICY".to_owned(), policy)));
    // Whoever lets the gateway's port be picked runs several stacks at once.
    let beside = |port: u16| if arguments.port == 0 { 0 } else { port };
    Options {
        permissions: None,
        port: arguments.port,
        dynamodb_port: arguments.dynamodb_port,
        hibp_port: beside(arguments.hibp_port),
        sns_port: beside(arguments.sns_port),
        ses_port: beside(arguments.ses_port),
        webhook_port: beside(arguments.webhook_port),
        breach: arguments.breach,
        db: arguments.db,
        clock: arguments.clock,
        payload: arguments.payload,
        pump: PumpMode::Always,
        settings,
        dynamodb_url: None,
    }
}

/// The first line is for programs, the rest for people.
fn greet(stack: &Stack) -> std::io::Result<()> {
    let gateway = stack.gateway();
    let (identifier, password) = DEMO;
    let mut out = std::io::stdout();
    writeln!(out, "{}", first_line(stack))?;
    writeln!(
        out,
        "
Palisade runs at {gateway}, DynamoDB at {dynamodb}. Ctrl-C stops both.

Try it in a browser: {gateway}/

Or log in as the demo user:
  curl -i {gateway}/login -H 'content-type: application/json' -d '{{\"identifier\":\"{identifier}\",\"password\":\"{password}\"}}'

Guess a password, twice in a row, and meet the delay:
  curl -i {gateway}/login -H 'content-type: application/json' -d '{{\"identifier\":\"{identifier}\",\"password\":\"guess\"}}'

Read the messages to people, with the tokens in them, and those to operators:
  curl {gateway}/__local/mailbox

Work on incidents in a browser: {gateway}/board, as {operator} with the same password.

See what it cost in DynamoDB calls and hashes:
  curl {gateway}/__local/ledger
",
        dynamodb = stack.dynamodb(),
        operator = OPERATOR,
    )?;
    out.flush()
}

fn first_line(stack: &Stack) -> Value {
    json!({
        "gateway": stack.gateway(),
        "dynamodb": stack.dynamodb(),
        "hibp": stack.hibp().url,
        "sns": stack.sns().url,
        "ses": stack.ses().url,
        "webhook": stack.webhooks().url,
    })
}

fn log_to_standard_error() {
    let render = if std::io::stderr().is_terminal() { readable } else { telemetry::json };
    let lines = telemetry::lines(LogLevel::Info, std::io::stderr(), render);
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)));
    telemetry::hide_panics();
}

/// `12:00:00 WARN security authn_login_fail reason=wrong_password ip=127.0.0.1 …`
fn readable(fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = text("timestamp").split(['T', 'Z']).nth(1).unwrap_or_default();
    let what = if fields.contains_key("event") { text("event") } else { text("message") };
    let mut line = format!("{time} {:5} {} {what}", text("level"), text("target"));
    let shown_already =
        ["timestamp", "level", "target", "event", "message", "severity", "request_id", "decision_id", "decision", "_aws", "Events"];
    for (name, value) in fields.iter().filter(|(name, _)| !shown_already.contains(&name.as_str())) {
        let value = value.as_str().map_or_else(|| value.to_string(), |text| text.escape_debug().to_string());
        line.extend([" ", name, "=", &value]);
    }
    line
}
