//! A function whose handlers panic with a secret in the message: how the suite sees that none of it gets out.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use palisade_core::settings::LogLevel;
use palisade_edge::{HttpRequest, HttpResponse, Invocation, answer, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::install(LogLevel::Trace);
    let start = async { Ok::<_, Infallible>(invoke) };
    palisade_edge::serve(start).await
}

async fn invoke(event: String, request_id: String) -> String {
    let invocation = Invocation { request_id, deadline: Duration::from_millis(200), hsts_preload: false };
    answer(&event, &invocation, handle).await
}

async fn handle(request: HttpRequest) -> HttpResponse {
    let secret = String::from_utf8(request.body.map(|body| body.to_vec()).unwrap_or_default()).unwrap_or_default();
    match request.path.as_str() {
        "/late" => {
            tokio::task::yield_now().await;
            panic!("{secret}")
        }
        "/never" => std::future::pending().await,
        _ => panic!("{secret}"),
    }
}
