//! The members of `response` that a pool reads.

use palisade_core::cognito::TokenVersion;
use palisade_core::cognito::challenge::{DIGITS, Next};
use palisade_core::cognito::message::Message;
use palisade_core::cognito::token::Claims;
use palisade_edge::cognito::{Call, Reply};
use palisade_flows::cognito::{Challenge, Migrated};
use serde_json::{Map, Value, json};

/// What comes next in a sign-in.
pub(crate) fn next(next: Next) -> Reply {
    let name = if let Next::Challenge(name) = next { Some(name) } else { None };
    with([
        ("challengeName", json!(name)),
        ("issueTokens", json!(next == Next::Tokens)),
        ("failAuthentication", json!(next == Next::Fail)),
    ])
}

/// A code. What the client is shown is the same for everybody.
pub(crate) fn challenge(challenge: &Challenge) -> Reply {
    with([
        ("publicChallengeParameters", json!({ "challenge": "CODE", "delivery": "EMAIL", "digits": DIGITS.to_string() })),
        ("privateChallengeParameters", json!({ "notice": challenge.notice.as_str(), "challenge": challenge.id })),
        ("challengeMetadata", json!("PALISADE_CODE")),
    ])
}

/// Whether an answer was right.
pub(crate) fn judged(right: bool) -> Reply {
    with([("answerCorrect", json!(right))])
}

/// A message in the pool's own forms.
pub(crate) fn message(message: Message) -> Reply {
    let Message { sms, html, subject } = message;
    with([("smsMessage", json!(sms)), ("emailMessage", json!(html)), ("emailSubject", json!(subject))])
}

/// Somebody who moves in; nothing where nobody does, whatever the response held.
pub(crate) fn migrated(migrated: Option<&Migrated>) -> Reply {
    let Some(migrated) = migrated else {
        return Reply::Only(Map::new());
    };
    let texts = [("email", &migrated.email), ("given_name", &migrated.first_name), ("family_name", &migrated.last_name)];
    let mut attributes: Map<String, Value> =
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))).collect();
    if migrated.email.is_some() {
        // Where resets went until today; without it there would be none.
        attributes.insert("email_verified".to_owned(), json!("true"));
    }
    if attributes.is_empty() {
        // Cognito wants one at least.
        attributes.insert("name".to_owned(), json!(migrated.name));
    }
    let status = if migrated.confirmed { "CONFIRMED" } else { "RESET_REQUIRED" };
    Reply::Only(members([
        ("userAttributes", Value::Object(attributes)),
        ("finalUserStatus", json!(status)),
        ("messageAction", json!("SUPPRESS")),
        ("forceAliasCreation", json!(false)),
    ]))
}

/// What tokens say. Groups go back as they came, since Cognito takes none for an answer; restricted, there are none, and of the scopes only
/// the standard ones of a sign-in: not even that of the user's own account, since no trigger would tell of a password changed with it.
pub(crate) fn claims(version: TokenVersion, claims: &Claims, call: &Call<'_>) -> Reply {
    let mut added = Map::new();
    added.insert("palisade_amr".to_owned(), json!(claims.amr));
    added.extend(claims.auth_time.map(|at| ("palisade_auth_time".to_owned(), json!(at.seconds().to_string()))));
    added.insert("palisade_password_change_required".to_owned(), json!(claims.change_required.to_string()));
    let groups = match (claims.restricted, call.value("groupConfiguration")) {
        (true, _) => Some(json!({ "groupsToOverride": [], "iamRolesToOverride": [] })),
        (false, groups) => groups,
    };
    let suppressed: &[&str] = if claims.restricted { &["cognito:groups", "cognito:roles", "cognito:preferred_role"] } else { &[] };
    match version {
        TokenVersion::V1 => {
            with([("claimsOverrideDetails", details(json!({ "claimsToAddOrOverride": added }), suppressed, groups))])
        }
        TokenVersion::V2 => {
            let of = json!({ "claimsToAddOrOverride": added, "claimsToSuppress": suppressed });
            let mut access = of.clone();
            if let (true, Some(access)) = (claims.restricted, access.as_object_mut()) {
                access.insert("scopesToSuppress".to_owned(), json!(scopes(call)));
            }
            let both = json!({ "idTokenGeneration": of, "accessTokenGeneration": access });
            with([("claimsAndScopeOverrideDetails", details(both, &[], groups))])
        }
    }
}

fn details(mut details: Value, suppressed: &[&str], groups: Option<Value>) -> Value {
    if let Some(details) = details.as_object_mut() {
        if !suppressed.is_empty() {
            details.insert("claimsToSuppress".to_owned(), json!(suppressed));
        }
        details.extend(groups.map(|groups| ("groupOverrideDetails".to_owned(), groups)));
    }
    details
}

/// The scopes of a token beyond the standard ones of a sign-in.
fn scopes(call: &Call<'_>) -> Vec<String> {
    const OF_A_SIGN_IN: [&str; 4] = ["openid", "profile", "email", "phone"];
    let asked: Vec<String> = call.value("scopes").and_then(|scopes| serde_json::from_value(scopes).ok()).unwrap_or_default();
    asked.into_iter().filter(|scope| !OF_A_SIGN_IN.contains(&scope.as_str())).collect()
}

fn with<const N: usize>(all: [(&str, Value); N]) -> Reply {
    Reply::With(members(all))
}

fn members<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
