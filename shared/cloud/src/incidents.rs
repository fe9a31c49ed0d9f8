//! The incidents table: one record per kind, subject and window, counted up by each occurrence.

use aws_sdk_dynamodb::types::Update;
use palisade_core::Fault;
use palisade_core::incident::Occurrence;
use palisade_core::settings::{Settings, Table};

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

    /// Opens the record of `occurrence`, or counts it up.
    pub fn upsert(&self, occurrence: &Occurrence) -> Result<Write, Fault> {
        let severity = occurrence.kind.severity().as_str();
        let update = Update::builder()
            .table_name(&self.0.name)
            .key("incident_id", s(occurrence.incident_id()))
            .update_expression(
                "SET #type = :type, subject = :subject, severity = :severity, #status = if_not_exists(#status, :open), \
                 status_severity = if_not_exists(status_severity, :open_severity), created_at = if_not_exists(created_at, :now), \
                 updated_at = :now, reason = :reason, ip = :ip ADD occurrences :one",
            )
            .expression_attribute_names("#type", "type")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":type", s(occurrence.kind.as_str()))
            .expression_attribute_values(":subject", s(&occurrence.subject))
            .expression_attribute_values(":severity", s(severity))
            .expression_attribute_values(":open", s("open"))
            .expression_attribute_values(":open_severity", s(format!("open#{severity}")))
            .expression_attribute_values(":now", millis(occurrence.at))
            .expression_attribute_values(":reason", s(occurrence.reason))
            .expression_attribute_values(":ip", s(&occurrence.ip))
            .expression_attribute_values(":one", n(1));
        Write::update(update)
    }
}
