//! The built `login` binary against a Lambda Runtime API: what is deployed, with its own start.

use acceptance::World;
use acceptance::runtime_api::{Lambda, LocalStack, Outcome, run_to_end, run_with};
use palisade_core::cognito::Refusal;
use palisade_core::incident::IncidentKind;
use palisade_local::{message_pairs, settings_pairs};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";

fn variables(world: &World, overrides: &[(&str, &str)]) -> Vec<(String, String)> {
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settings_pairs(world.stack().dynamodb(), Some(&world.stack().hibp().url), world.stack().table_prefix(), &overrides)
}

fn event(identifier: &str, password: &str) -> String {
    let mut event: Value = serde_json::from_str(include_str!("../../infra/events/login/success.json")).expect("JSON");
    event["body"] = json!(json!({ "identifier": identifier, "password": password }).to_string());
    event.to_string()
}

fn result(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Result(text) => serde_json::from_str(&text).expect("a JSON result"),
        Outcome::Error(text) => panic!("an error instead of a result: {text}"),
    }
}

#[tokio::test]
async fn the_built_binary_logs_in_refuses_and_keeps_its_secrets() {
    let world = World::builder().real_hashes().start().await;
    world.account("canary@example.com", PASSWORD).await;
    let noisy = [("PALISADE_LOG", "trace"), ("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_BACKTRACE", "1")];
    let mut lambda = Lambda::start("login", &variables(&world, &noisy)).await;

    let good = result(lambda.call(&event("canary@example.com", PASSWORD)).await);
    assert_eq!(good["statusCode"], 200, "{good}");
    assert_eq!(good["cookies"].as_array().map(Vec::len), Some(2));
    let wrong = result(lambda.call(&event("canary@example.com", "canary-Wrong-4711-fake")).await);
    assert_eq!(wrong["statusCode"], 401);
    let delayed = result(lambda.call(&event("canary@example.com", "canary-Wrong-4711-fake")).await);
    assert_eq!(delayed["statusCode"], 429);
    for nothing in ["{}", "null", "[1]"] {
        assert_eq!(result(lambda.call(nothing).await)["statusCode"], 400, "{nothing}");
    }
    let printed = lambda.stop().await;
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["authn_login_success", "session_created", "authn_login_fail", "excess_rate_limit_exceeded"]);
    let session = good["cookies"][0].as_str().expect("a cookie").split(['=', ';']).nth(1).expect("a value");
    for secret in [PASSWORD, "canary-Wrong-4711-fake", session, "canary@example.com", palisade_local::SECRET] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

/// Every shipped event, and the status it gets from the function it is for.
const EVENTS: [(&str, &str, u64); 17] = [
    ("login", include_str!("../../infra/events/login/success.json"), 200),
    ("login", include_str!("../../infra/events/login/rest.json"), 200),
    ("signup", include_str!("../../infra/events/signup/signup.json"), 202),
    ("signup", include_str!("../../infra/events/signup/resend.json"), 202),
    ("signup", include_str!("../../infra/events/signup/confirm.json"), 401),
    ("password-change", include_str!("../../infra/events/password-change/policy.json"), 200),
    ("password-change", include_str!("../../infra/events/password-change/change.json"), 401),
    ("password-change", include_str!("../../infra/events/password-change/reset-request.json"), 202),
    ("password-change", include_str!("../../infra/events/password-change/reset.json"), 401),
    ("sessions", include_str!("../../infra/events/sessions/logout.json"), 204),
    ("sessions", include_str!("../../infra/events/sessions/session.json"), 401),
    ("sessions", include_str!("../../infra/events/sessions/list.json"), 401),
    ("sessions", include_str!("../../infra/events/sessions/end-all.json"), 403),
    ("incidents", include_str!("../../infra/events/incidents/board.json"), 200),
    ("incidents", include_str!("../../infra/events/incidents/list.json"), 401),
    ("incidents", include_str!("../../infra/events/incidents/resolve.json"), 403),
    ("breach-check", include_str!("../../infra/events/breach-check/check.json"), 200),
];

#[tokio::test]
async fn r63_the_shipped_events_work_with_the_built_binaries() {
    let world = World::builder().real_hashes().start().await;
    world.account("demo@example.com", PASSWORD).await;
    for function in ["login", "signup", "password-change", "sessions", "incidents", "breach-check"] {
        let mut lambda = Lambda::start(function, &variables(&world, &[])).await;
        for (_, event, status) in EVENTS.iter().filter(|(of, ..)| *of == function) {
            let result = result(lambda.call(event).await);
            assert_eq!(result["statusCode"], *status, "{function} {result}");
        }
        for line in lambda.stop().await.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "every line is JSON: {line}");
        }
    }
}

#[tokio::test]
async fn r63_the_built_fan_out_and_mailer_take_the_shipped_batches_and_messages() {
    let world = World::start().await;
    let stack = world.stack();
    let webhook = format!("{}/hook", stack.webhooks().url);
    let messages = message_pairs(&stack.sns().url, &stack.ses().url, &webhook, &[]);
    let mut variables = variables(&world, &[("PALISADE_MAIL_FROM", "no-reply@example.com")]);
    variables.extend(messages);
    // A proxy in between would choose by itself where it connects to: none is asked.
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    variables.extend(proxies.map(|name| (name.to_owned(), "http://127.0.0.1:9".to_owned())));
    let mut lambda = Lambda::start("alert-fan-out", &variables).await;
    let done = Outcome::Result(r#"{"batchItemFailures":[]}"#.to_owned());
    for event in [
        include_str!("../../infra/events/alert-fan-out/incidents.json"),
        include_str!("../../infra/events/alert-fan-out/notices.json"),
        include_str!("../../infra/events/alert-fan-out/poison.json"),
    ] {
        assert_eq!(lambda.call(event).await, done, "items that are gone are nothing to tell of");
    }
    assert!(world.counter("set_aside#").await.is_some_and(|kept| kept["content"].to_string().contains("edited by hand")));
    assert!(matches!(lambda.call("{}").await, Outcome::Error(_)), "no batch ends up where failed events do");
    let id = world.open_incident(IncidentKind::BruteForce, "192.0.2.7", 1).await;
    let batch = json!({ "Records": [world.incident_record(&id, 1, 1)] }).to_string();
    assert_eq!(lambda.call(&batch).await, done);
    assert_eq!((stack.sns().published().len(), stack.webhooks().received().len()), (1, 1), "over the wire of the real SDK");
    let printed = lambda.stop().await;
    assert!(printed.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && printed.contains("alert_sent"), "{printed}");
    let mut lambda = Lambda::start("notice-mailer", &variables).await;
    let event = include_str!("../../infra/events/notice-mailer/notice.json");
    assert_eq!(lambda.call(event).await, Outcome::Result("null".to_owned()));
}

#[tokio::test]
async fn r63_the_built_triggers_take_every_recorded_event_of_a_pool() {
    let world = World::builder().real_hashes().start().await;
    world.account("django@example.com", PASSWORD).await;
    let mut lambda = Lambda::start("cognito-triggers", &variables(&world, &[])).await;
    let mut migrated = 0;
    for (path, event) in crate::cognito_events::recorded() {
        match lambda.call(&event).await {
            Outcome::Result(answer) => {
                let answer: Value = serde_json::from_str(&answer).expect("JSON");
                migrated += u32::from(answer["response"]["finalUserStatus"] == "CONFIRMED");
            }
            Outcome::Error(text) => {
                assert!(
                    Refusal::ALL.iter().any(|refusal| text.ends_with(&format!("\"{}\"}}", refusal.as_str()))),
                    "{path}: {text}"
                );
            }
        }
    }
    assert_eq!(migrated, 1);
    let printed = lambda.stop().await;
    assert!(printed.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{printed}");
    assert!(printed.contains("user_migrated") && !printed.contains(PASSWORD), "{printed}");
    let (started, printed) = run_to_end("cognito-triggers", &[]).await;
    assert!(!started && printed.contains("PALISADE_TABLE_ACCOUNTS"), "{printed}");
}

#[tokio::test]
async fn d22_a_fan_out_without_its_topics_does_not_start_and_says_why() {
    let world = World::start().await;
    let (started, printed) = run_to_end("alert-fan-out", &variables(&world, &[])).await;
    assert!(!started && printed.contains("PALISADE_TOPIC_ALERTS"), "{printed}");
}

#[tokio::test]
async fn r63_the_built_authorizer_answers_each_form_and_refuses_rest_with_the_one_text() {
    let world = World::start().await;
    let account = world.account("alice@example.com", PASSWORD).await;
    // Neither the built binary's clock nor its hashes are this world's; a session's owner is.
    let login = result(Lambda::start("login", &variables(&world, &[])).await.call(&event("alice@example.com", PASSWORD)).await);
    let token = login["cookies"][0].as_str().expect("a cookie").split(';').next().expect("a value").to_owned();
    let mut lambda = Lambda::start("session-validation", &variables(&world, &[])).await;
    let v2 = include_str!("../../infra/events/session-validation/http-v2.json");
    assert_eq!(lambda.call(v2).await, Outcome::Result(r#"{"isAuthorized":false}"#.to_owned()));
    let mut live: Value = serde_json::from_str(v2).expect("JSON");
    live["cookies"] = json!([token]);
    live["headers"]["user-agent"] = json!("curl/8.5.0");
    let allowed = result(lambda.call(&live.to_string()).await);
    assert_eq!((&allowed["isAuthorized"], &allowed["context"]["account_id"]), (&json!(true), &json!(account)));
    let v1 = result(lambda.call(include_str!("../../infra/events/session-validation/http-v1.json")).await);
    assert_eq!(v1["policyDocument"]["Statement"][0]["Effect"], "Deny");
    for rest in [
        include_str!("../../infra/events/session-validation/rest-request.json"),
        include_str!("../../infra/events/session-validation/rest-token.json"),
    ] {
        let Outcome::Error(text) = lambda.call(rest).await else { panic!("an error") };
        let error: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(error["errorMessage"], "Unauthorized", "the text that API Gateway turns into a 401");
    }
}

#[tokio::test]
async fn r66_one_command_runs_the_system_with_a_user_in_it() {
    let mut local = LocalStack::start().await;
    let reply = local.post("/login", &json!({ "identifier": "demo@example.com", "password": PASSWORD })).await;
    assert_eq!(reply["password_change_required"], json!(false), "{reply}");
    assert!(local.greeting().await.contains("curl -i http://127.0.0.1:"));
}

#[tokio::test]
async fn d22_bad_settings_stop_the_start_with_one_message_naming_all_of_them() {
    let world = World::start().await;
    let mut bad = variables(
        &world,
        &[
            ("PALISADE_POLICY", "canary-policy"),
            ("PALISADE_SECRET", "canary-short"),
            ("PALISADE_ARGON2_MEMORY_KIB", "1024"),
            ("PALISADE_TABEL_COUNTERS", "canary"),
        ],
    );
    bad.retain(|(name, _)| name != "PALISADE_TABLE_ACCOUNTS");
    let (succeeded, printed) = run_to_end("login", &bad).await;
    assert!(!succeeded);
    assert_eq!(printed.lines().count(), 1, "{printed}");
    for name in ["PALISADE_POLICY", "PALISADE_SECRET", "PALISADE_ARGON2_*", "PALISADE_TABEL_COUNTERS", "PALISADE_TABLE_ACCOUNTS"] {
        assert!(printed.contains(name), "{name} in {printed}");
    }
    assert!(!printed.contains("canary"), "{printed}");
}

#[tokio::test]
async fn d20_a_missing_secret_stops_the_start_by_its_name() {
    let world = World::start().await;
    for name in ["PALISADE_SECRET", "PALISADE_IDENTITY_KEY"] {
        let mut variables = variables(&world, &[]);
        variables.retain(|(known, _)| known != name);
        let (succeeded, printed) = run_to_end("login", &variables).await;
        assert!(!succeeded && printed.contains(&format!("{name} is missing")), "{printed}");
    }
}

#[tokio::test]
async fn p17_weak_argon2_stops_the_start_unless_it_is_allowed() {
    let world = World::start().await;
    let weak = variables(&world, &[("PALISADE_ARGON2_MEMORY_KIB", "1024"), ("PALISADE_ARGON2_PASSES", "3")]);
    let (succeeded, printed) = run_to_end("login", &weak).await;
    assert!(!succeeded && printed.contains("PALISADE_ARGON2_* is weaker"), "{printed}");
}

#[tokio::test]
async fn the_local_stacks_keys_are_refused_where_dynamodb_is_elsewhere() {
    let world = World::start().await;
    let elsewhere = [("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.eu-central-1.amazonaws.com")];
    let variables = variables(&world, &elsewhere);
    let (succeeded, printed) = run_to_end("login", &variables).await;
    assert!(!succeeded);
    assert!(printed.contains("PALISADE_SECRET is the local stack's"), "{printed}");
}

#[tokio::test]
async fn a_start_that_does_not_enforce_limits_is_a_critical_event_with_a_metric_and_palisade_answers_from_its_variables() {
    let world = World::start().await;
    for function in ["login", "session-validation"] {
        let mut lambda = Lambda::start(function, &variables(&world, &[("PALISADE_LIMITS", "monitor")])).await;
        lambda.call("{}").await;
        let printed = lambda.stop().await;
        let line = printed.lines().find(|line| line.contains("limits_not_enforced")).expect("told");
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&line["severity"], &line["LimitsMonitored"]), (&json!("critical"), &json!(1)), "{function}");
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Palisade");
    }
    let (done, printed) = run_with("palisade", &["why", "nobody@example.com"], &variables(&world, &[])).await;
    assert!(done && printed.contains("does not exist") && printed.contains("login_delay"), "{printed}");
}

#[tokio::test]
async fn d08_an_endpoint_that_is_gone_is_503() {
    let world = World::start().await;
    let gone = [("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1"), ("PALISADE_OPERATION_TIMEOUT_MS", "500")];
    let variables = variables(&world, &gone);
    let mut lambda = Lambda::start("login", &variables).await;
    let reply = result(lambda.call(&event("alice@example.com", PASSWORD)).await);
    assert_eq!(reply["statusCode"], 503, "{reply}");
    lambda.stop().await;
}

#[tokio::test]
async fn sc04_a_panic_is_a_fixed_500_in_the_callers_form_and_its_message_is_nowhere() {
    let mut lambda = Lambda::start("panicking", &[("RUST_BACKTRACE".to_owned(), "full".to_owned())]).await;
    let changed = |text: &str, path: &str| {
        let mut event: Value = serde_json::from_str(text).expect("JSON");
        event["body"] = json!("canary-Password-4711-fake");
        let key = if event["version"] == "2.0" { "rawPath" } else { "path" };
        event[key] = json!(path);
        event.to_string()
    };
    let (v2, rest) = (include_str!("../../infra/events/login/success.json"), include_str!("../../infra/events/login/rest.json"));
    for path in ["/early", "/late"] {
        let reply = result(lambda.call(&changed(v2, path)).await);
        assert_eq!(
            (reply["statusCode"].as_u64(), reply["headers"]["x-content-type-options"].as_str()),
            (Some(500), Some("nosniff"))
        );
        let body: Value = serde_json::from_str(reply["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!((body["code"].as_str(), body["detail"].as_str()), (Some("internal"), Some("Something is wrong on our side.")));
        let reply = result(lambda.call(&changed(rest, path)).await);
        assert_eq!((reply["statusCode"].as_u64(), &reply["multiValueHeaders"]["x-frame-options"]), (Some(500), &json!(["DENY"])));
    }
    // The same environment goes on, and a handler that never ends is cut off at the deadline.
    assert_eq!(result(lambda.call(&changed(v2, "/never")).await)["statusCode"], 503);
    let printed = lambda.stop().await;
    assert!(!printed.contains("canary"), "{printed}");
    assert_eq!(printed.matches("handler_panicked").count(), 4, "{printed}");
    assert_eq!(printed.matches("panicking.rs:").count(), 4, "each with its place: {printed}");
    assert_eq!(printed.matches("deadline_exceeded").count(), 1);
}
