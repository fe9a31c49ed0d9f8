//! `palisade account`, `unlock` and `revoke`.

use base64ct::{Base64UrlUnpadded, Encoding};
use palisade_cloud::Write;
use palisade_cloud::accounts::Found;
use palisade_cloud::counters::LaneKey;
use palisade_core::account::MustChange;
use palisade_core::hashing;
use palisade_core::history::Past;
use palisade_core::{Account, Fault, Identifier, Password, Role, Status, Subject, Zone};
use serde_json::json;

use crate::operator::Operator;

/// What `account create` is given.
pub(crate) struct New {
    pub(crate) identifier: String,
    pub(crate) email: Option<String>,
    pub(crate) role: Role,
    pub(crate) time_zone: Option<Zone>,
}

const CHANGED: &str = "the account changed at the same moment; try again";

pub(crate) async fn unlock(operator: &Operator, identifier: &str) -> Result<String, String> {
    let (_, key) = operator.key(identifier)?;
    // Also for a name that nobody has: its lane is closed alike.
    let subject = match operator.accounts.get(&key).await.map_err(|fault| fault.chain())? {
        Found::Account(account) => account.subject.as_str().to_owned(),
        Found::Nothing | Found::Corrupt => operator.keys.pseudonym(key.as_str()),
    };
    let write = operator.counters.clear_lane(&LaneKey::common(&key));
    act(operator, "unlock", &subject, vec![write]).await?;
    Ok(format!("{subject} may try again at once"))
}

pub(crate) async fn revoke(operator: &Operator, identifier: &str, devices: bool) -> Result<String, String> {
    let account = operator.account(identifier).await?;
    let write = operator.accounts.end_sessions(&account, devices, operator.now());
    let (action, what) = if devices { ("revoke_devices", "sessions and known devices") } else { ("revoke", "sessions") };
    act(operator, action, account.subject.as_str(), vec![write]).await?;
    Ok(format!("all {what} of {} have ended", account.subject.as_str()))
}

pub(crate) async fn role(operator: &Operator, identifier: &str, role: Role) -> Result<String, String> {
    let account = operator.account(identifier).await?;
    let action = format!("role_{}", role.as_str());
    act(operator, &action, account.subject.as_str(), vec![operator.accounts.set_role(&account, role)]).await?;
    Ok(format!("{} is {} now; its sessions have ended", account.subject.as_str(), role.as_str()))
}

pub(crate) async fn status(operator: &Operator, identifier: &str, status: Status) -> Result<String, String> {
    let account = operator.account(identifier).await?;
    let action = if status == Status::Active { "enable" } else { "disable" };
    act(operator, action, account.subject.as_str(), vec![operator.accounts.set_status(&account, status)]).await?;
    Ok(format!("{} is {} now; its sessions have ended", account.subject.as_str(), status.as_str()))
}

/// Makes the account with a random password that must be changed; the caller prints it, once.
pub(crate) async fn create(operator: &Operator, new: New) -> Result<String, String> {
    let (identifier, key) = operator.key(&new.identifier)?;
    let is_email = identifier.as_str().contains('@');
    if new.email.as_ref().is_some_and(|email| !email.contains('@') || Identifier::parse(email).is_err()) {
        return Err("the e-mail address is none".to_owned());
    }
    // Of every class, for the rules it is judged by at no time: it is changed before anything else.
    let text = format!("Aa1-{}", Base64UrlUnpadded::encode_string(&operator.entropy.bytes::<18>()));
    let password = Password::new(&text).ok_or("the password is too long")?;
    let cost = &operator.policy.argon2;
    let stored = hashing::hash(&password, &operator.entropy.bytes(), cost).map_err(|error| error.to_string())?;
    let compared = Past::nothing().compare(&password, operator.entropy.bytes(), cost).map_err(|error| error.to_string())?;
    let now = operator.now();
    let account = Account {
        key,
        subject: Subject::from_random(operator.entropy.bytes()),
        identifier: identifier.as_str().to_owned(),
        email: new.email.or_else(|| is_email.then(|| identifier.as_str().to_owned())),
        username: None,
        first_name: None,
        last_name: None,
        time_zone: new.time_zone,
        role: new.role,
        status: Status::Active,
        created_at: now,
        password: Some(stored),
        password_changed_at: Some(now),
        current_digest: Some(compared.digest),
        history_salt: Some(compared.salt),
        breach_unchecked: false,
        must_change: Some(MustChange::Required),
        auth_version: u64::from_be_bytes(operator.entropy.bytes()) >> 1,
        devices_not_before: now,
        pool: palisade_core::account::PoolUser::default(),
    };
    let action = format!("create_{}", new.role.as_str());
    let writes = [operator.accounts.put_new(&account)];
    if !done(operator, &action, account.subject.as_str(), writes.into()).await? {
        return Err("there is such an account already".to_owned());
    }
    Ok(format!(
        "account {}\npassword {text}\nIt must be changed at the first login, and is shown only now.",
        account.subject.as_str()
    ))
}

pub(crate) async fn time_zone(operator: &Operator, identifier: &str, zone: &Zone) -> Result<String, String> {
    let account = operator.account(identifier).await?;
    act(operator, "time_zone", account.subject.as_str(), vec![operator.accounts.set_time_zone(&account, zone)]).await?;
    Ok(format!("{} lives in {zone} now", account.subject.as_str()))
}

/// Ends the sessions at once, then removes everything else, the account last: a run that is cut off is simply started again.
pub(crate) async fn delete(operator: &Operator, identifier: &str, account_id: &str) -> Result<String, String> {
    let account = operator.account(identifier).await?;
    if account.subject.as_str() != account_id {
        return Err("the account has another public id".to_owned());
    }
    let ended = operator.accounts.end_sessions(&account, true, operator.now());
    act(operator, "delete", account_id, vec![ended]).await?;
    let account = operator.account(identifier).await?;
    let sessions = operator.sessions.of(&account.key).await.map_err(|fault| fault.chain())?;
    for session in &sessions {
        operator.sessions.delete(&session.key).await.map_err(|fault| fault.chain())?;
    }
    let entries = operator.history.of(&account.key).await.map_err(|fault| fault.chain())?.entries;
    let lane = LaneKey::common(&account.key);
    let mut writes = vec![
        operator.accounts.remove(&account),
        operator.counters.clear_lane(&lane),
        operator.counters.forget_logins(&account.key),
    ];
    writes.extend(entries.iter().map(|entry| operator.history.delete(&account.key, entry)));
    act(operator, "deleted", account_id, writes).await?;
    Ok(format!("{account_id} is gone, with {} old passwords and {} sessions", entries.len(), sessions.len()))
}

/// The account, its sessions and its old passwords' times, but nothing that signs in or helps to.
pub(crate) async fn export(operator: &Operator, identifier: &str) -> Result<String, String> {
    let account = operator.account(identifier).await?;
    let sessions = operator.sessions.of(&account.key).await.map_err(|fault| fault.chain())?;
    let entries = operator.history.of(&account.key).await.map_err(|fault| fault.chain())?.entries;
    let sessions: Vec<_> = sessions
        .iter()
        .map(|session| {
            json!({
                "id": operator.keys.session_id(session.key.account_key.as_str(), &session.key.secret_hash),
                "created_at": session.created_at.to_string(),
                "last_seen": session.last_seen.to_string(),
                "ip": session.ip,
                "user_agent": session.user_agent.stored(),
            })
        })
        .collect();
    let exported = json!({
        "account_id": account.subject.as_str(),
        "identifier": account.identifier,
        "email": account.email,
        "username": account.username,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "time_zone": account.time_zone.as_ref().map(Zone::as_str),
        "role": account.role.as_str(),
        "status": account.status.as_str(),
        "created_at": account.created_at.to_string(),
        "password_changed_at": account.password_changed_at.map(|at| at.to_string()),
        "must_change_password": account.must_change.map(MustChange::as_str),
        "old_passwords_replaced_at": entries.iter().map(|entry| entry.changed_at.to_string()).collect::<Vec<_>>(),
        "sessions": sessions,
    });
    serde_json::to_string_pretty(&exported).map_err(|error| error.to_string())
}

async fn act(operator: &Operator, action: &str, subject: &str, writes: Vec<Result<Write, Fault>>) -> Result<(), String> {
    if done(operator, action, subject, writes).await? { Ok(()) } else { Err(CHANGED.to_owned()) }
}

async fn done(operator: &Operator, action: &str, subject: &str, writes: Vec<Result<Write, Fault>>) -> Result<bool, String> {
    let writes = writes.into_iter().collect::<Result<Vec<_>, Fault>>().map_err(|fault| fault.chain())?;
    operator.act(action, subject, writes).await
}
