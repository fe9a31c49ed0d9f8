//! A function whose handlers panic with a secret in the message: how the suite sees that none of it gets out.

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use palisade_core::KeyRing;
use palisade_core::event::Trail;
use palisade_core::settings::LogLevel;
use palisade_edge::{Front, HttpRequest, HttpResponse, answer, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::install(LogLevel::Trace);
    let start = async { Ok::<_, Infallible>(invoke) };
    palisade_edge::serve(start).await
}

async fn invoke(event: String, request_id: String) -> String {
    let keys = Arc::new(KeyRing::parse(palisade_local::SECRET).expect("a secret"));
    let deadline = Duration::from_millis(200);
    let front = Front { own_origins: Vec::new(), trusted_proxies: Vec::new(), deadline, hsts_preload: false, keys };
    answer(&front, &event, &request_id, handle).await
}

async fn handle(request: &HttpRequest, _: &mut Trail) -> HttpResponse {
    let secret = String::from_utf8(request.body.as_ref().map(|body| body.to_vec()).unwrap_or_default()).unwrap_or_default();
    match request.path.as_str() {
        "/late" => {
            tokio::task::yield_now().await;
            panic!("{secret}")
        }
        "/never" => std::future::pending().await,
        _ => panic!("{secret}"),
    }
}
