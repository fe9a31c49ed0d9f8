//! The process behind a user pool's triggers.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(start()).await
}

async fn start() -> Result<impl Fn(String, String) -> cognito_triggers::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(cognito_triggers::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(cognito_triggers::Deps::new(&settings, &environment::parts()?)?);
    deps.warm_up().await;
    Ok(move |event, id| cognito_triggers::invoke(Arc::clone(&deps), event, id))
}
