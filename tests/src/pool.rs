//! A user pool as Cognito's developer guide describes it: its own users and passwords, and the triggers in the order it calls them in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use palisade_edge::Outcome;
use serde_json::{Value, json};

use crate::World;

/// A pool in which people sign in with their e-mail address or their user name.
#[derive(Debug, Clone)]
pub struct Pool {
    world: World,
    users: Arc<Mutex<BTreeMap<String, PoolUser>>>,
    client: &'static str,
}

/// One of its users.
#[derive(Debug, Clone)]
pub struct PoolUser {
    /// Attributes, with `sub`.
    pub attributes: BTreeMap<String, String>,
    password: Option<String>,
    status: &'static str,
}

/// A sign-in under way, with its challenges so far.
#[derive(Debug, Clone)]
pub struct Session {
    user_name: String,
    steps: Vec<Value>,
    private: Value,
    /// What the client is shown.
    pub public: Value,
}

/// Where a sign-in stands.
#[derive(Debug, Clone)]
pub enum Signing {
    /// A code is asked for.
    Challenge(Session),
    /// It is done: what the trigger said of its tokens.
    Tokens(Value),
}

const WRONG: &str = "Incorrect username or password.";

/// An event of a pool about `user_name`.
pub fn pool_event(source: &str, user_name: &str, request: &Value) -> Value {
    json!({
        "version": "1",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_ExaMPle01",
        "userName": user_name,
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "client" },
        "triggerSource": source,
        "request": request,
        "response": {},
    })
}

impl World {
    /// What the triggers make of an event; the fixed text where they refuse.
    ///
    /// # Errors
    /// That text.
    pub async fn trigger(&self, event: &Value) -> Result<Value, &'static str> {
        match self.stack().cognito(&event.to_string()).await {
            Outcome::Result(answer) => Ok(serde_json::from_str(&answer).expect("JSON")),
            Outcome::Error(text) => Err(text),
        }
    }

    /// The same for a user with this verified address.
    pub async fn trigger_of(&self, source: &str, email: &str) -> Result<Value, &'static str> {
        let request = json!({ "userAttributes": { "email": email, "email_verified": "true" } });
        self.trigger(&pool_event(source, "8f1b7c1e-6a0b-4c1f-9a8e-2f3d4c5b6a70", &request)).await
    }

    /// A pool whose triggers this world's are.
    pub fn pool(&self) -> Pool {
        Pool { world: self.clone(), users: Arc::default(), client: "client" }
    }
}

impl Pool {
    /// The user with this name or address.
    pub fn user(&self, name: &str) -> Option<(String, PoolUser)> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |user_name: &str, user: &PoolUser| user_name == name || user.attributes.get("email").is_some_and(|email| email == name);
        users.iter().find(|(user_name, user)| is_it(user_name, user)).map(|(name, user)| (name.clone(), user.clone()))
    }

    fn put(&self, user_name: &str, user: PoolUser) {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(user_name.to_owned(), user);
    }

    /// The same pool, through another of its clients.
    pub fn through(self, client: &'static str) -> Self {
        Self { client, ..self }
    }

    async fn call(&self, source: &str, user_name: &str, request: Value) -> Result<Value, String> {
        let mut event = pool_event(source, user_name, &request);
        event["callerContext"]["clientId"] = json!(self.client);
        let answer = self.world.stack().cognito_pool(&event.to_string()).await?;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(
            (&answer["request"], &answer["userName"]),
            (&event["request"], &event["userName"]),
            "only the response is written"
        );
        Ok(answer["response"].clone())
    }

    /// `SignUp`.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn sign_up(&self, user_name: &str, email: &str, password: &str) -> Result<(), String> {
        let request = json!({ "userAttributes": { "email": email }, "validationData": null });
        self.call("PreSignUp_SignUp", user_name, request).await?;
        if self.user(user_name).is_some() {
            return Err("User already exists".to_owned());
        }
        let number = self.users.lock().unwrap_or_else(PoisonError::into_inner).len();
        let sub = format!("00000000-0000-4000-8000-{number:012}");
        let attributes =
            [("sub", sub.as_str()), ("email", email), ("email_verified", "false"), ("cognito:user_status", "UNCONFIRMED")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        self.put(user_name, PoolUser { attributes, password: Some(password.to_owned()), status: "UNCONFIRMED" });
        Ok(())
    }

    /// `ConfirmSignUp` with the right code.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn confirm(&self, user_name: &str) -> Result<(), String> {
        let (_, mut user) = self.user(user_name).ok_or(WRONG)?;
        user.status = "CONFIRMED";
        user.attributes.insert("email_verified".into(), "true".into());
        user.attributes.insert("cognito:user_status".into(), "CONFIRMED".into());
        self.put(user_name, user.clone());
        self.call("PostConfirmation_ConfirmSignUp", user_name, json!({ "userAttributes": user.attributes })).await.map(drop)
    }

    /// `UpdateUserAttributes` and the code that verifies the new address: no trigger sees it.
    pub fn change_address(&self, name: &str, email: &str) {
        let (user_name, mut user) = self.user(name).expect("a user");
        user.attributes.insert("email".into(), email.into());
        self.put(&user_name, user);
    }

    /// A first sign-in through another provider, which says whether the address is verified.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn sign_in_externally(&self, user_name: &str, email: &str, verified: bool) -> Result<Value, String> {
        let number = self.users.lock().unwrap_or_else(PoisonError::into_inner).len();
        let (sub, verified) = (format!("00000000-0000-4000-a000-{number:012}"), verified.to_string());
        let attributes =
            [("sub", sub.as_str()), ("email", email), ("email_verified", &verified), ("cognito:user_status", "EXTERNAL_PROVIDER")];
        let attributes: BTreeMap<String, String> = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        if self.user(user_name).is_none() {
            self.call("PreSignUp_ExternalProvider", user_name, json!({ "userAttributes": attributes, "validationData": {} }))
                .await?;
            let user = PoolUser { attributes: attributes.clone(), password: None, status: "EXTERNAL_PROVIDER" };
            self.put(user_name, user);
            self.call("PostConfirmation_ConfirmSignUp", user_name, json!({ "userAttributes": attributes })).await?;
        }
        let (_, user) = self.user(user_name).expect("a user");
        self.tokens("TokenGeneration_HostedAuth", user_name, &user).await
    }

    /// `InitiateAuth` with a password.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Value, String> {
        let Some((user_name, user)) = self.user(name) else {
            return self.migrate(name, password).await;
        };
        let request = json!({ "userAttributes": user.attributes, "validationData": null });
        self.call("PreAuthentication_Authentication", &user_name, request).await?;
        if user.status == "RESET_REQUIRED" {
            return Err("Password reset required for the user".to_owned());
        }
        if user.status != "CONFIRMED" || user.password.as_deref() != Some(password) {
            return Err(WRONG.to_owned());
        }
        self.signed_in(&user_name, &user, false).await
    }

    async fn signed_in(&self, user_name: &str, user: &PoolUser, new_device: bool) -> Result<Value, String> {
        let request = json!({ "userAttributes": user.attributes, "newDeviceUsed": new_device });
        self.call("PostAuthentication_Authentication", user_name, request).await?;
        self.tokens("TokenGeneration_Authentication", user_name, user).await
    }

    async fn tokens(&self, source: &str, user_name: &str, user: &PoolUser) -> Result<Value, String> {
        let groups = json!({ "groupsToOverride": ["editors"], "iamRolesToOverride": [], "preferredRole": null });
        let response =
            self.call(source, user_name, json!({ "userAttributes": user.attributes, "groupConfiguration": groups })).await?;
        Ok(response["claimsOverrideDetails"].clone())
    }

    /// Somebody signs in whom the pool does not have.
    async fn migrate(&self, name: &str, password: &str) -> Result<Value, String> {
        let request = json!({ "password": password, "validationData": null, "userAttributes": null });
        let response = self.call("UserMigration_Authentication", name, request).await?;
        let Some(user) = self.moved_in(name, &response, Some(password)) else {
            return Err(WRONG.to_owned());
        };
        if user.status == "RESET_REQUIRED" {
            return Err("Password reset required for the user".to_owned());
        }
        self.signed_in(name, &user, false).await
    }

    fn moved_in(&self, name: &str, response: &Value, password: Option<&str>) -> Option<PoolUser> {
        let mut attributes: BTreeMap<String, String> = serde_json::from_value(response.get("userAttributes")?.clone()).ok()?;
        assert_eq!(response["messageAction"], "SUPPRESS", "nobody is invited to what they have");
        let status = if response["finalUserStatus"] == "CONFIRMED" { "CONFIRMED" } else { "RESET_REQUIRED" };
        let number = self.users.lock().unwrap_or_else(PoisonError::into_inner).len();
        attributes.insert("sub".into(), format!("00000000-0000-4000-9000-{number:012}"));
        attributes.insert("cognito:user_status".into(), status.into());
        let user = PoolUser { attributes, password: password.map(str::to_owned), status };
        self.put(name, user.clone());
        Some(user)
    }

    /// `InitiateAuth` of the custom flow that begins with the password.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn sign_in_with_code(&self, name: &str, password: &str) -> Result<Signing, String> {
        let (user_name, user) = self.user(name).ok_or(WRONG)?;
        let mut session = Session {
            user_name,
            steps: vec![json!({ "challengeName": "SRP_A", "challengeResult": true, "challengeMetadata": null })],
            private: Value::Null,
            public: Value::Null,
        };
        let request = json!({ "userAttributes": user.attributes, "validationData": null });
        self.call("PreAuthentication_Authentication", &session.user_name, request).await?;
        let next = self.define(&session, &user).await?;
        assert_eq!(next["challengeName"], "PASSWORD_VERIFIER", "{next}");
        let right = user.status == "CONFIRMED" && user.password.as_deref() == Some(password);
        session.steps.push(json!({ "challengeName": "PASSWORD_VERIFIER", "challengeResult": right, "challengeMetadata": null }));
        self.go_on(session, &user).await
    }

    /// `RespondToAuthChallenge` with a code.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn answer(&self, mut session: Session, code: &str) -> Result<Signing, String> {
        let (_, user) = self.user(&session.user_name).ok_or(WRONG)?;
        let request = json!({
            "userAttributes": user.attributes, "privateChallengeParameters": session.private, "challengeAnswer": code, "userNotFound": false,
        });
        let verified = self.call("VerifyAuthChallengeResponse_Authentication", &session.user_name, request).await?;
        let right = verified["answerCorrect"] == true;
        session
            .steps
            .push(json!({ "challengeName": "CUSTOM_CHALLENGE", "challengeResult": right, "challengeMetadata": "PALISADE_CODE" }));
        self.go_on(session, &user).await
    }

    async fn go_on(&self, mut session: Session, user: &PoolUser) -> Result<Signing, String> {
        let next = self.define(&session, user).await?;
        if next["issueTokens"] == true {
            return self.signed_in(&session.user_name, user, false).await.map(Signing::Tokens);
        }
        if next["failAuthentication"] == true {
            return Err(WRONG.to_owned());
        }
        assert_eq!(next["challengeName"], "CUSTOM_CHALLENGE", "{next}");
        let request = json!({ "userAttributes": user.attributes, "challengeName": "CUSTOM_CHALLENGE", "session": session.steps });
        let created = self.call("CreateAuthChallenge_Authentication", &session.user_name, request).await?;
        session.private = created["privateChallengeParameters"].clone();
        session.public = created["publicChallengeParameters"].clone();
        Ok(Signing::Challenge(session))
    }

    async fn define(&self, session: &Session, user: &PoolUser) -> Result<Value, String> {
        let request = json!({ "userAttributes": user.attributes, "session": session.steps });
        self.call("DefineAuthChallenge_Authentication", &session.user_name, request).await
    }

    /// `InitiateAuth` with a refresh token.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn refresh(&self, name: &str) -> Result<Value, String> {
        let (user_name, user) = self.user(name).ok_or(WRONG)?;
        self.tokens("TokenGeneration_RefreshTokens", &user_name, &user).await
    }

    /// `ForgotPassword`: the words of the message that carries the code, to a user there is.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn forgot_password(&self, name: &str) -> Result<Option<Value>, String> {
        if self.user(name).is_none() {
            let request = json!({ "password": null, "validationData": null, "userAttributes": null });
            let response = self.call("UserMigration_ForgotPassword", name, request).await?;
            self.moved_in(name, &response, None);
        }
        let Some((user_name, user)) = self.user(name) else {
            return Ok(None);
        };
        let request = json!({ "userAttributes": user.attributes, "codeParameter": "{####}", "usernameParameter": null });
        self.call("CustomMessage_ForgotPassword", &user_name, request).await.map(Some)
    }

    /// `ConfirmForgotPassword` with the right code.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), String> {
        let (user_name, mut user) = self.user(name).ok_or(WRONG)?;
        user.status = "CONFIRMED";
        user.password = Some(password.to_owned());
        user.attributes.insert("cognito:user_status".into(), "CONFIRMED".into());
        self.put(&user_name, user.clone());
        self.call("PostConfirmation_ConfirmForgotPassword", &user_name, json!({ "userAttributes": user.attributes }))
            .await
            .map(drop)
    }
}
