//! Every trigger of a Cognito user pool.
//!
//! Trigger: the pool's own calls, of all sources; what is not known passes through unchanged. Outcomes: the event with its `response` written;
//! an error with one of five fixed texts where something is refused. Tables: accounts, counters, incidents and notices (read, write).

mod reply;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use palisade_core::cognito::{Confirmed, MigrationAt, Person, Refusal, SignUpBy, TokenFor, Trigger, challenge, message};
use palisade_core::event::Trail;
use palisade_core::settings::Settings;
use palisade_core::{Fault, Timestamp};
use palisade_edge::Outcome;
use palisade_edge::cognito::{self, Call, Reply};
use palisade_flows::cognito::{self as flow, Applicant, Challenge, User};
use palisade_flows::{Hasher, Parts};

pub use palisade_flows::cognito::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps(flow::Deps);

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        Self::with_hasher(settings, parts, Hasher::new(settings.policy.hash_cost()))
    }

    /// As [`Deps::new`], with a hasher that somebody counts.
    ///
    /// # Errors
    /// See [`Deps::new`].
    pub fn with_hasher(settings: &Settings, parts: &Parts, hasher: Hasher) -> Result<Self, Fault> {
        flow::Deps::new(settings, parts, hasher).map(Self)
    }

    /// Connects to the store before the first call.
    pub async fn warm_up(&self) {
        self.0.warm_up().await;
    }
}

/// One call, from the event's text to its outcome.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        let deadline = deps.0.deadline();
        let handle = async |trigger, call: &Call<'_>, trail: &mut Trail| handle(&deps.0, trigger, call, trail).await;
        cognito::trigger(deadline, &event, &request_id, handle).await
    })
}

async fn handle(deps: &flow::Deps, trigger: Trigger, call: &Call<'_>, trail: &mut Trail) -> Result<Reply, Fault> {
    let now = deps.now();
    let user = user(call);
    let is_about_a_user = !matches!(
        trigger,
        Trigger::PreSignUp(_)
            | Trigger::DefineAuthChallenge
            | Trigger::CustomMessage(_)
            | Trigger::TokenGeneration(_, TokenFor::Client)
    );
    if is_about_a_user && user.person.spelling().is_empty() {
        return Err(Fault::internal("the event names no user"));
    }
    Ok(match trigger {
        Trigger::PreSignUp(by) => sign_up(deps, by, call, now, trail).await?,
        Trigger::PostConfirmation(Confirmed::SignUp) => {
            flow::signed_up(deps, &user, now, trail).await?;
            Reply::Unchanged
        }
        Trigger::PostConfirmation(Confirmed::ForgotPassword) => {
            flow::password_set(deps, &user, now, trail).await?;
            Reply::Unchanged
        }
        Trigger::PreAuthentication => allowed(flow::before_sign_in(deps, &user, now, trail).await?),
        Trigger::PostAuthentication => {
            flow::after_sign_in(deps, &user, call.flag("newDeviceUsed"), now, trail).await;
            Reply::Unchanged
        }
        Trigger::DefineAuthChallenge => {
            reply::next(call.session().map_or(challenge::Next::Fail, |steps| challenge::next(&steps, user.not_found)))
        }
        Trigger::CreateAuthChallenge => reply::challenge(&flow::make_code(deps, &user, now, trail).await?),
        Trigger::VerifyAuthChallenge => {
            let challenge = Challenge::read(|name| call.within("privateChallengeParameters", name));
            let answer = call.secret("challengeAnswer");
            reply::judged(flow::verify_code(deps, &user, challenge.as_ref().zip(answer.as_ref()), now, trail).await?)
        }
        // A machine's tokens say nothing of a user.
        Trigger::TokenGeneration(_, TokenFor::Client) => Reply::Unchanged,
        Trigger::TokenGeneration(version, made_for) => match flow::tokens(deps, made_for, &user, now, trail).await? {
            Ok(claims) => reply::claims(version, &claims, call),
            Err(refusal) => Reply::Refused(refusal),
        },
        Trigger::CustomMessage(what) => {
            let (code, name) = (call.text("codeParameter").unwrap_or_default(), call.text("usernameParameter"));
            message::message(what, deps.service_name(), &code, name.as_deref()).map_or(Reply::Unchanged, reply::message)
        }
        Trigger::UserMigration(at) => migration(deps, at, call, now, trail).await?,
    })
}

fn allowed(result: Result<(), Refusal>) -> Reply {
    result.map_or_else(Reply::Refused, |()| Reply::Unchanged)
}

/// The user of an event, whom alone its attributes make out.
fn user(call: &Call<'_>) -> User {
    let email = call.attribute("email").filter(|_| call.is_true("email_verified"));
    let (name, sub) = (call.user_name(), call.attribute("sub"));
    // What was typed for nobody is a name all the same: it is counted as the one it would be.
    let is_unproven = sub.is_some() && email.is_none() && name.contains('@');
    User {
        person: if is_unproven { Person::unproven(&name) } else { Person::of(&name, email.as_deref(), true) },
        name: Person::spelled(&name),
        pool: call.pool(),
        client: call.client(),
        external: call.attribute("cognito:user_status").as_deref() == Some("EXTERNAL_PROVIDER"),
        sub,
        email,
        not_found: call.flag("userNotFound"),
    }
}

async fn sign_up(deps: &flow::Deps, by: SignUpBy, call: &Call<'_>, now: Timestamp, trail: &mut Trail) -> Result<Reply, Fault> {
    let applicant =
        Applicant { user_name: call.user_name(), email: call.attribute("email"), email_verified: call.is_true("email_verified") };
    flow::sign_up(deps, by, &applicant, now, trail).await.map(allowed)
}

async fn migration(deps: &flow::Deps, at: MigrationAt, call: &Call<'_>, now: Timestamp, trail: &mut Trail) -> Result<Reply, Fault> {
    let person = Person::spelled(&call.user_name());
    let migrated = match at {
        MigrationAt::ForgotPassword => flow::forgot_password(deps, &person, now, trail).await?,
        MigrationAt::SignIn => match call.secret("password") {
            None => None,
            Some(password) => flow::migrate(deps, &person, &Arc::new(password), now, trail).await?,
        },
    };
    Ok(reply::migrated(migrated.as_ref()))
}
