//! The local stack's own paths.

use acceptance::World;
use palisade_core::incident::IncidentKind;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn accounts_are_made_and_named_by_their_public_id() {
    let world = World::start().await;
    let client = world.stranger();
    let new = json!({ "identifier": "Alice@Example.com", "password": "correct-Horse-7-battery", "role": "staff",
        "created_at": "2033-01-01T00:00:00Z", "password_changed_at": 1_999_990_000 });
    let made = client.post("/__local/accounts", &new).await;
    assert_eq!(made.status(), 201, "{}", made.text);
    let login = client.login("alice@example.com", "correct-Horse-7-battery").await;
    assert_eq!(login.json()["account_id"], made.json()["account_id"]);
    assert_eq!(client.post("/__local/accounts", &new).await.status(), 409);
    for bad in [
        json!({ "identifier": "" }),
        json!({ "identifier": "x", "role": "king" }),
        json!({ "identifier": "x", "created_at": "soon" }),
    ] {
        assert_eq!(client.post("/__local/accounts", &bad).await.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn r64_every_table_that_ages_has_its_ttl_and_so_have_the_items() {
    let world = World::start().await;
    for (table, ages) in
        [("accounts", false), ("sessions", true), ("history", true), ("counters", true), ("incidents", true), ("notices", true)]
    {
        let name = format!("{}{table}", world.stack().table_prefix());
        let told = world.stack().client().describe_time_to_live().table_name(name).send().await.expect("the table exists");
        let attribute = told.time_to_live_description().and_then(|ttl| ttl.attribute_name());
        assert_eq!(attribute, ages.then_some("expires_at"), "{table}");
    }
    world.account("alice@example.com", "correct-Horse-7-battery").await;
    world.stranger().login("alice@example.com", "correct-Horse-7-battery").await;
    let items = [world.items("sessions").await, world.items("counters").await].concat();
    assert!(items.len() == 4 && items.iter().all(|item| item.contains_key("expires_at")), "{items:?}");
}

#[tokio::test]
async fn the_clock_moves_by_ten_years_at_most() {
    let world = World::start().await;
    let far = json!({ "advance_s": u64::MAX });
    assert_eq!(world.stranger().post("/__local/clock", &far).await.status(), 400);
}

#[tokio::test]
async fn the_clock_moves_when_told() {
    let world = World::start().await;
    let reply = world.stranger().post("/__local/clock", &json!({ "advance_s": 60 })).await;
    assert_eq!((reply.status(), reply.json()), (200, json!({ "now": "2033-05-18T03:01:00Z" })));
}

#[tokio::test]
async fn faults_are_injected_and_switched_off() {
    let world = World::start().await;
    let client = world.stranger();
    let fault = json!({ "dependency": "dynamodb", "mode": "throttle", "table": "accounts", "operation": "GetItem" });
    assert_eq!(client.post("/__local/faults", &fault).await.status(), 204);
    assert_eq!(client.login("alice@example.com", "x").await.status(), 503);
    assert_eq!(client.post("/__local/faults", &json!({ "dependency": "dynamodb", "mode": "off" })).await.status(), 204);
    assert_eq!(client.login("alice@example.com", "x").await.status(), 401);
    assert_eq!(client.post("/__local/faults", &json!({ "dependency": "dynamodb", "mode": "nonsense" })).await.status(), 400);
}

#[tokio::test]
async fn messages_have_faults_and_dead_letters_and_can_be_read() {
    let world = World::builder().setting("PALISADE_MAIL_FROM", "no-reply@example.com").start().await;
    let client = world.stranger();
    let set = async |dependency: &str, mode: &str| {
        let fault = json!({ "dependency": dependency, "mode": mode });
        assert_eq!(client.post("/__local/faults", &fault).await.status(), 204, "{dependency} {mode}");
    };
    for dependency in ["sns", "webhook", "ses"] {
        set(dependency, "status:503").await;
    }
    let id = world.open_incident(IncidentKind::BruteForce, "192.0.2.7", 1).await;
    assert_eq!(client.get("/__local/mailbox").await.json(), json!([]));
    let tried = client.get("/__local/webhooks").await.json();
    assert_eq!(tried.as_array().map(|tried| tried.iter().all(|tried| tried["status"] == 503)), Some(true), "{tried}");
    assert_eq!(client.get("/__local/dead-letters").await.json()[0]["source"], "incidents");
    for dependency in ["sns", "webhook", "ses"] {
        set(dependency, "off").await;
    }
    world.palisade(&["incidents", "redrive"]).await.expect("it is redriven");
    assert_eq!(client.get("/__local/mailbox").await.json()[0]["body"]["incident_id"], id);
    assert_eq!(client.get("/__local/mails").await.json(), json!([]));
    assert_eq!(client.post("/__local/faults", &json!({ "dependency": "fax", "mode": "error" })).await.status(), 400);
}

#[tokio::test]
async fn the_ledger_is_read_and_cleared() {
    let world = World::start().await;
    let client = world.stranger();
    client.login("alice@example.com", "x").await;
    let ledger = client.send(Method::GET, "/__local/ledger", None, Vec::new()).await.json();
    assert_eq!((&ledger[0]["function"], &ledger[0]["depth"], &ledger[0]["hashes"]), (&json!("login"), &json!(3), &json!(1)));
    assert_eq!(ledger[0]["calls"].as_array().map(Vec::len), Some(5));
    assert_eq!(client.send(Method::DELETE, "/__local/ledger", None, Vec::new()).await.status(), 204);
    assert_eq!(client.send(Method::GET, "/__local/ledger", None, Vec::new()).await.json(), json!([]));
    assert_eq!(client.send(Method::GET, "/__local/mailbox", None, Vec::new()).await.json(), json!([]));
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let world = World::start().await;
    let rebound = world.stranger().header("host", "evil.example");
    assert_eq!(rebound.send(Method::GET, "/__local/ledger", None, Vec::new()).await.status(), 403);
    assert_eq!(rebound.login("alice@example.com", "x").await.status(), 403);
    let page = world.stranger().header("origin", "https://evil.example");
    assert_eq!(page.post("/__local/accounts", &json!({ "identifier": "x" })).await.status(), 403);
    let own = world.stranger().header("origin", "http://localhost:3000");
    assert_eq!(own.send(Method::GET, "/__local/ledger", None, Vec::new()).await.status(), 200);
}

#[tokio::test]
async fn a_stack_refuses_what_is_not_on_this_machine() {
    let options =
        palisade_local::Options { dynamodb_url: Some("https://dynamodb.eu-central-1.amazonaws.com".into()), ..Default::default() };
    let error = palisade_local::Stack::start(options).await.expect_err("refused");
    assert!(error.to_string().contains("must be on this machine"));
    let options =
        palisade_local::Options { db: Some("x.db".into()), clock: palisade_local::ClockMode::Manual, ..Default::default() };
    assert!(palisade_local::Stack::start(options).await.is_err());
    let options = palisade_local::Options { settings: vec![("PALISADE_POLICY".into(), "x".into())], ..Default::default() };
    assert!(palisade_local::Stack::start(options).await.expect_err("refused").to_string().contains("PALISADE_POLICY"));
}
