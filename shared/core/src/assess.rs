//! Whether a presented session still is what it was when it was issued (requirements r25 to r28), and what to do when it is not.
//!
//! The order matters: hijacking is looked for before integrity, since every hijacking also breaks the integrity of its session (the
//! article had it the other way round, where it could never be reached).
//!
//! | | `seed` | `nist` |
//! | --- | --- | --- |
//! | hijacking: all sessions end | another network within a minute, or a browser with less than half its words in common | both |
//! | integrity: this session ends | another network or another browser | both changed |
//! | logged, and the session goes along | | either changed |
//!
//! An address that is not known on one side proves nothing: such a request is refused, and nothing ends. What carries neither address nor
//! browser (a REST TOKEN event, where a setting accepts it) is bound to nothing.

use std::time::Duration;

use crate::account::{Account, Status};
use crate::client_ip::ClientIp;
use crate::policy::SessionRules;
use crate::session::{Session, tombstone_lifetime};
use crate::timestamp::Timestamp;
use crate::user_agent::{UserAgent, words_in_common};

/// A session's last use is written at most this often (requirement r29), so it is known to the minute.
pub const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// How lately a session must have been used elsewhere for it to be in two places at once: the article's minute, and the minute by which
/// its last use can be known late.
pub const TWO_PLACES_WITHIN: Duration = Duration::from_secs(60 + TOUCH_EVERY.as_secs());

/// How long a replaced session may still be presented by a client that did not get the answer (CASES SE15).
pub const REPLACED_GRACE: Duration = Duration::from_secs(10);

/// How tightly a session is bound to where it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// `seed`: to network and browser.
    Either,
    /// `nist`: to the two together.
    Both,
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The client's address.
    pub ip: ClientIp,
    /// The browser's name.
    pub user_agent: UserAgent,
}

/// What a session is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its bearer is let in; with whether its last use is to be written.
    Valid(Option<Touch>),
    /// Refused, and nothing changes: idle or old for too long, of another version, of an account that may not sign in, or from an address
    /// that is not known.
    Ended,
    /// Not where it belongs: it ends.
    IntegrityViolation,
    /// In two hands: all sessions of the account end.
    Hijacking,
}

/// A use of a session that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// From where it was used before.
    Here,
    /// From another network or browser, which it is bound to from now on: told in the log.
    Elsewhere,
}

/// Judges `session` of `account`, presented by `seen` at `now`; by nobody in particular without.
pub fn assess(session: &Session, account: &Account, seen: Option<&Seen>, now: Timestamp, rules: &SessionRules) -> Verdict {
    if !session.is_alive(account, now, rules) {
        return Verdict::Ended;
    }
    let is_due = now >= session.last_seen.plus(TOUCH_EVERY);
    let Some(seen) = seen else {
        return Verdict::Valid(is_due.then_some(Touch::Here));
    };
    let bound_to = ClientIp::stored_as(&session.ip);
    if (bound_to == ClientIp::Unknown) != (seen.ip == ClientIp::Unknown) {
        return Verdict::Ended;
    }
    let other_network = bound_to.prefix() != seen.ip.prefix();
    let other_browser = session.user_agent.hash() != seen.user_agent.hash();
    let in_two_places = other_network && now < session.last_seen.plus(TWO_PLACES_WITHIN);
    let unlike = other_browser && is_unlike(&session.user_agent, &seen.user_agent);
    let (hijacked, violated) = match rules.binding {
        Binding::Either => (in_two_places || unlike, other_network || other_browser),
        Binding::Both => (in_two_places && unlike, other_network && other_browser),
    };
    if hijacked {
        Verdict::Hijacking
    } else if violated {
        Verdict::IntegrityViolation
    } else {
        let has_moved = other_network || other_browser;
        // Whoever goes to and fro is told once a minute, as a use is.
        let is_news = session.moved_at.is_none_or(|moved_at| now >= moved_at.plus(TOUCH_EVERY));
        Verdict::Valid(match has_moved {
            true if is_due || is_news => Some(Touch::Elsewhere),
            false if is_due => Some(Touch::Here),
            _ => None,
        })
    }
}

/// What the use of a replaced session means; `replaced_under` is the account's version after its rotation.
pub fn assess_replaced(
    (replaced_at, replaced_under): (Timestamp, u64),
    account: &Account,
    now: Timestamp,
    rules: &SessionRules,
) -> Verdict {
    let is_kept = now < replaced_at.plus(tombstone_lifetime(rules));
    let is_late = is_kept && now >= replaced_at.plus(REPLACED_GRACE);
    if is_late && account.auth_version == replaced_under { Verdict::Hijacking } else { Verdict::Ended }
}

impl Session {
    /// Whether it has not ended at `now`, wherever it is used.
    pub fn is_alive(&self, account: &Account, now: Timestamp, rules: &SessionRules) -> bool {
        let idle_end = self.last_seen.plus(rules.idle);
        let absolute_end = self.created_at.plus(rules.absolute);
        self.key.account_key == account.key
        && self.auth_version == account.auth_version
        && account.status == Status::Active
        && rules.not_before.is_none_or(|not_before| self.auth_time >= not_before)
        // The stored end is written when the session is used; the rules apply anew, so that a stricter setting holds at once.
        && now < idle_end.min(absolute_end).min(self.expires_at)
    }
}

/// Fewer than half of all words in common (requirement r26: a similarity under 0.5).
fn is_unlike(a: &UserAgent, b: &UserAgent) -> bool {
    let (common, all) = words_in_common(a.stored(), b.stored());
    common * 2 < all
}

#[cfg(test)]
#[path = "assess/tests.rs"]
mod tests;
