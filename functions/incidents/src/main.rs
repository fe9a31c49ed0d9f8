//! The incidents function's process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(start()).await
}

async fn start() -> Result<impl Fn(String, String) -> incidents::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(incidents::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(incidents::Deps::new(&settings, &environment::parts()?)?);
    deps.warm_up().await;
    Ok(move |event, id| incidents::invoke(Arc::clone(&deps), event, id))
}
