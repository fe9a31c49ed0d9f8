//! A user of Django's who moves into a pool: what becomes of them, and until when the password they had can be tried again.

use std::time::Duration;

use crate::account::{Account, Migration, MigrationOutcome, MustChange, Status};
use crate::hashing::{self, StoredPassword};
use crate::timestamp::Timestamp;

/// How long the old password counts after a migration that no sign-in followed: a week. Cognito may fail to make the user after the trigger
/// said yes, and asks again at the next try.
pub const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// How far somebody's move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Not seen since the import.
    NeverSeen,
    /// Let in by the trigger, and not signed in since.
    Moving,
    /// In the pool, with the old password, or with another one that they chose.
    Moved,
    /// In the pool, and made to choose another password, since the old one breaks a rule.
    Weak,
    /// The same, since the old one is known from breaches.
    Breached,
    /// Switched off, or without a password that could be given.
    CannotMove,
}

impl Progress {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::NeverSeen, Self::Moving, Self::Moved, Self::Weak, Self::Breached, Self::CannotMove];

    /// The public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverSeen => "never seen",
            Self::Moving => "moving",
            Self::Moved => "moved",
            Self::Weak => "weak",
            Self::Breached => "breached",
            Self::CannotMove => "cannot move",
        }
    }
}

/// How far `account` has come.
pub fn progress(account: &Account, now: Timestamp) -> Option<Progress> {
    let can_sign_in = account.status == Status::Active && account.has_password();
    match &account.pool.migration {
        Some(migration) => Some(match migration.outcome {
            // Asked for a new password, and has not set it.
            MigrationOutcome::Weak if account.password.is_some() => Progress::Moving,
            MigrationOutcome::Weak => Progress::Weak,
            MigrationOutcome::Breached => Progress::Breached,
            MigrationOutcome::Confirmed if kept(migration, now).is_some() => Progress::Moving,
            MigrationOutcome::Confirmed => Progress::Moved,
        }),
        // Somebody who signed up with the pool itself.
        None if account.password.is_none() && account.pool.spelling.is_some() => None,
        None if can_sign_in => Some(Progress::NeverSeen),
        None => Some(Progress::CannotMove),
    }
}

/// The password that somebody who is not in the pool yet is to give.
pub fn password(account: &Account, now: Timestamp) -> Option<&StoredPassword> {
    let kept = || account.pool.migration.as_ref().and_then(|migration| kept(migration, now));
    account.password.as_ref().or_else(kept).filter(|password| !hashing::is_unusable(&password.encoded))
}

fn kept(migration: &Migration, now: Timestamp) -> Option<&StoredPassword> {
    migration.password.as_ref().filter(|_| now < migration.started_at.plus(KEPT_FOR))
}

/// Whether the old password is to be removed, since nobody came.
pub fn is_overdue(account: &Account, now: Timestamp) -> bool {
    account.pool.migration.as_ref().is_some_and(|migration| migration.password.is_some() && kept(migration, now).is_none())
}

/// What becomes of somebody whose password was right; `weak` when it breaks a rule for new ones.
pub fn outcome(account: &Account, breached: bool, weak: bool) -> MigrationOutcome {
    match (breached || account.must_change == Some(MustChange::Breached), weak || account.must_change.is_some()) {
        (true, _) => MigrationOutcome::Breached,
        (false, true) => MigrationOutcome::Weak,
        (false, false) => MigrationOutcome::Confirmed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::account;
    use crate::hashing::Normalization;

    fn stored() -> StoredPassword {
        StoredPassword { encoded: "pbkdf2_sha256$1$a$b".into(), normalization: Normalization::Raw }
    }

    #[test]
    fn an_old_password_is_tried_until_somebody_came_in_with_it_and_for_a_week_at_most() {
        let start = Timestamp::from_seconds(1_000_000);
        let mut user = account();
        user.password = Some(stored());
        assert_eq!((progress(&user, start), password(&user, start).is_some()), (Some(Progress::NeverSeen), true));
        user.password = None;
        let migration = Migration { started_at: start, outcome: MigrationOutcome::Confirmed, password: Some(stored()) };
        user.pool.migration = Some(migration);
        let week = start.plus(KEPT_FOR);
        let just_before = week.minus(Duration::from_millis(1));
        assert_eq!((progress(&user, just_before), password(&user, just_before).is_some()), (Some(Progress::Moving), true));
        assert_eq!((progress(&user, week), password(&user, week).is_some()), (Some(Progress::Moved), false));
        assert!(is_overdue(&user, week) && !is_overdue(&user, just_before));
        user.pool.migration.as_mut().expect("one").password = None;
        assert_eq!((progress(&user, start), is_overdue(&user, week)), (Some(Progress::Moved), false));
        user.pool = crate::account::PoolUser::default();
        assert_eq!(progress(&user, start), Some(Progress::CannotMove));
        user.pool.spelling = Some("alice".into());
        assert_eq!(progress(&user, start), None);
    }

    #[test]
    fn a_breach_is_worse_than_a_broken_rule() {
        let mut user = account();
        assert_eq!(outcome(&user, false, false), MigrationOutcome::Confirmed);
        assert_eq!(outcome(&user, false, true), MigrationOutcome::Weak);
        assert_eq!(outcome(&user, true, true), MigrationOutcome::Breached);
        user.must_change = Some(MustChange::Required);
        assert_eq!(outcome(&user, false, false), MigrationOutcome::Weak);
    }
}
