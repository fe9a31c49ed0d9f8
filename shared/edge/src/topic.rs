//! Messages of an SNS topic that call a function: what they ask to look at.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use palisade_core::Fault;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::notice::NoticeId;
use serde_json::Value;

use crate::serve::Outcome;
use crate::telemetry;

/// How long the messages of one call may take: below the function's own 30 s.
const DEADLINE: Duration = Duration::from_secs(25);

/// The result for `event`: nothing, once `handle` has dealt with every notice that its messages name; else an error, so that the call is made
/// again. A message that names none can never be dealt with: it is told of and left.
pub async fn notices<F>(event: &str, runtime_id: &str, handle: F) -> Outcome
where
    F: AsyncFnOnce(Vec<NoticeId>, &mut Trail) -> Vec<Fault>,
{
    let mut trail = Trail::default();
    let ids = read(event, &mut trail);
    let work = AssertUnwindSafe(handle(ids, &mut trail)).catch_unwind();
    let done = tokio::time::timeout(DEADLINE, work).await;
    let outcome = match done {
        Ok(Ok(faults)) if faults.is_empty() => Outcome::Result("null".to_owned()),
        Ok(Ok(faults)) => {
            for fault in &faults {
                trail.record(Event::new(EventKind::AlertFailed).reason(fault.chain()));
            }
            Outcome::Error("not sent")
        }
        // The hook has told of a panic.
        Ok(Err(_)) => Outcome::Error("not sent"),
        Err(_) => {
            trail.note(EventKind::DeadlineExceeded);
            Outcome::Error("not sent")
        }
    };
    telemetry::emit_of(runtime_id, "", "", trail.into_events());
    outcome
}

fn read(event: &str, trail: &mut Trail) -> Vec<NoticeId> {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let records = event.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
    let ids: Vec<Option<NoticeId>> = records.iter().map(id).collect();
    if ids.is_empty() || ids.contains(&None) {
        trail.record(Event::new(EventKind::AlertFailed).reason("no notice in the message"));
    }
    ids.into_iter().flatten().collect()
}

fn id(record: &Value) -> Option<NoticeId> {
    let message: Value = serde_json::from_str(record.pointer("/Sns/Message")?.as_str()?).ok()?;
    NoticeId::parse(message.get("id")?.as_str()?)
}
