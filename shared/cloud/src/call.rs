//! Turns a failed SDK call into a fault that says what failed and nothing of what was sent.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use palisade_core::Fault;

/// A failed call: how, and the service's error code. The service's message is left out, since it can repeat keys and values.
#[derive(Debug, thiserror::Error)]
#[error("{how} ({code})")]
struct CallError {
    how: &'static str,
    code: String,
}

/// The fault behind `error` in the call that `what` names.
pub(crate) fn fault<E: ProvideErrorMetadata, R>(what: &'static str, error: &SdkError<E, R>) -> Fault {
    let how = match error {
        SdkError::ConstructionFailure(_) => "request not built",
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "not sent",
        SdkError::ResponseError(_) => "unreadable answer",
        SdkError::ServiceError(_) => "refused",
        _ => "failed",
    };
    let code = error.code().unwrap_or("no code").to_owned();
    Fault::unavailable(what, CallError { how, code })
}
