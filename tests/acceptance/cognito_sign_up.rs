//! Sign-ups to a user pool, and its messages.

use acceptance::{World, WorldBuilder, pool_event};
use palisade_core::cognito::Refusal;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const REFUSED: Result<(), &str> = Err(Refusal::SignUp.as_str());
const TOO_MANY: Result<(), &str> = Err(Refusal::TooManySignUps.as_str());

async fn ask(world: &World, by: &str, name: &str, attributes: Value) -> Result<(), &'static str> {
    let request = json!({ "userAttributes": attributes, "validationData": null });
    world.trigger(&pool_event(&format!("PreSignUp_{by}"), name, &request)).await.map(drop)
}

async fn sign_up(world: &World, name: &str, email: &str) -> Result<(), &'static str> {
    ask(world, "SignUp", name, json!({ "email": email })).await
}

fn builder() -> WorldBuilder {
    World::builder().setting("PALISADE_BLOCKED_MAIL_DOMAINS", "mailinator.com")
}

#[tokio::test]
async fn a13_names_of_mixed_scripts_and_with_hidden_signs_are_refused_by_everybody() {
    let world = builder().start().await;
    for (name, email) in [
        ("\u{430}dmin", "a@example.com"),
        ("ad\u{200b}min", "a@example.com"),
        ("admin", "a@ex\u{430}mple.com"),
        ("", "a@example.com"),
        ("a", "a@mailinator.com"),
        ("a@x.mailinator.com", "a@x.mailinator.com"),
    ] {
        assert_eq!(sign_up(&world, name, email).await, REFUSED, "{name} {email}");
        assert_eq!(ask(&world, "AdminCreateUser", name, json!({ "email": email })).await, REFUSED, "{name} {email}");
        assert!(world.last_entry().calls.is_empty());
    }
    assert_eq!(sign_up(&world, "\u{438}\u{432}\u{430}\u{43d}", "ivan@example.com").await, Ok(()));
}

#[tokio::test]
async fn a10_whoever_looks_like_somebody_is_refused_and_the_pool_judges_whoever_is_spelled_alike() {
    let world = builder().start().await;
    world.account("imported@example.com", PASSWORD).await;
    world.trigger_of("PostConfirmation_ConfirmSignUp", "Ren\u{e9}e@example.com").await.expect("kept");
    for (name, email) in [
        ("x1", "imported@example.com"),
        ("x2", "IMPORTED@example.com"),
        ("IMPORTED@example.com", "imported@example.com"),
        ("x3", "Rene\u{301}e@example.com"),
        ("x4", "\u{ff32}en\u{e9}e@example.com"),
    ] {
        assert_eq!(sign_up(&world, name, email).await, REFUSED, "{name} {email}");
    }
    assert_eq!(sign_up(&world, "x5", "REN\u{c9}E@example.com").await, Ok(()), "Cognito knows whether they are still there");
    assert_eq!(sign_up(&world, "x6", "new@example.com").await, Ok(()));
    let entry = world.last_entry();
    assert_eq!((entry.depth, entry.read_units(), entry.write_units()), (1, 3.0, 1.0));
}

#[tokio::test]
async fn nobody_calls_themselves_by_an_address_that_is_not_theirs_to_verify() {
    let world = builder().start().await;
    assert_eq!(sign_up(&world, "victim@example.com", "mallory@example.com").await, REFUSED);
    assert_eq!(ask(&world, "SignUp", "victim@example.com", json!({})).await, REFUSED);
    assert_eq!(sign_up(&world, "Alice@example.com", "alice@example.com").await, Ok(()));
}

#[tokio::test]
async fn one_mailbox_signs_up_three_times_a_day_and_its_plain_address_always() {
    let world = builder().start().await;
    for n in 0..3 {
        assert_eq!(sign_up(&world, "x", &format!("a+{n}@example.com")).await, Ok(()));
    }
    assert_eq!(sign_up(&world, "x", "a+3@example.com").await, TOO_MANY);
    assert_eq!(sign_up(&world, "x", "a@example.com").await, Ok(()), "nobody else keeps its owner from it");
    assert_eq!(sign_up(&world, "x", "b+1@example.com").await, Ok(()));
    world.advance(86_400);
    assert_eq!(sign_up(&world, "x", "a+4@example.com").await, Ok(()));
}

#[tokio::test]
async fn sign_ups_over_their_number_are_refused_and_operators_are_told_once() {
    let world = builder().setting("PALISADE_COGNITO_SIGN_UPS_PER_HOUR", 3).start().await;
    for n in 0..8 {
        let answer = sign_up(&world, "x", &format!("user-{n}@example.com")).await;
        assert_eq!(answer, if n < 3 { Ok(()) } else { TOO_MANY }, "{n}");
    }
    let incidents = world.items("incidents").await;
    assert_eq!(incidents.len(), 1);
    assert_eq!((&incidents[0]["type"], &incidents[0]["occurrences"]), (&json!("rate_limit_abuse"), &json!("1")));
    world.advance(3_600);
    assert_eq!(sign_up(&world, "x", "later@example.com").await, Ok(()));
}

#[tokio::test]
async fn an_account_is_not_taken_over_through_another_provider_that_vouches_for_nothing() {
    let world = builder().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let external = async |email: &str, verified: Value| {
        ask(&world, "ExternalProvider", "Loose_1\u{430}", json!({ "email": email, "email_verified": verified })).await
    };
    assert_eq!(external("Alice@example.com", json!("false")).await, REFUSED);
    assert_eq!(external("Alice@example.com", Value::Null).await, REFUSED);
    let incidents = world.items("incidents").await;
    assert_eq!(incidents.len(), 1);
    assert_eq!((&incidents[0]["type"], &incidents[0]["severity"]), (&json!("cognito_account_takeover"), &json!("critical")));
    assert_eq!(world.alerts().await.len(), 1);
    assert_eq!(external("alice@example.com", json!("true")).await, Ok(()), "the provider says that it is theirs");
    assert_eq!(external("bob@example.com", json!("false")).await, Ok(()), "nobody's");
    assert_eq!(ask(&world, "ExternalProvider", "Loose_1", json!({})).await, Ok(()));
}

async fn confirm(world: &World, name: &str, sub: &str, email: &str) {
    let request = json!({ "userAttributes": { "sub": sub, "email": email, "email_verified": "true" } });
    world.trigger(&pool_event("PostConfirmation_ConfirmSignUp", name, &request)).await.expect("an answer");
}

const FIRST: &str = "8f1b7c1e-6a0b-4c1f-9a8e-2f3d4c5b6a70";
const SECOND: &str = "8f1b7c1e-6a0b-4c1f-9a8e-2f3d4c5b6a71";

#[tokio::test]
async fn a_confirmed_user_is_kept_once() {
    let world = builder().start().await;
    confirm(&world, "alice", FIRST, "Alice@example.com").await;
    let account = world.items("accounts").await.remove(0);
    assert_eq!((&account["subject"], &account["identifier"]), (&json!(FIRST), &json!("alice@example.com")));
    assert!(account.contains_key("password_changed_at") && !account.contains_key("password"));
    confirm(&world, "alice", FIRST, "Alice@example.com").await;
    assert_eq!(world.items("accounts").await, [account], "a second call changes nothing");
}

#[tokio::test]
async fn no_confirmation_takes_anything_from_an_account_that_is_there() {
    let world = builder().start().await;
    let staff = palisade_local::NewAccount {
        identifier: "alice@example.com".into(),
        password: Some(PASSWORD.into()),
        role: Some("staff".into()),
        ..palisade_local::NewAccount::default()
    };
    world.make(staff).await;
    world.trigger_of("PostAuthentication_Authentication", "alice@example.com").await.expect("known to the pool");
    world.palisade(&["account", "disable", "alice@example.com"]).await.expect("done");
    let before = world.items("accounts").await;
    for sub in [FIRST, SECOND] {
        confirm(&world, "alice", sub, "alice@example.com").await;
    }
    assert_eq!(world.items("accounts").await, before, "password, role, and that it is switched off");
    let tokens = world.pool().sign_in_externally("Google_1", "alice@example.com", true).await;
    assert_eq!(tokens, Err(format!("TokenGeneration failed with error {}.", Refusal::Tokens.as_str())), "nor another way in");
}

#[tokio::test]
async fn a10_whoever_looks_like_another_users_name_is_refused() {
    let world = builder().start().await;
    confirm(&world, "alice", FIRST, "alice@example.com").await;
    assert_eq!(sign_up(&world, "\u{ff21}\u{ff2c}\u{ff29}\u{ff23}\u{ff25}", "mallory@example.com").await, REFUSED);
    assert_eq!(sign_up(&world, "ALICE", "mallory@example.com").await, Ok(()), "Cognito knows better");
    assert_eq!(sign_up(&world, "alicia", "mallory@example.com").await, Ok(()));
}

#[tokio::test]
async fn al12_messages_hold_their_code_and_nothing_that_a_user_wrote() {
    let world = builder().setting("PALISADE_SERVICE_NAME", "Shop & Co").start().await;
    let ask = async |what: &str, code: &str| {
        let request = json!({
            "userAttributes": { "given_name": "<a href=//evil>Click</a>", "email": "a@example.com" },
            "codeParameter": code, "usernameParameter": "{username}",
        });
        world.trigger(&pool_event(&format!("CustomMessage_{what}"), "evil", &request)).await.expect("an answer")["response"].clone()
    };
    for what in [
        "SignUp",
        "AdminCreateUser",
        "ResendCode",
        "ForgotPassword",
        "UpdateUserAttribute",
        "VerifyUserAttribute",
        "Authentication",
    ] {
        let response = ask(what, "{####}").await;
        for form in ["smsMessage", "emailMessage"] {
            let text = response[form].as_str().expect("a text");
            assert!(text.contains("{####}") && !text.contains("evil"), "{what}: {text}");
        }
        assert!(response["emailMessage"].as_str().expect("a text").contains("Shop &amp; Co"));
        assert!(world.last_entry().calls.is_empty());
    }
    assert_eq!(ask("SignUp", "no placeholder").await, json!({}), "the pool's own message goes out");
}
