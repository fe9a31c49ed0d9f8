//! A new password: what the breach service says of it, which rules it breaks, and the writes that put it in the place of the old one.

use palisade_cloud::accounts::NewPassword;
use palisade_cloud::{Accounts, History, Write};
use palisade_core::breach::{Breach, Unavailable};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::history::{Entry, KEPT, Old};
use palisade_core::password::{self, Candidate};
use palisade_core::{Account, Denial, Fault, Policy, Timestamp};
use std::time::Duration;

/// Judges `candidate` by every rule, then by whether the breach service answered: the refusal, or whether the password is to be asked
/// about again at its next login.
///
/// # Errors
/// A fault when the password meets every rule, nothing is known of it, and that refuses (requirement r18).
pub(crate) fn judge(policy: &Policy, candidate: &Candidate<'_>, trail: &mut Trail) -> Result<Result<bool, Denial>, Fault> {
    let rules = &policy.breach;
    match candidate.breach {
        Some(Breach::Breached(count)) if count > rules.warn_over => {
            let reason = if count > rules.block_over { "refused" } else { "let_pass" };
            trail.record(Event::new(EventKind::BreachedPassword).reason(reason));
        }
        Some(Breach::Unknown(reason)) => trail.record(Event::new(EventKind::BreachUnknown).reason(reason.as_str())),
        Some(Breach::Breached(_) | Breach::Clean) | None => {}
    }
    let violations = password::violations(&policy.password.rules(rules.block_over), candidate);
    if !violations.is_empty() {
        return Ok(Err(Denial::PasswordRejected(violations)));
    }
    match (candidate.breach, rules.unavailable) {
        (Some(Breach::Unknown(reason)), Unavailable::Refuse) => Err(Fault::unavailable("breach service", reason.as_str())),
        (breach, _) => Ok(Ok(matches!(breach, Some(Breach::Unknown(_))))),
    }
}

/// The writes that replace the password of `account`, whose history holds `entries`, newest first: the new one, the old one into the
/// history, and the eleventh out of it.
pub(crate) fn replace(
    (accounts, history): (&Accounts, &History),
    account: &Account,
    entries: &[Entry],
    new: &NewPassword,
) -> Result<Vec<Write>, Fault> {
    let mut writes = vec![accounts.set_password(account, new)?];
    if let Some(old) = Old::of(account) {
        let changed_at = distinct(new.at, entries);
        writes.push(history.put(&account.key, &Entry { changed_at, old })?);
        for entry in entries.iter().skip(KEPT - 1) {
            writes.push(history.delete(&account.key, entry)?);
        }
    }
    Ok(writes)
}

/// `at`, or just after the newest entry when a clock stands still or runs behind: entries of an account never share their time.
fn distinct(at: Timestamp, entries: &[Entry]) -> Timestamp {
    entries.first().map_or(at, |newest| at.max(newest.changed_at.plus(Duration::from_millis(1))))
}
