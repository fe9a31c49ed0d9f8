//! Every rule for a new password, as a sign-up meets it (r05 to r18), in both profiles where they differ.

use acceptance::World;
use palisade_local::{Fault, Mode};
use serde_json::json;

/// What a sign-up with `password` is told: the codes of all rules it breaks, none when it is accepted.
async fn told(world: &World, password: &str) -> Vec<String> {
    let body = json!({ "email": "q@example.com", "password": password });
    let reply = world.stranger().post("/signup", &body).await;
    assert!(matches!(reply.status(), 202 | 422), "{}", reply.text);
    let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
}

async fn seed_and_nist() -> (World, World) {
    (World::start().await, World::builder().nist().start().await)
}

fn none() -> Vec<String> {
    Vec::new()
}

#[tokio::test]
async fn r05_length_is_counted_in_characters_not_bytes() {
    let (seed, nist) = seed_and_nist().await;
    assert_eq!(told(&seed, "Tq7#zWxy9-Lp").await, none());
    assert_eq!(told(&seed, "Tq7#zWxy9-L").await, ["too_short"]);
    let emoji = |count: usize| ["🦊", "🐝", "🌵", "🍋", "🧊"].iter().cycle().take(count).copied().collect::<String>();
    assert_eq!(told(&nist, &emoji(15)).await, none());
    assert_eq!(told(&nist, &emoji(14)).await, ["too_short"]);
    let long = "Tq7#zWxy9-Lp".repeat(11);
    assert_eq!(told(&seed, &long[..128]).await, none());
    assert_eq!(told(&seed, &long[..129]).await, ["too_long"]);
}

#[tokio::test]
async fn r06_common_passwords_are_refused_trimmed_and_in_any_case() {
    let (seed, nist) = seed_and_nist().await;
    for common in ["iloveyou", " ILOVEYOU\u{1c}", "1qaz2wsx3edc4rfv"] {
        assert!(told(&seed, common).await.contains(&"too_common".to_owned()), "{common}");
    }
    assert!(told(&nist, "1qaz2wsx3edc4rfv").await.contains(&"too_common".to_owned()));
}

#[tokio::test]
async fn r07_digits_alone_are_refused_in_seed() {
    let (seed, nist) = seed_and_nist().await;
    let digits = "8305729164038275";
    assert!(told(&seed, digits).await.contains(&"entirely_numeric".to_owned()));
    assert_eq!(told(&nist, digits).await, none());
}

#[tokio::test]
async fn r08_one_of_each_class_of_any_script_in_seed_and_none_asked_for_in_nist() {
    let (seed, nist) = seed_and_nist().await;
    assert_eq!(
        told(&seed, "                ").await,
        ["too_few_uppercase", "too_few_lowercase", "too_few_digits", "too_few_special", "too_many_consecutive"]
    );
    assert_eq!(told(&seed, "Жёлтый-Чай-77").await, none());
    assert_eq!(told(&seed, "Tq7zWxy9_Lpmn").await, none(), "an underscore is special");
    assert_eq!(told(&nist, "quiet harbour kettle").await, none());
}

#[tokio::test]
async fn r09_at_most_two_equal_characters_in_a_row_in_seed() {
    let (seed, nist) = seed_and_nist().await;
    assert_eq!(told(&seed, "Tqq7#zWxyy9-Lp").await, none());
    assert_eq!(told(&seed, "Tqqq7#zWxy9-Lp").await, ["too_many_consecutive"]);
    assert_eq!(told(&nist, "Tqqq7#zWxy9-Lpmn").await, none());
}

#[tokio::test]
async fn r10_well_known_words_are_refused_within_in_seed_and_as_the_whole_in_nist() {
    let words = |builder: acceptance::WorldBuilder| builder.setting("PALISADE_CONTEXT_WORDS", "Harbourmaster,exactly-this-one");
    let seed = words(World::builder()).start().await;
    let nist = words(World::builder().nist()).start().await;
    for word in ["xx-MonKey-77-Qz", "Tq7#HARBOURMASTER"] {
        assert_eq!(told(&seed, word).await, ["contains_dictionary_word"], "{word}");
    }
    assert_eq!(told(&nist, "xx-MonKey-77-Qzw").await, none());
    assert_eq!(told(&nist, "Exactly-THIS-One").await, ["contains_dictionary_word"]);
}

#[tokio::test]
async fn r12_the_policy_tells_the_same_codes_beforehand_in_both_profiles() {
    let (seed, nist) = seed_and_nist().await;
    let codes = async |world: &World| -> Vec<String> {
        let policy = world.stranger().send(reqwest::Method::GET, "/password/policy", None, Vec::new()).await.json();
        let rules = policy["rules"].as_array().expect("rules").clone();
        rules.iter().map(|rule| rule["code"].as_str().expect("a code").to_owned()).collect()
    };
    let all = [
        "too_similar",
        "too_short",
        "too_long",
        "too_common",
        "entirely_numeric",
        "too_few_uppercase",
        "too_few_lowercase",
        "too_few_digits",
        "too_few_special",
        "too_many_consecutive",
        "contains_dictionary_word",
        "reused",
        "breached",
    ];
    assert_eq!(codes(&seed).await, all);
    let kept = ["too_similar", "too_short", "too_long", "too_common", "contains_dictionary_word", "reused", "breached"];
    assert_eq!(codes(&nist).await, kept);
}

#[tokio::test]
async fn r15_r17_the_service_is_asked_by_prefix_and_its_answer_is_one_of_three() {
    let world = World::start().await;
    let check = async |password: &str| {
        world.stranger().post("/breach-check", &json!({ "password": password })).await.json()["verdict"].clone()
    };
    assert_eq!(check("password").await, "breached");
    assert_eq!(check("Tq7#zWxy9-Lp").await, "clean");
    assert!(world.stack().hibp().asked().iter().all(|asked| asked.prefix.len() == 5));
    world.stack().hibp().inject(Fault::always(Mode::Malformed));
    assert_eq!(check("Tq7#zWxy9-Lq").await, "unknown");
}

#[tokio::test]
async fn r16_the_service_has_two_seconds_by_default_and_its_silence_ends_in_time() {
    let world = World::builder().setting("PALISADE_HIBP_TIMEOUT_MS", 100).start().await;
    world.stack().hibp().inject(Fault::always(Mode::Timeout));
    assert_eq!(told(&world, "Tq7#zWxy9-Lp").await, none());
    assert_eq!(world.stack().hibp().asked().len(), 1, "both requests share the time");
}

#[tokio::test]
async fn r18_a_sign_up_in_an_outage_is_flagged_and_logged() {
    let world = World::start().await;
    world.stack().hibp().inject(Fault::always(Mode::Error));
    let client = world.stranger();
    let body = json!({ "email": "q@example.com", "password": "Tq7#zWxy9-Lp" });
    assert_eq!(client.post("/signup", &body).await.status(), 202);
    assert!(client.event_names().contains(&"breach_unknown".to_owned()));
    let confirmed = json!({ "token": world.grant("confirm_sign_up").await, "password": "Tq7#zWxy9-Lp" });
    assert_eq!(client.post("/signup/confirm", &confirmed).await.status(), 201);
    assert_eq!(world.items("accounts").await[0]["breach_unchecked"], true);
}
