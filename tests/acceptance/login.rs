//! What a person who logs in gets.

use acceptance::World;
use serde_json::json;

const PASSWORD: &str = "correct-Horse-7-battery";

#[tokio::test]
async fn a_login_answers_with_the_documented_fields_and_two_cookies() {
    let world = World::start().await;
    let account_id = world.account("alice@example.com", PASSWORD).await;
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.header("content-type"), "application/json");
    let mut body = reply.json();
    let csrf_token = body["csrf_token"].take();
    assert!(csrf_token.as_str().is_some_and(|token| token.len() == 52), "{csrf_token}");
    assert_eq!(
        body,
        json!({
            "account_id": account_id,
            "csrf_token": null,
            "expires_at": "2033-05-19T03:00:00Z",
            "idle_timeout_s": 3600,
            "password_change_required": false,
            "anomalies": ["unusual_time_login", "new_device"],
        })
    );
    assert_eq!(reply.cookie("__Host-session").len(), 22 + 1 + 43);
    assert!(reply.set_cookie("__Host-device").is_some());
}

#[tokio::test]
async fn bearer_mode_returns_both_tokens_and_sets_no_cookie() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let reply = world.stranger().bearer_login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.json()["token"].as_str().map(str::len), Some(66));
    let device_token = reply.json()["device_token"].as_str().expect("a device token").to_owned();
    assert!(!reply.headers.contains_key("set-cookie"));
    // Sent back as a header, it is the same device: no second one is made.
    let again = world.stranger().header("x-device-token", &device_token).bearer_login("alice@example.com", PASSWORD).await;
    let id = |token: &str| token.split('.').nth(2).map(str::to_owned);
    assert_eq!(id(again.json()["device_token"].as_str().expect("a device token")), id(&device_token));
}

#[tokio::test]
async fn r23_se29_what_is_stored_of_a_session_is_no_token() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    let (account_key, secret) = {
        let token = reply.cookie("__Host-session");
        let (account_key, secret) = token.split_once('.').expect("two parts");
        (account_key.to_owned(), secret.to_owned())
    };
    for table in ["accounts", "sessions", "counters"] {
        let text = format!("{:?}", world.items(table).await);
        assert!(!text.contains(&secret), "{table}");
    }
    let sessions = world.items("sessions").await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["account_key"], account_key);
    assert_eq!(sessions[0]["expires_at"], "2000001600", "the idle end, an hour from now");
}

#[tokio::test]
async fn se01_a_login_makes_a_new_session_and_ends_the_one_presented() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let first = world.stranger().login("alice@example.com", PASSWORD).await.cookie("__Host-session");
    let browser = world.stranger().header("cookie", &format!("__Host-session={first}"));
    let second = browser.login("alice@example.com", PASSWORD).await.cookie("__Host-session");
    assert_ne!(first, second);
    assert_eq!(world.items("sessions").await.len(), 1, "only the new one is left");
    assert_eq!(browser.event_names(), ["session_replaced", "authn_login_success", "session_created"]);

    let app = world.stranger().header("authorization", &format!("bearer {second}"));
    app.bearer_login("alice@example.com", PASSWORD).await;
    assert_eq!(world.items("sessions").await.len(), 1);
    let again = world.stranger().header("authorization", &format!("Bearer {second}"));
    again.bearer_login("alice@example.com", PASSWORD).await;
    assert_eq!(again.event_names(), ["authn_login_success", "session_created"], "there was none to replace any more");
}

#[tokio::test]
async fn se31_a_failed_login_ends_no_session() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let session = world.stranger().login("alice@example.com", PASSWORD).await.cookie("__Host-session");
    let browser = world.stranger().header("cookie", &format!("__Host-session={session}"));
    assert_eq!(browser.login("alice@example.com", "wrong").await.status(), 401);
    assert_eq!(world.items("sessions").await.len(), 1);
}

#[tokio::test]
async fn se25_of_two_session_cookies_a_login_ends_whatever_is_one() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    for tossed_first in [true, false] {
        let session = world.stranger().login("alice@example.com", PASSWORD).await.cookie("__Host-session");
        let (session, tossed) = (format!("__Host-session={session}"), "__Host-session=tossed".to_owned());
        let pair = if tossed_first { [tossed, session] } else { [session, tossed] }.join("; ");
        let browser = world.stranger().header("cookie", &pair);
        assert_eq!(browser.login("alice@example.com", PASSWORD).await.status(), 200);
        assert!(browser.event_names().contains(&"cookie_ambiguous".to_owned()));
    }
    assert_eq!(world.items("sessions").await.len(), 2, "both that were presented ended");
}

#[tokio::test]
async fn se06_a_session_carries_the_version_its_account_had_when_it_was_read() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(world.items("sessions").await[0]["auth_version"], world.items("accounts").await[0]["auth_version"]);
}

#[tokio::test]
async fn r14_a_password_older_than_ninety_days_is_told_and_nist_never_asks() {
    for (nist, expected) in [(false, true), (true, false)] {
        let world = if nist { World::builder().nist() } else { World::builder() }.start().await;
        world.account("alice@example.com", PASSWORD).await;
        world.advance(90 * 86_400 - 1);
        let reply = world.stranger().login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.json()["password_change_required"], false);
        world.advance(1);
        let reply = world.stranger().login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.json()["password_change_required"], expected);
    }
}

#[tokio::test]
async fn health_answers_without_touching_anything() {
    let world = World::start().await;
    let reply = world.stranger().send(reqwest::Method::GET, "/health", None, Vec::new()).await;
    assert_eq!((reply.status(), reply.json()), (200, json!({ "status": "ok" })));
    assert!(world.last_entry().calls.is_empty());
}

#[tokio::test]
async fn r61_rest_api_events_are_answered_alike() {
    let world = World::builder().rest().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 200);
    assert!(reply.set_cookie("__Host-session").is_some() && reply.set_cookie("__Host-device").is_some());
    assert_eq!(world.stranger().login("alice@example.com", "wrong").await.code(), "invalid_credentials");
}

#[tokio::test]
async fn se23_what_is_no_token_never_becomes_a_key() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let secret = "A".repeat(43);
    for account_part in ["", "x", "AAAAAAAAAAAAAAAAAAAAA#", &"A".repeat(3_000)] {
        let client = world.stranger().header("authorization", &format!("Bearer {account_part}.{secret}"));
        assert_eq!(client.login("alice@example.com", PASSWORD).await.status(), 200);
        assert!(world.last_entry().calls.iter().all(|call| call.operation != "DeleteItem"), "{account_part:.40}");
    }
}
