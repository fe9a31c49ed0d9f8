//! Before a user is made: whether they may sign up.

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::SignUpsOf;
use palisade_core::cognito::sign_up::{is_look_alike, plain_mailbox};
use palisade_core::cognito::{Person, Refusal, SignUpBy};
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::{IncidentKind, Occurrence};
use palisade_core::{Account, ClientIp, Fault, Identifier, Timestamp};

use super::Deps;
use crate::address::note_fault;

/// Who wants to sign up.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The user name, which some pools make up.
    pub user_name: String,
    /// The e-mail address they gave.
    pub email: Option<String>,
    /// Whether the pool or another provider has verified it.
    pub email_verified: bool,
}

/// Whether `applicant` may sign up. A refusal tells nothing of why.
///
/// # Errors
/// A fault when the store did not do its part.
pub async fn sign_up(
    deps: &Deps,
    by: SignUpBy,
    applicant: &Applicant,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Result<(), Refusal>, Fault> {
    let refused = match by {
        SignUpBy::Administrator => Ok(unusable(deps, applicant)),
        SignUpBy::ExternalProvider => external(deps, applicant, now, trail).await,
        SignUpBy::User => user(deps, applicant, now, trail).await,
    }?;
    Ok(match refused {
        None => Ok(()),
        Some((refusal, reason)) => {
            trail.record(Event::new(EventKind::SignUpRefused).reason(reason));
            Err(refusal)
        }
    })
}

/// A refusal and the stable word for why.
type Refused = Option<(Refusal, &'static str)>;

/// Whether a name cannot be one, or the address is of a blocked domain. What other providers call their users is theirs.
fn unusable(deps: &Deps, applicant: &Applicant) -> Refused {
    let is_name = |name: &str| Identifier::parse(name).is_ok();
    let domain_is_blocked = applicant.email.as_deref().is_some_and(|email| deps.settings.sign_up.blocks(email));
    if !is_name(&applicant.user_name) || applicant.email.as_deref().is_some_and(|email| !is_name(email)) {
        Some((Refusal::SignUp, "name"))
    } else if domain_is_blocked || deps.settings.sign_up.blocks(&applicant.user_name) {
        Some((Refusal::SignUp, "blocked_domain"))
    } else {
        None
    }
}

async fn user(deps: &Deps, applicant: &Applicant, now: Timestamp, trail: &mut Trail) -> Result<Refused, Fault> {
    let by_name = Person::spelled(&applicant.user_name);
    let (name_key, _) = deps.known_as(&by_name, trail);
    if let Some(refused) = unusable(deps, applicant) {
        return Ok(Some(refused));
    }
    let by_email = applicant.email.as_deref().map(Person::spelled);
    // A user name that is an address says whose the user is, and nobody verifies it.
    let is_address = applicant.user_name.contains('@');
    if is_address && by_email.as_ref().is_none_or(|by_email| by_email.identifier() != by_name.identifier()) {
        return Ok(Some((Refusal::SignUp, "name")));
    }
    let mailbox = by_email.as_ref().unwrap_or(&by_name).identifier().and_then(plain_mailbox);
    let (named, like, addressed, of_mailbox, of_all) = tokio::join!(
        deps.accounts.get(&name_key),
        deps.counters.name_like(&by_name, &deps.identity_key),
        found(deps, by_email.as_ref()),
        count_mailbox(deps, mailbox.as_deref(), now),
        deps.counters.count_sign_up(SignUpsOf::All, now),
    );
    let looks_like = like?.is_some_and(|spelling| !by_name.is_spelled_like(&spelling));
    let taken = looks_like
        || is_taken(&by_name, &named?)
        || by_email.as_ref().zip(addressed?.as_ref()).is_some_and(|(by, found)| is_taken(by, found));
    if taken {
        return Ok(Some((Refusal::SignUp, "look_alike")));
    }
    let of_mailbox = of_mailbox? > deps.settings.sign_up.per_mailbox;
    let of_all = too_many(deps, of_all?, now, trail).await;
    if of_mailbox || of_all {
        let reason = if of_mailbox { "mailbox" } else { "all" };
        if deps.policy.enforced {
            return Ok(Some((Refusal::TooManySignUps, reason)));
        }
        trail.record(Event::new(EventKind::LimitMonitored).reason(reason));
    }
    Ok(None)
}

/// Whether there are more sign-ups in this hour than there may be; operators are told once an hour.
async fn too_many(deps: &Deps, count: u64, now: Timestamp, trail: &mut Trail) -> bool {
    let Some(most) = deps.settings.sign_up.per_hour.filter(|most| count > *most) else {
        return false;
    };
    // The first over it, and now and then another, should that one have failed.
    if count.saturating_sub(most) % 100 == 1 {
        let occurrence =
            Occurrence::of("sign_ups", IncidentKind::RateLimitAbuse, "pool_sign_ups", ClientIp::Unknown.to_string(), now);
        note_fault(deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await, trail);
    }
    true
}

async fn found(deps: &Deps, person: Option<&Person>) -> Result<Option<Found>, Fault> {
    match person {
        None => Ok(None),
        Some(person) => deps.accounts.get(&person.key(&deps.identity_key)).await.map(Some),
    }
}

async fn count_mailbox(deps: &Deps, plain: Option<&str>, now: Timestamp) -> Result<u64, Fault> {
    match plain {
        None => Ok(0),
        Some(plain) => {
            let key = Person::spelled(plain).key(&deps.identity_key);
            deps.counters.count_sign_up(SignUpsOf::Mailbox(&key), now).await
        }
    }
}

fn is_taken(person: &Person, found: &Found) -> bool {
    match found {
        Found::Nothing => false,
        Found::Account(account) => is_look_alike(person, account),
        Found::Corrupt => true,
    }
}

/// Somebody whom another provider sends with the address of an account that is there, without saying that it is theirs: that is how an
/// account is taken over by a provider that lets its users write any address down.
async fn external(deps: &Deps, applicant: &Applicant, now: Timestamp, trail: &mut Trail) -> Result<Refused, Fault> {
    let Some(email) = &applicant.email else {
        return Ok(None);
    };
    if deps.settings.sign_up.blocks(email) {
        return Ok(Some((Refusal::SignUp, "blocked_domain")));
    }
    let person = Person::spelled(email);
    let (key, name) = deps.known_as(&person, trail);
    if applicant.email_verified {
        return Ok(None);
    }
    let occurrence = match deps.accounts.get(&key).await? {
        Found::Nothing => return Ok(None),
        Found::Account(account) => takeover(&account, now),
        Found::Corrupt => {
            Occurrence::of(&name, IncidentKind::CognitoAccountTakeover, "external_provider", ClientIp::Unknown.to_string(), now)
        }
    };
    trail.record(Event::new(EventKind::AccountTakeover).reason("external_provider"));
    note_fault(deps.aside.run("write of incidents", deps.incidents.record(&occurrence)).await, trail);
    Ok(Some((Refusal::SignUp, "external_provider")))
}

fn takeover(account: &Account, now: Timestamp) -> Occurrence {
    Occurrence::about(account, IncidentKind::CognitoAccountTakeover, "external_provider", ClientIp::Unknown.to_string(), now)
}
