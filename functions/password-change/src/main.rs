//! The password change function's process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(start()).await
}

async fn start() -> Result<impl Fn(String, String) -> password_change::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(password_change::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(password_change::Deps::new(&settings, &environment::parts()?)?);
    deps.warm_up().await;
    Ok(move |event, id| password_change::invoke(Arc::clone(&deps), event, id))
}
