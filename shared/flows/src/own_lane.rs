//! Passwords given within a session: where they count, which is where strangers cannot reach, and what the fifth wrong one does (CASES
//! A31).

use palisade_cloud::counters::{LaneItem, LaneKey};
use palisade_cloud::{Counters, Entropy, Notices, Sessions};
use palisade_core::decision::{Decision, Rule};
use palisade_core::device::Device;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::secret::SecretText;
use palisade_core::session::SessionKey;
use palisade_core::throttle::{Refusal, Verdict};
use palisade_core::{Account, Denial, Fault, KeyRing, Policy, Timestamp};

use crate::address::note_fault;
use crate::lane::{NoLease, Try};
use crate::validate::Live;

/// The lanes of a session's owner: of the device, where its token came along and holds, and of the session.
pub(crate) struct OwnLanes {
    pub(crate) device: Option<Device>,
    device_lane: Option<LaneItem>,
    session_lane: LaneItem,
}

impl OwnLanes {
    /// Reads both, at once: of the session under `key`, and of the device that `token` proves, whatever has become of them.
    pub(crate) async fn read(
        (counters, policy): (&Counters, &Policy),
        keys: &KeyRing,
        key: &SessionKey,
        token: Option<&SecretText>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let device = token.and_then(|token| Device::verify(token.expose(), keys, &key.account_key, now, policy.device_lifetime));
        let session_key = LaneKey::session(key);
        let device_key = device.as_ref().map(|device| LaneKey::device(&key.account_key, device.id()));
        let device_lane = async {
            match &device_key {
                None => Ok(None),
                Some(key) => counters.lane(key, now, &policy.device_lane).await.map(Some),
            }
        };
        let (session_lane, device_lane) = tokio::join!(counters.lane(&session_key, now, &policy.session_lane), device_lane);
        Ok(Self { device, device_lane: device_lane?, session_lane: session_lane? })
    }

    /// Without a device that `account` no longer knows.
    pub(crate) fn of(self, account: &Account) -> Self {
        let device = self.device.filter(|device| device.known_since(account.devices_not_before));
        Self { device, ..self }
    }

    /// A try on the device's lane, unless there is none or it is closed: then on the session's.
    pub(crate) async fn reserve<'a>(
        &self,
        (counters, policy): (&'a Counters, &'a Policy),
        live: &Live,
        nonce: &'a str,
        now: Timestamp,
    ) -> Result<Result<(Try<'a>, LaneItem), NoWord>, Fault> {
        let on = |key, rules| Try { counters, key, rules, nonce, now };
        if let (Some(device), Some(lane)) = (&self.device, &self.device_lane) {
            let this_try = on(LaneKey::device(&live.account.key, device.id()), &policy.device_lane);
            match this_try.reserve(lane.clone()).await? {
                Ok(item) => return Ok(Ok((this_try, item))),
                Err(NoLease { refusal: refusal @ Refusal::Delayed(_), item }) => {
                    let rules = this_try.rules_of(&item.lane);
                    return Ok(Err(NoWord { refusal, rules }));
                }
                Err(NoLease { refusal: Refusal::Closing(_) | Refusal::Closed, .. }) => {}
            }
        }
        let this_try = on(LaneKey::session(&live.session.key), &policy.session_lane);
        Ok(match this_try.reserve(self.session_lane.clone()).await? {
            Ok(item) => Ok((this_try, item)),
            Err(NoLease { refusal, item }) => Err(NoWord { refusal, rules: this_try.rules_of(&item.lane) }),
        })
    }
}

/// That no password is tried now, and what decided it.
pub(crate) struct NoWord {
    pub(crate) refusal: Refusal,
    pub(crate) rules: Vec<Rule>,
}

impl NoWord {
    /// The denial, logged with what decided.
    pub(crate) fn denial(self, policy: &Policy, now: Timestamp, trail: &mut Trail) -> Denial {
        let limit = self.refusal.rate_limited(now);
        let decision = Decision::by(policy, now, self.rules);
        trail.record(Event::new(EventKind::ExcessRateLimitExceeded).reason(limit.reason.as_str()).decision(decision));
        Denial::RateLimited(limit)
    }
}

/// What ending a session for wrong passwords takes.
pub(crate) struct Enders<'a> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) notices: &'a Notices,
    pub(crate) entropy: &'a Entropy,
    pub(crate) keys: &'a KeyRing,
}

/// Settles a wrong password; the fifth in a row on the session's own lane ends the session.
pub(crate) async fn settle_wrong(
    enders: Enders<'_>,
    live: &Live,
    (this_try, item): (Try<'_>, LaneItem),
    trail: &mut Trail,
) -> Result<Denial, Fault> {
    let settled = this_try.settle(item, Verdict::Failure).await?;
    if settled.is_some_and(|lane| lane.is_closed(this_try.rules)) && this_try.key.is_of_session() {
        enders.end(live, this_try.now, trail).await?;
    }
    Ok(Denial::InvalidCredentials)
}

impl Enders<'_> {
    /// Ends the session of `live`, with a notice. Also where it is found closed: its end failed then, or its answer was lost.
    pub(crate) async fn end(&self, live: &Live, now: Timestamp, trail: &mut Trail) -> Result<(), Fault> {
        let id = NoticeId::new(self.entropy.bytes());
        let notice = Notice::to_account(id, NoticeKind::SessionEnded, &live.account, now);
        let (ended, sent) = tokio::join!(self.sessions.delete(&live.session.key), self.notices.send(&notice));
        ended?;
        note_fault(sent, trail);
        trail.record_session(EventKind::SessionEnded, self.keys.pseudonym(&live.session.key.secret_hash));
        Ok(())
    }
}
