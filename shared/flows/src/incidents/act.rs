//! One action on one incident.

use palisade_cloud::Incidents;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::incident::Incident;
use palisade_core::incident::record::Action;
use palisade_core::{Denial, Fault, Timestamp};

use super::{Asked, Deps};
use crate::Outcome;

/// Does `action` with the incident `id`, if it still has the `version` that was seen; the incident after it.
///
/// # Errors
/// A fault when the store failed.
pub async fn act(
    deps: &Deps,
    asked: &Asked<'_>,
    id: &str,
    (version, action): (u64, &Action),
    trail: &mut Trail,
) -> Result<Outcome<Incident>, Fault> {
    let live = match deps.staff(asked, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, asked.now)),
    };
    let incident = match deps.find(id, asked.now).await? {
        Ok(incident) if incident.version == version => incident,
        Ok(_) => return Ok(live.outcome(Err(Denial::StaleVersion))),
        Err(denial) => return Ok(live.outcome(Err(denial))),
    };
    let changed = change(&deps.incidents, &incident, action, live.account.subject.as_str(), asked.now).await?;
    if changed.is_ok() {
        trail.record(Event::new(EventKind::IncidentUpdated).reason(format!("{} {id}", action.verb().as_str())));
    }
    Ok(live.outcome(changed))
}

/// `incident` after `action` by `by`, once it is stored.
///
/// # Errors
/// A fault when the store failed.
pub async fn change(
    incidents: &Incidents,
    incident: &Incident,
    action: &Action,
    by: &str,
    now: Timestamp,
) -> Result<Result<Incident, Denial>, Fault> {
    let Ok(changed) = incident.apply(action, by, now) else {
        return Ok(Err(Denial::IllegalTransition));
    };
    let is_saved = incidents.save(incident, &changed).await?;
    Ok(if is_saved { Ok(changed) } else { Err(Denial::StaleVersion) })
}
