//! How often an account may ask, and what it costs to count.

use acceptance::{Actor, World, WorldBuilder};
use palisade_core::route::{Limits, ROUTES};
use palisade_local::{Fault, Mode};
use reqwest::Method;
use serde_json::json;

const NAME: &str = "alice@example.com";
const PASSWORD: &str = "correct-Horse-7-battery";

async fn with(builder: WorldBuilder) -> (World, Actor) {
    let world = builder.start().await;
    world.account(NAME, PASSWORD).await;
    let session = world.stranger().login(NAME, PASSWORD).await.session();
    (world, session)
}

fn fifty() -> WorldBuilder {
    World::builder().setting("PALISADE_USER_REQUESTS_REGULAR", 50)
}

#[tokio::test]
async fn r37_the_fifty_first_request_is_429_with_its_fields_until_the_hour_ends() {
    let (world, session) = with(fifty()).await;
    let mut writes = 0.0;
    for n in 1..=50 {
        let reply = session.get("/session").await;
        assert_eq!((reply.status(), reply.header("x-ratelimit-remaining")), (200, (50 - n).to_string().as_str()), "{n}");
        writes += world.last_entry().write_units();
    }
    assert_eq!(writes, 2.0, "one write for twenty requests");
    let refused = session.get("/session").await;
    assert_eq!((refused.status(), refused.reason().as_str(), refused.header("retry-after")), (429, "user_rate_limit", "3600"));
    assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), ("50", "0"));
    assert_eq!((world.last_entry().write_units(), world.last_entry().depth), (3.0, 2), "the first refusal is told to operators");
    assert_eq!(session.get("/session").await.status(), 429);
    assert_eq!((world.last_entry().write_units(), world.last_entry().depth), (0.0, 1), "the others write nothing");
    assert!(session.event_names().contains(&"excess_rate_limit_exceeded".to_owned()));
    assert_eq!(session.get("/sessions").await.status(), 429);
    let others = session.send(Method::DELETE, "/sessions?scope=others", None, Vec::new()).await;
    assert_eq!(others.status(), 204, "what ends sessions is never shut by whoever holds another: {}", others.text);
    let proof = session.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await;
    assert_eq!(proof.status(), 200, "{}", proof.text);
    let session = proof.session();
    assert_eq!(session.send(Method::POST, "/logout", None, Vec::new()).await.status(), 204, "whoever leaves may");
    world.advance(3_600);
    let next = world.stranger().login(NAME, PASSWORD).await.session();
    assert_eq!(next.get("/session").await.status(), 200);
}

#[tokio::test]
async fn r37_each_route_with_a_session_is_refused_over_the_limit_or_never_as_the_table_says() {
    for route in ROUTES.iter().filter(|route| matches!(route.limits, Limits::Session | Limits::OwnSession)) {
        let (_, session) = with(World::builder().setting("PALISADE_USER_REQUESTS_REGULAR", 1)).await;
        assert_eq!(session.get("/session").await.status(), 200);
        let body = match route.path {
            "/session/reauthenticate" => Some(json!({ "password": PASSWORD })),
            "/incidents/{id}/assign" => Some(json!({ "version": 0, "assigned_to": null })),
            "/incidents/{id}/note" | "/incidents/{id}/reopen" => Some(json!({ "version": 0, "note": "seen" })),
            "/incidents/{id}/resolve" | "/incidents/{id}/false-positive" => Some(json!({ "version": 0, "resolution": "done" })),
            "/incidents/{id}/investigate" => Some(json!({ "version": 0 })),
            "/incidents/{id}/contain" => Some(json!({ "action": "end_sessions" })),
            "/password/change" => Some(json!({ "current_password": PASSWORD, "new_password": "Violet-Kettle-9-harbour" })),
            _ => None,
        };
        if route.function == "incidents" {
            assert_eq!(session.get("/incidents").await.status(), 403, "another environment, with a count of its own");
        }
        let path = route
            .path
            .replace("{id}", "none")
            .replace("/sessions", if route.path == "/sessions" { "/sessions?scope=others" } else { "/sessions" });
        let reply = match body {
            Some(body) => session.post(&path, &body).await,
            None => session.send(route.method.parse().expect("a method"), &path, None, Vec::new()).await,
        };
        let expected = match (route.limits, route.path) {
            (Limits::Session, _) => 429,
            (_, "/sessions") => 204,
            (_, "/sessions/{id}") => 404,
            _ => 200,
        };
        assert_eq!(reply.status(), expected, "{route:?}: {}", reply.text);
        assert!(!reply.header("x-ratelimit-limit").is_empty(), "{route:?} tells its limit");
    }
}

#[tokio::test]
async fn r37_operators_are_told_once_an_hour_whichever_route_meets_the_limit_first() {
    let (world, session) = with(World::builder().setting("PALISADE_USER_REQUESTS_REGULAR", 1)).await;
    assert_eq!(session.get("/session").await.status(), 200);
    let others = session.send(Method::DELETE, "/sessions?scope=others", None, Vec::new()).await;
    assert_eq!(others.status(), 204, "over the limit, and never refused");
    assert!(world.items("incidents").await.is_empty());
    for _ in 0..3 {
        assert_eq!(session.get("/session").await.status(), 429);
    }
    let incidents = world.items("incidents").await;
    assert_eq!(
        (incidents.len(), &incidents[0]["type"], &incidents[0]["occurrences"]),
        (1, &json!("rate_limit_abuse"), &json!("1"))
    );
}

#[tokio::test]
async fn r37_behind_the_authorizer_it_is_a_denial_and_environments_learn_from_one_another() {
    let (_, session) = with(fifty()).await;
    // Two environments count for themselves and tell one another with every batch.
    let mut let_in = 0;
    for _ in 0..60 {
        let_in += usize::from(session.get("/protected").await.status() == 200);
        let_in += usize::from(session.get("/session").await.status() == 200);
    }
    assert!((50..=50 + 2 * 20).contains(&let_in), "the limit and a batch for each environment: {let_in}");
    assert_eq!((session.get("/protected").await.status(), session.get("/session").await.status()), (403, 429));
}

#[tokio::test]
async fn r37_a_count_that_cannot_be_written_keeps_nobody_out_and_is_not_forgotten() {
    for mode in [Mode::Error, Mode::Throttle, Mode::Timeout] {
        let (world, session) = with(fifty().short_timeouts()).await;
        world.fault(Fault::always(mode).table("counters"));
        for n in 0..50 {
            assert_eq!(session.get("/session").await.status(), 200, "{mode:?}, {n}");
        }
        assert!(session.event_names().contains(&"dependency_failed".to_owned()), "{mode:?}");
        assert_eq!(session.get("/session").await.status(), 429, "{mode:?}: it is counted here");
        world.stack().faults().clear();
        let (world, session) = with(fifty().short_timeouts()).await;
        // An answer that fails is asked for twice, one that does not come only once.
        world.fault(Fault::always(mode).table("counters").times(if mode == Mode::Timeout { 1 } else { 2 }));
        for _ in 0..40 {
            session.get("/session").await;
        }
        assert_eq!(world.counter("user#").await.expect("a count")["requests"], "40", "{mode:?}: with the next batch");
    }
}

#[tokio::test]
async fn monitor_mode_tells_and_counts_and_refuses_nobody() {
    let (world, session) = with(fifty().setting("PALISADE_LIMITS", "monitor")).await;
    for _ in 0..51 {
        assert_eq!(session.get("/session").await.status(), 200);
    }
    assert!(session.event_names().contains(&"limit_monitored".to_owned()));
    let guesser = world.stranger();
    for n in 0..30 {
        assert_eq!(guesser.login(NAME, "wrong").await.status(), 401, "{n}");
    }
    assert_eq!(guesser.login(NAME, PASSWORD).await.status(), 200);
    let reasons: Vec<_> =
        guesser.events().iter().filter(|event| event["event"] == "limit_monitored").map(|event| event["reason"].clone()).collect();
    for reason in ["login_delay", "failed_logins", "auth_rate_limit"] {
        assert!(reasons.contains(&json!(reason)), "{reason}");
    }
    let told = guesser.events().into_iter().find(|event| event["event"] == "limit_monitored").expect("an event");
    assert_eq!((&told["LimitsMonitored"], &told["decision"]["enforced"]), (&json!(1), &json!(false)), "a metric as well");
    assert!(!guesser.event_names().contains(&"excess_rate_limit_exceeded".to_owned()));
    assert_eq!(
        world.items("incidents").await.iter().filter(|incident| incident["type"] == "brute_force").count(),
        1,
        "operators are told as ever"
    );
    let device = guesser.clone().device(&guesser.login(NAME, PASSWORD).await.cookie("__Host-device"));
    for _ in 0..3 {
        assert_eq!(device.login(NAME, "wrong").await.status(), 401);
    }
    assert_eq!(device.login(NAME, PASSWORD).await.status(), 200);
}
