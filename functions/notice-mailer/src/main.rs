//! The notice-mailer function's process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use palisade_edge::telemetry;
use palisade_flows::environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    palisade_edge::serve(async { start() }).await
}

fn start() -> Result<impl Fn(String, String) -> notice_mailer::Answering, Box<dyn Error + Send + Sync>> {
    let settings = environment::settings(notice_mailer::TABLES)?;
    telemetry::install(settings.log);
    telemetry::announce(&settings);
    let deps = Arc::new(notice_mailer::Deps::new(settings, &environment::parts()?)?);
    Ok(move |event, id| notice_mailer::invoke(Arc::clone(&deps), event, id))
}
