//! Listings: one query for each pair of status and severity asked for, or one for a kind, merged newest first.

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::future::try_join_all;
use palisade_cloud::Incidents;
use palisade_cloud::incidents::{Place, Summary, Which};
use palisade_core::event::Trail;
use palisade_core::incident::{IncidentKind, IncidentSeverity, IncidentStatus};
use palisade_core::keys::Use;
use palisade_core::{Denial, Fault, InvalidRequest, KeyRing, Timestamp};

use super::{Asked, Deps};
use crate::Outcome;

/// How many incidents a page holds.
const PAGE: usize = 50;

/// Which incidents; an empty list means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Where they stand.
    pub statuses: Vec<IncidentStatus>,
    /// How bad they are.
    pub severities: Vec<IncidentSeverity>,
    /// What they are.
    pub kind: Option<IncidentKind>,
}

/// A page.
#[derive(Debug)]
pub struct Listing {
    /// Newest first.
    pub incidents: Vec<Summary>,
    /// Where the next page begins, if there may be one.
    pub cursor: Option<String>,
}

/// The page of `filter` that `cursor` stands for, or the first.
///
/// # Errors
/// A fault when the store failed.
pub async fn list(
    deps: &Deps,
    asked: &Asked<'_>,
    filter: &Filter,
    cursor: Option<&str>,
    trail: &mut Trail,
) -> Result<Outcome<Listing>, Fault> {
    let live = match deps.staff(asked, trail).await? {
        Ok(live) => live,
        Err(denial) => return Ok(Outcome::denied(denial, asked.now)),
    };
    let before = match cursor.map(|cursor| read(cursor, &deps.keys).ok_or(Denial::InvalidRequest(InvalidRequest::Query))) {
        None => None,
        Some(Ok(place)) => Some(place),
        Some(Err(denial)) => return Ok(live.outcome(Err(denial))),
    };
    let (incidents, next) = page(&deps.incidents, filter, before.as_ref(), asked.now).await?;
    let cursor = next.map(|place| write(&place, &deps.keys));
    Ok(live.outcome(Ok(Listing { incidents, cursor })))
}

/// A page of `filter` older than `before`, and where the next one begins, if there may be one.
///
/// # Errors
/// A fault when the store failed.
pub async fn page(
    incidents: &Incidents,
    filter: &Filter,
    before: Option<&Place>,
    now: Timestamp,
) -> Result<(Vec<Summary>, Option<Place>), Fault> {
    let queries = partitions(filter).into_iter().map(|which| incidents.list(which, before, PAGE, now));
    let answers = try_join_all(queries).await?;
    // What is older than where a query stopped may have newer ones before it that were not read yet.
    let horizon = answers.iter().filter_map(|answer| answer.reached.clone()).max();
    let mut found: Vec<Summary> = answers.into_iter().flat_map(|answer| answer.found).collect();
    found.retain(|summary| horizon.as_ref().is_none_or(|horizon| summary.place >= *horizon));
    found.sort_by(|a, b| b.place.cmp(&a.place));
    // One that changes meanwhile can be found where it was and where it is.
    found.dedup_by(|a, b| a.place == b.place);
    let is_cut = found.len() > PAGE;
    found.truncate(PAGE);
    let next = if is_cut { found.last().map(|last| last.place.clone()) } else { horizon };
    found.retain(|summary| filter.covers(summary));
    Ok((found, next))
}

impl Filter {
    fn covers(&self, summary: &Summary) -> bool {
        let is_status = self.statuses.is_empty() || self.statuses.contains(&summary.status);
        let is_severity = self.severities.is_empty() || self.severities.contains(&summary.severity);
        is_status && is_severity && self.kind.is_none_or(|kind| kind == summary.kind)
    }
}

/// The fewest partitions that hold everything asked for.
fn partitions(filter: &Filter) -> Vec<Which<'_>> {
    if let Some(kind) = filter.kind {
        // A kind has one severity.
        let is_asked_for = filter.severities.is_empty() || filter.severities.contains(&kind.severity());
        return if is_asked_for { vec![Which::Kind(kind, &filter.statuses)] } else { Vec::new() };
    }
    let severities = if filter.severities.is_empty() { &IncidentSeverity::ALL[..] } else { &filter.severities };
    let statuses = if filter.statuses.is_empty() { &IncidentStatus::ALL[..] } else { &filter.statuses };
    let pairs = statuses.iter().flat_map(|status| severities.iter().map(|severity| Which::StatusAndSeverity(*status, *severity)));
    let mut different = Vec::new();
    for pair in pairs {
        if !different.contains(&pair) {
            different.push(pair);
        }
    }
    different
}

/// `<place>.<key id>.<tag>`: whoever makes one up learns nothing from it.
fn write(place: &Place, keys: &KeyRing) -> String {
    let tag = keys.sign(Use::Cursor, &[place.as_str().as_bytes()]);
    let encode = Base64UrlUnpadded::encode_string;
    format!("{}.{}.{}", encode(place.as_str().as_bytes()), keys.current_id(), encode(&tag))
}

fn read(cursor: &str, keys: &KeyRing) -> Option<Place> {
    let mut parts = cursor.splitn(3, '.');
    let (place, key_id, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let place = Base64UrlUnpadded::decode_vec(place).ok()?;
    let tag = Base64UrlUnpadded::decode_vec(tag).ok()?;
    let is_ours = keys.verify(Use::Cursor, key_id, &[&place], &tag);
    is_ours.then(|| Place::parse(std::str::from_utf8(&place).ok()?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d13_a_cursor_is_opaque_and_only_ours() {
        let keys = KeyRing::parse("a-marked-fake-secret-for-tests-0001").unwrap();
        let place = Place::parse("001999998000000#AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let cursor = write(&place, &keys);
        assert!(!cursor.contains("1999998"));
        assert_eq!(read(&cursor, &keys), Some(place));
        let forged = cursor.replacen(|c: char| c.is_ascii_digit(), "x", 1);
        for bad in ["", "..", "a.b.c", forged.as_str(), &cursor[..cursor.len() - 1]] {
            assert_eq!(read(bad, &keys), None, "{bad}");
        }
    }

    #[test]
    fn r54_one_query_for_each_pair_asked_for() {
        let count = |filter: Filter| partitions(&filter).len();
        let (statuses, severities) = (vec![IncidentStatus::Open, IncidentStatus::Open], vec![IncidentSeverity::High]);
        assert_eq!(count(Filter { statuses: statuses.clone(), severities, kind: None }), 1);
        assert_eq!(count(Filter { statuses, ..Filter::default() }), 4);
        assert_eq!(count(Filter::default()), 16);
        assert_eq!(count(Filter { kind: Some(IncidentKind::BruteForce), ..Filter::default() }), 1);
        let statuses = vec![IncidentStatus::Open, IncidentStatus::Investigating];
        assert_eq!(count(Filter { statuses, kind: Some(IncidentKind::BruteForce), ..Filter::default() }), 1);
        let severities = vec![IncidentSeverity::Low];
        assert_eq!(count(Filter { severities, kind: Some(IncidentKind::BruteForce), ..Filter::default() }), 0);
    }
}
