//! `POST /password/reset/request` and `POST /password/reset`.

use acceptance::{Reply, World};
use palisade_local::{Fault, Mode, NewAccount};
use serde_json::json;

const OLD: &str = "correct-Horse-7-battery";
const NEW: &str = "Violet-Kettle-9-harbour";

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", OLD).await;
    world
}

async fn request(world: &World, identifier: &str) -> Reply {
    world.stranger().post("/password/reset/request", &json!({ "identifier": identifier })).await
}

async fn reset(world: &World, token: &str, new: &str) -> Reply {
    world.stranger().post("/password/reset", &json!({ "token": token, "new_password": new })).await
}

#[tokio::test]
async fn a_reset_sets_the_password_ends_every_session_and_is_told() {
    let world = world().await;
    let login = world.stranger().login("alice@example.com", OLD).await;
    assert_eq!(request(&world, "Alice@Example.com").await.status(), 202);
    let token = world.grant("reset_password").await;
    let reply = reset(&world, &token, NEW).await;
    assert_eq!((reply.status(), reply.text.as_str()), (204, ""));
    let change = json!({ "current_password": NEW, "new_password": "Violet-Kettle-8-harbour" });
    let owner = login.session();
    assert_eq!(owner.post("/password/change", &change).await.code(), "unauthenticated");
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 200);
    assert_eq!(world.notices().await, ["reset_password", "password_reset"]);
    assert_eq!(world.items("notices").await.len(), 1, "the grant is gone");
    assert_eq!(world.items("history").await.len(), 1);
}

#[tokio::test]
async fn a31_a_reset_works_while_the_account_is_delayed_or_closed_and_opens_it() {
    let world = World::builder().nist().setting("PALISADE_LOGIN_CLOSES_AT", 10).start().await;
    world.account("alice@example.com", OLD).await;
    for _ in 0..10 {
        world.stranger().login("alice@example.com", "wrong").await;
        world.advance(60);
    }
    assert_eq!(world.stranger().login("alice@example.com", OLD).await.retry_after(), 3_600);
    request(&world, "alice@example.com").await;
    assert_eq!(reset(&world, &world.grant("reset_password").await, NEW).await.status(), 204);
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 200);
}

#[tokio::test]
async fn a_grant_works_once_for_a_quarter_of_an_hour_and_survives_a_refused_password() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    let refused = reset(&world, &token, OLD).await;
    assert_eq!((refused.status(), &refused.json()["errors"][0]["code"]), (422, &json!("reused")));
    world.advance(899);
    assert_eq!(reset(&world, &token, NEW).await.status(), 204);
    assert_eq!(reset(&world, &token, "Violet-Kettle-8-harbour").await.code(), "invalid_credentials", "once");
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    world.advance(900);
    assert_eq!(reset(&world, &token, "Violet-Kettle-8-harbour").await.code(), "invalid_credentials", "too old");
}

#[tokio::test]
async fn a_grant_dies_with_the_accounts_version() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    let login = world.stranger().login("alice@example.com", OLD).await;
    let change = json!({ "current_password": OLD, "new_password": NEW });
    assert_eq!(login.session().post("/password/change", &change).await.status(), 200);
    assert_eq!(reset(&world, &token, "Violet-Kettle-8-harbour").await.code(), "invalid_credentials");
}

#[tokio::test]
async fn a_grant_of_an_account_disabled_meanwhile_is_none() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "status", Some(acceptance::Edit::S("disabled".into()))).await;
    assert_eq!(reset(&world, &token, NEW).await.code(), "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_used_twice_at_once_works_once() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    world.fault(Fault::always(Mode::Shuffle));
    let (one, two) = tokio::join!(reset(&world, &token, NEW), reset(&world, &token, "Violet-Kettle-8-harbour"));
    let mut statuses = [one.status(), two.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    assert_eq!(world.items("history").await.len(), 1);
}

#[tokio::test]
async fn e08_a_request_is_the_same_answer_and_the_same_calls_whether_or_not_the_name_exists() {
    let world = world().await;
    let disabled = NewAccount { status: Some("disabled".into()), ..password_account("off@example.com") };
    world.make(disabled).await;
    world.encoded_account("unusable@example.com", "!no-password").await;
    let mut seen = Vec::new();
    for name in ["alice@example.com", "nobody@example.com", "off@example.com", "unusable@example.com"] {
        let reply = request(&world, name).await;
        seen.push((reply.comparable(), world.last_entry().vector(), world.last_entry().depth));
    }
    assert_eq!(seen[0].0.0, 202);
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    assert_eq!(seen[0].2, 2);
    assert_eq!(world.mailbox().await.len(), 1, "only the active owner gets anything");
    assert_eq!(world.items("notices").await.len(), 4, "void ones are written alike");
}

fn password_account(identifier: &str) -> NewAccount {
    NewAccount { identifier: identifier.into(), password: Some(OLD.into()), ..NewAccount::default() }
}

#[tokio::test]
async fn one_grant_in_five_minutes_and_the_answer_does_not_tell() {
    let world = world().await;
    for name in ["alice@example.com", "nobody@example.com"] {
        let (first, second) = (request(&world, name).await, request(&world, name).await);
        assert_eq!(first.comparable(), second.comparable());
    }
    assert_eq!(world.mailbox().await.len(), 1);
    world.advance(300);
    request(&world, "alice@example.com").await;
    assert_eq!(world.mailbox().await.len(), 2);
}

#[tokio::test]
async fn r36_requests_and_resets_count_as_sign_in_requests_of_their_address() {
    let world = world().await;
    let client = world.stranger();
    for n in 0..20 {
        let reply = client.post("/password/reset/request", &json!({ "identifier": format!("name-{n}") })).await;
        assert_eq!((reply.status(), reply.header("x-ratelimit-remaining")), (202, (19 - n).to_string().as_str()));
    }
    let reply = client.post("/password/reset", &json!({ "token": "x", "new_password": NEW })).await;
    assert_eq!((reply.status(), reply.reason().as_str()), (429, "auth_rate_limit"));
    assert_eq!(client.login("alice@example.com", OLD).await.status(), 429, "the address has one account of them");
}

#[tokio::test]
async fn a_token_that_is_none_is_401_and_reads_nothing() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    let (id, rest) = token.split_once('.').expect("parts");
    let forged = [
        "x".to_owned(),
        format!("{id}.{}", rest.replace(|c: char| c.is_ascii_lowercase(), "A")),
        format!("AAAAAAAAAAAAAAAAAAAAAA.{rest}"),
        format!("{token}A"),
    ];
    for token in forged {
        assert_eq!(reset(&world, &token, NEW).await.code(), "invalid_credentials", "{token}");
    }
    let stored = format!("{:?}", world.items("notices").await);
    assert!(!stored.contains(rest.split_once('.').expect("a tag").1), "the tag is stored nowhere");
}

#[tokio::test]
async fn a_reset_is_three_deep_and_one_transaction() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    assert_eq!(reset(&world, &token, NEW).await.status(), 204);
    let entry = world.last_entry();
    assert_eq!((entry.depth, entry.hashes), (3, 2), "the digest and the hash");
}

#[tokio::test]
async fn d07_a_fault_at_any_call_of_a_reset_leaves_all_old_or_all_new() {
    let calls = [
        ("counters", "UpdateItem"),
        ("notices", "GetItem"),
        ("accounts", "GetItem"),
        ("history", "Query"),
        ("accounts", "TransactWriteItems"),
    ];
    for (table, operation) in calls {
        for mode in [Mode::Error, Mode::LostReply] {
            let world = World::builder().start().await;
            world.account("alice@example.com", OLD).await;
            request(&world, "alice@example.com").await;
            let token = world.grant("reset_password").await;
            world.fault(Fault::always(mode).table(table).operation(operation));
            let reply = reset(&world, &token, NEW).await;
            world.stack().faults().clear();
            assert!(matches!(reply.status(), 204 | 503), "{table} {mode:?}: {}", reply.text);
            let set = world.items("history").await.len() == 1;
            assert!(set || reply.status() == 503);
            let logs_in = if set { NEW } else { OLD };
            assert_eq!(world.stranger().login("alice@example.com", logs_in).await.status(), 200, "{table} {mode:?}");
            assert_eq!(reset(&world, &token, "Violet-Kettle-8-harbour").await.status(), if set { 401 } else { 204 });
        }
    }
}

#[tokio::test]
async fn w02_another_site_asks_for_nothing() {
    let world = world().await;
    let foreign = world.stranger().header("sec-fetch-site", "cross-site");
    let reply = foreign.post("/password/reset/request", &json!({ "identifier": "alice@example.com" })).await;
    assert_eq!(reply.code(), "csrf_failed");
    assert!(world.items("notices").await.is_empty());
}

#[tokio::test]
async fn a06_the_eleventh_name_is_told_once_on_whichever_route_it_is() {
    let world = World::builder().nist().start().await;
    let client = world.stranger();
    for n in 0..11 {
        client.post("/password/reset/request", &json!({ "identifier": format!("name-{n}") })).await;
    }
    for n in 11..20 {
        client.login(&format!("name-{n}"), "wrong").await;
    }
    let told = client.event_names().into_iter().filter(|name| name == "username_enumeration").count();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn p21_whoever_resets_often_is_held_to_all_ten_that_are_kept() {
    let world = World::start().await;
    let password = |n: usize| format!("Violet-Kettle-{n}-harbour-{}", ["mist", "oak", "rain", "salt"][n % 4]);
    world.account("alice@example.com", &password(0)).await;
    for n in 1..=6 {
        request(&world, "alice@example.com").await;
        assert_eq!(reset(&world, &world.grant("reset_password").await, &password(n)).await.status(), 204, "{n}");
        world.advance(300);
    }
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    let old = reset(&world, &token, &password(0)).await;
    assert_eq!(old.json()["errors"][0]["code"], "reused", "the sixth before would be free after a day: {}", old.text);
    assert_eq!(reset(&world, &token, &password(7)).await.status(), 204);
}

#[tokio::test]
async fn d04_a_reset_that_meets_a_rehash_is_a_conflict_and_its_grant_stands() {
    let world = world().await;
    request(&world, "alice@example.com").await;
    let token = world.grant("reset_password").await;
    world.fault(Fault::always(Mode::Hold).operation("TransactWriteItems").times(1));
    let (slow, sent) = (world.clone(), token.clone());
    let slow = tokio::spawn(async move { reset(&slow, &sent, NEW).await });
    world.held(1).await;
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    let other =
        Some(acceptance::Edit::S("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc".into()));
    world.edit("accounts", &[("account_key", &key)], "password", other).await;
    world.stack().faults().release();
    assert_eq!(slow.await.expect("no panic").code(), "conflict");
    assert_eq!(reset(&world, &token, NEW).await.status(), 204);
}
