//! The session validation function's process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(start()).await
}

async fn start() -> Result<impl Fn(String, String) -> session_validation::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(session_validation::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(session_validation::Deps::new(&settings, &environment::parts()?)?);
    deps.warm_up().await;
    Ok(move |event, id| session_validation::invoke(Arc::clone(&deps), event, id))
}
