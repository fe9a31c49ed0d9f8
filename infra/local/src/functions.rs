//! The functions behind the gateway, each called as the Lambda runtime calls it.

use std::sync::Arc;

use palisade_core::settings::{Settings, SettingsError};
use palisade_edge::Outcome;
use palisade_flows::{Hasher, Parts};

use crate::ledger::{self, Ledger};
use crate::stack::StackError;

/// Every function with its handles.
pub(crate) struct Functions {
    login: Arc<login::Deps>,
    breach_check: Arc<breach_check::Deps>,
    password_change: Arc<password_change::Deps>,
    signup: Arc<signup::Deps>,
    sessions: Arc<sessions::Deps>,
    session_validation: Arc<session_validation::Deps>,
    incidents: Arc<incidents::Deps>,
    alert_fan_out: Arc<alert_fan_out::Deps>,
    notice_mailer: Arc<notice_mailer::Deps>,
    cognito_triggers: Arc<cognito_triggers::Deps>,
}

impl Functions {
    /// From what `settings` gives, as each process would read it.
    pub(crate) fn new(settings: &dyn Fn() -> Result<Settings, SettingsError>, parts: &Parts) -> Result<Self, StackError> {
        let read = || settings().map_err(|error| StackError::new("the settings", &error));
        let hasher = |settings: &Settings| Hasher::new(settings.policy.hash_cost()).observed(ledger::hashed);
        let failed = |fault: palisade_core::Fault| StackError::new("a function does not start", &fault.chain());
        let settings = read()?;
        Ok(Self {
            incidents: Arc::new(incidents::Deps::new(&settings, parts).map_err(failed)?),
            alert_fan_out: Arc::new(alert_fan_out::Deps::new(read()?, parts).map_err(failed)?),
            notice_mailer: Arc::new(notice_mailer::Deps::new(read()?, parts).map_err(failed)?),
            breach_check: Arc::new(breach_check::Deps::new(&settings, parts).map_err(failed)?),
            password_change: Arc::new(password_change::Deps::with_hasher(&settings, parts, hasher(&settings)).map_err(failed)?),
            sessions: Arc::new(sessions::Deps::with_hasher(&settings, parts, hasher(&settings)).map_err(failed)?),
            session_validation: Arc::new(session_validation::Deps::new(&settings, parts).map_err(failed)?),
            signup: Arc::new(signup::Deps::with_hasher(&settings, parts, hasher(&settings)).map_err(failed)?),
            cognito_triggers: Arc::new(cognito_triggers::Deps::with_hasher(&settings, parts, hasher(&settings)).map_err(failed)?),
            login: Arc::new(login::Deps::with_hasher(&settings, parts, hasher(&settings)).map_err(failed)?),
        })
    }

    /// As each process does before its first request.
    pub(crate) async fn warm_up(&self) {
        tokio::join!(
            self.login.warm_up(),
            self.breach_check.warm_up(),
            self.password_change.warm_up(),
            self.signup.warm_up(),
            self.sessions.warm_up(),
            self.session_validation.warm_up(),
            self.incidents.warm_up(),
            self.cognito_triggers.warm_up(),
        );
    }

    /// Calls `function` with an event's text; `None` when there is no such function.
    pub(crate) async fn call(&self, ledger: &Ledger, function: &str, event: String, request_id: String) -> Option<String> {
        Some(match function {
            "login" => ledger.of("login", login::invoke(Arc::clone(&self.login), event, request_id)).await,
            "breach-check" => {
                ledger.of("breach-check", breach_check::invoke(Arc::clone(&self.breach_check), event, request_id)).await
            }
            "password-change" => {
                ledger.of("password-change", password_change::invoke(Arc::clone(&self.password_change), event, request_id)).await
            }
            "incidents" => ledger.of("incidents", incidents::invoke(Arc::clone(&self.incidents), event, request_id)).await,
            "sessions" => ledger.of("sessions", sessions::invoke(Arc::clone(&self.sessions), event, request_id)).await,
            "signup" => ledger.of("signup", signup::invoke(Arc::clone(&self.signup), event, request_id)).await,
            _ => return None,
        })
    }

    /// Gives the fan-out a batch of a stream.
    pub(crate) async fn fan_out(&self, ledger: &Ledger, batch: String, request_id: String) -> Outcome {
        ledger.of("alert-fan-out", alert_fan_out::invoke(Arc::clone(&self.alert_fan_out), batch, request_id)).await
    }

    /// Gives the mailer a message of the notices topic.
    pub(crate) async fn mail(&self, ledger: &Ledger, message: String, request_id: String) -> Outcome {
        ledger.of("notice-mailer", notice_mailer::invoke(Arc::clone(&self.notice_mailer), message, request_id)).await
    }

    /// Calls the triggers with an event of a user pool.
    pub(crate) async fn cognito(&self, ledger: &Ledger, event: String, request_id: String) -> Outcome {
        ledger.of("cognito-triggers", cognito_triggers::invoke(Arc::clone(&self.cognito_triggers), event, request_id)).await
    }

    /// Asks the authorizer about an event's text.
    pub(crate) async fn authorize(&self, ledger: &Ledger, event: String, request_id: String) -> Outcome {
        let asked = session_validation::invoke(Arc::clone(&self.session_validation), event, request_id);
        ledger.of("session-validation", asked).await
    }
}
