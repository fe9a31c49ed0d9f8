//! The incidents table: one record per kind, subject and window, counted up by each occurrence.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use palisade_core::Fault;
use palisade_core::incident::Occurrence;
use palisade_core::settings::{Settings, Table};

use crate::call::fault;
use crate::item::{millis, n, s};
use crate::store::{Store, TableHandle};
use crate::transact::Write;

/// The incidents table.
#[derive(Debug, Clone)]
pub struct Incidents(TableHandle);

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
            .key("incident_id", s(occurrence.incident_id()))
            .update_expression(UPSERT)
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(values(occurrence)));
        Write::update(update)
    }

    /// The same alone.
    pub async fn record(&self, occurrence: &Occurrence) -> Result<(), Fault> {
        let update = self.0.client.update_item().table_name(&self.0.name).key("incident_id", s(occurrence.incident_id()));
        let update = update
            .update_expression(UPSERT)
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(values(occurrence)));
        update.send().await.map(drop).map_err(|error| fault("write of incidents", &error))
    }
}

const UPSERT: &str = "SET #type = :type, subject = :subject, severity = :severity, #status = if_not_exists(#status, :open), \
                      status_severity = if_not_exists(status_severity, :open_severity), \
                      created_at = if_not_exists(created_at, :now), updated_at = :now, reason = :reason, ip = :ip \
                      ADD occurrences :one";

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
        (":reason", s(occurrence.reason)),
        (":ip", s(&occurrence.ip)),
        (":one", n(1)),
    ];
    values.map(|(name, value)| (name.to_owned(), value)).into()
}
