//! Makes accounts out of Django's users. An account that is there already is left alone, so an import that was cut off is simply started
//! again.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use palisade_cloud::{Accounts, Entropy, History, Parts, Store, Transacted, Transactions};
use palisade_core::hashing::{Hash, Normalization, StoredPassword};
use palisade_core::history::{Entry, KEPT, Old};
use palisade_core::settings::{IdentifierKind, Settings, Table};
use palisade_core::{Account, Fault, Identifier, IdentityKey, Role, Status, Subject, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

use crate::dump::{Dump, User, moment};

/// The tables an import writes.
pub const TABLES: &[Table] = &[Table::Accounts, Table::History];

/// How many accounts are written at once.
const AT_ONCE: usize = 8;

/// What an import works with.
#[derive(Debug)]
pub struct Deps {
    accounts: Accounts,
    history: History,
    transactions: Transactions,
    identity_key: Arc<IdentityKey>,
    identifier: IdentifierKind,
    entropy: Entropy,
}

impl Deps {
    /// Handles to the tables and keys that `settings` name.
    ///
    /// # Errors
    /// A fault when the settings do not name one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let store = Store::new(settings, parts);
        Ok(Self {
            accounts: Accounts::new(&store, settings)?,
            history: History::new(&store, settings)?,
            transactions: Transactions::new(&store, parts),
            identity_key: Arc::clone(&settings.identity_key),
            identifier: settings.identifier,
            entropy: parts.entropy.clone(),
        })
    }
}

/// What an import came to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Accounts made.
    pub imported: usize,
    /// Accounts that were there already, left as they are.
    pub already_there: usize,
    /// Users that were not imported, and why.
    pub refused: Vec<Refused>,
    /// Users for whom the store failed; start the import again.
    pub failed: Vec<Refused>,
}

/// A user that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refused {
    /// The primary key in the dump, after its model where the row itself could not be read.
    pub user: String,
    /// Why; never anything of the user's own data.
    pub why: String,
}

/// Writes an account for every user of `dump`; `done` is called after each.
pub async fn import(deps: &Deps, dump: Dump, now: Timestamp, done: impl Fn()) -> Report {
    let mut report = Report::default();
    report.refused.extend(dump.unreadable.into_iter().map(|user| Refused { user, why: "cannot be read".to_owned() }));
    let mut taken = HashMap::new();
    let mut ready = Vec::new();
    for user in dump.users {
        match prepared(deps, &user, now, &mut taken) {
            Ok(prepared) => ready.push((user.pk, prepared)),
            Err(why) => {
                report.refused.push(Refused { user: user.pk, why });
                done();
            }
        }
    }
    let mut written =
        stream::iter(ready).map(|(pk, prepared)| async move { (pk, write(deps, &prepared).await) }).buffer_unordered(AT_ONCE);
    while let Some((user, outcome)) = written.next().await {
        match outcome {
            Ok(Transacted::Done) => report.imported += 1,
            Ok(Transacted::Refused(_)) => report.already_there += 1,
            Err(fault) => report.failed.push(Refused { user, why: fault.chain() }),
        }
        done();
    }
    report.failed.sort();
    report
}

/// An account with its old passwords, ready to be written.
struct Prepared {
    account: Account,
    history: Vec<Entry>,
}

/// `taken` holds which user of the dump has which storage key.
fn prepared(deps: &Deps, user: &User, now: Timestamp, taken: &mut HashMap<String, String>) -> Result<Prepared, String> {
    let fields = &user.fields;
    let named = match deps.identifier {
        IdentifierKind::Email => &fields.email,
        IdentifierKind::Username => &fields.username,
    };
    let identifier = Identifier::parse(named).map_err(|error| format!("the identifier {error}"))?;
    let key = deps.identity_key.account_key(&identifier);
    if let Some(other) = taken.insert(key.as_str().to_owned(), user.pk.clone()) {
        let same = format!("has the same identifier as user {other}");
        taken.insert(key.as_str().to_owned(), other);
        return Err(same);
    }
    let created_at = fields.date_joined.as_deref().and_then(moment).unwrap_or(now).min(now);
    Ok(Prepared {
        account: Account {
            key,
            subject: Subject::from_random(deps.entropy.bytes()),
            identifier: identifier.as_str().to_owned(),
            email: canonical(&fields.email),
            username: canonical(&fields.username),
            first_name: some(&fields.first_name),
            last_name: some(&fields.last_name),
            time_zone: None,
            role: match (fields.is_superuser, fields.is_staff) {
                (true, _) => Role::Superuser,
                (false, true) => Role::Staff,
                (false, false) => Role::Regular,
            },
            status: if fields.is_active { Status::Active } else { Status::Disabled },
            created_at,
            password: password(&fields.password)?,
            password_changed_at: None,
            current_digest: None,
            history_salt: None,
            breach_unchecked: false,
            must_change: None,
            // Random, so that a recycled name never revives old sessions.
            auth_version: u64::from_be_bytes(deps.entropy.bytes()) >> 1,
            devices_not_before: now,
            pool: palisade_core::account::PoolUser::default(),
        },
        history: history(user, now),
    })
}

/// The stored password; `None` for one that Django marked as unusable.
fn password(encoded: &str) -> Result<Option<StoredPassword>, String> {
    if encoded.is_empty() || encoded.starts_with('!') {
        return Ok(None);
    }
    if encoded.starts_with('$') {
        return Err("the password hash is unsupported".to_owned());
    }
    Hash::parse(encoded).map_err(|error| format!("the password hash is {error}"))?;
    Ok(Some(StoredPassword { encoded: encoded.to_owned(), normalization: Normalization::Raw }))
}

/// The newest passwords, each under a time of its own that has passed. One that cannot be computed cannot be compared with either, and
/// is left out: the user is worth more than the entry.
fn history(user: &User, now: Timestamp) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let readable = user.history.iter().filter_map(|old| Some((old.at, password(&old.password).ok().flatten()?)));
    for (at, stored) in readable.take(KEPT) {
        let newest = entries.last().map_or(now, |newer| newer.changed_at.minus(Duration::from_millis(1)));
        entries.push(Entry { changed_at: at.min(newest), old: Old::Encoded(stored) });
    }
    entries
}

fn canonical(name: &str) -> Option<String> {
    Identifier::parse(name).ok().map(|name| name.as_str().to_owned())
}

fn some(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

/// Account and history together, unless there is such an account.
async fn write(deps: &Deps, prepared: &Prepared) -> Result<Transacted, Fault> {
    let mut writes = vec![deps.accounts.put_new(&prepared.account)?];
    for entry in &prepared.history {
        writes.push(deps.history.put(&prepared.account.key, entry)?);
    }
    deps.transactions.write(writes).await
}
