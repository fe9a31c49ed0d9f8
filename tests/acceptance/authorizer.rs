//! The authorizer in front of the user's own API.

use acceptance::{Actor, Reply, World};
use palisade_edge::Outcome;
use palisade_local::{Fault, Mode};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const ADDRESS: &str = "203.0.113.7";
const EVENTS: [&str; 4] = [
    include_str!("../../infra/events/session-validation/http-v2.json"),
    include_str!("../../infra/events/session-validation/http-v1.json"),
    include_str!("../../infra/events/session-validation/rest-request.json"),
    include_str!("../../infra/events/session-validation/rest-token.json"),
];

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

async fn protected(actor: &Actor) -> Reply {
    actor.send(Method::GET, "/protected", None, Vec::new()).await
}

/// A token whose session belongs to the address and browser of every shipped event.
async fn token(world: &World, user_agent: &str) -> String {
    let login = world.actor(ADDRESS).user_agent(user_agent).bearer_login("alice@example.com", PASSWORD).await;
    login.json()["token"].as_str().expect("a token").to_owned()
}

/// A shipped event with a live token in it, of a session of its own browser.
async fn live(world: &World, event: &str) -> Value {
    let agent = if event.contains("Firefox") { FIREFOX } else { "orders-app/3.1" };
    let token = token(world, agent).await;
    let dead = format!("AAAAAAAAAAAAAAAAAAAAAA.{}", "A".repeat(43));
    serde_json::from_str(&event.replace(&dead, &token)).expect("JSON")
}

async fn live_events(world: &World) -> Vec<Value> {
    let mut events = Vec::new();
    for event in EVENTS {
        events.push(live(world, event).await);
    }
    events
}

fn lets_in(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Error(_) => false,
        Outcome::Result(text) => text.contains("\"isAuthorized\":true") || text.contains("\"Effect\":\"Allow\""),
    }
}

#[tokio::test]
async fn r61_each_form_is_told_by_its_event_and_answered_in_its_own_way() {
    let world = world().await;
    let events = live_events(&world).await;
    let mut answers = Vec::new();
    for event in &events {
        answers.push(world.stack().authorize(&event.to_string()).await);
    }
    let json = |outcome: &Outcome| match outcome {
        Outcome::Result(text) => serde_json::from_str::<Value>(text).expect("JSON"),
        Outcome::Error(text) => json!(text),
    };
    let simple = json(&answers[0]);
    assert_eq!(simple["isAuthorized"], true);
    let context = simple["context"].as_object().expect("a context");
    assert_eq!(context.keys().collect::<Vec<_>>(), ["account_id", "auth_time", "role", "session_id"]);
    assert!(context.values().all(Value::is_string), "text only");
    for (answer, event) in answers[1..3].iter().zip(&events[1..3]) {
        let policy = json(answer);
        let statement = &policy["policyDocument"]["Statement"];
        assert_eq!(
            (&statement[0]["Effect"], &statement[0]["Resource"]),
            (&json!("Allow"), &event["methodArn"]),
            "w10: exactly this method"
        );
        assert_eq!((statement.as_array().map(Vec::len), &policy["principalId"]), (Some(1), &context["account_id"]));
    }
    assert_eq!(answers[3], Outcome::Error("Unauthorized"), "a TOKEN event has nothing to bind a session to");
}

#[tokio::test]
async fn r61_a_setting_turns_to_policies() {
    let world = World::builder().setting("PALISADE_AUTHORIZER_RESPONSE", "policy").start().await;
    world.account("alice@example.com", PASSWORD).await;
    let events = live_events(&world).await;
    let v2 = world.stack().authorize(&events[0].to_string()).await;
    assert!(matches!(&v2, Outcome::Result(text) if text.contains("policyDocument") && text.contains("\"Allow\"")), "{v2:?}");
}

#[tokio::test]
async fn r61_an_unbound_token_is_let_in_and_ends_nothing() {
    for nist in [false, true] {
        let builder = World::builder().setting("PALISADE_TOKEN_AUTHORIZER", "allow_unbound");
        let world = if nist { builder.nist() } else { builder }.start().await;
        world.account("alice@example.com", PASSWORD).await;
        let other = world.stranger().login("alice@example.com", PASSWORD).await.session();
        let event = live(&world, EVENTS[3]).await.to_string();
        for _ in 0..3 {
            assert!(lets_in(&world.stack().authorize(&event).await), "nist: {nist}");
            world.advance(600);
        }
        assert_eq!(protected(&other).await.status(), 200);
        assert!(world.items("incidents").await.is_empty());
        assert!(!lets_in(&world.stack().authorize(EVENTS[3]).await), "nobody's token");
    }
}

#[tokio::test]
async fn r61_an_event_without_an_address_is_refused_without_a_call_and_ends_nothing() {
    for nist in [false, true] {
        let builder = World::builder();
        let world = if nist { builder.nist() } else { builder }.start().await;
        world.account("alice@example.com", PASSWORD).await;
        let live = live(&world, EVENTS[2]).await;
        let mut tested = live.clone();
        // What the console's test of an authorizer sends.
        tested["requestContext"]["identity"]["sourceIp"] = json!("test-invoke-source-ip");
        assert_eq!(world.stack().authorize(&tested.to_string()).await, Outcome::Error("Unauthorized"));
        assert!(world.last_entry().calls.is_empty());
        assert!(lets_in(&world.stack().authorize(&live.to_string()).await), "nist: {nist}: it lives");
    }
}

#[tokio::test]
async fn r28_e14_unknown_expired_revoked_and_malformed_tokens_are_one_answer_per_form() {
    let world = world().await;
    let forms = EVENTS.map(|event| serde_json::from_str::<Value>(event).expect("JSON"));
    let dead = format!("AAAAAAAAAAAAAAAAAAAAAA.{}", "A".repeat(43));
    let revoked = token(&world, FIREFOX).await;
    let app = world.actor(ADDRESS).user_agent(FIREFOX).header("authorization", &format!("Bearer {revoked}"));
    assert_eq!(app.send(Method::POST, "/logout", None, Vec::new()).await.status(), 204);
    let expired = token(&world, FIREFOX).await;
    world.advance(3_600);
    let expected = [
        Outcome::Result(r#"{"isAuthorized":false}"#.to_owned()),
        Outcome::Result(
            json!({
                "principalId": "nobody",
                "policyDocument": { "Version": "2012-10-17", "Statement": [{
                    "Action": "execute-api:Invoke", "Effect": "Deny", "Resource": forms[1]["methodArn"],
                }] },
                "context": {},
            })
            .to_string(),
        ),
        Outcome::Error("Unauthorized"),
        Outcome::Error("Unauthorized"),
    ];
    for token in [dead.as_str(), &expired, &revoked, "junk", "", "a.b.c"] {
        for (form, expected) in forms.iter().zip(&expected) {
            let event = form.to_string().replace(&dead, token);
            assert_eq!(world.stack().authorize(&event).await, *expected, "{token:.20}");
        }
    }
}

#[tokio::test]
async fn i07_i14_every_field_missing_or_null_never_panics_and_never_lets_anybody_in_who_is_not() {
    let world = world().await;
    let live = live_events(&world).await;
    for (event, dead) in live.iter().zip(EVENTS) {
        let dead: Value = serde_json::from_str(dead).expect("JSON");
        for path in paths(event, "") {
            for changed in [without(&dead, &path), with_null(&dead, &path)] {
                assert!(!lets_in(&world.stack().authorize(&changed.to_string()).await), "{path}");
            }
        }
        // The token itself, wherever an event repeats it.
        let tokens: Vec<String> =
            paths(event, "").into_iter().filter(|path| path.contains("ookie") || path.contains("uthorization")).collect();
        let mut none = event.clone();
        for path in tokens {
            none = without(&none, &path);
        }
        assert!(!lets_in(&world.stack().authorize(&none.to_string()).await));
    }
    for text in
        ["", "{}", "null", "[]", "1", "{\"type\":\"REQUEST\"}", "{\"version\":\"2.0\"}", "{\"version\":\"9\",\"type\":\"REQUEST\"}"]
    {
        assert!(!lets_in(&world.stack().authorize(text).await), "{text}");
    }
    let login = include_str!("../../infra/events/login/success.json");
    assert_eq!(world.stack().authorize(login).await, Outcome::Result(r#"{"isAuthorized":false}"#.to_owned()));
}

/// What an event of each form cannot do without: the form, the method it asks about, the token, and what a session is bound to. A list with a
/// null in it is misshapen.
const DECIDES: [&[&str]; 3] = [
    &[
        "/version",
        "/type",
        "/cookies",
        "/cookies/0",
        "/headers",
        "/headers/user-agent",
        "/requestContext",
        "/requestContext/http",
        "/requestContext/http/method",
        "/requestContext/http/sourceIp",
    ],
    &[
        "/type",
        "/methodArn",
        "/httpMethod",
        "/headers",
        "/headers/Authorization",
        "/headers/User-Agent",
        "/requestContext",
        "/requestContext/identity",
        "/requestContext/identity/sourceIp",
    ],
    &[
        "/type",
        "/methodArn",
        "/httpMethod",
        "/multiValueHeaders/Accept/0",
        "/multiValueHeaders/Cookie/0",
        "/multiValueHeaders/User-Agent/0",
        "/multiValueHeaders/X-Forwarded-For/0",
        "/requestContext",
        "/requestContext/identity",
        "/requestContext/identity/sourceIp",
    ],
];

#[tokio::test]
async fn i07_with_a_live_token_nothing_that_decides_may_be_missing_and_all_else_may() {
    for nist in [false, true] {
        let builder = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000_000);
        let world = if nist { builder.nist() } else { builder }.start().await;
        world.account("alice@example.com", PASSWORD).await;
        fields_that_decide(&world, nist).await;
        assert!(!acceptance::log::lines_with(world.name()).iter().any(|line| line["event"] == "handler_panicked"));
    }
}

async fn fields_that_decide(world: &World, nist: bool) {
    for (event, decides) in EVENTS.into_iter().zip(DECIDES) {
        for path in paths(&serde_json::from_str(event).expect("JSON"), "") {
            for change in [without, with_null] {
                // A refusal may end what the token belongs to, so each has its own.
                let live = live(world, event).await;
                let changed = change(&live, &path);
                let let_in = lets_in(&world.stack().authorize(&changed.to_string()).await);
                // There another browser alone is told, and goes along.
                let decides = decides.contains(&path.as_str()) && !(nist && is_browser(event, &path));
                assert_eq!(let_in, changed == live || !decides, "nist: {nist}, {path} of {event}");
            }
        }
    }
}

/// Whether nothing but the browser's name goes with the field: its cookies stand apart.
fn is_browser(event: &str, path: &str) -> bool {
    path.eq_ignore_ascii_case("/headers/user-agent") || (path == "/headers" && event.contains("\"cookies\""))
}

/// The events that `aws_lambda_events` publishes, with a session's token, address and browser put into them; what they decide by stands in one
/// place each.
async fn published(world: &World, (name, event): (&String, &Value)) -> (String, Value) {
    let mut event = event.clone();
    let token = token(world, FIREFOX).await;
    if event["type"] == "TOKEN" {
        event["authorizationToken"] = json!(format!("Bearer {token}"));
    } else {
        event.as_object_mut().expect("an object").remove("multiValueHeaders");
        let headers = event["headers"].as_object_mut().expect("headers");
        headers.retain(|name, _| !name.eq_ignore_ascii_case("user-agent"));
        headers.insert("user-agent".into(), json!(FIREFOX));
        headers.insert("authorization".into(), json!(format!("Bearer {token}")));
    }
    for place in ["/requestContext/http/sourceIp", "/requestContext/identity/sourceIp"] {
        event.pointer_mut(place).into_iter().for_each(|ip| *ip = json!(ADDRESS));
    }
    (name.clone(), event)
}

#[tokio::test]
async fn i07_r61_published_events_are_let_in_with_a_live_token_and_without_any_field_that_decides_they_are_not() {
    let unlimited =
        World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000_000).setting("PALISADE_REQUESTS_PER_IP", 1_000_000);
    let world = unlimited.start().await;
    world.account("alice@example.com", PASSWORD).await;
    let file: Value = serde_json::from_str(include_str!("../vectors/authorizer_events.json")).expect("JSON");
    for fixture in file["events"].as_object().expect("events") {
        let (name, event) = published(&world, fixture).await;
        let never = ["websocket", "rest_token"].contains(&name.as_str());
        assert_eq!(lets_in(&world.stack().authorize(&event.to_string()).await), !never, "{name}");
        let (ip, method, arn) = if name.starts_with("http_v2") {
            ("/requestContext/http/sourceIp", "/requestContext/http/method", "/version")
        } else {
            ("/requestContext/identity/sourceIp", "/httpMethod", "/methodArn")
        };
        let decides = [ip, method, arn, "/type", "/headers/authorization", "/headers/user-agent"];
        for path in paths(&event, "") {
            let touches = decides.iter().any(|place| *place == path || place.starts_with(&format!("{path}/")));
            for change in [without, with_null] {
                let (_, live) = published(&world, fixture).await;
                let let_in = lets_in(&world.stack().authorize(&change(&live, &path).to_string()).await);
                assert!(!(let_in && (touches || never)), "{name} without {path}");
                // A list with a null in it is misshapen.
                let misshapen = path.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok());
                assert!(let_in || touches || never || misshapen, "{name} needs {path}");
            }
        }
    }
    assert!(!acceptance::log::lines_with(world.name()).iter().any(|line| line["event"] == "handler_panicked"));
}

#[tokio::test]
async fn i08_an_unreadable_header_is_nobodys() {
    let world = world().await;
    let mut event = live(&world, EVENTS[0]).await;
    event["headers"]["x-odd"] = json!("a\u{7f}\u{0}b");
    assert!(!lets_in(&world.stack().authorize(&event.to_string()).await));
}

#[tokio::test]
async fn w10_a_path_with_wildcards_gets_no_policy() {
    let world = world().await;
    for event in &EVENTS[1..3] {
        for path in ["orders/*", "orders/?", "*"] {
            let event = live(&world, event).await.to_string().replace("/GET/orders\"", &format!("/GET/{path}\""));
            assert!(event.contains(path), "{event}");
            assert!(!lets_in(&world.stack().authorize(&event).await), "{path}");
        }
    }
}

/// The pointers of every value below `value`.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let below = |name: String, value: &Value| {
        let path = format!("{at}/{name}");
        let mut all = paths(value, &path);
        all.push(path);
        all
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name.clone(), value)).collect(),
        Value::Array(members) => members.iter().enumerate().flat_map(|(n, value)| below(n.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

fn without(event: &Value, path: &str) -> Value {
    let mut changed = event.clone();
    let (parent, name) = path.rsplit_once('/').expect("a pointer");
    if let Some(Value::Object(members)) = changed.pointer_mut(parent) {
        members.remove(name);
    }
    changed
}

fn with_null(event: &Value, path: &str) -> Value {
    let mut changed = event.clone();
    if let Some(value) = changed.pointer_mut(path) {
        *value = Value::Null;
    }
    changed
}

#[tokio::test]
async fn the_users_own_api_sees_who_it_is_and_refusals_are_the_gateways() {
    for rest in [false, true] {
        let builder = World::builder();
        let world = if rest { builder.rest() } else { builder }.start().await;
        let account = world.account("alice@example.com", PASSWORD).await;
        let owner = world.stranger().login("alice@example.com", PASSWORD).await.session();
        let reply = protected(&owner).await;
        assert_eq!(reply.status(), 200, "{}", reply.text);
        let known = &reply.json()["authorizer"];
        assert_eq!(if rest { &known["account_id"] } else { &known["lambda"]["account_id"] }, &json!(account));
        let refused = protected(&world.stranger()).await;
        let expected = if rest { (401, "Unauthorized") } else { (403, "Forbidden") };
        assert_eq!((refused.status(), refused.json()), (expected.0, json!({ "message": expected.1 })));
        assert!(!refused.headers.contains_key("x-frame-options"), "nothing of ours is in it");
    }
}

#[tokio::test]
async fn w09_each_request_is_decided_anew_and_costs_one_batch() {
    let world = world().await;
    let owner = world.actor(ADDRESS).user_agent(FIREFOX).login("alice@example.com", PASSWORD).await.session();
    for _ in 0..3 {
        assert_eq!(protected(&owner).await.status(), 200);
        let entry = world.last_entry();
        assert_eq!((entry.function.as_str(), entry.calls.len(), entry.read_units()), ("session-validation", 1, 2.0));
        assert!(entry.calls[0].consistent && entry.calls[0].operation == "BatchGetItem");
    }
    assert_eq!(owner.send(Method::POST, "/logout", None, Vec::new()).await.status(), 204);
    assert_eq!(protected(&owner).await.status(), 403, "at once");
}

#[tokio::test]
async fn r22_a_change_behind_the_authorizer_needs_our_site_and_the_csrf_token() {
    let world = world().await;
    let owner = world.stranger().login("alice@example.com", PASSWORD).await.session();
    let post = async |actor: &Actor| actor.send(Method::POST, "/protected", None, Vec::new()).await.status();
    assert_eq!(post(&owner).await, 200);
    assert_eq!(post(&owner.clone().without("x-csrf-token")).await, 403);
    assert_eq!(post(&owner.clone().header("sec-fetch-site", "cross-site")).await, 403);
    let app = world.stranger().bearer_login("alice@example.com", PASSWORD).await.session();
    assert_eq!(post(&app).await, 200, "a bearer token is no cookie");
}

#[tokio::test]
async fn r14_a_session_that_must_change_its_password_is_nobodys_behind_the_authorizer() {
    let world = world().await;
    world.advance(91 * 86_400);
    let owner = world.stranger().login("alice@example.com", PASSWORD).await.session();
    assert_eq!(protected(&owner).await.status(), 403);
}

#[tokio::test]
async fn se32_d02_a_store_that_fails_or_hangs_is_a_refusal_in_time() {
    let world = World::builder().short_timeouts().setting("PALISADE_VALIDATION_DEADLINE_MS", 150).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = world.stranger().login("alice@example.com", PASSWORD).await.session();
    assert_eq!(protected(&owner).await.status(), 200);
    for mode in [Mode::Error, Mode::Throttle, Mode::Timeout, Mode::Malformed, Mode::UnprocessedKeys] {
        world.fault(Fault::always(mode).operation("BatchGetItem"));
        assert_eq!(protected(&owner).await.status(), 403, "{mode:?}");
        world.stack().faults().clear();
    }
    assert_eq!(protected(&owner).await.status(), 200, "nothing is remembered");
    assert!(owner.event_names().iter().any(|name| name == "dependency_failed"));
}

#[tokio::test]
async fn a_panic_is_the_same_refusal_in_every_form() {
    let world = world().await;
    for event in EVENTS {
        let event = live(&world, event).await.to_string();
        let nobody = event.replace("Bearer ", "Bearer x").replace("__Host-session=", "__Host-session=x");
        let refusal = world.stack().authorize(&nobody).await;
        world.fault(Fault::always(Mode::Panic).times(1));
        assert_eq!(world.stack().authorize(&event).await, refusal);
        let lives = !event.contains("\"type\":\"TOKEN\"");
        assert_eq!(lets_in(&world.stack().authorize(&event).await), lives, "{event}");
    }
}

#[tokio::test]
async fn se25_two_session_cookies_are_nobodys() {
    let world = world().await;
    let login = world.stranger().login("alice@example.com", PASSWORD).await;
    let session = login.cookie("__Host-session");
    let tossed = login.session().without("cookie").header("cookie", &format!("__Host-session={session}; __Host-session=tossed"));
    assert_eq!(protected(&tossed).await.status(), 403);
    assert!(tossed.event_names().contains(&"cookie_ambiguous".to_owned()));
}

#[tokio::test]
async fn se35_hostile_names_never_reach_the_context() {
    let world = world().await;
    let hostile = palisade_local::NewAccount {
        identifier: "bob@example.com".into(),
        password: Some(PASSWORD.into()),
        first_name: Some("\"}</script>\u{2028}\n".into()),
        ..Default::default()
    };
    let account = world.make(hostile).await;
    let owner = world.stranger().login("bob@example.com", PASSWORD).await.session();
    let known = protected(&owner).await.json()["authorizer"]["lambda"].clone();
    assert_eq!((&known["account_id"], &known["role"]), (&json!(account), &json!("regular")));
    assert!(known.as_object().expect("a context").values().all(Value::is_string));
}
