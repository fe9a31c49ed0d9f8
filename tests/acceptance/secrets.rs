//! No secret in any log, answer or item, in any of the forms it could take.

use acceptance::World;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// A marked fake; SHA-1 as `sha1sum` gives it.
const CANARY: &str = "canary-Password-4711-fake";
const CANARY_SHA1: &str = "07a0723580ade98fccc987bd06d26811b105456e";

fn forms(secret: &str) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let digest = Sha256::digest(secret.as_bytes());
    vec![
        secret.to_owned(),
        hex(secret.as_bytes()),
        Base64::encode_string(secret.as_bytes()).trim_end_matches('=').to_owned(),
        Base64UrlUnpadded::encode_string(secret.as_bytes()),
        hex(&digest),
        Base64::encode_string(&digest),
        Base64UrlUnpadded::encode_string(&digest),
    ]
}

#[tokio::test]
async fn sc01_passwords_and_tokens_never_appear_in_the_log_at_trace() {
    let world = World::builder().setting("PALISADE_LOG", "trace").short_timeouts().start().await;
    world.account("canary@example.com", CANARY).await;
    let reply = world.stranger().login("canary@example.com", CANARY).await;
    let bearer = world.stranger().bearer_login("canary@example.com", CANARY).await;
    world.stranger().login("canary@example.com", "canary-Wrong-4711-fake").await;
    world.stranger().login("canary@example.com", "canary-Wrong-4711-fake").await;
    world.stranger().post("/login", &serde_json::json!({ "identifier": CANARY, "password": [CANARY] })).await;
    world.fault(palisade_local::Fault::always(palisade_local::Mode::Malformed));
    world.stranger().login("canary@example.com", CANARY).await;

    let session = reply.cookie("__Host-session");
    let mut secrets = vec![
        CANARY.to_owned(),
        "canary-Wrong-4711-fake".to_owned(),
        session.split_once('.').expect("two parts").1.to_owned(),
        reply.cookie("__Host-device"),
        reply.json()["csrf_token"].as_str().expect("a token").to_owned(),
        bearer.json()["token"].as_str().expect("a token").to_owned(),
        bearer.json()["device_token"].as_str().expect("a token").to_owned(),
        palisade_local::SECRET.to_owned(),
        palisade_local::IDENTITY_KEY.to_owned(),
    ];
    secrets.extend([CANARY_SHA1.to_owned(), CANARY_SHA1.to_uppercase(), "canary@example.com".to_owned()]);
    let log = acceptance::log::text();
    assert!(log.contains("authn_login_success"), "the log was captured");
    for secret in &secrets {
        for form in forms(secret) {
            assert!(!log.contains(&form), "{form}");
        }
    }
}

#[tokio::test]
async fn sc01_answers_and_items_hold_no_password_and_items_no_token() {
    let world = World::start().await;
    world.account("canary@example.com", CANARY).await;
    let reply = world.stranger().login("canary@example.com", CANARY).await;
    let refused = world.stranger().login("canary@example.com", "canary-Wrong-4711-fake").await;
    let mut items = Vec::new();
    for table in ["accounts", "sessions", "counters", "history", "incidents", "notices"] {
        items.extend(world.items(table).await);
    }
    let items = format!("{items:?}");
    let session = reply.cookie("__Host-session");
    for form in forms(CANARY).iter().chain(&forms("canary-Wrong-4711-fake")) {
        assert!(!items.contains(form) && !reply.text.contains(form) && !refused.text.contains(form), "{form}");
    }
    assert!(!items.contains(session.split_once('.').expect("two parts").1));
    assert!(!items.contains(&reply.cookie("__Host-device")));
}
