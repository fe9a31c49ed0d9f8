//! Whether a name exists must not show in anything: answers, headers, calls, hashes.

use acceptance::World;
use palisade_local::NewAccount;
use serde_json::json;

const PASSWORD: &str = "correct-Horse-7-battery";

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

#[tokio::test]
async fn e02_an_account_without_a_usable_password_is_a_generic_401_after_one_hash() {
    let world = world().await;
    world.make(NewAccount { identifier: "none@example.com".into(), ..NewAccount::default() }).await;
    world.encoded_account("empty@example.com", "").await;
    world.encoded_account("unusable@example.com", "!aBcDeF").await;
    let unknown = world.stranger().login("nobody@example.com", "x").await;
    let vector = world.last_entry().vector();
    for name in ["none@example.com", "empty@example.com", "unusable@example.com"] {
        for password in ["", "!", "!aBcDeF", PASSWORD] {
            world.advance(3_600);
            let fresh = world.stranger().login("nobody@example.com", "x").await;
            let reply = world.stranger().login(name, password).await;
            assert_eq!(reply.comparable(), fresh.comparable(), "{name} {password}");
            assert_eq!((world.last_entry().hashes, world.last_entry().vector()), (1, vector.clone()), "{name} {password}");
        }
    }
    assert_eq!(unknown.status(), 401);
}

#[tokio::test]
async fn e03_a_stored_hash_at_other_parameters_costs_its_own_run_and_one_at_todays() {
    let world = world().await;
    let cheap = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    world.encoded_account("old@example.com", cheap).await;
    assert_eq!(world.stranger().login("old@example.com", "wrong").await.status(), 401);
    assert_eq!(world.last_entry().hashes, 2);
    world.advance(1);
    assert_eq!(world.stranger().login("old@example.com", "password").await.status(), 200);
    assert_eq!(world.last_entry().hashes, 2);
}

#[tokio::test]
async fn e04_an_oversized_password_is_refused_alike_for_everybody_and_counts_nowhere() {
    let world = world().await;
    for (length, status) in [(1_025, 400), (1 << 20, 413)] {
        let long = "x".repeat(length);
        let known = world.stranger().login("alice@example.com", &long).await;
        let unknown = world.stranger().login("nobody@example.com", &long).await;
        assert_eq!(known.status(), status);
        assert_eq!(known.comparable(), unknown.comparable());
        assert!(world.last_entry().calls.is_empty());
    }
    assert_eq!(world.hashes(), 0);
    assert!(world.items("counters").await.is_empty());
}

#[tokio::test]
async fn e05_every_way_of_being_wrong_is_byte_equal() {
    let world = world().await;
    let disabled = |status: &str, identifier: &str| NewAccount {
        identifier: identifier.into(),
        password: Some(PASSWORD.into()),
        status: Some(status.into()),
        ..NewAccount::default()
    };
    world.make(disabled("disabled", "off@example.com")).await;
    let expired = NewAccount { created_at: None, ..disabled("active", "expired@example.com") };
    world.make(expired).await;
    world.advance(100 * 86_400);
    world.make(disabled("active", "fresh@example.com")).await;
    let unknown = world.stranger().login("nobody@example.com", "wrong").await;
    let attempts = [
        ("alice@example.com", "wrong"),
        ("expired@example.com", "wrong"),
        ("fresh@example.com", "wrong"),
        ("off@example.com", "wrong"),
    ];
    for (name, password) in attempts {
        assert_eq!(world.stranger().login(name, password).await.comparable(), unknown.comparable(), "{name}");
    }
    world.advance(1);
    let right_but_disabled = world.stranger().login("off@example.com", PASSWORD).await;
    assert_eq!(right_but_disabled.comparable(), unknown.comparable());
    assert!(world.items("sessions").await.is_empty());
    for (name, expired) in [("expired@example.com", true), ("fresh@example.com", false)] {
        let right = world.stranger().login(name, PASSWORD).await;
        assert_eq!(right.json()["password_change_required"], expired, "only the right password tells: {name}");
    }
}

#[tokio::test]
async fn e06_a_second_try_inside_the_delay_is_the_same_429_for_both() {
    let world = world().await;
    let mut seen = Vec::new();
    for name in ["alice@example.com", "nobody@example.com"] {
        for _ in 0..3 {
            world.stranger().login(name, "wrong").await;
        }
        let reply = world.stranger().login(name, "wrong").await;
        assert_eq!(reply.reason(), "login_delay");
        seen.push((reply.comparable(), world.last_entry().vector()));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn e07_headers_are_the_same_for_known_and_unknown_names() {
    let world = world().await;
    let names =
        |reply: &acceptance::Reply| reply.headers.keys().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>();
    let known = world.stranger().login("alice@example.com", "wrong").await;
    let unknown = world.stranger().login("nobody@example.com", "wrong").await;
    assert_eq!(names(&known), names(&unknown));
    assert!(!known.headers.contains_key("set-cookie"));
    for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "content-length"] {
        assert_eq!(known.header(header), unknown.header(header), "{header}");
    }
}

#[tokio::test]
async fn the_log_tells_operators_what_the_answer_does_not() {
    let world = world().await;
    let (wrong, unknown) = (world.stranger(), world.stranger());
    wrong.login("alice@example.com", "wrong").await;
    unknown.login("nobody@example.com", "wrong").await;
    assert_eq!(wrong.events()[0]["reason"], "wrong_password");
    assert_eq!(unknown.events()[0]["reason"], "unknown_account");
    assert_eq!(unknown.events()[0]["account_id"], json!(null));
    assert!(unknown.events()[0]["account"].is_string(), "a pseudonym, so that tries on one name can be joined");
}
