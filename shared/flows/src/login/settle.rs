//! The last step of a login: what the verdict writes.

use palisade_cloud::counters::LaneItem;
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::hashing::Checked;
use palisade_core::secret::SecretBytes;
use palisade_core::session::{self, SessionKey};
use palisade_core::throttle::Verdict;
use palisade_core::{Account, ClientIp, Denial, Fault, Status, UserAgent, csrf};

use super::gather::Gathered;
use super::{Deps, LoggedIn, Outcome};
use crate::lane::Try;

/// The client as far as the last step needs it.
pub(super) struct Client {
    pub(super) ip: ClientIp,
    pub(super) user_agent: UserAgent,
    pub(super) presented: Option<SessionKey>,
}

pub(super) async fn settle(
    deps: &Deps,
    gathered: Gathered,
    client: Client,
    checked: Checked,
    (this_try, reserved): (Try<'_>, LaneItem),
    trail: &mut Trail,
) -> Result<Outcome, Fault> {
    if let Some(account) = gathered.account.as_ref().filter(|account| checked == Checked::Right && account.status == Status::Active)
    {
        succeed(deps, &gathered, account, client, (this_try, reserved), trail).await
    } else {
        record_failure(gathered.account.as_ref(), checked, trail);
        this_try.settle(reserved, Verdict::Failure).await?;
        Ok(Outcome { rate: gathered.address.status, result: Err(Denial::InvalidCredentials) })
    }
}

fn record_failure(account: Option<&Account>, checked: Checked, trail: &mut Trail) {
    let reason = match (account, checked) {
        (None, _) => "unknown_account",
        (Some(account), Checked::Right) if account.status == Status::Disabled => "disabled",
        (Some(account), _) if account.password.is_none() => "no_password",
        (Some(_), Checked::Corrupt(_)) => "corrupt_credential",
        (Some(_), Checked::Right | Checked::Wrong) => "wrong_password",
    };
    if let Some(account) = account {
        trail.identified(account.subject.as_str().to_owned());
    }
    if let Checked::Corrupt(error) = checked {
        trail.record(Event::new(EventKind::CorruptCredential).reason(error.to_string()));
    }
    trail.record(Event::new(EventKind::AuthnLoginFail).reason(reason));
}

async fn succeed(
    deps: &Deps,
    gathered: &Gathered,
    account: &Account,
    client: Client,
    (this_try, reserved): (Try<'_>, LaneItem),
    trail: &mut Trail,
) -> Result<Outcome, Fault> {
    let now = this_try.now;
    let secret = SecretBytes::new(deps.entropy.bytes());
    let issued = session::issue(account, client.ip, client.user_agent, &secret, now, &deps.policy.session);
    let (stored, settled, refunded, replaced) = tokio::join!(
        deps.sessions.put(&issued.session),
        this_try.settle(reserved, Verdict::Success),
        deps.counters.refund_failure(&gathered.window),
        end_presented(deps, client.presented.as_ref()),
    );
    trail.identified(account.subject.as_str().to_owned());
    stored?;
    // None of these decides: a lease left behind runs out as a failure, a place not given back is one too many, both on the safe side.
    note_fault(settled, trail);
    note_fault(refunded, trail);
    if replaced? {
        trail.note(EventKind::SessionReplaced);
    }
    trail.note(EventKind::AuthnLoginSuccess);
    trail.record_session(EventKind::SessionCreated, deps.keys.pseudonym(&issued.session.key.secret_hash));
    let device =
        gathered.surviving_device(deps).map_or_else(|| Device::new(deps.entropy.bytes(), now), |device| device.renewed(now));
    Ok(Outcome {
        rate: gathered.refunded_status(deps, now),
        result: Ok(LoggedIn {
            account_id: account.subject.as_str().to_owned(),
            csrf_token: csrf::token(&deps.keys, &issued.session.key),
            token: issued.token,
            device_token: device.token(&deps.keys, &account.key),
            expires_at: issued.ends_at,
            idle_timeout: deps.policy.session.idle,
            device_lifetime: deps.policy.device_lifetime,
            password_change_required: account.password_expired(now, deps.policy.password_max_age),
        }),
    })
}

async fn end_presented(deps: &Deps, presented: Option<&SessionKey>) -> Result<bool, Fault> {
    match presented {
        None => Ok(false),
        Some(key) => deps.sessions.delete(key).await.map(|()| true),
    }
}

/// A failed call that decides nothing is logged and changes nothing.
pub(super) fn note_fault(result: Result<(), Fault>, trail: &mut Trail) {
    if let Err(fault) = result {
        trail.record(Event::new(EventKind::DependencyFailed).reason(fault.chain()));
    }
}
