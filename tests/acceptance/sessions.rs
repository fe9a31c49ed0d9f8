//! The sessions function: see, end, prove the password again.

use acceptance::{Actor, Reply, World};
use palisade_local::{Fault, Mode};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

async fn sign_in(world: &World) -> Actor {
    let login = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(login.status(), 200, "{}", login.text);
    login.session()
}

async fn delete(actor: &Actor, path: &str) -> Reply {
    actor.send(Method::DELETE, path, None, Vec::new()).await
}

async fn log_out(actor: &Actor) -> Reply {
    actor.send(Method::POST, "/logout", None, Vec::new()).await
}

#[tokio::test]
async fn the_current_session_tells_what_it_is() {
    let world = world().await;
    let owner = sign_in(&world).await;
    world.advance(60);
    let reply = owner.get("/session").await;
    let session = reply.json();
    assert_eq!((reply.status(), &session["role"], &session["password_change_required"]), (200, &json!("regular"), &json!(false)));
    assert_eq!((&session["auth_time"], &session["created_at"]), (&json!("2033-05-18T03:00:00Z"), &json!("2033-05-18T03:00:00Z")));
    assert_eq!(session["expires_at"], "2033-05-19T03:00:00Z");
    assert!(session["csrf_token"].is_string());
    assert_eq!(world.stranger().get("/session").await.code(), "unauthenticated");
}

#[tokio::test]
async fn r29_the_owner_sees_every_live_session_and_which_one_is_the_own() {
    let world = world().await;
    let first = sign_in(&world).await;
    world.advance(10);
    let second = sign_in(&world).await;
    let listed = second.get("/sessions").await.json()["sessions"].as_array().expect("a list").clone();
    assert_eq!(listed.iter().map(|session| session["current"] == true).collect::<Vec<_>>(), [true, false]);
    let stored = format!("{:?}", world.items("sessions").await);
    for session in &listed {
        let id = session["id"].as_str().expect("an id");
        assert!(id.len() == 22 && !stored.contains(id), "an id reveals nothing");
        assert!(session["ip"].is_string() && session["user_agent"].is_string() && session["last_seen"].is_string());
    }
    world.advance(3_595);
    assert_eq!(second.get("/sessions").await.json()["sessions"].as_array().map(Vec::len), Some(1), "the first is idle");
    assert_eq!(first.get("/sessions").await.code(), "unauthenticated");
}

#[tokio::test]
async fn se03_after_a_logout_returned_the_token_is_worth_nothing() {
    let world = world().await;
    let owner = sign_in(&world).await;
    let reply = log_out(&owner).await;
    assert_eq!((reply.status(), world.last_entry().depth, world.last_entry().write_units()), (204, 1, 1.0));
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    let cookie = reply.set_cookie("__Host-session").expect("cleared");
    assert_eq!(cookie, "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    for nobody in [world.stranger(), owner, world.stranger().header("cookie", "__Host-session=junk")] {
        assert_eq!(log_out(&nobody).await.status(), 204, "d19: never refused, never told what it was");
    }
}

#[tokio::test]
async fn w01_another_site_logs_nobody_out_and_ends_nothing() {
    let world = world().await;
    let owner = sign_in(&world).await;
    let foreign = owner.clone().header("sec-fetch-site", "cross-site");
    assert_eq!(log_out(&foreign).await.code(), "csrf_failed");
    assert_eq!(delete(&foreign, "/sessions?scope=all").await.code(), "csrf_failed");
    assert_eq!(delete(&owner.clone().without("x-csrf-token"), "/sessions?scope=all").await.code(), "csrf_failed");
    assert!(foreign.event_names().contains(&"malicious_csrf".to_owned()));
    assert_eq!(owner.get("/session").await.status(), 200);
}

#[tokio::test]
async fn one_session_is_ended_by_its_id_and_nobody_elses() {
    let world = world().await;
    world.account("mallory@example.com", PASSWORD).await;
    let (first, second) = (sign_in(&world).await, sign_in(&world).await);
    let mallory = world.stranger().login("mallory@example.com", PASSWORD).await.session();
    let listed = second.get("/sessions").await.json();
    let other =
        listed["sessions"].as_array().expect("a list").iter().find(|session| session["current"] == false).expect("one").clone();
    let path = format!("/sessions/{}", other["id"].as_str().expect("an id"));
    assert_eq!(delete(&mallory, &path).await.code(), "not_found");
    assert_eq!(first.get("/session").await.status(), 200);
    assert_eq!(delete(&second, &path).await.status(), 204);
    assert_eq!(first.get("/session").await.code(), "unauthenticated");
    assert_eq!(second.get("/session").await.status(), 200);
    assert_eq!(delete(&second, "/sessions/x").await.code(), "not_found");
}

#[tokio::test]
async fn r30_all_or_all_others_end_with_one_write_whatever_their_number() {
    for rest in [false, true] {
        ends_all(rest).await;
    }
}

/// The last request's operations, depth and units.
fn cost(world: &World) -> (String, usize, f64, f64) {
    let entry = world.last_entry();
    let operations: Vec<_> = entry.calls.iter().map(|call| call.operation.as_str()).collect();
    (operations.join(" "), entry.depth, entry.read_units(), entry.write_units())
}

async fn ends_all(rest: bool) {
    let builder = World::builder();
    let world = if rest { builder.rest() } else { builder }.start().await;
    world.account("alice@example.com", PASSWORD).await;
    let mut others = Vec::new();
    for _ in 0..30 {
        others.push(sign_in(&world).await);
    }
    let owner = sign_in(&world).await;
    assert_eq!(delete(&owner, "/sessions?scope=others").await.status(), 204);
    assert_eq!(cost(&world), ("BatchGetItem TransactWriteItems".to_owned(), 2, 2.0, 4.0));
    for other in &others {
        assert_eq!(other.get("/session").await.code(), "unauthenticated");
    }
    assert_eq!(owner.get("/session").await.status(), 200, "its own goes along");
    let reply = delete(&owner, "/sessions?scope=all").await;
    assert_eq!(cost(&world), ("BatchGetItem UpdateItem".to_owned(), 2, 2.0, 1.0));
    assert!(reply.status() == 204 && reply.set_cookie("__Host-session").is_some());
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    let late = sign_in(&world).await;
    assert_eq!(late.get("/session").await.status(), 200);
    for scope in ["", "?scope=none", "?scope=all&scope=others"] {
        assert_eq!(delete(&late, &format!("/sessions{scope}")).await.status(), 400, "{scope}");
    }
}

#[tokio::test]
async fn se06_a_session_being_issued_while_all_end_is_dead() {
    let world = world().await;
    let owner = sign_in(&world).await;
    world.fault(Fault::always(Mode::Hold).table("sessions").operation("PutItem").times(1));
    let slow = world.stranger();
    let slow = tokio::spawn(async move { slow.login("alice@example.com", PASSWORD).await });
    world.held(1).await;
    assert_eq!(delete(&owner, "/sessions?scope=all").await.status(), 204);
    world.stack().faults().release();
    let login = slow.await.expect("no panic");
    assert_eq!(login.status(), 200);
    assert_eq!(login.session().get("/session").await.code(), "unauthenticated");
}

#[tokio::test]
async fn se31_a_reauthentication_is_a_new_session_and_never_a_longer_day() {
    let world = world().await;
    let owner = sign_in(&world).await;
    world.advance(1_800);
    let reply = owner.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await;
    assert_eq!(reply.status(), 200, "{}", reply.text);
    let entry = world.last_entry();
    assert_eq!((entry.depth, entry.hashes), (3, 1), "beside the write of its use");
    assert_eq!(reply.json()["expires_at"], "2033-05-19T03:00:00Z");
    let successor = reply.session();
    let told = successor.get("/session").await.json();
    assert_eq!((&told["auth_time"], &told["created_at"]), (&json!("2033-05-18T03:30:00Z"), &json!("2033-05-18T03:00:00Z")));
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    assert_eq!(successor.get("/session").await.status(), 200, "the old one was a client that did not get the answer yet");
}

#[tokio::test]
async fn a31_wrong_passwords_in_a_session_delay_and_the_fifth_ends_it() {
    let world = world().await;
    let owner = sign_in(&world).await;
    let try_with = async |password: &str| owner.post("/session/reauthenticate", &json!({ "password": password })).await;
    for n in 1..=5 {
        assert_eq!(try_with("wrong").await.code(), "invalid_credentials", "{n}");
        assert_eq!(try_with(PASSWORD).await.code(), if n < 5 { "rate_limited" } else { "unauthenticated" }, "{n}");
        world.advance(60);
    }
    assert_eq!(world.notices().await, ["session_ended"]);
}

#[tokio::test]
async fn r14_a_session_that_must_change_its_password_may_do_that_log_out_and_read_itself() {
    let world = world().await;
    world.advance(91 * 86_400);
    let owner = sign_in(&world).await;
    let current = owner.get("/session").await.json();
    assert_eq!((&current["password_change_required"], &current["password_change_reason"]), (&json!(true), &json!("expired")));
    for reply in [
        owner.get("/sessions").await,
        delete(&owner, "/sessions?scope=others").await,
        owner.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await,
    ] {
        assert_eq!((reply.status(), reply.code().as_str()), (403, "password_change_required"), "{}", reply.text);
        assert_eq!((reply.reason().as_str(), reply.header("link")), ("expired", "</password/change>; rel=\"change-password\""));
    }
    let body = json!({ "current_password": PASSWORD, "new_password": "Violet-Kettle-9-harbour" });
    let changed = owner.post("/password/change", &body).await;
    assert_eq!(changed.session().get("/sessions").await.status(), 200);
    assert_eq!(log_out(&changed.session()).await.status(), 204);
}

#[tokio::test]
async fn r29_a_use_is_written_at_most_once_a_minute_and_validation_is_two_reads() {
    let world = world().await;
    let owner = sign_in(&world).await;
    for (wait, writes) in [(0, 0), (59, 0), (1, 1), (0, 0), (59, 0), (1, 1)] {
        world.advance(wait);
        assert_eq!(owner.get("/session").await.status(), 200);
        let entry = world.last_entry();
        let updates = entry.calls.iter().filter(|call| call.operation == "UpdateItem").count();
        // The list of blocked networks, every thirty seconds and at the same time.
        let blocks = f64::from(u8::from(wait == 59));
        assert_eq!((entry.read_units(), updates, entry.depth), (2.0 + blocks, writes, 1 + writes), "after {wait} s");
    }
}

#[tokio::test]
async fn r27_se19_a_session_lives_for_a_day_of_uses_and_an_hour_without() {
    let world = world().await;
    let owner = sign_in(&world).await;
    for _ in 0..28 {
        world.advance(3_000);
        assert_eq!(owner.get("/session").await.status(), 200);
    }
    world.advance(2_399);
    assert_eq!(owner.get("/session").await.status(), 200, "86,399 s");
    world.advance(1);
    assert_eq!(owner.get("/session").await.code(), "unauthenticated", "86,400 s");
}

#[tokio::test]
async fn se17_se18_an_expired_session_never_comes_back_swept_or_not() {
    for sweep in [false, true] {
        let world = world().await;
        let owner = sign_in(&world).await;
        // A touch under way when the hour ends.
        world.advance(3_599);
        world.fault(Fault::always(Mode::Hold).table("sessions").operation("UpdateItem").times(1));
        let late = owner.clone();
        let late = tokio::spawn(async move { late.get("/session").await });
        world.held(1).await;
        let key = world.items("sessions").await[0].clone();
        let keys = [
            ("account_key", key["account_key"].as_str().expect("a key")),
            ("secret_hash", key["secret_hash"].as_str().expect("a hash")),
        ];
        world.edit("sessions", &keys, "expires_at", Some(acceptance::Edit::N("1".into()))).await;
        world.stack().faults().release();
        assert_eq!(late.await.expect("no panic").status(), 200, "it was alive when it was read");
        if sweep {
            world.stack().sweep();
        }
        assert_eq!(owner.get("/session").await.code(), "unauthenticated", "swept: {sweep}");
    }
}

#[tokio::test]
async fn d07_while_reads_work_sessions_go_on_and_without_them_nobody_does() {
    let world = World::builder().short_timeouts().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await;
    world.advance(60);
    for operation in ["UpdateItem", "PutItem", "TransactWriteItems"] {
        world.fault(Fault::always(Mode::Error).operation(operation));
    }
    assert_eq!(owner.get("/session").await.status(), 200, "a touch decides nothing");
    assert!(owner.event_names().contains(&"dependency_failed".to_owned()));
    world.stack().faults().clear();
    for mode in [Mode::Error, Mode::Throttle, Mode::UnprocessedKeys, Mode::Timeout] {
        world.fault(Fault::always(mode).operation("BatchGetItem"));
        assert_eq!(owner.get("/session").await.status(), 503, "{mode:?}");
        world.stack().faults().clear();
    }
}

#[tokio::test]
async fn d07_a_use_whose_write_hangs_is_let_in_before_the_deadline() {
    // A call may take far longer here than the request: only the write's own limit lets it in.
    let world = World::builder()
        .setting("PALISADE_TOUCH_TIMEOUT_MS", 50)
        .setting("PALISADE_DEADLINE_MS", 5_000)
        .setting("PALISADE_VALIDATION_DEADLINE_MS", 5_000)
        .start()
        .await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await;
    world.advance(61);
    world.fault(Fault::always(Mode::Timeout).operation("UpdateItem"));
    for path in ["/session", "/protected"] {
        assert_eq!(owner.get(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn d10_the_listing_is_a_strong_query() {
    let world = world().await;
    let owner = sign_in(&world).await;
    world.fault(Fault::always(Mode::Stale));
    assert_eq!(owner.get("/sessions").await.status(), 200);
    let calls = world.last_entry().calls;
    assert!(calls.iter().any(|call| call.operation == "Query" && call.consistent), "{calls:?}");
}

#[tokio::test]
async fn d14_damaged_sessions_are_nobodys() {
    let text = || Some(acceptance::Edit::S("abc".into()));
    let number = || Some(acceptance::Edit::N("7".into()));
    for (attribute, value) in [
        ("auth_version", text()),
        ("created_at", None),
        ("last_seen", text()),
        ("expires_at", text()),
        ("ip", number()),
        ("user_agent", None),
        ("user_agent_hash", number()),
    ] {
        let world = world().await;
        let owner = sign_in(&world).await;
        let item = world.items("sessions").await[0].clone();
        let keys = [
            ("account_key", item["account_key"].as_str().expect("a key")),
            ("secret_hash", item["secret_hash"].as_str().expect("a hash")),
        ];
        world.edit("sessions", &keys, attribute, value).await;
        assert_eq!(owner.get("/session").await.code(), "unauthenticated", "{attribute}");
    }
}

#[tokio::test]
async fn se02_a_well_formed_token_of_nobody_is_refused_and_makes_nothing() {
    let world = world().await;
    let login = world.stranger().bearer_login("alice@example.com", PASSWORD).await;
    let token = login.json()["token"].as_str().expect("a token").to_owned();
    let (account, _) = token.split_once('.').expect("two parts");
    let nobody = world.stranger().header("authorization", &format!("Bearer {account}.{}", "A".repeat(43)));
    assert_eq!(nobody.get("/session").await.code(), "unauthenticated");
    assert_eq!(nobody.event_names(), ["session_rejected"]);
    assert_eq!(world.items("sessions").await.len(), 1);
}

/// What is told of an account by its sessions in the log.
#[tokio::test]
async fn r32_session_events_name_the_session_by_a_pseudonym() {
    let world = world().await;
    let owner = sign_in(&world).await;
    log_out(&owner).await;
    let events = owner.events();
    let of = |name: &str| -> Value { events.iter().find(|event| event["event"] == name).expect("an event").clone() };
    assert_eq!(of("session_created")["session"], of("session_revoked")["session"]);
    for field in ["account", "ip", "user_agent", "timestamp", "session"] {
        assert!(of("session_revoked")[field].is_string(), "{field}");
    }
}

#[tokio::test]
async fn a_login_over_the_most_sessions_ends_the_oldest() {
    let world = World::builder().setting("PALISADE_MAX_SESSIONS", 2).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(sign_in(&world).await);
        world.advance(1);
    }
    let alive = [sessions[0].get("/session").await, sessions[1].get("/session").await, sessions[2].get("/session").await];
    assert_eq!(alive.map(|reply| reply.status()), [401, 200, 200]);
}
