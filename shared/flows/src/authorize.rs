//! The authorizer's decision for the user's own API: whether a session may go on, and who it is.

use palisade_cloud::{Clock, Parts, Store};
use palisade_core::assess::Seen;
use palisade_core::event::Trail;
use palisade_core::session::SessionKey;
use palisade_core::settings::{Settings, Table};
use palisade_core::{Fault, KeyRing, Policy, Timestamp};
use std::sync::Arc;

use crate::validate::{self, Live, Validator};

/// The tables it cannot do without; the function's IAM policy lists the same.
pub const TABLES: &[Table] = &validate::TABLES;

/// What the decision works with.
#[derive(Debug)]
pub struct Deps {
    validator: Validator,
    keys: Arc<KeyRing>,
    policy: Policy,
    clock: Clock,
}

impl Deps {
    /// Handles to the tables and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        Ok(Self {
            validator: Validator::new(&store, settings, parts)?,
            keys: Arc::clone(&settings.keys),
            policy: settings.policy.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// Opens the connection to the store, so that the first request does not wait for it. A failure shows at that request.
    pub async fn warm_up(&self) {
        self.validator.warm_up(self.now()).await;
    }

    /// The time now. A request asks once.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Who is let in; what the functions behind get to know.
#[derive(Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The account's public id.
    pub account_id: String,
    /// A keyed name of the session.
    pub session_id: String,
    /// What the account may do.
    pub role: &'static str,
    /// When the password was last given.
    pub auth_time: Timestamp,
}

/// Whom the session under `key` lets in; `None` for nobody. Without `seen` it is bound to nothing. A session that must change its password is nobody's here.
///
/// # Errors
/// A fault when the read failed: a denial, too, for whoever asks.
pub async fn authorize(
    deps: &Deps,
    key: &SessionKey,
    seen: Option<&Seen>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Option<Bearer>, Fault> {
    let Ok(Live { session, account, .. }) = deps.validator.validate(key, seen, now, trail).await? else {
        return Ok(None);
    };
    if account.must_change(now, deps.policy.password_max_age).is_some() {
        return Ok(None);
    }
    Ok(Some(Bearer {
        account_id: account.subject.as_str().to_owned(),
        session_id: deps.keys.session_id(account.key.as_str(), &session.key.secret_hash),
        role: account.role.as_str(),
        auth_time: session.auth_time,
    }))
}
