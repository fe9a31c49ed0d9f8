//! What a pool has and lacks for its triggers to do what they are for.

use serde_json::{Value, json};

use super::member;
use super::pool::TRIGGERS;

/// The triggers of `pool`, a line each, and a warning for everything that it or one of its `clients` lacks; without a `function`, whatever
/// is attached counts as ours.
pub(super) fn findings(pool: &Value, clients: &[Value], function: Option<&str>) -> Vec<String> {
    let config = member(pool, "LambdaConfig");
    let has = |name: &str| config.get(name).is_some_and(|arn| function.map_or(!arn.is_null(), |function| arn == function));
    let attached = |name: &&str| format!("{name}: {}", member(config, name).as_str().unwrap_or("not attached"));
    let triggers = TRIGGERS.iter().map(attached);
    let warnings = of_triggers(&has).into_iter().chain(of_pool(pool, &has)).map(str::to_owned);
    let warnings = warnings.chain(clients.iter().flat_map(|client| of_client(client, &has)));
    triggers.chain(warnings.map(|warning| format!("warning: {warning}"))).collect()
}

/// Those of the pairs that are so.
fn that_are_so<T>(all: impl IntoIterator<Item = (bool, T)>) -> Vec<T> {
    all.into_iter().filter_map(|(is_so, what)| is_so.then_some(what)).collect()
}

fn of_triggers(has: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
    let challenge = ["DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"];
    that_are_so([
        (
            has("PreAuthentication") != has("PostAuthentication"),
            "PreAuthentication and PostAuthentication belong together: without the second every sign-in counts as a failure",
        ),
        (
            challenge.iter().any(|name| has(name)) && !challenge.iter().all(|name| has(name)),
            "the three challenge triggers belong together",
        ),
        (
            has("PreTokenGeneration") && !has("PostAuthentication"),
            "without PostAuthentication nobody knows when somebody signed in: tokens are refreshed as long as the pool lets them",
        ),
    ])
}

fn of_pool(pool: &Value, has: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
    let at = |pointer: &str| pool.pointer(pointer).cloned().unwrap_or_default();
    let version = at("/LambdaConfig/PreTokenGenerationConfig/LambdaVersion");
    let verifies_mail = member(pool, "AutoVerifiedAttributes").as_array().is_some_and(|all| all.contains(&json!("email")));
    that_are_so([
        (
            !version.is_null() && version != "V1_0" && at("/UserPoolTier") == "LITE",
            "the LITE plan has no access token customization: PreTokenGeneration needs V1_0, or the pool the Essentials plan",
        ),
        (
            has("PreTokenGeneration") && version == "V1_0" && at("/UserPoolTier") != "LITE",
            "with V1_0 access tokens keep their scopes whatever happens: attach with --token-version 2",
        ),
        (
            at("/UsernameConfiguration/CaseSensitive") == true,
            "user names are case sensitive: two users can differ by capital letters, and count as one here",
        ),
        (
            has("CreateAuthChallenge") && !verifies_mail,
            "e-mail addresses are not verified by the pool: codes go to verified ones only",
        ),
        (
            has("CustomMessage") && at("/VerificationMessageTemplate/DefaultEmailOption") == "CONFIRM_WITH_LINK",
            "addresses are verified by link, and CustomMessage words messages with codes: leave it out",
        ),
        (at("/DeviceConfiguration").is_null(), "devices are not tracked: nobody is told of a sign-in from a new one"),
    ])
}

fn of_client(client: &Value, has: &dyn Fn(&str) -> bool) -> Vec<String> {
    let flows: Vec<&str> = member(client, "ExplicitAuthFlows").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let lets = |flow: &str| flows.iter().any(|known| known.trim_start_matches("ALLOW_") == flow);
    let without_code = ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "USER_AUTH"].into_iter().any(lets);
    let lacks = that_are_so([
        (
            member(client, "PreventUserExistenceErrors") != "ENABLED",
            "PreventUserExistenceErrors is not ENABLED: Cognito itself tells which users exist",
        ),
        (
            has("UserMigration") && !lets("USER_PASSWORD_AUTH") && !lets("ADMIN_USER_PASSWORD_AUTH"),
            "no flow with a password (ALLOW_USER_PASSWORD_AUTH): nobody moves in through it",
        ),
        (
            has("DefineAuthChallenge") && lets("CUSTOM_AUTH") && without_code,
            "flows that ask for no code beside the custom one: a code is asked only of whom the client asks",
        ),
        (has("DefineAuthChallenge") && !lets("CUSTOM_AUTH"), "no custom flow (ALLOW_CUSTOM_AUTH): nobody is asked for a code"),
    ]);
    let name = member(client, "ClientName").as_str().unwrap_or_default();
    lacks.into_iter().map(|what| format!("client {name}: {what}")).collect()
}
