//! What a wrong current password does: it counts, and the fifth within a session ends the session (CASES A31).

use palisade_cloud::counters::LaneItem;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::notice::{Notice, NoticeId, NoticeKind};
use palisade_core::throttle::Verdict;
use palisade_core::{Denial, Fault};

use super::Deps;
use crate::address::note_fault;
use crate::lane::Try;
use crate::validate::Live;

pub(super) async fn settle(
    deps: &Deps,
    live: &Live,
    (this_try, item): (Try<'_>, LaneItem),
    trail: &mut Trail,
) -> Result<Denial, Fault> {
    trail.record(Event::new(EventKind::AuthnPasswordChangeFail).reason("wrong_password"));
    let settled = this_try.settle(item, Verdict::Failure).await?;
    if settled.is_some_and(|lane| lane.is_closed(&deps.policy.session_lane)) && this_try.key.is_of_session() {
        let notice = Notice::to_account(NoticeId::new(deps.entropy.bytes()), NoticeKind::SessionEnded, &live.account, this_try.now);
        let (ended, sent) = tokio::join!(deps.sessions.delete(&live.session.key), deps.notices.send(&notice));
        ended?;
        note_fault(sent, trail);
        trail.record_session(EventKind::SessionEnded, deps.keys.pseudonym(&live.session.key.secret_hash));
    }
    Ok(Denial::InvalidCredentials)
}
