//! What operators do with `palisade`, and that it is recorded.

use acceptance::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

const NAME: &str = "alice@example.com";
const PASSWORD: &str = "correct-Horse-7-battery";

async fn world() -> World {
    let world = World::builder().nist().start().await;
    world.account(NAME, PASSWORD).await;
    world
}

async fn done(world: &World, arguments: &[&str]) -> String {
    world.palisade(arguments).await.unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
}

async fn session(world: &World) -> acceptance::Actor {
    world.stranger().login(NAME, PASSWORD).await.session()
}

async fn current(actor: &acceptance::Actor) -> Reply {
    actor.send(Method::GET, "/session", None, Vec::new()).await
}

#[tokio::test]
async fn a_blocked_network_is_refused_everywhere_within_thirty_seconds_and_let_in_again() {
    let world = world().await;
    let inside = world.actor("203.0.113.7");
    let login = inside.login(NAME, PASSWORD).await;
    let (session, device) = (login.session(), inside.clone().device(&login.cookie("__Host-device")));
    let statuses = async || {
        let policy = json!({ "identifier": NAME });
        [
            inside.login(NAME, PASSWORD).await.status(),
            device.login(NAME, PASSWORD).await.status(),
            inside.post("/password/reset/request", &policy).await.status(),
            inside.post("/breach-check", &json!({ "password": PASSWORD })).await.status(),
            current(&session).await.status(),
            session.send(Method::GET, "/protected", None, Vec::new()).await.status(),
        ]
    };
    let open = [200, 200, 202, 200, 200, 200];
    assert_eq!(statuses().await, open);
    assert!(done(&world, &["block", "203.0.113.9/24", "--for", "2h"]).await.starts_with("203.0.113.0/24 is blocked until"));
    world.advance(30);
    assert_eq!(statuses().await, [403; 6], "whoever it is");
    assert_eq!(inside.login(NAME, PASSWORD).await.code(), "forbidden");
    assert_eq!(world.last_entry().hashes, 0);
    assert!(inside.event_names().contains(&"address_blocked".to_owned()));
    assert_eq!(world.actor("203.0.114.7").login(NAME, PASSWORD).await.status(), 200);
    assert_eq!(done(&world, &["blocks"]).await.lines().count(), 1);
    done(&world, &["unblock", "203.0.113.0/24"]).await;
    world.advance(30);
    assert_eq!(statuses().await, open);
    assert!(world.palisade(&["unblock", "203.0.113.0/24"]).await.is_err(), "it is not blocked");
    done(&world, &["block", "203.0.113.7", "--for", "60s"]).await;
    world.advance(30);
    assert_eq!(inside.login(NAME, PASSWORD).await.status(), 403);
    world.advance(60);
    assert_eq!(inside.login(NAME, PASSWORD).await.status(), 200, "it ended by itself");
}

#[tokio::test]
async fn a_list_of_blocks_that_cannot_be_read_shuts_nobody_out_and_forgets_nobody() {
    let world = World::builder().nist().short_timeouts().start().await;
    world.account(NAME, PASSWORD).await;
    let session = session(&world).await;
    done(&world, &["block", "203.0.113.7", "--for", "2h"]).await;
    world.advance(30);
    assert_eq!(world.actor("203.0.113.7").login(NAME, PASSWORD).await.status(), 403);
    for mode in [palisade_local::Mode::Error, palisade_local::Mode::Timeout] {
        world.fault(palisade_local::Fault::always(mode).item("blocks"));
        world.advance(30);
        assert_eq!(world.stranger().login(NAME, PASSWORD).await.status(), 200, "{mode:?}");
        assert_eq!(world.actor("203.0.113.7").login(NAME, PASSWORD).await.status(), 403, "{mode:?}: the last list holds");
        assert_eq!(current(&session).await.status(), 200, "{mode:?}");
        world.stack().faults().clear();
    }
}

#[tokio::test]
async fn unlock_opens_a_closed_account_and_why_says_what_closed_it() {
    let world = world().await;
    for _ in 0..100 {
        world.stranger().login(NAME, "wrong").await;
        world.advance(61);
    }
    assert_eq!(world.stranger().login(NAME, PASSWORD).await.status(), 429);
    let why = done(&world, &["why", "ALICE@example.com", "--ip", "198.51.100.1"]).await;
    assert!(why.contains("refuses unknown devices") && why.contains("100 closes") && why.contains("policy nist"), "{why}");
    for rule in ["login_delay", "user_rate_limit", "global_rate_limit", "auth_rate_limit", "failed_logins", "blocked"] {
        assert!(why.contains(rule), "{rule}: {why}");
    }
    let spent = world.items("counters").await;
    done(&world, &["why", NAME, "--ip", "198.51.100.1"]).await;
    assert_eq!(world.items("counters").await.len(), spent.len(), "asking counts nothing");
    done(&world, &["unlock", NAME]).await;
    assert_eq!(world.stranger().login(NAME, PASSWORD).await.status(), 200);
    assert!(done(&world, &["why", NAME]).await.contains("passes"));
    assert!(done(&world, &["why", "nobody@example.com"]).await.contains("does not exist"));
}

#[tokio::test]
async fn revoke_ends_sessions_and_devices_at_once() {
    let world = world().await;
    let actor = world.stranger();
    let login = actor.login(NAME, PASSWORD).await;
    let (session, device) = (login.session(), actor.clone().device(&login.cookie("__Host-device")));
    world.advance(1);
    done(&world, &["revoke", NAME]).await;
    assert_eq!(current(&session).await.status(), 401);
    assert_eq!(device.login(NAME, PASSWORD).await.json()["anomalies"], json!(["unusual_time_login"]), "the device is known");
    world.advance(1);
    done(&world, &["revoke", NAME, "--devices"]).await;
    assert_eq!(device.login(NAME, PASSWORD).await.json()["anomalies"], json!(["unusual_time_login", "new_device"]));
}

#[tokio::test]
async fn the_first_superuser_is_made_with_a_password_that_must_be_changed() {
    let world = World::start().await;
    let arguments = ["account", "create", "root@example.com", "--role", "superuser", "--time-zone", "Europe/Berlin"];
    let printed = done(&world, &arguments).await;
    let password = printed.lines().find_map(|line| line.strip_prefix("password ")).expect("a password");
    let login = world.stranger().login("root@example.com", password).await;
    assert_eq!((login.status(), &login.json()["password_change_required"]), (200, &json!(true)), "{}", login.text);
    let session = login.session();
    let refused = session.send(Method::GET, "/sessions", None, Vec::new()).await;
    assert_eq!((refused.code(), refused.reason()), ("password_change_required".to_owned(), "required".to_owned()));
    let body = json!({ "current_password": password, "new_password": "Violet-Kettle-9-harbour" });
    let changed = session.post("/password/change", &body).await;
    assert_eq!(changed.status(), 200, "{}", changed.text);
    assert_eq!(current(&changed.session()).await.json()["role"], "superuser");
    assert_eq!(world.palisade(&arguments).await, Err("there is such an account already".to_owned()));
    let stored = serde_json::to_string(&world.items("counters").await).expect("JSON");
    assert!(!stored.contains(password), "the record does not hold it");
}

#[tokio::test]
async fn an_account_is_changed_switched_off_and_on_exported_and_deleted() {
    let world = world().await;
    let first = session(&world).await;
    done(&world, &["account", "role", NAME, "staff"]).await;
    assert_eq!(current(&first).await.status(), 401, "no session goes on with the old role");
    let second = session(&world).await;
    assert_eq!(current(&second).await.json()["role"], "staff");
    world.advance(1);
    done(&world, &["account", "disable", NAME]).await;
    assert_eq!((current(&second).await.status(), world.stranger().login(NAME, PASSWORD).await.status()), (401, 401));
    world.advance(1);
    done(&world, &["account", "enable", NAME]).await;
    assert_eq!(current(&second).await.status(), 401, "what was ended stays ended");
    let third = session(&world).await;
    world.advance(1);
    done(&world, &["account", "time-zone", NAME, "Asia/Tokyo"]).await;
    assert_eq!(current(&third).await.status(), 200, "nothing ends for that");
    world.advance(1);
    let exported: Value = serde_json::from_str(&done(&world, &["account", "export", NAME]).await).expect("JSON");
    assert_eq!(
        (&exported["identifier"], &exported["role"], &exported["status"]),
        (&json!(NAME), &json!("staff"), &json!("active"))
    );
    assert_eq!(exported["time_zone"], "Asia/Tokyo");
    assert!(exported["sessions"].as_array().is_some_and(|sessions| !sessions.is_empty()));
    let stored = world.items("accounts").await;
    let text = exported.to_string();
    for secret in ["password", "current_digest", "history_salt", "auth_version", "account_key"] {
        let value = stored[0][secret].as_str().expect("stored");
        assert!(!text.contains(value), "{secret} is exported");
    }
    assert!(world.palisade(&["account", "delete", NAME, "--account-id", "somebody-else"]).await.is_err());
    done(&world, &["account", "delete", NAME, "--account-id", exported["account_id"].as_str().expect("an id")]).await;
    assert_eq!((current(&third).await.status(), world.stranger().login(NAME, PASSWORD).await.status()), (401, 401));
    assert!(world.items("accounts").await.is_empty() && world.items("sessions").await.is_empty());
    let actions = done(&world, &["actions"]).await;
    let mut words: Vec<&str> = actions.lines().skip(1).filter_map(|line| line.split_whitespace().nth(2)).collect();
    // The clock stands still between the last two, which have no order then.
    words[4..].sort_unstable();
    assert_eq!(words, ["role_staff", "disable", "enable", "time_zone", "delete", "deleted"], "{actions}");
    assert!(actions.lines().skip(1).all(|line| line.contains(" root ")));
    assert!(!actions.contains("alice"), "nobody's name is in it");
}

#[tokio::test]
async fn a_device_known_under_a_deleted_account_is_a_stranger_to_whoever_has_the_name_next() {
    let world = world().await;
    let actor = world.stranger();
    let device = actor.clone().device(&actor.login(NAME, PASSWORD).await.cookie("__Host-device"));
    let exported: Value = serde_json::from_str(&done(&world, &["account", "export", NAME]).await).expect("JSON");
    world.advance(1);
    done(&world, &["account", "delete", NAME, "--account-id", exported["account_id"].as_str().expect("an id")]).await;
    let sign_up = json!({ "email": NAME, "password": "Violet-Kettle-9-harbour" });
    assert_eq!(world.stranger().post("/signup", &sign_up).await.status(), 202);
    let confirm = json!({ "token": world.grant("confirm_sign_up").await, "password": "Violet-Kettle-9-harbour" });
    assert_eq!(world.stranger().post("/signup/confirm", &confirm).await.status(), 201);
    let login = device.login(NAME, "Violet-Kettle-9-harbour").await;
    assert!(login.json()["anomalies"].as_array().is_some_and(|all| all.contains(&json!("new_device"))), "{}", login.text);
}

#[tokio::test]
async fn a_delete_that_was_cut_off_is_finished_by_another_run() {
    let world = world().await;
    let live = session(&world).await;
    let exported: Value = serde_json::from_str(&done(&world, &["account", "export", NAME]).await).expect("JSON");
    let delete = ["account", "delete", NAME, "--account-id", exported["account_id"].as_str().expect("an id")];
    world.fault(palisade_local::Fault::always(palisade_local::Mode::Error).operation("DeleteItem"));
    assert!(world.palisade(&delete).await.is_err());
    assert_eq!(current(&live).await.status(), 401, "the sessions ended first");
    world.stack().faults().clear();
    done(&world, &delete).await;
    assert!(world.items("accounts").await.is_empty() && world.items("sessions").await.is_empty());
}

#[tokio::test]
async fn explain_says_what_decided_a_request_by_the_id_in_its_answer() {
    let world = world().await;
    let client = world.stranger();
    for _ in 0..2 {
        client.login(NAME, "wrong").await;
    }
    let refused = client.login(NAME, "wrong").await;
    let id = refused.json()["request_id"].as_str().expect("an id").to_owned();
    let events = client.events();
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let directory = std::env::temp_dir();
    let plain = directory.join(format!("{}.log", world.name()));
    std::fs::write(&plain, lines.join("\n")).expect("a log");
    let told = done(&world, &["explain", &id, "--log", &plain.to_string_lossy()]).await;
    for part in [
        "excess_rate_limit_exceeded",
        "login_delay",
        "failed_logins",
        "policy: nist, limits enforced",
        "POST /login",
        "tries_at_once",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let messages: Vec<Value> = lines.iter().map(|line| json!({ "message": line })).collect();
    std::fs::write(&plain, json!({ "events": messages }).to_string()).expect("a log");
    assert_eq!(done(&world, &["explain", &id, "--log", &plain.to_string_lossy()]).await, told, "as CloudWatch Logs gives it");
    assert!(world.palisade(&["explain", "another", "--log", &plain.to_string_lossy()]).await.is_err());
    std::fs::remove_file(&plain).expect("removed");
}

/// An `aws` command that answers as the real one does: whatever it is asked for is checked.
const AWS: &str = r#"#!/bin/sh
[ "$1 $2 $3 $4 $5 $6 $7" = "logs filter-log-events --output json --log-group-name /aws/lambda/login --filter-pattern" ] || exit 3
[ "$8" = '"GXbzqgiDFiAEPxw="' ] || { echo "no such pattern: $8" >&2; exit 4; }
cat "$(dirname "$0")/events.json"
"#;

#[cfg(unix)]
#[tokio::test]
async fn explain_reads_cloudwatch_logs_with_the_aws_command() {
    use std::os::unix::fs::PermissionsExt;
    let world = world().await;
    let directory = std::env::temp_dir().join(world.name());
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join("aws"), AWS).expect("a command");
    std::fs::set_permissions(directory.join("aws"), std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let line = json!({ "event": "authn_login_fail", "reason": "wrong_password", "request_id": "GXbzqgiDFiAEPxw=" }).to_string();
    std::fs::write(directory.join("events.json"), json!({ "events": [{ "message": line }] }).to_string()).expect("events");
    let path = format!("{}:/usr/bin:/bin", directory.display());
    let explain = async |id: &str| {
        let arguments = ["explain", id, "--log-group", "/aws/lambda/login"];
        acceptance::runtime_api::run_with("palisade", &arguments, &[("PATH".to_owned(), path.clone())]).await
    };
    let (done, told) = explain("GXbzqgiDFiAEPxw=").await;
    assert!(done && told.contains("reason: wrong_password"), "{told}");
    let (done, told) = explain("another").await;
    assert!(!done && told.contains("no such pattern"), "{told}");
    let (done, told) = explain("\" or everything").await;
    assert!(!done && told.contains("that is no decision's id"), "{told}");
    std::fs::remove_dir_all(&directory).expect("removed");
}
