//! Sessions that turn up elsewhere: integrity, hijacking, replaced tokens, in both profiles.

use acceptance::{Actor, World};
use palisade_local::{Fault, Mode};
use serde_json::json;

const PASSWORD: &str = "correct-Horse-7-battery";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

async fn world(nist: bool) -> World {
    let builder = World::builder();
    let world = if nist { builder.nist() } else { builder }.start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

async fn sign_in(world: &World, ip: &str) -> Actor {
    let browser = format!("{FIREFOX} {}", world.name());
    world.actor(ip).user_agent(&browser).login("alice@example.com", PASSWORD).await.session()
}

#[tokio::test]
async fn se08_another_address_ten_minutes_later_ends_this_session_in_seed_and_is_logged_in_nist() {
    let seed = world(false).await;
    let (owner, other) = (sign_in(&seed, "203.0.113.7").await, sign_in(&seed, "203.0.113.7").await);
    seed.advance(600);
    assert_eq!(owner.clone().moved_to("198.51.100.1").get("/session").await.code(), "unauthenticated");
    assert_eq!(owner.event_names().iter().filter(|name| *name == "session_integrity_violation").count(), 1);
    assert_eq!(owner.get("/session").await.code(), "unauthenticated", "it ended");
    assert_eq!(other.get("/session").await.status(), 200, "the others live");
    let incidents = seed.items("incidents").await;
    assert_eq!((incidents.len(), &incidents[0]["type"]), (1, &json!("session_integrity_violation")));
    assert!(seed.notices().await.is_empty(), "its owner moved");

    let nist = world(true).await;
    let owner = sign_in(&nist, "203.0.113.7").await;
    nist.advance(600);
    assert_eq!(owner.clone().moved_to("198.51.100.1").get("/session").await.status(), 200);
    assert!(owner.event_names().contains(&"session_moved".to_owned()));
    assert_eq!(nist.items("sessions").await[0]["ip"], "198.51.100.1", "it goes along");
}

#[tokio::test]
async fn r31_se09_another_address_and_browser_within_a_minute_end_everything_with_one_incident_and_one_notice() {
    for nist in [false, true] {
        let world = world(nist).await;
        let device = world.stranger().login("alice@example.com", PASSWORD).await.cookie("__Host-device");
        let (owner, other) = (sign_in(&world, "203.0.113.7").await, sign_in(&world, "203.0.113.7").await);
        world.advance(5);
        let thief = owner.clone().moved_to("198.51.100.1").user_agent("curl/8.5.0");
        for _ in 0..3 {
            assert_eq!(thief.get("/session").await.code(), "unauthenticated");
        }
        for session in [&owner, &other] {
            assert_eq!(session.get("/session").await.code(), "unauthenticated", "nist: {nist}");
        }
        let incidents = world.items("incidents").await;
        assert_eq!(
            (incidents.len(), &incidents[0]["type"], &incidents[0]["severity"]),
            (1, &json!("session_hijacking"), &json!("critical"))
        );
        assert_eq!((&incidents[0]["occurrences"], &incidents[0]["status_severity"]), (&json!("1"), &json!("open#critical")));
        assert_eq!(world.notices().await, ["session_hijacking"]);
        world.stranger().login("alice@example.com", "wrong").await;
        assert_eq!(
            world.stranger().device(&device).login("alice@example.com", PASSWORD).await.reason(),
            "login_delay",
            "devices, too"
        );
    }
}

#[tokio::test]
async fn se09_a_hijack_is_the_read_and_one_transaction() {
    let world = world(false).await;
    let owner = sign_in(&world, "203.0.113.7").await;
    owner.moved_to("198.51.100.1").get("/session").await;
    let entry = world.last_entry();
    let operations: Vec<_> = entry.calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!((operations, entry.depth), (vec!["BatchGetItem", "TransactWriteItems"], 2));
    // A transacted write is two units an item; the incident's index takes the rest.
    assert_eq!((entry.read_units(), entry.write_units()), (2.0, 8.0));
}

#[tokio::test]
async fn se10_wifi_and_mobile_in_turn_pass_in_nist_and_are_hijacking_at_the_first_change_in_seed() {
    let nist = world(true).await;
    let owner = sign_in(&nist, "203.0.113.7").await;
    for ip in ["198.51.100.1", "203.0.113.7", "198.51.100.1", "203.0.113.7"] {
        nist.advance(10);
        assert_eq!(owner.clone().moved_to(ip).get("/session").await.status(), 200);
    }
    nist.advance(30);
    assert_eq!(owner.clone().moved_to("198.51.100.1").get("/session").await.status(), 200);
    assert_eq!(owner.event_names().iter().filter(|name| *name == "session_moved").count(), 1, "told once a minute");
    let seed = world(false).await;
    let owner = sign_in(&seed, "203.0.113.7").await;
    seed.advance(10);
    assert_eq!(owner.clone().moved_to("198.51.100.1").get("/session").await.code(), "unauthenticated");
    assert_eq!(owner.event_names().last().map(String::as_str), Some("session_hijacking"), "not merely integrity");
    assert_eq!(seed.items("incidents").await.len(), 1);
}

#[tokio::test]
async fn r25_the_host_part_of_an_ipv6_address_may_rotate() {
    let world = world(false).await;
    let owner = sign_in(&world, "2001:db8:1:2::1").await;
    assert_eq!(owner.clone().moved_to("2001:db8:1:2:ffff::9").get("/session").await.status(), 200);
    assert_eq!(owner.moved_to("2001:db8:1:3::1").get("/session").await.code(), "unauthenticated");
}

#[tokio::test]
async fn r26_a_browser_with_less_than_half_its_words_in_common_is_hijacking_in_seed_whenever() {
    let world = world(false).await;
    let owner = sign_in(&world, "203.0.113.7").await;
    world.advance(1_800);
    assert_eq!(owner.clone().user_agent("curl/8.5.0").get("/session").await.code(), "unauthenticated");
    assert_eq!(world.items("incidents").await.len(), 1);
    assert!(world.items("sessions").await[0]["user_agent_hash"].as_str().is_some_and(|hash| hash.len() == 43), "SHA-256");
}

#[tokio::test]
async fn se14_a_replaced_token_after_ten_seconds_ends_everything_once() {
    let world = world(false).await;
    let owner = sign_in(&world, "203.0.113.7").await;
    let other = sign_in(&world, "203.0.113.7").await;
    let successor = owner.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await.session();
    world.advance(10);
    for _ in 0..3 {
        assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    }
    for session in [&successor, &other] {
        assert_eq!(session.get("/session").await.code(), "unauthenticated");
    }
    assert_eq!(owner.event_names().iter().filter(|name| *name == "authn_token_reuse").count(), 1);
    assert_eq!((world.items("incidents").await.len(), world.notices().await), (1, vec!["session_hijacking".to_owned()]));
}

#[tokio::test]
async fn se15_a_replaced_token_within_ten_seconds_is_a_lost_answer() {
    let world = world(false).await;
    let owner = sign_in(&world, "203.0.113.7").await;
    let successor = owner.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await.session();
    world.advance(9);
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    assert_eq!(successor.get("/session").await.status(), 200, "nothing ended");
    assert!(world.items("incidents").await.is_empty() && world.notices().await.is_empty());
}

#[tokio::test]
async fn se14_after_a_change_of_the_password_as_well() {
    let world = world(false).await;
    let owner = sign_in(&world, "203.0.113.7").await;
    let body = json!({ "current_password": PASSWORD, "new_password": "Violet-Kettle-9-harbour" });
    let successor = owner.post("/password/change", &body).await.session();
    world.advance(10);
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    assert_eq!(successor.get("/session").await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_hijack_that_cannot_be_written_refuses_all_the_same_and_is_written_at_the_next_use() {
    let world = World::builder().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world, "203.0.113.7").await;
    world.fault(Fault::always(Mode::Error).operation("TransactWriteItems"));
    let thief = owner.clone().moved_to("198.51.100.1");
    assert_eq!(thief.get("/session").await.code(), "unauthenticated");
    world.stack().faults().clear();
    assert_eq!(thief.get("/session").await.code(), "unauthenticated");
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    assert_eq!(world.items("incidents").await.len(), 1);
}

#[tokio::test]
async fn invariant_9_a_hijack_ends_everything_at_once_also_where_incidents_or_notices_fail() {
    for table in ["incidents", "notices"] {
        let world = World::builder().start().await;
        world.account("alice@example.com", PASSWORD).await;
        let owner = sign_in(&world, "203.0.113.7").await;
        world.fault(Fault::always(Mode::Error).table(table));
        let thief = owner.clone().moved_to("198.51.100.1");
        assert_eq!(thief.get("/session").await.code(), "unauthenticated", "{table}");
        assert_eq!(owner.get("/session").await.code(), "unauthenticated", "{table}: and by that it was dead already");
        let hijacks = thief.event_names().into_iter().filter(|name| name == "session_hijacking").count();
        assert_eq!(hijacks, 1, "{table}");
        let left = world.items(if table == "incidents" { "notices" } else { "incidents" }).await;
        assert_eq!(left.len(), 1, "{table}: the other one is written");
    }
}

#[tokio::test]
async fn operators_end_everybodys_sessions_with_one_setting() {
    let world = World::builder().setting("PALISADE_SESSIONS_NOT_BEFORE", 1_999_998_001).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let early = sign_in(&world, "203.0.113.7").await;
    assert_eq!(early.get("/session").await.code(), "unauthenticated");
    world.advance(1);
    let late = sign_in(&world, "203.0.113.7").await;
    assert_eq!(late.get("/session").await.status(), 200);
}
