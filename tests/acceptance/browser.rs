//! The local stack's page in a real browser. Run with `cargo test -- --ignored browser` where `chromedriver` and Chromium are installed.

use acceptance::{Browser, World};

const PASSWORD: &str = "Violet-Kettle-9-harbour";
const NEXT: &str = "Amber-Lantern-4-meadow";

async fn log_in(browser: &Browser, password: &str) {
    browser.fill("[data-action=logIn] [name=identifier]", "you@example.com").await;
    browser.fill("[data-action=logIn] [name=password]", password).await;
    browser.click("[data-action=logIn] button").await;
    browser.wait_for("#who", "Signed in as").await;
}

async fn sign_up(browser: &Browser) {
    browser.fill("[data-action=signUp] [name=email]", "you@example.com").await;
    browser.fill("[data-action=signUp] [name=password]", PASSWORD).await;
    browser.click("[data-action=signUp] button").await;
    browser.wait_for("#mailbox", "confirm_sign_up").await;
    let token = browser.text("#mailbox li:first-child pre").await;
    browser.fill("[data-action=confirm] [name=token]", &token).await;
    browser.fill("[data-action=confirm] [name=password]", PASSWORD).await;
    browser.click("[data-action=confirm] button").await;
    browser.wait_for("#answers", "POST /signup/confirm → 201").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromedriver and Chromium"]
async fn browser_signs_up_logs_in_sees_its_sessions_changes_the_password_and_is_signed_out_from_elsewhere() {
    let world = World::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/", world.stack().gateway())).await;
    assert!(browser.wait_for("#rules", "at least 12 characters").await.lines().count() > 5);
    sign_up(&browser).await;
    log_in(&browser, PASSWORD).await;
    assert_eq!(browser.evaluate("document.cookie").await, "", "no script reads the session");

    // The list has the newest first.
    world.advance(1);
    let elsewhere = world.stranger().login("you@example.com", PASSWORD).await.session();
    browser.click("[data-action=listSessions] button").await;
    browser.wait_for("#sessions", "actor-").await;
    browser.click("#sessions li:first-child button").await;
    browser.wait_for("#answers", "DELETE /sessions/").await;
    assert_eq!(elsewhere.send(reqwest::Method::GET, "/session", None, Vec::new()).await.status(), 401);

    browser.fill("[data-action=change] [name=current_password]", PASSWORD).await;
    browser.fill("[data-action=change] [name=new_password]", NEXT).await;
    browser.click("[data-action=change] button").await;
    browser.wait_for("#mailbox", "password_changed").await;
    browser.click("[data-action=protected] button").await;
    browser.wait_for("#answers", "GET /protected → 200").await;

    // A reload keeps the session, and all it needs to go on.
    browser.open(&format!("{}/", world.stack().gateway())).await;
    browser.wait_for("#who", "Signed in as").await;
    let other = world.stranger().login("you@example.com", NEXT).await.session();
    other.send(reqwest::Method::DELETE, "/sessions?scope=all", None, Vec::new()).await;
    browser.click("[data-action=protected] button").await;
    browser.wait_for("#answers", "GET /protected → 403").await;
    log_in(&browser, NEXT).await;
    browser.click("[data-action=logOut] button").await;
    browser.wait_for("#who", "Not signed in.").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}
