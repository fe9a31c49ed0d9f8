//! What opens incidents, what that costs, and that it changes no answer.

use acceptance::World;
use palisade_local::{Fault, Mode};
use serde_json::json;

const PASSWORD: &str = "correct-Horse-7-battery";

#[tokio::test]
async fn p14_a_stored_password_that_breaks_within_a_session_is_told_and_proves_nothing() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let session = world.stranger().login("alice@example.com", PASSWORD).await.session();
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    let broken = palisade_local::AttributeValue::S("argon2$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA".into());
    world.edit("accounts", &[("account_key", &key)], "password", Some(broken)).await;
    let proof = session.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await;
    assert_eq!((proof.status(), proof.code().as_str()), (401, "invalid_credentials"));
    world.advance(2);
    let change = json!({ "current_password": PASSWORD, "new_password": "Violet-Kettle-9-harbour" });
    assert_eq!(session.post("/password/change", &change).await.code(), "invalid_credentials");
    let incidents = world.items("incidents").await;
    assert_eq!(
        (incidents.len(), &incidents[0]["type"], &incidents[0]["occurrences"]),
        (1, &json!("corrupt_credential"), &json!("2"))
    );
    assert_eq!(session.event_names().iter().filter(|name| *name == "corrupt_credential").count(), 2);
}

#[tokio::test]
async fn r54_ledger_an_incident_is_one_request_and_a_further_occurrence_one_unit() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let guess = async || {
        world.stranger().login("alice@example.com", "wrong").await;
        world.advance(61);
        let calls = world.last_entry().calls;
        calls.into_iter().filter(|call| call.table == "incidents").map(|call| call.write_units).collect::<Vec<f64>>()
    };
    let mut writes = Vec::new();
    for _ in 0..12 {
        writes.push(guess().await);
    }
    assert!(writes[8].is_empty());
    assert_eq!(writes[9], [3.0], "the item and two indexes");
    assert_eq!(writes[10], [1.0], "counted up");
}

#[tokio::test]
async fn r55_every_detector_leaves_an_incident_and_none_changes_the_answer_when_it_cannot() {
    let kinds = async |world: &World| {
        let items = world.items("incidents").await;
        let mut kinds: Vec<String> = items.iter().map(|item| item["type"].as_str().expect("a type").to_owned()).collect();
        kinds.sort();
        kinds
    };
    for incidents_fail in [false, true] {
        let world = World::builder()
            .setting("PALISADE_REQUESTS_PER_IP", 3)
            .setting("PALISADE_USER_REQUESTS_REGULAR", 2)
            .setting("PALISADE_BREACH_UNAVAILABLE", "allow")
            .start()
            .await;
        if incidents_fail {
            world.fault(Fault::always(Mode::Error).table("incidents"));
        }
        world.encoded_account("corrupt@example.com", "argon2$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA").await;
        let corrupt = world.stranger().login("corrupt@example.com", "anything").await;
        assert_eq!((corrupt.status(), corrupt.code().as_str()), (401, "invalid_credentials"));
        world.account("alice@example.com", PASSWORD).await;
        let session = world.actor("203.0.113.7").login("alice@example.com", PASSWORD).await.session();
        let statuses = [session.get("/session").await.status(), session.get("/session").await.status()];
        assert_eq!(statuses, [200, 200]);
        for _ in 0..3 {
            assert_eq!(session.get("/session").await.reason(), "user_rate_limit");
        }
        let address = world.actor("203.0.113.99");
        for _ in 0..6 {
            address.post("/signup/resend", &json!({ "identifier": "x@example.com" })).await;
        }
        let found = kinds(&world).await;
        if incidents_fail {
            assert!(found.is_empty());
            world.stack().faults().clear();
            session.get("/session").await;
            address.post("/signup/resend", &json!({ "identifier": "x@example.com" })).await;
            assert_eq!(kinds(&world).await, ["rate_limit_abuse", "rate_limit_abuse"], "the next refusal tells it");
        } else {
            assert_eq!(found, ["corrupt_credential", "rate_limit_abuse", "rate_limit_abuse"]);
            let items = world.items("incidents").await;
            assert!(items.iter().all(|item| item["occurrences"] == "1"), "once an hour, not at each refusal");
        }
    }
}
