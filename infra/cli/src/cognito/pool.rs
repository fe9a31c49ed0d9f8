//! A pool's settings as JSON: its triggers put in and taken out, what changes by that, and what it lacks.

use serde_json::{Map, Value, json};

use super::member;

use crate::arguments::TokenVersion;

/// The triggers there are, by the names of `LambdaConfig`.
pub(crate) const TRIGGERS: [&str; 10] = [
    "PreSignUp",
    "PostConfirmation",
    "PreAuthentication",
    "PostAuthentication",
    "DefineAuthChallenge",
    "CreateAuthChallenge",
    "VerifyAuthChallengeResponse",
    "PreTokenGeneration",
    "CustomMessage",
    "UserMigration",
];

/// What a pool tells of itself that an update does not take.
const READ_ONLY: [&str; 15] = [
    "Id",
    "Name",
    "Arn",
    "Status",
    "Domain",
    "CustomDomain",
    "CreationDate",
    "LastModifiedDate",
    "SchemaAttributes",
    "AliasAttributes",
    "UsernameAttributes",
    "UsernameConfiguration",
    "EstimatedNumberOfUsers",
    "SmsConfigurationFailure",
    "EmailConfigurationFailure",
];

/// What is to be attached.
pub(super) struct Attachment<'a> {
    pub(super) function: &'a str,
    /// These triggers alone; all, where it is empty.
    pub(super) only: &'a [String],
    /// That of the events before tokens are made; without it the one that is there, or the first.
    pub(super) token_version: Option<TokenVersion>,
    /// Whether another function may be put out of its place.
    pub(super) replace: bool,
}

/// `config` with the triggers of `attachment`; everything else of it stays.
pub(super) fn attached(config: &Value, attachment: &Attachment<'_>) -> Result<Value, String> {
    let mut new: Map<String, Value> = config.as_object().cloned().unwrap_or_default();
    let wanted = |name: &&&str| attachment.only.is_empty() || attachment.only.iter().any(|only| only == **name);
    for name in TRIGGERS.iter().filter(wanted) {
        let before_tokens = config.pointer("/PreTokenGenerationConfig/LambdaArn").filter(|_| *name == "PreTokenGeneration");
        let mut there = new.get(*name).into_iter().chain(before_tokens).filter_map(Value::as_str);
        if let Some(there) = there.find(|there| *there != attachment.function && !attachment.replace) {
            return Err(format!("{name} is {there} already: --replace puts the new function in its place, --only leaves it out"));
        }
        new.insert((*name).to_owned(), json!(attachment.function));
        if *name == "PreTokenGeneration" {
            let there = config.pointer("/PreTokenGenerationConfig/LambdaVersion").and_then(Value::as_str);
            let version = attachment.token_version.map(TokenVersion::as_str).or(there).unwrap_or("V1_0");
            new.insert(
                "PreTokenGenerationConfig".to_owned(),
                json!({ "LambdaArn": attachment.function, "LambdaVersion": version }),
            );
        }
    }
    Ok(Value::Object(new))
}

/// `config` without the triggers that are `function`.
pub(super) fn detached(config: &Value, function: &str) -> Value {
    let mut new: Map<String, Value> = config.as_object().cloned().unwrap_or_default();
    new.retain(|_, value| value != function && value.get("LambdaArn").is_none_or(|arn| arn != function));
    Value::Object(new)
}

/// What is different, a line each.
pub(super) fn difference(old: &Value, new: &Value) -> Vec<String> {
    let empty = Map::new();
    let [old, new] = [old, new].map(|config| config.as_object().unwrap_or(&empty));
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name)).map(|(name, value)| format!("- {name}: {value}"));
    let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    let changed = changed.map(|(name, value)| match old.get(name) {
        None => format!("+ {name}: {value}"),
        Some(old) => format!("~ {name}: {old} -> {value}"),
    });
    gone.chain(changed).collect()
}

/// The update that gives `pool` the triggers `config`: all that it says of itself and an update takes, since whatever is missing is reset.
pub(super) fn update(pool: &Value, config: &Value) -> Value {
    let mut input: Map<String, Value> = pool.as_object().cloned().unwrap_or_default();
    input.retain(|name, value| !READ_ONLY.contains(&name.as_str()) && !value.is_null());
    input.insert("UserPoolId".to_owned(), member(pool, "Id").clone());
    input.insert("LambdaConfig".to_owned(), config.clone());
    // The same twice: under its old name it is refused beside the new one.
    let twice = [
        ("EmailVerificationMessage", "EmailMessage"),
        ("EmailVerificationSubject", "EmailSubject"),
        ("SmsVerificationMessage", "SmsMessage"),
    ];
    for (old, new) in twice {
        if input.get(old).is_some_and(|value| Some(value) == member(pool, "VerificationMessageTemplate").get(new)) {
            input.remove(old);
        }
    }
    let has_validity = pool.pointer("/Policies/PasswordPolicy/TemporaryPasswordValidityDays").is_some();
    if let Some(create) = input.get_mut("AdminCreateUserConfig").and_then(Value::as_object_mut).filter(|_| has_validity) {
        create.remove("UnusedAccountValidityDays");
    }
    Value::Object(input)
}

/// `settings` as the input of an update of `pool`.
pub(super) fn of_the_pool(settings: &Value, pool: &Value) -> Value {
    let mut input: Map<String, Value> = settings.as_object().cloned().unwrap_or_default();
    input.insert("UserPoolId".to_owned(), member(pool, "Id").clone());
    Value::Object(input)
}

/// The settings of `old` beside its triggers that `new` has otherwise.
pub(super) fn lost(old: &Value, new: &Value) -> Vec<String> {
    let moves = ["LambdaConfig", "LastModifiedDate", "EstimatedNumberOfUsers"];
    let settings = old.as_object().into_iter().flatten();
    let changed = settings.filter(|(name, value)| !moves.contains(&name.as_str()) && new.get(*name) != Some(value));
    changed.map(|(name, _)| name.clone()).collect()
}

/// The command that lets the pool call the function.
pub(super) fn permission(function: &str, pool: &Value) -> String {
    let [id, arn] = ["Id", "Arn"].map(|name| member(pool, name).as_str().unwrap_or_default());
    format!(
        "aws lambda add-permission --function-name {function} --statement-id palisade-{id} --action lambda:InvokeFunction \
         --principal cognito-idp.amazonaws.com --source-arn {arn}"
    )
}
