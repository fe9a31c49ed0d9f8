//! The password again within a session: `auth_time` is now, the session gets a successor, its day does not get longer.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::Transacted;
use palisade_cloud::counters::LaneItem;
use palisade_core::assess::Seen;
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::secret::{SecretBytes, SecretText};
use palisade_core::session::{self, Granted, SessionKey};
use palisade_core::throttle::{Refusal, Verdict};
use palisade_core::{Denial, Fault, Password, Timestamp, csrf};

use super::Deps;
use crate::Outcome;
use crate::address::note_fault;
use crate::lane::Try;
use crate::own_lane::{Enders, NoWord, OwnLanes, settle_wrong};
use crate::validate::Live;

/// A password given within a session.
#[derive(Debug)]
pub struct Reauthentication {
    /// The session, not yet known to be one.
    pub session: SessionKey,
    /// Where from.
    pub seen: Seen,
    /// The password.
    pub password: Arc<Password>,
    /// A device token sent along, not yet verified.
    pub device_token: Option<SecretText>,
}

/// Checks the password and gives the session a successor.
///
/// # Errors
/// A fault when the store or the hash failed.
pub async fn reauthenticate(
    deps: &Deps,
    asked: &Reauthentication,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Outcome<Granted>, Fault> {
    let (looked, lanes) = tokio::join!(
        deps.validator.look(&asked.session, Some(&asked.seen), now, trail),
        OwnLanes::read((&deps.counters, &deps.policy), &deps.keys, &asked.session, asked.device_token.as_ref(), now),
    );
    let live = match looked?.and_then(|live| deps.validator.in_full(live, now)) {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, now)),
    };
    let lanes = lanes?.of(&live.account);
    let nonce = Base64UrlUnpadded::encode_string(&deps.entropy.bytes::<16>());
    let (reserved, touched) = tokio::join!(
        lanes.reserve((&deps.counters, &deps.policy), &live, &nonce, now),
        deps.validator.touch(&live, Some(&asked.seen), now),
    );
    touched.tell(trail);
    let (this_try, item) = match reserved? {
        Ok(held) => held,
        Err(NoWord { refusal: Refusal::Closed, .. }) => {
            enders(deps).end(&live, now, trail).await?;
            return Ok(live.outcome(Err(Denial::Unauthenticated)));
        }
        Err(refused) => return Ok(Outcome::denied(refused.denial(&deps.policy, now, trail), now)),
    };
    if !deps.validator.prove(&deps.hasher, &live, &asked.password, (&asked.seen, now), trail).await? {
        trail.record(Event::new(EventKind::AuthnReauthenticateFail).reason("wrong_password"));
        let denial = settle_wrong(enders(deps), &live, (this_try, item), trail).await?;
        return Ok(live.outcome(Err(denial)));
    }
    let issued = issue(deps, asked, &live, (this_try, item, lanes.device.as_ref()), now, trail).await?;
    Ok(live.outcome(issued))
}

/// Puts the session's successor in its place, while the try is settled.
async fn issue(
    deps: &Deps,
    asked: &Reauthentication,
    live: &Live,
    (this_try, item, device): (Try<'_>, LaneItem, Option<&Device>),
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<Granted, Denial>, Fault> {
    let Live { session, account, .. } = live;
    let secret = SecretBytes::new(deps.entropy.bytes());
    let issued = session::rotate(session, &asked.seen, account.auth_version, &secret, now, &deps.policy.session);
    let bury = deps.sessions.bury(session, account.auth_version, now, &deps.policy.session)?;
    let writes = vec![deps.sessions.put_new(&issued.session)?, bury];
    let (written, settled) = tokio::join!(deps.transactions.write(writes), this_try.settle(item, Verdict::Success));
    note_fault(settled.map(drop), trail);
    if written? != Transacted::Done {
        return Ok(Err(Denial::Conflict));
    }
    trail.note(EventKind::AuthnReauthenticated);
    let device = device.map_or_else(|| Device::new(deps.entropy.bytes(), now), |device| device.renewed(now));
    Ok(Ok(Granted {
        account_id: account.subject.as_str().to_owned(),
        csrf_token: csrf::token(&deps.keys, &issued.session.key),
        token: issued.token,
        device_token: device.token(&deps.keys, &account.key),
        expires_at: issued.ends_at,
        idle_timeout: deps.policy.session.idle,
        device_lifetime: deps.policy.device_lifetime,
        password_change_required: false,
        anomalies: Vec::new(),
    }))
}

fn enders(deps: &Deps) -> Enders<'_> {
    Enders { sessions: &deps.sessions, notices: &deps.notices, entropy: &deps.entropy, keys: &deps.keys }
}
