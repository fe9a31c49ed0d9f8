//! What an operator does about an incident's subject at once.

use std::net::IpAddr;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use ipnet::IpNet;
use palisade_cloud::accounts::Found;
use palisade_cloud::counters::OperatorAction;
use palisade_cloud::{Transacted, Write};
use palisade_core::blocks::Block;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::Incident;
use palisade_core::incident::record::{Entry, Text};
use palisade_core::{Account, ClientIp, Denial, Fault, InvalidRequest, Role, Timestamp};

use super::{Asked, Deps, SIGNED_IN_WITHIN};
use crate::Outcome;

/// How often a containment is tried when somebody changes the same at that moment.
const TRIES: usize = 3;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Containment {
    /// Ends all sessions of the account.
    EndSessions,
    /// Lets the account do nothing but change its password.
    RequirePasswordChange,
    /// Refuses the address.
    BlockAddress {
        /// For so long; a block that lasts longer stays.
        span: Duration,
        /// What was seen as the incident's network, where that is said: another one means that it came from elsewhere meanwhile.
        network: Option<IpNet>,
    },
    /// Takes back what was last blocked about this incident.
    UnblockAddress {
        /// What was seen as blocked, where that is said.
        network: Option<IpNet>,
    },
}

impl Containment {
    /// Every word.
    pub const WORDS: [&str; 4] = ["end_sessions", "require_password_change", "block_address", "unblock_address"];

    /// The public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndSessions => "end_sessions",
            Self::RequirePasswordChange => "require_password_change",
            Self::BlockAddress { .. } => "block_address",
            Self::UnblockAddress { .. } => "unblock_address",
        }
    }
}

/// The words of what can be done about `incident`: about its account, where it is about one, and about its address, where it has one.
pub fn containments(incident: &Incident) -> Vec<&'static str> {
    let fits = |word: &&str| match *word {
        "block_address" => network(incident).is_some(),
        "unblock_address" => blocked(incident).is_some(),
        _ => incident.account_key.is_some(),
    };
    Containment::WORDS.into_iter().filter(fits).collect()
}

/// The network that an incident is about: its subject, or where it last came from; none where it is about everybody, of whom the last is
/// just one.
pub fn network(incident: &Incident) -> Option<IpNet> {
    if incident.subject == "all" {
        return None;
    }
    let parse = |text: &str| text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    parse(&incident.subject).or_else(|| parse(ClientIp::stored_as(&incident.ip).prefix().as_str()))
}

/// What was last blocked about an incident, and not let in again since.
pub fn blocked(incident: &Incident) -> Option<IpNet> {
    let about_address = |entry: &&Entry| matches!(entry.action.as_str(), "block_address" | "unblock_address");
    let last = incident.timeline.iter().rev().find(about_address)?;
    (last.action == "block_address").then(|| last.text.as_ref()?.as_str().split(' ').next()?.parse().ok()).flatten()
}

/// As a block stands in a timeline: `<network> until <RFC 3339>`.
fn block_text(network: IpNet, until: Timestamp) -> String {
    format!("{network} until {until}")
}

/// Does `containment` about the incident `id`; the incident after it.
///
/// # Errors
/// A fault when the store failed.
pub async fn contain(
    deps: &Deps,
    asked: &Asked<'_>,
    id: &str,
    containment: Containment,
    trail: &mut Trail,
) -> Result<Outcome<Incident>, Fault> {
    let live = match deps.staff(asked, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, asked.now)),
    };
    if asked.now.since(live.session.auth_time) > SIGNED_IN_WITHIN {
        return Ok(live.outcome(Err(Denial::ReauthenticationRequired)));
    }
    let by = live.account.subject.as_str();
    for _ in 0..TRIES {
        let incident = match deps.find(id, asked.now).await? {
            Ok(incident) => incident,
            Err(denial) => return Ok(live.outcome(Err(denial))),
        };
        let (effect, what) = match effect(deps, (asked, live.account.role), &incident, containment).await? {
            Ok(effect) => effect,
            Err(denial) => {
                if denial == Denial::Forbidden {
                    trail.record(Event::new(EventKind::AuthzFail).reason(containment.as_str()));
                }
                return Ok(live.outcome(Err(denial)));
            }
        };
        let contained = incident.noted(containment.as_str(), Text::new(&what), by, asked.now);
        let action =
            OperatorAction { at: asked.now, operator: by.to_owned(), action: containment.as_str().to_owned(), subject: what };
        let nonce = Base64UrlUnpadded::encode_string(&deps.entropy.bytes::<6>());
        let record = deps.counters.record_action(&action, &nonce)?;
        let writes = vec![effect, deps.incidents.save_with(&incident, &contained)?, record];
        if deps.transactions.write(writes).await? == Transacted::Done {
            trail.record(Event::new(EventKind::IncidentContained).reason(format!("{} {id}", containment.as_str())));
            return Ok(live.outcome(Ok(contained)));
        }
    }
    Ok(live.outcome(Err(Denial::Conflict)))
}

/// The write, and to whom or what it happens; a denial where the incident is about nothing of the kind.
async fn effect(
    deps: &Deps,
    (asked, role): (&Asked<'_>, Role),
    incident: &Incident,
    containment: Containment,
) -> Result<Result<(Write, String), Denial>, Fault> {
    match containment {
        Containment::EndSessions | Containment::RequirePasswordChange => {
            let account = match contained_account(deps, role, incident).await? {
                Ok(account) => account,
                Err(denial) => return Ok(Err(denial)),
            };
            let write = match containment {
                Containment::RequirePasswordChange => deps.accounts.require_change(&account)?,
                // Known devices as well: one of them may be whoever it is kept from.
                _ => deps.accounts.end_sessions(&account, true, asked.now)?,
            };
            Ok(Ok((write, account.subject.as_str().to_owned())))
        }
        Containment::BlockAddress { span, network: seen } => match network(incident) {
            None => Ok(Err(DOES_NOT_FIT)),
            Some(network) if seen.is_some_and(|seen| seen.trunc() != network) => Ok(Err(Denial::StaleVersion)),
            Some(network) => match address_allowed(deps, role, incident).await? {
                Err(denial) => Ok(Err(denial)),
                Ok(()) => block(deps, asked, network, span).await,
            },
        },
        Containment::UnblockAddress { network: seen } => match blocked(incident) {
            None => Ok(Err(DOES_NOT_FIT)),
            Some(network) if seen.is_some_and(|seen| seen.trunc() != network) => Ok(Err(Denial::StaleVersion)),
            Some(network) => unblock(deps, asked, incident, network).await,
        },
    }
}

const DOES_NOT_FIT: Denial = Denial::InvalidRequest(InvalidRequest::Containment);

/// The account that an incident is about. Staff contain regular accounts; those of staff and superusers are for superusers.
async fn contained_account(deps: &Deps, role: Role, incident: &Incident) -> Result<Result<Account, Denial>, Fault> {
    let Some(key) = &incident.account_key else {
        return Ok(Err(DOES_NOT_FIT));
    };
    match deps.accounts.get(key).await? {
        Found::Account(account) if account.subject.as_str() == incident.subject => {
            let is_allowed = role == Role::Superuser || account.role == Role::Regular;
            Ok(if is_allowed { Ok(*account) } else { Err(Denial::Forbidden) })
        }
        // Gone, or somebody else's name by now.
        Found::Account(_) | Found::Nothing => Ok(Err(DOES_NOT_FIT)),
        Found::Corrupt => Err(Fault::internal("an account cannot be read")),
    }
}

/// Whether the addresses of the account that an incident is about may be blocked by this role: those of staff are for superusers.
async fn address_allowed(deps: &Deps, role: Role, incident: &Incident) -> Result<Result<(), Denial>, Fault> {
    if incident.account_key.is_none() || role == Role::Superuser {
        return Ok(Ok(()));
    }
    Ok(match contained_account(deps, role, incident).await? {
        Err(Denial::Forbidden) => Err(Denial::Forbidden),
        // An account that is gone keeps nobody from blocking where it was used.
        Ok(_) | Err(_) => Ok(()),
    })
}

/// Lets in what this incident shut out, unless somebody else shut it out for another time.
async fn unblock(
    deps: &Deps,
    asked: &Asked<'_>,
    incident: &Incident,
    network: IpNet,
) -> Result<Result<(Write, String), Denial>, Fault> {
    let item = deps.counters.blocks().await?;
    let is_ours = |until: Timestamp| {
        let text = block_text(network, until);
        incident.timeline.iter().any(|entry| entry.text.as_ref().is_some_and(|noted| noted.as_str() == text))
    };
    if !item.blocks.iter().any(|block| block.network == network && is_ours(block.until)) {
        return Ok(Err(Denial::Conflict));
    }
    let blocks = item.blocks.without(network, asked.now);
    Ok(Ok((deps.counters.set_blocks(&item, &blocks)?, network.to_string())))
}

/// Never shorter than it is blocked already, and never whoever asks, or a proxy that everybody comes through.
async fn block(deps: &Deps, asked: &Asked<'_>, network: IpNet, span: Duration) -> Result<Result<(Write, String), Denial>, Fault> {
    let is_own = asked.seen.ip.is_in(&[network])
        || deps.trusted_proxies.iter().any(|proxy| network.contains(proxy) || proxy.contains(&network));
    if is_own {
        return Ok(Err(DOES_NOT_FIT));
    }
    let item = deps.counters.blocks().await?;
    let stands = item.blocks.iter().find(|block| block.network == network).map(|block| block.until);
    let wished = asked.now.plus(span);
    let until = wished.max(stands.unwrap_or(Timestamp::EPOCH));
    match item.blocks.with(Block { network, until }, asked.now) {
        Ok(blocks) => Ok(Ok((deps.counters.set_blocks(&item, &blocks)?, block_text(network, wished)))),
        Err(_) => Ok(Err(Denial::Conflict)),
    }
}
