//! The code after a password: made, sent by notice, and judged.

use palisade_cloud::Transacted;
use palisade_core::cognito::challenge::{TRIES, is_right};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::{ClientIp, Fault, Password, Timestamp};

use super::{Deps, User};
use crate::address::note_fault;

/// Makes a code for `user` and sends it, unless the last one still holds: however often a sign-in is begun, a code takes as many answers as
/// one. Which notice it came with.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn make(deps: &Deps, user: &User, now: Timestamp, trail: &mut Trail) -> Result<NoticeId, Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let id = NoticeId::new(deps.entropy.bytes());
    let mut notice = Notice::void(id.clone(), NoticeKind::SignInCode, &key, now);
    if !user.not_found {
        notice.void = false;
        notice.to = user.email.clone();
    }
    let writes = vec![deps.counters.new_code(&key, &id, now)?, deps.notices.put(&notice)?];
    if deps.transactions.write(writes).await? == Transacted::Done {
        let reason = if notice.to.is_some() { "sent" } else { "no_address" };
        trail.record(Event::new(EventKind::CodeSent).reason(reason));
        return Ok(id);
    }
    let code = deps.counters.code(&key).await?;
    code.map(|code| code.notice_id).ok_or_else(|| Fault::unavailable("counters", "a code was there and is gone"))
}

/// Whether `answer` is the code of `user` that came with `notice`. Every answer takes one of its tries, right or wrong.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn verify(
    deps: &Deps,
    user: &User,
    (notice, answer): (Option<&NoticeId>, Option<&Password>),
    now: Timestamp,
    trail: &mut Trail,
) -> Result<bool, Fault> {
    let (key, _) = deps.known_as(&user.person, trail);
    let Some((notice, answer)) = notice.zip(answer) else {
        trail.record(Event::new(EventKind::CodeFail).reason("unreadable"));
        return Ok(false);
    };
    let Some(tries) = deps.counters.try_code(&key, notice, now).await? else {
        trail.record(Event::new(EventKind::CodeFail).reason("over"));
        return Ok(false);
    };
    if is_right(answer, notice, &key, &deps.keys) && !user.not_found {
        deps.counters.code_given(&key, notice, now).await?;
        trail.note(EventKind::CodeSuccess);
        return Ok(true);
    }
    trail.record(Event::new(EventKind::CodeFail).reason("wrong"));
    if tries >= TRIES && !user.not_found {
        // Whoever guesses at codes has the password.
        trail.record(Event::new(EventKind::AccountTakeover).reason("code_guessing"));
        let name = deps.keys.pseudonym(key.as_str());
        let subject = user.sub.as_deref().unwrap_or(&name);
        let occurrence = Occurrence {
            account_key: Some(key),
            ..Occurrence::of(subject, IncidentKind::CognitoAccountTakeover, "code_guessing", ClientIp::Unknown.to_string(), now)
        };
        note_fault(deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await, trail);
    }
    Ok(false)
}
