//! Requests and events that are not what they should be.

use acceptance::World;
use base64ct::Encoding;
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const JSON: Option<&str> = Some("application/json");

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world.account("demo@example.com", PASSWORD).await;
    world
}

/// Calls the function with `event` and returns status, body and headers.
async fn call(world: &World, event: &Value) -> (u64, Value, Value) {
    let result: Value =
        serde_json::from_str(&world.stack().call("login", &event.to_string()).await.expect("a function")).expect("a JSON result");
    let body = serde_json::from_str(result["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let headers = if result["headers"].is_null() { &result["multiValueHeaders"] } else { &result["headers"] };
    (result["statusCode"].as_u64().expect("a status"), body, headers.clone())
}

fn event(changes: &Value) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../infra/events/login/success.json")).expect("JSON");
    merge(&mut event, changes);
    event
}

fn rest_event(changes: &Value) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../infra/events/login/rest.json")).expect("JSON");
    merge(&mut event, changes);
    event
}

/// Objects are merged, everything else replaced.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn credentials() -> String {
    json!({ "identifier": "alice@example.com", "password": PASSWORD }).to_string()
}

/// Sends each body and expects the one fixed answer, nothing repeated, nothing counted.
async fn refuses(bodies: &[&str]) {
    let world = world().await;
    for body in bodies {
        let reply = world.stranger().send(Method::POST, "/login", JSON, body.as_bytes().to_vec()).await;
        assert_eq!((reply.status(), reply.code().as_str()), (400, "invalid_request"), "{body}");
        assert!(!reply.text.contains("canary") && !reply.text.contains("12345") && !reply.text.contains("line"), "{}", reply.text);
    }
    assert!(world.items("counters").await.is_empty());
    assert_eq!(world.hashes(), 0);
}

#[tokio::test]
async fn i01_malformed_json_and_duplicate_keys_are_one_fixed_400_and_count_nowhere() {
    refuses(&[
        "",
        "{",
        "null",
        "[]",
        "\"text\"",
        "{\"identifier\":\"canary\",\"password\":\"canary\"} trailing",
        "{\"identifier\":\"canary\",\"identifier\":\"canary\",\"password\":\"canary\"}",
        "{\"identifier\":\"canary\",\"password\":\"canary\",\"password\":\"canary\"}",
        "{\"identifier\":\"canary\",\"password\":NaN}",
        "{/* canary */\"identifier\":\"canary\",\"password\":\"canary\"}",
        "{\"identifier\":\"canary\"}",
        "{\"password\":\"canary\"}",
        "{\"identifier\":\"canary\",\"password\":\"\\ud800\"}",
    ])
    .await;
}

#[tokio::test]
async fn i02_a_password_that_is_no_text_is_400_and_never_repeated() {
    refuses(&[
        "{\"identifier\":\"canary\",\"password\":12345}",
        "{\"identifier\":\"canary\",\"password\":[\"canary\"]}",
        "{\"identifier\":\"canary\",\"password\":{\"canary\":1}}",
        "{\"identifier\":\"canary\",\"password\":null}",
        "{\"identifier\":\"canary\",\"password\":true}",
        "{\"identifier\":[\"canary\"],\"password\":\"canary\"}",
    ])
    .await;
}

#[tokio::test]
async fn i12_unknown_fields_and_modes_are_400() {
    refuses(&[
        "{\"identifier\":\"canary\",\"password\":\"canary\",\"is_admin\":true}",
        "{\"identifier\":\"canary\",\"password\":\"canary\",\"mode\":\"canary\"}",
    ])
    .await;
}

#[tokio::test]
async fn i04_other_content_types_are_415_before_anything_is_parsed() {
    let world = world().await;
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=utf-16"),
        Some("multipart/form-data; boundary=x"),
    ] {
        for body in [credentials(), "{".to_owned()] {
            let reply = world.stranger().send(Method::POST, "/login", content_type, body.into_bytes()).await;
            assert_eq!((reply.status(), reply.code().as_str()), (415, "unsupported_media_type"), "{content_type:?}");
        }
    }
    assert!(world.items("counters").await.is_empty());
    let utf_8 = Some("application/json; charset=UTF-8");
    assert_eq!(world.stranger().send(Method::POST, "/login", utf_8, credentials().into_bytes()).await.status(), 200);
}

#[tokio::test]
async fn i06_large_bodies_and_headers_are_413_and_user_agents_are_cut() {
    let world = world().await;
    let padded = |length: usize| format!("{}{}", credentials(), " ".repeat(length - credentials().len())).into_bytes();
    assert_eq!(world.stranger().send(Method::POST, "/login", JSON, padded(16 * 1024)).await.status(), 200);
    let over = world.stranger().send(Method::POST, "/login", JSON, padded(16 * 1024 + 1)).await;
    assert_eq!((over.status(), over.code().as_str()), (413, "payload_too_large"));
    // The same in base64, as the gateway sends what it does not take for text.
    let base64 = base64ct::Base64::encode_string(&padded(16 * 1024 + 1));
    let (status, body, _) = call(&world, &event(&json!({ "body": base64, "isBase64Encoded": true }))).await;
    assert_eq!((status, body["code"].as_str()), (413, Some("payload_too_large")));

    let (status, ..) = call(&world, &event(&json!({ "headers": { "x-long": "x".repeat(17_000) } }))).await;
    assert_eq!(status, 413);
    let agent = "\u{e9}".repeat(3_000);
    let (status, ..) = call(&world, &event(&json!({ "headers": { "user-agent": agent }, "body": credentials() }))).await;
    assert_eq!(status, 200);
    let sessions = world.items("sessions").await;
    assert!(sessions.iter().all(|session| session["user_agent"].as_str().is_some_and(|agent| agent.len() <= 256)));
}

#[tokio::test]
async fn i07_events_with_nothing_in_them_are_400() {
    let world = world().await;
    for event in [
        json!({}),
        json!(null),
        json!([]),
        json!("text"),
        json!({ "version": "2.0" }),
        json!({ "requestContext": null }),
        event(&json!({ "requestContext": { "http": null } })),
        event(&json!({ "requestContext": { "http": { "method": "P O S T" } } })),
        event(&json!({ "rawPath": null })),
        event(&json!({ "headers": [] })),
        rest_event(&json!({ "requestContext": null })),
        rest_event(&json!({ "path": null })),
    ] {
        let (status, body, _) = call(&world, &event).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("invalid_request")), "{event}");
    }
    for nulls in [json!({ "headers": null }), json!({ "headers": null, "body": null })] {
        let (status, ..) = call(&world, &event(&nulls)).await;
        assert_eq!(status, 415, "{nulls}");
    }
    assert_eq!(call(&world, &event(&json!({ "cookies": null }))).await.0, 200);
    let counted = world.items("counters").await;
    let (status, body, _) = call(&world, &event(&json!({ "body": null }))).await;
    assert_eq!((status, body["detail"].as_str()), (400, Some("The request has no body.")));
    let (status, ..) = call(&world, &rest_event(&json!({ "headers": null, "multiValueHeaders": null, "body": null }))).await;
    assert_eq!(status, 415);
    assert_eq!(world.items("counters").await, counted);
}

#[tokio::test]
async fn i07_text_that_is_no_json_is_400_all_the_same() {
    let world = world().await;
    for text in ["", "{", "nonsense"] {
        let result: Value = serde_json::from_str(&world.stack().call("login", text).await.expect("a function")).expect("a result");
        assert_eq!(result["statusCode"], 400, "{text}");
    }
}

#[tokio::test]
async fn i08_bytes_that_are_no_text_are_400_and_never_looked_up() {
    let world = world().await;
    let mut body = credentials().into_bytes();
    body[20] = 0xff;
    assert_eq!(world.stranger().send(Method::POST, "/login", JSON, body).await.code(), "invalid_request");
    let replaced = json!({ "identifier": "al\u{fffd}ice@example.com", "password": PASSWORD });
    assert_eq!(world.stranger().post("/login", &replaced).await.status(), 400);
    for (name, value) in
        [("user-agent", "a\u{fffd}b"), ("x-any", "a\u{0}b"), ("x-any", "a\nb"), ("x any", "b"), ("cookie", "a=\u{7f}")]
    {
        let (status, body, _) = call(&world, &event(&json!({ "headers": { name: value } }))).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("invalid_request")), "{name}: {value:?}");
    }
    let (status, ..) = call(&world, &event(&json!({ "body": "not base64!", "isBase64Encoded": true }))).await;
    assert_eq!(status, 400);
    assert!(world.items("counters").await.is_empty());
}

#[tokio::test]
async fn i09_multi_value_headers_work_alone_and_must_not_contradict() {
    let world = world().await;
    let multi_only = json!({ "headers": null, "multiValueHeaders": { "content-type": ["application/json"] } });
    assert_eq!(call(&world, &rest_event(&multi_only)).await.0, 200);
    let both =
        json!({ "headers": { "content-type": "application/json" }, "multiValueHeaders": { "content-type": ["application/json"] } });
    assert_eq!(call(&world, &rest_event(&both)).await.0, 200);
    let single_only = json!({ "headers": { "content-type": "application/json" }, "multiValueHeaders": null });
    assert_eq!(call(&world, &rest_event(&single_only)).await.0, 200);
    let disagreements = [
        json!({ "headers": { "content-type": "text/plain" } }),
        json!({ "headers": { "Content-Type": "text/plain" } }),
        json!({ "headers": { "cookie": "a=1" }, "multiValueHeaders": { "Cookie": ["a=2"] } }),
        json!({ "headers": { "origin": "https://a.example" }, "multiValueHeaders": { "origin": ["https://b.example"] } }),
        json!({ "multiValueHeaders": { "content-type": ["text/plain", "application/json"] } }),
        json!({ "multiValueHeaders": { "origin": ["https://a.example", "https://b.example"] } }),
    ];
    let counted = world.items("counters").await;
    for disagreement in disagreements {
        let (status, body, _) = call(&world, &rest_event(&disagreement)).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("invalid_request")), "{disagreement}");
    }
    assert_eq!(world.items("counters").await, counted);
}

#[tokio::test]
async fn i10_other_methods_are_405_with_allow_and_an_override_has_no_effect() {
    let world = world().await;
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let (status, body, headers) = call(&world, &event(&json!({ "requestContext": { "http": { "method": method } } }))).await;
        assert_eq!((status, body["code"].as_str(), headers["allow"].as_str()), (405, Some("method_not_allowed"), Some("POST")));
        let (status, _, headers) = call(&world, &rest_event(&json!({ "httpMethod": method }))).await;
        assert_eq!((status, &headers["allow"]), (405, &json!(["POST"])));
    }
    let overriding = json!({ "headers": { "x-http-method-override": "POST" }, "requestContext": { "http": { "method": "GET" } } });
    assert_eq!(call(&world, &event(&overriding)).await.0, 405);
    let overridden = json!({ "headers": { "x-http-method-override": "GET" } });
    assert_eq!(call(&world, &event(&overridden)).await.0, 200);
    let post_to_health = json!({ "rawPath": "/health" });
    let (status, _, headers) = call(&world, &event(&post_to_health)).await;
    assert_eq!((status, headers["allow"].as_str()), (405, Some("GET")));
    assert_eq!(call(&world, &event(&json!({ "rawPath": "/nowhere" }))).await.0, 404);
    // An HTTP API answers by itself what it has no route for.
    let gateway = world.stranger().send(Method::GET, "/login", None, Vec::new()).await;
    assert_eq!((gateway.status(), gateway.json()), (404, json!({ "message": "Not Found" })));
}

#[tokio::test]
async fn i10_a_stage_in_the_path_is_no_part_of_the_route() {
    let world = world().await;
    let staged = json!({ "rawPath": "/prod/login", "requestContext": { "stage": "prod" } });
    assert_eq!(call(&world, &event(&staged)).await.0, 200);
    let other = json!({ "rawPath": "/prod/login", "requestContext": { "stage": "dev" } });
    assert_eq!(call(&world, &event(&other)).await.0, 404);
}

#[tokio::test]
async fn i13_a12_names_that_cannot_be_are_400_and_counted_nowhere() {
    let world = world().await;
    for name in
        ["", "  ", "\u{a0}", "al\0ice", "al\nice", "alice\u{200b}", "al\u{ad}ice", "al ice", "\u{202e}alice", &"a".repeat(300)]
    {
        let client = world.stranger();
        let reply = client.login(name, PASSWORD).await;
        assert_eq!((reply.status(), reply.code().as_str()), (400, "invalid_request"), "{name:?}");
    }
    assert!(world.items("counters").await.is_empty());
    for outer in [" alice@example.com", "alice@example.com\t", "\u{a0}alice@example.com\u{3000}"] {
        assert_eq!(world.stranger().login(outer, PASSWORD).await.status(), 200, "{outer:?}");
    }
}

#[tokio::test]
async fn a13_a_name_of_mixed_scripts_is_400_and_one_event() {
    let world = world().await;
    let client = world.stranger();
    assert_eq!(client.login("\u{430}dmin", PASSWORD).await.status(), 400);
    assert_eq!(client.event_names(), ["input_mixed_scripts"]);
    assert_eq!(world.stranger().login("\u{438}\u{432}\u{430}\u{43d}", PASSWORD).await.status(), 401);
}

#[tokio::test]
async fn i14_events_of_other_sources_are_refused_without_a_store_call() {
    let world = world().await;
    let authorizer = event(&json!({ "type": "REQUEST", "routeArn": "arn:aws:execute-api:eu-central-1:0:a/b/POST/login" }));
    let rest_authorizer =
        rest_event(&json!({ "type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-central-1:0:a/b/POST/login" }));
    let load_balancer = rest_event(&json!({ "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:x" } } }));
    let mut mislabelled = rest_event(&json!({}));
    mislabelled["version"] = json!("2.0");
    let stream = json!({ "Records": [{ "eventName": "INSERT", "dynamodb": {} }] });
    let cognito = json!({ "version": "1", "triggerSource": "PreAuthentication_Authentication", "request": {}, "response": {} });
    for event in [authorizer, rest_authorizer, load_balancer, mislabelled, stream, cognito] {
        let (status, body, _) = call(&world, &event).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("invalid_request")), "{event}");
        assert!(world.last_entry().calls.is_empty());
    }
}

#[tokio::test]
async fn i09_cookies_listed_apart_and_joined_are_the_same_cookies() {
    let world = world().await;
    let (.., first) = call(&world, &event(&json!({ "body": credentials() }))).await;
    assert!(first.is_object());
    let session = world.items("sessions").await;
    assert_eq!(session.len(), 1);
    let login = world.stranger().login("alice@example.com", PASSWORD).await;
    let cookie = format!("__Host-session={}", login.cookie("__Host-session"));
    let both = json!({ "cookies": [cookie], "headers": { "cookie": cookie }, "body": credentials() });
    assert_eq!(call(&world, &event(&both)).await.0, 200);
    assert_eq!(world.items("sessions").await.len(), 2, "the presented session was recognised and ended");
}

#[tokio::test]
async fn a20_an_event_without_an_address_shares_one_bucket_and_is_told() {
    let world = world().await;
    for (n, source) in [json!(null), json!(""), json!("nonsense")].iter().cycle().take(21).enumerate() {
        let agent = format!("no-address-{}", world.name());
        let nowhere = json!({ "headers": { "user-agent": agent }, "requestContext": { "http": { "sourceIp": source } }, "body": credentials() });
        let (status, body, _) = call(&world, &event(&nowhere)).await;
        assert_eq!(status, if n < 20 { 200 } else { 429 }, "{body}");
        let told = acceptance::log::lines_with(&agent).into_iter().filter(|line| line["event"] == "client_address_missing").count();
        assert_eq!(told, n + 1);
    }
    assert!(world.counter("ip#unknown#").await.is_some());
}

#[tokio::test]
async fn al12_hostile_names_and_browsers_are_one_log_line_that_round_trips() {
    let world = world().await;
    for (n, hostile) in
        ["\",\"event\":\"authn_login_success", "<script>", "<!channel>", "\u{2028}", "${jndi:ldap://x}", "\\u001b[2J"]
            .iter()
            .enumerate()
    {
        let agent = format!("al12-{n}-{}-{hostile}", world.name());
        let body = json!({ "identifier": format!("nobody{n}"), "password": "wrong" }).to_string();
        let (status, ..) = call(
            &world,
            &event(&json!({
                "headers": { "user-agent": agent },
                "requestContext": { "http": { "sourceIp": format!("198.51.100.{n}") } },
                "body": body,
            })),
        )
        .await;
        assert_eq!(status, 401);
        let marker = format!("al12-{n}-{}", world.name());
        let lines = acceptance::log::lines_with(&marker);
        assert_eq!(lines.len(), 1, "{hostile}");
        assert_eq!((&lines[0]["event"], &lines[0]["user_agent"]), (&json!("authn_login_fail"), &json!(agent)), "{hostile}");
    }
}
