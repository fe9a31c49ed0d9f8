//! The alert-fan-out function's process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(async { start() }).await
}

fn start() -> Result<impl Fn(String, String) -> alert_fan_out::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(alert_fan_out::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(alert_fan_out::Deps::new(settings, &environment::parts()?)?);
    Ok(move |event, id| alert_fan_out::invoke(Arc::clone(&deps), event, id))
}
