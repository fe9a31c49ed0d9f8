//! The one door into the Lambda runtime, over the event's raw text.

use std::error::Error;
use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;

/// A call that ends as an error carries this text and no other.
#[derive(Debug)]
struct Failed;

impl From<Failed> for Diagnostic {
    fn from(_: Failed) -> Self {
        Self { error_type: "Internal".to_owned(), error_message: "internal".to_owned() }
    }
}

/// Starts the function that `start` makes and serves it until the environment ends. A start that fails is told in one line.
pub async fn serve<F, Fut, E>(start: impl Future<Output = Result<F, E>>) -> ExitCode
where
    F: Fn(String, String) -> Fut,
    Fut: Future<Output = String>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let function = match start.await {
        Ok(function) => function,
        Err(error) => {
            let error = error.into();
            // The settings that name the log's level may be what is wrong.
            crate::telemetry::install(palisade_core::settings::LogLevel::Info);
            tracing::error!(target: "palisade", %error, "the function does not start");
            return ExitCode::FAILURE;
        }
    };
    let served = lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let result = function(event.payload.get().to_owned(), event.context.request_id).await;
        RawValue::from_string(result).map_err(|_| Failed)
    }));
    match served.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
