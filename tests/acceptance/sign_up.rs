//! `POST /signup`, `POST /signup/confirm` and `POST /signup/resend`.

use acceptance::{Reply, World};
use palisade_local::{Fault, Mode};
use serde_json::{Value, json};

const PASSWORD: &str = "Violet-Kettle-9-harbour";

async fn sign_up(world: &World, email: &str, password: &str) -> Reply {
    world.stranger().post("/signup", &json!({ "email": email, "password": password })).await
}

async fn confirm(world: &World, token: &str, password: &str) -> Reply {
    world.stranger().post("/signup/confirm", &json!({ "token": token, "password": password })).await
}

#[tokio::test]
async fn a_sign_up_is_an_account_once_its_owner_confirms_it_with_its_password() {
    let world = World::start().await;
    let body =
        json!({ "email": "Alice@Example.com", "password": PASSWORD, "username": "Alice", "first_name": " Ada ", "last_name": "L" });
    let reply = world.stranger().post("/signup", &body).await;
    assert_eq!((reply.status(), reply.json()), (202, json!({ "status": "accepted" })));
    assert!(world.items("accounts").await.is_empty(), "no account before its confirmation");
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.code(), "invalid_credentials");
    world.advance(1);
    let token = world.grant("confirm_sign_up").await;
    assert_eq!(confirm(&world, &token, "wrong").await.code(), "invalid_credentials");
    world.advance(1);
    let confirmed = confirm(&world, &token, PASSWORD).await;
    assert_eq!(confirmed.status(), 201, "{}", confirmed.text);
    assert_eq!((world.last_entry().depth, world.last_entry().hashes), (3, 2));
    let login = world.stranger().login("ALICE@example.com", PASSWORD).await;
    assert_eq!(login.json()["account_id"], confirmed.json()["account_id"]);
    let account = &world.items("accounts").await[0];
    assert_eq!(
        (&account["email"], &account["username"], &account["first_name"]),
        (&json!("alice@example.com"), &json!("alice"), &json!("Ada"))
    );
    assert_eq!(confirm(&world, &token, PASSWORD).await.code(), "invalid_credentials", "once");
}

#[tokio::test]
async fn e08_signing_up_a_known_name_is_the_same_answer_and_the_same_calls_and_changes_nothing() {
    let world = World::start().await;
    world.account("alice@example.com", "correct-Horse-7-battery").await;
    let mut seen = Vec::new();
    for name in ["alice@example.com", "nobody@example.com"] {
        let reply = sign_up(&world, name, PASSWORD).await;
        let entry = world.last_entry();
        seen.push((reply.comparable(), entry.vector(), entry.depth, entry.hashes));
        world.advance(1);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!((seen[0].2, seen[0].3), (2, 1));
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.code(), "invalid_credentials");
    let mailbox = world.mailbox().await;
    assert_eq!(world.notices().await, ["sign_up_attempted", "confirm_sign_up"]);
    assert!(mailbox[0]["token"].is_null() && mailbox[1]["token"].is_string());
}

#[tokio::test]
async fn a11_a_notice_goes_to_the_address_stored_with_the_account_never_to_the_one_typed() {
    let world = World::start().await;
    let owner = palisade_local::NewAccount {
        identifier: "kim@example.com".into(),
        email: Some("kim@example.com".into()),
        password: Some(PASSWORD.into()),
        ..Default::default()
    };
    world.make(owner).await;
    // The Kelvin sign folds to k: the same name, another mailbox.
    sign_up(&world, "\u{212a}im@example.com", PASSWORD).await;
    world.advance(1);
    world.stranger().post("/password/reset/request", &json!({ "identifier": "\u{212a}im@example.com" })).await;
    let to: Vec<Value> = world.mailbox().await.iter().map(|message| message["to"].clone()).collect();
    assert_eq!(to, ["kim@example.com", "kim@example.com"]);
    world.advance(1);
    sign_up(&world, "\u{212a}elly@example.com", PASSWORD).await;
    assert_eq!(world.mailbox().await[2]["to"], "kelly@example.com", "a new one goes to the canonical address");
}

#[tokio::test]
async fn each_sign_up_of_a_name_waits_with_its_own_password_and_the_first_confirmed_wins() {
    let world = World::start().await;
    sign_up(&world, "alice@example.com", PASSWORD).await;
    let first = world.grant("confirm_sign_up").await;
    world.advance(60);
    sign_up(&world, "alice@example.com", "Violet-Kettle-8-harbour").await;
    let second = world.grant("confirm_sign_up").await;
    assert_eq!(confirm(&world, &second, PASSWORD).await.status(), 401, "a stranger's password confirms nothing");
    assert_eq!(confirm(&world, &first, PASSWORD).await.status(), 201);
    world.advance(1);
    let late = confirm(&world, &second, "Violet-Kettle-8-harbour").await;
    assert_eq!((late.status(), late.code().as_str()), (409, "conflict"));
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a_confirmation_is_good_for_a_day() {
    for (wait, status) in [(86_399, 201), (86_400, 401)] {
        let world = World::start().await;
        sign_up(&world, "alice@example.com", PASSWORD).await;
        let token = world.grant("confirm_sign_up").await;
        world.advance(wait);
        assert_eq!(confirm(&world, &token, PASSWORD).await.status(), status, "{wait}");
    }
}

#[tokio::test]
async fn one_notice_a_minute_and_name_and_the_answer_does_not_tell() {
    let world = World::start().await;
    let (first, second) = (sign_up(&world, "a@example.com", PASSWORD).await, sign_up(&world, "a@example.com", PASSWORD).await);
    assert_eq!(first.comparable(), second.comparable());
    assert_eq!(world.mailbox().await.len(), 1);
    world.advance(60);
    sign_up(&world, "a@example.com", PASSWORD).await;
    assert_eq!(world.mailbox().await.len(), 2);
}

#[tokio::test]
async fn a_notice_is_sent_again_for_the_same_sign_up_alike_for_everybody() {
    let world = World::start().await;
    world.account("known@example.com", "correct-Horse-7-battery").await;
    sign_up(&world, "alice@example.com", PASSWORD).await;
    world.advance(3_600);
    let mut seen = Vec::new();
    // Reads the list of blocked networks, as one request in thirty seconds does.
    world.stranger().post("/signup/resend", &json!({ "identifier": "first@example.com" })).await;
    for name in ["alice@example.com", "nobody@example.com", "known@example.com"] {
        let reply = world.stranger().post("/signup/resend", &json!({ "identifier": name })).await;
        seen.push((reply.comparable(), world.last_entry().vector(), world.last_entry().depth));
    }
    assert!(seen[0].0.0 == 202 && seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    let mailbox = world.mailbox().await;
    assert_eq!(mailbox.len(), 2);
    assert_eq!(mailbox[0]["expires_at"], mailbox[1]["expires_at"], "it waits no longer for that");
    assert_eq!(confirm(&world, &world.grant("confirm_sign_up").await, PASSWORD).await.status(), 201);
}

#[tokio::test]
async fn p27_a_password_is_refused_alike_for_a_free_and_a_taken_name_whatever_the_network_does() {
    let world = World::start().await;
    world.account("alice@example.com", "correct-Horse-7-battery").await;
    world.stack().hibp().inject(Fault::always(Mode::Error));
    let mut seen = Vec::new();
    for name in ["alice@example.com", "nobody@example.com"] {
        let reply = sign_up(&world, name, "passwordpassword").await;
        assert!(reply.json()["errors"].as_array().expect("errors").iter().any(|error| error["code"] == "contains_dictionary_word"));
        seen.push((reply.comparable(), world.last_entry().vector()));
        let reply = sign_up(&world, name, "qwertyuiop").await;
        assert!(reply.json()["errors"].as_array().expect("errors").iter().any(|error| error["code"] == "too_common"));
    }
    assert_eq!((seen[0].0.0, &seen[0]), (422, &seen[1]));
    assert!(world.items("notices").await.is_empty());
}

#[tokio::test]
async fn r04_the_sign_ups_own_names_are_compared() {
    let world = World::start().await;
    let body = json!({ "email": "a@example.com", "password": "Xenophon-42-Marlowe!", "first_name": "Xenophon", "last_name": "Xenophon-42-Marlow" });
    let reply = world.stranger().post("/signup", &body).await;
    assert_eq!(reply.json()["errors"][0]["params"]["attribute"], "last_name", "{}", reply.text);
}

#[tokio::test]
async fn names_that_cannot_be_are_400_and_count_nowhere() {
    let world = World::start().await;
    let long = "n".repeat(151);
    for body in [
        json!({ "password": PASSWORD }),
        json!({ "email": "no-at-sign", "password": PASSWORD }),
        json!({ "email": "@example.com", "password": PASSWORD }),
        json!({ "email": "a@", "password": PASSWORD }),
        json!({ "email": "\u{430}dmin@example.com", "password": PASSWORD }),
        json!({ "email": "a@example.com", "username": "x@y", "password": PASSWORD }),
        json!({ "email": "a@example.com", "first_name": "a\u{0}b", "password": PASSWORD }),
        json!({ "email": "a@example.com", "last_name": long, "password": PASSWORD }),
        json!({ "email": "a@example.com", "password": PASSWORD, "is_admin": true }),
        json!({ "email": "a@example.com", "password": "a".repeat(1_025) }),
    ] {
        let reply = world.stranger().post("/signup", &body).await;
        assert_eq!((reply.status(), reply.code().as_str()), (400, "invalid_request"), "{body}");
        assert!(world.last_entry().calls.is_empty());
    }
}

#[tokio::test]
async fn with_user_names_as_identifiers_the_user_name_signs_in() {
    let world = World::builder().setting("PALISADE_IDENTIFIER", "username").start().await;
    let body = json!({ "email": "alice@example.com", "username": "wonder", "password": PASSWORD });
    assert_eq!(world.stranger().post("/signup", &body).await.status(), 202);
    assert_eq!(sign_up(&world, "alice@example.com", PASSWORD).await.status(), 400, "no user name");
    assert_eq!(confirm(&world, &world.grant("confirm_sign_up").await, PASSWORD).await.status(), 201);
    assert_eq!(world.stranger().login("wonder", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn without_confirmation_a_sign_up_is_an_account_at_once_and_says_openly_when_there_is_one() {
    let world = World::builder().setting("PALISADE_REQUIRE_CONFIRMATION", "false").start().await;
    let reply = sign_up(&world, "alice@example.com", PASSWORD).await;
    assert_eq!(reply.status(), 201);
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.json()["account_id"], reply.json()["account_id"]);
    assert_eq!(sign_up(&world, "alice@example.com", PASSWORD).await.code(), "conflict");
}

#[tokio::test]
async fn d07_a_fault_at_any_call_of_a_confirmation_leaves_none_or_one_account() {
    for (table, operation) in [("counters", "UpdateItem"), ("notices", "GetItem"), ("accounts", "TransactWriteItems")] {
        for mode in [Mode::Error, Mode::LostReply] {
            let world = World::builder().start().await;
            sign_up(&world, "alice@example.com", PASSWORD).await;
            let token = world.grant("confirm_sign_up").await;
            world.fault(Fault::always(mode).table(table).operation(operation));
            let reply = confirm(&world, &token, PASSWORD).await;
            world.stack().faults().clear();
            assert!(matches!(reply.status(), 201 | 503), "{table} {mode:?} {}", reply.text);
            let made = world.items("accounts").await.len();
            assert_eq!(confirm(&world, &token, PASSWORD).await.status(), if made == 1 { 401 } else { 201 }, "{table} {mode:?}");
            assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200);
        }
    }
}

#[tokio::test]
async fn sc09_no_password_and_no_grant_lies_in_any_table_or_log() {
    let world = World::start().await;
    sign_up(&world, "alice@example.com", "Canary-Kettle-4711-fake").await;
    let mut tokens = vec![world.grant("confirm_sign_up").await];
    world.advance(60);
    world.stranger().post("/signup/resend", &json!({ "identifier": "alice@example.com" })).await;
    tokens.push(world.grant("confirm_sign_up").await);
    assert_eq!(confirm(&world, &tokens[1], "Canary-Kettle-4711-fake").await.status(), 201);
    world.stranger().post("/password/reset/request", &json!({ "identifier": "alice@example.com" })).await;
    tokens.push(world.grant("reset_password").await);
    let mut stored = Vec::new();
    for table in ["accounts", "sessions", "history", "counters", "incidents", "notices"] {
        stored.push(format!("{:?}", world.items(table).await));
    }
    let stored = stored.join("\n");
    let log = acceptance::log::text();
    for token in tokens {
        let tag = token.rsplit_once('.').expect("a tag").1;
        assert!(!stored.contains(tag) && !log.contains(tag), "{stored}");
    }
    assert!(!stored.contains("Canary-Kettle") && !log.contains("Canary-Kettle"));
}

#[tokio::test]
async fn i01_i02_lone_surrogates_are_400_and_a_nul_in_a_password_counts() {
    let world = World::start().await;
    for body in [r#"{"email":"a@example.com","password":"\ud800abcdefghijk"}"#, r#"{"email":"\udfff@example.com","password":"x"}"#]
    {
        let reply =
            world.stranger().send(reqwest::Method::POST, "/signup", Some("application/json"), body.as_bytes().to_vec()).await;
        assert_eq!(reply.status(), 400, "{body}");
    }
    let password = "Violet-Kettle\u{0}-9-harbour";
    assert_eq!(sign_up(&world, "a@example.com", password).await.status(), 202);
    let token = world.grant("confirm_sign_up").await;
    assert_eq!(confirm(&world, &token, "Violet-Kettle").await.status(), 401);
    world.advance(1);
    assert_eq!(confirm(&world, &token, password).await.status(), 201);
}

#[tokio::test]
async fn a_stranger_whom_the_notice_reached_cannot_guess_the_password_with_it() {
    let world = World::start().await;
    sign_up(&world, "alice@example.com", PASSWORD).await;
    let token = world.grant("confirm_sign_up").await;
    for n in 1..=5 {
        assert_eq!(confirm(&world, &token, "guess").await.status(), 401, "{n}");
        assert_eq!(confirm(&world, &token, PASSWORD).await.status(), if n < 5 { 429 } else { 401 }, "{n}");
        world.advance(60);
    }
    let hashes = world.hashes();
    assert_eq!(confirm(&world, &token, PASSWORD).await.code(), "invalid_credentials", "the token is worth nothing any more");
    assert_eq!(world.hashes(), hashes);
}

#[tokio::test]
async fn whoever_asks_for_other_peoples_notices_does_not_keep_them_from_signing_up() {
    let world = World::start().await;
    world.stranger().post("/signup/resend", &json!({ "identifier": "alice@example.com" })).await;
    assert_eq!(sign_up(&world, "alice@example.com", PASSWORD).await.status(), 202);
    assert_eq!(confirm(&world, &world.grant("confirm_sign_up").await, PASSWORD).await.status(), 201);
}

#[tokio::test]
async fn r39_r41_sign_ups_carry_the_rate_headers_and_their_refusal_is_logged() {
    let world = World::builder().setting("PALISADE_AUTH_REQUESTS_PER_IP", 1).start().await;
    let client = world.stranger();
    let body = json!({ "email": "a@example.com", "password": PASSWORD });
    let first = client.post("/signup", &body).await;
    assert_eq!((first.status(), first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), (202, "1", "0"));
    let second = client.post("/signup", &body).await;
    assert_eq!((second.status(), second.reason().as_str()), (429, "auth_rate_limit"));
    assert!(second.retry_after() >= 1 && second.header("x-ratelimit-reset").len() == 10);
    let events = client.events();
    let event = events.last().expect("an event");
    assert_eq!((&event["event"], &event["path"]), (&json!("excess_rate_limit_exceeded"), &json!("/signup")));
}
