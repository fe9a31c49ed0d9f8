//! A user pool from its clients' side: the whole way through its flows, in the order in which Cognito calls the triggers.

use acceptance::{Pool, Session, Signing, World, pool_event};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use palisade_local::{Fault, Mode, NewAccount};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const PASSWORD: &str = "correct-Horse-7-battery";
const OTHER: &str = "Violet-Kettle-8-harbour";
const CANARY: &str = "canary-Migration-4711-fake";
const WRONG: &str = "Incorrect username or password.";
/// What Django's `PBKDF2PasswordHasher` makes of `password` with the salt `abcdefghijkl`, at a cost that tests can pay.
fn django(password: &str) -> String {
    let key = match password {
        PASSWORD => "Yrtsej2mugdSYzggEriXfFVlCRk/V5o7L5tlb8GJwDs=",
        "short" => "1H2/O1TKokEEpHlPAyErNqhuDT9UJZnxbBYSdgnzYaw=",
        "Password123!" => "52eSF9wx4vto3V37/PwFsJj7yTbOJTa5kTmE97pBkSA=",
        CANARY => "gDtaly9GMB82QcczLOfS3cHYmsz/h/tcPf3f45Kv+zs=",
        _ => panic!("no hash of it"),
    };
    format!("pbkdf2_sha256$1000$abcdefghijkl${key}")
}

/// Cognito's own API, answering every request with `status`; and what it was asked.
async fn cognito(status: StatusCode) -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&asked);
    let answer = move |headers: HeaderMap, body: String| async move {
        assert_eq!(headers["x-amz-target"], "AWSCognitoIdentityProviderService.AdminUserGlobalSignOut");
        kept.lock().expect("asked").push(serde_json::from_str(&body).expect("JSON"));
        (status, "{}")
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (url, asked)
}

async fn signed_up(world: &World) -> Pool {
    let pool = world.pool();
    pool.sign_up("alice", "alice@example.com", PASSWORD).await.expect("signed up");
    pool.confirm("alice").await.expect("confirmed");
    pool
}

async fn codes(world: &World) -> Vec<String> {
    let messages = world.mailbox().await;
    let codes = messages.iter().filter(|message| message["kind"] == "sign_in_code");
    codes.map(|message| message["token"].as_str().expect("a code").to_owned()).collect()
}

fn challenge(signing: Result<Signing, String>) -> Session {
    match signing {
        Ok(Signing::Challenge(session)) => session,
        other => panic!("a challenge, not {other:?}"),
    }
}

fn wrong(code: &str) -> String {
    code.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect()
}

#[tokio::test]
async fn r62_sign_up_sign_in_refresh_and_a_forgotten_password() {
    let (url, asked) = cognito(StatusCode::OK).await;
    let world = World::builder().setting("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", &url).start().await;
    let pool = signed_up(&world).await;
    for name in ["alice", "alice@example.com"] {
        let tokens = pool.sign_in(name, PASSWORD).await.expect("tokens");
        assert_eq!(tokens["claimsToAddOrOverride"]["palisade_amr"], "pwd");
        world.advance(60);
    }
    assert_eq!(pool.sign_in("alice", "wrong").await, Err(WRONG.to_owned()));
    pool.refresh("alice").await.expect("tokens");
    let words = pool.forgot_password("alice").await.expect("asked").expect("words");
    assert!(words["emailMessage"].as_str().expect("a text").contains("{####}"));
    pool.set_password("alice", OTHER).await.expect("set");
    assert_eq!(*asked.lock().expect("asked"), [json!({ "UserPoolId": "eu-central-1_ExaMPle01", "Username": "alice" })]);
    assert_eq!(pool.refresh("alice").await, Err("TokenGeneration failed with error Sign in again.".to_owned()));
    assert_eq!(world.notices().await, ["password_reset"]);
    pool.set_password("alice", OTHER).await.expect("a second call");
    assert_eq!(world.notices().await, ["password_reset"], "told once");
    assert_eq!(pool.sign_in("alice", PASSWORD).await, Err(WRONG.to_owned()));
    world.advance(60);
    pool.sign_in("alice", OTHER).await.expect("tokens");
    pool.refresh("alice").await.expect("tokens");
}

#[tokio::test]
async fn a_reset_that_could_not_end_everything_says_so_and_ends_what_it_can() {
    let (forbidding, _) = cognito(StatusCode::FORBIDDEN).await;
    // Takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hanging = format!("http://{}", silent.local_addr().expect("an address"));
    for url in [forbidding, hanging] {
        reset_without_cognito(&url).await;
    }
}

async fn reset_without_cognito(url: &str) {
    let world = World::builder()
        .setting("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", url)
        .setting("PALISADE_COGNITO_DEADLINE_MS", 3_000)
        .start()
        .await;
    let pool = signed_up(&world).await;
    pool.sign_in("alice", PASSWORD).await.expect("tokens");
    assert!(pool.set_password("alice", OTHER).await.is_err());
    assert!(pool.refresh("alice").await.is_err());
    assert_eq!(world.notices().await, ["password_reset"]);
    let subject = world.items("accounts").await[0]["subject"].as_str().expect("an id").to_owned();
    let lines = acceptance::log::lines_with(&subject);
    let is_told = |event: &str, severity: &str| lines.iter().any(|line| line["event"] == event && line["severity"] == severity);
    assert!(is_told("reset_incomplete", "critical") && is_told("authn_password_reset", "info"), "{lines:?}");
}

#[tokio::test]
async fn r62_a_code_follows_the_password_and_only_the_right_one_signs_in() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    assert!(matches!(pool.sign_in_with_code("alice", "wrong").await, Err(text) if text == WRONG));
    world.advance(60);
    let session = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
    assert_eq!(session.public, json!({ "challenge": "CODE", "delivery": "EMAIL", "digits": "8" }));
    let code = codes(&world).await.remove(0);
    let session = challenge(pool.answer(session, &wrong(&code)).await);
    let spaced = format!("{} {}", &code[..4], &code[4..]);
    let Ok(Signing::Tokens(tokens)) = pool.answer(session.clone(), &spaced).await else { panic!("tokens") };
    assert_eq!(tokens["claimsToAddOrOverride"]["palisade_amr"], "pwd otp mfa");
    assert_eq!(codes(&world).await.len(), 1, "asking again sends nothing again");
    let amr = |tokens: &Value| tokens["claimsToAddOrOverride"]["palisade_amr"].clone();
    assert_eq!(amr(&pool.refresh("alice").await.expect("tokens")), "pwd", "it may be another sign-in's");
    let elsewhere = pool.clone().through("another client").sign_in("alice", PASSWORD).await.expect("tokens");
    assert_eq!(amr(&elsewhere), "pwd", "nobody takes a client's word that asks for no code");
    world.advance(60);
    challenge(pool.answer(session, &code).await);
    assert_eq!(codes(&world).await.len(), 2, "used up: the next one is on its way");
}

#[tokio::test]
async fn r62_a_code_is_good_for_one_sign_in_and_a_repeated_call_about_it() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    let owner = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
    world.advance(1);
    let thief = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
    let code = codes(&world).await.remove(0);
    for _ in 0..2 {
        assert!(matches!(pool.answer(owner.clone(), &code).await, Ok(Signing::Tokens(_))), "the same answer, twice");
    }
    challenge(pool.answer(thief, &code).await);
    world.advance(1);
    let next = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
    let code = codes(&world).await.pop().expect("a code");
    assert!(matches!(pool.answer(next, &code).await, Ok(Signing::Tokens(_))), "a new one, at once");
}

#[tokio::test]
async fn r62_five_answers_in_ten_minutes_however_many_sign_ins_and_operators_are_told() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    let mut tries = 0;
    let mut code = String::new();
    for _ in 0..3 {
        let mut session = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
        code = codes(&world).await.pop().expect("a code");
        for _ in 0..2 {
            tries += 1;
            let right = if tries == 6 { code.clone() } else { wrong(&code) };
            session = challenge(pool.answer(session, &right).await);
        }
        world.advance(60);
    }
    assert_eq!(codes(&world).await.len(), 1, "one code for all of them");
    let incidents = world.items("incidents").await;
    let takeovers = incidents.iter().filter(|incident| incident["type"] == "cognito_account_takeover");
    assert_eq!(takeovers.count(), 1, "{incidents:?}");
    world.advance(600);
    let session = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
    let next = codes(&world).await.pop().expect("a code");
    assert_ne!(next, code);
    challenge(pool.answer(session.clone(), &code).await);
    assert!(matches!(pool.answer(session, &next).await, Ok(Signing::Tokens(_))));
}

#[tokio::test]
async fn a_code_is_too_old_after_ten_minutes_lies_in_no_table_and_log_and_is_the_same_work_for_nobody() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    let session = challenge(pool.sign_in_with_code("alice", PASSWORD).await);
    let calls = |world: &World| world.last_entry().vector();
    let known = calls(&world);
    let code = codes(&world).await.remove(0);
    for table in ["accounts", "sessions", "history", "counters", "incidents", "notices"] {
        assert!(!format!("{:?}", world.items(table).await).contains(&code), "{table}");
    }
    assert!(acceptance::log::lines_with(&code).is_empty());
    world.advance(600);
    challenge(pool.answer(session, &code).await);
    assert_eq!(codes(&world).await.len(), 2, "too old: the next one is on its way");
    let request = json!({ "userAttributes": {}, "challengeName": "CUSTOM_CHALLENGE", "session": [], "userNotFound": true });
    let made = world.trigger(&pool_event("CreateAuthChallenge_Authentication", "nobody", &request)).await.expect("a challenge");
    assert_eq!(calls(&world), known);
    assert_eq!(made["response"]["publicChallengeParameters"], json!({ "challenge": "CODE", "delivery": "EMAIL", "digits": "8" }));
    assert_eq!(codes(&world).await.len(), 2, "nobody is written to");
}

async fn import(world: &World, identifier: &str, password: &str) {
    let account = NewAccount {
        identifier: identifier.into(),
        encoded: Some(django(password)),
        first_name: Some("Dora".into()),
        ..NewAccount::default()
    };
    world.make(account).await;
}

#[tokio::test]
async fn r62_a_django_user_signs_in_and_comes_out_as_a_user_of_the_pool() {
    let world = World::start().await;
    import(&world, "dora@example.com", PASSWORD).await;
    let pool = world.pool();
    assert_eq!(pool.sign_in("Dora@example.com", "wrong").await, Err(WRONG.to_owned()));
    world.advance(60);
    pool.sign_in("dora@example.com", PASSWORD).await.expect("tokens");
    let (_, user) = pool.user("dora@example.com").expect("a user");
    assert_eq!((user.attributes["given_name"].as_str(), user.attributes["email_verified"].as_str()), ("Dora", "true"));
    let account = world.items("accounts").await.remove(0);
    assert!(!account.keys().any(|name| name.contains("password") && name != "password_changed_at"), "{account:?}");
    pool.sign_in("dora@example.com", PASSWORD).await.expect("tokens, without us");
    let status = world.palisade(&["migration-status"]).await.expect("a table");
    assert!(status.contains("moved") && status.contains('1'), "{status}");
    assert_eq!(world.stranger().login("dora@example.com", PASSWORD).await.status(), 401, "they have moved");
}

#[tokio::test]
async fn a_disabled_user_stays_so_under_another_address() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    pool.sign_in("alice", PASSWORD).await.expect("tokens");
    world.palisade(&["account", "disable", "alice@example.com"]).await.expect("done");
    pool.change_address("alice", "mallory@example.com");
    world.advance(60);
    assert!(pool.refresh("alice").await.is_err());
    assert!(pool.sign_in("alice", PASSWORD).await.is_err());
    assert_eq!(world.items("accounts").await.len(), 1, "and is nobody else");
    world.palisade(&["account", "enable", "alice@example.com"]).await.expect("done");
    world.advance(60);
    pool.sign_in("alice", PASSWORD).await.expect("tokens");
    pool.refresh("alice").await.expect("tokens");
}

#[tokio::test]
async fn users_imported_by_name_are_found_by_their_address_afterwards() {
    let world = World::builder().setting("PALISADE_IDENTIFIER", "username").start().await;
    let account = NewAccount {
        identifier: "dora".into(),
        email: Some("dora@example.com".into()),
        encoded: Some(django(PASSWORD)),
        ..NewAccount::default()
    };
    world.make(account).await;
    let pool = world.pool();
    pool.sign_in("dora", PASSWORD).await.expect("tokens");
    let accounts = world.items("accounts").await;
    assert!(accounts.len() == 1 && !accounts[0].contains_key("legacy_password"), "{accounts:?}");
    world.palisade(&["account", "disable", "dora"]).await.expect("done");
    assert!(pool.refresh("dora").await.is_err());
}

#[tokio::test]
async fn two_accounts_with_one_address_do_not_become_one() {
    let world = World::builder().setting("PALISADE_IDENTIFIER", "username").start().await;
    for name in ["first", "second"] {
        let account = NewAccount {
            identifier: name.into(),
            email: Some("shared@example.com".into()),
            encoded: Some(django(PASSWORD)),
            ..NewAccount::default()
        };
        world.make(account).await;
    }
    let pool = world.pool();
    pool.sign_in("first", PASSWORD).await.expect("tokens");
    assert!(pool.forgot_password("second").await.expect("an answer").is_none(), "a stranger asks");
    assert_eq!(pool.sign_in("second", PASSWORD).await, Err(WRONG.to_owned()));
    world.palisade(&["account", "disable", "first"]).await.expect("done");
    assert!(pool.refresh("first").await.is_err(), "still theirs");
}

#[tokio::test]
async fn whoever_calls_themselves_by_an_unverified_address_is_not_its_owner() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    pool.sign_in("alice", PASSWORD).await.expect("tokens");
    let before = world.items("accounts").await;
    let attributes =
        json!({ "sub": "8f1b7c1e-6a0b-4c1f-9a8e-2f3d4c5b6a70", "email": "alice@example.com", "email_verified": "false" });
    for source in [
        "PostConfirmation_ConfirmSignUp",
        "PostConfirmation_ConfirmForgotPassword",
        "PostAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ] {
        let event = pool_event(source, "alice@example.com", &json!({ "userAttributes": attributes }));
        world.trigger(&event).await.expect("an answer");
    }
    let accounts = world.items("accounts").await;
    let after: Vec<_> = accounts.into_iter().filter(|account| account["account_key"] == before[0]["account_key"]).collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn what_no_trigger_before_told_of_ends_with_everything_else_from_the_first_refresh_on() {
    let world = World::start().await;
    let pool = signed_up(&world).await;
    pool.refresh("alice").await.expect("tokens, of a sign-in that nobody told of");
    world.palisade(&["revoke", "alice@example.com"]).await.expect("done");
    assert!(pool.refresh("alice").await.is_err());
    pool.sign_in_externally("Google_1", "bob@example.com", true).await.expect("tokens");
    world.advance(60);
    pool.refresh("Google_1").await.expect("tokens");
    world.palisade(&["revoke", "bob@example.com"]).await.expect("done");
    assert!(pool.refresh("Google_1").await.is_err());
    world.advance(60);
    pool.sign_in_externally("Google_1", "bob@example.com", true).await.expect("tokens");
    pool.refresh("Google_1").await.expect("signed in anew");
}

#[tokio::test]
async fn nobody_is_moved_to_where_no_code_reaches_them() {
    let world = World::start().await;
    for (name, password) in [("dora", PASSWORD), ("weak", "short")] {
        import(&world, name, password).await;
    }
    let pool = world.pool();
    assert!(pool.forgot_password("dora").await.expect("an answer").is_none(), "a stranger asks");
    assert_eq!(pool.sign_in("weak", "short").await, Err(WRONG.to_owned()));
    pool.sign_in("dora", PASSWORD).await.expect("tokens");
    assert_eq!(pool.user("dora").expect("a user").1.attributes["given_name"], "Dora");
}

#[tokio::test]
async fn r20_a_password_that_is_weak_or_breached_moves_in_to_be_changed() {
    let world = World::start().await;
    let pool = world.pool();
    for (name, password) in [("weak@example.com", "short"), ("breached@example.com", "Password123!")] {
        import(&world, name, password).await;
        let refused = pool.sign_in(name, password).await;
        assert_eq!(refused, Err("Password reset required for the user".to_owned()), "{name}");
        pool.set_password(name, OTHER).await.expect("set");
        pool.sign_in(name, OTHER).await.expect("tokens");
    }
    assert!(
        world
            .items("accounts")
            .await
            .iter()
            .all(|account| !account.contains_key("legacy_password") && !account.contains_key("must_change"))
    );
}

#[tokio::test]
async fn a31_migrations_are_throttled_like_logins_and_an_unknown_name_costs_the_same() {
    let world = World::builder().setting("PALISADE_DUMMY_SCHEME", "pbkdf2_sha256$1000").start().await;
    import(&world, "dora@example.com", PASSWORD).await;
    let ask = async |name: &str, password: &str| {
        let request = json!({ "password": password, "validationData": null });
        let answer = world.trigger(&pool_event("UserMigration_Authentication", name, &request)).await.expect("never an error");
        let entry = world.last_entry();
        (answer["response"].clone(), entry.vector(), entry.hashes)
    };
    let known = ask("dora@example.com", "wrong").await;
    let unknown = ask("nobody@example.com", "wrong").await;
    assert_eq!((&known.0, &known.1), (&json!({}), &unknown.1));
    assert_eq!(known, unknown);
    let delayed = ask("dora@example.com", PASSWORD).await;
    assert_eq!((&delayed.0, delayed.2), (&json!({}), 0), "not even looked at");
    world.advance(2);
    assert_eq!(ask("dora@example.com", PASSWORD).await.0["finalUserStatus"], "CONFIRMED");
    let disabled = NewAccount {
        identifier: "gone@example.com".into(),
        encoded: Some(django(PASSWORD)),
        status: Some("disabled".into()),
        ..NewAccount::default()
    };
    world.make(disabled).await;
    assert_eq!(ask("gone@example.com", PASSWORD).await.0, json!({}));
}

#[tokio::test]
async fn b20_a_silent_breach_service_lets_people_move_in_flagged_or_by_setting_not_at_all() {
    for (setting, moves) in [("allow", true), ("refuse", false)] {
        let world = World::builder()
            .setting("PALISADE_BREACH_UNAVAILABLE", setting)
            .setting("PALISADE_COGNITO_HIBP_TIMEOUT_MS", 50)
            .start()
            .await;
        import(&world, "dora@example.com", PASSWORD).await;
        world.stack().hibp().inject(Fault::always(Mode::Timeout));
        let signed_in = world.pool().sign_in("dora@example.com", PASSWORD).await;
        assert_eq!(signed_in.is_ok(), moves, "{setting}: {signed_in:?}");
        let account = world.items("accounts").await.remove(0);
        assert_eq!(account.contains_key("breach_unchecked"), moves, "{setting}");
        assert_eq!(account.contains_key("password"), !moves, "nothing is lost");
    }
}

#[tokio::test]
async fn a_forgotten_password_moves_people_in_and_costs_the_same_for_nobody() {
    let world = World::start().await;
    import(&world, "dora@example.com", PASSWORD).await;
    let pool = world.pool();
    assert!(pool.forgot_password("nobody@example.com").await.expect("an answer").is_none());
    let unknown = world.last_entry().vector();
    assert!(pool.forgot_password("dora@example.com").await.expect("an answer").is_some());
    let migrated = world.stack().ledger().entries().into_iter().rev().find(|entry| entry.depth == 1 && !entry.calls.is_empty());
    assert_eq!(migrated.expect("a call").vector(), unknown);
    assert_eq!(world.stranger().login("dora@example.com", PASSWORD).await.status(), 200, "anybody can ask; nothing is taken away");
    pool.set_password("dora@example.com", OTHER).await.expect("set");
    pool.sign_in("dora@example.com", OTHER).await.expect("tokens");
    assert_eq!(world.stranger().login("dora@example.com", PASSWORD).await.status(), 401);
}

#[tokio::test]
async fn a_move_that_cognito_did_not_finish_is_made_again_for_a_week() {
    let world = World::start().await;
    import(&world, "dora@example.com", PASSWORD).await;
    let status = async |world: &World| {
        let request = json!({ "password": PASSWORD, "validationData": null });
        world.trigger(&pool_event("UserMigration_Authentication", "dora@example.com", &request)).await.expect("an answer")["response"]
            ["finalUserStatus"]
            .clone()
    };
    assert_eq!(status(&world).await, "CONFIRMED");
    world.advance(6 * 86_400);
    assert_eq!(status(&world).await, "CONFIRMED");
    world.advance(7 * 86_400);
    assert_eq!(status(&world).await, Value::Null);
    assert!(world.items("accounts").await[0].contains_key("legacy_password"));
    let done = world.palisade(&["migration-status", "--remove-overdue"]).await.expect("a table");
    assert!(done.contains("removed"), "{done}");
    assert!(!world.items("accounts").await[0].contains_key("legacy_password"));
}

#[tokio::test]
async fn sc01_a_password_of_a_migration_appears_nowhere() {
    let world = World::builder().setting("PALISADE_LOG", "trace").start().await;
    import(&world, "dora@example.com", CANARY).await;
    let pool = world.pool();
    pool.sign_in("nobody@example.com", CANARY).await.expect_err("nobody");
    world.fault(Fault::always(Mode::Malformed));
    pool.sign_in("dora@example.com", CANARY).await.expect_err("nothing is known");
    world.stack().faults().clear();
    world.advance(60);
    pool.sign_in("dora@example.com", CANARY).await.expect("tokens");
    let odd = pool_event("UserMigration_Authentication", CANARY, &json!({ "password": [CANARY] }));
    world.trigger(&odd).await.expect("an answer");
    assert!(acceptance::log::lines_with(CANARY).is_empty());
    for table in ["accounts", "counters", "incidents", "notices"] {
        assert!(!format!("{:?}", world.items(table).await).contains(CANARY), "{table}");
    }
}
