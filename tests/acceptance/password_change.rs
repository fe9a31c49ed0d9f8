//! `POST /password/change` and `GET /password/policy`.

use acceptance::{Actor, Reply, World};
use palisade_local::{Fault, Mode};
use reqwest::Method;
use serde_json::{Value, json};

const OLD: &str = "correct-Horse-7-battery";
const NEW: &str = "Violet-Kettle-9-harbour";

async fn signed_in() -> (World, Actor) {
    let world = World::start().await;
    world.account("alice@example.com", OLD).await;
    let owner = sign_in(&world, OLD).await;
    (world, owner)
}

async fn sign_in(world: &World, password: &str) -> Actor {
    let owner = world.stranger();
    let login = owner.login("alice@example.com", password).await;
    assert_eq!(login.status(), 200, "{}", login.text);
    login.session()
}

async fn change(owner: &Actor, current: &str, new: &str) -> Reply {
    owner.post("/password/change", &json!({ "current_password": current, "new_password": new })).await
}

fn codes(reply: &Reply) -> Vec<String> {
    reply.json()["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["code"].as_str().expect("a code").to_owned())
        .collect()
}

fn password(n: usize) -> String {
    format!("Violet-Kettle-{n}-harbour-{}", ["mist", "oak", "rain", "salt"][n % 4])
}

#[tokio::test]
async fn r13_a_change_replaces_the_password_the_session_and_every_other_session_and_device() {
    let (world, owner) = signed_in().await;
    let other = sign_in(&world, OLD).await;
    world.advance(1);
    let reply = change(&owner, OLD, NEW).await;
    assert_eq!(reply.status(), 200, "{}", reply.text);
    assert_eq!(reply.json()["password_change_required"], false);
    assert!(reply.set_cookie("__Host-session").is_some() && reply.set_cookie("__Host-device").is_some());
    assert_eq!(change(&owner, NEW, &password(1)).await.code(), "unauthenticated", "the replaced session");
    assert_eq!(change(&other, NEW, &password(1)).await.code(), "unauthenticated", "the other session");
    let successor = reply.session();
    assert_eq!(change(&successor, OLD, &password(1)).await.code(), "invalid_credentials", "the successor lives");
    assert_eq!(world.stranger().login("alice@example.com", OLD).await.status(), 401);
    world.advance(60);
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 200);
    assert_eq!(world.notices().await, ["password_changed"]);
    let sessions = world.items("sessions").await;
    assert_eq!(sessions.iter().filter(|session| session.contains_key("replaced_at")).count(), 1, "a tombstone");
    assert!(owner.event_names().contains(&"session_rejected".to_owned()));
}

#[tokio::test]
async fn a21_a_change_drops_every_device_but_its_own() {
    let world = World::start().await;
    world.account("alice@example.com", OLD).await;
    let other = world.stranger().login("alice@example.com", OLD).await.cookie("__Host-device");
    world.advance(5);
    let owner = sign_in(&world, OLD).await;
    world.advance(5);
    let own = change(&owner, OLD, NEW).await.cookie("__Host-device");
    world.stranger().login("alice@example.com", "wrong").await;
    assert_eq!(world.stranger().device(&other).login("alice@example.com", NEW).await.reason(), "login_delay");
    assert_eq!(world.stranger().device(&own).login("alice@example.com", NEW).await.status(), 200);
}

#[tokio::test]
async fn se05_a_change_raises_the_version_by_one_and_se31_never_lengthens_the_day() {
    let (world, owner) = signed_in().await;
    let version = |account: &Value| account.as_str().expect("a number").parse::<u64>().expect("a number");
    let before = version(&world.items("accounts").await[0]["auth_version"]);
    world.advance(1_800);
    let reply = change(&owner, OLD, NEW).await;
    assert_eq!(version(&world.items("accounts").await[0]["auth_version"]), before + 1);
    assert_eq!(reply.json()["expires_at"], "2033-05-19T03:00:00Z", "a day from the login, not from the change");
}

#[tokio::test]
async fn a_change_is_four_deep_three_hashes_and_one_transaction_at_any_depth_of_history() {
    let world = World::builder().real_hashes().setting("PALISADE_PASSWORD_HISTORY", 10).start().await;
    world.account("alice@example.com", OLD).await;
    let (mut current, mut sizes) = (OLD.to_owned(), Vec::new());
    for n in 0..12 {
        let owner = sign_in(&world, &current).await;
        let next = password(n);
        assert_eq!(change(&owner, &current, &next).await.status(), 200);
        let entry = world.last_entry();
        assert_eq!((entry.depth, entry.hashes), (4, 3), "change {n}");
        let writes: Vec<_> = entry.calls.iter().filter(|call| call.operation == "TransactWriteItems").collect();
        assert_eq!(writes.len(), 1);
        sizes.push(world.items("history").await.len());
        current = next;
        world.advance(86_400);
    }
    assert_eq!(sizes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
}

#[tokio::test]
async fn p22_the_current_and_the_last_five_are_refused_and_the_sixth_is_taken() {
    let world = World::start().await;
    world.account("alice@example.com", &password(0)).await;
    for n in 1..=6 {
        let owner = sign_in(&world, &password(n - 1)).await;
        assert_eq!(change(&owner, &password(n - 1), &password(n)).await.status(), 200);
        world.advance(86_400);
    }
    let owner = sign_in(&world, &password(6)).await;
    for n in (1..=6).rev() {
        let reply = change(&owner, &password(6), &password(n)).await;
        assert_eq!((reply.status(), codes(&reply)), (422, vec!["reused".to_owned()]), "{n}");
    }
    assert_eq!(change(&owner, &password(6), &password(0)).await.status(), 200);
}

#[tokio::test]
async fn r12_every_rule_is_told_at_once_and_the_policy_says_them_beforehand() {
    let (world, owner) = signed_in().await;
    let reply = change(&owner, OLD, "alice").await;
    assert_eq!((reply.status(), reply.code().as_str()), (422, "password_rejected"));
    let expected = ["too_similar", "too_short", "too_common", "too_few_uppercase", "too_few_digits", "too_few_special"];
    assert_eq!(codes(&reply), expected);
    assert_eq!(reply.json()["errors"][0]["params"], json!({ "attribute": "email", "max_similarity_percent": 70 }));
    let policy = world.stranger().send(Method::GET, "/password/policy", None, Vec::new()).await;
    assert_eq!((policy.status(), &policy.json()["policy"]), (200, &json!("seed")));
    assert_eq!(
        policy.json()["rules"][1],
        json!({ "code": "too_short", "params": { "min_length": 12 },
        "message": "The password must have at least 12 characters." })
    );
    assert!(world.last_entry().calls.is_empty());
    assert_eq!(change(&owner, OLD, NEW).await.status(), 200, "a refused password costs nothing");
}

#[tokio::test]
async fn e11_with_a_wrong_current_password_the_answer_says_nothing_of_the_new_one() {
    let (world, owner) = signed_in().await;
    let mut answers = Vec::new();
    for new in ["alice", NEW, OLD] {
        let (status, headers, text) = change(&owner, "wrong", new).await.comparable();
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| name != "x-ratelimit-reset").collect();
        answers.push((status, headers, text));
        world.advance(60);
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a31_wrong_current_passwords_delay_and_the_fifth_ends_the_session_with_a_notice() {
    let (world, _) = signed_in().await;
    let login = world.stranger().login("alice@example.com", OLD).await;
    let owner = login.session();
    for n in 1..=5 {
        assert_eq!(change(&owner, "wrong", NEW).await.code(), "invalid_credentials", "{n}");
        let next = change(&owner, OLD, NEW).await;
        assert_eq!(next.code(), if n < 5 { "rate_limited" } else { "unauthenticated" }, "{n}");
        world.advance(60);
    }
    assert_eq!(world.notices().await, ["session_ended"]);
    assert_eq!(world.stranger().login("alice@example.com", OLD).await.status(), 200, "the account is not delayed by it");
}

#[tokio::test]
async fn a31_strangers_cannot_stop_the_owner_from_changing_the_password() {
    let (world, owner) = signed_in().await;
    for _ in 0..20 {
        world.stranger().login("alice@example.com", "wrong").await;
        world.advance(1);
    }
    assert_eq!(world.stranger().login("alice@example.com", OLD).await.reason(), "login_delay");
    assert_eq!(change(&owner, OLD, NEW).await.status(), 200);
}

#[tokio::test]
async fn a31_with_its_device_wrong_current_passwords_count_on_the_devices_lane() {
    let (world, _) = signed_in().await;
    let login = world.stranger().login("alice@example.com", OLD).await;
    let owner = login.session().device(&login.cookie("__Host-device"));
    assert_eq!(change(&owner, "wrong", NEW).await.status(), 401);
    assert!(world.items("counters").await.iter().any(|item| item["counter"].as_str().is_some_and(|key| key.contains("#device#"))));
    assert_eq!(owner.login("alice@example.com", OLD).await.reason(), "login_delay");
}

#[tokio::test]
async fn p23_without_session_csrf_token_or_current_password_nothing_happens() {
    let (world, owner) = signed_in().await;
    let nobody = world.stranger();
    assert_eq!(change(&nobody, OLD, NEW).await.code(), "unauthenticated");
    let missing = owner.post("/password/change", &json!({ "new_password": NEW })).await;
    assert_eq!((missing.status(), missing.code().as_str()), (400, "invalid_request"));
    let login = world.stranger().login("alice@example.com", OLD).await;
    let without = login.session().without("x-csrf-token");
    assert_eq!(change(&without, OLD, NEW).await.code(), "csrf_failed");
    let foreign = owner.clone().header("sec-fetch-site", "cross-site");
    assert_eq!(change(&foreign, OLD, NEW).await.code(), "csrf_failed");
    assert!(foreign.event_names().contains(&"malicious_csrf".to_owned()));
    assert!(world.items("history").await.is_empty() && world.notices().await.is_empty());
}

#[tokio::test]
async fn w01_another_sessions_csrf_token_is_none() {
    let (world, _) = signed_in().await;
    let (one, two) =
        (world.stranger().login("alice@example.com", OLD).await, world.stranger().login("alice@example.com", OLD).await);
    let mixed = one.session().without("x-csrf-token").header("x-csrf-token", two.json()["csrf_token"].as_str().expect("a token"));
    assert_eq!(change(&mixed, OLD, NEW).await.code(), "csrf_failed");
}

#[tokio::test]
async fn a_bearer_session_needs_no_csrf_token_and_gets_its_successor_in_the_body() {
    let (world, _) = signed_in().await;
    let login = world.stranger().bearer_login("alice@example.com", OLD).await;
    let reply = change(&login.session(), OLD, NEW).await;
    assert_eq!(reply.status(), 200, "{}", reply.text);
    assert!(reply.json()["token"].is_string() && reply.set_cookie("__Host-session").is_none());
}

#[tokio::test]
async fn p21_the_fifth_change_of_a_day_is_429_before_the_first_password_is_free_again() {
    let world = World::start().await;
    world.account("alice@example.com", &password(0)).await;
    for n in 1..=4 {
        let owner = sign_in(&world, &password(n - 1)).await;
        assert_eq!(change(&owner, &password(n - 1), &password(n)).await.status(), 200, "{n}");
    }
    let owner = sign_in(&world, &password(4)).await;
    let reply = change(&owner, &password(4), &password(5)).await;
    assert_eq!((reply.status(), reply.reason().as_str()), (429, "change_limit"));
    assert!(reply.retry_after() > 86_000);
    world.advance(reply.retry_after());
    let owner = sign_in(&world, &password(4)).await;
    assert_eq!(change(&owner, &password(4), &password(5)).await.status(), 200);
}

#[tokio::test]
async fn r14_an_expired_password_is_changed_by_its_own_session() {
    let (world, _) = signed_in().await;
    world.advance(91 * 86_400);
    let login = world.stranger().login("alice@example.com", OLD).await;
    assert_eq!(login.json()["password_change_required"], true);
    let owner = login.session();
    assert_eq!(change(&owner, OLD, NEW).await.json()["password_change_required"], false);
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.json()["password_change_required"], false);
}

#[tokio::test]
async fn se17_an_expired_idle_or_disabled_session_changes_nothing() {
    for (wait, alive) in [(3_599, true), (3_600, false)] {
        let (world, owner) = signed_in().await;
        world.advance(wait);
        assert_eq!(change(&owner, OLD, NEW).await.status(), if alive { 200 } else { 401 }, "{wait}");
    }
    let (world, owner) = signed_in().await;
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "status", Some(acceptance::Edit::S("disabled".into()))).await;
    assert_eq!(change(&owner, OLD, NEW).await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn p20_of_two_changes_at_once_one_wins() {
    for _ in 0..4 {
        let (world, owner) = signed_in().await;
        world.fault(Fault::always(Mode::Shuffle));
        let (new_b, new_c) = (password(1), password(2));
        let (b, c) = tokio::join!(change(&owner, OLD, &new_b), change(&owner, OLD, &new_c));
        let won = [&b, &c].iter().filter(|reply| reply.status() == 200).count();
        assert_eq!(won, 1, "{} {}", b.text, c.text);
        for reply in [&b, &c] {
            assert!(matches!(reply.status(), 200 | 401 | 409), "{}", reply.text);
            assert!(reply.status() == 200 || reply.set_cookie("__Host-session").is_none());
        }
        assert_eq!(world.items("history").await.len(), 1);
        let winner = if b.status() == 200 { &new_b } else { &new_c };
        assert_eq!(world.stranger().login("alice@example.com", winner).await.status(), 200);
    }
}

#[tokio::test]
async fn p20_of_two_changes_in_two_sessions_the_slower_is_a_conflict() {
    let (world, slow) = signed_in().await;
    let fast = sign_in(&world, OLD).await;
    world.fault(Fault::always(Mode::Hold).operation("TransactWriteItems").times(1));
    let slow = tokio::spawn(async move { change(&slow, OLD, &password(1)).await });
    world.held(1).await;
    assert_eq!(change(&fast, OLD, &password(2)).await.status(), 200);
    world.stack().faults().release();
    assert_eq!(slow.await.expect("no panic").code(), "conflict");
    assert_eq!(world.items("history").await.len(), 1);
    assert_eq!(world.stranger().login("alice@example.com", &password(2)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn se13_of_twenty_rotations_at_once_one_wins_and_one_session_is_left() {
    let (world, owner) = signed_in().await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..20 {
        let owner = owner.clone();
        running.spawn(async move { change(&owner, OLD, &password(n)).await });
    }
    let replies = running.join_all().await;
    assert_eq!(replies.iter().filter(|reply| reply.status() == 200).count(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status(), 200 | 401 | 409 | 429)), "{replies:?}");
    let version = world.items("accounts").await[0]["auth_version"].clone();
    let sessions = world.items("sessions").await;
    let alive = sessions.iter().filter(|item| item["auth_version"] == version && !item.contains_key("replaced_at")).count();
    assert_eq!(alive, 1);
}

#[tokio::test]
async fn p04_a_password_of_1025_bytes_is_400_without_a_hash() {
    let (world, owner) = signed_in().await;
    let hashes = world.hashes();
    assert_eq!(change(&owner, OLD, &"a".repeat(1_025)).await.status(), 400);
    assert_eq!(change(&owner, &"a".repeat(1_025), NEW).await.status(), 400);
    assert_eq!(change(&owner, OLD, &"a".repeat(1 << 20)).await.status(), 413);
    assert_eq!(world.hashes(), hashes);
    assert!(world.stack().hibp().asked().is_empty());
}

#[tokio::test]
async fn e11_a_wrong_current_password_counts() {
    let (_world, owner) = signed_in().await;
    change(&owner, "wrong", NEW).await;
    assert_eq!(change(&owner, OLD, NEW).await.reason(), "login_delay");
}

#[tokio::test]
async fn r11_the_current_password_is_refused_even_without_a_history() {
    let world = World::builder().setting("PALISADE_PASSWORD_HISTORY", 0).start().await;
    world.account("alice@example.com", OLD).await;
    let owner = sign_in(&world, OLD).await;
    assert_eq!(codes(&change(&owner, OLD, OLD).await), ["reused"]);
}

#[tokio::test]
async fn r39_a_change_tells_how_many_are_left_today() {
    let world = World::start().await;
    world.account("alice@example.com", &password(0)).await;
    for n in 1..=5 {
        let owner = sign_in(&world, &password(n - 1)).await;
        let reply = change(&owner, &password(n - 1), &password(n)).await;
        let told = (reply.status(), reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining"));
        assert_eq!(told, if n < 5 { (200, "4", ["3", "2", "1", "0"][n - 1]) } else { (429, "4", "0") });
    }
}

#[tokio::test]
async fn se33_the_session_and_its_account_are_read_consistently_in_one_batch() {
    let (world, owner) = signed_in().await;
    world.fault(Fault::always(Mode::Stale));
    assert_eq!(change(&owner, OLD, NEW).await.status(), 200);
    let calls = world.last_entry().calls;
    let batch: Vec<_> = calls.iter().filter(|call| call.operation == "BatchGetItem").collect();
    assert!(batch.len() == 1 && batch[0].consistent && batch[0].table == "accounts+sessions", "{batch:?}");
    assert!(calls.iter().filter(|call| ["Query", "GetItem"].contains(&call.operation.as_str())).all(|call| call.consistent));
}

#[tokio::test]
async fn p25_a_csrf_token_of_a_key_that_is_gone_is_403() {
    let (_world, owner) = signed_in().await;
    for token in ["", "x", "AAAAAAAA.AAAA", &format!("AAAAAAAA.{}", "A".repeat(43))] {
        let owner = owner.clone().without("x-csrf-token").header("x-csrf-token", token);
        assert_eq!(change(&owner, OLD, NEW).await.code(), "csrf_failed", "{token}");
    }
}
