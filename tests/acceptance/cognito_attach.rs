//! `palisade cognito`: a pool that is there gets and loses its triggers, and nothing else.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use clap::Parser;
use palisade::arguments::{Arguments, Command};
use palisade::cognito;
use palisade_local::{Options, Stack};
use serde_json::{Value, json};

const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:cognito-triggers";
const OTHER: &str = "arn:aws:lambda:eu-central-1:123456789012:function:other";

/// Cognito's API over one pool, with its way of resetting what an update does not name.
#[derive(Clone)]
struct Idp(Arc<Mutex<Value>>);

/// What an update takes, and what of that stands where it names nothing.
const UPDATABLE: [(&str, &str); 6] = [
    ("Policies", r#"{"PasswordPolicy":{"MinimumLength":8,"TemporaryPasswordValidityDays":7}}"#),
    ("MfaConfiguration", r#""OFF""#),
    ("AutoVerifiedAttributes", "null"),
    ("LambdaConfig", "{}"),
    ("DeletionProtection", r#""INACTIVE""#),
    ("SettingOfTomorrow", "null"),
];

fn pool() -> Value {
    json!({
        "Id": "eu-central-1_ExaMPle01",
        "Name": "people",
        "Arn": "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_ExaMPle01",
        "CreationDate": 1.7e9, "LastModifiedDate": 1.7e9, "EstimatedNumberOfUsers": 3,
        "SchemaAttributes": [], "UsernameAttributes": ["email"], "UsernameConfiguration": { "CaseSensitive": true },
        "Policies": { "PasswordPolicy": { "MinimumLength": 15, "TemporaryPasswordValidityDays": 3 } },
        "MfaConfiguration": "OPTIONAL",
        "Totp": { "Enabled": true },
        "AutoVerifiedAttributes": ["email"],
        "DeletionProtection": "ACTIVE",
        "SettingOfTomorrow": { "keep": "me" },
        "UserPoolTier": "LITE",
        "LambdaConfig": { "PreSignUp": OTHER, "CustomSMSSender": { "LambdaArn": OTHER, "LambdaVersion": "V1_0" } },
    })
}

async fn answer(State(Idp(pool)): State<Idp>, headers: HeaderMap, input: String) -> Response {
    let input: Value = serde_json::from_str(&input).expect("JSON");
    let signature = headers["authorization"].to_str().expect("a text");
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=") && signature.contains("/eu-central-1/cognito-idp/aws4_request"));
    assert_eq!(input["UserPoolId"], "eu-central-1_ExaMPle01");
    let target = headers["x-amz-target"].to_str().expect("a text");
    let mut pool = pool.lock().expect("the pool");
    Json(match target.strip_prefix("AWSCognitoIdentityProviderService.").expect("a target") {
        "DescribeUserPool" => json!({ "UserPool": *pool }),
        "ListUserPoolClients" if input["NextToken"].is_null() => {
            json!({ "UserPoolClients": [{ "ClientId": "one" }], "NextToken": "more" })
        }
        "ListUserPoolClients" => json!({ "UserPoolClients": [{ "ClientId": "two" }] }),
        "DescribeUserPoolClient" if input["ClientId"] == "one" => {
            json!({ "UserPoolClient": { "ClientName": "web", "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"] } })
        }
        "DescribeUserPoolClient" => json!({ "UserPoolClient": {
            "ClientName": "app", "PreventUserExistenceErrors": "ENABLED",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"],
        } }),
        "GetUserPoolMfaConfig" => {
            json!({ "SoftwareTokenMfaConfiguration": pool["Totp"], "MfaConfiguration": pool["MfaConfiguration"] })
        }
        "SetUserPoolMfaConfig" => {
            pool["Totp"] = input["SoftwareTokenMfaConfiguration"].clone();
            json!({})
        }
        "UpdateUserPool" => {
            // As if an update without text messages took codes of apps along.
            pool["Totp"] = json!({ "Enabled": false });
            let known = |name: &str| {
                ["UserPoolId", "UserPoolTier", "Totp"].contains(&name) || UPDATABLE.iter().any(|(known, _)| *known == name)
            };
            if let Some(unknown) = input.as_object().expect("an object").keys().find(|name| !known(name)) {
                let refused = json!({ "__type": "InvalidParameterException", "message": format!("Unknown parameter {unknown}") });
                return (StatusCode::BAD_REQUEST, Json(refused)).into_response();
            }
            for (name, default) in UPDATABLE {
                pool[name] = input.get(name).cloned().unwrap_or_else(|| serde_json::from_str(default).expect("JSON"));
            }
            pool["LastModifiedDate"] = json!(1.8e9);
            json!({})
        }
        unknown => panic!("{unknown}"),
    })
    .into_response()
}

struct Running {
    idp: Idp,
    url: String,
    stack: Stack,
}

impl Running {
    async fn start() -> Self {
        let idp = Idp(Arc::new(Mutex::new(pool())));
        let routes = Router::new().fallback(answer).with_state(idp.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { idp, url, stack: Stack::start(Options::default()).await.expect("the stack starts") }
    }

    async fn palisade(&self, arguments: &str) -> Result<String, String> {
        let all = ["palisade", "cognito"].into_iter().chain(arguments.split(' '));
        let parsed =
            Arguments::try_parse_from(all.chain(["--pool-id", "eu-central-1_ExaMPle01"])).map_err(|error| error.to_string())?;
        let Command::Cognito { command } = parsed.command else { panic!("another command") };
        let (_, parts) = self.stack.operators().expect("credentials");
        cognito::run(command, &parts, Some(&self.url)).await
    }

    fn pool(&self) -> Value {
        self.idp.0.lock().expect("the pool").clone()
    }
}

fn without_triggers(mut pool: Value) -> Value {
    for name in ["LambdaConfig", "LastModifiedDate"] {
        pool.as_object_mut().expect("an object").remove(name);
    }
    pool
}

#[tokio::test]
async fn attaching_changes_the_triggers_alone_and_never_puts_another_function_out_of_its_place_unasked() {
    let running = Running::start().await;
    let attach = format!("attach --function {FUNCTION}");
    let refused = running.palisade(&attach).await.expect_err("another function is there");
    assert!(refused.contains("PreSignUp") && refused.contains(OTHER), "{refused}");
    let shown = running.palisade(&format!("{attach} --replace")).await.expect("shown");
    assert!(
        shown.contains("~ PreSignUp")
            && shown.contains("+ UserMigration")
            && shown.contains("nothing was written")
            && shown.contains("--statement-id palisade-eu-central-1_ExaMPle01"),
        "{shown}"
    );
    assert_eq!(running.pool(), pool());
    let done = running.palisade(&format!("{attach} --replace --yes")).await.expect("done");
    assert!(done.contains("written"), "{done}");
    assert_eq!(without_triggers(running.pool()), without_triggers(pool()), "also what nobody here has heard of");
    let config = running.pool()["LambdaConfig"].clone();
    assert_eq!(config["PreTokenGenerationConfig"], json!({ "LambdaArn": FUNCTION, "LambdaVersion": "V1_0" }));
    assert_eq!(config["CustomSMSSender"], pool()["LambdaConfig"]["CustomSMSSender"]);
    assert_eq!(config.as_object().expect("an object").values().filter(|value| **value == FUNCTION).count(), 10);
    assert_eq!(
        running.palisade(&format!("{attach} --replace")).await.map(|text| text.lines().next() == Some("nothing to change")),
        Ok(true)
    );
}

#[tokio::test]
async fn detaching_takes_out_that_function_and_no_other() {
    let running = Running::start().await;
    running
        .palisade(&format!("attach --function {FUNCTION} --only PostAuthentication,PreTokenGeneration --yes"))
        .await
        .expect("done");
    let done = running.palisade(&format!("detach --function {FUNCTION} --yes")).await.expect("done");
    assert!(done.contains("- PostAuthentication") && done.contains("- PreTokenGenerationConfig"), "{done}");
    let mut left = running.pool();
    left["LastModifiedDate"] = pool()["LastModifiedDate"].clone();
    assert_eq!(left, pool());
}

#[tokio::test]
async fn a_check_says_what_the_pool_and_its_clients_lack_and_changes_nothing() {
    let running = Running::start().await;
    running.idp.0.lock().expect("the pool")["LambdaConfig"] = json!({
        "PreAuthentication": FUNCTION, "DefineAuthChallenge": FUNCTION, "PreTokenGeneration": FUNCTION, "UserMigration": FUNCTION,
        "PreTokenGenerationConfig": { "LambdaArn": FUNCTION, "LambdaVersion": "V2_0" },
    });
    let before = running.pool();
    let found = running.palisade(&format!("check --function {FUNCTION}")).await.expect("findings");
    for part in [
        "PreSignUp: not attached",
        "belong together: without the second",
        "three challenge triggers",
        "LITE plan",
        "case sensitive",
        "devices are not tracked",
        "client web: PreventUserExistenceErrors",
        "client web: no flow with a password",
        "client web: no custom flow",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    assert!(found.contains("client app: flows that ask for no code") && found.matches("client app").count() == 1, "{found}");
    assert_eq!(running.pool(), before);
}

#[tokio::test]
async fn what_cognito_refuses_is_told_in_its_words_and_bad_arguments_before_anything_is_asked() {
    let running = Running::start().await;
    running.idp.0.lock().expect("the pool")["ReadOnlyOfTomorrow"] = json!(1);
    let refused = running.palisade(&format!("attach --function {FUNCTION} --only UserMigration --yes")).await.expect_err("refused");
    assert!(refused.contains("InvalidParameterException Unknown parameter ReadOnlyOfTomorrow"), "{refused}");
    assert_eq!(running.pool()["LambdaConfig"], pool()["LambdaConfig"], "nothing is lost");
    for (arguments, part) in [("attach", "--function"), ("detach", "--function"), ("attach --only Sign", "invalid value")] {
        let refused = running.palisade(arguments).await.expect_err("refused");
        assert!(refused.contains(part), "{refused}");
    }
}
