//! What is measured: one kind of request each, and the events that make it.

use clap::ValueEnum;
use palisade_local::{NewAccount, Options, Stack, StackError};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-Horse-7-battery";
const NEW: &str = "Violet-Kettle-9-harbour";

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flow {
    /// A right password, each of another account from another address.
    Login,
    /// A wrong one, each of another name from another address.
    WrongPassword,
    /// From an address that has failed too often.
    Refusal,
    /// The authorizer, for one session.
    Validation,
    /// A new password, each of another account.
    PasswordChange,
    /// Each of another address.
    SignUp,
    /// A password that is breached.
    BreachCheck,
    /// `GET /session`, for one session.
    Session,
    /// The operators' board.
    Board,
    /// A batch of a stream.
    AlertFanOut,
    /// A message to be mailed.
    NoticeMailer,
    /// A user pool's sign-in, before the password.
    PreAuthentication,
}

impl Flow {
    /// Its word on the command line and in tables.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The function that answers it.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Login | Self::WrongPassword | Self::Refusal => "login",
            Self::Validation => "session-validation",
            Self::PasswordChange => "password-change",
            Self::SignUp => "signup",
            Self::BreachCheck => "breach-check",
            Self::Session => "sessions",
            Self::Board => "incidents",
            Self::AlertFanOut => "alert-fan-out",
            Self::NoticeMailer => "notice-mailer",
            Self::PreAuthentication => "cognito-triggers",
        }
    }

    /// Whether it hashes a password, and so takes tens of milliseconds.
    pub(crate) fn hashes(self) -> bool {
        matches!(self, Self::Login | Self::WrongPassword | Self::PasswordChange | Self::SignUp)
    }

    /// What a right answer contains.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Login | Self::PasswordChange | Self::BreachCheck | Self::Session | Self::Board => "\"statusCode\":200",
            Self::WrongPassword => "\"statusCode\":401",
            Self::Refusal => "\"statusCode\":429",
            Self::Validation => "\"isAuthorized\":true",
            Self::SignUp => "\"statusCode\":202",
            Self::AlertFanOut => "\"batchItemFailures\":[]",
            Self::NoticeMailer => "null",
            Self::PreAuthentication => "\"response\"",
        }
    }

    /// A stack with what the events need, and so many events.
    pub(crate) async fn prepare(self, count: usize) -> Result<(Stack, Vec<String>), StackError> {
        let stack = Stack::start(Options { settings: settings(), ..Options::default() }).await?;
        let mut events: Vec<String> = Vec::with_capacity(count);
        for n in 0..count {
            if n > 0 && self.repeats() {
                events.push(events[0].clone());
            } else {
                events.push(self.event(&stack, n).await?);
            }
        }
        Ok((stack, events))
    }

    /// Whether every event is the same.
    fn repeats(self) -> bool {
        !matches!(
            self,
            Self::Login | Self::WrongPassword | Self::PasswordChange | Self::SignUp | Self::BreachCheck | Self::PreAuthentication
        )
    }

    async fn event(self, stack: &Stack, n: usize) -> Result<String, StackError> {
        let (name, login) = (format!("user-{n}@example.com"), include_str!("../../events/login/success.json"));
        let login = |password: &str| posted(login, n, &json!({ "identifier": name, "password": password, "mode": "bearer" }));
        Ok(match self {
            Self::Login => {
                account(stack, &name).await?;
                login(PASSWORD)
            }
            Self::WrongPassword => login("guess"),
            Self::Refusal => {
                let guess = |name: &str| json!({ "identifier": format!("{name}@example.com"), "password": "guess" });
                for other in 0..6 {
                    let event = posted(include_str!("../../events/login/success.json"), n, &guess(&other.to_string()));
                    stack.call("login", &event).await;
                }
                login("guess")
            }
            Self::Validation => {
                with_token(include_str!("../../events/session-validation/http-v2.json"), &token(stack, &name, n).await?, n)
            }
            Self::Session => with_token(include_str!("../../events/sessions/session.json"), &token(stack, &name, n).await?, n),
            Self::PasswordChange => {
                let body = json!({ "current_password": PASSWORD, "new_password": NEW });
                let event = posted(include_str!("../../events/password-change/change.json"), n, &body);
                with_token(&event, &token(stack, &name, n).await?, n)
            }
            Self::SignUp => {
                let body = json!({ "email": name, "password": NEW });
                posted(include_str!("../../events/signup/signup.json"), n, &body)
            }
            Self::BreachCheck => {
                posted(include_str!("../../events/breach-check/check.json"), n, &json!({ "password": "password" }))
            }
            Self::Board => include_str!("../../events/incidents/board.json").to_owned(),
            Self::AlertFanOut => include_str!("../../events/alert-fan-out/incidents.json").to_owned(),
            Self::NoticeMailer => include_str!("../../events/notice-mailer/notice.json").to_owned(),
            Self::PreAuthentication => {
                let mut event = parsed(include_str!("../../events/cognito/pre-authentication.json"));
                event["userName"] = json!(name);
                event["request"]["userAttributes"]["sub"] = json!(name);
                event["request"]["userAttributes"]["email"] = json!(name);
                event.to_string()
            }
        })
    }
}

/// What differs from the defaults: one session asks as often as a benchmark does.
pub(crate) fn settings() -> Vec<(String, String)> {
    vec![("PALISADE_USER_REQUESTS_REGULAR".to_owned(), "1000000".to_owned())]
}

async fn account(stack: &Stack, name: &str) -> Result<(), StackError> {
    let password = Some(PASSWORD.to_owned());
    stack.ensure_account(NewAccount { identifier: name.to_owned(), password, ..NewAccount::default() }).await
}

/// The token of a new session of a new account, from the `n`th address.
async fn token(stack: &Stack, name: &str, n: usize) -> Result<String, StackError> {
    account(stack, name).await?;
    let body = json!({ "identifier": name, "password": PASSWORD, "mode": "bearer" });
    let event = posted(include_str!("../../events/login/success.json"), n, &body);
    let reply = stack.call("login", &event).await.unwrap_or_default();
    let reply: Value = serde_json::from_str(&reply).unwrap_or_default();
    let body: Value = serde_json::from_str(reply["body"].as_str().unwrap_or_default()).unwrap_or_default();
    Ok(body["token"].as_str().unwrap_or_else(|| panic!("no session: {reply}")).to_owned())
}

/// `event` with this body, from the `n`th address.
fn posted(event: &str, n: usize, body: &Value) -> String {
    let mut event = parsed(event);
    event["body"] = json!(body.to_string());
    event["requestContext"]["http"]["sourceIp"] = json!(address(n));
    event.to_string()
}

/// The `n`th address, of those set aside for benchmarks (RFC 2544).
fn address(n: usize) -> String {
    format!("198.18.{}.{}", n / 250, n % 250 + 1)
}

/// `event` in the session of `token`, from the `n`th address.
fn with_token(event: &str, token: &str, n: usize) -> String {
    let mut event = parsed(event);
    event["cookies"] = json!([]);
    event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    event["headers"]["user-agent"] = json!("curl/8.5.0");
    event["requestContext"]["http"]["userAgent"] = json!("curl/8.5.0");
    event["requestContext"]["http"]["sourceIp"] = json!(address(n));
    event.to_string()
}

fn parsed(event: &str) -> Value {
    serde_json::from_str(event).expect("a shipped event is JSON")
}
