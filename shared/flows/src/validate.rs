//! Who a presented session belongs to, if it is alive.

use palisade_cloud::accounts::Found;
use palisade_cloud::sessions::SessionsWithAccounts;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::policy::SessionRules;
use palisade_core::session::{Session, SessionKey};
use palisade_core::{Account, Denial, Fault, KeyRing, Timestamp};

/// A session that is alive, and its account.
pub(crate) struct Live {
    pub(crate) session: Session,
    pub(crate) account: Account,
}

/// The session under `key` and its account, in one strongly consistent read. Unknown, replaced, expired and revoked ones and those of
/// disabled accounts are refused alike.
pub(crate) async fn validate(
    sessions: &SessionsWithAccounts,
    key: &SessionKey,
    (rules, keys): (&SessionRules, &KeyRing),
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<Live, Denial>, Fault> {
    trail.about(keys.pseudonym(key.account_key.as_str()));
    let pair = sessions.get(key).await?;
    if matches!(pair.account, Found::Corrupt) {
        trail.record(Event::new(EventKind::CorruptItem).reason("accounts"));
    }
    match (pair.session, pair.account) {
        (Some(session), Found::Account(account)) if session.is_alive(&account, now, rules) => {
            trail.identified(account.subject.as_str().to_owned());
            Ok(Ok(Live { session, account: *account }))
        }
        _ => {
            trail.record_session(EventKind::SessionRejected, keys.pseudonym(&key.secret_hash));
            Ok(Err(Denial::Unauthenticated))
        }
    }
}
