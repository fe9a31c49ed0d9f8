//! Sessions that end, move and rotate while something else is under way.

use acceptance::{Actor, Reply, World};
use palisade_local::{Fault, Mode};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

const PASSWORD: &str = "correct-Horse-7-battery";

async fn sign_in(world: &World) -> Actor {
    let login = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(login.status(), 200, "{}", login.text);
    login.session()
}

async fn world() -> World {
    let world = World::start().await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

async fn delete(actor: &Actor, path: &str) -> Reply {
    actor.send(Method::DELETE, path, None, Vec::new()).await
}

async fn log_out(actor: &Actor) -> Reply {
    actor.send(Method::POST, "/logout", None, Vec::new()).await
}

async fn reauthenticate(actor: &Actor) -> Reply {
    actor.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await
}

async fn own_id(actor: &Actor) -> String {
    let listed = actor.send(Method::GET, "/sessions", None, Vec::new()).await.json();
    let sessions = listed["sessions"].as_array().expect("a list");
    sessions.iter().find(|session| session["current"] == true).and_then(|own| own["id"].as_str()).expect("an id").to_owned()
}

/// Sends `request` and returns once its first call of `operation` on `table` is held.
async fn held<F>(world: &World, table: &str, operation: &str, request: F) -> tokio::task::JoinHandle<Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    world.fault(Fault::always(Mode::Hold).table(table).operation(operation).times(1));
    let running = tokio::spawn(request);
    world.held(1).await;
    running
}

async fn released(world: &World, running: tokio::task::JoinHandle<Reply>) -> Reply {
    world.stack().faults().release();
    running.await.expect("no panic")
}

#[tokio::test]
async fn se14_a_logout_with_a_replaced_token_erases_no_trace_of_it() {
    let world = world().await;
    let owner = sign_in(&world).await;
    let successor = reauthenticate(&owner).await.session();
    world.advance(11);
    assert_eq!(log_out(&owner).await.status(), 204);
    assert_eq!(successor.get("/session").await.status(), 200, "a logout reads nothing");
    assert_eq!(owner.get("/session").await.code(), "unauthenticated");
    assert_eq!(successor.get("/session").await.code(), "unauthenticated", "the replaced token was recognised");
    assert_eq!(world.items("incidents").await.len(), 1);
}

#[tokio::test]
async fn a_session_that_rotates_while_it_is_ended_is_a_conflict_and_not_told_to_be_gone() {
    let world = world().await;
    let (owner, other) = (sign_in(&world).await, sign_in(&world).await);
    let path = format!("/sessions/{}", own_id(&other).await);
    let ending = {
        let owner = owner.clone();
        async move { delete(&owner, &path).await }
    };
    let ending = held(&world, "sessions", "DeleteItem", ending).await;
    let successor = reauthenticate(&other).await.session();
    assert_eq!(released(&world, ending).await.code(), "conflict");
    let path = format!("/sessions/{}", own_id(&successor).await);
    assert_eq!(delete(&owner, &path).await.status(), 204);
    assert_eq!(successor.get("/session").await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_logout_ends_every_session_that_is_presented_whichever_is_meant() {
    let world = world().await;
    let [first, second] = [world.stranger(), world.stranger()]
        .map(|browser| async move { browser.login("alice@example.com", PASSWORD).await.cookie("__Host-session") });
    let (first, second) = (first.await, second.await);
    let app = world.stranger().bearer_login("alice@example.com", PASSWORD).await.json()["token"].as_str().expect("one").to_owned();
    let all = format!("__Host-session={first}; __Host-session={second}");
    let browser = world.stranger().header("cookie", &all).header("authorization", &format!("Bearer {app}"));
    assert_eq!(log_out(&browser).await.status(), 204);
    assert_eq!((world.items("sessions").await.len(), world.last_entry().depth), (0, 1));
}

#[tokio::test]
async fn se25_a_bearer_token_settles_nothing_between_two_cookies_and_two_of_them_are_none() {
    let world = world().await;
    let token =
        world.stranger().bearer_login("alice@example.com", PASSWORD).await.json()["token"].as_str().expect("one").to_owned();
    let app = world.stranger().header("authorization", &format!("Bearer {token}"));
    for confused in [
        app.clone().header("cookie", &format!("__Host-session={token}; __Host-session=tossed")),
        app.clone().header("cookie", "__Host-session=another"),
        app.clone().header("authorization", "Bearer another"),
    ] {
        assert_eq!(confused.get("/session").await.code(), "unauthenticated");
    }
    assert_eq!(world.items("sessions").await.len(), 1, "nothing ended");
}

#[tokio::test]
async fn se09_a_hijack_is_not_lost_when_its_owner_ends_the_others_at_that_moment() {
    let world = world().await;
    let owner = sign_in(&world).await;
    let thief = owner.clone().moved_to("198.51.100.1");
    let stealing = held(&world, "accounts", "TransactWriteItems", async move { thief.get("/session").await }).await;
    assert_eq!(delete(&owner, "/sessions?scope=others").await.status(), 204);
    assert_eq!(released(&world, stealing).await.code(), "unauthenticated");
    assert_eq!(owner.get("/session").await.code(), "unauthenticated", "everything ended all the same");
    assert_eq!((world.items("incidents").await.len(), world.notices().await), (1, vec!["session_hijacking".to_owned()]));
}

#[tokio::test]
async fn a_reauthentication_overtaken_by_the_end_of_the_others_is_a_conflict() {
    let world = world().await;
    let owner = sign_in(&world).await;
    let proving = owner.clone();
    let proving = held(&world, "sessions", "TransactWriteItems", async move { reauthenticate(&proving).await }).await;
    assert_eq!(delete(&owner, "/sessions?scope=others").await.status(), 204);
    assert_eq!(released(&world, proving).await.code(), "conflict");
    assert_eq!(owner.get("/session").await.status(), 200, "the session there is goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn r29_of_ten_uses_at_once_one_is_written_and_one_move_is_told() {
    let world = World::builder().nist().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await.moved_to("198.51.100.1");
    world.advance(61);
    let uses: JoinSet<u16> = (0..10)
        .map(|_| {
            let owner = owner.clone();
            async move { owner.get("/session").await.status() }
        })
        .collect();
    assert!(uses.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(owner.event_names().iter().filter(|name| *name == "session_moved").count(), 1);
}

#[tokio::test]
async fn r25_in_nist_a_thief_between_two_touches_of_the_owner_is_told() {
    let world = World::builder().nist().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await;
    world.advance(30);
    assert_eq!(owner.clone().moved_to("198.51.100.1").get("/session").await.status(), 200);
    assert!(owner.event_names().contains(&"session_moved".to_owned()));
}

#[tokio::test]
async fn r29_every_use_counts_as_one_also_a_refused_change_and_the_end_of_others() {
    let world = world().await;
    let owner = sign_in(&world).await;
    world.advance(3_590);
    let change = json!({ "current_password": PASSWORD, "new_password": "short" });
    assert_eq!(owner.post("/password/change", &change).await.code(), "password_rejected");
    world.advance(3_590);
    assert_eq!(delete(&owner, "/sessions?scope=others").await.status(), 204);
    world.advance(3_590);
    assert_eq!(owner.post("/session/reauthenticate", &json!({ "password": "wrong" })).await.code(), "invalid_credentials");
    world.advance(3_590);
    assert_eq!(owner.get("/session").await.status(), 200);
}

#[tokio::test]
async fn a_successor_is_bound_to_where_its_password_was_given() {
    let world = World::builder().nist().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await;
    world.advance(600);
    let successor = reauthenticate(&owner.moved_to("198.51.100.1")).await.session();
    let sessions = world.items("sessions").await;
    let live = sessions.iter().find(|item| !item.contains_key("replaced_at")).expect("one");
    assert_eq!(live["ip"], "198.51.100.1");
    assert_eq!(successor.get("/session").await.status(), 200);
}

#[tokio::test]
async fn of_two_logins_the_later_lives_and_of_two_at_one_instant_exactly_one() {
    let world = World::builder().setting("PALISADE_MAX_SESSIONS", 1).start().await;
    world.account("alice@example.com", PASSWORD).await;
    for _ in 0..5 {
        world.advance_millis(1);
        let older = sign_in(&world).await;
        world.advance_millis(1);
        let newer = sign_in(&world).await;
        assert_eq!([older.get("/session").await.status(), newer.get("/session").await.status()], [401, 200]);
        let ended = newer.events().into_iter().find(|event| event["event"] == "session_revoked").expect("told");
        assert!(ended["session"].is_string());
    }
    let mut held = 0;
    for _ in 0..5 {
        world.advance_millis(1);
        // Both have stored their session before either counts them.
        world.fault(Fault::always(Mode::Hold).operation("Query").times(2));
        let logins: Vec<_> = (0..2)
            .map(|_| {
                tokio::spawn({
                    let world = world.clone();
                    async move { sign_in(&world).await }
                })
            })
            .collect();
        world.held(held + 2).await;
        held += 2;
        world.stack().faults().release();
        let mut statuses = Vec::new();
        for login in logins {
            statuses.push(login.await.expect("no panic").get("/session").await.status());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

#[tokio::test]
async fn invariant_4_ending_all_holds_against_somebody_who_ends_only_the_others_meanwhile() {
    for mode in [Mode::Hold, Mode::LostReply] {
        let world = World::builder().nist().start().await;
        world.account("alice@example.com", PASSWORD).await;
        let (owner, thief) = (sign_in(&world).await, sign_in(&world).await);
        world.fault(Fault::always(mode).operation("UpdateItem").table("accounts").times(1));
        let ending = tokio::spawn({
            let owner = owner.clone();
            async move { owner.send(Method::DELETE, "/sessions?scope=all", None, Vec::new()).await.status() }
        });
        if mode == Mode::Hold {
            world.held(1).await;
            assert_eq!(thief.send(Method::DELETE, "/sessions?scope=others", None, Vec::new()).await.status(), 204);
            world.stack().faults().release();
        }
        assert_eq!(ending.await.expect("no panic"), 204, "{mode:?}");
        assert_eq!([owner.get("/session").await.status(), thief.get("/session").await.status()], [401, 401], "{mode:?}");
    }
}

#[tokio::test]
async fn ending_the_others_from_another_network_goes_along_and_is_told() {
    let world = World::builder().nist().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await.moved_to("198.51.100.1");
    world.advance(1);
    assert_eq!(owner.send(Method::DELETE, "/sessions?scope=others", None, Vec::new()).await.status(), 204);
    assert!(owner.event_names().contains(&"session_moved".to_owned()));
    assert_eq!(world.items("sessions").await[0]["ip"], "198.51.100.1");
}

#[tokio::test]
async fn a_replaced_token_is_recognised_as_long_as_a_session_can_live() {
    let world =
        World::builder().setting("PALISADE_SESSION_MAX_S", 30 * 86_400).setting("PALISADE_SESSION_IDLE_S", 86_400).start().await;
    world.account("alice@example.com", PASSWORD).await;
    let owner = sign_in(&world).await;
    let successor = reauthenticate(&owner).await.session();
    for _ in 0..3 {
        world.advance(72_000);
        world.stack().sweep();
        assert_eq!(successor.get("/session").await.status(), 200);
    }
    assert_eq!(owner.get("/session").await.status(), 401);
    assert_eq!(successor.get("/session").await.status(), 401, "everything ended");
}

#[tokio::test]
async fn d12_a_batch_answered_at_the_second_call_is_an_answer_and_half_of_one_is_none() {
    let world = world().await;
    let owner = sign_in(&world).await;
    for mode in [Mode::UnprocessedKeys, Mode::UnprocessedAccounts] {
        world.fault(Fault::always(mode).operation("BatchGetItem").times(1));
        assert_eq!(owner.get("/session").await.status(), 200, "{mode:?}");
        assert!(world.last_entry().calls.iter().all(|call| call.consistent), "{mode:?}: asked for as before");
    }
    world.fault(Fault::always(Mode::UnprocessedAccounts).operation("BatchGetItem"));
    assert_eq!(owner.get("/session").await.status(), 503, "a session found is not a session allowed");
}

#[tokio::test]
async fn d13_a_listing_over_a_megabyte_and_an_empty_page_give_every_session_once() {
    let world = world().await;
    let owner = world.stranger().user_agent(&"a".repeat(250)).login("alice@example.com", PASSWORD).await.session();
    let client = world.stack().client();
    let table = format!("{}sessions", world.stack().table_prefix());
    let scan = client.scan().table_name(&table).send().await.expect("a scan");
    let item = scan.items().first().expect("a session").clone();
    for n in 0..2_400 {
        let mut copy = item.clone();
        copy.insert("secret_hash".into(), acceptance::Edit::S(format!("{n:043}")));
        client.put_item().table_name(&table).set_item(Some(copy)).send().await.expect("a copy");
    }
    world.fault(Fault::always(Mode::EmptyPage).operation("Query").times(1));
    let listed = owner.send(Method::GET, "/sessions", None, Vec::new()).await.json();
    let mut ids: Vec<&str> = listed["sessions"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2_401);
    let pages = world.last_entry().calls.iter().filter(|call| call.operation == "Query").count();
    assert_eq!(pages, 3, "the empty one and two");
}
