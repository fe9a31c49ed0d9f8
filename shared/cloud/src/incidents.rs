//! The incidents table: one record per kind, subject and window, counted up by each occurrence.
//!
//! Its indexes carry nothing that an occurrence changes, so that counting up is one unit however many there are.

mod item;
mod list;

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use palisade_core::alert::Channel;
use palisade_core::incident::record::KEPT;
use palisade_core::incident::{Incident, IncidentId, Occurrence};
use palisade_core::settings::{Settings, Table};
use palisade_core::{Fault, Timestamp};

use crate::call::fault;
use crate::delivery::{Claim, Delivery, Terms};
use crate::item::{millis, n, s, ttl};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

pub use list::{Place, Summaries, Summary, Which};

/// The incidents table.
#[derive(Debug, Clone)]
pub struct Incidents(TableHandle);

/// An incident as it was found.
#[derive(Debug)]
pub enum Found {
    /// It is there.
    Incident(Box<Incident>),
    /// It is not, or is garbage.
    Nothing,
    /// It cannot be read.
    Corrupt,
}

impl Incidents {
    /// # Errors
    /// A fault when the settings do not name the table.
    pub fn new(store: &Store, settings: &Settings) -> Result<Self, Fault> {
        store.table(settings, Table::Incidents).map(Self)
    }

    /// Opens the record of `occurrence`, or counts it up, as part of a transaction.
    pub fn upsert(&self, occurrence: &Occurrence) -> Result<Write, Fault> {
        let update = Update::builder()
            .table_name(&self.0.name)
            .key(KEY, s(occurrence.incident_id().as_str()))
            .update_expression(upsert_expression(occurrence))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(values(occurrence)));
        Write::update(update)
    }

    /// The same alone.
    pub async fn record(&self, occurrence: &Occurrence) -> Result<(), Fault> {
        let id = occurrence.incident_id();
        let update = self.0.client.update_item().table_name(&self.0.name).key(KEY, s(id.as_str()));
        let update = update
            .update_expression(upsert_expression(occurrence))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(values(occurrence)));
        update.send().await.map(drop).map_err(|error| fault("write of incidents", &error))
    }

    /// The incident `id`, by a strongly consistent read.
    pub async fn get(&self, id: &IncidentId, now: Timestamp) -> Result<Found, Fault> {
        let get = self.0.client.get_item().table_name(&self.0.name).key(KEY, s(id.as_str())).consistent_read(true);
        let reply = get.send().await.map_err(|error| fault("read of incidents", &error))?;
        Ok(match reply.item.as_ref().map(item::decode) {
            None => Found::Nothing,
            Some(None) => Found::Corrupt,
            Some(Some(incident)) if incident.is_expired(now) => Found::Nothing,
            Some(Some(incident)) => Found::Incident(Box::new(incident)),
        })
    }

    /// Replaces what operators can change of `from` by what `to` says, unless somebody did so since it was read; whether it did.
    pub async fn save(&self, from: &Incident, to: &Incident) -> Result<bool, Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key(KEY, s(from.id.as_str()));
        let update = update
            .update_expression(item::save_expression(to))
            .condition_expression(SAME_VERSION)
            .set_expression_attribute_names(Some(item::save_names(to)))
            .set_expression_attribute_values(Some(item::save_values(from, to)));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {
                Ok(false)
            }
            Err(error) => Err(fault("change of incidents", &error)),
        }
    }

    /// The same as part of a transaction.
    pub fn save_with(&self, from: &Incident, to: &Incident) -> Result<Write, Fault> {
        let update = Update::builder()
            .table_name(&self.0.name)
            .key(KEY, s(from.id.as_str()))
            .update_expression(item::save_expression(to))
            .condition_expression(SAME_VERSION)
            .set_expression_attribute_names(Some(item::save_names(to)))
            .set_expression_attribute_values(Some(item::save_values(from, to)));
        Write::update(update)
    }

    /// Takes it upon itself to tell of `id` at `milestone` on `channel`; see [`Claim`].
    pub async fn claim(
        &self,
        (id, channel): (&IncidentId, Channel),
        milestone: u64,
        terms: Terms<'_>,
    ) -> Result<Claim<Incident>, Fault> {
        self.delivery(id, channel).claim(milestone, terms, item::decode).await
    }

    /// Marks that it was told by whoever claimed it as `nonce`.
    pub async fn told(&self, (id, channel): (&IncidentId, Channel), milestone: u64, nonce: &str) -> Result<(), Fault> {
        self.delivery(id, channel).told(milestone, nonce).await
    }

    /// Lets others try at once what could not be told.
    pub async fn release(&self, (id, channel): (&IncidentId, Channel), nonce: &str) -> Result<(), Fault> {
        self.delivery(id, channel).release(nonce).await
    }

    fn delivery<'a>(&'a self, id: &'a IncidentId, channel: Channel) -> Delivery<'a> {
        Delivery { table: &self.0, key: (KEY, id.as_str()), channel: channel.as_str() }
    }
}

const KEY: &str = "incident_id";

const SAME_VERSION: &str = "version = :from";

fn upsert_expression(occurrence: &Occurrence) -> String {
    let account = if occurrence.account_key.is_some() { ", account_key = :account" } else { "" };
    format!(
        "SET #type = :type, subject = :subject, severity = :severity, #status = if_not_exists(#status, :open), \
         status_severity = if_not_exists(status_severity, :open_severity), created_at = if_not_exists(created_at, :now), \
         listed_at = if_not_exists(listed_at, :listed), updated_at = if_not_exists(updated_at, :now), \
         version = if_not_exists(version, :zero), expires_at = if_not_exists(expires_at, :end), reason = :reason, ip = :ip, last_occurred_at = :now{account} \
         ADD occurrences :one"
    )
}

fn names() -> HashMap<String, String> {
    [("#type", "type"), ("#status", "status")].map(|(short, name)| (short.to_owned(), name.to_owned())).into()
}

fn values(occurrence: &Occurrence) -> HashMap<String, AttributeValue> {
    let severity = occurrence.kind.severity().as_str();
    let values = [
        (":type", s(occurrence.kind.as_str())),
        (":subject", s(&occurrence.subject)),
        (":severity", s(severity)),
        (":open", s("open")),
        (":open_severity", s(format!("open#{severity}"))),
        (":now", millis(occurrence.at)),
        (":listed", s(Place::of(occurrence.at, &occurrence.incident_id()).as_str())),
        (":reason", s(occurrence.reason)),
        (":ip", s(&occurrence.ip)),
        (":end", ttl(occurrence.at.plus(KEPT))),
        (":zero", n(0)),
        (":one", n(1)),
    ];
    let account = occurrence.account_key.as_ref().map(|key| (":account", s(key.as_str())));
    values.into_iter().chain(account).map(|(name, value)| (name.to_owned(), value)).collect()
}
