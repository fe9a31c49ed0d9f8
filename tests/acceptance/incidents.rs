//! What staff do with incidents, over their routes.

use acceptance::{Actor, Reply, World};
use palisade_core::incident::{IncidentKind, IncidentSeverity};
use palisade_local::{AttributeValue, Fault, Mode, NewAccount};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const NOTHING: &str = "AAAAAAAAAAAAAAAAAAAAAA";

async fn signed_in(world: &World, name: &str, role: &str) -> Actor {
    let account =
        NewAccount { identifier: name.into(), password: Some(PASSWORD.into()), role: Some(role.into()), ..NewAccount::default() };
    world.make(account).await;
    let login = world.stranger().login(name, PASSWORD).await;
    assert_eq!(login.status(), 200, "{}", login.text);
    login.session()
}

/// A world with staff in it and one open incident.
async fn staffed() -> (World, Actor, String) {
    let world = World::start().await;
    let staff = signed_in(&world, "staff@example.com", "staff").await;
    let id = world.open_incident(IncidentKind::BruteForce, "198.51.100.7", 3).await;
    (world, staff, id)
}

async fn post(staff: &Actor, id: &str, action: &str, body: Value) -> Reply {
    staff.post(&format!("/incidents/{id}/{action}"), &body).await
}

fn ids(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let incidents = json["incidents"].as_array().expect("a list");
    incidents.iter().map(|incident| incident["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn r54_incidents_are_for_staff_and_superusers_alone() {
    let (world, staff, id) = staffed().await;
    let regular = signed_in(&world, "regular@example.com", "regular").await;
    let superuser = signed_in(&world, "superuser@example.com", "superuser").await;
    let path = format!("/incidents/{id}");
    for path in ["/incidents", &path] {
        assert_eq!(world.stranger().get(path).await.code(), "unauthenticated");
        assert_eq!(regular.get(path).await.code(), "forbidden");
        assert_eq!((staff.get(path).await.status(), superuser.get(path).await.status()), (200, 200));
    }
    for (action, body) in [
        ("assign", json!({ "version": 0, "assigned_to": "me" })),
        ("note", json!({ "version": 0, "note": "x" })),
        ("investigate", json!({ "version": 0 })),
        ("resolve", json!({ "version": 0, "resolution": "x" })),
        ("false-positive", json!({ "version": 0, "resolution": "x" })),
        ("reopen", json!({ "version": 0, "note": "x" })),
        ("contain", json!({ "action": "block_address" })),
    ] {
        assert_eq!(post(&world.stranger(), &id, action, body.clone()).await.code(), "unauthenticated", "{action}");
        assert_eq!(post(&regular, &id, action, body.clone()).await.code(), "forbidden", "{action}");
        let without = staff.clone().without("x-csrf-token");
        assert_eq!(post(&without, &id, action, body.clone()).await.code(), "csrf_failed", "{action}");
        let elsewhere = staff.clone().header("sec-fetch-site", "cross-site");
        assert_eq!(post(&elsewhere, &id, action, body).await.code(), "csrf_failed", "{action}");
    }
    assert_eq!(world.incident(&id).await["version"], "0", "nothing of it changed anything");
    assert!(regular.event_names().contains(&"authz_fail".to_owned()));
    assert!(staff.event_names().contains(&"malicious_csrf".to_owned()));
}

#[tokio::test]
async fn r53_r56_an_incident_is_worked_on_version_by_version() {
    let (world, staff, id) = staffed().await;
    let shown = staff.get(&format!("/incidents/{id}")).await.json();
    assert_eq!((&shown["status"], &shown["version"], &shown["occurrences"]), (&json!("open"), &json!(0), &json!(3)));
    assert_eq!(shown["actions"], json!(["assign", "note", "investigate", "resolve", "false-positive"]));
    assert_eq!((&shown["containments"], &shown["network"]), (&json!(["block_address"]), &json!("198.51.100.7/32")));
    assert!(shown.get("account_key").is_none());

    let steps = [
        ("assign", json!({ "version": 0, "assigned_to": "ann" }), "open"),
        ("investigate", json!({ "version": 1 }), "investigating"),
        ("note", json!({ "version": 2, "note": "one <b>office</b>\nbehind one address" }), "investigating"),
        ("resolve", json!({ "version": 3, "resolution": "told them" }), "resolved"),
        ("reopen", json!({ "version": 4, "note": "it goes on" }), "open"),
        ("false-positive", json!({ "version": 5, "resolution": "a test of ours" }), "false_positive"),
    ];
    for (action, body, status) in steps {
        let reply = post(&staff, &id, action, body.clone()).await;
        assert_eq!((reply.status(), reply.json()["status"].as_str()), (200, Some(status)), "{action}: {}", reply.text);
        let again = post(&staff, &id, action, body).await;
        assert_eq!((again.status(), again.code().as_str()), (409, "stale_version"), "{action}");
    }
    let illegal = post(&staff, &id, "investigate", json!({ "version": 6 })).await;
    assert_eq!((illegal.status(), illegal.code().as_str()), (409, "illegal_transition"));
    let done = staff.get(&format!("/incidents/{id}")).await.json();
    let timeline: Vec<&str> =
        done["timeline"].as_array().expect("a list").iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(timeline, ["assign", "investigate", "note", "resolve", "reopen", "false-positive"]);
    assert_eq!((&done["assigned_to"], &done["resolution"]), (&json!("ann"), &json!("a test of ours")));
    assert!(done["resolved_by"].as_str().is_some_and(|by| by.len() == 36), "who closed it is an account's id");
    let stored = world.incident(&id).await;
    let now = world.stack().clock().expect("manual").now().seconds();
    assert_eq!(stored["expires_at"], (now + 400 * 86_400).to_string(), "kept for 400 days after closing");
    assert!(staff.event_names().contains(&"incident_updated".to_owned()));
}

#[tokio::test]
async fn r53_of_two_at_once_one_is_stale_and_an_occurrence_disturbs_nobody() {
    let (world, staff, id) = staffed().await;
    let resolve = json!({ "version": 0, "resolution": "mine" });
    world.fault(Fault::always(Mode::Shuffle));
    let (one, two) = tokio::join!(post(&staff, &id, "resolve", resolve.clone()), post(&staff, &id, "resolve", resolve));
    world.stack().faults().clear();
    let mut statuses = [one.status(), two.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    world.happened(&id, 9).await;
    let noted = post(&staff, &id, "note", json!({ "version": 1, "note": "still" })).await.json();
    assert_eq!((&noted["occurrences"], &noted["status"], &noted["version"]), (&json!(9), &json!("resolved"), &json!(2)));
}

#[tokio::test]
async fn r54_listings_are_newest_first_by_status_severity_and_type_with_a_query_for_each_pair() {
    let world = World::start().await;
    let staff = signed_in(&world, "staff@example.com", "staff").await;
    let kinds = [IncidentKind::BruteForce, IncidentKind::UsernameEnumeration, IncidentKind::SessionHijacking];
    let mut made = Vec::new();
    for (n, kind) in kinds.iter().cycle().take(9).enumerate() {
        world.advance(1);
        made.push((*kind, world.open_incident(*kind, &format!("192.0.2.{n}"), 1).await));
    }
    made.reverse();
    let of = |kind: IncidentKind| made.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.clone()).collect::<Vec<_>>();
    let all: Vec<String> = made.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(ids(&staff.get("/incidents").await), all);
    assert_eq!(ids(&staff.get("/incidents?type=brute_force").await), of(IncidentKind::BruteForce));
    assert_eq!(ids(&staff.get("/incidents?severity=critical").await), of(IncidentKind::SessionHijacking));
    assert_eq!(post(&staff, &all[0], "investigate", json!({ "version": 0 })).await.status(), 200);
    assert_eq!(ids(&staff.get("/incidents?status=investigating").await), [all[0].clone()]);
    assert_eq!(
        ids(&staff.get("/incidents?status=open,investigating&severity=critical&type=session_hijacking").await),
        of(IncidentKind::SessionHijacking)
    );
    for (path, queries) in [
        ("/incidents?status=open&severity=high", 1),
        ("/incidents?status=open,investigating&severity=high,critical", 4),
        ("/incidents?type=brute_force&status=open", 1),
        ("/incidents", 16),
    ] {
        staff.get(path).await;
        let entry = world.last_entry();
        let found = entry.calls.iter().filter(|call| call.operation == "Query").count();
        assert_eq!((found, entry.depth), (queries, 2), "{path}: the session, and then all queries at once");
    }
    for bad in ["status=fire", "severity=", "type=x", "cursor=x", "more=1", "status=open&status=open", "cursor=a.b.c"] {
        assert_eq!(staff.get(&format!("/incidents?{bad}")).await.code(), "invalid_request", "{bad}");
    }
}

#[tokio::test]
async fn d13_every_incident_is_listed_once_over_many_pages_and_ties() {
    let world = World::start().await;
    let staff = signed_in(&world, "staff@example.com", "staff").await;
    let mut made = Vec::new();
    // Most of one moment, of four severities.
    for n in 0..170 {
        let kind = IncidentKind::ALL[n % IncidentKind::ALL.len()];
        if n % 60 == 0 {
            world.advance(1);
        }
        made.push(world.open_incident(kind, &format!("10.0.0.{n}"), 1).await);
    }
    let medium = IncidentKind::ALL.iter().cycle().take(170).filter(|kind| kind.severity() == IncidentSeverity::Medium).count();
    for (query, expected) in [("", 170), ("status=open&", 170), ("status=open&severity=medium&", medium)] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let reply = staff.get(format!("/incidents?{query}{cursor}").trim_end_matches(['?', '&'])).await;
            assert_eq!(reply.status(), 200, "{}", reply.text);
            let page = ids(&reply);
            assert!(page.len() <= 50);
            seen.extend(page);
            pages += 1;
            match reply.json()["cursor"].as_str() {
                Some(next) => cursor = format!("cursor={next}"),
                None => break,
            }
        }
        assert!(pages <= 6, "{pages} pages");
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((seen.len(), unique.len()), (expected, expected), "{query}");
        assert!(unique.iter().all(|id| made.contains(id)));
    }
}

#[tokio::test]
async fn a_containment_ends_sessions_asks_for_a_new_password_and_blocks_and_each_leaves_its_trace() {
    let world = World::builder().nist().start().await;
    let staff = signed_in(&world, "staff@example.com", "staff").await;
    world.account("alice@example.com", PASSWORD).await;
    for _ in 0..10 {
        world.stranger().login("alice@example.com", "wrong").await;
        world.advance(61);
    }
    let alice = world.stranger().login("alice@example.com", PASSWORD).await.session();
    assert_eq!(alice.get("/session").await.status(), 200);
    let listed = staff.get("/incidents?type=anomalous_login").await;
    let id = ids(&listed)[0].clone();
    let shown = staff.get(&format!("/incidents/{id}")).await.json();
    assert_eq!(shown["containments"].as_array().map(Vec::len), Some(3), "{shown}");

    // The password was given more than a quarter of an hour ago by now: the clock moved for each guess.
    world.advance(600);
    let ended = json!({ "action": "end_sessions" });
    let stale = post(&staff, &id, "contain", ended.clone()).await;
    assert_eq!((stale.status(), stale.code().as_str()), (403, "reauthentication_required"));
    let staff = staff.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await.session();
    assert_eq!(post(&staff, &id, "contain", ended).await.status(), 200);
    assert_eq!(alice.get("/session").await.status(), 401, "at once");

    assert_eq!(post(&staff, &id, "contain", json!({ "action": "require_password_change" })).await.status(), 200);
    let again = world.stranger().login("alice@example.com", PASSWORD).await;
    assert_eq!(again.json()["password_change_required"], true);
    assert_eq!(again.session().get("/sessions").await.code(), "password_change_required");

    let blocked = post(&staff, &id, "contain", json!({ "action": "block_address", "for_s": 600 })).await.json();
    let network = blocked["network"].as_str().expect("a network").to_owned();
    assert!(world.palisade(&["blocks"]).await.expect("a list").contains(&network));
    assert_eq!(post(&staff, &id, "contain", json!({ "action": "unblock_address" })).await.status(), 200);
    assert_eq!(world.palisade(&["blocks"]).await.expect("a list"), "nothing is blocked");
    assert_eq!(
        post(&staff, &id, "contain", json!({ "action": "unblock_address" })).await.status(),
        400,
        "there is nothing to let in"
    );
    let actions = world.palisade(&["actions"]).await.expect("a list");
    for action in ["end_sessions", "require_password_change", "block_address", "unblock_address"] {
        assert!(actions.contains(action), "{actions}");
    }
    assert_eq!(staff.event_names().iter().filter(|name| *name == "incident_contained").count(), 4);
    for bad in [
        json!({ "action": "shoot" }),
        json!({ "action": "end_sessions", "for_s": 60 }),
        json!({ "action": "block_address", "for_s": 59 }),
        json!({ "action": "block_address", "for_s": 2_592_001 }),
    ] {
        assert_eq!(post(&staff, &id, "contain", bad.clone()).await.code(), "invalid_request", "{bad}");
    }
}

#[tokio::test]
async fn a_containment_that_fits_nothing_is_refused_and_one_that_cannot_be_written_happens_not_at_all() {
    let (world, staff, id) = staffed().await;
    let ended = post(&staff, &id, "contain", json!({ "action": "end_sessions" })).await;
    assert_eq!((ended.status(), ended.code().as_str()), (400, "invalid_request"), "it is about no account");
    let everybody = world.open_incident(IncidentKind::BruteForce, "all", 1).await;
    let blocked = post(&staff, &everybody, "contain", json!({ "action": "block_address" })).await;
    assert_eq!(blocked.status(), 400, "the last address is anybody's");
    world.fault(Fault::always(Mode::Error).operation("TransactWriteItems"));
    assert_eq!(post(&staff, &id, "contain", json!({ "action": "block_address" })).await.status(), 503);
    world.stack().faults().clear();
    assert_eq!(world.palisade(&["blocks"]).await.expect("a list"), "nothing is blocked");
    assert_eq!(world.incident(&id).await["version"], "0");
}

#[tokio::test]
async fn a_block_is_of_the_network_that_was_seen_never_shorter_and_never_ones_own() {
    let (world, staff, id) = staffed().await;
    let block = |seconds: u64, network: &str| json!({ "action": "block_address", "for_s": seconds, "network": network });
    let stale = post(&staff, &id, "contain", block(60, "203.0.113.1/32")).await;
    assert_eq!((stale.status(), stale.code().as_str()), (409, "stale_version"), "it came from elsewhere meanwhile");
    assert_eq!(post(&staff, &id, "contain", block(86_400, "198.51.100.7/32")).await.status(), 200);
    let long = world.palisade(&["blocks"]).await.expect("a list");
    assert_eq!(post(&staff, &id, "contain", block(60, "198.51.100.7/32")).await.status(), 200);
    assert_eq!(world.palisade(&["blocks"]).await.expect("a list"), long, "the longer one stays");
    world.palisade(&["block", "198.51.100.7", "--for", "30d"]).await.expect("an operator blocks it for longer");
    let others = post(&staff, &id, "contain", json!({ "action": "unblock_address" })).await;
    assert_eq!(others.status(), 409, "what an operator blocked is not this incident's to let in");

    // What is let in again is what was blocked, wherever the incident came from since.
    let account = world.open_incident(IncidentKind::BruteForce, "6e33aca5-2de0-4cb4-a0e7-fdbc5da7337c", 1).await;
    assert_eq!(post(&staff, &account, "contain", block(600, "192.0.2.7/32")).await.status(), 200);
    world.edit("incidents", &[("incident_id", &account)], "ip", Some(AttributeValue::S("192.0.2.99".into()))).await;
    let shown = staff.get(&format!("/incidents/{account}")).await.json();
    assert_eq!((&shown["network"], &shown["blocked_network"]), (&json!("192.0.2.99/32"), &json!("192.0.2.7/32")));
    let elsewhere = json!({ "action": "unblock_address", "network": "192.0.2.99/32" });
    assert_eq!(post(&staff, &account, "contain", elsewhere).await.code(), "stale_version");
    let seen = json!({ "action": "unblock_address", "network": "192.0.2.7/32" });
    assert_eq!(post(&staff, &account, "contain", seen).await.status(), 200);
    assert!(!world.palisade(&["blocks"]).await.expect("a list").contains("192.0.2.7"));

    let own = world.open_incident(IncidentKind::BruteForce, "10.0.0.0", 1).await;
    let here = staff.clone().moved_to("10.0.0.0");
    let refused = here.post(&format!("/incidents/{own}/contain"), &json!({ "action": "block_address" })).await;
    assert!(matches!(refused.status(), 400 | 401), "nobody shuts themselves out: {}", refused.text);
    assert!(!world.palisade(&["blocks"]).await.expect("a list").contains("10.0.0.0"));
}

#[tokio::test]
async fn nobody_blocks_a_trusted_proxy() {
    let world = World::builder().setting("PALISADE_TRUSTED_PROXIES", "172.20.0.0/16").start().await;
    let staff = signed_in(&world, "staff@example.com", "staff").await;
    let id = world.open_incident(IncidentKind::BruteForce, "172.20.0.9", 1).await;
    assert_eq!(post(&staff, &id, "contain", json!({ "action": "block_address" })).await.code(), "invalid_request");
    assert_eq!(world.palisade(&["blocks"]).await.expect("a list"), "nothing is blocked");
}

#[tokio::test]
async fn staff_contain_regular_accounts_and_superusers_all() {
    let world = World::builder().nist().start().await;
    let staff = signed_in(&world, "staff@example.com", "staff").await;
    let superuser = signed_in(&world, "superuser@example.com", "superuser").await;
    for _ in 0..10 {
        world.stranger().login("superuser@example.com", "wrong").await;
        world.advance(61);
    }
    let [staff, root] = [
        staff.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await.session(),
        superuser.post("/session/reauthenticate", &json!({ "password": PASSWORD })).await.session(),
    ];
    let id = ids(&staff.get("/incidents?type=brute_force").await)[0].clone();
    for action in ["end_sessions", "require_password_change", "block_address"] {
        assert_eq!(post(&staff, &id, "contain", json!({ "action": action })).await.code(), "forbidden", "{action}");
    }
    assert!(staff.event_names().contains(&"authz_fail".to_owned()));
    assert_eq!(root.get("/session").await.status(), 200);
    assert_eq!(post(&root, &id, "contain", json!({ "action": "end_sessions" })).await.status(), 200);
    assert_eq!(root.get("/session").await.status(), 401, "one's own as well");
}

#[tokio::test]
async fn what_is_no_incident_is_not_found_and_a_corrupt_one_is_told() {
    let (world, staff, id) = staffed().await;
    for path in ["/incidents/x", &format!("/incidents/{NOTHING}")] {
        assert_eq!(staff.get(path).await.status(), 404, "{path}");
    }
    assert_eq!(post(&staff, NOTHING, "note", json!({ "version": 0, "note": "x" })).await.status(), 404);
    for bad in ["", "   ", &"x".repeat(2_001), "a\u{1b}[2J"] {
        assert_eq!(post(&staff, &id, "note", json!({ "version": 0, "note": bad })).await.code(), "invalid_request", "{bad:.9}");
    }
    world.edit("incidents", &[("incident_id", &id)], "type", Some(AttributeValue::S("new_kind".into()))).await;
    assert_eq!(staff.get(&format!("/incidents/{id}")).await.status(), 500);
    world.edit("incidents", &[("incident_id", &id)], "type", Some(AttributeValue::S("brute_force".into()))).await;
    world.edit("incidents", &[("incident_id", &id)], "expires_at", Some(AttributeValue::N("1".into()))).await;
    assert_eq!(staff.get(&format!("/incidents/{id}")).await.status(), 404, "what is only not swept yet is gone");
}

#[tokio::test]
async fn d11_a_full_timeline_stays_far_below_an_items_limit_and_occurrences_go_on() {
    let (world, staff, id) = staffed().await;
    let long = "\u{fc}".repeat(1_000);
    for version in 0..103 {
        let reply = post(&staff, &id, "note", json!({ "version": version, "note": long })).await;
        assert_eq!(reply.status(), 200, "{version}: {:.80}", reply.text);
    }
    let shown = staff.get(&format!("/incidents/{id}")).await.json();
    assert_eq!((shown["timeline"].as_array().map(Vec::len), &shown["timeline_cut"]), (Some(100), &json!(3)));
    let stored = serde_json::to_string(&world.incident(&id).await).expect("JSON").len();
    assert!(stored < 250_000, "{stored} bytes");
}

#[tokio::test]
async fn r56_the_command_does_the_same_from_a_terminal() {
    let (world, staff, id) = staffed().await;
    let run = async |arguments: &[&str]| world.palisade(&[&["incidents"], arguments].concat()).await;
    assert!(run(&["list"]).await.expect("a list").contains(&id));
    assert_eq!(run(&["list", "--status", "resolved"]).await.expect("a list"), "there are no such incidents");
    run(&["assign", &id, "ann"]).await.expect("assigned");
    run(&["note", &id, "looked at it"]).await.expect("noted");
    assert_eq!(run(&["resolve", &id, "blocked it"]).await, Ok(format!("{id} is resolved")));
    assert!(run(&["resolve", &id, "again"]).await.is_err());
    let shown = run(&["show", &id]).await.expect("shown");
    for part in ["198.51.100.7", "ann", "looked at it", "blocked it", "operator root", "resolved"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(staff.get(&format!("/incidents/{id}")).await.json()["resolved_by"], "operator root");
    assert!(run(&["show", NOTHING]).await.is_err() && run(&["show", "x"]).await.is_err());
}

#[tokio::test]
async fn w08_the_board_is_one_document_that_runs_nothing_but_its_own() {
    let world = World::start().await;
    let page = world.stranger().get("/board").await;
    assert_eq!((page.status(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert_eq!(page.headers.get_all("content-security-policy").iter().count(), 1);
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(page.text.matches("<script").count() == 1 && page.text.matches("<style").count() == 1);
    assert!(!page.text.contains("innerHTML") && !page.text.contains("http://") && !page.text.contains(" style=\""));
    for header in ["strict-transport-security", "x-content-type-options", "x-frame-options", "cache-control"] {
        assert!(!page.header(header).is_empty(), "{header}");
    }
}
