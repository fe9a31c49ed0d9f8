//! What browsers need: headers, cookies, and refusing other sites.

use acceptance::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";

const BASE: &str = "https://auth.example.com";

async fn world() -> World {
    let world = World::builder()
        .setting("PALISADE_BASE_URL", BASE)
        .setting("PALISADE_ALLOWED_ORIGINS", "https://app.example.com, https://good.com")
        .start()
        .await;
    world.account("alice@example.com", PASSWORD).await;
    world
}

#[tokio::test]
async fn se25_w12_a_cookie_whose_name_only_looks_like_ours_is_another_cookie() {
    let world = World::start().await;
    world.account("alice@example.com", "correct-Horse-7-battery").await;
    let owner = world.stranger().login("alice@example.com", "correct-Horse-7-battery").await.session();
    assert_eq!(owner.send(reqwest::Method::GET, "/session", None, Vec::new()).await.status(), 200);
    for space in ['\u{85}', '\u{a0}', '\u{2000}', '\u{200a}', '\u{3000}'] {
        let forged = format!("{space}__Host-session=AAAAAAAAAAAAAAAAAAAAAA.{}", "A".repeat(43));
        let both = owner.clone().header("cookie", &forged);
        let reply = both.send(reqwest::Method::GET, "/session", None, Vec::new()).await;
        assert_ne!(reply.status(), 401, "{space:?}: it does not stand beside the owner's: {}", reply.text);
        let alone = world.stranger().header("cookie", &forged.replace('A', "B"));
        assert_ne!(alone.send(reqwest::Method::GET, "/session", None, Vec::new()).await.status(), 200, "{space:?}");
    }
}

#[tokio::test]
async fn se25_a_logout_among_more_sessions_than_anybody_has_is_refused_instead_of_leaving_one_alive() {
    let world = World::start().await;
    world.account("alice@example.com", "correct-Horse-7-battery").await;
    let login = world.stranger().login("alice@example.com", "correct-Horse-7-battery").await;
    let tossed: Vec<String> = (0..4).map(|n| format!("__Host-session={}.{n}{}", "A".repeat(22), "A".repeat(42))).collect();
    let crowd = format!("{}; __Host-session={}", tossed.join("; "), login.cookie("__Host-session"));
    let reply = world.stranger().header("cookie", &crowd).send(reqwest::Method::POST, "/logout", None, Vec::new()).await;
    assert_eq!((reply.status(), reply.code().as_str()), (400, "invalid_request"));
    let few = format!("{}; __Host-session={}", tossed[..3].join("; "), login.cookie("__Host-session"));
    let reply = world.stranger().header("cookie", &few).send(reqwest::Method::POST, "/logout", None, Vec::new()).await;
    assert_eq!(reply.status(), 204);
    assert_eq!(login.session().send(reqwest::Method::GET, "/session", None, Vec::new()).await.status(), 401);
}

#[tokio::test]
async fn w08_every_answer_carries_the_security_headers() {
    let world = world().await;
    let client = world.stranger();
    let mut replies = vec![
        client.login("alice@example.com", PASSWORD).await,
        client.login("alice@example.com", "wrong").await,
        client.login("alice@example.com", "wrong").await,
        client.login("", "wrong").await,
        client.login("alice@example.com", &"x".repeat(20_000)).await,
        client.send(Method::POST, "/login", Some("text/plain"), Vec::new()).await,
        client.clone().header("sec-fetch-site", "cross-site").login("alice@example.com", PASSWORD).await,
        client.send(Method::GET, "/health", None, Vec::new()).await,
        client.clone().header("accept", "text/plain").login("alice@example.com", "wrong").await,
    ];
    world.fault(palisade_local::Fault::always(palisade_local::Mode::Error));
    replies.push(world.stranger().login("alice@example.com", PASSWORD).await);
    let statuses: Vec<u16> = replies.iter().map(Reply::status).collect();
    assert_eq!(statuses, [200, 401, 429, 400, 413, 415, 403, 200, 429, 503]);
    for reply in &replies {
        assert_hardened(reply);
    }
}

fn assert_hardened(reply: &Reply) {
    let headers = [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "0"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in headers {
        assert_eq!(reply.header(name), value, "{name} on {}", reply.status());
    }
    let content_type = reply.header("content-type");
    let json = ["application/json", "application/problem+json"].contains(&content_type);
    assert!(json || content_type == "text/plain; charset=utf-8", "{content_type}");
}

#[tokio::test]
async fn r24_successes_and_refusals_carry_the_security_headers_for_both_kinds_of_gateway() {
    for builder in [World::builder(), World::builder().rest()] {
        let world = builder.start().await;
        world.account("alice@example.com", PASSWORD).await;
        assert_hardened(&world.stranger().login("alice@example.com", PASSWORD).await);
        assert_hardened(&world.stranger().login("alice@example.com", "wrong").await);
    }
}

#[tokio::test]
async fn r24_hsts_preload_is_a_setting() {
    let world = World::builder().setting("PALISADE_HSTS_PRELOAD", true).start().await;
    let reply = world.stranger().send(Method::GET, "/health", None, Vec::new()).await;
    assert_eq!(reply.header("strict-transport-security"), "max-age=31536000; includeSubDomains; preload");
}

#[tokio::test]
async fn r21_the_session_cookie_goes_with_the_browser_and_its_hour_is_the_servers() {
    let world = world().await;
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    let cookie = reply.set_cookie("__Host-session").expect("it is set");
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "{cookie}");
    assert_eq!(reply.json()["idle_timeout_s"], 3_600);
}

#[tokio::test]
async fn w12_the_cookies_have_every_attribute_that_protects_them() {
    let world = world().await;
    let reply = world.stranger().login("alice@example.com", PASSWORD).await;
    let attributes = |name: &str| {
        let cookie = reply.set_cookie(name).expect("it is set");
        cookie.split_once("; ").expect("attributes").1.to_owned()
    };
    assert_eq!(attributes("__Host-session"), "Path=/; Secure; HttpOnly; SameSite=Strict");
    assert_eq!(attributes("__Host-device"), "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000");
}

#[tokio::test]
async fn w02_another_site_cannot_log_anybody_in() {
    let world = world().await;
    let evil = [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "cross-site"), ("origin", BASE)],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "same-site"), ("origin", "https://blog.example.com")],
        vec![("sec-fetch-site", "none")],
        vec![("sec-fetch-site", "nonsense")],
        vec![("origin", "https://evil.example")],
    ];
    for headers in evil {
        let victim = headers.iter().fold(world.stranger(), |client, (name, value)| client.header(name, value));
        let reply = victim.login("alice@example.com", PASSWORD).await;
        assert_eq!((reply.status(), reply.code().as_str()), (403, "csrf_failed"), "{headers:?}");
        assert!(!reply.headers.contains_key("set-cookie"));
        assert_eq!(victim.event_names(), ["malicious_csrf"]);
    }
    assert_eq!(world.hashes(), 0);
    assert!(world.items("counters").await.is_empty());
}

#[tokio::test]
async fn w03_only_exact_members_of_the_origin_list_pass() {
    let world = world().await;
    for origin in [
        "null",
        "https://good.com.evil.com",
        "http://good.com",
        "https://good.com:8443",
        "https://good.com/",
        "HTTPS://GOOD.COM",
        "https://evil.com#https://good.com",
        "",
    ] {
        let reply = world.stranger().header("origin", origin).login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.code(), "csrf_failed", "{origin:?}");
    }
    for origin in ["https://good.com", "https://app.example.com", BASE] {
        let reply = world.stranger().header("origin", origin).login("alice@example.com", PASSWORD).await;
        assert_eq!(reply.status(), 200, "{origin}");
        let same_site = world.stranger().header("origin", origin).header("sec-fetch-site", "same-site");
        assert_eq!(same_site.login("alice@example.com", PASSWORD).await.status(), 200, "{origin}");
    }
    let own = world.stranger().header("sec-fetch-site", "same-origin").header("origin", "https://anything.example");
    assert_eq!(own.login("alice@example.com", PASSWORD).await.status(), 200, "the browser vouches for same-origin");
    assert_eq!(world.stranger().login("alice@example.com", PASSWORD).await.status(), 200, "no browser, nothing to forge");
}

#[tokio::test]
async fn errors_are_text_where_a_client_prefers_it() {
    let world = world().await;
    let reply = world.stranger().header("accept", "text/plain").login("alice@example.com", "wrong").await;
    assert_eq!(reply.text, "401 invalid_credentials: The identifier or the password is wrong.\n");
}

#[tokio::test]
async fn every_route_in_the_table_is_served_and_knows_its_method() {
    let world = World::start().await;
    for route in palisade_core::route::ROUTES {
        let event = |method: &str| {
            json!({
                "version": "2.0",
                "rawPath": route.path.replace("{id}", "abc"),
                "headers": {},
                "requestContext": { "http": { "method": method, "sourceIp": "198.51.100.1" }, "stage": "$default" },
            })
        };
        let call = async |method: &str| -> Value {
            let result = world.stack().call(route.function, &event(method).to_string()).await.expect("a function");
            serde_json::from_str(&result).expect("JSON")
        };
        let answered = call(route.method).await["statusCode"].as_u64().expect("a status");
        assert!(![404, 405].contains(&answered), "{route:?}: {answered}");
        let other = call("PUT").await;
        let allow = other["headers"]["allow"].as_str().expect("a header");
        assert!(other["statusCode"] == 405 && allow.contains(route.method), "{route:?}: {allow}");
        // Logging out is never refused.
        let unlimited = route.limits == palisade_core::route::Limits::Gateway;
        assert!(!unlimited || route.method == "GET" || route.path == "/logout", "{route:?}: a route that writes has limits");
    }
}

#[tokio::test]
async fn r61_the_password_routes_answer_rest_events_alike() {
    let world = World::builder().rest().start().await;
    world.account("alice@example.com", PASSWORD).await;
    let login = world.stranger().login("alice@example.com", PASSWORD).await;
    let owner = login.session();
    let body = json!({ "current_password": PASSWORD, "new_password": "Violet-Kettle-9-harbour" });
    assert_eq!(owner.post("/password/change", &body).await.status(), 200);
    let sign_up = json!({ "email": "b@example.com", "password": "Violet-Kettle-9-harbour" });
    assert_eq!(world.stranger().post("/signup", &sign_up).await.status(), 202);
    assert_eq!(world.stranger().post("/breach-check", &json!({ "password": "x" })).await.status(), 200);
    assert_eq!(world.stranger().post("/password/reset/request", &json!({ "identifier": "b" })).await.status(), 202);
}
