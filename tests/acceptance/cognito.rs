//! Sign-ins to a user pool: the throttle before and after them, and what tokens say.

use acceptance::{World, WorldBuilder, pool_event};
use palisade_core::cognito::Refusal;
use palisade_local::{Entry, Fault, Mode};
use serde_json::{Value, json};

const BEFORE: &str = "PreAuthentication_Authentication";
const AFTER: &str = "PostAuthentication_Authentication";
const EMAIL: &str = "alice@example.com";
const REFUSED: &str = Refusal::SignIn.as_str();

fn cost(entry: &Entry) -> (usize, f64, f64, u32) {
    (entry.depth, entry.read_units(), entry.write_units(), entry.hashes)
}

/// In which a try runs out after 5 seconds, as where nothing is set.
fn builder() -> WorldBuilder {
    World::builder().setting("PALISADE_DEADLINE_MS", 4_000)
}

async fn before(world: &World) -> bool {
    match world.trigger_of(BEFORE, EMAIL).await {
        Ok(_) => true,
        Err(text) => {
            assert_eq!(text, REFUSED);
            false
        }
    }
}

async fn after(world: &World) {
    world.trigger_of(AFTER, EMAIL).await.expect("nothing is refused any more");
}

#[tokio::test]
async fn before_a_sign_in_is_one_read_and_one_write_and_after_it_one_and_three() {
    let world = builder().start().await;
    assert!(before(&world).await);
    assert_eq!(cost(&world.last_entry()), (2, 1.0, 1.0, 0));
    after(&world).await;
    let reads = |entry: &Entry| entry.calls.iter().filter(|call| call.operation.contains("Get")).count();
    // One read of three items: the lane, and what leads to the account.
    assert_eq!((cost(&world.last_entry()), reads(&world.last_entry())), ((2, world.last_entry().read_units(), 3.0, 0), 1));
    world.advance(3_600);
    let request = json!({ "userAttributes": { "email": EMAIL, "email_verified": "true" }, "newDeviceUsed": true });
    for _ in 0..3 {
        world.trigger(&pool_event(AFTER, "alice", &request)).await.expect("an answer");
    }
    assert_eq!(world.notices().await, ["new_device"], "a call that is repeated tells nobody again");
    world.advance(60);
    world.trigger(&pool_event(AFTER, "alice", &request)).await.expect("an answer");
    assert_eq!((world.last_entry().depth, world.last_entry().write_units(), reads(&world.last_entry())), (2, 3.0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_of_two_hundred_tries_at_once_three_are_let_through() {
    let world = builder().start().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let world = world.clone();
        running.spawn(async move { before(&world).await });
    }
    let admitted = running.join_all().await.into_iter().filter(|admitted| *admitted).count();
    let held = world.lane().await["leases"].as_object().expect("a map").len();
    assert!((1..=3).contains(&admitted) && held >= admitted, "{admitted} {held}");
    world.advance(60);
    before(&world).await;
    assert_eq!(world.lane().await["settled"], held.to_string(), "what was tried counts");
}

#[tokio::test]
async fn a05_spread_over_time_at_most_three_are_let_through_in_each_step_and_nist_closes_at_a_hundred() {
    let world = builder().nist().start().await;
    let mut admitted = 0;
    for _ in 0..1_000 {
        admitted += u32::from(before(&world).await);
        world.advance(8);
    }
    // Each runs out 5 s later and delays by at most a minute more.
    assert!(admitted <= 8_000 / 60 + 30, "{admitted}");
    for _ in 0..200 {
        world.advance(70);
        before(&world).await;
    }
    world.advance(3_700);
    assert!(!before(&world).await, "closed, to the right password as well");
    assert!(world.items("incidents").await.iter().any(|incident| incident["type"] == "brute_force"), "operators were told");
    world.trigger_of("PostConfirmation_ConfirmForgotPassword", EMAIL).await.expect("a new password");
    assert!(before(&world).await, "until a new one is set");
}

#[tokio::test]
async fn a02_the_right_password_waits_while_others_hold_the_places() {
    let world = builder().start().await;
    for _ in 0..3 {
        assert!(before(&world).await);
    }
    assert!(!before(&world).await, "Cognito does not even look at it");
    world.advance(5 + 4);
    assert!(before(&world).await);
    after(&world).await;
    assert_eq!(world.items("incidents").await.len(), 0);
}

#[tokio::test]
async fn a07_a_slow_spray_over_the_users_of_a_pool_is_one_incident_and_nobody_is_refused() {
    let world = builder().nist().start().await;
    for _ in 0..2 {
        for n in 0..130 {
            let guess = pool_event(BEFORE, &format!("user-{n}"), &json!({ "userAttributes": {} }));
            assert!(world.trigger(&guess).await.is_ok(), "{n}");
        }
        // What was tried in the first hour is found to have failed in the second.
        world.advance(3_600);
    }
    let incidents: Vec<Value> = world.items("incidents").await.iter().map(|incident| incident["reason"].clone()).collect();
    assert_eq!(incidents, [json!("all_accounts")]);
}

#[tokio::test]
async fn a22_tries_during_a_delay_change_nothing() {
    let world = builder().start().await;
    for _ in 0..3 {
        assert!(before(&world).await);
    }
    world.advance(5);
    let lane = |world: World| async move {
        let lane = world.lane().await;
        (lane["not_before"].clone(), lane["settled"].clone())
    };
    assert!(!before(&world).await, "three ran out: four seconds");
    let at_first = lane(world.clone()).await;
    for _ in 0..20 {
        assert!(!before(&world).await);
        assert_eq!(cost(&world.last_entry()), (1, 1.0, 0.0, 0), "and costs nothing");
    }
    assert_eq!(lane(world.clone()).await, at_first);
    world.advance(4);
    assert!(before(&world).await);
}

#[tokio::test]
async fn a31_the_pool_and_palisades_own_login_count_on_one_lane() {
    let world = builder().start().await;
    world.account(EMAIL, "correct-Horse-7-battery").await;
    assert_eq!(world.stranger().login(EMAIL, "wrong").await.status(), 401);
    assert!(!before(&world).await, "a failure there delays here");
    world.advance(2);
    assert!(before(&world).await);
    world.advance(5);
    assert_eq!(world.stranger().login(EMAIL, "correct-Horse-7-battery").await.reason(), "login_delay", "and the other way round");
}

#[tokio::test]
async fn a33_a_call_that_is_repeated_counts_once_at_most_and_forgets_once() {
    let world = builder().start().await;
    for _ in 0..3 {
        before(&world).await;
    }
    assert_eq!(world.lane().await["leases"].as_object().expect("a map").len(), 3, "one for each delivery");
    after(&world).await;
    let lane = world.lane().await;
    assert_eq!(lane["leases"].as_object().expect("a map").len(), 2);
    for _ in 0..2 {
        world.advance(5);
        after(&world).await;
        assert_eq!(world.lane().await["leases"], lane["leases"], "a second call changes nothing");
    }
    world.advance(10);
    before(&world).await;
    assert_eq!(world.lane().await["settled"], "2", "what was not the owner's counts");
}

#[tokio::test]
async fn e12_a_user_that_is_not_there_is_answered_and_counted_alike() {
    let world = builder().start().await;
    let unknown = pool_event(BEFORE, "nobody@example.com", &json!({ "userAttributes": {}, "userNotFound": true }));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let known = world.trigger_of(BEFORE, EMAIL).await.map(|answer| answer["response"].clone());
        let calls = world.last_entry().vector();
        let answer = world.trigger(&unknown).await.map(|answer| answer["response"].clone());
        assert_eq!((&answer, world.last_entry().vector()), (&known, calls));
        seen.push(known.is_ok());
    }
    assert_eq!(seen, [true, true, true, false]);
}

#[tokio::test]
async fn names_and_addresses_of_one_user_are_one_lane() {
    let world = builder().start().await;
    let request = json!({ "userAttributes": { "email": "ALICE@example.com", "email_verified": "true" } });
    for name in ["alice", "0f8fad5b-d9cb-469f-a165-70867728950e", EMAIL] {
        world.trigger(&pool_event(BEFORE, name, &request)).await.expect("a try");
    }
    let typed = pool_event(BEFORE, "\u{ff21}lice@example.com", &json!({ "userAttributes": {}, "userNotFound": true }));
    assert_eq!(world.trigger(&typed).await, Err(REFUSED));
    world.lane().await;
    let unverified = json!({ "userAttributes": { "email": EMAIL, "email_verified": "false" } });
    assert!(world.trigger(&pool_event(BEFORE, "mallory", &unverified)).await.is_ok(), "anybody can write an address down");
    assert_eq!(world.trigger(&pool_event(BEFORE, "", &json!({}))).await, Err(REFUSED), "nobody has no name");
}

#[tokio::test]
async fn d07_a_store_that_fails_keeps_people_out_before_and_nobody_after() {
    let world = builder().start().await;
    world.fault(Fault::always(Mode::Error));
    assert!(!before(&world).await);
    after(&world).await;
    let refused = world.trigger_of("TokenGeneration_RefreshTokens", EMAIL).await;
    assert_eq!(refused, Err(Refusal::Unavailable.as_str()));
    world.stack().faults().clear();
    assert!(before(&world).await);
}

#[tokio::test]
async fn b20_a_trigger_ends_in_time_whatever_hangs() {
    let world = builder().setting("PALISADE_COGNITO_DEADLINE_MS", 100).start().await;
    world.fault(Fault::always(Mode::Timeout));
    let started = tokio::time::Instant::now();
    assert!(!before(&world).await);
    after(&world).await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "Cognito's patience");
}

#[tokio::test]
async fn a_success_after_many_failures_from_a_new_device_is_an_incident_and_monitor_mode_refuses_nobody() {
    let world = builder().nist().setting("PALISADE_LIMITS", "monitor").start().await;
    for _ in 0..12 {
        assert!(before(&world).await);
        world.advance(70);
    }
    let request = json!({ "userAttributes": { "email": EMAIL, "email_verified": "true" }, "newDeviceUsed": true });
    before(&world).await;
    world.trigger(&pool_event(AFTER, "alice", &request)).await.expect("an answer");
    let incidents: Vec<Value> = world.items("incidents").await.iter().map(|incident| incident["type"].clone()).collect();
    assert!(incidents.contains(&json!("cognito_account_takeover")), "{incidents:?}");
    assert_eq!(world.notices().await, ["new_device"], "one message is enough");
}

/// What a token says at the source `what`.
async fn claims(world: &World, what: &str) -> Result<Value, &'static str> {
    let answer = world.trigger_of(&format!("TokenGeneration_{what}"), EMAIL).await?;
    Ok(answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"].clone())
}

#[tokio::test]
async fn r62_tokens_say_how_and_when_somebody_signed_in_and_end_with_everything_else() {
    let world = builder().start().await;
    before(&world).await;
    after(&world).await;
    let signed_in_at = world.stack().clock().expect("manual").now().seconds().to_string();
    let said = claims(&world, "Authentication").await.expect("tokens");
    assert_eq!(
        said,
        json!({ "palisade_amr": "pwd", "palisade_auth_time": signed_in_at, "palisade_password_change_required": "false" })
    );
    assert_eq!(world.last_entry().depth, 1);
    world.advance(3_600);
    let said = claims(&world, "RefreshTokens").await.expect("tokens");
    assert_eq!(
        said,
        json!({ "palisade_amr": "pwd", "palisade_password_change_required": "false" }),
        "nobody knows of which sign-in"
    );
    world.palisade(&["revoke", EMAIL]).await.expect("done");
    assert_eq!(claims(&world, "RefreshTokens").await, Err(Refusal::Tokens.as_str()), "at once");
    before(&world).await;
    after(&world).await;
    assert!(claims(&world, "RefreshTokens").await.is_ok(), "signed in anew");
    world.palisade(&["account", "disable", EMAIL]).await.expect("done");
    for what in ["RefreshTokens", "Authentication", "HostedAuth"] {
        assert_eq!(claims(&world, what).await, Err(Refusal::Tokens.as_str()), "{what}");
    }
    world.palisade(&["account", "enable", EMAIL]).await.expect("done");
    after(&world).await;
    world.advance(2_592_000);
    assert_eq!(claims(&world, "RefreshTokens").await, Err(Refusal::Tokens.as_str()), "thirty days ago");
}

#[tokio::test]
async fn r62_a_breached_password_takes_groups_and_scopes_away() {
    let world = builder().start().await;
    after(&world).await;
    let request = json!({
        "userAttributes": { "email": EMAIL, "email_verified": "true" },
        "groupConfiguration": { "groupsToOverride": ["editors"], "iamRolesToOverride": [], "preferredRole": null },
        "scopes": ["aws.cognito.signin.user.admin", "openid", "orders/write"],
    });
    let event = |version: &str| {
        let mut event = pool_event("TokenGeneration_Authentication", "alice", &request);
        event["version"] = json!(version);
        event
    };
    let groups = |answer: &Value| answer["response"]["claimsOverrideDetails"]["groupOverrideDetails"].clone();
    let answer = world.trigger(&event("1")).await.expect("tokens");
    assert_eq!(groups(&answer), request["groupConfiguration"], "as they came");
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "must_change", Some(acceptance::Edit::S("breached".into()))).await;
    let answer = world.trigger(&event("1")).await.expect("tokens");
    assert_eq!(groups(&answer), json!({ "groupsToOverride": [], "iamRolesToOverride": [] }));
    for version in ["2", "3"] {
        let answer = world.trigger(&event(version)).await.expect("tokens");
        let details = &answer["response"]["claimsAndScopeOverrideDetails"];
        assert_eq!(details["accessTokenGeneration"]["scopesToSuppress"], json!(["aws.cognito.signin.user.admin", "orders/write"]));
        assert_eq!(details["idTokenGeneration"]["claimsToAddOrOverride"]["palisade_password_change_required"], "true");
        assert_eq!(details["groupOverrideDetails"], json!({ "groupsToOverride": [], "iamRolesToOverride": [] }));
    }
}

#[tokio::test]
async fn a_password_chosen_for_an_administrators_is_a_new_one() {
    let world = builder().start().await;
    after(&world).await;
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "must_change", Some(acceptance::Edit::S("required".into()))).await;
    let required = async |what: &str| claims(&world, what).await.expect("tokens")["palisade_password_change_required"].clone();
    assert_eq!(required("Authentication").await, "true");
    assert_eq!(required("NewPasswordChallenge").await, "false");
    assert_eq!(required("Authentication").await, "false");
}

#[tokio::test]
async fn whoever_comes_by_another_provider_is_neither_delayed_nor_counted() {
    let world = builder().start().await;
    let attributes = json!({ "email": EMAIL, "email_verified": "true", "cognito:user_status": "EXTERNAL_PROVIDER" });
    let external = async |source: &str| {
        world.trigger(&pool_event(source, "Google_1", &json!({ "userAttributes": attributes, "newDeviceUsed": false }))).await
    };
    for _ in 0..3 {
        before(&world).await;
    }
    assert!(!before(&world).await, "a stranger guesses at the password");
    let lane = world.lane().await;
    assert!(external(BEFORE).await.is_ok() && external(AFTER).await.is_ok());
    assert_eq!(world.lane().await, lane, "and gains nothing by it");
    world.advance(91 * 86_400);
    let tokens = external("TokenGeneration_HostedAuth").await.expect("tokens");
    let claims = &tokens["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
    assert_eq!((&claims["palisade_amr"], &claims["palisade_password_change_required"]), (&json!("fed"), &json!("false")));
}

#[tokio::test]
async fn an_item_that_is_no_account_is_not_made_one() {
    let world = builder().start().await;
    after(&world).await;
    let key = world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
    world.edit("accounts", &[("account_key", &key)], "status", None).await;
    world.advance(60);
    after(&world).await;
    assert!(!world.items("accounts").await[0].contains_key("status"));
    assert_eq!(claims(&world, "Authentication").await, Err(Refusal::Tokens.as_str()));
}
