//! The code after a password: made, sent by notice, and judged.

use palisade_cloud::Transacted;
use palisade_cloud::counters::Answering;
use palisade_core::cognito::challenge::{TRIES, is_right};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::{AccountKey, ClientIp, Fault, Password, Timestamp};

use super::{Deps, User};
use crate::address::note_fault;

/// What is to be answered: Cognito keeps it and shows it to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Which notice carries the code.
    pub notice: NoticeId,
    /// Drawn for this challenge: a code is good for one.
    pub id: String,
}

impl Challenge {
    /// From its members; `None` where one is missing or none.
    pub fn read(member: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self { notice: NoticeId::parse(&member("notice")?)?, id: member("challenge")? })
    }
}

/// Makes a code for `user` and sends it, unless the last one still holds and was not given: however often a sign-in is begun, a code takes as
/// many answers as one.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn make(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<Challenge, Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let challenge = Challenge { notice: NoticeId::new(deps.entropy.bytes()), id: deps.nonce() };
    let mut notice = Notice::void(challenge.notice.clone(), NoticeKind::SignInCode, &key, now);
    if !user.not_found {
        notice.void = false;
        notice.to = user.email.clone();
    }
    let writes = vec![deps.counters.new_code(&key, &challenge.notice, now)?, deps.notices.put(&notice)?];
    if deps.transactions.write(writes).await? == Transacted::Done {
        let reason = if notice.to.is_some() { "sent" } else { "no_address" };
        trail.record(Event::new(EventKind::CodeSent).reason(reason));
        return Ok(challenge);
    }
    let code = deps.counters.code(&key).await?;
    let code = code.ok_or_else(|| Fault::unavailable("counters", "a code was there and is gone"))?;
    Ok(Challenge { notice: code.notice_id, ..challenge })
}

/// Whether the answer is the code of `user` that the challenge asks for. Every answer takes one of its tries, right or wrong.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn verify(
    deps: &Deps,
    user: &User,
    answered: Option<(&Challenge, &Password)>,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<bool, Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let Some((challenge, answer)) = answered else {
        trail.record(Event::new(EventKind::CodeFail).reason("unreadable"));
        return Ok(false);
    };
    let answering = Answering { account: &key, notice: &challenge.notice, challenge: &challenge.id, client: &user.client, now };
    let Some(tries) = deps.counters.try_code(answering).await? else {
        trail.record(Event::new(EventKind::CodeFail).reason("over"));
        return Ok(false);
    };
    let is_right = is_right(answer, &challenge.notice, &key, &deps.keys) && !user.not_found;
    if is_right && deps.counters.code_given(answering).await? {
        trail.note(EventKind::CodeSuccess);
        return Ok(true);
    }
    trail.record(Event::new(EventKind::CodeFail).reason(if is_right { "over" } else { "wrong" }));
    if tries >= TRIES && !is_right && !user.not_found {
        tell(deps, user, key, now, trail).await;
    }
    Ok(false)
}

/// Whoever guesses at codes has the password.
async fn tell(deps: &Deps, user: &User, key: AccountKey, now: Timestamp, trail: &mut Trail) {
    trail.record(Event::new(EventKind::AccountTakeover).reason("code_guessing"));
    let name = deps.keys.pseudonym(key.as_str());
    let subject = user.sub.as_deref().unwrap_or(&name);
    let occurrence = Occurrence {
        account_key: Some(key),
        ..Occurrence::of(subject, IncidentKind::CognitoAccountTakeover, "code_guessing", ClientIp::Unknown.to_string(), now)
    };
    note_fault(deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await, trail);
}
