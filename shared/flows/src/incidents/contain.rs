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
use palisade_core::incident::record::Text;
use palisade_core::{ClientIp, Denial, Fault, InvalidRequest};

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
    /// Refuses the address for so long.
    BlockAddress(Duration),
    /// Takes that back.
    UnblockAddress,
}

impl Containment {
    /// Every word.
    pub const WORDS: [&str; 4] = ["end_sessions", "require_password_change", "block_address", "unblock_address"];

    /// The public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndSessions => "end_sessions",
            Self::RequirePasswordChange => "require_password_change",
            Self::BlockAddress(_) => "block_address",
            Self::UnblockAddress => "unblock_address",
        }
    }
}

/// The words of what can be done about `incident`: about its account, where it is about one, and about its address, where it has one.
pub fn containments(incident: &Incident) -> Vec<&'static str> {
    let of_account = Containment::WORDS.into_iter().take(2).filter(|_| incident.account_key.is_some());
    let of_address = Containment::WORDS.into_iter().skip(2).filter(|_| network(incident).is_some());
    of_account.chain(of_address).collect()
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
        let (effect, what) = match effect(deps, asked, &incident, containment).await? {
            Ok(effect) => effect,
            Err(denial) => return Ok(live.outcome(Err(denial))),
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
    asked: &Asked<'_>,
    incident: &Incident,
    containment: Containment,
) -> Result<Result<(Write, String), Denial>, Fault> {
    match containment {
        Containment::EndSessions | Containment::RequirePasswordChange => of_account(deps, asked, incident, containment).await,
        Containment::BlockAddress(_) | Containment::UnblockAddress => of_address(deps, asked, incident, containment).await,
    }
}

const DOES_NOT_FIT: Denial = Denial::InvalidRequest(InvalidRequest::Containment);

async fn of_account(
    deps: &Deps,
    asked: &Asked<'_>,
    incident: &Incident,
    containment: Containment,
) -> Result<Result<(Write, String), Denial>, Fault> {
    let Some(key) = &incident.account_key else {
        return Ok(Err(DOES_NOT_FIT));
    };
    let account = match deps.accounts.get(key).await? {
        Found::Account(account) if account.subject.as_str() == incident.subject => *account,
        // Gone, or somebody else's name by now.
        Found::Account(_) | Found::Nothing => return Ok(Err(DOES_NOT_FIT)),
        Found::Corrupt => return Err(Fault::internal("an account cannot be read")),
    };
    let write = match containment {
        Containment::RequirePasswordChange => deps.accounts.require_change(&account)?,
        _ => deps.accounts.end_sessions(&account, false, asked.now)?,
    };
    Ok(Ok((write, account.subject.as_str().to_owned())))
}

async fn of_address(
    deps: &Deps,
    asked: &Asked<'_>,
    incident: &Incident,
    containment: Containment,
) -> Result<Result<(Write, String), Denial>, Fault> {
    let Some(network) = network(incident) else {
        return Ok(Err(DOES_NOT_FIT));
    };
    let item = deps.counters.blocks().await?;
    let blocks = match containment {
        Containment::BlockAddress(span) => {
            let Ok(blocks) = item.blocks.with(Block { network, until: asked.now.plus(span) }, asked.now) else {
                return Ok(Err(Denial::Conflict));
            };
            blocks
        }
        _ => item.blocks.without(network, asked.now),
    };
    Ok(Ok((deps.counters.set_blocks(&item, &blocks)?, network.to_string())))
}
