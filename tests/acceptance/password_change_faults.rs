//! Faults, races and kills during `POST /password/change`.

use acceptance::{Actor, Reply, World};
use palisade_local::{Cancellation, Fault, Mode};
use serde_json::json;

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

/// Everything a change touches, as it stands.
async fn state(world: &World) -> Vec<String> {
    let mut state = Vec::new();
    for table in ["accounts", "history", "sessions", "notices"] {
        let mut items: Vec<String> =
            world.items(table).await.iter().map(|item| format!("{:?}", std::collections::BTreeMap::from_iter(item))).collect();
        items.sort();
        state.extend(items);
    }
    state
}

#[tokio::test]
async fn p26_a_fault_at_any_call_leaves_all_old_or_all_new() {
    let calls = [
        ("accounts", "BatchGetItem", 0),
        ("history", "Query", 0),
        ("counters", "GetItem", 0),
        ("counters", "PutItem", 0),
        ("accounts", "TransactWriteItems", 0),
        ("counters", "PutItem", 1),
    ];
    for (table, operation, nth) in calls {
        for mode in [Mode::Error, Mode::Throttle, Mode::LostReply, Mode::Timeout] {
            let world = World::builder().short_timeouts().start().await;
            world.account("alice@example.com", OLD).await;
            let owner = sign_in(&world, OLD).await;
            let before = state(&world).await;
            world.fault(Fault::always(mode).table(table).operation(operation).after(nth));
            let reply = change(&owner, OLD, NEW).await;
            world.stack().faults().clear();
            let context = format!("{table} {operation} {nth} {mode:?}: {}", reply.text);
            assert!(matches!(reply.status(), 200 | 503), "{context}");
            let changed = state(&world).await != before;
            world.advance(60);
            let logs_in = if changed { NEW } else { OLD };
            assert_eq!(world.stranger().login("alice@example.com", logs_in).await.status(), 200, "{context}");
            assert!(reply.status() == 503 || changed, "{context}");
            let kept = (world.items("history").await.len(), world.notices().await.len());
            assert_eq!(kept, if changed { (1, 1) } else { (0, 0) }, "{context}");
        }
    }
}

#[tokio::test]
async fn d16_a_change_killed_at_any_call_leaves_a_consistent_state() {
    for (table, operation) in [("accounts", "BatchGetItem"), ("counters", "PutItem"), ("accounts", "TransactWriteItems")] {
        let world = World::builder().setting("PALISADE_DEADLINE_MS", 1_000).start().await;
        world.account("alice@example.com", OLD).await;
        let owner = sign_in(&world, OLD).await;
        world.fault(Fault::always(Mode::Timeout).table(table).operation(operation));
        assert_eq!(change(&owner, OLD, NEW).await.status(), 503, "{operation}");
        world.stack().faults().clear();
        world.advance(60);
        assert_eq!(change(&owner, OLD, NEW).await.status(), 200, "{operation}");
    }
}

#[tokio::test]
async fn d05_a_change_whose_reply_was_lost_reads_back_as_all_new() {
    let (world, owner) = signed_in().await;
    world.fault(Fault::always(Mode::LostReply).operation("TransactWriteItems").times(1));
    let reply = change(&owner, OLD, NEW).await;
    assert_eq!(reply.status(), 200, "the repeated transaction is the same one: {}", reply.text);
    assert_eq!(world.items("history").await.len(), 1);
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 200);
}

#[tokio::test]
async fn d19_the_same_change_twice_is_not_made_twice() {
    let (world, owner) = signed_in().await;
    assert_eq!(change(&owner, OLD, NEW).await.status(), 200);
    let version = world.items("accounts").await[0]["auth_version"].clone();
    assert_eq!(change(&owner, OLD, NEW).await.code(), "unauthenticated");
    assert_eq!(world.items("accounts").await[0]["auth_version"], version);
}

#[tokio::test]
async fn d12_keys_left_over_mean_no_session() {
    let (world, owner) = signed_in().await;
    world.fault(Fault::always(Mode::UnprocessedKeys).operation("BatchGetItem").times(1));
    assert_eq!(change(&owner, "wrong", NEW).await.status(), 401, "asked again once");
    world.advance(60);
    world.fault(Fault::always(Mode::UnprocessedKeys).operation("BatchGetItem"));
    assert_eq!(change(&owner, OLD, NEW).await.status(), 503);
}

#[tokio::test]
async fn d04_a_transaction_that_met_others_is_repeated_twice_and_nothing_else_is() {
    for (why, times, status, writes) in [
        (Cancellation::Conflict, 2, 200, 3),
        (Cancellation::Conflict, 9, 503, 3),
        (Cancellation::Throttling, 9, 503, 1),
        (Cancellation::Mixed, 9, 503, 1),
        (Cancellation::Invalid, 9, 500, 1),
    ] {
        let (world, owner) = signed_in().await;
        world.fault(Fault::always(Mode::Cancelled(why)).operation("TransactWriteItems").times(times));
        let reply = change(&owner, OLD, NEW).await;
        let made = world.last_entry().calls.iter().filter(|call| call.operation == "TransactWriteItems").count();
        assert_eq!((reply.status(), made), (status, writes), "{why:?}");
        world.stack().faults().clear();
        assert_eq!(world.items("history").await.len(), usize::from(status == 200), "{why:?}");
    }
}

#[tokio::test]
async fn d16_a_change_whose_transaction_was_made_and_never_answered_is_all_new() {
    let world = World::builder().setting("PALISADE_DEADLINE_MS", 1_000).start().await;
    world.account("alice@example.com", OLD).await;
    let owner = sign_in(&world, OLD).await;
    world.fault(Fault::always(Mode::NoReply).operation("TransactWriteItems"));
    assert_eq!(change(&owner, OLD, NEW).await.status(), 503);
    world.stack().faults().clear();
    let sessions = world.items("sessions").await;
    assert_eq!(sessions.iter().filter(|session| session.contains_key("replaced_at")).count(), 1, "the tombstone and the successor");
    assert_eq!((sessions.len(), world.items("history").await.len(), world.notices().await.len()), (2, 1, 1));
    world.advance(60);
    assert_eq!(world.stranger().login("alice@example.com", NEW).await.status(), 200);
}

#[tokio::test]
async fn a31_a_fault_at_the_fifth_wrong_password_ends_the_session_at_the_next_try() {
    let (world, owner) = signed_in().await;
    for _ in 0..4 {
        assert_eq!(change(&owner, "wrong", NEW).await.status(), 401);
        world.advance(60);
    }
    world.fault(Fault::always(Mode::Error).table("sessions").operation("DeleteItem"));
    assert_eq!(change(&owner, "wrong", NEW).await.status(), 503);
    world.stack().faults().clear();
    world.advance(60);
    assert_eq!(change(&owner, OLD, NEW).await.code(), "unauthenticated");
    assert!(world.items("sessions").await.is_empty());
    assert_eq!(world.notices().await, ["session_ended", "session_ended"], "told again rather than not");
}
