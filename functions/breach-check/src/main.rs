//! The breach check function's process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(start()).await
}

async fn start() -> Result<impl Fn(String, String) -> breach_check::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(breach_check::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(breach_check::Deps::new(&settings, &environment::parts()?)?);
    deps.warm_up().await;
    Ok(move |event, id| breach_check::invoke(Arc::clone(&deps), event, id))
}
