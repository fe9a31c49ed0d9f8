//! What each way a login can end costs: calls, units, depth and hashes, counted on the wire.

use acceptance::World;
use palisade_local::Entry;

const PASSWORD: &str = "correct-Horse-7-battery";

fn cost(entry: &Entry) -> (usize, f64, f64, u32) {
    (entry.depth, entry.read_units(), entry.write_units(), entry.hashes)
}

async fn world() -> World {
    let world = World::builder().real_hashes().start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

#[tokio::test]
async fn a_success_is_three_deep_two_reads_six_writes_and_one_hash() {
    let world = world().await;
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
    assert_eq!(cost(&world.last_entry()), (3, 2.0, 6.0, 1));
}

#[tokio::test]
async fn a_known_device_costs_one_read_more_and_a_presented_session_one_write() {
    let world = world().await;
    let first = world.stranger().login("alice@example.com", PASSWORD).await;
    world.stranger().device(&first.cookie("__Host-device")).login("alice@example.com", PASSWORD).await;
    assert_eq!(cost(&world.last_entry()), (3, 3.0, 6.0, 1));
    let cookie = format!("__Host-session={}", first.cookie("__Host-session"));
    world.stranger().header("cookie", &cookie).login("alice@example.com", PASSWORD).await;
    assert_eq!(cost(&world.last_entry()), (3, 2.0, 7.0, 1));
}

#[tokio::test]
async fn e01_a_wrong_password_and_an_unknown_name_make_the_same_calls_and_one_hash() {
    let world = world().await;
    assert_eq!(world.stranger().login("alice@example.com", "wrong").await.status(), 401);
    let known = world.last_entry();
    assert_eq!(world.stranger().login("nobody@example.com", "wrong").await.status(), 401);
    let unknown = world.last_entry();
    assert_eq!(cost(&known), (3, 2.0, 3.0, 1));
    assert_eq!(cost(&unknown), (3, 2.0, 3.0, 1));
    assert_eq!(known.vector().len(), unknown.vector().len());
    // DynamoDB bills a miss as the smallest read, so table, operation and consistency are what must agree.
    assert_eq!(known.vector(), unknown.vector());
}

#[tokio::test]
async fn a_refusal_by_the_address_is_one_deep_one_write_and_no_hash() {
    let world = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let client = world.stranger();
    client.login("alice@example.com", PASSWORD).await;
    assert_eq!(client.login("alice@example.com", PASSWORD).await.reason(), "auth_rate_limit");
    assert_eq!(cost(&world.last_entry()), (1, 2.0, 1.0, 0));
}

#[tokio::test]
async fn a_refusal_by_the_delay_is_two_deep_two_writes_and_no_hash() {
    let world = world().await;
    world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(world.stranger().login("alice@example.com", "wrong").await.reason(), "login_delay");
    assert_eq!(cost(&world.last_entry()), (2, 2.0, 2.0, 0));
}

#[tokio::test]
async fn a_further_name_after_the_eleventh_costs_one_write_and_round_trip_more() {
    let world = World::builder().nist().start().await;
    let client = world.stranger();
    for n in 0..12 {
        client.login(&format!("name-{n}@example.com"), "wrong").await;
        // The tenth failure writes down the ten; with the eleventh name operators are told: the incident (with two indexes) and its mark.
        let expected = match n {
            9 => (3, 2.0, 4.0, 1),
            10 => (5, 2.0, 7.0, 1),
            11 => (4, 2.0, 4.0, 1),
            _ => (3, 2.0, 3.0, 1),
        };
        assert_eq!(cost(&world.last_entry()), expected, "name {n}");
    }
}

#[tokio::test]
async fn every_read_that_decides_is_consistent() {
    let world = world().await;
    world.stranger().login("alice@example.com", PASSWORD).await;
    let calls = world.last_entry().calls;
    let reads: Vec<_> = calls.iter().filter(|call| call.operation == "GetItem").collect();
    assert!(reads.len() == 2 && reads.iter().all(|call| call.consistent), "{reads:?}");
}

#[tokio::test]
async fn items_stay_within_what_the_budget_assumes() {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    let long = "u".repeat(4_000);
    let client = world.actor("2001:db8:ffff:ffff::1").user_agent(&long);
    client.login("alice@example.com", PASSWORD).await;
    for n in 0..11 {
        client.login(&format!("name-{n}@example.com"), "wrong").await;
    }
    let size = |item: &std::collections::HashMap<String, serde_json::Value>| -> usize {
        item.iter().map(|(name, value)| name.len() + value.to_string().len()).sum()
    };
    for table in ["sessions", "counters"] {
        for item in world.items(table).await {
            assert!(size(&item) <= 1_024, "{table}: {item:?}");
        }
    }
    assert!(world.items("accounts").await.iter().all(|item| size(item) <= 4_096));
}
