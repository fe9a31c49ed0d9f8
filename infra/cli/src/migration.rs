//! `palisade migration-status`: how far the users have moved into a pool.

use std::collections::BTreeMap;

use palisade_core::cognito::migration::{KEPT_FOR, Progress, is_overdue, progress};

use crate::operator::Operator;
use crate::table::Table;

/// How many accounts there are of each kind, and what is left; with `remove_overdue`, the old passwords of those who never came are removed.
pub(crate) async fn status(operator: &Operator, remove_overdue: bool) -> Result<String, String> {
    let now = operator.now();
    let mut counts: BTreeMap<Progress, u64> = BTreeMap::new();
    let (mut unreadable, mut overdue, mut removed, mut from) = (0_u64, 0_u64, 0_u64, None);
    loop {
        let (accounts, next) = operator.accounts.page(from.as_ref()).await.map_err(|fault| fault.chain())?;
        for (_, account) in accounts {
            let Some(account) = account else {
                unreadable += 1;
                continue;
            };
            if let Some(progress) = progress(&account, now) {
                *counts.entry(progress).or_default() += 1;
            }
            if is_overdue(&account, now) {
                overdue += 1;
                if remove_overdue {
                    let write = operator.accounts.forget_legacy_password(&account).map_err(|fault| fault.chain())?;
                    removed += u64::from(operator.act("migration_overdue", account.subject.as_str(), vec![write]).await?);
                }
            }
        }
        from = next;
        if from.is_none() {
            break;
        }
    }
    let of = |progress| counts.get(&progress).copied().unwrap_or_default();
    let mut table = Table::new(["users", "number"]);
    for progress in Progress::ALL {
        table.row([progress.as_str().to_owned(), of(progress).to_string()]);
    }
    table.row(["left".to_owned(), (of(Progress::NeverSeen) + of(Progress::Moving)).to_string()]);
    let mut text = vec![table.to_string()];
    if unreadable > 0 {
        text.push(format!("{unreadable} accounts cannot be read"));
    }
    if removed > 0 {
        text.push(format!("{removed} old passwords removed"));
    } else if overdue > 0 {
        let days = KEPT_FOR.as_secs() / 86_400;
        text.push(format!(
            "{overdue} old passwords are of people who were let in over {days} days ago and did not come: --remove-overdue removes them"
        ));
    }
    Ok(text.join("\n"))
}
