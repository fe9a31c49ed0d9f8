//! `palisade import-django`: the built command, a dump that Django wrote, and the people in it.

use acceptance::World;
use acceptance::runtime_api::run_with;
use palisade_local::settings_pairs;
use serde_json::{Value, json};

/// Eleven users and twelve old passwords of the first, written by Django 5.2.19 with each of its hashers at its own cost.
const DUMP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/django_dump.json");

async fn import(world: &World, overrides: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let variables = settings_pairs(world.stack().dynamodb(), None, world.stack().table_prefix(), &overrides);
    let all = [&["import-django", DUMP], arguments].concat();
    run_with("palisade", &all, &variables).await
}

fn report(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|_| panic!("{printed}"))
}

#[tokio::test]
async fn r02_users_that_django_made_are_imported_and_log_in_with_each_hasher() {
    let world = World::builder().real_hashes().start().await;
    let (succeeded, printed) = import(&world, &[], &["--history-model", "accounts.passwordhistory"]).await;
    assert!(succeeded, "{printed}");
    let expected = json!({
        "imported": 8,
        "already_there": 0,
        "refused": [
            { "user": "8", "why": "the password hash is unsupported" },
            { "user": "10", "why": "the identifier is empty" },
            { "user": "11", "why": "has the same identifier as user 1" },
        ],
        "failed": [],
    });
    assert_eq!(report(&printed), expected);
    for (n, role) in ["regular", "staff", "superuser", "regular", "regular", "regular"].iter().enumerate() {
        let name = format!("user{n}@example.com");
        let reply = world.stranger().login(&name, &format!("Violet-Kettle-user{n}-9")).await;
        assert_eq!(reply.status(), 200, "{n}: {}", reply.text);
        assert_eq!(reply.json()["password_change_required"], true, "the password is older than ninety days");
        let accounts = world.items("accounts").await;
        let account = accounts.iter().find(|account| account["identifier"] == name).expect("an account");
        assert_eq!((&account["role"], &account["created_at"]), (&json!(role), &json!("1714557600123")));
        assert!(account["password"].as_str().expect("a hash").starts_with("$argon2id$v=19$m=19456"), "{n}");
        assert!(!account.contains_key("password_changed_at"));
    }
    assert_eq!(world.stranger().login("gone@example.com", "Violet-Kettle-gone-9").await.status(), 401, "inactive");
    assert_eq!(world.stranger().login("sso@example.com", "").await.status(), 401, "without a password");
    let history = world.items("history").await;
    assert_eq!(history.len(), 10, "the newest ten");
    let now = world.stack().clock().expect("manual").now().millis();
    let at = |item: &std::collections::HashMap<String, Value>| {
        item["changed_at"].as_str().expect("a number").parse::<i64>().expect("a number")
    };
    assert!(history.iter().all(|item| at(item) < now));
    let login = world.stranger().login("user0@example.com", "Violet-Kettle-user0-9").await;
    let body = json!({ "current_password": "Violet-Kettle-user0-9", "new_password": "Violet-Kettle-old-11" });
    let reused = login.session().post("/password/change", &body).await;
    assert_eq!(reused.status(), 422, "{}", reused.text);
    assert!(reused.json()["errors"].as_array().expect("errors").iter().any(|error| error["code"] == "reused"), "{}", reused.text);
}

#[tokio::test]
async fn an_import_can_be_started_again_and_touches_nothing_that_is_there() {
    let world = World::start().await;
    world.account("user3@example.com", "correct-Horse-7-battery").await;
    let first = report(&import(&world, &[], &[]).await.1);
    assert_eq!((&first["imported"], &first["already_there"]), (&json!(7), &json!(1)));
    let before = format!("{:?}", sorted(&world).await);
    let second = report(&import(&world, &[], &[]).await.1);
    assert_eq!((&second["imported"], &second["already_there"]), (&json!(0), &json!(8)));
    assert_eq!(format!("{:?}", sorted(&world).await), before);
    assert_eq!(world.stranger().login("user3@example.com", "correct-Horse-7-battery").await.status(), 200);
}

async fn sorted(world: &World) -> Vec<String> {
    let mut items: Vec<String> =
        world.items("accounts").await.iter().map(|item| format!("{:?}", std::collections::BTreeMap::from_iter(item))).collect();
    items.sort();
    items
}

#[tokio::test]
async fn with_user_names_as_identifiers_nobody_needs_an_address() {
    let world = World::builder().setting("PALISADE_IDENTIFIER", "username").start().await;
    let printed = import(&world, &[("PALISADE_IDENTIFIER", "username")], &[]).await.1;
    let why: Vec<Value> =
        report(&printed)["refused"].as_array().expect("a list").iter().map(|refused| refused["why"].clone()).collect();
    assert_eq!(why, ["the password hash is unsupported", "has the same identifier as user 1"]);
    assert_eq!(world.stranger().login("user1", "Violet-Kettle-user1-9").await.status(), 200);
}

#[tokio::test]
async fn what_cannot_be_imported_is_said_without_any_of_it() {
    let world = World::start().await;
    let (succeeded, printed) =
        import(&world, &[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1"), ("PALISADE_OPERATION_TIMEOUT_MS", "300")], &[]).await;
    assert!(!succeeded);
    let failed = report(&printed);
    assert_eq!((failed["failed"].as_array().map(Vec::len), &failed["imported"]), (Some(8), &json!(0)));
    for secret in ["user0@example.com", "pbkdf2_sha256$"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let variables = settings_pairs(world.stack().dynamodb(), None, "", &[]);
    let (succeeded, printed) = run_with("palisade", &["import-django", "/nowhere.json"], &variables).await;
    assert!(!succeeded && printed.contains("/nowhere.json"), "{printed}");
}
