//! The one door into the Lambda runtime, over the event's raw text.

use std::error::Error;
use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;

/// What a call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A result: the JSON text of it.
    Result(String),
    /// An error with a fixed text: what the REST API turns into a 401, what Cognito shows.
    Error(&'static str),
}

impl From<String> for Outcome {
    fn from(result: String) -> Self {
        Self::Result(result)
    }
}

/// A call that ends as an error, with its text.
#[derive(Debug)]
struct Failed(&'static str);

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self { error_type: "Refused".to_owned(), error_message: failed.0.to_owned() }
    }
}

/// Starts the function that `start` makes and serves it until the environment ends. A start that fails is told in one line.
pub async fn serve<F, Fut, O, E>(start: impl Future<Output = Result<F, E>>) -> ExitCode
where
    F: Fn(String, String) -> Fut,
    Fut: Future<Output = O>,
    O: Into<Outcome>,
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
        match result.into() {
            Outcome::Result(text) => RawValue::from_string(text).map_err(|_| Failed("internal")),
            Outcome::Error(text) => Err(Failed(text)),
        }
    }));
    match served.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
